package outlook

import (
	"bytes"
	"context"
	"encoding/base64"
	"errors"
	"io"
	"iter"
	"net/http"
	"net/mail"
	"net/url"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/rialto-migrate/rialto/connector"
	rialtomail "github.com/rialto-migrate/rialto/connectors/mail"
	"github.com/rialto-migrate/rialto/connectors/microsoft"
	"github.com/rialto-migrate/rialto/item"
)

func itoa(n int) string { return strconv.Itoa(n) }

// A target writes into a box.
type target struct {
	*box
}

// Write implements connector.Target.
func (t *target) Write(ctx context.Context, changes []connector.Change, open item.Opener) iter.Seq2[connector.Result, error] {
	if len(changes) == 0 {
		return func(func(connector.Result, error) bool) {}
	}
	switch changes[0].Item.Kind {
	case item.Message:
		return t.writeMessages(ctx, changes, open)
	case item.Folder:
		return connector.Each(ctx, changes, 1, t.writeFolder) // a folder may lie in the one before
	}
	return connector.Each(ctx, changes, 1, func(context.Context, connector.Change) connector.Result {
		return connector.Result{Stored: t.bundle(), Adopted: true}
	})
}

// writeFolder takes over a folder of the same use or name, or makes or renames one.
func (t *target) writeFolder(ctx context.Context, ch connector.Change) connector.Result {
	name, in := item.Name.Get(ch.Item), t.box.folder
	if ch.Item.Parent.Kind == item.Folder {
		in = ch.Item.Parent.ID
	}
	if ch.Op == connector.Update {
		_, err := t.send(ctx, connector.Request{Method: http.MethodPatch, URL: t.graph.URL(t.path+"/mailFolders/"+url.PathEscape(ch.Item.ID), nil),
			JSON: map[string]any{"displayName": name}, Repeatable: true}, nil)
		if err != nil {
			return connector.Result{Err: err}
		}
		return t.folderNow(ctx, ch.Item.ID)
	}
	if in == "" {
		known, err := t.known(ctx)
		if err != nil {
			return connector.Result{Err: err}
		}
		use := item.SpecialUse.Get(ch.Item)
		for id, k := range known {
			if use != "" && wellKnown()[k] == use || k == "inbox" && strings.EqualFold(name, "inbox") {
				return t.adopt(ctx, id, name)
			}
		}
	}
	f, err := t.named(ctx, in, name)
	if err != nil {
		return connector.Result{Err: err}
	}
	if f != nil {
		return t.adopt(ctx, f.ID, name)
	}
	var made folder
	_, err = t.send(ctx, connector.Request{Method: http.MethodPost, URL: t.graph.URL(t.in(in), nil), JSON: map[string]any{"displayName": name}}, &made)
	if err != nil {
		return connector.Result{Err: err}
	}
	if in != t.box.folder {
		made.above = in
	}
	return connector.Result{Stored: t.folderBundle(&made)}
}

// adopt takes over a folder, and notes the name that it has at the source.
func (t *target) adopt(ctx context.Context, id, name string) connector.Result {
	r := t.folderNow(ctx, id)
	r.Adopted = true
	if r.Err != nil || item.Name.Get(r.Stored.Item) == name {
		return r
	}
	_, err := t.send(ctx, connector.Request{Method: http.MethodPatch, URL: t.graph.URL(t.path+"/mailFolders/"+url.PathEscape(id), nil),
		JSON: map[string]any{"singleValueExtendedProperties": []property{{sourceName, name}}}, Repeatable: true}, nil)
	if err != nil {
		return connector.Result{Err: err}
	}
	r = t.folderNow(ctx, id)
	r.Adopted = true
	return r
}

// folderNow is a folder as it is.
func (t *target) folderNow(ctx context.Context, id string) connector.Result {
	for b, err := range t.fetch(ctx, []item.Ref{{Kind: item.Folder, ID: id}}, t.letter) {
		return connector.Result{Stored: b, Err: err}
	}
	return connector.Result{Err: connector.Errorf(connector.Gone, "folder %s is no longer there", id)}
}

