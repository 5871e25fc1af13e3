package migrate

import (
	"fmt"
	"math"
	"time"
)

// pace puts the migration's pace into a forecast: how long the run takes that
// begins now, given the least and the most time that its calls to either side
// take at full pace.
func (f *forecaster) pace(readLeast, readMost, writeLeast, writeMost time.Duration) {
	plan, out := f.e.Spec.Pace, f.out
	if plan == nil {
		return
	}
	now := f.e.Now()
	out.Pace = plan.Week(now)
	// took is how long calls take that would take full at full pace.
	took := func(calls float64, full time.Duration, share float64) float64 {
		if calls == 0 || full <= 0 {
			return 0
		}
		s := full.Seconds() / share
		if plan.Requests > 0 {
			s = max(s, calls/plan.Requests)
		}
		return s
	}
	// A file's bytes pass twice: from the source, and to the target.
	files := 0.0
	if plan.Bytes > 0 {
		files = 2 * float64(f.bytes) / plan.Bytes
	}
	elapse := func(join func(read, write float64) float64, read, write time.Duration) time.Duration {
		d, ok := plan.Elapse(now, func(share float64) float64 {
			if share == 0 {
				return 0
			}
			s := max(join(took(f.reads, read, share), took(f.writes, write, share)), files)
			if s == 0 {
				return math.Inf(1)
			}
			return 1 / s
		})
		if !ok {
			out.Notices = append(out.Notices, fmt.Sprintf("At this pace the run takes longer than %.0f years.", d.Hours()/24/365))
		}
		return d
	}
	most := elapse(func(r, w float64) float64 { return r + w }, readMost, writeMost)
	least := elapse(math.Max, readLeast, writeLeast)
	out.Least, out.Most = least, most
}
