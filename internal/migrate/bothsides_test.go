package migrate

import (
	"context"
	"flag"
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/rialto-migrate/rialto/internal/ledger/ledgertest"
	"github.com/rialto-migrate/rialto/item"
)

var historySeed = flag.Uint64("history", 0, "the one seed of TestBothSidesLive to run")

// A history is two boards that people work on at the same time.
type history struct {
	*bench
	dice *rand.Rand
	n    int
	talk map[item.Ref]bool // tasks of the target on which people commented
	log  []string
}

func newHistory(t *testing.T, seed uint64) *history {
	b := &bench{t: t, from: newMemory("http://src", everything()), to: newMemory("http://dst", everything()), led: ledgertest.New(),
		spec: Spec{Name: "test", Scope: []string{"*"}, Policies: Policies{Deletions: "delete"}}}
	h := &history{bench: b, dice: rand.New(rand.NewPCG(seed, 11)), talk: map[item.Ref]bool{}}
	board := item.Item{Ref: item.Ref{Kind: item.Board, ID: "b1"}}
	item.Name.Set(&board, "Live")
	b.from.put(board)
	for i := range 3 {
		l := item.Item{Ref: item.Ref{Kind: item.List, ID: fmt.Sprintf("list%d", i)}, Parent: board.Ref}
		item.Name.Set(&l, fmt.Sprintf("List %d", i))
		b.from.put(l)
	}
	for range 8 {
		h.add()
	}
	h.pass()
	return h
}

func (h *history) add() {
	h.n++
	t := item.Item{Ref: item.Ref{Kind: item.Task, ID: fmt.Sprintf("c%d", h.n)}, Parent: item.Ref{Kind: item.Board, ID: "b1"}}
	item.Title.Set(&t, fmt.Sprintf("task %d", h.n))
	item.InList.Set(&t, item.Ref{Kind: item.List, ID: fmt.Sprintf("list%d", h.dice.IntN(3))})
	h.from.put(t)
}

// pairs are the tasks that stand at both ends, by the source's id.
func (h *history) pairs() map[string]item.Ref {
	h.t.Helper()
	shards, err := h.led.Shards(context.Background())
	if err != nil {
		h.t.Fatal(err)
	}
	out := map[string]item.Ref{}
	for _, s := range shards {
		rows, err := h.led.Rows(context.Background(), s.Num, item.Ref{}, 10000)
		if err != nil {
			h.t.Fatal(err)
		}
		for _, r := range rows {
			if r.Key.Kind == item.Task && !r.Target.Zero() {
				if _, alive := h.to.items[r.Target]; alive {
					out[r.Key.ID] = r.Target
				}
			}
		}
	}
	return out
}

// lists are those of one end, in the order in which they were made.
func lists(m *memory) (refs []item.Ref) {
	for _, r := range m.order {
		if r.Kind == item.List {
			refs = append(refs, r)
		}
	}
	return refs
}

// change edits one field of a task, as a person would.
func (h *history) change(m *memory, ref item.Ref, field string) {
	h.n++
	m.edit(ref, func(it *item.Item) {
		switch field {
		case "title":
			item.Title.Set(it, fmt.Sprintf("title %d", h.n))
		case "description":
			item.Description.Set(it, fmt.Sprintf("description %d", h.n))
		case "due":
			item.Due.Set(it, time.Date(2026, 1, 1+h.n%300, 0, 0, 0, 0, time.UTC))
		case "done":
			item.Done.Set(it, !item.Done.Get(*it))
		case "list":
			all := lists(m)
			item.InList.Set(it, all[h.dice.IntN(len(all))])
		}
	})
}

// live lets people work at both ends.
func (h *history) live() {
	fields := []string{"title", "description", "due", "done", "list"}
	pairs := h.pairs()
	ids := make([]string, 0, len(pairs))
	for id := range pairs {
		ids = append(ids, id)
	}
	slices.Sort(ids)
	for range 6 + h.dice.IntN(10) {
		if len(ids) == 0 {
			return
		}
		id := ids[h.dice.IntN(len(ids))]
		source, target := item.Ref{Kind: item.Task, ID: id}, pairs[id]
		_, here := h.from.items[source]
		_, there := h.to.items[target]
		field := fields[h.dice.IntN(len(fields))]
		switch what := h.dice.IntN(20); {
		case what < 8 && here:
			h.change(h.from, source, field)
			h.log = append(h.log, fmt.Sprintf("source %s of %s", field, id))
		case what < 16 && there:
			h.change(h.to, target, field)
			h.log = append(h.log, fmt.Sprintf("target %s of %s", field, id))
		case what == 16 && here:
			h.from.drop(source)
			h.log = append(h.log, "source deletes "+id)
		case what == 17 && there:
			h.to.drop(target)
			h.log = append(h.log, "target deletes "+id)
		case what == 18:
			h.add()
		case what == 19 && there: // a comment of people's at the target
			h.n++
			c := item.Item{Ref: item.Ref{Kind: item.Comment, ID: fmt.Sprintf("theirs%d", h.n)}, Parent: target}
			item.Body.Set(&c, "we talk here now")
			h.to.put(c)
			h.talk[target] = true
			h.log = append(h.log, "target comments on "+id)
		}
	}
}

