package migrate

import (
	"context"
	"slices"
	"time"

	"github.com/rialto-migrate/rialto/connector"
	"github.com/rialto-migrate/rialto/internal/ledger"
	"github.com/rialto-migrate/rialto/item"
)

// A target can give everything in a folder new ids, too. What the ledger knows there by
// old ones is found again by its mark, which the source is asked for: all of a folder,
// the first time that something in it is not there by its id.

// relocated looks whether what an update misses at the target has another id by now,
// and adds to have what it finds.
func (p *part) relocated(ctx context.Context, batch []*step, have map[item.Ref]item.Bundle) error {
	r, can := p.e.target.(connector.Renumberer)
	var lost []*step
	var refs []item.Ref
	for _, s := range batch {
		if _, there := have[s.row.Target]; !s.skipped && updates(s.row) && !there && level(s.unit.key.Kind) == item.Leaf {
			lost, refs = append(lost, s), append(refs, s.row.Target)
		}
	}
	if !can || len(lost) == 0 || p.e.From.Caps.Paths {
		return nil
	}
	folders, err := r.Renumbered(ctx, refs)
	if err != nil || len(folders) == 0 {
		return err
	}
	for _, f := range folders {
		if err := p.relocate(ctx, f); err != nil {
			return err
		}
	}
	var keys []ledger.Key
	for _, s := range lost {
		keys = append(keys, s.unit.key)
	}
	rows, err := p.e.lookup(ctx, p.led.Num, keys)
	if err != nil {
		return err
	}
	refs = refs[:0]
	for _, s := range lost {
		if now := rows[s.unit.key]; now.Target != s.row.Target {
			s.row, refs = now, append(refs, now.Target)
		}
	}
	if len(refs) == 0 {
		return nil
	}
	for b, err := range p.e.target.Fetch(ctx, p.container(), refs) {
		if err != nil {
			return err
		}
		have[b.Item.Ref] = b
	}
	return nil
}

// relocate finds what the ledger knows in a folder of the target again, once a pass.
func (p *part) relocate(ctx context.Context, folder item.Ref) error {
	p.relocating.Lock()
	defer p.relocating.Unlock()
	if slices.Contains(p.relocatedIn, folder) {
		return nil
	}
	ours := map[item.Ref]ledger.Row{} // by key
	claimed := newRefSet()
	err := p.rows(ctx, func(r ledger.Row) error {
		claimed.add(r.Target)
		if r.Parent == folder && level(r.Key.Kind) == item.Leaf && updates(r) {
			ours[r.Key] = r
		}
		return nil
	})
	if err != nil {
		return err
	}
	byMark := map[string][]connector.Found{}
	for f, err := range p.e.target.Find(ctx, p.container(), time.Time{}) {
		if err != nil {
			return err
		}
		if f.Mark != "" && f.Bundle.Item.Parent == folder && !claimed.has(f.Bundle.Item.Ref) {
			byMark[f.Mark] = append(byMark[f.Mark], f)
		}
	}
	var keys []ledger.Key
	for key := range ours {
		keys = append(keys, key)
	}
	for chunk := range slices.Chunk(keys, ledger.MaxKeys) {
		var b ledger.Batch
		for found, err := range p.e.source.Fetch(ctx, connector.Shard{Ref: BoardOf(p.led.Source)}, chunk) {
			if err != nil {
				return err
			}
			row := ours[found.Item.Ref]
			mark := p.e.target.Carrier(row.Key.Kind, markOf(found.Item))
			i := slices.IndexFunc(byMark[mark], func(f connector.Found) bool { return !otherSize(found.Item.Blob, f.Bundle.Item.Blob) })
			if i < 0 {
				continue // people deleted it
			}
			row.Target = byMark[mark][i].Bundle.Item.Ref
			byMark[mark] = slices.Delete(byMark[mark], i, i+1)
			b.Rows = append(b.Rows, row)
			p.e.Emit(Event{Event: "item", Shard: p.name, Kind: row.Key.Kind, Source: row.Key.ID, Target: row.Target.ID, Op: "found"})
		}
		if err := p.apply(ctx, b); err != nil {
			return err
		}
	}
	p.relocatedIn = append(p.relocatedIn, folder)
	return nil
}
