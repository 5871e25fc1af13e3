package webdav

import (
	"path"

	"github.com/rialto-migrate/rialto/connector"
	"github.com/rialto-migrate/rialto/item"
)

// A tree knows one container's paths: what is the drive, and what lies in it.
type tree struct {
	drive string // the path of the container
	name  string // what the drive is called; "" where its contents go right into a place
}

// tree returns the paths of a container. Only a drive that lies in a folder of ours
// has a name.
func (c *cloud) tree(container item.Ref, place string) tree {
	t := tree{drive: container.ID}
	if container.ID != place {
		t.name = path.Base(container.ID)
	}
	return t
}

// parent is the reference of what an item lies in.
func (t tree) parent(id string) item.Ref {
	dir := path.Dir(id)
	if dir == t.drive {
		return drive(dir)
	}
	return item.Ref{Kind: item.Folder, ID: dir}
}

// item is what an entry at a path tells.
func (t tree) item(id string, e entry) item.Item {
	switch {
	case id == t.drive:
		it := item.Item{Ref: drive(id)}
		item.Name.Set(&it, t.name)
		item.Created.Set(&it, e.created)
		return it
	case e.folder:
		it := item.Item{Ref: item.Ref{Kind: item.Folder, ID: id}, Parent: t.parent(id)}
		item.Name.Set(&it, path.Base(id))
		item.Created.Set(&it, e.created)
		return it
	}
	return file(id, t.parent(id), e)
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

// folder reports whether a kind is one of folders: their addresses end with a slash.
func folder(k item.Kind) bool { return k == item.Folder || k == item.Drive }

// below reports whether a path lies below another one, or is that one.
func below(path, top string) bool {
	return path == top || len(path) > len(connector.Below(top, "")) && path[:len(connector.Below(top, ""))] == connector.Below(top, "")
}
