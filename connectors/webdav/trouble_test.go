package webdav

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
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
	"github.com/rialto-migrate/rialto/connectors/webdav/webdavtest"
	"github.com/rialto-migrate/rialto/item"
)

func aFile(parent item.Ref, name string, size int64) item.Item {
	it := item.Item{Ref: item.Ref{Kind: item.File}, Parent: parent, Blob: &item.Blob{Bytes: size}}
	item.Name.Set(&it, name)
	item.Modified.Set(&it, time.Date(2001, 2, 3, 4, 5, 6, 0, time.UTC))
	return it
}

// one writes one change.
func one(t testing.TB, c connector.Cloud, change connector.Change, content []byte) connector.Result {
	t.Helper()
	tg, err := c.Target(t.Context(), "")
	if err != nil {
		t.Fatal(err)
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

func create(parent item.Ref, name string, content []byte) connector.Change {
	return connector.Change{Op: connector.Create, Item: aFile(parent, name, int64(len(content)))}
}

// quick tries again at once.
func quick(o connector.ClientOptions) connector.ClientOptions {
	o.Backoff = func(int, time.Duration) time.Duration { return 2 * time.Millisecond }
	return o
}

// A cutting conn is cut after so many bytes were written.
type cutting struct {
	net.Conn
	left int
}

func (c *cutting) Write(p []byte) (int, error) {
	if c.left -= len(p); c.left < 0 {
		c.Close()
		return 0, syscall.ECONNRESET
	}
	return c.Conn.Write(p)
}

// through is a connection of which the first TCP connections are cut after n bytes.
func through(n int, times int64) connector.ClientOptions {
	var dialled atomic.Int64
	tr := connector.NewTransport()
	tr.WriteBufferSize = 512 // so that cuts fall everywhere
	tr.DialContext = func(ctx context.Context, network, address string) (net.Conn, error) {
		conn, err := (&net.Dialer{}).DialContext(ctx, network, address)
		if err != nil || dialled.Add(1) > times {
			return conn, err
		}
		return &cutting{conn, n}, nil
	}
	return quick(connector.ClientOptions{Transport: tr})
}

// Wherever a connection is cut, a file stands whole under its name or not at all;
// one that stands there though its write failed is in doubt, and the next try comes
// through.
func TestCut(t *testing.T) {
	content := bytes.Repeat([]byte("0123456789abcdef"), 1<<10) // 16 KiB
	for kind, start := range servers() {
		t.Run(string(kind), func(t *testing.T) {
			srv := start(t)
			set := learned(t, settings(srv))
			top := paths.Drive(open(t, set, connector.ClientOptions{}).cfg.root)
			var all sync.WaitGroup
			for n := 0; n < 20_000; n += 613 {
				for _, times := range []int64{1, 1 << 30} {
					all.Go(func() {
						name := fmt.Sprintf("%d-%d", n, times)
						r := one(t, open(t, set, through(n, times)), create(top, name, content), content)
						time.Sleep(50 * time.Millisecond) // what was cut off may still land
						have, err := os.ReadFile(filepath.Join(srv.Dir, name))
						switch {
						case err == nil && !bytes.Equal(have, content):
							t.Errorf("cut after %d bytes: %d bytes stand under the name", n, len(have))
						case err == nil && r.Err != nil && !connector.InDoubt(r.Err):
							t.Errorf("cut after %d bytes: the file is there, and there is no doubt: %v", n, r.Err)
						case err != nil && r.Err == nil:
							t.Errorf("cut after %d bytes: written, and not there", n)
						}
						again := one(t, open(t, set, quick(connector.ClientOptions{})), create(top, name, content), content)
						if connector.ClassOf(again.Err) == connector.Transient && again.Err != nil {
							// rclone ends what was cut off when it likes, under the name that is written now.
							again = one(t, open(t, set, quick(connector.ClientOptions{})), create(top, name, content), content)
						}
						if again.Err != nil || again.Adopted != (err == nil) {
							t.Errorf("cut after %d bytes, then again: adopted %v, %v", n, again.Adopted, again.Err)
						}
					})
				}
			}
			all.Wait()
		})
	}
}

// What Apache refuses has a class and says what to do, and nothing is left behind.
func TestRefused(t *testing.T) {
	srv := webdavtest.Apache(t, "LimitRequestBody 100000")
	shut(t, srv)
	srv.Put(t, "locked", []byte("x"))
	set := learned(t, settings(srv))
	c := open(t, set, quick(connector.ClientOptions{}))
	lock(t, srv, "/locked")
	for _, tt := range []struct {
		name   string
		change connector.Change
		size   int
		want   connector.Class
	}{
		{"too large", create(paths.Drive("/dav"), "large", make([]byte, 200_000)), 200_000, connector.Permanent},
		{"not permitted", create(item.Ref{Kind: item.Folder, ID: "/dav/closed"}, "file", []byte("x")), 1, connector.Forbidden},
		{"locked", connector.Change{Op: connector.Update, Item: func() item.Item {
			it := aFile(paths.Drive("/dav"), "locked", 2)
			it.ID = "/dav/locked"
			return it
		}()}, 2, connector.Transient},
		{"a name too long", create(paths.Drive("/dav"), strings.Repeat("n", 300), []byte("x")), 1, connector.Forbidden}, // Apache's word for it
		{"a file for a folder", create(item.Ref{Kind: item.Folder, ID: "/dav/locked"}, "file", []byte("x")), 1, connector.Permanent},
	} {
		r := one(t, c, tt.change, make([]byte, tt.size))
		e, ok := errors.AsType[*connector.Error](r.Err)
		if !ok || e.Class != tt.want {
			t.Errorf("%s: %v, want class %s", tt.name, r.Err, tt.want)
			continue
		}
		if strings.Contains(e.Error(), "nnn") || strings.Contains(e.Error(), "locked/") {
			t.Errorf("%s: a name is in the error: %v", tt.name, e)
		}
	}
}

// shut makes a folder, closed, that the server may not enter.
func shut(t *testing.T, srv *webdavtest.Server) {
	t.Helper()
	srv.Put(t, "closed/x", []byte("x"))
	at := filepath.Join(srv.Dir, "closed")
	if err := os.Chmod(at, 0); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.Chmod(at, 0o755) })
}

