package item

// List is a column of a board: a Trello list, a Planner bucket.
const List Kind = "list"

func listKind() KindInfo {
	return KindInfo{Kind: List, Plural: "lists", Level: Frame, In: []Kind{Board}, Doc: "a column of tasks",
		Fields: []Field{Name.Field, Position.Field, Closed.Field}}
}
