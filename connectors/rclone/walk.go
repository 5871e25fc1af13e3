package rclone

import (
	"context"
	"errors"

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

var errStop = errors.New("the listing is wanted no more")

func newWalk(c *cloud, t paths.Tree) *walk {
	return &walk{cloud: c, tree: t, Folders: connector.Folders{Waiting: []string{t.Drive}}, whole: true}
}

// pages yields the listing to its end.
func (w *walk) pages(ctx context.Context, yield func(connector.Page, error) bool) {
	for len(w.Waiting) > 0 {
		if err := w.folder(ctx, yield); err != nil {
			if !errors.Is(err, errStop) {
				yield(connector.Page{}, err)
			}
			return
		}
	}
	last := connector.Page{Bundles: w.ready}
	if w.whole {
		last.Whole = []item.Kind{item.Drive, item.Folder, item.File}
	}
	yield(last, nil)
}

// folder adds the next folder and its files to what is ready, and yields the pages
// that fill up meanwhile.
func (w *walk) folder(ctx context.Context, yield func(connector.Page, error) bool) error {
	at := w.Waiting[len(w.Waiting)-1]
	here := w.tree.Folder(at)
	self := item.Bundle{Item: here, CheckItems: -1}
	in, err := w.entries(ctx, at)
	if at == w.tree.Drive && (err == nil && in.none() || connector.ClassOf(err) == connector.Gone) {
		there, e := w.stands(ctx, here.Ref)
		switch {
		case e != nil:
			err = e
		case there:
			err = nil
		default:
			err = connector.Errorf(connector.Gone, "listing {folder}: it is not there")
		}
	}
	switch class := connector.ClassOf(err); {
	case err != nil && at != w.tree.Drive && class == connector.Gone:
		w.Done(nil) // it was deleted while we read
		return nil
	case err != nil && at != w.tree.Drive && class == connector.Forbidden:
		w.whole = false
		self.Unknown = []string{"folder.unreadable"}
		w.ready = append(w.ready, self)
		w.Done(nil)
		return nil
	case err != nil:
		return err
	}
	if w.After == "" {
		if in.none() && self.Item.Kind == item.Folder {
			item.Empty.Set(&self.Item, true)
		}
		w.ready = append(w.ready, self)
	}
	files := in.files
	for len(files) > 0 && w.After != "" && name(files[0]) <= w.After {
		files = files[1:]
	}
	for len(files) > 0 {
		n := min(len(files), max(pageSize-len(w.ready), 1))
		items, err := w.files(ctx, here.Ref, files[:n])
		if err != nil {
			return err
		}
		for _, it := range items {
			w.ready = append(w.ready, item.Bundle{Item: it, CheckItems: -1})
		}
		if len(w.ready) >= pageSize {
			w.After = name(files[n-1])
			page := connector.Page{Bundles: w.ready, Next: w.Cursor()}
			w.ready = nil
			if !yield(page, nil) {
				return errStop
			}
		}
		files = files[n:]
	}
	folders := make([]string, len(in.folders))
	for i, f := range in.folders {
		folders[len(folders)-1-i] = connector.Below(at, f)
	}
	w.Done(folders)
	return nil
}

// resume goes on from a cursor.
func (w *walk) resume(from connector.Cursor) (ok bool) {
	w.Folders, ok = connector.ReadFolders(from)
	return ok
}
