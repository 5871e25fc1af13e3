package ftps

import (
	"context"
	"crypto/md5"
	"crypto/sha1"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"hash"
	"io"
	"time"

	"github.com/rialto-migrate/rialto/connector"
	"github.com/rialto-migrate/rialto/connector/paths"
	"github.com/rialto-migrate/rialto/connectors/ftps/wire"
	"github.com/rialto-migrate/rialto/item"
)

// createFile writes a file where nothing stands.
func (t *target) createFile(ctx context.Context, c connector.Change, open item.Opener) (it item.Item, adopted bool, err error) {
	id := connector.Below(c.Item.Parent.ID, item.Name.Get(c.Item))
	tmp := paths.Beside(id)
	written, err := t.put(ctx, tmp, c, open)
	if errors.Is(err, errNoFolder) {
		if _, err = t.makePath(ctx, c.Item.Parent.ID); err == nil {
			written, err = t.put(ctx, tmp, c, open)
		}
	}
	if err != nil {
		return it, false, err
	}
	err = t.pool.do(ctx, "RNTO {object}", false, func(conn *wire.Conn) error {
		err := settle(conn, tmp, id)
		if err == nil || errors.Is(err, errTaken) || conn.Broken() {
			return err
		}
		return unwritable(conn, "RNTO {object}", id, err)
	})
	if err == nil {
		return file(id, c.Item.Parent, written), false, nil
	}
	if connector.InDoubt(err) {
		return it, false, err
	}
	defer t.drop(ctx, tmp)
	if !errors.Is(err, errTaken) {
		return it, false, err
	}
	there, err := t.look(ctx, id)
	if err == nil && there.Kind != wire.File {
		err = paths.InTheWay()
	}
	if err != nil {
		return it, false, err
	}
	it = file(id, c.Item.Parent, there)
	same, err := t.same(ctx, *c.Item.Blob, *it.Blob, open)
	if err == nil && !same {
		err = paths.InTheWay()
	}
	if err != nil {
		return item.Item{}, false, err
	}
	return it, true, nil
}

// updateFile replaces the version that was read, or sets its time alone.
func (t *target) updateFile(ctx context.Context, c connector.Change, open item.Opener) (item.Item, error) {
	id := c.Item.ID
	e, err := t.look(ctx, id)
	if err == nil {
		err = known(c, e)
	}
	if err != nil {
		return item.Item{}, err
	}
	if !c.Writes(item.Content.Name) {
		err := t.pool.do(ctx, "MFMT {object}", true, func(conn *wire.Conn) (err error) {
			if c.Writes(item.Modified.Name) {
				err = t.date(conn, id, c)
			}
			if err == nil {
				e, err = conn.Stat(id)
			}
			return err
		})
		return file(id, c.Item.Parent, e), err
	}
	tmp := paths.Beside(id)
	written, err := t.put(ctx, tmp, c, open)
	if err != nil {
		return item.Item{}, err
	}
	err = t.pool.do(ctx, "RNTO {object}", false, func(conn *wire.Conn) error {
		e, err := conn.Stat(id)
		if err == nil {
			err = known(c, e)
		}
		if err != nil {
			return errors.Join(errUnbegun, err)
		}
		err = conn.Rename(tmp, id)
		if occupied(err) { // this server renames over nothing: for a moment nothing stands there
			if err = conn.Remove(id); err == nil {
				err = conn.Rename(tmp, id)
			}
		}
		return err
	})
	if err != nil {
		if !connector.InDoubt(err) {
			t.drop(ctx, tmp)
		}
		return item.Item{}, err
	}
	return file(id, c.Item.Parent, written), nil
}

// known refuses what is not the version that a change replaces.
func known(c connector.Change, e wire.Entry) error {
	if c.Prev != nil && c.Prev.Item.Blob != nil && version(e) != c.Prev.Item.Blob.Version {
		return connector.Errorf(connector.Conflict, "RNTO {object}: it has changed at the target").WithHint("run again: what is there now is looked at")
	}
	return nil
}

// put writes a file to a path of ours, whatever stands there, and tells what the
// server then says of it. Where it fails, nothing of it stays.
func (t *target) put(ctx context.Context, tmp string, c connector.Change, open item.Opener) (written wire.Entry, err error) {
	err = t.pool.again(ctx, true, func() (bool, error) {
		// The source first: whoever waits for it holds no connection that others wait for.
		in, err := open(*c.Item.Blob, 0, -1)
		if err != nil {
			return false, ofSource(err)
		}
		defer in.Close()
		conn, err := t.pool.once(ctx, "STOR {object}", func(conn *wire.Conn) (err error) {
			written, err = t.putOnce(ctx, conn, tmp, c, in)
			if err != nil && !conn.Broken() && !errors.Is(err, errNoFolder) {
				_ = conn.Remove(tmp)
			}
			return err
		})
		return t.pool.give(conn), err
	})
	if err != nil && connector.ClassOf(err) == connector.Transient {
		t.drop(ctx, tmp)
	}
	return written, err
}

