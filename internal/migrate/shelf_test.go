package migrate

import (
	"context"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/rialto-migrate/rialto/connector"
	"github.com/rialto-migrate/rialto/internal/ledger"
	"github.com/rialto-migrate/rialto/internal/ledger/ledgertest"
	"github.com/rialto-migrate/rialto/item"
)

// A store of files is a shelf or a tree.
type fileStore interface {
	connector.Cloud
	all() map[string]string
	side() Side
}

func (s *shelf) side() Side { return Side{Connection: s.name, Title: "Shelf", Cloud: s, Caps: s.caps} }
func (f *tree) side() Side  { return Side{Connection: f.root, Title: "Tree", Cloud: f, Caps: f.caps} }

// A haul is a migration from one store of files to another.
type haul struct {
	t        *testing.T
	from, to fileStore
	led      ledger.Ledger
	spec     Spec
}

func newHaul(t *testing.T, from, to fileStore) *haul {
	return &haul{t: t, from: from, to: to, led: ledgertest.New(), spec: Spec{Name: "t", Scope: []string{"*"}, Place: "/dst", Policies: Policies{Deletions: "delete"}}}
}

func (h *haul) engine() *Engine {
	h.t.Helper()
	e, err := New(Config{Spec: h.spec, From: h.from.side(), To: h.to.side(), Ledger: h.led, Key: []byte(strings.Repeat("k", 32))})
	if err != nil {
		h.t.Fatal(err)
	}
	return e
}

// pass runs once, compares what is there with want, and verifies. A forecast before it
// has to name the losses that the run has.
func (h *haul) pass(want map[string]string) *Report {
	h.t.Helper()
	f, err := h.engine().Forecast(context.Background())
	if err != nil {
		h.t.Fatal(err)
	}
	r, err := h.engine().Run(context.Background())
	if err != nil || r.Status != "complete" {
		h.t.Fatalf("run: %v, %+v", err, r)
	}
	if got := h.to.all(); !maps.Equal(got, want) {
		h.t.Errorf("the target has %v\nwant %v", got, want)
	}
	v, err := h.engine().Verify(context.Background(), false)
	if err != nil || v.Status == "differs" || len(v.Extra) > 0 {
		h.t.Errorf("verify: %v, %+v", err, v)
	}
	if v != nil && v.Losses != sum(f.Losses) {
		h.t.Errorf("%d losses were forecast and %d came about: %+v and %+v", sum(f.Losses), v.Losses, f.Losses, v.LossList)
	}
	return r
}

func sum(losses []Loss) (n int) {
	for _, l := range losses {
		n += l.Count
	}
	return n
}

// undo takes everything back.
func (h *haul) undo() {
	h.t.Helper()
	u, err := h.engine().Undo(context.Background(), false)
	if err != nil || u.Status != "undone" {
		h.t.Errorf("undo: %v, %+v", err, u)
	}
	if got := h.to.all(); len(got) > 0 {
		h.t.Errorf("after an undo the target has %v", got)
	}
}

// TestMoved has people put files and folders elsewhere at the source.
func TestMoved(t *testing.T) {
	targets := map[string]func() fileStore{
		"ids stay": func() fileStore { return newShelf("to") },
		"paths":    func() fileStore { return newTree("/dst") },
		"paths that move": func() fileStore {
			f := newTree("/dst")
			k := f.caps.Kinds[item.File]
			k.Moves = true
			f.caps.Kinds[item.File] = k
			return f
		},
		"ids without moves": func() fileStore {
			s := newShelf("to")
			for _, k := range []item.Kind{item.Folder, item.File} {
				caps := s.caps.Kinds[k]
				caps.Moves = false
				s.caps.Kinds[k] = caps
			}
			return s
		},
	}
	for name, target := range targets {
		t.Run(name, func(t *testing.T) {
			from := newShelf("from")
			h := newHaul(t, from, target())
			a := from.put("root", "a/", "")
			b := from.put(a, "b/", "")
			one, two := from.put(b, "one.txt", "1"), from.put(a, "two.txt", "2")
			from.put("root", "c/", "")
			h.pass(map[string]string{"a": "/", "a/b": "/", "a/b/one.txt": "1", "a/two.txt": "2", "c": "/"})
			reads := from.reads

			from.edit(two, func(n *book) { n.name = "zwei.txt" })
			h.pass(map[string]string{"a": "/", "a/b": "/", "a/b/one.txt": "1", "a/zwei.txt": "2", "c": "/"})
			from.edit(one, func(n *book) { n.in = "root" })
			h.pass(map[string]string{"a": "/", "a/b": "/", "one.txt": "1", "a/zwei.txt": "2", "c": "/"})
			from.edit(one, func(n *book) { n.in = b })
			from.edit(a, func(n *book) { n.name = "A" })
			h.pass(map[string]string{"A": "/", "A/b": "/", "A/b/one.txt": "1", "A/zwei.txt": "2", "c": "/"})
			from.edit(one, func(n *book) { n.in, n.name, n.data = a, "eins.txt", []byte("one"); n.version = 99 })
			from.edit(b, func(n *book) { n.in = "root" })
			h.pass(map[string]string{"A": "/", "b": "/", "A/eins.txt": "one", "A/zwei.txt": "2", "c": "/"})
			if strings.HasSuffix(name, "move") || name == "ids stay" {
				if from.reads != reads+1 {
					t.Errorf("%d files were read where one was edited", from.reads-reads)
				}
			}
			r, err := h.engine().Run(t.Context())
			if err != nil || r.Kinds[item.File].Skipped != 2 || r.Kinds[item.Folder].Skipped != 3 {
				t.Errorf("a pass in which nothing changed: %v, %+v", err, r)
			}
			h.undo()
		})
	}
}