// pass runs.
func (h *history) pass() *Report {
	h.t.Helper()
	r := h.run("complete")
	h.log = append(h.log, fmt.Sprintf("pass: %d conflicts", r.Conflicts))
	return r
}

// snapshot keeps the fields of the tasks of one end.
func snapshot(m *memory) map[item.Ref]map[string]string {
	out := map[item.Ref]map[string]string{}
	for ref, it := range m.items {
		if it.Kind == item.Task {
			out[ref] = fieldsOf(m, it)
		}
	}
	return out
}

// TestBothSidesLive lets people work at both ends between passes, at random. No
// edit is lost that the pass did not list: what one end changed stands at the
// target, what both changed follows the policy and is listed.
func TestBothSidesLive(t *testing.T) {
	seeds := uint64(60)
	if os.Getenv("RIALTO_SOAK") != "" {
		seeds = 3000
	}
	for _, policy := range []string{targetWins, sourceWins} {
		for seed := range seeds {
			if *historySeed != 0 && seed != *historySeed {
				continue
			}
			t.Run(fmt.Sprintf("%s wins, seed %d", policy, seed), func(t *testing.T) {
				h := newHistory(t, seed)
				h.spec.Policies.Conflict = policy
				t.Cleanup(func() {
					if t.Failed() {
						t.Log(strings.Join(h.log, "\n"))
					}
				})
				for range 5 {
					pairs := h.pairs()
					settled := snapshot(h.from)
					h.live()
					source, target := snapshot(h.from), snapshot(h.to)
					r := h.pass()
					for id, ref := range pairs {
						key := item.Ref{Kind: item.Task, ID: id}
						if settled[key] != nil {
							h.check(policy, id, ref, settled[key], source[key], target[ref], r)
						}
					}
				}
				writes := h.to.writes
				h.pass()
				if h.to.writes != writes {
					t.Errorf("a pass with nothing changed wrote %d times", h.to.writes-writes)
				}
			})
		}
	}
}

// fieldsOf are a task's fields in words that are the same at both ends.
func fieldsOf(m *memory, it item.Item) map[string]string {
	out := map[string]string{"list": item.Name.Get(m.items[item.InList.Get(it)])}
	for _, f := range []string{"title", "description", "due", "done"} {
		if v := it.Fields[f]; !item.IsZero(v) {
			out[f] = fmt.Sprint(v)
		}
	}
	return out
}

// check holds one task against what people did to it. settled is what the source
// had at the last pass, source and target what both ends had before this one.
func (h *history) check(policy, id string, ref item.Ref, settled, source, target map[string]string, r *Report) {
	h.t.Helper()
	listed := map[string]bool{}
	for _, c := range r.InConflict {
		for _, f := range c.Fields {
			listed[f] = listed[f] || c.Source == id
		}
	}
	_, again := h.pairs()[id]
	it, stands := h.to.items[ref]
	touched := h.talk[ref]
	for f := range settled {
		touched = touched || target[f] != settled[f]
	}
	switch {
	case source == nil && target == nil:
	case source == nil && touched:
		if !stands || !listed["*"] {
			h.t.Errorf("%s: deleted at the source and changed at the target: stands %v, listed %v", id, stands, listed["*"])
		}
	case source == nil:
		if stands && !listed["*"] {
			h.t.Errorf("%s: deleted at the source, and still there", id)
		}
	case target == nil:
		if edited := !maps.Equal(source, settled); edited != listed["*"] || again != (edited && policy == sourceWins) {
			h.t.Errorf("%s: deleted at the target, edited at the source %v: listed %v, made again %v", id, edited, listed["*"], again)
		}
	case !stands:
		h.t.Errorf("%s is gone, and nobody deleted it", id)
	default:
		now := fieldsOf(h.to, it)
		for _, f := range []string{"title", "description", "due", "done", "list"} {
			here, there := source[f] != settled[f], target[f] != settled[f]
			want := target[f]
			dispute := here && there && source[f] != target[f]
			if here && (!there || policy == sourceWins) {
				want = source[f]
			}
			if now[f] != want || dispute != listed[f] {
				h.t.Errorf("%s: %s was %q, is %q at the source and %q at the target: it became %q, want %q; listed %v", id, f, settled[f], source[f], target[f], now[f], want, listed[f])
			}
		}
	}
}

