package sftp

import (
	"context"
	"errors"
	"io/fs"
	"net/url"
	"strings"

	"github.com/rialto-migrate/rialto/connector"
	"github.com/rialto-migrate/rialto/item"
)

const (
	// pageSize is about how many items a page of a listing holds.
	pageSize = 1000
	// ahead is how many folders are read before their turn: each takes some round
	// trips.
	ahead = 8
)

// A walk is a listing under way.
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
	all []fs.FileInfo
	err error
}

var errStop = errors.New("the listing is wanted no more")

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

// folder adds the next folder and its files to what is ready, and yields the pages
// that fill up meanwhile.
func (w *walk) folder(ctx context.Context, yield func(connector.Page, error) bool) error {
	at, c := w.next(ctx)
	switch class := connector.ClassOf(c.err); {
	case c.err != nil && at != w.tree.drive && class == connector.Gone:
		w.done(nil) // it was deleted while we read
		return nil
	case c.err != nil && at != w.tree.drive && class == connector.Forbidden:
		w.whole = false
		w.ready = append(w.ready, item.Bundle{Item: w.tree.folder(at), CheckItems: -1, Unknown: []string{"folder.unreadable"}})
		w.done(nil)
		return nil
	case c.err != nil:
		return c.err
	}
	here := w.tree.folder(at)
	self := item.Bundle{Item: here, CheckItems: -1}
	var folders []string
	empty := true
	for _, info := range c.all {
		if ours(info.Name()) {
			continue
		}
		empty = false
		switch {
		case info.IsDir():
			folders = append(folders, connector.Below(at, info.Name()))
		case !info.Mode().IsRegular():
			self.Unknown = append(self.Unknown, "file."+special(info.Mode()))
		}
	}
	if empty && self.Item.Kind == item.Folder {
		item.Empty.Set(&self.Item, true)
	}
	if w.after == "" {
		w.ready = append(w.ready, self)
	}
	for _, info := range c.all {
		if !info.Mode().IsRegular() || ours(info.Name()) || info.Name() <= w.after {
			continue
		}
		it := file(connector.Below(at, info.Name()), here.Ref, info)
		w.ready = append(w.ready, item.Bundle{Item: it, CheckItems: -1})
		if len(w.ready) >= pageSize {
			w.after = info.Name()
			page := connector.Page{Bundles: w.ready, Next: w.cursor()}
			w.ready = nil
			if !yield(page, nil) {
				return errStop
			}
		}
	}
	w.done(folders)
	return nil
}

// done takes the folder that was read from those that wait, and adds the ones in it.
func (w *walk) done(folders []string) {
	w.waiting, w.after = append(w.waiting[:len(w.waiting)-1], folders...), ""
}

// cursor holds the folders to be read, each escaped, for names may be any bytes.
func (w *walk) cursor() connector.Cursor {
	parts := make([]string, len(w.waiting))
	for i, at := range w.waiting {
		parts[i] = url.PathEscape(at)
	}
	c := strings.Join(parts, " ")
	if w.after != "" {
		c += " ?" + url.PathEscape(w.after)
	}
	return connector.Cursor(c)
}

// resume goes on from a cursor.
func (w *walk) resume(from connector.Cursor) bool {
	w.waiting = nil
	for part := range strings.FieldsSeq(string(from)) {
		part, last := strings.CutPrefix(part, "?")
		name, err := url.PathUnescape(part)
		if err != nil {
			return false
		}
		if last {
			w.after = name
			continue
		}
		w.waiting = append(w.waiting, name)
	}
	return true
}
