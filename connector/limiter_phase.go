package connector

import "time"

// A phase is when fixed windows begin, as an interval in which one of their
// beginnings lies.
type phase struct {
	from, to time.Time
	misses   int
	others   float64 // units a second that somebody else used in the last window
}

func (p *phase) known() bool { return !p.to.IsZero() }

// told takes in a cloud's own word about the end of the window. Seconds are
// mostly whole ones, so that the end lies within a second.
func (p *phase) told(now time.Time, reset time.Duration) {
	p.from, p.to = now.Add(reset-time.Second), now.Add(reset+100*time.Millisecond)
}

// narrow takes in that a window began between two times.
func (p *phase) narrow(from, to time.Time, window time.Duration) {
	p.misses = 0
	if p.known() {
		n := from.Sub(p.from).Round(window)
		a, b := later(from, p.from.Add(n)), to
		if q := p.to.Add(n); q.Before(b) {
			b = q
		}
		if a.Before(b) {
			p.from, p.to = a, b
			return
		}
	}
	p.from, p.to = from, to
}

// around returns the beginning of the window that holds a time, and its end,
// both as late as they may be.
func (p *phase) around(now time.Time, window time.Duration) (begun, ends time.Time) {
	if window <= 0 || !p.known() {
		return now, now
	}
	n := now.Sub(p.to) / window
	begun = p.to.Add(n * window)
	if begun.After(now) {
		begun = begun.Add(-window)
	}
	return begun, begun.Add(window)
}

// width is how uncertain the beginning is.
func (p *phase) width(window time.Duration) time.Duration {
	return min(p.to.Sub(p.from), window/8)
}

// near reports whether a time is about where a window begins.
func (p *phase) near(at time.Time, window, slack time.Duration) bool {
	if !p.known() {
		return false
	}
	off := at.Sub(p.to.Add(-p.to.Sub(p.from) / 2))
	off -= off.Round(window)
	return off.Abs() <= p.to.Sub(p.from)/2+slack+window/20
}

// missed notes that calls were sent at two times and no leap was seen between
// their answers. If a window should have begun in between, and again, the
// windows are not fixed after all.
func (p *phase) missed(from, to time.Time, window time.Duration) {
	begun, _ := p.around(to, window)
	if begun.Add(-p.to.Sub(p.from)).After(from) {
		if p.misses++; p.misses >= 2 {
			*p = phase{}
		}
	}
}
