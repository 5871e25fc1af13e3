package migrate

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/rialto-migrate/rialto/connector"
	"github.com/rialto-migrate/rialto/internal/ledger"
	"github.com/rialto-migrate/rialto/item"
)

// People put files and folders elsewhere and give them other names. Where the source
// tells that by an id which stays, the target's copy follows: by a move where the
// target can, else it is made anew in its new place and deleted in the old one at
// the end of the pass.

// wasIn comes between an item's id and a hash of the place that it left, in the key
// of the row that remembers that place until what stands there is deleted.
const wasIn = "#was-in-"

// vacated reports whether a row remembers a place that an item left.
func vacated(key item.Ref) bool { return strings.Contains(key.ID, wasIn) }

// strays reports whether an item of the ledger stands at the target in another
// folder than the one that its own folder has become.
func (p *part) strays(it item.Item, row ledger.Row) bool {
	if !p.e.files() || contains(it.Kind) || row.Parent.Zero() || !updates(row) {
		return false
	}
	parent := p.fit.parentOf(it, p.container())
	return !parent.Zero() && parent != row.Parent
}

// files reports whether the migration is one of files.
func (e *Engine) files() bool { return e.To.Caps.Container() == item.Drive }

// follows decides whether an update takes an item to another place: it does if the
// source put it there since, and people at the target did not put it elsewhere
// themselves and win. It reports whether the item is made anew instead, because the
// target moves nothing of its kind.
func (p *part) follows(s *step, prev item.Bundle) (anew bool) {
	kind, row := prev.Item.Kind, s.row
	if !p.e.files() || contains(kind) {
		return false
	}
	name := item.FileName.Name
	// Where ids are paths, a folder that moved would change the ids of all that lies in it.
	moves := p.e.To.Caps.Kinds[kind].Moves && (kind != item.Folder || !p.e.To.Caps.Paths)
	elsewhere := !row.Parent.Zero() && row.Parent != s.unit.item.Parent
	if elsewhere && prev.Item.Parent != row.Parent && prev.Item.Parent != s.unit.item.Parent {
		won := p.winner(s, prev)
		p.conflict(s.unit.key, row.Target, []string{connector.DirtyParent}, won, "it was put elsewhere at both ends")
		elsewhere = won == sourceWins
	}
	if !elsewhere { // it lies where it is to lie, or where people put it
		s.change.Item.Parent = prev.Item.Parent
	}
	renamed := slices.Contains(s.change.Dirty, name)
	if p.e.To.Caps.Paths {
		at := connector.Below(s.change.Item.Parent.ID, item.FileName.Get(s.change.Item))
		renamed = at != row.Target.ID && (renamed || elsewhere)
		elsewhere = elsewhere && renamed
	}
	if prev.Item.Parent == s.change.Item.Parent {
		elsewhere = false
	}
	switch {
	case !elsewhere && !renamed:
		return false
	case !moves && (p.e.To.Caps.Paths || elsewhere):
		return true
	}
	whole := row.State == ledger.Half || slices.Contains(s.change.Dirty, item.Content.Name)
	if whole && p.e.large(s.change) {
		return true // an upload in parts goes to one place
	}
	if moves {
		s.change.Moved, s.change.Dirty = true, append(s.change.Dirty, connector.DirtyParent)
	}
	return false
}

// vacate lets an item be made anew, and remembers the place that it leaves.
func (p *part) vacate(s *step) {
	was := s.row
	was.Key.ID = s.unit.key.ID + wasIn + fmt.Sprintf("%x", uint64(p.e.print.Text(was.Target.ID)))
	s.vacated = &was
	s.row, s.replaced = ledger.Row{}, true
	s.change = connector.Change{Op: connector.Create, Item: s.unit.item, Children: s.unit.children, Mark: s.change.Mark}
}

// arrived reports whether a move that was cut off may have come about: where ids are
// paths, nothing stands in the old place.
func (p *part) arrived(s *step) bool {
	if !p.e.To.Caps.Paths || s.row.State != ledger.Half || contains(s.unit.key.Kind) {
		return false
	}
	it := s.unit.item
	return connector.Below(it.Parent.ID, item.FileName.Get(it)) != s.row.Target.ID
}

// leftBehind reports whether an item was made anew in another place, so that the one
// which it left can go. Where that failed, it still stands there, and the row that
// remembers the place is dropped.
func (p *part) leftBehind(ctx context.Context, was ledger.Row) (bool, error) {
	id, _, _ := strings.Cut(was.Key.ID, wasIn)
	key := item.Ref{Kind: was.Key.Kind, ID: id}
	rows, err := p.e.lookup(ctx, p.led.Num, []item.Ref{key})
	if err != nil {
		return false, err
	}
	if rows[key].Target != was.Target {
		return true, nil
	}
	return false, p.apply(ctx, ledger.Batch{Remove: []ledger.Key{was.Key}})
}
