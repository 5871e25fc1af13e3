package dropbox

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"slices"
	"sync"

	"github.com/rialto-migrate/rialto/connector"
	"github.com/rialto-migrate/rialto/item"
)

// Files are written in two steps, as Dropbox advises for many
// (https://www.dropbox.com/developers/reference/data-ingress-guide): their bytes go
// into upload sessions, which locks nothing, and one request commits all sessions,
// which locks the namespace once. Small files share requests for their bytes, too.

const (
	// small is up to which size a file shares a request with others.
	small = 1 << 20
	// room is how many bytes one buffer holds, rooms how many there are: what the
	// uploads of a connection hold in memory.
	room  = block
	rooms = 6
	// mostEntries is how many files one request holds, as the contract allows.
	mostEntries = 1000
	// mostTogether is how many files share a request for their bytes: what it says of
	// them stands in its header, and servers take 8 KiB of one.
	mostTogether = 40
)

// A job is one file on its way.
type job struct {
	at      int // in the changes
	ch      connector.Change
	path    string // of the commit
	rev     string // that is replaced; "" for a create
	session string
	size    int64
	hash    string
	err     error
	data    []byte // of a small file, until it is sent
	done    bool   // no bytes are to be sent: its result is there
	let     bool   // somebody was let at the file by name
}

// fail ends a job. An error that has no class is one of the source.
func (j *job) fail(err error) {
	if j.err == nil {
		j.err = err
	}
}

func (t *target) writeFiles(ctx context.Context, changes []connector.Change, results []connector.Result, open item.Opener) {
	jobs := make([]*job, len(changes))
	each(len(changes), func(i int) { jobs[i] = t.prepare(ctx, i, changes[i], &results[i]) })
	var send []*job
	for _, j := range jobs {
		switch {
		case j.err != nil:
			results[j.at].Err = j.err
		case !j.done:
			send = append(send, j)
		}
	}
	if len(send) == 1 && send[0].small() {
		t.sendOne(ctx, send[0], open, &results[send[0].at])
	} else if len(send) > 0 {
		t.sendAll(ctx, send, open)
		t.commitAll(ctx, send, results)
	}
	each(len(changes), func(i int) { t.people(ctx, changes[i], jobs[i].let, &results[i]) })
}

// people lets at a file whom its change names; let says that somebody may be already.
func (t *target) people(ctx context.Context, ch connector.Change, let bool, r *connector.Result) {
	want := item.Permissions.Get(ch.Item)
	if r.Err != nil || !t.shareable(ch, want) && !let {
		return
	}
	if !t.shareable(ch, want) {
		all, err := t.fileGrants(ctx, container{view: t.me.view, mine: t.mine()}, []string{r.Stored.Item.ID})
		t.granted(r, all[r.Stored.Item.ID], err)
		return
	}
	of, err := t.letAtFile(ctx, r.Stored.Item.ID, want)
	t.granted(r, of, err)
}

// small reports whether a file is read whole before it is sent.
func (j *job) small() bool { n := j.ch.Item.Blob.Bytes; return n >= 0 && n <= small }

// shares reports whether a file shares requests with others. An empty one has nothing
// to share.
func (j *job) shares() bool { return j.small() && j.ch.Item.Blob.Bytes > 0 }

