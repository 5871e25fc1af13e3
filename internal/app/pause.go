package app

import (
	"context"
	"time"

	"github.com/rialto-migrate/rialto/internal/mover"
)

// lookForPause is how often a verb asks whether its migration was paused or
// resumed, by whatever process on whatever machine that has the store.
const lookForPause = time.Second

// Paused tells since when a migration is paused; zero if it is not.
func (a *App) Paused(ctx context.Context, migration string) (time.Time, error) {
	return a.store.Paused(ctx, a.Organisation, migration)
}

// Pause has a migration send nothing new, in this or any other process, until it
// is resumed. What is under way is finished. It returns since when that holds:
// one that was paused already stays so. Safe to repeat.
func (a *App) Pause(ctx context.Context, migration string) (time.Time, error) {
	if err := a.store.Pause(ctx, a.Organisation, migration, time.Now()); err != nil {
		return time.Time{}, err
	}
	return a.Paused(ctx, migration)
}

// Resume lets a paused migration go on; was is since when it was paused, zero if
// it was not. Safe to repeat.
func (a *App) Resume(ctx context.Context, migration string) (was time.Time, err error) {
	if was, err = a.Paused(ctx, migration); err != nil {
		return was, err
	}
	return was, a.store.Resume(ctx, a.Organisation, migration)
}

// followPause tells a mover when its migration is paused and resumed, until it
// is gone. A store that cannot be asked for a while changes nothing.
func (a *App) followPause(ctx context.Context, migration string, p *mover.Process) {
	t := time.NewTicker(lookForPause)
	defer t.Stop()
	for {
		select {
		case <-t.C:
		case <-p.Done():
			return
		case <-ctx.Done():
			return
		}
		since, err := a.Paused(ctx, migration)
		if err != nil {
			a.Log.Debug("whether the migration is paused cannot be read", "error", err)
			continue
		}
		p.Pause(!since.IsZero())
	}
}
