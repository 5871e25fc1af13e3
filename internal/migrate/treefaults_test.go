package migrate

import (
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/iotest"
	"testing/synctest"
	"time"

	"github.com/rialto-migrate/rialto/connector"
	"github.com/rialto-migrate/rialto/item"
)

// TestTreeFullDisk writes to a target that is full, or whose quota ends, after some
// files: what has its place stays whole, and the rest moves once there is room.
func TestTreeFullDisk(t *testing.T) {
	g := newGrove(t)
	g.large()
	var mu sync.Mutex
	room := 10
	full := func() error {
		mu.Lock()
		defer mu.Unlock()
		if room--; room < 0 {
			return connector.Errorf(connector.Full, "no room is left").WithHint("make room there, then run again")
		}
		return nil
	}
	g.to.onWrite = func(c connector.Change) error {
		if c.Item.Kind != item.File {
			return nil
		}
		return full()
	}
	g.to.onPut = func(int) error { return full() }
	r := g.run("partial")
	if r.Failed == 0 || !strings.Contains(r.Shards[0].Failures[0].Reason, "make room") {
		t.Errorf("%d failed: %+v", r.Failed, r.Shards[0].Failures)
	}
	from := g.from.all()
	for name, text := range g.to.all() {
		if from[name] != text {
			t.Errorf("%q is there and not whole", name)
		}
	}
	if len(g.to.uploads) > 0 {
		t.Errorf("%d uploads are open on a target that is full", len(g.to.uploads))
	}
	room = 1 << 20
	g.run("complete")
	g.same()
	g.verify("equal")
}

// TestTreeCutEverywhere cuts the source's connection after each chunk of each file,
// of those in parts, too.
func TestTreeCutEverywhere(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := newGrove(t)
		g.large()
		const chunk = 64
		var mu sync.Mutex
		next := map[string]int64{}
		cuts := 0
		g.from.onOpen = func(name string, r io.Reader) io.Reader {
			mu.Lock()
			defer mu.Unlock()
			at := next[name]
			if at > 3*chunk { // four openings of it were cut
				return r
			}
			next[name] = at + chunk
			cuts++
			return io.MultiReader(io.LimitReader(r, at), iotest.ErrReader(connector.Errorf(connector.Transient, "the connection was cut")))
		}
		for range 6 {
			if r, err := g.engine().Run(t.Context()); err != nil {
				t.Fatal(err)
			} else if r.Status == "complete" {
				break
			}
		}
		g.same()
		if cuts < 4*33 || len(g.to.uploads) > 0 {
			t.Errorf("%d cuts; %d uploads are open", cuts, len(g.to.uploads))
		}
	})
}

// TestTreeOtherLength has a source send fewer or more bytes than it said, of files
// in parts: those are counted by the engine, small ones by connectors.
func TestTreeOtherLength(t *testing.T) {
	for what, wrong := range map[string]func(io.Reader) io.Reader{
		"fewer": func(r io.Reader) io.Reader { return io.LimitReader(r, 63) },
		"more":  func(r io.Reader) io.Reader { return io.MultiReader(r, strings.NewReader("x")) },
	} {
		t.Run(what, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				g := newGrove(t)
				g.large()
				g.from.onOpen = func(name string, r io.Reader) io.Reader {
					if name == "large.bin" {
						return wrong(r)
					}
					return r
				}
				if r := g.run("partial"); r.Kinds[item.File].Failed != 1 {
					t.Errorf("%+v, want one that failed", r.Kinds)
				}
				if _, there := g.to.all()["large.bin"]; there {
					t.Error("it stands at the target")
				}
				g.from.onOpen = nil
				g.run("complete")
				g.same()
				if len(g.to.uploads) > 0 {
					t.Errorf("%d uploads are open", len(g.to.uploads))
				}
			})
		})
	}
}

// TestTreeHashLies has a source tell another hash than its bytes have: that file is
// reported, and the others move.
func TestTreeHashLies(t *testing.T) {
	g := newGrove(t)
	g.from.onList = func(pages []connector.Page) []connector.Page {
		for _, p := range pages {
			for _, b := range p.Bundles {
				if b.Item.ID == "/src/top.txt" {
					b.Item.Blob.Sums[0].Hex = strings.Repeat("0", 64)
				}
			}
		}
		return pages
	}
	r := g.run("partial")
	if fails := r.Shards[0].Failures; len(fails) != 1 || !strings.Contains(fails[0].Reason, "content") {
		t.Errorf("failures: %+v", fails)
	}
	g.same() // what the source gave is there, and the report says that its hash is another
}

