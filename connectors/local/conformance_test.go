package local_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/rialto-migrate/rialto/connector"
	"github.com/rialto-migrate/rialto/connector/connectortest"
	"github.com/rialto-migrate/rialto/connectors/local"
	"github.com/rialto-migrate/rialto/item"
)

func TestConformance(t *testing.T) {
	connectortest.RunTree(t, connectortest.Tree{Connector: local.New(), Start: func(t testing.TB) connectortest.TreeWorld {
		dir := t.TempDir()
		return connectortest.TreeWorld{Settings: connector.Settings{"folder": dir}, Drive: item.Ref{Kind: item.Drive, ID: dir},
			Plant: func(path string, content []byte) { plant(t, dir, path, content) }}
	}})
}

func plant(t testing.TB, dir, path string, content []byte) {
	t.Helper()
	at := filepath.Join(dir, path)
	if strings.HasSuffix(path, "/") {
		if err := os.MkdirAll(at, 0o755); err != nil {
			t.Fatal(err)
		}
		return
	}
	if err := os.MkdirAll(filepath.Dir(at), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(at, content, 0o644); err != nil {
		t.Fatal(err)
	}
}
