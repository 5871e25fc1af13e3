package rclone

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io"
	"path"
	"time"

	"github.com/rclone/rclone/fs"
	"github.com/rclone/rclone/fs/hash"

	"github.com/rialto-migrate/rialto/connector"
	"github.com/rialto-migrate/rialto/connector/paths"
	"github.com/rialto-migrate/rialto/item"
)

// untold is how many bytes of a file whose size nobody tells are held in memory, for a
// backend that must know it beforehand.
const untold = 8 << 20

// grace is how long the end of a stopped write may take.
const grace = 10 * time.Second

// createFile writes a file where nothing stands. No backend refuses to write where
// something does, so that it is looked at first: between that and the write somebody
// else may come.
func (t *target) createFile(ctx context.Context, c connector.Change, open item.Opener) (it item.Item, adopted bool, err error) {
	id := connector.Below(c.Item.Parent.ID, item.Name.Get(c.Item))
	there, err := t.look(ctx, id)
	if err == nil {
		return t.adopt(ctx, c, there, open)
	}
	if connector.ClassOf(err) != connector.Gone {
		return it, false, err
	}
	if folder, err := t.folderThere(ctx, id); err != nil || folder {
		if err == nil {
			err = paths.InTheWay()
		}
		return it, false, err
	}
	obj, err := t.put(ctx, id, c, open, nil)
	if err != nil {
		return it, false, err
	}
	it, err = t.file(ctx, c.Item.Parent, obj)
	return it, false, err
}

// folderThere reports whether a folder has the name of a file to be written. In a
// bucket both may have it.
func (t *target) folderThere(ctx context.Context, id string) (bool, error) {
	lib, err := t.library(ctx)
	if err != nil || lib.traits.bucket {
		return false, err
	}
	_, err = t.entries(ctx, id)
	if err != nil && connector.ClassOf(err) == connector.Gone {
		return false, nil
	}
	return err == nil, err
}

// adopt takes over what stands there, if it has the same bytes.
func (t *target) adopt(ctx context.Context, c connector.Change, there fs.Object, open item.Opener) (item.Item, bool, error) {
	it, err := t.file(ctx, c.Item.Parent, there)
	if err != nil {
		return item.Item{}, false, err
	}
	same, err := t.same(ctx, *c.Item.Blob, *it.Blob, open)
	if err == nil && !same {
		err = paths.InTheWay()
	}
	if err != nil {
		return item.Item{}, false, err
	}
	return it, true, nil
}

// updateFile replaces the version that was read, gives it another time, or another
// place.
func (t *target) updateFile(ctx context.Context, c connector.Change, open item.Opener) (item.Item, error) {
	obj, err := t.look(ctx, c.Item.ID)
	if err != nil {
		return item.Item{}, err
	}
	if c.Prev != nil && c.Prev.Item.Blob != nil {
		now, err := t.file(ctx, c.Prev.Item.Parent, obj)
		if err != nil {
			return item.Item{}, err
		}
		if now.Blob.Version != c.Prev.Item.Blob.Version {
			return item.Item{}, connector.Errorf(connector.Conflict, "PUT {object}: it has changed at the target").WithHint("run again: what is there now is looked at")
		}
	}
	to := connector.Below(c.Item.Parent.ID, item.Name.Get(c.Item))
	if to != c.Item.ID {
		if obj, err = t.move(ctx, obj, to); err != nil {
			return item.Item{}, err
		}
	}
	switch at := item.Modified.Get(c.Item); {
	case c.Writes(item.Content.Name), c.Writes(item.MediaType.Name):
		obj, err = t.put(ctx, to, c, open, obj)
	case c.Writes(item.Modified.Name) && !at.IsZero():
		err = t.do(ctx, "setting the time of {object}", func(ctx context.Context, _ *library) error { return obj.SetModTime(ctx, at) })
		if errors.Is(err, errNoTime) {
			obj, err = t.put(ctx, to, c, open, obj)
		}
	}
	if err != nil {
		return item.Item{}, err
	}
	if obj, err = t.look(ctx, to); err != nil {
		return item.Item{}, err
	}
	return t.file(ctx, c.Item.Parent, obj)
}

