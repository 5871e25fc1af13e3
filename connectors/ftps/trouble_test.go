package ftps

import (
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/rialto-migrate/rialto/connector"
	"github.com/rialto-migrate/rialto/connector/paths"
	"github.com/rialto-migrate/rialto/connectors/ftps/ftpstest"
	"github.com/rialto-migrate/rialto/item"
)

// A knife cuts TCP connections: each time when so many bytes went over all of them.
type knife struct {
	every, times int64
	carried      atomic.Int64
	cuts         atomic.Int64
}

// over takes note of bytes, and reports whether the connection that carries them is cut.
func (k *knife) over(n int) bool {
	if k.carried.Add(int64(n)) < k.every || k.cuts.Add(1) > k.times {
		return false
	}
	k.carried.Store(0)
	return true
}

// A cut conn is one that a knife may cut.
type cutConn struct {
	net.Conn
	k *knife
}

func (c *cutConn) Write(p []byte) (int, error) {
	if c.k.over(len(p)) {
		c.Close()
		return 0, syscall.ECONNRESET
	}
	return c.Conn.Write(p)
}

func (c *cutConn) Read(p []byte) (int, error) {
	n, err := c.Conn.Read(p)
	if err == nil && c.k.over(n) {
		c.Close()
		return 0, syscall.ECONNRESET
	}
	return n, err
}

