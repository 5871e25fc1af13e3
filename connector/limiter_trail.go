package connector

import (
	"slices"
	"time"
)

// A trail remembers how many units were counted when, for two windows back. It
// joins what lies close together, so that it stays small.
type trail struct {
	steps   []step
	dropped float64   // units before the first step, ever
	total   float64   // ever
	first   time.Time // when it began
	// grain is how close steps may lie.
	grain time.Duration
}

type step struct {
	at  time.Time // of the last unit in it
	sum float64   // of the units up to here, ever
}

const trailSteps = 2048

// add counts units at a time. Times need not ascend strictly, as answers
// overtake one another.
func (t *trail) add(at time.Time, units float64) {
	t.total += units
	if t.first.IsZero() {
		t.first = at
	}
	i := len(t.steps)
	for i > 0 && t.steps[i-1].at.After(at) {
		t.steps[i-1].sum += units
		i--
	}
	if i > 0 && at.Sub(t.steps[i-1].at) <= t.grain {
		t.steps[i-1].sum += units
		t.steps[i-1].at = at
		return
	}
	t.steps = slices.Insert(t.steps, i, step{at, t.before(i) + units})
}

// before is the sum up to the i-th step.
func (t *trail) before(i int) float64 {
	if i > 0 {
		return t.steps[i-1].sum
	}
	return t.dropped
}

// forget drops what is older than a time, and coarsens what is left if it is
// too much.
func (t *trail) forget(before time.Time, window time.Duration) {
	if i := t.after(before); i > 0 {
		t.dropped = t.steps[i-1].sum
		t.steps = slices.Delete(t.steps, 0, i)
	}
	if len(t.steps) <= trailSteps {
		return
	}
	t.grain = max(t.grain*2, window/trailSteps)
	joined := t.steps[:1]
	for _, s := range t.steps[1:] {
		if last := &joined[len(joined)-1]; s.at.Sub(last.at) <= t.grain {
			*last = s
		} else {
			joined = append(joined, s)
		}
	}
	t.steps = joined
}

// after returns the first step later than a time.
func (t *trail) after(at time.Time) int {
	i, _ := slices.BinarySearchFunc(t.steps, at, func(s step, at time.Time) int {
		if s.at.After(at) {
			return 1
		}
		return -1
	})
	return i
}

// within returns the units of the window that ends at a time.
func (t *trail) within(at time.Time, window time.Duration) float64 {
	return t.between(at.Add(-window), at)
}

// between returns the units after one time, up to another.
func (t *trail) between(from, to time.Time) float64 {
	return max(t.before(t.after(to))-t.before(t.after(from)), 0)
}

// expiry returns when so many units will have left the window.
func (t *trail) expiry(now time.Time, window time.Duration, units float64) time.Time {
	from := t.after(now.Add(-window))
	gone := t.before(from) + units
	for _, s := range t.steps[from:] {
		if s.sum >= gone-1e-9 {
			return s.at.Add(window + time.Millisecond)
		}
	}
	return now.Add(window)
}
