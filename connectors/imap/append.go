package imap

import (
	"bytes"
	"context"
	"errors"
	"io"
	"iter"
	"slices"
	"sync"
	"time"

	"github.com/rialto-migrate/rialto/connector"
	"github.com/rialto-migrate/rialto/connectors/imap/wire"
	"github.com/rialto-migrate/rialto/item"
)

// How messages are put together.
const (
	appendMost  = 100      // messages of one command
	appendBytes = 1 << 20  // bytes of one command of several messages, about
	heldMost    = 64 << 20 // bytes of a message whose size is not known beforehand
	// nearWriters is how many connections add messages at once where the server is
	// near. A server locks a folder while it adds to it: with Dovecot, on two cores,
	// 20,000 messages took 6.6 s on one connection, 4.2 s on two and 6.5 s on eight. Far
	// ones wait for the way, not for the lock.
	nearWriters = 3
	far         = 5 * time.Millisecond
	// gathered is how many commands' messages are held beyond those that are being sent.
	gathered = 4
)

// A chunk is what one connection writes in one go: messages of one folder, or one
// change alone.
type chunk struct {
	from, to int // of the changes
	done     chan struct{}
}

// writeMessages carries changes out on several connections, and yields the results in
// order.
func (t *target) writeMessages(ctx context.Context, changes []connector.Change, open item.Opener) iter.Seq2[connector.Result, error] {
	return func(yield func(connector.Result, error) bool) {
		ctx, cancel := context.WithCancel(ctx)
		results := make([]connector.Result, len(changes))
		chunks := cut(changes, appendMost)
		var workers sync.WaitGroup
		defer workers.Wait()
		defer cancel()
		next := make(chan *chunk, len(chunks))
		for _, k := range chunks {
			next <- k
		}
		close(next)
		for range min(t.pool.size(), len(chunks)) {
			workers.Go(func() {
				for k := range next {
					if ctx.Err() == nil {
						t.chunk(ctx, changes[k.from:k.to], results[k.from:k.to], open)
					} else {
						fail(results[k.from:k.to], &connector.Error{Class: connector.Transient, Reason: "stopped before it was sent", Err: context.Cause(ctx)})
					}
					close(k.done)
				}
			})
		}
		for _, k := range chunks {
			<-k.done
			for _, r := range results[k.from:k.to] {
				if !yield(r, nil) {
					return
				}
			}
		}
	}
}

func fail(results []connector.Result, err error) {
	for i := range results {
		results[i] = connector.Result{Err: err}
	}
}

// cut puts changes together that one command can carry out.
func cut(changes []connector.Change, most int) []*chunk {
	var out []*chunk
	var bytes int64
	for i, ch := range changes {
		n := sizeOf(ch.Item)
		last := len(out) - 1
		if last < 0 || !together(changes[i-1], ch) || bytes+n > appendBytes || out[last].to-out[last].from >= most {
			out = append(out, &chunk{from: i, done: make(chan struct{})})
			last, bytes = last+1, 0
		}
		out[last].to = i + 1
		bytes += n
	}
	return out
}

func together(a, b connector.Change) bool {
	if a.Op == connector.Update && b.Op == connector.Update {
		in, validity, _, ok := splitID(a.Item.ID)
		other, same, _, ok2 := splitID(b.Item.ID)
		return ok && ok2 && in == other && validity == same
	}
	return a.Op == connector.Create && b.Op == connector.Create && a.Item.Parent == b.Item.Parent
}

func sizeOf(it item.Item) int64 {
	if it.Blob == nil {
		return 0
	}
	if it.Blob.Bytes < 0 {
		return unknownSize
	}
	return it.Blob.Bytes
}

