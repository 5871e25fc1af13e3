package connectortest

import (
	"context"
	"maps"
	"slices"
	"time"

	"github.com/rialto-migrate/rialto/connector"
	"github.com/rialto-migrate/rialto/item"
)

// A wanted item is one that a migration is to have at the target.
type wanted struct {
	change connector.Change // a Create, or the Update of what is there
	target item.Ref         // zero until it is known
	doubt  bool             // a Create of which nothing is known
	half   bool             // it is there, but perhaps not all of it
	done   bool
	err    error // what the last write of it met
}

// A migration brings items of one kind to the target by the engine's protocol:
// what was sent and not heard of is looked for, by mark or shape, before
// anything is written again; what was found is written whole.
type migration struct {
	*rig
	kind  item.Kind
	board item.Ref // zero for boards
	after string   // the sibling that the first one follows
	wants []*wanted
	began time.Time
	had   map[item.Ref]bool // what was there before
}

func (r *rig) migrate(k item.Kind, board item.Ref, after string, changes ...connector.Change) *migration {
	r.Helper()
	m := &migration{rig: r, kind: k, board: board, after: after, began: time.Now(), had: map[item.Ref]bool{}}
	for _, ch := range changes {
		w := &wanted{change: ch}
		if ch.Op == connector.Update {
			w.target = item.Ref{Kind: k, ID: ch.Item.ID}
		}
		m.wants = append(m.wants, w)
	}
	for _, ref := range m.there() {
		m.had[ref] = true
	}
	return m
}

// migrateAfter is migrate behind an earlier migration of the same kind to the
// same board, nil for none, so that what is there need not be listed again.
func (r *rig) migrateAfter(before *migration, k item.Kind, p home, changes ...connector.Change) *migration {
	r.Helper()
	if before == nil {
		return r.migrate(k, r.boardOf(k, p), r.lastOf(k, p), changes...)
	}
	m := &migration{rig: r, kind: k, board: before.board, after: before.after, began: time.Now(), had: maps.Clone(before.had)}
	for _, w := range before.wants {
		m.had[w.target] = true
		if r.caps.Kinds[k].Ordered {
			m.after = w.target.ID
		}
	}
	for _, ch := range changes {
		m.wants = append(m.wants, &wanted{change: ch})
	}
	return m
}

// there lists what the target has of the kind.
func (m *migration) there() []item.Ref {
	m.Helper()
	if m.kind == item.Board {
		shards, err := collect(m.source.Shards(m.Context()))
		m.no(err, "Shards")
		var out []item.Ref
		for _, s := range shards {
			out = append(out, s.Ref)
		}
		return out
	}
	_, order := m.listed(m.board)
	return ofKind(order, m.kind)
}

// container is the board that an item lies in; a board itself.
func (m *migration) container(ref item.Ref) item.Ref {
	if m.kind == item.Board {
		return ref
	}
	return m.board
}

// batch sends what is not done, as the engine does, and takes note of what
// became of it. If died, the process ended before it could: nothing is known.
func (m *migration) batch(ctx context.Context, died func() bool) {
	m.Helper()
	var changes []connector.Change
	var of []*wanted
	after, previous := m.after, false
	for _, w := range m.wants {
		if w.done {
			after, previous = w.target.ID, false
			continue
		}
		ch := w.change
		if w.half {
			prev := m.one(m.container(w.target), w.target)
			ch.Op, ch.Prev, ch.Dirty = connector.Update, &prev, nil
			ch.Item = ch.Item.Clone()
			ch.Item.ID = w.target.ID
		}
		ch.After, ch.AfterPrevious = "", false
		if m.caps.Kinds[m.kind].Ordered {
			if previous {
				ch.AfterPrevious = true
			} else {
				ch.After = after
			}
			if previous = true; ch.Op == connector.Update {
				after, previous = w.target.ID, false
			}
		}
		changes, of = append(changes, ch), append(of, w)
	}
	if len(changes) == 0 {
		return
	}
	results := m.send(ctx, changes)
	m.free() // what follows looks at what became of it
	for i, w := range of {
		res, create := results[i], changes[i].Op == connector.Create
		w.err = res.Err
		switch {
		case died != nil && died():
			w.doubt, w.half = create, !create
		case res.Err == nil:
			w.done, w.half, w.doubt, w.target = true, false, false, res.Stored.Item.Ref
			m.matches("Write", w.change.Item, w.change.Children, res.Stored)
		case connector.InDoubt(res.Err) && create:
			w.doubt = true
		case !create:
			w.half = true
		}
	}
}

