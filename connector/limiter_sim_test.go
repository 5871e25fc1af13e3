package connector

import (
	"context"
	"fmt"
	"math/rand/v2"
	"sync"
	"time"
)

// A counting is how a simulated cloud counts against a limit.
type counting int

const (
	fixedWindow counting = iota
	slidingWindow
	tokenBucket
)

func (c counting) String() string { return [...]string{"fixed", "sliding", "bucket"}[c] }

// A simWindow is one limit of a simulated cloud.
type simWindow struct {
	name   string
	kind   counting
	limit  int
	per    time.Duration
	phase  time.Duration
	class  string  // the only class that it counts, "" for all
	others float64 // share that a second client takes
	random bool    // the second client comes at random times, not evenly
	dice   *rand.Rand

	used   int
	window int64
	log    []time.Time
	tokens float64
	last   time.Time
	next   time.Time // when the second client comes

	taken, theirs, refused int // since count
	spill                  float64
}

func (w *simWindow) advance(now time.Time) {
	if w.last.IsZero() {
		w.last, w.tokens, w.next = now, float64(w.limit), now
	}
	if w.others > 0 {
		for !w.next.After(now) {
			if w.take(w.next) {
				w.theirs++
			}
			gap := float64(w.per) / (w.others * float64(w.limit))
			if w.random {
				gap *= w.dice.ExpFloat64()
			}
			w.next = w.next.Add(time.Duration(gap))
		}
	}
	w.tick(now)
}

func (w *simWindow) tick(now time.Time) {
	if now.Before(w.last) {
		return
	}
	switch w.kind {
	case fixedWindow:
		if n := (now.UnixNano() - int64(w.phase)) / int64(w.per); n != w.window {
			w.window, w.used = n, 0
		}
	case slidingWindow:
		for len(w.log) > 0 && !w.log[0].Add(w.per).After(now) {
			w.log = w.log[1:]
		}
	case tokenBucket:
		w.tokens += float64(w.limit) * float64(now.Sub(w.last)) / float64(w.per)
		if full := float64(w.limit); w.tokens > full {
			w.spill += w.tokens - full
			w.tokens = full
		}
	}
	w.last = now
}

func (w *simWindow) take(now time.Time) bool {
	w.tick(now)
	if w.left() < 1 {
		return false
	}
	switch w.kind {
	case fixedWindow:
		w.used++
	case slidingWindow:
		w.log = append(w.log, now)
	case tokenBucket:
		w.tokens--
	}
	return true
}

func (w *simWindow) left() int {
	switch w.kind {
	case fixedWindow:
		return max(w.limit-w.used, 0)
	case slidingWindow:
		return max(w.limit-len(w.log), 0)
	}
	return int(w.tokens + 1e-9)
}

// reset tells when the window ends, or where none does, when the next unit is
// free.
func (w *simWindow) reset(now time.Time) time.Duration {
	switch {
	case w.kind == slidingWindow && len(w.log) > 0:
		return w.log[0].Add(w.per).Sub(now)
	case w.kind == tokenBucket:
		return time.Duration((1 - w.tokens) * float64(w.per) / float64(w.limit))
	}
	since := now.UnixNano() - int64(w.phase)
	return w.per - time.Duration(since%int64(w.per))
}

// A simCloud is a server under virtual time.
type simCloud struct {
	mu      sync.Mutex
	dice    *rand.Rand
	windows []*simWindow
	// fast and slow bound the latency; jitter is the share by which one call
	// differs from the run's own base, 1 meaning anything between the bounds.
	fast, slow time.Duration
	base       time.Duration
	jitter     float64
	way        float64 // share of the latency that passes before the cloud counts a call, give or take a fifth
	tell       func(w *simWindow, now time.Time) (Sample, bool)
	retryAfter bool

	passed, refused int
	byClass         map[string]int
}

func (c *simCloud) String() string {
	if c.jitter >= 1 {
		return fmt.Sprintf("%d..%d ms", c.fast.Milliseconds(), c.slow.Milliseconds())
	}
	return fmt.Sprintf("%d ms +-%.0f %%", c.base.Milliseconds(), 100*c.jitter)
}

func (c *simCloud) latency() time.Duration {
	c.mu.Lock()
	defer c.mu.Unlock()
	any := c.fast + time.Duration(c.dice.Int64N(int64(c.slow-c.fast)+1))
	if c.jitter >= 1 {
		return any
	}
	took := time.Duration(float64(c.base) * (1 - c.jitter + 2*c.jitter*c.dice.Float64()))
	return min(max(took, c.fast), c.slow)
}

