package googledrive

import (
	"context"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/rialto-migrate/rialto/connector"
	"github.com/rialto-migrate/rialto/item"
)

// A draft is what is sent of a file. A nil value in a map clears the property.
type draft struct {
	ID          string             `json:"id,omitempty"`
	Name        string             `json:"name,omitempty"`
	MimeType    string             `json:"mimeType,omitempty"`
	Parents     []string           `json:"parents,omitempty"`
	Modified    time.Time          `json:"modifiedTime,omitzero"`
	Description *string            `json:"description,omitempty"`
	Properties  map[string]*string `json:"properties,omitempty"`
	Private     map[string]*string `json:"appProperties,omitempty"`
	Shortcut    *shortcutDetails   `json:"shortcutDetails,omitempty"`
}

// draft is what a change asks for; have is what the target holds, zero for a create.
func (t *target) draft(c connector.Change, have file) (draft, error) {
	it := c.Item
	var d draft
	if dirty(c, item.Name.Name) || c.Moved {
		d.Name = item.Name.Get(it)
	}
	if text := item.Description.Get(it); it.Kind != item.Shortcut && dirty(c, item.Description.Name) && (c.Op == connector.Update || text != "") {
		d.Description = &text
	}
	if c.Mark != "" {
		d.Private = map[string]*string{markKey: &c.Mark}
	}
	if it.Kind != item.File {
		return d, nil
	}
	// Whatever is written becomes the time of the change, if none is given.
	if d.Modified = item.Modified.Get(it); d.Modified.IsZero() {
		d.Modified = have.Modified
	}
	if dirty(c, item.Metadata.Name) {
		d.Properties = map[string]*string{}
		for k := range have.Properties {
			d.Properties[k] = nil
		}
		for _, pair := range item.Metadata.Get(it) {
			k, v, _ := strings.Cut(pair, "=")
			if len(k)+len(v) > 124 {
				return d, connector.Errorf(connector.Permanent, "POST /files: a name=value pair is longer than the 124 bytes that Drive keeps").WithHint("shorten its metadata at the source, or leave that away (policies)")
			}
			d.Properties[k] = &v
		}
		if len(d.Properties) == 0 {
			d.Properties = nil
		}
	}
	return d, nil
}

// media is what a file says it is. A type of Google's own would turn it into a
// document.
func media(it item.Item) string {
	m := item.MediaType.Get(it)
	if m == "" || strings.HasPrefix(m, googleTypes) || strings.ContainsFunc(m, func(r rune) bool { return r < ' ' || r > '~' }) {
		return plainBytes
	}
	return m
}

// create makes a folder, a file or a shortcut, under an id that Drive gave beforehand.
// It never stands in anything's way: names need not be unique. What has its mark already
// is taken over.
func (t *target) create(ctx context.Context, c connector.Change, open item.Opener) (b item.Bundle, adopted bool, err error) {
	if there, ok, err := t.marked(ctx, c); err != nil || ok {
		if err == nil {
			b, err = t.adopt(ctx, c, there, open)
		}
		return b, err == nil && !c.Doubted, err
	}
	b, err = t.make(ctx, c, open)
	return b, false, err
}

func (t *target) make(ctx context.Context, c connector.Change, open item.Opener) (item.Bundle, error) {
	d, err := t.draft(c, file{})
	if err != nil {
		return item.Bundle{}, err
	}
	of := "files"
	if c.Item.Kind == item.Shortcut {
		of = "shortcuts"
	}
	if d.ID, err = t.ids.take(ctx, of); err != nil {
		return item.Bundle{}, err
	}
	d.Parents = []string{c.Item.Parent.ID}
	var made file
	switch c.Item.Kind {
	case item.Folder:
		d.MimeType = folderType
		made, err = t.post(ctx, d)
	case item.Shortcut:
		id, ok := located(item.LeadsTo.Get(c.Item))
		if !ok {
			return item.Bundle{}, connector.Errorf(connector.Permanent, "POST /files: a shortcut that leads out of Drive").WithHint("make a file with the address in it instead")
		}
		d.MimeType, d.Shortcut = shortcutType, &shortcutDetails{Target: id}
		made, err = t.post(ctx, d)
	default:
		d.MimeType = media(c.Item)
		made, err = t.upload(ctx, "", d, c, open)
	}
	if err != nil {
		return item.Bundle{}, err
	}
	if c.Item.Kind == item.Folder {
		t.fresh.Store(made.ID, true)
	}
	return t.granted(ctx, c, made)
}