// chunk carries out changes that belong together.
func (t *target) chunk(ctx context.Context, changes []connector.Change, results []connector.Result, open item.Opener) {
	if changes[0].Op == connector.Update {
		t.updateMessages(ctx, changes, results)
		return
	}
	f, err := t.find(ctx, changes[0].Item.Parent.ID)
	if err == nil && !f.opens {
		err = connector.Errorf(connector.Permanent, "folder %s holds folders alone, and no messages", f.id)
	}
	if err != nil {
		fail(results, err)
		return
	}
	a := &appending{t: t, folder: f, changes: changes, results: results, open: open}
	if err := a.run(ctx); err != nil {
		fail(results, err)
	}
}

// An appending is one chunk of new messages on its way.
type appending struct {
	t       *target
	folder  *folder
	changes []connector.Change
	results []connector.Result
	open    item.Opener
	bodies  [][]byte // nil for what is sent by itself, or could not be read
	alone   []int    // what is sent by itself: it is large, or NUL wants another form of literal
}

// run appends the messages. Those that cannot be read, or that the server takes no
// part in, have their error; the error returned is that of all.
func (a *appending) run(ctx context.Context) error {
	leave, err := enter(ctx, a.t.gathering)
	if err != nil {
		return err
	}
	defer leave()
	together, units := a.gather()
	paid, err := a.t.net.Pacer().Take(ctx, uploadClass, int(units/uploadUnit)+1)
	if err != nil {
		return stoppedWaiting(err)
	}
	paid(connector.Outcome{})
	if a.t.pool.way() <= far {
		leave, err := enter(ctx, a.t.near)
		if err != nil {
			return err
		}
		defer leave()
	}
	// Each is a command, and two more read back what was stored together, or alone.
	turns := len(together) + 2 + 3*len(a.alone)
	return a.t.withTurns(ctx, a.folder.name, turns, func(conn *wire.Conn) error {
		if err := a.t.mayExpunge(conn); err != nil {
			return err
		}
		if err := conn.SelectLater(a.folder.name, false); err != nil { // where it is read back
			return err
		}
		err := a.together(conn, together)
		if err == nil {
			a.apart(ctx, conn)
		}
		return err
	})
}

// enter takes one of the places of a room, and waits until there is one.
func enter(ctx context.Context, room chan struct{}) (leave func(), err error) {
	select {
	case room <- struct{}{}:
		return func() { <-room }, nil
	case <-ctx.Done():
		return nil, stoppedWaiting(context.Cause(ctx))
	}
}

func stoppedWaiting(err error) error {
	return &connector.Error{Class: connector.Transient, Reason: "stopped while waiting for its turn", Err: err}
}

// gather reads the messages that are sent together, and tells which these are and how
// many bytes there are of all.
func (a *appending) gather() (together []int, units int64) {
	a.bodies = make([][]byte, len(a.changes))
	for i, ch := range a.changes {
		if ch.Item.Blob != nil && ch.Item.Blob.Bytes > appendBytes {
			a.alone = append(a.alone, i)
			units += ch.Item.Blob.Bytes
			continue
		}
		body, err := a.read(ch.Item, appendBytes)
		units += max(int64(len(body)), sizeOf(ch.Item))
		switch {
		case err != nil:
			a.results[i] = connector.Result{Err: err}
		case bytes.IndexByte(body, 0) >= 0 || int64(len(body)) > appendBytes:
			a.alone = append(a.alone, i)
		default:
			a.bodies[i] = body
			together = append(together, i)
		}
	}
	return together, units
}

// together sends messages with one command where the server takes several, and with
// one for each, none of which waits for the answer to the one before, where it does
// not. If one command is refused for the sake of one message, each goes by itself.
func (a *appending) together(conn *wire.Conn, of []int) error {
	if len(of) == 0 {
		return nil
	}
	var sent []appended
	if len(of) > 1 && conn.Is("MULTIAPPEND") {
		got, err := a.several(conn, of)
		if err != nil && (conn.Broken() || !isRefusal(err) || everyone(err)) {
			return err
		}
		sent = got
	}
	if sent == nil {
		sent = a.each(conn, of)
	}
	a.stored(conn, sent)
	return nil
}

