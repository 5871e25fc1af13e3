package connector

import (
	"context"
	"sync"
	"time"
)

// A Flow holds the bytes of all clients that share it, in both directions
// together, to so many a second. It counts bodies, not heads. nil holds nothing.
// It is safe for concurrent use.
type Flow struct {
	rate float64 // bytes a second

	mu  sync.Mutex
	due time.Time // when all that passed so far should have passed
}

// flowStep is for how long bytes pass at once; shorter ones would wake us too
// often.
const flowStep = 100 * time.Millisecond

// NewFlow returns a flow of so many bytes a second, which is more than 0.
func NewFlow(rate float64) *Flow { return &Flow{rate: rate} }

// step is how much of n bytes may be read at once.
func (f *Flow) step(n int) int {
	if f == nil {
		return n
	}
	return min(n, max(int(f.rate*flowStep.Seconds()), 512))
}

// pass counts bytes that passed, and waits until their time is over. It fails
// only when ctx ends.
func (f *Flow) pass(ctx context.Context, n int) error {
	if f == nil || n <= 0 {
		return nil
	}
	f.mu.Lock()
	now := time.Now()
	f.due = later(f.due, now).Add(seconds(float64(n) / f.rate))
	wait := f.due.Sub(now)
	f.mu.Unlock()
	t := time.NewTimer(wait)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}
