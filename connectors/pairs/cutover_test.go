package pairs_test

import (
	"testing"

	microsoft "github.com/rialto-migrate/rialto/connectors/microsoft/standin"
	"github.com/rialto-migrate/rialto/item"
)

// TestCutover cuts boards over and takes it back: the source gets those writes and
// no others, and neither a note nor a closed board looks like a change of what
// people have there.
func TestCutover(t *testing.T) {
	for _, c := range []struct {
		name     string
		move     func(*testing.T) *move
		writes   int64 // that close the source; as many reopen it
		readOnly bool
	}{
		{"trello", func(t *testing.T) *move { m, _ := trelloToPlanner(false)(t); return m }, 1, true},
		{"planner", func(t *testing.T) *move { m, _ := plannerToPlanner(false)(t); return m }, 1, false},
		{"redmine", func(t *testing.T) *move {
			srv := newServer(t)
			srv.fillRedmine(t, "cutover")
			return newMove(t, newRedmine(t, srv.Server, "redmine-cutover"), newPlanner(t, microsoft.Options{}, false), "board:Marketing cutover")
		}, 2, true},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			m := c.move(t)
			m.spec.Policies.Deletions = "delete"
			before := m.from.writes.Load()
			wrote := func(want int64, when string) {
				t.Helper()
				if got := m.from.writes.Load() - before; got != want {
					t.Fatalf("%s: %d writing requests came to the source, expected %d", when, got, want)
				}
			}
			same := func(when string) {
				t.Helper()
				v, err := m.engine().Verify(t.Context(), false)
				if err != nil || v.Lost != 0 {
					t.Fatalf("%s: %+v, %v", when, v, err)
				}
			}
			again := func(when string) {
				t.Helper()
				e := m.engine()
				r, err := e.Run(t.Context())
				if err != nil || r.Status != "complete" {
					t.Fatalf("%s: %+v, %v", when, r, err)
				}
				for k, n := range r.Kinds {
					if n.Created+n.Updated+n.Deleted+n.Failed > 0 && k != item.Member {
						t.Errorf("%s: %s: %+v", when, k, n)
					}
				}
			}
			again0, err := m.engine().Run(t.Context())
			if err != nil || again0.Status != "complete" {
				t.Fatalf("%+v, %v", again0, err)
			}
			wrote(0, "a run")
			r, err := m.engine().Cutover(t.Context(), false)
			if err != nil || r.Status != "cut-over" || len(r.Containers) != 1 || (r.Containers[0].Open == "") != c.readOnly {
				t.Fatalf("%+v, %v", r, err)
			}
			wrote(c.writes, "the cut-over")
			same("cut over")
			back, err := m.engine().Revert(t.Context(), false)
			if err != nil || back.Status != "reverted" {
				t.Fatalf("%+v, %v", back, err)
			}
			wrote(2*c.writes, "the revert")
			again("a run after the revert")
			same("reverted")
		})
	}
}
