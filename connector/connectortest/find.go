package connectortest

import (
	"slices"
	"strings"
	"time"

	"github.com/rialto-migrate/rialto/connector"
	"github.com/rialto-migrate/rialto/item"
)

// aDay is more than the slack of any Find.
const aDay = 24 * time.Hour

// testFind checks that what was written is found again: by its mark where the
// kind carries one, else by its shape, and since a time.
func (r *rig) testFind() {
	p := r.furnish()
	began := time.Now()
	given := map[item.Ref]connector.Change{}
	for _, k := range r.written() {
		if k == item.Board {
			continue
		}
		var changes []connector.Change
		for _, v := range []int{0, 3} {
			changes = append(changes, r.create(r.make.item(k, v, p), r.make.children(k, v, p)...))
		}
		if k == item.Label && r.room(k) > 0 {
			changes = r.freeColors(p, changes)
		}
		changes = r.inARow("", changes)
		for i, b := range r.write(changes...) {
			given[b.Item.Ref] = changes[i]
		}
	}
	r.connect() // nothing may rest on what the process remembers
	for _, since := range []time.Time{{}, began.Add(-time.Minute)} {
		found, err := collect(r.target.Find(r.Context(), p.board, since))
		r.no(err, "Find")
		seen := map[item.Ref]bool{}
		for _, f := range found {
			it := f.Bundle.Item
			r.wellFormed("Find", it)
			if seen[it.Ref] {
				r.Errorf("Find yields %s twice", it.Ref)
			}
			seen[it.Ref] = true
			ch, ours := given[it.Ref]
			if !ours {
				continue
			}
			r.agrees("Find and Fetch", f.Bundle, r.one(p.board, it.Ref), r.kept)
			if carries := r.caps.Kinds[it.Kind].Carrier != ""; f.Mark != ch.Mark || carries != (ch.Mark != "") {
				r.Errorf("Find of %s: it carries %v (by its capabilities %v), and what it was to carry %v", it.Ref, f.Mark != "", carries, f.Mark == ch.Mark)
			}
			if r.shape(it) != r.shape(ch.Item) {
				r.Errorf("Find of %s: its shape %v is not that of what was written", it.Ref, r.caps.Kinds[it.Kind].Shape)
			}
			if f.Bundle.Item.Parent != ch.Item.Parent {
				r.Errorf("Find of %s: it lies in %s, written into %s", it.Ref, it.Parent, ch.Item.Parent)
			}
		}
		for ref := range given {
			if !seen[ref] {
				r.Errorf("Find since %s does not yield %s", since.Format(time.TimeOnly), ref)
			}
		}
	}
	later, err := collect(r.target.Find(r.Context(), p.board, time.Now().Add(aDay)))
	r.no(err, "Find")
	for _, f := range later {
		if !f.Made.IsZero() {
			r.Errorf("Find since tomorrow yields %s", f.Bundle.Item.Ref)
		}
	}
	r.findBoards(began)
	for f, err := range r.target.Find(r.Context(), item.Ref{Kind: item.Board, ID: nobody(p.board.ID)}, time.Time{}) {
		if err == nil && r.adopts(f.Bundle.Item.Kind) {
			continue // these are of no board
		}
		if err == nil {
			r.Errorf("Find in a board that is not there yields %s", f.Bundle.Item.Ref)
			break
		}
		r.saw(err)
	}
}

// nobody is the id of what is not there, in the form of one that is.
func nobody(like string) string {
	if strings.Trim(like, "0123456789") == "" {
		return like + "00000"
	}
	b := []byte(like)
	for i, c := range b {
		if c >= '1' && c <= '9' {
			b[i] = '1' + ('9' - c)
		}
	}
	if string(b) == like {
		slices.Reverse(b)
	}
	return string(b)
}

func (r *rig) findBoards(began time.Time) {
	ch := r.create(r.make.item(item.Board, 1, home{}))
	b := r.write(ch)[0]
	for _, since := range []time.Time{{}, began.Add(-time.Minute)} {
		found, err := collect(r.target.Find(r.Context(), item.Ref{}, since))
		r.no(err, "Find")
		hit := false
		for _, f := range found {
			if f.Bundle.Item.Kind != item.Board {
				r.Errorf("Find in the place yields %s, which is no board", f.Bundle.Item.Ref)
			}
			if f.Bundle.Item.Ref != b.Item.Ref {
				continue
			}
			hit = true
			if f.Mark != ch.Mark || r.shape(f.Bundle.Item) != r.shape(ch.Item) {
				r.Errorf("Find of a board: its mark or its shape is not that of what was written")
			}
		}
		if !hit {
			r.Errorf("Find in the place does not yield a board that was just made")
		}
	}
}

