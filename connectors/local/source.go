package local

import (
	"context"
	"errors"
	"io"
	"io/fs"
	"iter"
	"os"
	"path"
	"strconv"
	"strings"

	"github.com/rialto-migrate/rialto/connector"
	"github.com/rialto-migrate/rialto/connector/paths"
	"github.com/rialto-migrate/rialto/item"
)

// pageItems is about how many items a page holds, and how many names of a folder
// are held at once.
const pageItems = 1000

// Shards yields the folder of the settings.
func (c *cloud) Shards(context.Context) iter.Seq2[connector.Shard, error] {
	return func(yield func(connector.Shard, error) bool) {
		yield(connector.Shard{Ref: c.drive(), Name: path.Base(c.id), Bytes: -1, People: -1}, nil)
	}
}

// Locate: files have no addresses that people link to.
func (c *cloud) Locate(string) (string, bool) { return "", false }

func (c *cloud) drive() item.Ref { return item.Ref{Kind: item.Drive, ID: c.id} }

// within is the path of an id from the folder on; "." for the folder itself.
func (c *cloud) within(id string) (string, bool) {
	if id == c.id {
		return ".", true
	}
	rel, ok := strings.CutPrefix(id, strings.TrimSuffix(c.id, "/")+"/")
	return rel, ok && rel != ""
}

// List yields the folder's tree: each folder with what is said of all that lies in
// it, and its files when its turn comes. What is held is the names of folders that
// are still to be read. A listing cannot go on midway, for nothing keeps names in
// order: it begins anew.
func (c *cloud) List(ctx context.Context, s connector.Shard, _ connector.Cursor) iter.Seq2[connector.Page, error] {
	return func(yield func(connector.Page, error) bool) {
		l := &lister{cloud: c, yield: yield}
		if s.Ref != c.drive() {
			yield(connector.Page{}, connector.Errorf(connector.Gone, "there is no such folder in this connection"))
			return
		}
		drive := item.Item{Ref: c.drive(), Fields: item.Fields{}}
		if !l.folder(drive, ".") {
			return
		}
		for len(l.todo) > 0 {
			next := l.todo[len(l.todo)-1]
			l.todo = l.todo[:len(l.todo)-1]
			if ctx.Err() != nil {
				yield(connector.Page{}, &connector.Error{Class: connector.Transient, Reason: "stopped while listing", Err: context.Cause(ctx)})
				return
			}
			if !l.files(next) {
				return
			}
		}
		last := connector.Page{Bundles: l.out}
		if !l.partly {
			last.Whole = []item.Kind{item.Drive, item.Folder, item.File}
		}
		yield(last, nil)
	}
}

// A lister makes pages.
type lister struct {
	*cloud
	yield func(connector.Page, error) bool
	out   []item.Bundle
	todo  []string // folders to be read, by their paths
	// partly says that a folder could not be read: what it holds is not gone.
	partly bool
}

// add puts a bundle into the page, and hands a full page out. It returns false if
// the caller has enough.
func (l *lister) add(b item.Bundle) bool {
	l.out = append(l.out, b)
	if len(l.out) < pageItems {
		return true
	}
	p := connector.Page{Bundles: l.out}
	l.out = make([]item.Bundle, 0, pageItems)
	return l.yield(p, nil)
}

// fail ends the listing.
func (l *lister) fail(err error) bool {
	l.yield(connector.Page{}, err)
	return false
}

// folder adds a folder or the drive, and looks at what lies in it, for that has to
// be said with it: whether it is empty, and what is not carried.
func (l *lister) folder(it item.Item, at string) bool {
	b := item.Bundle{Item: it, CheckItems: -1}
	empty := true
	err := l.each(at, func(_ *os.Root, e fs.DirEntry) bool {
		if e.IsDir() || e.Type().IsRegular() {
			empty = false
			return true
		}
		b.Unknown = append(b.Unknown, "file."+paths.Special(e.Type()))
		return true
	})
	switch connector.ClassOf(err) {
	case connector.Gone, connector.Conflict:
		if at != "." {
			return true // it went since its parent was read
		}
	case connector.Forbidden:
		if at != "." {
			l.partly, empty = true, false
			b.Unknown = append(b.Unknown, "folder.unreadable")
			return l.add(b)
		}
	}
	if err != nil {
		return l.fail(err)
	}
	if it.Kind == item.Folder && empty {
		item.Empty.Set(&b.Item, true)
	}
	if !empty {
		l.todo = append(l.todo, at)
	}
	return l.add(b)
}

