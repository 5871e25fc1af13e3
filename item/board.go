package item

// Board is the container of tasks: a Trello board, a Planner plan, a Redmine
// project.
const Board Kind = "board"

// Members are the people of a board.
var Members = Attr[[]string]{Field{Name: "members", Type: People, Doc: "the people who work on it"}}

func boardKind() KindInfo {
	return KindInfo{Kind: Board, Plural: "boards", Level: Container, Doc: "a container of tasks",
		Fields: []Field{Name.Field, Description.Field, Closed.Field, Members.Field, Created.Field}}
}
