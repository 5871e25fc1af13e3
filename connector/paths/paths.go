// Package paths is for connectors whose ids are paths: "/srv/share/folder/file". A
// container is the folder at one path, and all that lies below it, whatever the
// server that keeps it. The package says what follows from a path alone; what stands
// there is for the connector to ask.
package paths

import (
	"io/fs"
	"path"
	"strings"

	"github.com/rialto-migrate/rialto/connector"
	"github.com/rialto-migrate/rialto/item"
)

// Drive is the reference of the container at a path.
func Drive(at string) item.Ref { return item.Ref{Kind: item.Drive, ID: at} }

// IsFolder reports whether a kind is one of folders: a container is one too.
func IsFolder(k item.Kind) bool { return k == item.Folder || k == item.Drive }

// A Tree knows one container's paths.
type Tree struct {
	Drive string // the path of the container
	Name  string // what it is called; "" where its contents go right into a place
}

// Of returns the paths of a container. The place is the path of what a connection
// reads, or writes into: a container that is the place itself has no name.
func Of(container item.Ref, place string) Tree {
	t := Tree{Drive: container.ID}
	if container.ID != place {
		t.Name = path.Base(container.ID)
	}
	return t
}

// Parent is the reference of what an item lies in.
func (t Tree) Parent(id string) item.Ref {
	dir := path.Dir(id)
	if dir == t.Drive {
		return Drive(dir)
	}
	return item.Ref{Kind: item.Folder, ID: dir}
}

// Folder is the folder or the container at a path.
func (t Tree) Folder(id string) item.Item {
	if id == t.Drive {
		it := item.Item{Ref: Drive(id)}
		item.Name.Set(&it, t.Name)
		return it
	}
	it := item.Item{Ref: item.Ref{Kind: item.Folder, ID: id}, Parent: t.Parent(id)}
	item.Name.Set(&it, path.Base(id))
	return it
}

// Legal refuses, with class Permanent, a name that would lead to another path than
// the one right below its parent.
func Legal(name string) *connector.Error {
	if name == "" || name == "." || name == ".." || strings.ContainsAny(name, "/\x00") {
		return connector.Errorf(connector.Permanent, "a name is empty, consists of dots, or holds a slash or a NUL").
			WithHint("give it another name at the source")
	}
	return nil
}

// Place is the path of a place below the root of a connection: folders with slashes
// between them, "" or "/" for the root itself. It fails with class Permanent if one
// of them has no legal name.
func Place(root, place string) (string, error) {
	inner := strings.Trim(place, "/")
	if inner == "" {
		return root, nil
	}
	for name := range strings.SplitSeq(inner, "/") {
		if Legal(name) != nil {
			return "", connector.Errorf(connector.Permanent, "the place is no path of folders").
				WithHint(`write the folders with slashes between them, as in "Departments/Sales", or leave the place empty`)
		}
		root = connector.Below(root, name)
	}
	return root, nil
}

// InTheWay is the error of class Conflict for a path at which something stands that
// is not ours to write over.
func InTheWay() *connector.Error {
	return connector.Errorf(connector.Conflict, "something else stands there by that name").
		WithHint("it is in the way: rename or remove it at the target, then run again")
}

// Special names what is neither a file nor a folder, as Unknown tells it behind
// "file.".
func Special(m fs.FileMode) string {
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
