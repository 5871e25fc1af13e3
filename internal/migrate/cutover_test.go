package migrate

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/rialto-migrate/rialto/connector"
	"github.com/rialto-migrate/rialto/internal/ledger"
	"github.com/rialto-migrate/rialto/item"
)

// A house is a source whose containers can be closed.
type house struct {
	cloud
	closed map[item.Ref]string // the note's link
	did    []string
	fails  error  // of closing and reopening
	late   func() // people's last moment before a container is closed
}

type houseSource struct {
	sourceSide
	h *house
}

func (h *house) Source(context.Context) (connector.Source, error) {
	return houseSource{sourceSide{h.memory}, h}, nil
}

func (s houseSource) Standing(_ context.Context, sh connector.Shard) (connector.Standing, error) {
	return connector.Standing("open:" + sh.Ref.ID), nil
}

func (s houseSource) CloseShard(_ context.Context, sh connector.Shard, n connector.Note, before connector.Standing) (connector.Closed, error) {
	if s.h.late != nil {
		s.h.late()
	}
	if s.h.fails != nil {
		return connector.Closed{}, s.h.fails
	}
	s.h.did = append(s.h.did, "close "+sh.Ref.ID+" "+string(before))
	s.h.closed[sh.Ref] = n.Link
	return connector.Closed{ReadOnly: true}, nil
}

func (s houseSource) ReopenShard(_ context.Context, sh connector.Shard, before connector.Standing) error {
	if s.h.fails != nil {
		return s.h.fails
	}
	s.h.did = append(s.h.did, "reopen "+sh.Ref.ID+" "+string(before))
	delete(s.h.closed, sh.Ref)
	return nil
}

func (s houseSource) Steps(sh connector.Shard, n connector.Note) []string {
	return []string{"open " + sh.URL, "write " + n.Link}
}

type cutBench struct {
	*bench
	house *house
	now   func() time.Time
}

func newCutBench(t *testing.T) *cutBench {
	b := newBench(t, everything())
	return &cutBench{bench: b, house: &house{cloud: cloud{b.from}, closed: map[item.Ref]string{}}}
}

func (b *cutBench) engine(sel Selection) *Engine {
	e, err := New(Config{Spec: b.spec, Select: sel, From: Side{Title: "Source", Cloud: b.house, Caps: b.from.caps, Connection: "src"},
		To: Side{Title: "Target", Cloud: cloud{b.to}, Caps: b.to.caps, Connection: "dst"}, Ledger: b.led, Key: make([]byte, 32), Now: b.now, Failpoint: b.fail})
	if err != nil {
		b.t.Fatal(err)
	}
	return e
}

func (b *cutBench) cutover(status string, sel Selection) *CutoverReport {
	b.t.Helper()
	r, err := b.engine(sel).Cutover(context.Background(), false)
	if err != nil {
		b.t.Fatal(err)
	}
	if r.Status != status {
		b.t.Fatalf("the cut-over ended %s, want %s: %+v %+v", r.Status, status, r.Containers, r.Verdict.Differences)
	}
	return r
}

func (b *cutBench) revert(status string, sel Selection) *CutoverReport {
	b.t.Helper()
	r, err := b.engine(sel).Revert(context.Background(), false)
	if err != nil || r.Status != status {
		b.t.Fatalf("the revert ended %s, want %s: %+v, %v", r.Status, status, r.Containers, err)
	}
	return r
}

// cut is the board's cut-over as the ledger has it.
func (b *cutBench) cut() ledger.Cut {
	b.t.Helper()
	shards, err := b.led.Shards(context.Background())
	if err != nil {
		b.t.Fatal(err)
	}
	i := slices.IndexFunc(shards, func(s ledger.Shard) bool { return BoardOf(s.Source) == s.Source })
	if i < 0 {
		b.t.Fatal("the ledger knows no board")
	}
	return shards[i].Cut
}

