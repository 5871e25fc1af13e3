//go:build linux

package pairs_test

import (
	"context"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"testing"

	shared "github.com/rialto-migrate/rialto/connector/standin"
	"github.com/rialto-migrate/rialto/connectors/box"
	"github.com/rialto-migrate/rialto/connectors/box/standin"
	"github.com/rialto-migrate/rialto/item"
)

// aBox is a Box of its own, as a shelf that writes into a folder.
func aBox(t *testing.T, l standin.Limits) (shelf, *standin.Server) {
	t.Helper()
	s := standin.New(standin.Options{Seed: 1, Limits: l})
	srv := httptest.NewServer(s)
	t.Cleanup(srv.Close)
	return shelf{con: box.New(), set: s.AppSettings(srv.URL), place: "folder:Archive/2026"}, s
}

// boxTree reads what lies below a folder of Box by its names, and "/" for a folder.
func boxTree(t *testing.T, s shelf, path ...string) map[string]string {
	t.Helper()
	src, err := s.side(t).Cloud.Source(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	names := map[item.Ref]string{}
	out := map[string]string{}
	for shard, err := range src.Shards(t.Context()) {
		if err != nil {
			t.Fatal(err)
		}
		for page, err := range src.List(t.Context(), shard, "") {
			if err != nil {
				t.Fatal(err)
			}
			for _, b := range page.Bundles {
				name := item.FileName.Get(b.Item)
				if above := names[b.Item.Parent]; above != "" {
					name = above + "/" + name
				}
				names[b.Item.Ref] = name
				switch b.Item.Kind {
				case item.Folder:
					out[name] = "/"
				case item.File:
					r, err := src.Open(t.Context(), *b.Item.Blob, 0, -1)
					if err != nil {
						t.Fatal(err)
					}
					text, err := io.ReadAll(r)
					r.Close()
					if err != nil {
						t.Fatal(err)
					}
					out[name] = string(text)
				}
			}
		}
	}
	root := filepath.Join(path...)
	if root == "" {
		return out
	}
	below := map[string]string{}
	for name, text := range out {
		if rest, err := filepath.Rel(root, name); err == nil && rest != "." && rest[0] != '.' || err == nil && len(rest) > 1 && rest[0] == '.' && rest[1] != '.' {
			below[rest] = text
		}
	}
	return below
}

// TestBox takes a folder of this machine into Box through the whole life of a
// migration, with a large file in parts.
func TestBox(t *testing.T) {
	t.Parallel()
	to, cloud := aBox(t, standin.Limits{PartBytes: 8 << 20, Commits: 1})
	dir := hoard(t)
	writeFile(t, filepath.Join(dir, "in parts.bin"), string(make([]byte, 25<<20)))
	from := onDisk(dir)
	h := newHaul(t, from, to)
	f, err := h.engine().Forecast(t.Context())
	if err != nil || f.Kinds[item.File].Create != 130 {
		t.Fatalf("forecast: %v, %+v", err, f)
	}
	h.run()
	compareFiles(t, from.files(t, dir), boxTree(t, to, "Archive", "2026"))
	if n := cloud.Counts()["POST /api/2.0/files/upload_sessions/*/commit"]; n == 0 || cloud.Sessions() != 0 {
		t.Errorf("%d commits, and %d sessions are open", n, cloud.Sessions())
	}
	t.Logf("lost: %v", h.verify())
	if n := written(h.run()); n != 0 {
		t.Errorf("a pass in which nothing changed wrote %d times", n)
	}
	writeFile(t, filepath.Join(dir, "many/3/file 003.bin"), "edited")
	writeFile(t, filepath.Join(dir, "new/one.txt"), "new")
	must(t, os.Rename(filepath.Join(dir, "deep"), filepath.Join(dir, "moved")))
	must(t, os.RemoveAll(filepath.Join(dir, "many/5")))
	h.run()
	compareFiles(t, from.files(t, dir), boxTree(t, to, "Archive", "2026"))
	h.verify()
	u, err := h.engine().Undo(context.WithoutCancel(t.Context()), false)
	if err != nil || u.Status != "undone" {
		t.Fatalf("undo: %v, %+v", err, u)
	}
	if left := boxTree(t, to, "Archive", "2026"); len(left) > 0 {
		t.Errorf("an undo left %v", slices.Collect(maps.Keys(left)))
	}
}

// TestBoxGoesOn stops a run in the middle of a large file: the next one sends the parts
// that are missing alone.
func TestBoxGoesOn(t *testing.T) {
	t.Parallel()
	s := standin.New(standin.Options{Seed: 1, Limits: standin.Limits{PartBytes: 8 << 20}})
	ctx, stop := context.WithCancel(t.Context())
	var parts atomic.Int64
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodPut && strings.Contains(r.URL.Path, "/upload_sessions/") && parts.Add(1) == 4 {
			stop()
			panic(http.ErrAbortHandler)
		}
		s.ServeHTTP(w, r)
	}))
	t.Cleanup(srv.Close)
	to := shelf{con: box.New(), set: s.AppSettings(srv.URL), place: "folder:Archive/2026"}
	dir := t.TempDir()
	const size = 61 << 20
	writeFile(t, filepath.Join(dir, "large.bin"), strings.Repeat("0123456789abcdef", size/16))
	h := newHaul(t, onDisk(dir), to)
	if r, err := h.engine().Run(ctx); err == nil && r.Status == "complete" {
		t.Fatalf("a run that was stopped is complete: %+v", r)
	}
	h.run()
	// Eight parts, and the one that was cut off.
	if n := parts.Load(); n > 10 || s.Counts()["PUT /api/2.0/files/upload_sessions/*"] > 9 {
		t.Errorf("%d parts were sent, of eight", n)
	}
	if got := boxTree(t, to, "Archive", "2026")["large.bin"]; len(got) != size || s.Sessions() != 0 {
		t.Errorf("%d bytes of %d, and %d sessions are open", len(got), size, s.Sessions())
	}
	h.verify()
}

