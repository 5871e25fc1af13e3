package box

import (
	"context"
	"iter"
	"net/url"
	"strings"

	"github.com/rialto-migrate/rialto/connector"
	"github.com/rialto-migrate/rialto/item"
)

type source struct{ *cloud }

// Shards yields what the account has, one folder of it, or what each person of the
// enterprise has.
func (s *source) Shards(ctx context.Context) iter.Seq2[connector.Shard, error] {
	return func(yield func(connector.Shard, error) bool) {
		if s.cfg.everybody() {
			for p, err := range s.users(ctx) {
				if err != nil {
					yield(connector.Shard{}, err)
					return
				}
				if !yield(s.shard(drive{p.ID, "0"}, p), nil) {
					return
				}
			}
			return
		}
		me, err := s.self(ctx)
		if err != nil {
			yield(connector.Shard{}, err)
			return
		}
		folder := "0"
		if s.cfg.folder != "" {
			folder = s.cfg.folder
		}
		yield(s.shard(drive{me.ID, folder}, me), nil)
	}
}

func (s *source) shard(d drive, of person) connector.Shard {
	return connector.Shard{Ref: d.ref(), Name: of.Name, URL: address(s.cfg.web, "folder", d.folder), Bytes: -1, People: -1, Owner: of.Name}
}

// tree is how a drive is read. Its folder has a name where its contents do not go
// right into a place.
func (c *cloud) tree(ctx context.Context, d drive) (tree, error) {
	t := tree{drive: d, web: c.cfg.web, actor: c.actor(d), everything: d.folder == "0"}
	_, place := c.places.Load(d.folder)
	switch {
	case place || d.folder == c.cfg.folder || d.folder == "0" && !c.cfg.everybody():
		return t, nil
	case d.folder == "0":
		var p person
		err := c.api.get(ctx, t.actor, "/users/me", fields(personFields), &p)
		t.name = p.Login // two people may have one name
		return t, err
	}
	var e entry
	err := c.api.get(ctx, t.actor, "/folders/"+d.folder, fields("name"), &e)
	t.name = e.Name
	return t, err
}

// List walks the folders. The cursor holds those that are still to be read, and the
// marker within the next one.
func (s *source) List(ctx context.Context, shard connector.Shard, from connector.Cursor) iter.Seq2[connector.Page, error] {
	return func(yield func(connector.Page, error) bool) {
		d, err := readDrive(shard.Ref)
		var t tree
		if err == nil {
			t, err = s.tree(ctx, d)
		}
		if err != nil {
			yield(connector.Page{}, err)
			return
		}
		w := s.walk(t)
		w.people = true
		if s.cfg.everybody() {
			staff, err := s.staff(ctx)
			if err != nil {
				yield(connector.Page{}, err)
				return
			}
			w.skips = func(e entry) bool { return e.Owner.ID != d.user && staff[e.Owner.ID] } // it comes with its owner
		}
		if from != "" && !w.resume(from) {
			yield(connector.Page{}, connector.Errorf(connector.Permanent, "the cursor of a listing cannot be read").WithHint("run again: the listing begins anew"))
			return
		}
		for page, err := range w.all(ctx) {
			if !yield(page, err) || err != nil {
				return
			}
		}
		last := connector.Page{Bundles: w.ready}
		if w.whole {
			last.Whole = []item.Kind{item.Drive, item.Folder, item.File, item.Shortcut}
		}
		yield(last, nil)
	}
}

// staff are the ids of the people of the enterprise, each of whom has a container.
func (c *cloud) staff(ctx context.Context) (map[string]bool, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.colleagues != nil {
		return c.colleagues, nil
	}
	all := map[string]bool{}
	for p, err := range c.users(ctx) {
		if err != nil {
			return nil, err
		}
		all[p.ID] = true
	}
	c.colleagues = all
	return all, nil
}

func (s *source) Fetch(ctx context.Context, shard connector.Shard, refs []item.Ref) iter.Seq2[item.Bundle, error] {
	return s.fetch(ctx, shard.Ref, refs)
}

