package item

// Member is a person as one cloud knows them. Members are matched by the
// people map, not written.
const Member Kind = "member"

var (
	// UserName is the name a person signs in or is mentioned with.
	UserName = Attr[string]{Field{Name: "username", Type: Line, Doc: "the name used in mentions"}}
	// Email is empty where the cloud does not tell it to the caller.
	Email = Attr[string]{Field{Name: "email", Type: Line, Doc: "the address, where the cloud tells it"}}
)

func memberKind() KindInfo {
	return KindInfo{Kind: Member, Plural: "members", Level: 1, Doc: "a person",
		Fields: []Field{Name.Field, UserName.Field, Email.Field}}
}
