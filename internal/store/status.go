package store

import (
	"context"

	"github.com/rialto-migrate/rialto/internal/ledger"
	"github.com/rialto-migrate/rialto/item"
)

// A ShardStatus counts what a ledger holds of one container.
type ShardStatus struct {
	ledger.Shard
	Items    map[item.Kind]int64 // that went somewhere; what was left out is not among them
	Failures int64
	InDoubt  int64
	Links    int64 // that lead to something which has not moved
}

// Status counts the ledger container by container, in the order in which they
// were met. It reads all of it: about a second for a million items.
func (l *Ledger) Status(ctx context.Context) ([]ShardStatus, error) {
	shards, err := l.Shards(ctx)
	if err != nil {
		return nil, err
	}
	out := make([]ShardStatus, len(shards))
	at := map[int64]*ShardStatus{}
	for i, s := range shards {
		out[i] = ShardStatus{Shard: s, Items: map[item.Kind]int64{}}
		at[s.Num] = &out[i]
	}
	err = l.db.view(ctx, func(s session) error {
		err := s.query(shardRows, func(r row) error {
			kind, ok := l.kinds.name(int(r.blob(1)[0]) / int(forms))
			if !ok {
				return damaged("a row of no known kind")
			}
			if st := at[r.int(0)]; st != nil {
				st.Items[kind] += r.int(2)
			}
			return nil
		}, int64(ledger.Dropped))
		if err != nil {
			return err
		}
		for _, count := range []struct {
			of statement
			to func(*ShardStatus) *int64
		}{
			{shardFailures, func(s *ShardStatus) *int64 { return &s.Failures }},
			{shardIntents, func(s *ShardStatus) *int64 { return &s.InDoubt }},
			{shardLinks, func(s *ShardStatus) *int64 { return &s.Links }},
		} {
			err := s.query(count.of, func(r row) error {
				if st := at[r.int(0)]; st != nil {
					*count.to(st) = r.int(1)
				}
				return nil
			})
			if err != nil {
				return err
			}
		}
		return nil
	})
	return out, err
}