// prepare looks what a change asks for, and does all but sending bytes.
func (t *target) prepare(ctx context.Context, at int, ch connector.Change, r *connector.Result) *job {
	j := &job{at: at, ch: ch}
	name := item.FileName.Get(ch.Item)
	if e := legal(name); e != nil {
		j.err = e
		return j
	}
	if ch.Item.Blob == nil {
		j.err = connector.Errorf(connector.Permanent, "a file without bytes cannot be written").WithHint("please report this as a mistake of the source's connector")
		return j
	}
	if ch.Op == connector.Create {
		j.path = t.within(ch.Item.Parent, name)
		return j
	}
	m, err := t.moved(ctx, ch)
	if err != nil {
		j.err = err
		return j
	}
	j.let = m.Explicit
	if !dirty(ch, item.Content.Name) {
		r.Stored = item.Bundle{Item: m.item(ch.Item.Parent, ""), CheckItems: -1}
		j.done = true
		return j
	}
	if ch.Prev != nil && ch.Prev.Item.Blob != nil && ch.Prev.Item.Blob.Version != m.version() {
		j.err = connector.Errorf(connector.Conflict, "files/get_metadata: it has changed at the target").WithHint("run again: what is there now is looked at")
		return j
	}
	j.path, j.rev = m.ID, m.Rev
	return j
}

// commitInfo is files.CommitInfo.
type commitInfo struct {
	Path     string `json:"path"`
	Mode     any    `json:"mode"`
	Rename   bool   `json:"autorename"`
	Modified string `json:"client_modified,omitempty"`
	Mute     bool   `json:"mute"`
	Strict   bool   `json:"strict_conflict"`
	Hash     string `json:"content_hash,omitempty"` // of files/upload alone
}

// commit says where a job's bytes go. It never overwrites what it does not know, and
// tells nobody.
func (j *job) commit() commitInfo {
	c := commitInfo{Path: j.path, Mode: tagged{"add"}, Mute: true, Strict: true}
	if j.rev != "" {
		c.Mode = map[string]string{".tag": "update", "update": j.rev}
	}
	if m := item.Modified.Get(j.ch.Item); !m.IsZero() {
		c.Modified = m.UTC().Format(stamp)
	}
	return c
}

// sendOne writes one small file in one request.
func (t *target) sendOne(ctx context.Context, j *job, open item.Opener, r *connector.Result) {
	if t.take(ctx, j); j.err == nil {
		defer t.free()
		j.read(open)
	}
	if j.err != nil {
		r.Err = j.err
		return
	}
	info := j.commit()
	info.Hash = j.hash
	var m metadata
	doubted := false
	err := t.api.send(ctx, t.me.view, "files/upload", info, j.data, &m, commit)
	for attempt := 1; connector.InDoubt(err) && attempt < tries && ctx.Err() == nil; attempt++ {
		doubted = true // to send it again is safe: it does not overwrite
		if connector.Pause(ctx, attempt, 0) != nil {
			break
		}
		err = t.api.send(ctx, t.me.view, "files/upload", info, j.data, &m, commit)
	}
	t.settled(ctx, j, m, err, doubted, r)
}

// take waits for room for a job's bytes.
func (t *target) take(ctx context.Context, j *job) {
	select {
	case t.rooms <- struct{}{}:
	case <-ctx.Done():
		j.fail(&connector.Error{Class: connector.Transient, Reason: "stopped while waiting for room in memory", Err: context.Cause(ctx)})
	}
}

func (t *target) free() { <-t.rooms }

// read reads a small file whole.
func (j *job) read(open item.Opener) {
	in, err := open(*j.ch.Item.Blob, 0, -1)
	if err != nil {
		j.fail(err)
		return
	}
	defer in.Close()
	data := make([]byte, 0, j.ch.Item.Blob.Bytes+1)
	m := connector.Measure(in, j.ch.Item.Blob.Bytes)
	for {
		if len(data) == cap(data) {
			data = slices.Grow(data, 512)
		}
		n, err := m.Read(data[len(data):cap(data)])
		data = data[:len(data)+n]
		if err == io.EOF {
			break
		}
		if err != nil {
			j.fail(err)
			return
		}
	}
	j.data, j.size, j.hash = data, int64(len(data)), hashOf(data)
}