// errNoTime is the cause of an error where a time is set with the bytes alone.
var errNoTime = fs.ErrorCantSetModTimeWithoutDelete

// move puts a file elsewhere, and never where something stands.
func (t *target) move(ctx context.Context, obj fs.Object, to string) (moved fs.Object, err error) {
	if _, err := t.look(ctx, to); err == nil || connector.ClassOf(err) != connector.Gone {
		if err == nil {
			return nil, paths.InTheWay()
		}
		return nil, err
	}
	if folder, err := t.folderThere(ctx, to); err != nil || folder {
		if err == nil {
			err = paths.InTheWay()
		}
		return nil, err
	}
	err = t.do(ctx, "moving {object}", func(ctx context.Context, lib *library) error {
		f := lib.Features()
		if f.Move != nil {
			moved, err = f.Move(ctx, obj, remote(to))
			if !errors.Is(err, fs.ErrorCantMove) {
				return err
			}
		}
		if f.Copy == nil {
			return fs.ErrorCantMove
		}
		if moved, err = f.Copy(ctx, obj, remote(to)); err != nil {
			return err
		}
		return obj.Remove(ctx)
	})
	return moved, err
}

// put writes a file, in place of one that is there or where none is, and holds what the
// cloud then says of it against what was sent. Where it fails, nothing of it stays.
func (t *target) put(ctx context.Context, id string, c connector.Change, open item.Opener, old fs.Object) (obj fs.Object, err error) {
	in, err := open(*c.Item.Blob, 0, -1)
	if err != nil {
		return nil, ofSource(err)
	}
	defer in.Close()
	var body *outgoing
	err = t.do(ctx, "PUT {object}", func(ctx context.Context, lib *library) error {
		kinds := hashes(lib)
		hasher, err := hash.NewMultiHasherTypes(kinds)
		if err != nil {
			return err
		}
		body = &outgoing{ctx: ctx, r: connector.Measure(in, c.Item.Blob.Bytes), hasher: hasher, own: sha256.New()}
		info := plain{lib: lib, remote: remote(id), size: c.Item.Blob.Bytes, modified: item.Modified.Get(c.Item), media: item.MediaType.Get(c.Item)}
		if info.modified.IsZero() {
			info.modified = time.Now()
		}
		obj, err = t.send(ctx, lib, body, info, old)
		if body.err != nil {
			return body.err
		}
		if err == nil && body.n != obj.Size() && obj.Size() >= 0 {
			return connector.Errorf(connector.Transient, "PUT {object}: the cloud has %d bytes of %d", obj.Size(), body.n)
		}
		return err
	})
	if err == nil {
		err = t.proved(ctx, obj, body)
	}
	if err != nil {
		err = ofSource(err)
		if old == nil && !connector.InDoubt(err) {
			t.drop(ctx, id, body != nil && body.n > 0)
		}
		return nil, err
	}
	return obj, nil
}

// send hands a stream to the library. A backend that shows a file before it is whole
// writes it beside, where it can rename.
func (t *target) send(ctx context.Context, lib *library, body *outgoing, info plain, old fs.Object) (fs.Object, error) {
	f := lib.Features()
	var in io.Reader = body
	switch {
	case info.size >= 0 && body.empty(info.size):
		in = noBytes{}
	case info.size < 0 && f.PutStream == nil:
		all, err := io.ReadAll(io.LimitReader(body, untold+1))
		if err != nil {
			return nil, err
		}
		if len(all) > untold {
			return nil, connector.Errorf(connector.Unsupported, "PUT {object}: its source does not tell how many bytes it has, which this backend must know").
				WithHint("the cloud takes such files up to 8 MiB")
		}
		info.size, in = int64(len(all)), bytes.NewReader(all)
	}
	if body.err != nil {
		return nil, body.err
	}
	if f.PartialUploads && f.Move != nil && info.size != 0 {
		return t.sendBeside(ctx, lib, in, info, old)
	}
	if old != nil {
		return old, old.Update(ctx, in, info)
	}
	if info.size < 0 {
		return f.PutStream(ctx, in, info)
	}
	return lib.Put(ctx, in, info)
}

