package box

import (
	"bytes"
	"context"
	"crypto/sha1" //nolint:gosec // Box's own
	"encoding"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"hash"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/rialto-migrate/rialto/connector"
	"github.com/rialto-migrate/rialto/item"
)

const (
	// partsFrom is from how many bytes on a file goes in parts: Box takes sessions for
	// files of 20 MB (https://developer.box.com/guides/uploads/chunked).
	partsFrom = 20 << 20
	// partsLeast and partsMost are what Box's sessions ask for, 8 MiB, and 32 MiB for
	// files of a gigabyte (github.com/box/box-java-sdk/issues/909); the session says.
	partsLeast, partsMost = 1 << 20, 64 << 20
	// mostBuffered is how many bytes of parts are held at the same time. A part's SHA-1
	// goes before it, and the bytes come once.
	mostBuffered = 64 << 20
)

// A session is what goes on with an upload. Box wants the SHA-1 of the whole file at
// the end, of which the parts tell nothing, so that they go one after the other and
// the hash's state goes with them.
type session struct {
	ID    string `json:"id"`
	URL   string `json:"url"`  // the server that took it, up to /api/2.0
	Part  int64  `json:"part"` // bytes of each but the last
	Size  int64  `json:"size"` // bytes of the file
	At    int64  `json:"at"`   // so many bytes are there, and hashed
	State []byte `json:"state,omitempty"`
}

func (s session) String() string {
	b, _ := json.Marshal(s) // numbers and texts
	return base64.RawURLEncoding.EncodeToString(b)
}

func readSession(text string) (session, error) {
	var s session
	b, err := base64.RawURLEncoding.DecodeString(text)
	if err != nil || json.Unmarshal(b, &s) != nil || s.ID == "" || s.Part <= 0 {
		return s, connector.Errorf(connector.Gone, "the session of an upload is not one of this connector")
	}
	return s, nil
}

// hash is one that goes on after the bytes that are there.
func (s session) hash() (hash.Hash, error) {
	h := sha1.New() //nolint:gosec // see above
	if len(s.State) == 0 {
		return h, nil
	}
	if h.(encoding.BinaryUnmarshaler).UnmarshalBinary(s.State) != nil {
		return nil, connector.Errorf(connector.Gone, "the session of an upload is of another version of this program")
	}
	return h, nil
}

// digest is a SHA-1 as RFC 3230 writes it.
func digest(sum []byte) string { return "sha=" + base64.StdEncoding.EncodeToString(sum) }

// request is a call about a session, to the server that took it.
func (t *target) sessionCall(s session, method, path string, query url.Values, in any) connector.Request {
	r := t.api.to(s.URL+"/files/upload_sessions/"+s.ID+path, t.cfg.as, method, query, in)
	r.Call = method + " {session}" + path
	return r
}

// An uploadSession is what Box tells of a new one.
type uploadSession struct {
	ID        string  `json:"id"`
	PartBytes float64 `json:"part_size"`
	Endpoints struct {
		Status string `json:"status"`
	} `json:"session_endpoints"`
}

type uploadPart struct {
	ID     string `json:"part_id"`
	Offset int64  `json:"offset"`
	Size   int64  `json:"size"`
	SHA1   string `json:"sha1"`
}

// Begin opens an upload session. One that is opened and not learned of ends by itself
// after a week, and holds nothing that counts.
func (t *target) Begin(ctx context.Context, c connector.Change) (string, error) {
	path := "/files/upload_sessions"
	in := struct {
		Folder string `json:"folder_id,omitempty"`
		Size   int64  `json:"file_size"`
		Name   string `json:"file_name"`
	}{Size: c.Item.Blob.Bytes, Name: item.FileName.Get(c.Item)}
	if c.Op == connector.Update {
		now, err := t.current(ctx, c, true)
		if err != nil {
			return "", err
		}
		path, in.Name = "/files/"+c.Item.ID+"/upload_sessions", now.Name
	} else {
		var err error
		if in.Folder, err = folderOf(c.Item.Parent); err != nil {
			return "", err
		}
	}
	r := t.api.upload(t.cfg.as, http.MethodPost, path, nil, in)
	r.Class, r.Repeatable = "", true
	var told uploadSession
	if err := t.api.send(ctx, r, &told); err != nil {
		return "", err
	}
	s := session{ID: told.ID, URL: t.serverOf(told), Part: int64(told.PartBytes), Size: c.Item.Blob.Bytes}
	if s.ID == "" || s.Part <= 0 || s.Part > partsMost {
		return "", connector.Errorf(connector.Malformed, "POST /files/upload_sessions: the answer names no session, or parts of %d bytes", s.Part)
	}
	return s.String(), nil
}