// TestTreeListings has a listing repeat a page, leave one out, and not be whole.
func TestTreeListings(t *testing.T) {
	repeat := func(pages []connector.Page) []connector.Page {
		last := len(pages) - 1
		return slices.Concat(pages[:2], pages[1:3], pages[2:last], pages[1:2], pages[last:])
	}
	skip := func(pages []connector.Page) []connector.Page {
		return slices.Concat(pages[:1], pages[2:])
	}
	partly := func(pages []connector.Page) []connector.Page {
		pages = skip(pages)
		pages[len(pages)-1].Whole = nil
		return pages
	}
	for _, c := range []struct {
		what   string
		listed func([]connector.Page) []connector.Page
	}{{"repeats", repeat}, {"skips", skip}, {"is not whole", partly}} {
		t.Run(c.what, func(t *testing.T) {
			g := newGrove(t)
			if c.what == "repeats" {
				g.from.onList = c.listed
			}
			r := g.run("complete")
			if n := r.Kinds[item.File].Created; n != 32 || g.to.writes != 32+7 {
				t.Errorf("%d files were made with %d writes", n, g.to.writes)
			}
			g.same()
			made, want := g.to.writes, g.to.all()
			g.from.onList = c.listed
			r = g.run("complete")
			if n := r.Kinds[item.File].Deleted + r.Kinds[item.Folder].Deleted; n > 0 || g.to.writes != made || !maps.Equal(g.to.all(), want) {
				t.Errorf("a listing that %s deleted %d at the target, and wrote %d times", c.what, n, g.to.writes-made)
			}
			g.from.drop("top.txt")
			g.from.onList = nil
			if r = g.run("complete"); r.Kinds[item.File].Deleted != 1 {
				t.Errorf("what is gone: %+v", r.Kinds)
			}
			g.same()
		})
	}
}

// TestTreeChangesWhileRead changes files when they are opened, a large one between
// its parts: they move as they are then, and never half.
func TestTreeChangesWhileRead(t *testing.T) {
	g := newGrove(t)
	g.large()
	var mu sync.Mutex
	changed := map[string]int{}
	g.from.onOpen = func(name string, r io.Reader) io.Reader {
		mu.Lock()
		defer mu.Unlock()
		if changed[name]++; changed[name] != 3 && (changed[name] != 1 || name == "large.bin") {
			return r
		}
		for at, n := range g.from.nodes { // the lock is held by Open
			if strings.HasSuffix(at, "/"+name) {
				g.from.next++
				n.version, n.data = g.from.next, []byte(strings.ToUpper(string(n.data)))
			}
		}
		return iotest.ErrReader(connector.Errorf(connector.Conflict, "the file changed while it was read"))
	}
	r, err := g.engine().Run(t.Context())
	if err != nil || r.Failed == 0 {
		t.Fatalf("%v, %+v", err, r)
	}
	from := g.from.all()
	for name, text := range g.to.all() {
		if !strings.EqualFold(from[name], text) {
			t.Errorf("%q is there by half: %d bytes", name, len(text))
		}
	}
	for range 3 {
		if r, err = g.engine().Run(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	if r.Status != "complete" {
		t.Errorf("%s: %+v", r.Status, r.Shards[0].Failures)
	}
	g.same()
	if len(g.to.uploads) > 0 {
		t.Errorf("%d uploads are open", len(g.to.uploads))
	}
}

// TestTreeOddPaths moves a path of 4,000 bytes and names that are not UTF-8.
func TestTreeOddPaths(t *testing.T) {
	g := newGrove(t)
	deep := strings.Repeat(strings.Repeat("d", 199)+"/", 19) + strings.Repeat("f", 190)
	g.from.put(deep, "at the end of 4,000 bytes")
	g.from.put("\xff\xfe latin \xe4.txt", "of another encoding")
	g.run("complete")
	g.same()
	g.verify("equal")
	g.run("complete")
	k := g.to.caps.Kinds[item.File]
	k.Fields[item.FileName.Name] = connector.FieldCaps{Names: &connector.NameCaps{UTF8: true, MaxBytes: 100}, Why: "the server's rules"}
	g.led, g.to.nodes = newGrove(t).led, newTree("/dst").nodes
	g.run("complete")
	if n := len(g.to.all()); n != len(g.from.all()) {
		t.Errorf("%d arrived, of %d", n, len(g.from.all()))
	}
	g.verify("equal-with-losses")
}

// TestTreeClockSkew puts the clock of the mover back and forth between runs that are
// cut off: nothing waits for long, and nothing is twice.
func TestTreeClockSkew(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := newGrove(t)
		g.to.caps.SettleDelay = time.Minute
		for i := range 500 {
			g.from.put(fmt.Sprintf("more/%d", i), fmt.Sprint(i))
		}
		skew := time.Duration(0)
		for i, by := range []time.Duration{0, 48 * time.Hour, -48 * time.Hour, 0} {
			skew = by
			e := g.engine()
			e.Now = func() time.Time { return time.Now().Add(skew) }
			n := 0
			var mu sync.Mutex
			g.to.answer = func(connector.Change) error {
				mu.Lock()
				defer mu.Unlock()
				if n++; n == 5 && i < 3 {
					return &connector.Error{Class: connector.Auth, InDoubt: true, Reason: "cut off"}
				}
				return nil
			}
			began := time.Now()
			_, err := e.Run(t.Context())
			if i == 3 && err != nil || time.Since(began) > 10*time.Minute {
				t.Fatalf("run %d: %v after %v", i, err, time.Since(began))
			}
			if i < 3 && err == nil {
				t.Errorf("run %d was not cut off: the test proves nothing", i)
			}
		}
		g.same()
		u, err := g.engine().Undo(t.Context(), false)
		if err != nil || u.Status != "undone" || len(g.to.all()) > 0 {
			t.Errorf("undo: %v, %+v; the target has %v", err, u, fmt.Sprint(len(g.to.all())))
		}
	})
}