// files adds what lies in a folder.
func (l *lister) files(at string) bool {
	more := true
	parent := l.ref(at)
	err := l.each(at, func(dir *os.Root, e fs.DirEntry) bool {
		switch {
		case e.IsDir():
			more = l.folder(folderOf(parent, e.Name()), join(at, e.Name()))
		case e.Type().IsRegular():
			info, err := dir.Lstat(e.Name())
			if err == nil && info.Mode().IsRegular() {
				more = l.add(item.Bundle{Item: fileOf(parent, e.Name(), info), CheckItems: -1})
			} else if err != nil && !errors.Is(err, fs.ErrNotExist) {
				more = l.fail(failed("reading a file's size", err))
			}
		}
		return more
	})
	if !more {
		return false
	}
	switch connector.ClassOf(err) {
	case connector.Gone, connector.Conflict:
		return true
	case connector.Forbidden:
		l.partly = true
		return true
	}
	if err != nil {
		return l.fail(err)
	}
	return true
}

// ref is the container or folder at a path.
func (c *cloud) ref(at string) item.Ref {
	if at == "." {
		return c.drive()
	}
	return item.Ref{Kind: item.Folder, ID: connector.Below(c.id, at)}
}

func join(at, name string) string {
	if at == "." {
		return name
	}
	return at + "/" + name
}

// each calls f with what lies in a folder, some names at a time, until f returns
// false. The names come in no order.
func (c *cloud) each(at string, f func(*os.Root, fs.DirEntry) bool) error {
	dir, err := c.root.OpenRoot(at)
	if err != nil {
		return failed("opening a folder", err)
	}
	defer dir.Close()
	d, err := dir.Open(".")
	if err != nil {
		return failed("opening a folder", err)
	}
	defer d.Close()
	for {
		some, err := d.ReadDir(pageItems)
		for _, e := range some {
			if !f(dir, e) {
				return nil
			}
		}
		if isEnd(err) {
			return nil
		}
		if err != nil {
			return failed("reading a folder", err)
		}
	}
}

func folderOf(up item.Ref, name string) item.Item {
	it := item.Item{Ref: item.Ref{Kind: item.Folder, ID: connector.Below(up.ID, name)}, Parent: up, Fields: item.Fields{}}
	item.Name.Set(&it, name)
	return it
}

func fileOf(up item.Ref, name string, info fs.FileInfo) item.Item {
	it := item.Item{Ref: item.Ref{Kind: item.File, ID: connector.Below(up.ID, name)}, Parent: up, Fields: make(item.Fields, 2)}
	item.Name.Set(&it, name)
	item.Modified.Set(&it, info.ModTime().UTC())
	it.Blob = &item.Blob{Ref: it.Ref, Parent: up, Version: version(info), Bytes: info.Size()}
	return it
}

// version changes when the bytes do, unless a program sets a file's time back and
// keeps its size.
func version(info fs.FileInfo) string {
	return strconv.FormatInt(info.Size(), 36) + "-" + strconv.FormatInt(info.ModTime().Unix(), 36) + "-" + strconv.FormatInt(int64(info.ModTime().Nanosecond()), 36)
}

// Fetch yields items as they are now.
func (c *cloud) Fetch(_ context.Context, _ connector.Shard, refs []item.Ref) iter.Seq2[item.Bundle, error] {
	return func(yield func(item.Bundle, error) bool) {
		for _, r := range refs {
			b, err := c.fetch(r)
			if err != nil || b != nil && !yield(*b, nil) {
				if err != nil {
					yield(item.Bundle{}, err)
				}
				return
			}
		}
	}
}

