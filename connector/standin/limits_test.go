package standin

import (
	"fmt"
	"sync"
	"testing"
	"time"
)

var epoch = time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)

// No client gets more than a window allows, however it calls: within any Per
// for a sliding window, within each window for a fixed one, within Per and a
// full bucket for tokens.
func TestWindowsHold(t *testing.T) {
	for _, kind := range []WindowKind{Fixed, Sliding, TokenBucket} {
		for _, neighbour := range []float64{0, 0.2} {
			t.Run(fmt.Sprint(kind, neighbour), func(t *testing.T) {
				w := Window{Kind: kind, Max: 100, Per: 10 * time.Second, Phase: 3 * time.Second, Neighbour: neighbour}
				l := NewLimiter(w, 1)
				passed := 0
				const seconds = 300
				for i := range seconds * 50 { // five times what is allowed
					at := epoch.Add(time.Duration(i) * 20 * time.Millisecond)
					before := l.Peek("k", at)
					got := l.Take("k", at, 1)
					if got.OK != (before.Remaining >= 1) {
						t.Fatalf("at %v: remaining %d, but ok is %v", at, before.Remaining, got.OK)
					}
					if got.OK {
						passed++
					}
					if got.Reset < 0 || got.Reset > w.Per {
						t.Fatalf("reset in %v", got.Reset)
					}
				}
				u := l.Usage("k")
				if u.Passed != passed || u.Refused != seconds*50-passed {
					t.Errorf("usage %+v, but %d passed", u, passed)
				}
				total, most := u.Passed+u.Neighbour, 10*seconds+100
				if total > most || total < 10*seconds-100 {
					t.Errorf("%d passed in all, want about %d", total, 10*seconds)
				}
				if neighbour == 0 && u.Neighbour != 0 || neighbour > 0 && u.Neighbour == 0 {
					t.Errorf("the neighbour took %d", u.Neighbour)
				}
			})
		}
	}
}

// A neighbour at its ease gets its share of the limit.
func TestNeighbourShare(t *testing.T) {
	l := NewLimiter(Window{Kind: Sliding, Max: 100, Per: 10 * time.Second, Neighbour: 0.2}, 1)
	for i := range 600 { // 1 request a second leaves room for both
		l.Take("k", epoch.Add(time.Duration(i)*time.Second), 1)
	}
	if n := l.Usage("k").Neighbour; n < 1190 || n > 1200 {
		t.Errorf("the neighbour took %d in ten minutes, want 20 each ten seconds", n)
	}
}

func TestSlidingForgets(t *testing.T) {
	l := NewLimiter(Window{Kind: Sliding, Max: 2, Per: time.Second}, 1)
	for i, c := range []struct {
		at   time.Duration
		cost int
		ok   bool
	}{{0, 1, true}, {500 * time.Millisecond, 1, true}, {900 * time.Millisecond, 1, false}, {time.Second, 1, true}, {time.Second, 1, false}, {1500 * time.Millisecond, 1, true}, {3 * time.Second, 3, false}, {3 * time.Second, 2, true}} {
		if got := l.Take("k", epoch.Add(c.at), c.cost); got.OK != c.ok {
			t.Errorf("step %d: ok is %v", i, got.OK)
		}
	}
}

func TestKindAndPhaseBySeed(t *testing.T) {
	kinds := map[WindowKind]bool{}
	for seed := range uint64(40) {
		l := NewLimiter(Window{Max: 10, Per: time.Second, Phase: -1}, seed)
		l.Take("k", epoch, 1)
		kinds[l.keys["k"].kind] = true
		again := NewLimiter(Window{Max: 10, Per: time.Second, Phase: -1}, seed)
		again.Take("k", epoch, 1)
		if l.keys["k"].kind != again.keys["k"].kind || l.keys["k"].phase != again.keys["k"].phase {
			t.Fatal("the same seed chose differently")
		}
	}
	if len(kinds) != 3 {
		t.Errorf("forty seeds chose only %v", kinds)
	}
}

func TestHalve(t *testing.T) {
	l := NewLimiter(Window{Kind: Fixed, Max: 100, Per: time.Second}, 1)
	l.Halve()
	n := 0
	for range 100 {
		if l.Take("k", epoch, 1).OK {
			n++
		}
	}
	if n != 50 {
		t.Errorf("%d passed after halving, want 50", n)
	}
	l.SetMax(0)
	if !l.Take("k", epoch, 1000).OK {
		t.Error("a lifted limit refuses")
	}
}

func TestLimiterConcurrently(t *testing.T) {
	l := NewLimiter(Window{Kind: TokenBucket, Max: 50, Per: time.Hour}, 1)
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			for range 50 {
				l.Take("k", epoch, 1)
			}
		})
	}
	wg.Wait()
	if u := l.Usage("k"); u.Passed != 50 || u.Refused != 350 {
		t.Errorf("usage %+v, want 50 passed", u)
	}
}
