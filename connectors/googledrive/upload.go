package googledrive

import (
	"bytes"
	"context"
	"crypto/md5" //nolint:gosec // what Drive tells of a file
	"crypto/rand"
	"encoding/hex"
	"encoding/json"
	"hash"
	"io"
	"net/http"
	"net/url"
	"strings"
	"sync"

	"github.com/rialto-migrate/rialto/connector"
	"github.com/rialto-migrate/rialto/item"
)

// upload sends a file's bytes with what is said of it: in one request
// (https://developers.google.com/workspace/drive/api/guides/manage-uploads#multipart),
// or, where nobody knows how many they are and they turn out to be many, in chunks. id is
// the file's, "" for a new one. The answer is held against what was sent.
func (t *target) upload(ctx context.Context, id string, d draft, c connector.Change, open item.Opener, more ...url.Values) (file, error) {
	if c.Item.Blob == nil {
		return file{}, connector.Errorf(connector.Permanent, "a file without bytes cannot be written").WithHint("please report this as a mistake of the source's connector")
	}
	s := &sending{blob: *c.Item.Blob, open: open}
	defer s.close()
	var f file
	var err error
	if s.blob.Bytes < 0 {
		if err := s.begin(); err != nil {
			return file{}, err
		}
	}
	if s.rest != nil {
		f, err = t.inChunks(ctx, id, d, s, more...)
	} else {
		f, err = t.inOne(ctx, id, d, s, more...)
	}
	last := s.last()
	switch {
	case last.failed != nil && s.tries < 2:
		return file{}, last.failed // nothing whole was sent
	case id == "":
		f, err = t.made(ctx, d.ID, f, err)
	}
	if err != nil {
		return file{}, err
	}
	if last.whole && (int64(f.Size) != last.sent || f.MD5 != "" && f.MD5 != last.md5) {
		if id == "" {
			t.drop(ctx, f.ID)
		}
		return file{}, connector.Errorf(connector.Transient, "POST /files: Drive stored other bytes than were sent")
	}
	return f, nil
}

// where is the address to upload a file to.
func (t *target) where(id, kind string, more ...url.Values) (method, address, call string) {
	q := merged(everywhere("uploadType", kind, "fields", fileFields), more...)
	if id == "" {
		q.Set("ignoreDefaultVisibility", unseen)
		return http.MethodPost, t.person.api.base + "/upload/drive/v3/files?" + q.Encode(), "POST /upload/files"
	}
	return http.MethodPatch, t.person.api.base + "/upload/drive/v3" + at(id) + "?" + q.Encode(), "PATCH /upload/files/{}"
}

func (t *target) inOne(ctx context.Context, id string, d draft, s *sending, more ...url.Values) (file, error) {
	method, address, call := t.where(id, "multipart", more...)
	boundary := rand.Text()
	said, err := json.Marshal(d)
	if err != nil {
		return file{}, connector.Errorf(connector.Permanent, "%s: what is said of a file is not JSON", call)
	}
	head := "--" + boundary + "\r\nContent-Type: application/json; charset=UTF-8\r\n\r\n" + string(said) + "\r\n--" + boundary + "\r\nContent-Type: " + d.MimeType + "\r\n\r\n"
	tail := "\r\n--" + boundary + "--\r\n"
	var f file
	_, err = t.person.api.http.JSON(ctx, connector.Request{Method: method, URL: address, Call: call, Class: classDrive, Cost: t.person.api.cost(costWrite), Repeatable: true,
		Header: http.Header{"Content-Type": {"multipart/related; boundary=" + boundary}},
		Body: func() (io.ReadCloser, int64, string, error) {
			in, err := s.bytes()
			if err != nil {
				return nil, 0, "", err
			}
			return body{io.MultiReader(strings.NewReader(head), in, strings.NewReader(tail)), in}, int64(len(head)) + s.blob.Bytes + int64(len(tail)), "", nil
		}}, &f)
	return f, err
}

// A body is what is sent, with what is to be closed then.
type body struct {
	io.Reader
	io.Closer
}

// drop puts what was stored wrongly into the bin.
func (t *target) drop(ctx context.Context, id string) {
	err := t.person.api.write(context.WithoutCancel(ctx), "PATCH", "PATCH /files/{}", at(id), everywhere("fields", "id"), map[string]bool{"trashed": true}, nil)
	if err != nil {
		t.log.Debug("a file that was stored wrongly stays behind", "error", err)
	}
}

// A sending is the bytes of a file on their way: read anew for each attempt, or, where
// nobody knows how many they are, from a buffer.
type sending struct {
	blob item.Blob
	open item.Opener

	held  []byte        // the beginning of a blob of unknown size
	rest  io.ReadCloser // what follows, nil if that was all
	tries int           // attempts so far
	now   *attempt      // the last of them
}

// An attempt is what was sent in one request. A transport may read on for a moment
// after the answer is there.
type attempt struct {
	mu     sync.Mutex
	sum    hash.Hash
	sent   int64
	whole  bool  // the source was read to its end
	failed error // why it could not be
}

// An outcome is what became of an attempt.
type outcome struct {
	sent   int64
	whole  bool
	md5    string
	failed error
}

func (s *sending) last() outcome {
	if s.now == nil {
		return outcome{}
	}
	s.now.mu.Lock()
	defer s.now.mu.Unlock()
	return outcome{sent: s.now.sent, whole: s.now.whole, md5: hex.EncodeToString(s.now.sum.Sum(nil)), failed: s.now.failed}
}

// note takes note of bytes that were read, and of how that ended.
func (a *attempt) note(p []byte, err error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.sum.Write(p)
	a.sent += int64(len(p))
	switch {
	case err == io.EOF:
		a.whole = true
	case err != nil:
		a.failed = err
	}
}

// heldMost is how much of a blob of unknown size is held: a multiple of chunk.
const heldMost = 2 * chunk

// begin reads the beginning of a blob of which nobody knows how large it is.
func (s *sending) begin() error {
	in, err := s.open(s.blob, 0, -1)
	if err != nil {
		return err
	}
	s.held = make([]byte, heldMost)
	n, err := io.ReadFull(in, s.held)
	s.held = s.held[:n]
	if err == nil {
		s.rest = in
		return nil
	}
	in.Close()
	if err != io.EOF && err != io.ErrUnexpectedEOF {
		return err
	}
	s.blob.Bytes = int64(n)
	return nil
}

func (s *sending) close() {
	if s.rest != nil {
		s.rest.Close()
	}
}

// try begins an attempt.
func (s *sending) try() *attempt {
	s.tries++
	s.now = &attempt{sum: md5.New()} //nolint:gosec // see above
	return s.now
}

// bytes opens the bytes for an attempt.
func (s *sending) bytes() (io.ReadCloser, error) {
	a := s.try()
	if s.held != nil {
		return &noting{Reader: bytes.NewReader(s.held), Closer: io.NopCloser(nil), to: a}, nil
	}
	in, err := s.open(s.blob, 0, -1)
	if err != nil {
		a.note(nil, err)
		return nil, err
	}
	m := connector.Measure(in, s.blob.Bytes)
	if s.blob.Bytes == 0 {
		if err := m.End(); err != io.EOF {
			in.Close()
			a.note(nil, err)
			return nil, err
		}
	}
	return &noting{Reader: m, Closer: in, to: a}, nil
}

// noting takes note of what it passes on.
type noting struct {
	io.Reader
	io.Closer
	to *attempt
}

func (n *noting) Read(p []byte) (int, error) {
	k, err := n.Reader.Read(p)
	n.to.note(p[:k], err)
	return k, err
}