// fetch reads items one by one, many at a time, and yields them in order.
func (c *cloud) fetch(ctx context.Context, container item.Ref, refs []item.Ref) iter.Seq2[item.Bundle, error] {
	return func(yield func(item.Bundle, error) bool) {
		if len(refs) == 0 {
			return
		}
		d, err := readDrive(container)
		var t tree
		if err == nil {
			t, err = c.tree(ctx, d)
		}
		if err != nil {
			if connector.ClassOf(err) != connector.Gone {
				yield(item.Bundle{}, err)
			}
			return
		}
		asked := make([]connector.Change, len(refs))
		for i, r := range refs {
			asked[i] = connector.Change{Item: item.Item{Ref: r}}
		}
		read := func(ctx context.Context, q connector.Change) connector.Result {
			b, _, err := c.bundle(ctx, t, q.Item.Ref)
			return connector.Result{Stored: b, Err: err}
		}
		for r, err := range connector.Each(ctx, asked, side, read) {
			if err == nil {
				err = r.Err
			}
			if err != nil && connector.ClassOf(err) == connector.Gone {
				continue
			}
			if !yield(r.Stored, err) || err != nil {
				return
			}
		}
	}
}

// bundle reads one item with who was let at it. It fails with class Gone if nothing
// of its kind is there.
func (c *cloud) bundle(ctx context.Context, t tree, ref item.Ref) (item.Bundle, entry, error) {
	if ref.Kind == item.Member {
		p, err := c.person(ctx, t.actor, ref)
		return item.Bundle{Item: p.member(t.drive.ref()), CheckItems: -1}, entry{}, err
	}
	if ref.Kind == item.Drive {
		if ref != t.drive.ref() {
			return item.Bundle{}, entry{}, connector.Errorf(connector.Gone, "the container is another one")
		}
		ref = item.Ref{Kind: item.Folder, ID: t.drive.folder}
	}
	e, err := c.entry(ctx, t.actor, ref)
	if err != nil {
		return item.Bundle{}, e, err
	}
	g, err := c.grants(ctx, t.actor, e)
	return t.bundle(e, g), e, err
}

// entry reads what Box tells of a folder, file or web link.
func (c *cloud) entry(ctx context.Context, as string, ref item.Ref) (entry, error) {
	var e entry
	query := fields(itemFields)
	switch {
	case ref.Kind == item.Shortcut:
		query = nil // the contract has no fields there
	case typeOf(ref.Kind) == "":
		return e, connector.Errorf(connector.Gone, "Box is not asked for a %s by itself", ref.Kind)
	}
	if !digits(ref.ID) {
		return e, connector.Errorf(connector.Gone, "the id is none of Box")
	}
	err := c.api.get(ctx, as, pathOf(ref), query, &e)
	switch {
	case err != nil:
		return e, err
	case e.ID == "" || e.Type != typeOf(ref.Kind):
		return e, connector.Errorf(connector.Malformed, "GET %s: the answer is about something else", strings.Split(pathOf(ref), "/")[1])
	case e.Status != "" && e.Status != "active":
		return e, connector.Errorf(connector.Gone, "it lies in the trash")
	}
	return e, nil
}

// Locate takes the addresses of the pages of files and folders: every customer has a
// name before app.box.com.
func (s *source) Locate(text string) (string, bool) {
	u, err := url.Parse(text)
	if err != nil {
		return "", false
	}
	own, err := url.Parse(s.cfg.web)
	if err != nil || u.Host != own.Host && !(s.cfg.web == publicWeb && strings.HasSuffix(u.Host, ".box.com")) {
		return "", false
	}
	parts := strings.Split(strings.Trim(u.Path, "/"), "/")
	if len(parts) != 2 || parts[0] != "file" && parts[0] != "folder" || !digits(parts[1]) {
		return "", false
	}
	return alias(parts[0], parts[1]), true
}
