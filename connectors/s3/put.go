package s3

import (
	"context"
	"crypto/md5" //nolint:gosec // what S3 calls an ETag
	"encoding/hex"
	"errors"
	"hash"
	"io"
	"net/http"
	"strings"
	"time"

	"github.com/minio/crc64nvme"

	"github.com/rialto-migrate/rialto/connector"
	"github.com/rialto-migrate/rialto/item"
)

// inTheWay is what a person can do about an object that stands where a file goes.
const inTheWay = "another object is in the way: rename or remove it at the target, then run again"

// writeFile stores a file with one PUT (https://docs.aws.amazon.com/AmazonS3/latest/API/API_PutObject.html),
// which the server refuses where an object stands, or where another one than the
// update knows.
func (t *target) writeFile(ctx context.Context, ch connector.Change, open item.Opener) (item.Item, bool, error) {
	it := ch.Item
	id := idOf(ch)
	ref := item.Ref{Kind: item.File, ID: id}
	if it.Blob == nil {
		return item.Item{}, false, connector.Errorf(connector.Permanent, "a file without bytes cannot be stored")
	}
	q := connector.Request{Method: http.MethodPut, Header: t.headers(it), Call: "PUT {object}", Class: classWrite, Once: true}
	bucket, key := object(ref)
	q.URL = t.address(bucket, key, "")
	q.Header["If-None-Match"] = []string{"*"}
	if ch.Op == connector.Update {
		delete(q.Header, "If-None-Match")
		if ch.Prev != nil && ch.Prev.Item.Blob != nil {
			q.Header["If-Match"] = []string{`"` + ch.Prev.Item.Blob.Version + `"`}
		}
	}
	defer t.guards.alone(ch)()
	if e := t.standing(ctx, ch, bucket, key); e != nil && e.Class == connector.Conflict {
		return t.occupied(ctx, ch, ref, open, e)
	} else if e != nil {
		return item.Item{}, false, e
	}
	s, err := t.source(it.Blob, open)
	if err != nil {
		return item.Item{}, false, err
	}
	defer s.free()
	resp, err := t.send(ctx, &q, s)
	e, ok := errors.AsType[*connector.Error](err)
	if ok && t.refusesConditions(q, e) {
		resp, err = t.send(ctx, &q, s)
		e, ok = errors.AsType[*connector.Error](err)
	}
	if ok && e.Class == connector.Conflict && !e.InDoubt {
		return t.occupied(ctx, ch, ref, open, e)
	}
	if err != nil {
		return item.Item{}, false, err
	}
	resp.Body.Close()
	if etagOf(resp.Header) == "" {
		e := notS3(q.Call)
		e.InDoubt = true
		return item.Item{}, false, e
	}
	stored := fileOf(it.Parent, nameOf(id), entry{size: s.size, etag: etagOf(resp.Header)})
	t.complete(&stored, t.asStored(q.Header, resp.Header))
	if err := t.holds(s, stored.Blob, resp.Header); err != nil {
		t.discard(ctx, bucket, key, stored.Blob.Version)
		return item.Item{}, false, err
	}
	t.try(ctx, q, s, stored.Blob)
	return stored, false, nil
}

// send sends a request with the bytes of a source: few as they are, many in chunks
// unless the server knows none.
func (t *target) send(ctx context.Context, q *connector.Request, s *source) (*http.Response, error) {
	q.Body = s.body
	if s.held != nil || s.size == 0 || t.plain.Load() {
		return t.do(ctx, *q)
	}
	s.md5 = s.md5 && !t.checks.Load()
	in := *q
	in.Header, in.Body = q.Header.Clone(), s.chunks
	chunked(in.Header, s.size)
	resp, err := t.do(ctx, in)
	if e, ok := errors.AsType[*connector.Error](err); ok && refusesTrailers(e) {
		t.plain.Store(true)
		s.md5 = !t.tells.Load()
		return t.do(ctx, *q)
	}
	return resp, err
}

// asStored is what a HEAD would tell of an object that was just written.
func (t *target) asStored(sent, told http.Header) http.Header {
	h := told.Clone()
	for name, values := range sent {
		if name == "Content-Type" || strings.HasPrefix(name, headMeta) {
			h[name] = values
		}
	}
	return h
}

