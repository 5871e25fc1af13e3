package migrate

import (
	"context"
	"errors"
	"maps"

	"github.com/rialto-migrate/rialto/connector"
	"github.com/rialto-migrate/rialto/internal/ledger"
	"github.com/rialto-migrate/rialto/item"
)

// Some clouds tell little of a file when they list it, and the rest if they are
// asked for each. They are asked for those that changed.

// completed fetches the brief ones among bundles that are wanted; what is gone since
// it was listed is left out. The versions stay those of the listing. What cannot be
// told stays brief, and failed says why.
func completed(ctx context.Context, source connector.Source, container item.Ref, bundles []item.Bundle, wanted func(item.Bundle) bool) (out []item.Bundle, failed map[item.Ref]error, err error) {
	var refs []item.Ref
	for _, b := range bundles {
		if b.Item.Brief && wanted(b) {
			refs = append(refs, b.Item.Ref)
		}
	}
	if len(refs) == 0 {
		return bundles, nil, nil
	}
	whole, failed, err := fetched(ctx, source, container, refs)
	if err != nil {
		return nil, nil, err
	}
	out = make([]item.Bundle, 0, len(bundles))
	for _, b := range bundles {
		if b.Item.Brief && failed[b.Item.Ref] == nil && wanted(b) {
			full, there := whole[b.Item.Ref]
			if !there {
				continue
			}
			full.Item.Version = b.Item.Version
			b = full
		}
		out = append(out, b)
	}
	return out, failed, nil
}

// fetched asks for items; where one of them makes all of it fail, for each by
// itself.
func fetched(ctx context.Context, source connector.Source, container item.Ref, refs []item.Ref) (whole map[item.Ref]item.Bundle, failed map[item.Ref]error, err error) {
	whole = make(map[item.Ref]item.Bundle, len(refs))
	for b, err := range source.Fetch(ctx, connector.Shard{Ref: container}, refs) {
		if err == nil {
			whole[b.Item.Ref] = b
			continue
		}
		if stops(err) {
			return nil, nil, err
		}
		if len(refs) == 1 {
			return whole, map[item.Ref]error{refs[0]: err}, nil
		}
		failed = map[item.Ref]error{}
		for _, ref := range refs {
			if _, there := whole[ref]; there {
				continue
			}
			one, bad, err := fetched(ctx, source, container, []item.Ref{ref})
			if err != nil {
				return nil, nil, err
			}
			maps.Copy(whole, one)
			maps.Copy(failed, bad)
		}
		return whole, failed, nil
	}
	return whole, nil, nil
}

// completeRouted completes what a router passed on.
func (e *Engine) completeRouted(ctx context.Context, s connector.Shard, all []routed, wanted func(item.Bundle) bool) ([]routed, error) {
	bundles := make([]item.Bundle, 0, len(all))
	for _, d := range all {
		bundles = append(bundles, d.bundle)
	}
	whole, _, err := completed(ctx, e.source, s.Ref, bundles, wanted) // a run says what cannot be told
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

// complete completes bundles of which those that are wanted are to be written.
// What was listed and is not there fails; another sweep shows whether it was
// deleted meanwhile, which takes the failure back.
func (p *part) complete(ctx context.Context, listed []item.Bundle, wanted func(item.Bundle) bool) ([]item.Bundle, error) {
	there, failed, err := completed(ctx, p.e.source, BoardOf(p.led.Source), listed, wanted)
	if err != nil {
		return nil, err
	}
	var b ledger.Batch
	fail := func(ref item.Ref, err error) {
		ce, ok := errors.AsType[*connector.Error](err)
		if !ok {
			ce = &connector.Error{Class: connector.Transient, Reason: "the source cannot tell of it", Err: err}
		}
		b.Failures = append(b.Failures, ledger.Failure{Key: ref, Class: string(ce.Class), Reason: ce.Error()})
		p.report(ref, item.Ref{}, opFailed, ce)
		if ce.Class == connector.Transient || ce.Class == connector.Gone {
			p.flag(func(s *partState) { s.retry = true })
		}
	}
	var out []item.Bundle
	for _, l := range listed {
		if len(there) == 0 || there[0].Item.Ref != l.Item.Ref {
			fail(l.Item.Ref, connector.Errorf(connector.Gone, "the source lists it, and does not have it"))
			continue
		}
		if err := failed[l.Item.Ref]; err != nil {
			fail(l.Item.Ref, err)
		} else {
			out = append(out, there[0])
		}
		there = there[1:]
	}
	if len(b.Failures) == 0 {
		return out, nil
	}
	return out, p.apply(ctx, b)
}
