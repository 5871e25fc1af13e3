package account

import (
	"net/netip"
	"sync"
	"time"

	"golang.org/x/time/rate"
)

// tries slows down guessing. It counts by account and place together, so that a
// stranger who guesses does not keep the person out, by account alone, and by
// place alone. It holds in one process; each process of a service slows down by
// itself.
type tries struct {
	now func() time.Time

	mu    sync.Mutex
	known map[string]*try
	swept time.Time
}

type try struct {
	limit *rate.Limiter
	used  time.Time
}

// A pace allows so many tries at once, and then one in each while.
type pace struct {
	name  string
	burst int
	every time.Duration
}

var (
	perBoth    = pace{"both", 8, time.Minute}
	perAccount = pace{"account", 60, time.Minute}
	perPlace   = pace{"place", 60, 2 * time.Second}
	perMail    = pace{"mail", 3, 10 * time.Minute} // letters to one address
	perFactor  = pace{"factor", 5, time.Minute}    // one-time passwords of one account
)

// forgetAfter is how long a counter is kept: by then the slowest of them is full.
const forgetAfter = 2 * time.Hour

func newTries(now func() time.Time) *tries {
	return &tries{now: now, known: map[string]*try{}, swept: now()}
}

// allow counts one try, and tells how long to wait if there were too many.
func (t *tries) allow(p pace, key string) (wait time.Duration, ok bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	now := t.now()
	if now.Sub(t.swept) > forgetAfter {
		for k, one := range t.known {
			if now.Sub(one.used) > forgetAfter {
				delete(t.known, k)
			}
		}
		t.swept = now
	}
	one := t.known[p.name+"\x00"+key]
	if one == nil {
		one = &try{limit: rate.NewLimiter(rate.Every(p.every), p.burst)}
		t.known[p.name+"\x00"+key] = one
	}
	one.used = now
	r := one.limit.ReserveN(now, 1)
	if wait = r.DelayFrom(now); wait > 0 {
		r.CancelAt(now)
		return wait, false
	}
	return 0, true
}

// TooMany says that somebody tried too often.
type TooMany struct{ Wait time.Duration }

func (e *TooMany) Error() string {
	return "too many tries; try again in " + e.Wait.Round(time.Second).String()
}

// A count is a pace with whom it is kept for.
type count struct {
	pace pace
	key  string
}

// network is where a request comes from, as it is counted: whoever has one address
// of IPv6 has the 64 bits behind it, too.
func network(place Place) string {
	a, err := netip.ParseAddr(place.Address)
	if err != nil || !a.Is6() {
		return place.Address
	}
	p, err := a.WithZone("").Prefix(64)
	if err != nil {
		return place.Address
	}
	return p.String()
}

// Admit counts what somebody who is not signed in asks for, from one place. TooMany
// says to wait: nothing should be looked up, hashed or logged for it.
func (a *Accounts) Admit(place Place) error { return a.slow(count{perPlace, network(place)}) }

// slow counts a try under several paces, in their order: one that is refused counts
// under none of those that follow.
func (a *Accounts) slow(counts ...count) error {
	for _, c := range counts {
		if wait, ok := a.tries.allow(c.pace, c.key); !ok {
			return &TooMany{wait.Round(time.Second) + time.Second}
		}
	}
	return nil
}
