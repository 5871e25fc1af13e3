package ftps

import (
	"path"
	"strconv"

	"github.com/rialto-migrate/rialto/connectors/ftps/wire"
	"github.com/rialto-migrate/rialto/item"
)

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
