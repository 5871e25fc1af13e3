package standin

import (
	"reflect"
	"strings"
	"testing"
)

func TestParseSizes(t *testing.T) {
	names := []string{"boards", "people"}
	for text, want := range map[string]Sizes{
		"boards=300":            {"boards": 300},
		" boards=0 , people=12": {"boards": 0, "people": 12}, //nolint:gocritic // the space is the case
	} {
		if got, err := ParseSizes(text, names); err != nil || !reflect.DeepEqual(got, want) {
			t.Errorf("%q: %v, %v", text, got, err)
		}
	}
	for text, say := range map[string]string{
		"":                  "boards, people",
		"cards=1":           `"cards"`,
		"boards":            "boards=10",
		"boards=many":       "boards=10",
		"boards=-1":         "boards=10",
		"boards=1,boards=2": "twice",
		"boards=1,":         `""`,
	} {
		if got, err := ParseSizes(text, names); err == nil || !strings.Contains(err.Error(), say) {
			t.Errorf("%q: %v, %v; want an error with %s", text, got, err, say)
		}
	}
	if z := (Sizes{"boards": 0}); z.Get("boards", 5) != 0 || z.Get("people", 7) != 7 {
		t.Error("a size that is given is not what Get returns")
	}
}
