package migrate

import (
	"fmt"
	"slices"
	"testing"

	"github.com/rialto-migrate/rialto/connector"
	"github.com/rialto-migrate/rialto/internal/ledger"
	"github.com/rialto-migrate/rialto/item"
)

// row is a board of one list with tasks whose places are numbers of their own,
// so that moving one changes no other.
func row(m *memory, tasks int) {
	m.ranked = true
	board := m.put(item.Item{Ref: item.Ref{Kind: item.Board, ID: "b1"}, Fields: item.Fields{item.Name.Name: "Marketing"}})
	m.put(item.Item{Ref: item.Ref{Kind: item.List, ID: "list"}, Parent: board.Ref, Fields: item.Fields{item.Name.Name: "List"}})
	m.put(item.Item{Ref: item.Ref{Kind: item.List, ID: "other"}, Parent: board.Ref, Fields: item.Fields{item.Name.Name: "Other"}})
	for n := range tasks {
		card(m, fmt.Sprintf("c%02d", n), 10*n+10)
	}
}

// card puts a task at a place of the list.
func card(m *memory, id string, at int) {
	it := item.Item{Ref: item.Ref{Kind: item.Task, ID: id}, Parent: item.Ref{Kind: item.Board, ID: "b1"}}
	item.Title.Set(&it, id)
	item.InList.Set(&it, item.Ref{Kind: item.List, ID: "list"})
	item.Position.Set(&it, fmt.Sprintf("%06d", at))
	m.put(it)
}

// titlesIn are the titles of the tasks in their order.
func titlesIn(m *memory) (out []string) {
	for _, r := range m.order {
		if r.Kind == item.Task {
			out = append(out, item.Title.Get(m.items[r]))
		}
	}
	return out
}

// TestSiblingsStandInOrder holds the order at the target after deltas in which
// something goes wrong, and where people changed the target.
func TestSiblingsStandInOrder(t *testing.T) {
	once := func(title string, err error) func(connector.Change) error {
		done := false
		return func(c connector.Change) error {
			if done || c.Item.Kind != item.Task || item.Title.Get(c.Item) != title {
				return nil
			}
			done = true
			return err
		}
	}
	for _, tc := range []struct {
		name   string
		change func(t *testing.T, b *bench)
		status string
		want   []string
	}{
		// A batch holds five: the first of the two that move is the last of one,
		// the second the first of the next.
		{"a move fails for now, and another one follows it", func(_ *testing.T, b *bench) {
			card(b.from, "c08", 41)
			card(b.from, "c09", 42)
			b.to.refuse = once("c08", connector.Errorf(connector.Transient, "later"))
		}, "complete", []string{"c00", "c01", "c02", "c03", "c08", "c09", "c04", "c05", "c06", "c07"}},
		{"a move fails for good, and another one follows it", func(_ *testing.T, b *bench) {
			card(b.from, "c08", 41)
			card(b.from, "c09", 42)
			b.to.refuse = once("c08", connector.Errorf(connector.Permanent, "never"))
		}, "partial", []string{"c00", "c01", "c02", "c03", "c09", "c04", "c05", "c06", "c07", "c08"}},
		{"the target cannot be read for now", func(_ *testing.T, b *bench) {
			card(b.from, "c08", 41)
			card(b.from, "c09", 42)
			b.to.unread = 1
		}, "complete", []string{"c00", "c01", "c02", "c03", "c08", "c09", "c04", "c05", "c06", "c07"}},
		{"the target cannot be read for what another one is moved behind", func(_ *testing.T, b *bench) {
			b.from.edit(item.Ref{Kind: item.Task, ID: "c04"}, func(it *item.Item) { item.Description.Set(it, "changed") })
			card(b.from, "c09", 51)
			b.to.unread = 1
		}, "complete", []string{"c00", "c01", "c02", "c03", "c04", "c09", "c05", "c06", "c07", "c08"}},
		{"people put what changed into another list", func(_ *testing.T, b *bench) {
			var other item.Ref
			for ref, it := range b.to.items {
				if ref.Kind == item.List && item.Name.Get(it) == "Other" {
					other = ref
				}
			}
			theirs := b.at("c03")
			b.to.edit(theirs, func(it *item.Item) { item.InList.Set(it, other) })
			b.to.order = append(slices.DeleteFunc(b.to.order, func(r item.Ref) bool { return r == theirs }), theirs)
			b.from.edit(item.Ref{Kind: item.Task, ID: "c03"}, func(it *item.Item) { item.Description.Set(it, "changed") })
			card(b.from, "new", 41)
		}, "complete", []string{"c00", "c01", "c02", "new", "c04", "c05", "c06", "c07", "c08", "c09", "c03"}},
		{"people deleted what a new one follows", func(_ *testing.T, b *bench) {
			b.to.drop(b.at("c03"))
			card(b.from, "new", 41)
		}, "complete", []string{"c00", "c01", "c02", "new", "c04", "c05", "c06", "c07", "c08", "c09"}},
		{"people deleted all that a new one follows", func(_ *testing.T, b *bench) {
			b.to.drop(b.at("c00"))
			b.to.drop(b.at("c01"))
			card(b.from, "new", 21)
		}, "complete", []string{"new", "c02", "c03", "c04", "c05", "c06", "c07", "c08", "c09"}},
		{"people deleted what changed and what a new one follows", func(_ *testing.T, b *bench) {
			b.to.drop(b.at("c03"))
			b.from.edit(item.Ref{Kind: item.Task, ID: "c03"}, func(it *item.Item) { item.Description.Set(it, "changed") })
			card(b.from, "new", 41)
		}, "complete", []string{"c00", "c01", "c02", "new", "c04", "c05", "c06", "c07", "c08", "c09"}},
		{"moved to the front after what it points at was loosened", func(t *testing.T, b *bench) {
			b.loosen("c05", false)
			card(b.from, "c05", 1)
		}, "complete", []string{"c05", "c00", "c01", "c02", "c03", "c04", "c06", "c07", "c08", "c09"}},
		// Half of what a rebuilt ledger knows was written since.
		{"moved behind others before the ledger was rebuilt", func(t *testing.T, b *bench) {
			for n := range 5 {
				b.loosen(fmt.Sprintf("c%02d", n), true)
			}
			card(b.from, "c03", 1)
		}, "complete", []string{"c03", "c00", "c01", "c02", "c04", "c05", "c06", "c07", "c08", "c09"}},
		{"moved to the front before the ledger was rebuilt", func(t *testing.T, b *bench) {
			b.loosen("c05", true)
			card(b.from, "c05", 1)
		}, "complete", []string{"c05", "c00", "c01", "c02", "c03", "c04", "c06", "c07", "c08", "c09"}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			b := newBench(t, likePlanner())
			b.from = newMemory("http://src", everything())
			row(b.from, 10)
			b.run("complete")
			tc.change(t, b)
			b.run(tc.status)
			if got := titlesIn(b.to); !slices.Equal(got, tc.want) {
				t.Errorf("order %v, want %v", got, tc.want)
			}
			if tc.status != "complete" {
				b.to.refuse = nil
				b.run("complete")
				var want []string
				for _, r := range slices.SortedFunc(slices.Values(b.from.order), func(x, y item.Ref) int {
					return slices.Compare([]string{item.Position.Get(b.from.items[x])}, []string{item.Position.Get(b.from.items[y])})
				}) {
					if r.Kind == item.Task {
						want = append(want, item.Title.Get(b.from.items[r]))
					}
				}
				if got := titlesIn(b.to); !slices.Equal(got, want) {
					t.Errorf("in the end %v, want %v", got, want)
				}
			}
		})
	}
}

