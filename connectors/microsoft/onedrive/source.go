package onedrive

import (
	"context"
	"iter"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/rialto-migrate/rialto/connector"
	"github.com/rialto-migrate/rialto/connectors/microsoft"
	"github.com/rialto-migrate/rialto/item"
)

type source struct{ *cloud }

// Shards yields the drives in sight: the connection's own or, for an app, everybody's;
// those of groups; and the libraries of sites.
func (s *source) Shards(ctx context.Context) iter.Seq2[connector.Shard, error] {
	return func(yield func(connector.Shard, error) bool) {
		seen := map[string]bool{}
		for _, some := range []func(context.Context) iter.Seq2[[]drive, error]{s.own, s.ofPeople, s.ofGroups, s.ofSites} {
			for drives, err := range some(ctx) {
				if err != nil {
					yield(connector.Shard{}, err)
					return
				}
				for _, d := range drives {
					if !seen[d.ID] && !yield(d.shard(), nil) {
						return
					}
					seen[d.ID] = true
				}
			}
		}
	}
}

func (d drive) shard() connector.Shard {
	out := connector.Shard{Ref: item.Ref{Kind: item.Drive, ID: d.ID}, Name: d.label(), URL: d.WebURL, Bytes: d.Quota.Used, People: -1}
	switch {
	case d.Type != library && d.Owner.User != nil:
		out.Owner, out.Visibility = d.Owner.User.Name, connector.ForPeople
		out.People, out.Members = 1, []string{d.Owner.User.ID}
	case d.Owner.Group != nil:
		out.Owner, out.Visibility = d.Owner.Group.Name, connector.ForGroup
	}
	return out
}

// own is the drive of the person who signed in.
func (s *source) own(ctx context.Context) iter.Seq2[[]drive, error] {
	return func(yield func([]drive, error) bool) {
		if !s.graph.Delegated() {
			return
		}
		var d drive
		err := s.read(ctx, "/me/drive", nil, costOne, &d)
		if microsoft.IsGone(err) { // no licence for one
			return
		}
		yield([]drive{d}, err)
	}
}

// ofPeople are everybody's OneDrives, which an app alone can list.
func (s *source) ofPeople(ctx context.Context) iter.Seq2[[]drive, error] {
	if s.graph.Delegated() {
		return none
	}
	return s.drivesOf(ctx, "/users", url.Values{"$select": {"id"}, "$top": {"999"}}, "/users/", "/drive")
}

func (s *source) ofGroups(ctx context.Context) iter.Seq2[[]drive, error] {
	if s.cfg.kind == kindPersonal {
		return none
	}
	return s.drivesOf(ctx, "/groups", url.Values{"$select": {"id"}, "$top": {"999"}, "$filter": {"groupTypes/any(c:c eq 'Unified')"}}, "/groups/", "/drive")
}

func (s *source) ofSites(ctx context.Context) iter.Seq2[[]drive, error] {
	if s.cfg.kind == kindPersonal {
		return none
	}
	return s.drivesOf(ctx, "/sites", url.Values{"search": {"*"}}, "/sites/", "/drives")
}

func none(func([]drive, error) bool) {}

// drivesOf lists somebody, and yields their drives a batch at a time. Who has none,
// or one that this connection may not use, is left out.
func (s *source) drivesOf(ctx context.Context, list string, query url.Values, before, then string) iter.Seq2[[]drive, error] {
	return func(yield func([]drive, error) bool) {
		var calls []microsoft.BatchCall
		ask := func() (out []drive, err error) {
			for _, a := range s.graph.Batch(ctx, calls) {
				switch {
				case microsoft.IsGone(a.Err), microsoft.IsForbidden(a.Err):
				case a.Err != nil:
					return nil, a.Err
				case then == "/drives":
					all, err := microsoft.All(microsoft.Rest[drive](ctx, s.graph, a.Body))
					if err != nil {
						return nil, err
					}
					out = append(out, all...)
				default:
					var d drive
					if err := a.Decode(&d); err != nil {
						return nil, err
					}
					out = append(out, d)
				}
			}
			calls = calls[:0]
			return out, nil
		}
		for of, err := range microsoft.List[identity](ctx, s.graph, list, query) {
			if microsoft.IsForbidden(err) { // Check tells which right is missing
				break
			}
			if err != nil {
				yield(nil, err)
				return
			}
			calls = append(calls, microsoft.BatchCall{Method: http.MethodGet, Path: before + url.PathEscape(of.ID) + then, Class: microsoft.ClassFiles, Cost: costOne})
			if len(calls) == microsoft.BatchParts {
				if out, err := ask(); !yield(out, err) || err != nil {
					return
				}
			}
		}
		if len(calls) > 0 {
			yield(ask())
		}
	}
}

// List reads a whole drive by delta, and a folder that is a container by walking it:
// delta is for roots alone (https://learn.microsoft.com/en-us/graph/api/driveitem-delta).
func (s *source) List(ctx context.Context, shard connector.Shard, from connector.Cursor) iter.Seq2[connector.Page, error] {
	return s.list(ctx, treeOf(shard.Ref), from)
}

func (c *cloud) list(ctx context.Context, t tree, from connector.Cursor) iter.Seq2[connector.Page, error] {
	return func(yield func(connector.Page, error) bool) {
		if err := c.rootOf(ctx, &t); err != nil {
			yield(connector.Page{}, err)
			return
		}
		if t.whole {
			c.delta(ctx, t, from)(yield)
			return
		}
		c.walk(ctx, t, from)(yield)
	}
}

func (s *source) Fetch(ctx context.Context, shard connector.Shard, refs []item.Ref) iter.Seq2[item.Bundle, error] {
	return s.fetch(ctx, treeOf(shard.Ref), refs)
}

// Locate takes an address of SharePoint or of OneDrive, or of the server that the
// connection names.
func (s *source) Locate(address string) (string, bool) {
	u, err := url.Parse(address)
	if err != nil || u.Scheme != "https" && u.Scheme != "http" {
		return "", false
	}
	host := strings.ToLower(u.Host)
	base, err := url.Parse(s.graph.Base())
	own := err == nil && host == strings.ToLower(base.Host)
	if !own && !slices.ContainsFunc([]string{"onedrive.live.com", "1drv.ms", ".sharepoint.com", ".sharepoint.us", ".sharepoint-mil.us", ".sharepoint.cn", "d.docs.live.net"}, func(end string) bool {
		return host == end || strings.HasPrefix(end, ".") && strings.HasSuffix(host, end)
	}) {
		return "", false
	}
	return alias(address), true
}
