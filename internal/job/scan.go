package job

import (
	"context"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/rialto-migrate/rialto/connector"
	"github.com/rialto-migrate/rialto/internal/migrate"
	"github.com/rialto-migrate/rialto/item"
)

// countedAtOnce is how many containers a counting scan reads at the same time.
const countedAtOnce = 4

// scan lists what a connection can see; with Count it reads each container too.
func (w *work) scan(ctx context.Context, from migrate.Side, out *Outcome) error {
	src, err := from.Cloud.Source(ctx)
	if err != nil {
		return err
	}
	var shards []connector.Shard
	out.Shards = []Shard{}
	for s, err := range src.Shards(ctx) {
		if err != nil {
			return err
		}
		shards = append(shards, s)
		out.Shards = append(out.Shards, Shard{Kind: s.Ref.Kind, ID: s.Ref.ID, Name: s.Name, Link: s.URL, Closed: s.Closed, Counts: s.Counts, Bytes: s.Bytes,
			Active: s.Active, Viewers: s.People, Owner: s.Owner, Visibility: s.Visibility})
	}
	if out.Unseen, err = unseen(ctx, src); err != nil {
		return err
	}
	if !w.spec.Count {
		return nil
	}
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(countedAtOnce)
	for i, s := range shards {
		group.Go(func() error {
			if err := out.Shards[i].count(ctx, src, s); err != nil {
				return err
			}
			w.emit(migrate.Event{Event: "shard", Kind: s.Ref.Kind, Shard: s.Ref.ID, Source: s.Ref.ID, Op: "counted"})
			return nil
		})
	}
	return group.Wait()
}

// count reads a container and counts what it holds.
func (s *Shard) count(ctx context.Context, src connector.Source, of connector.Shard) error {
	s.Counts, s.Bytes = map[item.Kind]int{}, 0
	for page, err := range src.List(ctx, of, "") {
		if err != nil {
			return err
		}
		for _, b := range page.Bundles {
			s.add(b.Item)
			for _, c := range b.Children {
				s.add(c)
			}
		}
	}
	return nil
}

func (s *Shard) add(it item.Item) {
	s.Counts[it.Kind]++
	if it.Blob != nil {
		s.Bytes += max(it.Blob.Bytes, 0)
	}
	if it.Kind == item.Member {
		s.People++
	}
	for _, at := range []time.Time{item.Created.Get(it), item.Edited.Get(it)} {
		if at.After(s.Active) {
			s.Active = at
		}
	}
}
