package pairs_test

import (
	"testing"

	microsoft "github.com/rialto-migrate/rialto/connectors/microsoft/standin"
)

// TestTrelloToPlanner moves a lively board as an app alone, which may not write
// comments, and as a person.
func TestTrelloToPlanner(t *testing.T) {
	for name, delegated := range map[string]bool{"app": false, "delegated": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			from, to := newTrello(t, 3), newPlanner(t, microsoft.Options{}, delegated)
			from.fillTrello()
			m := newMove(t, from, to, "board:Marketing")
			m.whole(from.editTrello)
		})
	}
}
