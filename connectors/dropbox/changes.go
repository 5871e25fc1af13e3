package dropbox

import (
	"context"
	"maps"
	"path"
	"slices"
	"strings"

	"github.com/rialto-migrate/rialto/connector"
	"github.com/rialto-migrate/rialto/item"
)

// A cursor of a recursive listing tells what changed by its path: what came, with all
// that lies in it, and that something is gone, not which thing; and what stands where
// something else stood has taken its place unsaid
// (https://www.dropbox.com/developers/documentation/http/documentation#files-list_folder-continue).
// So it serves to tell in which folders something changed, and these are listed.

// sincePrefix begins a cursor of changes; the rest is Dropbox's.
const sincePrefix = "since-"

// mostChanged is in how many folders something may have changed: where it is more,
// everything is listed.
const mostChanged = 2000

// carried are the kinds of which a listing is complete.
func carried() []item.Kind { return []item.Kind{item.Drive, item.Folder, item.File} }

// latest asks from where changes are told that come while everything is listed, and
// later. Without an answer a later pass lists everything, too. What comes with another member's
// home is left out of a team's, which no cursor tells.
func (w *walk) latest(ctx context.Context) {
	if prefix, _ := cut(w.in.ref.ID); prefix == "dbmid" {
		return
	}
	var told struct {
		Cursor string `json:"cursor"`
	}
	arg := w.arg(w.in.ref.ID)
	arg.Recursive = true
	if err := w.api.rpc(ctx, w.in.view, "files/list_folder/get_latest_cursor", arg, &told, read); err == nil && told.Cursor != "" {
		w.since = connector.Cursor(sincePrefix + told.Cursor)
	}
}

// changes lists the folders in which something changed since a cursor. told is false
// where that cannot be told: everything is listed then.
func (w *walk) changes(ctx context.Context, cursor string, yield func(connector.Page, error) bool) (told bool, err error) {
	dirs := map[string]bool{}
	for more := true; more; {
		p, err := w.list(ctx, w.in.view, listArg{}, cursor)
		if has(err, "reset") || refusedWith(err, 400) || err != nil && connector.ClassOf(err) == connector.Gone {
			return false, nil
		}
		if err != nil {
			return false, err
		}
		for _, m := range p.Entries {
			switch {
			case m.Path == "", !strings.HasPrefix(m.Path, w.in.at+"/") && m.Path != w.in.at, len(dirs) > mostChanged:
				return false, nil // its path is not told, or they are too many
			case m.Tag == tagFolder:
				dirs[m.Path] = true
			}
			if m.Path != w.in.at {
				dirs[above(m.Path)] = true
			}
		}
		cursor, more = p.Cursor, p.More
	}
	f := &follower{walk: w, ids: map[string]item.Ref{w.in.at: w.in.ref}}
	if err := w.add(ctx, &f.out, item.Bundle{Item: w.in.item(), CheckItems: -1}, nil); err != nil {
		return false, err
	}
	for _, dir := range slices.Sorted(maps.Keys(dirs)) {
		if err := f.look(ctx, dir); err != nil {
			return false, err
		}
		if len(f.out) >= pageSize {
			if !yield(connector.Page{Bundles: f.out}, nil) {
				return true, nil
			}
			f.out = nil
		}
	}
	last := connector.Page{Bundles: f.out, Same: []item.Ref{w.in.ref}, Full: f.full}
	if w.whole {
		last.Whole, last.Since = carried(), connector.Cursor(sincePrefix+cursor)
	}
	yield(last, nil)
	return true, nil
}

// above is the path of the folder that something lies in.
func above(at string) string { return strings.TrimSuffix(path.Dir(at), "/") }

// A follower lists folders one by one, each after those that it lies in.
type follower struct {
	*walk
	ids  map[string]item.Ref // of folders that were given, by path
	out  []item.Bundle
	full []item.Ref
}

// look gives what lies right in a folder. One that is gone lies in one in which
// something changed, too.
func (f *follower) look(ctx context.Context, dir string) error {
	at, err := f.enter(ctx, dir)
	if err != nil || at.Zero() {
		return err
	}
	id := at.ID
	arg := f.arg(id)
	for page, err := f.list(ctx, f.in.view, arg, ""); ; page, err = f.list(ctx, f.in.view, arg, page.Cursor) {
		switch {
		case err != nil && connector.ClassOf(err) == connector.Gone:
			return nil
		case err != nil && connector.ClassOf(err) == connector.Forbidden:
			f.whole = false
			return nil
		case err != nil:
			return err
		}
		var files []metadata
		for _, m := range page.Entries {
			switch m.Tag {
			case tagFile:
				files = append(files, m)
			case tagFolder:
				if err := f.folder(ctx, m, at); err != nil {
					return err
				}
			}
		}
		if err := f.files(ctx, &f.out, files, at); err != nil {
			return err
		}
		if !page.More {
			f.full = append(f.full, at)
			return nil
		}
	}
}

// enter finds a folder by its path, and gives it after those that it lies in; zero if
// there is none.
func (f *follower) enter(ctx context.Context, dir string) (item.Ref, error) {
	if at, ok := f.ids[dir]; ok {
		return at, nil
	}
	up, err := f.enter(ctx, above(dir))
	if err != nil || up.Zero() {
		return item.Ref{}, err
	}
	if at, ok := f.ids[dir]; ok {
		return at, nil
	}
	var m metadata
	err = f.api.rpc(ctx, f.in.view, "files/get_metadata", pathArg{Path: dir}, &m, read)
	switch {
	case err != nil && connector.ClassOf(err) == connector.Gone:
		return item.Ref{}, nil
	case err != nil:
		return item.Ref{}, err
	case m.Tag != tagFolder:
		return item.Ref{}, nil
	}
	err = f.folder(ctx, m, up)
	return f.ids[m.Path], err
}

// folder gives a folder, once, with whether anything lies in it.
func (f *follower) folder(ctx context.Context, m metadata, parent item.Ref) error {
	at := item.Ref{Kind: item.Folder, ID: m.ID}
	if f.ids[m.Path] == at {
		return nil
	}
	p, err := f.list(ctx, f.in.view, listArg{Path: m.ID, Limit: 1}, "")
	switch {
	case err != nil && connector.ClassOf(err) == connector.Gone:
		return nil
	case err != nil && connector.ClassOf(err) == connector.Forbidden:
		f.whole = false
	case err != nil:
		return err
	}
	b := item.Bundle{Item: m.item(parent, f.in.ref.ID), CheckItems: -1}
	item.Empty.Set(&b.Item, err == nil && !p.More && !anything(p.Entries))
	f.ids[m.Path] = at
	return f.add(ctx, &f.out, b, &m)
}
