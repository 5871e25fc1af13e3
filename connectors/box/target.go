package box

import (
	"context"
	"iter"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/rialto-migrate/rialto/connector"
	"github.com/rialto-migrate/rialto/item"
)

// A target writes into all files of an account, or into one folder.
type target struct {
	*cloud
	path []string // the names of the folders that lead to the place; none for all files

	lock  sync.Mutex
	place string // its folder's id, once it is known
}

// Write carries changes out side by side.
func (t *target) Write(ctx context.Context, changes []connector.Change, open item.Opener) iter.Seq2[connector.Result, error] {
	return connector.Each(ctx, changes, side, func(ctx context.Context, c connector.Change) connector.Result {
		if c.Item.Kind == item.Drive {
			b, adopted, err := t.writeDrive(ctx, c)
			return connector.Result{Stored: b, Adopted: adopted, Err: err}
		}
		var b item.Bundle
		var adopted bool
		var err error
		switch {
		case c.Item.Kind == item.Folder && c.Op == connector.Create:
			b, adopted, err = t.createFolder(ctx, c)
		case c.Item.Kind == item.File && c.Op == connector.Create:
			b, adopted, err = t.createFile(ctx, c, open)
		case c.Item.Kind == item.Shortcut && c.Op == connector.Create:
			b, adopted, err = t.createLink(ctx, c)
		case c.Item.Kind == item.Folder:
			b, err = t.updateFolder(ctx, c)
		case c.Item.Kind == item.File:
			b, err = t.updateFile(ctx, c, open)
		case c.Item.Kind == item.Shortcut:
			b, err = t.updateLink(ctx, c)
		default:
			err = connector.Errorf(connector.Unsupported, "Box holds no %s that could be written", c.Item.Kind)
		}
		return connector.Result{Stored: b, Adopted: adopted, Err: err}
	})
}

// folderOf is the id of the folder that an item goes to.
func folderOf(parent item.Ref) (string, error) {
	if parent.Kind == item.Drive {
		d, err := readDrive(parent)
		return d.folder, err
	}
	return parent.ID, nil
}

// within is how items below a parent are told: their parent is the one that they were
// given to.
func (t *target) within(parent item.Ref) tree {
	out := tree{web: t.cfg.web, actor: t.cfg.as}
	if d, err := readDrive(parent); err == nil {
		out.drive = d
	}
	return out
}

// told is the item of an entry below the parent that its change names.
func (t *target) told(c connector.Change, e entry, given []item.Grant) item.Bundle {
	b := t.within(c.Item.Parent).bundle(e, grants{given: given})
	b.Item.Parent = c.Item.Parent
	if b.Item.Blob != nil {
		b.Item.Blob.Parent = c.Item.Parent
	}
	return b
}

// writeDrive makes the folder of a drive with those above it, or takes over what is
// there.
func (t *target) writeDrive(ctx context.Context, c connector.Change) (item.Bundle, bool, error) {
	me, err := t.self(ctx)
	if err != nil {
		return item.Bundle{}, false, err
	}
	at, adopted, err := t.placeFolder(ctx)
	name := item.Name.Get(c.Item)
	var e entry
	switch {
	case err != nil:
	case c.Op == connector.Update:
		var d drive
		if d, err = readDrive(c.Item.Ref); err == nil {
			at = d.folder
		}
	case name != "":
		e, adopted, err = t.makeFolder(ctx, at, name)
		at = e.ID
	}
	if err != nil {
		return item.Bundle{}, false, err
	}
	d := drive{me.ID, at}
	of, err := t.tree(ctx, d)
	if err != nil {
		return item.Bundle{}, false, err
	}
	b, e, err := t.bundle(ctx, of, d.ref())
	if err == nil && dirty(c, item.Permissions.Name) {
		var have grants
		if have, err = t.grants(ctx, t.cfg.as, e); err == nil {
			b, err = t.opened(ctx, c, b, e, have)
		}
	}
	return b, adopted, err
}

// opened lets those at something whom the change names, and tells it with them.
func (t *target) opened(ctx context.Context, c connector.Change, b item.Bundle, e entry, have grants) (item.Bundle, error) {
	want := item.Permissions.Get(c.Item)
	if len(want) == 0 && (c.Op == connector.Create || len(withoutLinks(have.given)) == 0) {
		return b, nil
	}
	now, err := t.grant(ctx, e, have, want)
	if err != nil {
		return b, err
	}
	setGrants(&b.Item, now)
	if len(now) == 0 {
		delete(b.Item.Fields, item.Permissions.Name)
	}
	return b, nil
}

