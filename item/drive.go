package item

// Drive is a container of files: a OneDrive or a library, a bucket, a share, a
// folder of this machine. Its own name says where its folders and files go: one
// without a name goes right into the target's place.
const Drive Kind = "drive"

func driveKind() KindInfo {
	return KindInfo{Kind: Drive, Plural: "drives", Level: Container, Doc: "a container of folders and files",
		Fields: []Field{Name.Field, Created.Field}}
}
