package migrate

import (
	"cmp"
	"context"
	"hash/maphash"
	"slices"

	"golang.org/x/sync/errgroup"

	"github.com/rialto-migrate/rialto/connector"
	"github.com/rialto-migrate/rialto/item"
)

// A mote is what a comparison holds of a file or message: hashes of all that is
// compared, in 56 bytes, so that half a million of them fit in 28 MiB. One that
// differs, or of whose bytes the clouds do not tell enough, is asked for by itself.
type mote struct {
	key    uint64      // a hash of its ref
	fields item.Digest // of all the fields that are compared
	in     uint64      // a hash of what it lies in
	bytes  int64       // -1 if the cloud does not tell
	sums   [2]uint64   // hashes of what the cloud says that the bytes hash to
	by     [2]uint8    // by which algorithms: an index of held.algorithms, from 1
	met    bool        // something of the source went here
}

const (
	mostMotes = 1 << 19
	slowly    = 100 // items that are asked for together
)

// small reports whether items of a kind are held as motes.
func small(k item.Kind) bool { return k == item.File || k == item.Message }

// comes reports whether an item is compared in this turn.
func (h *held) comes(ref item.Ref) bool { return h.hash(ref)%h.turns == h.turn }

func (h *held) hash(ref item.Ref) uint64 { return maphash.Comparable(h.seed, ref) }

// strew takes the mote of an item. In the first turn, when there are too many, half of
// them are left to further turns.
func (v *verifier) strew(h *held, it item.Item) {
	if !h.comes(it.Ref) {
		return
	}
	m := mote{key: h.hash(it.Ref), fields: v.e.print.Items(v.e.kept, it), in: h.in(it.Parent), bytes: -1}
	if it.Blob != nil {
		m.bytes = it.Blob.Bytes
		for i, s := range it.Blob.Sums[:min(len(it.Blob.Sums), len(m.sums))] {
			m.by[i], m.sums[i] = h.algorithm(s.Algorithm), maphash.String(h.seed, s.Hex)
		}
	}
	h.motes = append(h.motes, m)
	if h.turn == 0 && len(h.motes) > v.mostMotes {
		h.turns *= 2
		h.motes = slices.DeleteFunc(h.motes, func(m mote) bool { return m.key%h.turns != 0 })
	}
}

func (h *held) algorithm(name string) uint8 {
	i := slices.Index(h.algorithms, name)
	if i < 0 {
		i = len(h.algorithms)
		h.algorithms = append(h.algorithms, name)
	}
	return uint8(i + 1)
}

// settle sorts the motes, so that they are found.
func (h *held) settle() {
	slices.SortFunc(h.motes, func(a, b mote) int { return cmp.Compare(a.key, b.key) })
}

// mote finds that of an item; nil if there is none.
func (h *held) mote(ref item.Ref) *mote {
	i, ok := slices.BinarySearchFunc(h.motes, h.hash(ref), func(m mote, key uint64) int { return cmp.Compare(m.key, key) })
	if !ok {
		return nil
	}
	return &h.motes[i]
}

// holds reports whether a mote is of the bytes of a blob; sure is false if the clouds
// do not say enough.
func (m *mote) holds(h *held, b *item.Blob) (same, sure bool) {
	if b == nil || b.Bytes >= 0 && m.bytes >= 0 && b.Bytes != m.bytes {
		return false, true
	}
	for _, s := range b.Sums {
		if i := slices.Index(m.by[:], h.algorithm(s.Algorithm)); i >= 0 {
			return m.sums[i] == maphash.String(h.seed, s.Hex), true
		}
	}
	return false, false
}

// A comparison compares files and messages with the motes of what is held, in the
// order in which they come.
type comparison struct {
	v     *verifier
	h     *held
	group *errgroup.Group
	ctx   context.Context // of the group
	slow  []*walked
}

// unit compares one: at once where the mote tells that all is as it was to be.
func (c *comparison) unit(w *walked) error {
	v, u := c.v, w.unit
	row := w.rows[u.key]
	if !u.ownKind || w.refused() || row.Target.Zero() {
		if c.h.turn == 0 {
			v.unit(w, c.h)
		}
		return nil
	}
	if !c.h.comes(row.Target) {
		return nil
	}
	m := c.h.mote(row.Target)
	if m == nil {
		v.unit(w, c.h)
		return nil
	}
	m.met = true
	bytesToo := v.e.To.Caps.Keeps(u.key.Kind, item.Content.Name)
	same, sure := true, true
	if bytesToo {
		same, sure = m.holds(c.h, u.item.Blob)
	}
	settled := unpack(row.Base, v.e.packedNames(u.key.Kind))
	asSettled := !settled.keeps(item.Content.Name) && m.in == c.h.in(u.item.Parent) && m.fields == v.e.print.Items(v.e.kept, u.item)
	if asSettled && !sure && u.item.Blob != nil && v.e.To.Caps.Paths { // its path alone is enough to read it
		there := &trace{ref: row.Target, blob: &item.Blob{Ref: row.Target, Parent: u.item.Parent, Bytes: m.bytes}}
		v.e.losses.add(u.losses)
		v.count(u.key.Kind, 1, 1, 0)
		c.group.Go(func() error { return v.blob(c.ctx, u.key, *u.item.Blob, there) })
		return nil
	}
	if !asSettled || !same || !sure {
		c.slow = append(c.slow, w)
		if len(c.slow) == slowly {
			return c.flush()
		}
		return nil
	}
	v.e.losses.add(u.losses)
	v.count(u.key.Kind, 1, 1, 0)
	if bytesToo {
		v.told(u.item.Blob)
	}
	return nil
}

// flush asks the target for those that a mote says too little of, and compares them
// field by field.
func (c *comparison) flush() error {
	var refs []item.Ref
	for _, w := range c.slow {
		refs = append(refs, w.rows[w.unit.key].Target)
	}
	there := map[item.Ref]*trace{}
	if len(refs) > 0 {
		for b, err := range c.v.there.Fetch(c.ctx, connector.Shard{Ref: c.h.container}, refs) {
			if err != nil {
				return err
			}
			t := c.v.trace(b.Item)
			t.in, t.told = c.h.in(b.Item.Parent), countersOf(b)
			there[b.Item.Ref] = &t
		}
	}
	for _, w := range c.slow {
		ref := w.rows[w.unit.key].Target
		have := there[ref]
		if have == nil { // it went since it was listed
			c.v.unit(w, c.h)
			continue
		}
		c.h.traces[ref] = have
		c.v.unit(w, c.h)
		delete(c.h.traces, ref)
		c.v.blobs(c.ctx, c.group, w, have)
	}
	c.slow = nil
	return nil
}

// told counts a file whose bytes both clouds tell to be the same.
func (v *verifier) told(b *item.Blob) {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.out.Blobs.Files++
	v.out.Blobs.Told++
	v.out.Blobs.Bytes += max(b.Bytes, 0)
}
