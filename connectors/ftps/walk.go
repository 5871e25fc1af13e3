package ftps

import (
	"context"

	"github.com/rialto-migrate/rialto/connector"
	"github.com/rialto-migrate/rialto/connectors/ftps/wire"
	"github.com/rialto-migrate/rialto/item"
)

const (
	// pageSize is about how many items a page of a listing holds.
	pageSize = 1000
	// ahead is how many folders are read before their turn: each takes a connection and
	// some round trips.
	ahead = 4
)

// A walk is a listing under way. A folder is read whole before anything of it is given
// out: a server does not wait for ever with a data connection while files are moved.
type walk struct {
	*cloud
	tree    tree
	waiting []string // folders to be read, the next one last
	after   string   // the name in the next folder that was given out last; "" before the first
	ready   []item.Bundle
	whole   bool // nothing was left out
	reading map[string]chan contents
}

// contents are a folder as it was read.
type contents struct {
	all []wire.Entry // sorted
	err error
}

func newWalk(c *cloud, t tree) *walk {
	return &walk{cloud: c, tree: t, waiting: []string{t.drive}, whole: true, reading: map[string]chan contents{}}
}

// pages yields the listing to its end.
func (w *walk) pages(ctx context.Context, yield func(connector.Page, error) bool) {
	ctx, end := context.WithCancel(ctx)
	defer func() {
		end()
		for _, r := range w.reading {
			<-r
		}
	}()
	for len(w.waiting) > 0 {
		more, err := w.folder(ctx, yield)
		if err != nil {
			yield(connector.Page{}, err)
		}
		if !more || err != nil {
			return
		}
	}
	last := connector.Page{Bundles: w.ready}
	if w.whole {
		last.Whole = []item.Kind{item.Drive, item.Folder, item.File}
	}
	yield(last, nil)
}

// next takes the folder whose turn it is, and has the ones behind it read.
func (w *walk) next(ctx context.Context) (string, contents) {
	for i := len(w.waiting) - 1; i >= max(0, len(w.waiting)-ahead); i-- {
		at := w.waiting[i]
		if w.reading[at] != nil {
			continue
		}
		r := make(chan contents, 1)
		w.reading[at] = r
		go func() {
			all, err := w.entries(ctx, at)
			r <- contents{all, err}
		}()
	}
	at := w.waiting[len(w.waiting)-1]
	c := <-w.reading[at]
	delete(w.reading, at)
	return at, c
}

// folder adds the next folder and its files to what is ready, and yields the pages that
// fill up meanwhile. more is false when no more are wanted.
func (w *walk) folder(ctx context.Context, yield func(connector.Page, error) bool) (more bool, err error) {
	at, c := w.next(ctx)
	switch class := connector.ClassOf(c.err); {
	case c.err != nil && at != w.tree.drive && missing(c.err):
		w.done(nil) // it was deleted while we read
		return true, nil
	case c.err != nil && at != w.tree.drive && (class == connector.Forbidden || class == connector.Gone): // one code for both
		w.whole = false
		w.ready = append(w.ready, item.Bundle{Item: w.tree.folder(at), CheckItems: -1, Unknown: []string{"folder.unreadable"}})
		w.done(nil)
		return true, nil
	case c.err != nil:
		return false, c.err
	}
	self := item.Bundle{Item: w.tree.folder(at), CheckItems: -1}
	var folders []string
	empty := true
	for _, e := range c.all {
		empty = empty && ours(e.Name)
		switch {
		case ours(e.Name) || e.Kind == wire.File:
		case e.Kind == wire.Folder:
			folders = append(folders, connector.Below(at, e.Name))
		case e.Kind == wire.Unreadable:
			w.whole = false
			self.Unknown = append(self.Unknown, "file.unreadable")
		case e.Kind == wire.Link:
			self.Unknown = append(self.Unknown, "file.symlink")
		default:
			self.Unknown = append(self.Unknown, "file.device")
		}
	}
	if w.after == "" {
		if empty && self.Item.Kind == item.Folder {
			item.Empty.Set(&self.Item, true)
		}
		w.ready = append(w.ready, self)
	}
	for _, e := range c.all {
		if e.Kind != wire.File || ours(e.Name) || w.after != "" && e.Name <= w.after {
			continue
		}
		w.ready = append(w.ready, item.Bundle{Item: file(connector.Below(at, e.Name), self.Item.Ref, e), CheckItems: -1})
		if len(w.ready) >= pageSize {
			w.after = e.Name
			page := connector.Page{Bundles: w.ready, Next: w.cursor()}
			w.ready = nil
			if !yield(page, nil) {
				return false, nil
			}
		}
	}
	w.done(folders)
	return true, nil
}

// done takes the folder that was read from those that wait, and adds the ones in it.
func (w *walk) done(folders []string) {
	w.waiting, w.after = append(w.waiting[:len(w.waiting)-1], folders...), ""
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
	w.whole = read.After == ""
	return ok
}