func (c *simCloud) call(class string, cost int) Outcome {
	took := c.latency()
	c.mu.Lock()
	up := time.Duration(float64(took) * c.way * (0.8 + 0.4*c.dice.Float64()))
	c.mu.Unlock()
	time.Sleep(up)
	o := c.handle(class, cost)
	time.Sleep(took - up)
	o.Took = took
	return o
}

func (c *simCloud) handle(class string, cost int) Outcome {
	c.mu.Lock()
	defer c.mu.Unlock()
	now := time.Now()
	o := Outcome{Status: 200}
	ok := true
	var wait time.Duration
	for _, w := range c.windows {
		w.advance(now)
		if w.class != "" && w.class != class {
			continue
		}
		if w.left() < cost {
			ok = false
			w.refused++
			wait = max(wait, w.reset(now))
			break
		}
	}
	for _, w := range c.windows {
		if w.class != "" && w.class != class {
			continue
		}
		for range cost {
			if ok && w.take(now) {
				w.taken++
			}
		}
		if s, told := c.tell(w, now); told {
			o.Samples = append(o.Samples, s)
		}
	}
	if !ok {
		o.Status, o.Refused = 429, true
		c.refused++
		if c.retryAfter {
			o.RetryAfter = wait.Truncate(time.Second) + time.Second
		}
		return o
	}
	c.passed += cost
	c.byClass[class] += cost
	return o
}

// work lets n callers of a class call as fast as the pacer lets them.
func (c *simCloud) work(ctx context.Context, p *Pacer, wg *sync.WaitGroup, n int, class string, cost int) {
	for range n {
		wg.Go(func() {
			for {
				done, err := p.Take(ctx, class, cost)
				if err != nil {
					return
				}
				done(c.call(class, cost))
			}
		})
	}
}

func newSimCloud(seed uint64) *simCloud {
	c := &simCloud{dice: rand.New(rand.NewPCG(seed, 7)), fast: 20 * time.Millisecond, slow: 400 * time.Millisecond,
		byClass: map[string]int{}, tell: tellRemaining}
	c.base = c.fast + time.Duration(c.dice.Int64N(int64(c.slow-c.fast)))
	c.way = 0.2 + 0.6*c.dice.Float64()
	switch c.dice.IntN(3) {
	case 0:
		c.jitter = 0.2
	case 1:
		c.jitter = 0.5
	default:
		c.jitter = 1
	}
	return c
}

func (c *simCloud) window(name string, kind counting, limit int, per time.Duration) *simWindow {
	w := &simWindow{name: name, kind: kind, limit: limit, per: per, phase: time.Duration(c.dice.Int64N(int64(per))),
		dice: rand.New(rand.NewPCG(c.dice.Uint64(), 3))}
	c.windows = append(c.windows, w)
	return w
}

func tellRemaining(w *simWindow, _ time.Time) (Sample, bool) {
	if w.class != "" {
		return Sample{}, false
	}
	return Sample{Quota: w.name, Limit: w.limit, Remaining: w.left(), Window: w.per}, true
}

// A tally compares what was used with what was there between two moments.
type tally struct {
	taken, theirs, calls, refused int
	room                          float64
}

func (t tally) use() float64      { return float64(t.taken) / t.room }
func (t tally) refusals() float64 { return float64(t.refused) / float64(t.calls) }

func (t tally) String() string {
	return fmt.Sprintf("%5.2f %% used, %5.2f %% refused (%d of %d calls; %d by others)", 100*t.use(), 100*t.refusals(), t.refused, t.calls, t.theirs)
}

func (c *simCloud) mark(w *simWindow) tally {
	c.mu.Lock()
	defer c.mu.Unlock()
	w.advance(time.Now())
	return tally{taken: w.taken, theirs: w.theirs, calls: c.passed + c.refused, refused: c.refused}
}

// since is what happened from a mark on, against a limit that lets so many
// units pass each window.
func (c *simCloud) since(w *simWindow, from tally, span time.Duration) tally {
	to := c.mark(w)
	d := tally{taken: to.taken - from.taken, theirs: to.theirs - from.theirs, calls: to.calls - from.calls, refused: to.refused - from.refused}
	d.room = float64(w.limit)*float64(span)/float64(w.per) - float64(d.theirs)
	return d
}
