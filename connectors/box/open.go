package box

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/rialto-migrate/rialto/connector"
	"github.com/rialto-migrate/rialto/item"
)

const callContent = "GET {file}/content"

// Open streams a stretch of one version of a file
// (https://developer.box.com/reference/get-files-id-content). Box sends whoever asks
// on to another address, which needs no credentials.
func (c *cloud) Open(ctx context.Context, b item.Blob, offset, n int64) (io.ReadCloser, error) {
	if n == 0 {
		return http.NoBody, nil
	}
	as := c.cfg.as
	if c.cfg.everybody() {
		as = b.URL
	}
	r := c.api.request(as, http.MethodGet, "/files/"+b.Ref.ID+"/content", q("version", b.Version), nil)
	r.Call = callContent
	ranged := n > 0 || offset > 0
	switch {
	case n > 0:
		r.Header.Set("Range", fmt.Sprintf("bytes=%d-%d", offset, offset+n-1))
	case offset > 0:
		r.Header.Set("Range", fmt.Sprintf("bytes=%d-", offset))
	}
	want := n
	if b.Bytes >= 0 && (n < 0 || offset+n > b.Bytes) {
		want = max(b.Bytes-offset, 0)
	}
	if want == 0 && n < 0 && offset > 0 {
		return http.NoBody, nil
	}
	for attempt := 1; ; attempt++ {
		resp, err := c.api.http.Do(ctx, r)
		switch {
		case err != nil && b.Version != "" && connector.ClassOf(err) == connector.Gone:
			return nil, changed()
		case err != nil:
			return nil, err
		case resp.StatusCode == http.StatusAccepted: // it was uploaded a moment ago
			asked := retryAfter(resp.Header)
			resp.Body.Close()
			if attempt == 3*tries {
				return nil, connector.Errorf(connector.Transient, callContent+": the file is not ready yet")
			}
			if err := connector.Pause(ctx, attempt, asked); err != nil {
				return nil, &connector.Error{Class: connector.Transient, Reason: callContent + ": stopped", Err: err}
			}
			continue
		case ranged && resp.StatusCode != http.StatusPartialContent || !ranged && resp.StatusCode != http.StatusOK:
			resp.Body.Close()
			return nil, connector.Errorf(connector.Malformed, callContent+": a stretch was asked for, and the answer is %d", resp.StatusCode)
		}
		first, _, _ := strings.Cut(strings.TrimPrefix(resp.Header.Get("Content-Range"), "bytes "), "-")
		if ranged && first != strconv.FormatInt(offset, 10) {
			resp.Body.Close()
			return nil, connector.Errorf(connector.Malformed, callContent+": another stretch came than the one that was asked for")
		}
		return &reading{ctx: ctx, in: resp.Body, left: want}, nil
	}
}

func retryAfter(h http.Header) time.Duration {
	s, _ := strconv.Atoi(h.Get("Retry-After"))
	return time.Duration(s) * time.Second
}

func changed() *connector.Error {
	return connector.Errorf(connector.Conflict, callContent+": it has changed since it was listed").WithHint("run again: it moves as it is then")
}

// A reading is a stretch of a file that comes in: what breaks has its class, and as
// many bytes come as were told.
type reading struct {
	ctx  context.Context
	in   io.ReadCloser
	left int64 // -1 if nobody knows
}

func (r *reading) Read(p []byte) (int, error) {
	n, err := r.in.Read(p)
	if r.left >= 0 {
		if r.left -= int64(n); r.left < 0 || err == io.EOF && r.left > 0 {
			return 0, connector.Errorf(connector.Transient, callContent+": other bytes came than were told")
		}
	}
	if err == nil || err == io.EOF {
		return n, err
	}
	if _, ok := errors.AsType[*connector.Error](err); ok {
		return n, err
	}
	e := &connector.Error{Class: connector.Transient, Reason: callContent + ": the connection was cut", Err: err}
	if r.ctx.Err() != nil {
		e.Reason, e.Err = callContent+": stopped", context.Cause(r.ctx)
	}
	return n, e
}

func (r *reading) Close() error { return r.in.Close() }
