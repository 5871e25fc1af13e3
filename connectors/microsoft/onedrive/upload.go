package onedrive

import (
	"context"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"github.com/rialto-migrate/rialto/connector"
	"github.com/rialto-migrate/rialto/connectors/microsoft"
	"github.com/rialto-migrate/rialto/item"
)

// A session is what it takes to go on with an upload: its address, which carries its
// own right, how many bytes the file has, and the hash of those that were sent.
type session struct {
	URL   string `json:"url"` // a secret
	Bytes int64  `json:"bytes"`
	Sent  int64  `json:"sent"`           // bytes that Ring is of
	Ring  string `json:"ring,omitempty"` // hexadecimal; what they lay over the hash
}

// hash is that of the bytes that were sent.
func (s session) hash() *quickXor {
	q := quickXorAt(s.Sent)
	b, err := hex.DecodeString(s.Ring)
	if q.n = s.Sent; err == nil {
		copy(q.ring[:], b)
	}
	return q
}

// with is the session after a part was sent. Where another process sent parts that
// this one does not know the hash of, it stays.
func (s session) with(p connector.UploadPart, ring [xorBytes]byte) session {
	if s.Sent != p.Offset {
		return s
	}
	q := s.hash()
	q.add(ring, p.Bytes)
	whole := q.laid()
	s.Sent, s.Ring = q.n, hex.EncodeToString(whole[:])
	return s
}

func (s session) String() string {
	b, _ := json.Marshal(s) //nolint:errchkjson // a text and a number
	return string(b)
}

func sessionOf(text string) (s session, err error) {
	if json.Unmarshal([]byte(text), &s) != nil || s.URL == "" || s.Bytes < 1 {
		return s, connector.Errorf(connector.Gone, "the session of an upload is not one of this connector")
	}
	return s, nil
}

// Begin opens a session, which the drive drops by itself after some days. The file
// comes about when it is committed.
func (t *target) Begin(ctx context.Context, c connector.Change) (string, error) {
	if c.Item.Blob == nil {
		return "", connector.Errorf(connector.Permanent, "a file without bytes cannot be written")
	}
	with := map[string]any{"@microsoft.graph.conflictBehavior": "fail"}
	if !item.Modified.Get(c.Item).IsZero() {
		with["fileSystemInfo"] = timesOf(c.Item)
	}
	if s := item.Description.Get(c.Item); s != "" && t.cfg.kind == kindPersonal {
		with["description"] = s
	}
	q := connector.Request{Method: http.MethodPost, Header: http.Header{}, Repeatable: true}
	if c.Op == connector.Create {
		with["name"] = item.FileName.Get(c.Item)
		q.URL = t.graph.URL(t.tree.below(t.folderOf(c.Item.Parent), item.FileName.Get(c.Item), "/createUploadSession"), nil)
	} else {
		now, err := t.standing(ctx, c)
		if err != nil {
			return "", err
		}
		with["@microsoft.graph.conflictBehavior"] = "replace"
		q.URL = t.graph.URL(t.tree.at(c.Item.ID, "/createUploadSession"), nil)
		q.Header.Set("If-Match", now.ETag)
	}
	q.JSON = map[string]any{"item": with, "deferCommit": true}
	var told struct {
		URL string `json:"uploadUrl"`
	}
	err := t.send(ctx, q, &told)
	switch {
	case refused(err, http.StatusConflict):
		return "", inTheWay()
	case refused(err, http.StatusPreconditionFailed):
		return "", changed("POST {file}/createUploadSession")
	case err != nil:
		return "", err
	}
	if u, err := url.Parse(told.URL); err != nil || u.Host == "" || strings.HasPrefix(t.graph.Base(), "https:") && u.Scheme != "https" {
		return "", connector.Errorf(connector.Malformed, "POST {file}/createUploadSession: the answer has no address to upload to")
	}
	return session{URL: told.URL, Bytes: c.Item.Blob.Bytes}.String(), nil
}

// progress is what a session tells of itself.
type progress struct {
	driveItem
	Expected *[]string `json:"nextExpectedRanges"`
}

const uploading = "PUT {upload}"

// unsigned is a request to a session: its address carries the right.
func (s session) request(method, call string) connector.Request {
	return connector.Request{Method: method, URL: s.URL, Class: microsoft.ClassFiles, Call: call, Unsigned: true}
}

// received is how many bytes of a session are there without a gap.
func (t *target) received(ctx context.Context, s session) (int64, error) {
	var told progress
	if _, err := t.graph.JSON(ctx, s.request(http.MethodGet, "GET {upload}"), &told); err != nil {
		return 0, err
	}
	if told.Expected == nil {
		return 0, connector.Errorf(connector.Malformed, "GET {upload}: the answer does not tell what is missing")
	}
	return told.next(s.Bytes)
}

func (p progress) next(all int64) (int64, error) {
	least := all
	for _, r := range *p.Expected {
		from, _, _ := strings.Cut(r, "-")
		n, err := strconv.ParseInt(from, 10, 64)
		if err != nil || n < 0 {
			return 0, connector.Errorf(connector.Malformed, "GET {upload}: a range cannot be read")
		}
		least = min(least, n)
	}
	return least, nil
}

// Held tells which parts are there: they are all of one size.
func (t *target) Held(ctx context.Context, text string) ([]connector.UploadPart, error) {
	s, err := sessionOf(text)
	if err != nil {
		return nil, err
	}
	n, err := t.received(ctx, s)
	if err != nil {
		return nil, err
	}
	var out []connector.UploadPart
	for at := int64(0); at < n; {
		size := min(partBytes, s.Bytes-at)
		if at += size; at > n {
			break
		}
		out = append(out, connector.UploadPart{Number: len(out) + 1, Offset: at - size, Bytes: size})
	}
	return out, nil
}