// sendAll puts the bytes of files into sessions: small ones many to a request.
func (t *target) sendAll(ctx context.Context, jobs []*job, open item.Opener) {
	var groups [][]*job
	var group []*job
	held := int64(0)
	t.startAll(ctx, slices.DeleteFunc(slices.Clone(jobs), func(j *job) bool { return !j.shares() }))
	for _, j := range jobs {
		if j.err != nil {
			continue
		}
		if !j.shares() {
			groups = append(groups, []*job{j})
			continue
		}
		if n := j.ch.Item.Blob.Bytes; len(group) == mostTogether || held+n > room {
			groups, group, held = append(groups, group), nil, 0
		}
		group, held = append(group, j), held+j.ch.Item.Blob.Bytes
	}
	if len(group) > 0 {
		groups = append(groups, group)
	}
	each(len(groups), func(i int) {
		g := groups[i]
		if t.take(ctx, g[0]); g[0].err != nil {
			for _, j := range g {
				j.fail(g[0].err)
			}
			return
		}
		defer t.free()
		if !g[0].shares() {
			t.sendLarge(ctx, g[0], open)
			return
		}
		each(len(g), func(n int) { g[n].read(open) })
		t.sendSmall(ctx, slices.DeleteFunc(slices.Clone(g), func(j *job) bool { return j.err != nil }))
	})
}

// A sessionCursor is files.UploadSessionCursor.
type sessionCursor struct {
	ID     string `json:"session_id"`
	Offset int64  `json:"offset"`
}

// startAll opens sessions for files that share requests.
func (t *target) startAll(ctx context.Context, jobs []*job) {
	const call = "files/upload_session/start_batch"
	for some := range slices.Chunk(jobs, mostEntries) {
		var told struct {
			IDs []string `json:"session_ids"`
		}
		err := t.api.rpc(ctx, t.me.view, call, map[string]any{"num_sessions": len(some)}, &told, stores)
		if err == nil && len(told.IDs) != len(some) {
			err = connector.Errorf(connector.Malformed, "%s: %d of %d sessions are told", call, len(told.IDs), len(some))
		}
		for i, j := range some {
			if err != nil {
				j.fail(err)
				continue
			}
			j.session = told.IDs[i]
		}
	}
}

// sendSmall puts small files, whose bytes are there, into their sessions.
func (t *target) sendSmall(ctx context.Context, jobs []*job) {
	if len(jobs) == 0 {
		return
	}
	fail := func(err error) {
		for _, j := range jobs {
			j.fail(err)
			j.data = nil
		}
	}
	type entry struct {
		Cursor sessionCursor `json:"cursor"`
		Length int64         `json:"length"`
		Close  bool          `json:"close"`
	}
	var entries []entry
	all, whole := int64(0), newContentHash()
	for _, j := range jobs {
		entries = append(entries, entry{Cursor: sessionCursor{ID: j.session}, Length: j.size, Close: true})
		_, _ = whole.Write(j.data)
		all += j.size
	}
	var done struct {
		Entries []struct {
			Tag     string          `json:".tag"`
			Failure json.RawMessage `json:"failure"`
		} `json:"entries"`
	}
	const call = "files/upload_session/append_batch"
	body := func() (io.ReadCloser, int64, error) {
		rs := make([]io.Reader, len(jobs))
		for i, j := range jobs {
			rs[i] = bytes.NewReader(j.data)
		}
		return io.NopCloser(io.MultiReader(rs...)), all, nil
	}
	err := t.api.stream(ctx, t.me.view, call, map[string]any{"entries": entries, "content_hash": whole.Hex()}, body, &done, stores)
	if err == nil && len(done.Entries) != len(jobs) {
		err = connector.Errorf(connector.Malformed, "%s: %d of %d files are told of", call, len(done.Entries), len(jobs))
	}
	if err != nil {
		fail(err)
		return
	}
	for i, e := range done.Entries {
		// One that is closed took these bytes before, when its answer was lost.
		if err := failure(call, e.Failure); e.Tag != "success" && !has(err, "closed") {
			jobs[i].fail(err)
		}
		jobs[i].data = nil
	}
}

