package webdav

import (
	"context"
	"iter"
	"net/url"
	"path"
	"strings"

	"github.com/rialto-migrate/rialto/connector"
	"github.com/rialto-migrate/rialto/connector/paths"
	"github.com/rialto-migrate/rialto/item"
)

// A source reads below the folder that the connection names.
type source struct{ *cloud }

func (s *source) Shards(context.Context) iter.Seq2[connector.Shard, error] {
	return func(yield func(connector.Shard, error) bool) {
		yield(connector.Shard{Ref: paths.Drive(s.cfg.root), URL: s.api.at(s.cfg.root, true), Bytes: -1, People: -1}, nil)
	}
}

// List walks the folders. The cursor holds those that are still to be read, and
// which file of the next one came last.
func (s *source) List(ctx context.Context, shard connector.Shard, from connector.Cursor) iter.Seq2[connector.Page, error] {
	return func(yield func(connector.Page, error) bool) {
		w := newWalk(s.cloud, paths.Of(shard.Ref, s.cfg.root))
		if from != "" && !w.resume(from) {
			yield(connector.Page{}, connector.Errorf(connector.Permanent, "the cursor of a listing cannot be read").WithHint("run again: the listing begins anew"))
			return
		}
		w.pages(ctx)(yield)
	}
}

func (s *source) Fetch(ctx context.Context, shard connector.Shard, refs []item.Ref) iter.Seq2[item.Bundle, error] {
	return paths.Fetch(ctx, paths.Of(shard.Ref, s.cfg.root), refs, side, s.get)
}

// Locate takes an address below the connection's own.
func (s *source) Locate(address string) (string, bool) {
	u, err := url.Parse(address)
	if err != nil || u.Scheme != s.cfg.base.Scheme || u.Host != s.cfg.base.Host || !below(path.Clean("/"+u.Path), s.cfg.root) {
		return "", false
	}
	return "/" + strings.Trim(u.Path, "/"), true
}