// TestMergeOfWhatLiesInATask edits at both ends where a task and its checklist are
// written in one go.
func TestMergeOfWhatLiesInATask(t *testing.T) {
	b := newBench(t, likePlanner())
	b.run("complete")
	task := item.Ref{Kind: item.Task, ID: "c1"}
	there := titled(t, b.to, "Task 1").Ref
	list := func(m *memory, parent item.Ref) item.Ref {
		for _, r := range m.order {
			if r.Kind == item.Checklist && m.items[r].Parent == parent {
				return r
			}
		}
		t.Fatalf("%s has no checklist", parent)
		return item.Ref{}
	}
	tick := func(m *memory, ref item.Ref, title string) {
		m.edit(ref, func(it *item.Item) {
			item.Entries.Set(it, append(slices.Clone(item.Entries.Get(*it)), item.Check{Title: title}))
		})
	}
	entries := func() (titles []string) {
		for _, c := range item.Entries.Get(b.to.items[list(b.to, there)]) {
			titles = append(titles, c.Title)
		}
		return titles
	}
	// Each end changes something else: both stand.
	tick(b.from, list(b.from, task), "three")
	b.to.edit(there, func(it *item.Item) { item.Title.Set(it, "Task 1, by people") })
	if r := b.run("complete"); r.Conflicts != 0 {
		t.Errorf("conflicts: %+v", r.InConflict)
	}
	titled(t, b.to, "Task 1, by people")
	if got := entries(); !slices.Contains(got, "three") {
		t.Errorf("the source's new entry is missing: %q", got)
	}
	v, err := b.engine().Verify(context.Background(), false)
	if err != nil {
		t.Fatal(err)
	}
	if v.Status != "differs" || v.Edited != 1 || len(v.Differences) != 1 || v.Differences[0].Field != "title" || v.Differences[0].Reason != editedThere {
		t.Errorf("verify: %s, %d edited, %+v", v.Status, v.Edited, v.Differences)
	}
	// Both change the checklist and the title: the target's people win, and it is
	// listed; verify knows of it.
	rename := func(m *memory, ref item.Ref, n int, title string) {
		m.edit(ref, func(it *item.Item) {
			all := slices.Clone(item.Entries.Get(*it))
			all[n].Title = title
			item.Entries.Set(it, all)
		})
	}
	rename(b.from, list(b.from, task), 0, "uno")
	rename(b.to, list(b.to, there), 1, "theirs")
	b.from.edit(task, func(it *item.Item) { item.Title.Set(it, "Task 1, by the source") })
	r := b.run("complete")
	if r.Conflicts != 1 || !slices.Equal(r.InConflict[0].Fields, []string{"title", "checklist"}) {
		t.Errorf("conflicts: %+v", r.InConflict)
	}
	if got := entries(); !slices.Contains(got, "theirs") || slices.Contains(got, "uno") {
		t.Errorf("the checklist: %q", got)
	}
	if v = b.verify("equal-with-losses"); v.Kept != 2 || v.Edited != 0 {
		t.Errorf("verify: %d kept, %d edited", v.Kept, v.Edited)
	}
	writes := b.to.writes
	if r = b.run("complete"); b.to.writes != writes || r.Conflicts != 0 {
		t.Errorf("a pass with nothing changed: %d writes, %d conflicts", b.to.writes-writes, r.Conflicts)
	}
	// An undo leaves what people made.
	u, err := b.engine().Undo(context.Background(), false)
	if err != nil {
		t.Fatal(err)
	}
	if u.Status != "partly" || u.Kinds[item.Task].Kept != 1 {
		t.Errorf("undo: %+v", u.Kinds[item.Task])
	}
	titled(t, b.to, "Task 1, by people")
}

// TestNewestWins goes by the clouds' own times, and by the target where one of
// them does not tell.
func TestNewestWins(t *testing.T) {
	noon := time.Date(2026, 5, 1, 12, 0, 0, 0, time.UTC)
	for _, c := range []struct {
		name        string
		here, there time.Time
		want        string
	}{
		{"the source is newer", noon.Add(time.Minute), noon, "by the source"},
		{"the target is newer", noon, noon.Add(time.Minute), "by people"},
		{"both at once", noon, noon, "by people"},
		{"the target does not tell", noon, time.Time{}, "by people"},
		{"the source does not tell", time.Time{}, noon, "by people"},
	} {
		t.Run(c.name, func(t *testing.T) {
			b := newBench(t, everything())
			b.spec.Policies.Conflict = newestWins
			b.run("complete")
			there := titled(t, b.to, "Task 0").Ref
			b.to.edit(there, func(it *item.Item) { item.Title.Set(it, "by people"); it.Changed = c.there })
			b.from.edit(item.Ref{Kind: item.Task, ID: "c0"}, func(it *item.Item) { item.Title.Set(it, "by the source"); it.Changed = c.here })
			if r := b.run("complete"); r.Conflicts != 1 {
				t.Errorf("%d conflicts", r.Conflicts)
			}
			if got := item.Title.Get(b.to.items[there]); got != c.want {
				t.Errorf("%q won", got)
			}
			if f := b.forecast(); len(f.Notices) != 1 {
				t.Errorf("notices: %q", f.Notices)
			}
		})
	}
}