// writeMessages imports new messages side by side, and then gives all of them with one
// request what MIME does not carry. The first message of a connection goes alone: it
// shows whether Exchange lets it be anything but a draft.
func (t *target) writeMessages(ctx context.Context, changes []connector.Change, open item.Opener) iter.Seq2[connector.Result, error] {
	return func(yield func(connector.Result, error) bool) {
		for len(changes) > 0 {
			n := len(changes)
			if changes[0].Op == connector.Create && !t.tried.Load() {
				n = 1
			}
			for _, r := range t.several(ctx, changes[:n], open) {
				if !yield(r, nil) {
					return
				}
			}
			changes = changes[n:]
		}
	}
}

func (t *target) several(ctx context.Context, changes []connector.Change, open item.Opener) []connector.Result {
	results := make([]connector.Result, len(changes))
	made := make([]imported, len(changes))
	var work sync.WaitGroup
	for i, ch := range changes {
		if made[i].ID = ch.Item.ID; ch.Op == connector.Update {
			continue
		}
		work.Go(func() { made[i], results[i].Err = t.create(ctx, ch, open) })
	}
	work.Wait()
	var calls []microsoft.BatchCall
	var of []int
	for i, ch := range changes {
		if results[i].Err != nil {
			continue
		}
		body := change(item.Flags.Get(ch.Item))
		props := body["singleValueExtendedProperties"].([]property)
		if at := item.Received.Get(ch.Item); !at.IsZero() && len(ch.Dirty) == 0 { // new, or half done
			props = append(props, property{deliveryTime, at.UTC().Format(time.RFC3339)})
		}
		switch size := int64(made[i].bytes); {
		case ch.Op == connector.Create:
			props = append(props, property{sentBytes, strconv.FormatInt(size, 10)})
		case ch.Prev != nil && ch.Prev.Item.Blob != nil && ch.Prev.Item.Blob.Bytes >= 0:
			props = append(props, property{sentBytes, strconv.FormatInt(ch.Prev.Item.Blob.Bytes, 10)})
		case ch.Item.Blob != nil && ch.Item.Blob.Bytes >= 0:
			props = append(props, property{sentBytes, strconv.FormatInt(ch.Item.Blob.Bytes, 10)})
		}
		if ch.Op == connector.Create {
			if sent := made[i].sent; !sent.IsZero() {
				props = append(props, property{submitTime, sent.UTC().Format(time.RFC3339)})
			}
			if ch.Mark != "" && made[i].mark() != ch.Mark {
				props = append(props, property{markProperty, ch.Mark})
			}
		}
		body["singleValueExtendedProperties"] = props
		calls = append(calls, microsoft.BatchCall{Method: http.MethodPatch, Path: t.at(made[i].ID), JSON: body, Repeatable: true})
		of = append(of, i)
	}
	for k, a := range t.batch(ctx, calls) {
		i := of[k]
		var m message
		if err := a.Decode(&m); err != nil {
			results[i].Err = halfDone(err, changes[i].Op)
			continue
		}
		m.Properties = calls[k].JSON.(map[string]any)["singleValueExtendedProperties"].([]property) // an update tells none
		results[i].Stored = t.letter(&m)
		if changes[i].Op == connector.Create {
			results[i] = t.judge(ctx, m, results[i])
		}
	}
	return results
}

// An imported message is one that lacks what the second step gives it.
type imported struct {
	message
	sent  time.Time // as its sender says, zero if not
	bytes int       // that its source had
}

// halfDone marks a message that is there, and lacks what the second step gives it:
// settling finds it.
func halfDone(err error, op connector.Op) error {
	return &connector.Error{Class: connector.ClassOf(err), Reason: "the flags of a message were not written: " + err.Error(), InDoubt: op == connector.Create, Err: err}
}

// judge removes a message that Exchange left as a draft though it is none, unless
// drafts are to be kept: https://github.com/microsoftgraph/microsoft-graph-docs/issues/14829
func (t *target) judge(ctx context.Context, m message, r connector.Result) connector.Result {
	if draft := m.property(wasDraft) == "1"; draft {
		return r
	}
	t.tried.Store(true)
	if !m.Draft || t.keepDrafts {
		return r
	}
	t.staysDraft.Store(true)
	if err := t.remove(ctx, t.at(m.ID)); err != nil && !microsoft.IsGone(err) {
		return connector.Result{Err: &connector.Error{Class: connector.ClassOf(err), Reason: "a message that stayed a draft could not be removed", InDoubt: true, Err: err}}
	}
	return connector.Result{Err: draftsStay()}
}

