package connector

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// TestPaceTakesItsShare: of every kind of quota, told or documented, a share is
// used and no more, and nobody is refused.
func TestPaceTakesItsShare(t *testing.T) {
	const span = 10 * time.Minute
	for _, share := range []float64{0.1, 0.3, 0.97} {
		for _, c := range []struct {
			name  string
			kind  counting
			limit int
			per   time.Duration
			tell  func(*simWindow, time.Time) (Sample, bool)
		}{
			{"told, fixed", fixedWindow, 100, 10 * time.Second, tellRemaining},
			{"told, sliding", slidingWindow, 100, 10 * time.Second, tellRemaining},
			{"told, bucket", tokenBucket, 600, time.Minute, tellRemaining},
			{"documented alone", slidingWindow, 100, 10 * time.Second, tellNothing},
			{"a long window, documented", fixedWindow, 1200, 5 * time.Minute, tellNothing},
		} {
			t.Run(fmt.Sprintf("%.0f %% %s", 100*share, c.name), func(t *testing.T) {
				t.Parallel()
				cloud := newSimCloud(5)
				cloud.tell = c.tell
				got := simulate(t, func() tally {
					w := cloud.window("token", c.kind, c.limit, c.per)
					p := NewPacer([]Quota{{Requests: c.limit, Per: c.per}})
					p.SetPace(Pace{Share: share})
					return serve(cloud, p, 24, func() tally {
						from := cloud.mark(w)
						time.Sleep(span)
						return cloud.since(w, from, span)
					})
				})
				t.Log(got)
				if use := got.use(); use > share*1.01+0.002 || use < share*0.95-0.005 {
					t.Errorf("%.1f %% of the quota was used, want %.0f %%", 100*use, 100*share)
				}
				if share < 0.9 && got.refused > 0 {
					t.Errorf("%d calls were refused", got.refused)
				}
			})
		}
	}
}

func tellNothing(*simWindow, time.Time) (Sample, bool) { return Sample{}, false }

// TestPaceOfAQuotaWithoutWindow: where the cloud tells what remains, but not in
// which time, the rest of it is left.
func TestPaceOfAQuotaWithoutWindow(t *testing.T) {
	for _, kind := range []counting{fixedWindow, slidingWindow} {
		t.Run(kind.String(), func(t *testing.T) {
			cloud := newSimCloud(9)
			cloud.tell = func(w *simWindow, _ time.Time) (Sample, bool) {
				return Sample{Quota: w.name, Limit: w.limit, Remaining: w.left()}, true
			}
			got := simulate(t, func() tally {
				w := cloud.window("token", kind, 100, 10*time.Second)
				p := NewPacer(nil)
				p.SetPace(Pace{Share: 0.3})
				return serve(cloud, p, 24, func() tally {
					from := cloud.mark(w)
					time.Sleep(10 * time.Minute)
					return cloud.since(w, from, 10*time.Minute)
				})
			})
			t.Log(got)
			if use := got.use(); use > 0.33 || use < 0.1 || got.refused > 0 {
				t.Errorf("%.1f %% of the quota was used, want at most 30 %%, and %d calls were refused", 100*use, got.refused)
			}
		})
	}
}

// TestPaceWithoutQuota: where nothing but the cloud's own speed holds calls
// back, a share of it is used.
func TestPaceWithoutQuota(t *testing.T) {
	for _, benches := range []int{4, 16} {
		t.Run(fmt.Sprintf("%d at once", benches), func(t *testing.T) {
			rate := map[float64]float64{}
			for _, share := range []float64{1, 0.3} {
				synctest.Test(t, func(t *testing.T) {
					w := &workshop{benches: make(chan struct{}, benches), took: 100 * time.Millisecond}
					p := NewPacer(nil)
					p.SetPace(Pace{Share: share})
					ctx, stop := context.WithCancel(t.Context())
					wg := w.staff(ctx, p, 100)
					time.Sleep(5 * time.Minute)
					w.mu.Lock()
					before := w.served
					w.mu.Unlock()
					time.Sleep(5 * time.Minute)
					w.mu.Lock()
					rate[share] = float64(w.served-before) / 300
					w.mu.Unlock()
					stop()
					wg.Wait()
				})
			}
			t.Logf("%.1f calls a second at full pace, %.1f at 30 %%", rate[1], rate[0.3])
			if part := rate[0.3] / rate[1]; part < 0.2 || part > 0.4 {
				t.Errorf("it used %.0f %% of what it could, want about 30 %%", 100*part)
			}
		})
	}
}

// staff lets n callers call until ctx ends.
func (w *workshop) staff(ctx context.Context, p *Pacer, n int) *sync.WaitGroup {
	var wg sync.WaitGroup
	for range n {
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
	return &wg
}

// TestPaceLimitsRequests: whatever the quota and the cost of a call, no second
// has more calls than the limit says, and all classes count together.
func TestPaceLimitsRequests(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := NewPacer([]Quota{{Requests: 1000, Per: time.Second}})
		p.SetPace(Pace{Share: 0.5, Requests: 5})
		ctx, stop := context.WithTimeout(t.Context(), time.Minute)
		defer stop()
		var mu sync.Mutex
		var sent []time.Time
		var wg sync.WaitGroup
		for i := range 6 {
			wg.Go(func() {
				for {
					done, err := p.Take(ctx, fmt.Sprint("class", i%2), 1+i)
					if err != nil {
						return
					}
					mu.Lock()
					sent = append(sent, time.Now())
					mu.Unlock()
					time.Sleep(50 * time.Millisecond)
					done(Outcome{Took: 50 * time.Millisecond, Status: 200})
				}
			})
		}
		wg.Wait()
		if len(sent) < 295 || len(sent) > 301 {
			t.Errorf("%d calls in a minute, want 300", len(sent))
		}
		for i := 6; i < len(sent); i++ {
			if gap := sent[i].Sub(sent[i-6]); gap < time.Second {
				t.Fatalf("seven calls within %v", gap)
			}
		}
	})
}

// TestPaceChangesLive: at 0 nothing new is sent and what is in flight ends; the
// next pace lets calls go on at once; a wait ends with its context.
func TestPaceChangesLive(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := &workshop{benches: make(chan struct{}, 8), took: 100 * time.Millisecond}
		p := NewPacer(nil)
		ctx, stop := context.WithCancelCause(t.Context())
		wg := w.staff(ctx, p, 20)
		count := func() int {
			w.mu.Lock()
			defer w.mu.Unlock()
			return w.served
		}
		time.Sleep(10 * time.Second)
		p.SetPace(Pace{})
		before := count()
		time.Sleep(time.Second)
		ended := count()
		if ended == before {
			t.Error("what was in flight did not end")
		}
		time.Sleep(10 * time.Hour)
		if n := count(); n != ended {
			t.Errorf("%d calls were sent at a share of 0", n-ended)
		}
		p.SetPace(Pace{Share: 0.0001, Requests: 0.001})
		p.SetPace(FullPace())
		time.Sleep(time.Second)
		if n := count(); n < ended+40 {
			t.Errorf("%d calls in the second after it", n-ended)
		}
		p.SetPace(Pace{})
		why := errors.New("the user stopped it")
		stop(why)
		wg.Wait()
		if _, err := p.Take(ctx, "", 1); !errors.Is(err, why) {
			t.Errorf("got %v, want the cause", err)
		}
	})
}
