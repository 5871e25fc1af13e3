package onedrive

import (
	"context"
	"errors"
	"iter"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/rialto-migrate/rialto/connector"
	"github.com/rialto-migrate/rialto/connectors/microsoft"
	"github.com/rialto-migrate/rialto/item"
)

var _ connector.Uploader = (*target)(nil)

// Write carries changes out side by side.
func (t *target) Write(ctx context.Context, changes []connector.Change, open item.Opener) iter.Seq2[connector.Result, error] {
	return connector.Each(ctx, changes, sideBySide, func(ctx context.Context, c connector.Change) connector.Result {
		if name := item.FileName.Get(c.Item); strings.ContainsAny(name, "/") || name == "." || name == ".." || name == "" && c.Item.Kind != item.Drive {
			return connector.Result{Err: connector.Errorf(connector.Permanent, "a name is empty, consists of dots, or holds a slash").WithHint("give it another name at the source")}
		}
		var it item.Item
		var adopted bool
		var err error
		switch {
		case c.Item.Kind == item.Drive:
			it, adopted, err = t.writeDrive(ctx, c)
		case c.Item.Kind == item.Folder && c.Op == connector.Create:
			it, adopted, err = t.createFolder(ctx, c)
		case c.Item.Kind == item.File && c.Op == connector.Create:
			it, adopted, err = t.createFile(ctx, c, open)
		case c.Item.Kind == item.Folder:
			it, err = t.update(ctx, c, driveItem{})
		case c.Item.Kind == item.File:
			it, err = t.updateFile(ctx, c, open)
		default:
			err = connector.Errorf(connector.Unsupported, "a drive is given no %s", c.Item.Kind)
		}
		return connector.Result{Stored: bundle(it), Adopted: adopted, Err: err}
	})
}

// writeDrive makes the folder of a drive in the place, or takes over what is there. A
// drive without a name is the place itself.
func (t *target) writeDrive(ctx context.Context, c connector.Change) (item.Item, bool, error) {
	at, made, err := t.folder(ctx)
	if err == nil && item.DriveName.Get(c.Item) != "" {
		at, made, err = t.makeFolder(ctx, at, item.DriveName.Get(c.Item))
	}
	if err != nil {
		return item.Item{}, false, err
	}
	of := t.from(at)
	if c.Op == connector.Update && c.Item.ID != of.ref.ID {
		return item.Item{}, false, connector.Errorf(connector.Unsupported, "the folder of a drive is not renamed").WithHint("rename it in OneDrive, then run again with that place")
	}
	i, err := t.container(ctx, of)
	return of.item(i, nil), !made, err
}

// from is the tree that begins with a folder of the drive.
func (t *target) from(folder string) tree {
	if folder == t.tree.root {
		return t.tree
	}
	return treeOf(within(t.tree.drive, folder))
}

// of is the tree of a container of this target.
func (t *target) of(container item.Ref) tree {
	if of := treeOf(container); !of.whole {
		return of
	}
	return t.tree
}

// folderOf is the id of the folder that something is to lie in.
func (t *target) folderOf(parent item.Ref) string {
	if parent.Kind == item.Drive {
		return t.of(parent).root
	}
	return parent.ID
}

// asWritten is an item as Fetch tells it: what it lies in is named as the change
// named it.
func (t *target) asWritten(ctx context.Context, c connector.Change, i driveItem) (item.Item, error) {
	if c.Op == connector.Create && len(item.Permissions.Get(c.Item)) == 0 {
		i.Shared = nil // whoever was let at it was let at what it lies in
	}
	it, err := t.withGrants(ctx, t.tree, i)
	if i.Parent.ID == "" || i.Parent.ID == t.folderOf(c.Item.Parent) {
		it.Parent = c.Item.Parent
	}
	if it.Blob != nil {
		it.Blob.Parent = it.Parent
	}
	return it, err
}

