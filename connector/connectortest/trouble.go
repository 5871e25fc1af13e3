package connectortest

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"sync/atomic"

	"github.com/rialto-migrate/rialto/connector"
	"github.com/rialto-migrate/rialto/item"
)

// A trouble is what befalls one request of a write.
type trouble struct {
	fates []fate // of the first request, the second and so on, by turns
	dies  bool   // the process ends with it: nothing is sent after it, and nothing of the batch is remembered
}

// of is the fate of the n-th request.
func (t trouble) of(n int) fate { return t.fates[(n-1)%len(t.fates)] }

// troubles are what each request of each write meets.
func (r *rig) troubles() []trouble {
	if r.suite.Sockets {
		return []trouble{{fates: []fate{unheard, truncated, lost}, dies: true}}
	}
	return []trouble{{fates: []fate{unheard, halfway}, dies: true}, {fates: []fate{lost}, dies: true},
		{fates: []fate{truncated, failing, webPage, unheard, throttled, halfway, lost}}}
}

// tried is the most requests of one write or reading that are tried; one that
// sends more is tried no further.
func (r *rig) tried() int {
	switch {
	case !r.suite.Sockets:
		return 60
	case r.suite.Long:
		return 12
	}
	return 4
}

// each lets a trouble befall the first, the second and each further request of
// a write, until the write sends no more. run gets the context of the write and
// tells whether the process has died.
func (r *rig) each(t trouble, run func(what string, ctx context.Context, died func() bool)) {
	r.Helper()
	for n := 1; n <= r.tried() && !r.Failed(); n++ {
		r.connect()
		ctx, kill := context.WithCancel(r.Context())
		var dead atomic.Bool
		r.wire.decide(func(i int, _ *http.Request) fate {
			switch {
			case i == n:
				dead.Store(t.dies)
				return t.of(n)
			case i > n && t.dies:
				if !r.suite.Sockets { // there, what is under way may land at any time
					kill()
				}
				return lost
			}
			return pass
		})
		what := fmt.Sprintf("request %d %s", n, t.of(n))
		if t.dies {
			what += ", and the process killed"
		}
		run(what, ctx, dead.Load)
		kill()
		if !dead.Load() && r.spared() {
			return
		}
	}
}

// spared reports whether no request met its fate, and lets all pass again.
func (r *rig) spared() bool {
	_, hit := r.wire.counted()
	r.wire.decide(nil)
	return hit == 0
}

// heal ends a trouble: from here on the way is free, and a process that died
// begins anew. It tells whether there was any.
func (r *rig) heal(died func() bool) {
	r.Helper()
	r.free()
	if died() {
		r.connect()
	}
}

// free lets all requests pass from here on, and keeps the count of those that
// did not.
func (r *rig) free() {
	r.wire.mu.Lock()
	defer r.wire.mu.Unlock()
	r.wire.fate = nil
}

// testCreatesInTrouble breaks the writing of new items at every request, in
// every way, and goes on as the engine does: in the end all is there once.
func (r *rig) testCreatesInTrouble() {
	for _, k := range r.written() {
		if r.adopts(k) {
			continue
		}
		for _, t := range r.troubles() {
			p := r.furnish()
			p.fields = p.fields[:min(2, len(p.fields))]
			var m *migration
			r.each(t, func(what string, ctx context.Context, died func() bool) {
				decided := r.hold()
				if r.narrow(k) {
					p, m = home{board: r.newBoard()}, nil
				}
				m = r.migrateAfter(m, k, p, r.batchOf(k, p)...)
				decided()
				m.batch(ctx, died)
				r.heal(died)
				m.finish(what)
			})
		}
	}
}

func (r *rig) boardOf(k item.Kind, p home) item.Ref {
	if k == item.Board {
		return item.Ref{}
	}
	return p.board
}

// lastOf is the last sibling of a kind that is there.
func (r *rig) lastOf(k item.Kind, p home) string {
	if k == item.Board || !r.caps.Kinds[k].Ordered {
		return ""
	}
	bundles, order := r.listed(p.board)
	prev := ""
	for _, ref := range ofKind(order, k) {
		if it := bundles[ref].Item; it.Parent == p.of(k) && (k != item.Task || item.InList.Get(it) == p.list) {
			prev = ref.ID
		}
	}
	return prev
}

// batchOf makes the changes of one batch: three, of which two say the same
// where nothing else tells them apart.
func (r *rig) batchOf(k item.Kind, p home) []connector.Change {
	n := min(3, r.caps.Kinds[k].Batch)
	var out []connector.Change
	for i := range n {
		out = append(out, r.create(r.make.item(k, []int{1, 2, 5}[i], p), r.make.children(k, i, p)...))
	}
	if info, _ := item.Info(k); n == 3 && info.Level == item.Within && k != item.Attachment {
		out[2].Item = out[0].Item.Clone()
	}
	if k == item.Label && r.room(k) > 0 {
		out = r.freeColors(p, out)
	}
	return out
}

// testUpdatesInTrouble breaks changes of items at every request.
func (r *rig) testUpdatesInTrouble() {
	for _, k := range r.written() {
		if r.adopts(k) || len(r.changeable(k)) == 0 {
			continue
		}
		r.updatesInTrouble(k)
	}
}

