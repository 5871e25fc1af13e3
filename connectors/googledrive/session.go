package googledrive

import (
	"bytes"
	"context"
	"crypto/md5" //nolint:gosec // what Drive tells of a file
	"encoding/hex"
	"encoding/json"
	"fmt"
	"hash"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"sync"

	"github.com/rialto-migrate/rialto/connector"
	"github.com/rialto-migrate/rialto/item"
)

// A session is an upload that goes on in another process
// (https://developers.google.com/workspace/drive/api/guides/manage-uploads#resumable).
// Its address is a secret, and lives for a week.
type session struct {
	Address string `json:"address"`
	ID      string `json:"id"` // of the file
	New     bool   `json:"new,omitempty"`
	Bytes   int64  `json:"bytes"` // of the file
	// There says that the file stands there already: its bytes are compared alone.
	There bool `json:"there,omitempty"`
}

// An uploads keeps what this process knows of uploads: how far they came, and the last
// bytes of each. Drive gives a file its name with its last byte, so that these wait for
// Commit: at most 256 KiB an upload.
type uploads struct {
	mu   sync.Mutex
	open map[string]*progress
}

type progress struct {
	at   int64     // bytes that Drive holds
	sum  hash.Hash // of them, nil if another process sent some
	tail []byte    // the last bytes of the file; nil until they came
}

func (u *uploads) of(s string) *progress {
	u.mu.Lock()
	defer u.mu.Unlock()
	return u.open[s]
}

func (u *uploads) keep(s string, p *progress) {
	u.mu.Lock()
	defer u.mu.Unlock()
	if u.open == nil {
		u.open = map[string]*progress{}
	}
	if p == nil {
		delete(u.open, s)
		return
	}
	u.open[s] = p
}

// unpack reads a session. It leads to the API's own server, or nothing is sent there.
func (t *target) unpack(s string) (session, error) {
	var out session
	err := json.Unmarshal([]byte(s), &out)
	if err == nil && out.There {
		return out, nil
	}
	u, bad := url.Parse(out.Address)
	if err != nil || bad != nil || u.Scheme+"://"+u.Host != t.cfg.base.Scheme+"://"+t.cfg.base.Host {
		return out, connector.Errorf(connector.Gone, "the session of an upload is not one of this connector")
	}
	return out, nil
}

// tailFrom is where the bytes that wait for Commit begin.
func (s session) tailFrom() int64 { return max(0, s.Bytes-1) / chunk * chunk }

// start opens an upload, of size bytes if that is known.
func (t *target) start(ctx context.Context, id string, d draft, size int64, more ...url.Values) (string, error) {
	method, address, call := t.where(id, "resumable", more...)
	h := http.Header{"X-Upload-Content-Type": {d.MimeType}}
	if size >= 0 {
		h.Set("X-Upload-Content-Length", strconv.FormatInt(size, 10))
	}
	resp, err := t.person.api.http.Do(ctx, connector.Request{Method: method, URL: address, Call: call, Class: classDrive, Cost: t.person.api.cost(costWrite), Repeatable: true, Header: h, JSON: d})
	if err != nil {
		return "", err
	}
	resp.Body.Close()
	to := resp.Header.Get("Location")
	u, err := url.Parse(to)
	if err != nil || u.Scheme+"://"+u.Host != t.cfg.base.Scheme+"://"+t.cfg.base.Host {
		return "", connector.Errorf(connector.Malformed, "%s: Drive names no address to upload to, or one on another server", call).
			WithHint("check the connection's url setting: something else answers there, a proxy or a sign-in page")
	}
	return to, nil
}

// Begin opens an upload. A session that nobody learned of drops by itself.
func (t *target) Begin(ctx context.Context, c connector.Change) (string, error) {
	if c.Op == connector.Create {
		if there, ok, err := t.marked(ctx, c); err != nil || ok {
			if err != nil {
				return "", err
			}
			return t.begun(session{ID: there.ID, There: true, Bytes: c.Item.Blob.Bytes})
		}
	}
	s := session{ID: c.Item.ID, New: c.Op == connector.Create, Bytes: c.Item.Blob.Bytes}
	var have file
	var err error
	if !s.New {
		if have, err = t.person.api.get(ctx, s.ID, fileFields); err != nil {
			return "", err
		}
		if err := t.current(c, have); err != nil {
			return "", err
		}
	}
	d, err := t.draft(c, have)
	if err != nil {
		return "", err
	}
	d.MimeType = media(c.Item)
	id, moved := s.ID, moving(c, have)
	if s.New {
		if s.ID, err = t.ids.take(ctx, "files"); err != nil {
			return "", err
		}
		d.ID, d.Parents, id, moved = s.ID, []string{c.Item.Parent.ID}, "", nil
	}
	if s.Address, err = t.start(ctx, id, d, s.Bytes, moved); err != nil {
		return "", err
	}
	return t.begun(s)
}

