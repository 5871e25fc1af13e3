package migrate

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"sync"

	"golang.org/x/sync/errgroup"

	"github.com/rialto-migrate/rialto/connector"
	"github.com/rialto-migrate/rialto/internal/ledger"
	"github.com/rialto-migrate/rialto/item"
)

// An UndoReport is what undo ends with.
type UndoReport struct {
	Status string                 `json:"status"` // undone, partly, nothing-to-do
	Kinds  map[item.Kind]UndoneOf `json:"kinds"`
	Kept   []Kept                 `json:"kept,omitempty"` // the first thousand
	DryRun bool                   `json:"dry_run,omitempty"`
	Failed int                    `json:"failed"`
}

// UndoneOf counts one kind.
type UndoneOf struct {
	Removed int `json:"removed"`
	Kept    int `json:"kept"`
}

// Kept is an item that undo left at the target, and why.
type Kept struct {
	Kind   item.Kind `json:"kind"`
	Target string    `json:"target"`
	Reason string    `json:"reason"`
	Link   string    `json:"link,omitempty"`
}

// Undo removes exactly what the migration wrote: what people changed or added
// since stays and is listed, and so does what it stands in. A dry run asks the
// same questions and removes nothing. Undo is safe to repeat.
func (e *Engine) Undo(ctx context.Context, dryRun bool) (*UndoReport, error) {
	e.outcomes, e.losses = newOutcomes(nil), newLossBook()
	if err := e.open(ctx); err != nil {
		return nil, err
	}
	there, err := e.To.Cloud.Source(ctx)
	if err != nil {
		return nil, fmt.Errorf("the target: %w", err)
	}
	shards, err := e.Ledger.Shards(ctx)
	if err != nil {
		return nil, fmt.Errorf("the ledger: %w", err)
	}
	u := &undoing{e: e, there: there, dry: dryRun, out: &UndoReport{Kinds: map[item.Kind]UndoneOf{}, DryRun: dryRun}}
	if shards, err = e.chosen(shards); err != nil {
		return nil, err
	}
	if i := slices.IndexFunc(shards, func(s ledger.Shard) bool { return s.Cut.Held() }); i >= 0 {
		return nil, errHeld(shards[i])
	}
	slices.Reverse(shards) // an archive was made after what it belongs to
	for _, s := range shards {
		if u.e, err = e.at(ctx, s.Source); err != nil {
			return u.out, err
		}
		if err := u.shard(ctx, s); err != nil {
			return u.out, err
		}
	}
	return u.out, u.finish(ctx, len(shards))
}

type undoing struct {
	e     *Engine
	there connector.Source
	dry   bool
	out   *UndoReport
	left  bool

	mu   sync.Mutex        // guards out, left and kept while files go side by side
	kept map[item.Ref]bool // target items that stay, and so must what they lie in
}

const (
	undoneAtOnce = 500 // rows that are read from the ledger together
	undoneBeside = 16  // files or messages that are deleted at the same time
)

