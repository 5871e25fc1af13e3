package look

import (
	"fmt"
	"strings"
)

// A Form is sent to Action by POST, or by GET where it only asks.
type Form struct {
	Action  string
	Asks    bool // changes nothing: its fields go into the address
	Upload  bool // holds files
	Error   string
	Hidden  []Hidden
	Fields  []any // Field, Choices, Fieldset, Tree, or whatever stands between
	Buttons []Button
	Row     bool // fields in one line, as for a filter
}

// Hidden is sent with a form and not shown.
type Hidden struct{ Name, Value string }

// A Problem is one field that was refused.
type Problem struct {
	ID    string
	Label any
	Error string
}

// Problems are the fields that were refused, in their order.
func (f Form) Problems() []Problem { return problems(f.Fields) }

func problems(of []any) []Problem {
	var all []Problem
	for _, part := range of {
		switch p := part.(type) {
		case Field:
			if p.Error != "" {
				all = append(all, Problem{p.ID(), p.Label, p.Error})
			}
		case Choices:
			if p.Error != "" {
				all = append(all, Problem{p.ID(), p.Legend, p.Error})
			}
		case Tree:
			if p.Error != "" {
				all = append(all, Problem{p.ID(), p.Legend, p.Error})
			}
		case Fieldset:
			all = append(all, problems(p.Fields)...)
		}
	}
	return all
}

// A Fieldset is a group of fields under one legend.
type Fieldset struct {
	Legend, Hint string
	Fields       []any
}

// The kinds of fields beside those that HTML names: text is the default.
const (
	Long     = "long"     // several lines
	Select   = "select"   // one of Options
	Check    = "checkbox" // yes or no
	OneTime  = "one-time" // a code of digits
	Password = "password" // its value is never sent back
)

// A Field is one thing that a person fills in. What was typed comes back with the
// reason for which it was refused.
type Field struct {
	Name         string
	Label        any
	Hint, Error  string
	Kind         string // text, email, number, date, time, url, search, file, or one of the constants
	Value        string
	Checked      bool
	Options      []Option
	Optional     bool
	Locked       string // why it cannot be changed here; "" if it can
	Autocomplete string
	Unit         string // behind the field
	Min, Max     string
	MaxLength    int
	Rows         int  // of a long one
	Mono         bool // code and identifiers
	Short        bool // for few characters
	Quiet        bool // its label is only heard: in a row whose words show it
	First        bool // gets the focus when the page opens
}

// An Option is one choice of a select.
type Option struct {
	Value    string
	Text     any
	Selected bool
}

// ID is the field's id in the page.
func (f Field) ID() string {
	if f.Kind == Check && f.Value != "" { // one of several of that name
		return id("f-", f.Name+"-"+f.Value)
	}
	return id("f-", f.Name)
}

// Described is what aria-describedby names.
func (f Field) Described() string { return described(f.ID(), f.Hint, f.Error, f.Locked) }

// Input is the type of the input.
func (f Field) Input() string {
	switch f.Kind {
	case "", OneTime:
		return "text"
	}
	return f.Kind
}

// Choices are cards of which one is chosen, or several. Each says what it means.
type Choices struct {
	Name, Legend, Hint, Error string
	Several                   bool
	Options                   []Choice
}

// A Choice is one card.
type Choice struct {
	Value  string
	Title  any
	Text   string
	State  *Badge
	Count  string // what choosing it changes, as "412 items"
	Chosen bool
	Locked string // why it cannot be chosen
}

// ID is the group's id in the page.
func (c Choices) ID() string { return id("f-", c.Name) }

// Described is what aria-describedby names.
func (c Choices) Described() string { return described(c.ID(), c.Hint, c.Error, "") }

// A Button does something, or leads somewhere: it submits the form around it, posts
// to an address without one, or is a link.
type Button struct {
	Text        string
	Kind        string // "" is plain; Primary, Danger, Quiet
	Href        string // leads there
	Post        string // posts there
	Name, Value string // sent with the form
	About       any    // what it acts on, for those who hear the page: "Remove", about "Kari"
	Small       bool
	Icon        string
	Confirm     bool // Href is a page that asks; where scripts run it opens above this one
	Locked      bool // cannot be used now; the page says why beside it
}

// The kinds of buttons. A page has one primary button.
const (
	Primary = "primary"
	Danger  = "danger"
	Quiet   = "quiet"
)

// A Confirm is a page that asks before something that is not undone.
type Confirm struct {
	Text    any
	Follows []any  // what will happen, one thing a line
	Action  string // where the answer is posted to
	Hidden  []Hidden
	Fields  []any // a word to type, a password
	Button  string
	Danger  bool
	Back    string
}

// Form is the form of the question.
func (c Confirm) Form() Form {
	kind := Primary
	if c.Danger {
		kind = Danger
	}
	return Form{Action: c.Action, Hidden: c.Hidden, Fields: c.Fields,
		Buttons: []Button{{Text: c.Button, Kind: kind}, {Text: "Go back", Kind: Quiet, Href: c.Back}}}
}

// described lists the ids of the texts that belong to a field.
func described(id, hint, err, locked string) string {
	var ids []string
	for _, part := range []struct{ text, end string }{{hint, "-hint"}, {locked, "-locked"}, {err, "-error"}} {
		if part.text != "" {
			ids = append(ids, id+part.end)
		}
	}
	return strings.Join(ids, " ")
}

// id makes an id of a name: what may not stand in one is written as its number.
func id(prefix, name string) string {
	var b strings.Builder
	b.WriteString(prefix)
	for _, r := range name {
		if r == '-' || r == '_' || r >= '0' && r <= '9' || r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' {
			b.WriteRune(r)
		} else {
			fmt.Fprintf(&b, "_%x_", r)
		}
	}
	return b.String()
}
