package item

// Folder holds files, or messages, and other folders. Its Parent is the folder or
// the container that it lies in.
const Folder Kind = "folder"

var (
	// Empty tells a folder in which nothing lies. Where folders are parts of names,
	// as in S3, such a folder alone needs an object of its own.
	Empty = Attr[bool]{Field{Name: "empty", Type: Bool, Hint: true, Doc: "nothing lies in it"}}
	// SpecialUse is what a folder of messages is for: archive, drafts, flagged,
	// important, junk, sent or trash (RFC 6154, RFC 8457), without the backslash.
	SpecialUse = Attr[string]{Field{Name: "special-use", Type: Choice, Doc: "what a folder of messages is for: sent, drafts, trash and the like"}}
	Subscribed = Attr[bool]{Field{Name: "subscribed", Type: Bool, Doc: "shown in people's list of folders"}}
)

func folderKind() KindInfo {
	return KindInfo{Kind: Folder, Plural: "folders", Level: Frame, In: []Kind{Drive, Mailbox}, Doc: "a folder of files or of messages",
		Fields: []Field{FileName.Field, Description.Field, Created.Field, Permissions.Field, Empty.Field, SpecialUse.Field, Subscribed.Field}}
}
