package migrate

import (
	"maps"
	"regexp"
	"slices"
	"strings"
	"sync"

	"golang.org/x/text/cases"
	"golang.org/x/text/unicode/norm"

	"github.com/rialto-migrate/rialto/item"
)

// peopleMap turns source members into target members. It learns the source's
// members as the listing meets them. Safe for concurrent use.
type peopleMap struct {
	spec People
	rows map[string]PersonRow // decisions by their source, folded

	standings *standings

	mu     sync.RWMutex
	source map[string]item.Item // by id
	mapped map[string]decision  // by source id
	names  map[string]string    // user name at the source, folded → id
	// within are the user names, folded, that a container's own people have: who
	// is mentioned must not depend on which other containers were listed before.
	within  map[item.Ref]map[string]bool
	targets map[string]item.Item // by id
	byEmail index
	byUser  index
	byLocal index // what stands before the @ of a user name
	byName  index
}

// An index finds a target member by one of its texts, folded; "" where two
// share one.
type index map[string]string

func (x index) add(text, id string) {
	if text == "" {
		return
	}
	if had, twice := x[text]; twice && had != id {
		id = ""
	}
	x[text] = id
}

// A decision is who a source member becomes, "" for nobody, and by what.
type decision struct {
	target, by string
	absent     bool // decided by hand to be somebody who is not in this place
}

func newPeopleMap(spec People, targets []item.Item, told *standings) *peopleMap {
	p := &peopleMap{spec: spec, standings: told, rows: map[string]PersonRow{}, source: map[string]item.Item{}, mapped: map[string]decision{},
		names: map[string]string{}, within: map[item.Ref]map[string]bool{}, targets: map[string]item.Item{}, byEmail: index{}, byUser: index{}, byLocal: index{}, byName: index{}}
	p.spec.Domains = map[string]string{}
	for from, to := range spec.Domains {
		p.spec.Domains[fold(from)] = fold(to)
	}
	for _, r := range spec.Rows {
		if _, twice := p.rows[fold(r.Source)]; !twice {
			p.rows[fold(r.Source)] = r
		}
	}
	for _, t := range targets {
		p.targets[t.ID] = t
		p.byEmail.add(fold(item.Email.Get(t)), t.ID)
		user := fold(item.UserName.Get(t))
		p.byUser.add(user, t.ID)
		if local, _, ok := strings.Cut(user, "@"); ok {
			p.byLocal.add(local, t.ID)
		}
		p.byName.add(fold(item.Name.Get(t)), t.ID)
	}
	return p
}

// fold makes names comparable: case, spaces and Unicode form do not count.
func fold(s string) string {
	return strings.Join(strings.Fields(cases.Fold().String(norm.NFKC.String(s))), " ")
}

// meet learns a member of a container of the source.
func (p *peopleMap) meet(container item.Ref, m item.Item) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if told := p.standings.learn(m); told != item.Standing.Get(m) {
		m = m.Clone()
		item.Standing.Set(&m, told)
	}
	p.source[m.ID] = m
	if u := fold(item.UserName.Get(m)); u != "" {
		p.names[u] = m.ID
		if p.within[container] == nil {
			p.within[container] = map[string]bool{}
		}
		p.within[container][u] = true
	}
	p.mapped[m.ID] = p.decide(m)
}

// again decides about everybody once more, with what became known since.
func (p *peopleMap) again() {
	p.mu.RLock()
	all := slices.Collect(maps.Values(p.source))
	p.mu.RUnlock()
	for _, m := range all {
		p.meet(item.Ref{}, m)
	}
}

// standings are what any container told of the source's accounts: one tells
// what another does not. Safe for concurrent use.
type standings struct {
	mu sync.Mutex
	by map[string]string // by the member's id
}

// learn notes what a member's container tells, and returns what is known.
func (s *standings) learn(m item.Item) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	if told := item.Standing.Get(m); told != "" && s.by[m.ID] != item.Disabled {
		s.by[m.ID] = told
	}
	return s.by[m.ID]
}

// decide finds a member's counterpart and says by what. What a person decided
// comes first, then the rules in their order, then the rule for those who left.
func (p *peopleMap) decide(m item.Item) decision {
	if row, ok := p.row(m); ok {
		id, _ := p.named(row.Target)
		return decision{target: id, by: byHand, absent: id == "" && row.Target != Nobody}
	}
	var found decision
	for _, by := range p.spec.Match {
		if id := p.match(m, by); id != "" {
			found = decision{target: id, by: by}
			break
		}
	}
	if p.spec.Left == "" {
		return found
	}
	if found.target == "" && gone(m) || found.target != "" && item.Standing.Get(p.targets[found.target]) == item.Disabled {
		return decision{by: byLeaving}
	}
	return found
}

// gone reports whether a member is somebody who left, or no person at all.
func gone(m item.Item) bool {
	s := item.Standing.Get(m)
	return s == item.Disabled || s == item.Bot
}

// match looks for a member's counterpart by one rule; "" if there is none, or
// more than one.
func (p *peopleMap) match(m item.Item, by string) string {
	email, user := fold(item.Email.Get(m)), fold(item.UserName.Get(m))
	switch by {
	case byEmail:
		return p.byEmail[email]
	case byDomain:
		for _, s := range []string{email, user} {
			local, domain, _ := strings.Cut(s, "@")
			if to := p.spec.Domains[domain]; to != "" && local != "" {
				if id := p.address(local + "@" + to); id != "" {
					return id
				}
			}
		}
	case byUserName:
		if id, ok := p.byUser[user]; ok {
			return id
		}
		return p.byLocal[user]
	case byName:
		return p.byName[fold(item.Name.Get(m))]
	}
	return ""
}

