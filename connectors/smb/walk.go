package smb

import (
	"context"
	"errors"
	"io"
	"slices"
	"strings"
	"unicode/utf8"

	smb2 "github.com/cloudsoda/go-smb2"

	"github.com/rialto-migrate/rialto/connector"
	"github.com/rialto-migrate/rialto/item"
)

const (
	// pageSize is about how many items a page of a listing holds.
	pageSize = 1000
	// ahead is how many folders are read before their turn: each takes some round
	// trips.
	ahead = 8
	// small is how many entries of a folder are read at once: larger ones are read
	// piece by piece when it is their turn.
	small = 400
)

// A walk is a listing under way.
type walk struct {
	*cloud
	tree    tree
	waiting []string   // folders to be read, the next one last
	lines   []*lineage // of waiting; nil where it is not known
	after   string     // the name in the next folder that was given out last; "" before the first
	ready   []item.Bundle
	whole   bool // nothing was left out
	reading map[string]chan contents
}

// A lineage is a folder with those above it, by the server's numbers: Samba follows
// links by itself, and one that leads to a folder above has no end.
type lineage struct {
	id    uint64
	above *lineage
}

func (l *lineage) has(id uint64) bool {
	for ; l != nil; l = l.above {
		if l.id == id {
			return id != 0
		}
	}
	return false
}

// contents are a folder as it was read.
type contents struct {
	all  []*smb2.FileStat // sorted, unless there is more
	more *reading         // the rest of a large folder; nil if that was all
	err  error
}

var errStop = errors.New("the listing is wanted no more")

func newWalk(c *cloud, t tree) *walk {
	return &walk{cloud: c, tree: t, waiting: []string{t.drive}, lines: []*lineage{nil}, whole: true, reading: map[string]chan contents{}}
}

// pages yields the listing to its end.
func (w *walk) pages(ctx context.Context, yield func(connector.Page, error) bool) {
	ctx, end := context.WithCancel(ctx)
	defer func() {
		end()
		for _, r := range w.reading {
			if c := <-r; c.more != nil {
				c.more.close()
			}
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
			all, more, err := w.begin(ctx, at)
			r <- contents{all, more, err}
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
		w.done(nil, nil) // it was deleted while we read
		return nil
	case c.err != nil && at != w.tree.drive && (class == connector.Forbidden || class == connector.Unsupported):
		w.whole = false
		w.ready = append(w.ready, item.Bundle{Item: w.tree.folder(at), CheckItems: -1, Unknown: []string{"folder.unreadable"}})
		w.done(nil, nil)
		return nil
	case c.err != nil:
		return c.err
	}
	err := w.read(ctx, at, c, yield)
	if c.more != nil {
		c.more.close()
	}
	return err
}

// left names what of an entry is not carried, "" if it is.
func (w *walk) left(ctx context.Context, at string, info *smb2.FileStat) string {
	switch what := special(info); {
	case !w.named(ctx, at, info):
		w.whole = false // it may be known by another name
		return "file.unnamable"
	case what != "":
		return "file." + what
	case isDir(info) && w.lines[len(w.lines)-1].has(info.FileId):
		return "folder.loop"
	}
	return ""
}

// named reports whether an entry can be asked for by the name that it is listed with.
// Samba lists some that no client can name; and of a name with half a surrogate, which
// Windows takes, we are given a replacement character in that one's place, with which
// it is not found.
func (w *walk) named(ctx context.Context, at string, info *smb2.FileStat) bool {
	if legal(info.FileName) != nil {
		return false
	}
	if !strings.ContainsRune(info.FileName, utf8.RuneError) {
		return true
	}
	share, inner := split(connector.Below(at, info.FileName))
	var id uint64
	err := w.pool.do(ctx, "QUERY_INFO {object}", share, true, func(s *smb2.Share) (err error) {
		id, err = number(s, inner)
		return err
	})
	return err == nil && id == info.FileId
}

// read lists a folder that could be opened. A large one goes on behind the name that
// came last, which it looks for; if that is gone, all come again.
func (w *walk) read(ctx context.Context, at string, c contents, yield func(connector.Page, error) bool) error {
	here := w.tree.folder(at)
	self := item.Bundle{Item: here, CheckItems: -1}
	above := w.lines[len(w.lines)-1]
	var folders []string
	var lines []*lineage
	skip := w.after != "" && c.more != nil
	if skip {
		w.whole = false // what came and went there meanwhile may be missed
	}
	last, before := w.after, w.after // before is the file that came last
	for first := true; ; first = false {
		var unknown []string
		var files []*smb2.FileStat
		empty := true
		for _, info := range c.all {
			empty = empty && ours(info.FileName)
			switch why := w.left(ctx, at, info); {
			case ours(info.FileName):
			case why != "":
				unknown = append(unknown, why)
			case isDir(info):
				folders, lines = append(folders, connector.Below(at, info.FileName)), append(lines, &lineage{info.FileId, above})
			default:
				files = append(files, info)
			}
		}
		if first && w.after == "" {
			if empty && c.more == nil && self.Item.Kind == item.Folder {
				item.Empty.Set(&self.Item, true)
			}
			self.Unknown, unknown = unknown, nil
			w.ready = append(w.ready, self)
		}
		for _, info := range files {
			switch {
			case c.more == nil && info.FileName <= last && last != "":
				continue
			case skip:
				skip = info.FileName != last
				continue
			}
			w.ready = append(w.ready, item.Bundle{Item: file(connector.Below(at, info.FileName), here.Ref, info), CheckItems: -1})
			// One stays behind, to say what else a large folder holds.
			if n := len(w.ready) - 1; n >= pageSize {
				w.after = before
				page := connector.Page{Bundles: w.ready[:n:n], Next: w.cursor()}
				w.ready = []item.Bundle{w.ready[n]}
				if !yield(page, nil) {
					return errStop
				}
			}
			before = info.FileName
		}
		if n := len(w.ready); n > 0 && !skip {
			w.ready[n-1].Unknown = append(w.ready[n-1].Unknown, unknown...)
		}
		if c.more == nil {
			break
		}
		if ctx.Err() != nil {
			return &connector.Error{Class: connector.Transient, Reason: "QUERY_DIRECTORY {folder}: stopped", Err: context.Cause(ctx)}
		}
		some, err := c.more.next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return classed(ctx, "QUERY_DIRECTORY {folder}", err)
		}
		c.all = some
	}
	if skip {
		w.after = ""
		all, more, err := w.begin(ctx, at)
		if err != nil {
			return err
		}
		if more != nil {
			defer more.close()
		}
		return w.read(ctx, at, contents{all: all, more: more}, yield)
	}
	w.done(folders, lines)
	return nil
}

// done takes the folder that was read from those that wait, and adds the ones in it.
func (w *walk) done(folders []string, lines []*lineage) {
	n := len(w.waiting) - 1
	w.waiting, w.lines, w.after = append(w.waiting[:n], folders...), append(w.lines[:n], lines...), ""
}

// cursor is how far the walk came.
func (w *walk) cursor() connector.Cursor {
	return connector.Folders{Waiting: w.waiting, After: w.after}.Cursor()
}

// resume goes on from a cursor.
func (w *walk) resume(from connector.Cursor) bool {
	read, ok := connector.ReadFolders(from)
	w.waiting, w.after, w.lines = read.Waiting, read.After, make([]*lineage, len(read.Waiting))
	return ok
}

func sortEntries(all []*smb2.FileStat) {
	slices.SortFunc(all, func(a, b *smb2.FileStat) int { return strings.Compare(a.FileName, b.FileName) })
}
