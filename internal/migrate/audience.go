package migrate

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/rialto-migrate/rialto/connector"
	"github.com/rialto-migrate/rialto/internal/ledger"
	"github.com/rialto-migrate/rialto/item"
)

// An Audience compares who sees the containers of a migration today with who
// will see them at the target.
type Audience struct {
	Same     int `json:"same"`
	Narrower int `json:"narrower"`
	Wider    int `json:"wider"`
	// Untold are those of which the target does not tell who will see them.
	Untold     int       `json:"untold,omitempty"`
	Containers []Sighted `json:"containers"`
}

// A Sighted is one container's line: ids, codes and counts.
type Sighted struct {
	Source string     `json:"source"`
	Wave   int        `json:"wave,omitempty"`
	Class  string     `json:"class"` // same, narrower, wider, untold
	Before Sight      `json:"before"`
	After  Sight      `json:"after"`
	Why    []Widening `json:"why,omitempty"` // of what is wider
	// Accepted is set for what is wider and may be, as the migration file says.
	Accepted bool `json:"accepted,omitempty"`
	// Moved is set for what is at the target already.
	Moved bool `json:"moved,omitempty"`
}

// A Sight is who sees a container at one end.
type Sight struct {
	Visibility string `json:"visibility,omitempty"` // see connector.Shard; "" if unknown
	People     int    `json:"people"`               // -1 if nobody knows, or if there is no end to them
}

// The classes of a container.
const (
	sightSame     = "same"
	sightNarrower = "narrower"
	sightWider    = "wider"
	sightUntold   = "untold"
)

// A Widening is one reason why more people will see a container.
type Widening struct {
	Code   string   `json:"code"`
	People int      `json:"people"`          // who gain by it; -1 if nobody knows
	Gains  []string `json:"gains,omitempty"` // what they gain beyond the container
}

// The codes of a Widening.
const (
	OpenToOrganisation = "open-to-organisation" // everybody with an account at the target will see it
	OpenToEverybody    = "open-to-everybody"    // whoever has the address will see it
	MorePeople         = "more-people"          // people who do not see it today are in the place, or join it
	PeopleNotTold      = "people-not-told"      // one of the clouds does not tell who is in the place, or sees it
	PlaceGained        = "place-gained"         // people who are added to the place gain what else it holds
)

// openness ranks visibilities: those of a closed circle are compared by who is in
// it.
func openness(visibility string) int {
	switch visibility {
	case connector.ForOrganisation:
		return 1
	case connector.ForEverybody:
		return 2
	}
	return 0
}

// A viewing is one container on its way to a place.
type viewing struct {
	shard connector.Shard
	there *Engine
	place *placeSeen
	moved bool
}

// A placeSeen is who sees what a place of the target holds.
type placeSeen struct {
	connector.Audience
	told   bool
	inside map[string]bool // People and the writer
	moving []*viewing      // what goes there now
}

// audience compares the containers. What moved already is compared by how open it
// is alone, since people at the target add each other as they like; whole compares
// the circles of people too. It reads the beginning of a container where the
// counterparts of its people are not known yet and matter.
func (e *Engine) audience(ctx context.Context, shards []connector.Shard, known map[item.Ref]ledger.Shard, whole bool) (*Audience, error) {
	places := map[*Engine]*placeSeen{}
	var all []*viewing
	for _, s := range shards {
		there, err := e.at(ctx, s.Ref)
		if err != nil {
			return nil, err
		}
		if places[there] == nil {
			if places[there], err = there.sees(ctx); err != nil {
				return nil, err
			}
		}
		v := &viewing{shard: s, there: there, place: places[there], moved: !known[s.Ref].Target.Zero() && !whole}
		if !v.moved {
			v.place.moving = append(v.place.moving, v)
		}
		all = append(all, v)
	}
	for _, v := range all {
		if v.mustMeet() {
			if err := v.meet(ctx); err != nil {
				return nil, err
			}
		}
	}
	out := &Audience{Containers: []Sighted{}}
	for _, v := range all {
		line := v.compare()
		line.Wave, line.Moved = e.rows[v.shard.Ref].Wave, !known[v.shard.Ref].Target.Zero()
		switch line.Class {
		case sightSame:
			out.Same++
		case sightNarrower:
			out.Narrower++
		case sightWider:
			out.Wider++
			line.Accepted = e.Spec.Accept.Widens(line.Source)
		default:
			out.Untold++
		}
		out.Containers = append(out.Containers, line)
	}
	return out, nil
}

