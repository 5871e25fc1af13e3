package connector

import "time"

// A trail remembers how many units were counted when, for two windows back. It
// joins what lies close together, so that it stays small.
type trail struct {
	steps []step
	total float64   // ever
	first time.Time // when it began
	// grain is how close steps may lie.
	grain time.Duration
}

type step struct {
	at    time.Time // of the last unit in it
	units float64
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
		i--
	}
	if i > 0 && at.Sub(t.steps[i-1].at) <= t.grain {
		t.steps[i-1].units += units
		t.steps[i-1].at = at
		return
	}
	t.steps = append(t.steps, step{})
	copy(t.steps[i+1:], t.steps[i:])
	t.steps[i] = step{at, units}
}

// forget drops what is older than a time, and coarsens what is left if it is
// too much.
func (t *trail) forget(before time.Time, window time.Duration) {
	i := 0
	for i < len(t.steps) && t.steps[i].at.Before(before) {
		i++
	}
	t.steps = t.steps[i:]
	if len(t.steps) > trailSteps {
		t.grain = max(t.grain*2, window/trailSteps)
		joined := t.steps[:1]
		for _, s := range t.steps[1:] {
			if last := &joined[len(joined)-1]; s.at.Sub(last.at) <= t.grain {
				last.units += s.units
				last.at = s.at
			} else {
				joined = append(joined, s)
			}
		}
		t.steps = joined
	}
}

// within returns the units of the window that ends at a time.
func (t *trail) within(at time.Time, window time.Duration) float64 {
	return t.between(at.Add(-window), at)
}

// between returns the units after one time, up to another.
func (t *trail) between(from, to time.Time) float64 {
	n := 0.0
	for i := len(t.steps) - 1; i >= 0 && t.steps[i].at.After(from); i-- {
		if !t.steps[i].at.After(to) {
			n += t.steps[i].units
		}
	}
	return n
}

// expiry returns when so many units will have left the window.
func (t *trail) expiry(now time.Time, window time.Duration, units float64) time.Time {
	from := now.Add(-window)
	for _, s := range t.steps {
		if !s.at.After(from) {
			continue
		}
		if units -= s.units; units <= 0 {
			return s.at.Add(window + time.Millisecond)
		}
	}
	return now.Add(window)
}
