package sftp

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/rialto-migrate/rialto/connector"
	"github.com/rialto-migrate/rialto/connector/paths"
	"github.com/rialto-migrate/rialto/connectors/sftp/sftptest"
	"github.com/rialto-migrate/rialto/item"
)

// A cutting conn is cut after so many bytes were written through all of its kind.
type cutting struct {
	net.Conn
	left *atomic.Int64
}

func (c *cutting) Write(p []byte) (int, error) {
	if c.left.Add(-int64(len(p))) < 0 {
		c.Close()
		return 0, syscall.ECONNRESET
	}
	return c.Conn.Write(p)
}

// through is a connection whose TCP connections are cut after n bytes, the first
// times of them.
func through(n, times int64) connector.ClientOptions {
	var dialled atomic.Int64
	return connector.ClientOptions{Dialing: connector.Dialing{Connect: func(ctx context.Context, address string) (net.Conn, error) {
		conn, err := (&net.Dialer{}).DialContext(ctx, "tcp", address)
		if err != nil || dialled.Add(1) > times {
			return conn, err
		}
		left := &atomic.Int64{}
		left.Store(n)
		return &cutting{conn, left}, nil
	}}}
}

func aFile(parent item.Ref, name string, size int64) item.Item {
	it := item.Item{Ref: item.Ref{Kind: item.File}, Parent: parent, Blob: &item.Blob{Bytes: size}}
	item.Name.Set(&it, name)
	item.Modified.Set(&it, time.Date(2001, 2, 3, 4, 5, 6, 0, time.UTC))
	return it
}

// one writes one change.
func one(t testing.TB, c connector.Cloud, place string, change connector.Change, content []byte) connector.Result {
	t.Helper()
	tg, err := c.Target(t.Context(), place)
	if err != nil {
		return connector.Result{Err: err}
	}
	read := func(item.Blob, int64, int64) (io.ReadCloser, error) {
		return io.NopCloser(bytes.NewReader(content)), nil
	}
	for r, err := range tg.Write(t.Context(), []connector.Change{change}, read) {
		if err != nil {
			t.Fatal(err)
		}
		return r
	}
	t.Fatal("no result")
	return connector.Result{}
}

// Wherever a connection is cut, a file stands whole under its name or not at all;
// one that stands there though its write failed is in doubt. The next try comes
// through, and leaves nothing beside.
func TestCut(t *testing.T) {
	srv := sftptest.OpenSSH(t)
	content := bytes.Repeat([]byte("0123456789abcdef"), 12<<10) // 192 KiB
	var doubts atomic.Int64
	try := func(n, times int64) {
		name := fmt.Sprintf("%d-%d", n, times)
		set := srv.Settings()
		parent := paths.Drive(srv.Dir)
		r := one(t, open(t, set, through(n, times)), "", connector.Change{Op: connector.Create, Item: aFile(parent, name, int64(len(content)))}, content)
		have, err := os.ReadFile(filepath.Join(srv.Dir, name))
		switch {
		case err == nil && !bytes.Equal(have, content):
			t.Errorf("cut after %d bytes: %d bytes stand under the name", n, len(have))
		case err == nil && r.Err != nil && !connector.InDoubt(r.Err):
			t.Errorf("cut after %d bytes: the file is there, and there is no doubt: %v", n, r.Err)
		case err != nil && r.Err == nil:
			t.Errorf("cut after %d bytes: written, and not there", n)
		}
		if r.Err != nil && connector.ClassOf(r.Err) != connector.Transient {
			t.Errorf("cut after %d bytes: %v of class %s", n, r.Err, connector.ClassOf(r.Err))
		}
		if connector.InDoubt(r.Err) {
			doubts.Add(1)
		}
		again := one(t, open(t, set, connector.ClientOptions{}), "", connector.Change{Op: connector.Create, Item: aFile(parent, name, int64(len(content)))}, content)
		if again.Err != nil || again.Adopted != (err == nil) {
			t.Errorf("cut after %d bytes, then again: adopted %v, %v", n, again.Adopted, again.Err)
		}
	}
	var all sync.WaitGroup
	for n := int64(1500); n < 205_000; n = n*23/20 + 97 {
		all.Go(func() { try(n, 1) })
	}
	for _, n := range []int64{700, 3000, 60_000, 190_000} {
		all.Go(func() { try(n, 1<<30) })
	}
	// The end of what is written: CLOSE, SETSTAT, RENAME.
	for n := int64(199_000); n < 203_000; n += 50 {
		all.Go(func() { try(n, 1) })
	}
	all.Wait()
	if doubts.Load() == 0 {
		t.Error("no cut fell between a rename and its answer: the steps are too wide")
	}
	left, _ := filepath.Glob(filepath.Join(srv.Dir, ".rialto-*"))
	if len(left) > 0 {
		t.Errorf("%d files that were begun stay behind", len(left))
	}
}

