package look

// A Page is everything that the layout shows. What is an any without a comment, here
// and in the components, is a string of ours, a Name, or Words. Without a Person and an Organisation
// it is a door: one narrow card, for signing in and what is like it.
type Page struct {
	Title        any // of the document, and its heading if Heading has no title
	Heading      Heading
	Crumbs       []Link
	Organisation *Organisation
	Person       *Person
	Nav          []NavItem
	Notices      []Alert
	Body         any    // a component, a page of a Pages, or a slice of such
	Problems     bool   // something that was sent is to be corrected: the title says so
	Live         string // the address of the page's stream of events; see Region
	Wide         bool   // tables and live runs use the whole of a wide screen
	Footer       []Link // beside the name of the program
	Version      string // of the program
}

// An Organisation is the one that a page is about, with those that the person can
// switch to.
type Organisation struct {
	Name   Name
	Href   string
	Others []Link
	All    string // the address of the list of all; "" for none
}

// A Person is who is signed in.
type Person struct {
	Name    Name
	Address Name   // of e-mail
	Links   []Link // to what is the person's own
	SignOut string // where signing out is posted to
}

// A NavItem is one place of the organisation.
type NavItem struct {
	Title, Href string
	Current     bool
	Count       int // what waits there; 0 shows none
}

// A Heading stands at the top of a page, with what can be done about all of it.
type Heading struct {
	Title   any // nil is the page's title
	State   *Badge
	Lead    any
	Actions []Button
}

// A Link is a way to another page.
type Link struct {
	Text    any
	Href    string
	Current bool
	Away    bool // leads to another site, which is not told where from
}
