package migrate

import (
	"maps"
	"slices"
	"sync"

	"github.com/rialto-migrate/rialto/connector"
	"github.com/rialto-migrate/rialto/internal/ledger"
	"github.com/rialto-migrate/rialto/item"
)

// What becomes of writes that tell people.
const (
	tellAll    = "all"  // they are written as they come
	tellLast   = "last" // everything else first, they in a step of their own
	tellNobody = "none" // they are not written
)

// lostToQuiet is the policy of a loss that keeps people from being told.
const lostToQuiet = "notify: none"

// notifyChoices has the default first: a run moves everything that it says it
// moves. The forecast counts the messages, so that whoever is to send fewer can
// say so before any was sent.
func notifyChoices() []string { return []string{tellAll, tellLast, tellNobody} }

// NotifiesLast reports whether a migration has a step of its own that tells people.
func (s Spec) NotifiesLast() bool { return s.Policies.Notify == tellLast }

// hush takes from a target what tells people: the fields whose people are told
// that they were named, and what lies in a task and goes to followers. They are
// fitted as if the cloud had no place for them. Those who chose to hear of
// everything cannot be spared.
func hush(c connector.Capabilities) (quiet connector.Capabilities, hushed map[item.Kind]map[string]bool) {
	const why = "notify: none, and the cloud offers no silent way: "
	quiet, hushed = c, map[item.Kind]map[string]bool{}
	quiet.Kinds, quiet.Absent = maps.Clone(c.Kinds), maps.Clone(c.Absent)
	if quiet.Absent == nil {
		quiet.Absent = map[item.Kind]string{}
	}
	for kind, caps := range c.Kinds {
		for _, n := range caps.Notices {
			if !silenced(kind, n) && n.To != connector.ToTalkers && n.To != connector.ToEntries {
				continue
			}
			if hushed[kind] == nil {
				hushed[kind] = map[string]bool{}
			}
			if n.To == connector.ToFollowers {
				hushed[kind]["*"] = true
				quiet.Absent[kind] = why + n.Why
				delete(quiet.Kinds, kind)
				break
			}
			if !hushed[kind][n.Field] {
				hushed[kind][n.Field] = true
				k := quiet.Kinds[kind]
				k.Fields, k.Lost = maps.Clone(k.Fields), maps.Clone(k.Lost)
				if k.Lost == nil {
					k.Lost = map[string]string{}
				}
				delete(k.Fields, n.Field)
				k.Lost[n.Field] = why + n.Why
				k.Shape = slices.DeleteFunc(slices.Clone(k.Shape), func(f string) bool { return f == n.Field })
				quiet.Kinds[kind] = k
			}
		}
	}
	return quiet, hushed
}

// silenced reports whether a policy can keep back what gives a notice.
func silenced(k item.Kind, n connector.Notice) bool {
	return n.To == connector.ToNamed || n.To == connector.ToFollowers && n.Field == "" && level(k) > item.Leaf
}

// putOff reports whether a field, or with "" a whole kind, waits for the step that
// tells people.
func (e *Engine) putOff(k item.Kind, field string) bool {
	return e.Spec.NotifiesLast() && slices.ContainsFunc(e.To.Caps.Kinds[k].Notices, func(n connector.Notice) bool {
		return n.Field == field && silenced(k, n)
	})
}

// putOffFields names the fields of a kind that wait.
func (e *Engine) putOffFields(k item.Kind) (names []string) {
	for _, n := range e.To.Caps.Kinds[k].Notices {
		if n.Field != "" && e.putOff(k, n.Field) && !slices.Contains(names, n.Field) {
			names = append(names, n.Field)
		}
	}
	return names
}

// tells reports whether the step that tells people has to look at an item.
func (p *part) tells(it item.Item, row ledger.Row) bool {
	if !p.e.telling.Load() {
		return false
	}
	names := p.e.packedNames(it.Kind)
	return slices.ContainsFunc(p.e.putOffFields(it.Kind), func(name string) bool {
		return !item.IsZero(it.Fields[name]) || unpack(row.Base, names)[name].given != 0
	})
}

// putOff takes from a step what waits for the step that tells people: the target
// keeps what it holds, and the ledger what was written of it. In that step itself
// it notes that it was written. prev is nil for what is made.
func (p *part) putOff(s *step, prev *item.Bundle) {
	kind := s.unit.key.Kind
	fields := p.e.putOffFields(kind)
	if len(fields) == 0 {
		return
	}
	before := unpack(s.row.Base, p.e.packedNames(kind))
	ours := item.Bundle{Item: s.unit.item, Children: s.unit.children}
	if s.base == nil {
		s.base = p.e.baseOf(ours)
	}
	for _, name := range fields {
		if p.e.telling.Load() {
			if _, merged := s.base[name]; !merged {
				s.base[name] = agreed{given: p.e.fieldHash(ours, name)}
			}
			continue
		}
		delete(s.base, name)
		if p.e.fieldHash(ours, name) != before[name].given {
			p.e.later.add(s.unit.key)
		}
		var there any
		if prev != nil {
			there = prev.Item.Fields[name]
			if was, known := before[name]; known {
				s.base[name] = was
			}
			if p.e.fieldHash(*prev, name) != before[name].given && !p.e.To.Caps.Kinds[kind].Fields[name].AtLeast {
				p.leave(s, *prev, name) // people's own
			}
			s.change.Dirty = slices.DeleteFunc(s.change.Dirty, func(f string) bool { return f == name })
		}
		if !s.cloned {
			s.change.Item, s.cloned = s.change.Item.Clone(), true
		}
		delete(s.change.Item.Fields, name)
		if !item.IsZero(there) {
			s.change.Item.Fields[name] = there
		}
	}
}

// putOffs are the items of a pass of which something waits for the step that
// tells people. Safe for concurrent use.
type putOffs struct {
	mu sync.Mutex
	in refSet
}

func (o *putOffs) forget() {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.in = newRefSet()
}

func (o *putOffs) add(r item.Ref) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.in.add(r)
}

func (o *putOffs) count() int {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.in.len()
}

// written is the item as the step's first request carries it.
func (s *step) written() item.Item {
	if s.change.Op == connector.Create {
		return s.change.Item
	}
	return s.unit.item
}

// waits reports whether a field of an item differs because it waits for the step
// that tells people, and counts it.
func (v *verifier) waits(u *unit, row ledger.Row, settled base, field string) bool {
	if v.e.putOff(u.key.Kind, "") && row.Version != u.version {
		v.toCome(u.key.Kind, field)
		return true
	}
	if !v.e.putOff(u.key.Kind, field) || settled[field].given == v.e.fieldHash(item.Bundle{Item: u.item}, field) {
		return false
	}
	v.toCome(u.key.Kind, field)
	return true
}

func (v *verifier) toCome(k item.Kind, field string) {
	v.mu.Lock()
	defer v.mu.Unlock()
	if v.out.ToCome == nil {
		v.out.ToCome = map[string]int{}
	}
	v.out.ToCome[string(k)+"."+field]++
}