func (t *target) createFolder(ctx context.Context, c connector.Change) (item.Item, bool, error) {
	body := map[string]any{"name": item.FileName.Get(c.Item)}
	if s := item.Description.Get(c.Item); s != "" {
		body["description"] = s
	}
	i, adopted, err := t.newFolder(ctx, t.folderOf(c.Item.Parent), body)
	if err != nil {
		return item.Item{}, false, err
	}
	if grants := item.Permissions.Get(c.Item); len(grants) > 0 && !adopted {
		if i, err = t.shared(ctx, i, grants); err != nil {
			return item.Item{}, false, doubtful(err)
		}
	}
	if adopted {
		c.Op = connector.Update // what stands there may be shared
	}
	it, err := t.asWritten(ctx, c, i)
	return it, adopted, doubtful(err)
}

// shared gives grants at an item, and returns it as it is then.
func (t *target) shared(ctx context.Context, i driveItem, grants []item.Grant) (driveItem, error) {
	if err := t.share(ctx, i.ID, grants); err != nil {
		return i, err
	}
	return t.get(ctx, t.tree, item.Ref{Kind: i.kind(), ID: i.ID})
}

// doubtful says of an error after a write that the write was carried out.
func doubtful(err error) error {
	if err == nil {
		return nil
	}
	if e, ok := errors.AsType[*connector.Error](err); ok {
		copied := *e
		copied.InDoubt = true
		return &copied
	}
	return &connector.Error{Class: connector.ClassOf(err), Reason: err.Error(), InDoubt: true, Err: err}
}

func dirty(c connector.Change, field string) bool {
	return len(c.Dirty) == 0 || slices.Contains(c.Dirty, field)
}

// update writes everything of an item but its bytes: where it lies, its name, its time,
// its description, and who was let at it. have is the item, if it is at hand.
func (t *target) update(ctx context.Context, c connector.Change, have driveItem) (item.Item, error) {
	ref := item.Ref{Kind: c.Item.Kind, ID: c.Item.ID}
	body := map[string]any{}
	if c.Moved {
		body["name"] = item.FileName.Get(c.Item)
		body["parentReference"] = map[string]string{"id": t.folderOf(c.Item.Parent)}
	}
	if m := item.Modified.Get(c.Item); c.Item.Kind == item.File && !m.IsZero() && (dirty(c, item.Modified.Name) || dirty(c, item.Content.Name)) && !have.bears(m) {
		body["fileSystemInfo"] = timesOf(c.Item)
	}
	if t.cfg.kind == kindPersonal && dirty(c, item.Description.Name) && (have.ID == "" || have.Description != item.Description.Get(c.Item)) {
		body["description"] = item.Description.Get(c.Item)
	}
	var err error
	if len(body) > 0 {
		if have, err = t.patch(ctx, ref.ID, body); err != nil {
			return item.Item{}, err
		}
	}
	if t.cfg.kind != kindPersonal && dirty(c, item.Permissions.Name) && (c.Op == connector.Update || len(item.Permissions.Get(c.Item)) > 0) {
		if have.ID == "" {
			if have, err = t.get(ctx, t.tree, ref); err != nil {
				return item.Item{}, err
			}
		}
		if want := item.Permissions.Get(c.Item); len(want) > 0 || have.shared() {
			if have, err = t.shared(ctx, have, want); err != nil {
				return item.Item{}, err
			}
		}
	}
	if have.ID == "" {
		if have, err = t.get(ctx, t.tree, ref); err != nil {
			return item.Item{}, err
		}
	}
	return t.asWritten(ctx, c, have)
}

func timesOf(it item.Item) map[string]string {
	return map[string]string{"lastModifiedDateTime": item.Modified.Get(it).UTC().Format(time.RFC3339)}
}

// patch changes an item (https://learn.microsoft.com/en-us/graph/api/driveitem-update).
func (t *target) patch(ctx context.Context, id string, body map[string]any) (i driveItem, err error) {
	err = t.send(ctx, connector.Request{Method: http.MethodPatch, URL: t.graph.URL(t.tree.at(id, ""), nil), JSON: body, Repeatable: true}, &i)
	if refused(err, http.StatusConflict) {
		err = inTheWay()
	}
	return i, err
}

func (t *target) Fetch(ctx context.Context, container item.Ref, refs []item.Ref) iter.Seq2[item.Bundle, error] {
	return t.fetch(ctx, t.of(container), refs)
}

