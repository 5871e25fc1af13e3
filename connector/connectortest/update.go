package connectortest

import (
	"slices"

	"github.com/rialto-migrate/rialto/connector"
	"github.com/rialto-migrate/rialto/item"
)

// testUpdates changes one field after the other and checks that no other one
// changed, then everything, then empties it.
func (r *rig) testUpdates() {
	p := r.furnish()
	if r.caps.Keeps(item.Task, item.ParentTask.Name) {
		r.partOf(p)
	}
	for _, k := range r.written() {
		if r.adopts(k) || k == item.Attachment && len(r.changeable(k)) == 0 {
			continue
		}
		r.updatesOf(k, p)
	}
}

// changeable are the groups of fields and of embedded kinds that an update can
// write. What done and progress say, many a cloud keeps in one number.
func (r *rig) changeable(k item.Kind) [][]string {
	info, _ := item.Info(k)
	var out [][]string
	for _, f := range info.Fields {
		limits := r.caps.Kinds[k].Fields[f.Name]
		switch {
		case !r.caps.Keeps(k, f.Name) || limits.Fixed || f.Type == item.Rank, f.Name == item.Content.Name,
			f.Name == item.EntryDue.Name, f.Name == item.EntryAssignee.Name, f.Name == item.ParentTask.Name:
		case f.Name == item.Progress.Name:
			out = append(out, []string{item.Done.Name, item.Progress.Name})
		case f.Name == item.Done.Name && r.caps.Keeps(k, item.Progress.Name):
		default:
			out = append(out, []string{f.Name})
		}
	}
	for _, ki := range item.Kinds() {
		if r.caps.Kinds[ki.Kind].Embedded == k {
			out = append(out, []string{string(ki.Kind)})
		}
	}
	return out
}

func (r *rig) updatesOf(k item.Kind, p home) {
	r.Helper()
	groups := r.changeable(k)
	if len(groups) == 0 {
		return
	}
	first := r.make.item(k, 2, p)
	given := r.create(first, r.make.children(k, 2, p)...)
	if k == item.Label && r.room(k) > 0 {
		given = r.freeColors(p, []connector.Change{given})[0]
		first = given.Item
	}
	stored := r.write(r.inARow("", []connector.Change{given})...)[0]
	ref := stored.Item.Ref
	board := p.board
	if k == item.Board {
		board = ref
	}
	second, kids := r.make.item(k, 5, p), r.make.children(k, 5, p)
	r.keepFixed(&second, first)
	now, nowKids := first.Clone(), given.Children
	for _, dirty := range groups {
		want := now.Clone()
		for _, name := range dirty {
			if v := second.Fields[name]; item.IsZero(v) {
				delete(want.Fields, name)
			} else {
				want.Fields[name] = v
			}
		}
		if child := item.Kind(dirty[0]); r.caps.Kinds[child].Embedded == k {
			nowKids = replaced(nowKids, kids, child)
		}
		ch := r.update(board, ref, second, kids, dirty...)
		ch.After = r.before(p, ref, board)
		b := r.write(ch)[0]
		r.matches("Write of "+dirty[0]+" alone", want, nowKids, b)
		r.agrees("Write and Fetch after an update of "+dirty[0], b, r.one(board, ref), r.kept)
		now = want
	}
	third, kids := r.make.item(k, 1, p), r.make.children(k, 1, p)
	r.keepFixed(&third, first)
	ch := r.update(board, ref, third, kids)
	ch.Mark, ch.After = given.Mark, r.before(p, ref, board)
	b := r.write(ch)[0]
	r.matches("Write of everything", third, kids, b)
	r.agrees("Write and Fetch after an update of everything", b, r.one(board, ref), r.kept)

	empty := r.make.item(k, bare, p)
	r.keepFixed(&empty, first)
	var all []string
	for _, g := range groups {
		all = append(all, g...)
	}
	ch = r.update(board, ref, empty, nil, all...)
	ch.After = r.before(p, ref, board)
	b = r.write(ch)[0]
	r.matches("Write of nothing but what is needed", empty, nil, b)
	listed, _ := r.listed(board)
	r.agrees("Write and List after an update", b, listed[ref], r.kept)
}

// before is the sibling that an item stands behind: an update that does not
// move it names that one.
func (r *rig) before(p home, ref, board item.Ref) string {
	if !r.caps.Kinds[ref.Kind].Ordered {
		return ""
	}
	bundles, order := r.listed(board)
	prev := ""
	for _, x := range ofKind(order, ref.Kind) {
		if x == ref {
			return prev
		}
		if it := bundles[x].Item; it.Parent == p.of(ref.Kind) && (ref.Kind != item.Task || item.InList.Get(it) == item.InList.Get(bundles[ref].Item)) {
			prev = x.ID
		}
	}
	return prev
}

// keepFixed gives an item those values of another that cannot change.
func (r *rig) keepFixed(it *item.Item, of item.Item) {
	it.Parent = of.Parent
	for name, limits := range r.caps.Kinds[it.Kind].Fields {
		if !limits.Fixed {
			continue
		}
		if v, ok := of.Fields[name]; ok {
			it.Fields[name] = v
		} else {
			delete(it.Fields, name)
		}
	}
	it.Blob = of.Blob
	if it.Kind == item.CustomField && item.FieldType.Get(*it) != "list" {
		delete(it.Fields, item.FieldOptions.Name)
	}
}

// replaced puts the children of one kind in place of those of that kind.
func replaced(old, with []item.Item, k item.Kind) []item.Item {
	out := slices.DeleteFunc(slices.Clone(old), func(it item.Item) bool { return it.Kind == k })
	for _, it := range with {
		if it.Kind == k {
			out = append(out, it)
		}
	}
	return out
}

// partOf makes a task a part of another, and ends that again.
func (r *rig) partOf(p home) {
	r.Helper()
	above := r.write(r.create(r.make.item(item.Task, bare, p)))[0].Item.Ref
	it := r.make.item(item.Task, bare, p)
	item.ParentTask.Set(&it, above)
	b := r.write(r.create(it))[0]
	r.matches("Write of a part of a task", it, nil, b)
	r.agrees("Write and Fetch of a part of a task", b, r.one(p.board, b.Item.Ref), r.kept)
	delete(it.Fields, item.ParentTask.Name)
	ch := r.update(p.board, b.Item.Ref, it, nil, item.ParentTask.Name)
	b = r.write(ch)[0]
	r.matches("Write of what is no part any more", it, nil, b)
}
