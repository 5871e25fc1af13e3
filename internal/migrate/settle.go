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

// settle asks the target what became of every write in doubt, before anything
// is written again. A create is found by its mark, or by its shape: an unmarked
// item of ours that no row claims, made since the intent, that holds what the
// first request carried; identical twins are interchangeable.
//
// A request of a dead process, or one whose answer was lost, may still land.
// So nothing in doubt is judged before the target's settle delay is over:
// absence would prove nothing, and what takes several requests (the entries of
// a checklist) could be there twice.
func (p *part) settle(ctx context.Context) error {
	intents, err := p.e.Ledger.InDoubt(ctx, p.led.Num)
	if err != nil {
		return fmt.Errorf("the ledger: %w", err)
	}
	if intents, err = p.keepUploads(ctx, intents); err != nil {
		return err
	}
	if len(intents) > 0 {
		p.e.Failpoint("before-settle")
	}
	if done, err := p.await(ctx, p.settledAt(intents)); !done {
		return err // where the verb was asked to stop, the intents stay for the next
	}
	if len(intents) == 0 {
		return nil
	}
	creates, err := p.settleChanges(ctx, intents)
	if err != nil {
		return err
	}
	if creates, err = p.findCreates(ctx, creates); err != nil {
		return err
	}
	var b ledger.Batch
	for _, in := range creates {
		b.Clear = append(b.Clear, in.Key)
	}
	if len(b.Clear) > 0 && !p.e.To.Caps.Paths { // else what is tried again may be ours: see dropDoubts
		if err := p.apply(ctx, b); err != nil {
			return err
		}
	}
	p.e.Failpoint("after-settle")
	return nil
}

// settledAt is when everything that may still land has landed: a settle delay
// after an earlier process was certainly dead, or after the latest write of
// this one went into doubt. Zero if nothing is in doubt.
func (p *part) settledAt(intents []ledger.Intent) time.Time {
	p.mu.Lock()
	defer p.mu.Unlock()
	latest, now := p.doubtful, p.e.Now()
	for _, in := range intents {
		at := in.At
		if at.Before(p.e.began) {
			at = p.e.began
		}
		if at.After(now) { // the clock was put back since
			at = now
		}
		if at.After(latest) {
			latest = at
		}
	}
	if latest.IsZero() {
		return latest
	}
	return latest.Add(p.e.To.Caps.SettleDelay)
}

// await waits for a time by our clock; done is false if the verb ends before.
func (p *part) await(ctx context.Context, ready time.Time) (done bool, err error) {
	wait := ready.Sub(p.e.Now())
	if wait <= 0 {
		return true, nil
	}
	p.e.Emit(Event{Event: "waiting", Shard: p.name, Reason: "writes in doubt may still land", Until: ready})
	t := time.NewTimer(wait)
	defer t.Stop()
	select {
	case <-t.C:
		return true, nil
	case <-p.e.Stop:
		return false, nil
	case <-ctx.Done():
		return false, context.Cause(ctx)
	}
}

// settleChanges clears the intents of updates and deletes, which are harmless
// to repeat, and returns those of creates. An update may have been half done,
// so its item is written whole again.
func (p *part) settleChanges(ctx context.Context, intents []ledger.Intent) (creates []ledger.Intent, err error) {
	var updates []ledger.Intent
	var b ledger.Batch
	for _, in := range intents {
		switch in.Op {
		case ledger.Create:
			creates = append(creates, in)
		case ledger.Update:
			updates = append(updates, in)
		default:
			b.Clear = append(b.Clear, in.Key)
		}
	}
	if err := p.cutOff(ctx, updates); err != nil || len(b.Clear) == 0 {
		return creates, err
	}
	return creates, p.apply(ctx, b)
}

// halved is the row of an item of which a write may have been half done: it is
// written whole again. What was adopted stays so, and is looked at again.
func halved(r ledger.Row) ledger.Row {
	if r.State == ledger.Adopted {
		r.Version = 0
	} else {
		r.State = ledger.Half
	}
	return r
}

// findCreates looks for the creates at the target, records those that are
// there, and returns the rest.
func (p *part) findCreates(ctx context.Context, creates []ledger.Intent) (rest []ledger.Intent, err error) {
	if p.e.To.Caps.Paths {
		p.tryAgain(creates)
		return creates, nil
	}
	claimed, err := p.claimed(ctx)
	if err != nil {
		return nil, err
	}
	byContainer := map[item.Ref][]ledger.Intent{}
	for _, in := range creates {
		c := in.Container
		if contains(in.Key.Kind) {
			c = item.Ref{}
		}
		byContainer[c] = append(byContainer[c], in)
	}
	for container, intents := range byContainer {
		var since time.Time
		for _, in := range intents {
			if since.IsZero() || in.At.Before(since) {
				since = in.At
			}
		}
		var found []connector.Found
		for f, err := range p.e.target.Find(ctx, container, since) {
			if err != nil {
				return nil, err
			}
			if !claimed[f.Bundle.Item.Ref] {
				found = append(found, f)
			}
		}
		left, err := p.match(ctx, intents, found)
		if err != nil {
			return nil, err
		}
		rest = append(rest, left...)
	}
	return rest, nil
}

