package pairs_test

import (
	"testing"

	microsoft "github.com/rialto-migrate/rialto/connectors/microsoft/standin"
)

// TestPairs takes a lively board through the whole life of a migration, from
// each cloud to each other that needs no server of its own.
func TestPairs(t *testing.T) {
	for _, pair := range []struct {
		name string
		make func(*testing.T) (m *move, edit func())
	}{
		{"trello-planner-app", trelloToPlanner(false)},
		{"trello-planner-delegated", trelloToPlanner(true)},
		{"export-planner-app", exportToPlanner},
		{"planner-trello", func(t *testing.T) (*move, func()) {
			from, to := newPlanner(t, microsoft.Options{}, true), newTrello(t, 4)
			from.fillPlanner()
			return newMove(t, from, to, "board:Marketing"), from.editPlanner
		}},
		{"planner-planner-app", plannerToPlanner(false)},
		{"planner-planner-delegated", plannerToPlanner(true)},
		{"trello-trello", trelloToTrello},
	} {
		t.Run(pair.name, func(t *testing.T) {
			t.Parallel()
			m, edit := pair.make(t)
			m.whole(pair.name, edit)
		})
	}
}

func trelloToPlanner(delegated bool) func(*testing.T) (*move, func()) {
	return func(t *testing.T) (*move, func()) {
		from, to := newTrello(t, 3), newPlanner(t, microsoft.Options{}, delegated)
		from.fillTrello()
		return newMove(t, from, to, "board:Marketing"), from.editTrello
	}
}

func trelloToTrello(t *testing.T) (*move, func()) {
	from, to := newTrello(t, 3), newTrello(t, 4)
	from.fillTrello()
	return newMove(t, from, to, "board:Marketing"), from.editTrello
}

func exportToPlanner(t *testing.T) (*move, func()) {
	from, to := newExported(t), newPlanner(t, microsoft.Options{}, false)
	return newMove(t, from.end, to, "*"), from.edit
}

func plannerToPlanner(delegated bool) func(*testing.T) (*move, func()) {
	return func(t *testing.T) (*move, func()) {
		from, to := newPlanner(t, microsoft.Options{}, true), newPlanner(t, microsoft.Options{Seed: 6}, delegated)
		from.fillPlanner()
		return newMove(t, from, to, "board:Marketing"), from.editPlanner
	}
}