// TestMovedThere has people put something elsewhere at the target, and at both ends.
func TestMovedThere(t *testing.T) {
	for policy, want := range map[string]string{targetWins: "theirs/one.txt", sourceWins: "ours/one.txt"} {
		t.Run(policy, func(t *testing.T) {
			from, to := newShelf("from"), newShelf("to")
			h := newHaul(t, from, to)
			h.spec.Policies.Conflict = policy
			ours, one := from.put("root", "ours/", ""), from.put("root", "one.txt", "1")
			h.pass(map[string]string{"ours": "/", "one.txt": "1"})
			theirs := to.put("root", "theirs/", "")
			at := ""
			for id, n := range to.nodes {
				if n.name == "one.txt" {
					at = id
				}
			}
			to.edit(at, func(n *book) { n.in = theirs })
			if r, err := h.engine().Run(t.Context()); err != nil || to.all()["theirs/one.txt"] != "1" || r.Conflicts > 0 {
				t.Errorf("what only people moved: %v, %v, %+v", err, to.all(), r)
			}
			if v, err := h.engine().Verify(t.Context(), false); err != nil || v.Edited != 1 || v.Lost > 0 {
				t.Errorf("verify: %v, %+v", err, v)
			}
			from.edit(one, func(n *book) { n.in = ours })
			r, err := h.engine().Run(t.Context())
			if err != nil || to.all()[want] != "1" || r.Conflicts != 1 || r.InConflict[0].Won != policy {
				t.Errorf("what moved at both ends: %v, %v, %+v", err, to.all(), r)
			}
			if r, err = h.engine().Run(t.Context()); err != nil || to.all()[want] != "1" || r.Conflicts > 0 {
				t.Errorf("a pass later: %v, %v, %+v", err, to.all(), r)
			}
		})
	}
}

// TestMovedInTheWay has something else stand where a file is to go: it stays where it
// is, and nothing is lost.
func TestMovedInTheWay(t *testing.T) {
	from, to := newShelf("from"), newTree("/dst")
	h := newHaul(t, from, to)
	one := from.put("root", "one.txt", "1")
	h.pass(map[string]string{"one.txt": "1"})
	to.put("two.txt", "people's")
	from.edit(one, func(n *book) { n.name = "two.txt" })
	r, err := h.engine().Run(t.Context())
	if err != nil || r.Status != "partial" || r.Failed != 1 {
		t.Errorf("run: %v, %+v", err, r)
	}
	if got, want := to.all(), (map[string]string{"one.txt": "1", "two.txt": "people's"}); !maps.Equal(got, want) {
		t.Errorf("the target has %v, want %v", got, want)
	}
	to.drop("two.txt")
	h.pass(map[string]string{"two.txt": "1"})
}

// TestMovedCutOff ends passes between a move and its entry in the ledger.
func TestMovedCutOff(t *testing.T) {
	for _, moves := range []bool{false, true} {
		for _, at := range []string{"after-intent", "after-write", "before-delete", "after-delete"} {
			from, to := newShelf("from"), newTree("/dst")
			k := to.caps.Kinds[item.File]
			k.Moves = moves
			to.caps.Kinds[item.File] = k
			h := newHaul(t, from, to)
			a := from.put("root", "a/", "")
			from.put(a, "one.txt", "1")
			h.pass(map[string]string{"a": "/", "a/one.txt": "1"})
			from.edit(a, func(n *book) { n.name = "b" })
			for range 6 {
				ctx, cancel := context.WithCancel(t.Context())
				e := h.engine()
				e.Failpoint = func(name string) {
					if name == at {
						cancel()
					}
				}
				_, _ = e.Run(ctx)
				cancel()
			}
			t.Run(at, func(t *testing.T) {
				h.t = t
				h.pass(map[string]string{"b": "/", "b/one.txt": "1"})
			})
		}
	}
}

