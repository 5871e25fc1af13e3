package migrate

import (
	"context"
	"fmt"
	"iter"
	"maps"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/rialto-migrate/rialto/connector"
	"github.com/rialto-migrate/rialto/internal/ledger"
	"github.com/rialto-migrate/rialto/item"
)

// feeding is a shelf that tells what changed. Of a folder that went, came or was put
// elsewhere it tells that alone, as the clouds do. What lies in "outside", or in nothing,
// is not of the drive.
type feeding struct {
	*shelf
	log     []string // ids of what changed
	ups     []string // and the folders in which they did
	full    bool     // what went is told by a listing of these
	kinds   map[string]item.Kind
	ended   bool // no cursor is taken any more
	lists   []connector.Cursor
	oldest  bool // what changed twice is told as it was first, and again as it is
	onList  func()
	partial bool // a listing is not complete
}

func newFeeding() *feeding {
	f := &feeding{shelf: newShelf("from"), kinds: map[string]item.Kind{}}
	f.nodes["outside"] = &book{kind: item.Folder, in: "nowhere", name: "outside"}
	return f
}

func (f *feeding) side() Side {
	return Side{Connection: f.name, Title: "Shelf", Cloud: f, Caps: f.caps}
}
func (f *feeding) Source(context.Context) (connector.Source, error) { return f, nil }

func (f *feeding) changed(id string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if n := f.nodes[id]; n != nil {
		f.kinds[id] = n.kind
	}
	f.log, f.ups = append(f.log, id), append(f.ups, "")
	if n := f.nodes[id]; n != nil {
		f.ups[len(f.ups)-1] = n.in
	}
}

func (f *feeding) put(in, name, text string) string {
	id := f.shelf.put(in, name, text)
	f.changed(id)
	return id
}

func (f *feeding) edit(id string, change func(*book)) {
	f.changed(id) // where it was
	f.shelf.edit(id, change)
	f.changed(id)
}

func (f *feeding) write(id, text string) {
	f.edit(id, func(b *book) {
		f.next++
		b.data, b.version = []byte(text), f.next
	})
}

// dropAll deletes a folder and all that lies in it.
func (f *feeding) dropAll(id string) {
	f.changed(id)
	f.mu.Lock()
	defer f.mu.Unlock()
	for other := range maps.Clone(f.nodes) {
		for at := other; f.nodes[at] != nil && at != "root"; at = f.nodes[at].in {
			if at == id {
				defer delete(f.nodes, other)
			}
		}
	}
}

// inside reports whether something lies in the drive.
func (f *feeding) inside(id string) bool {
	for ; f.nodes[id] != nil; id = f.nodes[id].in {
		if id == "root" {
			return true
		}
	}
	return false
}

// all is what lies in the drive.
func (f *feeding) all() map[string]string {
	out := f.shelf.all()
	maps.DeleteFunc(out, func(p, _ string) bool { return p == "outside" || strings.HasPrefix(p, "outside/") })
	return out
}

// Fetch leaves out what does not lie in the drive.
func (f *feeding) Fetch(ctx context.Context, s connector.Shard, refs []item.Ref) iter.Seq2[item.Bundle, error] {
	f.mu.Lock()
	refs = slices.DeleteFunc(slices.Clone(refs), func(r item.Ref) bool { return !f.inside(r.ID) })
	f.mu.Unlock()
	return f.shelf.Fetch(ctx, s, refs)
}

func (f *feeding) List(_ context.Context, _ connector.Shard, from connector.Cursor) iter.Seq2[connector.Page, error] {
	return func(yield func(connector.Page, error) bool) {
		if f.onList != nil {
			f.onList()
		}
		f.mu.Lock()
		f.lists = append(f.lists, from)
		at, err := strconv.Atoi(string(from))
		last := connector.Page{Whole: []item.Kind{item.Drive, item.Folder, item.File, item.Shortcut}, Since: connector.Cursor(strconv.Itoa(len(f.log)))}
		var pages []connector.Page
		one := func(id string) connector.Page {
			b, _ := f.bundle(id)
			return connector.Page{Bundles: []item.Bundle{b}}
		}
		if err != nil || f.ended {
			for _, id := range f.ids() {
				if f.inside(id) {
					pages = append(pages, one(id))
				}
			}
		} else {
			pages = append(pages, one("root"))
			told := map[string]bool{"root": true}
			var tell func(id string)
			tell = func(id string) {
				if !told[id] && id != "root" {
					tell(f.nodes[id].in)
					told[id] = true
					pages = append(pages, one(id))
				}
			}
			for _, up := range f.ups[at:] {
				if f.full && f.inside(up) {
					tell(up)
					last.Full = append(last.Full, item.Ref{Kind: f.nodes[up].kind, ID: up})
					for _, id := range f.ids() {
						if f.nodes[id].in == up {
							tell(id)
						}
					}
				}
			}
			for _, id := range f.log[at:] {
				if !f.inside(id) && f.full {
					continue
				}
				if !f.inside(id) {
					pages = append(pages, connector.Page{Gone: []item.Ref{{Kind: f.kinds[id], ID: id}}})
					continue
				}
				if f.oldest && !told[id] && f.kinds[id] == item.File {
					tell(f.nodes[id].in)
					old := one(id)
					item.FileName.Set(&old.Bundles[0].Item, "as it was")
					pages = append(pages, old)
				}
				tell(id)
			}
			last.Same = []item.Ref{{Kind: item.Drive, ID: "root"}}
			for id, b := range f.nodes {
				if in := b.in; !told[id] && told[in] && in != "root" {
					last.Alone = append(last.Alone, item.Ref{Kind: item.Folder, ID: in})
				}
			}
		}
		if f.partial {
			last.Whole, last.Since = nil, ""
		}
		f.mu.Unlock()
		for _, p := range append(pages, last) {
			if !yield(p, nil) {
				return
			}
		}
	}
}