func (b *cutBench) did(want ...string) {
	b.t.Helper()
	if !slices.Equal(b.house.did, want) {
		b.t.Errorf("to the source was done %q, want %q", b.house.did, want)
	}
}

func (b *cutBench) board() item.Ref {
	return b.from.order[slices.IndexFunc(b.from.order, func(r item.Ref) bool { return r.Kind == item.Board })]
}

// What differs stops a cut-over before the source is touched; what people changed
// at the target does not.
func TestCutoverComparesFirst(t *testing.T) {
	b := newCutBench(t)
	b.cutover("cut-over", Selection{}) // never run before: it moves all of it
	board := b.board()
	b.did("close " + board.ID + " open:" + board.ID)
	if link := b.house.closed[board]; !strings.HasPrefix(link, "http://dst/board/") {
		t.Errorf("the note leads to %q", link)
	}
	b.revert("reverted", Selection{})
	b.house.did = nil

	tasks := slices.DeleteFunc(slices.Clone(b.to.order), func(r item.Ref) bool { return r.Kind != item.Task })
	b.to.edit(tasks[0], func(it *item.Item) { item.Title.Set(it, "by its people") })
	list := b.to.order[slices.IndexFunc(b.to.order, func(r item.Ref) bool { return r.Kind == item.List })]
	b.to.listing = func() { // by verify, after the last delta; the memory is locked
		delete(b.to.items, list)
		b.to.order = slices.DeleteFunc(b.to.order, func(r item.Ref) bool { return r == list })
	}
	r := b.cutover("differs", Selection{})
	if r.Verdict.Lost == 0 || r.Verdict.Edited != 1 {
		t.Errorf("%d differences are nobody's edit and %d are people's: %+v", r.Verdict.Lost, r.Verdict.Edited, r.Verdict.Differences)
	}
	b.did()
	if b.cut().Held() {
		t.Error("the ledger says that it is cut over")
	}
}

// People work until the last moment; what they change then has moved as well.
func TestCutoverMissesNothing(t *testing.T) {
	b := newCutBench(t)
	task := b.from.order[slices.IndexFunc(b.from.order, func(r item.Ref) bool { return r.Kind == item.Task })]
	b.house.late = func() { b.from.edit(task, func(it *item.Item) { item.Title.Set(it, "at the last moment") }) }
	b.cutover("cut-over", Selection{})
	b.house.late = nil
	b.verify("equal-with-losses")
}

// Each kind of failure has its end, and none of them is remembered as done.
func TestCutoverFails(t *testing.T) {
	for _, c := range []struct {
		err           error
		status, state string
		ends          bool
	}{
		{connector.Errorf(connector.Forbidden, "no right"), "steps", "steps", false},
		{connector.Errorf(connector.Unsupported, "no way"), "steps", "steps", false},
		{connector.Errorf(connector.Permanent, "no"), "partial", "failed", false},
		{connector.Errorf(connector.Auth, "no token"), "", "", true},
	} {
		t.Run(string(connector.ClassOf(c.err)), func(t *testing.T) {
			b := newCutBench(t)
			b.house.fails = c.err
			r, err := b.engine(Selection{}).Cutover(t.Context(), false)
			switch {
			case c.ends != (err != nil):
				t.Fatal(err)
			case !c.ends && (r.Status != c.status || r.Containers[0].State != c.state):
				t.Errorf("%+v", r)
			case c.state == "steps" && !slices.ContainsFunc(r.Containers[0].Steps, func(s string) bool { return strings.Contains(s, "http://dst/board/") }):
				t.Errorf("the steps name no link: %q", r.Containers[0].Steps)
			}
			if b.cut().State == ledger.CutOver {
				t.Error("it is remembered as cut over")
			}
			b.house.fails = nil
			b.cutover("cut-over", Selection{})
		})
	}
}

