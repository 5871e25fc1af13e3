package onedrive

import (
	"context"
	"iter"
	"net/url"
	"strings"

	"github.com/rialto-migrate/rialto/connector"
	"github.com/rialto-migrate/rialto/connectors/microsoft"
	"github.com/rialto-migrate/rialto/item"
)

// walk lists a folder of a drive with all that lies in it, folder by folder. The
// cursor holds the folders that are still to be read, and how far the next one was.
func (c *cloud) walk(ctx context.Context, t tree, from connector.Cursor) iter.Seq2[connector.Page, error] {
	return func(yield func(connector.Page, error) bool) {
		r := c.begin(t)
		var ready connector.Page
		todo := connector.Folders{Waiting: []string{t.root}}
		if from != "" {
			var ok bool
			if todo, ok = connector.ReadFolders(from); !ok {
				yield(connector.Page{}, unreadableCursor())
				return
			}
			r.whole = todo.After == "" // what came and went in the folder meanwhile may be missed
		} else {
			first, err := r.page(ctx, nil, true)
			if err != nil {
				yield(connector.Page{}, err)
				return
			}
			ready = first
		}
		for len(todo.Waiting) > 0 {
			n := len(todo.Waiting) - 1
			at := todo.Waiting[n]
			told, err := c.children(ctx, t, at, todo.After)
			switch {
			case at != t.root && microsoft.IsGone(err): // it was deleted while we read
				told, err = page{}, nil
			case at != t.root && microsoft.IsForbidden(err):
				told, err = page{}, nil
				r.whole = false
				r.unknown = append(r.unknown, "folder.unreadable")
			}
			var some connector.Page
			if err == nil {
				for i := range told.Value { // a listing of children may not tell what it is of
					told.Value[i].Parent.ID = at
				}
				r.known[at] = true
				some, err = r.page(ctx, told.Value, false)
			}
			if err == nil {
				todo.After, err = c.follow(told.Next)
			}
			if err != nil {
				yield(connector.Page{}, err)
				return
			}
			if todo.After == "" {
				todo.Waiting = todo.Waiting[:n]
			}
			ready.Bundles = append(ready.Bundles, some.Bundles...)
			var folders []string
			for _, b := range some.Bundles {
				if b.Item.Kind == item.Folder {
					folders = append(folders, b.Item.ID)
				}
			}
			// The folder that is being read stays the last.
			if n := len(todo.Waiting) - 1; todo.After != "" {
				todo.Waiting = append(append(todo.Waiting[:n:n], folders...), at)
			} else {
				todo.Waiting = append(todo.Waiting, folders...)
			}
			if len(ready.Bundles) >= pageSize && len(todo.Waiting) > 0 {
				ready.Next = todo.Cursor()
				if !yield(ready, nil) {
					return
				}
				ready = connector.Page{}
			}
		}
		if r.whole {
			ready.Whole = []item.Kind{item.Drive, item.Folder, item.File, item.Shortcut}
		}
		yield(ready, nil)
	}
}

// children reads a page of a folder: the first, or the one that next names.
func (c *cloud) children(ctx context.Context, t tree, folder, next string) (told page, err error) {
	path, query := t.at(folder, "/children"), url.Values{"$top": {"500"}}
	if next != "" {
		if !strings.HasPrefix(next, "/") {
			return told, unreadableCursor()
		}
		path, query = next, nil
	}
	err = c.read(ctx, path, query, costWrite, &told)
	return told, err
}
