package smb

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/rialto-migrate/rialto/connector"
	"github.com/rialto-migrate/rialto/connector/paths"
	"github.com/rialto-migrate/rialto/connectors/smb/smbtest"
	"github.com/rialto-migrate/rialto/item"
)

const root = "/" + smbtest.Share

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
// times of them; where it is dead then, none is made again.
func through(n, times int64, dead bool) connector.ClientOptions {
	var dialled atomic.Int64
	return connector.ClientOptions{Dialing: connector.Dialing{Connect: func(ctx context.Context, address string) (net.Conn, error) {
		over := dialled.Add(1) > times
		if over && dead {
			return nil, syscall.ENETUNREACH
		}
		conn, err := (&net.Dialer{}).DialContext(ctx, "tcp", address)
		if err != nil || over {
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
	return oneOf(t.Context(), t, c, place, change, content)
}

func oneOf(ctx context.Context, t testing.TB, c connector.Cloud, place string, change connector.Change, content []byte) connector.Result {
	t.Helper()
	tg, err := c.Target(t.Context(), place)
	if err != nil {
		return connector.Result{Err: err}
	}
	read := func(item.Blob, int64, int64) (io.ReadCloser, error) {
		return io.NopCloser(bytes.NewReader(content)), nil
	}
	for r, err := range tg.Write(ctx, []connector.Change{change}, read) {
		if err != nil {
			t.Fatal(err)
		}
		return r
	}
	t.Fatal("no result")
	return connector.Result{}
}

// Wherever a connection is cut, a file stands whole under its name, or not at all, or
// as a claim that the next try knows; one that stands there though its write failed is
// in doubt. The next try comes through, and leaves nothing beside.
func TestCut(t *testing.T) {
	srv := smbtest.Samba(t)
	content := bytes.Repeat([]byte("0123456789abcdef"), 12<<10) // 192 KiB
	var doubts, claims atomic.Int64
	try := func(n, times int64, dead bool) {
		name := fmt.Sprintf("%d-%d-%v", n, times, dead)
		set := srv.Settings()
		parent := paths.Drive(root)
		change := connector.Change{Op: connector.Create, Item: aFile(parent, name, int64(len(content)))}
		ctx, stop := context.WithTimeout(t.Context(), 20*time.Second)
		defer stop()
		r := oneOf(ctx, t, open(t, set, through(n, times, dead)), "", change, content)
		have, err := os.ReadFile(filepath.Join(srv.Dir, name))
		claim := err == nil && string(have) == filepath.Base(paths.Beside("/"+name))
		switch {
		case err == nil && claim && r.Err != nil:
			claims.Add(1)
		case err == nil && len(have) == 0 && r.Err != nil && dead: // the very moment between the claim and what it says
			if err := os.Remove(filepath.Join(srv.Dir, name)); err != nil {
				t.Error(err)
			}
			claim = true
		case err == nil && !bytes.Equal(have, content):
			t.Errorf("cut after %d bytes: %d bytes stand under the name after %v", n, len(have), r.Err)
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
		again := one(t, open(t, set, connector.ClientOptions{}), "", change, content)
		if again.Err != nil || again.Adopted != (err == nil && !claim) {
			t.Errorf("cut after %d bytes, then again: adopted %v, %v", n, again.Adopted, again.Err)
		}
		if have, err := os.ReadFile(filepath.Join(srv.Dir, name)); err != nil || !bytes.Equal(have, content) {
			t.Errorf("cut after %d bytes, then again: %d bytes, %v", n, len(have), err)
		}
	}
	var all sync.WaitGroup
	for n := int64(1500); n < 205_000; n = n*23/20 + 97 {
		all.Go(func() { try(n, 1, false) })
	}
	for _, n := range []int64{700, 3000, 60_000, 190_000} {
		all.Go(func() { try(n, 1<<30, false) })
	}
	// The end of what is written: times, claim, rename.
	for n := int64(198_500); n < 202_500; n += 100 {
		all.Go(func() { try(n, 1, false) })
		all.Go(func() { try(n, 1, true) })
	}
	all.Wait()
	if doubts.Load() == 0 || claims.Load() == 0 {
		t.Errorf("%d cuts fell between a rename and its answer, %d after a claim: the steps are too wide", doubts.Load(), claims.Load())
	}
	left, _ := filepath.Glob(filepath.Join(srv.Dir, ".rialto-*"))
	if len(left) > 0 {
		t.Errorf("%d files that were begun stay behind", len(left))
	}
}

// A listing and a read go on over a new connection.
func TestReadsGoOn(t *testing.T) {
	srv := smbtest.Samba(t)
	for i := range 30 {
		dir := filepath.Join(srv.Dir, fmt.Sprint(i))
		if err := errors.Join(os.Mkdir(dir, 0o755), os.WriteFile(filepath.Join(dir, "file"), bytes.Repeat([]byte{'x'}, 100_000), 0o644)); err != nil {
			t.Fatal(err)
		}
	}
	c := open(t, srv.Settings(), through(6000, 2, false))
	src, err := c.Source(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	files := 0
	for p, err := range src.List(t.Context(), connector.Shard{Ref: paths.Drive(root)}, "") {
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

// A folder of ours in which people put something stays; what a killed run left does
// not keep it.
func TestDeleteFolder(t *testing.T) {
	srv := smbtest.Samba(t)
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
		ref := item.Ref{Kind: item.Folder, ID: root + "/" + name}
		if name == "" {
			ref = paths.Drive(root)
		}
		removed, err := tg.Delete(t.Context(), paths.Drive(root), ref, func(item.Bundle) bool { return true })
		if err != nil || removed != want {
			t.Errorf("the folder %q: removed %v, %v; want %v", name, removed, err, want)
		}
	}
}

// A file that changes while it is read is a conflict, not half of each.
func TestChangesWhileRead(t *testing.T) {
	srv := smbtest.Samba(t)
	at := filepath.Join(srv.Dir, "file")
	if err := os.WriteFile(at, bytes.Repeat([]byte("a"), 3*pieces*piece), 0o644); err != nil {
		t.Fatal(err)
	}
	src, _ := open(t, srv.Settings(), connector.ClientOptions{}).Source(t.Context())
	ref := item.Ref{Kind: item.File, ID: root + "/file"}
	for b, err := range src.Fetch(t.Context(), connector.Shard{Ref: paths.Drive(root)}, []item.Ref{ref}) {
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
		if err := os.WriteFile(at, bytes.Repeat([]byte("b"), 3*pieces*piece+1), 0o644); err != nil {
			t.Fatal(err)
		}
		if _, err := io.ReadAll(in); connector.ClassOf(err) != connector.Conflict {
			t.Errorf("reading on: %v, want a conflict", err)
		}
	}
}

func TestFullDisk(t *testing.T) {
	srv := smbtest.Samba(t)
	disk := filepath.Join(srv.Dir, "disk")
	if err := os.Mkdir(disk, 0o755); err != nil {
		t.Fatal(err)
	}
	if err := syscall.Mount("tmpfs", disk, "tmpfs", 0, "size=1m"); err != nil {
		t.Skipf("no disk of its own can be mounted here: %v", err)
	}
	defer func() { _ = syscall.Unmount(disk, syscall.MNT_DETACH) }()
	content := make([]byte, 3<<20)
	r := one(t, open(t, srv.Settings(), connector.ClientOptions{}), "disk", connector.Change{Op: connector.Create, Item: aFile(paths.Drive(root+"/disk"), "large", int64(len(content)))}, content)
	if e, ok := errors.AsType[*connector.Error](r.Err); !ok || e.Class != connector.Full || e.Hint == "" {
		t.Errorf("writing to a full disk: %v, want class full and a hint", r.Err)
	}
	if left, _ := os.ReadDir(disk); len(left) > 0 {
		t.Errorf("%d files stay on the full disk", len(left))
	}
}

// The folder of a file is made again if it went away meanwhile.
func TestFolderGone(t *testing.T) {
	srv := smbtest.Samba(t)
	r := one(t, open(t, srv.Settings(), connector.ClientOptions{}), "", connector.Change{Op: connector.Create, Item: aFile(item.Ref{Kind: item.Folder, ID: root + "/a/b"}, "file", 3)}, []byte("abc"))
	if r.Err != nil {
		t.Fatal(r.Err)
	}
	if have, err := os.ReadFile(filepath.Join(srv.Dir, "a/b/file")); err != nil || string(have) != "abc" {
		t.Errorf("%q, %v", have, err)
	}
}

// A connection of a source writes nothing.
func TestReadOnly(t *testing.T) {
	srv := smbtest.Samba(t)
	c := open(t, srv.Settings(), connector.ClientOptions{Guard: &connector.Guard{}})
	r := one(t, c, "", connector.Change{Op: connector.Create, Item: aFile(paths.Drive(root), "file", 1)}, []byte("x"))
	if connector.ClassOf(r.Err) != connector.Forbidden || r.Err == nil {
		t.Errorf("writing: %v, want class forbidden", r.Err)
	}
	tg, _ := c.Target(t.Context(), "")
	if _, err := tg.Delete(t.Context(), paths.Drive(root), item.Ref{Kind: item.File, ID: root + "/x"}, nil); err == nil {
		t.Error("a source deletes")
	}
}

// A mute conn hears nothing any more once it is told to.
type mute struct {
	net.Conn
	now    *atomic.Bool
	closed chan struct{}
	once   sync.Once
}

func (m *mute) Read(p []byte) (int, error) {
	n, err := m.Conn.Read(p)
	if m.now.Load() {
		<-m.closed
		return 0, net.ErrClosed
	}
	return n, err
}

func (m *mute) Close() error {
	m.once.Do(func() { close(m.closed) })
	return m.Conn.Close()
}

// A run that is stopped waits for a server that does not answer no longer than a
// grace.
func TestStopped(t *testing.T) {
	srv := smbtest.Samba(t)
	if err := os.WriteFile(filepath.Join(srv.Dir, "file"), make([]byte, 4*pieces*piece), 0o644); err != nil {
		t.Fatal(err)
	}
	for what, do := range map[string]func(context.Context, *cloud, io.Reader) error{
		"a listing": func(ctx context.Context, c *cloud, _ io.Reader) error {
			_, _, err := c.begin(ctx, root)
			return err
		},
		"a read": func(_ context.Context, _ *cloud, in io.Reader) error {
			_, err := io.Copy(io.Discard, in)
			return err
		},
		"a write": func(ctx context.Context, c *cloud, _ io.Reader) error {
			return oneOf(ctx, t, c, "", connector.Change{Op: connector.Create, Item: aFile(paths.Drive(root), "new", 3)}, []byte("abc")).Err
		},
	} {
		t.Run(what, func(t *testing.T) {
			t.Parallel()
			var now atomic.Bool
			c := open(t, srv.Settings(), connector.ClientOptions{Dialing: connector.Dialing{Connect: func(ctx context.Context, address string) (net.Conn, error) {
				conn, err := (&net.Dialer{}).DialContext(ctx, "tcp", address)
				return &mute{Conn: conn, now: &now, closed: make(chan struct{})}, err
			}}})
			ctx, stop := context.WithCancel(t.Context())
			defer stop()
			in, err := c.Open(ctx, item.Blob{Ref: item.Ref{Kind: item.File, ID: root + "/file"}, Bytes: -1}, 0, -1)
			if err != nil {
				t.Fatal(err)
			}
			defer in.Close()
			now.Store(true)
			began := time.Now()
			time.AfterFunc(50*time.Millisecond, stop)
			if err := do(ctx, c, in); connector.ClassOf(err) != connector.Transient || err == nil {
				t.Errorf("%v, want class transient", err)
			}
			if took := time.Since(began); took > 2*grace+5*time.Second {
				t.Errorf("it took %s", took)
			}
		})
	}
}