// whole is how many of the listings since the last call were of everything.
func (f *feeding) whole() (n int) {
	for _, c := range f.lists {
		if c == "" {
			n++
		}
	}
	f.lists = nil
	return n
}

func keptSince(t *testing.T, led ledger.Ledger) string {
	t.Helper()
	shards, err := led.Shards(t.Context())
	if err != nil || len(shards) > 1 {
		t.Fatal(shards, err)
	}
	if len(shards) == 0 {
		return ""
	}
	return shards[0].Since
}

// A grown feed is a drive whose second pass is to be tried.
func grown(t *testing.T, to fileStore) (f *feeding, h *haul, ids map[string]string) {
	t.Helper()
	f = newFeeding()
	h = newHaul(t, f, to)
	ids = map[string]string{}
	for _, p := range []string{"a/", "a/b/", "a/b/one.txt", "a/b/deep/", "a/b/deep/deep.txt", "a/two.txt", "c/", "c/three.txt", "top.txt"} {
		dir, leaf := "", strings.TrimSuffix(p, "/")
		if i := strings.LastIndexByte(leaf, '/'); i >= 0 {
			dir, leaf = leaf[:i], leaf[i+1:]
		}
		in := "root"
		if dir != "" {
			in = ids[dir]
		}
		if strings.HasSuffix(p, "/") {
			leaf += "/"
		}
		ids[strings.TrimSuffix(p, "/")] = f.put(in, leaf, "text of "+p)
	}
	runs(t, h)
	f.whole()
	return f, h, ids
}

// runs runs a pass and compares both ends.
func runs(t *testing.T, h *haul) *Report {
	t.Helper()
	r, err := h.engine().Run(t.Context())
	if err != nil || r.Status != "complete" {
		t.Fatalf("run: %v, %+v", err, r)
	}
	if got, want := h.to.all(), h.from.all(); !maps.Equal(got, want) {
		t.Errorf("the target has %v\nwant %v", got, want)
	}
	return r
}

