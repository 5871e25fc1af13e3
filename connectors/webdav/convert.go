package webdav

import (
	"path"

	"github.com/rialto-migrate/rialto/connector"
	"github.com/rialto-migrate/rialto/connector/paths"
	"github.com/rialto-migrate/rialto/item"
)

// itemOf is what an entry at a path tells.
func itemOf(t paths.Tree, id string, e entry) item.Item {
	if !e.folder && id != t.Drive {
		return file(id, t.Parent(id), e)
	}
	it := t.Folder(id)
	item.Created.Set(&it, e.created)
	return it
}

// file is the file at a path.
func file(id string, parent item.Ref, e entry) item.Item {
	it := item.Item{Ref: item.Ref{Kind: item.File, ID: id}, Parent: parent}
	item.Name.Set(&it, path.Base(id))
	item.Modified.Set(&it, e.modified)
	item.MediaType.Set(&it, e.media)
	item.Created.Set(&it, e.created)
	it.Blob = &item.Blob{Ref: it.Ref, Parent: it.Parent, Version: e.version(), Bytes: e.size, Sums: e.sums}
	return it
}

// below reports whether a path lies below another one, or is that one.
func below(path, top string) bool {
	return path == top || len(path) > len(connector.Below(top, "")) && path[:len(connector.Below(top, ""))] == connector.Below(top, "")
}
