package connector

import (
	"context"
	"sync"
	"time"
)

// A Pacer keeps one connection's calls at the quota and not over it, and no
// more of them in flight than the cloud bears. All shards share it. It is safe
// for concurrent use.
type Pacer struct {
	mu      sync.Mutex
	limiter *limiter
	turns   map[string]chan struct{} // by class: held by the call that goes next
	changed chan struct{}            // closed when something was learned
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
	Took       time.Duration // until the answer's head was there; 0 says nothing about the cloud's speed
	Status     int
	Refused    bool // 429 or the vendor's form of it
	Failed     bool // no answer at all
	RetryAfter time.Duration
	Samples    []Sample
}

// NewPacer returns a pacer that starts from the documented quotas. What the
// cloud tells in its answers replaces them.
func NewPacer(quotas []Quota) *Pacer {
	return &Pacer{limiter: newLimiter(quotas), turns: map[string]chan struct{}{}, changed: make(chan struct{})}
}

// SetPace says how much of the connection is used from now on. At a share of 0
// nothing more is sent until the pace is set anew; calls in flight go on.
func (p *Pacer) SetPace(pace Pace) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if pace == p.limiter.pace {
		return
	}
	p.limiter.setPace(pace)
	p.learned()
}

// learned wakes those who wait. The caller holds the lock.
func (p *Pacer) learned() {
	close(p.changed)
	p.changed = make(chan struct{})
}

// Take waits until a call of this class and cost may be sent; calls of a class
// go in the order in which they asked. The caller calls done once, when the
// answer's head is there or the call has failed. A cost of 0 waits for nothing:
// it is for reporting a refusal that was met within a batch. The error is the
// context's cause.
func (p *Pacer) Take(ctx context.Context, class string, cost int) (done func(Outcome), err error) {
	if err := ctx.Err(); err != nil {
		return nil, context.Cause(ctx)
	}
	turn := p.turn(class)
	if cost > 0 {
		select {
		case turn <- struct{}{}:
			defer func() { <-turn }()
		case <-ctx.Done():
			return nil, context.Cause(ctx)
		}
	}
	for {
		p.mu.Lock()
		now := time.Now()
		at, full := p.limiter.ask(now, class, cost)
		if !full && !at.After(now) {
			t := p.limiter.send(now, class, cost)
			p.mu.Unlock()
			return p.done(t), nil
		}
		changed := p.changed
		p.mu.Unlock()
		if err := p.wait(ctx, at.Sub(now), full, changed); err != nil {
			return nil, err
		}
	}
}

// done returns the function that ends a call. Its second call does nothing.
func (p *Pacer) done(t *ticket) func(Outcome) {
	var once sync.Once
	return func(o Outcome) {
		once.Do(func() {
			p.mu.Lock()
			defer p.mu.Unlock()
			p.limiter.answer(time.Now(), t, o)
			p.learned()
		})
	}
}

func (p *Pacer) turn(class string) chan struct{} {
	p.mu.Lock()
	defer p.mu.Unlock()
	t := p.turns[class]
	if t == nil {
		t = make(chan struct{}, 1)
		p.turns[class] = t
	}
	return t
}

// wait returns when the time has come, or something was learned meanwhile.
func (p *Pacer) wait(ctx context.Context, d time.Duration, full bool, changed <-chan struct{}) error {
	var due <-chan time.Time
	if !full {
		t := time.NewTimer(d)
		defer t.Stop()
		due = t.C
	}
	select {
	case <-due:
		return nil
	case <-changed:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}