// placeFolder is the id of the place's folder, which is made with those above it
// where it is missing.
func (t *target) placeFolder(ctx context.Context) (id string, adopted bool, err error) {
	t.lock.Lock()
	defer t.lock.Unlock()
	if t.place != "" {
		return t.place, true, nil
	}
	id, adopted = "0", true
	for _, name := range t.path {
		var e entry
		if e, adopted, err = t.makeFolder(ctx, id, name); err != nil {
			return "", false, err
		}
		id = e.ID
	}
	t.place = id
	t.places.Store(id, true)
	return id, adopted, nil
}

// findPlace is the id of the place's folder; it fails with class Gone if it is not
// there.
func (t *target) findPlace(ctx context.Context) (string, error) {
	t.lock.Lock()
	defer t.lock.Unlock()
	if t.place != "" {
		return t.place, nil
	}
	id := "0"
	for _, name := range t.path {
		found := ""
		for e, err := range t.inside(ctx, id) {
			if err != nil {
				return "", err
			}
			if e.Type != "folder" {
				break // folders come first
			}
			if strings.EqualFold(e.Name, name) {
				found = e.ID
				break
			}
		}
		if found == "" {
			return "", connector.Errorf(connector.Gone, "the folder of the place is not there")
		}
		id = found
	}
	t.place = id
	t.places.Store(id, true)
	return id, nil
}

// inside yields what lies in a folder.
func (t *target) inside(ctx context.Context, folder string) iter.Seq2[entry, error] {
	return func(yield func(entry, error) bool) {
		query := q("usemarker", "true", "limit", "1000", "fields", itemFields)
		for {
			var told files
			if err := t.api.get(ctx, t.cfg.as, "/folders/"+folder+"/items", query, &told); err != nil {
				yield(entry{}, err)
				return
			}
			for _, e := range told.Entries {
				if !yield(e, nil) {
					return
				}
			}
			if told.Next == "" {
				return
			}
			query.Set("marker", told.Next)
		}
	}
}

// makeFolder makes a folder, or takes over the one that bears the name. A request
// whose answer was lost is sent again: where the first one was carried out, the name
// is in use.
func (t *target) makeFolder(ctx context.Context, parent, name string) (e entry, adopted bool, err error) {
	in := struct {
		Name   string `json:"name"`
		Parent idOf   `json:"parent"`
	}{name, idOf{parent}}
	began, doubted := time.Now(), false
	for attempt := 1; ; attempt++ {
		_, err = t.api.json(ctx, t.api.request(t.cfg.as, http.MethodPost, "/folders", fields(itemFields), in), &e)
		if !connector.InDoubt(err) || attempt == tries || ctx.Err() != nil || connector.Pause(ctx, attempt, 0) != nil {
			break
		}
		doubted = true
	}
	if !refused(err, "item_name_in_use") {
		return e, false, err
	}
	there := standing(err)
	if there == nil || there.Type != "folder" {
		return entry{}, false, err
	}
	e, err = t.entry(ctx, t.cfg.as, item.Ref{Kind: item.Folder, ID: there.ID})
	// Clocks differ; what stood there long before is not ours.
	return e, !doubted || moment(e.Created).Before(began.Add(-10*time.Minute)), err
}

func (t *target) createFolder(ctx context.Context, c connector.Change) (item.Bundle, bool, error) {
	parent, err := folderOf(c.Item.Parent)
	if err != nil {
		return item.Bundle{}, false, err
	}
	e, adopted, err := t.makeFolder(ctx, parent, item.FileName.Get(c.Item))
	if err != nil {
		return item.Bundle{}, false, err
	}
	if adopted {
		g, err := t.grants(ctx, t.cfg.as, e)
		return t.told(c, e, g.given), true, err
	}
	b, err := t.complete(ctx, c, e, false)
	return b, false, inDoubt(err)
}

// A change of what is told of a file or folder beside its bytes. Its zero value
// changes nothing.
type revision struct {
	Name        *string   `json:"name,omitempty"`
	Parent      *idOf     `json:"parent,omitempty"`
	Description *string   `json:"description,omitempty"`
	Tags        *[]string `json:"tags,omitempty"`
	// Modified is not in the contract; Box takes it all the same
	// (github.com/rclone/rclone, backend/box/box.go, setModTime).
	Modified string `json:"content_modified_at,omitempty"`
	URL      string `json:"url,omitempty"`
}

