//go:build linux

package pairs_test

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	kit "github.com/rialto-migrate/rialto/connector/standin"
	"github.com/rialto-migrate/rialto/connectors/dropbox"
	"github.com/rialto-migrate/rialto/connectors/dropbox/standin"
	"github.com/rialto-migrate/rialto/connectors/webdav"
	"github.com/rialto-migrate/rialto/connectors/webdav/webdavtest"
	"github.com/rialto-migrate/rialto/item"
)

// dropboxOf is a Dropbox with a connection to it.
func dropboxOf(t *testing.T, place string) (*standin.Server, shelf) {
	t.Helper()
	return dropboxWith(t, place, standin.Options{Seed: 3})
}

func dropboxWith(t *testing.T, place string, o standin.Options) (*standin.Server, shelf) {
	t.Helper()
	s := standin.New(o)
	s.AddTeam("Acme")
	s.AddTeamFolder("Sales")
	srv := httptest.NewServer(s)
	t.Cleanup(srv.Close)
	return s, shelf{con: dropbox.New(), set: s.Settings(srv.URL), place: place}
}

// TestTreesToDropbox takes a folder of this machine into a Dropbox through the whole
// life of a migration.
func TestTreesToDropbox(t *testing.T) {
	for _, place := range []string{"home/archive", "team-folder:Sales/archive"} {
		t.Run(place, func(t *testing.T) {
			t.Parallel()
			s, to := dropboxOf(t, place)
			at := map[string]string{"home/archive": "/archive", "team-folder:Sales/archive": "team:Sales/archive"}[place]
			dir := hoard(t)
			from := onDisk(dir)
			h := newHaul(t, from, to)
			f, err := h.engine().Forecast(t.Context())
			if err != nil || f.Kinds[item.File].Create != 129 {
				t.Fatalf("forecast: %v, %+v", err, f)
			}
			h.run()
			compareFiles(t, from.files(t, dir), s.Files(at))
			lost := h.verify()
			var forecast []string
			for _, l := range f.Losses {
				forecast = append(forecast, fmt.Sprintf("%s.%s %s", l.Kind, l.Field, l.Policy))
			}
			if !slices.Equal(lost, forecast) {
				t.Errorf("verify finds the losses %v, forecast were %v", lost, forecast)
			}
			// 129 files and their folders take few requests: files are committed together.
			if n := s.Counts()["files/upload_session/finish_batch_v2"] + s.Counts()["files/upload"]; n > 20 {
				t.Errorf("129 files took %d commits", n)
			}
			if n := written(h.run()); n != 0 {
				t.Errorf("a pass in which nothing changed wrote %d times", n)
			}
			writeFile(t, filepath.Join(dir, "many/3/file 003.bin"), "edited")
			writeFile(t, filepath.Join(dir, "new/one.txt"), "new")
			must(t, os.Rename(filepath.Join(dir, "deep"), filepath.Join(dir, "moved")))
			must(t, os.RemoveAll(filepath.Join(dir, "many/5")))
			long := time.Date(2011, 12, 13, 14, 15, 16, 0, time.UTC)
			must(t, os.Chtimes(filepath.Join(dir, "many/2/file 002.bin"), long, long)) // the time alone
			h.run()
			compareFiles(t, from.files(t, dir), s.Files(at))
			h.verify()
			if n := written(h.run()); n != 0 {
				t.Errorf("a pass after edits in which nothing changed wrote %d times", n)
			}
			if told := s.Notices(); len(told) > 0 {
				t.Errorf("%d messages went out", len(told))
			}
			u, err := h.engine().Undo(context.WithoutCancel(t.Context()), false)
			if err != nil || u.Status != "undone" {
				t.Fatalf("undo: %v, %+v", err, u)
			}
			if left := s.Files(at); len(left) > 0 {
				t.Errorf("an undo left %d files and folders", len(left))
			}
		})
	}
}

