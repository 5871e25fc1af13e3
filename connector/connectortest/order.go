package connectortest

import (
	"slices"

	"github.com/rialto-migrate/rialto/connector"
	"github.com/rialto-migrate/rialto/item"
)

// testOrder checks that siblings stand where they were put.
func (r *rig) testOrder() {
	for _, k := range r.written() {
		if k != item.Board && r.caps.Kinds[k].Ordered {
			r.orderOf(k)
		}
	}
}

// An ordering is a run of siblings of one kind and how they should stand.
type ordering struct {
	*rig
	kind item.Kind
	p    home
	want []item.Ref
}

func (r *rig) orderOf(k item.Kind) {
	r.Helper()
	o := &ordering{rig: r, kind: k, p: r.furnish()}
	if k == item.List && !o.p.list.Zero() {
		o.want = []item.Ref{o.p.list}
	}
	if k == item.Task {
		o.want = []item.Ref{o.p.task}
	}
	if k == item.CustomField {
		for _, f := range o.p.fields {
			o.want = append(o.want, f.Ref)
		}
	}
	end := func() string { return last(o.want) }
	o.insert(len(o.want), end(), 5)
	o.check("at the end")
	o.insert(2, o.want[1].ID, 1)
	o.check("in the middle")
	o.insert(0, "", 2)
	o.check("first")
	o.insert(3, o.want[2].ID, 3)
	o.check("several in the middle")
	o.reconnect()
	o.insert(len(o.want), end(), 2)
	o.check("at the end, after a restart")

	o.reconnect()
	o.insert(2, o.want[1].ID, 1)
	o.insert(3, o.want[2].ID, 2)
	o.check("behind one that a new connection put in the middle")
	o.insert(2, "gone", 1, "gone too", o.want[1].ID, o.want[0].ID)
	o.check("behind one that is gone")
	o.insert(0, "gone", 1, "")
	o.check("behind the first one, which is gone")
	o.insert(len(o.want), "gone", 1)
	o.check("behind all, which are gone")

	o.move(len(o.want)-1, 0)
	o.check("the last one to the front")
	o.move(0, 3)
	o.check("the first one back")
	o.move(2, len(o.want)-1)
	o.check("one to the end")
	o.insert(len(o.want), end(), 1)
	o.check("behind what was moved to the end")
	o.moveTwo()
	o.check("two at once")

	if _, ok := o.tooLong(); ok {
		o.withRefused(1)
		o.check("what follows a refused one follows what that was to follow")
		o.withRefused(0)
		o.check("what follows a refused one, which was the first of the batch")
	}
	if !r.suite.Sockets {
		for range o.times(40) {
			o.insert(2, o.want[1].ID, 1)
		}
		o.check("many times in the same place")
		for range o.times(40) {
			o.insert(0, "", 1)
		}
		o.check("many times first")
	}
	if k == item.Task {
		o.toAnotherList()
	}
}

// times is n, or less where a board holds fewer of the kind.
func (o *ordering) times(n int) int {
	if most := o.caps.Kinds[o.kind].Max; most > 0 {
		return min(n, (most-len(o.want))/3)
	}
	return n
}

func last(refs []item.Ref) string {
	if len(refs) == 0 {
		return ""
	}
	return refs[len(refs)-1].ID
}

func (o *ordering) reconnect() { o.rig.connect() }

func (o *ordering) fresh() connector.Change {
	it := o.make.item(o.kind, 0, o.p)
	delete(it.Fields, item.Closed.Name)
	return o.create(it)
}

// insert makes n siblings in a row behind after, or the first of gone that is
// there, which stand at a place.
func (o *ordering) insert(at int, after string, n int, gone ...string) {
	o.Helper()
	var changes []connector.Change
	for range n {
		changes = append(changes, o.fresh())
	}
	var refs []item.Ref
	changes = o.inARow(after, changes)
	changes[0].AfterGone = gone
	for _, b := range o.write(changes...) {
		refs = append(refs, b.Item.Ref)
	}
	o.want = slices.Insert(o.want, at, refs...)
}

// move puts the sibling at one place to another, counted without it.
func (o *ordering) move(from, to int) {
	o.Helper()
	ref := o.want[from]
	o.want = slices.Delete(o.want, from, from+1)
	after := ""
	if to > 0 {
		after = o.want[to-1].ID
	}
	ch := o.place(ref)
	ch.After = after
	o.write(ch)
	o.want = slices.Insert(o.want, to, ref)
}

// place is the change that gives a sibling another place and nothing else.
func (o *ordering) place(ref item.Ref) connector.Change {
	o.Helper()
	now := o.one(o.p.board, ref)
	return o.update(o.p.board, ref, now.Item, now.Children, item.Position.Name)
}

