package pairs_test

import (
	"testing"

	microsoft "github.com/rialto-migrate/rialto/connectors/microsoft/standin"
	"github.com/rialto-migrate/rialto/item"
)

// TestRedmine takes boards from and to the real Redmine, on one server that is
// shared by all parts.
func TestRedmine(t *testing.T) {
	srv := newServer(t)
	for _, part := range []struct {
		name string
		run  func(*testing.T, *server)
	}{
		{"trello-redmine", func(t *testing.T, srv *server) {
			from, to := newTrello(t, 3), newRedmine(t, srv.Server, "trello-redmine", "labels-field", "")
			from.fillTrello()
			m := newMove(t, from, to, "board:Marketing")
			m.merges = item.List // categories of a project have different names
			m.whole("trello-redmine", from.editTrello)
		}},
		{"redmine-planner-app", func(t *testing.T, srv *server) {
			project := srv.fillRedmine(t, "planner")
			from, to := newRedmine(t, srv.Server, "redmine-planner"), newPlanner(t, microsoft.Options{}, false)
			newMove(t, from, to, "board:Marketing planner").whole("redmine-planner-app", func() { srv.editRedmine(t, project) })
		}},
		{"redmine-planner-delegated", func(t *testing.T, srv *server) {
			project := srv.fillRedmine(t, "planner2")
			from, to := newRedmine(t, srv.Server, "redmine-planner2"), newPlanner(t, microsoft.Options{}, true)
			newMove(t, from, to, "board:Marketing planner2").whole("redmine-planner-delegated", func() { srv.editRedmine(t, project) })
		}},
		{"redmine-trello", func(t *testing.T, srv *server) {
			project := srv.fillRedmine(t, "trello")
			from, to := newRedmine(t, srv.Server, "redmine-trello"), newTrello(t, 4)
			newMove(t, from, to, "board:Marketing trello").whole("redmine-trello", func() { srv.editRedmine(t, project) })
		}},
		{"real exports", func(t *testing.T, srv *server) {
			for _, name := range realExports() {
				t.Run(name, func(t *testing.T) {
					to := newRedmine(t, srv.Server, name, "labels-field", "")
					m := newMove(t, realExport(t, name), to, "*")
					m.merges = item.List
					m.real(name + "-redmine")
				})
			}
		}},
	} {
		t.Run(part.name, func(t *testing.T) { part.run(t, srv) })
	}
}
