package s3_test

import (
	"errors"
	"fmt"
	"io"
	"maps"
	"math/rand/v2"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/rialto-migrate/rialto/connector"
	"github.com/rialto-migrate/rialto/connector/connectortest"
	"github.com/rialto-migrate/rialto/connectors/s3"
	"github.com/rialto-migrate/rialto/connectors/s3/s3test"
	"github.com/rialto-migrate/rialto/item"
)

// settings are those of a connection to a server in this process.
func settings() connector.Settings {
	return connector.Settings{connector.SettingURL: "http://127.0.0.1:9", "access-key-id": "key", "secret-access-key": "a secret of some length"}
}

// Servers that know less, or tell less, are held to the same.
func TestConformanceInMemory(t *testing.T) {
	for name, m := range map[string]*s3test.Memory{"whole": {}, "mute": {Mute: true}, "old": {Old: true}, "old and mute": {Old: true, Mute: true}, "owned": {Owned: true}, "blind": {Blind: true}, "strict": {Strict: true, Old: true}, "small pages": {Page: 7}} {
		t.Run(name, func(t *testing.T) {
			var n atomic.Int64
			connectortest.RunTree(t, connectortest.Tree{Connector: s3.New(), Files: 250, InProcess: true, Start: func(t testing.TB) connectortest.TreeWorld {
				return connectortest.TreeWorld{Settings: settings(), Transport: &s3test.Memory{Mute: m.Mute, Old: m.Old, Owned: m.Owned, Blind: m.Blind, Strict: m.Strict, Page: m.Page},
					Place: fmt.Sprintf("bucket-%d", n.Add(1))}
			}})
		})
	}
}

func openMemory(t testing.TB, m http.RoundTripper, more ...string) connector.Cloud {
	t.Helper()
	set := settings()
	for i := 0; i < len(more); i += 2 {
		set[more[i]] = more[i+1]
	}
	client := connector.NewClient(connector.ClientOptions{Transport: m, Backoff: func(int, time.Duration) time.Duration { return time.Millisecond }})
	cloud, err := s3.New().Open(t.Context(), connector.Env{Settings: set, HTTP: client, Now: time.Now})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { cloud.Close() })
	return cloud
}

// whole asks for what a listing told briefly.
func whole(t testing.TB, source connector.Source, container string, b item.Bundle) item.Bundle {
	t.Helper()
	if !b.Item.Brief {
		return b
	}
	for more, err := range source.Fetch(t.Context(), connector.Shard{Ref: item.Ref{Kind: item.Drive, ID: container}}, []item.Ref{b.Item.Ref}) {
		if err != nil {
			t.Fatal(err)
		}
		return more
	}
	t.Fatalf("%q is listed, and not there", b.Item.ID)
	return b
}

