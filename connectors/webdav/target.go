package webdav

import (
	"context"
	"iter"
	"path"
	"time"

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
		if e := paths.Named(c); e != nil {
			return connector.Result{Err: e}
		}
		if c.Op == connector.Update && c.Item.Kind != item.Drive {
			if err := t.rename(ctx, &c); err != nil {
				return connector.Result{Err: err}
			}
		}
		var it item.Item
		var adopted bool
		var err error
		switch {
		case c.Item.Kind == item.Drive:
			it, adopted, err = t.writeDrive(ctx, c)
		case c.Item.Kind == item.Folder:
			it, adopted, err = t.writeFolder(ctx, c)
		case c.Item.Kind == item.File && c.Op == connector.Create:
			it, adopted, err = t.createFile(ctx, c, open)
		case c.Item.Kind == item.File:
			it, err = t.updateFile(ctx, c, open)
		default:
			err = connector.Errorf(connector.Unsupported, "WebDAV holds no %s", c.Item.Kind)
		}
		return connector.Result{Stored: item.Bundle{Item: it, CheckItems: -1}, Adopted: adopted, Err: err}
	})
}

// writeDrive makes the folder of a drive with those above it, or takes over what is
// there.
func (t *target) writeDrive(ctx context.Context, c connector.Change) (item.Item, bool, error) {
	at, err := paths.DriveAt(c, t.place)
	if err != nil {
		return item.Item{}, false, err
	}
	of := paths.Of(paths.Drive(at), t.place)
	if found, err := t.get(ctx, of, paths.Drive(at)); err == nil || connector.ClassOf(err) != connector.Gone {
		return found, err == nil, err
	}
	if err := t.makePath(ctx, at); err != nil {
		return item.Item{}, false, err
	}
	it, err := t.get(ctx, of, paths.Drive(at))
	return it, false, err
}

// makePath makes a folder and those above it that are missing.
func (t *target) makePath(ctx context.Context, at string) error {
	err := t.api.makeFolder(ctx, at)
	if refused(err, 409) && at != t.cfg.root && at != "/" {
		if err := t.makePath(ctx, path.Dir(at)); err != nil {
			return err
		}
		err = t.api.makeFolder(ctx, at)
	}
	if refused(err, 405) {
		return nil // somebody made it at the same moment
	}
	return err
}

// writeFolder makes a folder, or takes over the one that is there.
func (t *target) writeFolder(ctx context.Context, c connector.Change) (item.Item, bool, error) {
	it := paths.FolderAt(c)
	if c.Op == connector.Update {
		return it, false, nil // its name was all that could differ
	}
	err := error(status(405))
	// To other servers a second MKCOL may look like a first one.
	if _, e := t.stat(ctx, it.ID); t.cfg.server.heeds() || e != nil && connector.ClassOf(e) == connector.Gone {
		err = t.beneath(ctx, c.Item.Parent, func() error { return t.api.makeFolder(ctx, it.ID) })
	} else if e != nil {
		err = e
	}
	if !refused(err, 405) {
		return it, false, err
	}
	e, err := t.api.stat(ctx, it.ID, true)
	switch {
	case err != nil:
		return item.Item{}, false, err
	case !e.folder:
		return item.Item{}, false, paths.InTheWay()
	}
	item.Created.Set(&it, e.created)
	return it, true, nil
}

// stat looks at a path where the server would not say by itself that something
// stands there.
func (t *target) stat(ctx context.Context, at string) (entry, error) {
	if t.cfg.server.heeds() {
		return entry{}, nil
	}
	return t.api.stat(ctx, at, true)
}

// beneath does something in a folder; if the folder is gone it is made again, once.
func (t *target) beneath(ctx context.Context, parent item.Ref, do func() error) error {
	err := do()
	if !refused(err, 409) || connector.InDoubt(err) {
		return err
	}
	if err := t.makePath(ctx, parent.ID); err != nil {
		return err
	}
	return do()
}

// rename puts an item where its parent and its name now say, and sets its id to
// that.
func (t *target) rename(ctx context.Context, c *connector.Change) error {
	to := connector.Below(c.Item.Parent.ID, item.Name.Get(c.Item))
	if to == c.Item.ID {
		return nil
	}
	_, err := t.api.move(ctx, c.Item.ID, to, paths.IsFolder(c.Item.Kind), false, nil)
	if refused(err, 412) {
		return paths.InTheWay()
	}
	c.Item.ID = to
	return err
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
		paths.Found(newWalk(t.cloud, paths.Of(container, t.place)).pages(ctx))(yield)
	}
}

func (t *target) findDrives(ctx context.Context, yield func(connector.Found, error) bool) {
	for e, err := range t.api.propfind(ctx, t.place, true, "1") {
		if err != nil {
			if connector.ClassOf(err) != connector.Gone {
				yield(connector.Found{}, err)
			}
			return
		}
		if !e.folder {
			continue
		}
		at := t.place
		if !e.self {
			at = connector.Below(at, e.name)
		}
		it := itemOf(paths.Of(paths.Drive(at), t.place), at, e)
		if !yield(connector.Found{Bundle: item.Bundle{Item: it, CheckItems: -1}}, nil) {
			return
		}
	}
}

// Carrier returns nothing: what is written is found by its path.
func (t *target) Carrier(item.Kind, string) string { return "" }

func (t *target) Finish(context.Context, item.Ref) error { return nil }

// Link is the address of the file or folder on the server.
func (t *target) Link(ref, _ item.Ref) string { return t.api.at(ref.ID, paths.IsFolder(ref.Kind)) }

// Members yields nobody: WebDAV has no people.
func (t *target) Members(context.Context) iter.Seq2[item.Item, error] {
	return func(func(item.Item, error) bool) {}
}