// moveTwo swaps neighbours as the engine does: each of two consecutive updates
// follows the one before it.
func (o *ordering) moveTwo() {
	o.Helper()
	if o.caps.Kinds[o.kind].Batch < 2 {
		return
	}
	n := len(o.want)
	x, y := o.want[n-1], o.want[n-2]
	first, second := o.place(x), o.place(y)
	first.After, second.After = o.want[n-3].ID, x.ID
	o.write(first, second)
	o.want[n-2], o.want[n-1] = x, y
}

// withRefused writes three in a row of which one is refused.
func (o *ordering) withRefused(refused int) {
	o.Helper()
	if o.caps.Kinds[o.kind].Batch < 3 {
		return
	}
	long, _ := o.tooLong()
	changes := []connector.Change{o.fresh(), o.fresh(), o.fresh()}
	changes[refused] = long
	var made []item.Ref
	for i, res := range o.send(o.Context(), o.inARow(o.want[1].ID, changes)) {
		switch {
		case i == refused && res.Err == nil:
			o.Errorf("a %s that is too long was taken", o.kind)
		case i != refused && res.Err != nil:
			o.Errorf("%s %d beside a refused one: %v", o.kind, i, res.Err)
		case res.Err == nil:
			made = append(made, res.Stored.Item.Ref)
		}
	}
	o.want = slices.Insert(o.want, 2, made...)
}

// tooLong is the Create of an item that the target refuses; ok is false if no
// line of the kind has a limit.
func (o *ordering) tooLong() (connector.Change, bool) { return o.rig.tooLong(o.kind, o.p) }

func (r *rig) tooLong(k item.Kind, p home) (connector.Change, bool) {
	field := r.tooLongField(k)
	if field == "" {
		return connector.Change{}, false
	}
	it := r.make.item(k, bare, p)
	it.Fields[field] = fill(canary+" too long ", r.caps.Kinds[k].Fields[field].MaxChars+1)
	return r.create(it), true
}

// tooLongField is a name or text of the kind whose length the cloud limits; ""
// if there is none.
func (r *rig) tooLongField(k item.Kind) string {
	info, _ := item.Info(k)
	for _, f := range info.Fields {
		limits := r.caps.Kinds[k].Fields[f.Name]
		if line := f.Type == item.Line || f.Type == item.Text; line && limits.MaxChars > 0 && r.caps.Keeps(k, f.Name) && !slices.Contains(r.world.Unchecked, k) {
			return f.Name
		}
	}
	return ""
}

// check holds the order of the listing against the one that should be.
func (o *ordering) check(what string) {
	o.Helper()
	parent := o.p.of(o.kind)
	bundles, order := o.listed(o.p.board)
	var have []item.Ref
	for _, ref := range ofKind(order, o.kind) {
		it := bundles[ref].Item
		if it.Parent != parent || o.kind == item.Task && item.InList.Get(it) != o.p.list {
			continue
		}
		have = append(have, ref)
	}
	if !slices.Equal(have, o.want) {
		o.Fatalf("%s, %s: they stand as %v, and should as %v", o.kind, what, places(have, o.want), places(o.want, o.want))
	}
	for i := 1; i < len(have); i++ {
		a, b := item.Position.Get(bundles[have[i-1]].Item), item.Position.Get(bundles[have[i]].Item)
		if a > b {
			o.Errorf("%s, %s: the position of %s sorts before the one listed ahead of it", o.kind, what, have[i])
		}
	}
}

// places writes refs as numbers, to be read.
func places(refs, in []item.Ref) []int {
	var out []int
	for _, r := range refs {
		out = append(out, slices.Index(in, r))
	}
	return out
}

// toAnotherList moves a task into another list, in the middle of it.
func (o *ordering) toAnotherList() {
	o.Helper()
	other := o.p
	other.list = o.write(o.inARow(o.p.list.ID, []connector.Change{o.create(o.make.item(item.List, 0, o.p))})...)[0].Item.Ref
	there := &ordering{rig: o.rig, kind: item.Task, p: other}
	there.insert(0, "", 3)
	ref := o.want[0]
	it := o.one(o.p.board, ref).Item.Clone()
	item.InList.Set(&it, other.list)
	ch := o.update(o.p.board, ref, it, nil, item.InList.Name, item.Position.Name)
	ch.After = there.want[0].ID
	o.write(ch)
	o.want = o.want[1:]
	there.want = slices.Insert(there.want, 1, ref)
	o.check("what is left after one went to another list")
	there.check("one that came from another list")
}
