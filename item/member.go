package item

// Member is a person as one cloud knows them. Members are matched by the
// people map, not written.
const Member Kind = "member"

var (
	// UserName is the name a person signs in or is mentioned with.
	UserName = Attr[string]{Field{Name: "username", Type: Line, Doc: "the name used in mentions"}}
	// Email is empty where the cloud does not tell it to the caller.
	Email = Attr[string]{Field{Name: "email", Type: Line, Doc: "the address, where the cloud tells it"}}
	// Standing is what the cloud tells of the account: Active, Guest, Disabled,
	// Bot, Unlicensed or Group; "" where it tells nothing.
	Standing = Attr[string]{Field{Name: "standing", Type: Choice, Told: true, Doc: "active, guest, disabled, bot, unlicensed or group, where the cloud tells it"}}
	// OwnsPlace is set on a member of a target to whom everything in the place belongs:
	// nothing there has to be opened to them.
	OwnsPlace = Attr[bool]{Field{Name: "owns-place", Type: Bool, Told: true, Doc: "everything in the place is theirs, where the cloud tells it"}}
	// Outside is set on a member of a target whom the cloud knows and who is not
	// among the people of the place yet: to assign a task adds them.
	Outside = Attr[bool]{Field{Name: "outside", Type: Bool, Told: true, Doc: "not among the people of the place, where the cloud tells it"}}
)

// The standings of an account. A disabled guest is disabled, and a guest
// without a licence is a guest: what counts most for an assignment is told.
const (
	Active     = "active"
	Guest      = "guest"      // of another organisation
	Disabled   = "disabled"   // nobody signs in with it: left, locked, or never signed up
	Bot        = "bot"        // a program's account
	Unlicensed = "unlicensed" // it may sign in, but not use what its tasks are kept in
	Group      = "group"      // no account: several people
)

// Standings are all of them.
func Standings() []string { return []string{Active, Guest, Disabled, Bot, Unlicensed, Group} }

func memberKind() KindInfo {
	return KindInfo{Kind: Member, Plural: "members", Level: Frame, In: []Kind{Board, Drive}, Doc: "a person, or a group that is let at drives and files",
		Fields: []Field{Name.Field, UserName.Field, Email.Field, Standing.Field, Outside.Field, OwnsPlace.Field}}
}