func draftsStay() error {
	return connector.Errorf(connector.Unsupported, "Exchange leaves what Graph imports as a draft").
		WithHint("move mail into this mailbox over IMAP (connector imap, server outlook.office365.com), or set drafts=keep and let people see every message as a draft")
}

// create imports a message. Its MIME is in base64, and the answer tells the message.
func (t *target) create(ctx context.Context, ch connector.Change, open item.Opener) (m imported, err error) {
	if t.staysDraft.Load() {
		return m, draftsStay()
	}
	body, bytesOf, err := mime(ch, open)
	if err != nil {
		return m, err
	}
	coded := make([]byte, base64.StdEncoding.EncodedLen(len(body)))
	base64.StdEncoding.Encode(coded, body)
	paid, err := t.net.Pacer().Take(ctx, uploadClass, len(coded)/uploadUnit+1)
	if err != nil {
		return m, &connector.Error{Class: connector.Transient, Reason: "stopped while waiting for its turn", Err: err}
	}
	defer paid(connector.Outcome{})
	_, err = t.send(ctx, connector.Request{Method: http.MethodPost, URL: t.graph.URL(t.path+"/mailFolders/"+url.PathEscape(ch.Item.Parent.ID)+"/messages", nil),
		Body: func() (io.ReadCloser, int64, string, error) {
			return io.NopCloser(bytes.NewReader(coded)), int64(len(coded)), "text/plain", nil
		}}, &m.message)
	if err != nil {
		return m, refused(err)
	}
	if m.ID == "" {
		return m, &connector.Error{Class: connector.Malformed, InDoubt: true, Reason: "POST: the answer names no message"}
	}
	m.sent, m.bytes = sentAt(body), bytesOf
	return m, nil
}

// refused makes clear what the answers to an import mean
// (https://learn.microsoft.com/en-us/exchange/client-developer/web-service-reference/responsecode).
func refused(err error) error {
	e, ok := errors.AsType[*connector.Error](err)
	if !ok {
		return err
	}
	told := *e
	switch code := microsoft.Code(err); {
	case code == "ErrorQuotaExceeded" || microsoft.Status(err) == http.StatusInsufficientStorage:
		told.Class, told.Hint = connector.Full, "the mailbox is full: make room, or have its quota raised, and run again"
	case code == "ErrorMessageSizeExceeded" || microsoft.Status(err) == http.StatusRequestEntityTooLarge:
		told.Class, told.Hint = connector.Permanent, tooLarge().Hint
	case code == "ErrorAccessDenied":
		told.Hint = "a person who signed in writes into their own mailbox alone: let an app with Mail.ReadWrite write into others"
	}
	return &told
}

// sentAt is the time of the header's Date, zero if it has none that can be read.
func sentAt(body []byte) time.Time {
	at, err := mail.ParseDate(rialtomail.Field(head(body), "Date"))
	if err != nil || at.Year() < 1601 || at.Year() > 9999 { // what Exchange can hold
		return time.Time{}
	}
	return at
}

// head is a message's header.
func head(body []byte) []byte {
	for _, end := range []string{"\r\n\r\n", "\n\n"} {
		if i := bytes.Index(body, []byte(end)); i >= 0 {
			return body[:i+len(end)]
		}
	}
	return body
}

// mime is what is imported: the message, and a Message-ID where it has none. n is how
// many bytes the source gave.
func mime(ch connector.Change, open item.Opener) (body []byte, n int, err error) {
	b := ch.Item.Blob
	if b == nil {
		return nil, 0, connector.Errorf(connector.Permanent, "the message has no bytes")
	}
	if b.Bytes > mostMessage {
		return nil, 0, tooLarge()
	}
	r, err := open(*b, 0, -1)
	if err != nil {
		return nil, 0, err
	}
	defer r.Close()
	body, err = io.ReadAll(io.LimitReader(connector.Measure(r, b.Bytes), mostMessage+1))
	switch {
	case err != nil:
		return nil, 0, err
	case len(body) > mostMessage:
		return nil, 0, tooLarge()
	case len(body) == 0:
		return nil, 0, connector.Errorf(connector.Permanent, "the message is empty, not even a header: there is nothing to import")
	}
	n = len(body)
	if id, ok := strings.CutPrefix(ch.Mark, "mid:"); ok && rialtomail.Mark(head(body)) == "" {
		body = append([]byte("Message-ID: <"+id+">\r\n"), body...)
	}
	return body, n, nil
}