// lock locks a path, as an office program does that has it open.
func lock(t *testing.T, srv *webdavtest.Server, path string) {
	t.Helper()
	body := `<?xml version="1.0"?><d:lockinfo xmlns:d="DAV:"><d:lockscope><d:exclusive/></d:lockscope><d:locktype><d:write/></d:locktype></d:lockinfo>`
	q, err := http.NewRequestWithContext(t.Context(), "LOCK", srv.URL+path, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	q.SetBasicAuth(srv.User, srv.Password)
	resp, err := http.DefaultClient.Do(q)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		t.Fatalf("LOCK: %s", resp.Status)
	}
}

func TestFullDisk(t *testing.T) {
	srv := webdavtest.Apache(t)
	srv.Put(t, "disk/x", nil)
	disk := filepath.Join(srv.Dir, "disk")
	if err := syscall.Mount("tmpfs", disk, "tmpfs", 0, "size=1m,mode=0777"); err != nil {
		t.Skipf("no disk of its own can be mounted here: %v", err)
	}
	defer func() { _ = syscall.Unmount(disk, syscall.MNT_DETACH) }()
	content := make([]byte, 3<<20)
	r := one(t, open(t, learned(t, settings(srv)), quick(connector.ClientOptions{})), create(item.Ref{Kind: item.Folder, ID: "/dav/disk"}, "large", content), content)
	if e, ok := errors.AsType[*connector.Error](r.Err); !ok || e.Class != connector.Full || e.Hint == "" {
		t.Errorf("writing to a full disk: %v, want class full and a hint", r.Err)
	}
	if left, _ := os.ReadDir(disk); len(left) > 0 {
		t.Errorf("%d files stay on the full disk", len(left))
	}
}

