package job

import (
	"context"
	"errors"
	"reflect"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/rialto-migrate/rialto/connector"
	"github.com/rialto-migrate/rialto/internal/migrate"
	"github.com/rialto-migrate/rialto/internal/pace"
)

// A parent says whether the job is paused, as the far end of the line does.
type parent struct {
	mu      sync.Mutex
	paused  bool
	changes int
	changed chan struct{}
}

func newParent(paused bool) *parent {
	return &parent{paused: paused, changes: 1, changed: make(chan struct{})}
}

func (p *parent) pause(paused bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.paused = paused
	p.changes++
	close(p.changed)
	p.changed = make(chan struct{})
}

func (p *parent) wish(ctx context.Context, seen int) (bool, int, error) {
	for {
		p.mu.Lock()
		paused, changes, changed := p.paused, p.changes, p.changed
		p.mu.Unlock()
		if changes != seen {
			return paused, changes, nil
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return false, 0, ctx.Err()
		}
	}
}

// office is a plan with a share of 30 % in office hours, and none on Sundays.
func office(t *testing.T) *pace.Plan {
	t.Helper()
	p := &pace.Plan{Else: 1}
	for text, share := range map[string]float64{"Mon-Fri 08:00-18:00": 0.3, "Sun": 0} {
		w, err := pace.ReadWindow(text, "UTC")
		if err != nil {
			t.Fatal(err)
		}
		w.Share = share
		p.Windows = append(p.Windows, w)
	}
	return p
}

// A watch is what a job that follows its pace did, hour by hour.
type watch struct {
	mu     sync.Mutex
	calls  map[time.Time]int // by the hour
	events []migrate.Event
	at     []time.Time
}

func (w *watch) emit(ev migrate.Event) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.events, w.at = append(w.events, ev), append(w.at, time.Now().UTC())
}

// work calls as often as the pacer lets it.
func (w *watch) work(ctx context.Context, p *connector.Pacer) {
	for {
		done, err := p.Take(ctx, "", 1)
		if err != nil {
			return
		}
		w.mu.Lock()
		w.calls[time.Now().UTC().Truncate(time.Hour)]++
		w.mu.Unlock()
		time.Sleep(10 * time.Millisecond)
		done(connector.Outcome{Took: 10 * time.Millisecond, Status: 200})
	}
}

