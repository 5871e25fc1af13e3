package googledrive

import (
	"cmp"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/rialto-migrate/rialto/item"
)

// A tree knows one container: what is the drive, and whose it is.
type tree struct {
	*cloud
	person *person
	top    string // the id of the folder that the container is
	drive  string // the shared drive that it lies in, "" in My Drive
	root   bool   // it is the whole of a drive
	place  string // what it is called where that does not count: the target's place itself
}

// parent is the reference of what a file lies in. One of an older time may lie in
// several folders, of which the first by its id is taken; one that lies in none, or in
// one that this person does not see, lies at the top
// (https://developers.google.com/workspace/drive/api/guides/ref-single-parent).
func (t *tree) parent(f file) item.Ref {
	switch {
	case len(f.Parents) == 0, slices.Contains(f.Parents, t.top):
		return driveRef(t.top)
	}
	return item.Ref{Kind: item.Folder, ID: slices.Min(f.Parents)}
}

// kindOf is the kind of item that a file is; "" for one that is not carried: what
// then names it.
func (t *tree) kindOf(f file) (kind item.Kind, what string) {
	switch {
	case f.ID == t.top:
		return item.Drive, ""
	case f.MimeType == folderType:
		return item.Folder, ""
	case f.MimeType == shortcutType && f.Shortcut != nil:
		return item.Shortcut, ""
	}
	doc := document(f.MimeType)
	if _, ok := formats(doc, t.cfg.documents); doc != "" && !ok {
		return "", "file." + doc
	}
	return item.File, ""
}

// bundle is the item that a file is; ok is false for one that is not carried.
func (t *tree) bundle(f file, above []permission) (b item.Bundle, ok bool) {
	kind, _ := t.kindOf(f)
	if kind == "" {
		return b, false
	}
	it := item.Item{Ref: item.Ref{Kind: kind, ID: f.ID}, URL: link(f.ID, kind == item.Folder || kind == item.Drive)}
	if kind != item.Drive {
		it.Parent = t.parent(f)
	}
	item.Name.Set(&it, f.Name)
	item.Created.Set(&it, f.Created.UTC())
	b.CheckItems = -1
	if f.Starred {
		b.Unknown = append(b.Unknown, string(kind)+".starred")
	}
	switch kind {
	case item.Drive:
		item.Name.Set(&it, t.called(f))
	case item.Folder:
		item.Description.Set(&it, f.Description)
	case item.Shortcut:
		item.LeadsTo.Set(&it, link(f.Shortcut.Target, f.Shortcut.Type == folderType))
	case item.File:
		t.file(&it, f)
	}
	if kind != item.Shortcut {
		grants, unknown := t.grants(f, above)
		item.Permissions.Set(&it, grants)
		for _, what := range unknown {
			b.Unknown = append(b.Unknown, string(kind)+"."+what)
		}
	}
	b.Item = it
	return b, true
}

// called is the name of a container. Each My Drive is called that by Google: where the
// connection acts as several people, with whose it is.
func (t *tree) called(f file) string {
	switch {
	case f.ID == t.place:
		return ""
	case t.root && t.drive == "" && len(t.people) > 1:
		return f.Name + " of " + t.person.address
	}
	return f.Name
}

// file adds what files alone have.
func (t *tree) file(it *item.Item, f file) {
	item.Description.Set(it, f.Description)
	item.Modified.Set(it, f.Modified.UTC())
	item.Metadata.Set(it, pairs(f.Properties))
	if len(f.Owners) > 0 {
		item.Author.Set(it, memberID(f.Owners[0].Email, f.Owners[0].PermissionID))
	}
	it.Blob = &item.Blob{Ref: it.Ref, Parent: it.Parent, URL: t.person.address, Version: cmp.Or(f.Revision, f.Modified.UTC().Format(time.RFC3339Nano)), Bytes: int64(f.Size)}
	if export, ok := formats(document(f.MimeType), t.cfg.documents); ok {
		if !strings.HasSuffix(strings.ToLower(f.Name), export.ending) {
			item.Name.Set(it, f.Name+export.ending)
		}
		item.MediaType.Set(it, export.media)
		it.Blob.Version, it.Blob.Bytes = exportVersion(f.Modified, export), -1
		return
	}
	if f.MimeType != plainBytes {
		item.MediaType.Set(it, f.MimeType)
	}
	for _, s := range []item.Sum{{Algorithm: "sha256", Hex: f.SHA256}, {Algorithm: "md5", Hex: f.MD5}} {
		if s.Hex != "" {
			it.Blob.Sums = append(it.Blob.Sums, s)
		}
	}
}

// exportVersion is the version of a document's bytes: its editors count none for
// others, so that when it changed last stands for it, with what it is exported as.
func exportVersion(modified time.Time, as format) string {
	return modified.UTC().Format(time.RFC3339Nano) + " " + as.media
}

// pairs are properties as metadata, in order.
func pairs(m map[string]string) []string {
	var out []string
	for _, k := range slices.Sorted(maps.Keys(m)) {
		out = append(out, k+"="+m[k])
	}
	return out
}
