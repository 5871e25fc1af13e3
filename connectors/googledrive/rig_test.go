package googledrive_test

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"iter"
	"net/http"
	"slices"
	"testing"
	"time"

	"github.com/rialto-migrate/rialto/connector"
	"github.com/rialto-migrate/rialto/connector/standin"
	"github.com/rialto-migrate/rialto/connectors/googledrive"
	drive "github.com/rialto-migrate/rialto/connectors/googledrive/standin"
	"github.com/rialto-migrate/rialto/item"
)

// world is a stand-in with some people, in this process.
func world(o drive.Options) *drive.Server {
	if o.Seed == 0 {
		o.Seed = 7
	}
	s := drive.New(o)
	s.AddPerson("ben@example.org", "Ben")
	s.AddPerson("cleo@example.org", "Cleo")
	return s
}

// A turn changes what happens to a request; a nil answer lets it pass.
type turn func(*http.Request) (*http.Response, error)

type turning struct {
	next http.RoundTripper
	turn turn
}

func (t turning) RoundTrip(r *http.Request) (*http.Response, error) {
	if t.turn != nil {
		if resp, err := t.turn(r); resp != nil || err != nil {
			if r.Body != nil {
				r.Body.Close()
			}
			return resp, err
		}
	}
	return t.next.RoundTrip(r)
}

// A link is a connection to a stand-in.
type link struct {
	*testing.T
	cloud   connector.Cloud
	stats   *connector.Stats
	renewed []string
}

// join connects with the settings of the first person, and others.
func join(t *testing.T, s *drive.Server, turn turn, more ...string) *link {
	t.Helper()
	set := connector.Settings(s.Settings(base))
	for i := 0; i < len(more); i += 2 {
		set[more[i]] = more[i+1]
		if more[i] == "service-account" {
			delete(set, "refresh-token")
		}
	}
	l := &link{T: t, stats: &connector.Stats{}}
	client := connector.NewClient(connector.ClientOptions{Transport: turning{standin.Transport{Handler: s}, turn}, Stats: l.stats, Backoff: func(int, time.Duration) time.Duration { return time.Millisecond }})
	cloud, err := googledrive.New().Open(t.Context(), connector.Env{Settings: set, HTTP: client, Now: time.Now, Renewed: func(name, value string) error {
		l.renewed = append(l.renewed, name+"="+value)
		return nil
	}})
	if err != nil {
		t.Fatal(err)
	}
	l.cloud = cloud
	return l
}

func (l *link) source() connector.Source {
	l.Helper()
	s, err := l.cloud.Source(l.Context())
	if err != nil {
		l.Fatal(err)
	}
	return s
}

func (l *link) target(place string) connector.Target {
	l.Helper()
	t, err := l.cloud.Target(l.Context(), place)
	if err != nil {
		l.Fatal(err)
	}
	return t
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

func inDrive(id string) item.Ref { return item.Ref{Kind: item.Drive, ID: id} }

// list reads a drive whole. It checks that whatever names somebody comes after them, and
// a folder before what lies in it.
func (l *link) list(id string) (items []item.Bundle, whole []item.Kind) {
	l.Helper()
	seen := map[item.Ref]bool{}
	for _, p := range collect(l.T, l.source().List(l.Context(), connector.Shard{Ref: inDrive(id)}, "")) {
		for _, b := range p.Bundles {
			if !b.Item.Parent.Zero() && !seen[b.Item.Parent] {
				l.Errorf("%s comes before the %s that it lies in", b.Item.Ref, b.Item.Parent)
			}
			for _, g := range item.Permissions.Get(b.Item) {
				if g.To != "" && b.Item.Kind != item.Drive && !seen[item.Ref{Kind: item.Member, ID: g.To}] {
					l.Errorf("%s names somebody who did not come before", b.Item.Ref)
				}
			}
			seen[b.Item.Ref] = true
			items = append(items, b)
		}
		whole = p.Whole
	}
	return items, whole
}

// names are those of the items of a kind.
func names(all []item.Bundle, kinds ...item.Kind) (out []string) {
	for _, b := range all {
		if slices.Contains(kinds, b.Item.Kind) {
			out = append(out, item.Name.Get(b.Item))
		}
	}
	slices.Sort(out)
	return out
}

func named(t *testing.T, all []item.Bundle, name string) item.Bundle {
	t.Helper()
	for _, b := range all {
		if item.Name.Get(b.Item) == name {
			return b
		}
	}
	t.Fatalf("%q is not there", name)
	return item.Bundle{}
}

// read reads a stretch of a blob.
func (l *link) read(b item.Blob, offset, n int64) (string, error) {
	in, err := l.source().Open(l.Context(), b, offset, n)
	if err != nil {
		return "", err
	}
	defer in.Close()
	all, err := io.ReadAll(in)
	return string(all), err
}

// give opens the same bytes each time, as a source of them does.
func give(content []byte) item.Opener {
	return func(_ item.Blob, offset, n int64) (io.ReadCloser, error) {
		rest := content[offset:]
		if n >= 0 {
			rest = rest[:n]
		}
		return io.NopCloser(bytes.NewReader(rest)), nil
	}
}

func newFile(parent item.Ref, name string, size int) item.Item {
	it := item.Item{Ref: item.Ref{Kind: item.File}, Parent: parent, Blob: &item.Blob{Ref: item.Ref{Kind: item.File, ID: "s"}, Bytes: int64(size)}}
	item.Name.Set(&it, name)
	item.Modified.Set(&it, time.Date(2020, 1, 2, 3, 4, 5, 0, time.UTC))
	return it
}

// one carries out one change.
func one(t *testing.T, target connector.Target, c connector.Change, content []byte) connector.Result {
	t.Helper()
	for r, err := range target.Write(t.Context(), []connector.Change{c}, give(content)) {
		r.Err = errors.Join(r.Err, err)
		if r.Err == nil {
			r.Err = nil
		}
		return r
	}
	t.Fatal("a change has no result")
	return connector.Result{}
}

func wants(t *testing.T, what string, err error, class connector.Class) {
	t.Helper()
	var e *connector.Error
	if !errors.As(err, &e) || e.Class != class {
		t.Errorf("%s: %v (%s), want class %s", what, err, connector.ClassOf(err), class)
	}
}

// refusal is an answer of Drive's with a reason.
func refusal(r *http.Request, status int, reason string) *http.Response {
	body := fmt.Sprintf(`{"error":{"code":%d,"message":"no","errors":[{"domain":"global","reason":%q,"message":"no"}]}}`, status, reason)
	return &http.Response{StatusCode: status, Header: http.Header{"Content-Type": {"application/json"}}, Body: io.NopCloser(bytes.NewReader([]byte(body))), Request: r}
}

func readCloser(s string) io.ReadCloser { return io.NopCloser(bytes.NewReader([]byte(s))) }

func transportOf(s *drive.Server) http.RoundTripper { return standin.Transport{Handler: s} }
