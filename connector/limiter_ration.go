package connector

import (
	"math"
	"time"
)

// A Pace is how much of a connection may be used.
type Pace struct {
	// Share is the part of each quota that is used, 0 to 1: 0 sends nothing. Where
	// no quota is told, documented or learned, it is the part of the time in which
	// the calls that the cloud bears at once are in flight.
	Share float64
	// Requests is the most calls a second, whatever they cost; 0 for no limit.
	Requests float64
}

// FullPace uses all that is there: what a Pacer begins with.
func FullPace() Pace { return Pace{Share: 1} }

// A beat holds units to an even pace. Its rate is given each time, for it may
// change meanwhile.
type beat struct{ due time.Time }

// send counts units that are sent now. A caller that wakes late may catch up a
// little, but not what it missed.
func (b *beat) send(now time.Time, units, rate float64) {
	b.due = later(b.due, now.Add(-lateWake)).Add(seconds(units / rate))
}

// A budget holds the calls in flight to a share of the time: each spends the
// time that it took, and it fills by the share of what the cloud bears.
type budget struct {
	left float64 // seconds of calls
	at   time.Time
}

const (
	budgetHeld = 1  // for how many seconds of filling a budget grows while it is not used
	mostSpent  = 10 // seconds that one call spends: a long body says little about the cloud
)

func (b *budget) fill(now time.Time, rate float64) {
	if !b.at.IsZero() {
		b.left = min(b.left+rate*max(now.Sub(b.at).Seconds(), 0), rate*budgetHeld)
	}
	b.at = now
}

// askRation returns when a call of a class may be sent as far as the pace goes;
// never is true if none may be sent until the pace changes.
func (l *limiter) askRation(now time.Time, e *endpoint) (at time.Time, never bool) {
	if l.pace.Share <= 0 {
		return now, true
	}
	if l.pace.Requests > 0 {
		at = l.beat.due
	}
	if l.pace.Share >= 1 {
		return at, false
	}
	metered := false
	for _, q := range e.quotas {
		if rate := q.even(); q.limit > 0 && !math.IsInf(rate, 1) {
			metered = true
			at = later(at, q.beat.due)
		} else if q.told {
			// Nobody tells its window: leave the rest of it. One call after another,
			// so that what remains is known.
			metered = true
			if len(q.flying) > 0 || q.level.remaining <= (1-l.pace.Share)*q.limit && !q.stale(now) {
				at = later(at, now.Add(q.answerTime()))
			}
		}
	}
	if e.lesson.cap > 0 {
		metered = true
		at = later(at, e.lesson.beat.due)
	}
	if !metered {
		rate := l.pace.Share * e.load.limit
		e.budget.fill(now, rate)
		if e.budget.left < 0 {
			at = later(at, now.Add(seconds(-e.budget.left/rate)+time.Millisecond))
		}
	}
	return at, false
}

// sendRation counts a call that is sent now.
func (l *limiter) sendRation(now time.Time, e *endpoint, cost float64) {
	if l.pace.Requests > 0 {
		l.beat.send(now, 1, l.pace.Requests)
	}
	if l.pace.Share >= 1 || l.pace.Share <= 0 {
		return
	}
	for _, q := range e.quotas {
		if rate := q.even(); q.limit > 0 && !math.IsInf(rate, 1) {
			q.beat.send(now, cost, l.pace.Share*rate)
		}
	}
	if e.lesson.cap > 0 {
		e.lesson.beat.send(now, cost, l.pace.Share*e.lesson.rate(now))
	}
}

// answerRation spends the time that a call took.
func (l *limiter) answerRation(now time.Time, t *ticket) {
	e := t.endpoint
	e.budget.fill(now, l.pace.Share*e.load.limit)
	e.budget.left -= min(now.Sub(t.sent).Seconds(), mostSpent)
}

// setPace changes the pace from now on. What was waited for at the old one is
// forgotten.
func (l *limiter) setPace(p Pace) {
	l.pace, l.beat = p, beat{}
	for _, q := range l.quotas {
		q.beat = beat{}
	}
	for _, e := range l.classes {
		e.budget, e.lesson.beat = budget{}, beat{}
		for _, q := range e.quotas {
			q.beat = beat{}
		}
	}
}
