package googledrive

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"iter"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/rialto-migrate/rialto/connector"
	"github.com/rialto-migrate/rialto/item"
)

// A target writes into one folder, as one person.
type target struct {
	*cloud
	person *person
	ids    *pool
	top    string // the top folder of the drive
	drive  string // the shared drive, "" for My Drive

	making  sync.Mutex // of containers; it guards these two
	at      string     // the folder that the place is, as far as it is there
	missing []string   // names of the folders of the place that are not there

	uploads uploads
	fresh   sync.Map // ids of the folders that this target made

	knowing sync.Mutex
	members map[string]permission // people of the place by their member's id, once asked
}

// Write carries changes out side by side.
func (t *target) Write(ctx context.Context, changes []connector.Change, open item.Opener) iter.Seq2[connector.Result, error] {
	return connector.Each(ctx, changes, side, func(ctx context.Context, c connector.Change) connector.Result {
		var b item.Bundle
		var adopted bool
		var err error
		switch {
		case c.Item.Kind == item.Drive:
			b, adopted, err = t.writeDrive(ctx, c)
		case c.Op == connector.Update:
			b, err = t.update(ctx, c, open)
		case c.Item.Kind == item.Folder || c.Item.Kind == item.File || c.Item.Kind == item.Shortcut:
			b, adopted, err = t.create(ctx, c, open)
		default:
			err = connector.Errorf(connector.Unsupported, "Drive holds no %s", c.Item.Kind)
		}
		return connector.Result{Stored: b, Adopted: adopted, Err: err}
	})
}

// dirty reports whether a field is to be written.
func dirty(c connector.Change, field string) bool {
	return c.Op == connector.Create || len(c.Dirty) == 0 || slices.Contains(c.Dirty, field)
}

// Fetch reads items afresh.
func (t *target) Fetch(ctx context.Context, container item.Ref, refs []item.Ref) iter.Seq2[item.Bundle, error] {
	return t.fetch(ctx, container, t.placed(), refs)
}

// markKey is the private property that carries the mark. It and its value are at most
// 124 bytes (https://developers.google.com/workspace/drive/api/guides/properties), and
// the value says nothing to whoever does not know the source.
const markKey = "rialto"

// Carrier is a hash of the mark.
func (t *target) Carrier(k item.Kind, mark string) string {
	if mark == "" || k == item.Member {
		return ""
	}
	sum := sha256.Sum256([]byte(mark))
	return base64.RawURLEncoding.EncodeToString(sum[:])
}

// Finish has nothing to do.
func (t *target) Finish(context.Context, item.Ref) error { return nil }

// slack is how much earlier than asked for is looked: this machine's clock may be ahead.
const slack = 10 * time.Minute

// Find lists what was made in a container since a time; for no container, the place and
// the folders in it. Drive tells when a file was made, and what we mark.
func (t *target) Find(ctx context.Context, container item.Ref, since time.Time) iter.Seq2[connector.Found, error] {
	return func(yield func(connector.Found, error) bool) {
		give := func(tree *tree, f file, above []permission) bool {
			b, ok := tree.bundle(f, above)
			return !ok || yield(connector.Found{Bundle: b, Mark: f.Private[markKey], Made: f.Created}, nil)
		}
		if container.Zero() {
			if err := t.containers(ctx, give); err != nil {
				yield(connector.Found{}, err)
			}
			return
		}
		tree, top, err := t.tree(ctx, container)
		if err != nil {
			if !gone(err) {
				yield(connector.Found{}, err)
			}
			return
		}
		tree.place = t.placed()
		w := newWalk(tree, top)
		if _, err := w.folders(ctx, func() bool { w.ready = nil; return true }); err != nil {
			yield(connector.Found{}, err)
			return
		}
		when := ""
		if !since.IsZero() {
			when = fmt.Sprintf(" and createdTime >= %s", quoted(since.Add(-slack).UTC().Format(time.RFC3339)))
		}
		err = w.query(ctx, "trashed = false"+when, "", func(page []file, _ string) bool {
			for _, f := range page {
				up, ok := w.lies(f)
				if !ok || f.ID == w.top {
					continue
				}
				f.Parents = up
				if !give(tree, f, w.above(f)) {
					return false
				}
			}
			return true
		})
		if err != nil {
			yield(connector.Found{}, err)
		}
	}
}

