package connectortest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"iter"
	"log/slog"
	"maps"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/rialto-migrate/rialto/connector"
	"github.com/rialto-migrate/rialto/item"
)

// A rig is one connection to one cloud, for one part of the suite.
type rig struct {
	testing.TB
	suite Suite
	world World
	set   connector.Settings // with what Check learned
	caps  connector.Capabilities
	wire  *wire
	logs  *logbook
	make  *maker
	began int // goroutines before the part
	from  time.Time

	cloud  connector.Cloud
	source connector.Source
	target connector.Target // nil for a connector that only reads
}

// logbook takes what is logged, and the errors that were met.
type logbook struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (l *logbook) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.buf.Write(p)
}

func (l *logbook) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.buf.String()
}

// newRig starts a cloud and connects to it. Clouds are checked first, as the
// connect command does, and what they tell becomes a setting.
func newRig(t testing.TB, s Suite) *rig {
	t.Helper()
	r := &rig{TB: t, suite: s, began: runtime.NumGoroutine(), logs: &logbook{}, from: time.Now()}
	r.world = s.Start(t)
	r.wire = &wire{next: r.world.Transport, partly: r.world.Partly}
	r.set = maps.Clone(r.world.Settings)
	r.connect()
	id, err := r.cloud.Check(r.Context())
	r.no(err, "Check")
	if id.ID == "" || len(id.Rights) == 0 {
		r.Errorf("Check tells an id of %q and %d rights: a person who connects sees neither who they are nor what they may do", id.ID, len(id.Rights))
	}
	for k, v := range id.Settings {
		if _, ok := r.set[k]; !ok {
			r.set[k] = v
		}
	}
	r.caps = s.Connector.Capabilities(r.set)
	r.connect()
	r.make = &maker{count: s.count, caps: r.caps, names: r.world.Names, people: r.members()}
	return r
}

// connect opens the connection anew, as a process does after a restart.
func (r *rig) connect() {
	r.Helper()
	if r.cloud != nil {
		r.no(r.cloud.Close(), "Close")
	}
	o := r.client()
	renewed := func(name, value string) error {
		r.set[name] = value
		return nil
	}
	var err error
	r.cloud, err = r.suite.Connector.Open(r.Context(), connector.Env{Settings: maps.Clone(r.set), HTTP: connector.NewClient(o), Log: o.Log, Now: time.Now, Renewed: renewed})
	r.no(err, "Open")
	r.source, err = r.cloud.Source(r.Context())
	r.no(err, "Source")
	if !r.world.Board.Zero() {
		return
	}
	r.target, err = r.cloud.Target(r.Context(), r.world.Place)
	r.no(err, "Target")
}

// client makes the options of a client whose log is kept.
func (r *rig) client() connector.ClientOptions {
	o := connector.ClientOptions{Transport: r.wire, Log: slog.New(slog.NewTextHandler(r.logs, &slog.HandlerOptions{Level: slog.LevelDebug}))}
	if r.suite.Sockets {
		o.Backoff = func(_ int, asked time.Duration) time.Duration { return asked/200 + 2*time.Millisecond }
	}
	return o
}

// no ends the part at an error.
func (r *rig) no(err error, what string) {
	r.Helper()
	if err != nil {
		r.saw(err)
		r.Fatalf("%s: %v", what, err)
	}
}

// saw takes note of an error: what it says is searched for secrets and content
// at the end. An error of the contract has a class and a reason.
func (r *rig) saw(err error) *connector.Error {
	r.Helper()
	if err == nil {
		return nil
	}
	fmt.Fprintf(r.logs, "error: %v\n", err)
	e, ok := errors.AsType[*connector.Error](err)
	if !ok {
		r.Errorf("an error crosses the contract without a class: %T", err)
		return &connector.Error{Class: connector.ClassOf(err), Reason: err.Error(), Err: err}
	}
	if e.Class == "" || e.Reason == "" {
		r.Errorf("an error has the class %q and the reason %q", e.Class, e.Reason)
	}
	return e
}

// end checks what every part must keep: no secret and no content in logs and
// errors, and nothing left running.
func (r *rig) end() {
	r.Helper()
	r.wire.decide(nil)
	r.no(r.cloud.Close(), "Close")
	r.quiet()
	r.Logf("%d requests", r.wire.all)
	if r.suite.Sockets {
		r.noneLeft()
	}
}

// quiet searches logs and errors for secrets and content.
func (r *rig) quiet() {
	r.Helper()
	said := r.logs.String()
	forbidden := map[string]string{canary: "content"}
	for _, s := range r.suite.Connector.Manifest().Settings {
		if v := r.set[s.Name]; s.Secret && v != "" {
			forbidden[v] = "the secret setting " + s.Name
		}
		if v := r.world.Settings[s.Name]; s.Secret && v != "" {
			forbidden[v] = "the secret setting " + s.Name
		}
	}
	for _, s := range append(r.wire.heard(), r.world.Secrets...) {
		forbidden[s] = "a credential"
	}
	for bad, what := range forbidden {
		if i := strings.Index(said, bad); i >= 0 {
			line := said[strings.LastIndexByte(said[:i], '\n')+1:]
			line, _, _ = strings.Cut(line, "\n")
			r.Errorf("%s is in a log line or an error: %.300s", what, strings.ReplaceAll(line, bad, "<HERE>"))
		}
	}
}