// complete writes what the first request of a create could not carry, and who was
// let at it. doubted says that an earlier attempt may have done so.
func (t *target) complete(ctx context.Context, c connector.Change, e entry, doubted bool) (item.Bundle, error) {
	var r revision
	if d := item.Description.Get(c.Item); d != "" && d != e.Description {
		r.Description = &d
	}
	if tags := t.tags(c); len(tags) > 0 && !slices.Equal(metadata(tags), metadata(e.Tags)) {
		r.Tags = &tags
	}
	e, err := t.revise(ctx, c.Item.Ref.Kind, e, r)
	if err != nil {
		return item.Bundle{}, err
	}
	var have grants
	if doubted && len(item.Permissions.Get(c.Item)) > 0 {
		if have, err = t.grants(ctx, t.cfg.as, e); err != nil {
			return item.Bundle{}, err
		}
	}
	return t.opened(ctx, c, t.told(c, e, nil), e, have)
}

// tags are those that a change writes; nil where none are written.
func (t *target) tags(c connector.Change) []string {
	if m := item.Metadata.Get(c.Item); t.cfg.tags && len(m) > 0 {
		return tagsOf(m)
	}
	return nil
}

// revise writes a revision, if it changes anything, of what is as it was read.
func (t *target) revise(ctx context.Context, k item.Kind, e entry, r revision) (entry, error) {
	if r == (revision{}) {
		return e, nil
	}
	var out entry
	query := fields(itemFields)
	if k == item.Shortcut {
		query = nil
	}
	err := t.api.send(ctx, only(t.api.request(t.cfg.as, http.MethodPut, pathOf(item.Ref{Kind: k, ID: e.ID}), query, r), e.ETag), &out)
	if refused(err, "precondition_failed") {
		// The answer to a first attempt may have been lost, so that this is our own
		// change: it is looked at.
		now, e2 := t.entry(ctx, t.cfg.as, item.Ref{Kind: k, ID: e.ID})
		if e2 == nil && r.done(now) {
			return now, nil
		}
	}
	return out, err
}

// done reports whether an entry is as a revision has it.
func (r revision) done(e entry) bool {
	return (r.Name == nil || *r.Name == e.Name) && (r.Parent == nil || r.Parent.ID == e.Parent.ID) && (r.Description == nil || *r.Description == e.Description) &&
		(r.Tags == nil || slices.Equal(metadata(*r.Tags), metadata(e.Tags))) && (r.Modified == "" || moment(r.Modified).Equal(moment(e.Modified))) && (r.URL == "" || r.URL == e.URL)
}

// dirty reports whether a field is to be written.
func dirty(c connector.Change, field string) bool {
	return len(c.Dirty) == 0 || slices.Contains(c.Dirty, field)
}

// inDoubt says of an error after a write that the write was carried out.
func inDoubt(err error) error {
	if err == nil {
		return nil
	}
	return &connector.Error{Class: connector.ClassOf(err), Reason: err.Error(), InDoubt: true, Err: err}
}

// revision is what an update changes beside the bytes: of a file, with its time unless
// that goes with the bytes.
func (t *target) revision(c connector.Change, now entry, withTime bool) (revision, error) {
	var r revision
	if name := item.FileName.Get(c.Item); name != now.Name && (c.Moved || dirty(c, item.FileName.Name)) {
		r.Name = &name
	}
	if c.Moved {
		parent, err := folderOf(c.Item.Parent)
		if err != nil {
			return r, err
		}
		if parent != now.Parent.ID {
			r.Parent = &idOf{parent}
		}
	}
	if c.Item.Kind == item.Shortcut {
		return r, nil
	}
	if d := item.Description.Get(c.Item); dirty(c, item.Description.Name) && d != now.Description {
		r.Description = &d
	}
	if c.Item.Kind == item.File && t.cfg.tags && dirty(c, item.Metadata.Name) {
		if tags := tagsOf(item.Metadata.Get(c.Item)); !slices.Equal(metadata(tags), metadata(now.Tags)) {
			r.Tags = &tags
		}
	}
	if m := item.Modified.Get(c.Item); withTime && c.Item.Kind == item.File && dirty(c, item.Modified.Name) && !m.IsZero() && !m.Truncate(time.Second).Equal(moment(now.Modified)) {
		r.Modified = stamp(m)
	}
	return r, nil
}

