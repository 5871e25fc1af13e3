package sftp

import (
	"context"
	"io"
	"strings"

	pkg "github.com/pkg/sftp"

	"github.com/rialto-migrate/rialto/connector"
	"github.com/rialto-migrate/rialto/item"
)

const (
	// packet is how many bytes one request reads or writes: what every server takes
	// (draft-ietf-secsh-filexfer-02, 3).
	packet = 32 << 10
	// window is how many bytes of a file are asked for before the first of them came.
	window = 8 * packet
)

// Open streams a stretch of a file. The file is held against its version before the
// first byte and after the last, so that none is read half old and half new.
func (c *cloud) Open(ctx context.Context, b item.Blob, offset, n int64) (io.ReadCloser, error) {
	if n == 0 {
		return io.NopCloser(strings.NewReader("")), nil
	}
	r := &reader{cloud: c, ctx: ctx, blob: b, at: offset}
	err := c.pool.do(ctx, "OPEN {object}", true, func(s *session) error {
		f, err := s.Open(b.Ref.ID)
		if err != nil {
			return err
		}
		if err := pinned(f, b); err != nil {
			f.Close()
			return err
		}
		r.session, r.file = s, f
		return nil
	})
	if err != nil {
		return nil, err
	}
	r.end = offset + n
	if n < 0 {
		r.end = -1
	}
	return r, nil
}

// pinned holds a file that is open against the version that is wanted.
func pinned(f *pkg.File, b item.Blob) error {
	info, err := f.Stat()
	if err != nil {
		return err
	}
	if !info.Mode().IsRegular() || b.Version != "" && version(info) != b.Version {
		return connector.Errorf(connector.Conflict, "READ {object}: it has changed since it was listed").WithHint("run again: it moves as it is then")
	}
	return nil
}

// A reader reads a file in stretches that are asked for side by side.
type reader struct {
	*cloud
	ctx     context.Context
	session *session
	file    *pkg.File
	blob    item.Blob
	at, end int64 // end is -1 for the file's
	buf     []byte
	have    []byte // of buf, not yet given out
	over    error
}

func (r *reader) Read(p []byte) (int, error) {
	if len(r.have) == 0 && r.over == nil {
		r.over = r.fill()
	}
	if len(r.have) == 0 {
		return 0, r.over
	}
	n := copy(p, r.have)
	r.have = r.have[n:]
	return n, nil
}

// fill reads the next stretch.
func (r *reader) fill() error {
	if err := r.ctx.Err(); err != nil {
		return &connector.Error{Class: connector.Transient, Reason: "READ {object}: stopped", Err: context.Cause(r.ctx)}
	}
	want := int64(window)
	if r.end >= 0 {
		want = min(want, r.end-r.at)
	} else if r.blob.Bytes >= 0 {
		want = min(want, r.blob.Bytes-r.at)
	}
	if want <= 0 {
		return r.last()
	}
	if int64(cap(r.buf)) < want {
		r.buf = make([]byte, want)
	}
	n, err := r.file.ReadAt(r.buf[:want], r.at)
	r.at += int64(n)
	r.have = r.buf[:n]
	switch {
	case err == io.EOF:
		return r.last()
	case err != nil:
		return classed(r.ctx, "READ {object}", err)
	}
	return nil
}

// last is io.EOF if the file is still what it was.
func (r *reader) last() error {
	if err := pinned(r.file, r.blob); err != nil {
		return classed(r.ctx, "READ {object}", err)
	}
	return io.EOF
}

func (r *reader) Close() error {
	if err := r.file.Close(); err != nil && !gone(err) {
		return classed(r.ctx, "CLOSE {object}", err)
	}
	return nil
}