// A listing and a read go on over a new connection.
func TestReadsGoOn(t *testing.T) {
	srv := sftptest.OpenSSH(t)
	for i := range 30 {
		dir := filepath.Join(srv.Dir, fmt.Sprint(i))
		if err := errors.Join(os.Mkdir(dir, 0o755), os.WriteFile(filepath.Join(dir, "file"), bytes.Repeat([]byte{'x'}, 100_000), 0o644)); err != nil {
			t.Fatal(err)
		}
	}
	c := open(t, srv.Settings(), through(6000, 2))
	src, err := c.Source(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	files := 0
	for p, err := range src.List(t.Context(), connector.Shard{Ref: paths.Drive(srv.Dir)}, "") {
		if err != nil {
			t.Fatal(err)
		}
		for _, b := range p.Bundles {
			if b.Item.Kind == item.File {
				files++
			}
		}
	}
	if files != 30 {
		t.Errorf("%d files of 30 are listed", files)
	}
}

// What is neither a file nor a folder is told of, and not followed; a folder that
// may not be read is told of, and nothing counts as deleted.
func TestSpecials(t *testing.T) {
	srv := sftptest.OpenSSH(t)
	outside := t.TempDir()
	err := errors.Join(
		os.WriteFile(filepath.Join(outside, "secret"), []byte("x"), 0o644),
		os.Symlink(outside, filepath.Join(srv.Dir, "link")),
		os.Symlink("nowhere", filepath.Join(srv.Dir, "dangling")),
		syscall.Mkfifo(filepath.Join(srv.Dir, "pipe"), 0o644),
		os.WriteFile(filepath.Join(srv.Dir, "file"), []byte("x"), 0o644),
		os.WriteFile(paths.Beside(filepath.Join(srv.Dir, "begun")), []byte("begun"), 0o644))
	if err != nil {
		t.Fatal(err)
	}
	l, err := net.Listen("unix", filepath.Join(srv.Dir, "socket"))
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	src, _ := open(t, srv.Settings(), connector.ClientOptions{}).Source(t.Context())
	var names, unknown []string
	for p, err := range src.List(t.Context(), connector.Shard{Ref: paths.Drive(srv.Dir)}, "") {
		if err != nil {
			t.Fatal(err)
		}
		for _, b := range p.Bundles {
			names = append(names, item.Name.Get(b.Item))
			unknown = append(unknown, b.Unknown...)
		}
	}
	slices.Sort(unknown)
	if want := []string{"file.pipe", "file.socket", "file.symlink", "file.symlink"}; !slices.Equal(unknown, want) {
		t.Errorf("not carried: %q, want %q", unknown, want)
	}
	if want := []string{"", "file"}; !slices.Equal(names, want) {
		t.Errorf("listed: %q, want %q", names, want)
	}
	if _, err := src.Open(t.Context(), item.Blob{Ref: item.Ref{Kind: item.File, ID: srv.Dir + "/pipe/x"}}, 0, -1); err == nil {
		t.Error("something below a pipe is read")
	}
}

// A folder of ours in which people put something stays; what a killed run left does
// not keep it.
func TestDeleteFolder(t *testing.T) {
	srv := sftptest.OpenSSH(t)
	for _, name := range []string{"theirs/new", paths.Beside("ours/begun")} {
		at := filepath.Join(srv.Dir, name)
		if err := errors.Join(os.Mkdir(filepath.Dir(at), 0o755), os.WriteFile(at, []byte("x"), 0o644)); err != nil {
			t.Fatal(err)
		}
	}
	tg, err := open(t, srv.Settings(), connector.ClientOptions{}).Target(t.Context(), "")
	if err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]bool{"theirs": false, "ours": true, "": false} {
		ref := item.Ref{Kind: item.Folder, ID: srv.Dir + "/" + name}
		if name == "" {
			ref = paths.Drive(srv.Dir)
		}
		removed, err := tg.Delete(t.Context(), paths.Drive(srv.Dir), ref, func(item.Bundle) bool { return true })
		if err != nil || removed != want {
			t.Errorf("the folder %q: removed %v, %v; want %v", name, removed, err, want)
		}
	}
}

