package webdav

import (
	"cmp"
	"context"
	"io"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/rialto-migrate/rialto/connector"
	"github.com/rialto-migrate/rialto/connector/paths"
	"github.com/rialto-migrate/rialto/item"
)

// createFile writes a file where nothing stands.
func (t *target) createFile(ctx context.Context, c connector.Change, open item.Opener) (it item.Item, adopted bool, err error) {
	id := connector.Below(c.Item.Parent.ID, item.Name.Get(c.Item))
	if c.Item.Blob == nil {
		return it, false, connector.Errorf(connector.Permanent, "a file without bytes cannot be written").WithHint("please report this as a mistake of the source's connector")
	}
	var head http.Header
	var sent int64
	write := func() error {
		if t.cfg.server.heeds() {
			head, sent, err = t.put(ctx, id, c, open, http.Header{"If-None-Match": {"*"}}, true)
			return err
		}
		head, sent, err = t.putBeside(ctx, id, c, open, false)
		return err
	}
	err = t.beneath(ctx, c.Item.Parent, write)
	// A server closes a connection that was idle at the very moment at which we use
	// it. To write again is safe: where the first write was carried out, or still
	// lands, the condition tells.
	doubted := false
	for attempt := 1; t.cfg.server.heeds() && connector.InDoubt(err) && attempt < tries && ctx.Err() == nil; attempt++ {
		doubted = true
		if e := connector.Pause(ctx, attempt, 0); e != nil {
			break
		}
		err = write()
	}
	if refused(err, http.StatusPreconditionFailed) {
		it, err = t.adopt(ctx, id, c, open)
		return it, err == nil && !doubted, err
	}
	if err != nil {
		return it, false, err
	}
	it, err = t.stored(ctx, id, c, head, sent)
	return it, false, err
}

// updateFile replaces the bytes of the version that was read, or sets the time
// alone.
func (t *target) updateFile(ctx context.Context, c connector.Change, open item.Opener) (item.Item, error) {
	id := c.Item.ID
	if !c.Writes(item.Content.Name) || c.Item.Blob == nil {
		if c.Writes(item.Modified.Name) && t.cfg.server.keepsTimes() {
			if err := t.api.touch(ctx, id, item.Modified.Get(c.Item)); err != nil {
				return item.Item{}, err
			}
		}
		e, err := t.api.stat(ctx, id, false)
		return file(id, c.Item.Parent, e), err
	}
	held := ""
	if c.Prev != nil && c.Prev.Item.Blob != nil {
		held = c.Prev.Item.Blob.Version
	}
	var head http.Header
	var sent int64
	var err error
	switch {
	case !t.cfg.server.heeds():
		if held != "" {
			e, err := t.api.stat(ctx, id, false)
			if err != nil {
				return item.Item{}, err
			}
			if e.version() != held {
				return item.Item{}, connector.Errorf(connector.Conflict, "PUT {object}: it has changed at the target").WithHint("run again: what is there now is looked at")
			}
		}
		head, sent, err = t.putBeside(ctx, id, c, open, true)
	case held == "":
		head, sent, err = t.put(ctx, id, c, open, nil, false)
	default:
		head, sent, err = t.put(ctx, id, c, open, t.onlyIf(t.api.at(id, false), held), true)
	}
	if err != nil {
		return item.Item{}, err
	}
	return t.stored(ctx, id, c, head, sent)
}

// onlyIf is the condition that a file still is of a version. Apache calls an etag
// weak for a second after the file was written, and If-Match heeds no weak ones
// (RFC 9110, 13.1.1); its If compares the values alone (RFC 4918, 10.4.4), and is
// tagged, for it would be asked of the folder above, too.
func (t *target) onlyIf(address, version string) http.Header {
	if t.cfg.server == apache {
		return http.Header{"If": {`<` + address + `> (["` + version + `"])`}}
	}
	return http.Header{"If-Match": {`"` + version + `"`}}
}

// put sends a file to a path, and returns the head of the answer and how many bytes
// were sent. once says that it must not be sent again when its answer is lost:
// what it left would not meet its own condition.
func (t *target) put(ctx context.Context, at string, c connector.Change, open item.Opener, h http.Header, once bool) (http.Header, int64, error) {
	blob := *c.Item.Blob
	if h == nil {
		h = http.Header{}
	}
	if t.cfg.server.keepsTimes() {
		if m := item.Modified.Get(c.Item); !m.IsZero() {
			h.Set("X-OC-Mtime", strconv.FormatInt(m.Unix(), 10))
		}
	}
	if t.cfg.server == ownCloud {
		// The server keeps it and tells it with the file
		// (https://docs.nextcloud.com/server/latest/developer_manual/client_apis/WebDAV/basic.html).
		if s := checksum(blob.Sums); s != "" {
			h.Set("OC-Checksum", s)
		}
	}
	if blob.Bytes < 0 || blob.Bytes > 1<<20 {
		h.Set("Expect", "100-continue") // a refusal comes before the bytes
	}
	var last *connector.Measured
	head, err := t.api.send(ctx, connector.Request{Method: http.MethodPut, URL: t.api.at(at, false), Header: h, Call: "PUT {object}", Once: once,
		Body: func() (io.ReadCloser, int64, string, error) {
			r, err := open(blob, 0, -1)
			if err != nil {
				return nil, 0, "", err
			}
			last = connector.Measure(r, blob.Bytes)
			if blob.Bytes == 0 {
				if err := last.End(); err != io.EOF {
					r.Close()
					return nil, 0, "", err
				}
			}
			return body{last, r}, blob.Bytes, media(c.Item), nil
		}})
	if err != nil {
		return nil, 0, err
	}
	if last == nil {
		return head, 0, nil
	}
	return head, last.Bytes(), nil
}

