package redmine

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"hash"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"

	"github.com/rialto-migrate/rialto/connector"
	"github.com/rialto-migrate/rialto/item"
)

// An upload is a file that the server has and no issue yet. Redmine removes
// those nobody attached, so uploading again is harmless.
type upload struct {
	change int // which of the changes
	ID     int
	Token  string `json:"token"`
	bytes  int64
}

// attachments uploads the files of one issue, then attaches them together.
func (w *writing) attachments(ctx context.Context, issue int, at []int) {
	t, ok := w.begin(ctx, issue, at)
	if !ok {
		return
	}
	var ready []upload
	for _, i := range at {
		if w.changes[i].Op == connector.Update {
			w.set(i)(t.updateAttachment(ctx, w.changes[i]))
			continue
		}
		u, err := w.upload(ctx, w.changes[i].Item)
		if err != nil {
			w.set(i)(connector.Result{}, err)
			continue
		}
		u.change = i
		ready = append(ready, u)
	}
	if len(ready) == 0 {
		return
	}
	t.actors[itoa(t.view.me)] = true
	attached := t.attach(ctx, ready)
	if err := t.end(ctx); err != nil {
		for _, u := range ready {
			t.set(u.change)(connector.Result{}, inDoubt(err))
		}
		return
	}
	for _, u := range ready {
		k := slices.IndexFunc(t.after.Attachments, func(a apiAttachment) bool { return a.ID == u.ID })
		switch {
		case k < 0 && attached != nil:
			t.set(u.change)(connector.Result{}, attached)
		case k < 0:
			t.set(u.change)(connector.Result{}, connector.Errorf(connector.Malformed, "issue %d: the server took attachment %d and does not show it", issue, u.ID))
		case t.after.Attachments[k].Filesize != u.bytes:
			t.set(u.change)(connector.Result{}, inDoubt(connector.Errorf(connector.Malformed, "attachment %d holds %d bytes where %d were sent", u.ID, t.after.Attachments[k].Filesize, u.bytes)))
		default:
			t.results[u.change] = stored(t.view.attachment(t.after, t.after.Attachments[k]))
		}
	}
}

// attach gives uploaded files to the issue. Sent again after it was carried
// out, it is refused because the tokens are used up; the reading that follows
// tells.
func (t *talk) attach(ctx context.Context, ready []upload) error {
	var all []map[string]any
	for _, u := range ready {
		it := t.changes[u.change].Item
		name, description := nameToStore(item.Name.Get(it))
		all = append(all, map[string]any{"token": u.Token, "filename": name, "description": description,
			"content_type": typeToStore(item.MediaType.Get(it))})
	}
	err := t.api.put(ctx, "/issues/"+itoa(t.issue)+".json", map[string]any{"issue": map[string]any{"uploads": all}})
	if connector.ClassOf(err) == connector.Transient {
		return inDoubt(err)
	}
	return err
}

// upload streams one file to the server, and checks the hash that the server
// answers: the second half of the token is the SHA-256 of what it stored
// (app/models/attachment.rb).
func (w *writing) upload(ctx context.Context, it item.Item) (upload, error) {
	if it.Blob == nil {
		return upload{}, connector.Errorf(connector.Unsupported, "Redmine attaches files, not links")
	}
	if w.open == nil {
		return upload{}, connector.Errorf(connector.Permanent, "an attachment came without a way to read its bytes")
	}
	name, _ := nameToStore(item.Name.Get(it))
	var m *measured
	q := connector.Request{
		Method: http.MethodPost, Repeatable: true,
		URL: w.api.at("/uploads.json", url.Values{"filename": {name}, "content_type": {typeToStore(item.MediaType.Get(it))}}),
		Body: func() (io.ReadCloser, int64, string, error) {
			r, err := w.open(*it.Blob, 0, -1)
			if err != nil {
				return nil, 0, "", err
			}
			m = &measured{ReadCloser: r, said: it.Blob.Bytes, hash: sha256.New()}
			size := it.Blob.Bytes
			if size <= 0 {
				size = -1 // also what is said to be empty is read, to see that it is
			}
			return m, size, "application/octet-stream", nil
		},
	}
	var out struct {
		Upload upload `json:"upload"`
	}
	if _, err := w.api.http.JSON(ctx, q, &out); err != nil {
		return upload{}, err
	}
	u := out.Upload
	id, digest, _ := strings.Cut(u.Token, ".")
	u.ID, _ = number(id)
	if u.ID == 0 {
		return u, connector.Errorf(connector.Malformed, "POST /uploads.json: the token does not begin with a number")
	}
	bytes, sum := m.result()
	if it.Blob.Bytes >= 0 && bytes != it.Blob.Bytes {
		return u, sizeLied(it.Blob.Bytes, bytes)
	}
	if len(digest) == hex.EncodedLen(sha256.Size) && digest != sum {
		return u, connector.Errorf(connector.Malformed, "POST /uploads.json: upload %d arrived with another hash than it was sent with", u.ID)
	}
	u.bytes = bytes
	return u, nil
}

func sizeLied(said, is int64) error {
	return connector.Errorf(connector.Conflict, "the source said that a file has %d bytes, and sent %d", said, is).
		WithHint("the file changed at the source meanwhile; run again")
}

// measured counts and hashes what is read through it. A file that is longer or
// shorter than it was said to be fails before the server takes it as whole.
type measured struct {
	io.ReadCloser
	said int64 // -1 if unknown

	mu   sync.Mutex // the transport may still read while the answer is there
	n    int64
	hash hash.Hash
}

func (m *measured) Read(p []byte) (int, error) {
	n, err := m.ReadCloser.Read(p)
	m.mu.Lock()
	defer m.mu.Unlock()
	m.n += int64(n)
	m.hash.Write(p[:n])
	if m.said >= 0 && (m.n > m.said || err == io.EOF && m.n != m.said) {
		return 0, sizeLied(m.said, m.n)
	}
	return n, err
}

func (m *measured) result() (int64, string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.n, hex.EncodeToString(m.hash.Sum(nil))
}

// updateAttachment changes what stands beside the bytes, which never change.
func (t *talk) updateAttachment(ctx context.Context, ch connector.Change) (connector.Result, error) {
	_, id, _ := numbers(ch.Item.ID)
	in := map[string]any{}
	if dirty(ch, item.Name.Name) {
		in["filename"], in["description"] = nameToStore(item.Name.Get(ch.Item))
	}
	if dirty(ch, item.MediaType.Name) {
		in["content_type"] = typeToStore(item.MediaType.Get(ch.Item))
	}
	if len(in) > 0 {
		if err := t.api.put(ctx, "/attachments/"+itoa(id)+".json", map[string]any{"attachment": in}); err != nil {
			return connector.Result{}, err
		}
	}
	is, err := t.api.issue(ctx, t.issue, withTalk)
	if err != nil {
		return connector.Result{}, err
	}
	for _, a := range is.Attachments {
		if a.ID == id {
			return stored(t.view.attachment(is, a)), nil
		}
	}
	return connector.Result{}, connector.Errorf(connector.Gone, "attachment %d of issue %d is no longer there", id, t.issue)
}