// TestTreesFromDropbox takes a Dropbox to a server of WebDAV, and what is moved and
// renamed there follows.
func TestTreesFromDropbox(t *testing.T) {
	s, from := dropboxOf(t, "")
	for i := range 120 {
		s.Put(fmt.Sprintf("/many/%d/file %d.txt", i%7, i), []byte(fmt.Sprint("content ", i)))
	}
	s.Put("/日本語/名前.txt", []byte("x"))
	s.Put("/empty file", nil)
	s.Folder("/empty folder/in it")
	srv := webdavtest.Apache(t)
	to := shelf{con: webdav.New(), set: map[string]string{"url": srv.URL, "user": srv.User, "password": srv.Password}, place: "archive"}
	root := driveOf(t, to) + "/archive/Olive Owner"
	h := newHaul(t, from, to)
	h.run()
	compareFiles(t, s.Files("/"), to.files(t, root))
	h.verify()
	if n := written(h.run()); n != 0 {
		t.Errorf("a pass in which nothing changed wrote %d times", n)
	}
	s.Put("/many/3/file 3.txt", []byte("edited"))
	s.Rename("/many/4", "/elsewhere")
	s.Remove("/many/5")
	h.run()
	compareFiles(t, s.Files("/"), to.files(t, root))
	h.verify()
}

// TestDropboxToDropbox takes a home into a team folder of another team.
func TestDropboxToDropbox(t *testing.T) {
	a, from := dropboxOf(t, "")
	b, to := dropboxOf(t, "team-folder:Sales")
	for i := range 50 {
		a.Put(fmt.Sprintf("/dir %d/file %d.txt", i%3, i), []byte(fmt.Sprint("content ", i)))
	}
	h := newHaul(t, from, to)
	h.run()
	compareFiles(t, a.Files("/"), b.Files("team:Sales/Olive Owner"))
	h.verify()
	a.Rename("/dir 1/file 1.txt", "/dir 2/another name.txt")
	a.Rename("/dir 0", "/dir 2/dir 0")
	before := b.Counts()["files/move_v2"]
	h.run()
	compareFiles(t, a.Files("/"), b.Files("team:Sales/Olive Owner"))
	if n := b.Counts()["files/move_v2"] - before; n != 2 {
		t.Errorf("two moves took %d", n)
	}
	h.verify()
}

// TestDropboxGoesOn stops a run in the middle of a large file: the next one sends the
// other parts alone, and the hash of the whole is held against Dropbox's.
func TestDropboxGoesOn(t *testing.T) {
	s := standin.New(standin.Options{Seed: 4})
	var parts atomic.Int64
	ctx, stop := context.WithCancel(t.Context())
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if strings.HasSuffix(r.URL.Path, "append_v2") && r.ContentLength > 0 && parts.Add(1) == 4 {
			stop() // the fourth part arrives nowhere
			return
		}
		s.ServeHTTP(w, r)
	}))
	t.Cleanup(srv.Close)
	dir := t.TempDir()
	writeFile(t, filepath.Join(dir, "large.bin"), strings.Repeat("0123456789abcdef", 6<<20)) // 96 MiB
	h := newHaul(t, onDisk(dir), shelf{con: dropbox.New(), set: s.Settings(srv.URL), place: "home/archive"})
	if _, err := h.engine().Run(ctx); err == nil {
		t.Fatal("the run was not stopped")
	}
	if got := s.Files("/archive"); len(got) > 0 {
		t.Errorf("something half written stands there: %d files", len(got))
	}
	first := parts.Load()
	h.run()
	if got := s.Bytes("/archive/large.bin"); len(got) != 96<<20 {
		t.Errorf("%d bytes arrived", len(got))
	}
	if more := parts.Load() - first; more > 3 {
		t.Errorf("the second run sent %d parts, want the 3 that were missing", more)
	}
	h.verify()
}

// TestDropboxInTrouble takes files into a Dropbox that breaks one request in four, in
// every way: in the end each file is there once, and nothing else.
func TestDropboxInTrouble(t *testing.T) {
	faults, err := kit.ParseFaults("500:0.03,502:0.03,cut:0.08,truncate:0.08,html:0.005,429:0.02,late:20ms:0.05")
	if err != nil {
		t.Fatal(err)
	}
	for seed := range uint64(3) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			t.Parallel()
			s, to := dropboxWith(t, "home/archive", standin.Options{Seed: seed, Faults: faults})
			to.set["settle-delay"] = "50ms"
			dir := hoard(t)
			from := onDisk(dir)
			h := newHaul(t, from, to)
			complete := false
			for pass := 0; pass < 25 && !complete; pass++ {
				r, err := h.engine().Run(t.Context())
				complete = err == nil && r.Status == "complete"
				t.Logf("pass %d: %v", pass+1, err)
			}
			if !complete {
				t.Fatal("25 passes did not carry everything over")
			}
			compareFiles(t, from.files(t, dir), s.Files("/archive"))
		})
	}
}
