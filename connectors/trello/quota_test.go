package trello

import (
	"context"
	"fmt"
	"math/rand/v2"
	"net/http"
	"net/url"
	"os"
	"strconv"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/rialto-migrate/rialto/connector"
	clouds "github.com/rialto-migrate/rialto/connector/standin"
	"github.com/rialto-migrate/rialto/connectors/trello/standin"
)

// What a run has to reach, of what a limit leaves to it.
const (
	leastUse      = 0.97
	mostRefused   = 0.005
	quotaWindow   = 10 * time.Second
	measuredFor   = 5 * time.Minute
	quotaCallers  = 24
	neighbourTake = 0.2
)

// soaking reports whether every case is tried with many seeds, not a choice of
// them with one.
func soaking() bool { return os.Getenv("RIALTO_SOAK") != "" }

// A distant server answers as late as one across an ocean: each run has a base
// between 20 and 300 ms, from which single answers differ by a fifth or a half,
// and a share of it that passes before the server counts the call.
type distant struct {
	next http.Handler

	mu        sync.Mutex
	dice      *rand.Rand
	base      time.Duration
	jitter    float64
	way       float64
	remaining int // of the token, as the latest answer told
}

func newDistant(next http.Handler, seed uint64) *distant {
	dice := rand.New(rand.NewPCG(seed, 7))
	return &distant{next: next, dice: dice, base: 20*time.Millisecond + time.Duration(dice.Int64N(int64(280*time.Millisecond))),
		jitter: []float64{0.2, 0.5}[dice.IntN(2)], way: 0.2 + 0.6*dice.Float64()}
}

func (d *distant) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	d.mu.Lock()
	took := time.Duration(float64(d.base) * (1 - d.jitter + 2*d.jitter*d.dice.Float64()))
	up := time.Duration(float64(took) * d.way * (0.8 + 0.4*d.dice.Float64()))
	d.mu.Unlock()
	time.Sleep(up)
	d.next.ServeHTTP(&delayed{ResponseWriter: w, server: d, rest: took - up}, r)
}

// delayed lets an answer travel before its head is there.
type delayed struct {
	http.ResponseWriter
	server *distant
	rest   time.Duration
}

func (d *delayed) WriteHeader(status int) {
	if n, err := strconv.Atoi(d.Header().Get("X-Rate-Limit-Api-Token-Remaining")); err == nil {
		d.server.mu.Lock()
		d.server.remaining = n
		d.server.mu.Unlock()
	}
	time.Sleep(d.rest)
	d.rest = 0
	d.ResponseWriter.WriteHeader(status)
}

// newQuotaServer is a Trello whose token is counted by one kind of window, at a
// phase that the seed chooses; share is what a second client takes of it.
func newQuotaServer(kind clouds.WindowKind, share float64, seed uint64) *standin.Server {
	rates := standin.DocumentedRates()
	rates.Token.Kind, rates.Token.Neighbour = kind, share
	return standin.New(standin.Options{Seed: seed + 1, Rates: &rates})
}

// An allowance is the token of a stand-in with Trello's documented limits, the
// way to it, and the use that is made of it.
type allowance struct {
	server *standin.Server
	way    *distant
	env    connector.Env
	kind   clouds.WindowKind
}

func newAllowance(s *standin.Server, kind clouds.WindowKind, seed uint64) *allowance {
	set := connector.Settings(s.Settings("http://trello.invalid"))
	way := newDistant(s, seed)
	client := connector.NewClient(connector.ClientOptions{Transport: clouds.Transport{Handler: way},
		Pacer: connector.NewPacer(New().Capabilities(set).Quotas), Stats: &connector.Stats{}})
	return &allowance{server: s, way: way, kind: kind, env: connector.Env{Settings: set, HTTP: client, Now: time.Now}}
}

// tallied is what was used of an allowance up to a moment.
type tallied struct {
	clouds.Usage
	saved int // what a token bucket holds ready
	at    time.Time
}

func (a *allowance) count() tallied {
	c := tallied{Usage: a.server.Rates().TokenUsage(a.env.Settings["token"]), at: time.Now()}
	if a.kind == clouds.TokenBucket {
		a.way.mu.Lock()
		c.saved = a.way.remaining
		a.way.mu.Unlock()
	}
	return c
}

// A use is how much of an allowance was used in a span.
type use struct {
	passed, refused, neighbour int
	room                       float64 // what the limit left, the neighbour's part taken off
}

func (c tallied) to(d tallied, limit int) use {
	u := use{passed: d.Passed - c.Passed, refused: d.Refused - c.Refused, neighbour: d.Neighbour - c.Neighbour}
	u.room = float64(limit)*float64(d.at.Sub(c.at))/float64(quotaWindow) + float64(c.saved-u.neighbour)
	return u
}

func (u use) used() float64     { return float64(u.passed) / u.room }
func (u use) refusals() float64 { return float64(u.refused) / float64(max(u.passed+u.refused, 1)) }