// TestBoxInTrouble takes files into a Box that refuses, cuts and truncates: in the end
// all is there, once, and an undo leaves nothing.
func TestBoxInTrouble(t *testing.T) {
	t.Parallel()
	s := standin.New(standin.Options{Seed: 1, Limits: standin.Limits{PartBytes: 8 << 20}})
	faults, err := shared.ParseFaults("429:0.03,500:0.03,502:0.02,cut:0.04,truncate:0.04,html:0.02,expire:40")
	must(t, err)
	faults.Refusal = s.Refuse
	srv := httptest.NewServer(faults.Wrap(s, 7))
	t.Cleanup(srv.Close)
	to := shelf{con: box.New(), set: s.AppSettings(srv.URL), place: "folder:Archive/2026"}
	to.set["settle-delay"] = "200ms"
	dir := t.TempDir()
	for i := range 40 {
		writeFile(t, filepath.Join(dir, fmt.Sprintf("%d/file %d", i%5, i)), fmt.Sprint("content ", i))
	}
	writeFile(t, filepath.Join(dir, "large.bin"), strings.Repeat("0123456789abcdef", 25<<20/16))
	h := newHaul(t, onDisk(dir), to)
	again := func(what string, run func() (string, error)) {
		t.Helper()
		status, err := "", error(nil)
		for range 8 {
			if status, err = run(); err == nil && (status == "complete" || status == "undone") {
				return
			}
		}
		t.Fatalf("%s: %s, %v", what, status, err)
	}
	again("run", func() (string, error) {
		r, err := h.engine().Run(t.Context())
		if err != nil {
			return "", err
		}
		return r.Status, nil
	})
	compareFiles(t, onDisk(dir).files(t, dir), boxTree(t, shelf{con: box.New(), set: s.AppSettings(clean(t, s)), place: to.place}, "Archive", "2026"))
	again("undo", func() (string, error) {
		r, err := h.engine().Undo(context.WithoutCancel(t.Context()), false)
		if err != nil {
			return "", err
		}
		return r.Status, nil
	})
	if left := boxTree(t, shelf{con: box.New(), set: s.AppSettings(clean(t, s)), place: to.place}, "Archive", "2026"); len(left) > 0 {
		t.Errorf("an undo left %v", slices.Collect(maps.Keys(left)))
	}
}

