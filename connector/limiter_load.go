package connector

import (
	"math"
	"time"
)

// maxInFlight is the most calls that one connection has in flight at once.
const maxInFlight = 64

// A load keeps the calls in flight of one class to what the cloud bears: as
// long as answers come about as fast as when the cloud was at ease, more are
// let go; when they slow down, fewer. Now and then it lets only a few go, to see
// how fast an answer is at ease today. It matters where no quota binds first.
type load struct {
	inFlight int
	limit    float64
	ease     float64 // seconds of an answer at ease
	doubt    float64 // the variance of ease, as of a mean

	sum     float64 // seconds of the answers in this batch
	squares float64
	answers int // in this batch
	peak    int // most in flight during it
	since   time.Time

	failed bool      // a call of this batch had no answer
	shrunk bool      // the first, fast growth is over
	bound  bool      // the limit held calls back since the last look
	looked time.Time // when ease was last measured afresh
	look   float64   // the limit to return to after a look; 0 outside of one
}

func newLoad() load { return load{limit: firstInFlight} }

const (
	firstInFlight  = 2
	firstBatch     = 8
	batchOfAnswers = 24
	lookEach       = time.Minute
	atEase         = 1.3 // answers that take so much longer still count as at ease
	strain         = 1.7 // from here on it is too much
	shrink         = 0.85
	afterFailure   = 0.9
)

func (l *load) full() bool { return float64(l.inFlight) >= math.Floor(l.limit) }

func (l *load) send() {
	l.inFlight++
	l.peak = max(l.peak, l.inFlight)
}

// answer takes in how long an answer took.
func (l *load) answer(now, sent time.Time, o Outcome) {
	l.inFlight--
	s := o.Took.Seconds()
	if o.Failed {
		// A cut connection is rarely a sign of load: once a batch it counts a little.
		if !l.failed {
			l.limit = max(l.limit*afterFailure, min(l.limit, firstInFlight))
			l.failed, l.shrunk = true, true
		}
		return
	}
	if s <= 0 || o.Refused || sent.Before(l.since) {
		return // what was sent before the last change says nothing about it
	}
	l.sum += s
	l.squares += s * s
	l.answers++
	if need := max(l.limit, batchOfAnswers); float64(l.answers) < need && (l.ease > 0 || l.answers < firstBatch) {
		return
	}
	n := float64(l.answers)
	took := l.sum / n
	l.judge(now, took, max(l.squares/n-took*took, 0)/n)
	l.limit = min(l.limit, maxInFlight)
	l.sum, l.squares, l.answers, l.peak, l.since, l.failed = 0, 0, 0, l.inFlight, now, false
}

// judge sets the limit after a batch whose answers took so many seconds on
// average. doubt is the variance of that mean: where each answer takes its own
// time, a slow batch may be chance.
func (l *load) judge(now time.Time, took, doubt float64) {
	used := float64(l.peak) >= math.Floor(l.limit)
	l.bound = l.bound || used
	chance := math.Sqrt(doubt + l.doubt)
	switch {
	case l.look > 0:
		l.ease, l.doubt, l.limit = took, doubt, l.look
		l.look, l.looked, l.bound = 0, now, false
	case l.ease == 0:
		l.ease, l.doubt, l.looked = took, doubt, now
		l.limit *= 2
	case l.bound && now.Sub(l.looked) > lookEach && l.limit > 2*firstInFlight:
		l.look, l.limit = l.limit, max(l.limit/4, firstInFlight)
	case took > l.ease*strain+2*chance:
		l.limit = max(math.Floor(l.limit*shrink), 1)
		l.shrunk = true
	case took <= l.ease*atEase+chance && used && l.shrunk:
		l.limit++
	case took <= l.ease*atEase+chance && used:
		l.limit = math.Ceil(l.limit * 1.5)
	}
	if took+2*chance < l.ease {
		l.ease, l.doubt = took, doubt
	}
}
