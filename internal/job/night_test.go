package job

import (
	"context"
	"sync"
	"testing"
	"testing/synctest"
	"time"
	_ "time/tzdata" // the tests' machine may have no zones of its own

	"github.com/rialto-migrate/rialto/connector"
	"github.com/rialto-migrate/rialto/internal/migrate"
	"github.com/rialto-migrate/rialto/internal/pace"
)

// TestTempoInTheNightOfTheClockChange: a cut-over that goes on through the night in
// which the clocks of Oslo change, under a pace that keeps it away from the backup
// between two and three. The hour comes twice in autumn and is waited for twice, in
// one stretch; in spring it does not come, and nothing waits. What is told is the
// time at which it goes on, by any clock.
func TestTempoInTheNightOfTheClockChange(t *testing.T) {
	oslo, err := time.LoadLocation("Europe/Oslo")
	if err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		saturday time.Time
		silent   []int // hours of Sunday in UTC without a call
		goesOn   int   // the hour in UTC, 0 for never waiting
	}{
		"25 hours": {time.Date(2000, 10, 28, 20, 0, 0, 0, time.UTC), []int{0, 1}, 2},
		"23 hours": {time.Date(2000, 3, 25, 20, 0, 0, 0, time.UTC), nil, 0},
		"24 hours": {time.Date(2000, 6, 10, 20, 0, 0, 0, time.UTC), []int{0}, 1},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				time.Sleep(time.Until(c.saturday))
				backup, err := pace.ReadWindow("02:00-03:00 Europe/Oslo", "UTC")
				if err != nil {
					t.Fatal(err)
				}
				ctx, stop := context.WithCancel(t.Context())
				w := &watch{calls: map[time.Time]int{}}
				tempo := newTempo(&pace.Plan{Else: 1, Windows: []pace.Window{backup}}, w.emit) // at a share of 0
				if err := tempo.follow(ctx, newParent(false).wish); err != nil {
					t.Fatal(err)
				}
				p := tempo.pacer([]connector.Quota{{Requests: 20, Per: time.Minute}})
				var wg sync.WaitGroup
				wg.Go(func() { w.work(ctx, p) })
				sunday := c.saturday.Truncate(24*time.Hour).AddDate(0, 0, 1)
				time.Sleep(time.Until(sunday.Add(6 * time.Hour)))
				stop()
				wg.Wait()
				for hour := range 6 {
					n, quiet := w.calls[sunday.Add(time.Duration(hour)*time.Hour)], false
					for _, h := range c.silent {
						quiet = quiet || h == hour
					}
					if quiet && n != 0 || !quiet && n < 1000 {
						t.Errorf("%d calls from %v on", n, sunday.Add(time.Duration(hour)*time.Hour).In(oslo))
					}
				}
				var waits []migrate.Event
				for _, ev := range w.events {
					if ev.Event == Waiting {
						waits = append(waits, ev)
					}
				}
				want := sunday.Add(time.Duration(c.goesOn) * time.Hour)
				switch {
				case c.goesOn == 0 && len(waits) > 0:
					t.Errorf("it waited: %+v", waits)
				case c.goesOn > 0 && (len(waits) != 1 || !waits[0].Until.Equal(want)):
					t.Errorf("it waited %+v, want once until %v", waits, want)
				}
			})
		})
	}
}
