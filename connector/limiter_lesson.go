package connector

import (
	"math"
	"time"
)

// A lesson is what refusals taught about a limit that the cloud does not tell:
// the pace at which calls passed. It is kept a little below, and raised by and
// by to see whether there is more.
type lesson struct {
	cap      float64   // units a second; 0 if nothing was learned
	fence    time.Time // nobody sends before
	learned  time.Time // when the cap was last set
	began    time.Time // of the count
	units    float64   // that passed since
	marks    []lessonMark
	pace     time.Time
	refusals int
	probing  bool
	flying   int
	beat     beat // at a share of the cap
}

// A lessonMark is what had passed when a refusal taught. The pace is taken over
// several, for the time between two holds a part of a window only.
type lessonMark struct {
	at    time.Time
	units float64
}

const (
	lookBack   = 40 * time.Second // at least, if refusals go back so far
	leastPace  = 0.1              // calls a second, however little passed
	keepBelow  = 0.97             // of the pace that passed
	holdFor    = 3 * time.Minute
	raiseBy    = 0.04 // after a minute beyond that, and with the square of the minutes
	firstPause = 200 * time.Millisecond
	mostPause  = 20 * time.Second
)

func (l *lesson) ask(now time.Time) time.Time {
	if l.fence.After(now) {
		return l.fence
	}
	if l.probing && l.flying > 0 {
		return now.Add(5 * time.Millisecond)
	}
	if l.cap <= 0 {
		return now
	}
	return l.pace.Add(seconds(1 / l.rate(now)))
}

// rate is the cap, raised since it was learned.
func (l *lesson) rate(now time.Time) float64 {
	if rest := now.Sub(l.learned) - holdFor; rest > 0 {
		return l.cap * (1 + raiseBy*math.Pow(rest.Minutes(), 2))
	}
	return l.cap
}

func (l *lesson) send(now time.Time, units float64) {
	l.flying++
	if l.began.IsZero() {
		l.began = now
	}
	if l.cap > 0 {
		l.pace = later(l.pace.Add(seconds(units/l.rate(now))), now.Add(-lateWake))
		if l.pace.After(now) {
			l.pace = now
		}
	}
}

func (l *lesson) passed(_ time.Time, t *ticket) {
	if t.idle {
		return
	}
	l.units += t.cost
	if !t.sent.Before(l.fence) {
		l.refusals, l.probing = 0, false
	}
}

// refused notes a refusal. until is when the cloud lets calls in again, now if
// it did not say; teach says that no quota explains it.
func (l *lesson) refused(now time.Time, t *ticket, until time.Time, teach bool) {
	first := !t.sent.Before(l.fence) && !t.sent.Before(l.learned)
	if until.After(now) {
		l.fence = later(l.fence, until)
	}
	if !first {
		return
	}
	l.refusals++
	if !until.After(now) {
		l.fence = now.Add(min(firstPause<<min(l.refusals-1, 7), mostPause))
	}
	l.probing = true
	if !teach {
		return
	}
	if l.began.IsZero() {
		l.began = now // a refusal was reported before a call was sent
	}
	if len(l.marks) == 0 {
		l.marks = append(l.marks, lessonMark{at: l.began})
	}
	from := l.marks[0]
	span, units := now.Sub(from.at).Seconds(), l.units-from.units
	switch {
	case l.cap > 0 && now.Sub(l.learned) > holdFor:
		l.cap = keepBelow * l.rate(now) // it was raised, and a little too far
		l.marks = l.marks[:0]
	case span > 1 && units >= 10:
		l.cap = keepBelow * units / span
	}
	if l.cap > 0 {
		l.cap = max(l.cap, leastPace)
	}
	l.learned = now
	l.marks = append(l.marks, lessonMark{now, l.units})
	for len(l.marks) > 2 && now.Sub(l.marks[1].at) > lookBack {
		l.marks = l.marks[1:]
	}
}