// serverOf is the server that a session's calls go to: one of Box's own, for the
// token goes there, too.
func (t *target) serverOf(told uploadSession) string {
	own := t.cfg.uploads + "/api/2.0"
	base, _, ok := strings.Cut(told.Endpoints.Status, "/files/upload_sessions/")
	u, err := url.Parse(base)
	if !ok || err != nil || t.cfg.uploads != publicUpload || u.Scheme != "https" || !strings.HasSuffix(u.Host, ".box.com") {
		return own
	}
	return base
}

// PartBytes is how large the parts of a session are.
func (t *target) PartBytes(text string) int64 {
	s, err := readSession(text)
	if err != nil {
		return 0
	}
	return s.Part
}

// Held lists the parts that are there and hashed. Others, which came without that
// their session was remembered, are sent again.
func (t *target) Held(ctx context.Context, text string) ([]connector.UploadPart, error) {
	s, err := readSession(text)
	if err != nil {
		return nil, err
	}
	there, err := t.parts(ctx, s)
	if err != nil {
		return nil, err
	}
	var out []connector.UploadPart
	for _, p := range there {
		if p.Offset+p.Size <= s.At {
			out = append(out, connector.UploadPart{Number: int(p.Offset/s.Part) + 1, Offset: p.Offset, Bytes: p.Size, Tag: p.ID, Session: text})
		}
	}
	return out, nil
}

// parts are those that Box has, in order.
func (t *target) parts(ctx context.Context, s session) ([]uploadPart, error) {
	var out []uploadPart
	for {
		var told struct {
			Entries []uploadPart `json:"entries"`
			Total   int          `json:"total_count"`
		}
		r := t.sessionCall(s, http.MethodGet, "/parts", q("offset", strconv.Itoa(len(out)), "limit", "1000"), nil)
		if err := t.api.send(ctx, r, &told); err != nil {
			return nil, err
		}
		out = append(out, told.Entries...)
		if len(told.Entries) == 0 || len(out) >= told.Total {
			break
		}
	}
	slices.SortFunc(out, func(a, b uploadPart) int {
		if a.Offset < b.Offset {
			return -1
		}
		return 1
	})
	return out, nil
}

// Put uploads the next part (https://developer.box.com/reference/put-files-upload-sessions-id).
// The part is held in memory, for its SHA-1 goes before it.
func (t *target) Put(ctx context.Context, text string, p connector.UploadPart, r io.Reader) (connector.UploadPart, error) {
	s, err := readSession(text)
	if err != nil {
		return p, err
	}
	if p.Offset != s.At || p.Bytes != min(s.Part, s.Size-s.At) {
		return p, connector.Errorf(connector.Permanent, "PUT {session}: the part at %d of %d bytes is not the next one", p.Offset, p.Bytes).WithHint("please report this as a mistake of this program")
	}
	whole, err := s.hash()
	if err != nil {
		return p, err
	}
	if err := t.buffers.Acquire(ctx, p.Bytes); err != nil {
		return p, &connector.Error{Class: connector.Transient, Reason: "PUT {session}: stopped while waiting for memory", Err: err}
	}
	defer t.buffers.Release(p.Bytes)
	buf := make([]byte, p.Bytes)
	if _, err := io.ReadFull(r, buf); err != nil {
		return p, unread(err)
	}
	sum := sha1.Sum(buf) //nolint:gosec // see above
	var told struct {
		Part uploadPart `json:"part"`
	}
	call := t.sessionCall(s, http.MethodPut, "", nil, nil)
	call.Header.Set("Digest", digest(sum[:]))
	call.Header.Set("Content-Range", fmt.Sprintf("bytes %d-%d/%d", p.Offset, p.Offset+p.Bytes-1, s.Size))
	call.Body = func() (io.ReadCloser, int64, string, error) {
		return io.NopCloser(bytes.NewReader(buf)), p.Bytes, "application/octet-stream", nil
	}
	err = t.api.send(ctx, call, &told)
	if err != nil && connector.ClassOf(err) == connector.Conflict {
		told.Part, err = t.there(ctx, s, p, err)
	}
	if err != nil {
		return p, err
	}
	if told.Part.SHA1 != "" && told.Part.SHA1 != hex.EncodeToString(sum[:]) {
		return p, connector.Errorf(connector.Transient, "PUT {session}: Box stored other bytes than were sent")
	}
	_, _ = whole.Write(buf) // a hash takes everything
	s.At += p.Bytes
	if s.State, err = whole.(encoding.BinaryMarshaler).MarshalBinary(); err != nil {
		return p, connector.Errorf(connector.Permanent, "PUT {session}: the hash tells no state")
	}
	p.Tag, p.Session = told.Part.ID, s.String()
	return p, nil
}

