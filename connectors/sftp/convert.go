package sftp

import (
	"io/fs"
	"path"
	"strconv"

	"github.com/rialto-migrate/rialto/item"
)

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
