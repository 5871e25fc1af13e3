package item

// Checklist is a named list of entries to tick within a task.
const Checklist Kind = "checklist"

// Entries are a checklist's entries, in order. "entries.due" and
// "entries.assignee" name what an entry holds beyond its title and tick.
var (
	Entries       = Attr[[]Check]{Field{Name: "entries", Type: Checks, Doc: "its entries, in order, with their ticks"}}
	EntryDue      = Field{Name: "entries.due", Type: Time, Doc: "when an entry must be done"}
	EntryAssignee = Field{Name: "entries.assignee", Type: Person, Doc: "who does an entry"}
)

func checklistKind() KindInfo {
	return KindInfo{Kind: Checklist, Plural: "checklists", Level: Within, In: []Kind{Board}, Doc: "entries to tick within a task",
		Fields: []Field{Name.Field, Position.Field, Entries.Field, EntryDue, EntryAssignee}}
}