// address finds a target member by an address, which may be the one that they
// sign in with.
func (p *peopleMap) address(s string) string {
	if id, ok := p.byEmail[s]; ok {
		return id
	}
	return p.byUser[s]
}

// row returns the decision that was made by hand for a member, if there is one.
func (p *peopleMap) row(m item.Item) (PersonRow, bool) {
	if len(p.rows) == 0 {
		return PersonRow{}, false
	}
	for _, s := range []string{m.ID, item.Email.Get(m), item.UserName.Get(m), item.Name.Get(m)} {
		if r, ok := p.rows[fold(s)]; ok && s != "" {
			return r, true
		}
	}
	if short := strings.TrimLeft(m.ID, "0"); short != m.ID && digits.MatchString(short) {
		r, ok := p.rows[short] // a spreadsheet takes an id of digits for a number
		return r, ok
	}
	return PersonRow{}, false
}

var digits = regexp.MustCompile(`^[0-9]+$`)

// named finds the target member that a decision names: by id, e-mail, user name
// or full name. many is set if several are called so; "-" names nobody.
func (p *peopleMap) named(text string) (id string, many bool) {
	if _, ok := p.targets[text]; ok {
		return text, false
	}
	t := fold(text)
	for _, x := range []index{p.byEmail, p.byUser, p.byLocal, p.byName} {
		if id, ok := x[t]; ok {
			return id, id == ""
		}
	}
	return "", false
}

// target returns the counterpart of a source member; ok is false if there is
// none.
func (p *peopleMap) target(id string) (target string, ok bool) {
	p.mu.RLock()
	defer p.mu.RUnlock()
	t := p.mapped[id].target
	return t, t != ""
}

// rest says what becomes of a member without a counterpart.
func (p *peopleMap) rest(id string) string {
	p.mu.RLock()
	defer p.mu.RUnlock()
	if p.mapped[id].by == byLeaving {
		return p.spec.Left
	}
	return p.spec.rest()
}

// becomes says what stands for a member in texts and versions: the counterpart,
// else the name, and that they left where that decides.
func (p *peopleMap) becomes(id string) string {
	p.mu.RLock()
	d := p.mapped[id]
	p.mu.RUnlock()
	switch {
	case d.target != "":
		return d.target
	case d.by == byLeaving:
		return byLeaving + " " + p.name(id)
	}
	return p.name(id)
}

// name returns what a source member is called; an unknown one by its id.
func (p *peopleMap) name(id string) string {
	p.mu.RLock()
	defer p.mu.RUnlock()
	if m, ok := p.source[id]; ok {
		return p.display(m)
	}
	return "unknown person " + id
}

func (p *peopleMap) display(m item.Item) string {
	for _, s := range []string{item.Name.Get(m), item.UserName.Get(m), item.Email.Get(m)} {
		if s != "" {
			return s
		}
	}
	return "unknown person " + m.ID
}

// mentioned returns the full name behind a user name that a text of a container
// mentions.
func (p *peopleMap) mentioned(container item.Ref, user string) (name string, ok bool) {
	p.mu.RLock()
	defer p.mu.RUnlock()
	id, ok := p.names[fold(user)]
	if !ok || !p.within[container][fold(user)] {
		return "", false
	}
	return p.display(p.source[id]), true
}

// called returns the id behind a user name of the source.
func (p *peopleMap) called(user string) (id string, ok bool) {
	p.mu.RLock()
	defer p.mu.RUnlock()
	id, ok = p.names[fold(user)]
	return id, ok
}

// A Person is one line of the people part of a forecast. Ids only.
type Person struct {
	Source string `json:"source"`
	Target string `json:"target,omitempty"`
	By     string `json:"by,omitempty"` // email, domain, username, name, hand, left; "" for nobody
	// Assigned is how many tasks, and entries of checklists, have the person as
	// one who works on them.
	Assigned int    `json:"assigned,omitempty"`
	State    string `json:"state,omitempty"` // of the target's account: found, guest, disabled, unlicensed, outside
	// Undecided is set for who has no counterpart that anybody or a rule chose
	// without doubt.
	Undecided bool `json:"undecided,omitempty"`
}

// all lists the members met so far and their counterparts, by id.
func (p *peopleMap) all() []Person {
	p.mu.RLock()
	defer p.mu.RUnlock()
	shared := p.shared()
	var out []Person
	for id, d := range p.mapped {
		out = append(out, Person{Source: id, Target: d.target, By: d.by, State: p.state(d.target),
			Undecided: d.by == "" || d.absent || d.by == byName && len(shared[d.target]) > 1})
	}
	slices.SortFunc(out, func(a, b Person) int { return compare(a.Source, b.Source) })
	return out
}

// shared lists, by target, the source members that become one, where they are
// several. The caller holds the lock.
func (p *peopleMap) shared() map[string][]string {
	out := map[string][]string{}
	for id, d := range p.mapped {
		if d.target != "" {
			out[d.target] = append(out[d.target], id)
		}
	}
	for target, ids := range out {
		slices.Sort(ids)
		if len(ids) == 1 {
			delete(out, target)
		}
	}
	return out
}

// The states of a target member, beside what the cloud tells of their standing.
const (
	stateFound   = "found"
	stateOutside = "outside" // not among the people of the place
)

// state says what is known of a target member's account; "" for nobody.
func (p *peopleMap) state(id string) string {
	m, ok := p.targets[id]
	if !ok {
		return ""
	}
	standing := item.Standing.Get(m)
	if standing == "" || standing == item.Active {
		standing = stateFound
	}
	switch {
	case !item.Outside.Get(m):
		return standing
	case standing == stateFound:
		return stateOutside
	}
	return standing + ", " + stateOutside
}
