package migrate

import (
	"context"
	"testing"

	"github.com/rialto-migrate/rialto/connector"
)

// TestDoubtsOutliveAProcess kills a pass whose creates were carried out and not answered,
// and the next one right after it has looked at them: what stands there is still known to
// be ours, so that an undo takes it back.
func TestDoubtsOutliveAProcess(t *testing.T) {
	from, to := newTree("/src"), newTree("/dst")
	h := newHaul(t, from, to)
	from.put("dir/one.txt", "1")
	from.put("dir/gone.txt", "2")
	to.answer = func(c connector.Change) error {
		if c.Item.Blob == nil {
			return nil
		}
		return &connector.Error{Class: connector.Auth, InDoubt: true, Reason: "the process died"}
	}
	if _, err := h.engine().Run(t.Context()); err == nil {
		t.Fatal("the first run was not cut off: the test proves nothing")
	}
	to.answer = nil
	died := false
	ctx, kill := context.WithCancel(t.Context())
	e := h.engine()
	e.Failpoint = func(name string) {
		if name == "after-settle" {
			died = true
			kill()
		}
	}
	if _, err := e.Run(ctx); err == nil || !died {
		t.Fatalf("the second run was not killed after it had settled: %v", err)
	}
	from.drop("dir/gone.txt") // nothing tries it again
	if r, err := h.engine().Run(t.Context()); err != nil || r.Status != "complete" {
		t.Fatalf("run: %v, %+v", err, r)
	}
	intents, err := h.led.InDoubt(t.Context(), 1)
	if err != nil || len(intents) > 0 {
		t.Errorf("after a pass that worked everything off %d writes are in doubt: %v", len(intents), err)
	}
	if u, err := h.engine().Undo(t.Context(), false); err != nil || u.Failed > 0 {
		t.Errorf("undo: %v, %+v", err, u)
	}
	if got := to.all(); len(got) > 0 {
		t.Errorf("an undo leaves what is ours: %v", got)
	}
}

// TestDoubtsOfWhatIsGone has the source lose a file whose create was carried out and not
// answered: what it left is known to an undo and to the pass that deletes, and what
// people put in its place is theirs.
func TestDoubtsOfWhatIsGone(t *testing.T) {
	passes := func(n int) func(*haul) {
		return func(h *haul) {
			for range n {
				if r, err := h.engine().Run(h.t.Context()); err != nil || r.Status != "complete" {
					h.t.Fatalf("run: %v, %+v", err, r)
				}
			}
		}
	}
	undo := func(h *haul) {
		if u, err := h.engine().Undo(h.t.Context(), false); err != nil || u.Failed > 0 {
			h.t.Errorf("undo: %v, %+v", err, u)
		}
	}
	tests := []struct {
		name      string
		deletions string
		there     func(*tree) // what becomes of the target before the next run
		then      []func(*haul)
		stays     bool
	}{
		{"deleted by a pass", "delete", nil, []func(*haul){passes(2)}, false},
		{"kept by a pass", "keep", nil, []func(*haul){passes(2)}, true},
		{"undone after a pass", "keep", nil, []func(*haul){passes(1), undo}, false},
		{"undone at once", "keep", nil, []func(*haul){undo}, false},
		{"people wrote over it", "delete", func(to *tree) { to.put("dir/gone.txt", "theirs") }, []func(*haul){passes(2), undo}, true},
		{"people wrote over it after a pass", "keep", nil, []func(*haul){passes(1), func(h *haul) { h.to.(*tree).put("dir/gone.txt", "theirs") }, undo}, true},
		{"it never came about", "delete", func(to *tree) { to.drop("dir/gone.txt") }, []func(*haul){passes(2), undo}, false},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			from, to := newTree("/src"), newTree("/dst")
			h := newHaul(t, from, to)
			h.spec.Policies.Deletions = test.deletions
			from.put("dir/one.txt", "1")
			from.put("dir/gone.txt", "2")
			to.answer = func(c connector.Change) error {
				if c.Item.Blob == nil {
					return nil
				}
				return &connector.Error{Class: connector.Auth, InDoubt: true, Reason: "the process died"}
			}
			if _, err := h.engine().Run(t.Context()); err == nil {
				t.Fatal("the first run was not cut off: the test proves nothing")
			}
			if _, ok := to.all()["dir/gone.txt"]; !ok {
				t.Fatal("the file did not land: the test proves nothing")
			}
			to.answer = nil
			from.drop("dir/gone.txt")
			if test.there != nil {
				test.there(to)
			}
			for _, step := range test.then {
				step(h)
			}
			if _, stays := to.all()["dir/gone.txt"]; stays != test.stays {
				t.Errorf("the file stays: %t, want %t; the target has %v", stays, test.stays, to.all())
			}
			if intents, err := h.led.InDoubt(t.Context(), 1); err != nil || len(intents) > 0 {
				t.Errorf("%d writes are in doubt: %v", len(intents), err)
			}
		})
	}
}
