package s3

import (
	"strings"

	"github.com/rialto-migrate/rialto/item"
)

// Ids are paths: "/bucket", "/bucket/folder", "/bucket/folder/file". A folder's
// keys begin with its own, a slash at its end; a key may hold empty names ("a//b"
// lies in a folder without a name), and a file may have none ("a/" with bytes).

// split takes an id apart into bucket and the rest; ok is false if it has no rest.
func split(id string) (bucket, rest string, ok bool) {
	return strings.Cut(strings.TrimPrefix(id, "/"), "/")
}

// below is the bucket of a container or folder, and what the keys of all that lies
// in it begin with.
func below(id string) (bucket, prefix string) {
	bucket, rest, ok := split(id)
	if !ok {
		return bucket, ""
	}
	return bucket, rest + "/"
}

// object is where the object of an item stands: a folder's is the one that its
// keys begin with.
func object(r item.Ref) (bucket, key string) {
	if r.Kind == item.File {
		bucket, key, _ = split(r.ID)
		return bucket, key
	}
	return below(r.ID)
}

// parentOf is what an item lies in, given its container. It is found by the
// length of the container's id, for names may be empty.
func parentOf(container item.Ref, id string) item.Ref {
	up := id[:strings.LastIndexByte(id, '/')]
	if len(up) <= len(container.ID) {
		return container
	}
	return item.Ref{Kind: item.Folder, ID: up}
}

// nameOf is the last name of an id.
func nameOf(id string) string { return id[strings.LastIndexByte(id, '/')+1:] }
