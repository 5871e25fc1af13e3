package box_test

import (
	"bytes"
	"errors"
	"io"
	"maps"
	"net/http"
	"testing"
	"time"

	"github.com/rialto-migrate/rialto/connector"
	"github.com/rialto-migrate/rialto/connectors/box"
	"github.com/rialto-migrate/rialto/connectors/box/standin"
	"github.com/rialto-migrate/rialto/item"

	shared "github.com/rialto-migrate/rialto/connector/standin"
)

// A bench is a connection to a stand-in.
type bench struct {
	*testing.T
	server *standin.Server
	set    connector.Settings
	cloud  connector.Cloud
	source connector.Source
	target connector.Target
	// renewed takes the secrets that were handed back; an error refuses them.
	renewed func(name, value string) error
	wire    http.RoundTripper
}

// at connects to a stand-in with settings beside those of its app, or in their place.
func at(t *testing.T, s *standin.Server, set connector.Settings) *bench {
	t.Helper()
	b := &bench{T: t, server: s, set: connector.Settings(s.AppSettings(base))}
	if set[refresh] != "" || set["access-token"] != "" {
		delete(b.set, "enterprise")
	}
	maps.Copy(b.set, set)
	b.open()
	return b
}

const refresh = "refresh-token"

// open opens the connection anew, as another process does.
func (b *bench) open() {
	b.Helper()
	if b.wire == nil {
		b.wire = contract(b)(shared.Transport{Handler: b.server})
	}
	o := connector.ClientOptions{Transport: b.wire, Pacer: connector.NewPacer(box.New().Capabilities(b.set).Quotas)}
	b.openWith(o)
}

func (b *bench) openWith(o connector.ClientOptions) {
	b.Helper()
	var err error
	b.cloud, err = box.New().Open(b.Context(), connector.Env{Settings: b.set, HTTP: connector.NewClient(o), Now: time.Now, Renewed: func(name, value string) error {
		if b.renewed == nil {
			return nil
		}
		return b.renewed(name, value)
	}})
	b.no(err)
	b.source, err = b.cloud.Source(b.Context())
	b.no(err)
	b.target, err = b.cloud.Target(b.Context(), "all-files")
	if b.set["as"] != "everybody" {
		b.no(err)
	}
}

func (b *bench) no(err error) {
	b.Helper()
	if err != nil {
		b.Fatal(err)
	}
}

// shards are the containers, by the user they belong to.
func (b *bench) shards() []connector.Shard {
	b.Helper()
	var out []connector.Shard
	for s, err := range b.source.Shards(b.Context()) {
		b.no(err)
		out = append(out, s)
	}
	return out
}

// list reads a container, by name.
func (b *bench) list(s connector.Shard) map[string]item.Bundle {
	b.Helper()
	out := map[string]item.Bundle{}
	for page, err := range b.source.List(b.Context(), s, "") {
		b.no(err)
		for _, x := range page.Bundles {
			name := item.FileName.Get(x.Item)
			if x.Item.Kind == item.Member {
				name = "member " + x.Item.ID
			}
			out[name] = x
		}
	}
	return out
}

// file is a file with so many bytes, to be created in the root of the account.
func (b *bench) file(name string, content []byte) (connector.Change, item.Opener) {
	it := item.Item{Ref: item.Ref{Kind: item.File}, Parent: b.shards()[0].Ref, Blob: &item.Blob{Bytes: int64(len(content))}}
	item.FileName.Set(&it, name)
	item.Modified.Set(&it, time.Date(2019, 2, 3, 4, 5, 6, 0, time.UTC))
	return connector.Change{Op: connector.Create, Item: it}, from(content)
}

func from(content []byte) item.Opener {
	return func(_ item.Blob, offset, n int64) (io.ReadCloser, error) {
		part := content[offset:]
		if n >= 0 {
			part = part[:n]
		}
		return io.NopCloser(bytes.NewReader(part)), nil
	}
}

// write carries one change out.
func (b *bench) write(c connector.Change, open item.Opener) connector.Result {
	b.Helper()
	for r, err := range b.target.Write(b.Context(), []connector.Change{c}, open) {
		b.no(err)
		return r
	}
	b.Fatal("no result")
	return connector.Result{}
}

// wants holds an error against its class, and against having a hint.
func (b *bench) wants(err error, class connector.Class) {
	b.Helper()
	e, ok := errors.AsType[*connector.Error](err)
	if !ok || e.Class != class || e.Hint == "" {
		b.Errorf("%v, want class %s and a hint", err, class)
	}
}

// A trip decides the fate of each request.
type trip struct {
	next http.RoundTripper
	fate func(*http.Request) (status int) // 0 lets it pass
}

func (t trip) RoundTrip(r *http.Request) (*http.Response, error) {
	if status := t.fate(r); status != 0 {
		if r.Body != nil {
			r.Body.Close()
		}
		return &http.Response{StatusCode: status, Header: http.Header{}, Body: http.NoBody, Request: r}, nil
	}
	return t.next.RoundTrip(r)
}
