package webdav

import (
	"context"
	"iter"

	"github.com/rialto-migrate/rialto/connector"
	"github.com/rialto-migrate/rialto/connector/paths"
	"github.com/rialto-migrate/rialto/item"
)

// pageSize is about how many items a page of a listing holds.
const pageSize = 1000

// A walk is a listing under way.
type walk struct {
	*cloud
	connector.Folders
	tree  paths.Tree
	ready []item.Bundle
	whole bool // nothing was left out
}

func newWalk(c *cloud, t paths.Tree) *walk {
	return &walk{cloud: c, Folders: connector.Folders{Waiting: []string{t.Drive}}, tree: t, whole: true}
}

// pages yields the listing to its end.
func (w *walk) pages(ctx context.Context) iter.Seq2[connector.Page, error] {
	return func(yield func(connector.Page, error) bool) {
		for len(w.Waiting) > 0 {
			for page, err := range w.folder(ctx) {
				if !yield(page, err) || err != nil {
					return
				}
			}
		}
		last := connector.Page{Bundles: w.ready}
		if w.whole {
			last.Whole = []item.Kind{item.Drive, item.Folder, item.File}
		}
		yield(last, nil)
	}
}

// folder reads the next folder, and yields the pages that fill up meanwhile. An
// answer that is cut off is asked for again.
func (w *walk) folder(ctx context.Context) iter.Seq2[connector.Page, error] {
	return func(yield func(connector.Page, error) bool) {
		at := w.Waiting[len(w.Waiting)-1]
		had := len(w.ready)
		for attempt := 1; ; attempt++ {
			folders, ended, err := w.read(ctx, at, func() bool {
				p := connector.Page{Bundles: w.ready, Next: w.Cursor()}
				w.ready, had, attempt = nil, 0, 1
				return yield(p, nil)
			})
			switch {
			case ended:
				return
			case err == nil:
				w.Done(folders)
				return
			case cutOff(err) && attempt < tries && ctx.Err() == nil:
				w.ready = w.ready[:had]
				if err = connector.Pause(ctx, attempt, 0); err == nil {
					continue
				}
			case at != w.tree.Drive && connector.ClassOf(err) == connector.Gone:
				w.Done(nil) // it was deleted while we read
				return
			case at != w.tree.Drive && connector.ClassOf(err) == connector.Forbidden:
				w.Done(nil)
				w.whole = false
				closed := itemOf(w.tree, at, entry{folder: true})
				w.ready = append(w.ready, item.Bundle{Item: closed, CheckItems: -1, Unknown: []string{"folder.unreadable"}})
				return
			}
			yield(connector.Page{}, err)
			return
		}
	}
}

// read adds a folder and its files to what is ready, and returns the folders in it.
// full is called when a page is ready; ended says that it wants no more. Where the
// folder was begun before, it goes on behind the file that came last: servers list
// a folder in an order of their own, but always in the same. If that file is gone,
// all come again.
func (w *walk) read(ctx context.Context, at string, full func() bool) (folders []string, ended bool, err error) {
	skip, given := w.After != "", w.After != ""
	self := entry{folder: true}
	give := func(empty bool) {
		if given {
			return
		}
		given = true
		it := itemOf(w.tree, at, self)
		if empty && it.Kind == item.Folder {
			item.Empty.Set(&it, true)
		}
		w.ready = append(w.ready, item.Bundle{Item: it, CheckItems: -1})
	}
	for e, err := range w.api.propfind(ctx, at, true, "1") {
		if err != nil {
			return nil, false, err
		}
		if e.self {
			self = e
			continue
		}
		if paths.Ours(e.name) {
			continue
		}
		give(false)
		id := connector.Below(at, e.name)
		if e.folder {
			folders = append(folders, id)
			continue
		}
		if skip {
			skip = e.name != w.After
			continue
		}
		w.ready = append(w.ready, item.Bundle{Item: itemOf(w.tree, id, e), CheckItems: -1})
		if len(w.ready) >= pageSize {
			if w.After = e.name; !full() {
				return nil, true, nil
			}
		}
	}
	if skip {
		w.After = ""
		return w.read(ctx, at, full)
	}
	give(true)
	return folders, false, nil
}

// resume goes on from a cursor. What goes on in the middle of a folder is not whole:
// whatever came and went there meanwhile may be missed.
func (w *walk) resume(from connector.Cursor) (ok bool) {
	w.Folders, ok = connector.ReadFolders(from)
	w.whole = w.whole && w.After == ""
	return ok
}
