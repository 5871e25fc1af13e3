package migrate

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"time"

	"github.com/rialto-migrate/rialto/connector"
	"github.com/rialto-migrate/rialto/internal/ledger"
	"github.com/rialto-migrate/rialto/item"
)

// clocksApart is how far the clock of a target may be from ours.
const clocksApart = time.Hour

// pathOf is where a create will stand, at a target whose ids are paths.
func pathOf(it item.Item) string {
	if name := item.Name.Get(it); name != "" && it.Parent.ID != "" && !contains(it.Kind) {
		return connector.Below(it.Parent.ID, name)
	}
	return ""
}

// bulkOf hashes by what a file is known again where its path is: how many bytes it has,
// and when they changed, to the second, as most servers keep it. bytes is -1 and
// modified zero for what is not known.
func (e *Engine) bulkOf(k item.Kind, bytes int64, modified time.Time) item.Digest {
	at := ""
	if !modified.IsZero() {
		at = strconv.FormatInt(modified.Unix(), 10)
	}
	return e.print.Text(string(k) + " " + strconv.FormatInt(bytes, 10) + " " + at)
}

// sentBulk is bulkOf for an item as it is sent.
func (e *Engine) sentBulk(it item.Item) item.Digest {
	bytes, modified := int64(-1), time.Time{}
	if it.Blob != nil {
		bytes = it.Blob.Bytes
	}
	if e.To.Caps.Keeps(it.Kind, item.Modified.Name) {
		modified = item.Modified.Get(it)
	}
	return e.bulkOf(it.Kind, max(bytes, -1), modified)
}

// leftBy reports whether what stands at the path of a create in doubt came of it. A time
// that we gave proves it; where the target has one of its own, it is not from before.
func (e *Engine) leftBy(in ledger.Intent, it item.Item) bool {
	if it.Kind != in.Key.Kind {
		return false
	}
	modified := item.Modified.Get(it)
	if it.Blob == nil {
		return in.Shape == e.bulkOf(it.Kind, -1, time.Time{})
	}
	for _, bytes := range []int64{it.Blob.Bytes, -1} {
		if !modified.IsZero() && in.Shape == e.bulkOf(it.Kind, bytes, modified) {
			return true
		}
	}
	return in.Shape == e.bulkOf(it.Kind, it.Blob.Bytes, time.Time{}) && !modified.Before(in.At.Add(-clocksApart))
}

// adoptOrphans takes over what creates in doubt left at a target whose ids are paths,
// and which the source no longer has: their rows are what an undo, and a pass that
// deletes, know them by. It returns how many there are.
func (p *part) adoptOrphans(ctx context.Context, creates []ledger.Intent) (int, error) {
	byPath := map[item.Ref]ledger.Intent{}
	for _, in := range creates {
		if in.Target.ID != "" {
			byPath[in.Target] = in
		}
	}
	if len(byPath) == 0 {
		return 0, nil
	}
	claimed, err := p.claimed(ctx)
	if err != nil {
		return 0, err
	}
	var refs []item.Ref
	for ref := range byPath {
		if !claimed[ref] {
			refs = append(refs, ref)
		}
	}
	slices.SortFunc(refs, ledger.Compare)
	var b ledger.Batch
	for found, err := range p.e.target.Fetch(ctx, p.container(), refs) {
		if err != nil {
			return 0, fmt.Errorf("what writes in doubt left: %w", err)
		}
		in, asked := byPath[found.Item.Ref]
		if !asked || !p.e.leftBy(in, found.Item) {
			continue
		}
		b.Rows = append(b.Rows, ledger.Row{Key: in.Key, Target: found.Item.Ref, Parent: found.Item.Parent, Version: in.Version, Print: p.e.printOf(found), State: ledger.Made})
		p.e.Emit(Event{Event: "item", Shard: p.name, Kind: in.Key.Kind, Source: in.Key.ID, Target: found.Item.ID, Op: "found"})
	}
	if len(b.Rows) == 0 {
		return 0, nil
	}
	return len(b.Rows), p.apply(ctx, b)
}