// noneLeft waits until as many goroutines run as before the part. In a bubble
// the runtime itself fails the test otherwise.
func (r *rig) noneLeft() {
	r.Helper()
	if c, ok := r.world.Transport.(interface{ CloseIdleConnections() }); ok {
		c.CloseIdleConnections()
	}
	for range 200 {
		if runtime.NumGoroutine() <= r.began {
			return
		}
		time.Sleep(5 * time.Millisecond)
	}
	buf := make([]byte, 64<<10)
	r.Errorf("%d goroutines run where %d did before:\n%s", runtime.NumGoroutine(), r.began, buf[:runtime.Stack(buf, true)])
}

// members are the people who can be assigned.
func (r *rig) members() []string {
	r.Helper()
	if r.target == nil {
		return nil
	}
	var out []string
	for it, err := range r.target.Members(r.Context()) {
		r.no(err, "Members")
		r.wellFormed("Members", it)
		if it.Kind != item.Member || slices.Contains(out, it.ID) {
			r.Errorf("Members yields %s, which is no member or comes twice", it.Ref)
		}
		out = append(out, it.ID)
	}
	if len(r.world.People) > 0 {
		out = r.world.People
	}
	slices.Sort(out)
	return out
}

// collect takes all of a sequence, and the error that ended it.
func collect[T any](seq iter.Seq2[T, error]) (out []T, err error) {
	for v, err := range seq {
		if err != nil {
			return out, err
		}
		out = append(out, v)
	}
	return out, nil
}

// list reads a container from a cursor on.
func (r *rig) list(board item.Ref, from connector.Cursor) []connector.Page {
	r.Helper()
	pages, err := collect(r.source.List(r.Context(), connector.Shard{Ref: board}, from))
	r.no(err, "List")
	for _, b := range bundlesOf(pages) {
		r.wellFormed("List", b.Item)
		for _, c := range b.Children {
			r.wellFormed("List", c)
		}
	}
	return pages
}

func bundlesOf(pages []connector.Page) []item.Bundle {
	var out []item.Bundle
	for _, p := range pages {
		out = append(out, p.Bundles...)
	}
	return out
}

// listed is what the target's own source lists of a container, children too, by
// their refs, and in the order of the listing.
func (r *rig) listed(board item.Ref) (map[item.Ref]item.Bundle, []item.Ref) {
	r.Helper()
	out := map[item.Ref]item.Bundle{}
	var order []item.Ref
	for _, b := range bundlesOf(r.list(board, "")) {
		out[b.Item.Ref] = b
		order = append(order, b.Item.Ref)
		for _, c := range b.Children {
			out[c.Ref] = item.Bundle{Item: c, CheckItems: -1}
			order = append(order, c.Ref)
		}
	}
	return out, order
}

// fetch reads items of the target afresh.
func (r *rig) fetch(board item.Ref, refs ...item.Ref) map[item.Ref]item.Bundle {
	r.Helper()
	got, err := collect(r.target.Fetch(r.Context(), board, refs))
	r.no(err, "Fetch")
	out := map[item.Ref]item.Bundle{}
	for _, b := range got {
		r.wellFormed("Fetch", b.Item)
		if !slices.Contains(refs, b.Item.Ref) {
			r.Errorf("Fetch yields %s, which was not asked for", b.Item.Ref)
		}
		out[b.Item.Ref] = b
	}
	return out
}

// one fetches an item that must be there.
func (r *rig) one(board, ref item.Ref) item.Bundle {
	r.Helper()
	b, ok := r.fetch(board, ref)[ref]
	if !ok {
		r.Fatalf("Fetch does not find %s", ref)
	}
	return b
}

// send writes one batch and returns a result for each change.
func (r *rig) send(ctx context.Context, changes []connector.Change) []connector.Result {
	r.Helper()
	var out []connector.Result
	for res, err := range r.target.Write(ctx, changes, r.make.open) {
		if err != nil {
			res.Err = err
		}
		r.saw(res.Err)
		out = append(out, res)
	}
	if len(out) > len(changes) {
		r.Fatalf("Write yields %d results for %d changes", len(out), len(changes))
	}
	for len(out) < len(changes) { // as the engine takes it: what was not told is in doubt
		out = append(out, connector.Result{Err: &connector.Error{Class: connector.Transient, InDoubt: true, Reason: "the write ended early"}})
	}
	return out
}

// write writes changes, as many at once as the kind takes, none of which may
// fail, and holds what is stored against what was given.
func (r *rig) write(changes ...connector.Change) []item.Bundle {
	r.Helper()
	if len(changes) == 0 {
		return nil
	}
	var out []item.Bundle
	for part := range slices.Chunk(changes, max(r.caps.Kinds[changes[0].Item.Kind].Batch, 1)) {
		if n := len(out); n > 0 && part[0].AfterPrevious {
			part[0].AfterPrevious, part[0].After = false, out[n-1].Item.ID
		}
		for i, res := range r.send(r.Context(), part) {
			if res.Err != nil {
				r.Fatalf("writing %s %d of %d: %v", part[i].Item.Kind, len(out)+1, len(changes), res.Err)
			}
			r.wellFormed("Write", res.Stored.Item)
			out = append(out, res.Stored)
		}
	}
	return out
}

// read opens a blob of the source and returns its bytes.
func (r *rig) read(b item.Blob, offset, n int64) ([]byte, error) {
	body, err := r.source.Open(r.Context(), b, offset, n)
	if err != nil {
		r.saw(err)
		return nil, err
	}
	defer body.Close()
	return io.ReadAll(body)
}
