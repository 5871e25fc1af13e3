package ftps

import (
	"context"
	"iter"
	"net/url"
	"path"
	"slices"
	"strings"

	"github.com/rialto-migrate/rialto/connector"
	"github.com/rialto-migrate/rialto/connectors/ftps/wire"
	"github.com/rialto-migrate/rialto/item"
)

// side is how many things one call does side by side at most; how many really are
// under way, is for the pacer to say.
const side = 64

// A source reads below the folder that the connection names.
type source struct{ *cloud }

func (s *source) Shards(ctx context.Context) iter.Seq2[connector.Shard, error] {
	return func(yield func(connector.Shard, error) bool) {
		root, err := s.root(ctx)
		if err != nil {
			yield(connector.Shard{}, err)
			return
		}
		yield(connector.Shard{Ref: drive(root), Bytes: -1, People: -1}, nil)
	}
}

// List walks the folders, each in the order of its names. The cursor holds those
// that are still to be read, and which name of the next one came last.
func (s *source) List(ctx context.Context, shard connector.Shard, from connector.Cursor) iter.Seq2[connector.Page, error] {
	return func(yield func(connector.Page, error) bool) {
		root, err := s.root(ctx)
		if err != nil {
			yield(connector.Page{}, err)
			return
		}
		w := newWalk(s.cloud, treeOf(shard.Ref, root))
		if from != "" && !w.resume(from) {
			yield(connector.Page{}, connector.Errorf(connector.Permanent, "the cursor of a listing cannot be read").WithHint("run again: the listing begins anew"))
			return
		}
		w.pages(ctx, yield)
	}
}

func (s *source) Fetch(ctx context.Context, shard connector.Shard, refs []item.Ref) iter.Seq2[item.Bundle, error] {
	return func(yield func(item.Bundle, error) bool) {
		root, err := s.root(ctx)
		if err != nil {
			yield(item.Bundle{}, err)
			return
		}
		s.fetch(ctx, treeOf(shard.Ref, root), refs)(yield)
	}
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
	e, err := c.look(ctx, ref.ID)
	switch {
	case err != nil:
		return item.Item{}, err
	case e.Kind == wire.Folder && folder(ref.Kind):
		return t.folder(ref.ID), nil
	case e.Kind == wire.File && !folder(ref.Kind):
		return file(ref.ID, t.parent(ref.ID), e), nil
	}
	return item.Item{}, connector.Errorf(connector.Gone, "MLST {object}: something of another kind stands there")
}

// look tells what stands at a path.
func (c *cloud) look(ctx context.Context, at string) (e wire.Entry, err error) {
	err = c.pool.do(ctx, "MLST {object}", true, func(conn *wire.Conn) error {
		e, err = conn.Stat(at)
		return err
	})
	return e, err
}

// entries reads a folder, in the order of its names.
func (c *cloud) entries(ctx context.Context, at string) (all []wire.Entry, err error) {
	err = c.pool.do(ctx, "MLSD {folder}", true, func(conn *wire.Conn) error {
		all, err = conn.List(ctx, at)
		return err
	})
	slices.SortFunc(all, func(a, b wire.Entry) int { return strings.Compare(a.Name, b.Name) })
	return all, err
}

// Locate takes an ftps address of the server.
func (s *source) Locate(address string) (string, bool) {
	u, err := url.Parse(address)
	if err != nil || u.Scheme != "ftps" || u.Hostname() != s.cfg.host || u.Path == "" {
		return "", false
	}
	return path.Clean(u.Path), true
}