// there is the part that was uploaded before, where Box takes none twice.
func (t *target) there(ctx context.Context, s session, p connector.UploadPart, refused error) (uploadPart, error) {
	parts, err := t.parts(ctx, s)
	if err != nil {
		return uploadPart{}, err
	}
	for _, have := range parts {
		if have.Offset == p.Offset && have.Size == p.Bytes {
			return have, nil
		}
	}
	return uploadPart{}, refused
}

// Commit makes the file of its parts
// (https://developer.box.com/reference/post-files-upload-sessions-id-commit).
func (t *target) Commit(ctx context.Context, text string, c connector.Change, _ []connector.UploadPart) connector.Result {
	fail := func(err error) connector.Result { return connector.Result{Err: err} }
	s, err := readSession(text)
	if err != nil {
		return fail(err)
	}
	if s.At != s.Size {
		return fail(connector.Errorf(connector.Permanent, "POST {session}/commit: %d of %d bytes are there", s.At, s.Size).WithHint("please report this as a mistake of this program"))
	}
	h, err := s.hash()
	if err != nil {
		return fail(err)
	}
	sum := h.Sum(nil)
	e, adopted, err := t.assemble(ctx, s, c, sum)
	if err == nil && (int64(e.Bytes) != s.Size || e.SHA1 != hex.EncodeToString(sum)) {
		err = connector.Errorf(connector.Conflict, "POST {session}/commit: another file stands where a large one goes").WithHint(inTheWay)
	}
	if err != nil {
		return fail(err)
	}
	if adopted {
		g, err := t.grants(ctx, t.cfg.as, e)
		return connector.Result{Stored: t.told(c, e, g.given), Adopted: true, Err: err}
	}
	var b item.Bundle
	if c.Op == connector.Create {
		b, err = t.complete(ctx, c, e, true)
		return connector.Result{Stored: b, Err: inDoubt(err)}
	}
	r, err := t.revision(c, e, true)
	if err == nil {
		e, err = t.revise(ctx, c.Item.Kind, e, r)
	}
	if err == nil {
		b, err = t.after(ctx, c, e)
	}
	return connector.Result{Stored: b, Err: inDoubt(err)}
}

