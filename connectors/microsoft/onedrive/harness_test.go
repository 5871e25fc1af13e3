package onedrive

import (
	"bytes"
	"errors"
	"io"
	"iter"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/rialto-migrate/rialto/connector"
	"github.com/rialto-migrate/rialto/connector/connectortest"
	"github.com/rialto-migrate/rialto/connectors/microsoft/standin"
	"github.com/rialto-migrate/rialto/item"
)

// contract is Graph's own, nil where it does not lie beside the repository.
var contract = sync.OnceValue(func() *connectortest.CSDL {
	f, err := os.Open(filepath.Join("..", "..", "..", "..", "shared", "contracts", "msgraph", "graph-v1.0-subset.csdl.xml"))
	if err != nil {
		return nil
	}
	defer f.Close()
	c, err := connectortest.ReadCSDL(f)
	if err != nil {
		panic(err)
	}
	return c
})

// TestContractIsThere says so where the exchanges of these tests are not held to the
// contract.
func TestContractIsThere(t *testing.T) {
	if contract() == nil {
		t.Skip("../shared/contracts/msgraph/graph-v1.0-subset.csdl.xml is missing: what is sent is not held to it")
	}
}

// inProcess answers requests by a handler, in the caller's goroutine: no socket keeps
// synctest's clock from moving.
type inProcess struct{ http.Handler }

func (h inProcess) RoundTrip(r *http.Request) (resp *http.Response, err error) {
	if err := r.Context().Err(); err != nil {
		return nil, err
	}
	in := r.Clone(r.Context())
	in.RequestURI = r.URL.RequestURI()
	in.Host = r.URL.Host
	if in.Body == nil {
		in.Body = http.NoBody
	}
	sent := &sentBody{in: in.Body}
	defer in.Body.Close()
	in.Body = io.NopCloser(sent)
	rec := httptest.NewRecorder()
	defer func() {
		p := recover()
		switch {
		case p != nil && p != http.ErrAbortHandler:
			panic(p)
		case sent.failed != nil: // what the sender's body failed with fails the request
			resp, err = nil, sent.failed
		case p != nil:
			resp, err = nil, io.ErrUnexpectedEOF
		}
	}()
	h.ServeHTTP(rec, in)
	resp = rec.Result()
	resp.Request = r
	return resp, nil
}

// sentBody keeps the error with which the sender's body ended, if it did: the server
// sees a cut connection then.
type sentBody struct {
	in     io.Reader
	failed error
}

func (b *sentBody) Read(p []byte) (int, error) {
	n, err := b.in.Read(p)
	if err != nil && err != io.EOF {
		b.failed, err = err, io.ErrUnexpectedEOF
	}
	return n, err
}

// A rig is a tenant with a connection to it.
type rig struct {
	t      *testing.T
	srv    *standin.Server
	set    connector.Settings
	wire   http.Handler // what the connection meets: the tenant, or something before it
	logs   bytes.Buffer
	stats  *connector.Stats
	cloud  connector.Cloud
	sealed map[string]string // secrets that were renewed
}

// as opens a connection as a person, or as the app for "".
func as(t *testing.T, o standin.Options, mail string) *rig {
	t.Helper()
	r := &rig{t: t, srv: tenant(o), stats: &connector.Stats{}, sealed: map[string]string{}}
	r.wire, r.set = r.srv, r.srv.Settings(base)
	if mail != "" {
		var err error
		if r.set, err = r.srv.DelegatedSettings(base, mail); err != nil {
			t.Fatal(err)
		}
	}
	r.open()
	return r
}

func (r *rig) open() {
	r.t.Helper()
	through := http.HandlerFunc(func(w http.ResponseWriter, q *http.Request) { r.wire.ServeHTTP(w, q) })
	log := slog.New(slog.NewTextHandler(&r.logs, &slog.HandlerOptions{Level: slog.LevelDebug}))
	caps := New().Capabilities(r.set)
	env := connector.Env{Settings: r.set, Log: log, Now: time.Now,
		HTTP:    connector.NewClient(connector.ClientOptions{Transport: way(r.t, through), Log: log, Stats: r.stats, Pacer: connector.NewPacer(caps.Quotas)}),
		Renewed: func(name, value string) error { r.sealed[name] = value; return nil }}
	cloud, err := New().Open(r.t.Context(), env)
	r.no(err)
	r.cloud = cloud
}