// containers gives the place and the folders in it.
func (t *target) containers(ctx context.Context, give func(*tree, file, []permission) bool) error {
	at := t.placed()
	if at == "" {
		return nil
	}
	here, top, err := t.tree(ctx, driveRef(at))
	if err != nil {
		return err
	}
	here.place = at
	if !give(here, top, nil) {
		return nil
	}
	_, err = t.person.api.all(ctx, t.drive, quoted(at)+" in parents and "+folders, fileFields, func(f file) bool {
		in := *here
		in.top, in.root = f.ID, false
		return give(&in, f, top.Permissions)
	})
	return err
}

// Delete puts an item into the bin if accept says yes to what it is at that moment. A
// folder in which something lies stays: with it, Drive would take away what people put
// there. Between the look and the deed nothing holds others off: Drive v3 has no
// conditions.
func (t *target) Delete(ctx context.Context, container, ref item.Ref, accept func(item.Bundle) bool) (bool, error) {
	tree, err := t.known(ctx, container)
	if gone(err) {
		return true, nil
	}
	if err != nil {
		return false, err
	}
	tree.place = t.placed()
	b, err := tree.read(ctx, ref)
	if gone(err) {
		return true, nil
	}
	if err != nil {
		return false, err
	}
	if ref.Kind == item.Folder || ref.Kind == item.Drive {
		empty := true
		_, err := t.person.api.all(ctx, t.drive, quoted(ref.ID)+" in parents and trashed = false", "id", func(file) bool {
			empty = false
			return false
		})
		if err != nil || !empty {
			return false, err
		}
	}
	if ref.ID == t.top || !accept(b) {
		return false, nil
	}
	err = t.person.api.write(ctx, "PATCH", "PATCH /files/{}", at(ref.ID), everywhere("fields", "id,trashed"), map[string]bool{"trashed": true}, &file{})
	if gone(err) {
		err = nil
	}
	return err == nil, err
}

// Members yields the people and groups of the place: the members of a shared drive, or
// the person whose My Drive it is; whom the place's folder was opened to; and those whom
// the setting people names. Drive's API has no list of a domain's accounts.
func (t *target) Members(ctx context.Context) iter.Seq2[item.Item, error] {
	return func(yield func(item.Item, error) bool) {
		u, err := t.person.whoami(ctx)
		if err != nil {
			yield(item.Item{}, err)
			return
		}
		all, err := t.people(ctx)
		if err != nil {
			yield(item.Item{}, err)
			return
		}
		for _, id := range slices.Sorted(maps.Keys(all)) {
			p := all[id]
			it, ok := p.member(item.Ref{})
			if !ok {
				continue
			}
			if t.drive == "" && it.ID == memberID(u.Email, u.PermissionID) {
				item.OwnsPlace.Set(&it, true)
			}
			if !yield(it, nil) {
				return
			}
		}
	}
}

// people are those of the place by their ids, asked for once.
func (t *target) people(ctx context.Context) (map[string]permission, error) {
	t.making.Lock()
	at := t.at
	t.making.Unlock()
	t.knowing.Lock()
	defer t.knowing.Unlock()
	if t.members != nil {
		return t.members, nil
	}
	u, err := t.person.whoami(ctx)
	if err != nil {
		return nil, err
	}
	known := map[string]permission{}
	if t.drive == "" {
		known[memberID(u.Email, u.PermissionID)] = permission{ID: u.PermissionID, Type: "user", Email: u.Email, Name: u.Name}
	}
	for _, p := range t.cfg.people {
		known[memberID(p.Email, "")] = p
	}
	for _, id := range slices.Compact([]string{t.top, at}) {
		all, err := t.person.api.permissions(ctx, id)
		if err != nil && connector.ClassOf(err) != connector.Forbidden {
			return nil, err
		}
		for _, p := range all {
			if _, ok := p.member(item.Ref{}); ok && !p.Deleted {
				known[memberID(p.Email, p.ID)] = p
			}
		}
	}
	t.members = known
	return known, nil
}
