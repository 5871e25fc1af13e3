package dropbox

import (
	"context"
	"iter"
	"strings"

	"github.com/rialto-migrate/rialto/connector"
	"github.com/rialto-migrate/rialto/item"
)

// A source reads what the connection sees.
type source struct{ *cloud }

// The id of a container is "ns:" and a namespace for the home of whom the connection
// acts as and, with a team's app, for a team folder; "dbmid:" and so on for the home
// of a member, with a team's app; and the "id:" of a folder for all others.

// Shards yields the home and the team folders that the account sees; with a team's
// app that acts as nobody, all members' homes and all team folders.
func (s *source) Shards(ctx context.Context) iter.Seq2[connector.Shard, error] {
	return func(yield func(connector.Shard, error) bool) {
		me, err := s.whoami(ctx)
		if err != nil {
			yield(connector.Shard{}, err)
			return
		}
		if me.team {
			s.teamShards(ctx, yield)
			return
		}
		home := connector.Shard{Ref: drive("ns:" + me.account.Root.HomeNamespace), Name: me.account.Name.Display, Bytes: -1, People: 1, Members: []string{me.account.ID}, Visibility: connector.ForPeople, Owner: me.owner()}
		if !yield(home, nil) || me.account.Root.RootNamespace == me.account.Root.HomeNamespace {
			return
		}
		for m, err := range s.entries(ctx, me.view, listArg{Path: "", Limit: mostListed}) {
			if err != nil {
				yield(connector.Shard{}, err)
				return
			}
			if m.Tag != tagFolder || m.shared() == "" || m.shared() == me.account.Root.HomeNamespace || m.SharingInfo.NoAccess {
				continue
			}
			if !yield(connector.Shard{Ref: drive(m.ID), Name: m.Name, Bytes: -1, People: -1, Visibility: connector.ForGroup, Owner: me.owner()}, nil) {
				return
			}
		}
	}
}

// owner is the name of the team, "" for an account of its own.
func (m *self) owner() string {
	if m.account.Team == nil {
		return ""
	}
	return m.account.Team.Name
}

func (s *source) teamShards(ctx context.Context, yield func(connector.Shard, error) bool) {
	for m, err := range s.teamMembers(ctx) {
		if err != nil {
			yield(connector.Shard{}, err)
			return
		}
		if m.Status.Tag != "active" {
			continue // nobody can act as one who left, is suspended or has not come yet
		}
		if !yield(connector.Shard{Ref: drive(m.Member), Name: m.Name.Display, Bytes: -1, People: 1, Members: []string{m.Account}, Visibility: connector.ForPeople}, nil) {
			return
		}
	}
	type page struct {
		Folders []struct {
			ID     string `json:"team_folder_id"`
			Name   string `json:"name"`
			Status tagged `json:"status"`
		} `json:"team_folders"`
		Cursor string `json:"cursor"`
		More   bool   `json:"has_more"`
	}
	route, arg := "team/team_folder/list", any(map[string]any{"limit": 1000})
	for {
		var p page
		if err := s.api.rpc(ctx, view{}, route, arg, &p, read); err != nil {
			yield(connector.Shard{}, err)
			return
		}
		for _, f := range p.Folders {
			if f.Status.Tag != "active" {
				continue
			}
			if !yield(connector.Shard{Ref: drive("ns:" + f.ID), Name: f.Name, Bytes: -1, People: -1, Visibility: connector.ForGroup}, nil) {
				return
			}
		}
		if !p.More {
			return
		}
		route, arg = "team/team_folder/list/continue", cursorArg{Cursor: p.Cursor}
	}
}

// A container is a drive as its calls need it.
type container struct {
	ref  item.Ref
	view view
	path string // what list_folder takes
	at   string // in lower case, where it lies
	name string // "" where it goes right into the target's place
	mine string // whose home it is: what lies there is theirs
}

