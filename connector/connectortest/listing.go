package connectortest

import (
	"cmp"
	"reflect"
	"slices"

	"github.com/rialto-migrate/rialto/connector"
	"github.com/rialto-migrate/rialto/item"
)

// testListing reads a whole board: in the order of a listing, with a member for
// everybody, resumed from every cursor, and item by item.
func (r *rig) testListing() {
	board := r.world.Board
	if r.target != nil {
		tasks := r.suite.Tasks
		if tasks == 0 {
			tasks = 230
		}
		board = r.lively(tasks)
	}
	shards, err := collect(r.source.Shards(r.Context()))
	r.no(err, "Shards")
	at := slices.IndexFunc(shards, func(s connector.Shard) bool { return s.Ref == board })
	if at < 0 {
		r.Fatalf("Shards does not yield %s", board)
	}
	r.sights(shards)
	pages, err := collect(r.source.List(r.Context(), shards[at], ""))
	r.no(err, "List")
	all := bundlesOf(pages)
	if len(all) == 0 || all[0].Item.Ref != board {
		r.Fatalf("a listing of %d items does not begin with its container", len(all))
	}
	r.sequence(all)
	r.siblings(all)
	r.counters(shards[at], all)
	r.resumes(shards[at], pages)
	r.fetches(shards[at], all)
	r.locates(all)
	r.opens(all)
	if whole := pages[len(pages)-1].Whole; !slices.Contains(whole, item.Task) {
		r.Errorf("the last page of a listing from its beginning does not say that it was whole: %v", whole)
	}
	for i, p := range pages[:len(pages)-1] {
		if len(p.Whole) > 0 {
			r.Errorf("page %d of %d says that the listing was whole", i+1, len(pages))
		}
	}
	r.foreign(board)
}

// lively writes a board for reading: lists with tasks, some of them with all
// that can lie in one.
func (r *rig) lively(tasks int) item.Ref {
	p := r.furnish()
	lists := []item.Ref{p.list}
	if r.writes(item.List) {
		for _, b := range r.write(r.inARow(p.list.ID, []connector.Change{r.create(r.make.item(item.List, 0, p)), r.create(r.make.item(item.List, 4, p))})...) {
			lists = append(lists, b.Item.Ref)
		}
	}
	for n, list := range lists {
		p.list = list
		var changes []connector.Change
		for i := range tasks / len(lists) {
			v := bare
			if i < variants {
				v = i
			}
			changes = append(changes, r.create(r.make.item(item.Task, v, p), r.make.children(item.Task, v, p)...))
		}
		after := ""
		if n == 0 {
			after = p.task.ID
		}
		made := r.write(r.inARow(after, changes)...)
		p.task = made[0].Item.Ref
		for _, k := range []item.Kind{item.Checklist, item.Comment, item.Attachment} {
			if !r.writes(k) {
				continue
			}
			var kids []connector.Change
			for v := range 4 {
				kids = append(kids, r.create(r.make.item(k, v, p)))
			}
			r.write(r.inARow("", kids)...)
		}
	}
	return p.board
}

// sequence checks that a listing holds each item once, containers first, what
// frames the tasks before them, and whatever an item refers to ahead of it.
func (r *rig) sequence(all []item.Bundle) {
	r.Helper()
	seen := map[item.Ref]bool{}
	level, rank := item.Container, 0
	order := item.Kinds()
	for _, b := range all {
		it := b.Item
		r.wellFormed("List", it)
		if seen[it.Ref] {
			r.Errorf("List yields %s twice", it.Ref)
		}
		info, _ := item.Info(it.Kind)
		at := slices.IndexFunc(order, func(k item.KindInfo) bool { return k.Kind == it.Kind })
		switch {
		case info.Level > item.Leaf:
			r.Errorf("List yields %s by itself: it belongs to a task", it.Ref)
		case it.Kind == item.Member || it.Kind == item.CustomField: // those known from tasks alone come with them
		case info.Level < level || info.Level == item.Frame && at < rank:
			r.Errorf("List yields %s after what comes behind its kind", it.Ref)
		default:
			level, rank = info.Level, at
		}
		if info.Level > item.Container && it.Parent != all[0].Item.Ref {
			r.Errorf("%s lies in %s, and not in the container that is listed", it.Ref, it.Parent)
		}
		seen[it.Ref] = true
		r.referred(it, seen)
		for _, c := range b.Children {
			r.wellFormed("List", c)
			if seen[c.Ref] {
				r.Errorf("List yields %s twice", c.Ref)
			}
			if c.Parent != it.Ref {
				r.Errorf("%s lies in %s and comes with %s", c.Ref, c.Parent, it.Ref)
			}
			seen[c.Ref] = true
			r.referred(c, seen)
		}
	}
	for _, b := range all { // the members of a board stand behind it
		if b.Item.Kind == item.Board {
			for _, id := range item.Members.Get(b.Item) {
				if !seen[item.Ref{Kind: item.Member, ID: id}] {
					r.Errorf("no member is listed for %s of %s", id, b.Item.Ref)
				}
			}
		}
	}
}

