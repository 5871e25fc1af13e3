package planner

import (
	"slices"
	"testing"

	"github.com/rialto-migrate/rialto/connector"
	"github.com/rialto-migrate/rialto/item"
)

// TestOrderOverCalls writes tasks of one bucket in several calls of Write, as
// the sweeps of a pass do, and holds the order that they come to.
func TestOrderOverCalls(t *testing.T) {
	create := func(title string) connector.Change {
		it := item.Item{}
		item.Title.Set(&it, title)
		return connector.Change{Op: connector.Create, Item: it}
	}
	update := func(title string, fields ...string) connector.Change {
		ch := create(title)
		ch.Op, ch.Dirty = connector.Update, fields
		return ch
	}
	type call struct {
		after   string // a title; "" for the first place
		changes []connector.Change
	}
	for _, tc := range []struct {
		name  string
		calls []call
		want  []string
	}{
		{"new ones between others, in two calls", []call{{"a", []connector.Change{create("x")}}, {"x", []connector.Change{create("y")}}},
			[]string{"a", "x", "y", "b", "c"}},
		{"what follows a new one is placed again", []call{{"a", []connector.Change{create("x"), update("b", "position")}}, {"x", []connector.Change{update("b", "position")}}},
			[]string{"a", "x", "b", "c"}},
		{"what was moved behind the last new one stays behind it", []call{{"c", []connector.Change{create("x"), update("a", "position")}}, {"x", []connector.Change{create("y")}}},
			[]string{"b", "c", "x", "y", "a"}},
		{"the last one goes elsewhere", []call{{"c", []connector.Change{create("x")}}, {"", []connector.Change{update("x", "position")}}, {"x", []connector.Change{create("y")}}},
			[]string{"x", "y", "a", "b", "c"}},
		{"behind one that keeps its place", []call{{"a", []connector.Change{create("x"), update("b", "title"), create("y")}}},
			[]string{"a", "x", "b", "y", "c"}},
		{"the one that keeps its place stands far behind", []call{{"", []connector.Change{create("x"), update("c", "title"), create("y"), update("a", "position")}}},
			[]string{"x", "b", "c", "y", "a"}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			modes(t, func(t *testing.T, r *rig) {
				board := r.board("B")
				list := r.lists(board, "L")[0]
				there := map[string]item.Bundle{}
				write := func(after string, changes ...connector.Change) {
					t.Helper()
					for i := range changes {
						ch := &changes[i]
						title := item.Title.Get(ch.Item)
						ch.Item = newTask(board, list, title, "").Item
						ch.Mark = carrier("https://x.test/" + title)
						if ch.AfterPrevious = i > 0; i == 0 && after != "" {
							ch.After = there[after].Item.ID
						}
						if ch.Op == connector.Update {
							prev := there[title]
							ch.Item.ID, ch.Prev = prev.Item.ID, &prev
						}
					}
					for _, b := range r.write(changes...) {
						there[item.Title.Get(b.Item)] = b
					}
				}
				write("", create("a"), create("b"), create("c"))
				var err error
				if r.dst, err = r.cloud.Target(r.ctx(), "group:Marketing"); err != nil { // another run, which remembers nothing
					t.Fatal(err)
				}
				for _, c := range tc.calls {
					write(c.after, slices.Clone(c.changes)...)
				}
				if got := titles(kindOf(bundles(r.list(board, "")), item.Task)); !slices.Equal(got, tc.want) {
					t.Errorf("order %v, want %v", got, tc.want)
				}
			})
		})
	}
}
