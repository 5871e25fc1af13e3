package migrate

import (
	"fmt"
	"maps"
	"slices"
	"strings"
)

// People says how source members become target members.
type People struct {
	Match []string // in order: email, domain, username, name
	// Domains turns the domains of the source's addresses into the target's, so
	// that a company that changed its name finds its people: old to new.
	Domains map[string]string
	Rows    []PersonRow // decisions made by hand
	File    string      // where the rows stand, for messages
	// Left says what becomes of people without a counterpart who have left, by
	// what either cloud tells of them: name-in-text, drop; "" treats them as Others.
	Left string
	// Others says what becomes of all other people without a counterpart:
	// name-in-text, drop; "" is name-in-text for those who are nobody's assignee,
	// and makes a run refuse while somebody who is assigned is undecided.
	Others string
}

// A PersonRow is one decision made by hand: a person of the source, by id, user
// name, e-mail or full name, and one of the target likewise; "-" for nobody.
type PersonRow struct {
	Source, Target string
	Line           int // of the people file
}

// Nobody is the target of a person who is to have no counterpart.
const Nobody = "-"

// The ways to find a person's counterpart, as people.match names them and as
// forecasts give the reason.
const (
	byEmail    = "email"
	byDomain   = "domain"
	byUserName = "username"
	byName     = "name"
	byHand     = "hand"
	byLeaving  = "left"
)

// What becomes of people without a counterpart.
const nameInText = "name-in-text"

var restPolicies = [...]string{nameInText, asDropped}

// validate fills what is not said with the defaults and refuses what cannot be.
func (p *People) validate() error {
	if len(p.Match) == 0 {
		p.Match = []string{byEmail, byName}
	}
	for _, m := range p.Match {
		if !slices.Contains([]string{byEmail, byDomain, byUserName, byName}, m) {
			return fmt.Errorf("people.match cannot be %q; choose from email, domain, username, name", m)
		}
	}
	switch named := slices.Contains(p.Match, byDomain); {
	case named && len(p.Domains) == 0:
		return fmt.Errorf("people.match names domain; say which became which: people: {domains: {old.com: new.com}}")
	case !named && len(p.Domains) > 0: // right behind the address itself, else first
		p.Match = slices.Insert(slices.Clone(p.Match), slices.Index(p.Match, byEmail)+1, byDomain)
	}
	for from, to := range p.Domains {
		for _, d := range []string{from, to} {
			if d == "" || strings.ContainsAny(d, "@ /") {
				return fmt.Errorf("people.domains cannot hold %q; write what stands behind the @, such as old.com: new.com", d)
			}
		}
	}
	for key, choice := range map[string]string{"others": p.Others, "left": p.Left} {
		if choice != "" && !slices.Contains(restPolicies[:], choice) {
			return fmt.Errorf("people.%s cannot be %q; choose name-in-text or drop", key, choice)
		}
	}
	return nil
}

// rest is what becomes of people without a counterpart.
func (p *People) rest() string {
	if p.Others == "" {
		return nameInText
	}
	return p.Others
}

// salt is what the fit of items depends on: the decisions, however the file
// that holds them is sorted.
func (p *People) salt() string {
	var rows []string
	for _, r := range p.Rows {
		rows = append(rows, fmt.Sprintf("%q %q", fold(r.Source), fold(r.Target)))
	}
	slices.Sort(rows)
	var domains []string
	for _, from := range slices.Sorted(maps.Keys(p.Domains)) {
		domains = append(domains, fmt.Sprintf("%q %q", fold(from), fold(p.Domains[from])))
	}
	return fmt.Sprintf("%q %q %q %s %s", p.Match, domains, rows, p.Left, p.rest())
}
