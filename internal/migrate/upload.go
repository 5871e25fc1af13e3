package migrate

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/rialto-migrate/rialto/connector"
	"github.com/rialto-migrate/rialto/internal/ledger"
	"github.com/rialto-migrate/rialto/item"
)

const (
	partsAtOnce  = 4        // parts of one upload on their way at the same time
	partBytes    = 16 << 20 // of an upload's part, where the target lets us choose
	partAttempts = 4        // times that a part is tried in one sweep
)

// An upload is one in parts that an earlier process, or an earlier sweep, left.
type upload struct {
	session string
	version item.Digest // of the item that it is of
	update  bool
}

// large reports whether the blob of a change goes in parts.
func (e *Engine) large(c connector.Change) bool {
	parts := e.To.Caps.Kinds[c.Item.Kind].Parts
	if parts == nil || c.Item.Blob == nil || c.Item.Blob.Bytes < max(parts.From, 1) {
		return false
	}
	return c.Op == connector.Create || len(c.Dirty) == 0 || slices.Contains(c.Dirty, item.Content.Name)
}

// partsOfBlob cuts a blob of so many bytes into parts that the target takes.
func partsOfBlob(bytes int64, caps connector.PartCaps) []connector.UploadPart {
	size := int64(partBytes)
	if caps.Parts > 0 {
		size = max(size, (bytes+int64(caps.Parts)-1)/int64(caps.Parts))
	}
	const round = 1 << 20 // every cloud's parts are multiples of a power of two below this
	size = max((size+round-1)/round*round, caps.Least)
	if caps.Most > 0 {
		size = min(size, caps.Most)
	}
	var out []connector.UploadPart
	for at := int64(0); at < bytes; at += size {
		out = append(out, connector.UploadPart{Number: len(out) + 1, Offset: at, Bytes: min(size, bytes-at)})
	}
	return out
}

// upload writes one change whose blob goes in parts. Its session is remembered
// before the first part, so that whoever comes after a crash goes on with what is
// there. A result in doubt leaves it for the next sweep.
func (p *part) upload(ctx context.Context, s *step, in ledger.Intent) connector.Result {
	up, ok := p.e.target.(connector.Uploader)
	if !ok {
		return connector.Result{Err: connector.Errorf(connector.Permanent, "the connector declares parts and cannot write them").WithHint("please report this as a mistake of the connector")}
	}
	session, held, err := p.resume(ctx, up, s)
	if err == nil && session == "" {
		s.change.Doubted = p.wasDoubted(s.unit.key) || s.row.State == ledger.Half
		if session, err = up.Begin(ctx, s.change); err == nil {
			in.Session = session
			err = p.apply(ctx, ledger.Batch{Intents: []ledger.Intent{in}})
			p.e.Failpoint("after-begin")
		}
	}
	if err != nil {
		return p.standing(ctx, s, err)
	}
	caps := *p.e.To.Caps.Kinds[s.change.Item.Kind].Parts
	if sizer, ok := up.(connector.PartSizer); ok {
		caps.Least = sizer.PartBytes(session)
		caps.Most = caps.Least
	}
	parts := partsOfBlob(s.change.Item.Blob.Bytes, caps)
	in.Session = session
	session, err = p.putParts(ctx, up, in, s, parts, held)
	if err != nil {
		return connector.Result{Err: brokenOff(ctx, up, session, err)}
	}
	p.e.Failpoint("before-assembly")
	r := up.Commit(ctx, session, s.change, parts)
	p.e.Failpoint("after-assembly")
	if r.Err != nil {
		r.Err = brokenOff(ctx, up, session, r.Err)
	}
	return r
}

// brokenOff is the error of an upload that did not come to its end. What may pass
// leaves it as a write in doubt: its intent stays, and with it the session. Anything
// else (the source's bytes changed, the target is full) ends it.
func brokenOff(ctx context.Context, up connector.Uploader, session string, err error) error {
	ce, ok := errors.AsType[*connector.Error](err)
	if !ok {
		return &connector.Error{Class: connector.Transient, InDoubt: true, Reason: "the upload was cut off", Err: err}
	}
	switch ce.Class {
	case connector.Transient, connector.Throttled, connector.Auth:
	default:
		_ = up.Abort(context.WithoutCancel(ctx), session) // where this fails, too, the cloud drops it in time
		return err
	}
	doubtful := *ce
	doubtful.InDoubt = true
	return &doubtful
}

// resume finds the upload that was left of an item: its session and the parts that
// are there; "" if there is none, or none of these bytes any more.
func (p *part) resume(ctx context.Context, up connector.Uploader, s *step) (session string, held []connector.UploadPart, err error) {
	key := p.e.key(s.unit.key)
	p.mu.Lock()
	left, ok := p.uploads[key]
	delete(p.uploads, key)
	p.mu.Unlock()
	if !ok {
		return "", nil, nil
	}
	if left.version != s.unit.version || left.update != (s.change.Op == connector.Update) {
		return "", nil, up.Abort(ctx, left.session)
	}
	held, err = up.Held(ctx, left.session)
	if connector.ClassOf(err) == connector.Gone {
		p.mayStand(key) // it may have been completed
		return "", nil, nil
	}
	if err == nil {
		p.e.Emit(Event{Event: "resumed", Shard: p.name, Kind: s.unit.key.Kind, Source: s.unit.key.ID, Reason: fmt.Sprintf("%d parts are there", len(held))})
	}
	return left.session, held, err
}

