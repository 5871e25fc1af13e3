package migrate

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"math"
	"slices"

	"golang.org/x/sync/errgroup"

	"github.com/rialto-migrate/rialto/connector"
	"github.com/rialto-migrate/rialto/internal/ledger"
	"github.com/rialto-migrate/rialto/item"
)

// deletions handles what the ledger knows and the listings lacked. It is called
// after all containers were listed, because items move between them.
func (p *pass) deletions(ctx context.Context) error {
	for _, source := range p.order {
		part := p.parts[source]
		if part.unfinished() {
			continue // its listing was not worked off: absence proves nothing
		}
		if err := p.gone(ctx, part); err != nil {
			return err
		}
	}
	return nil
}

// gone handles the missing items of one part: tasks first, with all that lies
// in them; then what lies in tasks that are still there; then what framed them.
func (p *pass) gone(ctx context.Context, part *part) error {
	changes := p.feed(BoardOf(part.led.Source))
	if err := part.forgive(ctx, changes); err != nil {
		return err
	}
	if rest, err := p.restAsItWas(ctx, part, changes); err != nil || rest {
		return err
	}
	if !changes.partly() {
		if all, err := part.allSeen(ctx); err != nil || all {
			return err
		}
	}
	if err := p.below(ctx, part, changes); err != nil {
		return err
	}
	var missing []ledger.Row
	within := map[item.Ref][]ledger.Key{} // by what it lies in at the target
	wrote := newRefSet()
	err := part.rows(ctx, func(r ledger.Row) error {
		if !r.Target.Zero() && (pointedAt(r.Key.Kind) || level(r.Key.Kind) > item.Leaf) {
			wrote.add(r.Target)
		}
		if p.has(part, r) {
			return nil
		}
		if changes.gone[r.Key] || p.proves(part.led.Source, r.Key.Kind) {
			missing = append(missing, r)
		}
		if level(r.Key.Kind) > item.Leaf {
			within[r.Parent] = append(within[r.Parent], r.Key)
		}
		return nil
	})
	if err != nil {
		return err
	}
	turn := func(k item.Kind) int {
		switch {
		case small(k): // all of them, and then the rest
			return -1
		case level(k) == item.Leaf:
			return 0
		}
		return 100 - int(level(k))
	}
	deepestFirst(missing)
	slices.SortStableFunc(missing, func(a, b ledger.Row) int { return cmp.Compare(turn(a.Key.Kind), turn(b.Key.Kind)) })
	there, err := p.skipped(ctx, part, missing)
	if err != nil {
		return err
	}
	decided := map[item.Ref]bool{} // tasks of the target that went or stay, and with them what lies in them
	beside, gctx := errgroup.WithContext(ctx)
	beside.SetLimit(deletedBeside)
	for _, r := range missing {
		if p.e.stopped() {
			return beside.Wait()
		}
		if there[r.Key] {
			p.e.Emit(Event{Event: "kept", Shard: part.name, Kind: r.Key.Kind, Source: r.Key.ID, Target: r.Target.ID, Reason: "the source's listing lacked it, and the source has it"})
			continue
		}
		if small(r.Key.Kind) { // nothing lies in it
			beside.Go(func() error { return p.remove(gctx, part, r, nil, wrote) })
			continue
		}
		if err := beside.Wait(); err != nil {
			return err
		}
		if decided[r.Parent] {
			continue
		}
		if level(r.Key.Kind) == item.Leaf && !r.Target.Zero() {
			decided[r.Target] = true
		}
		if err := p.remove(ctx, part, r, within[r.Target], wrote); err != nil {
			return err
		}
	}
	return beside.Wait()
}

// deletedBeside is how many files or messages are deleted at the same time.
const deletedBeside = 16

// forgive drops the failures of what the source no longer has: nothing would ever
// be tried again that could clear them.
func (p *part) forgive(ctx context.Context, changes *feed) error {
	fails, err := p.e.Ledger.Failures(ctx, p.led.Num, math.MaxInt32)
	if err != nil {
		return fmt.Errorf("the ledger: %w", err)
	}
	var keys []ledger.Key
	for _, f := range fails {
		if changes.gone[f.Key] || !changes.partly() && !p.saw(f.Key) {
			keys = append(keys, f.Key)
		}
	}
	if len(keys) == 0 {
		return nil
	}
	rows, err := p.e.lookup(ctx, p.led.Num, keys)
	if err != nil {
		return err
	}
	var b ledger.Batch
	for _, key := range keys {
		if row, ok := rows[key]; ok {
			b.Rows = append(b.Rows, row) // what becomes of it is decided next
		} else {
			b.Remove = append(b.Remove, key)
		}
	}
	return p.apply(ctx, b)
}

