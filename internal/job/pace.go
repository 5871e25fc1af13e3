package job

import (
	"context"
	"sync"
	"time"

	"github.com/rialto-migrate/rialto/connector"
	"github.com/rialto-migrate/rialto/internal/migrate"
	"github.com/rialto-migrate/rialto/internal/pace"
)

// Events of the pace, with the time until which it holds if there is one.
const (
	Waiting = "waiting" // nothing new is sent; the reason says why
	Pacing  = "pace"    // calls are sent, at the share of the quotas that is told
)

// Reasons of Waiting.
const (
	Paused = "paused"                        // by a person; another one lets it go on
	Hours  = "the pace of these hours is 0%" // by the migration's file
)

const (
	lookAgain = 30 * time.Second // at the latest: the machine's clock may be set, or have slept
	finish    = 12 * time.Second // that a run which was asked to stop has for what is under way
)

// A tempo holds a job's connections to the pace of its migration and to the wish
// of the parent.
type tempo struct {
	plan *pace.Plan // ready; nil for full speed
	flow *connector.Flow
	emit func(migrate.Event)

	mu     sync.Mutex
	pacers []*connector.Pacer
	pace   connector.Pace
	paused bool
}

func newTempo(plan *pace.Plan, emit func(migrate.Event)) *tempo {
	t := &tempo{plan: plan, emit: emit, pace: connector.FullPace()}
	if plan != nil {
		t.pace.Requests = plan.Requests
	}
	if plan != nil && plan.Bytes > 0 {
		t.flow = connector.NewFlow(plan.Bytes)
	}
	return t
}

// pacer returns a pacer that is held to the pace, now and later.
func (t *tempo) pacer(quotas []connector.Quota) *connector.Pacer {
	p := connector.NewPacer(quotas)
	t.mu.Lock()
	defer t.mu.Unlock()
	p.SetPace(t.pace)
	t.pacers = append(t.pacers, p)
	return p
}

// look sets the pace that holds at a time, tells if it is another one, and
// returns how long it holds at most.
func (t *tempo) look(now time.Time, paused bool) time.Duration {
	share, until := t.plan.At(now)
	if paused {
		share = 0
	}
	t.mu.Lock()
	changed := share != t.pace.Share || paused != t.paused
	t.pace.Share, t.paused = share, paused
	for _, p := range t.pacers {
		p.SetPace(t.pace)
	}
	t.mu.Unlock()
	if changed {
		switch {
		case paused:
			t.emit(migrate.Event{Event: Waiting, Reason: Paused})
		case share == 0:
			t.emit(migrate.Event{Event: Waiting, Reason: Hours, Until: until})
		default:
			t.emit(migrate.Event{Event: Pacing, Share: share, Until: until})
		}
	}
	if until.IsZero() {
		return lookAgain
	}
	return min(max(until.Sub(now), time.Millisecond), lookAgain)
}

func (t *tempo) waits() bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.pace.Share == 0
}

// A wish tells whether the job is to be paused, once that has changed more often
// than seen; mover.Line.Paused is one.
type wish func(ctx context.Context, seen int) (paused bool, changes int, err error)

// follow keeps the pace until ctx ends. It returns when the pace that holds now
// is set.
func (t *tempo) follow(ctx context.Context, wished wish) error {
	paused, seen, err := wished(ctx, 0)
	if err != nil {
		return err
	}
	wishes := make(chan bool)
	go func() {
		for {
			p, n, err := wished(ctx, seen)
			if err != nil {
				return // the parent is gone, and the job with it
			}
			seen = n
			select {
			case wishes <- p:
			case <-ctx.Done():
				return
			}
		}
	}()
	rest := t.look(time.Now(), paused)
	go func() {
		for {
			timer := time.NewTimer(rest)
			select {
			case paused = <-wishes:
			case <-timer.C:
			case <-ctx.Done():
				timer.Stop()
				return
			}
			timer.Stop()
			rest = t.look(time.Now(), paused)
		}
	}()
	return nil
}

// keepPace follows the migration's pace from here on, until ctx ends.
func (w *work) keepPace(ctx context.Context) error {
	if err := w.spec.Migration.Pace.Ready(); err != nil {
		return err
	}
	return w.tempo.follow(ctx, w.line.Paused)
}

// ends lets a run that was asked to stop finish what is under way: it calls
// cancel when that would take long, or at once if nothing is sent now.
func (t *tempo) ends(ctx context.Context, stopping <-chan struct{}, cancel func()) {
	select {
	case <-stopping:
	case <-ctx.Done():
		return
	}
	for end := time.Now().Add(finish); !t.waits() && time.Now().Before(end); {
		select {
		case <-time.After(100 * time.Millisecond): // its hours may end meanwhile
		case <-ctx.Done():
			return
		}
	}
	cancel()
}
