package connector

import (
	"math"
	"time"
)

// learn takes in what remained after one call.
func (q *quota) learn(now time.Time, l level, s Sample) {
	if l.index <= q.level.index {
		// Answers overtake one another, and so do calls: this one was sent before
		// the one that is known, but a little less remained.
		if d := q.level.remaining - l.remaining; d > 0 && d <= 3 && s.Reset == 0 {
			q.level.remaining = l.remaining
		}
		return
	}
	before := q.level
	q.level = l
	if s.Reset > 0 {
		q.phase.told(now, s.Reset)
		if q.window == 0 {
			q.window = s.Reset // the longest seen comes nearest to the window
		}
		q.window = max(q.window, s.Reset)
		return
	}
	if !before.at.IsZero() && q.window > 0 {
		q.watch(before, l, now)
	}
	if n := len(q.levels); n == 0 || l.at.Sub(q.levels[n-1].at) > q.window/64 {
		q.levels = append(q.levels, l)
	}
	for len(q.levels) > 1 && l.at.Sub(q.levels[1].at) >= q.window {
		q.levels = q.levels[1:]
	}
}

// watch looks for a leap of what remains: the end of a fixed window.
func (q *quota) watch(before, l level, now time.Time) {
	ours := l.index - before.index
	leap := l.remaining - (before.remaining - ours)
	apart := now.Sub(before.sent).Seconds()
	fresh := l.remaining+ours+q.inFlight() >= 0.95*q.limit
	// A bucket refills by no more than the even pace; a sliding window frees what
	// was sent a window before, and that is not all of it at once.
	// After a long wait all windows look fresh: that proves nothing.
	close := apart < q.window.Seconds()/4
	expected := leap > 0.3*q.limit && q.phase.near(l.at, q.window, seconds(q.took))
	if close && (leap > 0.15*q.limit+2 && leap > 2*q.even()*apart && fresh || expected) {
		used := q.limit - before.remaining - q.passed.within(before.at, q.window)
		q.phase.narrow(before.sent, now, q.window)
		q.phase.others = max(used, 0) / q.window.Seconds()
		q.levels = q.levels[:0]
		q.bucket = time.Time{}
		return
	}
	if q.phase.known() {
		q.phase.missed(before.sent, l.sent, q.window)
		return
	}
	if used := q.passed.within(l.at, q.window); used+l.remaining > 1.08*q.limit+2 && l.at.Sub(q.since) > q.window {
		q.bucket = l.at.Add(3 * q.window)
	}
}

// room returns how many units are free for a call that is sent now, the pace
// to use them at, and when to ask again if they are not enough.
func (q *quota) room(now time.Time) (free, rate float64, again time.Time) {
	if q.phase.known() {
		return q.roomFixed(now)
	}
	return q.roomSmooth(now)
}

// roomSmooth is for quotas whose level changes by and by.
func (q *quota) roomSmooth(now time.Time) (free, rate float64, again time.Time) {
	even := q.even()
	lead := seconds(q.took * leadShare)
	now = now.Add(lead) // when the cloud will count it
	if math.IsInf(even, 1) {
		free = q.level.remaining - q.inFlight()
		return free, math.Inf(1), now.Add(time.Second)
	}
	others := q.others()
	base := max(even-others, 0.05*even)
	grown := base * max(now.Sub(q.level.at).Seconds(), 0)
	bucket := q.bucket.After(now)
	again = now.Add(q.answerTime() / 4)
	if ours := q.passed.within(q.level.at, q.window); !bucket && ours > q.limit/3 {
		// A sliding window frees what we sent a window before, when it is due.
		grown = min(grown+2, ours-q.passed.between(now.Add(-q.window), q.level.at))
		again = q.passed.expiry(now, q.window, 1).Add(-lead)
	}
	free = min(q.level.remaining+grown, q.limit)
	for _, f := range q.flying {
		if f.index > q.level.index {
			free -= f.cost
		} else {
			free -= f.cost / 2 // the cloud may have handled it already
		}
	}
	free -= q.spare
	aim := 1.0
	if bucket {
		aim = max(q.limit*0.06, 1)
	}
	most := hurry * even
	if q.passed.first.IsZero() || now.Sub(q.passed.first) < q.window {
		most = even * share // a burst would come back with each window
	}
	rate = min(max(base+(free-aim)/settleTime, 0.1*even), most)
	return free, rate, again
}

// others is the pace at which somebody else uses the quota.
func (q *quota) others() float64 {
	w := q.window.Seconds()
	ours := q.passed.within(q.level.at, q.window)
	for _, f := range q.flying {
		if f.index < q.level.index {
			ours += f.cost / 2
		}
	}
	sliding := (q.limit - q.level.remaining - ours) / w
	if !q.bucket.After(q.level.at) || len(q.levels) == 0 {
		return max(sliding, 0)
	}
	back := q.levels[0]
	span := q.level.at.Sub(back.at).Seconds()
	if span < w/4 {
		return 0
	}
	return max(q.even()-(q.level.passed-back.passed+q.level.remaining-back.remaining)/span, 0)
}

// roomFixed is for quotas whose windows begin at known times.
func (q *quota) roomFixed(now time.Time) (free, rate float64, again time.Time) {
	begun, ends := q.phase.around(now, q.window)
	left := ends.Sub(now).Seconds() - q.phase.width(q.window).Seconds() - q.took
	free = q.level.remaining
	if q.level.at.Before(begun) {
		free = q.limit // nothing is known of this window yet
	}
	free -= q.inFlight()
	free -= q.spare
	rate = hurry * 2 * q.even()
	if left > 0 {
		rate = min(rate, max(free/left-q.phase.others, 0.1*q.even()))
	}
	return free, rate, ends
}