func tooLarge() *connector.Error {
	return connector.Errorf(connector.Permanent, "the message is larger than 3 MiB: Graph takes 4 MB a request, in base64").
		WithHint("move large messages over IMAP (connector imap, server outlook.office365.com)")
}

// letter is a message of the target: its bytes are told as its source had them, which
// tells those apart that bear one Message-ID.
func (t *target) letter(m *message) item.Bundle {
	b := t.messageBundle(m)
	if n, err := strconv.ParseInt(m.property(sentBytes), 10, 64); err == nil {
		b.Item.Blob.Bytes = n
	}
	return b
}

// Fetch implements connector.Target.
func (t *target) Fetch(ctx context.Context, _ item.Ref, refs []item.Ref) iter.Seq2[item.Bundle, error] {
	return t.fetch(ctx, refs, t.letter)
}

// Find yields everything in the box: Exchange does not tell who put it there. A
// message that lies there twice is found twice with one mark.
func (t *target) Find(ctx context.Context, container item.Ref, since time.Time) iter.Seq2[connector.Found, error] {
	return func(yield func(connector.Found, error) bool) {
		if container.Zero() {
			yield(connector.Found{Bundle: t.bundle()}, nil)
			return
		}
		folders, err := t.folders(ctx)
		if err != nil {
			yield(connector.Found{}, err)
			return
		}
		for _, f := range folders {
			if !yield(connector.Found{Bundle: t.folderBundle(f)}, nil) {
				return
			}
		}
		query := told()
		query.Set("$top", itoa(pageMessages))
		for _, f := range folders {
			for m, err := range all[message](ctx, t.cloud, t.path+"/mailFolders/"+url.PathEscape(f.ID)+"/messages", query) {
				if microsoft.IsGone(err) {
					break
				}
				if err != nil {
					yield(connector.Found{}, err)
					return
				}
				if !since.IsZero() && m.Made.Before(since.Add(-time.Hour)) {
					continue
				}
				if !yield(connector.Found{Bundle: t.letter(&m), Mark: m.mark(), Made: m.Made}, nil) {
					return
				}
			}
		}
	}
}

// Delete removes a message, or a folder in which nothing lies, for good and not into
// Deleted Items: https://learn.microsoft.com/en-us/graph/api/message-permanentdelete
func (t *target) Delete(ctx context.Context, _, ref item.Ref, accept func(item.Bundle) bool) (bool, error) {
	if ref.Kind == item.Mailbox {
		return false, nil // it is its administrator's
	}
	path := t.at(ref.ID)
	if ref.Kind == item.Folder {
		list, err := t.folders(ctx)
		if err != nil {
			return false, err
		}
		for _, f := range list {
			if f.ID == ref.ID && (f.known != "" || f.Folders > 0 || f.Messages > 0) {
				return false, nil
			}
		}
		path = t.path + "/mailFolders/" + url.PathEscape(ref.ID)
	}
	for b, err := range t.fetch(ctx, []item.Ref{ref}, t.letter) {
		if err != nil {
			return false, err
		}
		if !accept(b) {
			return false, nil
		}
		if err := t.remove(ctx, path); err != nil && !microsoft.IsGone(err) {
			return false, err
		}
	}
	return true, nil
}

// remove removes what lies at a path for good.
func (t *target) remove(ctx context.Context, path string) error {
	_, err := t.send(ctx, connector.Request{Method: http.MethodPost, URL: t.graph.URL(path+"/permanentDelete", nil), Repeatable: true}, nil)
	return err
}

// Carrier implements connector.Target.
func (t *target) Carrier(k item.Kind, mark string) string {
	if k == item.Message && strings.HasPrefix(mark, "mid:") {
		return mark
	}
	return ""
}

// Finish implements connector.Target.
func (t *target) Finish(context.Context, item.Ref) error { return nil }

// Link has none: Outlook's addresses of messages are given by Exchange alone.
func (t *target) Link(_, _ item.Ref) string { return "" }

// Members yields nobody: a mailbox is one person's.
func (t *target) Members(context.Context) iter.Seq2[item.Item, error] {
	return func(func(item.Item, error) bool) {}
}
