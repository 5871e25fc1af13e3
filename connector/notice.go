package connector

// A Notice says whom a write tells by mail or push. Who writes is not told of it.
type Notice struct {
	// Field is the field that tells people when an item is made with it, and when
	// it changes. "" is the making of an item, whatever it holds.
	Field string
	// Changed says that only a change tells somebody: an item that is made with the
	// field tells nobody of it.
	Changed bool
	// Once says that it is sent once to a person who is not yet among the people of
	// the place, however many items name them.
	Once bool
	To   Reach
	By   string // in words: "mail", "mail and push"
	Why  string // cites the vendor
}

// A Reach is whom a notice reaches.
type Reach string

const (
	// ToNamed is those whom the field names and did not name before.
	ToNamed Reach = "named"
	// ToAssigned is those who are assigned to the task, or watch it.
	ToAssigned Reach = "assigned"
	// ToFollowers is whoever follows the container. The cloud does not tell who
	// they are.
	ToFollowers Reach = "followers"
	// ToChoosers is whoever chose in the cloud to be told of everything. The cloud
	// does not tell who they are, and no way of writing spares them.
	ToChoosers Reach = "choosers"
	// ToDropped is those whom a changed field no longer names. Who they are, only
	// the target knows.
	ToDropped Reach = "dropped"
	// ToTalkers is those who wrote comments on the task before.
	ToTalkers Reach = "talkers"
	// ToEntries is those who are assigned to the entries of a checklist.
	ToEntries Reach = "entries"
	// ToSelf is the connection's own account, of what is written in another's name.
	ToSelf Reach = "self"
)

// Says is the notice in words, for the docs.
func (n Notice) Says() string {
	what := "whoever is made " + n.Field
	switch {
	case n.Changed:
		what = "a changed " + n.Field
	case n.Field == "":
		what = "each one"
	case n.To == ToEntries:
		what = "whoever is assigned to an entry"
	case n.To != ToNamed:
		what = n.Field
	}
	whom := map[Reach]string{ToNamed: "is told", ToEntries: "is told", ToTalkers: "tells those who commented before", ToDropped: "tells who is taken off", ToAssigned: "tells the task's assignees and watchers", ToFollowers: "tells whoever follows, which nobody can count",
		ToChoosers: "tells those who chose to hear of everything, which nobody can count", ToSelf: "tells the connection's own account"}
	return what + " " + whom[n.To] + " by " + n.By + " (" + n.Why + ")"
}
