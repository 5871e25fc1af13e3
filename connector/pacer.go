package connector

import (
	"context"
	"sync"
	"time"
)

// A Pacer keeps one connection's calls at the quota and not over it. All
// shards share it. It is safe for concurrent use.
type Pacer struct {
	mu     sync.Mutex
	fences map[string]time.Time // by class: nobody sends before
	slots  chan struct{}
}

// A Sample is what a vendor's headers tell about one quota.
type Sample struct {
	Quota     string        // which counter: "token", "key"
	Limit     int           // in its window; 0 if not told
	Remaining int           // -1 if not told
	Window    time.Duration // 0 if not told
	Reset     time.Duration // until the window ends; 0 if not told
}

// An Outcome is what became of one call.
type Outcome struct {
	Took       time.Duration
	Status     int
	Refused    bool // 429 or the vendor's form of it
	Failed     bool // no answer at all
	RetryAfter time.Duration
	Samples    []Sample
}

// NewPacer returns a pacer that starts from the documented quotas.
func NewPacer(quotas []Quota) *Pacer {
	return &Pacer{fences: map[string]time.Time{}, slots: make(chan struct{}, 32)}
}

// Take waits until a call of this class and cost may be sent. The caller calls
// done once, when the answer's head is there.
func (p *Pacer) Take(ctx context.Context, class string, cost int) (done func(Outcome), err error) {
	select {
	case p.slots <- struct{}{}:
	case <-ctx.Done():
		return nil, context.Cause(ctx)
	}
	for {
		p.mu.Lock()
		wait := time.Until(p.fences[class])
		p.mu.Unlock()
		if wait <= 0 {
			break
		}
		if err := sleep(ctx, wait); err != nil {
			<-p.slots
			return nil, err
		}
	}
	return func(o Outcome) {
		<-p.slots
		if o.Refused {
			p.mu.Lock()
			p.fences[class] = time.Now().Add(max(o.RetryAfter, 200*time.Millisecond))
			p.mu.Unlock()
		}
	}, nil
}
