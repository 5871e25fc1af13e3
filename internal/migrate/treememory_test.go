package migrate

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"iter"
	"maps"
	"path"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/rialto-migrate/rialto/connector"
	"github.com/rialto-migrate/rialto/item"
)

// tree is a server of files in memory whose ids are paths: a source and a target
// without a vendor, for tests of the engine alone.
type tree struct {
	caps connector.Capabilities
	root string

	mu     sync.Mutex
	nodes  map[string]*node // by path, the root among them
	next   int
	writes int
	reads  int                            // blobs that were opened
	answer func(c connector.Change) error // called after a write was carried out; an error is what the caller sees

	mute   bool             // it tells nothing that bytes hash to
	brief  bool             // a listing tells versions alone
	untold map[string]error // what asking for a path fails with
	asked  int              // items that were asked for

	onWrite func(c connector.Change) error                // called before a change is carried out
	onOpen  func(name string, r io.Reader) io.Reader      // what a reader of a file's bytes gets
	onList  func(pages []connector.Page) []connector.Page // what a listing yields

	uploads map[string]map[int64][]byte // by session: parts by their offset
	puts    int                         // parts that were uploaded
	onPut   func(n int) error           // called before a part is taken, with how many were before
}

type node struct {
	folder   bool
	data     []byte
	version  int
	modified time.Time
}

func newTree(root string) *tree {
	lost := map[string]string{item.MediaType.Name: "it has none", item.Metadata.Name: "it has none", item.Created.Name: "it tells none", item.Author.Name: "it tells none",
		item.SpecialUse.Name: "it has none", item.Subscribed.Name: "it has none"}
	kind := func(batch int, fields ...string) connector.KindCaps {
		k := connector.KindCaps{Fields: map[string]connector.FieldCaps{}, Lost: lost, Batch: batch, Undo: connector.UndoExact}
		for _, f := range fields {
			k.Fields[f] = connector.FieldCaps{}
		}
		return k
	}
	folder := kind(10, item.FileName.Name)
	folder.Fields[item.Empty.Name] = connector.FieldCaps{Told: true}
	return &tree{root: root, nodes: map[string]*node{root: {folder: true}}, caps: connector.Capabilities{Paths: true, Kinds: map[item.Kind]connector.KindCaps{
		item.Drive: kind(1, item.Name.Name), item.Folder: folder, item.File: kind(8, item.FileName.Name, item.Content.Name, item.Modified.Name)}}}
}

// put writes a file as a person would, with the folders above it.
func (f *tree) put(name, text string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	at := f.root + "/" + name
	for dir := path.Dir(at); f.nodes[dir] == nil; dir = path.Dir(dir) {
		f.nodes[dir] = &node{folder: true}
	}
	f.next++
	f.nodes[at] = &node{data: []byte(text), version: f.next, modified: time.Date(2026, 1, 1, 0, 0, f.next, 0, time.UTC)}
}

func (f *tree) drop(name string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for p := range f.nodes {
		if p == f.root+"/"+name || strings.HasPrefix(p, f.root+"/"+name+"/") {
			delete(f.nodes, p)
		}
	}
}

// all is what the tree holds: the text of each file by its path below the root, and
// "/" for a folder.
func (f *tree) all() map[string]string {
	f.mu.Lock()
	defer f.mu.Unlock()
	out := map[string]string{}
	for p, n := range f.nodes {
		name := strings.TrimPrefix(p, f.root)
		switch {
		case name == "":
		case n.folder:
			out[name[1:]] = "/"
		default:
			out[name[1:]] = string(n.data)
		}
	}
	return out
}

func (f *tree) bundle(p string) (item.Bundle, bool) {
	n := f.nodes[p]
	if n == nil {
		return item.Bundle{}, false
	}
	it := item.Item{Ref: item.Ref{Kind: item.File, ID: p}, Fields: item.Fields{}}
	switch {
	case p == f.root:
		it.Kind = item.Drive
		return item.Bundle{Item: it, CheckItems: -1}, true
	case n.folder:
		it.Kind = item.Folder
	default:
		item.Modified.Set(&it, n.modified)
		sum := sha256.Sum256(n.data)
		it.Blob = &item.Blob{Ref: it.Ref, Version: fmt.Sprint(n.version), Bytes: int64(len(n.data)), Sums: []item.Sum{{Algorithm: "sha256", Hex: hex.EncodeToString(sum[:])}}}
	}
	if f.mute && it.Blob != nil {
		it.Blob.Sums = nil
	}
	it.Parent = item.Ref{Kind: item.Folder, ID: path.Dir(p)}
	if it.Parent.ID == f.root {
		it.Parent.Kind = item.Drive
	}
	if it.Blob != nil {
		it.Blob.Parent = it.Parent
	}
	item.FileName.Set(&it, path.Base(p))
	return item.Bundle{Item: it, CheckItems: -1}, true
}

