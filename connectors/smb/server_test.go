package smb

import (
	"testing"

	"github.com/rialto-migrate/rialto/connector"
	"github.com/rialto-migrate/rialto/connector/connectortest"
	"github.com/rialto-migrate/rialto/connectors/smb/smbtest"
)

// open opens a connection.
func open(t testing.TB, s connector.Settings, o connector.ClientOptions) *cloud {
	t.Helper()
	c, err := New().Open(t.Context(), connector.Env{Settings: s, HTTP: connector.NewClient(o)})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
	return c.(*cloud)
}

func TestConformance(t *testing.T) {
	srv := smbtest.Samba(t)
	connectortest.RunTree(t, connectortest.Tree{Connector: New(), Start: func(t testing.TB) connectortest.TreeWorld {
		return connectortest.TreeWorld{Settings: srv.Settings(), Place: t.Name(), Secrets: []string{srv.Password}}
	}})
}
