package googledrive

import (
	"cmp"
	"context"
	"crypto/md5" //nolint:gosec // what Drive tells of a file
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"io"
	"mime"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/rialto-migrate/rialto/connector"
	"github.com/rialto-migrate/rialto/item"
)

// by is the person through whom a blob was found.
func (c *cloud) by(b item.Blob) *person {
	for _, p := range c.people {
		if p.address == b.URL {
			return p
		}
	}
	return c.people[0]
}

// Open streams a stretch of a file. Drive's answer does not tell which version it is
// of: a file that is read whole is held against the MD5 that was listed, before its
// last bytes are given out; for a stretch of one, and for a document that is exported,
// the version is asked for before and after.
func (c *cloud) Open(ctx context.Context, b item.Blob, offset, n int64) (io.ReadCloser, error) {
	if n == 0 {
		return io.NopCloser(strings.NewReader("")), nil
	}
	a := c.by(b).api
	s := &stream{ctx: ctx, api: a, blob: b, call: "GET /files/{}?alt=media", left: n}
	q := connector.Request{Method: http.MethodGet, Call: s.call, Class: classDrive, Cost: a.cost(costDownload), Header: http.Header{}}
	export := ""
	if _, as, ok := strings.Cut(b.Version, " "); ok {
		export = as
	}
	sum := sumOf(b)
	switch {
	case export != "":
		s.call = "GET /files/{}/export"
		q.Call, q.URL = s.call, a.base+"/drive/v3"+at(b.Ref.ID)+"/export?"+url.Values{"mimeType": {export}}.Encode()
		s.skip, s.check = offset, true
	default:
		q.URL = a.base + "/drive/v3" + at(b.Ref.ID) + "?" + everywhere("alt", "media").Encode()
		if offset == 0 && (n < 0 || n == b.Bytes) && b.Bytes >= 0 && sum != "" {
			s.want, s.sum, s.left = sum, md5.New(), -1 //nolint:gosec // see above
		} else {
			s.check = true
			last := ""
			if n > 0 {
				last = fmt.Sprint(offset + n - 1)
			}
			q.Header.Set("Range", fmt.Sprintf("bytes=%d-%s", offset, last))
		}
	}
	if s.check {
		if err := s.unchanged(); err != nil {
			return nil, err
		}
	}
	resp, err := a.http.Do(ctx, q)
	if status(err) == http.StatusRequestedRangeNotSatisfiable {
		return nil, s.changed()
	}
	if err != nil {
		return nil, err
	}
	media, _, _ := mime.ParseMediaType(resp.Header.Get("Content-Type"))
	switch {
	case export != "" && media != export:
		resp.Body.Close()
		return nil, connector.Errorf(connector.Malformed, "%s: Drive sends something else than the export that was asked for", s.call)
	case q.Header.Get("Range") != "" && (resp.StatusCode != http.StatusPartialContent || !strings.HasPrefix(resp.Header.Get("Content-Range"), fmt.Sprintf("bytes %d-", offset))):
		resp.Body.Close()
		return nil, connector.Errorf(connector.Malformed, "%s: Drive sends another range than the one that was asked for", s.call)
	}
	s.in = resp.Body
	return s, nil
}

// sumOf is the MD5 that was listed, "" for none.
func sumOf(b item.Blob) string {
	for _, s := range b.Sums {
		if s.Algorithm == "md5" {
			return s.Hex
		}
	}
	return ""
}

// A stream is a file that comes in.
type stream struct {
	ctx   context.Context
	api   *api
	blob  item.Blob
	call  string
	in    io.ReadCloser
	skip  int64 // bytes of an export before the stretch: they have no ranges
	left  int64 // bytes of the stretch; -1 to the end
	check bool  // the version is asked for at the end

	want string // the MD5 of all
	sum  hash.Hash
	read int64
	done bool
}

func (s *stream) Close() error { return s.in.Close() }

func (s *stream) Read(p []byte) (int, error) {
	if s.done {
		return 0, io.EOF
	}
	for s.skip > 0 {
		n, err := io.CopyN(io.Discard, s.in, s.skip)
		s.skip -= n
		if err == io.EOF {
			return 0, s.changed() // shorter than its beginning was
		}
		if err != nil {
			return 0, s.cut()
		}
	}
	if s.left >= 0 && int64(len(p)) > s.left {
		p = p[:s.left]
	}
	n, err := s.in.Read(p)
	if s.left > 0 {
		s.left -= int64(n)
	}
	s.read += int64(n)
	if s.sum != nil {
		s.sum.Write(p[:n])
	}
	ended := err == io.EOF || s.left == 0 || s.sum != nil && s.read == s.blob.Bytes
	switch {
	case err != nil && err != io.EOF:
		return 0, s.cut()
	case s.sum != nil && (s.read > s.blob.Bytes || ended && (s.read < s.blob.Bytes || hex.EncodeToString(s.sum.Sum(nil)) != s.want)):
		return 0, s.other()
	case !ended:
		return n, nil
	}
	if s.check {
		if err := s.unchanged(); err != nil {
			return 0, err
		}
	}
	s.done = true
	return n, nil
}

// other decides about bytes that are not those that were listed: the file changed, or
// they were damaged on the way.
func (s *stream) other() error {
	if err := s.unchanged(); err != nil {
		return err
	}
	return connector.Errorf(connector.Transient, "%s: what came in has not the size and MD5 that Drive tells", s.call)
}

// unchanged asks whether a file still is of the version that was listed.
func (s *stream) unchanged() error {
	f, err := s.api.get(s.ctx, s.blob.Ref.ID, "headRevisionId,modifiedTime,trashed")
	if err != nil {
		return err
	}
	now := cmp.Or(f.Revision, f.Modified.UTC().Format(time.RFC3339Nano))
	if _, as, ok := strings.Cut(s.blob.Version, " "); ok {
		now = exportVersion(f.Modified, format{media: as})
	}
	if f.Trashed {
		return connector.Errorf(connector.Gone, "%s: it is in the bin by now", s.call)
	}
	if s.blob.Version != "" && now != s.blob.Version {
		return s.changed()
	}
	return nil
}

func (s *stream) changed() error {
	return connector.Errorf(connector.Conflict, "%s: it has changed since it was listed", s.call).WithHint("run again: it moves as it is then")
}

// errCut is the cause of a file that was cut off.
var errCut = errors.New("the connection was cut")

func (s *stream) cut() error {
	e := &connector.Error{Class: connector.Transient, Reason: s.call + ": the file was cut off", Err: errCut}
	if s.ctx.Err() != nil {
		e.Reason, e.Err = s.call+": stopped", context.Cause(s.ctx)
	}
	return e
}
