package googledrive

import (
	"context"
	"iter"

	"golang.org/x/sync/errgroup"

	"github.com/rialto-migrate/rialto/connector"
	"github.com/rialto-migrate/rialto/item"
)

// side is how many requests of one call are under way at most; how many really
// are, is for the pacer to say.
const side = 32

// A source reads the drives of those whom the connection acts as.
type source struct{ *cloud }

// Shards yields each person's My Drive, and the shared drives of which one of them is
// a member.
func (s *source) Shards(ctx context.Context) iter.Seq2[connector.Shard, error] {
	return func(yield func(connector.Shard, error) bool) {
		for _, p := range s.people {
			shard, err := s.ofOne(ctx, p)
			if !yield(shard, err) || err != nil {
				return
			}
		}
		seen := map[string]bool{}
		for _, p := range s.people {
			more := true
			err := p.api.drives(ctx, func(d sharedDrive) bool {
				if !seen[d.ID] {
					seen[d.ID] = true
					more = yield(connector.Shard{Ref: driveRef(d.ID), Name: d.Name, URL: link(d.ID, true), Bytes: -1, People: -1, Visibility: connector.ForPeople}, nil)
				}
				return more
			})
			if err != nil {
				yield(connector.Shard{}, err)
				return
			}
			if !more {
				return
			}
		}
	}
}

// ofOne is a person's My Drive.
func (s *source) ofOne(ctx context.Context, p *person) (connector.Shard, error) {
	u, err := p.whoami(ctx)
	if err != nil {
		return connector.Shard{}, err
	}
	root, err := p.myDrive(ctx)
	if err != nil {
		return connector.Shard{}, err
	}
	name := "My Drive"
	if len(s.people) > 1 {
		name += " of " + p.address
	}
	return connector.Shard{Ref: driveRef(root), Name: name, URL: link(root, true), Bytes: -1, People: -1, Owner: u.Name}, nil
}

// tree finds out whose a container is, and where it lies.
func (c *cloud) tree(ctx context.Context, container item.Ref) (*tree, file, error) {
	t := &tree{cloud: c, person: c.people[0], top: container.ID}
	var top file
	var err error
	for _, p := range c.people { // the first who sees it; whose My Drive it is sees it as such
		var f file
		if f, err = p.api.get(ctx, container.ID, fileFields); err == nil {
			if top.ID == "" || f.Mine {
				t.person, top = p, f
			}
			if f.Mine || f.DriveID != "" {
				break
			}
		} else if !gone(err) {
			return nil, file{}, err
		}
	}
	if top.ID == "" {
		return nil, file{}, err
	}
	if top.Trashed || top.MimeType != folderType {
		return nil, file{}, connector.Errorf(connector.Gone, "GET /files/{}: the folder of a drive is not there any more").WithHint("look for it in Drive's bin")
	}
	t.drive = top.DriveID
	t.root = top.ID == top.DriveID || top.DriveID == "" && len(top.Parents) == 0
	return t, top, nil
}

// known is a tree that was found out about before, or is now: whose a container is does
// not change. The caller may change it.
func (c *cloud) known(ctx context.Context, container item.Ref) (*tree, error) {
	if t, ok := c.trees.Load(container.ID); ok {
		had := *t.(*tree) //nolint:forcetypeassert // nothing else is stored
		return &had, nil
	}
	t, _, err := c.tree(ctx, container)
	if err != nil {
		return nil, err
	}
	kept := *t
	c.trees.Store(container.ID, &kept)
	return t, nil
}

// List reads a drive's folders first, and then what lies in them. The cursor says how
// far the second part came; the folders are read again to know which they are.
func (s *source) List(ctx context.Context, shard connector.Shard, from connector.Cursor) iter.Seq2[connector.Page, error] {
	return func(yield func(connector.Page, error) bool) {
		t, top, err := s.tree(ctx, shard.Ref)
		if err != nil {
			yield(connector.Page{}, err)
			return
		}
		if token, ok := s.cfg.token(from); ok {
			told, err := newWalk(t, top).changes(ctx, token, yield)
			if err != nil {
				yield(connector.Page{}, err)
			}
			if told || err != nil {
				return
			}
			from = ""
		}
		newWalk(t, top).run(ctx, from, yield)
	}
}

