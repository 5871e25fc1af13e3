package paths

import (
	"path"

	"github.com/rialto-migrate/rialto/connector"
	"github.com/rialto-migrate/rialto/item"
)

// DriveAt is the path that a change writes a container to. It fails with class
// Unsupported if it would have to go there from another one.
func DriveAt(c connector.Change, place string) (string, error) {
	at := place
	if name := item.Name.Get(c.Item); name != "" {
		at = connector.Below(at, name)
	}
	if c.Op == connector.Update && c.Item.ID != at {
		return "", connector.Errorf(connector.Unsupported, "the folder of a drive is not renamed").
			WithHint("rename it at the target, then run again with that place")
	}
	return at, nil
}

// Named refuses a change whose name is not Legal; a container may have none.
func Named(c connector.Change) *connector.Error {
	name := item.Name.Get(c.Item)
	if c.Item.Kind == item.Drive && name == "" {
		return nil
	}
	return Legal(name)
}

// FolderAt is the folder that a change makes, or leaves where it is.
func FolderAt(c connector.Change) item.Item {
	it := item.Item{Ref: item.Ref{Kind: item.Folder, ID: c.Item.ID}, Parent: c.Item.Parent}
	if c.Op == connector.Create {
		it.ID = connector.Below(c.Item.Parent.ID, item.Name.Get(c.Item))
	}
	item.Name.Set(&it, path.Base(it.ID))
	return it
}