// A listing whose answers are cut off goes on, each file once; a folder that may not
// be read is told of, and nothing counts as deleted.
func TestListingInTrouble(t *testing.T) {
	srv := webdavtest.Apache(t)
	want := []string{""}
	for i := range 2500 {
		name := fmt.Sprintf("file %d", i)
		srv.Put(t, name, []byte("x"))
		want = append(want, name)
	}
	shut(t, srv)
	srv.Put(t, ".rialto-0123456789abcdef01234567", []byte("begun"))
	want = append(want, "closed")
	cuts := &cuttingAnswers{next: connector.NewTransport(), after: 400_000}
	src, err := open(t, learned(t, settings(srv)), quick(connector.ClientOptions{Transport: cuts})).Source(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	var names, unknown, whole []string
	for p, err := range src.List(t.Context(), connector.Shard{Ref: paths.Drive("/dav")}, "") {
		if err != nil {
			t.Fatal(err)
		}
		for _, b := range p.Bundles {
			names = append(names, item.Name.Get(b.Item))
			unknown = append(unknown, b.Unknown...)
		}
		for _, k := range p.Whole {
			whole = append(whole, string(k))
		}
	}
	slices.Sort(names)
	slices.Sort(want)
	if !slices.Equal(names, want) {
		t.Errorf("%d items are listed, want %d, each once", len(names), len(want))
	}
	if cuts.n.Load() < 2 {
		t.Errorf("only %d answers were cut", cuts.n.Load())
	}
	if !slices.Equal(unknown, []string{"folder.unreadable"}) || len(whole) > 0 {
		t.Errorf("a folder that may not be read: %q is not carried, and %q is whole", unknown, whole)
	}
}

// cuttingAnswers cuts the answers to PROPFIND: each comes further than the one before.
type cuttingAnswers struct {
	next  http.RoundTripper
	after int64
	n     atomic.Int64
}

func (c *cuttingAnswers) RoundTrip(q *http.Request) (*http.Response, error) {
	resp, err := c.next.RoundTrip(q)
	if err == nil && q.Method == "PROPFIND" && q.Header.Get("Depth") == "1" {
		resp.Body = &cutBody{ReadCloser: resp.Body, left: c.after * (c.n.Load() + 1), cut: func() { c.n.Add(1) }}
	}
	return resp, err
}

type cutBody struct {
	io.ReadCloser
	left int64
	cut  func()
}

func (c *cutBody) Read(p []byte) (int, error) {
	if c.left <= 0 {
		c.cut()
		return 0, io.ErrUnexpectedEOF
	}
	n, err := c.ReadCloser.Read(p[:min(int64(len(p)), c.left)])
	c.left -= int64(n)
	return n, err
}

// A folder of ours in which people put something stays, whatever the server would
// do.
func TestDeleteFolder(t *testing.T) {
	for kind, start := range servers() {
		t.Run(string(kind), func(t *testing.T) {
			srv := start(t)
			srv.Put(t, "theirs/new", []byte("x"))
			srv.Put(t, "ours/.rialto-0123456789abcdef01234567", []byte("begun"))
			c := open(t, learned(t, settings(srv)), connector.ClientOptions{})
			tg, _ := c.Target(t.Context(), "")
			for name, want := range map[string]bool{"theirs": false, "ours": true} {
				removed, err := tg.Delete(t.Context(), paths.Drive(c.cfg.root), item.Ref{Kind: item.Folder, ID: connector.Below(c.cfg.root, name)}, func(item.Bundle) bool { return true })
				if err != nil || removed != want {
					t.Errorf("the folder %q: removed %v, %v; want %v", name, removed, err, want)
				}
			}
			if removed, err := tg.Delete(t.Context(), paths.Drive(c.cfg.root), paths.Drive(c.cfg.root), func(item.Bundle) bool { return true }); removed || err != nil {
				t.Errorf("the folder of the connection: removed %v, %v", removed, err)
			}
		})
	}
}

// To Nextcloud one request a file is enough: it carries the time, the sum and the
// condition, and its answer tells the version.
func TestOneRequestAFile(t *testing.T) {
	var asked []string
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, q *http.Request) {
		asked = append(asked, q.Method)
		for name, want := range map[string]string{"If-None-Match": "*", "X-OC-Mtime": "981173106", "OC-Checksum": "SHA1:ab", "Authorization": "Bearer a token"} {
			if got := q.Header.Get(name); got != want {
				t.Errorf("%s: %q, want %q", name, got, want)
			}
		}
		w.Header().Set("OC-ETag", `"v1"`)
		w.WriteHeader(http.StatusCreated)
	}))
	defer srv.Close()
	set := connector.Settings{"url": srv.URL + "/remote.php/dav/files/ann/", "token": "a token", "server": "owncloud"}
	change := create(paths.Drive("/remote.php/dav/files/ann"), "ä %", []byte("x"))
	change.Item.Blob.Sums = []item.Sum{{Algorithm: "sha1", Hex: "ab"}}
	r := one(t, open(t, set, connector.ClientOptions{}), change, []byte("x"))
	if r.Err != nil || !slices.Equal(asked, []string{"PUT"}) {
		t.Fatalf("%q were asked, %v", asked, r.Err)
	}
	it := r.Stored.Item
	if it.ID != "/remote.php/dav/files/ann/ä %" || it.Blob.Version != "v1" || !item.Modified.Get(it).Equal(item.Modified.Get(change.Item)) || len(it.Blob.Sums) != 1 {
		t.Errorf("stored: %+v, %+v", it, it.Blob)
	}
}

// An answer that was lost is asked for again by writing again: the file is ours, and
// an undo removes it. One that somebody else put there stays theirs.
func TestAnswerLost(t *testing.T) {
	srv := webdavtest.Apache(t)
	srv.Put(t, "theirs", []byte("x"))
	set := learned(t, settings(srv))
	for name, adopted := range map[string]bool{"ours": false, "theirs": true} {
		lost := &losing{next: connector.NewTransport(), most: map[string]int64{"ours": 2}[name]}
		r := one(t, open(t, set, quick(connector.ClientOptions{Transport: lost})), create(paths.Drive("/dav"), name, []byte("x")), []byte("x"))
		if r.Err != nil || r.Adopted != adopted || lost.n.Load() < lost.most {
			t.Errorf("%s: adopted %v, %v, after %d lost answers", name, r.Adopted, r.Err, lost.n.Load())
		}
	}
	lost := &losing{next: connector.NewTransport(), most: 100}
	r := one(t, open(t, set, quick(connector.ClientOptions{Transport: lost})), create(paths.Drive("/dav"), "never told", []byte("x")), []byte("x"))
	if !connector.InDoubt(r.Err) {
		t.Errorf("no answer ever: %v, want doubt", r.Err)
	}
}

// losing loses the first answers to PUT.
type losing struct {
	next http.RoundTripper
	most int64
	n    atomic.Int64
}

func (l *losing) RoundTrip(q *http.Request) (*http.Response, error) {
	resp, err := l.next.RoundTrip(q)
	if err == nil && q.Method == http.MethodPut && l.n.Add(1) <= l.most {
		resp.Body.Close()
		return nil, io.ErrUnexpectedEOF
	}
	return resp, err
}