// sees asks the place of this engine who sees what it holds.
func (e *Engine) sees(ctx context.Context) (*placeSeen, error) {
	p := &placeSeen{inside: map[string]bool{}}
	seen, ok := e.target.(connector.Seen)
	if !ok {
		return p, nil
	}
	var err error
	if p.Audience, err = seen.Audience(ctx); err != nil {
		return nil, fmt.Errorf("the target: %w", err)
	}
	p.told = true
	for _, id := range append(slices.Clone(p.People), p.Writer) {
		if id != "" && item.Standing.Get(e.people.targets[id]) != item.Disabled {
			p.inside[id] = true
		}
	}
	return p, nil
}

// mustMeet reports whether the counterparts of a container's people matter and
// are not all known: where it goes to a place of its own that is made for it, or
// everybody sees it today and nobody joins a group for it, they do not.
func (v *viewing) mustMeet() bool {
	p := v.place
	joins := len(p.Gains) > 0
	circle := max(openness(p.Visibility), openness(v.shard.Visibility)) == 0 && (len(p.People) > 0 || p.Joins && len(p.moving) > 1)
	if v.moved || !p.told || !joins && !circle {
		return false
	}
	return v.shard.Members == nil || slices.ContainsFunc(v.shard.Members, func(id string) bool { return !v.there.people.met(id) })
}

// meet lists the container as far as its people stand, which come before its
// tasks.
func (v *viewing) meet(ctx context.Context) error {
	for page, err := range v.there.source.List(ctx, v.shard, "") {
		if err != nil {
			return err
		}
		v.there.meet(v.shard.Ref, page.Bundles)
		for _, b := range page.Bundles {
			if b.Item.Ref == v.shard.Ref && v.shard.Members == nil {
				v.shard.Members = item.Members.Get(b.Item)
			}
			if b.Item.Kind == item.Task {
				return nil
			}
		}
	}
	return nil
}

// met reports whether a member of the source was met.
func (p *peopleMap) met(id string) bool {
	p.mu.RLock()
	defer p.mu.RUnlock()
	_, ok := p.source[id]
	return ok
}

// becoming are the counterparts of people of the source; who was not met stands
// for himself. lost counts those who have none.
func (v *viewing) becoming(ids []string) (at map[string]bool, lost int) {
	at = map[string]bool{}
	for _, id := range ids {
		target, ok := v.there.people.target(id)
		switch {
		case ok:
			at[target] = true
		case v.there.people.met(id):
			lost++
		default:
			at["source "+id] = true
		}
	}
	return at, lost
}

// compare classifies one container.
func (v *viewing) compare() Sighted {
	s, p := v.shard, v.place
	out := Sighted{Source: s.Ref.ID, Class: sightUntold, Before: Sight{s.Visibility, s.People}, After: Sight{p.Visibility, -1}}
	if !p.told {
		return out
	}
	before, after := openness(s.Visibility), openness(p.Visibility)
	switch {
	case after > before && after == 1:
		out.Why = append(out.Why, Widening{Code: OpenToOrganisation, People: -1})
	case after > before:
		out.Why = append(out.Why, Widening{Code: OpenToEverybody, People: -1})
	}
	added, _ := v.becoming(s.Members)
	delete(added, p.Writer)
	lost := 0
	if after == 0 && !v.moved {
		var now, strangers int
		now, strangers, lost = v.circle(added)
		blind := p.Hidden || p.Visibility == ""
		if before == 0 {
			switch {
			case blind, strangers > 0 && s.Viewers == nil && s.Members == nil:
				out.Why = append(out.Why, Widening{Code: PeopleNotTold, People: -1})
			case strangers > 0:
				out.Why = append(out.Why, Widening{Code: MorePeople, People: strangers})
			}
		}
		if !blind {
			out.After.People = now
		}
	}
	if joining := v.joining(added); joining > 0 {
		out.Why = append(out.Why, Widening{Code: PlaceGained, People: joining, Gains: p.Gains})
	}
	switch {
	case len(out.Why) > 0:
		out.Class = sightWider
	case after < before || lost > 0:
		out.Class = sightNarrower
	default:
		out.Class = sightSame
	}
	return out
}