// at finds a task at the target by its title.
func (b *bench) at(title string) item.Ref {
	b.t.Helper()
	for ref, it := range b.to.items {
		if ref.Kind == item.Task && item.Title.Get(it) == title {
			return ref
		}
	}
	b.t.Fatalf("no task %q at the target", title)
	return item.Ref{}
}

// loosen says in the ledger that an item has to be looked at again, as a pass
// does when what it points at leaves its place; or that all that is known of it
// is where it is, as after a rebuild.
func (b *bench) loosen(id string, rebuilt bool) {
	b.t.Helper()
	b.amend(id, func(r *ledger.Row) {
		r.Version = 0
		if rebuilt {
			r.Print = 0
		}
	})
}

// amend changes what the ledger knows of a task.
func (b *bench) amend(id string, change func(*ledger.Row)) {
	b.t.Helper()
	ctx := b.t.Context()
	led, err := b.led.Shard(ctx, item.Ref{Kind: item.Board, ID: "b1"})
	if err != nil {
		b.t.Fatal(err)
	}
	rows, err := b.led.Lookup(ctx, led.Num, []ledger.Key{{Kind: item.Task, ID: id}})
	if err != nil || len(rows) != 1 {
		b.t.Fatalf("%d rows: %v", len(rows), err)
	}
	change(&rows[0])
	if err := b.led.Apply(ctx, ledger.Batch{Shard: led.Num, Rows: rows}); err != nil {
		b.t.Fatal(err)
	}
}

// TestCutOffUpdate kills a process between an update and its commit, lets the
// source go on, and sees that the target gets what the source has by then. What
// stood there may have been people's, so it is listed where it was overwritten.
func TestCutOffUpdate(t *testing.T) {
	for _, c := range []struct {
		name, stands, source string // the title at either end, "" as it was
		listed               int
	}{
		{"it never landed", "", "next", 0},
		{"it landed", "next", "next", 0},
		{"it landed, and the source went on", "between", "next", 1},
		{"it landed, and the source went back", "between", "", 1},
		{"nothing changed", "", "", 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			b := newBench(t, likePlanner())
			b.from = newMemory("http://src", everything())
			row(b.from, 3)
			b.run("complete")
			there, here := b.at("c01"), item.Ref{Kind: item.Task, ID: "c01"}
			want := item.Title.Get(b.from.items[here])
			if c.stands != "" {
				b.to.edit(there, func(it *item.Item) { item.Title.Set(it, c.stands) })
			}
			b.halve("c01")
			if c.source != "" {
				want = c.source
				b.from.edit(here, func(it *item.Item) { item.Title.Set(it, c.source) })
			}
			r := b.run("complete")
			if got := item.Title.Get(b.to.items[there]); got != want {
				t.Errorf("the target says %q, want %q", got, want)
			}
			if r.Conflicts != c.listed || c.listed == 1 && (r.InConflict[0].Won != sourceWins || r.InConflict[0].Reason == "") {
				t.Errorf("listed: %+v", r.InConflict)
			}
			if r = b.run("complete"); r.Conflicts != 0 {
				t.Errorf("listed again: %+v", r.InConflict)
			}
		})
	}
}

// halve says in the ledger that an update of a task was half done.
func (b *bench) halve(id string) {
	b.t.Helper()
	b.amend(id, func(r *ledger.Row) { r.State = ledger.Half })
}