// begun packs a session that nothing was sent to.
func (t *target) begun(s session) (string, error) {
	packed, err := json.Marshal(s)
	if err != nil {
		return "", connector.Errorf(connector.Malformed, "POST /upload/files: the session cannot be kept")
	}
	t.uploads.keep(string(packed), &progress{sum: md5.New()}) //nolint:gosec // see above
	return string(packed), nil
}

// An ack is what Drive says of an upload: how many bytes it holds, or the file that
// they have become.
type ack struct {
	at   int64
	done bool
	file file
}

// send puts bytes into an upload. The header that is asked for keeps Drive from
// answering 308, which means something else to everybody since RFC 7538; Google's own
// Go client sends it, too.
func (t *target) send(ctx context.Context, address, span string, size int64, body func() (io.ReadCloser, error)) (ack, error) {
	const call = "PUT {session}"
	resp, err := t.person.api.http.Do(ctx, connector.Request{Method: http.MethodPut, URL: address, Call: call, Class: classUpload, Header: http.Header{"Content-Range": {"bytes " + span}, "X-Guploader-No-308": {"yes"}},
		Body: func() (io.ReadCloser, int64, string, error) {
			in, err := body()
			return in, size, "", err
		}})
	if err != nil {
		return ack{}, err
	}
	defer resp.Body.Close()
	if resp.Header.Get("X-Http-Status-Code-Override") == "308" {
		to, ok := strings.CutPrefix(resp.Header.Get("Range"), "bytes=0-")
		if !ok {
			return ack{}, nil
		}
		last, err := strconv.ParseInt(to, 10, 64)
		if err != nil {
			return ack{}, connector.Errorf(connector.Malformed, "%s: Drive says in no known form how much it holds", call)
		}
		return ack{at: last + 1}, nil
	}
	out := ack{done: true}
	raw, err := io.ReadAll(io.LimitReader(resp.Body, 1<<20))
	if err != nil || json.Unmarshal(raw, &out.file) != nil || out.file.ID == "" {
		return ack{}, &connector.Error{Class: connector.Transient, Reason: call + ": the answer was cut off, or is not Drive's", InDoubt: true}
	}
	return out, nil
}

// asked asks how far an upload came.
func (t *target) asked(ctx context.Context, s session) (ack, error) {
	a, err := t.send(ctx, s.Address, "*/"+strconv.FormatInt(s.Bytes, 10), 0, func() (io.ReadCloser, error) { return http.NoBody, nil })
	if status(err) == 499 {
		return a, connector.Errorf(connector.Gone, "PUT {session}: the upload was dropped")
	}
	return a, err
}

// Held tells the parts that Drive has whole. The last one never counts: its end waits
// for Commit in the process that read it.
func (t *target) Held(ctx context.Context, packed string) ([]connector.UploadPart, error) {
	s, err := t.unpack(packed)
	if err != nil {
		return nil, err
	}
	if s.There {
		t.uploads.keep(packed, &progress{sum: md5.New()}) //nolint:gosec // see above
		return nil, nil
	}
	a, err := t.asked(ctx, s)
	if err != nil {
		return nil, err
	}
	if a.done {
		return nil, connector.Errorf(connector.Gone, "PUT {session}: the upload has come to its end")
	}
	if p := t.uploads.of(packed); p == nil || p.at != a.at {
		t.uploads.keep(packed, &progress{at: a.at})
	}
	var out []connector.UploadPart
	for from := int64(0); from+partSize <= a.at && from+partSize < s.Bytes; from += partSize {
		out = append(out, connector.UploadPart{Number: len(out) + 1, Offset: from, Bytes: partSize, Tag: tag(from + partSize)})
	}
	return out, nil
}

// tag is what a part is known by: Drive tells nothing of parts.
func tag(end int64) string { return strconv.FormatInt(end, 10) }