// unseen keeps what is created from being opened to the whole domain, where an
// administrator chose that for what people upload: it is opened to whom the source says
// (https://developers.google.com/workspace/drive/api/reference/rest/v3/files/create).
const unseen = "true"

// post creates something that has no bytes.
func (t *target) post(ctx context.Context, d draft) (file, error) {
	var made file
	err := t.person.api.write(ctx, "POST", "POST /files", "/files", everywhere("fields", fileFields, "ignoreDefaultVisibility", unseen), d, &made)
	return t.made(ctx, d.ID, made, err)
}

// makeFolder makes a folder that is no item of a migration's.
func (t *target) makeFolder(ctx context.Context, in, name, mark string) (file, error) {
	it := item.Item{Ref: item.Ref{Kind: item.Folder}, Parent: driveRef(in)}
	item.Name.Set(&it, name)
	d, err := t.draft(connector.Change{Op: connector.Create, Item: it, Mark: mark}, file{})
	if err != nil {
		return file{}, err
	}
	if d.ID, err = t.ids.take(ctx, "files"); err != nil {
		return file{}, err
	}
	d.MimeType, d.Parents = folderType, []string{in}
	return t.post(ctx, d)
}

// made decides about the answer of a create. The id is ours alone: where it is in use,
// or where nothing was heard, what stands there tells.
func (t *target) made(ctx context.Context, id string, f file, err error) (file, error) {
	if err == nil {
		return f, nil
	}
	class := connector.ClassOf(err)
	if status(err) != 409 && class != connector.Transient && class != connector.Malformed {
		return file{}, err
	}
	there, look := t.person.api.get(ctx, id, fileFields)
	if look == nil {
		return there, nil
	}
	if status(err) == 409 && gone(look) {
		return file{}, connector.Errorf(connector.Transient, "POST /files: the id is in use, and nothing is there yet").WithHint("run again")
	}
	return file{}, inDoubt(err)
}

// inDoubt says of an error that what was asked for may have been carried out, or still
// be.
func inDoubt(err error) error {
	return &connector.Error{Class: connector.ClassOf(err), Reason: err.Error(), InDoubt: true, Err: err}
}

// update writes what is dirty of an item: its bytes, what is said of it, where it lies
// and whom it is opened to. Drive v3 knows no conditions: what there is, is looked at
// right before, so that what somebody changes in that moment is written over; Drive
// keeps their version among the file's revisions for 30 days.
func (t *target) update(ctx context.Context, c connector.Change, open item.Opener) (item.Bundle, error) {
	have, err := t.person.api.get(ctx, c.Item.ID, fileFields)
	if err != nil {
		return item.Bundle{}, err
	}
	if err := t.current(c, have); err != nil {
		return item.Bundle{}, err
	}
	d, err := t.draft(c, have)
	if err != nil {
		return item.Bundle{}, err
	}
	q := moving(c, have)
	bytes := c.Item.Kind == item.File && dirty(c, item.Content.Name) && c.Item.Blob != nil
	if !bytes && c.Item.Kind == item.File && dirty(c, item.MediaType.Name) && c.Item.Blob != nil && media(c.Item) != have.MimeType {
		bytes = true // the type changes with the bytes alone
	}
	var made file
	if bytes {
		d.MimeType = media(c.Item)
		made, err = t.upload(ctx, have.ID, d, c, open, q)
	} else {
		err = t.person.api.write(ctx, "PATCH", "PATCH /files/{}", at(have.ID), merged(everywhere("fields", fileFields), q), d, &made)
	}
	if err != nil {
		return item.Bundle{}, err
	}
	return t.granted(ctx, c, made)
}

// current refuses an update of what is not as the change knows it.
func (t *target) current(c connector.Change, have file) error {
	stale := func() error {
		return connector.Errorf(connector.Conflict, "PATCH /files/{}: it has changed at the target").WithHint("run again: what is there now is looked at")
	}
	if have.Trashed {
		return connector.Errorf(connector.Gone, "PATCH /files/{}: it is in the bin by now").WithHint("take it out of the bin, or let it be made again")
	}
	if c.Prev == nil || c.Prev.Item.Blob == nil || !dirty(c, item.Content.Name) {
		return nil
	}
	if v := c.Prev.Item.Blob.Version; v != "" && v != have.Revision && have.Revision != "" {
		return stale()
	}
	return nil
}