// assemble commits a session, and finds the file where that was done before.
func (t *target) assemble(ctx context.Context, s session, c connector.Change, sum []byte) (e entry, adopted bool, err error) {
	etag := ""
	if c.Op == connector.Update {
		now, err := t.entry(ctx, t.cfg.as, c.Item.Ref)
		if err != nil {
			return e, false, err
		}
		if now.SHA1 == hex.EncodeToString(sum) && int64(now.Bytes) == s.Size {
			return now, false, nil
		}
		if now, err = t.current(ctx, c, true); err != nil {
			return e, false, err
		}
		etag = now.ETag
	}
	e, err = t.commit(ctx, s, c, etag, sum)
	switch {
	case err == nil:
		return e, false, nil
	case refused(err, "item_name_in_use"):
		adopted = true
	case connector.ClassOf(err) == connector.Gone && c.Op == connector.Create: // committed before, or dropped
		parent, e1 := folderOf(c.Item.Parent)
		if e1 != nil {
			return e, false, e1
		}
		found := t.preflight(ctx, parent, item.FileName.Get(c.Item), s.Size)
		if standing(found) == nil {
			return e, false, err
		}
		err = found
	default:
		return e, false, err
	}
	there := standing(err)
	if there == nil || there.Type != "file" || there.SHA1 != hex.EncodeToString(sum) {
		return e, false, err
	}
	e, err = t.entry(ctx, t.cfg.as, item.Ref{Kind: item.File, ID: there.ID})
	return e, adopted, err
}

// commit asks until the parts are processed: Box answers 202 before, or knows not all
// of them yet (github.com/rclone/rclone/issues/2054).
func (t *target) commit(ctx context.Context, s session, c connector.Change, etag string, sum []byte) (entry, error) {
	const most = 60
	for attempt := 1; attempt <= most; attempt++ {
		e, again, err := t.commitOnce(ctx, s, c, etag, sum)
		if again == nil {
			return e, err
		}
		if err := connector.Pause(ctx, min(attempt, 4), retryAfter(again)); err != nil {
			return entry{}, &connector.Error{Class: connector.Transient, Reason: "POST {session}/commit: stopped", Err: err}
		}
	}
	return entry{}, connector.Errorf(connector.Transient, "POST {session}/commit: the parts are not processed yet")
}

// commitOnce asks once. again is the head of an answer after which it is to be asked
// again; nil for any other.
func (t *target) commitOnce(ctx context.Context, s session, c connector.Change, etag string, sum []byte) (e entry, again http.Header, err error) {
	var in struct {
		Parts      []uploadPart `json:"parts"`
		Attributes struct {
			Modified string `json:"content_modified_at,omitempty"`
		} `json:"attributes"`
	}
	in.Attributes.Modified = stamp(item.Modified.Get(c.Item))
	if in.Parts, err = t.parts(ctx, s); err != nil {
		return e, nil, err
	}
	if !contiguous(in.Parts, s.Size) {
		return e, http.Header{}, nil
	}
	r := only(t.sessionCall(s, http.MethodPost, "/commit", nil, in), etag)
	r.Repeatable = true // see assemble
	r.Header.Set("Digest", digest(sum))
	var told files
	head, err := t.api.json(ctx, r, orNothing{&told})
	switch {
	case err == nil && len(told.Entries) == 1:
		return told.Entries[0], nil, nil
	case err == nil && head.Get("Retry-After") != "":
		return e, head, nil
	case err == nil:
		return e, nil, connector.Errorf(connector.Malformed, "POST {session}/commit: the answer names no file")
	case refused(err, "parts_mismatch"):
		return e, http.Header{}, nil
	}
	return e, nil, err
}

// contiguous reports whether parts make a whole of so many bytes, in their order.
func contiguous(parts []uploadPart, size int64) bool {
	at := int64(0)
	for _, p := range parts {
		if p.Offset != at {
			return false
		}
		at += p.Size
	}
	return at == size
}

// orNothing reads an answer that may be empty, as that of a 202 is.
type orNothing struct{ into any }

func (o orNothing) ReadJSON(r io.Reader) error {
	b, err := io.ReadAll(r)
	if err != nil || len(bytes.TrimSpace(b)) == 0 {
		return err
	}
	return json.Unmarshal(b, o.into)
}

// Abort drops a session and what it holds.
func (t *target) Abort(ctx context.Context, text string) error {
	s, err := readSession(text)
	if err != nil {
		return nil //nolint:nilerr // it is none of ours, so that nothing is left of it
	}
	err = t.api.send(ctx, t.sessionCall(s, http.MethodDelete, "", nil, nil), nil)
	if err != nil && connector.ClassOf(err) == connector.Gone {
		return nil
	}
	return err
}
