package migrate

import (
	"bytes"
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"iter"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/rialto-migrate/rialto/connector"
	"github.com/rialto-migrate/rialto/item"
)

// shelf is a cloud of files in memory whose ids are its own, as those of Google Drive
// and OneDrive are: what is renamed or put elsewhere keeps its id.
type shelf struct {
	name string
	caps connector.Capabilities
	same func(a, b string) bool // whether two names are one to it

	mu      sync.Mutex
	nodes   map[string]*book // by id; the root is "root"
	next    int
	writes  int
	reads   int
	members []item.Item
	order   []string // ids in the order in which a listing yields them; nil for that of their making
}

type book struct {
	kind    item.Kind
	in      string
	name    string
	data    []byte
	version int
	grants  []item.Grant
	leads   string
	mark    string
}

func newShelf(name string) *shelf {
	lost := map[string]string{item.MediaType.Name: "none", item.Metadata.Name: "none", item.Created.Name: "none", item.Author.Name: "none",
		item.SpecialUse.Name: "none", item.Subscribed.Name: "none", item.Description.Name: "none", item.Modified.Name: "none", item.Empty.Name: "none"}
	kind := func(batch int, fields ...string) connector.KindCaps {
		k := connector.KindCaps{Fields: map[string]connector.FieldCaps{}, Lost: lost, Batch: batch, Undo: connector.UndoExact, Moves: true, Carrier: "a property"}
		for _, f := range fields {
			k.Fields[f] = connector.FieldCaps{}
		}
		return k
	}
	s := &shelf{name: name, same: func(a, b string) bool { return a == b }, nodes: map[string]*book{"root": {kind: item.Drive, name: name}}}
	s.caps = connector.Capabilities{Kinds: map[item.Kind]connector.KindCaps{
		item.Drive: kind(1, item.Name.Name), item.Folder: kind(10, item.FileName.Name, item.Permissions.Name),
		item.File:     kind(8, item.FileName.Name, item.Content.Name, item.Permissions.Name),
		item.Shortcut: kind(8, item.FileName.Name, item.LeadsTo.Name), item.Member: kind(1)}}
	s.caps.Kinds[item.Shortcut].Fields[item.LeadsTo.Name] = connector.FieldCaps{Inside: true, Fixed: true}
	for _, k := range []item.Kind{item.Folder, item.File} {
		s.caps.Kinds[k].Fields[item.Permissions.Name] = connector.FieldCaps{Values: []string{item.Reads, item.Writes}}
	}
	s.rules(&connector.NameCaps{})
	return s
}

// rules sets what the shelf asks of names.
func (s *shelf) rules(n *connector.NameCaps) *shelf {
	for _, k := range []item.Kind{item.Folder, item.File, item.Shortcut} {
		s.caps.Kinds[k].Fields[item.FileName.Name] = connector.FieldCaps{Names: n, Why: "the shelf's rules"}
	}
	if n.Folds {
		s.same = strings.EqualFold
	}
	if n.Twins {
		s.same = func(string, string) bool { return false }
	}
	return s
}

// put makes a folder, where the name ends with a slash, or a file, as a person would,
// and returns its id.
func (s *shelf) put(in, name, text string) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	b := &book{kind: item.File, in: in, name: name, data: []byte(text)}
	if dir, ok := strings.CutSuffix(name, "/"); ok {
		b.kind, b.name, b.data = item.Folder, dir, nil
	}
	return s.add(b)
}

func (s *shelf) add(b *book) string {
	s.next++
	b.version = s.next
	id := fmt.Sprintf("%s%d", s.name, s.next)
	s.nodes[id] = b
	return id
}

// edit changes something as a person would.
func (s *shelf) edit(id string, change func(*book)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	change(s.nodes[id])
}

func (s *shelf) drop(id string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.nodes, id)
}

// all is what the shelf holds: texts by paths, "/" for a folder, and for a shortcut the
// path that it leads to. Of twins the path of the second ends with its id.
func (s *shelf) all() map[string]string {
	s.mu.Lock()
	defer s.mu.Unlock()
	out := map[string]string{}
	for _, id := range s.ids() {
		b := s.nodes[id]
		p := s.path(id)
		if _, twice := out[p]; twice {
			p += " " + id
		}
		switch b.kind {
		case item.Drive:
		case item.Folder:
			out[p] = "/"
		case item.Shortcut:
			out[p] = "-> " + s.path(strings.TrimPrefix(b.leads, s.address("")))
		default:
			out[p] = string(b.data)
		}
	}
	return out
}

func (s *shelf) address(id string) string { return "https://" + s.name + ".test/" + id }

