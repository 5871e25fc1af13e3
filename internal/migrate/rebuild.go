package migrate

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/rialto-migrate/rialto/connector"
	"github.com/rialto-migrate/rialto/internal/ledger"
	"github.com/rialto-migrate/rialto/item"
)

// A RebuildReport is what rebuild ends with.
type RebuildReport struct {
	Status string                  `json:"status"` // rebuilt, partly
	Kinds  map[item.Kind]RebuiltOf `json:"kinds"`
}

// RebuiltOf counts one kind.
type RebuiltOf struct {
	Found   int `json:"found"`
	Missing int `json:"missing"` // the next run makes them
}

// Rebuild recovers a lost ledger: it lists the source and the target and pairs
// them by the marks that the target carries, and by shape where a kind carries
// none. What it pairs is compared by the next run and written only where it
// differs; an undo wants that run first, for what it reads back is what tells
// later whether people changed it. It forgets what the ledger held before.
func (e *Engine) Rebuild(ctx context.Context) (*RebuildReport, error) {
	if e.To.Caps.Paths {
		return nil, connector.Errorf(connector.Unsupported, "%s has no need of a rebuild", e.To.Title).
			WithHint("run again: what stands at its place there with the same bytes is taken over, and nothing is made twice")
	}
	e.outcomes, e.losses, e.ahead = newOutcomes(nil), newLossBook(), true
	if err := e.open(ctx); err != nil {
		return nil, err
	}
	shards, err := e.shards(ctx)
	if err != nil {
		return nil, err
	}
	known, err := e.knownShards(ctx)
	if err != nil {
		return nil, err
	}
	if err := e.Ledger.Forget(ctx); err != nil {
		return nil, fmt.Errorf("the ledger: %w", err)
	}
	if err := e.keepCuts(ctx, known); err != nil {
		return nil, err
	}
	b := &rebuilder{e: e, boards: map[connector.Target][]connector.Found{}, out: &RebuildReport{Status: "rebuilt", Kinds: map[item.Kind]RebuiltOf{}}}
	for _, lying := range []bool{false, true} {
		if lying && !e.writesLying() {
			break
		}
		for _, s := range shards {
			if b.e, err = e.at(ctx, s.Ref); err != nil {
				return nil, err
			}
			if err := b.shard(ctx, s, lying); err != nil {
				return nil, err
			}
		}
	}
	for _, k := range b.out.Kinds {
		if k.Missing > 0 {
			b.out.Status = "partly"
		}
	}
	return b.out, nil
}

// writesLying reports whether the target holds items of their own in tasks.
func (e *Engine) writesLying() bool {
	return slices.ContainsFunc(item.Kinds(), func(k item.KindInfo) bool {
		return k.Level > item.Leaf && e.To.Caps.Writes(k.Kind) && e.To.Caps.Kinds[k.Kind].Embedded == ""
	})
}

// containers reads, once, what the place holds and this connection made.
func (b *rebuilder) containers(ctx context.Context) ([]connector.Found, error) {
	if known, ok := b.boards[b.e.target]; ok {
		return known, nil
	}
	var out []connector.Found
	for f, err := range b.e.target.Find(ctx, item.Ref{}, time.Time{}) {
		if err != nil {
			return nil, err
		}
		out = append(out, f)
	}
	b.boards[b.e.target] = out
	return out, nil
}

type rebuilder struct {
	e      *Engine // of the place that the container at hand goes to
	boards map[connector.Target][]connector.Found
	out    *RebuildReport
}

// A candidate is a container of the target with what it holds.
type candidate struct {
	board  item.Ref
	found  []connector.Found
	byMark map[string][]int // several carry one where the source has a message twice
	used   []bool
	alike  bool // chosen for its looks
}

// shard pairs one container of the source, and its archive, with the target:
// first the container, its frame and its tasks, and once all of these are known,
// what lies in the tasks, whose texts may point at any of them.
func (b *rebuilder) shard(ctx context.Context, s connector.Shard, lying bool) error {
	var known map[item.Ref]ledger.Shard
	if lying {
		var err error
		if known, err = b.e.knownShards(ctx); err != nil {
			return err
		}
	}
	// The bundles are fitted as a run would fit them; units are few enough to
	// hold: a container's worth.
	units := map[bool][]*unit{}
	err := b.e.walk(ctx, s, known, func(w *walked) error {
		if !w.skip && lying == (level(w.unit.key.Kind) > item.Leaf) {
			units[w.archive] = append(units[w.archive], w.unit)
		}
		return nil
	})
	if err != nil {
		return err
	}
	for _, archive := range []bool{false, true} {
		if len(units[archive]) == 0 {
			continue
		}
		source := s.Ref
		if archive {
			source = archiveOf(s.Ref)
		}
		if err := b.part(ctx, source, units[archive], known[source].Target); err != nil {
			return err
		}
	}
	return nil
}

