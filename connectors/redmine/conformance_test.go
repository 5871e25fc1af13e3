package redmine

import (
	"context"
	"maps"
	"net/http"
	"os"
	"testing"

	"github.com/rialto-migrate/rialto/connector"
	"github.com/rialto-migrate/rialto/connector/connectortest"
	"github.com/rialto-migrate/rialto/connectors/redmine/redminetest"
	"github.com/rialto-migrate/rialto/item"
)

// TestConformance runs the suite against the real server. The long proofs break
// more of the requests of a write.
func TestConformance(t *testing.T) {
	srv := redminetest.Start(t, redminetest.WithFields())
	people := []string{itoa(srv.AddUser(t, "ann", "Ann", "Ångström", "ann@example.net").ID), itoa(srv.AddUser(t, "bob", "Боб", "Строитель", "bob@example.net").ID)}
	settings := connector.Settings{"url": srv.URL, "key": srv.Key, "text": "markdown", "settle-delay": "10ms"}
	connectortest.Run(t, connectortest.Suite{Connector: smallPages{New()}, Sockets: true, Long: os.Getenv("RIALTO_SOAK") != "", Tasks: 16, Start: func(t testing.TB) connectortest.World {
		wire := &http.Transport{}
		t.Cleanup(wire.CloseIdleConnections)
		t.Cleanup(func() { empty(t, srv) })
		return connectortest.World{Settings: maps.Clone(settings), Transport: wire, People: people,
			Names: map[item.Kind][]string{item.Label: {"Design", "Éclair", "日本"}}}
	}})
}

// empty deletes the projects of a server. Who lists them asks for each, so that
// those of one part would slow down the parts after it.
func empty(t testing.TB, srv *redminetest.Server) {
	t.Helper()
	var all struct{ Projects []struct{ ID int } }
	srv.Call(t, http.MethodGet, "/projects.json?limit=100", nil, &all)
	for _, p := range all.Projects {
		if status := srv.Call(t, http.MethodDelete, "/projects/"+itoa(p.ID)+".json", nil, nil); status != http.StatusNoContent {
			t.Errorf("deleting project %d: status %d", p.ID, status)
		}
	}
}

// smallPages is the connector with pages of five issues.
type smallPages struct{ connector.Connector }

func (s smallPages) Open(ctx context.Context, env connector.Env) (connector.Cloud, error) {
	c, err := s.Connector.Open(ctx, env)
	if err != nil {
		return nil, err
	}
	return smallPaged{c.(*cloud)}, nil
}

type smallPaged struct{ *cloud }

func (c smallPaged) Source(context.Context) (connector.Source, error) {
	return &source{cloud: c.cloud, size: 5}, nil
}