// referred checks that what an item refers to was listed before.
func (r *rig) referred(it item.Item, seen map[item.Ref]bool) {
	r.Helper()
	info, _ := item.Info(it.Kind)
	need := func(field string, ref item.Ref) {
		r.Helper()
		if !ref.Zero() && !seen[ref] {
			r.Errorf("%s.%s refers to %s, which was not listed before", it.Ref, field, ref)
		}
	}
	for _, f := range info.Fields {
		v := it.Fields[f.Name]
		if item.IsZero(v) || it.Kind == item.Board || f.Name == item.ParentTask.Name {
			continue
		}
		switch f.Type {
		case item.Person:
			need(f.Name, item.Ref{Kind: item.Member, ID: v.(string)})
		case item.People:
			for _, id := range v.([]string) {
				need(f.Name, item.Ref{Kind: item.Member, ID: id})
			}
		case item.One:
			need(f.Name, v.(item.Ref))
		case item.Many:
			for _, ref := range v.([]item.Ref) {
				need(f.Name, ref)
			}
		case item.Values:
			for _, fv := range v.([]item.FieldValue) {
				need(f.Name, item.Ref{Kind: item.CustomField, ID: fv.Field})
			}
		case item.Grants:
			for _, g := range v.([]item.Grant) {
				if g.To != "" {
					need(f.Name, item.Ref{Kind: item.Member, ID: g.To})
				}
			}
		case item.Checks:
			for _, c := range v.([]item.Check) {
				if c.Assignee != "" {
					need(item.EntryAssignee.Name, item.Ref{Kind: item.Member, ID: c.Assignee})
				}
			}
		}
	}
}

// siblings checks that siblings come in their order, ties by id, and comments
// the oldest first.
func (r *rig) siblings(all []item.Bundle) {
	r.Helper()
	lastIn := map[string]item.Item{}
	next := func(it item.Item) {
		r.Helper()
		lane := string(it.Kind) + it.Parent.String() + item.InList.Get(it).String()
		prev, ok := lastIn[lane]
		lastIn[lane] = it
		if !ok {
			return
		}
		if _, has := it.Fields[item.Position.Name]; has && cmp.Or(cmp.Compare(item.Position.Get(prev), item.Position.Get(it)), cmp.Compare(prev.ID, it.ID)) > 0 {
			r.Errorf("%s is listed behind %s, and stands before it", it.Ref, prev.Ref)
		}
		if it.Kind == item.Comment && item.Created.Get(prev).After(item.Created.Get(it)) {
			r.Errorf("%s is listed behind %s, and is older", it.Ref, prev.Ref)
		}
	}
	for _, b := range all {
		next(b.Item)
		for _, c := range b.Children {
			next(c)
		}
	}
}

// counters holds the cloud's own numbers against what was listed.
func (r *rig) counters(s connector.Shard, all []item.Bundle) {
	r.Helper()
	count := map[item.Kind]int{}
	for _, b := range all {
		count[b.Item.Kind]++
		for _, c := range b.Children {
			count[c.Kind]++
		}
		entries := 0
		for _, c := range b.Of(item.Checklist) {
			entries += len(item.Entries.Get(c))
		}
		if b.CheckItems >= 0 && b.CheckItems != entries {
			r.Errorf("%s has %d entries, and its counter says %d", b.Item.Ref, entries, b.CheckItems)
		}
		for k, n := range b.Counts {
			if have := len(b.Of(k)); have != n {
				r.Errorf("%s has %d of kind %s, and its counter says %d", b.Item.Ref, have, k, n)
			}
		}
	}
	if n, ok := s.Counts[item.Task]; ok && n != count[item.Task] {
		r.Errorf("the shard is said to have %d tasks, and %d were listed", n, count[item.Task])
	}
}

