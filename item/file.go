package item

import "time"

// File is a file. Its bytes are its Blob; its Parent is the folder or the drive
// that it lies in.
const File Kind = "file"

var (
	// Modified is when its bytes changed last, by whoever wrote them: a copy keeps
	// it where the cloud lets it.
	Modified = Attr[time.Time]{Field{Name: "modified", Type: Time, Doc: "when its bytes changed last"}}
	// Metadata are what its owner noted of it, as "name=value".
	Metadata = Attr[[]string]{Field{Name: "metadata", Type: Options, Doc: "name=value pairs that its owner gave it"}}
)

func fileKind() KindInfo {
	return KindInfo{Kind: File, Plural: "files", Level: Leaf, In: []Kind{Drive}, Doc: "a file",
		Fields: []Field{FileName.Field, Content, Modified.Field, MediaType.Field, Description.Field, Metadata.Field, Permissions.Field, Created.Field, Author.Field}}
}
