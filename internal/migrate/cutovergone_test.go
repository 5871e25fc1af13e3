package migrate

import (
	"slices"
	"strings"
	"testing"

	"github.com/rialto-migrate/rialto/internal/ledger"
	"github.com/rialto-migrate/rialto/item"
)

// deleteThere deletes an item of the target with all that lies in it, as a person
// would.
func deleteThere(m *memory, ref item.Ref) {
	for _, r := range slices.Clone(m.order) {
		if m.items[r].Parent == ref {
			m.drop(r)
		}
	}
	m.drop(ref)
}

// What people deleted at the target, and the source did not change, stays deleted
// and is listed; it does not keep the source from being closed.
func TestCutoverAcceptsWhatPeopleDeleted(t *testing.T) {
	for _, policy := range []string{targetWins, sourceWins, newestWins} {
		t.Run(policy, func(t *testing.T) {
			b := newCutBench(t)
			b.spec.Policies.Conflict = policy
			b.run("complete")
			whole := titled(t, b.to, "Task 3") // with comments
			deleteThere(b.to, whole.Ref)
			talk := b.to.order[slices.IndexFunc(b.to.order, func(r item.Ref) bool { return r.Kind == item.Comment })]
			b.to.drop(talk)
			r := b.cutover("cut-over", Selection{})
			var listed []string
			for _, c := range r.Run.InConflict {
				if c.Won != targetWins || !slices.Equal(c.Fields, []string{"*"}) {
					t.Errorf("%+v", c)
				}
				listed = append(listed, string(c.Kind)+" "+c.Source)
			}
			slices.Sort(listed)
			if len(listed) != 2 || listed[1] != "task c3" || r.Run.Conflicts != 2 {
				t.Errorf("listed: %q, %d", listed, r.Run.Conflicts)
			}
			if v := r.Verdict; v.Kept != 2 || v.Lost != 0 || v.Failed != 0 {
				t.Errorf("%d kept, %d lost: %+v", v.Kept, v.Lost, v.Differences)
			}
			if _, again := b.to.items[whole.Ref]; again {
				t.Error("it was made again")
			}
			b.revert("reverted", Selection{})
			if v := b.verify("equal-with-losses"); v.Kept != 2 {
				t.Errorf("a later verify: %d kept", v.Kept)
			}
			if f := b.forecast(); f.Kinds[item.Task].Create+f.Kinds[item.Comment].Create > 0 {
				t.Errorf("a forecast makes it again: %+v", f.Kinds)
			}
		})
	}
}

// A container that is gone whole, or what frames one, is not a deletion that a
// cut-over settles: the source stays open.
func TestCutoverStopsWhereAContainerIsGone(t *testing.T) {
	for name, gone := range map[string]func(item.Item) bool{
		"the container": func(it item.Item) bool { return it.Kind == item.Board && item.Name.Get(it) == "Marketing" },
		"a list":        func(it item.Item) bool { return it.Kind == item.List && item.Name.Get(it) == "List 1" },
	} {
		t.Run(name, func(t *testing.T) {
			b := newCutBench(t)
			b.run("complete")
			for _, r := range slices.Clone(b.to.order) {
				if gone(b.to.items[r]) {
					b.to.drop(r)
				}
			}
			r, err := b.engine(Selection{}).Cutover(t.Context(), false)
			if err == nil && r.Status != "differs" && r.Status != "not-moved" {
				t.Errorf("%s: %+v", r.Status, r.Verdict)
			}
			b.did()
			if b.cut().State == ledger.CutOver {
				t.Error("it is cut over")
			}
		})
	}
}

// A text of an earlier wave that leads to what people deleted in a later one leads
// to the old place again, and does not stop the earlier wave's cut-over.
func TestCutoverAfterADeletionElsewhere(t *testing.T) {
	b := newCutBench(t)
	another(b.from, "b2", "Sales") // a task of the first board points at the first of it
	b.spec.Scope = []string{"*"}
	b.spec.Map = []MapRow{{Source: "b1", Wave: 1, Where: "m.csv:2"}, {Source: "b2", Wave: 2, Where: "m.csv:3"}}
	b.run("complete")
	sales := titled(t, b.to, "Sales 0").Ref
	deleteThere(b.to, sales)
	if r := b.cutover("cut-over", Selection{Wave: 2}); len(r.Run.InConflict) != 1 || r.Run.InConflict[0].Source != "b2-c0" {
		t.Errorf("listed: %+v", r.Run.InConflict)
	}
	b.cutover("cut-over", Selection{Wave: 1})
	if d := item.Description.Get(titled(t, b.to, "Task 0")); !strings.Contains(d, "http://src/task/b2-c0") || strings.Contains(d+" ", "/task/"+sales.ID+" ") {
		t.Errorf("the text that led there: %q", d)
	}
}