// Find yields what stands in a container and was made since a time. Without a
// container it yields the place, if it is there, and the folders in it, each of which
// may be a drive.
func (t *target) Find(ctx context.Context, container item.Ref, since time.Time) iter.Seq2[connector.Found, error] {
	return func(yield func(connector.Found, error) bool) {
		if container.Zero() {
			t.findDrives(ctx, yield)
			return
		}
		const slack = 10 * time.Minute // between the clocks
		for p, err := range t.list(ctx, t.of(container), "") {
			if err != nil {
				if !microsoft.IsGone(err) {
					yield(connector.Found{}, err)
				}
				return
			}
			for _, b := range p.Bundles {
				made := item.Created.Get(b.Item)
				if k := b.Item.Kind; k != item.File && k != item.Folder || !since.IsZero() && made.Before(since.Add(-slack)) {
					continue
				}
				if !yield(connector.Found{Bundle: b, Made: made}, nil) {
					return
				}
			}
		}
	}
}

func (t *target) findDrives(ctx context.Context, yield func(connector.Found, error) bool) {
	at := t.tree.root
	for _, name := range t.folders {
		var i driveItem
		err := t.read(ctx, t.tree.below(at, name, ""), nil, costOne, &i)
		if microsoft.IsGone(err) {
			return
		}
		if err != nil {
			yield(connector.Found{}, err)
			return
		}
		at = i.ID
	}
	of := t.from(at)
	i, err := t.container(ctx, of)
	if !yield(connector.Found{Bundle: bundle(of.item(i, nil)), Made: i.Created}, err) || err != nil {
		return
	}
	for next := ""; ; {
		told, err := t.children(ctx, t.tree, at, next)
		if err != nil {
			yield(connector.Found{}, err)
			return
		}
		for _, i := range told.Value {
			of := t.from(i.ID)
			if i.kind() == item.Folder && !yield(connector.Found{Bundle: bundle(of.item(i, nil)), Made: i.Created}, nil) {
				return
			}
		}
		if next, err = t.follow(told.Next); err != nil {
			yield(connector.Found{}, err)
			return
		}
		if next == "" {
			return
		}
	}
}

// Carrier returns nothing: what is written is found by its name and its folder.
func (t *target) Carrier(item.Kind, string) string { return "" }

func (t *target) Finish(context.Context, item.Ref) error { return nil }

// Link returns nothing: an address is made of names, which an id does not tell.
func (t *target) Link(_, _ item.Ref) string { return "" }

// Delete removes a file that accept saw, or a folder in which nothing lies, into the
// drive's recycle bin. Graph deletes a folder with all that people put there, so that
// one that holds something stays.
func (t *target) Delete(ctx context.Context, container, ref item.Ref, accept func(item.Bundle) bool) (bool, error) {
	const tries = 4
	of := t.of(container)
	id := ref.ID
	if ref.Kind == item.Drive {
		of = t.of(ref)
		id = of.root
	}
	for attempt := 1; ; attempt++ {
		var i driveItem
		err := t.read(ctx, of.at(id, ""), nil, costOne, &i)
		if microsoft.IsGone(err) || err == nil && i.Deleted != nil {
			return true, nil
		}
		if err != nil {
			return false, err
		}
		if ref.Kind != item.Drive && i.kind() != ref.Kind {
			return true, nil // something else took its place: what we wrote is gone
		}
		if id == t.tree.root {
			return false, nil
		}
		if i.Folder != nil {
			told, err := t.children(ctx, of, id, "")
			if err != nil && !microsoft.IsGone(err) {
				return false, err
			}
			if len(told.Value) > 0 {
				return false, nil
			}
		}
		it, err := t.withGrants(ctx, of, i)
		if err != nil {
			return false, err
		}
		if !accept(bundle(it)) {
			return false, nil
		}
		err = t.remove(ctx, id, i.ETag)
		if microsoft.IsGone(err) {
			return true, nil
		}
		if !refused(err, http.StatusPreconditionFailed) || attempt == tries {
			return err == nil, err
		}
	}
}

// remove deletes an item of a version
// (https://learn.microsoft.com/en-us/graph/api/driveitem-delete).
func (t *target) remove(ctx context.Context, id, etag string) error {
	h := http.Header{}
	if etag != "" {
		h.Set("If-Match", etag)
	}
	return t.send(ctx, connector.Request{Method: http.MethodDelete, URL: t.graph.URL(t.tree.at(id, ""), nil), Header: h}, nil)
}
