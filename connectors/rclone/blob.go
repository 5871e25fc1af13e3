package rclone

import (
	"context"
	"io"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/rclone/rclone/fs"
	"github.com/rclone/rclone/fs/hash"

	"github.com/rialto-migrate/rialto/connector"
	"github.com/rialto-migrate/rialto/item"
)

// bare is the media type of a file of which nothing is known (RFC 2046, 4.5.1).
const bare = "application/octet-stream"

// sums are what the cloud says that an object's bytes hash to.
func sums(ctx context.Context, lib *library, o fs.Object) []item.Sum {
	var out []item.Sum
	for _, s := range []struct {
		kind hash.Type
		name string
	}{{hash.MD5, "md5"}, {hash.SHA1, "sha1"}, {hash.SHA256, "sha256"}} {
		if !lib.Hashes().Contains(s.kind) {
			continue
		}
		if hex, err := o.Hash(ctx, s.kind); err == nil && hex != "" {
			out = append(out, item.Sum{Algorithm: s.name, Hex: strings.ToLower(hex)})
		}
	}
	return out
}

// version pins an object's bytes by all that the cloud tells of them at no cost.
func version(ctx context.Context, lib *library, o fs.Object, modified time.Time) string {
	parts := []string{strconv.FormatInt(o.Size(), 10)}
	if lib.Precision() < fs.ModTimeNotSupported {
		parts = append(parts, strconv.FormatInt(modified.UnixNano(), 36))
	}
	if !lib.Features().SlowHash {
		for _, s := range sums(ctx, lib, o) {
			parts = append(parts, s.Hex)
		}
	}
	if len(parts) == 1 { // it tells neither
		if o, ok := o.(fs.IDer); ok {
			parts = append(parts, o.ID())
		}
	}
	return strings.Join(parts, ".")
}

// Open streams a stretch of a file. The file is held against its version before the
// first byte and, where the cloud changes files in place, after the last.
func (c *cloud) Open(ctx context.Context, b item.Blob, offset, n int64) (io.ReadCloser, error) {
	if n == 0 {
		return io.NopCloser(strings.NewReader("")), nil
	}
	obj, err := c.pinned(ctx, b)
	if err != nil {
		return nil, err
	}
	size := obj.Size()
	if size >= 0 && offset >= size {
		return io.NopCloser(strings.NewReader("")), nil
	}
	lib, err := c.library(ctx)
	if err != nil {
		return nil, err
	}
	inner, k := c.bridge.begin(fs.CopyConfig(context.WithValue(ctx, bytesKey{}, true), lib.ctx))
	var options []fs.OpenOption
	switch {
	case n > 0:
		options = append(options, &fs.RangeOption{Start: offset, End: offset + n - 1})
	case offset > 0:
		options = append(options, &fs.RangeOption{Start: offset, End: -1})
	}
	in, err := obj.Open(inner, options...)
	if err != nil {
		c.bridge.end(k)
		return nil, classed(ctx, "GET {object}", k, err)
	}
	s := &stream{cloud: c, ctx: ctx, call: k, in: in, blob: b, left: n, changes: lib.Features().PartialUploads}
	if n < 0 && size >= 0 {
		s.left = size - offset
	}
	if n > 0 && size >= 0 {
		s.left = min(n, size-offset)
	}
	return s, nil
}

// pinned finds the object that is to be read, if it is the version that is wanted.
func (c *cloud) pinned(ctx context.Context, b item.Blob) (fs.Object, error) {
	obj, err := c.look(ctx, b.Ref.ID)
	if err != nil {
		return nil, err
	}
	it, err := c.file(ctx, b.Parent, obj)
	if err != nil {
		return nil, err
	}
	if b.Version != "" && it.Blob.Version != b.Version {
		return nil, changed()
	}
	return obj, nil
}

func changed() *connector.Error {
	return connector.Errorf(connector.Conflict, "GET {object}: it has changed since it was listed").WithHint("run again: it moves as it is then")
}

// A stream is a file that comes in.
type stream struct {
	*cloud
	ctx     context.Context
	call    *call
	in      io.ReadCloser
	blob    item.Blob
	left    int64 // -1 if nobody knows
	changes bool
}

func (s *stream) Read(p []byte) (int, error) {
	if s.left == 0 {
		return 0, s.end()
	}
	if s.left > 0 && int64(len(p)) > s.left {
		p = p[:s.left]
	}
	n, err := s.in.Read(p)
	if s.left > 0 {
		s.left -= int64(n)
	}
	switch {
	case err == nil || n > 0:
		return n, nil
	case err == io.EOF && s.left <= 0:
		return 0, s.end()
	case s.ctx.Err() != nil:
		return 0, &connector.Error{Class: connector.Transient, Reason: "GET {object}: stopped", Err: context.Cause(s.ctx)}
	}
	if told := s.call.told(); told != nil && told.Class != connector.Transient {
		return 0, told
	}
	return 0, &connector.Error{Class: connector.Transient, Reason: "GET {object}: the file was cut off", Err: io.ErrUnexpectedEOF}
}

// end is io.EOF if the file is still what it was.
func (s *stream) end() error {
	if s.changes {
		s.changes = false
		if _, err := s.pinned(s.ctx, s.blob); err != nil {
			return err
		}
	}
	return io.EOF
}

func (s *stream) Close() error {
	s.bridge.end(s.call)
	_ = s.in.Close() // what it was to say was said by Read
	return nil
}

// hashes are those of a backend that a stream is worth hashing by: two at most.
func hashes(lib *library) hash.Set {
	all := lib.Hashes().Array()
	slices.Sort(all)
	return hash.NewHashSet(all[:min(len(all), 2)]...)
}
