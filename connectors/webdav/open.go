package webdav

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"

	"github.com/rialto-migrate/rialto/connector"
	"github.com/rialto-migrate/rialto/item"
)

// Open streams a stretch of a file. Which version is sent stands at the head of the
// answer, weak etags included, so that nothing else need be asked.
func (c *cloud) Open(ctx context.Context, b item.Blob, offset, n int64) (io.ReadCloser, error) {
	const call = "GET {object}"
	// Compressed, it would be another entity with an etag of its own.
	h := http.Header{"Accept-Encoding": {"identity"}}
	if n == 0 {
		return io.NopCloser(strings.NewReader("")), nil
	}
	if n > 0 {
		h.Set("Range", fmt.Sprintf("bytes=%d-%d", offset, offset+n-1))
	} else if offset > 0 {
		h.Set("Range", fmt.Sprintf("bytes=%d-", offset))
	}
	resp, err := c.api.http.Do(ctx, connector.Request{Method: http.MethodGet, URL: c.api.at(b.Ref.ID, false), Header: h, Call: call})
	if refused(err, http.StatusRequestedRangeNotSatisfiable) {
		return nil, changed()
	}
	if err != nil {
		return nil, err
	}
	size := resp.ContentLength
	if resp.StatusCode == http.StatusPartialContent {
		var first int64
		if first, size = contentRange(resp.Header.Get("Content-Range")); first != offset {
			resp.Body.Close()
			return nil, connector.Errorf(connector.Malformed, "%s: the server sends another range than the one that was asked for", call)
		}
	}
	if b.Version != "" && told(resp.Header, size) != b.Version || b.Bytes >= 0 && size >= 0 && size != b.Bytes {
		resp.Body.Close()
		return nil, changed()
	}
	if resp.StatusCode != http.StatusPartialContent && offset > 0 { // a server without ranges
		if _, err := io.CopyN(io.Discard, resp.Body, offset); err != nil {
			resp.Body.Close()
			return nil, &connector.Error{Class: connector.Transient, Reason: call + ": the file was cut off", Err: errCut}
		}
	}
	in := &stream{ctx: ctx, Reader: resp.Body, Closer: resp.Body}
	if n >= 0 {
		in.Reader = io.LimitReader(resp.Body, n)
	}
	return in, nil
}

// A stream is a file that comes in.
type stream struct {
	ctx context.Context
	io.Reader
	io.Closer
}

func (s *stream) Read(p []byte) (int, error) {
	n, err := s.Reader.Read(p)
	if err != nil && err != io.EOF {
		e := &connector.Error{Class: connector.Transient, Reason: "GET {object}: the file was cut off", Err: errCut}
		if s.ctx.Err() != nil {
			e.Reason, e.Err = "GET {object}: stopped", context.Cause(s.ctx)
		}
		err = e
	}
	return n, err
}

// told is the version of the bytes that the head of an answer speaks of.
func told(h http.Header, size int64) string {
	modified, err := http.ParseTime(h.Get("Last-Modified"))
	if err == nil {
		modified = modified.UTC()
	}
	return version(unweak(h.Get("ETag")), modified, size)
}

func changed() *connector.Error {
	return connector.Errorf(connector.Conflict, "GET {object}: it has changed since it was listed").WithHint("run again: it moves as it is then")
}

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