// container tells how a drive is reached.
func (c *cloud) container(ctx context.Context, ref item.Ref) (container, error) {
	me, err := c.whoami(ctx)
	if err != nil {
		return container{}, err
	}
	d := container{ref: ref, view: me.view}
	prefix, rest := cut(ref.ID)
	switch prefix {
	case "id":
		d.path = ref.ID
		if me.team {
			return d, connector.Errorf(connector.Gone, "the drive is not one of this connection's")
		}
		var told metadata
		if err := c.api.rpc(ctx, d.view, "files/get_metadata", pathArg{Path: ref.ID}, &told, read); err != nil {
			return d, err
		}
		d.name, d.at = told.Name, told.Path
		if home := strings.ToLower(me.account.Root.HomePath); strings.HasPrefix(told.Path, home+"/") {
			d.mine = me.account.ID
		}
	case "ns":
		if me.team {
			d.view = view{admin: me.admin, space: rest}
			break
		}
		d.path, d.mine = me.account.Root.HomePath, me.account.ID
		d.at = strings.ToLower(d.path)
		if d.path != "" {
			d.name = me.account.Name.Display
		}
	case "dbmid":
		var told account
		d.view = view{user: ref.ID}
		if err := c.api.rpc(ctx, d.view, "users/get_current_account", nil, &told, read); err != nil {
			return d, err
		}
		d.name, d.mine = told.Name.Display, told.ID
	default:
		return d, connector.Errorf(connector.Permanent, "the drive is not one of this connector's")
	}
	return d, nil
}

// cut parts "ns:123" at the colon.
func cut(id string) (prefix, rest string) {
	for i := range len(id) {
		if id[i] == ':' {
			return id[:i], id[i+1:]
		}
	}
	return "", id
}

// item is the container itself.
func (d container) item() item.Item {
	it := item.Item{Ref: d.ref}
	item.DriveName.Set(&it, d.name)
	return it
}

// entries yields what lies in a folder. What Dropbox says was deleted meanwhile is
// left out.
func (c *cloud) entries(ctx context.Context, v view, arg listArg) iter.Seq2[metadata, error] {
	return func(yield func(metadata, error) bool) {
		page, err := c.list(ctx, v, arg, "")
		for ; err == nil; page, err = c.list(ctx, v, arg, page.Cursor) {
			for _, m := range page.Entries {
				if m.Tag != tagDeleted && !yield(m, nil) {
					return
				}
			}
			if !page.More {
				return
			}
		}
		yield(metadata{}, err)
	}
}

// mostListed is how many entries a page of a listing holds, as the contract allows.
const mostListed = 2000

// list reads a page of a folder, the first or the one after a cursor.
func (c *cloud) list(ctx context.Context, v view, arg listArg, cursor string) (listing, error) {
	var p listing
	if cursor == "" {
		return p, c.api.rpc(ctx, v, "files/list_folder", arg, &p, read)
	}
	return p, c.api.rpc(ctx, v, "files/list_folder/continue", cursorArg{Cursor: cursor}, &p, read)
}

// List walks the folders one by one: what a recursive listing yields is in no
// promised order (https://www.dropbox.com/developers/documentation/http/documentation#files-list_folder),
// tells nobody's parent by id, and may fail on large trees.
func (s *source) List(ctx context.Context, shard connector.Shard, from connector.Cursor) iter.Seq2[connector.Page, error] {
	return s.walk(ctx, shard.Ref, from, true)
}

// walk lists a container, with the links of what lies there if that is asked for.
func (c *cloud) walk(ctx context.Context, ref item.Ref, from connector.Cursor, withLinks bool) iter.Seq2[connector.Page, error] {
	return func(yield func(connector.Page, error) bool) {
		d, err := c.container(ctx, ref)
		if err != nil {
			yield(connector.Page{}, err)
			return
		}
		w := newWalk(c, d)
		defer w.stop()
		if withLinks {
			if w.links, err = c.links(ctx, d.view); err != nil {
				yield(connector.Page{}, err)
				return
			}
		}
		if cursor, ok := strings.CutPrefix(string(from), sincePrefix); ok {
			told, err := w.changes(ctx, cursor, yield)
			if err != nil {
				yield(connector.Page{}, err)
			}
			if told || err != nil {
				return
			}
			all := w.links
			from, w = "", newWalk(c, d)
			w.links = all
		}
		if withLinks && from == "" {
			w.latest(ctx)
		}
		if err := w.begin(from); err != nil {
			yield(connector.Page{}, err)
			return
		}
		for w.more() {
			page, err := w.next(ctx)
			if err != nil {
				yield(connector.Page{}, err)
				return
			}
			if len(page.Bundles) > 0 && w.more() && !yield(page, nil) {
				return
			}
			if !w.more() {
				page.Next = ""
				if w.whole {
					page.Whole, page.Since = carried(), w.since
				}
				yield(page, nil)
			}
		}
	}
}

// Locate knows no addresses: those of Dropbox hold paths, or keys of shared links, and
// ids cannot be told from either.
func (s *source) Locate(string) (string, bool) { return "", false }

func (s *source) Fetch(ctx context.Context, shard connector.Shard, refs []item.Ref) iter.Seq2[item.Bundle, error] {
	return s.fetch(ctx, shard.Ref, refs, true)
}
