package s3

import (
	"strings"

	"github.com/rialto-migrate/rialto/connector"
	"github.com/rialto-migrate/rialto/item"
)

// A walk makes folders and files of keys that come in the order of their bytes:
// all that begins with a folder's name and a slash comes in a row, so that only
// the folders above the last key are held.
type walk struct {
	container item.Ref
	prefix    string   // of the container's keys
	dir       string   // what the last key had between the prefix and its name: "a/b/"
	folders   []string // the ids of the folders of dir, from the outermost on
	// marked is the key of an object that stands for a folder, until the next key
	// tells whether anything lies in it: its bundle is the last of those made.
	marked string
	out    []item.Bundle
}

func newWalk(container item.Ref) *walk {
	_, prefix := below(container.ID)
	return &walk{container: container, prefix: prefix}
}

// page adds a page. trust says that an ETag that looks like an MD5 is one, brief that
// more is told of an object than a listing does.
func (w *walk) page(p page, trust, brief bool) {
	w.out = append(make([]item.Bundle, 0, len(w.out)+len(p.entries)+8), w.out...)
	for _, e := range p.entries {
		it := w.take(e)
		if it == nil {
			continue
		}
		if brief {
			it.Brief, it.Version = true, version(e)
		}
		if trust && isMD5(e.etag) {
			it.Blob.Sums = []item.Sum{{Algorithm: md5Sum, Hex: e.etag}}
		}
	}
}

// take adds an entry, behind the folders that it lies in and the last one did not.
// It returns the item of the entry if that is a file.
func (w *walk) take(e entry) *item.Item {
	rel := e.key[len(w.prefix):]
	if w.marked != "" {
		w.settle(!strings.HasPrefix(e.key, w.marked))
	}
	slash := strings.LastIndexByte(rel, '/') + 1
	if rel[:slash] != w.dir {
		w.enter(rel[:slash])
	}
	if slash == len(rel) && e.size == 0 {
		if slash > 0 && len(w.out) > 0 && w.out[len(w.out)-1].Item.Ref == (item.Ref{Kind: item.Folder, ID: w.folders[len(w.folders)-1]}) {
			w.marked = e.key
		}
		return nil
	}
	up := w.container
	if n := len(w.folders); n > 0 {
		up = item.Ref{Kind: item.Folder, ID: w.folders[n-1]}
	}
	w.out = append(w.out, item.Bundle{Item: fileOf(up, rel[slash:], e), CheckItems: -1})
	return &w.out[len(w.out)-1].Item
}

// settle says of the folder that an object stood for whether it is empty.
func (w *walk) settle(empty bool) {
	if empty {
		item.Empty.Set(&w.out[len(w.out)-1].Item, true)
	}
	w.marked = ""
}

// enter makes the folders of dir that are not above the last key.
func (w *walk) enter(dir string) {
	names := strings.Split(dir, "/")
	names = names[:len(names)-1]
	before := strings.Split(w.dir, "/")
	before = before[:len(before)-1]
	same := 0
	for same < len(names) && same < len(before) && names[same] == before[same] {
		same++
	}
	w.folders = w.folders[:same]
	for _, name := range names[same:] {
		up := w.container
		if n := len(w.folders); n > 0 {
			up = item.Ref{Kind: item.Folder, ID: w.folders[n-1]}
		}
		f := folderOf(up, name)
		w.folders = append(w.folders, f.ID)
		w.out = append(w.out, item.Bundle{Item: f, CheckItems: -1})
	}
	w.dir = strings.Clone(dir)
}

// folderOf is a folder in another, or in a container.
func folderOf(up item.Ref, name string) item.Item {
	it := item.Item{Ref: item.Ref{Kind: item.Folder, ID: connector.Below(up.ID, name)}, Parent: up, Fields: item.Fields{}}
	item.Name.Set(&it, name)
	return it
}

// fileOf is a file as a listing tells of it.
func fileOf(up item.Ref, name string, e entry) item.Item {
	it := item.Item{Ref: item.Ref{Kind: item.File, ID: connector.Below(up.ID, name)}, Parent: up, Fields: make(item.Fields, 2)}
	item.Name.Set(&it, name)
	if !e.modified.IsZero() {
		item.Modified.Set(&it, e.modified)
	}
	it.Blob = &item.Blob{Ref: it.Ref, Parent: up, Version: e.etag, Bytes: e.size}
	return it
}