// putBeside writes a file under another name, and gives it its own when it is whole.
func (t *target) putBeside(ctx context.Context, id string, c connector.Change, open item.Opener, over bool) (http.Header, int64, error) {
	at := paths.Beside(id)
	_, sent, err := t.put(ctx, at, c, open, nil, false)
	for attempt := 1; refused(err, http.StatusLocked) && attempt < tries; attempt++ {
		// The server still holds the name for a request of ours that was cut off.
		if err = connector.Pause(ctx, attempt, 0); err == nil {
			_, sent, err = t.put(ctx, at, c, open, nil, false)
		}
	}
	if err == nil {
		var h http.Header
		if m := item.Modified.Get(c.Item); t.cfg.server.keepsTimes() && !m.IsZero() {
			h = http.Header{"X-Oc-Mtime": {strconv.FormatInt(m.Unix(), 10)}}
		}
		_, err = t.api.move(ctx, at, id, false, over, h)
	}
	if err != nil && !connector.InDoubt(err) {
		t.drop(ctx, at)
	}
	return nil, sent, err // what the PUT told was of the other name
}

// drop removes what was written in vain, also when the run is stopped.
func (t *target) drop(ctx context.Context, at string) {
	ctx, end := context.WithTimeout(context.WithoutCancel(ctx), 2*time.Second)
	defer end()
	if err := t.api.remove(ctx, at, false, nil); err != nil {
		t.log.Debug("a file that was begun stays behind", "error", err)
	}
}

// stored is the file as the target now holds it. Where the answer of the PUT tells
// no version, it is asked for: an undo must know the file again.
func (t *target) stored(ctx context.Context, id string, c connector.Change, head http.Header, sent int64) (item.Item, error) {
	e := entry{size: sent, etag: unweak(cmp.Or(head.Get("ETag"), head.Get("OC-ETag"))), modified: item.Modified.Get(c.Item).Truncate(time.Second)}
	if t.cfg.server == ownCloud {
		e.sums = sums(checksum(c.Item.Blob.Sums))
	}
	if e.etag == "" {
		if e, err := t.api.stat(ctx, id, false); err != nil {
			return item.Item{}, inDoubt(err)
		} else if e.size >= 0 && e.size != sent {
			if c.Op == connector.Create {
				t.drop(ctx, id)
			}
			return item.Item{}, connector.Errorf(connector.Transient, "PUT {object}: the server kept %d of the %d bytes that were sent", e.size, sent)
		} else {
			return file(id, c.Item.Parent, e), nil
		}
	} else if !t.cfg.server.keepsTimes() {
		e.modified = time.Time{}
	}
	return file(id, c.Item.Parent, e), nil
}

// inDoubt says of an error after a write that the write was carried out.
func inDoubt(err error) error {
	return &connector.Error{Class: connector.ClassOf(err), Reason: err.Error(), InDoubt: true, Err: err}
}

// adopt takes over what stands at a path if it has the same bytes.
func (t *target) adopt(ctx context.Context, id string, c connector.Change, open item.Opener) (item.Item, error) {
	e, err := t.api.stat(ctx, id, false)
	if err != nil {
		return item.Item{}, err
	}
	if e.folder {
		return item.Item{}, paths.InTheWay()
	}
	it := file(id, c.Item.Parent, e)
	same, sure := item.SameBytes(*c.Item.Blob, *it.Blob)
	if !sure {
		if same, err = t.sameBytes(ctx, *c.Item.Blob, *it.Blob, open); err != nil {
			return item.Item{}, err
		}
	}
	if !same {
		return item.Item{}, paths.InTheWay()
	}
	return it, nil
}

// sameBytes reads both sides to the first difference.
func (t *target) sameBytes(ctx context.Context, theirs, here item.Blob, open item.Opener) (bool, error) {
	a, err := open(theirs, 0, -1)
	if err != nil {
		return false, err
	}
	defer a.Close()
	b, err := t.Open(ctx, here, 0, -1)
	if err != nil {
		return false, err
	}
	defer b.Close()
	in := connector.Measure(b, here.Bytes) // what stands there is read whole
	return connector.SameStreams(a, in)
}

// media is what a file says it is; "" where that could not stand in a header.
func media(it item.Item) string {
	m := item.MediaType.Get(it)
	if strings.ContainsFunc(m, func(r rune) bool { return r < ' ' || r > '~' }) {
		return ""
	}
	return m
}

// checksum is the strongest of the sums that ownCloud knows, in its form.
func checksum(all []item.Sum) string {
	for _, name := range []string{"sha256", "sha1", "md5"} {
		for _, s := range all {
			if s.Algorithm == name {
				return strings.ToUpper(name) + ":" + s.Hex
			}
		}
	}
	return ""
}

// A body is a measured stream that is closed.
type body struct {
	*connector.Measured
	io.Closer
}
