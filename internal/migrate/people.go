package migrate

import (
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

	mu      sync.RWMutex
	source  map[string]item.Item // by id
	mapped  map[string]string    // source id → target id, "" for nobody
	targets []item.Item
	byEmail map[string]string
	byUser  map[string]string
	byName  map[string]string // "" where two share a name
	byID    map[string]bool
	names   map[string]string // user name at the source, folded → full name
}

func newPeopleMap(spec People, targets []item.Item) *peopleMap {
	p := &peopleMap{spec: spec, source: map[string]item.Item{}, mapped: map[string]string{}, targets: targets,
		byEmail: map[string]string{}, byUser: map[string]string{}, byName: map[string]string{}, byID: map[string]bool{}, names: map[string]string{}}
	for _, t := range targets {
		p.byID[t.ID] = true
		if e := fold(item.Email.Get(t)); e != "" {
			p.byEmail[e] = t.ID
		}
		if u := fold(item.UserName.Get(t)); u != "" {
			p.byUser[u] = t.ID
			if local, _, ok := strings.Cut(u, "@"); ok {
				p.byUser[local] = t.ID
			}
		}
		if n := fold(item.Name.Get(t)); n != "" {
			if _, twice := p.byName[n]; twice {
				p.byName[n] = ""
			} else {
				p.byName[n] = t.ID
			}
		}
	}
	return p
}

// fold makes names comparable: case, spaces and Unicode form do not count.
func fold(s string) string {
	return strings.Join(strings.Fields(cases.Fold().String(norm.NFKC.String(s))), " ")
}

// meet learns a member of the source.
func (p *peopleMap) meet(m item.Item) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.source[m.ID] = m
	if u := fold(item.UserName.Get(m)); u != "" {
		p.names[u] = p.display(m)
	}
	p.mapped[m.ID], _ = p.decide(m)
}

// decide finds a member's counterpart and says by what.
func (p *peopleMap) decide(m item.Item) (target, by string) {
	name, user, email := fold(item.Name.Get(m)), fold(item.UserName.Get(m)), fold(item.Email.Get(m))
	for _, row := range p.spec.Rows {
		s := fold(row.Source)
		if s == "" || row.Source != m.ID && s != name && s != user && s != email {
			continue
		}
		if row.Target == "-" || row.Target == "" {
			return "", "hand"
		}
		t := fold(row.Target)
		if p.byID[row.Target] {
			return row.Target, "hand"
		}
		for _, idx := range []map[string]string{p.byEmail, p.byUser, p.byName} {
			if id := idx[t]; id != "" {
				return id, "hand"
			}
		}
	}
	for _, by := range p.spec.Match {
		var id string
		switch by {
		case "email":
			id = p.byEmail[email]
		case "username":
			id = p.byUser[user]
		case "name":
			id = p.byName[name]
		}
		if id != "" {
			return id, by
		}
	}
	return "", ""
}

// target returns the counterpart of a source member; ok is false if there is
// none.
func (p *peopleMap) target(id string) (target string, ok bool) {
	p.mu.RLock()
	defer p.mu.RUnlock()
	t := p.mapped[id]
	return t, t != ""
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

// mentioned returns the full name behind a user name of the source.
func (p *peopleMap) mentioned(user string) (name string, ok bool) {
	p.mu.RLock()
	defer p.mu.RUnlock()
	name, ok = p.names[fold(user)]
	return name, ok
}

// A Person is one line of the people part of a forecast. Ids only.
type Person struct {
	Source string `json:"source"`
	Target string `json:"target,omitempty"`
	By     string `json:"by,omitempty"` // email, username, name, hand; "" for nobody
}

// all lists the members met so far and their counterparts.
func (p *peopleMap) all() []Person {
	p.mu.RLock()
	defer p.mu.RUnlock()
	var out []Person
	for id, m := range p.source {
		t, by := p.decide(m)
		out = append(out, Person{Source: id, Target: t, By: by})
	}
	return out
}
