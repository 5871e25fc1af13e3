package planner

import (
	"bytes"
	"context"
	"io"
	"iter"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/rialto-migrate/rialto/connector"
	"github.com/rialto-migrate/rialto/connector/connectortest"
	shared "github.com/rialto-migrate/rialto/connector/standin"
	"github.com/rialto-migrate/rialto/connectors/microsoft/standin"
	"github.com/rialto-migrate/rialto/item"
)

// A rig is a tenant of the stand-in with a connection to it.
type rig struct {
	t      *testing.T
	srv    *standin.Server
	group  string
	people []string // ids
	log    *bytes.Buffer
	stats  *connector.Stats
	faults http.Handler // the tenant behind faults, nil for none
	cloud  connector.Cloud
	src    connector.Source
	dst    connector.Target
}

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

// TestContractIsThere says so where the exchanges of these tests are not held
// to the contract.
func TestContractIsThere(t *testing.T) {
	if contract() == nil {
		t.Skip("../shared/contracts/msgraph/graph-v1.0-subset.csdl.xml is missing: what is sent is not held to it")
	}
}

const base = "http://graph.test"

// tenant makes a tenant with three people and a group, and connects as the app or
// as the first person.
func tenant(t *testing.T, o standin.Options, delegated bool, more ...string) *rig {
	t.Helper()
	if o.ProvisioningDelay == 0 {
		o.ProvisioningDelay = -1
	}
	o.Users = []standin.User{{Name: "Ann Lee", Mail: "ann@contoso.test"}, {Name: "Bob Øst", Mail: "bob@contoso.test"}, {Name: "田中", Mail: "tanaka@contoso.test"}}
	r := &rig{t: t, srv: standin.New(o), log: &bytes.Buffer{}, stats: &connector.Stats{}}
	for _, u := range r.srv.Users() {
		r.people = append(r.people, u.ID)
	}
	r.group = r.srv.AddGroup("Marketing", r.people[0])
	r.connect(delegated, more...)
	return r
}

func (r *rig) connect(delegated bool, more ...string) {
	r.t.Helper()
	s := r.srv.Settings(base)
	if delegated {
		var err error
		if s, err = r.srv.DelegatedSettings(base, r.people[0]); err != nil {
			r.t.Fatal(err)
		}
	}
	for i := 0; i+1 < len(more); i += 2 {
		s[more[i]] = more[i+1]
	}
	log := slog.New(slog.NewTextHandler(r.log, &slog.HandlerOptions{Level: slog.LevelDebug}))
	var wire http.RoundTripper = inProcess{r}
	if c := contract(); c != nil {
		wire = connectortest.Watch{Contract: c, Test: r.t, Refused: true}.Transport(wire)
	}
	env := connector.Env{Settings: s, Log: log, Now: time.Now, Renewed: func(string, string) error { return nil },
		HTTP: connector.NewClient(connector.ClientOptions{Transport: wire, Log: log, Stats: r.stats})}
	cloud, err := New().Open(r.t.Context(), env)
	if err != nil {
		r.t.Fatal(err)
	}
	r.cloud = cloud
	if r.src, err = cloud.Source(r.t.Context()); err != nil {
		r.t.Fatal(err)
	}
	if r.dst, err = cloud.Target(r.t.Context(), "group:Marketing"); err != nil {
		r.t.Fatal(err)
	}
}

// ServeHTTP is the tenant as the connection meets it.
func (r *rig) ServeHTTP(w http.ResponseWriter, q *http.Request) {
	if r.faults != nil {
		r.faults.ServeHTTP(w, q)
		return
	}
	r.srv.ServeHTTP(w, q)
}

// faulty lets faults happen from here on.
func (r *rig) faulty(f shared.Faults, seed uint64) { r.faults = f.Wrap(r.srv, seed) }

// hold cuts the next POST to an address with this end whose body holds a text.
// The returned function lets it land after all, and tells its status.
func (r *rig) hold(end, text string) (land func() int) {
	var held *http.Request
	r.faults = http.HandlerFunc(func(w http.ResponseWriter, q *http.Request) {
		body, err := io.ReadAll(q.Body)
		if err != nil {
			r.t.Error(err)
		}
		whole := q.Clone(r.ctx())
		whole.Body = io.NopCloser(bytes.NewReader(body))
		if held == nil && q.Method == http.MethodPost && strings.HasSuffix(q.URL.Path, end) && bytes.Contains(body, []byte(text)) {
			held = whole
			panic(http.ErrAbortHandler)
		}
		r.srv.ServeHTTP(w, whole)
	})
	return func() int {
		r.t.Helper()
		if held == nil {
			r.t.Fatal("no request was held back")
		}
		answer := httptest.NewRecorder()
		r.srv.ServeHTTP(answer, held)
		return answer.Code
	}
}

func (r *rig) ctx() context.Context { return r.t.Context() }