// Put uploads a part. What its bytes lay over the hash of the file is its tag, and goes
// into the session.
func (t *target) Put(ctx context.Context, text string, p connector.UploadPart, r io.Reader) (connector.UploadPart, error) {
	s, err := sessionOf(text)
	if err != nil {
		return p, err
	}
	sum := quickXorAt(p.Offset)
	lent := connector.Lend(io.TeeReader(connector.Measure(r, p.Bytes), sum))
	read := false
	q := s.request(http.MethodPut, uploading)
	q.Cost = costWrite
	q.Header = http.Header{"Content-Range": {fmt.Sprintf("bytes %d-%d/%d", p.Offset, p.Offset+p.Bytes-1, s.Bytes)}, "Content-Type": {"application/octet-stream"}}
	q.Body = func() (io.ReadCloser, int64, string, error) {
		if read { // whoever calls Put can read the bytes anew
			return nil, 0, "", &connector.Error{Class: connector.Transient, InDoubt: true, Reason: uploading + ": a part was refused, and has to be read anew"}
		}
		read = true
		return io.NopCloser(lent), p.Bytes, "", nil
	}
	_, err = t.graph.JSON(ctx, q, nil)
	lent.Return()
	switch {
	case refused(err, http.StatusRequestedRangeNotSatisfiable):
		// An earlier attempt came through, and its answer was lost.
		if n, e := t.received(ctx, s); e != nil || n < p.Offset+p.Bytes {
			return p, connector.Errorf(connector.Transient, "%s: the session goes on elsewhere", uploading)
		}
		if _, err := io.Copy(sum, r); err != nil {
			return p, connector.Errorf(connector.Transient, "%s: what was sent cannot be read", uploading)
		}
	case refused(err, http.StatusConflict):
		return p, inTheWay()
	case err != nil:
		return p, err
	}
	laid := sum.laid()
	p.Tag, p.Session = hex.EncodeToString(laid[:]), s.with(p, laid).String()
	return p, nil
}

// Commit makes the file. Where an earlier call did, or the last part, it finds it.
func (t *target) Commit(ctx context.Context, text string, c connector.Change, _ []connector.UploadPart) connector.Result {
	i, err := t.commit(ctx, text, c)
	if err != nil {
		return connector.Result{Err: err}
	}
	it, err := t.complete(ctx, c, i)
	return connector.Result{Stored: bundle(it), Err: doubtful(err)}
}

func (t *target) commit(ctx context.Context, text string, c connector.Change) (i driveItem, err error) {
	s, err := sessionOf(text)
	if err != nil {
		return i, err
	}
	sum, sure := s.hash(), s.Sent == s.Bytes
	_, err = t.graph.JSON(ctx, t.committing(s, c), &i)
	switch {
	case refused(err, http.StatusConflict):
		return i, inTheWay()
	case microsoft.IsGone(err):
		return t.committed(ctx, s, c, sum, sure, err)
	case err != nil:
		return i, err
	}
	if i.ID == "" {
		return t.committed(ctx, s, c, sum, sure, connector.Errorf(connector.Malformed, "POST {upload}: the answer names no file"))
	}
	if !sure && i.Size == s.Bytes {
		return i, nil // verify reads what nobody hashed here
	}
	return i, t.verified(ctx, c, i, sum)
}

// committing is the request that ends a session: a POST of nothing to its address in a
// tenant, and in the OneDrive of a private person a PUT of the item that should come of
// it (https://learn.microsoft.com/en-us/graph/api/driveitem-createuploadsession,
// "Completing a file").
func (t *target) committing(s session, c connector.Change) connector.Request {
	if t.kind != personal {
		q := s.request(http.MethodPost, "POST {upload}")
		q.Cost, q.Repeatable = costWrite, true
		q.Body = func() (io.ReadCloser, int64, string, error) { return http.NoBody, 0, "", nil }
		return q
	}
	behavior := "fail"
	if c.Op == connector.Update {
		behavior = "replace"
	}
	return connector.Request{Method: http.MethodPut, URL: t.graph.URL(t.tree.at(t.folderOf(c.Item.Parent), ""), nil), Class: microsoft.ClassFiles, Cost: costWrite,
		JSON: map[string]any{"name": item.FileName.Get(c.Item), "@microsoft.graph.conflictBehavior": behavior, "@microsoft.graph.sourceUrl": s.URL}}
}

// committed finds the file of a session that has ended: it is the one that stands in
// its place with its bytes.
func (t *target) committed(ctx context.Context, s session, c connector.Change, sum *quickXor, sure bool, ended error) (i driveItem, err error) {
	path := t.tree.at(c.Item.ID, "")
	if c.Op == connector.Create {
		path = t.tree.below(t.folderOf(c.Item.Parent), item.FileName.Get(c.Item), "")
	}
	if err := t.read(ctx, path, nil, costOne, &i); err != nil {
		if microsoft.IsGone(err) {
			return i, ended
		}
		return i, err
	}
	same := i.kind() == item.File && i.Size == s.Bytes
	if same && sure {
		if same, err = t.holds(ctx, i, sum); err != nil {
			return i, err
		}
	}
	if !same {
		return i, inTheWay()
	}
	return i, nil
}

// Abort drops a session.
func (t *target) Abort(ctx context.Context, text string) error {
	s, err := sessionOf(text)
	if err != nil {
		return nil //nolint:nilerr // it is none of ours, so that nothing is left of it
	}
	_, err = t.graph.JSON(ctx, s.request(http.MethodDelete, "DELETE {upload}"), nil)
	if microsoft.IsGone(err) {
		return nil
	}
	return err
}