// through is a connection that a knife cuts.
func through(srv *ftpstest.Server, k *knife) connector.ClientOptions {
	o := trusting(srv)
	o.Dialing.Connect = func(ctx context.Context, address string) (net.Conn, error) {
		conn, err := (&net.Dialer{}).DialContext(ctx, "tcp", address)
		if err != nil {
			return nil, err
		}
		return &cutConn{conn, k}, nil
	}
	return o
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

func create(dir, name string, content []byte) connector.Change {
	return connector.Change{Op: connector.Create, Item: aFile(paths.Drive(dir), name, int64(len(content)))}
}

// wants holds an error against its class; it has a hint.
func wants(t *testing.T, what string, err error, class connector.Class) {
	t.Helper()
	if e, ok := errors.AsType[*connector.Error](err); !ok || e.Class != class || e.Hint == "" {
		t.Errorf("%s: %v of class %s, want class %s and a hint", what, err, connector.ClassOf(err), class)
	}
}

// Wherever a connection is cut, a file stands whole under its name or not at all;
// one that stands there though its write failed is in doubt. The next try comes
// through, and leaves nothing beside.
func TestCut(t *testing.T) {
	srv := ftpstest.ProFTPD(t, ftpstest.Secured()...)
	content := bytes.Repeat([]byte("0123456789abcdef"), 8<<10) // 128 KiB
	whole := &knife{every: 1 << 40}
	if r := one(t, open(t, srv.Settings(), through(srv, whole)), "", create(srv.Dir, "whole", content), content); r.Err != nil {
		t.Fatal(r.Err)
	}
	all := whole.carried.Load()
	var doubts atomic.Int64
	write := func(name string, o connector.ClientOptions) connector.Result {
		c := open(t, srv.Settings(), o)
		defer c.Close() // the server has only so many
		return one(t, c, "", create(srv.Dir, name, content), content)
	}
	try := func(n, times int64) {
		name := fmt.Sprintf("%d-%d", n, times)
		r := write(name, through(srv, &knife{every: n, times: times}))
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
		if connector.InDoubt(r.Err) && err == nil {
			doubts.Add(1)
		}
		again := write(name, trusting(srv))
		if again.Err != nil || again.Adopted != (err == nil) {
			t.Errorf("cut after %d bytes, then again: adopted %v, %v", n, again.Adopted, again.Err)
		}
	}
	var wait sync.WaitGroup
	turn := make(chan struct{}, 8)
	at := func(n, times int64) {
		wait.Go(func() {
			turn <- struct{}{}
			defer func() { <-turn }()
			try(n, times)
		})
	}
	for n := int64(100); n < all; n = n*5/4 + 97 {
		at(n, 1)
	}
	for _, n := range []int64{700, 3000, 60_000} {
		at(n, 1<<30)
	}
	for n := all - 900; n < all; n += 30 { // the end: MFMT, MLST, RNFR, RNTO
		at(n, 1)
	}
	wait.Wait()
	if doubts.Load() == 0 {
		t.Error("no cut fell between a rename and its answer: the steps are too wide")
	}
	if left, _ := filepath.Glob(filepath.Join(srv.Dir, ".rialto-*")); len(left) > 0 {
		t.Errorf("%d files that were begun stay behind", len(left))
	}
}

// listed is the names of what a source lists, and what it does not carry.
func listed(t *testing.T, c *cloud, dir string) (names, unknown []string, whole bool) {
	t.Helper()
	src, err := c.Source(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for p, err := range src.List(t.Context(), connector.Shard{Ref: paths.Drive(dir)}, "") {
		if err != nil {
			t.Fatal(err)
		}
		whole = len(p.Whole) > 0
		for _, b := range p.Bundles {
			names, unknown = append(names, item.Name.Get(b.Item)), append(unknown, b.Unknown...)
		}
	}
	slices.Sort(names)
	slices.Sort(unknown)
	return names, unknown, whole
}

// Listings that are cut off are read again; none passes for whole that is not.
func TestCutListings(t *testing.T) {
	srv := ftpstest.ProFTPD(t, ftpstest.Secured()...)
	for i := range 300 {
		dir := filepath.Join(srv.Dir, fmt.Sprint(i%3))
		if err := errors.Join(os.MkdirAll(dir, 0o755), os.WriteFile(filepath.Join(dir, fmt.Sprint(i)), []byte("x"), 0o644)); err != nil {
			t.Fatal(err)
		}
	}
	for n := int64(5000); n < 60_000; n += 4001 {
		names, _, whole := listed(t, open(t, srv.Settings(), through(srv, &knife{every: n, times: 2})), srv.Dir)
		if len(names) != 304 || !whole {
			t.Errorf("cut after %d bytes: %d names of 304 are listed, whole %v", n, len(names), whole)
		}
	}
}

// What is neither a file nor a folder is told of, and not followed; what a killed run
// left is nobody's, and a folder that may not be read makes nothing count as deleted.
func TestSpecials(t *testing.T) {
	for name, test := range map[string]struct {
		directives, unknown []string
	}{
		// ProFTPD's MLSD leaves out links that lead nowhere, and has no word for a pipe.
		"MLSD": {nil, []string{"file.symlink", "file.symlink"}},
		"LIST": {[]string{"FactsAdvertise off", "<Limit MLSD MLST>", "DenyAll", "</Limit>"}, []string{"file.device", "file.symlink", "file.symlink", "file.symlink"}},
	} {
		t.Run(name, func(t *testing.T) {
			srv := ftpstest.ProFTPD(t, append(ftpstest.Secured(), test.directives...)...)
			outside := t.TempDir()
			err := errors.Join(
				os.WriteFile(filepath.Join(outside, "secret"), []byte("x"), 0o644),
				os.Symlink(outside, filepath.Join(srv.Dir, "link")),
				os.Symlink("nowhere", filepath.Join(srv.Dir, "dangling")),
				os.Symlink("file", filepath.Join(srv.Dir, "alias")),
				os.WriteFile(filepath.Join(srv.Dir, "file"), []byte("x"), 0o644),
				os.WriteFile(filepath.Join(srv.Dir, ".hidden"), []byte("x"), 0o644),
				os.WriteFile(paths.Beside(filepath.Join(srv.Dir, "begun")), []byte("begun"), 0o644))
			if test.directives != nil {
				err = errors.Join(err, syscall.Mkfifo(filepath.Join(srv.Dir, "pipe"), 0o644))
			}
			if err != nil {
				t.Fatal(err)
			}
			names, unknown, whole := listed(t, open(t, srv.Settings(), trusting(srv)), srv.Dir)
			if !slices.Equal(unknown, test.unknown) {
				t.Errorf("not carried: %q, want %q", unknown, test.unknown)
			}
			if want := []string{"", ".hidden", "file"}; !slices.Equal(names, want) || !whole {
				t.Errorf("listed: %q, want %q; whole %v", names, want, whole)
			}
		})
	}
}

// A name with a line break makes two lines of a listing: nothing counts as deleted then.
func TestUnsayableNames(t *testing.T) {
	srv := ftpstest.ProFTPD(t, ftpstest.Secured()...)
	if err := os.WriteFile(filepath.Join(srv.Dir, "two\nlines"), nil, 0o644); err != nil {
		t.Fatal(err)
	}
	_, unknown, whole := listed(t, open(t, srv.Settings(), trusting(srv)), srv.Dir)
	if whole || !slices.Contains(unknown, "file.unreadable") {
		t.Errorf("a name with a line break: whole %v, not carried %q", whole, unknown)
	}
	r := one(t, open(t, srv.Settings(), trusting(srv)), "", create(srv.Dir, "more\nDELE two", nil), nil)
	wants(t, "writing such a name", r.Err, connector.Permanent)
}

// A folder of ours in which people put something stays; what a killed run left does
// not keep it.
func TestDeleteFolder(t *testing.T) {
	srv := ftpstest.ProFTPD(t, ftpstest.Secured()...)
	for _, name := range []string{"theirs/new", paths.Beside("ours/begun")} {
		at := filepath.Join(srv.Dir, name)
		if err := errors.Join(os.Mkdir(filepath.Dir(at), 0o755), os.WriteFile(at, []byte("x"), 0o644)); err != nil {
			t.Fatal(err)
		}
	}
	tg, err := open(t, srv.Settings(), trusting(srv)).Target(t.Context(), "")
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
	srv := ftpstest.ProFTPD(t, ftpstest.Secured()...)
	at := filepath.Join(srv.Dir, "file")
	if err := os.WriteFile(at, bytes.Repeat([]byte("a"), 3<<20), 0o644); err != nil {
		t.Fatal(err)
	}
	src, _ := open(t, srv.Settings(), trusting(srv)).Source(t.Context())
	for b, err := range src.Fetch(t.Context(), connector.Shard{Ref: paths.Drive(srv.Dir)}, []item.Ref{{Kind: item.File, ID: at}}) {
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
		other := filepath.Join(srv.Dir, "other")
		if err := errors.Join(os.WriteFile(other, bytes.Repeat([]byte("b"), 3<<20), 0o644), os.Rename(other, at)); err != nil {
			t.Fatal(err)
		}
		if _, err := io.ReadAll(in); connector.ClassOf(err) != connector.Conflict {
			t.Errorf("reading on: %v, want a conflict", err)
		}
	}
}

// A caller who gives up is let go, in the midst of a file.
func TestStopped(t *testing.T) {
	srv := ftpstest.ProFTPD(t, ftpstest.Secured()...)
	c := open(t, srv.Settings(), trusting(srv))
	tg, err := c.Target(t.Context(), "")
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	endless := func(item.Blob, int64, int64) (io.ReadCloser, error) {
		time.AfterFunc(100*time.Millisecond, cancel)
		return io.NopCloser(zeros{}), nil
	}
	began := time.Now()
	for r, err := range tg.Write(ctx, []connector.Change{{Op: connector.Create, Item: aFile(paths.Drive(srv.Dir), "endless", -1)}}, endless) {
		if err = errors.Join(err, r.Err); err == nil {
			t.Error("an endless file was written")
		}
	}
	if took := time.Since(began); took > 2*grace {
		t.Errorf("it took %s to give up", took)
	}
	if left, _ := os.ReadDir(srv.Dir); len(left) > 0 {
		t.Errorf("%d files stay behind", len(left))
	}
}

type zeros struct{}

func (zeros) Read(p []byte) (int, error) { clear(p); return len(p), nil }

func TestFullDisk(t *testing.T) {
	srv := ftpstest.ProFTPD(t, ftpstest.Secured()...)
	disk := filepath.Join(srv.Dir, "disk")
	if err := os.Mkdir(disk, 0o755); err != nil {
		t.Fatal(err)
	}
	if err := syscall.Mount("tmpfs", disk, "tmpfs", 0, "size=1m"); err != nil {
		t.Skipf("no disk of its own can be mounted here: %v", err)
	}
	defer func() { _ = syscall.Unmount(disk, syscall.MNT_DETACH) }()
	content := make([]byte, 3<<20)
	r := one(t, open(t, srv.Settings(), trusting(srv)), "disk", create(disk, "large", content), content)
	wants(t, "writing to a full disk", r.Err, connector.Full)
	if left, _ := os.ReadDir(disk); len(left) > 0 {
		t.Errorf("%d files stay on the full disk", len(left))
	}
}

// The folder of a file is made again if it went away meanwhile.
func TestFolderGone(t *testing.T) {
	srv := ftpstest.ProFTPD(t, ftpstest.Secured()...)
	change := create(srv.Dir, "file", []byte("abc"))
	change.Item.Parent = item.Ref{Kind: item.Folder, ID: srv.Dir + "/a/b"}
	r := one(t, open(t, srv.Settings(), trusting(srv)), "", change, []byte("abc"))
	if r.Err != nil {
		t.Fatal(r.Err)
	}
	if have, err := os.ReadFile(filepath.Join(srv.Dir, "a/b/file")); err != nil || string(have) != "abc" {
		t.Errorf("%q, %v", have, err)
	}
}

// A connection of a source writes nothing.
func TestReadOnly(t *testing.T) {
	srv := ftpstest.ProFTPD(t, ftpstest.Secured()...)
	o := trusting(srv)
	o.Guard = &connector.Guard{}
	c := open(t, srv.Settings(), o)
	wants(t, "writing", one(t, c, "", create(srv.Dir, "file", []byte("x")), []byte("x")).Err, connector.Forbidden)
	tg, _ := c.Target(t.Context(), "")
	if _, err := tg.Delete(t.Context(), paths.Drive(srv.Dir), item.Ref{Kind: item.File, ID: srv.Dir + "/x"}, nil); err == nil {
		t.Error("a source deletes")
	}
}

// A server that allows few connections gets no more, and all is done.
func TestFewConnections(t *testing.T) {
	srv := ftpstest.ProFTPD(t, append(ftpstest.Secured(), "MaxClientsPerUser 2")...)
	c := open(t, srv.Settings(), trusting(srv))
	tg, err := c.Target(t.Context(), "")
	if err != nil {
		t.Fatal(err)
	}
	var changes []connector.Change
	for i := range side {
		changes = append(changes, create(srv.Dir, fmt.Sprint(i), []byte("abc")))
	}
	read := func(item.Blob, int64, int64) (io.ReadCloser, error) {
		return io.NopCloser(strings.NewReader("abc")), nil
	}
	for r, err := range tg.Write(t.Context(), changes, read) {
		if err = errors.Join(err, r.Err); err != nil {
			t.Error(err)
		}
	}
	if names, _, _ := listed(t, c, srv.Dir); len(names) != side+1 {
		t.Errorf("%d names, want %d files and their drive", len(names), side)
	}
}

// Who refuses whom when a connection is begun, and what the user is told.
func TestSignIn(t *testing.T) {
	secured := ftpstest.ProFTPD(t, ftpstest.Secured()...)
	plain := ftpstest.ProFTPD(t)
	bound := ftpstest.ProFTPD(t, append(ftpstest.Secured(), "TLSProtocol TLSv1.2")...) // wants sessions to go on, and gives no tickets
	unbound := ftpstest.ProFTPD(t, append(ftpstest.Secured(), "TLSProtocol TLSv1.2", "TLSOptions NoSessionReuseRequired")...)
	far := trusting(plain)
	far.Dialing.Connect = func(ctx context.Context, address string) (net.Conn, error) {
		conn, err := (&net.Dialer{}).DialContext(ctx, "tcp", address)
		return &farConn{conn}, err
	}
	for _, c := range []struct {
		name  string
		set   connector.Settings
		o     connector.ClientOptions
		class connector.Class // "" if it goes well
		says  string
	}{
		{"all is well", secured.Settings(), trusting(secured), "", ""},
		{"a wrong password", with(secured, connector.Settings{"password": "wrong"}), trusting(secured), connector.Auth, "password"},
		{"an account that is none", with(secured, connector.Settings{"user": "bob"}), trusting(secured), connector.Auth, "password"},
		{"a certificate of nobody's", secured.Settings(), connector.ClientOptions{}, connector.Permanent, "vouches"},
		{"a certificate for another name", with(secured, connector.Settings{"url": strings.Replace(secured.Settings()["url"], "127.0.0.1", "localhost", 1)}), trusting(secured), connector.Permanent, "another name"},
		{"no TLS there", plain.Settings(), trusting(plain), connector.Permanent, "no TLS"},
		{"no TLS asked for, where it must be", with(secured, connector.Settings{setTLS: tlsNone}), trusting(secured), connector.Auth, ""},
		{"in the clear, and far away", with(plain, connector.Settings{setTLS: tlsNone}), far, connector.Permanent, "in the clear"},
		{"implicit TLS where it is explicit", with(secured, connector.Settings{setTLS: tlsImplicit}), trusting(secured), connector.Permanent, "something else"},
		{"TLS that is too old", connector.Settings{"url": "ftps://" + old(t), "user": "ann", "password": "x", setTLS: tlsImplicit}, connector.ClientOptions{}, connector.Permanent, "TLS 1.2"},
		{"sessions that cannot go on", bound.Settings(), trusting(bound), connector.Permanent, "TLS session"},
		{"sessions that need not", unbound.Settings(), trusting(unbound), "", ""},
		{"a folder that is not there", with(secured, connector.Settings{setFolder: "/nowhere/at/all"}), trusting(secured), connector.Permanent, "not there"},
	} {
		t.Run(c.name, func(t *testing.T) {
			cl := open(t, c.set, c.o)
			id, err := cl.Check(t.Context())
			if err == nil {
				_, err = cl.entries(t.Context(), id.Settings[setFolder])
			}
			if c.class == "" {
				if err != nil || id.Settings[setTimes] != timesMFMT {
					t.Errorf("%v, %+v", err, id)
				}
				return
			}
			wants(t, "signing in", err, c.class)
			if err != nil && !strings.Contains(err.Error(), c.says) {
				t.Errorf("it says %q, and nothing of %q", err, c.says)
			}
		})
	}
}

// A farConn seems to lead over a network.
type farConn struct{ net.Conn }

func (farConn) RemoteAddr() net.Addr { return &net.TCPAddr{IP: net.IPv4(192, 0, 2, 1), Port: 21} }

// old is the address of a server whose TLS is too old.
func old(t *testing.T) string {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	go func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			go func() {
				defer conn.Close()
				_ = tls.Server(conn, &tls.Config{MinVersion: tls.VersionTLS10, MaxVersion: tls.VersionTLS11}).Handshake()
			}()
		}
	}()
	return l.Addr().String()
}

