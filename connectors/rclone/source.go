package rclone

import (
	"context"
	"iter"

	"github.com/rialto-migrate/rialto/connector"
	"github.com/rialto-migrate/rialto/item"
)

// A source reads below the folder that the connection names.
type source struct{ *cloud }

func (s *source) Shards(ctx context.Context) iter.Seq2[connector.Shard, error] {
	return func(yield func(connector.Shard, error) bool) {
		if _, err := s.library(ctx); err != nil {
			yield(connector.Shard{}, err)
			return
		}
		yield(connector.Shard{Ref: drive("/"), Bytes: -1, People: -1}, nil)
	}
}

// List walks the folders, each in the order of its names. The cursor holds those
// that are still to be read, and which file of the next one came last.
func (s *source) List(ctx context.Context, shard connector.Shard, from connector.Cursor) iter.Seq2[connector.Page, error] {
	return func(yield func(connector.Page, error) bool) {
		w := newWalk(s.cloud, treeOf(shard.Ref, "/"))
		if from != "" && !w.resume(from) {
			yield(connector.Page{}, connector.Errorf(connector.Permanent, "the cursor of a listing cannot be read").WithHint("run again: the listing begins anew"))
			return
		}
		w.pages(ctx, yield)
	}
}

func (s *source) Fetch(ctx context.Context, shard connector.Shard, refs []item.Ref) iter.Seq2[item.Bundle, error] {
	return s.fetch(ctx, treeOf(shard.Ref, "/"), refs)
}

// fetch reads items one by one, many at a time, and yields them in order.
func (c *cloud) fetch(ctx context.Context, t tree, refs []item.Ref) iter.Seq2[item.Bundle, error] {
	asked := make([]connector.Change, len(refs))
	for i, r := range refs {
		asked[i] = connector.Change{Item: item.Item{Ref: r}}
	}
	return func(yield func(item.Bundle, error) bool) {
		read := func(ctx context.Context, q connector.Change) connector.Result {
			it, err := c.get(ctx, t, q.Item.Ref)
			return connector.Result{Stored: item.Bundle{Item: it, CheckItems: -1}, Err: err}
		}
		for r, err := range connector.Each(ctx, asked, side, read) {
			if err == nil {
				err = r.Err
			}
			if err != nil && connector.ClassOf(err) == connector.Gone {
				continue
			}
			if !yield(r.Stored, err) || err != nil {
				return
			}
		}
	}
}

// get reads one item. It fails with class Gone if nothing of its kind is there.
func (c *cloud) get(ctx context.Context, t tree, ref item.Ref) (item.Item, error) {
	if folder(ref.Kind) {
		there, err := c.stands(ctx, ref)
		if err == nil && !there {
			err = connector.Errorf(connector.Gone, "listing {folder}: it is not there")
		}
		return t.folder(ref.ID), err
	}
	obj, err := c.look(ctx, ref.ID)
	if err != nil {
		return item.Item{}, err
	}
	return c.file(ctx, t.parent(ref.ID), obj)
}

// stands reports whether a folder or container does. One that is the part which keys
// begin with does always.
func (c *cloud) stands(ctx context.Context, ref item.Ref) (bool, error) {
	if lib, err := c.library(ctx); err != nil || lib.traits.bucket && ref.Kind == item.Drive {
		return err == nil, err
	}
	return c.isFolder(ctx, ref.ID)
}

// Locate knows no address: each cloud has its own, and rclone does not read them.
func (s *source) Locate(string) (string, bool) { return "", false }
