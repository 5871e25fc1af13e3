package sftp

import (
	"io/fs"
	"path"
	"strconv"

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
func file(id string, parent item.Ref, info fs.FileInfo) item.Item {
	it := item.Item{Ref: item.Ref{Kind: item.File, ID: id}, Parent: parent}
	item.Name.Set(&it, path.Base(id))
	item.Modified.Set(&it, info.ModTime().UTC())
	it.Blob = &item.Blob{Ref: it.Ref, Parent: parent, Version: version(info), Bytes: info.Size()}
	return it
}

// version pins the bytes of a file, by all that the protocol tells of them: when
// they changed, to the second, and how many they are.
func version(info fs.FileInfo) string {
	return strconv.FormatInt(info.ModTime().Unix(), 10) + "." + strconv.FormatInt(info.Size(), 10)
}

func folder(k item.Kind) bool { return k == item.Folder || k == item.Drive }

// special names what is neither a file nor a folder.
func special(m fs.FileMode) string {
	switch {
	case m&fs.ModeSymlink != 0:
		return "symlink"
	case m&fs.ModeSocket != 0:
		return "socket"
	case m&fs.ModeNamedPipe != 0:
		return "pipe"
	}
	return "device"
}