// Fetch reads items one by one, many at a time, and leaves out what lies outside the
// container by now.
func (s *source) Fetch(ctx context.Context, shard connector.Shard, refs []item.Ref) iter.Seq2[item.Bundle, error] {
	return func(yield func(item.Bundle, error) bool) {
		var w *walk
		for b, err := range s.fetch(ctx, shard.Ref, "", refs) {
			here := true
			if err == nil && b.Item.Parent.Kind == item.Folder {
				if w == nil {
					var t *tree
					if t, err = s.known(ctx, shard.Ref); err == nil {
						w = newWalk(t, file{})
					}
				}
				if err == nil && w.drive == "" { // of a shared drive, its id tells
					here, err = w.climb(ctx, b.Item.Parent.ID)
					w.ready = nil
				}
			}
			if here && !yield(b, err) || err != nil {
				return
			}
		}
	}
}

// fetch reads items, and leaves out what is gone or in the bin. place is what has no
// name because it is the target's place.
func (c *cloud) fetch(ctx context.Context, container item.Ref, place string, refs []item.Ref) iter.Seq2[item.Bundle, error] {
	return func(yield func(item.Bundle, error) bool) {
		if len(refs) == 0 {
			return
		}
		t, err := c.known(ctx, container)
		if gone(err) {
			return
		}
		if err != nil {
			yield(item.Bundle{}, err)
			return
		}
		t.place = place
		asked := make([]connector.Change, len(refs))
		for i, r := range refs {
			asked[i].Item.Ref = r
		}
		one := func(ctx context.Context, q connector.Change) connector.Result {
			b, err := t.read(ctx, q.Item.Ref)
			return connector.Result{Stored: b, Err: err}
		}
		for r, err := range connector.Each(ctx, asked, side, one) {
			if err == nil {
				err = r.Err
			}
			if gone(err) {
				continue
			}
			if !yield(r.Stored, err) || err != nil {
				return
			}
		}
	}
}

// read is one item as it is now.
func (t *tree) read(ctx context.Context, ref item.Ref) (item.Bundle, error) {
	if ref.Kind == item.Member {
		return t.somebody(ctx, ref)
	}
	f, err := t.person.api.get(ctx, ref.ID, fileFields)
	if err != nil {
		return item.Bundle{}, err
	}
	return t.whole(ctx, ref, f)
}

// somebody is a member as the container's top folder tells of them: whom something below
// it alone names is told by a listing.
func (t *tree) somebody(ctx context.Context, ref item.Ref) (item.Bundle, error) {
	all, err := t.person.api.permissions(ctx, t.top)
	if err != nil {
		return item.Bundle{}, err
	}
	for _, p := range all {
		if it, ok := p.member(driveRef(t.top)); ok && it.Ref == ref {
			return item.Bundle{Item: it, CheckItems: -1}, nil
		}
	}
	return item.Bundle{}, connector.Errorf(connector.Gone, "GET /files/{}/permissions: somebody is not let at the drive any more")
}

// whole is the item that a file is, with what Drive tells of it on request alone.
func (t *tree) whole(ctx context.Context, ref item.Ref, f file) (item.Bundle, error) {
	var above []permission
	if err := t.lists(ctx, &f); err != nil {
		return item.Bundle{}, err
	}
	if untold(f) && len(f.Parents) > 0 {
		up, err := t.person.api.get(ctx, f.Parents[0], "permissions("+permissionFields+")")
		if err != nil && !gone(err) {
			return item.Bundle{}, err
		}
		above = up.Permissions
	}
	b, ok := t.bundle(f, above)
	if f.Trashed || !ok || b.Item.Ref != ref || f.DriveID != t.drive {
		return item.Bundle{}, connector.Errorf(connector.Gone, "GET /files/{}: it is in the bin, in another drive, or something else by now")
	}
	return b, nil
}

// untold reports whether Drive does not tell which permissions are inherited.
func untold(f file) bool {
	for _, p := range f.Permissions {
		if len(p.Details) == 0 && p.Role != "owner" {
			return true
		}
	}
	return false
}

// lists adds the permissions of something in a shared drive, which Drive lists on
// request alone. Who may not know them sees none.
func (t *tree) lists(ctx context.Context, f *file) error {
	if f.DriveID == "" || !f.Augmented && f.ID != f.DriveID {
		return nil
	}
	all, err := t.person.api.permissions(ctx, f.ID)
	if connector.ClassOf(err) == connector.Forbidden && err != nil || gone(err) {
		return nil
	}
	f.Permissions = all
	return err
}

// listsAll does so for many.
func (t *tree) listsAll(ctx context.Context, files []file) error {
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(side)
	for i := range files {
		if files[i].DriveID != "" {
			group.Go(func() error { return t.lists(ctx, &files[i]) })
		}
	}
	return group.Wait()
}
