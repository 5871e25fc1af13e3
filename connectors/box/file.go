package box

import (
	"context"
	"io"
	"net/http"
	"time"

	"github.com/rialto-migrate/rialto/connector"
	"github.com/rialto-migrate/rialto/item"
)

// preflightFrom is from how many bytes on Box is asked beforehand whether it takes a
// file: a name that is in use, or storage that is full, is told before the bytes.
const preflightFrom = 1 << 20

// attributes are those of an upload.
type attributes struct {
	Name     string `json:"name"`
	Parent   *idOf  `json:"parent,omitempty"`
	Modified string `json:"content_modified_at,omitempty"`
}

// createFile writes a file where nothing bears its name.
func (t *target) createFile(ctx context.Context, c connector.Change, open item.Opener) (item.Bundle, bool, error) {
	s, err := newSending(c, open)
	if err != nil {
		return item.Bundle{}, false, err
	}
	parent, err := folderOf(c.Item.Parent)
	if err != nil {
		return item.Bundle{}, false, err
	}
	at := attributes{Name: item.FileName.Get(c.Item), Parent: &idOf{parent}, Modified: stamp(item.Modified.Get(c.Item))}
	if n := c.Item.Blob.Bytes; n < 0 || n >= preflightFrom {
		err = t.preflight(ctx, parent, at.Name, max(n, 0))
	}
	var e entry
	doubted := false
	for attempt := 1; err == nil; attempt++ {
		if e, err = t.send(ctx, "/files/content", "", at, s); err == nil {
			break
		}
		if !connector.InDoubt(err) || attempt == tries || ctx.Err() != nil || connector.Pause(ctx, attempt, 0) != nil {
			break
		}
		// Where the first request was carried out, the name is in use now.
		doubted, err = true, nil
	}
	if refused(err, "item_name_in_use") {
		if e, err = t.takeOver(ctx, err, s); err == nil && !doubted {
			g, err := t.grants(ctx, t.cfg.as, e)
			return t.told(c, e, g.given), true, err
		}
	}
	if err != nil {
		return item.Bundle{}, false, err
	}
	b, err := t.complete(ctx, c, e, doubted)
	return b, false, inDoubt(err)
}

// preflight asks whether Box would take a file
// (https://developer.box.com/reference/options-files-content).
func (t *target) preflight(ctx context.Context, parent, name string, size int64) error {
	in := struct {
		Name   string `json:"name"`
		Size   int64  `json:"size"`
		Parent idOf   `json:"parent"`
	}{name, size, idOf{parent}}
	r := t.api.request(t.cfg.as, http.MethodOptions, "/files/content", nil, in)
	r.Reads = true
	return t.api.send(ctx, r, nil)
}

// send sends a file's bytes once, and holds what Box stored against them.
func (t *target) send(ctx context.Context, path, etag string, at attributes, s *sending) (entry, error) {
	r := only(t.api.upload(t.cfg.as, http.MethodPost, path, fields(itemFields), nil), etag)
	r.Body = func() (io.ReadCloser, int64, string, error) { return s.form(at) }
	if s.sum != "" {
		r.Header.Set("Content-Md5", s.sum) // which holds a SHA-1
	}
	var told files
	if _, err := t.api.json(ctx, r, &told); err != nil {
		return entry{}, err
	}
	if len(told.Entries) != 1 || told.Entries[0].ID == "" {
		e := connector.Errorf(connector.Malformed, "POST %s: the answer names no file", r.Class)
		e.InDoubt = true
		return entry{}, e
	}
	e := told.Entries[0]
	sum := s.sum
	if s.small == nil {
		sum = s.done()
	}
	if int64(e.Bytes) != s.bytes() || e.SHA1 != "" && e.SHA1 != sum {
		if etag == "" {
			t.drop(ctx, e)
		}
		return entry{}, connector.Errorf(connector.Transient, "POST /files/content: Box stored other bytes than were sent")
	}
	return e, nil
}

