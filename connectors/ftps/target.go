package ftps

import (
	"context"
	"errors"
	"iter"
	"path"
	"time"

	"github.com/rialto-migrate/rialto/connector"
	"github.com/rialto-migrate/rialto/connector/paths"
	"github.com/rialto-migrate/rialto/connectors/ftps/wire"
	"github.com/rialto-migrate/rialto/item"
)

// A target writes below one folder.
type target struct {
	*cloud
	root  string // of the connection
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
		return it, false, errReadOnly()
	}
	if e := paths.Named(c); e != nil {
		return it, false, e
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

func errReadOnly() *connector.Error {
	return connector.Errorf(connector.Forbidden, "nothing was sent: a source is only read").WithHint("please report this as a mistake of the connector")
}

// writeDrive makes the folder of a drive with those above it, or takes over what is
// there.
func (t *target) writeDrive(ctx context.Context, c connector.Change) (item.Item, bool, error) {
	at, err := paths.DriveAt(c, t.place)
	if err != nil {
		return item.Item{}, false, err
	}
	made, err := t.makePath(ctx, at)
	return paths.Of(paths.Drive(at), t.place).Folder(at), !made, err
}

// makePath makes a folder and those above it that are missing; made is false if it
// was there.
func (t *target) makePath(ctx context.Context, at string) (made bool, err error) {
	e, err := t.look(ctx, at)
	switch {
	case err == nil && e.Kind == wire.Folder:
		return false, nil
	case err == nil:
		return false, paths.InTheWay()
	case connector.ClassOf(err) != connector.Gone || at == t.root || at == "/":
		return false, err
	}
	if _, err := t.makePath(ctx, path.Dir(at)); err != nil {
		return false, err
	}
	return t.makeFolder(ctx, at)
}

// makeFolder makes one folder; made is false if one is there. It fails with errNoFolder
// where the one above it is missing.
func (t *target) makeFolder(ctx context.Context, at string) (made bool, err error) {
	err = t.pool.do(ctx, "MKD {folder}", false, func(conn *wire.Conn) error {
		made = false
		err := conn.Make(at)
		if code := wire.Code(err); code/100 != 5 {
			made = err == nil
			return err
		}
		e, looked := conn.Stat(at)
		switch {
		case looked != nil && wire.Code(looked) != 550:
			return looked
		case looked != nil:
			return unwritable(conn, "MKD {folder}", at, err)
		case e.Kind != wire.Folder:
			return paths.InTheWay()
		}
		return nil
	})
	return made, err
}

// errNoFolder is the cause of an error where the folder to write in is gone.
var errNoFolder = errors.New("the folder is not there")

// unwritable tells why something is refused a place: servers have one code for a folder
// that is missing, a name that they do not like, and a right that is lacking.
func unwritable(conn *wire.Conn, call, at string, why error) error {
	if code := wire.Code(why); code != 550 && code != 553 || denied(why) || noRoom(why) {
		return why
	}
	_, err := conn.Stat(path.Dir(at))
	switch {
	case wire.Code(err) == 550:
		return &connector.Error{Class: connector.Gone, Reason: call + ": the folder that it lies in is not there", Err: errNoFolder}
	case err != nil:
		return err
	}
	return connector.Errorf(connector.Permanent, "%s: the server refuses it (%d)", call, wire.Code(why)).
		WithHint("the account may lack the right to write there, or the name be too long or of a kind that the server forbids")
}

// writeFolder makes a folder, or takes over the one that is there.
func (t *target) writeFolder(ctx context.Context, c connector.Change) (item.Item, bool, error) {
	it := paths.FolderAt(c)
	if c.Op == connector.Update {
		return it, false, nil // its name was all that could differ
	}
	made, err := t.makeFolder(ctx, it.ID)
	if errors.Is(err, errNoFolder) {
		if _, err = t.makePath(ctx, c.Item.Parent.ID); err == nil {
			made, err = t.makeFolder(ctx, it.ID)
		}
	}
	return it, !made, err
}

// rename puts an item where its parent and its name now say, and sets its id to
// that.
func (t *target) rename(ctx context.Context, c *connector.Change) error {
	to := connector.Below(c.Item.Parent.ID, item.Name.Get(c.Item))
	if to == c.Item.ID {
		return nil
	}
	err := t.pool.do(ctx, "RNTO {object}", false, func(conn *wire.Conn) error { return settle(conn, c.Item.ID, to) })
	if errors.Is(err, errTaken) {
		err = paths.InTheWay()
	}
	c.Item.ID = to
	return err
}

// errTaken is the cause of an error where something stands at a file's new path.
var errTaken = errors.New("something stands there")

// settle gives a file a path at which nothing stands. A server renames over whatever
// does, so that it is asked right before: nothing in the protocol does both at once.
func settle(conn *wire.Conn, from, to string) error {
	_, err := conn.Stat(to)
	switch {
	case err == nil:
		return errTaken
	case wire.Code(err) != 550:
		return errors.Join(errUnbegun, err)
	}
	err = conn.Rename(from, to)
	if occupied(err) {
		return errTaken
	}
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
		w := newWalk(t.cloud, paths.Of(container, t.place))
		paths.Found(func(yield func(connector.Page, error) bool) { w.pages(ctx, yield) })(yield)
	}
}