// Put uploads one part, or what is missing of it. Parts come one after the other.
func (t *target) Put(ctx context.Context, packed string, p connector.UploadPart, r io.Reader) (connector.UploadPart, error) {
	s, err := t.unpack(packed)
	if err != nil {
		return p, err
	}
	state := t.uploads.of(packed)
	if s.There {
		return t.compare(packed, state, p, r)
	}
	if state == nil || state.at != p.Offset {
		a, err := t.asked(ctx, s)
		if err != nil {
			return p, err
		}
		if a.done {
			return p, connector.Errorf(connector.Gone, "PUT {session}: the upload has come to its end")
		}
		if state == nil || state.at != a.at {
			state = &progress{at: a.at}
		}
	}
	end := p.Offset + p.Bytes
	send := end
	if end == s.Bytes {
		send = s.tailFrom()
	}
	switch {
	case state.at < p.Offset:
		return p, connector.Errorf(connector.Gone, "PUT {session}: Drive lost what was there before")
	case state.at > p.Offset:
		if _, err := io.CopyN(io.Discard, r, min(state.at, end)-p.Offset); err != nil {
			return p, short(err)
		}
	}
	t.uploads.keep(packed, nil) // until it is known again how far it came
	if state.at < send {
		in := &once{in: io.LimitReader(r, send-state.at), sum: state.sum}
		a, err := t.send(ctx, s.Address, fmt.Sprintf("%d-%d/%d", state.at, send-1, s.Bytes), send-state.at, in.open)
		if err != nil {
			return p, err
		}
		if a.done || a.at < send {
			return p, connector.Errorf(connector.Transient, "PUT {session}: Drive took a part only partly")
		}
		state.at = a.at
	}
	if end == s.Bytes {
		state.tail = make([]byte, s.Bytes-send)
		if _, err := io.ReadFull(r, state.tail); err != nil {
			return p, short(err)
		}
	}
	t.uploads.keep(packed, state)
	p.Tag = tag(end)
	return p, nil
}

// compare hashes a part of what stands there already.
func (t *target) compare(packed string, state *progress, p connector.UploadPart, r io.Reader) (connector.UploadPart, error) {
	if state == nil || state.at != p.Offset {
		return p, connector.Errorf(connector.Gone, "PUT {session}: what was read before is not known any more").WithHint("run again: it is compared anew")
	}
	t.uploads.keep(packed, nil)
	n, err := io.Copy(state.sum, r)
	if err != nil {
		return p, err
	}
	state.at += n
	t.uploads.keep(packed, state)
	p.Tag = tag(p.Offset + p.Bytes)
	return p, nil
}

// taken takes over what stands there if it has the same bytes.
func (t *target) taken(ctx context.Context, packed string, s session, c connector.Change) connector.Result {
	state := t.uploads.of(packed)
	f, err := t.person.api.get(ctx, s.ID, fileFields)
	if err != nil {
		return connector.Result{Err: err}
	}
	if state == nil || state.at != s.Bytes {
		return connector.Result{Err: connector.Errorf(connector.Transient, "PUT {session}: not all parts were compared").WithHint("run again: it is compared anew")}
	}
	c.Item.Blob.Sums = append(c.Item.Blob.Sums, item.Sum{Algorithm: "md5", Hex: hex.EncodeToString(state.sum.Sum(nil))})
	b, err := t.adopt(ctx, c, f, nil)
	return connector.Result{Stored: b, Adopted: !c.Doubted, Err: err}
}

func short(err error) error {
	if err == io.EOF || err == io.ErrUnexpectedEOF {
		return connector.Errorf(connector.Transient, "PUT {session}: the source sent fewer bytes than it said")
	}
	return err
}

// once is bytes that can be read one time: a second attempt needs them anew, which
// whoever calls Put can read.
type once struct {
	in   io.Reader
	sum  hash.Hash
	read bool
}

func (o *once) open() (io.ReadCloser, error) {
	if o.read {
		return nil, &connector.Error{Class: connector.Transient, InDoubt: true, Reason: "PUT {session}: a part was refused, and has to be read anew"}
	}
	o.read = true
	if o.sum != nil {
		return io.NopCloser(io.TeeReader(o.in, o.sum)), nil
	}
	return io.NopCloser(o.in), nil
}

// Commit sends the last bytes, with which the file is there.
func (t *target) Commit(ctx context.Context, packed string, c connector.Change, _ []connector.UploadPart) connector.Result {
	if s, err := t.unpack(packed); err == nil && s.There {
		c.Item = c.Item.Clone()
		return t.taken(ctx, packed, s, c)
	}
	b, err := t.commit(ctx, packed, c)
	return connector.Result{Stored: b, Err: err}
}

