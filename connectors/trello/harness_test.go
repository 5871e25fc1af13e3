package trello

import (
	"bytes"
	"io"
	"log/slog"
	"net/http/httptest"
	"reflect"
	"testing"
	"time"

	"github.com/rialto-migrate/rialto/connector"
	"github.com/rialto-migrate/rialto/connectors/trello/standin"
	"github.com/rialto-migrate/rialto/item"
)

// A lab is a stand-in of Trello with a connection to it.
type lab struct {
	t      testing.TB
	server *standin.Server
	cloud  connector.Cloud
	stats  *connector.Stats
	logs   *bytes.Buffer
	set    connector.Settings
}

// newLab opens a connection to a stand-in without rate limits.
func newLab(t testing.TB, o standin.Options, more connector.Settings) *lab {
	t.Helper()
	if o.Rates == nil {
		o.Rates = &standin.Rates{}
	}
	if o.Seed == 0 {
		o.Seed = 7
	}
	s := standin.New(o)
	web := httptest.NewServer(s)
	t.Cleanup(web.Close)
	set := connector.Settings(s.Settings(web.URL))
	for k, v := range more {
		set[k] = v
	}
	l := &lab{t: t, server: s, stats: &connector.Stats{}, logs: &bytes.Buffer{}, set: set}
	log := slog.New(slog.NewTextHandler(l.logs, &slog.HandlerOptions{Level: slog.LevelDebug}))
	client := connector.NewClient(connector.ClientOptions{Log: log, Stats: l.stats})
	cloud, err := New().Open(t.Context(), connector.Env{Settings: set, HTTP: client, Log: log, Now: time.Now})
	if err != nil {
		t.Fatal(err)
	}
	l.cloud = cloud
	return l
}

func (l *lab) source() connector.Source {
	l.t.Helper()
	src, err := l.cloud.Source(l.t.Context())
	if err != nil {
		l.t.Fatal(err)
	}
	return src
}

func (l *lab) target(place string) *target {
	l.t.Helper()
	to, err := l.cloud.Target(l.t.Context(), place)
	if err != nil {
		l.t.Fatal(err)
	}
	return to.(*target)
}

func change(op connector.Op, it item.Item) connector.Change {
	return connector.Change{Op: op, Item: it}
}

// write writes changes, which must succeed, and checks that Stored is what was
// given and what Fetch then returns, one by one and in bulk.
func (l *lab) write(to *target, board item.Ref, open item.Opener, changes ...connector.Change) []item.Item {
	l.t.Helper()
	var out []item.Item
	i := 0
	for r, err := range to.Write(l.t.Context(), changes, open) {
		if err != nil || r.Err != nil {
			l.t.Fatalf("change %d of %s: %v %v", i, changes[i].Item.Kind, err, r.Err)
		}
		out = append(out, r.Stored.Item)
		i++
	}
	if len(out) != len(changes) {
		l.t.Fatalf("%d results for %d changes", len(out), len(changes))
	}
	for i, it := range out {
		if board.Zero() {
			board = it.Ref
		}
		l.same("stored", changes[i].Item, it)
		for got, err := range to.Fetch(l.t.Context(), board, []item.Ref{it.Ref}) {
			if err != nil {
				l.t.Fatal(err)
			}
			l.exact(it, got.Item)
		}
	}
	refs := []item.Ref{}
	for range fetchWhole {
		for _, it := range out {
			refs = append(refs, it.Ref)
		}
	}
	n := 0
	for got, err := range to.Fetch(l.t.Context(), board, refs) {
		if err != nil {
			l.t.Fatal(err)
		}
		l.exact(out[n%len(out)], got.Item)
		n++
	}
	if n != len(refs) {
		l.t.Fatalf("a fetch of %d items yields %d", len(refs), n)
	}
	return out
}

// same compares what was given with what is stored, in the fields that Trello
// keeps.
func (l *lab) same(what string, given, got item.Item) {
	l.t.Helper()
	caps := New().Capabilities(l.set)
	info, _ := item.Info(given.Kind)
	for _, f := range info.Fields {
		if !caps.Keeps(given.Kind, f.Name) || f.Type == item.Rank {
			continue
		}
		if v, w := given.Fields[f.Name], got.Fields[f.Name]; !equal(v, w) {
			l.t.Errorf("%s %s.%s: %#v, want %#v", what, given.Kind, f.Name, w, v)
		}
	}
}

func equal(a, b any) bool {
	if item.IsZero(a) && item.IsZero(b) {
		return true
	}
	if x, ok := a.([]item.Check); ok {
		y, _ := b.([]item.Check)
		if len(x) != len(y) {
			return false
		}
		for i := range x {
			x, y := x[i], y[i]
			if x.Title != y.Title || x.Done != y.Done || !x.Due.Equal(y.Due) || x.Assignee != y.Assignee {
				return false
			}
		}
		return true
	}
	d := item.NewDigester([]byte("test"))
	as := func(v any) item.Digest {
		return d.Items(func(item.Kind, item.Field) bool { return true }, item.Item{Ref: item.Ref{Kind: item.Task}, Fields: item.Fields{"title": v}})
	}
	return as(a) == as(b)
}

// exact compares two readings of one item: all that the print covers, and the
// place.
func (l *lab) exact(a, b item.Item) {
	l.t.Helper()
	if a.Ref != b.Ref || a.Parent != b.Parent {
		l.t.Errorf("%s in %s, want %s in %s", b.Ref, b.Parent, a.Ref, a.Parent)
	}
	if !reflect.DeepEqual(a.Blob, b.Blob) {
		l.t.Errorf("%s: blob %+v, want %+v", a.Ref, b.Blob, a.Blob)
	}
	caps := New().Capabilities(l.set)
	info, _ := item.Info(a.Kind)
	for _, f := range info.Fields {
		if caps.Keeps(a.Kind, f.Name) && !equal(a.Fields[f.Name], b.Fields[f.Name]) {
			l.t.Errorf("%s.%s: fetched %#v, stored %#v", a.Kind, f.Name, b.Fields[f.Name], a.Fields[f.Name])
		}
	}
}

// bytesOpener serves one blob's bytes.
func bytesOpener(data []byte) item.Opener {
	return func(_ item.Blob, offset, _ int64) (io.ReadCloser, error) {
		return io.NopCloser(bytes.NewReader(data[offset:])), nil
	}
}

func in(kind item.Kind, parent item.Ref) item.Item {
	return item.Item{Ref: item.Ref{Kind: kind}, Parent: parent}
}
