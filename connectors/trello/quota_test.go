package trello

import (
	"context"
	"fmt"
	"math/rand/v2"
	"net/http"
	"net/url"
	"os"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/rialto-migrate/rialto/connector"
	shared "github.com/rialto-migrate/rialto/connector/standin"
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

// quotaSeeds is how many seeds each kind of window is tried with.
func quotaSeeds() uint64 {
	if os.Getenv("RIALTO_SOAK") != "" {
		return 20
	}
	return 3
}

// A distant server answers as late as one across an ocean: each run has a base
// between 20 and 400 ms, from which single answers differ by up to a half.
type distant struct {
	next http.Handler

	mu   sync.Mutex
	dice *rand.Rand
	base time.Duration
}

func newDistant(next http.Handler, seed uint64) *distant {
	dice := rand.New(rand.NewPCG(seed, 0x646973))
	return &distant{next: next, dice: dice, base: 20*time.Millisecond + time.Duration(dice.Int64N(int64(380*time.Millisecond)))}
}

func (d *distant) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	d.mu.Lock()
	took := time.Duration(float64(d.base) * (0.5 + d.dice.Float64()))
	up := time.Duration(float64(took) * (0.3 + 0.4*d.dice.Float64()))
	d.mu.Unlock()
	time.Sleep(up)
	d.next.ServeHTTP(&delayed{ResponseWriter: w, rest: took - up}, r)
}

// delayed lets an answer travel before its head is there.
type delayed struct {
	http.ResponseWriter
	rest time.Duration
}

func (d *delayed) WriteHeader(status int) {
	time.Sleep(d.rest)
	d.rest = 0
	d.ResponseWriter.WriteHeader(status)
}

// An allowance is a token of a stand-in with Trello's documented limits and the
// use that is made of it.
type allowance struct {
	server *standin.Server
	token  string
}

// newQuotaServer is a Trello whose token is counted by one kind of window, at a
// phase that the seed chooses; share is what a second client takes of it.
func newQuotaServer(kind shared.WindowKind, share float64, seed uint64) *standin.Server {
	rates := standin.DocumentedRates()
	rates.Token.Kind, rates.Token.Neighbour = kind, share
	return standin.New(standin.Options{Seed: seed + 1, Rates: &rates})
}

// open connects to a server without a network.
func openDistant(t *testing.T, s *standin.Server, seed uint64) (connector.Env, *connector.Stats) {
	t.Helper()
	set := connector.Settings(s.Settings("http://trello.invalid"))
	stats := &connector.Stats{}
	client := connector.NewClient(connector.ClientOptions{Transport: shared.Transport{Handler: newDistant(s, seed)},
		Pacer: connector.NewPacer(New().Capabilities(set).Quotas), Stats: stats})
	return connector.Env{Settings: set, HTTP: client, Now: time.Now}, stats
}

func allowanceOf(s *standin.Server) allowance {
	return allowance{s, s.Settings("http://trello.invalid")["token"]}
}

func (a allowance) usage() shared.Usage { return a.server.Rates().TokenUsage(a.token) }

// A use is how much of a limit was used in a span.
type use struct {
	passed, refused, neighbour int
	room                       float64 // what the limit left, the neighbour's part taken off
}

func (a allowance) since(from shared.Usage, limit int, span time.Duration) use {
	now := a.usage()
	u := use{passed: now.Passed - from.Passed, refused: now.Refused - from.Refused, neighbour: now.Neighbour - from.Neighbour}
	u.room = float64(limit)*float64(span)/float64(quotaWindow) - float64(u.neighbour)
	return u
}

func (u use) used() float64     { return float64(u.passed) / u.room }
func (u use) refusals() float64 { return float64(u.refused) / float64(max(u.passed+u.refused, 1)) }

func (u use) String() string {
	return fmt.Sprintf("%.2f %% used, %.2f %% refused (%d passed, %d refused, %d by the neighbour)",
		100*u.used(), 100*u.refusals(), u.passed, u.refused, u.neighbour)
}

// each runs a test for all kinds of windows and seeds, alone and beside a
// neighbour, each in a time of its own.
func eachQuota(t *testing.T, run func(t *testing.T, kind shared.WindowKind, share float64, seed uint64)) {
	for _, share := range []float64{0, neighbourTake} {
		for _, kind := range []shared.WindowKind{shared.Fixed, shared.Sliding, shared.TokenBucket} {
			for seed := range quotaSeeds() {
				t.Run(fmt.Sprintf("%s neighbour %.0f%% seed %d", kind, 100*share, seed), func(t *testing.T) {
					synctest.Test(t, func(t *testing.T) { run(t, kind, share, seed) })
				})
			}
		}
	}
}

// busy lets callers read and write a card as fast as the client lets them,
// while during takes.
func busy(t *testing.T, s *standin.Server, seed uint64, during func()) {
	t.Helper()
	board, err := s.AddBoard(standin.Board{Name: "Quota", Lists: []standin.List{{Name: "All", Cards: []standin.Card{{Name: "One"}}}}})
	if err != nil {
		t.Fatal(err)
	}
	env, _ := openDistant(t, s, seed)
	a, err := newAPI(env.HTTP, env.Settings)
	if err != nil {
		t.Fatal(err)
	}
	b, err := a.boardWhole(t.Context(), board)
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
					err = a.get(ctx, card, url.Values{"fields": {"name"}}, nil)
				} else {
					err = a.send(ctx, http.MethodPut, card, params{"dueComplete": n%2 == 0}, nil)
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
}

// The client keeps at the documented quota of a token, whatever kind of window
// counts it.
func TestClientFillsTheQuota(t *testing.T) {
	eachQuota(t, func(t *testing.T, kind shared.WindowKind, share float64, seed uint64) {
		s := newQuotaServer(kind, share, seed)
		a := allowanceOf(s)
		busy(t, s, seed, func() {
			time.Sleep(quotaWindow)
			from := a.usage()
			time.Sleep(measuredFor)
			got := a.since(from, 100, measuredFor)
			t.Log(got)
			if got.used() < leastUse || got.refusals() >= mostRefused {
				t.Errorf("%s; at least %.0f %% used and less than %.1f %% refused was to be reached", got, 100*leastUse, 100*mostRefused)
			}
		})
	})
}

// When a vendor halves the limit in full flight, the client is at the new one
// within three windows.
func TestClientFollowsAHalvedQuota(t *testing.T) {
	eachQuota(t, func(t *testing.T, kind shared.WindowKind, share float64, seed uint64) {
		s := newQuotaServer(kind, share, seed)
		a := allowanceOf(s)
		busy(t, s, seed, func() {
			time.Sleep(63 * time.Second)
			before := a.usage()
			s.Rates().HalveToken()
			time.Sleep(3 * quotaWindow)
			falling, from := a.since(before, 50, 3*quotaWindow), a.usage()
			time.Sleep(measuredFor)
			got := a.since(from, 50, measuredFor)
			t.Logf("%s; %d refused on the way down", got, falling.refused)
			if got.used() < leastUse || got.refusals() >= mostRefused {
				t.Errorf("%s; at least %.0f %% used and less than %.1f %% refused was to be reached again", got, 100*leastUse, 100*mostRefused)
			}
		})
	})
}
