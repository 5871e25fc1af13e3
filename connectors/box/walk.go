package box

import (
	"context"
	"iter"
	"slices"
	"sync"

	"golang.org/x/sync/errgroup"

	"github.com/rialto-migrate/rialto/connector"
	"github.com/rialto-migrate/rialto/item"
)

const (
	// pageSize is from how many items on a page of a listing is given out: an answer
	// holds a thousand at most (contract, GET /folders/{folder_id}/items).
	pageSize = 500
	// side is how many requests of one call are under way at most; how many really
	// are, is for the pacer to say.
	side = 32
)

// A walk is a listing under way.
type walk struct {
	*cloud
	tree    tree
	waiting []waiting // folders to be read, the next one last
	marker  string    // where the next folder goes on; "" at its beginning
	ready   []item.Bundle
	seen    map[string]bool // members that were given out
	people  bool            // members are given out
	skips   func(entry) bool
	whole   bool // nothing was left out

	ahead map[string]chan fetched // the first answers of folders that come soon
	asked sync.WaitGroup
}

const (
	// aheadAtOnce is how many of the next folders are asked for before their turn, and
	// aheadMost of how many the answers are held.
	aheadAtOnce, aheadMost = 8, 16
)

// A fetched is the first answer about what lies in a folder.
type fetched struct {
	files files
	err   error
}

// A waiting is a folder that is still to be read, with what was told of it; nil after
// a restart.
type waiting struct {
	id    string
	entry *entry
}

func (c *cloud) walk(t tree) *walk {
	return &walk{cloud: c, tree: t, waiting: []waiting{{id: t.drive.folder}}, seen: map[string]bool{}, whole: true, ahead: map[string]chan fetched{}}
}

// all reads every folder that waits, and yields the pages that fill up meanwhile. What
// is ready at the end is left to the caller.
func (w *walk) all(ctx context.Context) iter.Seq2[connector.Page, error] {
	return func(yield func(connector.Page, error) bool) {
		ctx, cancel := context.WithCancel(ctx)
		defer w.asked.Wait()
		defer cancel()
		for len(w.waiting) > 0 {
			w.askAhead(ctx)
			for page, err := range w.folder(ctx) {
				if !yield(page, err) || err != nil {
					return
				}
			}
			if len(w.ready) >= pageSize && len(w.waiting) > 0 {
				page := connector.Page{Bundles: w.ready, Next: w.cursor()}
				w.ready = nil
				if !yield(page, nil) {
					return
				}
			}
		}
	}
}

// askAhead asks for the folders that come next, but for the one whose turn it is.
func (w *walk) askAhead(ctx context.Context) {
	n := len(w.waiting)
	for i := n - 2; i >= max(0, n-1-aheadAtOnce) && len(w.ahead) < aheadMost; i-- {
		id := w.waiting[i].id
		if w.ahead[id] != nil {
			continue
		}
		answer := make(chan fetched, 1)
		w.ahead[id] = answer
		w.asked.Go(func() {
			f, err := w.items(ctx, id, "")
			answer <- fetched{f, err}
		})
	}
}

// items asks for what lies in a folder from a marker on.
func (w *walk) items(ctx context.Context, id, marker string) (files, error) {
	var told files
	err := w.api.get(ctx, w.tree.actor, "/folders/"+id+"/items", q("usemarker", "true", "limit", "1000", "marker", marker, "fields", itemFields), &told)
	return told, err
}

// next is what lies in a folder from the walk's marker on.
func (w *walk) next(ctx context.Context, id string) (files, error) {
	answer := w.ahead[id]
	if answer == nil || w.marker != "" {
		return w.items(ctx, id, w.marker)
	}
	delete(w.ahead, id)
	f := <-answer // it ends with the context
	return f.files, f.err
}

// folder reads the next folder, and yields the pages that fill up meanwhile.
func (w *walk) folder(ctx context.Context) iter.Seq2[connector.Page, error] {
	return func(yield func(connector.Page, error) bool) {
		at := w.waiting[len(w.waiting)-1]
		top := at.id == w.tree.drive.folder
		ended, err := w.read(ctx, at, func() bool {
			p := connector.Page{Bundles: w.ready, Next: w.cursor()}
			w.ready = nil
			return yield(p, nil)
		})
		switch class := connector.ClassOf(err); {
		case ended:
			return
		case err == nil:
			w.waiting, w.marker = w.waiting[:len(w.waiting)-1], ""
		case !top && class == connector.Gone:
			w.waiting, w.marker = w.waiting[:len(w.waiting)-1], "" // it was deleted while we read
		case !top && class == connector.Forbidden && at.entry != nil:
			w.waiting, w.marker, w.whole = w.waiting[:len(w.waiting)-1], "", false
			b := w.tree.bundle(*at.entry, grants{})
			b.Unknown = append(b.Unknown, "folder.unreadable")
			w.ready = append(w.ready, b)
		default:
			yield(connector.Page{}, err)
		}
	}
}

