package ledgertest

import (
	"testing"

	"github.com/rialto-migrate/rialto/internal/ledger"
)

func TestModel(t *testing.T) {
	Run(t, func(*testing.T) ledger.Ledger { return New() }, nil)
}
