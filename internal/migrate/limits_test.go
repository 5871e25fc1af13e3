package migrate

import (
	"fmt"
	"strings"
	"testing"

	"github.com/rialto-migrate/rialto/connector"
	"github.com/rialto-migrate/rialto/internal/ledger/ledgertest"
	"github.com/rialto-migrate/rialto/item"
)

func TestNearestStep(t *testing.T) {
	for _, c := range []struct {
		steps string
		n     float64
		want  float64
	}{
		{"0 50 100", 0, 0}, {"0 50 100", 1, 50}, {"0 50 100", 30, 50}, {"0 50 100", 99, 50}, {"0 50 100", 100, 100}, {"0 50 100", 120, 100},
		{"0 50 100", -5, 0}, {"0 25 75 100", 40, 25}, {"0 25 75 100", 60, 75}, {"0 100", 30, 0}, {"0 100", 60, 100}, {"10", 3, 10},
	} {
		if got := nearestStep(c.n, strings.Fields(c.steps)); got != c.want {
			t.Errorf("%g among %s is %g, want %g", c.n, c.steps, got, c.want)
		}
	}
}

// Labels that come, go and change at the source leave the others where they
// are: each of the target's colours is given out once, and there are only four.
func TestLabelsKeepTheirPlaces(t *testing.T) {
	for _, deletions := range []string{"keep", "delete"} {
		t.Run(deletions, func(t *testing.T) {
			b := newBench(t, likePlanner())
			b.spec.Policies.Deletions = deletions
			b.run("complete")
			b.verify("equal-with-losses")
			label := func(n int) item.Ref { return item.Ref{Kind: item.Label, ID: fmt.Sprintf("l%d", n)} }
			for _, edit := range []func(){
				func() { b.from.drop(label(0)) },
				func() { b.from.edit(label(2), func(it *item.Item) { item.Color.Set(it, "green") }) },
				func() {
					it := item.Item{Ref: label(9), Parent: item.Ref{Kind: item.Board, ID: "b1"}}
					item.Name.Set(&it, "Late")
					item.Color.Set(&it, "red")
					b.from.put(it)
				},
				func() { b.from.edit(label(4), func(it *item.Item) { item.Name.Set(it, "Renamed") }) },
			} {
				edit()
				before := b.forecast()
				b.run("complete")
				v := b.verify("equal-with-losses")
				if len(before.Losses) != len(v.LossList) {
					t.Errorf("losses forecast: %+v\nmet: %+v", before.Losses, v.LossList)
				}
				writes := b.to.writes
				b.run("complete")
				if b.to.writes != writes {
					t.Errorf("a second run wrote %d times", b.to.writes-writes)
				}
			}
		})
	}
}

// What may not be empty gets a text, and a task without a list a list.
func TestWhatIsNeeded(t *testing.T) {
	caps := likePlanner()
	need := func(k item.Kind, field string) {
		f := caps.Kinds[k].Fields[field]
		f.Needed = true
		caps.Kinds[k].Fields[field] = f
	}
	need(item.Task, item.Title.Name)
	need(item.Task, item.InList.Name)
	need(item.Label, item.Name.Name)
	need(item.Checklist, item.Entries.Name)
	b := newBench(t, caps)
	task := func(n int) item.Ref { return item.Ref{Kind: item.Task, ID: fmt.Sprintf("c%d", n)} }
	b.from.edit(task(0), func(it *item.Item) { item.Title.Set(it, " \u202e\a") })
	b.from.edit(task(1), func(it *item.Item) { delete(it.Fields, item.InList.Name) })
	b.from.edit(task(5), func(it *item.Item) { delete(it.Fields, item.InList.Name) }) // archived
	b.from.edit(task(2), func(it *item.Item) { item.InList.Set(it, item.Ref{Kind: item.List, ID: "nowhere"}) })
	b.from.edit(item.Ref{Kind: item.Label, ID: "l0"}, func(it *item.Item) { delete(it.Fields, item.Name.Name) })
	b.from.edit(item.Ref{Kind: item.Checklist, ID: "k1.0"}, func(it *item.Item) { item.Entries.Set(it, []item.Check{{Title: ""}}) })
	f := b.forecast()
	filled := map[string]int{}
	for _, l := range f.Losses {
		if l.Policy == asFilled {
			filled[string(l.Kind)+"."+l.Field] += l.Count
		}
	}
	if filled["task.title"] != 1 || filled["task.list"] != 3 || filled["label.name"] != 2 || filled["checklist.entries"] != 1 {
		t.Errorf("filled: %v", filled)
	}
	b.run("complete")
	b.verify("equal-with-losses")
	names := map[string]int{}
	for _, it := range b.to.items {
		names[nameOf(it)]++
	}
	if names["Untitled"] != 1 || names["Unsorted"] != 2 || names["green"] != 2 {
		t.Errorf("names: %v", names)
	}
	before := b.to.writes
	b.run("complete")
	if b.to.writes != before {
		t.Errorf("a second run wrote %d times", b.to.writes-before)
	}
}

// fixedComments is a target whose comments cannot change.
func fixedComments(undo connector.Undo) connector.Capabilities {
	caps := everything()
	k := caps.Kinds[item.Comment]
	k.Fields[item.Body.Name] = connector.FieldCaps{Fixed: true}
	for _, f := range []string{item.Author.Name, item.Created.Name, item.Edited.Name} {
		k.Fields[f] = connector.FieldCaps{Told: true}
	}
	k.Undo, k.UndoWhy, k.Shape = undo, "it never goes", []string{item.Body.Name}
	caps.Kinds[item.Comment] = k
	task := caps.Kinds[item.Task]
	task.Carrier = "a reference"
	caps.Kinds[item.Task] = task
	return caps
}