// clean serves a stand-in without its troubles.
func clean(t *testing.T, s *standin.Server) string {
	t.Helper()
	srv := httptest.NewServer(s)
	t.Cleanup(srv.Close)
	return srv.URL
}

// TestBoxToBox takes what a person has in one Box to another: descriptions, tags, web
// links to what moved, and who was let at it; then renames and moves follow by id.
func TestBoxToBox(t *testing.T) {
	t.Parallel()
	from, first := aBox(t, standin.Limits{})
	to, second := aBox(t, standin.Limits{})
	from.set["as"] = standin.Ann
	ben, sales := first.AddUser("Ben", "ben@example.org"), first.AddGroup("Sales")
	second.AddUser("Ben", "ben@example.org")
	second.AddGroup("Sales")
	offer := first.Put(standin.Ann, "Clients/Offer.docx", []byte("an offer"))
	first.Put(standin.Ann, "Clients/empty/", nil)
	first.Note(offer, "for the fair", 0, "urgent", "colour=blue")
	first.Share("file", offer, ben, "editor")
	first.Share("folder", first.Put(standin.Ann, "Clients/", nil), sales, "viewer")
	first.Bookmark(standin.Ann, "the offer", from.set["url"]+"/file/"+offer)
	first.Bookmark(standin.Ann, "away", "https://example.org/")
	h := newHaul(t, from, to)
	h.run()
	t.Logf("lost: %v", h.verify())
	there := map[string]item.Item{}
	src, err := to.side(t).Cloud.Source(t.Context())
	must(t, err)
	for shard, err := range src.Shards(t.Context()) {
		must(t, err)
		for page, err := range src.List(t.Context(), shard, "") {
			must(t, err)
			for _, b := range page.Bundles {
				there[item.FileName.Get(b.Item)] = b.Item
			}
		}
	}
	moved := there["Offer.docx"]
	if item.Description.Get(moved) != "for the fair" || !slices.Equal(item.Metadata.Get(moved), []string{"colour=blue", "tag=urgent"}) || len(item.Permissions.Get(moved)) != 1 || len(item.Permissions.Get(there["Clients"])) != 1 {
		t.Errorf("what is told of the file that moved: %v", moved.Fields)
	}
	if got := item.LeadsTo.Get(there["the offer"]); got != moved.URL {
		t.Errorf("a web link leads to %s, want what the file became: %s", got, moved.URL)
	}
	if item.LeadsTo.Get(there["away"]) != "https://example.org/" {
		t.Errorf("a web link that leads away leads to %s", item.LeadsTo.Get(there["away"]))
	}
	if told := second.Told(); len(told) > 0 {
		t.Errorf("people were told by mail: %v", told)
	}
	first.Rename("file", offer, "Contract.docx")
	before := second.Counts()["POST /api/2.0/files/content"]
	h.run()
	if got := boxTree(t, to, "Archive", "2026"); got["Clients/Contract.docx"] != "an offer" || got["Clients/Offer.docx"] != "" {
		t.Errorf("after a rename there are %v", slices.Collect(maps.Keys(got)))
	}
	if n := second.Counts()["POST /api/2.0/files/content"] - before; n != 0 {
		t.Errorf("a file that was renamed was uploaded %d times", n)
	}
	if n := written(h.run()); n != 0 {
		t.Errorf("a pass in which nothing changed wrote %d times", n)
	}
}
