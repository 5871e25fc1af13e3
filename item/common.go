package item

import "time"

// Fields that several kinds share.
var (
	Name = Attr[string]{Field{Name: "name", Type: Line, Doc: "what people call it"}}
	// FileName is Name, as files and folders have it.
	FileName    = Attr[string]{Field{Name: "name", Type: Exact, Doc: "what people call it, byte for byte"}}
	Description = Attr[string]{Field{Name: "description", Type: Text, Doc: "the long text"}}
	Position    = Attr[string]{Field{Name: "position", Type: Rank, Doc: "the order among its siblings"}}
	Closed      = Attr[bool]{Field{Name: "closed", Type: Bool, Doc: "archived: kept, but out of sight"}}
	Created     = Attr[time.Time]{Field{Name: "created", Type: Time, Told: true, Doc: "when it was made"}}
	Author      = Attr[string]{Field{Name: "author", Type: Person, Told: true, Doc: "who made it"}}
)