func (r *rig) updatesInTrouble(k item.Kind) {
	r.Helper()
	p := r.furnish()
	first := r.create(r.make.item(k, 2, p), r.make.children(k, 2, p)...)
	if k == item.Label && r.room(k) > 0 {
		first = r.freeColors(p, []connector.Change{first})[0]
	}
	after := r.lastOf(k, p)
	ref := r.write(r.inARow(after, []connector.Change{first})...)[0].Item.Ref
	board := p.board
	if k == item.Board {
		board = ref
	}
	var dirty []string
	for _, g := range r.changeable(k) {
		dirty = append(dirty, g...)
	}
	if r.caps.Kinds[k].Ordered {
		dirty = append(dirty, item.Position.Name)
	}
	v := 0
	for _, t := range r.troubles() {
		r.each(t, func(what string, ctx context.Context, died func() bool) {
			decided := r.hold()
			v++
			it, kids := r.make.item(k, []int{1, 4, 0}[v%3], p), r.make.children(k, v%3, p)
			r.keepFixed(&it, first.Item)
			ch := r.update(board, ref, it, kids, dirty...)
			ch.Mark = first.Mark
			m := r.migrate(k, r.boardOf(k, p), after, ch)
			decided()
			m.batch(ctx, died)
			r.heal(died)
			m.finish("update, " + what)
		})
	}
}

// hold lets everything pass until the function it returns is called; then the
// requests count anew, and meet the fate that was decided.
func (r *rig) hold() func() {
	w := r.wire
	w.mu.Lock()
	defer w.mu.Unlock()
	f := w.fate
	w.fate = nil
	return func() { w.decide(f) }
}

// testDeletesInTrouble breaks the removal of items at every request: removing
// again ends it.
func (r *rig) testDeletesInTrouble() {
	for _, k := range r.written() {
		if r.adopts(k) || r.caps.Kinds[k].Undo == connector.UndoImpossible {
			continue
		}
		p := r.furnish()
		for _, t := range r.troubles() {
			r.each(t, func(what string, ctx context.Context, died func() bool) {
				decided := r.hold()
				ch := r.create(r.make.item(k, 2, p), r.make.children(k, 1, p)...)
				if k == item.Label && r.room(k) > 0 {
					ch = r.freeColors(p, []connector.Change{ch})[0]
				}
				ref := r.write(r.inARow(r.lastOf(k, p), []connector.Change{ch})...)[0].Item.Ref
				board := p.board
				if k == item.Board {
					board = ref
				}
				decided()
				yes := func(item.Bundle) bool { return true }
				removed, err := r.target.Delete(ctx, board, ref, yes)
				r.saw(err)
				r.heal(died)
				if !removed || err != nil || died() {
					removed, err = r.target.Delete(r.Context(), board, ref, yes)
				}
				if r.saw(err) != nil || !removed {
					r.Errorf("deleting a %s again, %s: removed %v, %v", k, what, removed, err)
				}
				if r.caps.Kinds[k].Undo == connector.UndoExact && !(k == item.Label && r.room(k) > 0) {
					if _, ok := r.fetch(board, ref)[ref]; ok {
						r.Errorf("a %s is there after it was deleted, %s", k, what)
					}
				}
			})
		}
	}
}

// refusedKindly checks an error that the target's refusal of a value became.
func (r *rig) refusedKindly(what string, err error) {
	r.Helper()
	e := r.saw(err)
	if e == nil {
		r.Errorf("%s was taken", what)
		return
	}
	if e.Class != connector.Permanent || e.InDoubt || strings.TrimSpace(e.Hint) == "" {
		r.Errorf("%s: class %s, in doubt %v, hint %q; want class permanent and a hint that says what to do (%v)", what, e.Class, e.InDoubt, e.Hint, err)
	}
}

// testRefused writes what the target refuses: texts one character too long. The
// error says so, and nothing is left behind.
func (r *rig) testRefused() {
	p := r.furnish()
	for _, k := range r.written() {
		if r.adopts(k) {
			continue
		}
		ch, ok := r.tooLong(k, p)
		if !ok {
			continue
		}
		if k == item.Label && r.room(k) > 0 {
			ch = r.freeColors(p, []connector.Change{ch})[0]
		}
		m := r.migrate(k, r.boardOf(k, p), r.lastOf(k, p))
		res := r.send(r.Context(), r.inARow(m.after, []connector.Change{ch}))[0]
		r.refusedKindly("a "+string(k)+" that is too long", res.Err)
		if n := len(m.there()); n != len(m.had) {
			r.Errorf("a %s that was refused is there all the same: %d, before %d", k, n, len(m.had))
		}
		if len(r.changeable(k)) == 0 {
			continue
		}
		good := r.create(r.make.item(k, 0, p))
		if k == item.Label && r.room(k) > 0 {
			good = r.freeColors(p, []connector.Change{good})[0]
		}
		b := r.write(r.inARow(m.after, []connector.Change{good})...)[0]
		board := p.board
		if k == item.Board {
			board = b.Item.Ref
		}
		long := ch.Item.Clone()
		r.keepFixed(&long, good.Item)
		up := r.update(board, b.Item.Ref, long, nil, r.tooLongField(k))
		up.After = m.after
		res = r.send(r.Context(), []connector.Change{up})[0]
		r.refusedKindly("an update of a "+string(k)+" to what is too long", res.Err)
		r.agrees("before and after an update that was refused", b, r.one(board, b.Item.Ref), r.kept)
	}
}