// A file that changes while it is read is a conflict, not half of each.
func TestChangesWhileRead(t *testing.T) {
	srv := sftptest.OpenSSH(t)
	at := filepath.Join(srv.Dir, "file")
	if err := os.WriteFile(at, bytes.Repeat([]byte("a"), 3*window), 0o644); err != nil {
		t.Fatal(err)
	}
	src, _ := open(t, srv.Settings(), connector.ClientOptions{}).Source(t.Context())
	ref := item.Ref{Kind: item.File, ID: srv.Dir + "/file"}
	for b, err := range src.Fetch(t.Context(), connector.Shard{Ref: paths.Drive(srv.Dir)}, []item.Ref{ref}) {
		if err != nil {
			t.Fatal(err)
		}
		in, err := src.Open(t.Context(), *b.Item.Blob, 0, -1)
		if err != nil {
			t.Fatal(err)
		}
		defer in.Close()
		if _, err := io.ReadFull(in, make([]byte, 100)); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(at, bytes.Repeat([]byte("b"), 3*window+1), 0o644); err != nil {
			t.Fatal(err)
		}
		if _, err := io.ReadAll(in); connector.ClassOf(err) != connector.Conflict {
			t.Errorf("reading on: %v, want a conflict", err)
		}
	}
}

func TestFullDisk(t *testing.T) {
	srv := sftptest.OpenSSH(t)
	disk := filepath.Join(srv.Dir, "disk")
	if err := os.Mkdir(disk, 0o755); err != nil {
		t.Fatal(err)
	}
	if err := syscall.Mount("tmpfs", disk, "tmpfs", 0, "size=1m"); err != nil {
		t.Skipf("no disk of its own can be mounted here: %v", err)
	}
	defer func() { _ = syscall.Unmount(disk, syscall.MNT_DETACH) }()
	content := make([]byte, 3<<20)
	r := one(t, open(t, srv.Settings(), connector.ClientOptions{}), "disk", connector.Change{Op: connector.Create, Item: aFile(paths.Drive(srv.Dir+"/disk"), "large", int64(len(content)))}, content)
	if e, ok := errors.AsType[*connector.Error](r.Err); !ok || e.Class != connector.Full || e.Hint == "" {
		t.Errorf("writing to a full disk: %v, want class full and a hint", r.Err)
	}
	if left, _ := os.ReadDir(disk); len(left) > 0 {
		t.Errorf("%d files stay on the full disk", len(left))
	}
}

// The folder of a file is made again if it went away meanwhile.
func TestFolderGone(t *testing.T) {
	srv := sftptest.OpenSSH(t)
	r := one(t, open(t, srv.Settings(), connector.ClientOptions{}), "", connector.Change{Op: connector.Create, Item: aFile(item.Ref{Kind: item.Folder, ID: srv.Dir + "/a/b"}, "file", 3)}, []byte("abc"))
	if r.Err != nil {
		t.Fatal(r.Err)
	}
	if have, err := os.ReadFile(filepath.Join(srv.Dir, "a/b/file")); err != nil || string(have) != "abc" {
		t.Errorf("%q, %v", have, err)
	}
}

