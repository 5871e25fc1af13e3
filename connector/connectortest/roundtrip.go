package connectortest

import (
	"slices"

	"github.com/rialto-migrate/rialto/connector"
	"github.com/rialto-migrate/rialto/item"
)

// testRoundTrip writes items of every kind with every field that is kept, in
// all that texts can hold, and reads them back: what Write tells, what Fetch
// tells and what the target's own source lists is what was given.
func (r *rig) testRoundTrip() {
	p := r.furnish()
	type pair struct {
		given  connector.Change
		stored item.Bundle
	}
	var all []pair
	var labels []item.Ref
	for _, k := range r.written() {
		if k == item.Board {
			continue
		}
		var changes []connector.Change
		for v := range variants {
			changes = append(changes, r.create(r.make.item(k, v, p), r.make.children(k, v, p)...))
		}
		changes = append(changes, r.create(r.make.item(k, bare, p)))
		if r.adopts(k) {
			changes = changes[:len(r.world.Names[k])]
		}
		if room := r.room(k); k == item.Label && room > 0 {
			changes = r.freeColors(p, changes[:min(room, len(changes))])
		}
		if k == item.Task && len(labels) > 0 {
			last := &changes[variants-1].Item
			item.Labels.Set(last, labels)
		}
		changes = r.inARow("", changes)
		for i, b := range r.write(changes...) {
			r.matches("Write", changes[i].Item, changes[i].Children, b)
			r.sameBytes(changes[i].Item, b.Item)
			all = append(all, pair{changes[i], b})
			if k == item.Label {
				labels = append(labels, b.Item.Ref)
			}
		}
	}
	refs := map[item.Kind][]item.Ref{}
	for _, x := range all {
		refs[x.stored.Item.Kind] = append(refs[x.stored.Item.Kind], x.stored.Item.Ref)
	}
	fetched := map[item.Ref]item.Bundle{}
	for _, k := range r.written() {
		for ref, b := range r.fetch(p.board, refs[k]...) {
			fetched[ref] = b
		}
		if len(refs[k]) > 1 { // a few are read in another way than many
			few := r.fetch(p.board, refs[k][0], refs[k][len(refs[k])-1])
			for _, ref := range []item.Ref{refs[k][0], refs[k][len(refs[k])-1]} {
				r.agrees("one by one and in bulk", fetched[ref], few[ref], r.kept)
			}
		}
	}
	listed, _ := r.listed(p.board)
	for _, x := range all {
		ref := x.stored.Item.Ref
		b, ok := fetched[ref]
		if !ok {
			r.Errorf("Fetch does not find %s, which Write has stored", ref)
			continue
		}
		r.agrees("Write and Fetch", x.stored, b, r.kept)
		l, ok := listed[ref]
		if !ok {
			r.Errorf("the source does not list %s, which the target has stored", ref)
			continue
		}
		r.agrees("Fetch and the source's List", b, l, r.kept)
	}
	r.gone(p)
}

// gone fetches what never was.
func (r *rig) gone(p home) {
	for _, k := range r.written() {
		if k == item.Board || r.adopts(k) || k == item.Label && r.room(k) > 0 { // a slot is always there
			continue
		}
		b := r.write(r.create(r.make.item(k, 1, p)))[0]
		removed, err := r.target.Delete(r.Context(), p.board, b.Item.Ref, func(item.Bundle) bool { return true })
		if r.saw(err) != nil || !removed || r.caps.Kinds[k].Undo != connector.UndoExact {
			continue
		}
		if got := r.fetch(p.board, b.Item.Ref); len(got) != 0 {
			r.Errorf("Fetch yields %s, which was deleted", b.Item.Ref)
		}
	}
}

// room is how many values a field has of which each item takes one.
func (r *rig) room(k item.Kind) int {
	for _, limits := range r.caps.Kinds[k].Fields {
		if limits.Unique {
			return len(limits.Values)
		}
	}
	return 0
}

// narrow reports whether a board holds few of a kind, so that each case needs
// one of its own.
func (r *rig) narrow(k item.Kind) bool {
	most := r.caps.Kinds[k].Max
	return r.room(k) > 0 || most > 0 && most < 100 && k != item.Board
}

// freeColors gives new labels colours that none of the board has.
func (r *rig) freeColors(p home, changes []connector.Change) []connector.Change {
	free := slices.Clone(r.caps.Kinds[item.Label].Fields[item.Color.Name].Values)
	for _, b := range r.fetch(p.board, p.labels...) {
		free = slices.DeleteFunc(free, func(c string) bool { return c == item.Color.Get(b.Item) })
	}
	changes = changes[:min(len(changes), len(free))]
	for i := range changes {
		item.Color.Set(&changes[i].Item, free[i])
	}
	return changes
}

// testBoards writes boards, and reads them back.
func (r *rig) testBoards() {
	var stored []item.Bundle
	for _, v := range []int{bare, 0, 1, 2, 3, 4, 5, 6} {
		ch := r.create(r.make.item(item.Board, v, home{}))
		b := r.write(ch)[0]
		r.matches("Write", ch.Item, nil, b)
		r.agrees("Write and Fetch", b, r.one(b.Item.Ref, b.Item.Ref), r.kept)
		stored = append(stored, b)
	}
	if r.caps.Keeps(item.Board, item.Closed.Name) {
		it := r.make.item(item.Board, 0, home{})
		item.Closed.Set(&it, true)
		b := r.write(r.create(it))[0]
		r.matches("Write", it, nil, b)
		p := home{board: b.Item.Ref}
		r.several(item.List, 2, p) // what is to be closed is closed when it is full
		r.no(r.target.Finish(r.Context(), b.Item.Ref), "Finish")
		r.agrees("Write and Fetch", b, r.one(b.Item.Ref, b.Item.Ref), r.kept)
		stored = append(stored, b)
	}
	shards, err := collect(r.source.Shards(r.Context()))
	r.no(err, "Shards")
	for _, b := range stored {
		i := slices.IndexFunc(shards, func(s connector.Shard) bool { return s.Ref == b.Item.Ref })
		if i < 0 {
			r.Errorf("Shards does not yield %s", b.Item.Ref)
			continue
		}
		if s := shards[i]; s.Name != item.Name.Get(b.Item) || s.Bytes < -1 || r.caps.Keeps(item.Board, item.Closed.Name) && s.Closed != item.Closed.Get(b.Item) {
			r.Errorf("the shard of %s is named or closed otherwise than the board, or has %d bytes", b.Item.Ref, s.Bytes)
		}
		listed, _ := r.listed(b.Item.Ref)
		r.agrees("Fetch and the source's List", b, listed[b.Item.Ref], r.kept)
		r.no(r.target.Finish(r.Context(), b.Item.Ref), "Finish")
	}
}
