package connector

import (
	"math"
	"time"
)

// maxInFlight is the most calls that one connection has in flight at once.
const maxInFlight = 64

// A load keeps the calls in flight of one class to what the cloud bears: as
// long as answers come as fast as they did when it was at ease, more are let
// go; when they slow down, fewer. It matters where no quota binds first.
type load struct {
	inFlight int
	limit    float64
	ease     float64 // seconds of an answer at ease
	sum      float64 // seconds of the answers in this batch
	answers  int     // in this batch
	peak     int     // most in flight since then
	shrunk   bool    // the first doubling is over
	since    time.Time
}

func newLoad() load { return load{limit: 8} }

const (
	atEase         = 1.3 // answers that take so much longer still count as at ease
	strain         = 1.7 // from here on it is too much
	shrink         = 0.85
	batchOfAnswers = 24
	forgets        = 1.01 // how fast ease follows a cloud that became slower for good
)

func (l *load) full() bool { return float64(l.inFlight) >= math.Floor(l.limit) }

func (l *load) send() {
	l.inFlight++
	l.peak = max(l.peak, l.inFlight)
}

func (l *load) answer(now, sent time.Time, o Outcome) {
	l.inFlight--
	s := o.Took.Seconds()
	if o.Failed {
		l.limit = max(l.limit*shrink, 1)
		l.shrunk = true
		return
	}
	if s <= 0 || o.Refused || sent.Before(l.since) {
		return // what was sent before the last change says nothing about it
	}
	l.sum += s
	l.answers++
	if float64(l.answers) < max(l.limit, batchOfAnswers) {
		return
	}
	recent := l.sum / float64(l.answers)
	if l.ease == 0 {
		l.ease = recent
	}
	l.ease = min(l.ease*forgets, recent)
	switch {
	case recent > l.ease*strain:
		l.limit = max(math.Floor(l.limit*shrink), 1)
		l.shrunk = true
	case recent <= l.ease*atEase && float64(l.peak) >= math.Floor(l.limit):
		if l.shrunk {
			l.limit++
		} else {
			l.limit = math.Ceil(l.limit * 1.5)
		}
	}
	l.limit = min(l.limit, maxInFlight)
	l.sum, l.answers, l.peak, l.since = 0, 0, l.inFlight, now
}