// part pairs the units of one container with what the target's holds; where that
// is not known yet, with the one that carries most of their marks.
func (b *rebuilder) part(ctx context.Context, source item.Ref, units []*unit, board item.Ref) error {
	var c *candidate
	var err error
	if board.Zero() {
		c, err = b.choose(ctx, units)
	} else {
		c, err = b.candidate(ctx, connector.Found{Bundle: item.Bundle{Item: item.Item{Ref: board}}})
	}
	if err != nil {
		return err
	}
	if c == nil {
		for _, u := range units {
			if b.e.To.Caps.Writes(u.key.Kind) {
				b.count(u.key.Kind, 0, 1)
			}
		}
		return nil
	}
	led, err := b.e.Ledger.Shard(ctx, source)
	if err != nil {
		return fmt.Errorf("the ledger: %w", err)
	}
	batch := ledger.Batch{Shard: led.Num, Target: c.board}
	where := map[item.Ref]item.Ref{}
	crowded := b.crowded(units)
	for _, u := range units {
		if !b.e.To.Caps.Writes(u.key.Kind) {
			continue
		}
		target, ok := b.pair(c, u, where)
		if !ok && crowded[u.key.Kind] {
			// There are more than the target holds: this is one that became text.
			batch.Rows = append(batch.Rows, ledger.Row{Key: u.key, State: ledger.Dropped})
			continue
		}
		if !ok {
			b.count(u.key.Kind, 0, 1)
			continue
		}
		where[u.key] = target
		b.count(u.key.Kind, 1, 0)
		row := ledger.Row{Key: u.key, Target: target, Parent: c.board, State: ledger.Made}
		if above := resolve(u.item.Parent, where); above.Kind == item.Folder {
			row.Parent = above
		}
		if contains(u.key.Kind) && c.alike {
			row.State = ledger.Adopted
		}
		batch.Rows = append(batch.Rows, row)
		batch.Aliases = append(batch.Aliases, aliasesOf(u)...)
		for _, key := range u.with {
			b.count(key.Kind, 1, 0) // written with it, recovered with it
		}
		batch.Rows = append(batch.Rows, withRows(u, target)...)
	}
	if err := b.e.Ledger.Apply(ctx, batch); err != nil {
		return fmt.Errorf("the ledger: %w", err)
	}
	return nil
}

// crowded names the kinds that frame a container of which the source has more
// than the target holds.
func (b *rebuilder) crowded(units []*unit) map[item.Kind]bool {
	n, out := map[item.Kind]int{}, map[item.Kind]bool{}
	for _, u := range units {
		n[u.key.Kind]++
		max := b.e.To.Caps.Kinds[u.key.Kind].Max
		out[u.key.Kind] = parentless(u.key.Kind) && max > 0 && n[u.key.Kind] > max
	}
	return out
}

func (b *rebuilder) count(k item.Kind, found, missing int) {
	n := b.out.Kinds[k]
	n.Found += found
	n.Missing += missing
	b.out.Kinds[k] = n
}

// choose finds the container that carries the most marks of these units.
func (b *rebuilder) choose(ctx context.Context, units []*unit) (*candidate, error) {
	var best *candidate
	var alike []*candidate // that hold no marks, and what a create of the board would carry
	bestHits := 0
	boards, err := b.containers(ctx)
	if err != nil {
		return nil, err
	}
	for _, f := range boards {
		c, err := b.candidate(ctx, f)
		if err != nil {
			return nil, err
		}
		hits := 0
		for _, u := range units {
			if mark := b.e.target.Carrier(u.key.Kind, u.mark); mark != "" {
				if _, ok := c.byMark[string(u.key.Kind)+" "+mark]; ok {
					hits++
				}
			}
		}
		if hits > bestHits {
			best, bestHits = c, hits
		}
		if len(c.byMark) == 0 && b.e.shapeOf(f.Bundle.Item) == b.e.shapeOf(units[0].item) {
			alike = append(alike, c)
		}
	}
	if best == nil && len(alike) == 1 {
		// A container without tasks carries no mark that says whose it is: it is
		// taken over, so that no second one is made and an undo leaves it alone.
		best = alike[0]
		best.alike = true
	}
	return best, nil
}

