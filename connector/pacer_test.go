package connector

import (
	"context"
	"errors"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// A workshop is a cloud without quotas: so many calls are served at once, the
// others queue, and each takes its time.
type workshop struct {
	benches chan struct{}
	took    time.Duration

	mu        sync.Mutex
	now, most int
	served    int
}

func (w *workshop) call() Outcome {
	began := time.Now()
	w.mu.Lock()
	w.now++
	w.most = max(w.most, w.now)
	w.mu.Unlock()
	w.benches <- struct{}{}
	time.Sleep(w.took)
	<-w.benches
	w.mu.Lock()
	w.now--
	w.served++
	w.mu.Unlock()
	return Outcome{Took: time.Since(began), Status: 200}
}

// TestPacerFindsConcurrency: without a quota the calls in flight grow until the
// answers slow down, and never beyond 64.
func TestPacerFindsConcurrency(t *testing.T) {
	for _, c := range []struct {
		name         string
		benches      int
		took         time.Duration
		rate         float64 // calls a second that the cloud can serve
		least, limit int     // calls in flight at the end of the run
	}{
		{"one at a time", 1, 50 * time.Millisecond, 20, 1, 16},
		{"four", 4, 100 * time.Millisecond, 40, 4, 24},
		{"sixteen", 16, 100 * time.Millisecond, 160, 16, 40},
		{"no end", 1000, 100 * time.Millisecond, 640, 60, 64},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := &workshop{benches: make(chan struct{}, c.benches), took: c.took}
				p := NewPacer(nil)
				ctx, stop := context.WithCancel(t.Context())
				var wg sync.WaitGroup
				for range 100 {
					wg.Go(func() {
						for {
							done, err := p.Take(ctx, "", 1)
							if err != nil {
								return
							}
							done(w.call())
						}
					})
				}
				time.Sleep(time.Minute)
				w.mu.Lock()
				w.most, w.served = 0, 0
				w.mu.Unlock()
				time.Sleep(2 * time.Minute)
				w.mu.Lock()
				rate, most := float64(w.served)/120, w.most
				w.mu.Unlock()
				stop()
				wg.Wait()
				t.Logf("%.1f of %.0f calls a second, at most %d at once", rate, c.rate, most)
				if rate < 0.95*c.rate {
					t.Errorf("%.1f calls a second, the cloud could serve %.0f", rate, c.rate)
				}
				if most < c.least || most > c.limit {
					t.Errorf("%d calls at once, want %d to %d", most, c.least, c.limit)
				}
			})
		})
	}
}

func TestPacerKeepsOrderWithinAClass(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := NewPacer([]Quota{{Requests: 10, Per: time.Second}})
		var mu sync.Mutex
		var got []int
		var wg sync.WaitGroup
		for i := range 30 {
			wg.Go(func() {
				done, err := p.Take(t.Context(), "", 1)
				if err != nil {
					t.Error(err)
					return
				}
				mu.Lock()
				got = append(got, i)
				mu.Unlock()
				done(Outcome{Took: time.Millisecond, Status: 200})
			})
			synctest.Wait()
		}
		wg.Wait()
		for i, n := range got {
			if i != n {
				t.Fatalf("the calls went in the order %v", got)
			}
		}
	})
}

func TestPacerWaitEndsWithItsContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := NewPacer(nil)
		done, err := p.Take(t.Context(), "", 1)
		if err != nil {
			t.Fatal(err)
		}
		done(Outcome{Status: 429, Refused: true, RetryAfter: time.Hour})
		why := errors.New("the user stopped it")
		ctx, stop := context.WithCancelCause(t.Context())
		began := time.Now()
		time.AfterFunc(time.Second, func() { stop(why) })
		for range 3 { // one waits for its time, the others for their turn
			go func() {
				if _, err := p.Take(ctx, "", 1); !errors.Is(err, why) {
					t.Errorf("got %v, want the cause", err)
				}
			}()
		}
		time.Sleep(2 * time.Second)
		if _, err := p.Take(ctx, "", 1); !errors.Is(err, why) {
			t.Errorf("got %v, want the cause", err)
		}
		// Nothing was lost: the fence falls after an hour, and calls go on.
		done, err = p.Take(t.Context(), "", 1)
		if err != nil {
			t.Fatal(err)
		}
		done(Outcome{Took: time.Millisecond, Status: 200})
		if took := time.Since(began); took < time.Hour || took > time.Hour+time.Minute {
			t.Errorf("went on after %v, asked was an hour", took)
		}
	})
}

func TestPacerFences(t *testing.T) {
	refused := func(p *Pacer, class string, cost int, after time.Duration) {
		done, _ := p.Take(context.Background(), class, cost)
		done(Outcome{Status: 429, Refused: true, RetryAfter: after})
	}
	for _, c := range []struct {
		name        string
		class       string
		cost        int
		other       string
		least, most time.Duration
	}{
		{"its own class rests", "files", 1, "files", 30 * time.Second, 31 * time.Second},
		{"another class goes on", "files", 1, "boards", 0, 0},
		{"the class of all holds everybody", "", 1, "files", 30 * time.Second, 31 * time.Second},
		{"reported out of a batch", "", 0, "files", 30 * time.Second, 31 * time.Second},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				p := NewPacer(nil)
				refused(p, c.class, c.cost, 30*time.Second)
				began := time.Now()
				done, err := p.Take(t.Context(), c.other, 1)
				if err != nil {
					t.Fatal(err)
				}
				done(Outcome{Status: 200})
				if took := time.Since(began); took < c.least || took > c.most {
					t.Errorf("waited %v, want %v to %v", took, c.least, c.most)
				}
			})
		})
	}
}

// TestPacerDoneTwice: a call that is ended twice counts once.
func TestPacerDoneTwice(t *testing.T) {
	p := NewPacer(nil)
	for range 200 {
		done, err := p.Take(t.Context(), "", 1)
		if err != nil {
			t.Fatal(err)
		}
		done(Outcome{Status: 200})
		done(Outcome{Status: 200})
	}
	if n := p.limiter.inFlight(); n != 0 {
		t.Errorf("%d calls in flight, want none", n)
	}
}
