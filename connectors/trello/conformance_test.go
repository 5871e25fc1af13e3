package trello

import (
	"testing"

	"github.com/rialto-migrate/rialto/connector/connectortest"
	kit "github.com/rialto-migrate/rialto/connector/standin"
	"github.com/rialto-migrate/rialto/connectors/trello/standin"
	"github.com/rialto-migrate/rialto/item"
)

// TestConformance runs the suite against the stand-in.
func TestConformance(t *testing.T) {
	connectortest.Run(t, connectortest.Suite{Connector: New(), Start: func(t testing.TB) connectortest.World {
		s := standin.New(standin.Options{Seed: 7, Rates: &standin.Rates{}})
		for _, m := range []standin.Member{{Username: "ann", FullName: "Ann Ångström"}, {Username: "tanaka", FullName: "田中 太郎"}} {
			s.AddMember(m)
		}
		if _, err := s.AddWorkspace("Acme", "ann", "tanaka"); err != nil {
			t.Fatal(err)
		}
		return connectortest.World{Settings: s.Settings("http://trello.test"), Transport: kit.Transport{Handler: s}, Place: "workspace:Acme",
			Unchecked: []item.Kind{item.CustomField}}
	}})
}
