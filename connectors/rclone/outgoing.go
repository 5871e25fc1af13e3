package rclone

import (
	"context"
	"errors"
	stdhash "hash"
	"io"
	"time"

	"github.com/rclone/rclone/fs"
	"github.com/rclone/rclone/fs/hash"
)

// An outgoing stream is hashed as it is read, and remembers why it broke.
type outgoing struct {
	ctx    context.Context
	r      io.Reader
	hasher *hash.MultiHasher
	own    stdhash.Hash
	n      int64
	err    error
}

func (o *outgoing) Read(p []byte) (int, error) {
	if err := o.ctx.Err(); err != nil {
		return 0, err
	}
	if o.err != nil {
		return 0, o.err
	}
	n, err := o.r.Read(p)
	o.n += int64(n)
	_, _ = o.hasher.Write(p[:n])
	_, _ = o.own.Write(p[:n])
	if err != nil && err != io.EOF {
		o.err = ofSource(err)
	}
	return n, err
}

// empty reports whether a stream that should hold no bytes holds none; what it fails
// with is remembered.
func (o *outgoing) empty(size int64) bool {
	if size != 0 {
		return false
	}
	if _, err := io.ReadFull(o, make([]byte, 1)); err != nil && !errors.Is(err, io.EOF) && o.err == nil {
		o.err = ofSource(err)
	}
	return true
}

// noBytes is an empty stream.
type noBytes struct{}

func (noBytes) Read([]byte) (int, error) { return 0, io.EOF }

// A plain is what the library is told of a file that it is to write: fs.ObjectInfo.
type plain struct {
	lib      *library
	remote   string
	size     int64 // -1 if nobody knows
	modified time.Time
	media    string
}

func (p plain) String() string                    { return "{object}" }
func (p plain) Remote() string                    { return p.remote }
func (p plain) ModTime(context.Context) time.Time { return p.modified }
func (p plain) Size() int64                       { return p.size }
func (p plain) Fs() fs.Info                       { return p.lib }
func (p plain) Storable() bool                    { return true }

// MimeType is what the file's owner said that it is; the library would guess by the
// name.
func (p plain) MimeType(context.Context) string {
	if p.media == "" {
		return bare
	}
	return p.media
}

// Hash tells nothing: some backends keep what they are told here beside the bytes, and
// then it would prove nothing that the cloud says the same.
func (p plain) Hash(context.Context, hash.Type) (string, error) { return "", hash.ErrUnsupported }
