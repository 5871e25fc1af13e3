package app

import (
	"context"
	"errors"
	"time"

	"github.com/rialto-migrate/rialto/internal/ledger"
	"github.com/rialto-migrate/rialto/item"
)

var errNoLedger = errors.New("this verb has no ledger")

// noLedger answers movers whose verb is not about a migration.
type noLedger struct{}

func (noLedger) Begin(context.Context, time.Time) (ledger.Pass, bool, error) {
	return ledger.Pass{}, false, errNoLedger
}
func (noLedger) End(context.Context, time.Time, string) error  { return errNoLedger }
func (noLedger) Passes(context.Context) ([]ledger.Pass, error) { return nil, errNoLedger }
func (noLedger) Shard(context.Context, item.Ref) (ledger.Shard, error) {
	return ledger.Shard{}, errNoLedger
}
func (noLedger) Shards(context.Context) ([]ledger.Shard, error) { return nil, errNoLedger }
func (noLedger) Lookup(context.Context, int64, []ledger.Key) ([]ledger.Row, error) {
	return nil, errNoLedger
}
func (noLedger) Rows(context.Context, int64, ledger.Key, int) ([]ledger.Row, error) {
	return nil, errNoLedger
}
func (noLedger) Count(context.Context, int64) (int, error)                  { return 0, errNoLedger }
func (noLedger) Find(context.Context, []ledger.Key) ([]ledger.Place, error) { return nil, errNoLedger }
func (noLedger) FindAliases(context.Context, []string) (map[string]ledger.Place, error) {
	return nil, errNoLedger
}
func (noLedger) Apply(context.Context, ledger.Batch) error { return errNoLedger }
func (noLedger) InDoubt(context.Context, int64) ([]ledger.Intent, error) {
	return nil, errNoLedger
}
func (noLedger) Failures(context.Context, int64, int) ([]ledger.Failure, error) {
	return nil, errNoLedger
}
func (noLedger) Dangling(context.Context, int64) ([]ledger.Link, error) { return nil, errNoLedger }
func (noLedger) Forget(context.Context) error                           { return errNoLedger }