func (t *target) sendBeside(ctx context.Context, lib *library, in io.Reader, info plain, old fs.Object) (fs.Object, error) {
	real := info.remote
	sum := sha256.Sum256([]byte(real))
	info.remote = remote(connector.Below(path.Dir("/"+real), beside+hex.EncodeToString(sum[:])[:24]))
	if left, err := lib.NewObject(ctx, info.remote); err == nil { // of a run that was killed
		if err := left.Remove(ctx); err != nil {
			return nil, err
		}
	}
	put := lib.Put
	if info.size < 0 {
		put = lib.Features().PutStream
	}
	obj, err := put(ctx, in, info)
	if err == nil && old != nil {
		err = old.Remove(ctx) // for a moment nothing stands there
	}
	if err == nil {
		var moved fs.Object
		if moved, err = lib.Features().Move(ctx, obj, real); err == nil {
			return moved, nil
		}
	}
	if left, e := lib.NewObject(context.WithoutCancel(ctx), info.remote); e == nil {
		_ = left.Remove(context.WithoutCancel(ctx))
	}
	return nil, err
}

// proved holds what the cloud says of an object against what was sent: a hash that both
// have, else the bytes, read back.
func (t *target) proved(ctx context.Context, obj fs.Object, body *outgoing) error {
	sure := false
	err := t.do(ctx, "looking at {object}", func(ctx context.Context, lib *library) error {
		for kind, want := range body.hasher.Sums() {
			got, err := obj.Hash(ctx, kind)
			if err != nil || got == "" {
				continue
			}
			if !hash.Equals(got, want) {
				return damaged()
			}
			sure = true
		}
		return nil
	})
	if err != nil || sure || body.n == 0 {
		return err
	}
	return t.do(context.WithValue(ctx, bytesKey{}, true), "GET {object}", func(ctx context.Context, _ *library) error {
		in, err := obj.Open(ctx)
		if err != nil {
			return err
		}
		defer in.Close()
		own := sha256.New()
		if _, err := io.Copy(own, in); err != nil {
			return err
		}
		if !bytes.Equal(own.Sum(nil), body.own.Sum(nil)) {
			return damaged()
		}
		return nil
	})
}

func damaged() *connector.Error {
	return connector.Errorf(connector.Transient, "PUT {object}: what the cloud stored is not what was sent").WithHint("run again: it was removed")
}

// drop removes what was written in vain, also when the run is stopped. Where bytes went
// out, it looks again: a server that does not mind a request which is cut off stores it
// a moment after (versitygw does).
func (t *target) drop(ctx context.Context, id string, sent bool) {
	ctx, end := context.WithTimeout(context.WithoutCancel(ctx), grace)
	defer end()
	looks := []time.Duration{0}
	if sent {
		looks = append(looks, 100*time.Millisecond, 400*time.Millisecond)
	}
	for _, wait := range looks {
		time.Sleep(wait)
		obj, err := t.look(ctx, id)
		if err == nil {
			err = t.do(ctx, "deleting {object}", func(ctx context.Context, _ *library) error { return obj.Remove(ctx) })
		}
		if err != nil && connector.ClassOf(err) != connector.Gone {
			t.log.Debug("a file that was begun stays behind", "error", err)
		}
	}
}

// same compares what should be written with what stands there.
func (t *target) same(ctx context.Context, theirs, here item.Blob, open item.Opener) (bool, error) {
	if same, sure := item.SameBytes(theirs, here); sure {
		return same, nil
	}
	a, err := open(theirs, 0, -1)
	if err != nil {
		return false, ofSource(err)
	}
	defer a.Close()
	b, err := t.Open(ctx, here, 0, -1)
	if err != nil {
		return false, err
	}
	defer b.Close()
	return connector.SameStreams(a, connector.Measure(b, here.Bytes))
}

// ofSource is an error of what should be written: that it was lost says nothing about
// this connection.
func ofSource(err error) error {
	if e, ok := errors.AsType[*connector.Error](err); ok {
		return e
	}
	return &connector.Error{Class: connector.Transient, Reason: "PUT {object}: what should be written cannot be read"}
}
