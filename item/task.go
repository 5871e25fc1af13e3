package item

import "time"

// Task is the unit of work: a Trello card, a Planner task, a Redmine issue.
const Task Kind = "task"

var (
	Title     = Attr[string]{Field{Name: "title", Type: Line, Doc: "its one line"}}
	InList    = Attr[Ref]{Field{Name: "list", Type: One, Doc: "the list it stands in"}}
	Start     = Attr[time.Time]{Field{Name: "start", Type: Time, Doc: "when work begins"}}
	Due       = Attr[time.Time]{Field{Name: "due", Type: Time, Doc: "when it must be done"}}
	Done      = Attr[bool]{Field{Name: "done", Type: Bool, Doc: "finished"}}
	Labels    = Attr[[]Ref]{Field{Name: "labels", Type: Many, Doc: "its labels"}}
	Assignees = Attr[[]string]{Field{Name: "assignees", Type: People, Doc: "who works on it"}}
	// Progress is the share done, 0 to 100, where a cloud keeps more than done
	// or not; Done says 100.
	Progress = Attr[float64]{Field{Name: "progress", Type: Number, Doc: "percent done, where a cloud keeps steps"}}
	// Priority is urgent, important, medium or low; "" where the cloud has none.
	Priority = Attr[string]{Field{Name: "priority", Type: Choice, Doc: "urgent, important, medium or low"}}
	// Cover names the attachment shown on the card's face, or a color.
	Cover    = Attr[string]{Field{Name: "cover", Type: Line, Doc: "the picture or colour on its face"}}
	Stickers = Attr[[]string]{Field{Name: "stickers", Type: Options, Doc: "pictures stuck on it"}}
	Votes    = Attr[[]string]{Field{Name: "votes", Type: People, Doc: "who voted for it"}}
	Watchers = Attr[[]string]{Field{Name: "watchers", Type: People, Doc: "who is told of its changes"}}
	// FieldValues are the values of the board's custom fields.
	FieldValues = Attr[[]FieldValue]{Field{Name: "values", Type: Values, Doc: "values of custom fields"}}
	// ParentTask is set on a sub-task.
	ParentTask = Attr[Ref]{Field{Name: "parent", Type: One, Doc: "the task it is a part of"}}
	// Location is where a card says it is: a name, an address or coordinates.
	Location = Attr[string]{Field{Name: "location", Type: Line, Doc: "a place on the map"}}
	// Reminder is when people are reminded before the due time, in minutes, as text.
	Reminder = Attr[string]{Field{Name: "reminder", Type: Line, Doc: "minutes before due at which people are reminded"}}
	// PowerUps holds the ids of add-ons that keep data on the task; the data is theirs.
	PowerUps = Attr[[]string]{Field{Name: "power-ups", Type: Options, Doc: "ids of add-ons that keep data on it"}}
)

func taskKind() KindInfo {
	return KindInfo{Kind: Task, Plural: "tasks", Level: Leaf, In: []Kind{Board}, Doc: "a piece of work",
		Fields: []Field{Title.Field, Description.Field, InList.Field, Position.Field, Start.Field, Due.Field,
			Done.Field, Progress.Field, Priority.Field, Labels.Field, Assignees.Field, Closed.Field, ParentTask.Field,
			FieldValues.Field, Cover.Field, Stickers.Field, Votes.Field, Watchers.Field, Location.Field, Reminder.Field,
			PowerUps.Field, Created.Field, Author.Field}}
}