func (s *shelf) path(id string) string {
	b := s.nodes[id]
	if b == nil || b.kind == item.Drive {
		return ""
	}
	if above := s.path(b.in); above != "" {
		return above + "/" + b.name
	}
	return b.name
}

// ids are those of all nodes, what others lie in first.
func (s *shelf) ids() []string {
	deep := func(id string) int { return strings.Count(s.path(id), "/") }
	return slices.SortedFunc(maps.Keys(s.nodes), func(a, b string) int {
		if s.order != nil {
			return cmp.Compare(slices.Index(s.order, a), slices.Index(s.order, b))
		}
		x, y := s.nodes[a], s.nodes[b]
		return cmp.Or(rank(x.kind)-rank(y.kind), deep(a)-deep(b), cmp.Compare(len(a), len(b)), cmp.Compare(a, b))
	})
}

func (s *shelf) bundle(id string) (item.Bundle, bool) {
	b := s.nodes[id]
	if b == nil {
		return item.Bundle{}, false
	}
	it := item.Item{Ref: item.Ref{Kind: b.kind, ID: id}, URL: s.address(id), Fields: item.Fields{}}
	item.FileName.Set(&it, b.name)
	if b.kind == item.Drive {
		return item.Bundle{Item: it, CheckItems: -1}, true
	}
	it.Parent = item.Ref{Kind: s.nodes[b.in].kind, ID: b.in}
	if len(b.grants) > 0 {
		item.Permissions.Set(&it, b.grants)
	}
	switch b.kind {
	case item.File:
		sum := sha256.Sum256(b.data)
		it.Blob = &item.Blob{Ref: it.Ref, Parent: it.Parent, Version: fmt.Sprint(b.version), Bytes: int64(len(b.data)), Sums: []item.Sum{{Algorithm: "sha256", Hex: hex.EncodeToString(sum[:])}}}
	case item.Shortcut:
		item.LeadsTo.Set(&it, b.leads)
	}
	return item.Bundle{Item: it, CheckItems: -1}, true
}

func (s *shelf) Check(context.Context) (connector.Identity, error) { return connector.Identity{}, nil }
func (s *shelf) Close() error                                      { return nil }
func (s *shelf) Source(context.Context) (connector.Source, error)  { return s, nil }
func (s *shelf) Target(context.Context, string) (connector.Target, error) {
	return shelfTarget{s}, nil
}

func (s *shelf) Shards(context.Context) iter.Seq2[connector.Shard, error] {
	return func(yield func(connector.Shard, error) bool) {
		yield(connector.Shard{Ref: item.Ref{Kind: item.Drive, ID: "root"}, Name: s.name, People: -1, Bytes: -1}, nil)
	}
}

func (s *shelf) List(context.Context, connector.Shard, connector.Cursor) iter.Seq2[connector.Page, error] {
	return func(yield func(connector.Page, error) bool) {
		s.mu.Lock()
		var all []item.Bundle
		for _, m := range s.members {
			all = append(all, item.Bundle{Item: m, CheckItems: -1})
		}
		for _, id := range s.ids() {
			b, _ := s.bundle(id)
			all = append(all, b)
		}
		s.mu.Unlock()
		for len(all) > 5 {
			if !yield(connector.Page{Bundles: all[:5]}, nil) {
				return
			}
			all = all[5:]
		}
		yield(connector.Page{Bundles: all, Whole: []item.Kind{item.Drive, item.Folder, item.File, item.Shortcut}}, nil)
	}
}

func (s *shelf) fetch(refs []item.Ref) iter.Seq2[item.Bundle, error] {
	return func(yield func(item.Bundle, error) bool) {
		for _, r := range refs {
			s.mu.Lock()
			b, ok := s.bundle(r.ID)
			s.mu.Unlock()
			if ok && !yield(b, nil) {
				return
			}
		}
	}
}

func (s *shelf) Fetch(_ context.Context, _ connector.Shard, refs []item.Ref) iter.Seq2[item.Bundle, error] {
	return s.fetch(refs)
}

func (s *shelf) Open(_ context.Context, b item.Blob, offset, n int64) (io.ReadCloser, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.reads++
	at := s.nodes[b.Ref.ID]
	if at == nil || fmt.Sprint(at.version) != b.Version {
		return nil, connector.Errorf(connector.Conflict, "the file changed since it was listed")
	}
	data := at.data[offset:]
	if n >= 0 {
		data = data[:n]
	}
	return io.NopCloser(bytes.NewReader(data)), nil
}

