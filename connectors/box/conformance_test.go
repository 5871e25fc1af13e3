package box_test

import (
	"testing"

	"github.com/rialto-migrate/rialto/connector/connectortest"
	"github.com/rialto-migrate/rialto/connectors/box"
	"github.com/rialto-migrate/rialto/connectors/box/standin"

	shared "github.com/rialto-migrate/rialto/connector/standin"
)

const base = "http://127.0.0.1"

// small are limits under which an upload in parts is small.
func small() standin.Limits {
	return standin.Limits{SessionLeast: 1 << 20, PartBytes: 1 << 20, Commits: 1}
}

func TestConformance(t *testing.T) {
	check := contract(t) // read once: it is large
	connectortest.RunTree(t, connectortest.Tree{Connector: box.New(), InProcess: true, Start: func(t testing.TB) connectortest.TreeWorld {
		s := standin.New(standin.Options{Seed: 1, Limits: small()})
		for _, name := range []string{"Ben", "Cem", "Dee"} {
			s.AddUser(name, name+"@example.org")
		}
		s.AddGroup("Sales", standin.Ann)
		return connectortest.TreeWorld{Settings: s.AppSettings(base), Transport: check(shared.Transport{Handler: s}), Place: "folder:Suite/one"}
	}})
}
