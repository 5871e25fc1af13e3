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
	"github.com/rialto-migrate/rialto/connector/paths"
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
	connector.Folders
	lines   []*lineage // of those that wait; nil where it is not known
	tree    paths.Tree
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

func newWalk(c *cloud, t paths.Tree) *walk {
	return &walk{cloud: c, tree: t, Folders: connector.Folders{Waiting: []string{t.Drive}}, lines: []*lineage{nil}, whole: true, reading: map[string]chan contents{}}
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
			all, more, err := w.begin(ctx, at)
			r <- contents{all, more, err}
		}()
	}
	at := w.Waiting[len(w.Waiting)-1]
	c := <-w.reading[at]
	delete(w.reading, at)
	return at, c
}

// folder adds the next folder and its files to what is ready, and yields the pages
// that fill up meanwhile.
func (w *walk) folder(ctx context.Context, yield func(connector.Page, error) bool) error {
	at, c := w.next(ctx)
	switch class := connector.ClassOf(c.err); {
	case c.err != nil && at != w.tree.Drive && class == connector.Gone:
		w.done(nil, nil) // it was deleted while we read
		return nil
	case c.err != nil && at != w.tree.Drive && (class == connector.Forbidden || class == connector.Unsupported):
		w.whole = false
		w.ready = append(w.ready, item.Bundle{Item: w.tree.Folder(at), CheckItems: -1, Unknown: []string{"folder.unreadable"}})
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
	here := w.tree.Folder(at)
	self := item.Bundle{Item: here, CheckItems: -1}
	above := w.lines[len(w.lines)-1]
	var folders []string
	var lines []*lineage
	skip := w.After != "" && c.more != nil
	if skip {
		w.whole = false // what came and went there meanwhile may be missed
	}
	last, before := w.After, w.After // before is the file that came last
	for first := true; ; first = false {
		var unknown []string
		var files []*smb2.FileStat
		empty := true
		for _, info := range c.all {
			empty = empty && paths.Ours(info.FileName)
			switch why := w.left(ctx, at, info); {
			case paths.Ours(info.FileName):
			case why != "":
				unknown = append(unknown, why)
			case isDir(info):
				folders, lines = append(folders, connector.Below(at, info.FileName)), append(lines, &lineage{info.FileId, above})
			default:
				files = append(files, info)
			}
		}
		if first && w.After == "" {
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
				w.After = before
				page := connector.Page{Bundles: w.ready[:n:n], Next: w.Cursor()}
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
		w.After = ""
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
	w.lines = append(w.lines[:len(w.Waiting)-1], lines...)
	w.Done(folders)
}

// resume goes on from a cursor.
func (w *walk) resume(from connector.Cursor) (ok bool) {
	w.Folders, ok = connector.ReadFolders(from)
	w.lines = make([]*lineage, len(w.Waiting))
	return ok
}

func sortEntries(all []*smb2.FileStat) {
	slices.SortFunc(all, func(a, b *smb2.FileStat) int { return strings.Compare(a.FileName, b.FileName) })
}