func (t *target) putOnce(ctx context.Context, conn *wire.Conn, tmp string, c connector.Change, in io.Reader) (e wire.Entry, err error) {
	body := connector.Measure(in, c.Item.Blob.Bytes)
	from := &stoppable{ctx: ctx, r: body}
	var stream io.Reader = from
	algorithm := conn.Hashes()
	sum := hasher(algorithm)
	if sum != nil {
		stream = io.TeeReader(from, sum)
	}
	err = conn.Store(ctx, tmp, stream)
	if from.err != nil {
		return e, ofSource(from.err)
	}
	if err != nil {
		if conn.Broken() {
			return e, err
		}
		return e, unwritable(conn, "STOR {object}", tmp, err)
	}
	if err := t.date(conn, tmp, c); err != nil {
		return e, err
	}
	if e, err = conn.Stat(tmp); err != nil {
		return e, err
	}
	if e.Kind != wire.File || e.Size != body.Bytes() {
		return e, connector.Errorf(connector.Transient, "STOR {object}: the server has %d bytes of %d", e.Size, body.Bytes())
	}
	if sum == nil {
		return e, nil
	}
	told, err := conn.Hash(tmp, silence+time.Duration(e.Size/slowHash)*time.Second)
	switch {
	case wire.Code(err) != 0 && !conn.Broken():
		return e, nil // it hashes nothing here, or nothing so large: verify reads it back
	case err != nil:
		return e, err
	case told != hex.EncodeToString(sum.Sum(nil)):
		return e, connector.Errorf(connector.Transient, "STOR {object}: the server's %s of it is not that of what was sent", algorithm)
	}
	return e, nil
}

// slowHash is how many bytes a second even a slow server hashes.
const slowHash = 20 << 20

// hasher hashes by an algorithm of wire's; nil for none.
func hasher(algorithm string) hash.Hash {
	switch algorithm {
	case "sha256":
		return sha256.New()
	case "sha1":
		return sha1.New()
	case "md5":
		return md5.New()
	}
	return nil
}

// date sets the time of a file, where the server lets one.
func (t *target) date(conn *wire.Conn, at string, c connector.Change) error {
	modified := item.Modified.Get(c.Item)
	byMDTM := t.cfg.times == timesMDTM
	if modified.IsZero() || t.cfg.times == timesTold || !byMDTM && !conn.Has("MFMT") {
		return nil
	}
	err := conn.SetModified(at, modified, byMDTM)
	if code := wire.Code(err); code/100 == 5 && !denied(err) {
		return connector.Errorf(connector.Unsupported, "%s {object}: the server does not set the times of files (%d)", map[bool]string{true: "MDTM", false: "MFMT"}[byMDTM], code).
			WithHint("set times to told, then run again: times are left out, and forecast so")
	}
	return err
}

// A stoppable stream stops with its context, and remembers why it broke.
type stoppable struct {
	ctx context.Context
	r   io.Reader
	err error
}

func (s *stoppable) Read(p []byte) (int, error) {
	if s.ctx.Err() != nil {
		s.err = &connector.Error{Class: connector.Transient, Reason: "STOR {object}: stopped", Err: context.Cause(s.ctx)}
		return 0, s.err
	}
	n, err := s.r.Read(p)
	if err != nil && err != io.EOF {
		s.err = err
	}
	return n, err
}

// ofSource is an error of what should be written: that it was lost says nothing
// about this connection.
func ofSource(err error) error {
	if e, ok := errors.AsType[*connector.Error](err); ok {
		return e
	}
	return &connector.Error{Class: connector.Transient, Reason: "STOR {object}: what should be written cannot be read"}
}

// drop removes what was written in vain, also when the run is stopped.
func (t *target) drop(ctx context.Context, at string) {
	ctx, end := context.WithTimeout(context.WithoutCancel(ctx), grace)
	defer end()
	err := t.pool.do(ctx, "DELE {object}", true, func(conn *wire.Conn) error { return conn.Remove(at) })
	if err != nil && connector.ClassOf(err) != connector.Gone {
		t.log.Debug("a file that was begun stays behind", "error", err)
	}
}

// same compares what should be written with what stands there.
func (t *target) same(ctx context.Context, theirs, here item.Blob, open item.Opener) (bool, error) {
	if same, sure := item.SameBytes(theirs, here); sure {
		return same, nil
	}
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
	return connector.SameStreams(a, connector.Measure(b, here.Bytes))
}