// shard undoes one container, what lies deepest first. Rows are read a stretch at a
// time: only those of what frames the container are held.
func (u *undoing) shard(ctx context.Context, s ledger.Shard) error {
	p := &part{e: u.e, led: s, name: s.Source.ID, board: s.Target, out: newOutcomes(nil)}
	if err := p.settle(ctx); err != nil {
		return err
	}
	if !u.dry && !u.e.stopped() {
		if err := p.dropDoubts(ctx); err != nil {
			return err
		}
	}
	if err := p.apply(ctx, ledger.Batch{Anew: !u.dry}); err != nil {
		return err
	}
	u.kept = map[item.Ref]bool{}
	ours := newRefSet()
	var frames []ledger.Row
	for _, turn := range []item.Level{item.Within, item.Leaf} {
		var some []ledger.Row
		flush := func() error {
			defer func() { some = some[:0] }()
			return u.rows(ctx, p, some)
		}
		err := p.rows(ctx, func(r ledger.Row) error {
			if turn == item.Within && (r.State == ledger.Made || r.State == ledger.Half) {
				ours.add(r.Target)
			}
			switch l := level(r.Key.Kind); {
			case l == turn:
				if some = append(some, r); len(some) == undoneAtOnce {
					return flush()
				}
			case l < item.Leaf && turn == item.Within:
				frames = append(frames, r)
			}
			return nil
		})
		if err == nil {
			err = flush()
		}
		if err != nil {
			return err
		}
	}
	deepestFirst(frames)
	slices.SortStableFunc(frames, func(a, b ledger.Row) int { return cmp.Compare(level(b.Key.Kind), level(a.Key.Kind)) })
	used, err := u.inUse(ctx, p, ours)
	if err != nil {
		return err
	}
	for _, r := range frames {
		check := func(b item.Bundle) string {
			if used[b.Item.Ref] {
				return "something in it stays"
			}
			if r.State == ledger.Half || contains(r.Key.Kind) {
				return ""
			}
			return u.changed(r, b)
		}
		if err := u.row(ctx, p, r, check); err != nil {
			return err
		}
	}
	return nil
}

// rows undoes rows of one level: those of files and messages side by side.
func (u *undoing) rows(ctx context.Context, p *part, rows []ledger.Row) error {
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(undoneBeside)
	if pointedAt(u.e.To.Caps.Leaf()) {
		group.SetLimit(1)
	}
	for _, r := range rows {
		group.Go(func() error {
			return u.row(ctx, p, r, func(b item.Bundle) string { return u.changed(r, b) })
		})
	}
	return group.Wait()
}

// stays reports whether a target item was kept.
func (u *undoing) stays(ref item.Ref) bool {
	u.mu.Lock()
	defer u.mu.Unlock()
	return u.kept[ref]
}

// changed says why an item stays; "" if it may go.
func (u *undoing) changed(r ledger.Row, b item.Bundle) string {
	if u.stays(r.Target) {
		return "something in it stays"
	}
	if r.State != ledger.Half && u.e.printOf(b) != r.Print {
		return "people changed it"
	}
	if u.dry {
		return ""
	}
	for _, c := range b.Children {
		if u.e.To.Caps.Kinds[c.Kind].Embedded == "" {
			return "people added a " + string(c.Kind)
		}
	}
	return ""
}

// row undoes one row. why says what keeps the item, given what the target holds
// at that moment.
func (u *undoing) row(ctx context.Context, p *part, r ledger.Row, why func(item.Bundle) string) error {
	caps := u.e.To.Caps.Kinds[r.Key.Kind]
	switch {
	case r.State == ledger.Folded, r.State == ledger.Dropped, r.State == ledger.Refused, caps.Embedded != "" && caps.Embedded != r.Key.Kind:
		if u.dry || u.stays(r.Parent) {
			return nil
		}
		return p.apply(ctx, ledger.Batch{Remove: []ledger.Key{r.Key}})
	case r.State == ledger.Adopted:
		u.keep(p, r, "it was there before")
		return u.forget(ctx, p, r)
	case caps.Undo == connector.UndoImpossible:
		u.keep(p, r, cmp.Or(caps.UndoWhy, "the cloud cannot delete it"))
		return u.forget(ctx, p, r)
	}
	reason := ""
	accept := func(b item.Bundle) bool {
		reason = why(b)
		return reason == "" && !u.dry
	}
	u.e.Failpoint("before-delete")
	removed, err := u.e.target.Delete(ctx, p.board, r.Target, accept)
	u.e.Failpoint("after-delete")
	if stillHolds(r.Target, err) {
		err, reason = nil, "something in it stays"
	}
	switch {
	case err != nil && stops(err):
		return err
	case err != nil:
		u.mu.Lock()
		u.out.Failed++
		u.mu.Unlock()
		reason = "the target could not delete it: " + string(connector.ClassOf(err))
		var ce *connector.Error
		if errors.As(err, &ce) {
			p.report(r.Key, r.Target, opFailed, ce)
		}
		fallthrough
	case reason != "":
		u.mu.Lock()
		u.kept[r.Target], u.kept[r.Parent] = true, true
		u.left = true
		u.mu.Unlock()
		u.keep(p, r, reason)
		return nil
	}
	if !removed && !u.dry {
		return nil
	}
	u.mu.Lock()
	n := u.out.Kinds[r.Key.Kind]
	n.Removed++
	u.out.Kinds[r.Key.Kind] = n
	u.mu.Unlock()
	u.e.Emit(Event{Event: "item", Shard: p.name, Kind: r.Key.Kind, Source: r.Key.ID, Target: r.Target.ID, Op: opDeleted})
	return u.forget(ctx, p, r)
}