func (t *target) updateFolder(ctx context.Context, c connector.Change) (item.Bundle, error) {
	now, err := t.entry(ctx, t.cfg.as, c.Item.Ref)
	if err != nil {
		return item.Bundle{}, err
	}
	r, err := t.revision(c, now, false)
	if err == nil {
		now, err = t.revise(ctx, c.Item.Kind, now, r)
	}
	if err != nil {
		return item.Bundle{}, err
	}
	return t.after(ctx, c, now)
}

// after writes who is let at what an update changed, and tells it.
func (t *target) after(ctx context.Context, c connector.Change, now entry) (item.Bundle, error) {
	have, err := t.grants(ctx, t.cfg.as, now)
	if err != nil {
		return item.Bundle{}, inDoubt(err)
	}
	b := t.told(c, now, have.given)
	if !dirty(c, item.Permissions.Name) {
		return b, nil
	}
	b, err = t.opened(ctx, c, b, now, have)
	return b, inDoubt(err)
}

func (t *target) Fetch(ctx context.Context, container item.Ref, refs []item.Ref) iter.Seq2[item.Bundle, error] {
	return t.fetch(ctx, container, refs)
}

// Find yields what came into a container since a time: what was written bears its
// name there, which nothing else in its folder does. Without a container it yields the
// place, if it is there, and the folders in it, each of which may be a drive.
func (t *target) Find(ctx context.Context, container item.Ref, since time.Time) iter.Seq2[connector.Found, error] {
	return func(yield func(connector.Found, error) bool) {
		if container.Zero() {
			t.findDrives(ctx, yield)
			return
		}
		d, err := readDrive(container)
		var of tree
		if err == nil {
			of, err = t.tree(ctx, d)
		}
		if err != nil {
			if connector.ClassOf(err) != connector.Gone {
				yield(connector.Found{}, err)
			}
			return
		}
		w := t.walk(of)
		give := func(found []item.Bundle) bool {
			for _, b := range found {
				made := item.Created.Get(b.Item)
				if b.Item.Kind == item.Drive || !since.IsZero() && made.Before(since.Add(-5*time.Minute)) {
					continue
				}
				if !yield(connector.Found{Bundle: b, Made: made}, nil) {
					return false
				}
			}
			return true
		}
		for page, err := range w.all(ctx) {
			if err != nil {
				if connector.ClassOf(err) != connector.Gone {
					yield(connector.Found{}, err)
				}
				return
			}
			if !give(page.Bundles) {
				return
			}
		}
		give(w.ready)
	}
}

func (t *target) findDrives(ctx context.Context, yield func(connector.Found, error) bool) {
	me, err := t.self(ctx)
	place := ""
	if err == nil {
		place, err = t.findPlace(ctx)
	}
	if err == nil {
		var b item.Bundle
		d := drive{me.ID, place}
		if b, _, err = t.bundle(ctx, tree{drive: d, web: t.cfg.web, actor: t.cfg.as}, d.ref()); err == nil && !yield(connector.Found{Bundle: b}, nil) {
			return
		}
	}
	if err != nil {
		if connector.ClassOf(err) != connector.Gone {
			yield(connector.Found{}, err)
		}
		return
	}
	for e, err := range t.inside(ctx, place) {
		if err != nil {
			yield(connector.Found{}, err)
			return
		}
		if e.Type != "folder" {
			return // folders come first
		}
		g, err := t.grants(ctx, t.cfg.as, e)
		b := tree{drive: drive{me.ID, e.ID}, name: e.Name, web: t.cfg.web, actor: t.cfg.as}.bundle(e, g)
		if !yield(connector.Found{Bundle: b, Made: moment(e.Created)}, err) || err != nil {
			return
		}
	}
}

// Carrier returns nothing: what is written is found by its name in its folder.
func (t *target) Carrier(item.Kind, string) string { return "" }

func (t *target) Finish(context.Context, item.Ref) error { return nil }

// Link is the address of the page of a file or folder.
func (t *target) Link(ref, _ item.Ref) string {
	if d, err := readDrive(ref); err == nil {
		return address(t.cfg.web, "folder", d.folder)
	}
	if typeOf(ref.Kind) == "" {
		return ""
	}
	return address(t.cfg.web, typeOf(ref.Kind), ref.ID)
}