// occupied decides about an object that stands where a file goes: one with the
// same bytes is taken over, as it is.
func (t *target) occupied(ctx context.Context, ch connector.Change, ref item.Ref, open item.Opener, refused *connector.Error) (item.Item, bool, error) {
	if ch.Op == connector.Update {
		return item.Item{}, false, refused.WithHint("somebody changed the object since: run again")
	}
	bucket, key := object(ref)
	h, err := t.look(ctx, bucket, key)
	if connector.ClassOf(err) == connector.Gone { // it went meanwhile
		return item.Item{}, false, connector.Errorf(connector.Transient, "PUT {object}: what stood there is gone again")
	}
	if err != nil {
		return item.Item{}, false, err
	}
	there := t.fileAt(ch.Item.Parent, nameOf(ref.ID), h)
	same, err := t.sameBytes(ctx, *ch.Item.Blob, *there.Blob, open)
	if err != nil {
		return item.Item{}, false, err
	}
	if !same {
		return item.Item{}, false, refused.WithHint(inTheWay)
	}
	return there, true, nil
}

// sameBytes compares a file with an object by what is told of them, else by reading
// the one, and both if need be.
func (t *target) sameBytes(ctx context.Context, b, there item.Blob, open item.Opener) (bool, error) {
	if same, sure := item.SameBytes(b, there); sure {
		return same, nil
	}
	mine, err := hashed(open(b, 0, -1))
	if err != nil {
		return false, err
	}
	if same, sure := item.SameBytes(mine, there); sure {
		return same, nil
	}
	theirs, err := hashed(t.Open(ctx, there, 0, -1))
	if err != nil {
		return false, err
	}
	same, _ := item.SameBytes(mine, theirs)
	return same, nil
}

// hashed reads a blob to its end.
func hashed(in io.ReadCloser, err error) (item.Blob, error) {
	if err != nil {
		return item.Blob{}, err
	}
	defer in.Close()
	m, c := md5.New(), crc64nvme.New() //nolint:gosec // see above
	n, err := io.Copy(io.MultiWriter(m, c), in)
	return item.Blob{Bytes: n, Sums: []item.Sum{{Algorithm: crc64Sum, Hex: hex.EncodeToString(c.Sum(nil))}, {Algorithm: md5Sum, Hex: hex.EncodeToString(m.Sum(nil))}}}, err
}

// holds compares what the server says that it stored with what was sent.
func (t *target) holds(s *source, stored *item.Blob, h http.Header) error {
	if h.Get(headCRC64) != "" {
		t.tells.Store(true)
	}
	sent := item.Blob{Bytes: s.size, Sums: s.sums()}
	same, sure := item.SameBytes(sent, *stored)
	if sure && !same {
		return connector.Errorf(connector.Transient, "PUT {object}: the server stored other bytes than were sent")
	}
	if sure && s.held == nil && !t.plain.Load() {
		t.checks.Store(true)
	}
	return nil
}

// discard removes what was stored wrongly, if it is still that. It is tried once:
// what it leaves is found in the way.
func (t *target) discard(ctx context.Context, bucket, key, etag string) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 30*time.Second)
	defer cancel()
	q := connector.Request{Method: http.MethodDelete, URL: t.address(bucket, key, ""), Header: http.Header{"If-Match": {`"` + etag + `"`}}, Call: "DELETE {object}", Class: classDelete}
	if resp, err := t.do(ctx, q); err == nil {
		resp.Body.Close()
	}
}

// A source is the bytes of a file on their way into a PUT: held whole if they are
// few, else streamed.
type source struct {
	blob   *item.Blob
	open   item.Opener
	size   int64   // -1 until it is known
	held   *buffer // nil for one that is streamed
	md5    bool    // the server may tell nothing but an ETag: it is held against that
	crc    hash.Hash
	digest hash.Hash // MD5; nil if it is not needed
}

