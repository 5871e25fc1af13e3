package onedrive

import (
	"crypto/sha256"
	"encoding/hex"
	"net/url"
	"strings"

	"github.com/rialto-migrate/rialto/item"
)

// A tree is a container: a drive, or a folder of one that a migration made its
// container. The id of the first is the drive's, that of the second the drive's, a
// slash, and the folder's.
type tree struct {
	ref   item.Ref
	drive string
	root  string // the item's id; "" of a whole drive until it was asked for
	whole bool   // it is a whole drive
}

func treeOf(ref item.Ref) tree {
	d, folder, within := strings.Cut(ref.ID, "/")
	return tree{ref: item.Ref{Kind: item.Drive, ID: ref.ID}, drive: d, root: folder, whole: !within}
}

// within is the container that a folder of a drive is.
func within(drive, folder string) item.Ref {
	return item.Ref{Kind: item.Drive, ID: drive + "/" + folder}
}

// at is the address of an item of the drive, below the API's, with what follows.
func (t tree) at(id, then string) string { return itemPath(t.drive, id) + then }

func itemPath(drive, id string) string {
	return "/drives/" + url.PathEscape(drive) + "/items/" + url.PathEscape(id)
}

// below is the address of what lies in a folder by a name
// (https://learn.microsoft.com/en-us/graph/onedrive-addressing-driveitems).
func (t tree) below(folder, name, then string) string {
	return t.at(folder, ":/"+url.PathEscape(name)) + colon(then)
}

// colon ends a path, which a request for the item itself does not need.
func colon(then string) string {
	if then == "" {
		return ""
	}
	return ":" + then
}

// parent is what an item lies in.
func (t tree) parent(i driveItem) item.Ref {
	if i.Parent.ID == t.root {
		return t.ref
	}
	return item.Ref{Kind: item.Folder, ID: i.Parent.ID}
}

// ref names an item of the drive.
func (t tree) refOf(i driveItem) item.Ref {
	if i.ID == t.root {
		return t.ref
	}
	return item.Ref{Kind: i.kind(), ID: i.ID}
}

// item is an item of the drive in our form, with the grants that were given right there.
func (t tree) item(i driveItem, grants []item.Grant) item.Item {
	it := item.Item{Ref: t.refOf(i), URL: i.WebURL}
	if it.URL != "" {
		it.Aliases = []string{alias(it.URL)}
	}
	if it.Kind == item.Drive {
		item.DriveName.Set(&it, i.Name)
		item.Created.Set(&it, i.Created.UTC())
		return it
	}
	it.Parent = t.parent(i)
	item.FileName.Set(&it, i.Name)
	if !i.Created.IsZero() {
		item.Created.Set(&it, i.Created.UTC())
	}
	switch it.Kind {
	case item.Shortcut:
		item.LeadsTo.Set(&it, i.Remote.WebURL)
		return it
	case item.Folder:
		item.Empty.Set(&it, i.Folder.Children != nil && *i.Folder.Children == 0)
	case item.File:
		if i.Times != nil {
			item.Modified.Set(&it, i.Times.Modified.UTC())
		}
		item.MediaType.Set(&it, i.File.MediaType)
		it.Blob = &item.Blob{Ref: it.Ref, Parent: it.Parent, URL: t.at(i.ID, ""), Version: i.version(), Bytes: i.Size, Sums: i.sums()}
	}
	item.Description.Set(&it, i.Description)
	if len(grants) > 0 {
		item.Permissions.Set(&it, grants)
	}
	return it
}

func bundle(it item.Item) item.Bundle { return item.Bundle{Item: it, CheckItems: -1} }

// alias is a short name of an address that says nothing of it: addresses hold names.
func alias(address string) string {
	u, err := url.Parse(address)
	if err != nil {
		return ""
	}
	u.Host, u.Fragment = strings.ToLower(u.Host), ""
	query := u.Query()
	for _, name := range []string{"web", "action", "mobileredirect", "d", "csf", "e"} { // how it is shown, not what
		query.Del(name)
	}
	sum := sha256.Sum256([]byte(u.Host + u.Path + "?" + query.Encode()))
	return "url-" + hex.EncodeToString(sum[:12])
}