// TestTwins has names that the target takes for one.
func TestTwins(t *testing.T) {
	var twin string
	check := func(t *testing.T, got map[string]string, first, second, name string) {
		t.Helper()
		twin = ""
		for p, text := range got {
			if strings.Contains(p, "~") && text == second {
				twin = p
			}
		}
		if got[name] != first || got[twin] != second || twin == "" {
			t.Errorf("the target has %v, want %q under its name and %q under another", got, first, second)
		}
	}
	t.Run("in one folder", func(t *testing.T) {
		from, to := newShelf("from").rules(&connector.NameCaps{Twins: true}), newTree("/dst")
		h := newHaul(t, from, to)
		d := from.put("root", "d/", "")
		one := from.put(d, "x.txt", "1")
		two := from.put(d, "x.txt", "2")
		from.put("root", "x.txt", "3")
		h.pass(maps.Clone(mapOf(to, h)))
		check(t, to.all(), "1", "2", "d/x.txt")
		if !strings.HasPrefix(twin, "d/x~") || !strings.HasSuffix(twin, ".txt") {
			t.Errorf("the twin is called %q", twin)
		}
		was := twin
		from.order = []string{"root", d, two, one, "from4"} // the listing's order changes
		from.edit(two, func(n *book) { n.data, n.version = []byte("zwei"), 77 })
		h.pass(map[string]string{"d": "/", "d/x.txt": "1", was: "zwei", "x.txt": "3"})
		from.order = nil
		from.edit(one, func(n *book) { n.name = "y.txt" })
		h.pass(map[string]string{"d": "/", "d/y.txt": "1", was: "zwei", "x.txt": "3"})
		from.put(d, "x.txt", "4") // the name is free again
		h.pass(map[string]string{"d": "/", "d/y.txt": "1", "d/x.txt": "4", was: "zwei", "x.txt": "3"})
		h.undo()
	})
	t.Run("by case", func(t *testing.T) {
		from, to := newTree("/src"), newShelf("to").rules(&connector.NameCaps{Folds: true})
		h := newHaul(t, from, to)
		from.put("A.txt", "1")
		from.put("a.txt", "2")
		from.put("Dir/x", "3")
		from.put("dir/y", "4")
		h.pass(mapOf(to, h))
		check(t, to.all(), "1", "2", "A.txt")
		var dirs []string
		for p, text := range to.all() {
			if text == "/" {
				dirs = append(dirs, p)
			}
		}
		if len(dirs) != 2 || !slices.ContainsFunc(dirs, func(d string) bool { return strings.HasPrefix(d, "dir~") }) {
			t.Errorf("the folders are %v", dirs)
		}
		before := to.all()
		from.put("a.txt", "two")
		before[twin] = "two"
		h.pass(before)
		h.undo()
	})
	t.Run("by Unicode form", func(t *testing.T) {
		from, to := newTree("/src"), newShelf("to").rules(&connector.NameCaps{Forms: true})
		h := newHaul(t, from, to)
		from.put("e\u0301.txt", "1")
		from.put("\u00e9.txt", "2")
		h.pass(mapOf(to, h))
		check(t, to.all(), "1", "2", "e\u0301.txt")
	})
}

// mapOf runs once and tells what the target holds: for tests that look at it later.
func mapOf(to fileStore, h *haul) map[string]string {
	h.t.Helper()
	if _, err := h.engine().Run(context.Background()); err != nil {
		h.t.Fatal(err)
	}
	return to.all()
}

