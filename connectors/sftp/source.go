package sftp

import (
	"context"
	"io"
	"io/fs"
	"iter"
	"net/url"
	"path"
	"slices"
	"strings"

	"github.com/rialto-migrate/rialto/connector"
	"github.com/rialto-migrate/rialto/connector/paths"
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
	info, err := c.look(ctx, ref.ID)
	switch {
	case err != nil:
		return item.Item{}, err
	case info.IsDir() && paths.IsFolder(ref.Kind):
		return t.Folder(ref.ID), nil
	case info.Mode().IsRegular() && !paths.IsFolder(ref.Kind):
		return file(ref.ID, t.Parent(ref.ID), info), nil
	}
	return item.Item{}, connector.Errorf(connector.Gone, "LSTAT {object}: something of another kind stands there")
}

// look tells what stands at a path, without following a link there.
func (c *cloud) look(ctx context.Context, at string) (info fs.FileInfo, err error) {
	err = c.pool.do(ctx, "LSTAT {object}", true, func(s *session) error {
		info, err = s.Lstat(at)
		return err
	})
	return info, err
}

// entries reads a folder, in the order of its names.
func (c *cloud) entries(ctx context.Context, at string) (all []fs.FileInfo, err error) {
	err = c.pool.do(ctx, "READDIR {folder}", true, func(s *session) error {
		all, err = s.ReadDir(at)
		return err
	})
	slices.SortFunc(all, func(a, b fs.FileInfo) int { return strings.Compare(a.Name(), b.Name()) })
	return all, err
}

// begin reads the first entries of a folder, in the order of their names if they are
// all: small is about how many that may be. more is the rest of a large one, in the
// server's order; whoever gets it closes it.
func (c *cloud) begin(ctx context.Context, at string, small int) (first []fs.FileInfo, more *reading, err error) {
	err = c.pool.do(ctx, "READDIR {folder}", true, func(s *session) error {
		first = nil
		l, err := c.pool.listerOf(s)
		if err != nil {
			return err
		}
		if l == nil {
			first, err = s.ReadDir(at)
			return err
		}
		r, err := l.open(at)
		if err != nil {
			return err
		}
		for len(first) < small {
			some, err := r.next()
			first = append(first, some...)
			if err == io.EOF {
				r.close()
				return nil
			}
			if err != nil {
				r.close()
				return err
			}
		}
		more = r
		return nil
	})
	if more == nil {
		slices.SortFunc(first, func(a, b fs.FileInfo) int { return strings.Compare(a.Name(), b.Name()) })
	}
	return first, more, err
}

// Locate takes an sftp address of the server.
func (s *source) Locate(address string) (string, bool) {
	u, err := url.Parse(address)
	if err != nil || u.Scheme != "sftp" || u.Hostname() != s.cfg.host || u.Path == "" {
		return "", false
	}
	return path.Clean(u.Path), true
}
