package box_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/rialto-migrate/rialto/connector/connectortest"
)

// contract is the path of Box's published contract, "" where it is not there: the
// tests then go without it, but for TestContractIsThere, which says so.
func contract(t testing.TB) string {
	t.Helper()
	path := filepath.Join("..", "..", "..", "shared", "contracts", "box", "box-openapi.json")
	if _, err := os.Stat(path); err != nil {
		return ""
	}
	return path
}

// TestContractIsThere is skipped where every exchange goes unchecked.
func TestContractIsThere(t *testing.T) {
	connectortest.Shared(t, "contracts", "box", "box-openapi.json")
}