func level(k item.Kind) item.Level { return k.Level() }

// contains reports whether a kind is one of containers.
func contains(k item.Kind) bool { return k.Level() == item.Container }

// remove handles one item that its container's listing no longer has. within is
// what lies in it and is missing too, wrote what the migration made or took over in
// the container: something in it that people made keeps it.
func (p *pass) remove(ctx context.Context, part *part, r ledger.Row, within []ledger.Key, wrote refSet) error {
	e := p.e
	moved, err := p.elsewhere(ctx, part, r.Key)
	if err != nil {
		return err
	}
	if vacated(r.Key) {
		left, err := part.leftBehind(ctx, r)
		if err != nil || !left {
			return err
		}
		moved = true
	}
	ours := (r.State == ledger.Made || r.State == ledger.Half) && e.To.Caps.Kinds[r.Key.Kind].Embedded == ""
	if !ours || contains(r.Key.Kind) {
		// It was a part of its parent, which has been written without it, or was
		// never ours to remove.
		if contains(r.Key.Kind) {
			return nil
		}
		if !moved {
			part.out.note(r.Key, opDeleted)
		}
		return part.apply(ctx, ledger.Batch{Remove: []ledger.Key{r.Key}})
	}
	if !moved && e.Spec.Policies.Deletions == "keep" {
		e.Emit(Event{Event: "kept", Shard: part.name, Kind: r.Key.Kind, Source: r.Key.ID, Target: r.Target.ID, Reason: "deleted at the source; policies.deletions is keep"})
		return nil
	}
	if r.State == ledger.Made && r.Print == 0 && r.Version == 0 { // people keep it: an earlier pass listed that
		e.Emit(Event{Event: "kept", Shard: part.name, Kind: r.Key.Kind, Source: r.Key.ID, Target: r.Target.ID, Reason: "people changed it in the target"})
		return nil
	}
	if caps := e.To.Caps.Kinds[r.Key.Kind]; caps.Undo == connector.UndoImpossible {
		e.Emit(Event{Event: "kept", Shard: part.name, Kind: r.Key.Kind, Source: r.Key.ID, Target: r.Target.ID, Reason: caps.UndoWhy})
		return part.apply(ctx, ledger.Batch{Remove: []ledger.Key{r.Key}})
	}
	if err := p.loosen(ctx, r.Key); err != nil {
		return err
	}
	intent := ledger.Intent{Key: r.Key, Op: ledger.Delete, Target: r.Target, Container: part.container(), At: e.Now()}
	if err := part.apply(ctx, ledger.Batch{Intents: []ledger.Intent{intent}}); err != nil {
		return err
	}
	e.Failpoint("before-delete")
	removed, err := part.e.target.Delete(ctx, part.container(), r.Target, func(b item.Bundle) bool {
		theirs := slices.ContainsFunc(b.Children, func(c item.Item) bool {
			return e.To.Caps.Kinds[c.Kind].Embedded == "" && !wrote.has(c.Ref)
		})
		// What was half written says nothing about people.
		return !theirs && (r.State == ledger.Half || e.printOf(b) == r.Print)
	})
	e.Failpoint("after-delete")
	if stillHolds(r.Target, err) {
		removed, err = false, nil
	}
	if err != nil {
		if stops(err) {
			return err
		}
		var ce *connector.Error
		if !errors.As(err, &ce) {
			ce = &connector.Error{Class: connector.Transient, Reason: "the target could not delete it", Err: err}
		}
		part.report(r.Key, r.Target, opFailed, ce)
		return part.apply(ctx, ledger.Batch{Failures: []ledger.Failure{{Key: r.Key, Class: string(ce.Class), Reason: ce.Error()}}})
	}
	if !removed {
		reason := "deleted at the source, but people changed it in the target"
		if moved {
			reason = "moved at the source, but people changed it where it was in the target: it stands in both places"
		}
		part.conflict(r.Key, r.Target, []string{"*"}, targetWins, reason)
		r.Version, r.Print = 0, 0 // nothing that stands there has this print
		return part.apply(ctx, ledger.Batch{Clear: []ledger.Key{r.Key}, Rows: []ledger.Row{r}})
	}
	keys := append([]ledger.Key{r.Key}, within...)
	if moved {
		p.mu.Lock()
		p.moved = append(p.moved, r.Key)
		p.mu.Unlock()
	} else {
		for _, key := range keys {
			part.out.note(key, opDeleted)
		}
	}
	e.Emit(Event{Event: "item", Shard: part.name, Kind: r.Key.Kind, Source: r.Key.ID, Target: r.Target.ID, Op: opDeleted})
	return part.apply(ctx, ledger.Batch{Remove: keys})
}

