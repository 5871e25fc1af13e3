package dropbox

import (
	"bytes"
	"context"
	"io"
	"maps"
	"net/http"
	"os"
	"testing"
	"time"

	"github.com/rialto-migrate/rialto/connector"
	"github.com/rialto-migrate/rialto/connector/connectortest"
	kit "github.com/rialto-migrate/rialto/connector/standin"
	"github.com/rialto-migrate/rialto/connectors/dropbox/standin"
	"github.com/rialto-migrate/rialto/item"
)

// contractDir is where Dropbox's contract lies, if it is there.
const contractDir = "../../../shared/contracts/dropbox/stone"

// A rig is a connection to a stand-in in this process.
type rig struct {
	*testing.T
	s       *standin.Server
	set     map[string]string
	cloud   *cloud
	stats   *connector.Stats
	renewed map[string]string
}

// newRig connects with settings; nil are those of the first account.
func newRig(t *testing.T, s *standin.Server, set map[string]string) *rig {
	t.Helper()
	if set == nil {
		set = s.Settings(base)
	}
	r := &rig{T: t, s: s, set: set, stats: &connector.Stats{}, renewed: map[string]string{}}
	var way http.RoundTripper = kit.Transport{Handler: s}
	if _, err := os.Stat(contractDir); err == nil {
		way = connectortest.LoadStone(t, contractDir).Transport(way)
	}
	c, err := New().Open(t.Context(), connector.Env{Settings: maps.Clone(set), Now: time.Now, HTTP: connector.NewClient(connector.ClientOptions{Transport: way, Stats: r.stats}),
		Renewed: func(name, value string) error { r.renewed[name] = value; return nil }})
	if err != nil {
		t.Fatal(err)
	}
	r.cloud = c.(*cloud)
	return r
}

func (r *rig) no(err error) {
	r.Helper()
	if err != nil {
		r.Fatal(err)
	}
}

func (r *rig) target(place string) *target {
	r.Helper()
	t, err := r.cloud.Target(r.Context(), place)
	r.no(err)
	return t.(*target)
}

func (r *rig) source() connector.Source {
	r.Helper()
	s, err := r.cloud.Source(r.Context())
	r.no(err)
	return s
}

// list lists a drive.
func (r *rig) list(ref item.Ref) (bundles []item.Bundle, last connector.Page) {
	r.Helper()
	for p, err := range r.source().List(r.Context(), connector.Shard{Ref: ref}, "") {
		r.no(err)
		bundles, last = append(bundles, p.Bundles...), p
	}
	return bundles, last
}

// home is the drive of the first account.
func (r *rig) home() item.Ref {
	r.Helper()
	me, err := r.cloud.whoami(r.Context())
	r.no(err)
	return drive("ns:" + me.account.Root.HomeNamespace)
}

// named is the item of a name.
func named(bundles []item.Bundle, name string) item.Bundle {
	for _, b := range bundles {
		if b.Item.Kind != item.Member && item.FileName.Get(b.Item) == name {
			return b
		}
	}
	return item.Bundle{}
}

// contents answers for blobs by their address.
type contents map[string][]byte

func (c contents) open(b item.Blob, offset, n int64) (io.ReadCloser, error) {
	data := c[b.URL][offset:]
	if n >= 0 {
		data = data[:n]
	}
	return io.NopCloser(bytes.NewReader(data)), nil
}

// file is a new file of some bytes, kept by contents under its name.
func (c contents) file(parent item.Ref, name string, data []byte) connector.Change {
	it := item.Item{Ref: item.Ref{Kind: item.File}, Parent: parent}
	item.FileName.Set(&it, name)
	item.Modified.Set(&it, time.Date(2020, 1, 2, 3, 4, 5, 0, time.UTC))
	c[name] = data
	it.Blob = &item.Blob{Ref: it.Ref, Parent: parent, URL: name, Version: "1", Bytes: int64(len(data))}
	return connector.Change{Op: connector.Create, Item: it}
}

func folderChange(parent item.Ref, name string) connector.Change {
	it := item.Item{Ref: item.Ref{Kind: item.Folder}, Parent: parent}
	item.FileName.Set(&it, name)
	return connector.Change{Op: connector.Create, Item: it}
}

// write carries changes out.
func (r *rig) write(t *target, c contents, changes ...connector.Change) []connector.Result {
	r.Helper()
	return r.writeWith(r.Context(), t, c, changes...)
}

func (r *rig) writeWith(ctx context.Context, t *target, c contents, changes ...connector.Change) []connector.Result {
	r.Helper()
	var out []connector.Result
	for res, err := range t.Write(ctx, changes, c.open) {
		r.no(err)
		out = append(out, res)
	}
	return out
}

// must is write whose results are all good.
func (r *rig) must(t *target, c contents, changes ...connector.Change) []item.Bundle {
	r.Helper()
	var out []item.Bundle
	for _, res := range r.write(t, c, changes...) {
		r.no(res.Err)
		out = append(out, res.Stored)
	}
	return out
}
