package connector

import (
	"slices"
	"time"
)

// A limiter decides when a call may be sent. It is the pacer's pure part: it
// has no clock, no lock and no goroutine, so that it can be replayed in a test
// and moved to the process that owns a quota several others share.
//
// Three things hold a call back, and the tightest binds: the quotas that the
// cloud tells or documents (quota), what its refusals taught where it tells
// nothing (lesson), and the number of calls in flight, which follows the
// latency (load). Of what they let through, the pace takes a part (ration).
type limiter struct {
	quotas  map[string]*quota
	classes map[string]*endpoint
	fence   time.Time // nobody sends before
	pace    Pace
	beat    beat // of all calls, at a limit of requests
}

// An endpoint is what the limiter knows of one class of calls.
type endpoint struct {
	quotas []*quota // those that its calls count against
	lesson lesson
	load   load
	budget budget
}

// A ticket is one call in flight.
type ticket struct {
	endpoint *endpoint
	class    string
	cost     float64
	sent     time.Time
	idle     bool // it only reports: it was not counted
	stakes   []stake
}

// A stake is what one call counts for in one quota.
type stake struct {
	quota *quota
	index float64 // of this call in the quota's count of what was sent
}

func newLimiter(documented []Quota) *limiter {
	l := &limiter{quotas: map[string]*quota{}, classes: map[string]*endpoint{}, pace: FullPace()}
	for _, q := range documented {
		if q.Requests > 0 && q.Per > 0 {
			l.quotas["documented "+q.Class+" "+q.Per.String()] = newQuota(float64(q.Requests), q.Per, &q)
		}
	}
	return l
}

func (l *limiter) endpoint(class string) *endpoint {
	e := l.classes[class]
	if e == nil {
		e = &endpoint{load: newLoad()}
		for _, q := range l.quotas {
			if q.scoped && (q.scope == "" || q.scope == class) {
				e.quotas = append(e.quotas, q)
			}
		}
		l.classes[class] = e
	}
	return e
}

// ask returns when a call may be sent as far as is known now: not after now if
// it may be sent at once. full is true if it waits for another call to end, or
// for another pace.
func (l *limiter) ask(now time.Time, class string, cost int) (at time.Time, full bool) {
	if cost <= 0 {
		return now, false
	}
	e := l.endpoint(class)
	if e.load.full() || l.inFlight() >= maxInFlight {
		return now, true
	}
	at, never := l.askRation(now, e)
	if never {
		return now, true
	}
	at = later(at, later(l.fence, e.lesson.ask(now)))
	for _, q := range e.quotas {
		at = later(at, q.ask(now, float64(cost)))
	}
	return at, false
}

func (l *limiter) inFlight() int {
	n := 0
	for _, e := range l.classes {
		n += e.load.inFlight
	}
	return n
}

// send counts a call as sent. answer must be called once with its ticket.
func (l *limiter) send(now time.Time, class string, cost int) *ticket {
	e := l.endpoint(class)
	t := &ticket{endpoint: e, class: class, cost: float64(cost), sent: now, idle: cost <= 0}
	if t.idle {
		return t
	}
	e.load.send()
	l.sendRation(now, e, t.cost)
	e.lesson.send(now, t.cost)
	for _, q := range e.quotas {
		t.stakes = append(t.stakes, stake{q, q.send(now, t.cost)})
	}
	return t
}

// answer learns from what became of a call.
func (l *limiter) answer(now time.Time, t *ticket, o Outcome) {
	e := t.endpoint
	if !t.idle {
		l.answerRation(now, t)
		e.load.answer(now, t.sent, o)
		e.lesson.flying--
	}
	explained := false
	told := map[*quota]bool{}
	for _, s := range o.Samples {
		q, st := l.quotaOf(t, s)
		told[q] = true
		explained = q.sample(now, t, st, s, o) || explained
	}
	for _, s := range o.Samples {
		l.supersede(e, s)
	}
	for _, st := range t.stakes {
		if !told[st.quota] {
			explained = st.quota.silent(now, t, st, o) || explained
		}
	}
	if !o.Refused {
		if !o.Failed {
			e.lesson.passed(now, t)
		}
		return
	}
	if o.RetryAfter > 0 {
		until := now.Add(o.RetryAfter)
		if t.class == "" {
			l.fence = later(l.fence, until)
		}
		e.lesson.refused(now, t, until, !explained)
		return
	}
	if !explained {
		e.lesson.refused(now, t, now, true)
	}
}

// quotaOf returns the quota that a sample tells of, and the call's stake in it.
func (l *limiter) quotaOf(t *ticket, s Sample) (*quota, stake) {
	q := l.quotas[s.Quota]
	if q == nil {
		q = l.adopt(t.endpoint, s)
	}
	if !slices.Contains(t.endpoint.quotas, q) {
		t.endpoint.quotas = append(t.endpoint.quotas, q)
	}
	for _, st := range t.stakes {
		if st.quota == q {
			return q, st
		}
	}
	st := stake{q, q.sent}
	if !t.idle {
		st.index = q.send(t.sent, t.cost)
		t.stakes = append(t.stakes, st)
	}
	return q, st
}

// adopt makes the quota of a name that was not heard before: out of the
// documented one that it is, if there is one.
func (l *limiter) adopt(e *endpoint, s Sample) *quota {
	for key, q := range l.quotas {
		d := q.documented
		if d != nil && slices.Contains(e.quotas, q) && s.Limit == d.Requests && (s.Window == d.Per || s.Window == 0) {
			delete(l.quotas, key)
			q.documented = nil
			l.quotas[s.Quota] = q
			return q
		}
	}
	q := newQuota(float64(s.Limit), s.Window, nil)
	l.quotas[s.Quota] = q
	return q
}

// supersede forgets what is documented for a window whose true limit the cloud
// tells.
func (l *limiter) supersede(e *endpoint, told Sample) {
	e.quotas = slices.DeleteFunc(e.quotas, func(q *quota) bool {
		return q.documented != nil && told.Window > 0 && told.Limit > 0 && q.window == told.Window
	})
}

func later(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}
