package dropbox

import (
	"cmp"
	"context"
	"fmt"
	"io"

	"github.com/rialto-migrate/rialto/connector"
	"github.com/rialto-migrate/rialto/item"
)

// A large file goes into one upload session, part after part. Dropbox knows sessions
// that take their parts in any order, too; but those tell nobody which parts they
// hold, so that an upload that was cut off would begin anew: only one in order says
// how far it came, in its refusal of a wrong offset
// (https://www.dropbox.com/developers/documentation/http/documentation#files-upload_session-append).

// part is of how many bytes each part but the last is. It is fixed, so that what a
// session holds tells which parts are there.
const part = 16 << 20

// A thread is an upload in parts as its session tells it: Dropbox's session, how many
// bytes went into it, and how far their hash came.
type thread struct {
	id    string
	bytes int64
	state string
}

func (t thread) String() string { return fmt.Sprintf("%s %d %s", t.id, t.bytes, t.state) }

// parseThread reads a session.
func parseThread(session string) thread {
	var t thread
	_, _ = fmt.Sscanf(session, "%s %d %s", &t.id, &t.bytes, &t.state) // what is not there stays empty
	return t
}

// Begin opens a session, unless something stands where the file goes. One that is lost
// ends after seven days by itself.
func (t *target) Begin(ctx context.Context, ch connector.Change) (string, error) {
	if ch.Op == connector.Create {
		name := item.FileName.Get(ch.Item)
		if e := legal(name); e != nil {
			return "", e
		}
		switch err := t.api.rpc(ctx, t.me.view, "files/get_metadata", pathArg{Path: t.within(ch.Item.Parent, name)}, nil, read); {
		case err == nil:
			return "", connector.Errorf(connector.Conflict, "something stands where a large file goes").WithHint(inTheWay)
		case connector.ClassOf(err) != connector.Gone:
			return "", err
		}
	}
	var told struct {
		ID string `json:"session_id"`
	}
	err := t.api.send(ctx, t.me.view, "files/upload_session/start", map[string]any{"close": false}, nil, &told, stores)
	if err == nil && told.ID == "" {
		err = connector.Errorf(connector.Malformed, "files/upload_session/start: the answer names no session")
	}
	return thread{id: told.ID}.String(), err
}

// farOff is an offset that no session has: the refusal tells how far it came.
const farOff = 1<<41 - 1

// came asks how many bytes a session holds. One that has ended is Gone.
func (t *target) came(ctx context.Context, id string) (int64, error) {
	const call = "files/upload_session/append_v2"
	err := t.api.send(ctx, t.me.view, call, map[string]any{"cursor": sessionCursor{id, farOff}, "close": false}, nil, nil, stores)
	r, _ := asRefusal(err)
	switch {
	case has(err, "incorrect_offset"):
		return r.offset, nil
	case has(err, "closed"):
		return 0, connector.Errorf(connector.Gone, "%s: the session has ended", call)
	case err == nil:
		return 0, connector.Errorf(connector.Malformed, "%s: bytes are taken at an offset that is not there", call)
	}
	return 0, err
}

// Held tells the parts that are there, and whose hash is known: what came after that,
// and was not noted before a process died, is read once more.
func (t *target) Held(ctx context.Context, session string) ([]connector.UploadPart, error) {
	th := parseThread(session)
	there, err := t.came(ctx, th.id)
	if err != nil {
		return nil, err
	}
	var out []connector.UploadPart
	for at, end := int64(0), min(there, th.bytes); at < end; at += part {
		out = append(out, connector.UploadPart{Number: len(out) + 1, Offset: at, Bytes: min(part, end-at), Tag: "held"})
	}
	return out, nil
}

// Put adds a part behind the others. The reader is read once.
func (t *target) Put(ctx context.Context, session string, p connector.UploadPart, r io.Reader) (connector.UploadPart, error) {
	const call = "files/upload_session/append_v2"
	th := parseThread(session)
	sum, ok := restore(th.state)
	if !ok || th.bytes != p.Offset {
		return p, connector.Errorf(connector.Gone, "%s: a part does not follow those before it", call)
	}
	read := false
	in := io.TeeReader(r, sum)
	body := func() (io.ReadCloser, int64, error) {
		if read {
			return nil, 0, &connector.Error{Class: connector.Transient, InDoubt: true, Reason: call + ": a part has to be read anew"}
		}
		read = true
		return io.NopCloser(in), p.Bytes, nil
	}
	err := t.api.stream(ctx, t.me.view, call, map[string]any{"cursor": sessionCursor{th.id, p.Offset}, "close": false}, body, nil, stores)
	if took(err, p.Offset+p.Bytes) {
		// An earlier try was carried out, and its answer was lost. That its bytes were
		// the same, the hash of the whole tells.
		_, err = io.Copy(io.Discard, in)
	}
	if err != nil {
		return p, err
	}
	if th.state, err = sum.state(); err != nil {
		return p, connector.Errorf(connector.Permanent, "the state of a hash cannot be kept")
	}
	th.bytes += p.Bytes
	p.Tag, p.Session = sum.Hex(), th.String()
	return p, nil
}

// Commit makes the file of its session.
func (t *target) Commit(ctx context.Context, session string, ch connector.Change, parts []connector.UploadPart) connector.Result {
	var r connector.Result
	th := parseThread(session)
	size := int64(0)
	for _, p := range parts {
		size += p.Bytes
	}
	sum, ok := restore(th.state)
	if !ok || th.bytes != size {
		return connector.Result{Err: connector.Errorf(connector.Gone, "an upload in parts is not whole")}
	}
	j := t.prepare(ctx, 0, ch, &r)
	if j.done {
		return connector.Result{Err: connector.Errorf(connector.Permanent, "an upload in parts changes no bytes").WithHint("please report this as a mistake of the engine")}
	}
	j.session, j.size, j.hash, j.path = th.id, size, sum.Hex(), cmp.Or(j.path, ch.Item.ID)
	var m metadata
	err := j.err
	if err == nil {
		// It may be sent again: a session becomes a file once.
		err = t.api.send(ctx, t.me.view, "files/upload_session/finish", finishEntry{sessionCursor{th.id, size}, j.commit()}, nil, &m, again(commit))
	}
	ours := has(err, "lookup_failed")
	if !ours && err != nil && connector.ClassOf(err) == connector.Conflict {
		_, held := t.came(ctx, th.id)
		ours = held != nil && connector.ClassOf(held) == connector.Gone // it was committed before
	}
	t.settled(ctx, j, m, err, ours, &r)
	t.people(ctx, ch, j.let, &r)
	return r
}

// Abort ends a session. It cannot be dropped, shows nowhere, and is gone after seven
// days; so that nobody goes on with it, it is closed.
func (t *target) Abort(ctx context.Context, session string) error {
	th := parseThread(session)
	there, err := t.came(ctx, th.id)
	if err == nil {
		err = t.api.send(ctx, t.me.view, "files/upload_session/append_v2", map[string]any{"cursor": sessionCursor{th.id, there}, "close": true}, nil, nil, stores)
	}
	if err != nil && connector.ClassOf(err) == connector.Gone || has(err, "closed") {
		return nil
	}
	return err
}
