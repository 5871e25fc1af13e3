package smb

import (
	"context"
	"io"
	"strings"
	"sync"

	smb2 "github.com/cloudsoda/go-smb2"

	"github.com/rialto-migrate/rialto/connector"
	"github.com/rialto-migrate/rialto/item"
)

const (
	// piece is how many bytes one request reads or writes; servers take 1 MiB at least
	// where they speak SMB 3 ([MS-SMB2] 3.3.5.4).
	piece = 256 << 10
	// ahead of what is needed, so many pieces of a file are under way.
	pieces = 4
)

// Open streams a stretch of a file. The file is held against its version before the
// first byte and after the last, so that none is read half old and half new.
func (c *cloud) Open(ctx context.Context, b item.Blob, offset, n int64) (io.ReadCloser, error) {
	if n == 0 {
		return io.NopCloser(strings.NewReader("")), nil
	}
	r := &reader{ctx: ctx, blob: b, at: offset}
	share, inner := split(b.Ref.ID)
	err := c.pool.repeat(ctx, "READ {object}", true, func(l *link) error {
		s, err := l.share(share)
		if err != nil {
			return err
		}
		f, err := s.Open(inner)
		if err != nil {
			return err
		}
		if err := pinned(f, b); err != nil {
			_ = f.Close() // the reason is known
			return err
		}
		r.link, r.file = l, f
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
func pinned(f *smb2.File, b item.Blob) error {
	info, err := f.Stat()
	if err != nil {
		return err
	}
	stat := info.(*smb2.FileStat)
	if isDir(stat) || b.Version != "" && version(stat) != b.Version {
		return connector.Errorf(connector.Conflict, "READ {object}: it has changed since it was listed").WithHint("run again: it moves as it is then")
	}
	return nil
}

// A reader reads a file in pieces that are asked for side by side.
type reader struct {
	ctx     context.Context
	link    *link
	file    *smb2.File
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
	if r.ctx.Err() != nil {
		return &connector.Error{Class: connector.Transient, Reason: "READ {object}: stopped", Err: context.Cause(r.ctx)}
	}
	want := int64(pieces * piece)
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
	answered := r.link.await(r.ctx)
	n, err := readSide(r.file, r.buf[:want], r.at)
	answered()
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

// readSide reads pieces of a file side by side; io.EOF where it ends.
func readSide(f *smb2.File, into []byte, at int64) (int, error) {
	type result struct {
		n   int
		err error
	}
	results := make([]result, (len(into)+piece-1)/piece)
	var all sync.WaitGroup
	for i := range results {
		all.Go(func() {
			part := into[i*piece : min(len(into), (i+1)*piece)]
			n, err := f.ReadAt(part, at+int64(i*piece))
			if err == nil && n < len(part) {
				err = io.EOF
			}
			results[i] = result{n, err}
		})
	}
	all.Wait()
	have := 0
	for _, r := range results {
		have += r.n
		if r.err != nil {
			return have, r.err
		}
	}
	return have, nil
}

// last is io.EOF if the file is still what it was.
func (r *reader) last() error {
	defer r.link.await(r.ctx)()
	if err := pinned(r.file, r.blob); err != nil {
		return classed(r.ctx, "READ {object}", err)
	}
	return io.EOF
}

func (r *reader) Close() error {
	defer r.link.await(r.ctx)()
	if err := r.file.Close(); err != nil && !gone(err) {
		return classed(r.ctx, "CLOSE {object}", err)
	}
	return nil
}