func (s *shelf) Locate(url string) (string, bool) { return strings.CutPrefix(url, s.address("")) }

// A shelfTarget is a shelf as a target; it differs in Fetch.
type shelfTarget struct{ *shelf }

func (s shelfTarget) Fetch(_ context.Context, _ item.Ref, refs []item.Ref) iter.Seq2[item.Bundle, error] {
	return s.fetch(refs)
}

func (s shelfTarget) Write(ctx context.Context, changes []connector.Change, open item.Opener) iter.Seq2[connector.Result, error] {
	return connector.Each(ctx, changes, 4, func(_ context.Context, c connector.Change) connector.Result { return s.write(c, open) })
}

func (s shelfTarget) write(c connector.Change, open item.Opener) (r connector.Result) {
	dirty := func(f string) bool {
		return c.Op == connector.Create || len(c.Dirty) == 0 || slices.Contains(c.Dirty, f)
	}
	var data []byte
	if c.Item.Kind == item.File && dirty(item.Content.Name) {
		body, err := open(*c.Item.Blob, 0, -1)
		if err == nil {
			data, err = io.ReadAll(body)
		}
		if err != nil {
			return connector.Result{Err: err}
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	id, in, name := c.Item.ID, c.Item.Parent.ID, item.FileName.Get(c.Item)
	if c.Item.Kind == item.Drive {
		r.Stored, _ = s.bundle("root")
		return r
	}
	b := s.nodes[id]
	if c.Op == connector.Update {
		if !c.Moved {
			in = b.in
		}
		if !dirty(item.FileName.Name) {
			name = b.name
		}
	}
	for other, there := range s.nodes {
		if other != id && there.in == in && there.kind != item.Drive && s.same(there.name, name) {
			if c.Item.Kind == item.Folder && c.Op == connector.Create {
				r.Stored, _ = s.bundle(other)
				r.Adopted = true
				return r
			}
			return connector.Result{Err: connector.Errorf(connector.Conflict, "something else stands there").WithHint("it is in the way")}
		}
	}
	if s.nodes[in] == nil {
		return connector.Result{Err: connector.Errorf(connector.Permanent, "its folder is missing")}
	}
	s.writes++
	if c.Op == connector.Create {
		b = &book{kind: c.Item.Kind, mark: c.Mark}
		id = s.add(b)
	}
	b.in, b.name = in, name
	if dirty(item.Permissions.Name) {
		b.grants = item.Permissions.Get(c.Item)
	}
	if c.Op == connector.Create {
		b.leads = item.LeadsTo.Get(c.Item)
		if _, here := s.Locate(b.leads); c.Item.Kind == item.Shortcut && !here {
			return connector.Result{Err: connector.Errorf(connector.Permanent, "a shortcut leads to nothing here")}
		}
	}
	if c.Item.Kind == item.File && dirty(item.Content.Name) {
		s.next++
		b.data, b.version = data, s.next
	}
	r.Stored, _ = s.bundle(id)
	return r
}

func (s shelfTarget) Delete(_ context.Context, _, ref item.Ref, accept func(item.Bundle) bool) (bool, error) {
	s.mu.Lock()
	b, ok := s.bundle(ref.ID)
	s.mu.Unlock()
	if !ok {
		return true, nil
	}
	if !accept(b) {
		return false, nil
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, n := range s.nodes {
		if n.in == ref.ID {
			return false, connector.Errorf(connector.Conflict, "the folder is not empty")
		}
	}
	if ref.ID != "root" {
		delete(s.nodes, ref.ID)
	}
	return true, nil
}

func (s shelfTarget) Find(_ context.Context, container item.Ref, _ time.Time) iter.Seq2[connector.Found, error] {
	return func(yield func(connector.Found, error) bool) {
		s.mu.Lock()
		var out []connector.Found
		for _, id := range s.ids() {
			if b, _ := s.bundle(id); container.Zero() == (id == "root") {
				out = append(out, connector.Found{Bundle: b, Mark: s.nodes[id].mark})
			}
		}
		s.mu.Unlock()
		for _, f := range out {
			if !yield(f, nil) {
				return
			}
		}
	}
}

func (s shelfTarget) Carrier(_ item.Kind, mark string) string { return mark }
func (shelfTarget) Finish(context.Context, item.Ref) error    { return nil }
func (s shelfTarget) Link(ref, _ item.Ref) string             { return s.address(ref.ID) }
func (s shelfTarget) Members(context.Context) iter.Seq2[item.Item, error] {
	return func(yield func(item.Item, error) bool) {
		for _, m := range s.members {
			if !yield(m, nil) {
				return
			}
		}
	}
}
