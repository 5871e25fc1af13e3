package migrate

import (
	"context"
	"io"
	"slices"
	"sync"

	"github.com/rialto-migrate/rialto/internal/ledger"
	"github.com/rialto-migrate/rialto/item"
)

// A file is its bytes. That they changed shows in no field: at the source by the
// version of its blob, at the target by that of what was stored there.

// storedContent names, in a base, the version of the bytes that the target held
// when they were settled last.
const storedContent = "stored"

// openBlob opens bytes of the source, and counts them as in flight until they are
// closed.
func (e *Engine) openBlob(ctx context.Context, b item.Blob, offset, n int64) (io.ReadCloser, error) {
	r, err := e.source.Open(ctx, b, offset, n)
	if err != nil {
		return nil, err
	}
	e.flight.Add(1)
	return &flying{ReadCloser: r, landed: sync.OnceFunc(func() { e.flight.Add(-1) })}, nil
}

type flying struct {
	io.ReadCloser
	landed func()
}

func (f *flying) Close() error {
	f.landed()
	return f.ReadCloser.Close()
}

// streams reports whether the target can change the bytes of items of a kind.
func (e *Engine) streams(k item.Kind) bool {
	return k.Level() == item.Leaf && e.To.Caps.Keeps(k, item.Content.Name) && !e.fixedField(k, item.Content)
}

// versionHash is a short keyed hash of the version of an item's bytes; 0 for none.
func (e *Engine) versionHash(it item.Item) uint32 {
	if it.Blob == nil {
		return 0
	}
	return short(e.print.Text(it.Blob.Version))
}

// content decides whether an update writes the bytes of a file: if they changed at
// the source, unless people changed them at the target and win.
func (p *part) content(ctx context.Context, s *step, prev item.Bundle) error {
	kind, name := prev.Item.Kind, item.Content.Name
	if !p.e.streams(kind) || s.unit.item.Blob == nil || p.equalBytes(s, prev) {
		return nil
	}
	before := unpack(s.row.Base, p.e.packedNames(kind))
	now, there := p.e.versionHash(s.unit.item), p.e.versionHash(prev.Item)
	here := before == nil || before[name].given != now || s.renamed && otherSize(s.unit.item.Blob, prev.Item.Blob)
	theirs := p.e.rewritten(prev, before)
	switch {
	case theirs && s.row.State == ledger.Half && prev.Item.Blob != nil:
		// An update was cut off: what stands there may be what it wrote.
		same, err := p.e.sameThere(ctx, *s.unit.item.Blob, *prev.Item.Blob)
		if err != nil || same {
			s.settled = same
			return err
		}
		p.conflict(s.unit.key, s.row.Target, []string{name}, sourceWins, "an update was cut off: what stood there may have been people's")
	case !here && !theirs:
		return nil
	case !here:
		p.leaveBytes(s, prev)
		if before.keeps(name) {
			s.base[name] = before[name]
		}
		return nil
	case theirs && p.winner(s, prev) != sourceWins:
		p.leaveBytes(s, prev)
		s.base[name] = agreed{given: now, kept: there}
		p.conflict(s.unit.key, s.row.Target, []string{name}, targetWins, "")
		return nil
	case theirs:
		p.conflict(s.unit.key, s.row.Target, []string{name}, sourceWins, "")
	}
	s.change.Dirty = append(s.change.Dirty, name)
	return nil
}

// rewritten reports whether people changed the bytes of a file at the target since
// they were settled.
func (e *Engine) rewritten(prev item.Bundle, settled base) bool {
	was := settled[storedContent].given
	return e.streams(prev.Item.Kind) && was != 0 && (was != e.versionHash(prev.Item) || settled.keeps(item.Content.Name))
}

// leaveBytes lets the bytes of a file stand as people at the target made them, and
// with them the time of that.
func (p *part) leaveBytes(s *step, prev item.Bundle) {
	p.leave(s, prev, item.Content.Name)
	name := item.Modified.Name
	if target := p.e.fieldHash(prev, name); target != s.base[name].given {
		p.leave(s, prev, name)
		s.base[name] = agreed{given: s.base[name].given, kept: target}
	}
	s.change.Dirty = slices.DeleteFunc(s.change.Dirty, func(f string) bool { return s.left[f] })
}

// equalBytes reports whether both clouds say that the bytes are the same.
func (p *part) equalBytes(s *step, prev item.Bundle) bool {
	if s.unit.item.Blob == nil || prev.Item.Blob == nil {
		return false
	}
	same, sure := item.SameBytes(*s.unit.item.Blob, *prev.Item.Blob)
	return same && sure
}

// whole reports whether something half written turns out to be there: nothing of
// it differs.
func (p *part) whole(s *step, prev item.Bundle) bool {
	if s.row.State != ledger.Half {
		return false
	}
	return p.e.allFixed(prev.Item.Kind) || p.e.streams(prev.Item.Kind) && (s.settled || p.equalBytes(s, prev)) && len(s.change.Dirty) == 0
}

// otherBytes reports whether one of two blobs is missing, or those of files say
// that they differ.
func otherBytes(a, b *item.Blob) bool {
	if a == nil || b == nil || a.Ref.Kind.Level() != item.Leaf {
		return (a == nil) != (b == nil)
	}
	same, sure := item.SameBytes(*a, *b)
	return sure && !same
}

// deepestFirst sorts the rows of folders so that the deepest come first; what lies in
// none keeps its place. parent tells what a target's folder lies in.
func deepestFirst(rows []ledger.Row) {
	parent := map[item.Ref]item.Ref{}
	for _, r := range rows {
		if r.Target.Kind == item.Folder {
			parent[r.Target] = r.Parent
		}
	}
	depth := map[item.Ref]int{}
	var of func(item.Ref, int) int
	of = func(ref item.Ref, hops int) int {
		above, ok := parent[ref]
		if !ok || hops > len(parent) { // not ours, or a circle
			return 0
		}
		if d, known := depth[ref]; known {
			return d
		}
		depth[ref] = 1 + of(above, hops+1)
		return depth[ref]
	}
	slices.SortStableFunc(rows, func(a, b ledger.Row) int {
		return of(b.Target, 0) - of(a.Target, 0)
	})
}
