package connector

import (
	"cmp"
	"math"
	"slices"
	"time"
)

// A quota is what the limiter knows of one counter of the cloud: so many units
// in a window of so long. Clouds count in one of three ways and mostly do not
// tell which: windows with a fixed beginning, a window that slides, a bucket
// that refills. The first betrays itself by a leap of what remains, the third by
// giving more than its limit within one window; else the second, strictest one
// is assumed.
type quota struct {
	documented *Quota // what it was made of, until the cloud tells of it
	scoped     bool   // it holds for a class that is known beforehand:
	scope      string // this one, or "" for every class

	limit  float64
	window time.Duration // 0 if nobody tells
	since  time.Time     // when the limit last changed

	sent   float64  // units sent so far, ever: a call's index is the sum after it
	flying []flight // in flight, by index
	took   float64  // seconds that an answer takes, averaged
	passed trail    // units that the cloud counted for us
	pace   time.Time

	told   bool // it tells what remains
	level  level
	levels []level // what remained, about a window back
	phase  phase
	// bucket is until when the quota is taken for a bucket.
	bucket time.Time

	spare    float64   // units that are kept free, for what cannot be foreseen
	refusals int       // in a row
	blocked  time.Time // nobody sends before
	probe    bool      // only one call at a time, until one passes

	beat beat // at a share of it
}

// A flight is a call on its way.
type flight struct {
	index, cost float64
	at          time.Time
}

// A level is what remained when the cloud handled one call.
type level struct {
	index     float64 // of that call
	sent      time.Time
	at        time.Time // about when the cloud handled it
	remaining float64
	passed    float64 // ours that the cloud had counted, ever
}

// The controller's constants, found by simulation (limiter_sim_test.go).
const (
	share      = 0.98        // of an untold quota that is used
	longWindow = time.Minute // from here on half of a quota may be used at once
	settleTime = 1.5         // seconds in which a smooth quota's level is brought to its aim
	spareStep  = 0.4         // units kept free more after a refusal
	mayRefuse  = 0.0035      // share of the calls that may be refused: what is kept free shrinks at this pace
	mostSpare  = 0.05        // of the quota
	leadShare  = 0.4         // of an answer's time, until the cloud counts a call
	hurry      = 1.3         // the most that the pace exceeds the even one
	lateWake   = 20 * time.Millisecond
)

func newQuota(limit float64, window time.Duration, documented *Quota) *quota {
	q := &quota{limit: limit, window: window, documented: documented, spare: min(1, limit*mostSpare)}
	if documented != nil {
		q.scoped, q.scope = true, documented.Class
	}
	return q
}

// even is the pace, in units a second, that uses the quota up evenly.
func (q *quota) even() float64 {
	if q.window <= 0 {
		return math.Inf(1)
	}
	return q.limit / q.window.Seconds()
}

// ask returns when a call may be sent as far as this quota goes.
func (q *quota) ask(now time.Time, cost float64) time.Time {
	if q.limit <= 0 || q.window <= 0 && !q.told {
		return now
	}
	if q.blocked.After(now) {
		return q.blocked
	}
	if q.probe && len(q.flying) > 0 {
		return now.Add(q.answerTime())
	}
	if !q.told {
		return q.askUntold(now, cost)
	}
	free, rate, again := q.room(now)
	// A call that costs more than the whole quota goes when all of it is free.
	cost = min(cost, q.limit)
	if free < cost && !(len(q.flying) == 0 && q.stale(now)) {
		return later(again, now.Add(time.Millisecond))
	}
	if q.window >= longWindow && free > q.limit/2 || math.IsInf(rate, 1) {
		return now
	}
	return q.pace.Add(seconds(cost / rate))
}

// stale says that what is known of the level is older than a window; where
// nobody tells how long one is, than ten seconds.
func (q *quota) stale(now time.Time) bool {
	return now.Sub(q.level.at) > cmp.Or(q.window, 10*time.Second)
}

// askUntold holds the calls to the documented quota by counting them: none of
// the three ways of counting refuses what keeps to the sliding window.
func (q *quota) askUntold(now time.Time, cost float64) time.Time {
	at := now
	if q.window < longWindow {
		at = q.pace.Add(seconds(cost / (q.even() * share)))
	}
	most := max(math.Floor(q.limit*share), min(cost, q.limit))
	over := q.passed.within(now, q.window) + q.inFlight() + cost - most
	if over > 0 {
		if len(q.flying) > 0 && q.passed.within(now, q.window) < over {
			return later(at, now.Add(q.answerTime()))
		}
		at = later(at, q.passed.expiry(now, q.window, over))
	}
	return at
}