// testDelete checks that an item is removed only if it is as was expected, and
// that removing it again is harmless.
func (r *rig) testDelete() {
	p := r.furnish()
	kinds := r.written()
	for i := range kinds {
		k := kinds[len(kinds)-1-i] // what lies deepest first
		if r.adopts(k) {
			continue
		}
		r.deleteOf(k, p)
	}
	r.deleteHeld(p)
}

func (r *rig) deleteOf(k item.Kind, p home) {
	r.Helper()
	changes := []connector.Change{r.create(r.make.item(k, 0, p), r.make.children(k, 0, p)...)}
	if k == item.Label && r.room(k) > 0 {
		changes = r.freeColors(p, changes)
	}
	b := r.write(r.inARow("", changes)...)[0]
	ref, board := b.Item.Ref, p.board
	if k == item.Board {
		board = ref
	}
	undo := r.caps.Kinds[k].Undo
	if undo == connector.UndoImpossible {
		_, err := r.target.Delete(r.Context(), board, ref, func(item.Bundle) bool { return true })
		if e := r.saw(err); e == nil || e.Class != connector.Unsupported || e.Hint == "" {
			r.Errorf("deleting a %s, whose undo is impossible: %v, want class unsupported and a hint", k, err)
		}
		return
	}
	asked := 0
	removed, err := r.target.Delete(r.Context(), board, ref, func(have item.Bundle) bool {
		asked++
		r.agrees("Write and Delete", b, have, r.kept)
		return false
	})
	if r.saw(err) != nil || removed || asked != 1 {
		r.Errorf("deleting a %s that is not accepted: removed %v, asked %d times, %v", k, removed, asked, err)
	}
	if _, ok := r.fetch(board, ref)[ref]; !ok {
		r.Errorf("a %s was deleted although that was not accepted", k)
		return
	}
	if len(r.changeable(k)) > 0 { // people change it meanwhile
		it := r.make.item(k, 5, p)
		r.keepFixed(&it, b.Item)
		dirty := r.changeable(k)[0]
		ch := r.update(board, ref, it, nil, dirty...)
		ch.After = r.before(p, ref, board)
		b = r.write(ch)[0]
	}
	r.connect()
	removed, err = r.target.Delete(r.Context(), board, ref, func(have item.Bundle) bool {
		r.agrees("what is now and Delete", b, have, r.kept)
		return true
	})
	if r.saw(err) != nil || !removed {
		r.Errorf("deleting a %s: removed %v, %v", k, removed, err)
		return
	}
	if undo == connector.UndoExact && !(k == item.Label && r.room(k) > 0) {
		if _, ok := r.fetch(board, ref)[ref]; ok {
			r.Errorf("a %s is there after it was deleted", k)
		}
	}
	if k != item.Board && undo == connector.UndoExact {
		if listed, _ := r.listed(board); len(listed) > 0 {
			if _, ok := listed[ref]; ok {
				r.Errorf("a %s is listed after it was deleted", k)
			}
		}
	}
	removed, err = r.target.Delete(r.Context(), board, ref, func(item.Bundle) bool { return true })
	if r.saw(err) != nil || !removed {
		r.Errorf("deleting a %s again: removed %v, %v", k, removed, err)
	}
}

// deleteHeld deletes lists and boards in which a task stands: the task stays.
func (r *rig) deleteHeld(p home) {
	r.Helper()
	for _, ref := range []item.Ref{p.list, p.board} {
		if ref.Zero() || r.adopts(ref.Kind) {
			continue
		}
		_, err := r.target.Delete(r.Context(), p.board, ref, func(item.Bundle) bool { return true })
		r.saw(err)
		if _, ok := r.fetch(p.board, p.task)[p.task]; !ok {
			r.Fatalf("a task went with its %s", ref.Kind)
		}
	}
}