// An appended is a message that the server took.
type appended struct {
	i        int // of the changes
	size     int64
	validity uint32
	uid      uint32 // 0 if it was not told
}

func isRefusal(err error) bool {
	_, ok := errors.AsType[*wire.Refusal](err)
	return ok
}

// everyone tells whether a refusal holds for all messages of the mailbox.
func everyone(err error) bool {
	switch connector.ClassOf(refused("", err)) {
	case connector.Full, connector.Throttled, connector.Forbidden, connector.Gone, connector.Auth:
		return true
	}
	return false
}

// several sends messages with one command.
func (a *appending) several(conn *wire.Conn, of []int) ([]appended, error) {
	cmd := conn.Append(a.folder.name)
	for _, i := range of {
		if err := a.add(cmd, i); err != nil {
			return nil, a.broke(conn, err, false)
		}
	}
	validity, uids, err := cmd.End()
	if err != nil {
		return nil, a.broke(conn, err, true)
	}
	out := make([]appended, len(of))
	for k, i := range of {
		out[k] = appended{i: i, size: int64(len(a.bodies[i])), validity: validity}
		if len(uids) == len(of) {
			out[k].uid = uids[k]
		}
	}
	return out, nil
}

func (a *appending) add(cmd *wire.Append, i int) error {
	it, body := a.changes[i].Item, a.bodies[i]
	return cmd.Add(a.t.cfg.cleanFlags(item.Flags.Get(it)), item.Received.Get(it), int64(len(body)), false, bytes.NewReader(body))
}

// each sends messages with a command for each, and then takes the answers. Those that
// were refused have their error.
func (a *appending) each(conn *wire.Conn, of []int) (out []appended) {
	fail := func(i int, err error) { a.results[i] = connector.Result{Err: refused("", err)} }
	sent := map[int]*wire.Append{}
	for _, i := range of {
		if conn.Broken() {
			fail(i, notSent())
			continue
		}
		cmd := conn.Append(a.folder.name)
		if err := a.add(cmd, i); err != nil {
			fail(i, a.broke(conn, err, false))
			continue
		}
		cmd.Send() // where that breaks, so does the answer
		sent[i] = cmd
	}
	for _, i := range of {
		if sent[i] == nil {
			continue
		}
		validity, uids, err := sent[i].Answer()
		if err != nil {
			fail(i, a.broke(conn, err, true))
			continue
		}
		one := appended{i: i, size: int64(len(a.bodies[i])), validity: validity}
		if len(uids) == 1 {
			one.uid = uids[0]
		}
		out = append(out, one)
	}
	return out
}

func notSent() error {
	return connector.Errorf(connector.Transient, "the connection broke before the message was sent")
}

// apart sends those messages that are sent by themselves.
func (a *appending) apart(ctx context.Context, conn *wire.Conn) {
	for _, i := range a.alone {
		if conn.Broken() {
			a.results[i].Err = notSent()
			continue
		}
		if err := a.one(ctx, conn, i); err != nil {
			a.results[i] = connector.Result{Err: refused("", err)}
		}
	}
}

// broke says whether what the connection was doing when it broke may have happened.
func (a *appending) broke(conn *wire.Conn, err error, ended bool) error {
	if !conn.Broken() {
		return err
	}
	err = refused("", err)
	if e, ok := errors.AsType[*connector.Error](err); ok && ended {
		e.InDoubt = true
	}
	return err
}

// read reads a message into memory; of one that is longer than the limit so much that
// it shows.
func (a *appending) read(it item.Item, limit int64) ([]byte, error) {
	if it.Blob == nil {
		return nil, connector.Errorf(connector.Permanent, "the message has no bytes")
	}
	r, err := a.open(*it.Blob, 0, -1)
	if err != nil {
		return nil, err
	}
	defer r.Close()
	want := it.Blob.Bytes
	var buf bytes.Buffer
	if want > 0 && want <= limit {
		buf.Grow(int(want) + bytes.MinRead)
	}
	n, err := io.Copy(&buf, io.LimitReader(r, max(limit, want)+1))
	if err != nil {
		if _, ok := errors.AsType[*connector.Error](err); ok {
			return nil, err
		}
		return nil, &connector.Error{Class: connector.Transient, Reason: "the source broke while a message was read", Err: err}
	}
	if want >= 0 && n != want {
		return nil, wrongSize()
	}
	if n == 0 {
		return nil, connector.Errorf(connector.Permanent, "the message is empty, not even a header: IMAP has no way to store that (RFC 4466: an APPEND of no bytes ends the command)")
	}
	return buf.Bytes(), nil
}

