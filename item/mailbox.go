package item

// Mailbox is a container of messages: all the folders of one account.
const Mailbox Kind = "mailbox"

func mailboxKind() KindInfo {
	return KindInfo{Kind: Mailbox, Plural: "mailboxes", Level: Container, Doc: "the folders and messages of one account",
		Fields: []Field{Name.Field}}
}
