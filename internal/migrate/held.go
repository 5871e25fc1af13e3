package migrate

import (
	"context"
	"hash/maphash"
	"slices"

	"github.com/rialto-migrate/rialto/connector"
	"github.com/rialto-migrate/rialto/item"
)

// held is what the target holds in one container. It keeps no contents, and of files
// and messages a share, so that the largest container fits in little memory.
type held struct {
	container item.Ref
	seed      maphash.Seed
	traces    map[item.Ref]*trace // by ref, children too
	listed    int
	// Files and messages are compared in turns, each a share of them that its motes
	// are held of.
	motes       []mote
	turn, turns uint64
	algorithms  []string // of the motes' sums
}

// A trace is what a comparison needs of an item: a digest in place of each
// field that is compared.
type trace struct {
	ref    item.Ref
	fields []item.Digest       // in their declared order
	sets   map[string][]string // of which more may be there than was written
	blob   *item.Blob
	inside []trace   // embedded children, by kind, in the order of the comparison
	told   []counter // what the cloud counts
	name   string    // only at the user's wish
	place  int       // in the listing
	in     uint64    // a hash of what a file or folder lies in
	met    bool      // something of the source went here
}

// A counter is a cloud's own count beside what was read.
type counter struct {
	kind       item.Kind
	says, read int
}

func newHeld(container item.Ref) *held {
	return &held{container: container, seed: maphash.MakeSeed(), traces: map[item.Ref]*trace{}, turns: 1}
}

// read lists a container of the target, for the turn that it is.
func (v *verifier) read(ctx context.Context, h *held) error {
	h.motes = nil
	if h.container.Zero() {
		return nil
	}
	mine := func(b item.Bundle) bool { return h.turn == 0 || small(b.Item.Kind) && h.comes(b.Item.Ref) }
	for page, err := range pagesOf(ctx, v.there, connector.Shard{Ref: h.container}) {
		if err != nil {
			if connector.ClassOf(err) == connector.Gone {
				return nil // every item of it is then missing
			}
			return err
		}
		bundles, _, err := completed(ctx, v.there, h.container, page.Bundles, mine)
		if err != nil {
			return err
		}
		for _, b := range bundles {
			switch {
			case b.Item.Kind == item.Member || !mine(b):
			case small(b.Item.Kind):
				v.strew(h, b.Item)
			default:
				v.keep(h, b)
			}
		}
	}
	h.settle()
	return nil
}

// keep takes the trace of an item with all that lies in it.
func (v *verifier) keep(h *held, b item.Bundle) {
	t := v.trace(b.Item)
	t.place, t.told, t.in = h.listed, countersOf(b), h.in(b.Item.Parent)
	h.listed++
	for _, info := range item.Kinds() {
		of := b.Of(info.Kind)
		if v.e.To.Caps.Kinds[info.Kind].Embedded == b.Item.Kind {
			for _, c := range v.e.sorted(of) {
				t.inside = append(t.inside, v.trace(c))
			}
			continue
		}
		for _, c := range of {
			kid := v.trace(c)
			kid.place = h.listed
			h.listed++
			h.traces[c.Ref] = &kid
		}
	}
	h.traces[b.Item.Ref] = &t
	for i := range t.inside {
		h.traces[t.inside[i].ref] = &t.inside[i]
	}
}

func (v *verifier) trace(it item.Item) trace {
	t := trace{ref: it.Ref, blob: it.Blob}
	for _, f := range v.e.compared(it.Kind) {
		t.fields = append(t.fields, v.e.print.Value(it.Fields[f.Name]))
		if v.e.To.Caps.Kinds[it.Kind].Fields[f.Name].AtLeast {
			if t.sets == nil {
				t.sets = map[string][]string{}
			}
			t.sets[f.Name], _ = it.Fields[f.Name].([]string)
		}
	}
	if v.names {
		t.name = nameOf(it)
	}
	return t
}

// compared lists the fields of a kind that are compared.
func (e *Engine) compared(k item.Kind) []item.Field {
	info, _ := item.Info(k)
	return slices.DeleteFunc(slices.Clone(info.Fields), func(f item.Field) bool { return !e.kept(k, f) })
}

// of returns the embedded children of one kind.
func (t *trace) of(k item.Kind) []*trace {
	var out []*trace
	for i := range t.inside {
		if t.inside[i].ref.Kind == k {
			out = append(out, &t.inside[i])
		}
	}
	return out
}

// traceDiffs names the fields of an item that differ from what was to be there:
// what diffs says of the item itself.
func (e *Engine) traceDiffs(want item.Item, have *trace) []string {
	var out []string
	for i, f := range e.compared(want.Kind) {
		v := want.Fields[f.Name]
		if limits := e.To.Caps.Kinds[want.Kind].Fields[f.Name]; limits.AtLeast {
			if !same(f, limits, v, any(have.sets[f.Name])) {
				out = append(out, f.Name)
			}
			continue
		}
		if e.print.Value(v) != have.fields[i] {
			out = append(out, f.Name)
		}
	}
	if (want.Blob == nil) != (have.blob == nil) && e.To.Caps.Keeps(want.Kind, item.Content.Name) {
		out = append(out, item.Content.Name)
	}
	return out
}

// insideDiffs is to traceDiffs what childDiffs is to diffs.
func (e *Engine) insideDiffs(want []item.Item, have []*trace) []string {
	if len(want) != len(have) {
		return []string{"*"}
	}
	var out []string
	for i, w := range e.sorted(want) {
		out = append(out, e.traceDiffs(w, have[i])...)
	}
	return out
}

// countersOf reads a bundle's own counters.
func countersOf(b item.Bundle) []counter {
	var out []counter
	for k, says := range b.Counts {
		out = append(out, counter{k, says, len(b.Of(k))})
	}
	if b.CheckItems >= 0 && b.Item.Kind == item.Task {
		c := counter{kind: "entry", says: b.CheckItems}
		for _, l := range b.Of(item.Checklist) {
			c.read += len(item.Entries.Get(l))
		}
		out = append(out, c)
	}
	return out
}

// in hashes what an item lies in.
func (h *held) in(parent item.Ref) uint64 { return maphash.Comparable(h.seed, parent) }