// circle counts who will see a container that a closed circle sees: all of them,
// those who do not see it today, and those who see it today and will not.
func (v *viewing) circle(added map[string]bool) (now, strangers, lost int) {
	p := v.place
	today, lost := v.becoming(append(slices.Clone(v.shard.Viewers), v.shard.Members...))
	then := map[string]bool{}
	for id := range p.inside {
		then[id] = true
	}
	for id := range added {
		then[id] = true
	}
	if p.Joins {
		for _, other := range p.moving {
			who, _ := other.becoming(other.shard.Members)
			for id := range who {
				then[id] = true
			}
		}
	}
	for id := range then {
		if !today[id] && id != p.Writer {
			strangers++
		}
	}
	for id := range today {
		if !then[id] {
			lost++
		}
	}
	return len(then), strangers, lost
}

// joining counts who is added to the place and gains what else it holds.
func (v *viewing) joining(added map[string]bool) int {
	p, n := v.place, 0
	if v.moved || !p.Joins || len(p.Gains) == 0 {
		return 0
	}
	for id := range added {
		if !p.inside[id] {
			n++
		}
	}
	return n
}

// widened lists what is wider.
func (a *Audience) widened() []Sighted {
	return slices.DeleteFunc(slices.Clone(a.Containers), func(s Sighted) bool { return s.Class != sightWider })
}

// refused lists what is wider and not accepted.
func (a *Audience) refused() []Sighted {
	return slices.DeleteFunc(a.widened(), func(s Sighted) bool { return s.Accepted })
}

// mayWiden refuses a run that would let more people see something than see it
// today, unless the migration file accepts it. It returns what is accepted.
func (e *Engine) mayWiden(ctx context.Context, shards []connector.Shard) ([]Sighted, error) {
	known, err := e.knownShards(ctx)
	if err != nil {
		return nil, err
	}
	a, err := e.audience(ctx, shards, known, false)
	if err != nil {
		return nil, err
	}
	if r := a.refused(); len(r) > 0 {
		return nil, connector.Errorf(connector.Permanent, "%s; nothing was written", sayWidened(r)).WithHint(howToNarrow)
	}
	return a.widened(), nil
}

const howToNarrow = "choose another place for them, in the column place of the map or under to: a group that is private, and of these people alone, or one that is not there yet; " +
	"or say in the migration file that it is meant, accept: widening, or for some of them, accept: {widening: [ID, ID]}; rialto forecast FILE.yaml shows who sees what"

func sayWidened(all []Sighted) string {
	return fmt.Sprintf("%s seen by more people than today: %s", counted(len(all), "container would be", "containers would be"),
		sayIDs(all, func(s Sighted) string { return s.Source + " (" + s.Because() + ")" }))
}

// Because says the reasons of a widening by their codes: "more-people: 3".
func (s Sighted) Because() string {
	var out []string
	for _, w := range s.Why {
		text := w.Code
		if w.People >= 0 {
			text += fmt.Sprintf(": %d", w.People)
		}
		if len(w.Gains) > 0 {
			text += " to " + strings.Join(w.Gains, ", ")
		}
		out = append(out, text)
	}
	return strings.Join(out, "; ")
}

// An Accept is what the migration file takes upon itself.
type Accept struct {
	Widening bool     // of all containers
	Widen    []string // of these, by their ids at the source
}

// Widens reports whether a container may be seen by more people than today.
func (a Accept) Widens(id string) bool { return a.Widening || slices.Contains(a.Widen, id) }