// stillHolds reports whether a folder was not deleted because something lies in it.
func stillHolds(ref item.Ref, err error) bool {
	return ref.Kind == item.Folder && connector.ClassOf(err) == connector.Conflict
}

// loosen lets everything that points at an item be looked at again: it is about
// to leave the place that it had at the target. The ledger says so before it
// goes, so that a pass which is cut off leaves no address that leads nowhere.
func (p *pass) loosen(ctx context.Context, key item.Ref) error {
	users := p.links.usersOf(key)
	if len(users) == 0 {
		return nil
	}
	for _, source := range p.order {
		part := p.parts[source]
		rows, err := p.e.lookup(ctx, part.led.Num, users)
		if err != nil {
			return err
		}
		var b ledger.Batch
		for _, r := range rows {
			if p.has(part, r) {
				r.Version = 0 // what the source has was never written
				b.Rows = append(b.Rows, r)
			}
		}
		if len(b.Rows) == 0 {
			continue
		}
		if err := part.apply(ctx, b); err != nil {
			return err
		}
	}
	return nil
}

// elsewhere reports whether an item stands in another container by now.
func (p *pass) elsewhere(ctx context.Context, part *part, key item.Ref) (bool, error) {
	places, err := p.e.Ledger.Find(ctx, []ledger.Key{key})
	if err != nil {
		return false, fmt.Errorf("the ledger: %w", err)
	}
	for _, place := range places {
		if place.Shard != part.led.Num {
			return true, nil
		}
	}
	return false, nil
}

// relink writes again those items that point at something that had not moved
// when they were written and has moved since, or that is no longer where it
// was. The containers are listed once more: that costs fewer calls than
// fetching each item.
func (p *pass) relink(ctx context.Context, shards []connector.Shard, rounds int) error {
	stale, fresh, err := p.links.stale(ctx, p.e.Ledger, p.moved, p.made)
	if err != nil {
		return err
	}
	made := p.e.outcomes.made()
	others, err := p.pointing(ctx)
	if err != nil {
		return err
	}
	for _, s := range append(slices.Clone(shards), others...) {
		parts, err := p.partsOf(ctx, s.Ref)
		if err != nil {
			return err
		}
		again := false
		for _, part := range parts {
			links, err := p.e.Ledger.Dangling(ctx, part.led.Num)
			if err != nil {
				return fmt.Errorf("the ledger: %w", err)
			}
			for _, l := range links {
				part.force[l.Key] = true
			}
			for key := range stale {
				if part.saw(key) {
					part.force[key] = true
				}
			}
			for key := range fresh {
				if part.saw(key) && part.out.of(key) == opSkipped {
					part.force[key] = true // it was written when that stood elsewhere
				}
			}
			again = again || (len(part.force) > 0 || part.postponed) && !part.unfinished()
			part.late = true
		}
		if !again {
			continue
		}
		p.e.Failpoint("before-relink")
		if err := p.sweeps(ctx, s); err != nil {
			return err
		}
		p.e.Failpoint("after-relink")
	}
	if p.e.outcomes.made() > made && rounds > 1 {
		return p.relink(ctx, shards, rounds-1) // what came only now may be pointed at too
	}
	return nil
}

// made reports whether an item was made in this pass.
func (p *pass) made(place ledger.Place) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, part := range p.parts {
		if part.led.Num == place.Shard {
			return part.out.of(place.Key) == opCreated
		}
	}
	return false
}

// pointing returns the containers that are not in this pass and point at
// something that has moved by now: a wave that landed earlier has links into
// this one.
func (p *pass) pointing(ctx context.Context) ([]connector.Shard, error) {
	known, err := p.e.knownShards(ctx)
	if err != nil {
		return nil, err
	}
	var out []connector.Shard
	for _, s := range p.e.all {
		for _, source := range []item.Ref{s.Ref, archiveOf(s.Ref)} {
			led, moved := known[source]
			if had := p.parts[source]; !moved || had != nil && !had.mending {
				continue
			}
			links, err := p.e.Ledger.Dangling(ctx, led.Num)
			if err != nil {
				return nil, fmt.Errorf("the ledger: %w", err)
			}
			if len(links) == 0 {
				continue
			}
			parts, err := p.partsOf(ctx, s.Ref)
			if err != nil {
				return nil, err
			}
			for _, part := range parts {
				part.mending = true
			}
			out = append(out, s)
			break
		}
	}
	return out, nil
}