// resumes lists from every cursor: exactly the rest comes.
func (r *rig) resumes(s connector.Shard, pages []connector.Page) {
	r.Helper()
	if r.target != nil && len(pages) < 2 {
		r.Errorf("a listing of the suite's board has one page: nothing is resumed; raise Suite.Tasks")
	}
	for i, p := range pages {
		if p.Next == "" {
			r.Errorf("page %d of %d has no cursor", i+1, len(pages))
			continue
		}
		if r.suite.Sockets && i > 1 && i < len(pages)-1 {
			continue
		}
		r.connect() // a cursor survives a restart
		got, err := collect(r.source.List(r.Context(), s, p.Next))
		r.no(err, "List from a cursor")
		want := tasksOf(bundlesOf(pages[i+1:]))
		have := tasksOf(bundlesOf(got))
		if len(want) != len(have) {
			r.Errorf("the listing from the cursor of page %d yields %d tasks, want %d", i+1, len(have), len(want))
			continue
		}
		for j := range want {
			r.bundlesAlike("List, and List from a cursor", want[j], have[j])
		}
		seen := map[item.Ref]bool{}
		for _, b := range bundlesOf(pages[:i+1]) {
			seen[b.Item.Ref] = true
		}
		for _, b := range bundlesOf(got) {
			if k := b.Item.Kind; seen[b.Item.Ref] && k != item.Member && k != item.CustomField {
				r.Errorf("the listing from the cursor of page %d yields %s again", i+1, b.Item.Ref)
			}
		}
	}
	for _, bad := range []connector.Cursor{"nonsense", "%%%", "1|2|3", "after:x", "bm9uc2Vuc2U"} {
		_, err := collect(r.source.List(r.Context(), s, bad))
		if e := r.saw(err); e == nil || e.Class != connector.Permanent || e.Hint == "" {
			r.Errorf("a listing from the cursor %q: %v, want class permanent and a hint", bad, err)
		}
	}
}

func tasksOf(all []item.Bundle) []item.Bundle {
	return slices.DeleteFunc(slices.Clone(all), func(b item.Bundle) bool { return b.Item.Kind != item.Task })
}

// bundlesAlike holds two readings by one source against each other.
func (r *rig) bundlesAlike(what string, a, b item.Bundle) {
	r.Helper()
	if a.Item.Ref != b.Item.Ref || len(a.Children) != len(b.Children) {
		r.Errorf("%s: %s with %d children, and %s with %d", what, a.Item.Ref, len(a.Children), b.Item.Ref, len(b.Children))
		return
	}
	r.alike(what, a.Item, b.Item, everyField)
	for i := range a.Children {
		if a.Children[i].Ref != b.Children[i].Ref {
			r.Errorf("%s: %s and %s in %s", what, a.Children[i].Ref, b.Children[i].Ref, a.Item.Ref)
			return
		}
		r.alike(what, a.Children[i], b.Children[i], everyField)
	}
	if a.Item.Kind == item.Task && !reflect.DeepEqual(slices.Sorted(slices.Values(a.Unknown)), slices.Sorted(slices.Values(b.Unknown))) {
		r.Errorf("%s of %s: %v and %v are not carried", what, a.Item.Ref, a.Unknown, b.Unknown)
	}
}

// fetches reads each item by itself, and all at once.
func (r *rig) fetches(s connector.Shard, all []item.Bundle) {
	r.Helper()
	some := all
	if r.suite.Sockets { // a few of each kind
		n := map[item.Kind]int{}
		some = slices.DeleteFunc(slices.Clone(all), func(b item.Bundle) bool { n[b.Item.Kind]++; return n[b.Item.Kind] > 5 })
	}
	byKind := map[item.Kind][]item.Ref{}
	listed := map[item.Ref]item.Bundle{}
	var refs []item.Ref
	for _, b := range some {
		listed[b.Item.Ref] = b
		refs = append(refs, b.Item.Ref)
		byKind[b.Item.Kind] = append(byKind[b.Item.Kind], b.Item.Ref)
	}
	check := func(what string, refs []item.Ref) {
		r.Helper()
		got, err := collect(r.source.Fetch(r.Context(), s, refs))
		r.no(err, "Fetch")
		seen := map[item.Ref]bool{}
		for _, b := range got {
			want, asked := listed[b.Item.Ref]
			if !asked || seen[b.Item.Ref] || !slices.Contains(refs, b.Item.Ref) {
				r.Errorf("Fetch of %s yields %s, which was not asked for, or twice", what, b.Item.Ref)
				continue
			}
			seen[b.Item.Ref] = true
			r.bundlesAlike("List and Fetch of "+what, want, b)
		}
		for _, ref := range refs {
			if !seen[ref] {
				r.Errorf("Fetch of %s does not yield %s", what, ref)
			}
		}
	}
	check("all", refs)
	for k, of := range byKind {
		check("one "+string(k), of[:1])
		if len(of) > 2 {
			check("two of kind "+string(k), []item.Ref{of[len(of)-1], of[1]})
		}
	}
	gone := item.Ref{Kind: item.Task, ID: nobody(byKind[item.Task][0].ID)}
	got, err := collect(r.source.Fetch(r.Context(), s, []item.Ref{gone}))
	if r.saw(err) != nil || len(got) > 0 {
		r.Errorf("Fetch of a task that never was: %d items, %v; want none", len(got), err)
	}
}

