package ftps

import (
	"context"
	"iter"
	"net/url"
	"path"
	"slices"
	"strings"

	"github.com/rialto-migrate/rialto/connector"
	"github.com/rialto-migrate/rialto/connector/paths"
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
		yield(connector.Shard{Ref: paths.Drive(root), Bytes: -1, People: -1}, nil)
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
		w := newWalk(s.cloud, paths.Of(shard.Ref, root))
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
		paths.Fetch(ctx, paths.Of(shard.Ref, root), refs, side, s.get)(yield)
	}
}

// get reads one item. It fails with class Gone if nothing of its kind is there.
func (c *cloud) get(ctx context.Context, t paths.Tree, ref item.Ref) (item.Item, error) {
	e, err := c.look(ctx, ref.ID)
	switch {
	case err != nil:
		return item.Item{}, err
	case e.Kind == wire.Folder && paths.IsFolder(ref.Kind):
		return t.Folder(ref.ID), nil
	case e.Kind == wire.File && !paths.IsFolder(ref.Kind):
		return file(ref.ID, t.Parent(ref.ID), e), nil
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
