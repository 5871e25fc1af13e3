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
	if _, stays := to.all()["dir/one.txt"]; stays {
		t.Errorf("an undo leaves a file of ours: %v", to.all())
	}
}
