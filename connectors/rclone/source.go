package rclone

import (
	"context"
	"iter"

	"github.com/rialto-migrate/rialto/connector"
	"github.com/rialto-migrate/rialto/connector/paths"
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
		yield(connector.Shard{Ref: paths.Drive("/"), Bytes: -1, People: -1}, nil)
	}
}

// List walks the folders, each in the order of its names. The cursor holds those
// that are still to be read, and which file of the next one came last.
func (s *source) List(ctx context.Context, shard connector.Shard, from connector.Cursor) iter.Seq2[connector.Page, error] {
	return func(yield func(connector.Page, error) bool) {
		w := newWalk(s.cloud, paths.Of(shard.Ref, "/"))
		if from != "" && !w.resume(from) {
			yield(connector.Page{}, connector.Errorf(connector.Permanent, "the cursor of a listing cannot be read").WithHint("run again: the listing begins anew"))
			return
		}
		w.pages(ctx, yield)
	}
}

func (s *source) Fetch(ctx context.Context, shard connector.Shard, refs []item.Ref) iter.Seq2[item.Bundle, error] {
	return paths.Fetch(ctx, paths.Of(shard.Ref, "/"), refs, side, s.get)
}

// get reads one item. It fails with class Gone if nothing of its kind is there.
func (c *cloud) get(ctx context.Context, t paths.Tree, ref item.Ref) (item.Item, error) {
	if paths.IsFolder(ref.Kind) {
		there, err := c.stands(ctx, ref)
		if err == nil && !there {
			err = connector.Errorf(connector.Gone, "listing {folder}: it is not there")
		}
		return t.Folder(ref.ID), err
	}
	obj, err := c.look(ctx, ref.ID)
	if err != nil {
		return item.Item{}, err
	}
	return c.file(ctx, t.Parent(ref.ID), obj)
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
