package rclone

import (
	"context"
	"errors"
	"iter"
	"time"

	"github.com/rclone/rclone/fs"

	"github.com/rialto-migrate/rialto/connector"
	"github.com/rialto-migrate/rialto/connector/paths"
	"github.com/rialto-migrate/rialto/item"
)

// A target writes below one folder.
type target struct {
	*cloud
	place string // the path that a drive without a name goes to
}

// Write carries changes out side by side.
func (t *target) Write(ctx context.Context, changes []connector.Change, open item.Opener) iter.Seq2[connector.Result, error] {
	return connector.Each(ctx, changes, side, func(ctx context.Context, c connector.Change) connector.Result {
		it, adopted, err := t.write(ctx, c, open)
		return connector.Result{Stored: item.Bundle{Item: it, CheckItems: -1}, Adopted: adopted, Err: err}
	})
}

func (t *target) write(ctx context.Context, c connector.Change, open item.Opener) (it item.Item, adopted bool, err error) {
	if t.readOnly {
		return it, false, onlyRead()
	}
	if e := paths.Named(c); e != nil {
		return it, false, e
	}
	switch {
	case c.Item.Kind == item.Drive:
		return t.writeDrive(ctx, c)
	case c.Item.Kind == item.Folder:
		return t.writeFolder(ctx, c)
	case c.Item.Kind == item.File && c.Item.Blob == nil:
		return it, false, connector.Errorf(connector.Permanent, "a file without bytes cannot be written").WithHint("please report this as a mistake of the source's connector")
	case c.Item.Kind == item.File && c.Op == connector.Create:
		return t.createFile(ctx, c, open)
	case c.Item.Kind == item.File:
		it, err = t.updateFile(ctx, c, open)
		return it, false, err
	}
	return it, false, connector.Errorf(connector.Unsupported, "a cloud of files holds no %s", c.Item.Kind)
}

func onlyRead() *connector.Error {
	return connector.Errorf(connector.Forbidden, "nothing was sent: a source is only read").WithHint("please report this as a mistake of the connector")
}

// writeDrive makes the folder of a drive with those above it, or takes over what is
// there.
func (t *target) writeDrive(ctx context.Context, c connector.Change) (item.Item, bool, error) {
	at, err := paths.DriveAt(c, t.place)
	if err != nil {
		return item.Item{}, false, err
	}
	made, err := t.makeFolder(ctx, at, false)
	return paths.Of(paths.Drive(at), t.place).Folder(at), !made, err
}

// writeFolder makes a folder, or takes over the one that is there.
func (t *target) writeFolder(ctx context.Context, c connector.Change) (item.Item, bool, error) {
	it := paths.FolderAt(c)
	if c.Op == connector.Update {
		return it, false, nil // its name was all that could differ
	}
	made, err := t.makeFolder(ctx, it.ID, item.Empty.Get(c.Item))
	return it, !made, err
}

// makeFolder makes a folder with those above it; made is false if it was there. Where
// folders are parts of keys it gets an object of its own if it is to be seen before
// something lies in it.
func (t *target) makeFolder(ctx context.Context, at string, seen bool) (made bool, err error) {
	there, err := t.isFolder(ctx, at)
	if err != nil || there {
		return false, err
	}
	if _, err := t.look(ctx, at); err == nil || connector.ClassOf(err) != connector.Gone {
		if err == nil {
			return false, paths.InTheWay()
		}
		return false, err
	}
	err = t.do(ctx, "making {folder}", func(ctx context.Context, lib *library) error {
		if err := lib.Mkdir(ctx, remote(at)); err != nil && !errors.Is(err, fs.ErrorDirExists) {
			return err
		}
		if lib.Features().CanHaveEmptyDirectories || !seen {
			return nil
		}
		_, err := lib.Put(ctx, noBytes{}, plain{lib: lib, remote: remote(connector.Below(at, keeper)), modified: time.Now()})
		return err
	})
	return err == nil, err
}

