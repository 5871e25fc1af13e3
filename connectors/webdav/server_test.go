package webdav

import (
	"maps"
	"testing"

	"github.com/rialto-migrate/rialto/connector"
	"github.com/rialto-migrate/rialto/connector/connectortest"
	"github.com/rialto-migrate/rialto/connectors/webdav/webdavtest"
)

// servers are the real ones, by what Check must take them for.
func servers() map[server]func(testing.TB) *webdavtest.Server {
	return map[server]func(testing.TB) *webdavtest.Server{
		apache: func(t testing.TB) *webdavtest.Server { return webdavtest.Apache(t) },
		rclone: func(t testing.TB) *webdavtest.Server { return webdavtest.Rclone(t) },
	}
}

func settings(s *webdavtest.Server) connector.Settings {
	return connector.Settings{connector.SettingURL: s.URL, setUser: s.User, setPassword: s.Password}
}

// open opens a connection.
func open(t testing.TB, s connector.Settings, o connector.ClientOptions) *cloud {
	t.Helper()
	c, err := New().Open(t.Context(), connector.Env{Settings: s, HTTP: connector.NewClient(o)})
	if err != nil {
		t.Fatal(err)
	}
	return c.(*cloud)
}

// learned adds what Check learns to settings, as the connect command does.
func learned(t testing.TB, s connector.Settings) connector.Settings {
	t.Helper()
	id, err := open(t, s, connector.ClientOptions{}).Check(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	all := maps.Clone(id.Settings)
	maps.Copy(all, s)
	return all
}

func TestConformance(t *testing.T) {
	for kind, start := range servers() {
		t.Run(string(kind), func(t *testing.T) {
			srv := start(t)
			set := learned(t, settings(srv))
			if set[setServer] != string(kind) {
				t.Errorf("Check takes the server for %q", set[setServer])
			}
			connectortest.RunTree(t, connectortest.Tree{Connector: New(), Start: func(t testing.TB) connectortest.TreeWorld {
				return connectortest.TreeWorld{Settings: set, Transport: connector.NewTransport(), Place: t.Name()}
			}})
		})
	}
}