// TestLongPaths has paths that are longer than the target takes.
func TestLongPaths(t *testing.T) {
	for _, rules := range []*connector.NameCaps{{MaxPathChars: 60}, {MaxPathBytes: 60}} {
		from, to := newTree("/src"), newShelf("to").rules(rules)
		h := newHaul(t, from, to)
		long := strings.Repeat("n", 50)
		from.put("short/file.txt", "1")
		from.put("folder/"+long+".txt", "2")
		from.put(long+"/sub/"+long+"/deep.txt", "3")
		from.put(long+"/a name of some length.txt", "4")
		cut := ""
		for p, text := range mapOf(to, h) {
			if text == "2" {
				cut = p
			}
		}
		if len(cut) != 60 || !strings.HasPrefix(cut, "folder/nnnn") || !strings.HasSuffix(cut, ".txt") {
			t.Errorf("the long name became %q", cut)
		}
		h.pass(map[string]string{"short": "/", "short/file.txt": "1", "folder": "/", cut: "2", long: "/", long + "/sub": "/"})
		f, err := h.engine().Forecast(t.Context())
		losses := map[string]int{}
		for _, l := range f.Losses {
			losses[string(l.Kind)+" "+l.Field+" "+l.Policy] = l.Count
		}
		if want := map[string]int{"file name renamed": 1, "folder * drop": 1, "file * drop": 2, "file modified drop": 2}; err != nil || !maps.Equal(losses, want) {
			t.Errorf("forecast: %v, %v, want %v", err, losses, want)
		}
		h.undo()
	}
}

func member(id, email string) item.Item {
	it := item.Item{Ref: item.Ref{Kind: item.Member, ID: id}, Fields: item.Fields{}}
	item.Email.Set(&it, email)
	return it
}

// TestPermissions lets people at files by the people map.
func TestPermissions(t *testing.T) {
	from, to := newShelf("from"), newShelf("to")
	h := newHaul(t, from, to)
	h.spec.People.Match = []string{byEmail}
	from.members = []item.Item{member("a", "ann@x"), member("b", "bob@x"), member("c", "cid@x"), member("g", "all@x"), member("o", "own@x")}
	owner := member("OWN", "own@x")
	item.OwnsPlace.Set(&owner, true)
	to.members = []item.Item{member("ANN", "ann@x"), member("BOB", "bob@x"), member("ALL", "all@x"), owner}
	d := from.put("root", "d/", "")
	f := from.put(d, "f.txt", "1")
	from.edit(d, func(n *book) { n.grants = []item.Grant{{To: "a", Role: item.Owns}, {To: "g", Role: item.Reads}} })
	from.edit(f, func(n *book) {
		n.grants = []item.Grant{{To: "b", Role: item.Comments}, {To: "c", Role: item.Writes}, {To: "o", Role: item.Writes}, {Link: connector.ForEverybody, Role: item.Reads}}
	})
	r := h.pass(map[string]string{"d": "/", "d/f.txt": "1"})
	given := func(name string) []item.Grant {
		for _, n := range to.nodes {
			if n.name == name {
				return n.grants
			}
		}
		return nil
	}
	if got, want := given("d"), []item.Grant{{To: "ANN", Role: item.Writes}, {To: "ALL", Role: item.Reads}}; !slices.Equal(got, want) {
		t.Errorf("the folder's permissions are %v, want %v", got, want)
	}
	if got, want := given("f.txt"), []item.Grant{{To: "BOB", Role: item.Reads}}; !slices.Equal(got, want) {
		t.Errorf("the file's permissions are %v, want %v", got, want)
	}
	losses := map[string]int{}
	for _, l := range r.Losses {
		losses[string(l.Kind)+" "+l.Policy] += l.Count
	}
	if want := map[string]int{"folder nearest": 1, "file nearest": 1, "file drop": 2}; !maps.Equal(losses, want) {
		t.Errorf("losses: %+v, want %v", r.Losses, want)
	}
	from.edit(d, func(n *book) { n.grants = n.grants[1:] }) // somebody is let out again
	h.pass(map[string]string{"d": "/", "d/f.txt": "1"})
	if got, want := given("d"), []item.Grant{{To: "ALL", Role: item.Reads}}; !slices.Equal(got, want) {
		t.Errorf("the folder's permissions are %v, want %v", got, want)
	}
	from.edit(f, func(n *book) { n.grants = n.grants[1:] })
	for _, n := range to.nodes {
		if n.name == "f.txt" {
			n.grants = append(n.grants, item.Grant{To: "ANN", Role: item.Writes}) // people let somebody in
		}
	}
	if r, err := h.engine().Run(t.Context()); err != nil || r.Conflicts != 1 || len(given("f.txt")) != 2 {
		t.Errorf("permissions that changed at both ends: %v, %+v, %v", err, r, given("f.txt"))
	}
}

