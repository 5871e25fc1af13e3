package migrate

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/rialto-migrate/rialto/item"
)

// A PeopleList is who appears in the scope of a migration, and who they become.
type PeopleList struct {
	// Partly says that it lists the people of some containers only.
	Partly    bool         `json:"partly,omitempty"`
	Status    string       `json:"status"` // decided, or undecided: a run refuses
	People    []PersonLine `json:"people"`
	Undecided int          `json:"undecided"` // people, assigned to tasks or not
	Refused   int          `json:"refused"`   // of these, those for whose sake a run refuses
	Together  []Together   `json:"together,omitempty"`
	Notices   []string     `json:"notices,omitempty"`
}

// A PersonLine is one person of the source. The fields that say so are filled
// at the user's wish only.
type PersonLine struct {
	Source   string       `json:"source"`
	UserName string       `json:"username,omitempty"` // at the user's wish
	Name     string       `json:"name,omitempty"`     // at the user's wish
	Email    string       `json:"email,omitempty"`    // at the user's wish
	Standing string       `json:"standing,omitempty"`
	As       map[Role]int `json:"as,omitempty"` // how often, and as what
	// Suggestion is the target member that the migration's rules or others find;
	// Reason says by what, State what the target tells of the account.
	Suggestion     string `json:"suggestion,omitempty"`
	SuggestedName  string `json:"suggested_name,omitempty"`  // at the user's wish
	SuggestedEmail string `json:"suggested_email,omitempty"` // at the user's wish
	Reason         string `json:"reason,omitempty"`
	State          string `json:"state,omitempty"`
	Decision       string `json:"decision,omitempty"` // as the people file has it; at the user's wish
	Target         string `json:"target,omitempty"`   // who they become as things stand
	Status         string `json:"status"`             // decided, matched, left, suggested, undecided
}

// The statuses of a person.
const (
	statusDecided   = "decided"   // by hand
	statusMatched   = "matched"   // by a rule of the migration
	statusLeft      = "left"      // nobody, as people.left says
	statusSuggested = "suggested" // found, but by a rule that the migration does not use, or not without doubt
	statusUndecided = "undecided"
)

// Together names source members that become one target member.
type Together struct {
	Target  string   `json:"target"`
	Sources []string `json:"sources"`
}

// String is for logs: it holds ids only.
func (t Together) String() string { return strings.Join(t.Sources, " + ") + " → " + t.Target }

// together lists the source members that become one, in any place.
func (e *Engine) together() []Together {
	by := map[string][]string{}
	for _, there := range e.entered() {
		there.people.mu.RLock()
		for target, ids := range there.people.shared() {
			by[target] = append(by[target], ids...)
		}
		there.people.mu.RUnlock()
	}
	var out []Together
	for _, target := range sortedKeys(by) {
		slices.Sort(by[target])
		out = append(out, Together{Target: target, Sources: slices.Compact(by[target])})
	}
	return out
}

// People lists who appears in the scope and who they become. It only reads, and
// writes nothing to the ledger. names puts names and addresses into the list.
func (e *Engine) People(ctx context.Context, names bool) (*PeopleList, error) {
	e.losses, e.ahead = newLossBook(), true
	if err := e.open(ctx); err != nil {
		return nil, err
	}
	shards, err := e.shards(ctx)
	if err != nil {
		return nil, err
	}
	if err := e.foreknow(ctx); err != nil {
		return nil, err
	}
	c := &census{mention: e.From.Caps.Mention}
	if err := e.meetAll(ctx, shards, c); err != nil {
		return nil, err
	}
	out := &PeopleList{Partly: !e.Select.All(), Status: "decided", People: []PersonLine{}, Together: e.together()}
	for _, p := range e.everybody(c) {
		line := e.line(p, names)
		line.As = c.as(p.Source)
		if out.Partly && len(line.As) == 0 {
			continue // of other containers
		}
		if p.Undecided {
			out.Undecided++
			if e.Spec.People.Others == "" && p.Assigned > 0 {
				out.Refused++
				out.Status = "undecided"
			}
		}
		out.People = append(out.People, line)
	}
	check := e.checkPeople()
	for _, err := range check.wrong() {
		out.Status = "undecided"
		out.Notices = append(out.Notices, err.Error())
	}
	if lines := check.idle(); len(lines) > 0 && !out.Partly {
		out.Notices = append(out.Notices, e.sayIdle(lines))
	}
	return out, nil
}

// line tells of one person, as the place sees them that has most to tell: who
// they become there, or may.
func (e *Engine) line(at Person, names bool) PersonLine {
	var best PersonLine
	for _, there := range e.entered() {
		line, met := there.people.line(at, names)
		if met && (best.Source == "" || best.Suggestion == "" && line.Suggestion != "" || best.State == "" && line.State != "") {
			best = line
		}
	}
	return best
}

// line tells of one person.
func (p *peopleMap) line(at Person, names bool) (line PersonLine, met bool) {
	p.mu.RLock()
	defer p.mu.RUnlock()
	m, met := p.source[at.Source]
	out := PersonLine{Source: at.Source, Standing: item.Standing.Get(m), Target: at.Target, Status: statusMatched}
	out.Suggestion, out.Reason = p.suggest(m)
	about := out.Suggestion
	row, byRow := p.row(m)
	switch {
	case byRow:
		out.Status, about = statusDecided, at.Target
		if at.Target == "" && row.Target != Nobody {
			out.State = "not found"
		}
	case at.By == byLeaving:
		out.Status = statusLeft
	case at.Undecided && out.Suggestion != "":
		out.Status = statusSuggested
	case at.Undecided:
		out.Status = statusUndecided
	}
	if about != "" {
		out.State = p.state(about)
	}
	if names {
		out.Name, out.UserName, out.Email = item.Name.Get(m), item.UserName.Get(m), item.Email.Get(m)
		t := p.targets[out.Suggestion]
		out.SuggestedName, out.SuggestedEmail = item.Name.Get(t), item.Email.Get(t)
		out.Decision = row.Target
	}
	return out, met
}

// WithoutNames leaves ids, counts and reasons, as they may be shown and logged.
func (l PeopleList) WithoutNames() PeopleList {
	people := make([]PersonLine, len(l.People))
	for i, p := range l.People {
		p.Name, p.UserName, p.Email, p.SuggestedName, p.SuggestedEmail, p.Decision = "", "", "", "", "", ""
		people[i] = p
	}
	l.People = people
	return l
}

// suggest finds a member's counterpart by the migration's rules, and then by
// the others: those only suggest.
func (p *peopleMap) suggest(m item.Item) (target, by string) {
	for _, by := range append(append([]string{}, p.spec.Match...), byEmail, byDomain, byUserName, byName) {
		if id := p.match(m, by); id != "" {
			return id, by
		}
	}
	return "", ""
}

// counted says a number of things.
func counted(n int, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return fmt.Sprintf("%d %s", n, many)
}