func (r *rig) no(err error) {
	r.t.Helper()
	if err != nil {
		r.t.Fatal(err)
	}
}

func (r *rig) source() connector.Source {
	r.t.Helper()
	s, err := r.cloud.Source(r.t.Context())
	r.no(err)
	return s
}

func (r *rig) target(place string) *target {
	r.t.Helper()
	d, err := r.cloud.Target(r.t.Context(), place)
	r.no(err)
	return d.(*target)
}

func (r *rig) user(mail string) string {
	r.t.Helper()
	for _, u := range r.srv.Users() {
		if u.Mail == mail {
			return u.ID
		}
	}
	r.t.Fatalf("there is no %s", mail)
	return ""
}

func (r *rig) driveOf(mail string) string {
	r.t.Helper()
	id, err := r.srv.DriveOf(mail)
	r.no(err)
	return id
}

func (r *rig) put(drive, at, text string) string {
	r.t.Helper()
	id, err := r.srv.Put(drive, at, []byte(text))
	r.no(err)
	return id
}

func (r *rig) list(drive string, from connector.Cursor) []connector.Page {
	r.t.Helper()
	return collect(r.t, r.source().List(r.t.Context(), connector.Shard{Ref: item.Ref{Kind: item.Drive, ID: drive}}, from))
}

func collect[T any](t *testing.T, seq iter.Seq2[T, error]) (out []T) {
	t.Helper()
	for v, err := range seq {
		if err != nil {
			t.Fatal(err)
		}
		out = append(out, v)
	}
	return out
}

func bundles(pages []connector.Page) (out []item.Bundle) {
	for _, p := range pages {
		out = append(out, p.Bundles...)
	}
	return out
}

// listedAs finds what is listed by a name.
func listedAs(t *testing.T, all []item.Bundle, kind item.Kind, name string) item.Bundle {
	t.Helper()
	for _, b := range all {
		if b.Item.Kind == kind && item.FileName.Get(b.Item) == name {
			return b
		}
	}
	t.Fatalf("no %s is listed by that name", kind)
	return item.Bundle{}
}

// file is a file that holds a text, in a folder.
func file(in item.Ref, name, text string) item.Item {
	it := item.Item{Ref: item.Ref{Kind: item.File}, Parent: in}
	item.FileName.Set(&it, name)
	item.Modified.Set(&it, time.Date(2020, 5, 6, 7, 8, 9, 0, time.UTC))
	it.Blob = &item.Blob{Ref: item.Ref{Kind: item.File, ID: name}, URL: text, Version: "1", Bytes: int64(len(text))}
	return it
}

// opener serves blobs whose address is their content.
func opener(b item.Blob, offset, n int64) (io.ReadCloser, error) {
	text := b.URL[offset:]
	if n >= 0 {
		text = text[:n]
	}
	return io.NopCloser(strings.NewReader(text)), nil
}

// write carries out one change.
func (r *rig) write(t *target, c connector.Change) connector.Result {
	r.t.Helper()
	all := collect(r.t, t.Write(r.t.Context(), []connector.Change{c}, opener))
	if len(all) != 1 {
		r.t.Fatalf("%d results", len(all))
	}
	return all[0]
}

// made carries out one change that must succeed.
func (r *rig) made(t *target, c connector.Change) item.Item {
	r.t.Helper()
	res := r.write(t, c)
	r.no(res.Err)
	return res.Stored.Item
}

// drive makes the container of the place.
func (r *rig) drive(t *target) item.Ref {
	r.t.Helper()
	return r.made(t, connector.Change{Op: connector.Create, Item: item.Item{Ref: item.Ref{Kind: item.Drive}}}).Ref
}

// fails holds an error against what it must say.
func fails(t *testing.T, what string, err error, class connector.Class, hint string) {
	t.Helper()
	e, ok := errors.AsType[*connector.Error](err)
	if !ok || e.Class != class || !strings.Contains(e.Hint, hint) || hint != "" && e.Hint == "" {
		t.Errorf("%s: %v of class %s, want %s with a hint that says %q", what, err, connector.ClassOf(err), class, hint)
	}
}