// write writes changes and fails the test at an error.
func (r *rig) write(changes ...connector.Change) []item.Bundle {
	r.t.Helper()
	var out []item.Bundle
	for res, err := range r.dst.Write(r.ctx(), changes, opener) {
		if err != nil {
			r.t.Fatal(err)
		}
		if res.Err != nil {
			r.t.Fatalf("change %d: %v", len(out), res.Err)
		}
		out = append(out, res.Stored)
	}
	if len(out) != len(changes) {
		r.t.Fatalf("%d results for %d changes", len(out), len(changes))
	}
	return out
}

// failing writes changes and returns their errors.
func (r *rig) failing(changes ...connector.Change) []error {
	r.t.Helper()
	var out []error
	for res, err := range r.dst.Write(r.ctx(), changes, opener) {
		if err != nil {
			r.t.Fatal(err)
		}
		out = append(out, res.Err)
	}
	return out
}

func collect[T any](t *testing.T, seq iter.Seq2[T, error]) []T {
	t.Helper()
	var out []T
	for v, err := range seq {
		if err != nil {
			t.Fatal(err)
		}
		out = append(out, v)
	}
	return out
}

func (r *rig) fetch(board item.Ref, refs ...item.Ref) []item.Bundle {
	r.t.Helper()
	return collect(r.t, r.dst.Fetch(r.ctx(), board, refs))
}

func (r *rig) fetchOne(board, ref item.Ref) item.Bundle {
	r.t.Helper()
	all := r.fetch(board, ref)
	if len(all) != 1 {
		r.t.Fatalf("%d items for %s", len(all), ref)
	}
	return all[0]
}

func (r *rig) list(board item.Ref, from connector.Cursor) []connector.Page {
	r.t.Helper()
	return collect(r.t, r.src.List(r.ctx(), connector.Shard{Ref: board}, from))
}

func bundles(pages []connector.Page) []item.Bundle {
	var out []item.Bundle
	for _, p := range pages {
		out = append(out, p.Bundles...)
	}
	return out
}

func kindOf(bs []item.Bundle, k item.Kind) []item.Bundle {
	return slices.DeleteFunc(slices.Clone(bs), func(b item.Bundle) bool { return b.Item.Kind != k })
}

// print is what the engine keeps of a bundle.
func print(b item.Bundle) item.Digest {
	return item.NewDigester([]byte("key")).Items(func(item.Kind, item.Field) bool { return true }, append([]item.Item{b.Item}, b.Children...)...)
}

// board makes a plan and returns its ref.
func (r *rig) board(name string, people ...string) item.Ref {
	r.t.Helper()
	it := item.Item{Ref: item.Ref{Kind: item.Board}}
	item.Name.Set(&it, name)
	item.Members.Set(&it, people)
	return r.write(connector.Change{Op: connector.Create, Item: it})[0].Item.Ref
}

func (r *rig) lists(board item.Ref, names ...string) []item.Ref {
	r.t.Helper()
	var changes []connector.Change
	for i, n := range names {
		it := item.Item{Ref: item.Ref{Kind: item.List}, Parent: board}
		item.Name.Set(&it, n)
		changes = append(changes, connector.Change{Op: connector.Create, Item: it, AfterPrevious: i > 0})
	}
	var out []item.Ref
	for _, b := range r.write(changes...) {
		out = append(out, b.Item.Ref)
	}
	return out
}

// newTask is a create of a plain task.
func newTask(board, list item.Ref, title, mark string) connector.Change {
	it := item.Item{Ref: item.Ref{Kind: item.Task}, Parent: board}
	item.Title.Set(&it, title)
	item.InList.Set(&it, list)
	return connector.Change{Op: connector.Create, Item: it, Mark: carrier(mark)}
}

// opener serves blobs whose address holds their content.
func opener(b item.Blob, offset, n int64) (io.ReadCloser, error) {
	content := b.URL
	if rest, ok := strings.CutPrefix(content, "big:"); ok {
		content = strings.Repeat(rest, int(b.Bytes)/len(rest)+1)[:b.Bytes]
	}
	content = content[min(int(offset), len(content)):]
	if n >= 0 {
		content = content[:min(int(n), len(content))]
	}
	return io.NopCloser(strings.NewReader(content)), nil
}

func attachment(name string, set func(*item.Item)) item.Item {
	it := item.Item{Ref: item.Ref{Kind: item.Attachment}}
	item.Name.Set(&it, name)
	set(&it)
	return it
}

func link(name, address string) item.Item {
	return attachment(name, func(it *item.Item) { item.Address.Set(it, address) })
}

func file(name, id, content string) item.Item {
	return attachment(name, func(it *item.Item) {
		it.Blob = &item.Blob{Ref: item.Ref{Kind: item.Attachment, ID: id}, URL: content, Bytes: int64(len(content))}
	})
}

func checks(entries ...item.Check) item.Item {
	it := item.Item{Ref: item.Ref{Kind: item.Checklist}}
	item.Entries.Set(&it, entries)
	return it
}

func titles(bs []item.Bundle) []string {
	var out []string
	for _, b := range bs {
		out = append(out, item.Title.Get(b.Item))
	}
	return out
}
