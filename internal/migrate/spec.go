// Package migrate is the engine: it forecasts, runs, verifies and undoes a
// migration. It knows kinds, the contract of a connector and the ledger's
// interface, and no cloud.
//
// The way of an item: list → ask the ledger (skip, create, update, delete) →
// fit it to the target (people, links, losses) → write → commit → advance the
// cursor. fit is one function, and forecast, run and verify all call it: what
// it drops is what the forecast names, and what it yields is what verify
// expects to read back.
package migrate

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/rialto-migrate/rialto/internal/pace"
)

// A Spec says what a migration does. It is plain data: it comes from a YAML
// file or the web app, and crosses to the mover.
type Spec struct {
	Name     string
	Scope    []string // "board:Marketing", an id, a URL; "*" for all
	Place    string   // "group:Marketing"
	Map      []MapRow // where each container goes and when; nil for all to one place at once
	People   People
	Policies Policies
	Timezone string // IANA name; "" is UTC
	Pace     *pace.Plan
	Accept   Accept
}

// Policies choose what becomes of what the target cannot hold as the source
// had it.
type Policies struct {
	Archived         string // plan, bucket, skip
	SecondChecklist  string // append, text, drop
	ExtraAssignee    string // name-in-text, drop
	LargeAttachment  string // link, drop
	BoardDescription string // task, drop
	Deletions        string // keep, delete
	Conflict         string // target, source, newest
	Formatting       string // convert, keep
	Notify           string // all, last, none
}

// Other choices every policy field understands are listed here, the default first.
func policyChoices() map[string][]string {
	return map[string][]string{
		"archived":          {"plan", "bucket", "skip"},
		"second-checklist":  {"append", "text", "drop"},
		"extra-assignee":    {"name-in-text", "drop"},
		"large-attachment":  {"link", "drop"},
		"board-description": {"task", "drop"},
		"deletions":         {"keep", "delete"},
		"conflict":          {targetWins, sourceWins, newestWins},
		"formatting":        {"convert", "keep"},
		"notify":            notifyChoices(),
	}
}

func (p *Policies) byName() map[string]*string {
	return map[string]*string{
		"archived":          &p.Archived,
		"second-checklist":  &p.SecondChecklist,
		"extra-assignee":    &p.ExtraAssignee,
		"large-attachment":  &p.LargeAttachment,
		"board-description": &p.BoardDescription,
		"deletions":         &p.Deletions,
		"conflict":          &p.Conflict,
		"formatting":        &p.Formatting,
		"notify":            &p.Notify,
	}
}

// PolicyNames lists the policies a file may set, sorted.
func PolicyNames() []string {
	names := make([]string, 0)
	for n := range policyChoices() {
		names = append(names, n)
	}
	slices.Sort(names)
	return names
}

// PolicyChoices lists what a policy may say, the default first; nil for a name
// that is no policy.
func PolicyChoices(name string) []string { return policyChoices()[name] }

// Get tells what a policy says, by its name in the file; "" for none.
func (p *Policies) Get(name string) string {
	if field := p.byName()[name]; field != nil {
		return *field
	}
	return ""
}

// Set chooses a policy by its name in the file.
func (p *Policies) Set(name, choice string) error {
	field, ok := p.byName()[name]
	if !ok {
		return fmt.Errorf("there is no policy %q; there are %s", name, strings.Join(PolicyNames(), ", "))
	}
	choices := policyChoices()[name]
	if !slices.Contains(choices, choice) {
		return fmt.Errorf("policy %s cannot be %q; choose %s", name, choice, strings.Join(choices, ", "))
	}
	*field = choice
	return nil
}

// Validate fills what is not said with the defaults and refuses what cannot be.
func (s *Spec) Validate() error {
	if s.Name == "" {
		return fmt.Errorf("a migration needs a name")
	}
	if len(s.Scope) == 0 {
		return fmt.Errorf("from.scope is missing; say [\"*\"] to move everything, or name a map of what moves: map: boards.csv")
	}
	for name, field := range s.Policies.byName() {
		if *field == "" {
			*field = policyChoices()[name][0]
		}
		if err := s.Policies.Set(name, *field); err != nil {
			return err
		}
	}
	if err := s.People.validate(); err != nil {
		return err
	}
	if _, err := s.location(); err != nil {
		return fmt.Errorf("there is no time zone %q; use a name like Europe/Oslo", s.Timezone)
	}
	return s.Pace.Ready()
}

func (s *Spec) location() (*time.Location, error) {
	if s.Timezone == "" {
		return time.UTC, nil
	}
	return time.LoadLocation(s.Timezone)
}
