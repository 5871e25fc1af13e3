// Package pace is the pace that a migration keeps: which share of the clouds'
// quotas it uses at which hours, and how many requests and bytes a second at
// most. It is pure: it is asked about a time, and has no clock of its own.
package pace

import (
	"cmp"
	"slices"
	"time"
)

// A Plan is the pace of a migration. It is plain data and crosses to the mover.
// nil is full speed at all times.
type Plan struct {
	Windows []Window `json:",omitempty"`
	Else    float64  // the share where no window holds: 0 to 1
	// Requests is the most requests a second to each cloud, and Bytes the most
	// bytes a second to and from all of them together; 0 for no limit.
	Requests, Bytes float64
}

// A Window is a time of the week with a share of its own. It holds by what the
// clock on the wall of its zone shows: in the night in which an hour comes
// twice, it holds in both; in the one in which an hour is left out, a window
// within that hour does not come.
type Window struct {
	Text  string       // as the file says it, without the zone that it does not name
	Days  [7]bool      // on which it begins, by time.Weekday
	From  int          // minutes after midnight
	To    int          // minutes after midnight, up to 1440; not after From: it ends on the next day
	Zone  string       // IANA name
	Share float64      // 0 to 1
	at    zoneOfWindow // filled by Ready
}

type zoneOfWindow struct{ *time.Location }

// Ready loads the zones. It must be called before a Plan is asked about times,
// also after it crossed to another process; nil needs nothing.
func (p *Plan) Ready() error {
	if p == nil {
		return nil
	}
	for i := range p.Windows {
		loc, err := location(p.Windows[i].Zone)
		if err != nil {
			return err
		}
		p.Windows[i].at.Location = loc
	}
	return nil
}

// Idle reports whether the share is 0 at a time and ever after.
func (p *Plan) Idle(now time.Time) bool {
	share, until := p.At(now)
	return share == 0 && until.IsZero()
}

const (
	day     = 24 * 60 // minutes
	horizon = 16      // days after which a plan that did not change does not change
)

// At returns the share that holds at a time, and when another one holds next:
// zero for never. Where several windows of different zones hold, the smallest
// share counts.
func (p *Plan) At(t time.Time) (share float64, until time.Time) {
	if p == nil {
		return 1, time.Time{}
	}
	share = p.share(t)
	for _, next := range p.bounds(t) {
		if p.share(next) != share {
			return share, next
		}
	}
	return share, time.Time{}
}

// share is the share at a time.
func (p *Plan) share(t time.Time) float64 {
	least, found := 0.0, false
	for _, w := range p.Windows {
		if w.holds(t) && (!found || w.Share < least) {
			least, found = w.Share, true
		}
	}
	if !found {
		return p.Else
	}
	return least
}

// holds reports whether the clock on the window's wall shows a time within it.
func (w *Window) holds(t time.Time) bool {
	local := t.In(w.at.Location)
	today := local.Weekday()
	minute := local.Hour()*60 + local.Minute()
	if w.From < w.To {
		return w.Days[today] && w.From <= minute && minute < w.To
	}
	yesterday := (today + 6) % 7
	return w.Days[today] && w.From <= minute || w.Days[yesterday] && minute < w.To
}

// bounds are the times after t, within the horizon and in order, at which a
// window may begin or end. Between two changes of a zone's clock its wall time
// runs evenly, so a bound is found without asking when a wall time is that may
// come twice or never.
func (p *Plan) bounds(t time.Time) []time.Time {
	end := t.AddDate(0, 0, horizon)
	var out []time.Time
	for _, w := range p.Windows {
		for from := t; from.Before(end); {
			_, changes := from.In(w.at.Location).ZoneBounds()
			to := end
			if !changes.IsZero() && changes.Before(end) {
				to = changes
				out = append(out, to)
			}
			out = w.between(out, from, to)
			from = to
		}
	}
	slices.SortFunc(out, time.Time.Compare)
	return slices.CompactFunc(out, time.Time.Equal)
}

// between appends the window's bounds after one time and before another; the
// zone's clock does not change between them.
func (w *Window) between(out []time.Time, from, to time.Time) []time.Time {
	local := from.In(w.at.Location)
	_, offset := local.Zone()
	wall := from.UTC().Add(time.Duration(offset) * time.Second)
	for midnight := wall.Truncate(24 * time.Hour); ; midnight = midnight.AddDate(0, 0, 1) {
		start := midnight.Add(-time.Duration(offset) * time.Second)
		if !start.Before(to) {
			return out
		}
		for _, minute := range []int{w.From, w.To} {
			at := start.Add(time.Duration(minute) * time.Minute)
			if at.After(from) && at.Before(to) {
				out = append(out, at)
			}
		}
	}
}

// Elapse returns how long work takes that begins at a time: speed says which
// part of it is done in a second at a share of the quotas. ok is false if it
// takes longer than ten years.
func (p *Plan) Elapse(begin time.Time, speed func(share float64) float64) (took time.Duration, ok bool) {
	const longest = 10 * 365 * 24 * time.Hour
	left := 1.0
	for at := begin; at.Sub(begin) < longest; {
		share, until := p.At(at)
		rate := speed(share)
		if rate > 0 {
			need := left / rate
			if until.IsZero() || need <= until.Sub(at).Seconds() {
				if need > longest.Seconds() {
					return longest, false
				}
				return at.Sub(begin) + time.Duration(need*float64(time.Second)), true
			}
			left -= rate * until.Sub(at).Seconds()
		} else if until.IsZero() {
			break
		}
		at = until
	}
	return longest, false
}

// Hours are how many hours of a week a share holds.
type Hours struct {
	Share float64 `json:"share"`
	Hours float64 `json:"hours"`
}

// Week counts the hours of the week that begins at a time, the smallest share
// first. nil if one share holds always.
func (p *Plan) Week(begin time.Time) []Hours {
	if p == nil {
		return nil
	}
	end := begin.AddDate(0, 0, 7)
	by := map[float64]time.Duration{}
	for at := begin; at.Before(end); {
		share, until := p.At(at)
		if until.IsZero() || until.After(end) {
			until = end
		}
		by[share] += until.Sub(at)
		at = until
	}
	var out []Hours
	for share, d := range by {
		out = append(out, Hours{share, d.Hours()})
	}
	if len(out) < 2 {
		return nil
	}
	slices.SortFunc(out, func(a, b Hours) int { return cmp.Compare(a.Share, b.Share) })
	return out
}