func (q *quota) send(now time.Time, cost float64) (index float64) {
	q.sent += cost
	q.flying = append(q.flying, flight{q.sent, cost, now})
	// A caller that wakes late may catch up a little, but not what it missed.
	due := q.pace
	if rate := q.rate(now); !math.IsInf(rate, 1) && rate > 0 {
		due = due.Add(seconds(cost / rate))
	}
	q.pace = later(due, now.Add(-lateWake))
	if q.pace.After(now) {
		q.pace = now
	}
	return q.sent
}

func (q *quota) rate(now time.Time) float64 {
	if !q.told {
		return q.even() * share
	}
	_, rate, _ := q.room(now)
	return rate
}

func (q *quota) land(index float64) (flight, bool) {
	i := slices.IndexFunc(q.flying, func(f flight) bool { return f.index == index })
	if i < 0 {
		return flight{}, false
	}
	f := q.flying[i]
	q.flying = slices.Delete(q.flying, i, i+1)
	return f, true
}

func (q *quota) inFlight() float64 {
	n := 0.0
	for _, f := range q.flying {
		n += f.cost
	}
	return n
}

// answerTime is about how long an answer takes.
func (q *quota) answerTime() time.Duration {
	return max(seconds(q.took), 5*time.Millisecond)
}

// silent ends a call whose answer told nothing of this quota. It reports
// whether a refusal is explained by it.
func (q *quota) silent(now time.Time, t *ticket, st stake, o Outcome) bool {
	q.land(st.index)
	q.learnTook(o)
	if !o.Refused {
		q.pass(q.handled(now, t), t.cost)
	}
	if q.told && st.index > q.level.index {
		q.level.remaining -= t.cost // it may have been counted
	}
	return false
}

// sample ends a call whose answer told of this quota. It reports whether a
// refusal is explained by it.
func (q *quota) sample(now time.Time, t *ticket, st stake, s Sample, o Outcome) bool {
	_, counted := q.land(st.index)
	q.learnTook(o)
	if s.Limit > 0 && float64(s.Limit) != q.limit {
		if q.limit > 0 {
			q.since = now
		}
		q.limit = float64(s.Limit)
		q.spare = min(q.spare, q.limit*mostSpare/2)
		q.bucket = time.Time{}
	}
	if s.Window > 0 {
		q.window = s.Window
	}
	at := q.handled(now, t)
	if counted && !o.Refused {
		q.pass(at, t.cost)
	}
	if s.Remaining < 0 {
		return false
	}
	q.told = true
	q.learn(now, level{index: st.index, sent: t.sent, at: at, remaining: float64(s.Remaining), passed: q.passed.total}, s)
	if !o.Refused {
		q.spare = max(q.spare-spareStep*mayRefuse*t.cost, 0)
		if q.probe || q.refusals > 0 {
			q.probe, q.refusals = false, 0
		}
		return false
	}
	if float64(s.Remaining) >= t.cost {
		return false // it is another quota that is used up
	}
	q.refuse(now, t, o)
	return true
}

// refuse reacts to a refusal: the level is nought, and if what grew since the
// last one was not enough either, calls probe at growing distances.
func (q *quota) refuse(now time.Time, t *ticket, o Outcome) {
	if q.refusals > 0 && !t.sent.After(q.blocked) && !q.probe {
		return // it was on its way before the first refusal was known
	}
	q.refusals++
	if q.refusals == 1 && now.Sub(q.since) > q.window {
		q.spare = min(q.spare+spareStep*t.cost, q.limit*mostSpare)
	}
	if o.RetryAfter > 0 {
		q.blocked = now.Add(o.RetryAfter)
		return
	}
	if q.phase.known() && q.window < longWindow {
		// Until the window ends in which it was refused; but ask now and then, for
		// the window may have begun elsewhere.
		_, ends := q.phase.around(t.sent, q.window)
		q.blocked = now.Add(min(ends.Sub(now), q.window/16<<min(q.refusals-1, 4)))
		return
	}
	if q.refusals == 1 {
		q.blocked = now
		return
	}
	wait := min(math.Pow(2, float64(q.refusals))/q.even()/2, q.window.Seconds()/5)
	q.blocked = now.Add(seconds(wait))
	q.probe = true
}

func (q *quota) pass(at time.Time, cost float64) {
	q.passed.add(at, cost)
	if q.window > 0 {
		q.passed.forget(at.Add(-2*q.window), q.window)
	}
}

func (q *quota) learnTook(o Outcome) {
	if s := o.Took.Seconds(); s > 0 {
		if q.took == 0 {
			q.took = s
		}
		q.took += (s - q.took) / 16
	}
}

// handled is about when the cloud handled a call that was just answered.
func (q *quota) handled(now time.Time, t *ticket) time.Time {
	return t.sent.Add(now.Sub(t.sent) / 2)
}

func seconds(s float64) time.Duration {
	return time.Duration(min(max(s, 0), 1e9) * float64(time.Second))
}
