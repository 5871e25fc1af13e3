package box

import (
	"slices"
	"strings"

	"github.com/rialto-migrate/rialto/item"
)

// A tree turns what Box tells into the items of one drive.
type tree struct {
	drive drive
	name  string // what the drive is called; "" where its contents go right into a place
	web   string
	actor string // in whose name its files are read
	// everything says that the drive is all that its person has, what others let
	// them at included.
	everything bool
}

// parent is the reference of what an entry lies in.
func (t tree) parent(e entry) item.Ref {
	if e.Parent.ID == t.drive.folder || e.Parent.ID == "" {
		return t.drive.ref()
	}
	return item.Ref{Kind: item.Folder, ID: e.Parent.ID}
}

// kindOf is the kind of what Box calls by this type.
func kindOf(typ string) item.Kind {
	return map[string]item.Kind{"folder": item.Folder, "file": item.File, "web_link": item.Shortcut}[typ]
}

// pathOf is where the API has something of a kind.
func pathOf(ref item.Ref) string {
	return map[item.Kind]string{item.Folder: "/folders/", item.File: "/files/", item.Shortcut: "/web_links/"}[ref.Kind] + ref.ID
}

// typeOf is what Box calls a kind.
func typeOf(k item.Kind) string {
	return map[item.Kind]string{item.Folder: "folder", item.File: "file", item.Shortcut: "web_link"}[k]
}

// bundle is what an entry tells, with who was let at it there.
func (t tree) bundle(e entry, g grants) item.Bundle {
	if e.Type == "folder" && e.ID == t.drive.folder {
		it := item.Item{Ref: t.drive.ref(), URL: t.link(e), Aliases: []string{alias(e.Type, e.ID)}}
		item.Name.Set(&it, t.name)
		item.Created.Set(&it, moment(e.Created))
		setGrants(&it, g.given)
		return item.Bundle{Item: it, CheckItems: -1, Unknown: g.unknown}
	}
	it := item.Item{Ref: item.Ref{Kind: kindOf(e.Type), ID: e.ID}, Parent: t.parent(e), URL: t.link(e), Aliases: []string{alias(e.Type, e.ID)}}
	item.FileName.Set(&it, e.Name)
	item.Created.Set(&it, moment(e.Created))
	unknown := slices.Clone(g.unknown)
	note := func(is bool, what string) {
		if is {
			unknown = append(unknown, string(it.Kind)+"."+what)
		}
	}
	if it.Kind == item.Shortcut {
		item.LeadsTo.Set(&it, e.URL)
		note(e.Description != "", "description")
		return item.Bundle{Item: it, CheckItems: -1, Unknown: unknown}
	}
	item.Description.Set(&it, e.Description)
	if owner := e.Owner.ID; owner != "" && owner != t.drive.user && it.Parent.Kind == item.Drive && t.everything {
		g.given = append(slices.Clone(g.given), item.Grant{To: owner, Role: item.Owns})
	}
	setGrants(&it, g.given)
	if it.Kind == item.Folder {
		note(len(e.Tags) > 0, "tags")
		return item.Bundle{Item: it, CheckItems: -1, Unknown: unknown}
	}
	item.Modified.Set(&it, moment(e.Modified))
	item.Author.Set(&it, e.By.ID)
	if len(e.Tags) > 0 {
		item.Metadata.Set(&it, metadata(e.Tags))
	}
	note(e.Comments > 0, "comments")
	note(e.Versions != "" && e.Versions != "1", "versions")
	note(e.Lock != nil, "lock")
	it.Blob = &item.Blob{Ref: it.Ref, Parent: it.Parent, URL: t.actor, Version: e.Version.ID, Bytes: int64(e.Bytes)}
	if e.SHA1 != "" {
		it.Blob.Sums = []item.Sum{{Algorithm: "sha1", Hex: strings.ToLower(e.SHA1)}}
	}
	return item.Bundle{Item: it, CheckItems: -1, Unknown: unknown}
}

// link is the address of the page that shows an entry.
func (t tree) link(e entry) string { return address(t.web, e.Type, e.ID) }

func address(web, typ, id string) string {
	if typ == "web_link" {
		return "" // it has no page of its own
	}
	return web + "/" + typ + "/" + id
}

// alias is the other id of a file or folder: a file and a folder may have one number.
func alias(typ, id string) string { return typ + "-" + id }

// tagged begins what a tag is as metadata, where it is not a name and a value itself.
const tagged = "tag="

// metadata is what tags are as names and values: "urgent" is "tag=urgent", and
// "colour=blue" is itself.
func metadata(tags []string) []string {
	out := make([]string, len(tags))
	for i, t := range tags {
		if out[i] = t; !strings.Contains(t, "=") {
			out[i] = tagged + t
		}
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// tagsOf is the reverse of metadata.
func tagsOf(metadata []string) []string {
	out := make([]string, 0, len(metadata))
	for _, m := range metadata {
		bare, ok := strings.CutPrefix(m, tagged)
		if ok && bare != "" && !strings.Contains(bare, "=") {
			m = bare
		}
		out = append(out, m)
	}
	return out
}
