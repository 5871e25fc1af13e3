package standin

import (
	"math/rand/v2"
	"sync"
	"time"
)

// A WindowKind is how a cloud counts requests against a limit.
type WindowKind string

const (
	AnyWindow   WindowKind = ""             // one of the three, chosen by seed and key
	Fixed       WindowKind = "fixed"        // the count starts anew every Per, at a phase nobody tells
	Sliding     WindowKind = "sliding"      // at most Max within any Per
	TokenBucket WindowKind = "token-bucket" // Max at once, refilled evenly with Max each Per
)

// A Window is a limit: Max requests each Per.
type Window struct {
	Kind WindowKind
	Max  int // 0 means no limit
	Per  time.Duration
	// Phase shifts the start of fixed windows from the Unix epoch; negative
	// means one chosen by seed and key.
	Phase time.Duration
	// Neighbour is the share of Max that a second client of the same credential
	// takes, evenly over time, subject to the same limit.
	Neighbour float64
}

// Taken is what became of a request against a limit.
type Taken struct {
	OK        bool
	Max       int
	Remaining int           // after this request
	Reset     time.Duration // until the window ends or, when refused, room is there again
}

// Usage counts what passed a Limiter since it was made.
type Usage struct{ Passed, Refused, Neighbour int }

// A Limiter holds each key (a token, an app, a mailbox) to a Window of its
// own. It has no clock: the caller says what time it is. It is safe for
// concurrent use.
type Limiter struct {
	mu     sync.Mutex
	window Window
	seed   uint64
	keys   map[string]*meter
}

// NewLimiter returns a limiter whose choices (AnyWindow, a negative Phase) are
// made by seed.
func NewLimiter(w Window, seed uint64) *Limiter {
	return &Limiter{window: w, seed: seed, keys: map[string]*meter{}}
}

// Take counts a request of this cost for a key at a time. A refused request
// does not count against the limit. Times before the latest one seen for a key
// are treated as that one.
func (l *Limiter) Take(key string, now time.Time, cost int) Taken {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.window.Max <= 0 {
		return Taken{OK: true}
	}
	m := l.meter(key, now)
	m.neighbours(l.window, now)
	t := m.take(l.window, now, cost)
	if t.OK {
		m.usage.Passed += cost
	} else {
		m.usage.Refused++
	}
	return t
}

// Peek tells what is left for a key without counting anything.
func (l *Limiter) Peek(key string, now time.Time) Taken {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.window.Max <= 0 {
		return Taken{OK: true}
	}
	m := l.meter(key, now)
	m.neighbours(l.window, now)
	return m.take(l.window, now, 0)
}

// Usage tells what a key has used.
func (l *Limiter) Usage(key string) Usage {
	l.mu.Lock()
	defer l.mu.Unlock()
	if m := l.keys[key]; m != nil {
		return m.usage
	}
	return Usage{}
}

// SetMax changes the limit of every key from now on; 0 lifts it.
func (l *Limiter) SetMax(n int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.window.Max = n
}

// Halve halves the limit of every key from now on, but not below 1.
func (l *Limiter) Halve() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.window.Max = max(l.window.Max/2, min(l.window.Max, 1))
}

// Window tells the limit as it is now.
func (l *Limiter) Window() Window {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.window
}

func (l *Limiter) meter(key string, now time.Time) *meter {
	if m := l.keys[key]; m != nil {
		return m
	}
	h := uint64(14695981039346656037) // FNV-1a
	for _, b := range []byte(key) {
		h = (h ^ uint64(b)) * 1099511628211
	}
	dice := rand.New(rand.NewPCG(l.seed, h))
	kinds := []WindowKind{Fixed, Sliding, TokenBucket}
	m := &meter{kind: kinds[dice.IntN(3)], phase: time.Duration(dice.Int64N(int64(max(l.window.Per, 1)))), tokens: float64(l.window.Max), last: now, neighbour: now}
	if l.window.Kind != AnyWindow {
		m.kind = l.window.Kind
	}
	if l.window.Phase >= 0 {
		m.phase = l.window.Phase
	}
	l.keys[key] = m
	return m
}

// A meter is the count of one key.
type meter struct {
	kind      WindowKind
	phase     time.Duration
	window    int64 // Fixed: the number of the current window
	used      int
	log       []entry // Sliding: oldest first
	tokens    float64 // TokenBucket
	last      time.Time
	neighbour time.Time // when the neighbour called last
	usage     Usage
}

type entry struct {
	at   time.Time
	cost int
}

// neighbours lets the second client make the calls that are due.
func (m *meter) neighbours(w Window, now time.Time) {
	if w.Neighbour <= 0 {
		return
	}
	every := time.Duration(float64(w.Per) / (w.Neighbour * float64(w.Max)))
	if every <= 0 {
		return
	}
	if oldest := now.Add(-2 * w.Per); m.neighbour.Before(oldest) {
		m.neighbour = oldest // what was before has no effect any more
	}
	for !m.neighbour.Add(every).After(now) {
		m.neighbour = m.neighbour.Add(every)
		if m.take(w, m.neighbour, 1).OK {
			m.usage.Neighbour++
		}
	}
}

func (m *meter) take(w Window, now time.Time, cost int) Taken {
	if now.Before(m.last) {
		now = m.last
	}
	defer func() { m.last = now }()
	t := Taken{Max: w.Max}
	switch m.kind {
	case Sliding:
		for len(m.log) > 0 && !m.log[0].at.Add(w.Per).After(now) {
			m.used -= m.log[0].cost
			m.log = m.log[1:]
		}
		t.OK = m.used+cost <= w.Max
		if t.OK && cost > 0 {
			m.used += cost
			m.log = append(m.log, entry{now, cost})
		}
		t.Remaining = w.Max - m.used
		if len(m.log) > 0 {
			t.Reset = m.log[0].at.Add(w.Per).Sub(now)
		}
	case TokenBucket:
		rate := float64(w.Max) / float64(w.Per)
		m.tokens = min(m.tokens+rate*float64(now.Sub(m.last)), float64(w.Max))
		const dust = 1e-9 // sums of floats never quite reach a whole token
		t.OK = m.tokens+dust >= float64(cost)
		if t.OK {
			m.tokens -= float64(cost)
			t.Reset = time.Duration((float64(w.Max) - m.tokens) / rate)
		} else {
			t.Reset = time.Duration((float64(cost)-m.tokens)/rate) + 1
		}
		t.Remaining = int(m.tokens + dust)
	default:
		since := now.UnixNano() - int64(m.phase)
		if n := since / int64(w.Per); n != m.window {
			m.window, m.used = n, 0
		}
		t.OK = m.used+cost <= w.Max
		if t.OK {
			m.used += cost
		}
		t.Remaining = w.Max - m.used
		t.Reset = w.Per - time.Duration(since%int64(w.Per))
	}
	t.Remaining = max(t.Remaining, 0)
	return t
}