// putParts uploads the parts that are not there, and returns the session as it is
// then. It fills in the tags of all.
func (p *part) putParts(ctx context.Context, up connector.Uploader, in ledger.Intent, s *step, parts, held []connector.UploadPart) (string, error) {
	at := map[int64]connector.UploadPart{}
	for _, h := range held {
		at[h.Offset] = h
	}
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(partsAtOnce)
	if p.e.To.Caps.Kinds[s.change.Item.Kind].Parts.Serial {
		group.SetLimit(1)
	}
	for i := range parts {
		if h, ok := at[parts[i].Offset]; ok && h.Bytes == parts[i].Bytes {
			parts[i] = h
			continue
		}
		if p.e.stopped() {
			break
		}
		group.Go(func() (err error) {
			if ctx.Err() != nil {
				return context.Cause(ctx)
			}
			parts[i], err = p.putPart(ctx, up, in.Session, s, parts[i])
			p.e.Failpoint("after-part")
			if next := parts[i].Session; err == nil && next != "" && next != in.Session { // serial: nobody else is here
				in.Session = next
				err = p.apply(ctx, ledger.Batch{Intents: []ledger.Intent{in}})
			}
			p.e.progress()
			return err
		})
	}
	if err := group.Wait(); err != nil {
		return in.Session, err
	}
	if p.e.stopped() {
		return in.Session, connector.Errorf(connector.Transient, "stopped: the next run goes on with this upload")
	}
	return in.Session, nil
}

// putPart uploads one part, again if that may help: its bytes are read anew each
// time.
func (p *part) putPart(ctx context.Context, up connector.Uploader, session string, s *step, part connector.UploadPart) (connector.UploadPart, error) {
	for attempt := 1; ; attempt++ {
		done, err := p.putOnce(ctx, up, session, s, part)
		class := connector.ClassOf(err)
		if err == nil || attempt == partAttempts || class != connector.Transient && class != connector.Throttled || ctx.Err() != nil {
			return done, err
		}
		select {
		case <-time.After(time.Duration(attempt*attempt) * 100 * time.Millisecond):
		case <-ctx.Done():
			return part, context.Cause(ctx)
		}
	}
}

func (p *part) putOnce(ctx context.Context, up connector.Uploader, session string, s *step, part connector.UploadPart) (connector.UploadPart, error) {
	body, err := p.e.openBlob(ctx, *s.change.Item.Blob, part.Offset, part.Bytes)
	if err != nil {
		return part, err
	}
	defer body.Close()
	return up.Put(ctx, session, part, &exactly{r: body, left: part.Bytes})
}

// exactly fails a reader that ends too early or goes on too long.
type exactly struct {
	r    io.Reader
	left int64
}

func (x *exactly) Read(b []byte) (int, error) {
	if x.left == 0 {
		var one [1]byte
		if n, _ := x.r.Read(one[:]); n > 0 {
			return 0, connector.Errorf(connector.Malformed, "the source sends more bytes than it was asked for")
		}
		return 0, io.EOF
	}
	if int64(len(b)) > x.left {
		b = b[:x.left]
	}
	n, err := x.r.Read(b)
	x.left -= int64(n)
	if err == io.EOF && x.left > 0 {
		err = connector.Errorf(connector.Transient, "the source sent fewer bytes than it said")
	} else if err == io.EOF {
		err = nil // the next call looks for more
	}
	return n, err
}

// keepUploads takes the intents of uploads in parts out of those in doubt: they go
// on when their item is met.
func (p *part) keepUploads(ctx context.Context, intents []ledger.Intent) ([]ledger.Intent, error) {
	var updates []ledger.Intent
	p.mu.Lock()
	for _, in := range intents {
		if in.Session == "" {
			continue
		}
		if p.uploads == nil {
			p.uploads = map[item.Ref]upload{}
		}
		p.uploads[p.e.key(in.Key)] = upload{session: in.Session, version: in.Version, update: in.Op == ledger.Update}
		if in.Op == ledger.Update {
			updates = append(updates, in)
		}
	}
	p.mu.Unlock()
	return slices.DeleteFunc(intents, func(in ledger.Intent) bool { return in.Session != "" }), p.cutOff(ctx, updates)
}

// sessionOf is the session of the upload that was left of an item, "" for none: it
// stays in the ledger until the upload has ended.
func (p *part) sessionOf(key item.Ref) string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.uploads[p.e.key(key)].session
}

// dropUploads ends the uploads whose items were not met: they are gone from the
// source, or changed there. It is called once a listing was worked off.
func (p *part) dropUploads(ctx context.Context) error {
	p.mu.Lock()
	left := p.uploads
	p.uploads = nil
	p.mu.Unlock()
	if len(left) == 0 {
		return nil
	}
	var b ledger.Batch
	for key, u := range left {
		if up, ok := p.e.target.(connector.Uploader); ok {
			if err := up.Abort(ctx, u.session); err != nil {
				return err
			}
		}
		b.Clear = append(b.Clear, key)
	}
	return p.apply(ctx, b)
}

// sendAll carries out changes: those whose blobs go in parts beside the others.
func (p *part) sendAll(ctx context.Context, sent []*step, intents []ledger.Intent) []connector.Result {
	var small []connector.Change
	results := make([]connector.Result, len(sent))
	var at []int
	var uploads sync.WaitGroup
	for i, s := range sent {
		if !p.e.large(s.change) {
			small, at = append(small, s.change), append(at, i)
			continue
		}
		uploads.Go(func() { results[i] = p.upload(ctx, s, intents[i]) })
	}
	for n, r := range p.send(ctx, small) {
		results[at[n]] = r
	}
	uploads.Wait()
	return results
}
