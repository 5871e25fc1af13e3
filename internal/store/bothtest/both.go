//go:build linux

// Package bothtest gives tests of other packages a store on each of the engines.
package bothtest

import (
	"errors"
	"fmt"
	"os"
	"sync"
	"testing"

	"github.com/rialto-migrate/rialto/internal/store"
	"github.com/rialto-migrate/rialto/internal/store/storetest"
	"github.com/rialto-migrate/rialto/internal/vault"
)

// Servers is the one PostgreSQL server of a package's tests, started by the first
// that needs it.
type Servers struct {
	once    sync.Once
	cluster *storetest.Cluster
	err     error
}

// Main runs a package's tests and stops the server: for TestMain.
func (s *Servers) Main(m *testing.M) {
	code := m.Run()
	if s.cluster != nil {
		if err := s.cluster.Stop(); err != nil {
			fmt.Fprintln(os.Stderr, err)
			code = 1
		}
	}
	os.Exit(code)
}

// Each runs a test with an empty place for a store on each of the engines. On a
// machine without PostgreSQL its half is skipped.
func (s *Servers) Each(t *testing.T, test func(t *testing.T, o store.Options)) {
	t.Helper()
	t.Run("SQLite", func(t *testing.T) { test(t, store.Options{Dir: t.TempDir(), Program: "test"}) })
	t.Run("PostgreSQL", func(t *testing.T) {
		s.once.Do(func() { s.cluster, s.err = storetest.Start(false) })
		if errors.Is(s.err, storetest.ErrMissing) {
			t.Skip(s.err)
		}
		if s.err != nil {
			t.Fatal(s.err)
		}
		address, err := s.cluster.Database(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		test(t, store.Options{Dir: t.TempDir(), Program: "test", Postgres: vault.NewSecret(address)})
	})
}

// Open opens a store that is closed when the test ends.
func Open(t *testing.T, o store.Options) *store.Store {
	t.Helper()
	st, err := store.Open(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := st.Close(); err != nil {
			t.Error(err)
		}
	})
	return st
}
