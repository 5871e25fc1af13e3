package connectortest

import (
	"os"
	"path/filepath"
	"testing"
)

// Shared returns the path of a contract or of recorded data. They lie in the
// folder "shared" beside the repository, not in it; a test that needs what is
// not there is skipped.
func Shared(t testing.TB, elem ...string) string {
	t.Helper()
	dir, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	for {
		if _, err := os.Stat(filepath.Join(dir, "go.mod")); err == nil {
			break
		}
		parent := filepath.Dir(dir)
		if parent == dir {
			t.Fatal("no go.mod above the test's folder")
		}
		dir = parent
	}
	path := filepath.Join(append([]string{dir, "..", "shared"}, elem...)...)
	if _, err := os.Stat(path); err != nil {
		t.Skipf("%s is missing beside the repository: put the contracts and data there", filepath.Join(append([]string{"..", "shared"}, elem...)...))
	}
	return path
}
