package migrate

import (
	"bytes"
	"context"
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

// memory is a cloud that holds items in memory and is a source and a target: a
// connector with no vendor, for tests of the engine alone.
type memory struct {
	caps connector.Capabilities
	base string // of its URLs

	mu      sync.Mutex
	next    int
	items   map[item.Ref]item.Item
	order   []item.Ref // siblings in their order
	marks   map[item.Ref]string
	blobs   map[item.Ref][]byte
	people  []item.Item
	writes  int
	only    map[string]string     // people who are in one place, by id
	places  []string              // that were opened, as a target
	answer  func(write int) error // called after a write was carried out; an error is what the caller sees
	refuse  func(c connector.Change) error
	listing func()
	sight   map[item.Ref]connector.Shard  // who sees the boards, as a source
	seen    map[string]connector.Audience // who sees the places, as a target
	unread  int                           // so many calls of Fetch fail
	ranked  bool                          // tasks stand by the positions that they were given
}

func newMemory(base string, caps connector.Capabilities) *memory {
	return &memory{caps: caps, base: base, items: map[item.Ref]item.Item{}, marks: map[item.Ref]string{}, blobs: map[item.Ref][]byte{}}
}

// everything keeps all fields of all kinds.
func everything() connector.Capabilities {
	c := connector.Capabilities{Kinds: map[item.Kind]connector.KindCaps{}, Format: connector.Markdown, Mention: "@"}
	for _, info := range item.Kinds() {
		if info.Kind == item.Member {
			continue
		}
		k := connector.KindCaps{Fields: map[string]connector.FieldCaps{}, Batch: 5, Undo: connector.UndoExact}
		for _, f := range info.Fields {
			k.Fields[f.Name] = connector.FieldCaps{}
			switch f.Type {
			case item.Line, item.Text, item.One:
				if !f.Told {
					k.Shape = append(k.Shape, f.Name)
				}
			}
		}
		if _, ok := k.Fields[item.Position.Name]; ok {
			k.Ordered = true
		}
		c.Kinds[info.Kind] = k
	}
	return c
}

func (m *memory) Check(context.Context) (connector.Identity, error) {
	return connector.Identity{}, nil
}
func (m *memory) Close() error                           { return nil }
func (m *memory) Finish(context.Context, item.Ref) error { return nil }

// put adds or replaces an item as a person would, at the end of its siblings.
func (m *memory) put(it item.Item) item.Item {
	m.mu.Lock()
	defer m.mu.Unlock()
	if _, there := m.items[it.Ref]; !there {
		m.order = append(m.order, it.Ref)
	}
	if it.URL == "" && (it.Kind == item.Task || it.Kind == item.Board) {
		it.URL = m.base + "/" + string(it.Kind) + "/" + it.ID
		it.Aliases = []string{string(it.Kind) + "/" + it.ID}
	}
	m.items[it.Ref] = it
	return it
}

func (m *memory) drop(ref item.Ref) {
	m.mu.Lock()
	defer m.mu.Unlock()
	delete(m.items, ref)
	m.order = slices.DeleteFunc(m.order, func(r item.Ref) bool { return r == ref })
}

func (m *memory) edit(ref item.Ref, f func(*item.Item)) {
	m.mu.Lock()
	defer m.mu.Unlock()
	it := m.items[ref].Clone()
	f(&it)
	m.items[ref] = it
}

// bundle returns an item with its children. The caller holds the lock.
func (m *memory) bundle(ref item.Ref) item.Bundle {
	b := item.Bundle{Item: m.items[ref].Clone(), CheckItems: -1}
	if ref.Kind != item.Task {
		return b
	}
	for i, r := range m.order {
		if c := m.items[r]; c.Parent == ref {
			c = c.Clone()
			if _, ok := c.Fields[item.Position.Name]; ok {
				item.Position.Set(&c, fmt.Sprintf("%06d", i))
			}
			b.Children = append(b.Children, c)
		}
	}
	return b
}

func (m *memory) Shards(context.Context) iter.Seq2[connector.Shard, error] {
	return func(yield func(connector.Shard, error) bool) {
		m.mu.Lock()
		var all []connector.Shard
		for _, r := range m.order {
			if it := m.items[r]; it.Kind == item.Board {
				s := m.sight[r]
				s.Ref, s.Name, s.URL = r, item.Name.Get(it), it.URL
				all = append(all, s)
			}
		}
		m.mu.Unlock()
		for _, s := range all {
			if !yield(s, nil) {
				return
			}
		}
	}
}

func (m *memory) List(_ context.Context, s connector.Shard, _ connector.Cursor) iter.Seq2[connector.Page, error] {
	return func(yield func(connector.Page, error) bool) {
		m.mu.Lock()
		if m.listing != nil {
			m.listing()
		}
		if _, ok := m.items[s.Ref]; !ok {
			m.mu.Unlock()
			yield(connector.Page{}, connector.Errorf(connector.Gone, "no board"))
			return
		}
		pages := []connector.Page{{Bundles: []item.Bundle{m.bundle(s.Ref)}}}
		for _, p := range m.people {
			if !p.Parent.Zero() && p.Parent != s.Ref {
				continue
			}
			pages[0].Bundles = append(pages[0].Bundles, item.Bundle{Item: p, CheckItems: -1})
		}
		for _, k := range []item.Kind{item.Label, item.CustomField, item.List, item.Task} {
			var refs []item.Ref
			for i, r := range m.order {
				it := m.items[r]
				if r.Kind == k && it.Parent == s.Ref {
					refs = append(refs, r)
					it = it.Clone()
					if _, ok := it.Fields[item.Position.Name]; !m.ranked && (ok || k == item.Task || k == item.List) {
						item.Position.Set(&it, fmt.Sprintf("%06d", i))
					}
					m.items[r] = it
				}
			}
			if m.ranked {
				slices.SortStableFunc(refs, func(a, b item.Ref) int {
					return strings.Compare(item.Position.Get(m.items[a]), item.Position.Get(m.items[b]))
				})
			}
			for chunk := range slices.Chunk(refs, 7) {
				var page connector.Page
				for _, r := range chunk {
					page.Bundles = append(page.Bundles, m.bundle(r))
				}
				pages = append(pages, page)
			}
		}
		m.mu.Unlock()
		for _, info := range item.Kinds() {
			pages[len(pages)-1].Whole = append(pages[len(pages)-1].Whole, info.Kind)
		}
		for _, p := range pages {
			if !yield(p, nil) {
				return
			}
		}
	}
}

func (m *memory) fetch(refs []item.Ref) iter.Seq2[item.Bundle, error] {
	return func(yield func(item.Bundle, error) bool) {
		if m.unread > 0 {
			m.unread--
			yield(item.Bundle{}, connector.Errorf(connector.Transient, "later"))
			return
		}
		for _, r := range refs {
			m.mu.Lock()
			_, ok := m.items[r]
			b := m.bundle(r)
			m.mu.Unlock()
			if ok && !yield(b, nil) {
				return
			}
		}
	}
}

func (m *memory) Open(_ context.Context, b item.Blob, offset, n int64) (io.ReadCloser, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return io.NopCloser(bytes.NewReader(m.blobs[b.Ref][offset:])), nil
}

func (m *memory) Locate(url string) (string, bool) { return strings.CutPrefix(url, m.base+"/") }
func (m *memory) Link(r, _ item.Ref) string        { return m.base + "/" + string(r.Kind) + "/" + r.ID }
func (m *memory) Carrier(k item.Kind, mark string) string {
	if m.caps.Kinds[k].Carrier == "" {
		return ""
	}
	return mark
}

// Members yields the people of a place: all, but for those who are in another
// one alone.
func (t targetSide) Members(context.Context) iter.Seq2[item.Item, error] {
	return func(yield func(item.Item, error) bool) {
		for _, p := range t.people {
			if in := t.only[p.ID]; in != "" && in != t.place {
				continue
			}
			if !yield(p, nil) {
				return
			}
		}
	}
}

// targetSide and sourceSide tell the two Fetch methods apart.
type targetSide struct {
	*memory
	place string
}

func (t targetSide) Fetch(_ context.Context, _ item.Ref, refs []item.Ref) iter.Seq2[item.Bundle, error] {
	return t.fetch(refs)
}

type sourceSide struct{ *memory }

func (s sourceSide) Fetch(_ context.Context, _ connector.Shard, refs []item.Ref) iter.Seq2[item.Bundle, error] {
	return s.fetch(refs)
}

// cloud is a memory as the contract wants it.
type cloud struct{ *memory }

func (c cloud) Source(context.Context) (connector.Source, error) { return sourceSide(c), nil }
func (c cloud) Target(_ context.Context, place string) (connector.Target, error) {
	c.mu.Lock()
	c.places = append(c.places, place)
	c.mu.Unlock()
	return targetSide{c.memory, place}, nil
}

func (t targetSide) Write(_ context.Context, changes []connector.Change, open item.Opener) iter.Seq2[connector.Result, error] {
	return func(yield func(connector.Result, error) bool) {
		previous := ""
		for _, c := range changes {
			after := t.standing(append([]string{c.After}, c.AfterGone...))
			if c.AfterPrevious {
				after = previous
			}
			ref, err := t.write(c, after, open)
			r := connector.Result{Err: err}
			previous = after
			if err == nil {
				previous = ref.ID
				t.mu.Lock()
				r.Stored = t.bundle(ref)
				t.mu.Unlock()
			}
			if !yield(r, nil) {
				return
			}
		}
	}
}

// standing is the first of ids that is there, or "" for the first place.
func (m *memory) standing(ids []string) string {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, id := range ids {
		if id == "" || slices.ContainsFunc(m.order, func(r item.Ref) bool { return r.ID == id }) {
			return id
		}
	}
	return ids[0]
}

func (m *memory) insert(ref item.Ref, after string) {
	m.order = slices.DeleteFunc(m.order, func(r item.Ref) bool { return r == ref })
	at := 0
	for i, r := range m.order {
		if r.Kind == ref.Kind && r.ID == after {
			at = i + 1
		}
	}
	m.order = slices.Insert(m.order, at, ref)
}

func (m *memory) write(c connector.Change, after string, open item.Opener) (ref item.Ref, err error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.refuse != nil {
		if err := m.refuse(c); err != nil {
			return ref, err
		}
	}
	m.writes++
	ref = c.Item.Ref
	if c.Op == connector.Create {
		m.next++
		ref.ID = fmt.Sprintf("t%d", m.next)
		if c.Item.Parent.Kind == item.Task && m.items[c.Item.Parent].Kind == "" {
			return ref, connector.Errorf(connector.Gone, "no parent %s", c.Item.Parent)
		}
	}
	it := c.Item.Clone()
	it.Ref, it.URL, it.Aliases = ref, "", nil
	if c.Op == connector.Update && len(c.Dirty) > 0 {
		old := m.items[ref].Clone()
		for _, f := range c.Dirty {
			if v, ok := it.Fields[f]; ok {
				old.Fields[f] = v
			} else {
				delete(old.Fields, f)
			}
		}
		it.Fields = old.Fields
	}
	if it.Kind == item.Task || it.Kind == item.Board {
		it.URL = m.Link(ref, item.Ref{})
		it.Aliases = []string{string(ref.Kind) + "/" + ref.ID}
	}
	if it.Blob != nil {
		r, err := open(*it.Blob, 0, -1)
		if err != nil {
			return ref, err
		}
		data, _ := io.ReadAll(r)
		r.Close()
		m.blobs[ref] = data
		it.Blob = &item.Blob{Ref: ref, Bytes: int64(len(data))}
	}
	if _, there := m.items[ref]; !there {
		m.order = append(m.order, ref)
	}
	m.items[ref] = it
	if c.Mark != "" {
		m.marks[ref] = c.Mark
	}
	if m.caps.Kinds[ref.Kind].Ordered && (c.Op == connector.Create || slices.Contains(c.Dirty, item.Position.Name) || len(c.Dirty) == 0) {
		m.insert(ref, after)
	}
	if len(c.Children) > 0 || c.Op == connector.Update {
		m.embed(ref, c, open)
	}
	if m.answer != nil {
		return ref, m.answer(m.writes)
	}
	return ref, nil
}

func (m *memory) embed(ref item.Ref, c connector.Change, open item.Opener) {
	for r, it := range maps.Clone(m.items) {
		if it.Parent == ref && m.caps.Kinds[r.Kind].Embedded != "" {
			delete(m.items, r)
			m.order = slices.DeleteFunc(m.order, func(o item.Ref) bool { return o == r })
		}
	}
	for _, kid := range c.Children {
		m.next++
		kid = kid.Clone()
		kid.ID, kid.Parent = fmt.Sprintf("t%d", m.next), ref
		if kid.Blob != nil {
			r, err := open(*kid.Blob, 0, -1)
			if err != nil {
				panic(err)
			}
			data, _ := io.ReadAll(r)
			r.Close()
			m.blobs[kid.Ref] = data
			kid.Blob = &item.Blob{Ref: kid.Ref, Bytes: int64(len(data))}
		}
		m.items[kid.Ref] = kid
		m.order = append(m.order, kid.Ref)
	}
}

func (m *memory) Find(_ context.Context, container item.Ref, _ time.Time) iter.Seq2[connector.Found, error] {
	return func(yield func(connector.Found, error) bool) {
		m.mu.Lock()
		var all []connector.Found
		for _, r := range m.order {
			it := m.items[r]
			in := it.Parent == container || !container.Zero() && m.items[it.Parent].Parent == container
			if container.Zero() {
				in = it.Kind == item.Board
			}
			if in {
				all = append(all, connector.Found{Bundle: m.bundle(r), Mark: m.marks[r]})
			}
		}
		m.mu.Unlock()
		for _, f := range all {
			if !yield(f, nil) {
				return
			}
		}
	}
}

func (m *memory) Delete(_ context.Context, _, ref item.Ref, accept func(item.Bundle) bool) (bool, error) {
	m.mu.Lock()
	if _, ok := m.items[ref]; !ok {
		m.mu.Unlock()
		return true, nil
	}
	b := m.bundle(ref)
	m.mu.Unlock()
	if !accept(b) {
		return false, nil
	}
	m.drop(ref)
	for _, c := range b.Children {
		m.drop(c.Ref)
	}
	return true, nil
}
