package s3

import (
	"context"
	"errors"
	"iter"
	"net/http"
	"strings"
	"time"

	"github.com/rialto-migrate/rialto/connector"
	"github.com/rialto-migrate/rialto/item"
)

// A target writes below one place.
type target struct {
	*cloud
	place string // an id: "/bucket" or "/bucket/folder"
}

// Write carries changes out side by side. A container and a folder are parts of
// keys: they take no request, but for an empty folder, which is an object.
func (t *target) Write(ctx context.Context, changes []connector.Change, open item.Opener) iter.Seq2[connector.Result, error] {
	return connector.Each(ctx, changes, writes, func(ctx context.Context, ch connector.Change) connector.Result {
		var stored item.Item
		var adopted bool
		var err error
		switch ch.Item.Kind {
		case item.Drive:
			stored = t.container(ch)
		case item.Folder:
			stored, adopted, err = t.writeFolder(ctx, ch)
		case item.File:
			if ch.Moved {
				if stored, err = t.move(ctx, ch); err != nil || !rewrites(ch) {
					break
				}
				ch.Item.ID, ch.Prev = stored.ID, &item.Bundle{Item: stored}
			}
			stored, adopted, err = t.writeFile(ctx, ch, open)
		default:
			err = connector.Errorf(connector.Unsupported, "s3 holds no %s", ch.Item.Kind)
		}
		return connector.Result{Stored: item.Bundle{Item: stored, CheckItems: -1}, Adopted: adopted, Err: err}
	})
}

// container is the place, or a folder of the container's name in it.
func (t *target) container(ch connector.Change) item.Item {
	id := ch.Item.ID
	if ch.Op == connector.Create {
		id = t.place
		if name := item.Name.Get(ch.Item); name != "" {
			id = connector.Below(id, name)
		}
	}
	return t.drive(driveRef(id)).Item
}

// writeFolder keeps an empty folder as an object of no bytes whose key ends with a
// slash (https://docs.aws.amazon.com/AmazonS3/latest/userguide/using-folders.html).
func (t *target) writeFolder(ctx context.Context, ch connector.Change) (item.Item, bool, error) {
	it := folderOf(ch.Item.Parent, item.Name.Get(ch.Item))
	bucket, key := object(it.Ref)
	empty := item.Empty.Get(ch.Item)
	if !empty {
		return it, false, nil
	}
	item.Empty.Set(&it, true)
	if e := t.standing(ctx, connector.Change{Op: connector.Create}, bucket, key); e != nil {
		return it, e.Class == connector.Conflict, unlessConflict(e)
	}
	q := connector.Request{Method: http.MethodPut, URL: t.address(bucket, key, ""), Header: http.Header{"If-None-Match": {"*"}, "Content-Type": {noType}}, Body: none, Call: "PUT {folder}", Class: classWrite}
	resp, err := t.do(ctx, q)
	if e, ok := errors.AsType[*connector.Error](err); ok && t.refusesConditions(q, e) {
		resp, err = t.do(ctx, q)
	}
	if connector.ClassOf(err) == connector.Conflict {
		return it, true, nil // it stands there
	}
	if err != nil {
		return item.Item{}, false, err
	}
	resp.Body.Close()
	if etagOf(resp.Header) == "" {
		return item.Item{}, false, notS3(q.Call)
	}
	return it, false, nil
}

func unlessConflict(e *connector.Error) error {
	if e.Class == connector.Conflict {
		return nil
	}
	return e
}

func (t *target) Fetch(ctx context.Context, container item.Ref, refs []item.Ref) iter.Seq2[item.Bundle, error] {
	return t.cloud.Fetch(ctx, connector.Shard{Ref: container}, refs)
}

// Find lists a container, and for none the place and the folders in it: whatever
// stands below the place may be ours. S3 tells when an object was stored, but not
// by whom.
func (t *target) Find(ctx context.Context, container item.Ref, _ time.Time) iter.Seq2[connector.Found, error] {
	return func(yield func(connector.Found, error) bool) {
		if container.Zero() {
			t.findContainers(ctx, yield)
			return
		}
		for p, err := range t.List(ctx, connector.Shard{Ref: container}, "") {
			if err != nil {
				yield(connector.Found{}, err)
				return
			}
			var refs []item.Ref
			for _, b := range p.Bundles {
				if b.Item.Kind != item.Drive {
					refs = append(refs, b.Item.Ref)
				}
			}
			for b, err := range t.cloud.Fetch(ctx, connector.Shard{Ref: container}, refs) {
				if !yield(connector.Found{Bundle: b}, err) || err != nil {
					return
				}
			}
		}
	}
}

func (t *target) findContainers(ctx context.Context, yield func(connector.Found, error) bool) {
	if !yield(connector.Found{Bundle: t.drive(driveRef(t.place))}, nil) {
		return
	}
	bucket, prefix := below(t.place)
	for token := ""; ; {
		p, err := t.page(ctx, bucket, listing{prefix: prefix, token: token, folders: true})
		if err != nil {
			yield(connector.Found{}, err)
			return
		}
		for _, f := range p.folders {
			if !yield(connector.Found{Bundle: t.drive(driveRef("/" + bucket + "/" + strings.TrimSuffix(f, "/")))}, nil) {
				return
			}
		}
		if token = p.next; token == "" {
			return
		}
	}
}

// Delete looks at an object, asks, and deletes it if it is still the one that was
// looked at. A folder is removed by the object that stands for it; without one it
// is gone with what lay in it.
func (t *target) Delete(ctx context.Context, container, r item.Ref, accept func(item.Bundle) bool) (bool, error) {
	if r.Kind == item.Drive {
		return t.deleteDrive(ctx, r, accept)
	}
	b, err := t.fetch(ctx, container, r)
	if err != nil || b == nil {
		return err == nil, err
	}
	if r.Kind == item.Folder && !item.Empty.Get(b.Item) {
		// Something lies in it: others', or it would have been removed before. What
		// stands for the folder alone stays with it.
		return accept(*b), nil
	}
	if !accept(*b) {
		return false, nil
	}
	bucket, key := object(r)
	q := connector.Request{Method: http.MethodDelete, URL: t.address(bucket, key, ""), Header: http.Header{}, Call: "DELETE {object}", Class: classDelete}
	if b.Item.Blob != nil && b.Item.Blob.Version != "" {
		q.Header["If-Match"] = []string{`"` + b.Item.Blob.Version + `"`}
	}
	resp, err := t.do(ctx, q)
	switch connector.ClassOf(err) {
	case connector.Conflict:
		if err != nil {
			return false, nil // changed since it was looked at
		}
	case connector.Gone:
		return true, nil
	}
	if err != nil {
		return false, err
	}
	resp.Body.Close()
	if resp.StatusCode != http.StatusNoContent {
		return false, notS3(q.Call)
	}
	return true, nil
}

// deleteDrive removes nothing: a container is the part that its keys begin with,
// and the bucket is not ours.
func (t *target) deleteDrive(ctx context.Context, r item.Ref, accept func(item.Bundle) bool) (bool, error) {
	return accept(t.drive(r)), nil
}

// Carrier: what is written stands where its id says, and carries no mark.
func (t *target) Carrier(item.Kind, string) string { return "" }

func (t *target) Finish(context.Context, item.Ref) error { return nil }

// Link: objects have no addresses that people open.
func (t *target) Link(item.Ref, item.Ref) string { return "" }

// Members: nobody is assigned anything in a bucket.
func (t *target) Members(context.Context) iter.Seq2[item.Item, error] {
	return func(func(item.Item, error) bool) {}
}