// tryAgain takes note of creates that are tried again: the target does not let a
// second one overwrite the first.
func (p *part) tryAgain(creates []ledger.Intent) {
	for _, in := range creates {
		p.mayStand(p.e.key(in.Key))
	}
}

// dropDoubts ends the creates that nothing tried again, once a sweep has worked
// everything off: the source no longer has them. What they left is taken over, the
// rest came to nothing. Until then they stay, so that a process which dies after
// another still knows what may be ours.
func (p *part) dropDoubts(ctx context.Context) error {
	if !p.e.To.Caps.Paths {
		return nil
	}
	intents, err := p.e.Ledger.InDoubt(ctx, p.led.Num)
	if err != nil {
		return fmt.Errorf("the ledger: %w", err)
	}
	intents = slices.DeleteFunc(intents, func(in ledger.Intent) bool { return in.Op != ledger.Create })
	found, err := p.adoptOrphans(ctx, intents)
	if err != nil {
		return err
	}
	if found > 0 {
		p.flag(func(s *partState) { s.leftovers = true })
	}
	var b ledger.Batch
	for _, in := range intents {
		if in.Session == "" {
			b.Clear = append(b.Clear, in.Key)
		}
	}
	if len(b.Clear) == 0 {
		return nil
	}
	return p.apply(ctx, b)
}

// mayStand takes note that what is created by a key may be there already, and ours.
func (p *part) mayStand(key item.Ref) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.doubted == nil {
		p.doubted = map[item.Ref]bool{}
	}
	p.doubted[key] = true
}

func (p *part) wasDoubted(key item.Ref) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.doubted[p.e.key(key)]
}

// claimed is the set of target items that the shard's rows name.
func (p *part) claimed(ctx context.Context) (map[item.Ref]bool, error) {
	out := map[item.Ref]bool{}
	err := p.rows(ctx, func(r ledger.Row) error {
		if r.State != ledger.Folded && r.State != ledger.Dropped {
			out[r.Target] = true
		}
		return nil
	})
	return out, err
}

// rows calls f for each row of the shard.
func (p *part) rows(ctx context.Context, f func(ledger.Row) error) error {
	var after item.Ref
	for {
		rows, err := p.e.Ledger.Rows(ctx, p.led.Num, after, 1000)
		if err != nil {
			return fmt.Errorf("the ledger: %w", err)
		}
		for _, r := range rows {
			if err := f(r); err != nil {
				return err
			}
		}
		if len(rows) < 1000 {
			return nil
		}
		after = rows[len(rows)-1].Key
	}
}

// match pairs intents with what was found: by mark first, then by shape within
// the same parent.
func (p *part) match(ctx context.Context, intents []ledger.Intent, found []connector.Found) (rest []ledger.Intent, err error) {
	var b ledger.Batch
	used := make([]bool, len(found))
	take := func(in ledger.Intent, i int) {
		used[i] = true
		target := found[i].Bundle.Item.Ref
		b.Rows = append(b.Rows, ledger.Row{Key: in.Key, Target: target, Parent: in.Parent, State: ledger.Half})
		if contains(in.Key.Kind) {
			b.Target = target
			p.mu.Lock()
			p.board, p.led.Target = target, target
			p.mu.Unlock()
		}
		p.e.Emit(Event{Event: "item", Shard: p.name, Kind: in.Key.Kind, Source: in.Key.ID, Target: target.ID, Op: "found"})
	}
	var unmarked []ledger.Intent
	for _, in := range intents {
		hit := -1
		for i, f := range found {
			if !used[i] && f.Mark != "" && f.Mark == in.Mark && f.Bundle.Item.Kind == in.Key.Kind && !apart(in.Parent, f.Bundle.Item.Parent) {
				hit = i
				break
			}
		}
		if hit >= 0 {
			take(in, hit)
		} else {
			unmarked = append(unmarked, in)
		}
	}
	for _, in := range unmarked {
		hit := -1
		for i, f := range found {
			it := f.Bundle.Item
			if used[i] || f.Mark != "" || it.Kind != in.Key.Kind || p.e.shapeOf(it) != in.Shape {
				continue
			}
			if !in.Parent.Zero() && !it.Parent.Zero() && it.Parent != in.Parent {
				continue
			}
			hit = i
			break
		}
		if hit >= 0 {
			take(in, hit)
		} else {
			rest = append(rest, in)
		}
	}
	if len(b.Rows) == 0 {
		return rest, nil
	}
	return rest, p.apply(ctx, b)
}