func (f *tree) Check(context.Context) (connector.Identity, error) { return connector.Identity{}, nil }
func (f *tree) Close() error                                      { return nil }
func (f *tree) Source(context.Context) (connector.Source, error)  { return f, nil }
func (f *tree) Target(context.Context, string) (connector.Target, error) {
	return treeTarget{f}, nil
}

func (f *tree) Shards(context.Context) iter.Seq2[connector.Shard, error] {
	return func(yield func(connector.Shard, error) bool) {
		yield(connector.Shard{Ref: item.Ref{Kind: item.Drive, ID: f.root}, People: -1, Bytes: -1}, nil)
	}
}

func (f *tree) List(_ context.Context, s connector.Shard, _ connector.Cursor) iter.Seq2[connector.Page, error] {
	return func(yield func(connector.Page, error) bool) {
		f.mu.Lock()
		var page connector.Page
		for _, p := range slices.Sorted(maps.Keys(f.nodes)) {
			b, _ := f.bundle(p)
			if f.brief && b.Item.Kind == item.File {
				b.Item.Brief, b.Item.Version = true, b.Item.Blob.Version+" "+item.Modified.Get(b.Item).String()
				delete(b.Item.Fields, item.Modified.Name)
			}
			page.Bundles = append(page.Bundles, b)
		}
		f.mu.Unlock()
		var pages []connector.Page
		for len(page.Bundles) > 7 {
			pages = append(pages, connector.Page{Bundles: page.Bundles[:7]})
			page.Bundles = page.Bundles[7:]
		}
		page.Whole = []item.Kind{item.Drive, item.Folder, item.File}
		pages = append(pages, page)
		if f.onList != nil {
			pages = f.onList(pages)
		}
		for _, p := range pages {
			if !yield(p, nil) {
				return
			}
		}
	}
}

func (f *tree) fetch(refs []item.Ref) iter.Seq2[item.Bundle, error] {
	return func(yield func(item.Bundle, error) bool) {
		for _, r := range refs {
			f.mu.Lock()
			b, ok := f.bundle(r.ID)
			f.asked++
			err := f.untold[r.ID]
			f.mu.Unlock()
			if err != nil {
				yield(item.Bundle{}, err)
				return
			}
			if ok && !yield(b, nil) {
				return
			}
		}
	}
}

func (f *tree) Fetch(_ context.Context, _ connector.Shard, refs []item.Ref) iter.Seq2[item.Bundle, error] {
	return f.fetch(refs)
}

func (f *tree) Open(_ context.Context, b item.Blob, offset, n int64) (io.ReadCloser, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.reads++
	at := f.nodes[b.Ref.ID]
	if at == nil || b.Version != "" && fmt.Sprint(at.version) != b.Version {
		return nil, connector.Errorf(connector.Conflict, "the file changed since it was listed")
	}
	data := at.data[offset:]
	if n >= 0 {
		data = data[:n]
	}
	if f.onOpen != nil {
		return io.NopCloser(f.onOpen(path.Base(b.Ref.ID), bytes.NewReader(data))), nil
	}
	return io.NopCloser(bytes.NewReader(data)), nil
}

func (f *tree) Locate(string) (string, bool) { return "", false }

// inParts has files from so many bytes on go in parts of so many.
func (f *tree) inParts(from, each int64) {
	k := f.caps.Kinds[item.File]
	k.Parts = &connector.PartCaps{From: from, Least: 1, Most: each}
	f.caps.Kinds[item.File], f.uploads = k, map[string]map[int64][]byte{}
}

func (f *tree) Begin(_ context.Context, c connector.Change) (string, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.next++
	session := fmt.Sprintf("https://up.test/%s?secret=%d", item.FileName.Get(c.Item), f.next)
	f.uploads[session] = map[int64][]byte{}
	return session, nil
}

func (f *tree) Held(_ context.Context, session string) (held []connector.UploadPart, err error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	up := f.uploads[session]
	if up == nil {
		return nil, connector.Errorf(connector.Gone, "there is no such upload")
	}
	for at, data := range up {
		held = append(held, connector.UploadPart{Offset: at, Bytes: int64(len(data)), Tag: fmt.Sprint(len(data))})
	}
	return held, nil
}