// fetch returns one item, nil if it is gone.
func (c *cloud) fetch(r item.Ref) (*item.Bundle, error) {
	at, ok := c.within(r.ID)
	if !ok {
		return nil, nil
	}
	if r.Kind == item.Drive {
		return &item.Bundle{Item: item.Item{Ref: c.drive(), Fields: item.Fields{}}, CheckItems: -1}, nil
	}
	info, err := c.root.Lstat(at)
	if err != nil {
		if e := failed("looking at a file", err); e.Class != connector.Gone && e.Class != connector.Conflict {
			return nil, e
		}
		return nil, nil
	}
	up, name := c.drive(), at
	if i := strings.LastIndexByte(at, '/'); i >= 0 {
		up, name = c.ref(at[:i]), at[i+1:]
	}
	switch {
	case r.Kind == item.File && info.Mode().IsRegular():
		return &item.Bundle{Item: fileOf(up, name, info), CheckItems: -1}, nil
	case r.Kind == item.Folder && info.IsDir():
		var found *item.Bundle
		l := &lister{cloud: c, yield: func(connector.Page, error) bool { return false }}
		if l.folder(folderOf(up, name), at); len(l.out) > 0 {
			found = &l.out[0]
		}
		return found, nil
	}
	return nil, nil
}

// Open opens a file that is still the one that was listed.
func (c *cloud) Open(_ context.Context, b item.Blob, offset, n int64) (io.ReadCloser, error) {
	at, ok := c.within(b.Ref.ID)
	if !ok {
		return nil, connector.Errorf(connector.Gone, "opening a file: it is not of this folder")
	}
	f, err := c.root.OpenFile(at, os.O_RDONLY|openFlags, 0)
	if err != nil {
		return nil, failed("opening a file", err)
	}
	r := &reading{f: f, version: b.Version, left: n}
	err = r.unchanged()
	if err == nil {
		err = c.itself(at, f)
	}
	if err != nil {
		f.Close()
		return nil, err
	}
	if _, err := f.Seek(offset, io.SeekStart); err != nil {
		f.Close()
		return nil, failed("reading a file", err)
	}
	return r, nil
}

// itself makes sure that a path was no link to the file that was opened by it.
func (c *cloud) itself(at string, f *os.File) error {
	opened, err := f.Stat()
	if err != nil {
		return failed("opening a file", err)
	}
	named, err := c.root.Lstat(at)
	if err != nil {
		return failed("opening a file", err)
	}
	if !os.SameFile(opened, named) {
		return connector.Errorf(connector.Conflict, "a file changed since it was listed").WithHint("run again: it moves as it is then")
	}
	return nil
}

// A reading reads a stretch of a file, and fails at its end if the file changed
// meanwhile.
type reading struct {
	f       *os.File
	version string
	left    int64 // -1: to the end
}

func (r *reading) unchanged() error {
	info, err := r.f.Stat()
	if err != nil {
		return failed("reading a file", err)
	}
	if !info.Mode().IsRegular() || version(info) != r.version {
		return connector.Errorf(connector.Conflict, "a file changed since it was listed").WithHint("run again: it moves as it is then")
	}
	return nil
}

func (r *reading) Read(p []byte) (int, error) {
	if r.left >= 0 {
		p = p[:min(int64(len(p)), r.left)]
	}
	if len(p) == 0 && r.left != 0 {
		return 0, nil
	}
	n, err := 0, io.EOF
	if len(p) > 0 {
		n, err = r.f.Read(p)
	}
	if r.left > 0 {
		r.left -= int64(n)
	}
	switch {
	case err == io.EOF:
		if changed := r.unchanged(); changed != nil {
			return n, changed
		}
		return n, io.EOF
	case err != nil:
		return n, failed("reading a file", err)
	}
	return n, nil
}

func (r *reading) Close() error { return r.f.Close() }