// Settings that mean nothing are refused before anything is sent.
func TestSettings(t *testing.T) {
	for _, c := range []struct {
		set           connector.Settings
		address, mode string // "" where they are refused
	}{
		{connector.Settings{"url": "ftps://x"}, "x:21", tlsExplicit},
		{connector.Settings{"url": "ftps://x:990"}, "x:990", tlsImplicit},
		{connector.Settings{"url": "ftps://x", "tls": "implicit"}, "x:990", tlsImplicit},
		{connector.Settings{"url": "ftps://[::1]:2121/", "tls": "none"}, "[::1]:2121", tlsNone},
		{connector.Settings{"url": "ftp://x"}, "", ""},
		{connector.Settings{"url": "ftps://ann:pw@x"}, "", ""},
		{connector.Settings{"url": "ftps://x/folder"}, "", ""},
		{connector.Settings{"url": "ftps://x", "tls": "maybe"}, "", ""},
		{connector.Settings{"url": "ftps://x", "times": "maybe"}, "", ""},
		{connector.Settings{"url": "ftps://x", "settle-delay": "soon"}, "", ""},
	} {
		cfg, err := parseConfig(c.set)
		if c.address == "" {
			wants(t, fmt.Sprint(c.set), err, connector.Permanent)
		} else if err != nil || cfg.address != c.address || cfg.mode != c.mode {
			t.Errorf("%v: %s, %s, %v", c.set, cfg.address, cfg.mode, err)
		}
	}
}
