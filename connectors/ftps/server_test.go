package ftps

import (
	"maps"
	"testing"

	"github.com/rialto-migrate/rialto/connector"
	"github.com/rialto-migrate/rialto/connector/connectortest"
	"github.com/rialto-migrate/rialto/connectors/ftps/ftpstest"
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

// with is a server's settings and some more.
func with(srv *ftpstest.Server, more connector.Settings) connector.Settings {
	s := srv.Settings()
	maps.Copy(s, more)
	return s
}

func trusting(srv *ftpstest.Server) connector.ClientOptions {
	return connector.ClientOptions{Dialing: srv.Dialing()}
}

func TestConformance(t *testing.T) {
	for name, c := range map[string]struct {
		directives []string
		more       connector.Settings
		files      int
	}{
		"TLS 1.3, with hashes": {append(ftpstest.Secured(), "TLSProtocol TLSv1.3", "LoadModule mod_digest.c", "DigestEngine on"), nil, 0},
		"TLS 1.2, implicit":    {append(ftpstest.Secured(), "TLSProtocol TLSv1.2", "TLSSessionTickets on", "TLSOptions UseImplicitSSL"), connector.Settings{setTLS: tlsImplicit}, 200},
		// Without facts, LIST and MDTM tell; without EPSV, PASV does, and its address lies.
		"LIST and PASV": {append(ftpstest.Secured(), "FactsAdvertise off", "<Limit MLSD MLST EPSV>", "DenyAll", "</Limit>", "MasqueradeAddress 192.0.2.1"), connector.Settings{setTimes: timesTold}, 200},
		"in the clear":  {nil, connector.Settings{setTLS: tlsNone}, 200},
	} {
		t.Run(name, func(t *testing.T) {
			srv := ftpstest.ProFTPD(t, c.directives...)
			connectortest.RunTree(t, connectortest.Tree{Connector: New(), Files: c.files, Start: func(t testing.TB) connectortest.TreeWorld {
				return connectortest.TreeWorld{Settings: with(srv, c.more), Dialing: srv.Dialing(), Place: t.Name()}
			}})
		})
	}
}
