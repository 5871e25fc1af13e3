package store

import (
	"context"
	"time"
)

var (
	getPaused = both("SELECT paused FROM migration WHERE organisation = $1 AND name = $2")
	pause     = both("UPDATE migration SET paused = $1 WHERE organisation = $2 AND name = $3 AND paused = 0")
	resume    = both("UPDATE migration SET paused = 0 WHERE organisation = $1 AND name = $2")
)

// Paused tells since when a migration is paused; zero if it is not, or is not
// known. It may be asked while another process has the ledger.
func (s *Store) Paused(ctx context.Context, organisation, migration string) (since time.Time, err error) {
	var at int64
	err = s.read(ctx, of(organisation), func(ss session) (err error) {
		at, err = one(ss, getPaused, organisation, migration)
		return err
	})
	if err != nil || at == 0 {
		return time.Time{}, err
	}
	return timeOf(at), nil
}

// Pause keeps the wish that a migration sends nothing new from now on; one that
// is paused already stays paused since then. The migration is made if it is new.
func (s *Store) Pause(ctx context.Context, organisation, migration string, now time.Time) error {
	if _, _, err := s.migration(ctx, organisation, migration); err != nil {
		return err
	}
	return s.write(ctx, of(organisation), func(ss session) error {
		return ss.exec(pause, stamp(now), organisation, migration)
	})
}

// Resume takes the wish back; where there is none it does nothing.
func (s *Store) Resume(ctx context.Context, organisation, migration string) error {
	return s.write(ctx, of(organisation), func(ss session) error {
		return ss.exec(resume, organisation, migration)
	})
}
