//go:build linux

package pairs_test

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"maps"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/rialto-migrate/rialto/connector"
	"github.com/rialto-migrate/rialto/connectors/ftps"
	"github.com/rialto-migrate/rialto/connectors/ftps/ftpstest"
	"github.com/rialto-migrate/rialto/connectors/local"
	"github.com/rialto-migrate/rialto/connectors/rclone"
	"github.com/rialto-migrate/rialto/connectors/rclone/rclonetest"
	"github.com/rialto-migrate/rialto/connectors/s3"
	"github.com/rialto-migrate/rialto/connectors/s3/s3test"
	"github.com/rialto-migrate/rialto/connectors/sftp"
	"github.com/rialto-migrate/rialto/connectors/sftp/sftptest"
	"github.com/rialto-migrate/rialto/connectors/smb"
	"github.com/rialto-migrate/rialto/connectors/smb/smbtest"
	"github.com/rialto-migrate/rialto/connectors/webdav"
	"github.com/rialto-migrate/rialto/connectors/webdav/webdavtest"
	"github.com/rialto-migrate/rialto/internal/ledger"
	"github.com/rialto-migrate/rialto/internal/ledger/ledgertest"
	"github.com/rialto-migrate/rialto/internal/migrate"
	"github.com/rialto-migrate/rialto/item"
)

// A shelf is a cloud of files or mail with a connection to it.
type shelf struct {
	con   connector.Connector
	set   connector.Settings
	place string
	// scope is what a migration from here names; "*" for all.
	scope string
	// names are what paths become that the cloud refuses.
	names map[string]string
}

// A haul is a migration of files or mail, with the ledger that it keeps.
type haul struct {
	t        *testing.T
	from, to shelf
	led      ledger.Ledger
	policies migrate.Policies
}

func newHaul(t *testing.T, from, to shelf) *haul {
	return &haul{t: t, from: from, to: to, led: ledgertest.New(), policies: migrate.Policies{Deletions: "delete"}}
}

