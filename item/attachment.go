package item

// Attachment is a file or a link on a task. A file has a Blob; a link has none.
const Attachment Kind = "attachment"

var (
	// Address is where a link points; "" for a file.
	Address   = Attr[string]{Field{Name: "address", Type: URL, Doc: "where a link points"}}
	MediaType = Attr[string]{Field{Name: "media-type", Type: Line, Doc: "what kind of file it is"}}
	// Content stands for the bytes of a file: forecast, moved and verified by
	// hash through the item's Blob, never held in the field.
	Content = Field{Name: "content", Type: Line, Doc: "the bytes of a file"}
)

func attachmentKind() KindInfo {
	return KindInfo{Kind: Attachment, Plural: "attachments", Level: Within, In: []Kind{Board}, Doc: "a file or a link on a task",
		Fields: []Field{Name.Field, Address.Field, Content, MediaType.Field, Position.Field, Author.Field, Created.Field}}
}