// What cannot change is written after what it points at, and made anew where it
// changed at the source; what was there goes if it can.
func TestWhatCannotChange(t *testing.T) {
	for undo, left := range map[connector.Undo]int{connector.UndoExact: 0, connector.UndoImpossible: 1} {
		t.Run(string(undo), func(t *testing.T) {
			b := newBench(t, fixedComments(undo))
			b.to.refuse = func(c connector.Change) error {
				if c.Op == connector.Update && c.Item.Kind == item.Comment {
					return connector.Errorf(connector.Unsupported, "a comment cannot change")
				}
				return nil
			}
			first, second := item.Ref{Kind: item.Comment, ID: "m1.0"}, item.Ref{Kind: item.Comment, ID: "m3.1"}
			b.from.edit(first, func(it *item.Item) { item.Body.Set(it, "see http://src/task/c19") })
			b.run("complete")
			b.verify("equal-with-losses")
			count := func() (n int) {
				for r, it := range b.to.items {
					if r.Kind == item.Comment {
						n++
					}
					if strings.Contains(item.Body.Get(it), "http://src/") {
						t.Errorf("%s still points at the source", r)
					}
				}
				return n
			}
			had := count()
			b.from.edit(second, func(it *item.Item) { item.Body.Set(it, "now otherwise") })
			r := b.run("complete")
			b.verify("equal-with-losses")
			if got := count(); got != had+left {
				t.Errorf("%d comments, want %d", got, had+left)
			}
			if tally := r.Kinds[item.Comment]; tally.Updated != 1 || tally.Created != 0 {
				t.Errorf("comments: %+v", tally)
			}
			before := b.to.writes
			b.run("complete")
			if b.to.writes != before {
				t.Errorf("a second run wrote %d times", b.to.writes-before)
			}
		})
	}
}

// After a rebuild the run writes nothing where nothing changed, and finds also
// what its links point at.
func TestRebuiltLedgerIsWhole(t *testing.T) {
	b := newBench(t, fixedComments(connector.UndoExact))
	b.from.edit(item.Ref{Kind: item.Comment, ID: "m1.0"}, func(it *item.Item) { item.Body.Set(it, "see http://src/task/c19") })
	b.run("complete")
	b.led = ledgertest.New()
	rep, err := b.engine().Rebuild(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for k, n := range rep.Kinds {
		if n.Missing > 0 {
			t.Errorf("%d of kind %s are missing", n.Missing, k)
		}
	}
	before := b.to.writes
	b.run("complete")
	if b.to.writes != before {
		t.Errorf("the run after a rebuild wrote %d times", b.to.writes-before)
	}
	b.verify("equal-with-losses")
}

// Somebody who comes to the target later is assigned what was his, and a person
// who is called otherwise is named so.
func TestPeopleWhoComeLater(t *testing.T) {
	b := newBench(t, likePlanner())
	b.run("complete")
	bob := b.from.people[1]
	b.to.people = append(b.to.people, bob)
	b.run("complete")
	b.verify("equal-with-losses")
	n := 0
	for _, it := range b.to.items {
		if who := item.Assignees.Get(it); len(who) == 2 {
			n++
		}
	}
	if n == 0 {
		t.Error("nobody is assigned")
	}
	before := b.to.writes
	b.run("complete")
	if b.to.writes != before {
		t.Errorf("a second run wrote %d times", b.to.writes-before)
	}
}

// What is larger than the target takes is counted before a run, wherever the limit
// stands.
func TestLargeBytesAreForecast(t *testing.T) {
	in := func(content, kind int64) connector.Capabilities {
		to := newTree("/dst")
		k := to.caps.Kinds[item.File]
		k.Fields[item.Content.Name] = connector.FieldCaps{MaxBytes: content, Why: "the field's reason"}
		if kind > 0 {
			delete(k.Fields, item.Content.Name)
			k.Lost[item.Content.Name] = "it has a form of its own"
			k.MaxBytes, k.Why = kind, "the kind's reason"
		}
		to.caps.Kinds[item.File] = k
		return to.caps
	}
	for _, c := range []struct {
		name string
		caps connector.Capabilities
		over int
		why  string
	}{
		{"no limit", in(0, 0), 0, ""},
		{"of the field", in(3, 0), 2, "the field's reason"},
		{"just so", in(5, 0), 0, ""},
		{"of the kind", in(0, 4), 1, "the kind's reason"},
	} {
		t.Run(c.name, func(t *testing.T) {
			from, to := newTree("/src"), newTree("/dst")
			to.caps = c.caps
			for _, text := range []string{"a", "ab", "abc", "abcd", "abcde"} {
				from.put(text, text)
			}
			f, err := newHaul(t, from, to).engine().Forecast(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			over, why := 0, ""
			for _, l := range f.Limits {
				if l.Kind == item.File && l.Field == item.Content.Name {
					over, why = l.Over, l.Why
				}
			}
			if over != c.over || why != c.why {
				t.Errorf("%d are beyond the limit because %q, want %d because %q: %+v", over, why, c.over, c.why, f.Limits)
			}
		})
	}
}