// full fails the test unless a whole limit was used as it is to be.
func (u use) full(t *testing.T) {
	t.Helper()
	if u.used() < leastUse || u.refusals() >= mostRefused {
		t.Errorf("at least %.0f %% used and less than %.1f %% refused was to be reached", 100*leastUse, 100*mostRefused)
	}
}

// there fails the test unless a halved limit was used as it is to be. Of 50, one
// request a window is 2 %, and more beside a neighbour: two may be left over.
func (u use) there(t *testing.T) {
	t.Helper()
	left := (1 - u.used()) * 50
	if u.used() < leastUse && left > 2 || u.refusals() >= mostRefused {
		t.Errorf("%.1f requests a window are left over: at least %.0f %% used, or two left over, and less than %.1f %% refused was to be reached again",
			left, 100*leastUse, 100*mostRefused)
	}
}

func (u use) String() string {
	return fmt.Sprintf("%.2f %% used, %.2f %% refused (%d passed, %d refused, %d by the neighbour)",
		100*u.used(), 100*u.refusals(), u.passed, u.refused, u.neighbour)
}

// eachQuota runs a test for all kinds of windows, alone and beside a neighbour,
// each in a time of its own.
func eachQuota(t *testing.T, run func(t *testing.T, kind clouds.WindowKind, share float64, seed uint64)) {
	seeds := uint64(1)
	if soaking() {
		seeds = 20
	}
	for i, kind := range []clouds.WindowKind{clouds.Fixed, clouds.Sliding, clouds.TokenBucket} {
		for j, share := range []float64{0, neighbourTake} {
			if !soaking() && i%2 != j {
				continue
			}
			for seed := range seeds {
				t.Run(fmt.Sprintf("%s neighbour %.0f%% seed %d", kind, 100*share, seed), func(t *testing.T) {
					synctest.Test(t, func(t *testing.T) { run(t, kind, share, seed) })
				})
			}
		}
	}
}

// busy lets callers read and write a card as fast as the client lets them,
// while during takes.
func (a *allowance) busy(t *testing.T, during func()) {
	t.Helper()
	board, err := a.server.AddBoard(standin.Board{Name: "Quota", Lists: []standin.List{{Name: "All", Cards: []standin.Card{{Name: "One"}}}}})
	if err != nil {
		t.Fatal(err)
	}
	api, err := newAPI(a.env.HTTP, a.env.Settings)
	if err != nil {
		t.Fatal(err)
	}
	b, err := api.boardWhole(t.Context(), board)
	if err != nil || len(b.Cards) != 1 {
		t.Fatalf("the board has %d cards: %v", len(b.Cards), err)
	}
	card := "/cards/" + url.PathEscape(string(b.Cards[0].ID))
	ctx, stop := context.WithCancel(t.Context())
	var callers sync.WaitGroup
	for n := range quotaCallers {
		callers.Go(func() {
			for ctx.Err() == nil {
				var err error
				if n%4 == 0 {
					err = api.get(ctx, card, url.Values{"fields": {"name"}}, nil)
				} else {
					err = api.send(ctx, http.MethodPut, card, params{"dueComplete": n%2 == 0}, nil)
				}
				if err != nil && ctx.Err() == nil {
					t.Errorf("a call failed: %v", err)
					return
				}
			}
		})
	}
	during()
	stop()
	callers.Wait()
	time.Sleep(time.Second) // what the server had begun runs on without its caller
}

// The client keeps at the documented quota of a token, whatever kind of window
// counts it.
func TestClientFillsTheQuota(t *testing.T) {
	eachQuota(t, func(t *testing.T, kind clouds.WindowKind, share float64, seed uint64) {
		a := newAllowance(newQuotaServer(kind, share, seed), kind, seed)
		a.busy(t, func() {
			time.Sleep(quotaWindow)
			from := a.count()
			time.Sleep(measuredFor)
			got := from.to(a.count(), 100)
			t.Logf("answers in %v: %s", a.way.base.Round(time.Millisecond), got)
			got.full(t)
		})
	})
}

// When a vendor halves the limit in full flight, the client is at the new one
// within three windows.
func TestClientFollowsAHalvedQuota(t *testing.T) {
	eachQuota(t, func(t *testing.T, kind clouds.WindowKind, share float64, seed uint64) {
		a := newAllowance(newQuotaServer(kind, share, seed), kind, seed)
		a.busy(t, func() {
			time.Sleep(63 * time.Second)
			before := a.count()
			a.server.Rates().HalveToken()
			time.Sleep(3 * quotaWindow)
			from := a.count()
			time.Sleep(measuredFor)
			got := from.to(a.count(), 50)
			t.Logf("answers in %v: %s; %d refused on the way down", a.way.base.Round(time.Millisecond), got, before.to(from, 50).refused)
			got.there(t)
		})
	})
}
