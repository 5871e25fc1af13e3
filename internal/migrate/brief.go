package migrate

import (
	"context"

	"github.com/rialto-migrate/rialto/connector"
	"github.com/rialto-migrate/rialto/internal/ledger"
	"github.com/rialto-migrate/rialto/item"
)

// Some clouds tell little of a file when they list it, and the rest if they are
// asked for each. They are asked for those that changed.

// completed fetches the brief ones among bundles that are wanted; what is gone since
// it was listed is left out. The versions stay those of the listing.
func completed(ctx context.Context, source connector.Source, container item.Ref, bundles []item.Bundle, wanted func(item.Bundle) bool) ([]item.Bundle, error) {
	var refs []item.Ref
	for _, b := range bundles {
		if b.Item.Brief && wanted(b) {
			refs = append(refs, b.Item.Ref)
		}
	}
	if len(refs) == 0 {
		return bundles, nil
	}
	whole := make(map[item.Ref]item.Bundle, len(refs))
	for b, err := range source.Fetch(ctx, connector.Shard{Ref: container}, refs) {
		if err != nil {
			return nil, err
		}
		whole[b.Item.Ref] = b
	}
	out := make([]item.Bundle, 0, len(bundles))
	for _, b := range bundles {
		if b.Item.Brief && wanted(b) {
			full, there := whole[b.Item.Ref]
			if !there {
				continue
			}
			full.Item.Version = b.Item.Version
			b = full
		}
		out = append(out, b)
	}
	return out, nil
}

// vanished records what was listed and was not there when it was asked for: another
// sweep shows whether it was deleted meanwhile, which takes the failure back.
func (p *part) vanished(ctx context.Context, listed, there []item.Bundle) error {
	var b ledger.Batch
	for _, l := range listed {
		if len(there) > 0 && there[0].Item.Ref == l.Item.Ref {
			there = there[1:]
			continue
		}
		err := connector.Errorf(connector.Gone, "the source lists it, and does not have it")
		b.Failures = append(b.Failures, ledger.Failure{Key: l.Item.Ref, Class: string(err.Class), Reason: err.Reason})
		p.report(l.Item.Ref, item.Ref{}, opFailed, err)
	}
	if len(b.Failures) == 0 {
		return nil
	}
	p.flag(func(s *partState) { s.retry = true })
	return p.apply(ctx, b)
}

func always(item.Bundle) bool { return true }

// completeRouted completes what a router passed on.
func (e *Engine) completeRouted(ctx context.Context, s connector.Shard, all []routed, wanted func(item.Bundle) bool) ([]routed, error) {
	bundles := make([]item.Bundle, 0, len(all))
	for _, d := range all {
		bundles = append(bundles, d.bundle)
	}
	whole, err := completed(ctx, e.source, s.Ref, bundles, wanted)
	if err != nil {
		return nil, err
	}
	var out []routed
	for _, d := range all {
		if len(whole) == 0 || whole[0].Item.Ref != d.bundle.Item.Ref {
			continue // it is gone
		}
		d.bundle = whole[0]
		out, whole = append(out, d), whole[1:]
	}
	return out, nil
}
