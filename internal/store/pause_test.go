package store

import (
	"testing"
	"time"
)

// TestPause: another process sees the wish while the ledger is held, and it
// stays until it is taken back.
func TestPause(t *testing.T) {
	onBoth(t, func(t *testing.T, opts Options) {
		ctx := t.Context()
		s := openStore(t, opts)
		l := openLedger(t, s, "m")
		defer closed(t, l)
		other := openStore(t, opts)
		first := time.Date(2026, 3, 29, 1, 2, 3, 0, time.UTC)
		is := func(s *Store, organisation, name string, want time.Time) {
			t.Helper()
			if got, err := s.Paused(ctx, organisation, name); err != nil || !got.Equal(want) {
				t.Errorf("%s is paused since %v, %v; want %v", name, got, err, want)
			}
		}
		must := func(err error) {
			t.Helper()
			if err != nil {
				t.Fatal(err)
			}
		}
		is(s, org, "m", time.Time{})
		is(s, org, "unknown", time.Time{})
		must(other.Pause(ctx, org, "m", first))
		is(s, org, "m", first)
		must(s.Pause(ctx, org, "m", first.Add(time.Hour)))
		is(other, org, "m", first)
		is(s, org, "n", time.Time{})
		is(s, "other", "m", time.Time{})
		must(other.Resume(ctx, org, "m"))
		is(s, org, "m", time.Time{})
		must(other.Resume(ctx, org, "m"))
		must(s.Pause(ctx, org, "new", first)) // before its first run
		is(other, org, "new", first)
		must(s.Resume(ctx, org, "unknown"))
	})
}
