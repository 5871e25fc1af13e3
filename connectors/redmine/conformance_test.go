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

// TestConformance runs the suite against the real server. Its throttling and
// back-off take real minutes there, so that it belongs to the long proofs.
func TestConformance(t *testing.T) {
	if os.Getenv("RIALTO_SOAK") == "" {
		t.Skip("the conformance suite takes many minutes against a real server: make soak runs it")
	}
	srv := redminetest.Start(t, redminetest.WithFields())
	people := []string{itoa(srv.AddUser(t, "ann", "Ann", "Ångström", "ann@example.net").ID), itoa(srv.AddUser(t, "bob", "Боб", "Строитель", "bob@example.net").ID)}
	settings := connector.Settings{"url": srv.URL, "key": srv.Key, "text": "markdown", "settle-delay": "10ms"}
	connectortest.Run(t, connectortest.Suite{Connector: smallPages{New()}, Sockets: true, Tasks: 16, Start: func(t testing.TB) connectortest.World {
		wire := &http.Transport{}
		t.Cleanup(wire.CloseIdleConnections)
		return connectortest.World{Settings: maps.Clone(settings), Transport: wire, People: people,
			Names: map[item.Kind][]string{item.Label: {"Design", "Éclair", "日本"}}}
	}})
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
