package dropbox

import (
	"context"
	"encoding/json"
	"sync"
	"sync/atomic"

	"github.com/rialto-migrate/rialto/connector"
)

// A gather sends what several callers ask for at the same time in one request: the
// first goes at once, and those who come while a request is under way share the next.
// Dropbox locks the namespace for each commit, so that side by side they would hinder
// one another (https://www.dropbox.com/developers/reference/data-ingress-guide).
type gather[In, Out any] struct {
	most int // of one request
	// send carries out what was asked for; an error is that of all.
	send func(context.Context, []In) ([]Out, error)

	mu      sync.Mutex
	waiting []*asked[In, Out]
	busy    bool
}

// asked is what one caller asked for.
type asked[In, Out any] struct {
	ctx    context.Context
	in     In
	answer chan answer[Out]
}

type answer[Out any] struct {
	out Out
	err error
}

// do asks for one thing. A caller who gives up is let go; what was asked for may be
// carried out all the same.
func (g *gather[In, Out]) do(ctx context.Context, in In) (Out, error) {
	a := &asked[In, Out]{ctx: ctx, in: in, answer: make(chan answer[Out], 1)}
	g.mu.Lock()
	g.waiting = append(g.waiting, a)
	if !g.busy {
		g.busy = true
		go g.work()
	}
	g.mu.Unlock()
	select {
	case got := <-a.answer:
		return got.out, got.err
	case <-ctx.Done():
		var none Out
		return none, &connector.Error{Class: connector.Transient, InDoubt: true, Reason: "stopped while a request of several was under way", Err: context.Cause(ctx)}
	}
}

// work sends until nobody waits.
func (g *gather[In, Out]) work() {
	for {
		g.mu.Lock()
		n := min(len(g.waiting), g.most)
		if n == 0 {
			g.busy = false
			g.mu.Unlock()
			return
		}
		now := g.waiting[:n:n]
		g.waiting = append([]*asked[In, Out](nil), g.waiting[n:]...)
		g.mu.Unlock()
		g.together(now)
	}
}

// together sends for some callers, for as long as one of them waits.
func (g *gather[In, Out]) together(now []*asked[In, Out]) {
	ctx, end := context.WithCancel(context.WithoutCancel(now[0].ctx))
	defer end()
	var left atomic.Int64
	left.Store(int64(len(now)))
	var in []In
	for _, a := range now {
		in = append(in, a.in)
		stop := context.AfterFunc(a.ctx, func() {
			if left.Add(-1) == 0 {
				end()
			}
		})
		defer stop()
	}
	out, err := g.send(ctx, in)
	for i, a := range now {
		got := answer[Out]{err: err}
		if err == nil {
			got.out = out[i]
		}
		a.answer <- got
	}
}

// deleteArg is files.DeleteArg.
type deleteArg struct {
	Path string `json:"path"`
	Rev  string `json:"parent_rev,omitempty"`
}

// moveArg is files.RelocationPath.
type moveArg struct {
	From string `json:"from_path"`
	To   string `json:"to_path"`
}

// A batched answer is one of a batch: what came of an entry.
type batched struct {
	Tag     string          `json:".tag"`
	Success metadata        `json:"success"`
	Failure json.RawMessage `json:"failure"`
}

// A changed entry is what became of one that was moved or deleted.
type changedEntry struct {
	m   metadata
	err error
}

// deleteTogether deletes; one alone in a request of its own. It may be sent again: what
// is gone then is what was meant.
func (t *target) deleteTogether(ctx context.Context, in []deleteArg) ([]changedEntry, error) {
	if len(in) == 1 {
		return []changedEntry{{}}, t.api.rpc(ctx, t.me.view, "files/delete_v2", in[0], nil, again(commit))
	}
	return t.batch(ctx, "files/delete_batch", "files/delete_batch/check", map[string]any{"entries": in}, len(in), again(commit))
}

// moveTogether moves; one alone in a request of its own.
func (t *target) moveTogether(ctx context.Context, in []moveArg) ([]changedEntry, error) {
	if len(in) == 1 {
		var told struct {
			Metadata metadata `json:"metadata"`
		}
		arg := map[string]any{"from_path": in[0].From, "to_path": in[0].To, "autorename": false, "allow_shared_folder": true}
		err := t.api.rpc(ctx, t.me.view, "files/move_v2", arg, &told, commit)
		return []changedEntry{{m: told.Metadata}}, err
	}
	return t.batch(ctx, "files/move_batch_v2", "files/move_batch/check_v2", map[string]any{"entries": in, "autorename": false}, len(in), commit)
}

// batch sends a batch, waits for its end, and tells what became of each entry.
func (t *target) batch(ctx context.Context, call, check string, arg any, n int, s sort) ([]changedEntry, error) {
	var told struct {
		launch
		Entries []batched `json:"entries"`
	}
	if err := t.api.rpc(ctx, t.me.view, call, arg, &told, s); err != nil {
		return nil, err
	}
	if err := t.await(ctx, check, told.launch, &told, commitCheck); err != nil {
		return nil, err
	}
	if len(told.Entries) != n {
		e := connector.Errorf(connector.Malformed, "%s: %d of %d entries are told of", call, len(told.Entries), n)
		e.InDoubt = true
		return nil, e
	}
	out := make([]changedEntry, n)
	for i, e := range told.Entries {
		if out[i].m = e.Success; e.Tag != "success" {
			out[i].err = failure(call, e.Failure)
		}
	}
	return out, nil
}