// TestShortcuts moves names that lead elsewhere.
func TestShortcuts(t *testing.T) {
	from, to := newShelf("from"), newShelf("to")
	h := newHaul(t, from, to)
	d := from.put("root", "d/", "")
	link := func(in, name, leads string) string {
		from.mu.Lock()
		defer from.mu.Unlock()
		return from.add(&book{kind: item.Shortcut, in: in, name: name, leads: leads})
	}
	one := from.put(d, "one.txt", "1")
	link("root", "to one", from.address(one))
	link(d, "to d", from.address(d))
	want := map[string]string{"d": "/", "d/one.txt": "1", "to one": "-> d/one.txt", "d/to d": "-> d"}
	h.pass(want)
	writes := to.writes
	h.pass(want)
	if to.writes != writes {
		t.Errorf("a pass in which nothing changed wrote %d times", to.writes-writes)
	}
	away := link("root", "away", "https://elsewhere.test/x")
	if r := h.pass(want); sum(r.Losses) != 1 || r.Losses[0].Kind != item.Shortcut {
		t.Errorf("losses: %+v", r.Losses)
	}
	from.drop(away)
	h.pass(want)
	plain := newTree("/dst")
	g := newHaul(t, from, plain)
	plain.caps.Absent = map[item.Kind]string{item.Shortcut: "it has none", item.Member: "it has none"}
	if r := g.pass(map[string]string{"d": "/", "d/one.txt": "1"}); sum(r.Losses) != 2 {
		t.Errorf("losses of a target without shortcuts: %+v", r.Losses)
	}
	h.undo()
}

// rename gives something another path, as people do.
func (f *tree) rename(from, to string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for p, n := range maps.Clone(f.nodes) {
		if rest, ok := strings.CutPrefix(p+"/", f.root+"/"+from+"/"); ok {
			delete(f.nodes, p)
			f.nodes[strings.TrimSuffix(f.root+"/"+to+"/"+rest, "/")] = n
		}
	}
}

// movingTree is a tree that takes files to another place.
func movingTree(root string) *tree {
	f := newTree(root)
	k := f.caps.Kinds[item.File]
	k.Moves = true
	f.caps.Kinds[item.File] = k
	return f
}

// TestRenamed has files renamed where ids are paths: their bytes tell which they are.
func TestRenamed(t *testing.T) {
	from, to := newTree("/src"), movingTree("/dst")
	h := newHaul(t, from, to)
	for _, name := range []string{"one.txt", "dir/two.txt", "dir/sub/three.txt", "four.txt", "five.txt"} {
		from.put(name, "text of "+name)
	}
	h.pass(from.all())
	writes, reads := to.writes, from.reads
	from.rename("one.txt", "eins.txt")
	from.rename("dir", "ordner")
	h.pass(from.all())
	if from.reads != reads {
		t.Errorf("%d files were read that were only renamed", from.reads-reads)
	}
	if n := to.writes - writes; n != 3+2 {
		t.Errorf("three files were renamed in two new folders, with %d writes", n)
	}
	reads = from.reads
	from.rename("four.txt", "ordner/vier.txt")
	from.put("ordner/vier.txt", "edited, too")
	from.rename("five.txt", "fünf.txt")
	from.put("five.txt", "another five")
	h.pass(from.all())
	if n := from.reads - reads; n != 3 { // the first five is still there, so that the new one counts as a copy
		t.Errorf("%d files were read, want 3", n)
	}
	h.undo()
}

// TestRenamedKeeps keeps what was deleted, and moves what was renamed all the same.
func TestRenamedKeeps(t *testing.T) {
	from, to := newTree("/src"), movingTree("/dst")
	h := newHaul(t, from, to)
	h.spec.Policies.Deletions = "keep"
	from.put("a.txt", "a")
	from.put("b.txt", "b")
	h.pass(from.all())
	from.rename("a.txt", "c.txt")
	from.drop("b.txt")
	h.pass(map[string]string{"c.txt": "a", "b.txt": "b"})
}

// TestRenamedCutOff ends passes in the midst of renames.
func TestRenamedCutOff(t *testing.T) {
	for _, at := range []string{"before-intent", "after-intent", "after-write", "before-delete", "after-delete"} {
		t.Run(at, func(t *testing.T) {
			from, to := newTree("/src"), movingTree("/dst")
			h := newHaul(t, from, to)
			from.put("dir/one.txt", "1")
			from.put("dir/two.txt", "2")
			h.pass(from.all())
			from.rename("dir", "other")
			for range 6 {
				ctx, cancel := context.WithCancel(t.Context())
				e := h.engine()
				e.Failpoint = func(name string) {
					if name == at {
						cancel()
					}
				}
				_, _ = e.Run(ctx)
				cancel()
			}
			h.pass(from.all())
		})
	}
}