// In the night of 25 hours an hour comes twice; the ledger tells the two apart,
// and which came first.
func TestCutoverInTheNightOfTheClockChange(t *testing.T) {
	oslo, err := time.LoadLocation("Europe/Oslo")
	if err != nil {
		t.Fatal(err)
	}
	first := time.Date(2026, 10, 25, 0, 30, 0, 0, time.UTC).In(oslo)
	again := first.Add(time.Hour)
	if first.Format(time.TimeOnly) != again.Format(time.TimeOnly) {
		t.Fatal("the clocks do not change in this night")
	}
	var cuts []time.Time
	for _, now := range []time.Time{first, again} {
		b := newCutBench(t)
		b.now = func() time.Time { return now }
		b.cutover("cut-over", Selection{})
		cut := b.cut()
		if !cut.At.Equal(now) || cut.At.Location() != time.UTC {
			t.Errorf("cut over at %v, and the ledger says %v", now, cut.At)
		}
		cuts = append(cuts, cut.At)
	}
	if got := cuts[1].Sub(cuts[0]); got != time.Hour {
		t.Errorf("the two cut-overs are %v apart", got)
	}
}

// What is cut over is left alone by runs, unless it is named, and by undo; a lost
// ledger's rebuild forgets nothing of it.
func TestCutOverIsLeftAlone(t *testing.T) {
	b := newCutBench(t)
	b.cutover("cut-over", Selection{})
	board := b.board()
	task := b.from.order[slices.IndexFunc(b.from.order, func(r item.Ref) bool { return r.Kind == item.Task })]
	b.from.edit(task, func(it *item.Item) { item.Title.Set(it, "too late") })
	for name, c := range map[string]struct {
		sel     Selection
		updated int
	}{"all": {Selection{}, 0}, "named": {Selection{Only: []string{board.ID}}, 1}} {
		r, err := b.engine(c.sel).Run(t.Context())
		if err != nil || r.Kinds[item.Task].Updated != c.updated {
			t.Errorf("a run of %s updated %+v: %v", name, r.Kinds[item.Task], err)
		}
	}
	if _, err := b.engine(Selection{}).Undo(t.Context(), false); err == nil || !strings.Contains(err.Error(), "--revert") {
		t.Errorf("undo: %v", err)
	}
	if r := b.cutover("nothing-to-do", Selection{}); len(r.Kept) != 1 || !r.Kept[0].At.Equal(b.cut().At) {
		t.Errorf("left alone: %+v", r.Kept)
	}
	before := b.cut()
	if _, err := b.engine(Selection{}).Rebuild(t.Context()); err != nil {
		t.Fatal(err)
	}
	if after := b.cut(); after != before {
		t.Errorf("rebuilt: %+v, was %+v", after, before)
	}
	b.house.did = nil
	b.revert("reverted", Selection{})
	b.did("reopen " + board.ID + " open:" + board.ID)
	b.revert("nothing-to-do", Selection{})
}

// Killed at any step, the next cut-over goes on with how the container stood
// before the first.
func TestCutoverCutOffAnywhere(t *testing.T) {
	died := errors.New("died")
	for _, at := range []string{"before-close", "after-close", "before-cut-over", "after-cut-over"} {
		t.Run(at, func(t *testing.T) {
			b := newCutBench(t)
			b.fail = func(step string) {
				if step == at {
					panic(died)
				}
			}
			func() {
				defer func() {
					if r := recover(); r != died {
						t.Fatal(fmt.Sprint("it did not die: ", r))
					}
				}()
				b.cutover("", Selection{})
			}()
			b.fail = nil
			want := "cut-over"
			if at == "after-cut-over" {
				want = "nothing-to-do"
			}
			b.cutover(want, Selection{})
			board := b.board()
			if c := b.cut(); c.State != ledger.CutOver || c.Before != "open:"+board.ID || b.house.closed[board] == "" {
				t.Errorf("%+v, %v", c, b.house.closed)
			}
		})
	}
}