// sendLarge puts one file into a session, block by block: each is held in memory until
// it is there, with its hash.
func (t *target) sendLarge(ctx context.Context, j *job, open item.Opener) {
	in, err := open(*j.ch.Item.Blob, 0, -1)
	if err != nil {
		j.fail(err)
		return
	}
	defer in.Close()
	m := connector.Measure(in, j.ch.Item.Blob.Bytes)
	whole := newContentHash()
	size := int64(room)
	if n := j.ch.Item.Blob.Bytes; n >= 0 {
		size = min(size, n+1)
	}
	buf := make([]byte, size)
	for {
		n, err := io.ReadFull(m, buf)
		last := err == io.EOF || err == io.ErrUnexpectedEOF
		if err != nil && err != io.EOF && err != io.ErrUnexpectedEOF {
			j.fail(err)
			return
		}
		_, _ = whole.Write(buf[:n])
		if err := t.append(ctx, j, buf[:n], last); err != nil {
			j.fail(err)
			return
		}
		j.size += int64(n)
		if last {
			j.hash = whole.Hex()
			return
		}
	}
}

// append adds bytes to a job's session, and opens it with the first.
func (t *target) append(ctx context.Context, j *job, data []byte, last bool) error {
	hash := hashOf(data)
	if j.session == "" {
		var told struct {
			ID string `json:"session_id"`
		}
		err := t.api.send(ctx, t.me.view, "files/upload_session/start", map[string]any{"close": last, "content_hash": hash}, data, &told, stores)
		if err == nil && told.ID == "" {
			err = connector.Errorf(connector.Malformed, "files/upload_session/start: the answer names no session")
		}
		j.session = told.ID
		return err
	}
	arg := map[string]any{"cursor": sessionCursor{j.session, j.size}, "close": last, "content_hash": hash}
	err := t.api.send(ctx, t.me.view, "files/upload_session/append_v2", arg, data, nil, stores)
	if took(err, j.size+int64(len(data))) || last && has(err, "closed") {
		return nil
	}
	return err
}

// took reports whether an append was refused because an earlier one of the same bytes,
// whose answer was lost, was carried out.
func took(err error, end int64) bool {
	r, ok := asRefusal(err)
	return ok && slices.Contains(r.tags, "incorrect_offset") && r.offset == end
}

// A finishEntry is files.UploadSessionFinishArg.
type finishEntry struct {
	Cursor sessionCursor `json:"cursor"`
	Commit commitInfo    `json:"commit"`
}

// commitAll makes files of sessions, many in one request.
func (t *target) commitAll(ctx context.Context, jobs []*job, results []connector.Result) {
	var ready []*job
	for _, j := range jobs {
		if j.err != nil {
			results[j.at].Err = j.err
			continue
		}
		ready = append(ready, j)
	}
	for some := range slices.Chunk(ready, mostEntries) {
		t.commitSome(ctx, some, results, 1)
	}
}

