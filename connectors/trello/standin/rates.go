package standin

import (
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/rialto-migrate/rialto/connector/standin"
)

// Rates are Trello's rate limits. A window whose Max is 0 is no limit.
type Rates struct {
	Key     standin.Window // per API key
	Token   standin.Window // per token
	Member  standin.Window // per member, as its headers show: not documented
	Members standin.Window // GET /members/{id} itself, and search; not what lies under it
	// RefusalsPerKey is how many refusals within a key's window block the key
	// for the rest of it; 0 means none do.
	RefusalsPerKey int
}

// DocumentedRates are the documented limits
// (https://developer.atlassian.com/cloud/trello/guides/rest-api/rate-limits/).
// The kind and phase of the windows, which Trello does not tell, are chosen by
// the server's seed.
func DocumentedRates() Rates {
	return Rates{
		Key:            standin.Window{Max: 300, Per: 10 * time.Second, Phase: -1},
		Token:          standin.Window{Max: 100, Per: 10 * time.Second, Phase: -1},
		Member:         standin.Window{Max: 200, Per: 10 * time.Second, Phase: -1},
		Members:        standin.Window{Max: 100, Per: 900 * time.Second, Phase: -1},
		RefusalsPerKey: 200,
	}
}

type throttle struct {
	rates                       Rates
	now                         func() time.Time
	key, token, member, members *standin.Limiter

	mu      sync.Mutex
	refused map[string]*refusals // by key
}

type refusals struct {
	since time.Time
	count int
}

func newThrottle(r Rates, seed uint64, now func() time.Time) *throttle {
	return &throttle{rates: r, now: now, refused: map[string]*refusals{},
		key: standin.NewLimiter(r.Key, seed), token: standin.NewLimiter(r.Token, seed+1),
		member: standin.NewLimiter(r.Member, seed+2), members: standin.NewLimiter(r.Members, seed+3)}
}

// take counts a request and writes the headers that tell what is left. It
// returns a refusal of Trello's own form, or nil.
func (t *throttle) take(h http.Header, key, token string, path string, cost int) error {
	now := t.now()
	if t.blocked(key, now) {
		t.tell(h, key, token, now)
		return throttled("API_KEY_LIMIT_EXCEEDED", "Rate limit exceeded")
	}
	err := t.count(key, token, path, now, cost)
	t.tell(h, key, token, now)
	if err != nil {
		t.note(key, now)
	}
	return err
}

func (t *throttle) count(key, token, path string, now time.Time, cost int) error {
	switch {
	case !t.token.Take(token, now, cost).OK:
		return throttled("API_TOKEN_LIMIT_EXCEEDED", "Rate limit exceeded")
	case !t.key.Take(key, now, cost).OK:
		return throttled("API_KEY_LIMIT_EXCEEDED", "Rate limit exceeded")
	case !t.member.Take(token, now, cost).OK:
		return throttled("API_MEMBER_LIMIT_EXCEEDED", "Rate limit exceeded")
	case special(path) && !t.members.Take(token, now, 1).OK:
		return throttled("RATE_LIMIT_EXCEEDED", "Exceeded rate limit to /1/member")
	}
	return nil
}

// special tells the routes with a limit of their own: what lies under
// /members/{id} is not among them, says the documentation.
func special(path string) bool {
	rest, ok := strings.CutPrefix(path, "/1/members/")
	return ok && !strings.Contains(rest, "/") || path == "/1/search" || path == "/1/search/members"
}

func (t *throttle) blocked(key string, now time.Time) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	r := t.refused[key]
	return r != nil && t.rates.RefusalsPerKey > 0 && r.count > t.rates.RefusalsPerKey && now.Sub(r.since) < t.rates.Key.Per
}

func (t *throttle) note(key string, now time.Time) {
	t.mu.Lock()
	defer t.mu.Unlock()
	r := t.refused[key]
	if r == nil || now.Sub(r.since) >= t.rates.Key.Per {
		r = &refusals{since: now}
		t.refused[key] = r
	}
	r.count++
}

// tell writes the headers of the recorded answers. The window's end is not
// among them.
func (t *throttle) tell(h http.Header, key, token string, now time.Time) {
	for _, q := range []struct {
		name string
		l    *standin.Limiter
		key  string
	}{{"Api-Key", t.key, key}, {"Api-Token", t.token, token}, {"Member", t.member, token}} {
		w := q.l.Window()
		if w.Max <= 0 {
			continue
		}
		h.Set("X-Rate-Limit-"+q.name+"-Interval-Ms", strconv.FormatInt(w.Per.Milliseconds(), 10))
		h.Set("X-Rate-Limit-"+q.name+"-Max", strconv.Itoa(w.Max))
		h.Set("X-Rate-Limit-"+q.name+"-Remaining", strconv.Itoa(q.l.Peek(q.key, now).Remaining))
	}
}

func throttled(code, message string) error {
	return &refusal{status: http.StatusTooManyRequests, code: code, message: message}
}

// RateControl changes the rate limits of a running server.
type RateControl struct{ t *throttle }

// HalveToken halves the limit per token, as a vendor may at any moment.
func (c *RateControl) HalveToken() { c.t.token.Halve() }

// SetToken sets the limit per token and window; 0 lifts it.
func (c *RateControl) SetToken(n int) { c.t.token.SetMax(n) }

// SetKey sets the limit per key and window; 0 lifts it.
func (c *RateControl) SetKey(n int) { c.t.key.SetMax(n) }

// TokenUsage tells what a token has used since the server began.
func (c *RateControl) TokenUsage(token string) standin.Usage { return c.t.token.Usage(token) }