// feedTargets are the clouds that a feed is followed to.
func feedTargets() map[string]func() fileStore {
	return map[string]func() fileStore{
		"ids stay":        func() fileStore { return newShelf("to") },
		"paths":           func() fileStore { return newTree("/dst") },
		"paths that move": func() fileStore { return movingTree("/dst") },
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
}

// What a feed tells, and what it leaves to be known, arrives as after a listing of
// everything.
func TestFeed(t *testing.T) {
	cases := []struct {
		name  string
		do    func(f *feeding, at map[string]string)
		whole bool // to a target whose ids stay everything is listed, too
	}{
		{"nothing", func(*feeding, map[string]string) {}, false},
		{"edits", func(f *feeding, at map[string]string) { f.write(at["a/b/one.txt"], "edited") }, false},
		{"new files and folders", func(f *feeding, at map[string]string) {
			f.put(f.put(at["a/b"], "new/", ""), "new.txt", "new")
			f.put("root", "empty/", "")
		}, false},
		{"a file is renamed and put elsewhere", func(f *feeding, at map[string]string) {
			f.edit(at["a/b/one.txt"], func(b *book) { b.in, b.name = at["c"], "eins.txt" })
		}, false},
		{"a file is deleted", func(f *feeding, at map[string]string) { f.dropAll(at["a/b/deep/deep.txt"]) }, false},
		{"a folder is deleted", func(f *feeding, at map[string]string) { f.dropAll(at["a"]) }, false},
		{"a folder is deleted after something was put elsewhere", func(f *feeding, at map[string]string) {
			f.edit(at["a/b/one.txt"], func(b *book) { b.in = at["c"] })
			f.edit(at["a/b/deep"], func(b *book) { b.in = "root" })
			f.dropAll(at["a"])
		}, false},
		{"a folder is renamed", func(f *feeding, at map[string]string) { f.edit(at["a"], func(b *book) { b.name = "A" }) }, false},
		{"a folder is put elsewhere", func(f *feeding, at map[string]string) {
			f.edit(at["a/b"], func(b *book) { b.in = at["c"] })
		}, false},
		{"a folder is put out of the drive", func(f *feeding, at map[string]string) {
			f.edit(at["a"], func(b *book) { b.in = "outside" })
		}, false},
		{"a folder goes out, is changed there, and comes back", func(f *feeding, at map[string]string) {
			f.edit(at["a"], func(b *book) { b.in = "outside" })
			f.edit(at["a"], func(b *book) { b.in = "root" })
		}, false},
		{"a folder comes from elsewhere", func(f *feeding, at map[string]string) {
			dir := f.shelf.put("outside", "from elsewhere/", "")
			f.shelf.put(f.shelf.put(dir, "sub/", ""), "old.txt", "was there")
			f.edit(dir, func(b *book) { b.in = at["c"] })
		}, true},
		{"two folders change places", func(f *feeding, at map[string]string) {
			f.edit(at["a"], func(b *book) { b.name = "t" })
			f.edit(at["c"], func(b *book) { b.name = "x" })
		}, false},
		{"a file takes the name of one that went", func(f *feeding, at map[string]string) {
			f.dropAll(at["top.txt"])
			f.put("root", "top2.txt", "another")
		}, false},
		{"it is told again as it was", func(f *feeding, at map[string]string) {
			f.oldest = true
			f.write(at["a/two.txt"], "edited")
			f.edit(at["a/two.txt"], func(b *book) { b.name = "zwei.txt" })
		}, false},
		{"the cursor has ended", func(f *feeding, at map[string]string) {
			f.write(at["a/two.txt"], "edited")
			f.dropAll(at["c"])
			f.ended = true
		}, false},
	}
	for to, target := range feedTargets() {
		for n := range 2 * len(cases) {
			c, how := cases[n/2], "told by ids"
			if n%2 == 1 {
				how = "told by folders"
			}
			t.Run(to+"/"+c.name+"/"+how, func(t *testing.T) {
				f, h, at := grown(t, target())
				f.full = n%2 == 1
				c.do(f, at)
				runs(t, h)
				if n := f.whole(); to == "ids stay" && (n > 0) != c.whole {
					t.Errorf("%d listings of everything", n)
				}
				f.ended = false
				f.put("root", "later.txt", "and on")
				runs(t, h)
				if n := f.whole(); n > 0 {
					t.Errorf("a pass later everything is listed %d times", n)
				}
				h.pass(f.all())
				h.undo()
			})
		}
	}
}

// A pass that is cut off anywhere after it began to read a feed leaves nothing out.
func TestFeedCutOff(t *testing.T) {
	for to, target := range feedTargets() {
		for _, point := range []string{"after-intent", "after-write", "before-delete", "after-delete", "before-swept", "after-swept"} {
			for nth := range 4 {
				t.Run(fmt.Sprintf("%s/%s %d", to, point, nth), func(t *testing.T) {
					f, h, at := grown(t, target())
					dir := f.shelf.put("outside", "from elsewhere/", "")
					f.shelf.put(f.shelf.put(dir, "sub/", ""), "old.txt", "was there")
					f.edit(dir, func(b *book) { b.in = at["c"] })
					f.edit(at["a/b"], func(b *book) { b.name = "B" })
					f.dropAll(at["a/b/deep"])
					f.write(at["top.txt"], "edited")
					ctx, cancel := context.WithCancel(t.Context())
					e := h.engine()
					var met atomic.Int64 // deletions go side by side
					e.Failpoint = func(name string) {
						if name == point && met.Add(1) == int64(nth)+1 {
							cancel()
						}
					}
					_, _ = e.Run(ctx)
					cancel()
					runs(t, h)
					h.pass(f.all())
					h.undo()
				})
			}
		}
	}
}

// Where a folder above gets a longer name, or people deleted one that changed, what lies
// in it is looked at, too.
func TestFeedLooksInto(t *testing.T) {
	t.Run("paths have an end", func(t *testing.T) {
		f, h, at := grown(t, newShelf("to").rules(&connector.NameCaps{MaxPathChars: 60}))
		f.edit(at["a/b"], func(b *book) { b.name = strings.Repeat("b", 55) })
		if r, err := h.engine().Run(t.Context()); err != nil || r.Status != "complete" {
			t.Errorf("run: %v, %+v", err, r)
		}
		if f.whole() == 0 {
			t.Error("what lies in the folder was not looked at")
		}
	})
	t.Run("people deleted it", func(t *testing.T) {
		var have []map[string]string
		for _, ended := range []bool{false, true} {
			to := newShelf("to")
			f, h, at := grown(t, to)
			h.spec.Policies.Conflict = sourceWins
			for id, n := range maps.Clone(to.nodes) {
				if n.name == "b" || n.name == "deep" || strings.HasSuffix(n.name, "one.txt") || n.name == "deep.txt" {
					to.drop(id)
				}
			}
			f.ended = ended
			f.edit(at["a/b"], func(b *book) { b.name = "B" })
			if r, err := h.engine().Run(t.Context()); err != nil {
				t.Errorf("run: %v, %+v", err, r)
			}
			have = append(have, to.all())
		}
		if !maps.Equal(have[0], have[1]) {
			t.Errorf("changes bring\n%v\nand a listing of everything\n%v", have[0], have[1])
		}
	})
}

// The ledger keeps a cursor of a pass that left nothing over, and none of one that did.
func TestFeedKeepsItsCursor(t *testing.T) {
	to := newTree("/dst")
	f, h, at := grown(t, to)
	first := keptSince(t, h.led)
	if first == "" {
		t.Fatal("no cursor is kept")
	}
	quiet := runs(t, h)
	if k := quiet.Kinds[item.File]; k.Skipped+k.Created+k.Updated != 0 || f.whole() != 0 {
		t.Errorf("a pass in which nothing changed looked at %+v", quiet.Kinds)
	}
	to.onWrite = func(connector.Change) error { return connector.Errorf(connector.Full, "no room") }
	f.write(at["top.txt"], "does not fit")
	if r, err := h.engine().Run(t.Context()); err == nil && r.Status != "partial" {
		t.Errorf("run: %v, %+v", err, r)
	}
	to.onWrite = nil
	runs(t, h)
	f.partial = true
	before := keptSince(t, h.led)
	f.write(at["top.txt"], "again")
	runs(t, h)
	if got := keptSince(t, h.led); got != before {
		t.Errorf("after a listing that was not complete, changes are told from %q, and were from %q", got, before)
	}
	f.partial = false
	runs(t, h)
	if _, err := h.engine().Undo(t.Context(), false); err != nil || keptSince(t, h.led) != "" {
		t.Errorf("after an undo only changes would move: %v", err)
	}
	runs(t, h)
}

// To a target that keeps what the feed may not tell of, everything is listed.
func TestFeedUntold(t *testing.T) {
	for to, whole := range map[string]bool{"ids stay": true, "paths": false} {
		f, h, at := grown(t, feedTargets()[to]())
		f.caps.Untold = []string{item.Permissions.Name}
		f.shelf.edit(at["a/two.txt"], func(b *book) { b.grants = []item.Grant{{Link: "everybody", Role: item.Reads}} })
		runs(t, h)
		if n := f.whole(); (n > 0) != whole {
			t.Errorf("to a target of %s everything is listed %d times", to, n)
		}
	}
}

// What changes while a feed is read is told later.
func TestFeedChangesMeanwhile(t *testing.T) {
	f, h, at := grown(t, newShelf("to"))
	f.write(at["top.txt"], "first")
	n := 0
	f.onList = func() {
		if n++; n == 1 {
			f.write(at["a/two.txt"], "meanwhile")
		}
	}
	runs(t, h)
	runs(t, h)
	h.pass(f.all())
}

// A shortcut that did not change becomes what it becomes where everything is listed,
// whether what it leads to moves, is made anew or goes.
func TestFeedShortcuts(t *testing.T) {
	for to, target := range feedTargets() {
		for _, do := range []func(f *feeding, at map[string]string){
			func(f *feeding, at map[string]string) {
				f.edit(at["a/b/one.txt"], func(b *book) { b.in = "root" })
			},
			func(f *feeding, at map[string]string) { f.dropAll(at["a/b/one.txt"]) },
			func(f *feeding, at map[string]string) { f.dropAll(at["a"]) },
		} {
			var have []map[string]string
			for _, ended := range []bool{false, true} {
				f, h, at := grown(t, target())
				f.mu.Lock()
				link := f.add(&book{kind: item.Shortcut, in: at["c"], name: "link", leads: f.address(at["a/b/one.txt"])})
				f.mu.Unlock()
				f.changed(link)
				for range 2 {
					if r, err := h.engine().Run(t.Context()); err != nil || r.Status != "complete" {
						t.Fatalf("run: %v, %+v", err, r)
					}
				}
				f.ended = ended
				do(f, at)
				for range 2 {
					if r, err := h.engine().Run(t.Context()); err != nil || r.Status != "complete" {
						t.Fatalf("run: %v, %+v", err, r)
					}
				}
				have = append(have, h.to.all())
			}
			if !maps.Equal(have[0], have[1]) {
				t.Errorf("to a target of %s changes bring\n%v\nand a listing of everything\n%v", to, have[0], have[1])
			}
		}
	}
}