// TestTempoFollowsTheHours: time begins on Saturday, 1 January 2000, in a bubble.
func TestTempoFollowsTheHours(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, stop := context.WithCancel(t.Context())
		w := &watch{calls: map[time.Time]int{}}
		boss := newParent(false)
		tempo := newTempo(office(t), w.emit)
		early := tempo.pacer([]connector.Quota{{Requests: 20, Per: time.Minute}})
		if err := tempo.follow(ctx, boss.wish); err != nil {
			t.Fatal(err)
		}
		late := tempo.pacer([]connector.Quota{{Requests: 20, Per: time.Minute}})
		var wg sync.WaitGroup
		for _, p := range []*connector.Pacer{early, late} {
			wg.Go(func() { w.work(ctx, p) })
		}
		day := func(n, hour int) time.Time { return time.Date(2000, 1, n, hour, 0, 0, 0, time.UTC) }
		time.Sleep(time.Until(day(4, 20)) + 30*time.Minute)
		boss.pause(true)
		time.Sleep(time.Until(day(5, 12)) + 30*time.Minute)
		boss.pause(false)
		time.Sleep(time.Until(day(5, 15)))
		stop()
		wg.Wait()
		full := func(n int) bool { return n > 2200 && n <= 2400 }
		third := func(n int) bool { return n > 700 && n <= 724 }
		none := func(n int) bool { return n == 0 }
		for _, c := range []struct {
			hour time.Time
			want func(int) bool
			what string
		}{
			{day(1, 12), full, "Saturday"}, {day(1, 23), full, "its last hour"},
			{day(2, 0), none, "Sunday"}, {day(2, 23), none, "its last hour"},
			{day(3, 0), full, "Monday night"}, {day(3, 8), third, "the first hour of the office"}, {day(3, 17), third, "the last one"},
			{day(3, 18), full, "the evening"},
			{day(4, 21), none, "paused"}, {day(5, 3), none, "still paused"}, {day(5, 9), none, "still paused in the morning"},
			{day(5, 13), third, "after it goes on"},
		} {
			if n := w.calls[c.hour]; !c.want(n) {
				t.Errorf("%v (%s): %d calls", c.hour, c.what, n)
			}
		}
		want := []migrate.Event{
			{Event: Waiting, Reason: Hours, Until: day(3, 0)},
			{Event: Pacing, Share: 1, Until: day(3, 8)},
			{Event: Pacing, Share: 0.3, Until: day(3, 18)},
			{Event: Pacing, Share: 1, Until: day(4, 8)},
			{Event: Pacing, Share: 0.3, Until: day(4, 18)},
			{Event: Pacing, Share: 1, Until: day(5, 8)},
			{Event: Waiting, Reason: Paused},
			{Event: Pacing, Share: 0.3, Until: day(5, 18)},
		}
		for i := range w.events {
			w.events[i].Until = w.events[i].Until.UTC()
		}
		if len(w.events) != len(want) {
			t.Fatalf("the events are\n%+v", w.events)
		}
		for i := range want {
			if got := w.events[i]; !got.Until.Equal(want[i].Until) || got.Event != want[i].Event || got.Reason != want[i].Reason || got.Share != want[i].Share {
				t.Errorf("event %d is %+v, want %+v", i, got, want[i])
			}
		}
		if !w.at[1].Equal(day(3, 0)) {
			t.Errorf("it went on at %v", w.at[1])
		}
	})
}

// TestTempoBeginsPaused: nothing is sent before the parent's first word.
func TestTempoBeginsPaused(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, stop := context.WithCancel(t.Context())
		w := &watch{calls: map[time.Time]int{}}
		tempo := newTempo(nil, w.emit)
		if err := tempo.follow(ctx, newParent(true).wish); err != nil {
			t.Fatal(err)
		}
		var wg sync.WaitGroup
		wg.Go(func() { w.work(ctx, tempo.pacer(nil)) })
		time.Sleep(24 * time.Hour)
		stop()
		wg.Wait()
		if len(w.calls) > 0 || !reflect.DeepEqual(w.events, []migrate.Event{{Event: Waiting, Reason: Paused}}) {
			t.Errorf("calls %v, events %v", w.calls, w.events)
		}
		gone := errors.New("the parent is gone")
		if err := tempo.follow(t.Context(), func(context.Context, int) (bool, int, error) { return false, 0, gone }); !errors.Is(err, gone) {
			t.Errorf("got %v", err)
		}
	})
}

// TestTempoEnds: a run that was asked to stop finishes what is under way, for a
// while; one that waits for its hour or is paused ends at once.
func TestTempoEnds(t *testing.T) {
	for _, c := range []struct {
		name   string
		paused bool
		want   time.Duration
	}{{"it moves", false, finish}, {"it is paused", true, 0}} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				ctx, cancel := context.WithCancel(t.Context())
				defer cancel()
				tempo := newTempo(nil, func(migrate.Event) {})
				if err := tempo.follow(ctx, newParent(c.paused).wish); err != nil {
					t.Fatal(err)
				}
				stopping := make(chan struct{})
				var ended time.Time
				done := make(chan struct{})
				go tempo.ends(ctx, stopping, func() { ended = time.Now(); close(done) })
				time.Sleep(time.Hour)
				asked := time.Now()
				close(stopping)
				<-done
				if took := ended.Sub(asked); took < c.want || took > c.want+time.Second {
					t.Errorf("it was ended after %v, want %v", took, c.want)
				}
			})
		})
	}
}
