//go:build linux

package pairs_test

import (
	"context"
	"fmt"
	"io"
	"maps"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/rialto-migrate/rialto/connector"
	"github.com/rialto-migrate/rialto/connector/standin"
	"github.com/rialto-migrate/rialto/connectors/googledrive"
	drive "github.com/rialto-migrate/rialto/connectors/googledrive/standin"
	"github.com/rialto-migrate/rialto/connectors/s3"
	"github.com/rialto-migrate/rialto/connectors/s3/s3test"
	"github.com/rialto-migrate/rialto/item"
)

// onDrive starts a Drive with some people.
func onDrive(t *testing.T, o drive.Options) (*drive.Server, shelf) {
	t.Helper()
	s := drive.New(o)
	for _, who := range []string{"ben", "cleo"} {
		s.AddPerson(who+"@example.org", who)
	}
	srv := httptest.NewServer(s)
	t.Cleanup(srv.Close)
	set := connector.Settings(s.Settings(srv.URL))
	set["people"] = "ben@example.org, cleo@example.org"
	return s, shelf{con: googledrive.New(), set: set, place: "my-drive/archive"}
}

// shownBy reads a drive of a cloud whose ids are its own: the bytes of each file by its
// path, "/" for a folder, and "->" with a path for a shortcut. Twins are counted.
func shownBy(t *testing.T, s shelf, root string) map[string]string {
	t.Helper()
	src, err := s.side(t).Cloud.Source(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	out, at := map[string]string{}, map[string]string{root: ""}
	leads := map[string]string{}
	for page, err := range src.List(t.Context(), connector.Shard{Ref: item.Ref{Kind: item.Drive, ID: root}}, "") {
		if err != nil {
			t.Fatal(err)
		}
		for _, b := range page.Bundles {
			name := at[b.Item.Parent.ID] + item.Name.Get(b.Item)
			for _, taken := out[name]; taken; _, taken = out[name] {
				name += " (twin)"
			}
			switch b.Item.Kind {
			case item.Folder:
				out[name], at[b.Item.ID] = "/", name+"/"
			case item.Shortcut:
				leads[name] = item.LeadsTo.Get(b.Item)
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
				out[name], at[b.Item.ID] = string(text), name
			}
		}
	}
	for name, address := range leads {
		id, _ := src.Locate(address)
		out[name] = "->" + at[id]
	}
	return out
}

// placeOf finds the folder that a migration wrote to.
func placeOf(t *testing.T, s shelf) string {
	t.Helper()
	target, err := s.side(t).Cloud.Target(t.Context(), s.place)
	if err != nil {
		t.Fatal(err)
	}
	for f, err := range target.Find(t.Context(), item.Ref{}, time.Time{}) {
		if err != nil {
			t.Fatal(err)
		}
		return f.Bundle.Item.ID
	}
	t.Fatal("the place is not there")
	return ""
}

// TestDriveTrees takes a folder of this machine into Drive through the whole life of a
// migration.
func TestDriveTrees(t *testing.T) {
	for _, place := range []string{"my-drive/archive", "shared-drive:Sales/archive"} {
		t.Run(strings.ReplaceAll(place, "/", "_"), func(t *testing.T) {
			t.Parallel()
			s, to := onDrive(t, drive.Options{Seed: 1})
			s.AddDrive("Sales", map[string]string{"ann@example.org": "fileOrganizer"})
			to.place = place
			dir := hoard(t)
			writeFile(t, filepath.Join(dir, "of many parts.bin"), strings.Repeat("0123456789abcdef", 1<<20)+"end")
			from := onDisk(dir)
			h := newHaul(t, from, to)
			f, err := h.engine().Forecast(t.Context())
			if err != nil || f.Kinds[item.File].Create != 130 {
				t.Fatalf("forecast: %v, %+v", err, f)
			}
			h.run()
			root := placeOf(t, to)
			compareFiles(t, from.files(t, dir), shownBy(t, to, root))
			t.Logf("lost: %v", h.verify())
			if n := written(h.run()); n != 0 {
				t.Errorf("a pass in which nothing changed wrote %d times", n)
			}
			writeFile(t, filepath.Join(dir, "many/3/file 003.bin"), "edited")
			writeFile(t, filepath.Join(dir, "new/one.txt"), "new")
			must(t, os.Rename(filepath.Join(dir, "deep"), filepath.Join(dir, "moved")))
			must(t, os.RemoveAll(filepath.Join(dir, "many/5")))
			h.run()
			compareFiles(t, from.files(t, dir), shownBy(t, to, root))
			h.verify()
			u, err := h.engine().Undo(context.WithoutCancel(t.Context()), false)
			if err != nil || u.Status != "undone" {
				t.Fatalf("undo: %v, %+v", err, u)
			}
			if left := s.Names(root); len(left) > 0 {
				t.Errorf("an undo left %v", left)
			}
			if n := len(s.Notices()); n != 0 {
				t.Errorf("%d people were told by mail", n)
			}
		})
	}
}

// TestDriveToDrive takes what Drive alone has: twins, shortcuts, people who were let at
// files, documents of Google's editors; and what is put elsewhere.
func TestDriveToDrive(t *testing.T) {
	a, from := onDrive(t, drive.Options{Seed: 2})
	b, to := onDrive(t, drive.Options{Seed: 3})
	from.scope = "*"
	plans := a.AddFolder(a.Root(), "plans")
	inner := a.AddFolder(plans, "inner")
	for _, text := range []string{"one", "two", "two"} {
		a.AddFile(plans, "twin.txt", []byte(text))
	}
	file := a.AddFile(inner, "report.bin", []byte("report"))
	a.AddShortcut(plans, "to the report", file)
	a.AddShortcut(a.Root(), "to the folder", inner)
	a.Share(inner, "ben@example.org", "writer")
	a.Share(file, "cleo@example.org", "commenter")
	docx := "application/vnd.openxmlformats-officedocument.wordprocessingml.document"
	doc := a.AddDocument(plans, "Minutes", "document", map[string][]byte{docx: []byte("a docx")})
	a.AddDocument(plans, "Survey", "form", nil)
	h := newHaul(t, from, to)
	h.run()
	root := placeOf(t, to)
	want := map[string]string{"": "/", "plans": "/", "plans/inner": "/", "plans/inner/report.bin": "report", "plans/to the report": "->plans/inner/report.bin", "to the folder": "->plans/inner/",
		"plans/Minutes.docx": "a docx"}
	check := func() {
		t.Helper()
		got := map[string]string{}
		var twins []string
		for name, text := range shownBy(t, to, root) {
			name = strings.TrimPrefix(strings.TrimPrefix(name, "My Drive"), "/") // what the source is called
			text = strings.Replace(text, "->My Drive/", "->", 1)
			got[name] = text
			if strings.HasPrefix(name, "plans/twin.txt") {
				twins = append(twins, text)
				delete(got, name)
			}
		}
		slices.Sort(twins)
		if fmt.Sprint(twins) != "[one two two]" {
			t.Errorf("the twins are %v", twins)
		}
		compareFiles(t, want, got)
	}
	check()
	grants := map[string][]string{}
	for ref, it := range listedBy(t, to, root) {
		if g := item.Permissions.Get(it); len(g) > 0 && ref.Kind != item.Drive {
			grants[item.Name.Get(it)] = append(grants[item.Name.Get(it)], fmt.Sprint(g))
		}
	}
	if !maps.EqualFunc(grants, map[string][]string{"inner": {"[{ben@example.org  writes}]"}, "report.bin": {"[{cleo@example.org  comments}]"}}, slices.Equal) {
		t.Errorf("the grants are %v", grants)
	}
	t.Logf("lost: %v", h.verify())
	if n := written(h.run()); n != 0 {
		t.Errorf("a pass in which nothing changed wrote %d times", n)
	}
	a.Put(file, plans, "moved.bin")
	a.Edit(doc, time.Now().AddDate(0, 0, 1), map[string][]byte{docx: []byte("another docx")})
	h.run()
	delete(want, "plans/inner/report.bin")
	want["plans/moved.bin"], want["plans/to the report"], want["plans/Minutes.docx"] = "report", "->plans/moved.bin", "another docx"
	check()
	h.verify()
	if n := len(b.Notices()); n != 0 {
		t.Errorf("%d people were told by mail", n)
	}
	if u, err := h.engine().Undo(context.WithoutCancel(t.Context()), false); err != nil || u.Status != "undone" {
		t.Fatalf("undo: %v, %+v", err, u)
	}
	if left := b.Names(root); len(left) > 0 {
		t.Errorf("an undo left %v", left)
	}
}

// listedBy is what a drive lists, by ref.
func listedBy(t *testing.T, s shelf, root string) map[item.Ref]item.Item {
	t.Helper()
	src, err := s.side(t).Cloud.Source(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	out := map[item.Ref]item.Item{}
	for page, err := range src.List(t.Context(), connector.Shard{Ref: item.Ref{Kind: item.Drive, ID: root}}, "") {
		if err != nil {
			t.Fatal(err)
		}
		for _, b := range page.Bundles {
			out[b.Item.Ref] = b.Item
		}
	}
	return out
}

// TestDriveToS3 takes a Drive into a bucket, where names are unique and people are none.
func TestDriveToS3(t *testing.T) {
	a, from := onDrive(t, drive.Options{Seed: 4})
	to := shelf{con: s3.New(), set: s3test.Start(t).Settings, place: "bucket/archive"}
	plans := a.AddFolder(a.Root(), "plans")
	a.AddFile(plans, "file", []byte("bytes"))
	a.AddFile(plans, "twin", []byte("one"))
	a.AddFile(plans, "twin", []byte("two"))
	a.Share(plans, "ben@example.org", "writer")
	a.AddFileOf("ben@example.org", plans, "of ben's", []byte("ben's"))
	h := newHaul(t, from, to)
	h.run()
	got := to.files(t, "/bucket/archive")
	texts := slices.Sorted(maps.Values(got))
	if fmt.Sprint(texts) != "[/ / ben's bytes one two]" || got["My Drive/plans/file"] != "bytes" {
		t.Errorf("the bucket has %q", got)
	}
	h.verify()
	if n := written(h.run()); n != 0 {
		t.Errorf("a pass in which nothing changed wrote %d times", n)
	}
}

// TestDriveInTrouble writes to a Drive that refuses, breaks off and cuts its answers: all
// is there in the end, and once.
func TestDriveInTrouble(t *testing.T) {
	faults, err := standin.ParseFaults("429:0.03,500:0.02,cut:0.03,truncate:0.02")
	if err != nil {
		t.Fatal(err)
	}
	s, to := onDrive(t, drive.Options{Seed: 5, Faults: faults})
	dir := hoard(t)
	writeFile(t, filepath.Join(dir, "of many parts.bin"), strings.Repeat("0123456789abcdef", 5<<16)+"end")
	h := newHaul(t, onDisk(dir), to)
	for range 5 {
		if r, err := h.engine().Run(t.Context()); err == nil && r.Status == "complete" {
			break
		}
	}
	h.run()
	compareFiles(t, onDisk(dir).files(t, dir), s.Files(placeOf(t, to)))
}
