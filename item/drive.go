package item

// Drive is a container of files: a OneDrive or a library, a bucket, a share, a
// folder of this machine. Its own name says where its folders and files go: one
// without a name goes right into the target's place.
const Drive Kind = "drive"

// DriveName is Name, as drives have it: for a target to name a folder by, which may
// have had a name before.
var DriveName = Attr[string]{Field{Name: "name", Type: Exact, Hint: true, Doc: "what people call it; empty for one that goes right into the target's place"}}

func driveKind() KindInfo {
	return KindInfo{Kind: Drive, Plural: "drives", Level: Container, Doc: "a container of folders and files",
		Fields: []Field{DriveName.Field, Created.Field, Permissions.Field}}
}
