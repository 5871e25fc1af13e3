package box

import (
	"bytes"
	"crypto/sha1" //nolint:gosec // Box's own
	"encoding/hex"
	"encoding/json"
	"errors"
	"hash"
	"io"
	"mime/multipart"

	"github.com/rialto-migrate/rialto/connector"
	"github.com/rialto-migrate/rialto/item"
)

// smallMost is how many bytes are read before they are sent, so that the request can
// tell their SHA-1 beforehand.
const smallMost = 128 << 10

// A sending is the bytes of a file on their way: they are hashed as they are read.
type sending struct {
	blob item.Blob
	open item.Opener

	small []byte // of a file that was read beforehand; nil for others
	sum   string // SHA-1, "" while it is not known

	hash     hash.Hash
	measured *connector.Measured
}

// newSending reads a small file whole, and believes a source that tells the SHA-1 of
// others: Box holds what arrives against it.
func newSending(c connector.Change, open item.Opener) (*sending, error) {
	if c.Item.Blob == nil {
		return nil, connector.Errorf(connector.Permanent, "a file without bytes cannot be written").WithHint("please report this as a mistake of the source's connector")
	}
	s := &sending{blob: *c.Item.Blob, open: open}
	if s.blob.Bytes < 0 || s.blob.Bytes > smallMost {
		s.sum = sumOf(s.blob)
		return s, nil
	}
	in, err := s.stream()
	if err != nil {
		return nil, err
	}
	defer in.Close()
	if s.small, err = io.ReadAll(in); err != nil {
		return nil, unread(err)
	}
	s.sum = s.done()
	return s, nil
}

// unread is the error of a source that cannot be read.
func unread(err error) error {
	if _, ok := errors.AsType[*connector.Error](err); ok {
		return err
	}
	return &connector.Error{Class: connector.Transient, Reason: "what should be sent cannot be read", Err: err}
}

// sumOf is what a source tells of a blob's SHA-1.
func sumOf(b item.Blob) string {
	for _, s := range b.Sums {
		if s.Algorithm == "sha1" {
			return s.Hex
		}
	}
	return ""
}

// stream opens the bytes, measured and hashed.
func (s *sending) stream() (io.ReadCloser, error) {
	in, err := s.open(s.blob, 0, -1)
	if err != nil {
		return nil, unread(err)
	}
	s.hash, s.measured = sha1.New(), connector.Measure(in, s.blob.Bytes) //nolint:gosec // see above
	if s.blob.Bytes == 0 {
		if err := s.measured.End(); err != io.EOF {
			in.Close()
			return nil, unread(err)
		}
	}
	return struct {
		io.Reader
		io.Closer
	}{io.TeeReader(s.measured, s.hash), in}, nil
}

// done is the SHA-1 of what was read last.
func (s *sending) done() string { return hex.EncodeToString(s.hash.Sum(nil)) }

// bytes is how many were read last.
func (s *sending) bytes() int64 {
	if s.small != nil {
		return int64(len(s.small))
	}
	return s.measured.Bytes()
}

// hashed is the SHA-1 of the bytes, for which they are read where it is not known.
func (s *sending) hashed() (string, error) {
	if s.sum != "" {
		return s.sum, nil
	}
	in, err := s.stream()
	if err != nil {
		return "", err
	}
	defer in.Close()
	if _, err := io.Copy(io.Discard, in); err != nil {
		return "", unread(err)
	}
	return s.done(), nil
}

// form makes the body of an upload: the attributes first, then the bytes
// (https://developer.box.com/reference/post-files-content).
func (s *sending) form(attributes any) (io.ReadCloser, int64, string, error) {
	var head bytes.Buffer
	w := multipart.NewWriter(&head)
	told, err := json.Marshal(attributes)
	if err == nil {
		err = w.WriteField("attributes", string(told))
	}
	if err == nil {
		_, err = w.CreateFormFile("file", "file")
	}
	if err != nil {
		return nil, 0, "", connector.Errorf(connector.Permanent, "the form of an upload cannot be written")
	}
	end := "\r\n--" + w.Boundary() + "--\r\n"
	var in io.ReadCloser
	if s.small != nil {
		in = io.NopCloser(bytes.NewReader(s.small))
	} else if in, err = s.stream(); err != nil {
		return nil, 0, "", err
	}
	size := int64(-1)
	if s.blob.Bytes >= 0 {
		size = int64(head.Len()) + s.blob.Bytes + int64(len(end))
	}
	return struct {
		io.Reader
		io.Closer
	}{io.MultiReader(&head, in, bytes.NewReader([]byte(end))), in}, size, w.FormDataContentType(), nil
}