// source reads a small file whole, and looks how long one is that nobody knows the
// size of.
func (t *target) source(b *item.Blob, open item.Opener) (*source, error) {
	s := &source{blob: b, open: open, size: b.Bytes, md5: !t.tells.Load()}
	if s.size < 0 {
		// S3 wants to know the size before the bytes: they are read twice.
		told, err := hashed(open(*b, 0, -1))
		if err != nil {
			return nil, err
		}
		s.size = told.Bytes
	}
	if s.size > mostWhole {
		return s, nil
	}
	in, err := open(*b, 0, -1)
	if err != nil {
		return nil, err
	}
	defer in.Close()
	s.held = t.buffers.lend(int(s.size))
	if err := readWhole(in, s.held.bytes); err != nil {
		s.held.free()
		return nil, err
	}
	return s, nil
}

// readWhole fills b, and makes sure that there is no more.
func readWhole(in io.Reader, b []byte) error {
	_, err := io.ReadFull(in, b)
	if err == io.EOF || err == io.ErrUnexpectedEOF {
		return shorter()
	}
	if err != nil {
		return err
	}
	var more [1]byte
	for {
		switch n, err := in.Read(more[:]); {
		case n > 0:
			return longer()
		case err == io.EOF:
			return nil
		case err != nil:
			return err
		}
	}
}

func shorter() error {
	return connector.Errorf(connector.Conflict, "the source sent fewer bytes than it said").WithHint("the file changed while it was read: run again")
}

func longer() error {
	return connector.Errorf(connector.Conflict, "the source sent more bytes than it said").WithHint("the file changed while it was read: run again")
}

// free gives back what is held.
func (s *source) free() {
	if s.held != nil {
		s.held.free()
	}
}

// body makes the bytes anew for each attempt.
func (s *source) body() (io.ReadCloser, int64, string, error) {
	if s.held != nil {
		return s.held.body(), s.size, "", nil
	}
	in, err := s.open(*s.blob, 0, -1)
	if err != nil {
		return nil, 0, "", err
	}
	s.crc, s.digest = crc64nvme.New(), nil
	if s.md5 {
		s.digest = md5.New() //nolint:gosec // see above
	}
	return &streaming{in: in, of: s, left: s.size}, s.size, "", nil
}

// chunks makes the bytes anew, in chunks with their checksum behind them.
func (s *source) chunks() (io.ReadCloser, int64, string, error) {
	in, size, _, err := s.body()
	if err != nil {
		return nil, 0, "", err
	}
	return &chunker{in: in, left: size, sum: func() []byte { return s.crc.Sum(nil) }}, chunkedSize(size), "", nil
}

// sums are those of the bytes that were sent.
func (s *source) sums() []item.Sum {
	if s.held != nil {
		out := []item.Sum{}
		if s.md5 {
			m := md5.Sum(s.held.bytes) //nolint:gosec // see above
			out = append(out, item.Sum{Algorithm: md5Sum, Hex: hex.EncodeToString(m[:])})
		}
		c := crc64nvme.New()
		_, _ = c.Write(s.held.bytes)
		return append(out, item.Sum{Algorithm: crc64Sum, Hex: hex.EncodeToString(c.Sum(nil))})
	}
	if s.crc == nil {
		return nil
	}
	out := []item.Sum{{Algorithm: crc64Sum, Hex: hex.EncodeToString(s.crc.Sum(nil))}}
	if s.digest != nil {
		out = append(out, item.Sum{Algorithm: md5Sum, Hex: hex.EncodeToString(s.digest.Sum(nil))})
	}
	return out
}

// streaming hashes what it passes on, and fails before its end where there is more
// or less than was said, so that the server never has a whole body.
type streaming struct {
	in   io.ReadCloser
	of   *source
	left int64
}

func (r *streaming) Read(p []byte) (int, error) {
	if r.left == 0 {
		return 0, io.EOF
	}
	// The last byte is given only when it is known to be the last.
	n, err := r.in.Read(p[:min(int64(len(p)), r.left)])
	if r.left -= int64(n); r.left == 0 && err == nil {
		err = readWhole(r.in, nil)
	} else if r.left > 0 && (err == io.EOF || err == io.ErrUnexpectedEOF) {
		err = shorter()
	}
	if err != nil && err != io.EOF {
		return 0, err
	}
	_, _ = r.of.crc.Write(p[:n])
	if r.of.digest != nil {
		_, _ = r.of.digest.Write(p[:n])
	}
	return n, nil
}

func (r *streaming) Close() error { return r.in.Close() }

// none is a body of no bytes.
func none() (io.ReadCloser, int64, string, error) { return http.NoBody, 0, "", nil }
