package sftp

import (
	"context"
	"errors"
	"io"
	"io/fs"
	"math"
	"os"
	"path"
	"time"

	pkg "github.com/pkg/sftp"

	"github.com/rialto-migrate/rialto/connector"
	"github.com/rialto-migrate/rialto/connector/paths"
	"github.com/rialto-migrate/rialto/item"
)

// createFile writes a file where nothing stands. It gets its name by RENAME, which
// is an error where something has it (draft-ietf-secsh-filexfer-02, 6.5): OpenSSH
// links it there and unlinks the old name, so that nobody can come between
// (sftp-server.c, process_rename).
func (t *target) createFile(ctx context.Context, c connector.Change, open item.Opener) (it item.Item, adopted bool, err error) {
	id := connector.Below(c.Item.Parent.ID, item.Name.Get(c.Item))
	tmp := paths.Beside(id)
	info, err := t.put(ctx, tmp, c, open)
	if err != nil && connector.ClassOf(err) == connector.Gone && errors.Is(err, errNoFolder) {
		if _, err = t.makePath(ctx, c.Item.Parent.ID); err == nil {
			info, err = t.put(ctx, tmp, c, open)
		}
	}
	if err != nil {
		return it, false, err
	}
	err = t.pool.do(ctx, "RENAME {object}", false, func(s *session) error { return s.Rename(tmp, id) })
	if err == nil {
		return file(id, c.Item.Parent, info), false, nil
	}
	if connector.InDoubt(err) {
		return it, false, err
	}
	defer t.drop(ctx, tmp)
	there, looked := t.look(ctx, id)
	switch {
	case looked != nil || !failed(err):
		return it, false, err
	case !there.Mode().IsRegular():
		return it, false, paths.InTheWay()
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
	info, err := t.look(ctx, id)
	if err != nil {
		return item.Item{}, err
	}
	if c.Prev != nil && c.Prev.Item.Blob != nil && version(info) != c.Prev.Item.Blob.Version {
		return item.Item{}, connector.Errorf(connector.Conflict, "RENAME {object}: it has changed at the target").WithHint("run again: what is there now is looked at")
	}
	if !c.Writes(item.Content.Name) {
		if at := item.Modified.Get(c.Item); c.Writes(item.Modified.Name) && !at.IsZero() {
			if err := t.pool.do(ctx, "SETSTAT {object}", true, func(s *session) error { return s.Chtimes(id, at, at) }); err != nil {
				return item.Item{}, err
			}
		}
		if info, err = t.look(ctx, id); err != nil {
			return item.Item{}, err
		}
		return file(id, c.Item.Parent, info), nil
	}
	tmp := paths.Beside(id)
	if info, err = t.put(ctx, tmp, c, open); err != nil {
		return item.Item{}, err
	}
	err = t.pool.do(ctx, "RENAME {object}", false, func(s *session) error {
		if _, ok := s.HasExtension("posix-rename@openssh.com"); ok {
			return s.PosixRename(tmp, id)
		}
		if err := s.Remove(id); err != nil { // for a moment nothing stands there
			return err
		}
		return s.Rename(tmp, id)
	})
	if err != nil {
		if !connector.InDoubt(err) {
			t.drop(ctx, tmp)
		}
		return item.Item{}, err
	}
	return file(id, c.Item.Parent, info), nil
}

// errNoFolder is the cause of an error where the folder to write in is gone.
var errNoFolder = errors.New("the folder is not there")

// put writes a file to a path of ours, whatever stands there, and tells what the
// server then says of it. Where it fails, nothing of it stays.
func (t *target) put(ctx context.Context, tmp string, c connector.Change, open item.Opener) (info fs.FileInfo, err error) {
	err = t.pool.do(ctx, "WRITE {object}", true, func(s *session) error {
		info, err = t.putOnce(ctx, s, tmp, c, open)
		if err != nil && !gone(err) && !errors.Is(err, errNoFolder) {
			_ = s.Remove(tmp)
		}
		return err
	})
	if err != nil && connector.ClassOf(err) == connector.Transient {
		t.drop(ctx, tmp)
	}
	return info, err
}

func (t *target) putOnce(ctx context.Context, s *session, tmp string, c connector.Change, open item.Opener) (fs.FileInfo, error) {
	in, err := open(*c.Item.Blob, 0, -1)
	if err != nil {
		return nil, ofSource(err)
	}
	defer in.Close()
	f, err := s.OpenFile(tmp, os.O_WRONLY|os.O_CREATE|os.O_TRUNC)
	if errors.Is(err, os.ErrNotExist) {
		return nil, &connector.Error{Class: connector.Gone, Reason: "OPEN {object}: the folder that it lies in is not there", Err: errNoFolder}
	}
	if err != nil {
		return nil, err
	}
	body := connector.Measure(in, c.Item.Blob.Bytes)
	if err := pour(ctx, f, body, c.Item.Blob.Bytes); err != nil {
		f.Close()
		return nil, t.full(s, tmp, err)
	}
	modified := item.Modified.Get(c.Item)
	if modified.IsZero() {
		info, err := f.Stat()
		return info, errors.Join(err, f.Close())
	}
	// Nothing here waits for an answer that something else needs: both go out at
	// once, and servers carry out what concerns a file in order.
	closed := make(chan error, 1)
	go func() { closed <- f.Close() }()
	err = s.Chtimes(tmp, modified, modified)
	if err := errors.Join(<-closed, err); err != nil {
		return nil, t.full(s, tmp, err)
	}
	return written{name: path.Base(tmp), size: body.Bytes(), modified: modified.Truncate(time.Second)}, nil
}

// pour writes a stream to a file: what fits a packet in one request, anything else
// in many side by side.
func pour(ctx context.Context, f *pkg.File, body *connector.Measured, size int64) error {
	in := &source64{ctx: ctx, r: body}
	if size >= 0 && size <= packet {
		b := make([]byte, size)
		if _, err := io.ReadFull(in, b); err != nil {
			return in.told(err)
		}
		if err := body.End(); err != io.EOF {
			return in.told(err)
		}
		if size == 0 {
			return nil
		}
		_, err := f.Write(b)
		return err
	}
	_, err := f.ReadFromWithConcurrency(in, perFile)
	if in.err != nil {
		return in.told(in.err)
	}
	return err
}

// A source64 stops with its context, and remembers why it broke.
type source64 struct {
	ctx context.Context
	r   io.Reader
	err error
}

func (s *source64) Read(p []byte) (int, error) {
	if s.ctx.Err() != nil {
		s.err = &connector.Error{Class: connector.Transient, Reason: "WRITE {object}: stopped", Err: context.Cause(s.ctx)}
		return 0, s.err
	}
	n, err := s.r.Read(p)
	if err != nil && err != io.EOF {
		s.err = err
	}
	return n, err
}

func (s *source64) told(err error) error {
	if s.err != nil {
		err = s.err
	}
	return ofSource(err)
}

// ofSource is an error of what should be written: that it was lost says nothing
// about this connection.
func ofSource(err error) error {
	if e, ok := errors.AsType[*connector.Error](err); ok {
		return e
	}
	return &connector.Error{Class: connector.Transient, Reason: "WRITE {object}: what should be written cannot be read"}
}

// full tells whether a failure that the server does not explain is a full disk
// (statvfs@openssh.com).
func (t *target) full(s *session, at string, err error) error {
	if !failed(err) {
		return err
	}
	if vfs, e := s.StatVFS(path.Dir(at)); e == nil && (vfs.Bavail*vfs.Frsize < 1<<20 || vfs.Favail == 0 && vfs.Files > 0) {
		return connector.Errorf(connector.Full, "WRITE {object}: the server's disk is full").WithHint("make room there, then run again")
	}
	return connector.Errorf(connector.Permanent, "WRITE {object}: the server answered with a failure").
		WithHint("the account's quota may be used up, or the name too long for the server's disk")
}

// drop removes what was written in vain, also when the run is stopped.
func (t *target) drop(ctx context.Context, at string) {
	ctx, end := context.WithTimeout(context.WithoutCancel(ctx), grace)
	defer end()
	err := t.pool.do(ctx, "REMOVE {object}", true, func(s *session) error { return s.Remove(at) })
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

// written is what the server has to tell of a file after all was acknowledged.
type written struct {
	name     string
	size     int64
	modified time.Time
}

func (w written) Name() string      { return w.name }
func (w written) Size() int64       { return w.size }
func (w written) Mode() fs.FileMode { return 0 }
func (w written) IsDir() bool       { return false }
func (w written) Sys() any          { return nil }

// ModTime is what 32 bits hold.
func (w written) ModTime() time.Time {
	return time.Unix(min(max(w.modified.Unix(), 0), math.MaxUint32), 0)
}
