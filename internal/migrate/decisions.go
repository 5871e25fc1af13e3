package migrate

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/rialto-migrate/rialto/internal/sheet"
)

// Decided is who decided, as the user wrote it: a name or a role, and a date. It
// is for reports alone. It is no part of the Spec, so that neither the mover nor
// the ledger ever holds it.
type Decided struct {
	By     map[string]string // by the decision; see decisionNames
	People map[string]int    // how many people each decider of the people file decided on, "" for nobody named
}

// Decisions that are no policy. decidedPolicies stands for all policies that have
// no line of their own.
const (
	decidedPolicies = "policies"
	decidedPeople   = "people"
	decidedMap      = "map"
	decidedAccept   = "accept"
	decidedCutover  = "cutover"
)

// colDecidedBy is the column of the map and of the people file that says who
// decided a line.
const colDecidedBy = "decided by"

// ByDefault stands in place of a decider where nobody is named and the choice is
// the one that the program makes unasked.
const ByDefault = "default of the program"

func decisionNames() []string {
	return append(PolicyNames(), decidedPolicies, decidedPeople, decidedMap, decidedAccept, decidedCutover)
}

// A Decision is one choice that a migration rests on.
type Decision struct {
	Name   string `json:"name"`
	Choice string `json:"choice"`
	By     string `json:"by,omitempty"` // who decided, ByDefault, or "" where nobody is named
}

// Decisions are the choices of a migration and who made them.
type Decisions struct {
	Choices []Decision `json:"choices"`
	// Containers says, by the id at the source, who decided a line of the map.
	Containers map[string]string `json:"containers,omitempty"`
}

// By is who decided something, by its name; "" if nobody is named.
func (d Decisions) By(name string) string {
	if i := slices.IndexFunc(d.Choices, func(c Decision) bool { return c.Name == name }); i >= 0 {
		return d.Choices[i].By
	}
	return ""
}

// Accepted is who accepted that more people see a container.
func (d Decisions) Accepted() string { return d.By(decidedAccept) }

// Decisions lists the choices that hold, each with who made it: the policies, the
// people, the map, what was accepted, and the cut-over.
func (f *File) Decisions() Decisions {
	out := Decisions{Containers: map[string]string{}}
	add := func(name, choice, by string, unasked bool) {
		if by == "" && unasked {
			by = ByDefault
		}
		out.Choices = append(out.Choices, Decision{name, choice, by})
	}
	for _, name := range PolicyNames() {
		choice := f.Policies.Get(name)
		add(name, choice, cmp.Or(f.Decided.By[name], f.Decided.By[decidedPolicies]), choice == PolicyChoices(name)[0])
	}
	people := f.Decided.By[decidedPeople]
	add("people.left", cmp.Or(f.People.Left, "as people.others says"), people, f.People.Left == "")
	add("people.others", cmp.Or(f.People.Others, "a run refuses while somebody who is assigned is undecided"), people, f.People.Others == "")
	for _, by := range slices.Sorted(maps.Keys(f.Decided.People)) {
		add(decidedPeople, counted(f.Decided.People[by], "person by hand", "people by hand"), cmp.Or(by, people), false)
	}
	moves, stay := map[string]int{}, map[string]int{}
	for _, row := range f.Map {
		by := cmp.Or(row.By, f.Decided.By[decidedMap])
		moves[by] += 0
		if by != "" {
			out.Containers[row.Source] = by
		}
		if row.Out {
			stay[by]++
		} else {
			moves[by]++
		}
	}
	for _, by := range slices.Sorted(maps.Keys(moves)) {
		choice := counted(moves[by], "container moves", "containers move")
		if n := stay[by]; n > 0 {
			choice += ", " + counted(n, "stays", "stay")
		}
		add(decidedMap, choice, by, false)
	}
	switch by := f.Decided.By[decidedAccept]; {
	case f.Accept.Widening:
		add(decidedAccept, "more people may see any container", by, false)
	case len(f.Accept.Widen) > 0:
		add(decidedAccept, "more people may see "+counted(len(f.Accept.Widen), "container", "containers"), by, false)
	}
	if by := f.Decided.By[decidedCutover]; by != "" {
		add(decidedCutover, "the old places are closed", by, false)
	}
	return out
}

// readDecider reads who decided a line. Spreadsheets keep a date as a number of days.
func readDecider(r sheet.Row) (string, error) {
	by := r.Get(colDecidedBy)
	if by != "" && strings.Trim(by, "0123456789.,") == "" {
		return "", r.Errorf("%q in the column %s names nobody; a spreadsheet makes such a number of a date: write a name or a role, and the date behind it", by, colDecidedBy)
	}
	return by, nil
}

// deciders counts the decisions of a people file by who made them.
func (t *PeopleTable) deciders() map[string]int {
	out := map[string]int{}
	for _, r := range t.rows {
		if r.target != "" {
			out[r.cells[colDecidedBy]]++
		}
	}
	return out
}

// decided reads who decided what: a mapping of decisions to texts.
func (r *reader) decided(n *yaml.Node) map[string]string {
	const example = `such as decided: {policies: "Kari Nordmann, 2026-11-02"}`
	if n.Kind != yaml.MappingNode {
		r.fail(n, "expected what was decided, with who decided it and when, %s", example)
		return nil
	}
	out := map[string]string{}
	for i := 0; i+1 < len(n.Content); i += 2 {
		k, v := n.Content[i], n.Content[i+1]
		_, twice := out[k.Value]
		switch {
		case !slices.Contains(decisionNames(), k.Value) && v.Tag == "!!null":
			r.fail(k, "unknown key %q; put a text that has a comma into quotes, %s", k.Value, example)
		case !slices.Contains(decisionNames(), k.Value):
			r.fail(k, "unknown key %q; the keys here are %s", k.Value, strings.Join(decisionNames(), ", "))
		case twice:
			r.fail(k, "the key %q stands here twice", k.Value)
		case v.Tag == "!!null" || v.Kind == yaml.ScalarNode && strings.TrimSpace(v.Value) == "":
			r.fail(v, "expected who decided it and when, %s", example)
		}
		out[k.Value] = strings.TrimSpace(r.text(v))
	}
	return out
}

// refuseDecided refuses a decider of what the file does not decide.
func (f *File) refuseDecided() error {
	switch {
	case f.Decided.By[decidedMap] != "" && f.Map == nil:
		return fmt.Errorf("decided names who decided on the map, and there is none: map: boards.csv names one")
	case f.Decided.By[decidedAccept] != "" && !f.Accept.Widening && len(f.Accept.Widen) == 0:
		return fmt.Errorf("decided names who accepted something, and nothing is: accept: widening accepts that more people see what moves")
	}
	return nil
}
