package mover

import (
	"context"
	"errors"
	"maps"
	"net/rpc"
	"slices"
	"time"

	"github.com/rialto-migrate/rialto/connector"
	"github.com/rialto-migrate/rialto/internal/ledger"
	"github.com/rialto-migrate/rialto/internal/mover/wire"
	"github.com/rialto-migrate/rialto/item"
)

// ask calls the parent for an answer. If ctx ends before the answer came, the
// answer is not waited for: use it for questions only.
func ask[T any](ctx context.Context, c *rpc.Client, method string, args any) (T, error) {
	var a wire.Answer[T]
	if err := ctx.Err(); err != nil {
		return a.Value, err
	}
	call := c.Go(method, args, &a, make(chan *rpc.Call, 1))
	select {
	case <-ctx.Done():
		var none T // the answer may still be written to
		return none, ctx.Err()
	case <-call.Done:
	}
	if call.Error != nil {
		return a.Value, cutError(method, call.Error, false)
	}
	return a.Value, a.Fault.Err()
}

// settle calls the parent to change something, and waits for the answer even
// if ctx ends meanwhile: an error then always means that nothing was kept,
// unless the line was cut, when the error is in doubt.
func settle[T any](ctx context.Context, c *rpc.Client, method string, args any) (T, error) {
	var a wire.Answer[T]
	if err := ctx.Err(); err != nil {
		return a.Value, err
	}
	if err := c.Call(method, args, &a); err != nil {
		return a.Value, cutError(method, err, true)
	}
	return a.Value, a.Fault.Err()
}

// tell is settle for what answers with an error alone.
func tell(ctx context.Context, c *rpc.Client, method string, args any) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	var d wire.Done
	if err := c.Call(method, args, &d); err != nil {
		return cutError(method, err, true)
	}
	return d.Fault.Err()
}

// cutError is what a call ends in that got no answer. The parent's services
// answer every error of theirs as a Fault, so what net/rpc itself says is about
// the line, or about a mistake of this package.
func cutError(method string, err error, doubt bool) error {
	if server, ok := errors.AsType[rpc.ServerError](err); ok {
		return &connector.Error{Class: connector.Permanent, Reason: method + ": " + string(server), InDoubt: doubt}
	}
	return &connector.Error{Class: connector.Transient, Reason: method + ": the line to the parent is cut", InDoubt: doubt, Err: err}
}

// farLedger is the parent's ledger. It keeps ledger.Ledger's promises, save
// that look-ups of more than 1,000 keys are cut up here.
type farLedger struct{ rpc *rpc.Client }

var _ ledger.Ledger = farLedger{}

func (l farLedger) Begin(ctx context.Context, now time.Time) (ledger.Pass, bool, error) {
	b, err := settle[wire.Began](ctx, l.rpc, "Ledger.Begin", now)
	return b.Pass, b.Resumed, err
}

func (l farLedger) End(ctx context.Context, now time.Time, outcome string) error {
	return tell(ctx, l.rpc, "Ledger.End", wire.End{Now: now, Outcome: outcome})
}

func (l farLedger) Passes(ctx context.Context) ([]ledger.Pass, error) {
	return ask[[]ledger.Pass](ctx, l.rpc, "Ledger.Passes", wire.None(false))
}

func (l farLedger) Shard(ctx context.Context, source item.Ref) (ledger.Shard, error) {
	return settle[ledger.Shard](ctx, l.rpc, "Ledger.Shard", wire.Ref{Ref: source})
}

func (l farLedger) Shards(ctx context.Context) ([]ledger.Shard, error) {
	return ask[[]ledger.Shard](ctx, l.rpc, "Ledger.Shards", wire.None(false))
}

func (l farLedger) Lookup(ctx context.Context, shard int64, keys []ledger.Key) ([]ledger.Row, error) {
	var all []ledger.Row
	for some := range slices.Chunk(keys, wire.BatchKeys) {
		rows, err := ask[wire.Packed](ctx, l.rpc, "Ledger.Lookup", wire.Lookup{Shard: shard, Keys: some})
		if err != nil {
			return nil, err
		}
		if len(keys) <= wire.BatchKeys {
			return rows, nil
		}
		all = append(all, rows...)
	}
	return all, nil
}

func (l farLedger) Rows(ctx context.Context, shard int64, after ledger.Key, limit int) ([]ledger.Row, error) {
	return ask[wire.Packed](ctx, l.rpc, "Ledger.Rows", wire.Rows{Shard: shard, After: after, Limit: limit})
}

func (l farLedger) Find(ctx context.Context, keys []ledger.Key) ([]ledger.Place, error) {
	var all []ledger.Place
	for some := range slices.Chunk(keys, wire.BatchKeys) {
		places, err := ask[[]ledger.Place](ctx, l.rpc, "Ledger.Find", wire.Keys(some))
		if err != nil {
			return nil, err
		}
		all = append(all, places...)
	}
	return all, nil
}

func (l farLedger) FindAliases(ctx context.Context, aliases []string) (map[string]ledger.Place, error) {
	all := map[string]ledger.Place{}
	for some := range slices.Chunk(aliases, wire.BatchKeys) {
		places, err := ask[map[string]ledger.Place](ctx, l.rpc, "Ledger.FindAliases", some)
		if err != nil {
			return nil, err
		}
		maps.Copy(all, places)
	}
	return all, nil
}

func (l farLedger) Apply(ctx context.Context, b ledger.Batch) error {
	return tell(ctx, l.rpc, "Ledger.Apply", wire.NewApply(b))
}

func (l farLedger) InDoubt(ctx context.Context, shard int64) ([]ledger.Intent, error) {
	return ask[[]ledger.Intent](ctx, l.rpc, "Ledger.InDoubt", shard)
}

func (l farLedger) Failures(ctx context.Context, shard int64, limit int) ([]ledger.Failure, error) {
	return ask[[]ledger.Failure](ctx, l.rpc, "Ledger.Failures", wire.Failures{Shard: shard, Limit: limit})
}

func (l farLedger) Count(ctx context.Context, shard int64) (int, error) {
	return ask[int](ctx, l.rpc, "Ledger.Count", shard)
}

func (l farLedger) Dangling(ctx context.Context, shard int64) ([]ledger.Link, error) {
	return ask[[]ledger.Link](ctx, l.rpc, "Ledger.Dangling", shard)
}

func (l farLedger) Forget(ctx context.Context) error {
	return tell(ctx, l.rpc, "Ledger.Forget", wire.None(false))
}