// side opens a connection as the program does: checked first, with what that
// learned.
func (s shelf) side(t *testing.T) migrate.Side {
	t.Helper()
	set := maps.Clone(s.set)
	stats := &connector.Stats{}
	open := func() connector.Cloud {
		client := connector.NewClient(connector.ClientOptions{Stats: stats})
		cloud, err := s.con.Open(t.Context(), connector.Env{Settings: set, HTTP: client, Now: time.Now})
		if err != nil {
			t.Fatal(err)
		}
		return cloud
	}
	cloud := open()
	id, err := cloud.Check(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	_ = cloud.Close() // it was only asked who it is
	for k, v := range id.Settings {
		if _, ok := set[k]; !ok {
			set[k] = v
		}
	}
	cloud = open()
	t.Cleanup(func() { _ = cloud.Close() }) // nothing of a test depends on it
	m := s.con.Manifest()
	return migrate.Side{Connection: m.Name, Title: m.Title, Cloud: cloud, Caps: s.con.Capabilities(set), Stats: stats}
}

func (h *haul) engine() *migrate.Engine {
	h.t.Helper()
	scope := h.from.scope
	if scope == "" {
		scope = "*"
	}
	e, err := migrate.New(migrate.Config{Spec: migrate.Spec{Name: "haul", Scope: []string{scope}, Place: h.to.place, Policies: h.policies},
		From: h.from.side(h.t), To: h.to.side(h.t), Ledger: h.led, Key: bytes.Repeat([]byte{7}, 32),
		Emit: func(e migrate.Event) {
			if e.Event == "failure" || e.Event == "difference" {
				h.t.Logf("%+v", e)
			}
		}})
	if err != nil {
		h.t.Fatal(err)
	}
	return e
}

func (h *haul) run() *migrate.Report {
	h.t.Helper()
	r, err := h.engine().Run(h.t.Context())
	if err != nil || r.Status != "complete" {
		h.t.Fatalf("run: %v, %+v", err, r)
	}
	return r
}

// written counts what a run wrote of the kinds that people see.
func written(r *migrate.Report) (n int) {
	for _, k := range r.Kinds {
		n += k.Created + k.Updated + k.Deleted
	}
	return n
}

// verify compares, and returns what was lost by kind and field.
func (h *haul) verify() []string {
	h.t.Helper()
	v, err := h.engine().Verify(h.t.Context(), false)
	if err != nil || len(v.Differences) > 0 || len(v.Extra) > 0 || v.Failed > 0 {
		h.t.Fatalf("verify: %v, %+v", err, v)
	}
	var lost []string
	for _, l := range v.LossList {
		lost = append(lost, fmt.Sprintf("%s.%s %s", l.Kind, l.Field, l.Policy))
	}
	return lost
}

// hoard fills a folder of this machine with what file trees have: names in several
// scripts, an empty folder, an empty file, a large one, many small ones.
func hoard(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	dice := rand.New(rand.NewPCG(1, 2))
	put := func(name string, n int) {
		b := make([]byte, n)
		for i := range b {
			b[i] = byte(dice.IntN(256))
		}
		writeFile(t, filepath.Join(dir, name), string(b))
	}
	for i := range 120 {
		put(fmt.Sprintf("many/%d/file %03d.bin", i%7, i), dice.IntN(30000))
	}
	for _, name := range []string{"日本語/名前　漢字.txt", "عربي/اسم.txt", "cafe\u0301/emoji 👩‍👩‍👧.txt", "odd names/a&b <c> 'd' \"e\" %20 #1 ?x.txt", "deep/er/and/deep/er/still/file.txt", ".hidden", "no extension"} {
		put(name, 100)
	}
	put("large.bin", 3<<20+17)
	put("empty file", 0)
	if err := os.MkdirAll(filepath.Join(dir, "empty folder", "in it"), 0o755); err != nil {
		t.Fatal(err)
	}
	return dir
}

func writeFile(t *testing.T, path, text string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}

func onDisk(dir string) shelf {
	return shelf{con: local.New(), set: connector.Settings{"folder": dir}}
}

// files reads a shelf: the bytes of each file by its path below the root, and "/"
// for a folder.
func (s shelf) files(t *testing.T, root string) map[string]string {
	t.Helper()
	src, err := s.side(t).Cloud.Source(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	out := map[string]string{}
	for page, err := range src.List(t.Context(), connector.Shard{Ref: item.Ref{Kind: item.Drive, ID: root}}, "") {
		if connector.ClassOf(err) == connector.Gone {
			return out
		}
		if err != nil {
			t.Fatal(err)
		}
		for _, b := range page.Bundles {
			name := strings.TrimPrefix(strings.TrimPrefix(b.Item.ID, root), "/")
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
	return out
}

func compareFiles(t *testing.T, want, got map[string]string) {
	t.Helper()
	for name, text := range want {
		if other, ok := got[name]; !ok {
			t.Errorf("%q is missing", name)
		} else if other != text {
			t.Errorf("%q: %d bytes, want %d, and they differ", name, len(other), len(text))
		}
	}
	for name := range got {
		if _, ok := want[name]; !ok {
			t.Errorf("%q is too many", name)
		}
	}
}

// shelves are the clouds of files that can be had as real servers, by name, each
// with an empty place and the drive that a migration makes there.
func shelves(t *testing.T) map[string]func(*testing.T) (s shelf, root string) {
	return map[string]func(*testing.T) (shelf, string){
		"s3": func(t *testing.T) (shelf, string) {
			return shelf{con: s3.New(), set: s3test.Start(t).Settings, place: "bucket/archive"}, "/bucket/archive"
		},
		"webdav": func(t *testing.T) (shelf, string) {
			srv := webdavtest.Apache(t)
			s := shelf{con: webdav.New(), set: connector.Settings{"url": srv.URL, "user": srv.User, "password": srv.Password}, place: "archive"}
			return s, driveOf(t, s) + "/archive"
		},
		"rclone": func(t *testing.T) (shelf, string) {
			return shelf{con: rclone.New(), set: rclonetest.S3(t).Bucket(t, "bucket"), place: "archive"}, "/archive"
		},
		"sftp": func(t *testing.T) (shelf, string) {
			s := shelf{con: sftp.New(), set: sftptest.OpenSSH(t).Settings(), place: "archive"}
			return s, driveOf(t, s) + "/archive"
		},
		"smb": func(t *testing.T) (shelf, string) {
			s := shelf{con: smb.New(), set: smbtest.Samba(t).Settings(), place: "archive", names: windowsNames()}
			return s, driveOf(t, s) + "/archive"
		},
		"ftps": func(t *testing.T) (shelf, string) {
			s := shelf{con: ftps.New(), set: ftpstest.ProFTPD(t).Settings(), place: "archive"}
			s.set["tls"] = "none" // TLS is tried by the connector's own tests
			return s, driveOf(t, s) + "/archive"
		},
	}
}

// driveOf is the drive that a connection names.
func driveOf(t *testing.T, s shelf) string {
	t.Helper()
	src, err := s.side(t).Cloud.Source(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for shard, err := range src.Shards(t.Context()) {
		if err != nil {
			t.Fatal(err)
		}
		return strings.TrimSuffix(shard.Ref.ID, "/")
	}
	t.Fatal("there is no drive")
	return ""
}

// TestTrees takes a folder of this machine into each cloud of files through the
// whole life of a migration: forecast, run, verify, a pass in which nothing changed,
// edits at the source, undo.
func TestTrees(t *testing.T) {
	for name, start := range shelves(t) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			to, root := start(t)
			dir := hoard(t)
			from := onDisk(dir)
			h := newHaul(t, from, to)
			f, err := h.engine().Forecast(t.Context())
			if err != nil || f.Kinds[item.File].Create != 129 {
				t.Fatalf("forecast: %v, %+v", err, f)
			}
			h.run()
			compareFiles(t, to.called(from.files(t, dir)), to.files(t, root))
			lost := h.verify()
			t.Logf("lost: %v", lost)
			var forecast []string
			for _, l := range f.Losses {
				forecast = append(forecast, fmt.Sprintf("%s.%s %s", l.Kind, l.Field, l.Policy))
			}
			if !slices.Equal(lost, forecast) {
				t.Errorf("verify finds the losses %v, forecast were %v", lost, forecast)
			}
			if n := written(h.run()); n != 0 {
				t.Errorf("a pass in which nothing changed wrote %d times", n)
			}
			writeFile(t, filepath.Join(dir, "many/3/file 003.bin"), "edited")
			writeFile(t, filepath.Join(dir, "new/one.txt"), "new")
			must(t, os.Rename(filepath.Join(dir, "deep"), filepath.Join(dir, "moved")))
			must(t, os.RemoveAll(filepath.Join(dir, "many/5")))
			h.run()
			compareFiles(t, to.called(from.files(t, dir)), to.files(t, root))
			h.verify()
			u, err := h.engine().Undo(context.WithoutCancel(t.Context()), false)
			if err != nil || u.Status != "undone" {
				t.Fatalf("undo: %v, %+v", err, u)
			}
			if left := to.files(t, root); len(left) > 0 {
				t.Errorf("an undo left %v", slices.Collect(maps.Keys(left)))
			}
		})
	}
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// TestTreesBetweenClouds takes files from each cloud to each other.
func TestTreesBetweenClouds(t *testing.T) {
	dir := hoard(t)
	for _, a := range []string{"s3", "webdav", "sftp", "ftps"} {
		for _, b := range []string{"s3", "webdav", "sftp", "ftps"} {
			t.Run(a+"-"+b, func(t *testing.T) {
				t.Parallel()
				all := shelves(t)
				first, middle := all[a](t)
				newHaul(t, onDisk(dir), first).run()
				first.scope, first.set = middle, within(first, middle)
				second, end := all[b](t)
				h := newHaul(t, first, second)
				h.run()
				compareFiles(t, onDisk(dir).files(t, dir), second.files(t, end))
				h.verify()
				if n := written(h.run()); n != 0 {
					t.Errorf("a pass in which nothing changed wrote %d times", n)
				}
			})
		}
	}
}

// within narrows a connection to the folder that an earlier migration filled.
func within(s shelf, root string) connector.Settings {
	set := maps.Clone(s.set)
	switch s.con.Manifest().Name {
	case "s3":
		set["bucket"], set["prefix"] = "bucket", "archive"
	case "webdav":
		set["url"] = strings.TrimSuffix(set["url"], "/") + "/archive"
	case "rclone":
		set["folder"] = "bucket" + root
	case "sftp", "ftps":
		set["folder"] = root
	case "smb":
		_, set["folder"], _ = strings.Cut(strings.TrimPrefix(root, "/"), "/")
	}
	return set
}
