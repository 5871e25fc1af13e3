package connectortest

import (
	"slices"

	"github.com/rialto-migrate/rialto/connector"
	"github.com/rialto-migrate/rialto/item"
)

// What moves keeps its bytes, and never takes the place of something else.
func (r *treeRig) testMoves() {
	drive := r.drive()
	from, to := r.write(created(r.folder(drive, "from")))[0].Item.Ref, r.write(created(r.folder(drive, "to")))[0].Item.Ref
	for _, k := range []item.Kind{item.File, item.Folder} {
		if !r.caps.Kinds[k].Moves || r.caps.Paths && k == item.Folder {
			continue
		}
		content := r.content(20_000)
		made := r.folder(from, "a folder")
		if k == item.File {
			made = r.file(from, "a file", content)
		}
		ref := r.write(created(made))[0].Item.Ref
		move := func(parent item.Ref, name string, dirty ...string) connector.Change {
			prev := r.fetched(drive, ref)[ref]
			it := prev.Item.Clone()
			it.URL, it.Parent = "", parent
			if k == item.File {
				r.fill(&it, content) // opened only where the bytes are dirty
				r.make.misbehave(it.Blob, trick{refuses: len(dirty) == 0})
			}
			if name != item.Name.Get(it) {
				dirty = append(dirty, item.Name.Name)
			}
			if parent != prev.Item.Parent {
				dirty = append(dirty, connector.DirtyParent)
			}
			item.Name.Set(&it, name)
			return connector.Change{Op: connector.Update, Item: it, Prev: &prev, Dirty: dirty, Moved: true}
		}
		went := func(what string, c connector.Change) {
			r.Helper()
			old := ref
			stored := r.write(c)[0]
			ref = stored.Item.Ref
			if !r.caps.Paths && ref != old {
				r.Errorf("%s of a %s gave it another id", what, k)
			}
			there := r.fetched(drive, old, ref)
			if _, both := there[old]; both && ref != old {
				r.Errorf("%s of a %s left it in its old place, too", what, k)
			}
			r.agrees(what+" and Fetch", stored.Item, there[ref].Item)
			if k == item.File {
				r.holds(what, *there[ref].Item.Blob, content)
			}
		}
		went("a new name", move(from, "another name"))
		went("a new folder", move(to, "another name"))
		went("a new folder and name", move(drive, "a third name"))
		if k == item.File {
			content = r.content(30_000)
			went("new bytes in a new place", move(to, "a fourth name", item.Content.Name))
		}
		taken := r.write(created(r.file(from, "taken by a "+string(k), r.content(10))))[0].Item
		if r.caps.Kinds[k].Fields[item.Name.Name].Names != nil && r.caps.Kinds[k].Fields[item.Name.Name].Names.Twins {
			continue
		}
		res := r.results(move(from, "taken by a "+string(k)))[0]
		r.wants(res.Err, "a move to where something else stands", connector.Conflict)
		if e := r.saw(res.Err); e != nil && e.Hint == "" {
			r.Errorf("a move to where something else stands has no hint")
		}
		there := r.fetched(drive, ref, taken.Ref)
		if _, stays := there[ref]; !stays {
			r.Errorf("a %s is gone whose new place was taken", k)
		}
		if b, stays := there[taken.Ref]; stays {
			r.agrees("what stood in the way", taken, b.Item)
		} else {
			r.Errorf("a move of a %s took the place of something else", k)
		}
	}
}

// Grants come back as they were given, change one by one, and tell nobody.
func (r *treeRig) testPermissions() {
	var people []string
	for m, err := range r.target.Members(r.Context()) {
		r.no(err, "Members")
		if !item.OwnsPlace.Get(m) && !slices.Contains([]string{item.Disabled, item.Bot, item.Unlicensed}, item.Standing.Get(m)) {
			people = append(people, m.ID)
		}
	}
	drive := r.drive()
	for _, k := range []item.Kind{item.Folder, item.File} {
		limits, ok := r.caps.Kinds[k].Fields[item.Permissions.Name]
		if !ok || limits.Told || limits.Fixed {
			continue
		}
		if len(people) < 3 {
			r.Fatalf("permissions are kept and the place has %d people: the suite needs three", len(people))
		}
		roles := limits.Values
		if roles == nil {
			roles = item.Roles()
		}
		weak, strong := roles[0], roles[len(roles)-1]
		it := r.folder(drive, "shared folder")
		if k == item.File {
			it = r.file(drive, "shared file", r.content(100))
		}
		item.Permissions.Set(&it, []item.Grant{{To: people[0], Role: weak}, {To: people[1], Role: strong}})
		ref := r.write(created(it))[0].Item.Ref
		for _, grants := range [][]item.Grant{
			{{To: people[0], Role: weak}, {To: people[1], Role: strong}},
			{{To: people[0], Role: strong}, {To: people[1], Role: strong}},
			{{To: people[0], Role: strong}, {To: people[2], Role: weak}},
			{{To: people[2], Role: weak}},
			nil,
			{{To: people[1], Role: weak}},
		} {
			prev := r.fetched(drive, ref)[ref]
			next := prev.Item.Clone()
			next.URL = ""
			item.Permissions.Set(&next, grants)
			r.write(connector.Change{Op: connector.Update, Item: next, Prev: &prev, Dirty: []string{item.Permissions.Name}})
			if got := item.Permissions.Get(r.fetched(drive, ref)[ref].Item); !sameSet(got, grants) {
				r.Errorf("the grants of a %s are %v after an update, want %v", k, got, grants)
			}
			if got := item.Permissions.Get(r.listed(drive)[ref].Item); !sameSet(got, grants) {
				r.Errorf("a listing tells the grants %v of a %s, want %v", got, k, grants)
			}
		}
	}
}

// Shortcuts lead where they are to lead.
func (r *treeRig) testShortcuts() {
	limits, ok := r.caps.Kinds[item.Shortcut].Fields[item.LeadsTo.Name]
	if !ok || limits.Told {
		return
	}
	drive := r.drive()
	folder := r.write(created(r.folder(drive, "a folder")))[0].Item.Ref
	file := r.write(created(r.file(folder, "a file", r.content(10))))[0].Item.Ref
	leads := map[string]string{"to a file": r.target.Link(file, drive), "to a folder": r.target.Link(folder, drive)}
	if !limits.Inside {
		leads["away"] = "https://example.org/a?b=c#d"
	}
	for name, address := range leads {
		it := item.Item{Ref: item.Ref{Kind: item.Shortcut}, Parent: drive}
		item.Name.Set(&it, name)
		item.LeadsTo.Set(&it, address)
		stored := r.write(created(it))[0].Item
		b := r.listed(drive)[stored.Ref]
		r.agrees("Write and List of a shortcut", stored, b.Item)
		r.agrees("Write and Fetch of a shortcut", stored, r.fetched(drive, stored.Ref)[stored.Ref].Item)
		got, want := item.LeadsTo.Get(b.Item), address
		if name != "away" {
			got, _ = r.source.Locate(got)
			want, _ = r.source.Locate(want)
			if want == "" {
				r.Errorf("Locate does not know the address that Link gives (%s)", name)
			}
		}
		if got != want {
			r.Errorf("a shortcut leads to %q, want %q", got, want)
		}
		if removed, err := r.target.Delete(r.Context(), drive, stored.Ref, func(item.Bundle) bool { return true }); err != nil || !removed {
			r.Errorf("a shortcut cannot be deleted: %v, %v", removed, err)
		}
	}
	if there := r.fetched(drive, file, folder); len(there) != 2 {
		r.Errorf("what shortcuts led to went with them: %d of 2 are there", len(there))
	}
}
