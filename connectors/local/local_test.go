package local_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"net"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/rialto-migrate/rialto/connector"
	"github.com/rialto-migrate/rialto/connectors/local"
	"github.com/rialto-migrate/rialto/item"
)

func open(t *testing.T, dir string) connector.Source {
	t.Helper()
	cloud, err := local.New().Open(t.Context(), connector.Env{Settings: connector.Settings{"folder": dir}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { cloud.Close() })
	source, err := cloud.Source(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return source
}

// list returns what is listed by path, and whether the listing is whole.
func list(t *testing.T, dir string) (map[string]item.Bundle, bool) {
	t.Helper()
	out, whole := map[string]item.Bundle{}, false
	for p, err := range open(t, dir).List(t.Context(), connector.Shard{Ref: item.Ref{Kind: item.Drive, ID: dir}}, "") {
		if err != nil {
			t.Fatal(err)
		}
		for _, b := range p.Bundles {
			out[strings.TrimPrefix(strings.TrimPrefix(b.Item.ID, dir), "/")] = b
		}
		whole = slices.Contains(p.Whole, item.File)
	}
	return out, whole
}

// What is no file is said with the folder that it lies in, and never followed.
func TestSpecials(t *testing.T) {
	dir, outside := t.TempDir(), t.TempDir()
	plant(t, outside, "secret.txt", []byte("outside"))
	plant(t, dir, "in/file", []byte("x"))
	for name, to := range map[string]string{"in/out": outside, "in/out.txt": filepath.Join(outside, "secret.txt"), "in/up": "../..", "top": "in", "loop": "loop"} {
		if err := os.Symlink(to, filepath.Join(dir, name)); err != nil {
			t.Fatal(err)
		}
	}
	if err := syscall.Mkfifo(filepath.Join(dir, "in/pipe"), 0o600); err != nil {
		t.Fatal(err)
	}
	l, err := net.Listen("unix", filepath.Join(dir, "in/s"))
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	if err := os.Mkdir(filepath.Join(dir, "links"), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink("x", filepath.Join(dir, "links/only")); err != nil {
		t.Fatal(err)
	}
	got, whole := list(t, dir)
	if paths := slices.Sorted(maps.Keys(got)); !slices.Equal(paths, []string{"", "in", "in/file", "links"}) || !whole {
		t.Errorf("listed are %q, whole %v", paths, whole)
	}
	for path, want := range map[string][]string{"": {"file.symlink", "file.symlink"}, "in": {"file.pipe", "file.socket", "file.symlink", "file.symlink", "file.symlink"}, "links": {"file.symlink"}} {
		if unknown := slices.Sorted(slices.Values(got[path].Unknown)); !slices.Equal(unknown, want) {
			t.Errorf("%q says %q is not carried, want %q", path, unknown, want)
		}
	}
	if !item.Empty.Get(got["links"].Item) || item.Empty.Get(got["in"].Item) {
		t.Error("a folder of links alone is empty for us, and one with a file is not")
	}
}

// A file that gives way to a link, a pipe or a folder is not read.
func TestSwapped(t *testing.T) {
	dir, outside := t.TempDir(), t.TempDir()
	plant(t, outside, "dir/file", []byte("x"))
	swaps := map[string]func(string) error{
		"link out":    func(p string) error { return os.Symlink(filepath.Join(outside, "dir/file"), p) },
		"link within": func(p string) error { return os.Symlink("other", p) },
		"pipe":        func(p string) error { return syscall.Mkfifo(p, 0o600) },
		"folder":      func(p string) error { return os.Mkdir(p, 0o700) },
		"nothing":     func(string) error { return nil },
	}
	for what, swap := range swaps {
		plant(t, dir, "dir/file", []byte("x"))
		plant(t, dir, "dir/other", []byte("x"))
		got, _ := list(t, dir)
		path := filepath.Join(dir, "dir/file")
		if err := os.Remove(path); err != nil {
			t.Fatal(err)
		}
		if err := swap(path); err != nil {
			t.Fatal(err)
		}
		in, err := open(t, dir).Open(t.Context(), *got["dir/file"].Item.Blob, 0, -1)
		if err == nil {
			in.Close()
			t.Errorf("a file in whose place there is a %s was opened", what)
		} else if c := connector.ClassOf(err); c != connector.Conflict && c != connector.Gone {
			t.Errorf("a file in whose place there is a %s: %v of class %s", what, err, c)
		}
		os.RemoveAll(path)
	}
	// The folder above gives way to a link out.
	plant(t, dir, "dir/file", []byte("x"))
	got, _ := list(t, dir)
	if err := errors.Join(os.RemoveAll(filepath.Join(dir, "dir")), os.Symlink(filepath.Join(outside, "dir"), filepath.Join(dir, "dir"))); err != nil {
		t.Fatal(err)
	}
	if _, err := open(t, dir).Open(t.Context(), *got["dir/file"].Item.Blob, 0, -1); connector.ClassOf(err) != connector.Conflict {
		t.Errorf("a file below a link that leads out: %v", err)
	}
}

// A file that grows, shrinks or is rewritten while it is read ends with a conflict.
func TestChangesWhileRead(t *testing.T) {
	for what, change := range map[string]func(string) error{
		"grows":        func(p string) error { return appendTo(p, "more") },
		"shrinks":      func(p string) error { return os.Truncate(p, 150_000) },
		"is rewritten": func(p string) error { return os.WriteFile(p, []byte(strings.Repeat("b", 200_000)), 0o600) },
		"is touched":   func(p string) error { return os.Chtimes(p, time.Now(), time.Now().Add(time.Hour)) },
	} {
		dir := t.TempDir()
		plant(t, dir, "file", []byte(strings.Repeat("a", 200_000)))
		got, _ := list(t, dir)
		for _, n := range []int64{-1, 200_000} {
			in, err := open(t, dir).Open(t.Context(), *got["file"].Item.Blob, 0, n)
			if err != nil {
				if n >= 0 {
					continue // it changed for good
				}
				t.Fatal(err)
			}
			if _, err := io.ReadFull(in, make([]byte, 1000)); err != nil {
				t.Fatal(err)
			}
			time.Sleep(2 * time.Millisecond) // a file system's clock is coarse
			if err := change(filepath.Join(dir, "file")); err != nil {
				t.Fatal(err)
			}
			if _, err := io.Copy(io.Discard, in); connector.ClassOf(err) != connector.Conflict {
				t.Errorf("a file that %s while %d bytes of it are read: %v, want a conflict", what, n, err)
			}
			in.Close()
		}
	}
}

func appendTo(path, s string) error {
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_APPEND, 0)
	if err != nil {
		return err
	}
	_, err = f.WriteString(s)
	return errors.Join(err, f.Close())
}

// Names are bytes, and paths may be longer than one call to the system takes.
func TestNames(t *testing.T) {
	dir := t.TempDir()
	names := []string{"\xff\xfe\x01", "new\nline", "a\\b", "…", " ", "-rf", "con", "back\b", strings.Repeat("n", 255)}
	for _, name := range names {
		plant(t, dir, "odd/"+name, []byte(name))
	}
	got, _ := list(t, dir)
	for _, name := range names {
		b, ok := got["odd/"+name]
		if !ok || item.FileName.Get(b.Item) != name {
			t.Errorf("%q is not listed byte for byte", name)
			continue
		}
		in, err := open(t, dir).Open(t.Context(), *b.Item.Blob, 0, -1)
		if err != nil {
			t.Errorf("%q: %v", name, err)
			continue
		}
		if content, err := io.ReadAll(in); err != nil || string(content) != name {
			t.Errorf("%q holds %q, %v", name, content, err)
		}
		in.Close()
	}
	deep, err := os.OpenRoot(dir)
	if err != nil {
		t.Fatal(err)
	}
	step := strings.Repeat("d", 200)
	for range 25 { // 5,000 bytes
		if err := deep.Mkdir(step, 0o700); err != nil {
			t.Fatal(err)
		}
		next, err := deep.OpenRoot(step)
		deep.Close()
		if err != nil {
			t.Fatal(err)
		}
		deep = next
	}
	err = deep.WriteFile("bottom", []byte("deep"), 0o600)
	deep.Close()
	if err != nil {
		t.Fatal(err)
	}
	got, _ = list(t, dir)
	b, ok := got[strings.Repeat(step+"/", 25)+"bottom"]
	if !ok {
		t.Fatal("a path of 5,000 bytes is not listed")
	}
	in, err := open(t, dir).Open(t.Context(), *b.Item.Blob, 0, -1)
	if err != nil {
		t.Fatal(err)
	}
	defer in.Close()
	if content, err := io.ReadAll(in); err != nil || string(content) != "deep" {
		t.Errorf("at the bottom: %q, %v", content, err)
	}
}

// A folder that may not be read is said so, and the listing is not whole.
func TestUnreadable(t *testing.T) {
	if os.Getuid() == 0 {
		t.Skip("root may read everything: run this test as another user")
	}
	dir := t.TempDir()
	plant(t, dir, "shut/file", []byte("x"))
	plant(t, dir, "file", []byte("x"))
	for _, p := range []string{"shut", "file"} {
		if err := os.Chmod(filepath.Join(dir, p), 0); err != nil {
			t.Fatal(err)
		}
	}
	t.Cleanup(func() { os.Chmod(filepath.Join(dir, "shut"), 0o700) })
	got, whole := list(t, dir)
	if whole || !slices.Equal(got["shut"].Unknown, []string{"folder.unreadable"}) {
		t.Errorf("whole %v, and the folder says %q", whole, got["shut"].Unknown)
	}
	if _, err := open(t, dir).Open(t.Context(), *got["file"].Item.Blob, 0, -1); connector.ClassOf(err) != connector.Forbidden {
		t.Errorf("a file that may not be read: %v", err)
	}
}

// Nothing is held that grows with the files of a folder.
func TestManyFiles(t *testing.T) {
	n := 20_000
	if os.Getenv("RIALTO_SOAK") != "" {
		n = 1_000_000
	}
	dir := t.TempDir()
	for i := range n {
		if err := os.WriteFile(filepath.Join(dir, fmt.Sprintf("file-%07d", i)), nil, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	source := open(t, dir)
	seen, most := 0, uint64(0)
	for p, err := range source.List(context.Background(), connector.Shard{Ref: item.Ref{Kind: item.Drive, ID: dir}}, "") {
		if err != nil {
			t.Fatal(err)
		}
		if seen += len(p.Bundles); len(p.Bundles) > 1000 {
			t.Fatalf("a page holds %d items", len(p.Bundles))
		}
		if seen%10_000 == 0 {
			var m runtime.MemStats
			runtime.GC()
			runtime.ReadMemStats(&m)
			most = max(most, m.HeapAlloc)
		}
	}
	if seen != n+1 || most > 16<<20 {
		t.Errorf("%d of %d items came, with %d bytes held", seen, n+1, most)
	}
}
