package migrate

import (
	"context"
	"slices"
	"strings"

	"github.com/rialto-migrate/rialto/connector"
	"github.com/rialto-migrate/rialto/internal/ledger"
	"github.com/rialto-migrate/rialto/item"
)

// Nothing is deleted at the target because a listing was faulty: what a listing
// does not claim to hold whole proves nothing by its absence, and where an item's
// address at the source can be told, the source is asked for it once more.

// claims remembers of which kinds the listing of a container was complete.
func (p *pass) claims(source item.Ref, whole []item.Kind) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.whole == nil {
		p.whole = map[item.Ref][]item.Kind{}
	}
	p.whole[source] = whole
}

// proves reports whether a kind that a listing lacked is gone.
func (p *pass) proves(source item.Ref, k item.Kind) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return slices.Contains(p.whole[BoardOf(source)], k)
}

// skipped are those of the missing files that the source still has, by their keys.
func (p *pass) skipped(ctx context.Context, part *part, missing []ledger.Row) (map[item.Ref]bool, error) {
	there := map[item.Ref]bool{}
	if p.e.From.Caps.Container() != item.Drive {
		return there, nil
	}
	board := BoardOf(part.led.Source)
	var refs []item.Ref
	for _, r := range missing {
		if at, ok := part.sourceOf(r); ok {
			refs = append(refs, at)
		}
	}
	for chunk := range slices.Chunk(refs, 500) {
		for b, err := range p.e.source.Fetch(ctx, connector.Shard{Ref: board}, chunk) {
			if err != nil {
				return nil, err
			}
			there[p.e.key(b.Item.Ref)] = true
		}
	}
	return there, nil
}

// sourceOf is where the item of a row lies at the source. Where ids are paths, the
// ledger knows it by a hash, and it stands at the target below the same names,
// unless some of them had to be changed.
func (p *part) sourceOf(r ledger.Row) (item.Ref, bool) {
	if contains(r.Key.Kind) || r.Target.Zero() || vacated(r.Key) {
		return item.Ref{}, false
	}
	if !p.e.From.Caps.Paths {
		return r.Key, true
	}
	below, ok := strings.CutPrefix(r.Target.ID, strings.TrimSuffix(p.container().ID, "/")+"/")
	at := item.Ref{Kind: r.Key.Kind, ID: connector.Below(BoardOf(p.led.Source).ID, below)}
	return at, ok && p.e.key(at) == p.e.key(r.Key)
}
