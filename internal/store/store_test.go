package store

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"sync"
	"testing"

	"github.com/rialto-migrate/rialto/internal/ledger"
	"github.com/rialto-migrate/rialto/internal/ledger/ledgertest"
	"github.com/rialto-migrate/rialto/internal/store/storetest"
	"github.com/rialto-migrate/rialto/internal/vault"
)

const org = vault.DefaultOrganisation

func TestMain(m *testing.M) {
	if os.Getenv(crashDir) != "" {
		os.Exit(crashChild())
	}
	code := m.Run()
	if err := server.stop(); err != nil {
		println(err.Error())
		code = 1
	}
	os.Exit(code)
}

// server is the one PostgreSQL server of this package's tests, started by the
// first that needs it.
var server testServer

type testServer struct {
	once    sync.Once
	cluster *storetest.Cluster
	err     error
}

func (s *testServer) start() (*storetest.Cluster, error) {
	s.once.Do(func() { s.cluster, s.err = storetest.Start(false) })
	return s.cluster, s.err
}

func (s *testServer) stop() error {
	if s.cluster == nil {
		return nil
	}
	return s.cluster.Stop()
}

// An engineCase is an empty place for a store on one of the engines.
type engineCase struct {
	name string
	make func(*testing.T) Options
}

func engines() []engineCase {
	return []engineCase{
		{"SQLite", func(t *testing.T) Options { return Options{Dir: t.TempDir(), Program: "1.2.3"} }},
		{"PostgreSQL", func(t *testing.T) Options {
			c, err := server.start()
			if errors.Is(err, storetest.ErrMissing) {
				t.Skip(err)
			}
			if err != nil {
				t.Fatal(err)
			}
			address, err := c.Database(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			return Options{Dir: t.TempDir(), Postgres: vault.NewSecret(address), Program: "1.2.3"}
		}},
	}
}

// onBoth runs a test on an empty store of each engine.
func onBoth(t *testing.T, test func(t *testing.T, opts Options)) {
	t.Helper()
	for _, e := range engines() {
		t.Run(e.name, func(t *testing.T) { test(t, e.make(t)) })
	}
}

func openStore(t *testing.T, opts Options) *Store {
	t.Helper()
	s, err := Open(context.Background(), opts)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s
}

// openLedger opens a ledger; the caller closes it.
func openLedger(t *testing.T, s *Store, name string) *Ledger {
	t.Helper()
	l, err := s.Ledger(context.Background(), org, name)
	if err != nil {
		t.Fatal(err)
	}
	return l
}

func TestLedger(t *testing.T) {
	onBoth(t, func(t *testing.T, opts Options) {
		s := openStore(t, opts)
		open := map[ledger.Ledger]*testing.T{}
		closeAfter := func(t *testing.T, l *Ledger) {
			open[l] = t
			t.Cleanup(func() {
				if open[l] == nil {
					return
				}
				if err := l.Close(); err != nil {
					t.Error(err)
				}
			})
		}
		ledgertest.Run(t,
			func(t *testing.T) ledger.Ledger {
				l := openLedger(t, s, t.Name())
				closeAfter(t, l)
				return l
			},
			func(t *testing.T, old ledger.Ledger) ledger.Ledger {
				if err := old.(*Ledger).Close(); err != nil {
					t.Fatal(err)
				}
				delete(open, old)
				l := openLedger(t, s, t.Name())
				closeAfter(t, l)
				return l
			})
	})
}

func TestDefaultDir(t *testing.T) {
	for _, c := range []struct{ name, state, home, want string }{
		{"XDG", "/var/state", "/home/a", "/var/state/rialto"},
		{"home", "", "/home/a", "/home/a/.local/state/rialto"},
		{"relative", "state", "/home/a", "/home/a/.local/state/rialto"},
		{"neither", "", "", ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			got, err := DefaultDir(func(name string) string {
				return map[string]string{"XDG_STATE_HOME": c.state, "HOME": c.home}[name]
			})
			if filepath.ToSlash(got) != c.want || (err == nil) != (c.want != "") {
				t.Errorf("got %q %v, want %q", got, err, c.want)
			}
		})
	}
}