func wrongSize() error {
	return connector.Errorf(connector.Transient, "the source gave another number of bytes than it told")
}

// one sends a message alone.
func (a *appending) one(ctx context.Context, conn *wire.Conn, i int) error {
	it := a.changes[i].Item
	if it.Blob == nil {
		return connector.Errorf(connector.Permanent, "the message has no bytes")
	}
	var n int64
	var cmd *wire.Append
	var err error
	if size := it.Blob.Bytes; size > appendBytes {
		n = size
		cmd, err = a.streamed(ctx, conn, it)
	} else {
		limit := int64(appendBytes)
		if size < 0 {
			limit = heldMost
			select { // one of unknown size may be large: they are held one at a time
			case a.t.large <- struct{}{}:
				defer func() { <-a.t.large }()
			case <-ctx.Done():
				return context.Cause(ctx)
			}
		}
		var body []byte
		if body, err = a.read(it, limit); err != nil {
			return err
		}
		if int64(len(body)) > limit {
			return connector.Errorf(connector.Permanent, "the message is larger than %d MiB, and its source does not tell how large", limit>>20)
		}
		n = int64(len(body))
		binary := bytes.IndexByte(body, 0) >= 0
		if binary && !conn.Is("BINARY") {
			return noNUL()
		}
		cmd = conn.Append(a.folder.name)
		err = cmd.Add(a.t.cfg.cleanFlags(item.Flags.Get(it)), item.Received.Get(it), n, binary, bytes.NewReader(body))
	}
	if err != nil {
		return a.broke(conn, err, false)
	}
	validity, uids, err := cmd.End()
	if err != nil {
		return a.broke(conn, err, true)
	}
	sent := appended{i: i, size: n, validity: validity}
	if len(uids) == 1 {
		sent.uid = uids[0]
	}
	a.stored(conn, []appended{sent})
	return nil
}

func noNUL() error {
	return connector.Errorf(connector.Permanent, "the message holds NUL bytes, and the server takes none: it lacks BINARY (RFC 3516)").
		WithHint("leave the message where it is, or move to a server that keeps binary messages")
}

// streamed sends a large message as it is read. Its last line is not sent before all
// of it was seen to be there, so that nothing half is ever stored.
func (a *appending) streamed(ctx context.Context, conn *wire.Conn, it item.Item) (*wire.Append, error) {
	r, err := a.open(*it.Blob, 0, -1)
	if err != nil {
		return nil, err
	}
	defer r.Close()
	from := &whole{r: r}
	cmd := conn.Append(a.folder.name)
	err = cmd.Add(a.t.cfg.cleanFlags(item.Flags.Get(it)), item.Received.Get(it), it.Blob.Bytes, conn.Is("BINARY"), from)
	if err == nil && from.nul && !conn.Is("BINARY") {
		conn.Abort()
		return nil, noNUL()
	}
	if err == nil {
		if extra, end := io.ReadFull(r, make([]byte, 1)); extra > 0 || end != io.EOF {
			conn.Abort()
			return nil, wrongSize()
		}
		return cmd, nil
	}
	if from.err == io.EOF || from.err == io.ErrUnexpectedEOF {
		return nil, wrongSize()
	}
	if from.err != nil {
		if e, ok := errors.AsType[*connector.Error](from.err); ok {
			return nil, e
		}
		return nil, &connector.Error{Class: connector.Transient, Reason: "the source broke while a message was read", Err: from.err}
	}
	return nil, err
}