func (u *undoing) forget(ctx context.Context, p *part, r ledger.Row) error {
	if u.dry {
		return nil
	}
	return p.apply(ctx, ledger.Batch{Remove: []ledger.Key{r.Key}})
}

func (u *undoing) keep(p *part, r ledger.Row, reason string) {
	u.mu.Lock()
	defer u.mu.Unlock()
	n := u.out.Kinds[r.Key.Kind]
	n.Kept++
	u.out.Kinds[r.Key.Kind] = n
	if len(u.out.Kept) < 1000 {
		u.out.Kept = append(u.out.Kept, Kept{Kind: r.Key.Kind, Target: r.Target.ID, Reason: reason, Link: u.e.target.Link(r.Target, p.board)})
	}
	u.e.Emit(Event{Event: "kept", Shard: p.name, Kind: r.Key.Kind, Source: r.Key.ID, Target: r.Target.ID, Reason: reason})
}

// inUse lists the container as it is now and tells what its remaining tasks
// stand in: the lists and labels they use, and the container itself. In a dry
// run what would have gone does not count.
func (u *undoing) inUse(ctx context.Context, p *part, ours refSet) (map[item.Ref]bool, error) {
	used := map[item.Ref]bool{}
	if p.board.Zero() {
		return used, nil
	}
	within := map[item.Ref]item.Ref{} // what folders lie in
	for page, err := range pagesOf(ctx, u.there, connector.Shard{Ref: p.board}) {
		if err != nil {
			if connector.ClassOf(err) == connector.Gone {
				return used, nil
			}
			return nil, err
		}
		for _, b := range page.Bundles {
			if b.Item.Kind == item.Folder {
				within[b.Item.Ref] = b.Item.Parent
			}
			stays := !ours.has(b.Item.Ref) || u.kept[b.Item.Ref]
			switch {
			case b.Item.Kind == item.Member || contains(b.Item.Kind):
			case level(b.Item.Kind) == item.Leaf && (stays || !u.dry):
				used[p.board], used[b.Item.Parent] = true, true
				used[item.InList.Get(b.Item)] = true
				for _, l := range item.Labels.Get(b.Item) {
					used[l] = true
				}
			case stays && b.Item.Kind == item.List && item.Name.Get(b.Item) != "":
				used[p.board] = true // people made a list there
			case stays && b.Item.Kind == item.Folder:
				used[p.board], used[b.Item.Ref] = true, true
			}
		}
	}
	for _, ref := range slices.Collect(maps.Keys(used)) {
		for above, ok := within[ref]; ok && !used[above]; above, ok = within[above] {
			used[above] = true
		}
	}
	return used, nil
}

// finish forgets the migration when nothing of it is left.
func (u *undoing) finish(ctx context.Context, shards int) error {
	switch {
	case shards == 0:
		u.out.Status = "nothing-to-do"
	case u.left || u.out.Failed > 0:
		u.out.Status = "partly"
	default:
		u.out.Status = "undone"
		if !u.dry && u.e.Select.All() {
			if err := u.e.Ledger.Forget(ctx); err != nil {
				return fmt.Errorf("the ledger: %w", err)
			}
		}
	}
	return nil
}
