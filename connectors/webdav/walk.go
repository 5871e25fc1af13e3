package webdav

import (
	"context"
	"iter"

	"github.com/rialto-migrate/rialto/connector"
	"github.com/rialto-migrate/rialto/item"
)

// pageSize is about how many items a page of a listing holds.
const pageSize = 1000

// A walk is a listing under way.
type walk struct {
	*cloud
	tree    tree
	waiting []string // folders to be read, the next one last
	after   string   // the file of the next folder that was given out last; "" before the first
	ready   []item.Bundle
	whole   bool // nothing was left out
}

// folder reads the next folder, and yields the pages that fill up meanwhile. An
// answer that is cut off is asked for again.
func (w *walk) folder(ctx context.Context) iter.Seq2[connector.Page, error] {
	return func(yield func(connector.Page, error) bool) {
		at := w.waiting[len(w.waiting)-1]
		had := len(w.ready)
		for attempt := 1; ; attempt++ {
			folders, ended, err := w.read(ctx, at, func() bool {
				p := connector.Page{Bundles: w.ready, Next: w.cursor()}
				w.ready, had, attempt = nil, 0, 1
				return yield(p, nil)
			})
			switch {
			case ended:
				return
			case err == nil:
				w.waiting, w.after = append(w.waiting[:len(w.waiting)-1], folders...), ""
				return
			case cutOff(err) && attempt < tries && ctx.Err() == nil:
				w.ready = w.ready[:had]
				if err = connector.Pause(ctx, attempt, 0); err == nil {
					continue
				}
			case at != w.tree.drive && connector.ClassOf(err) == connector.Gone:
				w.waiting, w.after = w.waiting[:len(w.waiting)-1], "" // it was deleted while we read
				return
			case at != w.tree.drive && connector.ClassOf(err) == connector.Forbidden:
				w.waiting, w.after, w.whole = w.waiting[:len(w.waiting)-1], "", false
				closed := w.tree.item(at, entry{folder: true})
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
	skip, given := w.after != "", w.after != ""
	self := entry{folder: true}
	give := func(empty bool) {
		if given {
			return
		}
		given = true
		it := w.tree.item(at, self)
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
		if ours(e.name) {
			continue
		}
		give(false)
		id := connector.Below(at, e.name)
		if e.folder {
			folders = append(folders, id)
			continue
		}
		if skip {
			skip = e.name != w.after
			continue
		}
		w.ready = append(w.ready, item.Bundle{Item: w.tree.item(id, e), CheckItems: -1})
		if len(w.ready) >= pageSize {
			if w.after = e.name; !full() {
				return nil, true, nil
			}
		}
	}
	if skip {
		w.after = ""
		return w.read(ctx, at, full)
	}
	give(true)
	return folders, false, nil
}

// cursor is how far the walk came.
func (w *walk) cursor() connector.Cursor {
	return connector.Folders{Waiting: w.waiting, After: w.after}.Cursor()
}

// resume goes on from a cursor. What goes on in the middle of a folder is not whole:
// whatever came and went there meanwhile may be missed.
func (w *walk) resume(from connector.Cursor) bool {
	read, ok := connector.ReadFolders(from)
	w.waiting, w.after = read.Waiting, read.After
	w.whole = w.whole && read.After == ""
	return ok
}