func (t *target) Fetch(ctx context.Context, container item.Ref, refs []item.Ref) iter.Seq2[item.Bundle, error] {
	return paths.Fetch(ctx, paths.Of(container, t.place), refs, side, t.get)
}

// Find yields what stands in a container, whoever made it: what this connection
// wrote stands where its id says. Without a container it yields the place, if it is
// there, and the folders in it, each of which may be a drive.
func (t *target) Find(ctx context.Context, container item.Ref, _ time.Time) iter.Seq2[connector.Found, error] {
	return func(yield func(connector.Found, error) bool) {
		if container.Zero() {
			t.findDrives(ctx, yield)
			return
		}
		w := newWalk(t.cloud, paths.Of(container, t.place))
		paths.Found(func(yield func(connector.Page, error) bool) { w.pages(ctx, yield) })(yield)
	}
}

func (t *target) findDrives(ctx context.Context, yield func(connector.Found, error) bool) {
	there, err := t.isFolder(ctx, t.place)
	if err != nil || !there {
		if err != nil {
			yield(connector.Found{}, err)
		}
		return
	}
	in, err := t.entries(ctx, t.place)
	if err != nil {
		if connector.ClassOf(err) != connector.Gone {
			yield(connector.Found{}, err)
		}
		return
	}
	paths.FoundDrives(t.place, in.folders)(yield)
}

// Delete removes a file of the version that accept saw, or a folder in which nothing
// lies.
func (t *target) Delete(ctx context.Context, container, ref item.Ref, accept func(item.Bundle) bool) (bool, error) {
	if t.readOnly {
		return false, onlyRead()
	}
	it, err := t.get(ctx, paths.Of(container, t.place), ref)
	if err != nil && connector.ClassOf(err) == connector.Gone {
		return true, nil
	}
	if err != nil {
		return false, err
	}
	if ref.ID == "/" || !accept(item.Bundle{Item: it, CheckItems: -1}) {
		return false, nil
	}
	if paths.IsFolder(ref.Kind) {
		return t.deleteFolder(ctx, ref.ID)
	}
	obj, err := t.pinned(ctx, *it.Blob)
	if err == nil {
		err = t.do(ctx, "deleting {object}", func(ctx context.Context, _ *library) error { return obj.Remove(ctx) })
	}
	if err != nil && connector.ClassOf(err) == connector.Gone {
		err = nil
	}
	return err == nil, err
}

// deleteFolder removes a folder in which nothing of anybody else's lies.
func (t *target) deleteFolder(ctx context.Context, at string) (bool, error) {
	in, err := t.entries(ctx, at)
	switch {
	case err != nil && connector.ClassOf(err) == connector.Gone:
		return true, nil
	case err != nil:
		return false, err
	case !in.none():
		return false, nil
	}
	full := false
	err = t.do(ctx, "deleting {folder}", func(ctx context.Context, lib *library) error {
		for _, o := range in.left {
			if err := o.Remove(ctx); err != nil && !errors.Is(err, fs.ErrorObjectNotFound) {
				return err
			}
		}
		err := lib.Rmdir(ctx, remote(at))
		full = errors.Is(err, fs.ErrorDirectoryNotEmpty)
		if full || errors.Is(err, fs.ErrorDirNotFound) {
			return nil
		}
		return err
	})
	return err == nil && !full, err
}

// Carrier returns nothing: what is written is found by its path.
func (t *target) Carrier(item.Kind, string) string { return "" }

func (t *target) Finish(context.Context, item.Ref) error { return nil }

// Link returns nothing: rclone knows no address for people but public ones.
func (t *target) Link(item.Ref, item.Ref) string { return "" }

// Members yields nobody: backends do not list people.
func (t *target) Members(context.Context) iter.Seq2[item.Item, error] {
	return func(func(item.Item, error) bool) {}
}