// moving are the parameters that put an item elsewhere
// (https://developers.google.com/workspace/drive/api/guides/folder#move).
func moving(c connector.Change, have file) url.Values {
	if !c.Moved && len(c.Dirty) > 0 || c.Item.Parent.ID == "" || slices.Equal(have.Parents, []string{c.Item.Parent.ID}) {
		return nil
	}
	q := url.Values{}
	var old []string
	for _, p := range have.Parents {
		if p != c.Item.Parent.ID {
			old = append(old, p)
		}
	}
	if !slices.Contains(have.Parents, c.Item.Parent.ID) {
		q.Set("addParents", c.Item.Parent.ID)
	}
	if len(old) > 0 {
		q.Set("removeParents", strings.Join(old, ","))
	}
	return q
}

func merged(q url.Values, more ...url.Values) url.Values {
	for _, m := range more {
		for k, v := range m {
			q[k] = v
		}
	}
	return q
}

// granted brings the permissions of what was just written to what the change asks for,
// and tells what is stored. An error after the write leaves that in doubt.
func (t *target) granted(ctx context.Context, c connector.Change, f file) (item.Bundle, error) {
	tr := &tree{cloud: t.cloud, person: t.person, drive: t.drive}
	if c.Item.Parent.Kind == item.Drive {
		tr.top = c.Item.Parent.ID
	}
	if c.Item.Kind != item.Shortcut && dirty(c, item.Permissions.Name) {
		changed, err := t.grant(ctx, tr, f, item.Permissions.Get(c.Item))
		if err != nil {
			return item.Bundle{}, inDoubt(err)
		}
		if changed {
			if f, err = t.person.api.get(ctx, f.ID, fileFields); err != nil {
				return item.Bundle{}, inDoubt(err)
			}
		}
	}
	b, err := tr.whole(ctx, item.Ref{Kind: c.Item.Kind, ID: f.ID}, f)
	if err != nil {
		return item.Bundle{}, inDoubt(err)
	}
	return b, nil
}

// grant gives and takes permissions until those that were given right at a file are the
// ones that are wanted, one after the other: changes at the same time undo each other
// (https://developers.google.com/workspace/drive/api/reference/rest/v3/permissions).
// Nobody is told by mail.
func (t *target) grant(ctx context.Context, tr *tree, f file, want []item.Grant) (changed bool, err error) {
	if len(want) == 0 && !f.Shared && !f.Augmented {
		return false, nil
	}
	if err := tr.lists(ctx, &f); err != nil {
		return false, err
	}
	var above []permission
	if untold(f) && len(f.Parents) > 0 {
		up, err := t.person.api.get(ctx, f.Parents[0], "permissions("+permissionFields+")")
		if err != nil {
			return false, err
		}
		above = up.Permissions
	}
	held := map[string]permission{}
	for _, p := range direct(f.Permissions, above) {
		if p.Role != "owner" {
			held[memberID(p.Email, p.ID)] = p
		}
	}
	path := at(f.ID) + "/permissions"
	for _, g := range want {
		role, has := driveRole(g.Role), held[g.To]
		delete(held, g.To)
		switch {
		case g.To == "" || role == "":
			return changed, connector.Errorf(connector.Unsupported, "POST /files/{}/permissions: Drive is given no such grant")
		case roleOf(has.Role) == g.Role:
			continue
		case has.ID != "":
			err = t.person.api.write(ctx, "PATCH", "PATCH /files/{}/permissions/{}", path+"/"+url.PathEscape(has.ID), everywhere("fields", "id"), permission{Role: role}, &permission{})
		default:
			err = t.let(ctx, path, g.To, role)
		}
		if err != nil {
			return changed, err
		}
		changed = true
	}
	for _, p := range held {
		err := t.person.api.write(ctx, "DELETE", "DELETE /files/{}/permissions/{}", path+"/"+url.PathEscape(p.ID), everywhere(), nil, nil)
		if err != nil && !gone(err) {
			return changed, err
		}
		changed = true
	}
	return changed, nil
}

// let gives somebody of the place a permission. To do so twice is the same as once.
func (t *target) let(ctx context.Context, path, to, role string) error {
	all, err := t.people(ctx)
	if err != nil {
		return err
	}
	who, ok := all[to]
	if !ok || who.Email == "" {
		return connector.Errorf(connector.Permanent, "POST /files/{}/permissions: somebody is not among the people of the place").WithHint("make them a member of the shared drive, name them in the setting " + setPeople + ", or take them out of the people map")
	}
	return t.person.api.write(ctx, "POST", "POST /files/{}/permissions", path, everywhere("fields", "id", "sendNotificationEmail", "false"),
		permission{Type: who.Type, Role: role, Email: who.Email}, &permission{})
}
