package item

import "time"

// Comment is what somebody said about a task.
const Comment Kind = "comment"

var (
	// Body is the comment's text without any line of ours.
	Body   = Attr[string]{Field{Name: "text", Type: Text, Doc: "what was said"}}
	Edited = Attr[time.Time]{Field{Name: "edited", Type: Time, Told: true, Doc: "when it was last changed"}}
)

func commentKind() KindInfo {
	return KindInfo{Kind: Comment, Plural: "comments", Level: Within, In: []Kind{Board}, Doc: "what somebody said about a task",
		Fields: []Field{Body.Field, Author.Field, Created.Field, Edited.Field}}
}
