package migrate

import (
	"context"
	"fmt"
	"slices"

	"github.com/rialto-migrate/rialto/connector"
	"github.com/rialto-migrate/rialto/internal/ledger"
	"github.com/rialto-migrate/rialto/item"
)

// A walked unit is one that a read-only walk over a listing met: fitted as a
// run would fit it.
type walked struct {
	unit    *unit
	archive bool
	skip    bool // left out by the archived policy
	rows    map[item.Ref]ledger.Row
	in      item.Ref // the task that an item of its own lies in; else zero
}

// refused reports whether people deleted it at the target, or what it lies in, and
// it is not made again.
func (w *walked) refused() bool {
	return w.rows[w.unit.key].State == ledger.Refused || w.rows[w.in].State == ledger.Refused
}

// walk lists a container and fits every item as a run would, without writing:
// what has not moved gets the name of its source in place of a target id.
// Forecast and verify rest on it. Items come in the order of the listing, and
// the children that are items of their own after their parent.
func (e *Engine) walk(ctx context.Context, s connector.Shard, known map[item.Ref]ledger.Shard, visit func(*walked) error) error {
	r := e.newRouter()
	links := e.newLinks()
	fits := map[bool]*fitter{false: e.newFitter(s.Ref, known[s.Ref].Num, links), true: e.newFitter(archiveOf(s.Ref), known[archiveOf(s.Ref)].Num, links)}
	step := func(routed []routed) error {
		for _, archive := range []bool{false, true} {
			if err := e.walkRouted(ctx, s, known, archive, routed, fits[archive], visit); err != nil {
				return err
			}
		}
		return nil
	}
	for page, err := range pagesOf(ctx, e.source, s) {
		if err != nil {
			return err
		}
		e.meet(s.Ref, page.Bundles)
		e.rename(page.Bundles)
		if err := links.load(ctx, e.Ledger, page.Bundles); err != nil {
			return err
		}
		if err := fits[false].naming.load(ctx, page.Bundles); err != nil {
			return err
		}
		if err := step(r.route(page.Bundles)); err != nil {
			return err
		}
		fits[false].naming.settle()
	}
	return step(r.end())
}

func (e *Engine) walkRouted(ctx context.Context, s connector.Shard, known map[item.Ref]ledger.Shard, archive bool, all []routed, f *fitter, visit func(*walked) error) error {
	source := s.Ref
	if archive {
		source = archiveOf(s.Ref)
	}
	var keys []item.Ref
	var mine []routed
	for _, d := range all {
		if d.archive == archive && d.bundle.Item.Kind != item.Member {
			mine = append(mine, d)
			keys = append(keys, keysOf(d.bundle)...)
		}
	}
	rows := map[item.Ref]ledger.Row{}
	if led, ok := known[source]; ok {
		var err error
		if f.places.in == nil {
			if f.places, err = e.placesOf(ctx, led); err != nil {
				return err
			}
		}
		if rows, err = e.lookup(ctx, led.Num, keys); err != nil {
			return err
		}
	}
	mine, err := e.completeRouted(ctx, s, mine, func(b item.Bundle) bool {
		row := rows[b.Item.Ref]
		return !e.ahead || (&job{unit: f.begin(b), row: row}).changed()
	})
	if err != nil {
		return err
	}
	// What frames a container is fitted in the order in which a run writes it.
	slices.SortStableFunc(mine, func(a, b routed) int { return rank(a.bundle.Item.Kind) - rank(b.bundle.Item.Kind) })
	for _, d := range mine {
		u := f.begin(d.bundle)
		if d.skip {
			u.losses = d.lost
			e.losses.add(d.lost)
			if err := visit(&walked{unit: u, archive: archive, skip: true, rows: rows}); err != nil {
				return err
			}
			continue
		}
		if err := e.walkUnit(u, f.parentOf(d.bundle.Item, f.where(source)), archive, rows, f, visit); err != nil {
			return err
		}
		for _, info := range item.Kinds() {
			for _, c := range u.own {
				if c.Kind != info.Kind {
					continue
				}
				kid := f.begin(item.Bundle{Item: c, CheckItems: -1})
				inside := func(w *walked) error {
					w.in = u.key
					return visit(w)
				}
				if err := e.walkUnit(kid, f.where(u.key), archive, rows, f, inside); err != nil {
					return err
				}
			}
		}
	}
	if err := ctx.Err(); err != nil {
		return fmt.Errorf("stopped: %w", err)
	}
	return nil
}

func (e *Engine) walkUnit(u *unit, parent item.Ref, archive bool, rows map[item.Ref]ledger.Row, f *fitter, visit func(*walked) error) error {
	f.fit(u, parent)
	if u.ownKind && pointedAt(u.key.Kind) {
		to := rows[u.key].Target
		if to.Zero() {
			to = item.Ref{Kind: u.key.Kind, ID: fresh + u.key.ID}
		}
		f.know(u.key, to)
	}
	return visit(&walked{unit: u, archive: archive, rows: rows})
}

// rank is a kind's place in the list of kinds; all that lies in the tasks comes
// with them.
func rank(k item.Kind) int {
	for i, info := range item.Kinds() {
		if info.Kind == k {
			return i
		}
	}
	return len(item.Kinds())
}