// drop removes what was written in vain, also when the run is stopped.
func (t *target) drop(ctx context.Context, e entry) {
	ctx, end := context.WithTimeout(context.WithoutCancel(ctx), 2*time.Second)
	defer end()
	if err := t.api.send(ctx, only(t.api.request(t.cfg.as, http.MethodDelete, "/files/"+e.ID, nil, nil), e.ETag), nil); err != nil {
		t.log.Debug("a file that was written in vain stays behind", "error", err)
	}
}

// takeOver takes what bears the name already, if it is a file of the same bytes.
func (t *target) takeOver(ctx context.Context, refused error, s *sending) (entry, error) {
	there := standing(refused)
	if there == nil || there.Type != "file" {
		return entry{}, refused
	}
	e, err := t.entry(ctx, t.cfg.as, item.Ref{Kind: item.File, ID: there.ID})
	if err != nil {
		return entry{}, err
	}
	if s.blob.Bytes >= 0 && s.blob.Bytes != int64(e.Bytes) {
		return entry{}, refused
	}
	sum, err := s.hashed()
	if err != nil {
		return entry{}, err
	}
	if sum != e.SHA1 {
		return entry{}, refused
	}
	return e, nil
}

// updateFile writes what an update names: the place and what is told of the file
// first, and its bytes then.
func (t *target) updateFile(ctx context.Context, c connector.Change, open item.Opener) (item.Bundle, error) {
	bytes := c.Item.Blob != nil && dirty(c, item.Content.Name)
	now, err := t.current(ctx, c, bytes)
	if err != nil {
		return item.Bundle{}, err
	}
	r, err := t.revision(c, now, !bytes)
	if err == nil {
		now, err = t.revise(ctx, c.Item.Kind, now, r)
	}
	if err == nil && bytes {
		now, err = t.replace(ctx, c, now, open)
	}
	if err != nil {
		return item.Bundle{}, err
	}
	return t.after(ctx, c, now)
}

// current reads a file that is to be changed. Where its bytes are, it must still be of
// the version that was read.
func (t *target) current(ctx context.Context, c connector.Change, bytes bool) (entry, error) {
	now, err := t.entry(ctx, t.cfg.as, c.Item.Ref)
	if err != nil || !bytes || c.Prev == nil || c.Prev.Item.Blob == nil {
		return now, err
	}
	if had := c.Prev.Item.Blob; had.Version != now.Version.ID {
		return now, connector.Errorf(connector.Conflict, "the file has changed at the target").WithHint("run again: what is there now is looked at")
	}
	return now, nil
}

// replace gives a file a new version. Where an answer was lost, the file tells
// whether it has the bytes.
func (t *target) replace(ctx context.Context, c connector.Change, now entry, open item.Opener) (entry, error) {
	s, err := newSending(c, open)
	if err != nil {
		return entry{}, err
	}
	at := attributes{Name: now.Name, Modified: stamp(item.Modified.Get(c.Item))}
	for attempt := 1; ; attempt++ {
		e, err := t.send(ctx, "/files/"+now.ID+"/content", now.ETag, at, s)
		lost := connector.InDoubt(err) || attempt > 1 && refused(err, "precondition_failed")
		if !lost || attempt == tries || ctx.Err() != nil {
			return e, err
		}
		was, err := t.entry(ctx, t.cfg.as, c.Item.Ref)
		switch {
		case err != nil:
			return entry{}, inDoubt(err)
		case was.Version.ID == now.Version.ID: // it was not carried out
			now = was
		default:
			if sum, err := s.hashed(); err != nil || sum != was.SHA1 {
				return entry{}, connector.Errorf(connector.Conflict, "the file was changed at the target at the same moment").WithHint("run again: what is there now is looked at")
			}
			return was, nil
		}
		if err := connector.Pause(ctx, attempt, 0); err != nil {
			return entry{}, inDoubt(err)
		}
	}
}