func (t *target) commitSome(ctx context.Context, jobs []*job, results []connector.Result, attempt int) {
	var entries []finishEntry
	for _, j := range jobs {
		entries = append(entries, finishEntry{sessionCursor{j.session, j.size}, j.commit()})
	}
	var told struct {
		Entries []json.RawMessage `json:"entries"`
	}
	const call = "files/upload_session/finish_batch_v2"
	doubted := attempt > 1
	err := t.alone(ctx, func() error {
		for n := 1; ; n++ {
			err := t.api.rpc(ctx, t.me.view, call, map[string]any{"entries": entries}, &told, commit)
			if !connector.InDoubt(err) || n == tries || ctx.Err() != nil {
				return err
			}
			doubted = true // to commit again is safe: a session becomes a file once
			if connector.Pause(ctx, n, 0) != nil {
				return err
			}
		}
	})
	if err == nil && len(told.Entries) != len(jobs) {
		e := connector.Errorf(connector.Malformed, "%s: %d of %d files are told of", call, len(told.Entries), len(jobs))
		e.InDoubt, err = true, e
	}
	var refusedYet []*job
	var mu sync.Mutex
	each(len(jobs), func(i int) {
		j := jobs[i]
		if err != nil {
			t.settled(ctx, j, metadata{}, err, true, &results[j.at])
			return
		}
		var e struct {
			metadata
			Failure json.RawMessage `json:"failure"`
		}
		if json.Unmarshal(told.Entries[i], &e) != nil {
			results[j.at].Err = &connector.Error{Class: connector.Malformed, InDoubt: true, Reason: call + ": the answer is not as the contract has it"}
			return
		}
		var refused error
		if e.Tag != "success" {
			f := failure(call, e.Failure)
			if f.Class == connector.Throttled && attempt < 2*tries {
				mu.Lock()
				refusedYet = append(refusedYet, j)
				mu.Unlock()
				return
			}
			refused = f
		}
		t.settled(ctx, j, e.metadata, refused, doubted, &results[j.at])
	})
	if len(refusedYet) == 0 {
		return
	}
	if err := connector.Pause(ctx, attempt, 0); err != nil {
		for _, j := range refusedYet {
			results[j.at].Err = connector.Errorf(connector.Throttled, "%s: too_many_write_operations", call)
		}
		return
	}
	t.commitSome(ctx, refusedYet, results, attempt+1)
}

// settled is what became of a commit. Where it was refused because something stands
// there, or its answer was lost, that is looked at: a file of the same bytes is ours
// if the commit was in doubt, and else taken over.
func (t *target) settled(ctx context.Context, j *job, m metadata, err error, doubted bool, r *connector.Result) {
	adopted := false
	if err != nil {
		vanished := has(err, "lookup_failed") // the session: it became a file, or ended
		lost := connector.InDoubt(err) || doubted && (vanished || has(err, "not_found"))
		if !lost && connector.ClassOf(err) != connector.Conflict {
			r.Err = anew(err, vanished)
			return
		}
		var there metadata
		look := t.api.rpc(ctx, t.me.view, "files/get_metadata", pathArg{Path: j.path, Explicit: true}, &there, read)
		if look != nil && connector.ClassOf(look) != connector.Gone && (lost || doubted) {
			r.Err = &connector.Error{Class: connector.Transient, InDoubt: true, Reason: look.Error(), Err: look}
			return
		}
		if look != nil || there.Tag != tagFile || there.Hash != j.hash || there.Size != j.size || j.rev != "" && !doubted {
			r.Err = anew(err, vanished)
			return
		}
		m, adopted, j.let = there, !doubted, j.let || there.Explicit
	}
	if m.Hash != "" && m.Hash != j.hash || m.Size != j.size {
		t.drop(ctx, j, m)
		r.Err = connector.Errorf(connector.Transient, "Dropbox stored other bytes than were sent")
		return
	}
	m.Tag = tagFile
	r.Stored = item.Bundle{Item: m.item(j.ch.Item.Parent, ""), CheckItems: -1}
	r.Adopted = adopted
}

// anew is the error of a commit. Where its session has vanished, the bytes are sent
// once more.
func anew(err error, vanished bool) error {
	if !vanished || connector.InDoubt(err) {
		return err
	}
	return &connector.Error{Class: connector.Transient, Reason: err.Error(), Err: err}
}

// drop removes a new file that is not what was sent.
func (t *target) drop(ctx context.Context, j *job, m metadata) {
	if j.rev != "" || m.ID == "" {
		return // what it replaced is among its revisions
	}
	if err := t.api.rpc(ctx, t.me.view, "files/delete_v2", map[string]any{"path": m.ID, "parent_rev": m.Rev}, nil, again(commit)); err != nil {
		t.log.Debug("a file that differs stays behind", "error", err)
	}
}
