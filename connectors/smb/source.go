package smb

import (
	"context"
	"errors"
	"io"
	"io/fs"
	"iter"
	"net/url"
	"path"
	"strings"

	smb2 "github.com/cloudsoda/go-smb2"

	"github.com/rialto-migrate/rialto/connector"
	"github.com/rialto-migrate/rialto/connector/paths"
	"github.com/rialto-migrate/rialto/item"
)

// side is how many things one call does side by side at most; how many really are
// under way, is for the pacer to say.
const side = 64

// A source reads the shares that the connection names.
type source struct{ *cloud }

func (s *source) Shards(ctx context.Context) iter.Seq2[connector.Shard, error] {
	return func(yield func(connector.Shard, error) bool) {
		all, err := s.drives(ctx)
		if err != nil {
			yield(connector.Shard{}, err)
			return
		}
		for _, at := range all {
			shard := connector.Shard{Ref: paths.Drive(at), Bytes: -1, People: -1}
			if s.cfg.root == "/" {
				shard.Name = path.Base(at)
			}
			if !yield(shard, nil) {
				return
			}
		}
	}
}

// List walks the folders, each in the order of its names. The cursor holds those
// that are still to be read, and which name of the next one came last.
func (s *source) List(ctx context.Context, shard connector.Shard, from connector.Cursor) iter.Seq2[connector.Page, error] {
	return func(yield func(connector.Page, error) bool) {
		w := newWalk(s.cloud, paths.Of(shard.Ref, s.cfg.root))
		if from != "" && !w.resume(from) {
			yield(connector.Page{}, connector.Errorf(connector.Permanent, "the cursor of a listing cannot be read").WithHint("run again: the listing begins anew"))
			return
		}
		w.pages(ctx, yield)
	}
}

func (s *source) Fetch(ctx context.Context, shard connector.Shard, refs []item.Ref) iter.Seq2[item.Bundle, error] {
	return paths.Fetch(ctx, paths.Of(shard.Ref, s.cfg.root), refs, side, s.get)
}

// get reads one item. It fails with class Gone if nothing of its kind is there.
func (c *cloud) get(ctx context.Context, t paths.Tree, ref item.Ref) (item.Item, error) {
	info, err := c.look(ctx, ref.ID)
	switch {
	case err != nil:
		return item.Item{}, err
	case isDir(info) && paths.IsFolder(ref.Kind):
		return t.Folder(ref.ID), nil
	case !isDir(info) && !paths.IsFolder(ref.Kind):
		return file(ref.ID, t.Parent(ref.ID), info), nil
	}
	return item.Item{}, connector.Errorf(connector.Gone, "QUERY_INFO {object}: something of another kind stands there")
}

// look tells what stands at a path. A symbolic link there is nothing: it is not
// followed.
func (c *cloud) look(ctx context.Context, at string) (info *smb2.FileStat, err error) {
	share, inner := split(at)
	err = c.pool.do(ctx, "QUERY_INFO {object}", share, true, func(s *smb2.Share) error {
		info, err = lstat(s, inner)
		return err
	})
	return info, err
}

// lstat tells what stands at a path of a share. That of a reparse point is not told
// by its tag: whether it is a link, is asked for.
func lstat(s *smb2.Share, inner string) (*smb2.FileStat, error) {
	info, err := s.Lstat(inner)
	if err != nil {
		return nil, err
	}
	stat := info.(*smb2.FileStat)
	if stat.FileAttributes&attrReparse != 0 {
		if _, err := s.Readlink(inner); err == nil {
			return nil, fs.ErrNotExist
		}
	}
	return stat, nil
}

// number is what the server calls a file by itself, 0 if it tells none.
func number(s *smb2.Share, inner string) (uint64, error) {
	f, err := s.Open(inner)
	if err != nil {
		return 0, err
	}
	info, err := f.Stat()
	if err := errors.Join(err, f.Close()); err != nil {
		return 0, err
	}
	return info.(*smb2.FileStat).FileId, nil
}

// A reading is a folder that is being read.
type reading struct{ folder *smb2.File }

// next reads some entries, in the server's order; io.EOF after the last.
func (r *reading) next() ([]*smb2.FileStat, error) {
	all, err := r.folder.Readdir(small)
	if is(err, statusNoSuchFile) {
		return nil, io.EOF
	}
	out := make([]*smb2.FileStat, 0, len(all))
	for _, info := range all {
		out = append(out, info.(*smb2.FileStat))
	}
	return out, err
}

func (r *reading) close() { _ = r.folder.Close() } // nothing was written through it

// entries reads a folder to its end.
func (c *cloud) entries(ctx context.Context, at string) (all []*smb2.FileStat, err error) {
	first, more, err := c.begin(ctx, at)
	if err != nil || more == nil {
		return first, err
	}
	defer more.close()
	for {
		some, err := more.next()
		first = append(first, some...)
		if errors.Is(err, io.EOF) {
			return first, nil
		}
		if err != nil {
			return nil, classed(ctx, "QUERY_DIRECTORY {folder}", err)
		}
	}
}

// begin reads the first entries of a folder, in the order of their names if they are
// all. more is the rest of a large one, in the server's order; whoever gets it closes
// it.
func (c *cloud) begin(ctx context.Context, at string) (first []*smb2.FileStat, more *reading, err error) {
	share, inner := split(at)
	err = c.pool.do(ctx, "QUERY_DIRECTORY {folder}", share, true, func(s *smb2.Share) error {
		f, err := s.Open(inner)
		if err != nil {
			return err
		}
		r := &reading{f}
		first, err = r.next()
		if err == nil && len(first) == small {
			more = r
			return nil
		}
		r.close()
		if errors.Is(err, io.EOF) {
			return nil
		}
		return err
	})
	if more == nil {
		sortEntries(first)
	}
	return first, more, err
}

// Locate takes an address of the server: smb://server/share/path, or \\server\share\path.
func (s *source) Locate(address string) (string, bool) {
	if rest, ok := strings.CutPrefix(address, `\\`); ok {
		address = "smb://" + strings.ReplaceAll(url.PathEscape(strings.ReplaceAll(rest, `\`, "/")), "%2F", "/")
	}
	u, err := url.Parse(address)
	if err != nil || u.Scheme != "smb" || !strings.EqualFold(u.Hostname(), s.cfg.host) || strings.Trim(u.Path, "/") == "" {
		return "", false
	}
	return path.Clean("/" + u.Path), true
}