// whole remembers how a stream ended, and whether it holds NUL.
type whole struct {
	r   io.Reader
	err error
	nul bool
}

func (w *whole) Read(p []byte) (int, error) {
	n, err := w.r.Read(p)
	w.nul = w.nul || bytes.IndexByte(p[:n], 0) >= 0
	if err != nil {
		w.err = err
	}
	return n, err
}

// stored reads back what was appended, and fills in the results.
func (a *appending) stored(conn *wire.Conn, sent []appended) {
	if len(sent) == 0 {
		return
	}
	got, err := a.readBack(conn, sent)
	if err != nil {
		// It is there: settling finds it by its mark.
		e := &connector.Error{Class: connector.Transient, InDoubt: true, Reason: "what was appended could not be read back", Err: err}
		for _, s := range sent {
			a.results[s.i] = connector.Result{Err: e}
		}
		return
	}
	for _, s := range sent {
		a.results[s.i] = a.result(conn, a.changes[s.i], s, got)
	}
}

func (a *appending) readBack(conn *wire.Conn, sent []appended) (map[uint32]wire.Message, error) {
	var rising []uint32
	for _, s := range sent {
		if s.uid == 0 || s.validity != sent[0].validity {
			return nil, errors.New("the server did not tell the ids")
		}
		rising = append(rising, s.uid)
	}
	slices.Sort(rising)
	got := map[uint32]wire.Message{}
	for _, fresh := range []bool{false, true} {
		if fresh {
			conn.Unselect()
		}
		if err := conn.Select(a.folder.name, false); err != nil {
			return nil, err
		}
		if conn.Selected().Validity != sent[0].validity {
			continue
		}
		err := fetchUIDs(conn, rising, listed, func(m wire.Message) error {
			if m.UID != 0 && m.Bytes >= 0 && m.Flags != nil {
				got[m.UID] = m
			}
			return nil
		}, nil)
		if err != nil || len(got) >= len(sent) {
			return got, err
		}
	}
	return got, nil
}

// result is what became of one message.
func (a *appending) result(conn *wire.Conn, ch connector.Change, sent appended, got map[uint32]wire.Message) connector.Result {
	m, there := got[sent.uid]
	b, ok := a.t.bundle(a.folder, sent.validity, m)
	if !there || !ok {
		return connector.Result{Err: connector.Errorf(connector.Conflict, "the message was removed in the moment in which it was stored").
			WithHint("look for a rule or a program that removes messages in the target")}
	}
	if m.Bytes != sent.size && a.t.cfg.service != serviceMicrosoft {
		set := wire.Set([]uint32{sent.uid})
		err := conn.Store(set, "+FLAGS.SILENT", []string{`\Deleted`})
		if err == nil {
			err = conn.Expunge(set)
		}
		if err != nil {
			return connector.Result{Err: doubted(refused("", err))}
		}
		return connector.Result{Err: connector.Errorf(connector.Permanent, "the server changed the message: it stored %d bytes of %d, and they were removed", m.Bytes, sent.size).
			WithHint("the lines of the message end with a line feed or carriage return alone, which this server does not keep")}
	}
	asWritten(&b.Item, item.Flags.Get(ch.Item))
	return connector.Result{Stored: b}
}

// asWritten gives keywords the case in which they were written: they have none, and a
// server keeps that which it saw first.
func asWritten(it *item.Item, asked []string) {
	flags := slices.Clone(item.Flags.Get(*it))
	for i, f := range flags {
		for _, want := range asked {
			if contains([]string{f}, want) {
				flags[i] = want
			}
		}
	}
	if len(flags) > 0 {
		slices.Sort(flags)
		item.Flags.Set(it, flags)
	}
}

// without are the flags of a that b lacks.
func without(a, b []string) []string {
	return slices.DeleteFunc(slices.Clone(a), func(f string) bool { return contains(b, f) })
}