// candidate reads a container of the target.
func (b *rebuilder) candidate(ctx context.Context, board connector.Found) (*candidate, error) {
	c := &candidate{board: board.Bundle.Item.Ref, found: []connector.Found{board}, byMark: map[string][]int{}}
	for f, err := range b.e.target.Find(ctx, c.board, time.Time{}) {
		if err != nil {
			return nil, err
		}
		c.found = append(c.found, f)
	}
	c.used = make([]bool, len(c.found))
	for i, f := range c.found {
		if f.Mark != "" {
			key := string(f.Bundle.Item.Kind) + " " + f.Mark
			c.byMark[key] = append(c.byMark[key], i)
		}
	}
	return c, nil
}

// pair finds what a unit became: by mark, else by shape within the right
// parent.
func (b *rebuilder) pair(c *candidate, u *unit, where map[item.Ref]item.Ref) (item.Ref, bool) {
	if contains(u.key.Kind) {
		c.used[0] = true
		return c.board, true
	}
	if mark := b.e.target.Carrier(u.key.Kind, u.mark); mark != "" {
		want := resolved(u.item, where)
		at := item.Received.Get(want).Truncate(time.Second)
		for _, dated := range []bool{true, false} { // of messages that lie there twice, that of the same date
			for _, i := range c.byMark[string(u.key.Kind)+" "+mark] {
				there := c.found[i].Bundle.Item
				if !c.used[i] && !apart(want.Parent, there.Parent) && !otherSize(want.Blob, there.Blob) && (!dated || at.Equal(item.Received.Get(there).Truncate(time.Second))) {
					c.used[i] = true
					return there.Ref, true
				}
			}
		}
	}
	for _, unique := range []bool{true, false} {
		if i := b.byShape(c, resolved(u.item, where), unique); i >= 0 {
			c.used[i] = true
			return c.found[i].Bundle.Item.Ref, true
		}
	}
	return item.Ref{}, false
}

// byShape finds an unmarked item that holds what a create of it would carry. A
// value that is given out once in a container (the colour of a label) depends
// on the order in which its siblings came, and may be left out: unique says
// whether it counts.
func (b *rebuilder) byShape(c *candidate, want item.Item, unique bool) int {
	caps := b.e.To.Caps.Kinds[want.Kind]
	shape := func(it item.Item) item.Digest {
		return b.e.print.Items(func(_ item.Kind, f item.Field) bool {
			return slices.Contains(caps.Shape, f.Name) && (unique || !caps.Fields[f.Name].Unique)
		}, item.Item{Ref: item.Ref{Kind: it.Kind}, Fields: it.Fields})
	}
	wanted := shape(want)
	for i, f := range c.found {
		it := f.Bundle.Item
		if c.used[i] || f.Mark != "" || it.Kind != want.Kind || level(it.Kind) > item.Leaf && it.Parent != want.Parent || apart(want.Parent, it.Parent) {
			continue
		}
		if shape(it) == wanted {
			return i
		}
	}
	return -1
}

// apart reports whether two items lie in different folders.
func apart(a, b item.Ref) bool {
	return (a.Kind == item.Folder || b.Kind == item.Folder) && a != b && !a.Zero() && !b.Zero()
}

// fresh begins the id that stands for what has not moved.
const fresh = "new:"

// resolve turns the stand-in id of something that has not moved, as walk gives
// it, into what it was paired with.
func resolve(r item.Ref, where map[item.Ref]item.Ref) item.Ref {
	if len(r.ID) > len(fresh) && r.ID[:len(fresh)] == fresh {
		if to, ok := where[item.Ref{Kind: r.Kind, ID: r.ID[len(fresh):]}]; ok {
			return to
		}
	}
	return r
}

// resolved is an item with its references resolved.
func resolved(it item.Item, where map[item.Ref]item.Ref) item.Item {
	it = it.Clone()
	it.Parent = resolve(it.Parent, where)
	for name, v := range it.Fields {
		switch v := v.(type) {
		case item.Ref:
			it.Fields[name] = resolve(v, where)
		case []item.Ref:
			for i := range v {
				v[i] = resolve(v[i], where)
			}
		}
	}
	return it
}

// withRows are the rows of what was written with a unit.
func withRows(u *unit, target item.Ref) []ledger.Row {
	var out []ledger.Row
	for _, key := range u.from {
		out = append(out, ledger.Row{Key: key, Target: item.Ref{Kind: key.Kind}, Parent: target, State: ledger.Made})
	}
	for _, key := range u.folded {
		out = append(out, ledger.Row{Key: key, Target: target, Parent: target, State: ledger.Folded})
	}
	for _, key := range u.dropped {
		out = append(out, ledger.Row{Key: key, Parent: target, State: ledger.Dropped})
	}
	return out
}
