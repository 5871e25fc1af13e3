package planner

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/rialto-migrate/rialto/connector"
	shared "github.com/rialto-migrate/rialto/connector/standin"
	"github.com/rialto-migrate/rialto/connectors/microsoft/standin"
	"github.com/rialto-migrate/rialto/item"
)

// TestNothingTwiceUnderFaults writes tasks while the network and the service
// fail, and settles what is in doubt as the engine does: by mark, else by shape.
func TestNothingTwiceUnderFaults(t *testing.T) {
	for seed := range uint64(5) {
		for _, deep := range []bool{false, true} {
			t.Run(fmt.Sprintf("%d, at once %v", seed, deep), func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) { underFaults(t, seed, deep) })
			})
		}
	}
}

func underFaults(t *testing.T, seed uint64, deep bool) {
	r := tenant(t, standin.Options{Seed: seed, DeepInsert: deep}, false)
	board := r.board("B")
	list := r.lists(board, "A")[0]
	r.faulty(shared.Faults{Status: map[int]float64{429: 0.05, 503: 0.03, 500: 0.03}, Cut: 0.04, Truncate: 0.03}, seed)
	var want []string
	after := ""
	for from := 0; from < 60; from += 20 {
		var changes []connector.Change
		for n := from; n < from+20; n++ {
			ch := richTask(r, board, list, n)
			ch.AfterPrevious = n > from
			if n == from {
				ch.After = after
			}
			changes = append(changes, ch)
			want = append(want, item.Title.Get(ch.Item))
		}
		var last error
		for round := 0; len(changes) > 0; round++ {
			if round > 30 {
				t.Fatalf("it does not come to an end: %v", last)
			}
			var again []connector.Change
			i := 0
			for res, err := range r.dst.Write(r.ctx(), changes, opener) {
				if err != nil {
					t.Fatal(err)
				}
				ch := changes[i]
				i++
				if res.Err == nil {
					after = res.Stored.Item.ID
					continue
				}
				if e := res.Err.Error(); strings.Contains(e, "課題") || strings.Contains(e, "trello.com") {
					t.Fatalf("the error holds content: %v", e)
				}
				last = res.Err
				ch.AfterPrevious, ch.After = false, after
				if ch.Op == connector.Create && connector.InDoubt(res.Err) {
					ch = r.settle(board, ch)
				}
				again = append(again, ch)
			}
			changes = again
		}
	}
	r.faulty(shared.Faults{}, seed)
	got := kindOf(bundles(r.list(board, "")), item.Task)
	names := titles(got)
	slices.Sort(names)
	slices.Sort(want)
	if !slices.Equal(names, want) {
		t.Fatalf("%d tasks, want %d: %v", len(names), len(want), names)
	}
	for _, b := range got {
		if len(b.Of(item.Attachment)) != 5 || b.CheckItems != 3 || item.Description.Get(b.Item) == "" {
			t.Errorf("a task is incomplete: %+v", b)
		}
	}
}

// settle finds what became of a create: a task with its mark or of its shape
// is finished as an update, none is made again.
func (r *rig) settle(board item.Ref, ch connector.Change) connector.Change {
	r.t.Helper()
	for try := 0; ; try++ {
		var found []connector.Found
		failed := false
		for f, err := range r.dst.Find(r.ctx(), board, time.Time{}) {
			if err != nil {
				failed = true
				break
			}
			if f.Bundle.Item.Kind == item.Task && (f.Mark == ch.Mark || f.Mark == "" && item.Title.Get(f.Bundle.Item) == item.Title.Get(ch.Item)) {
				found = append(found, f)
			}
		}
		if failed && try < 100 {
			continue
		}
		if failed || len(found) > 1 {
			r.t.Fatalf("found %d tasks for one change, failed: %v", len(found), failed)
		}
		if len(found) == 1 {
			ch.Op, ch.Item = connector.Update, ch.Item.Clone()
			ch.Item.ID = found[0].Bundle.Item.ID
		}
		return ch
	}
}

// TestThrottledParts writes against a quota that counts the parts of a batch.
func TestThrottledParts(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := tenant(t, standin.Options{Quotas: []standin.Quota{{Class: standin.Planner, Window: shared.Window{Max: 30, Per: 10 * time.Second, Phase: -1}}}}, false)
		board := r.board("B")
		list := r.lists(board, "A")[0]
		after := ""
		for from := 0; from < 60; from += 20 {
			var changes []connector.Change
			for n := from; n < from+20; n++ {
				ch := newTask(board, list, fmt.Sprintf("%03d", n), fmt.Sprint("https://x.test/", n))
				if ch.AfterPrevious = n > from; n == from {
					ch.After = after
				}
				changes = append(changes, ch)
			}
			stored := r.write(changes...)
			after = stored[len(stored)-1].Item.ID
		}
		if got := titles(kindOf(bundles(r.list(board, "")), item.Task)); len(got) != 60 || !slices.IsSorted(got) {
			t.Errorf("%d tasks, in order: %v", len(got), slices.IsSorted(got))
		}
		if r.stats.Refused.Load() == 0 {
			t.Error("nothing was refused: the test tests nothing")
		}
	})
}

// TestAppReadsComments lists as an app what a person wrote: as comments, or
// named as unread where the tenant does not let apps read them.
func TestAppReadsComments(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := tenant(t, standin.Options{}, true)
		board := r.board("B")
		task := r.write(newTask(board, r.lists(board, "A")[0], "one", "https://x.test/1"))[0].Item.Ref
		it := item.Item{Ref: item.Ref{Kind: item.Comment}, Parent: task}
		item.Body.Set(&it, "hello")
		r.write(connector.Change{Op: connector.Create, Item: it})
		r.connect(false)
		b := kindOf(bundles(r.list(board, "")), item.Task)[0]
		if len(b.Of(item.Comment)) != 1 && !slices.Contains(b.Unknown, "comment.text") {
			t.Errorf("a comment was dropped in silence: %+v", b)
		}
	})
}

// TestRequestsPerTask counts the parts that a plain task costs.
func TestRequestsPerTask(t *testing.T) {
	for deep, most := range map[bool]int64{false: 3, true: 2} {
		synctest.Test(t, func(t *testing.T) {
			r := tenant(t, standin.Options{DeepInsert: deep}, false)
			board := r.board("B")
			list := r.lists(board, "A")[0]
			first := r.write(newTask(board, list, "first", "https://x.test/0"))[0].Item.ID
			before := r.stats.Requests.Load()
			var changes []connector.Change
			for n := range 20 {
				ch := newTask(board, list, fmt.Sprint(n), fmt.Sprint("https://x.test/", n+1))
				if ch.AfterPrevious = n > 0; n == 0 {
					ch.After = first
				}
				changes = append(changes, ch)
			}
			r.write(changes...)
			if n := r.stats.Requests.Load() - before; n > 20*most {
				t.Errorf("details at once %v: %d requests for 20 tasks", deep, n)
			}
		})
	}
}
