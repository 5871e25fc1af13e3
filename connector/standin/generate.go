package standin

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// Sizes say how large a generated organisation is, by the names that a Maker
// takes: "boards", "people".
type Sizes map[string]int

// ParseSizes reads "boards=300,people=400"; names are the legal ones. What is
// not named is not in the result.
func ParseSizes(text string, names []string) (Sizes, error) {
	out := Sizes{}
	for part := range strings.SplitSeq(text, ",") {
		name, number, ok := strings.Cut(strings.TrimSpace(part), "=")
		n, err := strconv.Atoi(number)
		_, twice := out[name]
		switch {
		case !slices.Contains(names, name):
			return nil, fmt.Errorf("%q is no size of what is generated: write name=number, where name is one of %s", name, strings.Join(names, ", "))
		case !ok || err != nil || n < 0:
			return nil, fmt.Errorf("%s wants a number: write %s=10", name, name)
		case twice:
			return nil, fmt.Errorf("%s is given twice: once will do", name)
		}
		out[name] = n
	}
	return out, nil
}

// Get returns a size, or what it is where it was not given.
func (z Sizes) Get(name string, standard int) int {
	if n, ok := z[name]; ok {
		return n
	}
	return standard
}
