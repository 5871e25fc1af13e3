package dropbox

import (
	"cmp"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"strings"

	"github.com/rialto-migrate/rialto/connector"
	"github.com/rialto-migrate/rialto/item"
)

// What cannot be downloaded as it is (documents of Dropbox Paper, and those of other
// services) is exported, in the form that Dropbox names
// (https://www.dropbox.com/developers/documentation/http/documentation#files-export).
// How large that is shows when it comes.

// exported begins the address of a blob that is exported.
const exported = "export "

// loads reports whether the file can be downloaded as it is.
func (m metadata) loads() bool { return m.Downloads == nil || *m.Downloads }

// asExport makes of a file's item what its export is.
func (m metadata) asExport(it *item.Item) {
	ending := cmp.Or(map[string]string{"markdown": "md", "plain_text": "txt"}[m.Export.As], m.Export.As)
	if ending != "" {
		item.FileName.Set(it, strings.TrimSuffix(m.Name, ".paper")+"."+ending)
	}
	it.Blob.URL = exported + it.Blob.URL
	it.Blob.Version, it.Blob.Bytes, it.Blob.Sums = m.Rev, -1, nil
}

// openExport streams an export from an offset on: Dropbox makes no stretches of it.
func (c *cloud) openExport(ctx context.Context, b item.Blob, offset, n int64) (io.ReadCloser, error) {
	const call = "files/export"
	v, err := c.viewOf(ctx, strings.TrimPrefix(b.URL, exported))
	if err != nil {
		return nil, err
	}
	h, err := withArg(v, pathArg{Path: b.Ref.ID})
	if err != nil {
		return nil, err
	}
	resp, err := c.api.http.Do(ctx, connector.Request{Method: http.MethodPost, URL: c.api.cfg.content + "/2/" + call, Header: h, Class: classBytes, Call: call, Reads: true, Repeatable: true})
	if err != nil {
		return nil, err
	}
	var told struct {
		Export struct {
			Size int64 `json:"size"`
		} `json:"export_metadata"`
		File metadata `json:"file_metadata"`
	}
	if json.Unmarshal([]byte(resp.Header.Get("Dropbox-API-Result")), &told) != nil || told.File.ID == "" {
		resp.Body.Close()
		return nil, connector.Errorf(connector.Malformed, "%s: the answer does not say what it holds", call)
	}
	if b.Version != "" && told.File.Rev != b.Version {
		resp.Body.Close()
		return nil, changed()
	}
	if _, err := io.CopyN(io.Discard, resp.Body, offset); err != nil {
		resp.Body.Close()
		return nil, cutOff(ctx)
	}
	want := told.Export.Size - offset
	if n >= 0 {
		want = min(want, n)
	}
	return &stream{ctx: ctx, in: io.LimitReader(resp.Body, want), left: want, Closer: resp.Body}, nil
}
