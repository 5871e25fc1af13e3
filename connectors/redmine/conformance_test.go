package redmine

import (
	"maps"
	"net/http"
	"testing"

	"github.com/rialto-migrate/rialto/connector"
	"github.com/rialto-migrate/rialto/connector/connectortest"
	"github.com/rialto-migrate/rialto/connectors/redmine/redminetest"
	"github.com/rialto-migrate/rialto/item"
)

// TestConformance runs the suite against the real server.
func TestConformance(t *testing.T) {
	srv := redminetest.Start(t, redminetest.WithFields())
	people := []string{itoa(srv.AddUser(t, "ann", "Ann", "Ångström", "ann@example.net").ID), itoa(srv.AddUser(t, "bob", "Боб", "Строитель", "bob@example.net").ID)}
	settings := connector.Settings{"url": srv.URL, "key": srv.Key, "text": "markdown", "settle-delay": "50ms"}
	connectortest.Run(t, connectortest.Suite{Connector: New(), Sockets: true, Tasks: 60, Start: func(t testing.TB) connectortest.World {
		wire := &http.Transport{}
		t.Cleanup(wire.CloseIdleConnections)
		return connectortest.World{Settings: maps.Clone(settings), Transport: wire, People: people,
			Names: map[item.Kind][]string{item.Label: {"Design", "Éclair", "日本"}}}
	}})
}
