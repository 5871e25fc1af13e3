package ftps

import (
	"context"

	"github.com/rialto-migrate/rialto/connector"
	"github.com/rialto-migrate/rialto/connector/paths"
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
	connector.Folders
	tree    paths.Tree
	ready   []item.Bundle
	whole   bool // nothing was left out
	reading map[string]chan contents
}

// contents are a folder as it was read.
type contents struct {
	all []wire.Entry // sorted
	err error
}

func newWalk(c *cloud, t paths.Tree) *walk {
	return &walk{cloud: c, tree: t, Folders: connector.Folders{Waiting: []string{t.Drive}}, whole: true, reading: map[string]chan contents{}}
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
	for len(w.Waiting) > 0 {
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
	for i := len(w.Waiting) - 1; i >= max(0, len(w.Waiting)-ahead); i-- {
		at := w.Waiting[i]
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
	at := w.Waiting[len(w.Waiting)-1]
	c := <-w.reading[at]
	delete(w.reading, at)
	return at, c
}

// folder adds the next folder and its files to what is ready, and yields the pages that
// fill up meanwhile. more is false when no more are wanted.
func (w *walk) folder(ctx context.Context, yield func(connector.Page, error) bool) (more bool, err error) {
	at, c := w.next(ctx)
	switch class := connector.ClassOf(c.err); {
	case c.err != nil && at != w.tree.Drive && missing(c.err):
		w.Done(nil) // it was deleted while we read
		return true, nil
	case c.err != nil && at != w.tree.Drive && (class == connector.Forbidden || class == connector.Gone): // one code for both
		w.whole = false
		w.ready = append(w.ready, item.Bundle{Item: w.tree.Folder(at), CheckItems: -1, Unknown: []string{"folder.unreadable"}})
		w.Done(nil)
		return true, nil
	case c.err != nil:
		return false, c.err
	}
	self := item.Bundle{Item: w.tree.Folder(at), CheckItems: -1}
	var folders []string
	empty := true
	for _, e := range c.all {
		empty = empty && paths.Ours(e.Name)
		switch {
		case paths.Ours(e.Name) || e.Kind == wire.File:
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
	if w.After == "" {
		if empty && self.Item.Kind == item.Folder {
			item.Empty.Set(&self.Item, true)
		}
		w.ready = append(w.ready, self)
	}
	for _, e := range c.all {
		if e.Kind != wire.File || paths.Ours(e.Name) || w.After != "" && e.Name <= w.After {
			continue
		}
		w.ready = append(w.ready, item.Bundle{Item: file(connector.Below(at, e.Name), self.Item.Ref, e), CheckItems: -1})
		if len(w.ready) >= pageSize {
			w.After = e.Name
			page := connector.Page{Bundles: w.ready, Next: w.Cursor()}
			w.ready = nil
			if !yield(page, nil) {
				return false, nil
			}
		}
	}
	w.Done(folders)
	return true, nil
}

// resume goes on from a cursor. What goes on in the middle of a folder is not whole:
// whatever came and went there meanwhile may be missed.
func (w *walk) resume(from connector.Cursor) (ok bool) {
	w.Folders, ok = connector.ReadFolders(from)
	w.whole = w.After == ""
	return ok
}
