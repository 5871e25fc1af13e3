package migrate

import (
	"context"
	"time"

	"github.com/rialto-migrate/rialto/connector"
	"github.com/rialto-migrate/rialto/internal/ledger"
	"github.com/rialto-migrate/rialto/item"
)

// A source can give everything in a folder new ids: a mail server that lost its
// index gives the folder another UIDVALIDITY (RFC 9051, 2.3.1.1). What moved under
// an old id is found again by its mark, and keeps its place in the ledger under the
// new one.

// renumbered looks for folders that moved in an earlier pass and of which the ledger
// knows nothing that is listed now, and pairs what is listed with what stands at the
// target.
func (p *part) renumbered(ctx context.Context, jobs []*job) error {
	fresh := map[item.Ref][]*job{}
	for _, j := range jobs {
		in := j.bundle.Item.Parent
		switch {
		case in.Kind != item.Folder:
		case j.row.State != 0:
			p.notMoved(in) // its ids are those of earlier passes
		case p.settledFolder(in):
			fresh[in] = append(fresh[in], j)
		}
	}
	var strangers []*job
	for in, of := range fresh {
		if p.settledFolder(in) {
			strangers = append(strangers, of...)
		}
	}
	if len(strangers) == 0 {
		return nil
	}
	marked, err := p.markedThere(ctx, strangers[0].bundle.Item.Kind)
	if err != nil || len(marked) == 0 {
		return err
	}
	var b ledger.Batch
	for _, j := range strangers {
		in := p.fit.where(j.bundle.Item.Parent)
		key := markKey{in, p.e.target.Carrier(j.unit.key.Kind, j.unit.mark)}
		for i, m := range marked[key] {
			if p.saw(m.row.Key) || otherSize(j.bundle.Item.Blob, m.found.Bundle.Item.Blob) {
				continue
			}
			marked[key] = append(marked[key][:i:i], marked[key][i+1:]...)
			j.row = m.row
			j.row.Key, j.row.Version, j.row.Print, j.row.Base = j.unit.key, 0, 0, ""
			b.Remove, b.Rows = append(b.Remove, m.row.Key), append(b.Rows, j.row)
			p.e.Emit(Event{Event: "item", Shard: p.name, Kind: j.unit.key.Kind, Source: j.unit.key.ID, Target: j.row.Target.ID, Op: "found"})
			break
		}
	}
	if len(b.Rows) == 0 {
		return nil
	}
	return p.apply(ctx, b)
}

// reclaim looks at folders that were new to the ledger and turn out to stand at the
// target: those that moved under another id in an earlier pass are still ours.
func (p *part) reclaim(ctx context.Context, fresh []*job) error {
	stood := map[item.Ref]*job{}
	for _, j := range fresh {
		if j.unit.key.Kind == item.Folder && j.row.State == ledger.Adopted {
			stood[j.row.Target] = j
		}
	}
	if len(stood) == 0 || p.e.To.Caps.Paths {
		return nil
	}
	rows, err := p.e.rowsOf(ctx, p.led.Num, item.Folder)
	if err != nil {
		return err
	}
	var b ledger.Batch
	for _, r := range rows {
		j := stood[r.Target]
		if j == nil || r.Key == j.unit.key || p.saw(r.Key) {
			continue
		}
		j.row.State = r.State
		b.Remove, b.Rows = append(b.Remove, r.Key), append(b.Rows, j.row)
		p.hasMoved(j.unit.key)
	}
	if len(b.Rows) == 0 {
		return nil
	}
	return p.apply(ctx, b)
}

// hasMoved remembers a folder that moved in an earlier pass. One that this pass made
// holds nothing under other ids.
func (p *part) hasMoved(folder item.Ref) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.settled == nil {
		p.settled = map[item.Ref]bool{}
	}
	p.settled[folder] = true
}

// notMoved remembers that the ledger knows what is listed in a folder.
func (p *part) notMoved(folder item.Ref) {
	p.mu.Lock()
	defer p.mu.Unlock()
	delete(p.settled, folder)
}

// settledFolder reports whether a folder of the source moved in an earlier pass, and
// nothing is known yet of what is listed in it now.
func (p *part) settledFolder(source item.Ref) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.settled[source]
}

type markKey struct {
	in   item.Ref // the target's folder
	mark string
}

type markedItem struct {
	found connector.Found
	row   ledger.Row
}

// markedThere lists what the migration made at the target and carries a mark, once a
// sweep.
func (p *part) markedThere(ctx context.Context, k item.Kind) (map[markKey][]markedItem, error) {
	p.mu.Lock()
	marked := p.marked
	p.mu.Unlock()
	if marked != nil {
		return marked, nil
	}
	ours := map[item.Ref]ledger.Row{}
	err := p.rows(ctx, func(r ledger.Row) error {
		if r.Key.Kind == k && r.State == ledger.Made {
			ours[r.Target] = r
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	marked = map[markKey][]markedItem{}
	if len(ours) > 0 {
		for f, err := range p.e.target.Find(ctx, p.container(), time.Time{}) {
			if err != nil {
				return nil, err
			}
			row, is := ours[f.Bundle.Item.Ref]
			if !is || f.Mark == "" {
				continue
			}
			key := markKey{f.Bundle.Item.Parent, f.Mark}
			marked[key] = append(marked[key], markedItem{f, row})
		}
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.marked = marked
	return marked, nil
}