func (t *target) findDrives(ctx context.Context, yield func(connector.Found, error) bool) {
	all, err := t.entries(ctx, t.place)
	if err != nil {
		if connector.ClassOf(err) != connector.Gone {
			yield(connector.Found{}, err)
		}
		return
	}
	var names []string
	for _, e := range all {
		if e.Kind == wire.Folder {
			names = append(names, e.Name)
		}
	}
	paths.FoundDrives(t.place, names)(yield)
}

// Delete removes a file of the version that accept saw, or a folder in which nothing
// lies: the server removes no other.
func (t *target) Delete(ctx context.Context, container, ref item.Ref, accept func(item.Bundle) bool) (bool, error) {
	if t.readOnly {
		return false, errReadOnly()
	}
	it, err := t.get(ctx, paths.Of(container, t.place), ref)
	if err != nil && connector.ClassOf(err) == connector.Gone {
		return true, nil
	}
	if err != nil {
		return false, err
	}
	if ref.ID == t.root || !accept(item.Bundle{Item: it, CheckItems: -1}) {
		return false, nil
	}
	if paths.IsFolder(ref.Kind) {
		return t.deleteFolder(ctx, ref.ID)
	}
	err = t.pool.do(ctx, "DELE {object}", true, func(conn *wire.Conn) error { return remaining(conn, ref.ID, conn.Remove(ref.ID)) })
	return err == nil, err
}

// remaining is nil for what is gone, though the server refused to remove it; else why it
// was refused.
func remaining(conn *wire.Conn, at string, why error) error {
	if why == nil || wire.Code(why) != 550 {
		return why
	}
	_, err := conn.Stat(at)
	switch {
	case wire.Code(err) == 550:
		return nil
	case err != nil:
		return err
	case denied(why):
		return why
	}
	return connector.Errorf(connector.Forbidden, "DELE {object}: the server refuses to remove it").WithHint("give the account the right on the server")
}

// deleteFolder removes a folder; removed is false where people put something into it.
func (t *target) deleteFolder(ctx context.Context, at string) (removed bool, err error) {
	err = t.pool.do(ctx, "RMD {folder}", true, func(conn *wire.Conn) error {
		all, err := conn.List(ctx, at)
		if err != nil {
			return err
		}
		for _, e := range all { // what a killed run left behind
			if !paths.Ours(e.Name) || e.Kind != wire.File {
				removed = false
				return nil
			}
			if err := conn.Remove(connector.Below(at, e.Name)); err != nil {
				return err
			}
		}
		err = remaining(conn, at, conn.RemoveFolder(at))
		removed = err == nil
		return err
	})
	if err != nil && missing(err) {
		return true, nil
	}
	return removed, err
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