func (f *tree) Put(_ context.Context, session string, p connector.UploadPart, r io.Reader) (connector.UploadPart, error) {
	data, err := io.ReadAll(r)
	if err != nil {
		return p, err
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.onPut != nil {
		if err := f.onPut(f.puts); err != nil {
			return p, err
		}
	}
	f.puts++
	f.uploads[session][p.Offset] = data
	p.Tag = fmt.Sprint(len(data))
	return p, nil
}

func (f *tree) Commit(_ context.Context, session string, c connector.Change, parts []connector.UploadPart) connector.Result {
	f.mu.Lock()
	up := f.uploads[session]
	var whole []byte
	for _, p := range parts {
		if p.Tag != fmt.Sprint(len(up[p.Offset])) {
			f.mu.Unlock()
			return connector.Result{Err: connector.Errorf(connector.Permanent, "a part is missing")}
		}
		whole = append(whole, up[p.Offset]...)
	}
	delete(f.uploads, session)
	f.mu.Unlock()
	return treeTarget{f}.write(c, func(item.Blob, int64, int64) (io.ReadCloser, error) {
		return io.NopCloser(bytes.NewReader(whole)), nil
	})
}

func (f *tree) Abort(_ context.Context, session string) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	delete(f.uploads, session)
	return nil
}

// A treeTarget is a tree as a target; it differs in Fetch.
type treeTarget struct{ *tree }

func (f treeTarget) Fetch(_ context.Context, _ item.Ref, refs []item.Ref) iter.Seq2[item.Bundle, error] {
	return f.fetch(refs)
}

func (f treeTarget) Write(ctx context.Context, changes []connector.Change, open item.Opener) iter.Seq2[connector.Result, error] {
	return connector.Each(ctx, changes, 4, func(_ context.Context, c connector.Change) connector.Result {
		if f.onWrite != nil {
			if err := f.onWrite(c); err != nil {
				return connector.Result{Err: err}
			}
		}
		r := f.write(c, open)
		if r.Err == nil && f.answer != nil {
			r.Err = f.answer(c)
		}
		return r
	})
}

func (f treeTarget) write(c connector.Change, open item.Opener) (r connector.Result) {
	var data []byte
	bytesToo := c.Item.Kind == item.File && (c.Op == connector.Create || len(c.Dirty) == 0 || slices.Contains(c.Dirty, item.Content.Name))
	if bytesToo {
		body, err := open(*c.Item.Blob, 0, -1)
		if err == nil {
			data, err = io.ReadAll(body)
		}
		if err != nil {
			return connector.Result{Err: err}
		}
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	at := c.Item.ID
	if c.Op == connector.Create {
		at = connector.Below(c.Item.Parent.ID, item.FileName.Get(c.Item))
		if c.Item.Kind == item.Drive {
			at = f.root
		}
		if there := f.nodes[at]; there != nil {
			if there.folder != (c.Item.Kind != item.File) || !there.folder && !bytes.Equal(there.data, data) {
				return connector.Result{Err: connector.Errorf(connector.Conflict, "something else stands there")}
			}
			r.Stored, _ = f.bundle(at)
			r.Adopted = true
			return r
		}
		if f.nodes[path.Dir(at)] == nil {
			return connector.Result{Err: connector.Errorf(connector.Permanent, "its folder is missing")}
		}
		f.nodes[at] = &node{folder: c.Item.Kind == item.Folder}
	}
	f.writes++
	if c.Moved {
		to := connector.Below(c.Item.Parent.ID, item.FileName.Get(c.Item))
		if f.nodes[to] != nil {
			return connector.Result{Err: connector.Errorf(connector.Conflict, "something else stands there")}
		}
		f.nodes[to] = f.nodes[at]
		delete(f.nodes, at)
		at = to
	}
	n := f.nodes[at]
	if bytesToo {
		f.next++
		n.data, n.version = data, f.next
	}
	n.modified = item.Modified.Get(c.Item)
	r.Stored, _ = f.bundle(at)
	return r
}

func (f treeTarget) Delete(_ context.Context, _, ref item.Ref, accept func(item.Bundle) bool) (bool, error) {
	f.mu.Lock()
	b, ok := f.bundle(ref.ID)
	f.mu.Unlock()
	if !ok {
		return true, nil
	}
	if !accept(b) {
		return false, nil
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	for p := range f.nodes {
		if strings.HasPrefix(p, ref.ID+"/") {
			return false, connector.Errorf(connector.Conflict, "the folder is not empty")
		}
	}
	delete(f.nodes, ref.ID)
	return true, nil
}

func (treeTarget) Find(context.Context, item.Ref, time.Time) iter.Seq2[connector.Found, error] {
	return func(func(connector.Found, error) bool) {}
}
func (treeTarget) Carrier(item.Kind, string) string       { return "" }
func (treeTarget) Finish(context.Context, item.Ref) error { return nil }
func (treeTarget) Link(item.Ref, item.Ref) string         { return "" }
func (treeTarget) Members(context.Context) iter.Seq2[item.Item, error] {
	return func(func(item.Item, error) bool) {}
}
