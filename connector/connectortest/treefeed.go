package connectortest

import (
	"fmt"
	"maps"
	"slices"

	"github.com/rialto-migrate/rialto/connector"
	"github.com/rialto-migrate/rialto/item"
)

// A Feed is what people and the cloud do behind the back of a connector that tells what
// changed. Each takes the id of a folder.
type Feed struct {
	Drive  item.Ref        // of which changes are told, and in which the place lies
	Remove func(id string) // deletes it with all that lies in it
	Away   func(id string) // puts it out of the container; nil where there is no such place
	Back   func(id string) // puts it back to where it was
	Expire func()          // ends all cursors that were given
}

// quietRequests is how many requests a listing takes at most in which nothing changed,
// whatever lies in the container.
const quietRequests = 8

// A grownTree is what somebody knows of a drive who follows what is told of changes.
type grownTree struct {
	items map[item.Ref]item.Bundle
	since connector.Cursor
	whole bool // everything was listed to know it
}

// testFeed changes a tree in every way, and holds what a listing of the changes makes of
// what was known against a listing of everything.
func (r *treeRig) testFeed() {
	if r.world.Feed == nil {
		if r.everything(r.drive()).since != "" {
			r.Errorf("the source tells what changed, and the suite was given no Feed to try it with")
		}
		return
	}
	drive := r.world.Feed.Drive
	known := r.everything(drive)
	if known.since == "" {
		r.Fatalf("a listing of everything tells no cursor of changes")
	}
	folder := func(in item.Ref, name string) item.Ref { return r.write(created(r.folder(in, name)))[0].Item.Ref }
	file := func(in item.Ref, name string) item.Ref {
		return r.write(created(r.file(in, name, r.content(300))))[0].Item.Ref
	}
	update := func(ref item.Ref, change func(*item.Item), dirty ...string) {
		prev := r.fetched(drive, ref)[ref]
		it := prev.Item.Clone()
		it.URL = ""
		if ref.Kind == item.File {
			r.fill(&it, r.content(400))
		}
		change(&it)
		moved := slices.Contains(dirty, connector.DirtyParent) || slices.Contains(dirty, item.Name.Name)
		r.write(connector.Change{Op: connector.Update, Item: it, Prev: &prev, Dirty: dirty, Moved: moved})
	}
	remove := func(ref item.Ref) {
		_, err := r.target.Delete(r.Context(), drive, ref, func(item.Bundle) bool { return true })
		r.no(err, "Delete")
	}
	a, c := folder(drive, "a"), folder(drive, "c")
	b := folder(a, "b")
	deep := folder(b, "deep")
	one, two, top := file(b, "one"), file(a, "two"), file(drive, "top")
	file(deep, "deep")
	known = r.everything(drive)
	first := known

	steps := []struct {
		name  string
		do    func()
		whole bool // everything may be listed
	}{
		{"nothing", func() {}, false},
		{"new bytes", func() { update(one, func(*item.Item) {}, item.Content.Name) }, false},
		{"a new file and a new folder", func() { file(folder(folder(b, "new"), "newer"), "newest"); folder(drive, "empty") }, false},
		{"a file of another name in another folder", func() {
			update(two, func(it *item.Item) { it.Parent = c; item.Name.Set(it, "zwei") }, item.Name.Name, connector.DirtyParent)
		}, false},
		{"a folder of another name", func() { update(a, func(it *item.Item) { item.Name.Set(it, "A") }, item.Name.Name) }, false},
		{"a folder in another folder", func() { update(b, func(it *item.Item) { it.Parent = c }, connector.DirtyParent) }, false},
		{"a file that is gone", func() { remove(top) }, false},
		{"a file that came and went", func() { remove(file(a, "short")) }, false},
		{"a folder that went with all in it", func() { r.world.Feed.Remove(deep.ID) }, false},
		{"something was taken out of a folder that went", func() {
			update(one, func(it *item.Item) { it.Parent = drive }, connector.DirtyParent)
			r.world.Feed.Remove(b.ID)
		}, false},
		{"a folder that went out of the container", func() {
			if r.world.Feed.Away != nil {
				r.world.Feed.Away(c.ID)
			}
		}, false},
		{"a folder that came back", func() {
			if r.world.Feed.Back != nil {
				r.world.Feed.Back(c.ID)
			}
		}, true},
	}
	for _, s := range steps {
		s.do()
		known = r.follow(drive, known, s.name)
		if known.whole && !s.whole {
			r.Errorf("%s: everything was listed", s.name)
		}
		r.quiet(drive, known, s.name)
	}
	if r.caps.Keeps(item.File, item.Permissions.Name) && !slices.Contains(r.caps.Untold, item.Permissions.Name) {
		r.feedGrants(drive, one, &known)
	}
	r.follow(drive, first, "an old cursor, once more")

	for p, err := range r.source.List(r.Context(), connector.Shard{Ref: drive}, known.since) {
		r.no(err, "List")
		if len(p.Same) > 0 {
			break
		}
		file(a, "made while changes are listed")
	}
	known = r.follow(drive, known, "a change while others are listed")

	r.world.Feed.Expire()
	file(a, "after the end")
	if known = r.follow(drive, known, "a cursor that has ended"); !known.whole {
		r.Errorf("changes are told from a cursor that has ended")
	}
	var many []connector.Change
	for range 60 {
		many = append(many, created(r.file(a, fmt.Sprintf("%s %d", canary, r.make.next()), r.content(5))))
	}
	r.write(many...)
	known = r.everything(drive)
	if r.wire != nil {
		r.wire.decide(nil)
	}
	r.quiet(drive, known, "many files")
	if r.wire != nil {
		if n, _ := r.wire.counted(); n > quietRequests {
			r.Errorf("a listing takes %d requests where nothing changed", n)
		}
	}
}