// locates holds addresses against what Locate says of them.
func (r *rig) locates(all []item.Bundle) {
	r.Helper()
	named := map[string]item.Ref{}
	for _, b := range all {
		it := b.Item
		for _, a := range it.Aliases {
			if other, taken := named[a]; taken || a == "" {
				r.Errorf("%s and %s have the alias %q", it.Ref, other, a)
			}
			named[a] = it.Ref
		}
		if it.URL == "" {
			if it.Kind == item.Board || it.Kind == item.Task {
				r.Errorf("%s has no address", it.Ref)
			}
			continue
		}
		r.locatesOne(it, it.URL, it.Kind == item.Board || it.Kind == item.Task)
		if r.target == nil {
			continue
		}
		if link := r.target.Link(it.Ref, all[0].Item.Ref); link != "" {
			r.locatesOne(it, link, true)
		} else if it.Kind == item.Board || it.Kind == item.Task {
			r.Errorf("Link gives no address for a %s", it.Kind)
		}
	}
	for _, foreign := range []string{"", "nonsense", "https://example.org/c/abcdefgh", "mailto:a@example.org", "http://", "https://[", "//x", "javascript:alert(1)"} {
		if id, ok := r.source.Locate(foreign); ok {
			r.Errorf("Locate takes %q for %q", foreign, id)
		}
	}
}

func (r *rig) locatesOne(it item.Item, address string, must bool) {
	r.Helper()
	id, ok := r.source.Locate(address)
	if ok && id != it.ID && !slices.Contains(it.Aliases, id) {
		r.Errorf("Locate says %q of an address of %s, whose aliases are %v", id, it.Ref, it.Aliases)
	}
	if !ok && must {
		r.Errorf("Locate does not know an address of %s", it.Ref)
	}
}

// opens reads files whole and in parts.
func (r *rig) opens(all []item.Bundle) {
	r.Helper()
	files := 0
	for _, b := range all {
		for _, c := range b.Children {
			if c.Blob == nil || files > 8 {
				continue
			}
			files++
			whole, err := r.read(*c.Blob, 0, -1)
			if err != nil {
				r.Errorf("%s cannot be read: %v", c.Ref, err)
				continue
			}
			if c.Blob.Bytes >= 0 && int64(len(whole)) != c.Blob.Bytes {
				r.Errorf("%s is said to have %d bytes, and has %d", c.Ref, c.Blob.Bytes, len(whole))
			}
			n := int64(len(whole))
			for _, part := range [][2]int64{{n / 2, -1}, {n / 3, n / 3}, {0, n / 2}, {0, n}, {n / 2, n}} {
				if part[1] == 0 {
					continue
				}
				got, err := r.read(*c.Blob, part[0], part[1])
				end := n
				if part[1] > 0 {
					end = min(n, part[0]+part[1])
				}
				if err != nil || string(got) != string(whole[part[0]:end]) {
					r.Errorf("%s from %d on, %d bytes of %d: %d bytes which are not those, %v", c.Ref, part[0], part[1], n, len(got), err)
				}
			}
			changed := *c.Blob
			changed.Version += "x"
			if _, err := r.read(changed, 0, -1); err == nil && r.target == nil {
				r.Errorf("%s is opened in a version that it does not have", c.Ref)
			}
		}
	}
	if files == 0 && r.caps.Keeps(item.Attachment, item.Content.Name) {
		r.Errorf("no file was listed: nothing is read")
	}
}

// foreign lists what is not there.
func (r *rig) foreign(board item.Ref) {
	r.Helper()
	none := connector.Shard{Ref: item.Ref{Kind: item.Board, ID: nobody(board.ID)}}
	_, err := collect(r.source.List(r.Context(), none, ""))
	if e := r.saw(err); e == nil || e.Class != connector.Gone && e.Class != connector.Forbidden {
		r.Errorf("a listing of a board that never was: %v, want class gone", err)
	}
}
