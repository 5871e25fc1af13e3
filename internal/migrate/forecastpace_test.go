package migrate

import (
	"testing"
	"time"

	"github.com/rialto-migrate/rialto/internal/pace"
)

// TestForecastPace: the time of a forecast follows the hours and the limits.
func TestForecastPace(t *testing.T) {
	read := func(text string, share float64) pace.Window {
		w, err := pace.ReadWindow(text, "UTC")
		if err != nil {
			t.Fatal(err)
		}
		w.Share = share
		return w
	}
	office := []pace.Window{read("Mon-Fri 08:00-18:00", 0.3)}
	const h = time.Hour
	for _, c := range []struct {
		name                                       string
		plan                                       *pace.Plan
		reads, writes                              float64
		readLeast, readMost, writeLeast, writeMost time.Duration
		bytes                                      int64
		least, most                                time.Duration
	}{
		{"no pace", nil, 0, 0, h, h, 2 * h, 2 * h, 0, 5 * h, 6 * h},
		{"half", &pace.Plan{Else: 0.5}, 100, 100, h, h, 2 * h, 2 * h, 0, 4 * h, 6 * h},
		{"in the office's hours, and on into the evening", &pace.Plan{Else: 1, Windows: office}, 100, 100, h, h, 3 * h, 4 * h, 0, 10 * h, 10*h + 2*h},
		{"requests bind", &pace.Plan{Else: 0.5, Requests: 1}, 3600, 7200, h / 10, h / 10, h / 10, h / 10, 0, 2 * h, 3 * h},
		{"requests do not bind", &pace.Plan{Else: 0.5, Requests: 100}, 3600, 7200, h, h, h, h, 0, 2 * h, 4 * h},
		{"bytes bind, there and back", &pace.Plan{Else: 0.5, Bytes: 1e6}, 10, 10, h / 10, h / 10, h / 10, h / 10, 3600e6, 2 * h, 2 * h},
		{"they wait for the night", &pace.Plan{Windows: []pace.Window{read("20:00-06:00", 1)}}, 10, 0, h, h, 0, 0, 0, 13 * h, 13 * h},
		{"nothing to do", &pace.Plan{Else: 0.5}, 0, 0, 0, 0, 0, 0, 0, 0, 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			e := &Engine{Config: Config{Spec: Spec{Pace: c.plan}, Now: func() time.Time { return time.Date(2026, 3, 2, 8, 0, 0, 0, time.UTC) }}}
			f := &forecaster{e: e, reads: c.reads, writes: c.writes, bytes: c.bytes, out: &Forecast{Least: 5 * h, Most: 6 * h}}
			f.pace(c.readLeast, c.readMost, c.writeLeast, c.writeMost)
			if (f.out.Least-c.least).Abs() > time.Second || (f.out.Most-c.most).Abs() > time.Second {
				t.Errorf("it takes %v to %v, want %v to %v", f.out.Least, f.out.Most, c.least, c.most)
			}
			if wants := c.plan != nil && len(c.plan.Windows) > 0; wants != (f.out.Pace != nil) {
				t.Errorf("the week is %v", f.out.Pace)
			}
		})
	}
}
