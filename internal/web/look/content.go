package look

// A Tone is how something is meant. Each has a colour and a shape.
type Tone string

// The tones; "" is neutral.
const (
	Info Tone = "info"
	Good Tone = "good"
	Warn Tone = "warn"
	Bad  Tone = "bad"
)

// Icon is the drawing of a tone.
func (t Tone) Icon() string {
	switch t {
	case Info:
		return "info"
	case Good:
		return string(Done)
	case Warn:
		return string(Partly)
	case Bad:
		return string(Failed)
	}
	return ""
}

// A Badge is a state in one or two words.
type Badge struct {
	Text string
	Tone Tone
	Icon string // "" is the tone's own
}

// Drawing is the badge's icon.
func (b Badge) Drawing() string {
	if b.Icon == "" {
		return b.Tone.Icon()
	}
	return b.Icon
}

// An Alert tells something about the page: what was just done, or what is in the
// way.
type Alert struct {
	Tone    Tone
	Title   any
	Text    any
	More    any // shown below the text
	Actions []Button
}

// Role is how soon it is read out.
func (a Alert) Role() string {
	if a.Tone == Bad {
		return "alert"
	}
	return "status"
}

// A Section is a part of a page under a heading of its own.
type Section struct {
	ID      string
	Title   any
	Text    any
	Actions []Button
	Card    bool
	Parts   []any
}

// Text is a paragraph.
type Text string

// Facts are pairs of a word and what it is.
type Facts []Fact

// A Fact is one pair; Value is anything that can be shown.
type Fact struct {
	Term  string
	Value any
	Note  string
}

// Figures are the few numbers that a page is about.
type Figures []Figure

// A Figure is one number with its word.
type Figure struct {
	Value string
	Label string
	Note  string
	Tone  Tone
}

// A Table becomes a list of cards on a phone.
type Table struct {
	Caption   string
	Captioned bool // the caption is seen and not only heard
	Columns   []Column
	Rows      []Row
	Empty     *Empty // instead of a table without rows
	Pages     *Pagination
}

// A Column is one column.
type Column struct {
	Title  string
	Number bool // aligned to the right
	Wide   bool // takes the room that is left
	Quiet  bool // its title is only heard, as of a column of buttons
	Sort   string
	Sorted string // "ascending", "descending" or ""
}

// A Row is one line, with as many cells as there are columns; the first names the
// line. A cell is anything that can be shown.
type Row struct {
	Cells []any
	Tone  Tone
}

// Cell pairs a cell with its column.
type Cell struct {
	Column Column
	Value  any
	First  bool
}

// Cells are the row's cells with their columns.
func (t Table) Cells(r Row) []Cell {
	var cells []Cell
	for i, v := range r.Cells {
		if i < len(t.Columns) {
			cells = append(cells, Cell{t.Columns[i], v, i == 0})
		}
	}
	return cells
}

// Stacked are two lines in one cell: the second explains the first.
type Stacked struct{ Top, Below any }

// Pagination leads through a long list.
type Pagination struct {
	Previous, Next string // addresses; "" at the ends
	First, Last    int
	Total          int    // 0 if nobody counted
	Word           string // what is listed, as "items"
}

// Tabs are links to the sides of one thing.
type Tabs struct {
	Label string
	Tabs  []Tab
}

// A Tab is one side.
type Tab struct {
	Title, Href string
	Current     bool
	Count       int // 0 shows none
	Tone        Tone
}

// Empty says why there is nothing, and what to do about it.
type Empty struct {
	Title, Text any
	Actions     []Button
}

// A Stepper shows how far one is, and leads back.
type Stepper struct {
	Label string
	Steps []Step
}

// A Step is one of them. Its Href is "" where it cannot be opened yet.
type Step struct {
	Title, Href string
	State       StepState
	Note        string
}

// A StepState is how a step stands.
type StepState string

// The states of a step; "" is to come.
const (
	StepDone    StepState = "done"
	StepCurrent StepState = "current"
	StepWrong   StepState = "wrong"
)

// Words say the state for those who do not see it.
func (s StepState) Words() string {
	switch s {
	case StepDone:
		return "done"
	case StepCurrent:
		return "you are here"
	case StepWrong:
		return "needs attention"
	}
	return "to come"
}

// Position is the current step's number, from 1; 0 if none is.
func (s Stepper) Position() int {
	for i, step := range s.Steps {
		if step.State == StepCurrent {
			return i + 1
		}
	}
	return 0
}

// A Tree is what can be chosen of a source. Choosing a node is choosing all below.
type Tree struct {
	Name, Legend, Hint, Error string
	Nodes                     []Node
}

// A Node is one container, with what lies in it.
type Node struct {
	ID      string // unlike any other of the tree; what the form sends
	Label   Name
	Kind    string // as "board"
	Count   string // as "1,204 items"
	Chosen  bool
	Partly  bool // some below are chosen
	Open    bool
	Locked  string // why it cannot be chosen
	Nodes   []Node
	Further string // the address of the tree with this node's others; "" if all are here
}

// ID is the tree's id in the page.
func (t Tree) ID() string { return id("f-", t.Name) }

// Described is what aria-describedby names.
func (t Tree) Described() string { return described(t.ID(), t.Hint, t.Error, "") }

// NodeID is a node's id in the page.
func (t Tree) NodeID(n Node) string { return id(t.ID()+"-", n.ID) }

// Code is text to copy: a token, a command, a file.
type Code struct {
	ID    string // unlike any other of the page
	Label string
	Text  string
	Wrap  bool
}

// Codes are recovery codes, shown once.
type Codes struct {
	ID    string
	Label string
	Codes []string
}

// Disclosure shows more to those who want it.
type Disclosure struct {
	ID      string // unlike any other of the page, so that it stays open when a region changes
	Summary string
	Open    bool
	Parts   []any
}