// settle looks for what is in doubt.
func (m *migration) settle() {
	m.Helper()
	if !slices.ContainsFunc(m.wants, func(w *wanted) bool { return w.doubt }) {
		return
	}
	time.Sleep(m.caps.SettleDelay) // absence proves nothing before
	found, err := collect(m.target.Find(m.Context(), m.board, m.began))
	m.no(err, "Find")
	taken := map[item.Ref]bool{}
	for _, w := range m.wants {
		taken[w.target] = true
	}
	for _, byMark := range []bool{true, false} {
		for _, w := range m.wants {
			if !w.doubt {
				continue
			}
			for _, f := range found {
				it := f.Bundle.Item
				if it.Kind != m.kind || m.had[it.Ref] || taken[it.Ref] || !m.is(w, f, byMark) {
					continue
				}
				taken[it.Ref] = true
				w.target, w.doubt, w.half = it.Ref, false, true
				if len(m.changeable(m.kind)) == 0 { // made whole in one go: there is nothing to complete
					w.half, w.done = false, true
				}
				break
			}
		}
	}
	for _, w := range m.wants {
		w.doubt = false // not found: it is made again
	}
}

// is reports whether something found is an item in doubt.
func (m *migration) is(w *wanted, f connector.Found, byMark bool) bool {
	if byMark {
		return w.change.Mark != "" && f.Mark == w.change.Mark
	}
	p := f.Bundle.Item.Parent
	return f.Mark == "" && m.shape(f.Bundle.Item) == m.shape(w.change.Item) && (p.Zero() || w.change.Item.Parent.Zero() || p == w.change.Item.Parent)
}

// rounds is how often the engine comes back to what is not done.
const rounds = 4

// finish goes on until all is done, and checks that it is there, whole, in its
// order, and once.
func (m *migration) finish(what string) {
	m.Helper()
	for range rounds {
		m.settle()
		m.batch(m.Context(), nil)
	}
	var targets []item.Ref
	for i, w := range m.wants {
		if !w.done {
			m.Errorf("%s: %s %d is not written after %d more rounds: %v", what, m.kind, i, rounds, w.err)
			return
		}
		targets = append(targets, w.target)
		b := m.one(m.container(w.target), w.target)
		m.matches(what+", read back", w.change.Item, w.change.Children, b)
		m.sameBytes(w.change.Item, b.Item)
	}
	fresh := slices.DeleteFunc(m.there(), func(r item.Ref) bool { return m.had[r] && !slices.Contains(targets, r) })
	for _, ref := range fresh {
		if !slices.Contains(targets, ref) {
			m.Errorf("%s: %s was written twice: %d are there, and should be %d", what, m.kind, len(fresh), len(targets))
			break
		}
	}
	if !m.inOrder() {
		return
	}
	if have := slices.DeleteFunc(fresh, func(r item.Ref) bool { return !slices.Contains(targets, r) }); !slices.Equal(have, targets) {
		m.Errorf("%s: %s stand as %v", what, m.kind, places(have, targets))
	}
}

// inOrder reports whether the order of what was written counts: of a kind that
// keeps one, and of comments, which are a conversation.
func (m *migration) inOrder() bool {
	return m.caps.Kinds[m.kind].Ordered || m.kind == item.Comment
}
