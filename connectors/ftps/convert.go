package ftps

import (
	"path"
	"strconv"

	"github.com/rialto-migrate/rialto/connectors/ftps/wire"
	"github.com/rialto-migrate/rialto/item"
)

// A tree knows one container's paths: what is the drive, and what it is called.
type tree struct {
	drive string
	name  string // "" where its contents go right into a place
}

// treeOf returns the paths of a container. Only a drive that lies in a folder of
// ours has a name.
func treeOf(container item.Ref, place string) tree {
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

// folder is the folder or drive at a path.
func (t tree) folder(id string) item.Item {
	if id == t.drive {
		it := item.Item{Ref: drive(id)}
		item.Name.Set(&it, t.name)
		return it
	}
	it := item.Item{Ref: item.Ref{Kind: item.Folder, ID: id}, Parent: t.parent(id)}
	item.Name.Set(&it, path.Base(id))
	return it
}

// file is the file at a path.
func file(id string, parent item.Ref, e wire.Entry) item.Item {
	it := item.Item{Ref: item.Ref{Kind: item.File, ID: id}, Parent: parent}
	item.Name.Set(&it, path.Base(id))
	item.Modified.Set(&it, e.Modified)
	it.Blob = &item.Blob{Ref: it.Ref, Parent: parent, Version: version(e), Bytes: e.Size}
	return it
}

// version pins the bytes of a file, by all that the protocol tells of them: when they
// changed, to the second, how many they are, and what tells the file from others.
func version(e wire.Entry) string {
	v := strconv.FormatInt(e.Modified.Unix(), 10) + "." + strconv.FormatInt(e.Size, 10)
	if e.Unique != "" {
		v += "." + e.Unique
	}
	return v
}

func folder(k item.Kind) bool { return k == item.Folder || k == item.Drive }
