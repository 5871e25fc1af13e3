package onedrive

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"

	"github.com/rialto-migrate/rialto/connector"
	"github.com/rialto-migrate/rialto/connectors/microsoft"
	"github.com/rialto-migrate/rialto/item"
)

// Open streams a stretch of a file from the address that Graph gives for a few
// minutes, which carries its own right
// (https://learn.microsoft.com/en-us/graph/api/driveitem-get-content). It names no
// version: the item tells the one that it gives.
func (c *cloud) Open(ctx context.Context, b item.Blob, offset, n int64) (io.ReadCloser, error) {
	if !strings.HasPrefix(b.URL, "/drives/") {
		return nil, connector.Errorf(connector.Permanent, "GET {file}: this is no file of a drive")
	}
	var i driveItem
	if err := c.read(ctx, b.URL, nil, costOne, &i); err != nil {
		return nil, err
	}
	if i.File == nil || i.Deleted != nil {
		return nil, gone("GET {file}")
	}
	if b.Version != "" && i.version() != b.Version {
		return nil, changed("GET {file}")
	}
	if n == 0 || i.Size == 0 {
		return io.NopCloser(strings.NewReader("")), nil
	}
	return c.download(ctx, i, offset, n)
}

const downloading = "GET {file}/content"

func (c *cloud) download(ctx context.Context, i driveItem, offset, n int64) (io.ReadCloser, error) {
	if i.Download == "" {
		return nil, connector.Errorf(connector.Forbidden, "%s: the drive gives the file to nobody", downloading).
			WithHint("look at it in the browser: it may hold malware, or be kept from being downloaded")
	}
	h := http.Header{"Accept-Encoding": {"identity"}}
	ranged := true
	switch {
	case n > 0:
		h.Set("Range", fmt.Sprintf("bytes=%d-%d", offset, offset+n-1))
	case offset > 0:
		h.Set("Range", fmt.Sprintf("bytes=%d-", offset))
	default:
		ranged = false
	}
	resp, err := c.graph.Do(ctx, connector.Request{Method: http.MethodGet, URL: i.Download, Header: h, Class: microsoft.ClassFiles, Call: downloading, Unsigned: true})
	if refused(err, http.StatusRequestedRangeNotSatisfiable) {
		return nil, changed(downloading)
	}
	if err != nil {
		return nil, err
	}
	size, first := resp.ContentLength, int64(0)
	if resp.StatusCode == http.StatusPartialContent {
		first, size = contentRange(resp.Header.Get("Content-Range"))
	}
	switch {
	case (resp.StatusCode == http.StatusPartialContent) != ranged || ranged && first != offset:
		resp.Body.Close()
		return nil, connector.Errorf(connector.Malformed, "%s: the server sends another range than the one that was asked for", downloading)
	case size >= 0 && size != i.Size:
		resp.Body.Close()
		return nil, &connector.Error{Class: connector.Transient, Reason: downloading + ": the server sends a file of another size than the drive tells"}
	}
	want := i.Size - offset
	if n > 0 {
		want = min(want, n)
	}
	return &stream{ctx: ctx, body: resp.Body, left: want}, nil
}

// A stream is a file that comes in.
type stream struct {
	ctx  context.Context
	body io.ReadCloser
	left int64
}

func (s *stream) Read(p []byte) (int, error) {
	n, err := s.body.Read(p)
	s.left -= int64(n)
	switch {
	case err == nil, err == io.EOF && s.left == 0:
		return n, err
	case s.ctx.Err() != nil:
		return n, &connector.Error{Class: connector.Transient, Reason: downloading + ": stopped", Err: context.Cause(s.ctx)}
	}
	return n, &connector.Error{Class: connector.Transient, Reason: downloading + ": the file was cut off", Err: io.ErrUnexpectedEOF}
}

func (s *stream) Close() error { return s.body.Close() }

// contentRange reads "bytes 0-9/20" (RFC 9110, 14.4); the size is -1 if it is not
// told.
func contentRange(s string) (first, size int64) {
	s, ok := strings.CutPrefix(s, "bytes ")
	span, all, _ := strings.Cut(s, "/")
	from, _, _ := strings.Cut(span, "-")
	first, err := strconv.ParseInt(from, 10, 64)
	if !ok || err != nil {
		return -1, -1
	}
	if size, err = strconv.ParseInt(all, 10, 64); err != nil {
		size = -1
	}
	return first, size
}
