package smb

import (
	"context"
	"errors"
	"io"
	"io/fs"
	"os"
	"path"
	"slices"
	"strings"
	"time"

	smb2 "github.com/cloudsoda/go-smb2"
	"golang.org/x/sync/errgroup"

	"github.com/rialto-migrate/rialto/connector"
	"github.com/rialto-migrate/rialto/connector/paths"
	"github.com/rialto-migrate/rialto/item"
)

// createFile writes a file where nothing stands: beside its name first, which it then
// gets.
func (t *target) createFile(ctx context.Context, c connector.Change, open item.Opener) (it item.Item, adopted bool, err error) {
	id := connector.Below(c.Item.Parent.ID, item.Name.Get(c.Item))
	tmp := paths.Beside(id)
	err = t.put(ctx, tmp, c, open)
	if err != nil && errors.Is(err, errNoFolder) {
		if _, err = t.makePath(ctx, c.Item.Parent.ID); err == nil {
			err = t.put(ctx, tmp, c, open)
		}
	}
	if err != nil {
		return it, false, err
	}
	if err = t.takeName(ctx, tmp, id); err == nil {
		it, err = t.stored(ctx, id, c.Item.Parent)
		return it, false, err
	}
	if connector.InDoubt(err) {
		return it, false, err
	}
	defer t.drop(ctx, tmp)
	if connector.ClassOf(err) != connector.Conflict {
		return it, false, err
	}
	there, looked := t.look(ctx, id)
	switch {
	case looked != nil:
		return it, false, err
	case isDir(there):
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

// takeName gives a file a name that nothing has; where something has it, the error is
// a conflict. The library's rename replaces what stands at the new name, so the name
// is claimed first with a create that fails where something stands (FILE_CREATE,
// [MS-SMB2] 2.2.13); what is replaced then is the claim.
func (t *target) takeName(ctx context.Context, from, to string) error {
	if err := t.claim(ctx, to); err != nil {
		return err
	}
	for {
		err := t.replace(ctx, from, to)
		if err == nil {
			return nil
		}
		mine, looked := t.claimed(ctx, to)
		switch {
		case looked != nil:
			return err
		case connector.InDoubt(err) && mine && ctx.Err() == nil: // it did not come about, and may be done again
			continue
		case connector.InDoubt(err):
			if _, there := t.look(ctx, from); there != nil && connector.ClassOf(there) == connector.Gone {
				return nil // it came about
			}
		case mine:
			t.drop(ctx, to)
		}
		return err
	}
}

// claim stands a file of ours at a name, which says in its few bytes whose it is: the
// next run knows the one that a killed run left.
func (t *target) claim(ctx context.Context, id string) error {
	share, inner := split(id)
	sign := path.Base(paths.Beside(id))
	begun := false // by an earlier try, whose connection was lost
	err := t.pool.do(ctx, "CREATE {object}", share, true, func(s *smb2.Share) error {
		flags := os.O_WRONLY | os.O_CREATE | os.O_EXCL
		f, err := s.OpenFile(inner, flags, 0o666)
		if errors.Is(err, fs.ErrExist) && begun {
			if info, looked := lstat(s, inner); looked == nil && !isDir(info) && info.EndOfFile == 0 {
				f, err = s.OpenFile(inner, os.O_WRONLY, 0o666)
			}
		}
		begun = begun || gone(err)
		if err != nil {
			return err
		}
		_, err = f.WriteAt([]byte(sign), 0)
		if e := f.Close(); err == nil {
			err = e
		}
		begun = begun || gone(err)
		return err
	})
	if connector.ClassOf(err) == connector.Conflict {
		mine, looked := t.claimed(ctx, id)
		if looked != nil || mine {
			return looked
		}
	}
	return err
}

// claimed reports whether what stands at a name is a claim.
func (t *target) claimed(ctx context.Context, id string) (mine bool, err error) {
	share, inner := split(id)
	sign := path.Base(paths.Beside(id))
	err = t.pool.do(ctx, "READ {object}", share, true, func(s *smb2.Share) error {
		mine = false
		info, err := lstat(s, inner)
		if err != nil || isDir(info) || info.EndOfFile != int64(len(sign)) {
			return err
		}
		f, err := s.Open(inner)
		if err != nil {
			return err
		}
		have := make([]byte, len(sign))
		n, err := f.ReadAt(have, 0)
		mine = string(have[:n]) == sign
		if errors.Is(err, io.EOF) {
			err = nil
		}
		return errors.Join(err, f.Close())
	})
	if connector.ClassOf(err) == connector.Gone {
		return false, nil
	}
	return mine, err
}

// replace renames a file, over what stands at the new name: a virus scanner may just
// have that open.
func (t *target) replace(ctx context.Context, from, to string) error {
	share, inner := split(from)
	_, toInner := split(to)
	return t.pool.do(ctx, "RENAME {object}", share, false, func(s *smb2.Share) error {
		err := s.Rename(inner, toInner)
		if errors.Is(err, fs.ErrPermission) {
			err = held{err}
		}
		return err
	})
}

// stored reads what was written just now.
func (t *target) stored(ctx context.Context, id string, parent item.Ref) (item.Item, error) {
	info, err := t.look(ctx, id)
	if err != nil {
		if e, ok := errors.AsType[*connector.Error](err); ok {
			e.InDoubt = true // it was written
		}
		return item.Item{}, err
	}
	return file(id, parent, info), nil
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
	content, at := c.Writes(item.Content.Name), item.Modified.Get(c.Item)
	if content || c.Writes(item.Modified.Name) && !at.IsZero() {
		if err := writable(file(id, c.Item.Parent, info)); err != nil {
			return item.Item{}, err
		}
	}
	switch {
	case content:
		tmp := paths.Beside(id)
		if err := t.put(ctx, tmp, c, open); err != nil {
			return item.Item{}, err
		}
		if err := t.replace(ctx, tmp, id); err != nil {
			if !connector.InDoubt(err) {
				t.drop(ctx, tmp)
			}
			return item.Item{}, err
		}
	case c.Writes(item.Modified.Name) && !at.IsZero():
		share, inner := split(id)
		if err := t.pool.do(ctx, "SET_INFO {object}", share, true, func(s *smb2.Share) error { return setTime(s, inner, at) }); err != nil {
			return item.Item{}, err
		}
	}
	return t.stored(ctx, id, c.Item.Parent)
}

// writable refuses a file that people marked as one not to be changed.
func writable(it item.Item) error {
	if slices.Contains(item.Metadata.Get(it), "read-only=yes") {
		return connector.Errorf(connector.Forbidden, "the file is marked read-only at the target").WithHint("take the mark away there if it should change, then run again")
	}
	return nil
}

// rename puts a file where its parent and its name now say, and sets its id to that.
func (t *target) rename(ctx context.Context, c *connector.Change) error {
	from, to := c.Item.ID, connector.Below(c.Item.Parent.ID, item.Name.Get(c.Item))
	if to == from {
		return nil
	}
	err := t.takeName(ctx, from, to)
	if err != nil && connector.ClassOf(err) == connector.Conflict && !connector.InDoubt(err) {
		err = paths.InTheWay()
		// To a server, a name in other letters is the same: what is in the way is the file itself.
		if same, looked := t.itself(ctx, from, to); looked == nil && same {
			err = t.replace(ctx, from, to)
		}
	}
	c.Item.ID = to
	return err
}

// itself reports whether two paths that differ in case alone name one file.
func (t *target) itself(ctx context.Context, a, b string) (bool, error) {
	if !strings.EqualFold(a, b) {
		return false, nil
	}
	share, innerA := split(a)
	_, innerB := split(b)
	var ids [2]uint64
	err := t.pool.do(ctx, "QUERY_INFO {object}", share, true, func(s *smb2.Share) (err error) {
		if ids[0], err = number(s, innerA); err == nil {
			ids[1], err = number(s, innerB)
		}
		return err
	})
	return ids[0] != 0 && ids[0] == ids[1], err
}

// errNoFolder is the cause of an error where the folder to write in is gone.
var errNoFolder = errors.New("the folder is not there")

// put writes a file to a path of ours, whatever stands there. Where it fails, nothing
// of it stays.
func (t *target) put(ctx context.Context, tmp string, c connector.Change, open item.Opener) error {
	share, inner := split(tmp)
	err := t.pool.do(ctx, "WRITE {object}", share, true, func(s *smb2.Share) error {
		err := t.putOnce(ctx, s, inner, c, open)
		if err != nil && !gone(err) && !errors.Is(err, errNoFolder) {
			_ = s.Remove(inner) // the reason is known
		}
		return err
	})
	if err != nil && connector.ClassOf(err) == connector.Transient {
		t.drop(ctx, tmp)
	}
	return err
}

func (t *target) putOnce(ctx context.Context, s *smb2.Share, inner string, c connector.Change, open item.Opener) error {
	in, err := open(*c.Item.Blob, 0, -1)
	if err != nil {
		return ofSource(err)
	}
	defer in.Close()
	f, err := s.OpenFile(inner, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o666)
	if errors.Is(err, fs.ErrNotExist) {
		return &connector.Error{Class: connector.Gone, Reason: "CREATE {object}: the folder that it lies in is not there", Err: errNoFolder}
	}
	if err != nil {
		return err
	}
	err = pour(ctx, f, connector.Measure(in, c.Item.Blob.Bytes), c.Item.Blob.Bytes)
	if e := f.Close(); err == nil {
		err = e
	}
	if at := item.Modified.Get(c.Item); err == nil && !at.IsZero() {
		err = setTime(s, inner, at)
	}
	return err
}

// setTime sets when a file was changed last; a time that the protocol cannot tell
// becomes the one next to it that it can.
func setTime(s *smb2.Share, inner string, at time.Time) error {
	first, last := time.Date(1680, 1, 1, 0, 0, 0, 0, time.UTC), time.Date(2260, 1, 1, 0, 0, 0, 0, time.UTC)
	if at.Before(first) {
		at = first
	} else if at.After(last) {
		at = last
	}
	return s.Chtimes(inner, at, at)
}

// pour writes a stream to a file, some pieces side by side.
func pour(ctx context.Context, f *smb2.File, body *connector.Measured, size int64) error {
	most := int64(piece)
	if size >= 0 {
		most = min(most, max(size, 1))
	}
	out, going := errgroup.WithContext(ctx)
	out.SetLimit(pieces)
	var at int64
	var err error
	for err == nil {
		if going.Err() != nil {
			err = &connector.Error{Class: connector.Transient, Reason: "WRITE {object}: stopped", Err: context.Cause(ctx)}
			break
		}
		b := make([]byte, most)
		var n int
		if n, err = io.ReadFull(body, b); n > 0 {
			from := at
			out.Go(func() error {
				_, err := f.WriteAt(b[:n], from)
				return err
			})
			at += int64(n)
		}
	}
	written := out.Wait()
	if err == io.EOF || err == io.ErrUnexpectedEOF {
		err = body.End()
	}
	switch {
	case written != nil:
		return written
	case err == io.EOF:
		return nil
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

// drop removes what was written in vain, also when the run is stopped.
func (t *target) drop(ctx context.Context, at string) {
	ctx, end := context.WithTimeout(context.WithoutCancel(ctx), grace)
	defer end()
	share, inner := split(at)
	err := t.pool.do(ctx, "DELETE {object}", share, true, func(s *smb2.Share) error { return s.Remove(inner) })
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
