package item

import "time"

// Message is an e-mail. Its bytes, header and all, are its Blob; its Parent is the
// folder that it lies in.
const Message Kind = "message"

var (
	// Flags are the system flags of RFC 9051, section 2.3.2 ("\Seen"), and keywords
	// ("$Forwarded"), but for \Recent, which no client sets.
	Flags = Attr[[]string]{Field{Name: "flags", Type: Options, Doc: "seen, answered, flagged and the like, and keywords"}}
	// Received is the internal date: when the message arrived in its mailbox.
	Received = Attr[time.Time]{Field{Name: "received", Type: Time, Doc: "when it arrived"}}
)

func messageKind() KindInfo {
	return KindInfo{Kind: Message, Plural: "messages", Level: Leaf, In: []Kind{Mailbox}, Doc: "an e-mail",
		Fields: []Field{Content, Flags.Field, Received.Field}}
}
