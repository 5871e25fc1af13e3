package migrate

import (
	"context"
	"errors"
	"slices"

	"github.com/rialto-migrate/rialto/connector"
	"github.com/rialto-migrate/rialto/internal/ledger"
	"github.com/rialto-migrate/rialto/item"
)

// Some clouds cannot change what was written: a post of a conversation, an
// attachment. What points at something is then written after it, so that it
// points at where that went; and what changed at the source is made anew.

// fixedField reports whether a target cannot change a field that it keeps.
func (e *Engine) fixedField(k item.Kind, f item.Field) bool {
	caps, ok := e.To.Caps.Kinds[k].Fields[f.Name]
	return ok && caps.Fixed && !caps.Told
}

// allFixed reports whether the target can change nothing of a kind.
func (e *Engine) allFixed(k item.Kind) bool {
	info, _ := item.Info(k)
	return !slices.ContainsFunc(info.Fields, func(f item.Field) bool {
		return e.To.Caps.Keeps(k, f.Name) && !e.fixedField(k, f)
	})
}

// waitsForLinks reports whether a unit points at something that has not moved
// and could not be changed later. It is tried again when everything else is
// there, and is then written as it is.
func (p *part) waitsForLinks(u *unit) bool {
	if p.late || len(u.wanted) == 0 || !u.ownKind {
		return false
	}
	info, _ := item.Info(u.key.Kind)
	holds := slices.ContainsFunc(info.Fields, func(f item.Field) bool {
		switch f.Type {
		case item.Line, item.Text, item.URL, item.Checks:
			return p.e.fixedField(u.key.Kind, f)
		}
		return false
	})
	if holds {
		p.flag(func(s *partState) { s.postponed = true })
	}
	return holds
}

// frozen reports whether what is there differs in what the target cannot
// change, for kinds to which nothing refers: they can be made anew.
func (e *Engine) frozen(want, have item.Item) bool {
	if level(want.Kind) <= item.Leaf || e.To.Caps.Kinds[want.Kind].Embedded != "" {
		return false
	}
	info, _ := item.Info(want.Kind)
	for _, f := range info.Fields {
		if !e.fixedField(want.Kind, f) || f.Type == item.Rank {
			continue
		}
		if f.Name == item.Content.Name {
			if otherSize(want.Blob, have.Blob) {
				return true
			}
			continue
		}
		if !same(f, e.To.Caps.Kinds[want.Kind].Fields[f.Name], want.Fields[f.Name], have.Fields[f.Name]) {
			return true
		}
	}
	return false
}

// otherSize reports whether two files differ in their size, as far as both are
// told.
func otherSize(a, b *item.Blob) bool {
	return a != nil && b != nil && a.Bytes >= 0 && b.Bytes >= 0 && a.Bytes != b.Bytes
}

// replace readies a step for an item that is made anew. What is there is
// deleted if the target can delete it and people left it alone; where it can
// delete none of that kind, it stays beside the new one. Until the new one is
// there the row says Half, so that a pass which is cut off makes it all the same.
func (p *part) replace(ctx context.Context, s *step, prev item.Bundle) error {
	caps, print := p.e.To.Caps.Kinds[prev.Item.Kind], p.e.printOf(prev)
	if s.row.Print != 0 && s.row.Print != print && p.winner(s, prev) == targetWins {
		s.change.Prev = &prev
		p.disputed(s, prev)
		return nil
	}
	if caps.Undo == connector.UndoImpossible {
		p.e.Emit(Event{Event: "kept", Shard: p.name, Kind: s.unit.key.Kind, Source: s.unit.key.ID, Target: s.row.Target.ID, Reason: caps.UndoWhy})
		s.row, s.replaced = ledger.Row{}, true
		return nil
	}
	half := s.row
	half.State = ledger.Half
	if err := p.apply(ctx, ledger.Batch{Rows: []ledger.Row{half}}); err != nil {
		return err
	}
	p.e.Failpoint("before-delete")
	removed, err := p.e.target.Delete(ctx, p.container(), s.row.Target, func(b item.Bundle) bool { return p.e.printOf(b) == print })
	p.e.Failpoint("after-delete")
	switch {
	case err != nil && stops(err):
		return err
	case err != nil:
		ce, ok := errors.AsType[*connector.Error](err)
		if !ok {
			ce = &connector.Error{Class: connector.Transient, Reason: "the target could not delete it", Err: err}
		}
		s.failed = ce
	case !removed:
		s.failed = connector.Errorf(connector.Conflict, "%s was changed in the target at this very moment", s.row.Target).WithHint("run again")
	default:
		s.row, s.replaced = ledger.Row{}, true
	}
	return nil
}
