package item

// A Grant lets a person or a group at a drive, a folder or a file. Nobody has it by
// lying in something else: what is inherited is told where it was given.
type Grant struct {
	To   string // a member's id, of a person or a group; "" for a link
	Link string // who may use the link: "group", "organisation" or "everybody"; "" for a member
	Role string // one of Roles
}

// What a grant allows, from little to much. Each allows what stands before it.
const (
	Reads    = "reads"
	Comments = "comments"
	Writes   = "writes"
	Owns     = "owns"
)

// Roles are all of them, from little to much.
func Roles() []string { return []string{Reads, Comments, Writes, Owns} }

// Permissions say who was let at it, by name or by link.
var Permissions = Attr[[]Grant]{Field{Name: "permissions", Type: Grants, Doc: "who was let at it, by name or by link, and what they may do"}}