func (t *target) commit(ctx context.Context, packed string, c connector.Change) (item.Bundle, error) {
	s, err := t.unpack(packed)
	if err != nil {
		return item.Bundle{}, err
	}
	a, err := t.asked(ctx, s)
	if gone(err) && s.New { // Drive forgets sessions in time, and files it does not
		if a.file, err = t.person.api.get(ctx, s.ID, fileFields); err == nil && !a.file.Trashed {
			return t.granted(ctx, c, a.file)
		}
		return item.Bundle{}, connector.Errorf(connector.Gone, "PUT {session}: the upload is not known any more").WithHint("run again: it begins anew")
	}
	if err != nil {
		return item.Bundle{}, err
	}
	state := t.uploads.of(packed)
	if !a.done {
		if state == nil || state.tail == nil || a.at != s.tailFrom() {
			return item.Bundle{}, connector.Errorf(connector.Transient, "PUT {session}: not all parts are there").WithHint("run again: it goes on")
		}
		if err := t.untouched(ctx, s, c); err != nil {
			return item.Bundle{}, err
		}
		a, err = t.send(ctx, s.Address, fmt.Sprintf("%d-%d/%d", a.at, s.Bytes-1, s.Bytes), int64(len(state.tail)), func() (io.ReadCloser, error) {
			return io.NopCloser(bytes.NewReader(state.tail)), nil
		})
		if err == nil && !a.done {
			err = connector.Errorf(connector.Transient, "PUT {session}: Drive did not take the end")
		}
		if err != nil {
			return item.Bundle{}, inDoubt(err)
		}
	}
	if err := t.asSent(ctx, s, state, a.file); err != nil {
		return item.Bundle{}, err
	}
	return t.granted(ctx, c, a.file)
}

// untouched looks once more at what an update replaces.
func (t *target) untouched(ctx context.Context, s session, c connector.Change) error {
	if s.New {
		return nil
	}
	have, err := t.person.api.get(ctx, s.ID, fileFields)
	if err != nil {
		return err
	}
	return t.current(c, have)
}

// asSent holds what Drive stored against what was sent, where this process sent all.
func (t *target) asSent(ctx context.Context, s session, state *progress, f file) error {
	wrong := f.Size != number(s.Bytes)
	if state != nil && state.sum != nil && state.tail != nil && f.MD5 != "" {
		state.sum.Write(state.tail)
		wrong = wrong || hex.EncodeToString(state.sum.Sum(nil)) != f.MD5
		state.sum = nil
	}
	if !wrong {
		return nil
	}
	if s.New {
		t.drop(ctx, f.ID)
	}
	return connector.Errorf(connector.Conflict, "PUT {session}: Drive stored other bytes than were sent").WithHint("run again: they are sent anew")
}

// Abort drops an upload; Drive answers 499, and forgets one in a week by itself.
func (t *target) Abort(ctx context.Context, packed string) error {
	s, err := t.unpack(packed)
	if err != nil {
		return nil //nolint:nilerr // it is none of ours, so that nothing is left of it
	}
	t.uploads.keep(packed, nil)
	if s.There {
		return nil
	}
	resp, err := t.person.api.http.Do(ctx, connector.Request{Method: http.MethodDelete, URL: s.Address, Call: "DELETE {session}", Class: classUpload})
	if err == nil {
		return resp.Body.Close()
	}
	if code := status(err); code >= 400 && code < 500 && code != 401 && code != 403 && code != 429 {
		return nil
	}
	return err
}

// inChunks sends a file of which nobody knows how large it is, a buffer at a time; the
// last chunk says how many bytes there were.
func (t *target) inChunks(ctx context.Context, id string, d draft, s *sending, more ...url.Values) (file, error) {
	address, err := t.start(ctx, id, d, -1, more...)
	if err != nil {
		return file{}, err
	}
	sent := s.try()
	at := int64(0)
	buf, next := s.held, make([]byte, heldMost)
	for {
		n, err := io.ReadFull(s.rest, next)
		last := err == io.EOF
		if err != nil && err != io.EOF && err != io.ErrUnexpectedEOF {
			sent.note(nil, err)
			return file{}, err
		}
		to := at + int64(len(buf))
		span := fmt.Sprintf("%d-%d/*", at, to-1)
		if last {
			span = fmt.Sprintf("%d-%d/%d", at, to-1, to)
		}
		a, err := t.send(ctx, address, span, int64(len(buf)), func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(buf)), nil })
		if err != nil {
			return file{}, err
		}
		switch {
		case last && a.done:
			sent.note(buf, io.EOF)
			return a.file, nil
		case last || a.done || a.at != to:
			return file{}, connector.Errorf(connector.Transient, "PUT {session}: Drive took a chunk only partly")
		}
		sent.note(buf, nil)
		at, buf, next = to, next[:n], buf[:heldMost]
	}
}