// read adds a folder and what lies in it to what is ready, and the folders in it to
// those that wait, before itself. full is called when a page is ready; ended says that
// it wants no more.
func (w *walk) read(ctx context.Context, at waiting, full func() bool) (ended bool, err error) {
	self, err := w.self(ctx, at)
	if err != nil {
		return false, err
	}
	given, again := w.marker != "", false
	for {
		told, err := w.next(ctx, at.id)
		if refused(err, "invalid_marker") && w.marker != "" {
			w.marker, w.whole, again = "", false, true // it aged: the folder comes again
			continue
		}
		if err != nil {
			return false, err
		}
		if !given {
			given = true
			if err := w.give(ctx, []entry{self}, len(told.Entries) == 0); err != nil {
				return false, err
			}
		}
		var rest []entry
		for _, e := range told.Entries {
			switch {
			case kindOf(e.Type) == "" || e.Status != "" && e.Status != "active" || w.skips != nil && w.skips(e):
			case e.Type == "folder":
				if !again || !slices.ContainsFunc(w.waiting, func(f waiting) bool { return f.id == e.ID }) {
					w.waiting = append(w.waiting[:len(w.waiting)-1], waiting{id: e.ID, entry: &e}, at)
				}
			default:
				rest = append(rest, e)
			}
		}
		if err := w.give(ctx, rest, false); err != nil {
			return false, err
		}
		if w.marker = told.Next; w.marker == "" {
			return false, nil
		}
		if len(w.ready) >= pageSize && !full() {
			return true, nil
		}
	}
}

// self is what is told of the folder that is being read.
func (w *walk) self(ctx context.Context, at waiting) (entry, error) {
	if at.entry != nil {
		return *at.entry, nil
	}
	var e entry
	return e, w.api.get(ctx, w.tree.actor, "/folders/"+at.id, fields(itemFields), &e)
}

// give adds entries to what is ready, with who was let at them; people whom nobody
// named before come first.
func (w *walk) give(ctx context.Context, entries []entry, empty bool) error {
	who := make([]grants, len(entries))
	group, sub := errgroup.WithContext(ctx)
	group.SetLimit(side)
	for i, e := range entries {
		if !e.Shared && e.Link == nil {
			continue
		}
		group.Go(func() (err error) {
			who[i], err = w.grants(sub, w.tree.actor, e)
			return err
		})
	}
	if err := group.Wait(); err != nil {
		return err
	}
	for i, e := range entries {
		b := w.tree.bundle(e, who[i])
		if b.Item.Kind == item.Folder && empty {
			item.Empty.Set(&b.Item, true)
		}
		if w.people && b.Item.Kind == item.Drive {
			w.ready = append(w.ready, b)
		}
		if w.people {
			for _, p := range append([]person{e.By, e.Owner}, who[i].members...) {
				if p.ID == "" || w.seen[p.memberID()] {
					continue
				}
				w.seen[p.memberID()] = true
				w.ready = append(w.ready, item.Bundle{Item: p.member(w.tree.drive.ref()), CheckItems: -1})
			}
		}
		if !w.people || b.Item.Kind != item.Drive {
			w.ready = append(w.ready, b)
		}
	}
	return nil
}

// cursor is how far the walk came.
func (w *walk) cursor() connector.Cursor {
	f := connector.Folders{After: w.marker}
	for _, at := range w.waiting {
		f.Waiting = append(f.Waiting, at.id)
	}
	return f.Cursor()
}

// resume goes on from a cursor. What goes on in the middle of a folder is not whole:
// whatever came and went there meanwhile may be missed.
func (w *walk) resume(from connector.Cursor) bool {
	read, ok := connector.ReadFolders(from)
	w.waiting, w.marker = nil, read.After
	for _, id := range read.Waiting {
		w.waiting = append(w.waiting, waiting{id: id})
	}
	w.whole = w.whole && read.After == ""
	return ok
}
