package smb

import (
	"context"
	"iter"
	"path"
	"time"

	smb2 "github.com/cloudsoda/go-smb2"

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
	if name := item.Name.Get(c.Item); c.Item.Kind != item.Drive || name != "" {
		if e := legal(name); e != nil {
			return it, false, e
		}
	}
	if c.Op == connector.Update && c.Item.Kind != item.Drive {
		if err := t.rename(ctx, &c); err != nil {
			return it, false, err
		}
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
	return it, false, connector.Errorf(connector.Unsupported, "a server of files holds no %s", c.Item.Kind)
}

// writeDrive makes the folder of a drive with those above it, or takes over what is
// there.
func (t *target) writeDrive(ctx context.Context, c connector.Change) (item.Item, bool, error) {
	at, err := paths.DriveAt(c, t.place)
	if err != nil {
		return item.Item{}, false, err
	}
	if at == "/" {
		return item.Item{}, false, connector.Errorf(connector.Permanent, "nothing is written beside the shares").
			WithHint("set " + setShare + ", or begin the place with the name of a share")
	}
	made, err := t.makePath(ctx, at)
	return paths.Of(paths.Drive(at), t.place).Folder(at), !made, err
}

// makePath makes a folder and those above it that are missing; made is false if it
// was there. Shares are not made.
func (t *target) makePath(ctx context.Context, at string) (made bool, err error) {
	info, err := t.look(ctx, at)
	switch {
	case err == nil && isDir(info):
		return false, nil
	case err == nil:
		return false, paths.InTheWay()
	case connector.ClassOf(err) != connector.Gone || at == t.cfg.root || path.Dir(at) == "/":
		return false, err
	}
	if _, err := t.makePath(ctx, path.Dir(at)); err != nil {
		return false, err
	}
	return t.makeFolder(ctx, at)
}

// makeFolder makes one folder; made is false if one is there.
func (t *target) makeFolder(ctx context.Context, at string) (made bool, err error) {
	share, inner := split(at)
	err = t.pool.do(ctx, "CREATE {folder}", share, false, func(s *smb2.Share) error { return s.Mkdir(inner, 0o755) })
	if err == nil || connector.ClassOf(err) != connector.Conflict {
		return err == nil, err
	}
	info, looked := t.look(ctx, at)
	switch {
	case looked != nil:
		return false, err
	case !isDir(info):
		return false, paths.InTheWay()
	}
	return false, nil
}

// writeFolder makes a folder, or takes over the one that is there.
func (t *target) writeFolder(ctx context.Context, c connector.Change) (item.Item, bool, error) {
	it := paths.FolderAt(c)
	if c.Op == connector.Update {
		return it, false, nil // its name was all that could differ
	}
	made, err := t.makeFolder(ctx, it.ID)
	if err != nil && connector.ClassOf(err) == connector.Gone { // the folder above it is
		if _, err = t.makePath(ctx, c.Item.Parent.ID); err == nil {
			made, err = t.makeFolder(ctx, it.ID)
		}
	}
	return it, !made, err
}

func onlyRead() *connector.Error {
	return connector.Errorf(connector.Forbidden, "nothing was sent: a source is only read").WithHint("please report this as a mistake of the connector")
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
	names, err := t.placed(ctx)
	if err != nil {
		if connector.ClassOf(err) != connector.Gone {
			yield(connector.Found{}, err)
		}
		return
	}
	found := paths.FoundDrives(t.place, names)
	found(func(f connector.Found, err error) bool {
		return f.Bundle.Item.ID == "/" || yield(f, err) // what the shares lie in is no drive
	})
}

// placed are the names of what may be a drive in the place.
func (t *target) placed(ctx context.Context) (names []string, err error) {
	if t.place == "/" {
		return t.pool.shares(ctx)
	}
	all, err := t.entries(ctx, t.place)
	for _, info := range all {
		if isDir(info) && special(info) == "" && legal(info.FileName) == nil {
			names = append(names, info.FileName)
		}
	}
	return names, err
}

// Delete removes a file of the version that accept saw, or a folder in which nothing
// lies: the server removes no other.
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
	if ref.ID == t.cfg.root || path.Dir(ref.ID) == "/" || !accept(item.Bundle{Item: it, CheckItems: -1}) {
		return false, nil
	}
	if paths.IsFolder(ref.Kind) {
		if err := t.sweep(ctx, ref.ID); err != nil {
			return false, err
		}
	} else if err := writable(it); err != nil {
		return false, err
	}
	share, inner := split(ref.ID)
	err = t.pool.do(ctx, "DELETE {object}", share, true, func(s *smb2.Share) error { return s.Remove(inner) })
	switch class := connector.ClassOf(err); {
	case err == nil, class == connector.Gone:
		return true, nil
	case paths.IsFolder(ref.Kind) && class == connector.Conflict:
		return false, nil // somebody put something there
	}
	return false, err
}

// sweep removes from a folder what a killed run left behind.
func (t *target) sweep(ctx context.Context, at string) error {
	all, err := t.entries(ctx, at)
	if err != nil {
		return err
	}
	for _, info := range all {
		id := connector.Below(at, info.FileName)
		switch {
		case isDir(info):
		case paths.Ours(info.FileName):
			t.drop(ctx, id)
		case info.EndOfFile == int64(len(path.Base(paths.Beside(id)))):
			if mine, err := t.claimed(ctx, id); err == nil && mine {
				t.drop(ctx, id)
			}
		}
	}
	return nil
}

// Carrier returns nothing: what is written is found by its path.
func (t *target) Carrier(item.Kind, string) string { return "" }

func (t *target) Finish(context.Context, item.Ref) error { return nil }

// Link returns nothing: people have no address that every machine opens.
func (t *target) Link(item.Ref, item.Ref) string { return "" }

// Members yields nobody: a server's accounts are its own.
func (t *target) Members(context.Context) iter.Seq2[item.Item, error] {
	return func(func(item.Item, error) bool) {}
}