// A connection of a source writes nothing.
func TestReadOnly(t *testing.T) {
	srv := sftptest.OpenSSH(t)
	c := open(t, srv.Settings(), connector.ClientOptions{Guard: &connector.Guard{}})
	r := one(t, c, "", connector.Change{Op: connector.Create, Item: aFile(paths.Drive(srv.Dir), "file", 1)}, []byte("x"))
	if connector.ClassOf(r.Err) != connector.Forbidden || r.Err == nil {
		t.Errorf("writing: %v, want class forbidden", r.Err)
	}
	tg, _ := c.Target(t.Context(), "")
	if _, err := tg.Delete(t.Context(), paths.Drive(srv.Dir), item.Ref{Kind: item.File, ID: srv.Dir + "/x"}, nil); err == nil {
		t.Error("a source deletes")
	}
}

// A large folder is read piece by piece: each file once, in pages, from every cursor
// on, and with all that is not carried.
func TestLargeFolder(t *testing.T) {
	srv := sftptest.OpenSSH(t)
	want := map[string]bool{}
	for i := range 3500 {
		name := fmt.Sprintf("%x", sha256.Sum256([]byte{byte(i), byte(i >> 8)}))
		if err := os.WriteFile(filepath.Join(srv.Dir, name), nil, 0o644); err != nil {
			t.Fatal(err)
		}
		want[name] = true
		if i%100 == 0 {
			if err := errors.Join(os.Symlink("x", filepath.Join(srv.Dir, "link"+name)), os.Mkdir(filepath.Join(srv.Dir, "dir"+name), 0o755)); err != nil {
				t.Fatal(err)
			}
			want["dir"+name] = true
		}
	}
	src, _ := open(t, srv.Settings(), connector.ClientOptions{}).Source(t.Context())
	list := func(from connector.Cursor) (pages []connector.Page) {
		for p, err := range src.List(t.Context(), connector.Shard{Ref: paths.Drive(srv.Dir)}, from) {
			if err != nil {
				t.Fatal(err)
			}
			pages = append(pages, p)
		}
		return pages
	}
	pages := list("")
	if n := len(pages); n < 4 || len(pages[n-1].Whole) == 0 {
		t.Fatalf("%d pages, the last one whole of %q", n, pages[n-1].Whole)
	}
	for i := range pages {
		all := slices.Clone(pages)
		if i < len(pages)-1 {
			all = append(all[:i+1], list(pages[i].Next)...)
		}
		seen, links := map[string]int{}, 0
		for _, p := range all {
			for _, b := range p.Bundles {
				seen[item.Name.Get(b.Item)]++
				links += len(b.Unknown)
			}
		}
		delete(seen, "") // the drive
		if len(seen) != len(want) || i == len(pages)-1 && links != 35 {
			t.Errorf("from page %d on: %d names of %d, %d links of 35", i+1, len(seen), len(want), links)
		}
		for name, n := range seen {
			if n != 1 || !want[name] {
				t.Fatalf("from page %d on: a name comes %d times", i+1, n)
			}
		}
	}
}

// A server without a session for a lister is read all the same.
func TestOneSession(t *testing.T) {
	srv := sftptest.OpenSSH(t, "MaxSessions 1")
	if err := os.WriteFile(filepath.Join(srv.Dir, "file"), nil, 0o644); err != nil {
		t.Fatal(err)
	}
	src, _ := open(t, srv.Settings(), connector.ClientOptions{}).Source(t.Context())
	n := 0
	for p, err := range src.List(t.Context(), connector.Shard{Ref: paths.Drive(srv.Dir)}, "") {
		if err != nil {
			t.Fatal(err)
		}
		n += len(p.Bundles)
	}
	if n != 2 {
		t.Errorf("%d items are listed, want the drive and a file", n)
	}
}