// copyAll copies a container as the engine does: what lies in another after it, by
// the ids that the target answers.
func copyAll(t testing.TB, from, to connector.Cloud, container, place string) {
	t.Helper()
	source, err := from.Source(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	target, err := to.Target(t.Context(), place)
	if err != nil {
		t.Fatal(err)
	}
	became := map[item.Ref]item.Ref{}
	open := func(b item.Blob, offset, n int64) (io.ReadCloser, error) {
		return source.Open(t.Context(), b, offset, n)
	}
	for p, err := range source.List(t.Context(), connector.Shard{Ref: item.Ref{Kind: item.Drive, ID: container}}, "") {
		if err != nil {
			t.Fatal(err)
		}
		for _, b := range p.Bundles {
			b = whole(t, source, container, b)
			it := b.Item.Clone()
			it.ID = ""
			if b.Item.Kind == item.Drive {
				item.Name.Set(&it, "")
			} else {
				parent, ok := became[b.Item.Parent]
				if !ok {
					t.Fatalf("%q comes before what it lies in", b.Item.ID)
				}
				it.Parent = parent
			}
			for res, err := range target.Write(t.Context(), []connector.Change{{Op: connector.Create, Item: it}}, open) {
				if err = errors.Join(err, res.Err); err != nil {
					t.Fatalf("%q: %v", b.Item.ID, err)
				}
				became[b.Item.Ref] = res.Stored.Item.Ref
			}
		}
	}
}

// Keys that no folder of a machine could have arrive as they are.
func TestKeysSurvive(t *testing.T) {
	odd := []string{"a", "a/b", "a//b", "a/b/", "/", "/lead", "//", "a/", "x//", "x//y//z", "empty/", "deep/empty/", "full/", "full/x", "dot/./x", "dot/../y",
		"nul\x01\x7f", "new\nline", "per%20cent%", "plus+and space", "ünï", "a\\b", "q?x=1&y#z", "trail ", " lead", "a.b", "a-b", "a0", strings.Repeat("k", 1024), strings.Repeat("k/", 500)}
	for _, page := range []int{1, 2, 3, 1000} {
		a, z := &s3test.Memory{Page: page}, &s3test.Memory{}
		for i, k := range odd {
			content := fmt.Sprint("content ", i)
			if strings.HasSuffix(k, "empty/") || k == "full/" {
				content = ""
			}
			a.Put("from", k, []byte(content), nil)
		}
		copyAll(t, openMemory(t, a), openMemory(t, z), "/from", "to")
		want := a.Keys("from")
		delete(want, "full/") // it says of a folder that it is there, as what lies in it does
		if got := z.Keys("to"); !maps.Equal(got, want) {
			for k := range want {
				if got[k] != want[k] {
					t.Errorf("pages of %d: %q holds %q, want %q", page, k, got[k], want[k])
				}
			}
			for k := range got {
				if _, ok := want[k]; !ok {
					t.Errorf("pages of %d: %q was not there", page, k)
				}
			}
		}
	}
}

// Any keys arrive, from and to folders of buckets.
func TestRandomKeysSurvive(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	for range 200 {
		a, z := &s3test.Memory{Page: 1 + rng.IntN(5)}, &s3test.Memory{}
		for range 1 + rng.IntN(12) {
			var key strings.Builder
			for range 1 + rng.IntN(6) {
				key.WriteString([]string{"/", "/", "a", "b", "ab", "é", "."}[rng.IntN(7)])
			}
			a.Put("from", "in/"+key.String(), []byte("x"), nil)
		}
		copyAll(t, openMemory(t, a), openMemory(t, z), "/from/in", "to/there")
		want := map[string]string{}
		for k, v := range a.Keys("from") {
			want["there/"+strings.TrimPrefix(k, "in/")] = v
		}
		if got := z.Keys("to"); !maps.Equal(got, want) {
			t.Fatalf("got %q, want %q", got, want)
		}
	}
}

// What an object's owner noted of it arrives, also what no header holds as it is.
func TestMetadata(t *testing.T) {
	notes := http.Header{"Content-Type": {"text/plain; charset=utf-8"}, "X-Amz-Meta-Mtime": {"1234567890.123456789"},
		"X-Amz-Meta-Plain": {"blue"}, "X-Amz-Meta-Encoded": {"=?UTF-8?B?w7xtbMOkdXQg?="}, "X-Amz-Meta-Empty": {""}}
	a, z := &s3test.Memory{}, &s3test.Memory{}
	a.Put("from", "x", []byte("x"), notes)
	a.Put("from", "nothing", []byte("x"), nil)
	copyAll(t, openMemory(t, a), openMemory(t, z), "/from", "to")
	source, err := openMemory(t, z, "bucket", "to").Source(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for p, err := range source.List(t.Context(), connector.Shard{Ref: item.Ref{Kind: item.Drive, ID: "/to"}}, "") {
		if err != nil {
			t.Fatal(err)
		}
		for _, b := range p.Bundles {
			b = whole(t, source, "/to", b)
			switch item.FileName.Get(b.Item) {
			case "x":
				got := fmt.Sprint(item.MediaType.Get(b.Item), item.Modified.Get(b.Item).Format(time.RFC3339Nano), item.Metadata.Get(b.Item))
				if want := "text/plain; charset=utf-8" + "2009-02-13T23:31:30.123456789Z" + "[empty= encoded=ümläut  plain=blue]"; got != want {
					t.Errorf("told is %q, want %q", got, want)
				}
			case "nothing":
				if t0 := item.Modified.Get(b.Item); item.MediaType.Get(b.Item) != "" || len(item.Metadata.Get(b.Item)) > 0 || time.Since(t0) > time.Hour {
					t.Errorf("of an object of which nothing was noted %v is told", b.Item.Fields)
				}
			}
		}
	}
}

// Where a server stored other bytes than were sent, nothing stands under the name.
func TestDamage(t *testing.T) {
	for _, size := range []int{1000, 1 << 20} {
		for _, mute := range []bool{false, true} {
			m := &s3test.Memory{Mute: mute, Old: true, Damage: func(b []byte) []byte { b[len(b)/2] ^= 1; return b }}
			target, err := openMemory(t, m).Target(t.Context(), "to")
			if err != nil {
				t.Fatal(err)
			}
			changes, open := files(1, size)
			changes[0].Item.Parent.ID = "/to"
			for res := range target.Write(t.Context(), changes, open) {
				if connector.ClassOf(res.Err) != connector.Transient || res.Err == nil {
					t.Errorf("%d bytes, mute %v: %v, want a transient error", size, mute, res.Err)
				}
			}
			if keys := m.Keys("to"); len(keys) > 0 {
				t.Errorf("%d bytes, mute %v: what is damaged stands there", size, mute)
			}
		}
	}
}

// spoil answers listings with what a server may do wrong.
type spoil struct {
	*s3test.Memory
	change func(string) string
}

func (s spoil) RoundTrip(r *http.Request) (*http.Response, error) {
	resp, err := s.Memory.RoundTrip(r)
	if err != nil || r.URL.Query().Get("list-type") == "" {
		return resp, err
	}
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		return nil, err
	}
	said := s.change(string(body))
	resp.Body, resp.ContentLength = io.NopCloser(strings.NewReader(said)), int64(len(said))
	return resp, nil
}

// A listing that does not go on, repeats itself or speaks of something else is an
// error, and never an end.
func TestListingsThatAreWrong(t *testing.T) {
	for what, change := range map[string]func(string) string{
		"has no token":        func(s string) string { return cut(s, "<NextContinuationToken>", "</NextContinuationToken>") },
		"is no XML":           func(string) string { return "<html><body>Sign in" },
		"is another answer":   func(string) string { return "<ListAllMyBucketsResult/>" },
		"is empty":            func(string) string { return "" },
		"is cut off":          func(s string) string { return s[:len(s)/2] },
		"has foreign keys":    func(s string) string { return strings.ReplaceAll(s, "<Key>in%2F", "<Key>out%2F") },
		"has a negative size": func(s string) string { return strings.ReplaceAll(s, "<Size>1", "<Size>-1") },
		"has no size":         func(s string) string { return strings.ReplaceAll(s, "<Size>1", "<Size>x") },
		"says error":          func(string) string { return "<Error><Code>InternalError</Code></Error>" },
		"repeats its page": func(s string) string {
			return strings.Replace(s, "<IsTruncated>false", "<NextContinuationToken>again</NextContinuationToken><IsTruncated>true", 1)
		},
		"repeats its first page under other tokens": func() func(string) string {
			first, n := "", 0
			return func(s string) string {
				if first == "" {
					first = cut(s, "<NextContinuationToken>", "</NextContinuationToken>")
				}
				n++
				return strings.Replace(first, "<IsTruncated>", fmt.Sprintf("<NextContinuationToken>%d</NextContinuationToken><IsTruncated>", n), 1)
			}
		}(),
	} {
		m := &s3test.Memory{Page: 3}
		for i := range 7 {
			m.Put("from", fmt.Sprintf("in/%d", i), []byte("x"), nil)
		}
		source, err := openMemory(t, spoil{m, change}, "metadata", "drop").Source(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		var failed error
		pages := 0
		for _, err := range source.List(t.Context(), connector.Shard{Ref: item.Ref{Kind: item.Drive, ID: "/from/in"}}, "") {
			if failed = err; err != nil {
				break
			}
			if pages++; pages > 20 {
				break
			}
		}
		if e, ok := errors.AsType[*connector.Error](failed); !ok || e.Class == "" || strings.Contains(e.Error(), "in/") {
			t.Errorf("a listing that %s: %v after %d pages, want an error of the contract", what, failed, pages)
		}
	}
}

func cut(s, from, to string) string {
	before, rest, ok := strings.Cut(s, from)
	if !ok {
		return s
	}
	_, after, _ := strings.Cut(rest, to)
	return before + after
}
