package connector

import (
	"context"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// simulate runs one cloud in a time of its own.
func simulate(t *testing.T, run func() tally) (got tally) {
	t.Helper()
	synctest.Test(t, func(*testing.T) { got = run() })
	return got
}

// serve lets callers work against a cloud, for as long as during takes.
func serve(c *simCloud, p *Pacer, callers int, during func() tally) tally {
	ctx, stop := context.WithCancel(context.Background())
	var wg sync.WaitGroup
	c.work(ctx, p, &wg, callers, "", 1)
	got := during()
	stop()
	wg.Wait()
	return got
}

// TestPacerFillsTrelloQuota holds the pacer to the documented quota of a token,
// 100 requests in 10 s, whose window's kind and phase nobody tells.
func TestPacerFillsTrelloQuota(t *testing.T) {
	const per = 10 * time.Second
	for _, second := range []struct {
		name   string
		share  float64
		random bool
	}{{"alone", 0, false}, {"second client evenly", 0.2, false}, {"second client at random", 0.2, true}} {
		for _, kind := range []counting{fixedWindow, slidingWindow, tokenBucket} {
			t.Run(second.name+"/"+kind.String(), func(t *testing.T) {
				t.Parallel()
				for seed := range uint64(seeds) {
					c := newSimCloud(seed*31 + uint64(kind))
					got := simulate(t, func() tally {
						w := c.window("token", kind, 100, per)
						w.others, w.random = second.share, second.random
						return serve(c, NewPacer([]Quota{{Requests: 100, Per: per}}), 24, func() tally {
							time.Sleep(per)
							from := c.mark(w)
							time.Sleep(5 * time.Minute)
							return c.since(w, from, 5*time.Minute)
						})
					})
					// A neighbour that comes at random, or answers that take anything
					// from 20 to 400 ms each, leave less to foresee.
					use, refusals := 0.97, 0.005
					if c.jitter >= 1 {
						use = 0.965
					}
					if second.random {
						use, refusals = 0.935, 0.0075
					}
					t.Logf("seed %2d, answers in %s: %s", seed, c, got)
					if got.use() < use || got.refusals() >= refusals {
						t.Errorf("seed %d misses %.1f %% used and %.2f %% refused", seed, 100*use, 100*refusals)
					}
				}
			})
		}
	}
}

// TestPacerFollowsHalvedLimit halves the limit in full flight; told says
// whether the header with the limit says so too.
func TestPacerFollowsHalvedLimit(t *testing.T) {
	const per = 10 * time.Second
	for _, told := range []string{"told", "not told"} {
		for _, kind := range []counting{fixedWindow, slidingWindow, tokenBucket} {
			t.Run(told+"/"+kind.String(), func(t *testing.T) {
				t.Parallel()
				for seed := range uint64(seeds) {
					c := newSimCloud(seed*37 + uint64(kind))
					if told == "not told" {
						c.tell = func(w *simWindow, _ time.Time) (Sample, bool) {
							return Sample{Quota: w.name, Limit: 100, Remaining: w.left(), Window: w.per}, true
						}
					}
					var falling tally
					got := simulate(t, func() tally {
						w := c.window("token", kind, 100, per)
						return serve(c, NewPacer([]Quota{{Requests: 100, Per: per}}), 24, func() tally {
							time.Sleep(63 * time.Second)
							before := c.mark(w)
							c.mu.Lock()
							w.limit = 50
							c.mu.Unlock()
							time.Sleep(3 * per)
							from := c.mark(w)
							falling = c.since(w, before, 3*per)
							time.Sleep(5 * time.Minute)
							return c.since(w, from, 5*time.Minute)
						})
					})
					t.Logf("seed %2d, answers in %s: %s; %d refused on the way down", seed, c, got, falling.refused)
					// One unit in the air is 2 % of 50.
					if got.use() < 0.95 || got.refusals() >= 0.005 || falling.refused > 15 {
						t.Errorf("seed %d is not there again within three windows", seed)
					}
				}
			})
		}
	}
}

// TestPacerKeepsSeveralQuotas has calls of two classes against four quotas: the
// tightest binds each class, and the slow one does not hold up the other.
func TestPacerKeepsSeveralQuotas(t *testing.T) {
	const per = 10 * time.Second
	for seed := range uint64(seeds) {
		c := newSimCloud(seed * 41)
		var members int
		got := simulate(t, func() tally {
			token := c.window("token", counting(seed%3), 100, per)
			c.window("key", counting(seed/3%3), 300, per)
			slow := c.window("members", counting(seed%3), 100, 900*time.Second)
			slow.class = "members"
			p := NewPacer([]Quota{{Requests: 100, Per: per}, {Requests: 300, Per: per}, {Class: "members", Requests: 100, Per: 900 * time.Second}})
			ctx, stop := context.WithCancel(context.Background())
			var wg sync.WaitGroup
			c.work(ctx, p, &wg, 24, "", 1)
			c.work(ctx, p, &wg, 8, "members", 1)
			time.Sleep(3 * per)
			from := c.mark(token)
			time.Sleep(30 * time.Minute)
			got := c.since(token, from, 30*time.Minute)
			members = slow.taken
			stop()
			wg.Wait()
			return got
		})
		t.Logf("seed %2d, answers in %s: %s; %d calls of members", seed, c, got, members)
		use := 0.97
		if c.jitter >= 1 {
			use = 0.955
		}
		if got.use() < use || got.refusals() >= 0.005 {
			t.Errorf("seed %d misses %.1f %% used and 0.5 %% refused", seed, 100*use)
		}
		// 100 in the first quarter of an hour, 100 in the second, a few in the third.
		if members < 190 || members > 300 {
			t.Errorf("seed %d: %d calls of members in 30 minutes, about 200 are there", seed, members)
		}
	}
}

// TestPacerWeighsCost has calls that cost five units each.
func TestPacerWeighsCost(t *testing.T) {
	const per = 10 * time.Second
	for seed := range uint64(seeds) {
		c := newSimCloud(seed * 43)
		got := simulate(t, func() tally {
			w := c.window("units", counting(seed%3), 500, per)
			p := NewPacer([]Quota{{Requests: 500, Per: per}})
			ctx, stop := context.WithCancel(context.Background())
			var wg sync.WaitGroup
			c.work(ctx, p, &wg, 16, "", 5)
			c.work(ctx, p, &wg, 16, "light", 1)
			time.Sleep(per)
			from := c.mark(w)
			time.Sleep(5 * time.Minute)
			got := c.since(w, from, 5*time.Minute)
			stop()
			wg.Wait()
			return got
		})
		t.Logf("seed %2d, answers in %s: %s", seed, c, got)
		if got.use() < 0.95 || got.refusals() >= 0.01 {
			t.Errorf("seed %d misses 95 %% used and 1 %% refused", seed)
		}
	}
}

// TestPacerLearnsFromRetryAfter has a cloud that tells nothing but Retry-After,
// as Microsoft Graph does: 100 in 10 s that the pacer must find out.
func TestPacerLearnsFromRetryAfter(t *testing.T) {
	const per = 10 * time.Second
	for _, kind := range []counting{fixedWindow, slidingWindow, tokenBucket} {
		t.Run(kind.String(), func(t *testing.T) {
			for seed := range uint64(seeds) {
				c := newSimCloud(seed*47 + uint64(kind))
				c.retryAfter = true
				c.tell = func(*simWindow, time.Time) (Sample, bool) { return Sample{}, false }
				got := simulate(t, func() tally {
					w := c.window("secret", kind, 100, per)
					return serve(c, NewPacer(nil), 24, func() tally {
						time.Sleep(time.Minute)
						from := c.mark(w)
						time.Sleep(10 * time.Minute)
						return c.since(w, from, 10*time.Minute)
					})
				})
				t.Logf("seed %2d, answers in %s: %s", seed, c, got)
				if got.use() < 0.85 || got.refusals() >= 0.005 {
					t.Errorf("seed %d misses 85 %% used and 0.5 %% refused", seed)
				}
			}
		})
	}
}

// TestPacerUsesTheToldEnd has limits in the way of GitHub and GitLab: remaining,
// and the second in which the window ends.
func TestPacerUsesTheToldEnd(t *testing.T) {
	for _, c := range []struct {
		name  string
		limit int
		per   time.Duration
		named bool // the window's length is told too
	}{{"GitLab", 2000, time.Minute, true}, {"GitHub", 5000, time.Hour, false}} {
		t.Run(c.name, func(t *testing.T) {
			for seed := range uint64(seeds) {
				cloud := newSimCloud(seed * 53)
				cloud.tell = func(w *simWindow, now time.Time) (Sample, bool) {
					s := Sample{Quota: w.name, Limit: w.limit, Remaining: w.left()}
					end := now.Add(w.reset(now)).Truncate(time.Second).Add(time.Second)
					s.Reset = end.Sub(now)
					if c.named {
						s.Window = w.per
					}
					return s, true
				}
				got := simulate(t, func() tally {
					w := cloud.window("core", fixedWindow, c.limit, c.per)
					return serve(cloud, NewPacer(nil), 48, func() tally {
						time.Sleep(cloud.windows[0].reset(time.Now()))
						from := cloud.mark(w)
						time.Sleep(2 * c.per)
						return cloud.since(w, from, 2*c.per)
					})
				})
				t.Logf("seed %2d, answers in %s: %s", seed, cloud, got)
				if got.use() < 0.97 || got.refusals() >= 0.005 {
					t.Errorf("seed %d misses 97 %% used and 0.5 %% refused", seed)
				}
			}
		})
	}
}