// quiet lists what changed where nothing did.
func (r *treeRig) quiet(drive item.Ref, known grownTree, after string) {
	r.Helper()
	for _, p := range r.list(drive, known.since) {
		for _, b := range p.Bundles {
			if b.Item.Kind.Level() == item.Leaf {
				r.Errorf("after %s a listing tells of a %s, and nothing changed since", after, b.Item.Kind)
			}
		}
	}
}

// feedGrants lets somebody at a file, and shuts them out.
func (r *treeRig) feedGrants(drive, ref item.Ref, known *grownTree) {
	for m, err := range r.target.Members(r.Context()) {
		r.no(err, "Members")
		if item.OwnsPlace.Get(m) || slices.Contains([]string{item.Disabled, item.Bot, item.Unlicensed}, item.Standing.Get(m)) {
			continue
		}
		for _, grants := range [][]item.Grant{{{To: m.ID, Role: item.Reads}}, nil} {
			prev := r.fetched(drive, ref)[ref]
			it := prev.Item.Clone()
			it.URL = ""
			item.Permissions.Set(&it, grants)
			r.write(connector.Change{Op: connector.Update, Item: it, Prev: &prev, Dirty: []string{item.Permissions.Name}})
			*known = r.follow(drive, *known, "other grants")
		}
		return
	}
}

// everything lists a drive whole.
func (r *treeRig) everything(drive item.Ref) grownTree {
	r.Helper()
	pages := r.list(drive, "")
	out := grownTree{items: map[item.Ref]item.Bundle{}, since: pages[len(pages)-1].Since, whole: true}
	for _, b := range bundlesOf(pages) {
		if b.Item.Kind != item.Member {
			out.items[b.Item.Ref] = b
		}
	}
	return out
}

// follow lists what changed, brings what is known up to date as the engine does, and
// holds it against a listing of everything.
func (r *treeRig) follow(drive item.Ref, known grownTree, what string) grownTree {
	r.Helper()
	out := r.followed(drive, known, what)
	want := r.everything(drive)
	for ref, b := range want.items {
		if have, ok := out.items[ref]; !ok {
			r.Errorf("%s: a %s is not known to be there", what, ref.Kind)
		} else {
			r.agrees(what, have.Item, b.Item)
		}
	}
	for ref := range out.items {
		if _, ok := want.items[ref]; !ok {
			r.Errorf("%s: a %s is not known to be gone", what, ref.Kind)
		}
	}
	return out
}

func (r *treeRig) followed(drive item.Ref, known grownTree, what string) grownTree {
	r.Helper()
	pages := r.list(drive, known.since)
	last := pages[len(pages)-1]
	if last.Since == "" {
		r.Errorf("%s: a listing of changes tells no cursor", what)
	}
	told, gone := map[item.Ref]item.Bundle{}, map[item.Ref]bool{}
	for _, p := range pages {
		for _, b := range p.Bundles {
			if up := b.Item.Parent; up.Kind == item.Folder {
				if _, ok := told[up]; !ok && !slices.ContainsFunc(p.Bundles, func(b item.Bundle) bool { return b.Item.Ref == up }) {
					r.Errorf("%s: a %s is told before the folder that it lies in", what, b.Item.Kind)
				}
			}
			if b.Item.Kind != item.Member {
				told[b.Item.Ref] = b
				delete(gone, b.Item.Ref)
			}
		}
		for _, ref := range p.Gone {
			gone[ref] = true
			delete(told, ref)
		}
	}
	if !slices.Contains(last.Same, drive) {
		return grownTree{items: told, since: last.Since, whole: true}
	}
	if !slices.Contains(last.Whole, item.File) {
		r.Errorf("%s: a listing of changes does not claim to be complete", what)
	}
	for _, ref := range last.Alone {
		if _, ok := known.items[ref]; !ok {
			return r.everything(drive)
		}
	}
	out := grownTree{items: maps.Clone(known.items), since: last.Since}
	maps.Copy(out.items, told)
	for more := true; more; {
		more = false
		for ref, b := range out.items {
			_, listed := told[ref]
			_, there := out.items[b.Item.Parent]
			if gone[ref] || !listed && ref != drive && (!there || slices.Contains(last.Full, b.Item.Parent)) {
				delete(out.items, ref)
				more = true
			}
		}
	}
	return out
}
