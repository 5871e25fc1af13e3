package migrate

import (
	"slices"
	"sync"

	"github.com/rialto-migrate/rialto/internal/ledger"
	"github.com/rialto-migrate/rialto/item"
)

// Who wins where an item changed at both ends since the last pass.
const (
	targetWins = "target"
	sourceWins = "source"
	newestWins = "newest"
)

// A Conflict is an item that changed at both ends since the last pass, and who
// won. Ids and the names of fields, no content.
type Conflict struct {
	Kind   item.Kind `json:"kind"`
	Source string    `json:"source"`
	Target string    `json:"target,omitempty"`
	Fields []string  `json:"fields"` // "*" for the whole item
	Won    string    `json:"won"`    // target or source
	Reason string    `json:"reason,omitempty"`
	Link   string    `json:"link,omitempty"`
}

// listedConflicts is how many conflicts a report lists; all are counted.
const listedConflicts = 1000

// conflicts are those of one pass. Safe for concurrent use.
type conflicts struct {
	mu    sync.Mutex
	count int
	list  []Conflict
}

func (c *conflicts) add(one Conflict) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.count++
	if len(c.list) < listedConflicts {
		c.list = append(c.list, one)
	}
}

// conflict lists what changed at both ends.
func (p *part) conflict(key, target item.Ref, fields []string, won, reason string) {
	c := Conflict{Kind: key.Kind, Source: key.ID, Target: target.ID, Fields: fields, Won: won, Reason: reason}
	if !target.Zero() {
		c.Link = p.e.target.Link(target, p.container())
	}
	p.e.conflicts.add(c)
	for _, f := range fields {
		p.e.Emit(Event{Event: "conflict", Shard: p.name, Kind: key.Kind, Source: key.ID, Target: target.ID, Field: f, Op: won, Reason: reason, Link: c.Link})
	}
}

// merge decides, field by field, what an update writes: what only the source
// changed is written, what only people at the target changed stays, and where
// both changed one wins by policy. It changes the step's dirty fields, what the
// target is to hold afterwards, and the base that is remembered.
func (p *part) merge(s *step, prev item.Bundle) {
	names := p.e.packedNames(prev.Item.Kind)
	before := unpack(s.row.Base, names)
	if before == nil {
		return
	}
	ours := item.Bundle{Item: s.unit.item, Children: s.unit.children}
	after := p.e.baseOf(ours)
	half := s.row.State == ledger.Half
	winner := p.winner(s, prev)
	var lost, won, unsure []string
	for _, name := range p.e.merged(prev.Item.Kind) {
		source, target, was := after[name].given, p.e.fieldHash(prev, name), before[name]
		if p.e.putOff(prev.Item.Kind, name) && !p.e.telling.Load() {
			continue // another step's
		}
		if p.keptBack(s, name) {
			continue // another pass's
		}
		if source == target || name == item.Content.Name || name == item.Modified.Name && p.e.rewritten(prev, before) {
			continue
		}
		changedHere := source != was.given
		changedThere := target != was.given
		switch {
		case !changedThere:
			continue
		case half && (changedHere || was.kept != target):
			// What stands may be ours, of a state that the source has left since, or
			// people's. It cannot be told, so that the source's is written and listed.
			unsure = append(unsure, name)
			continue
		case !changedHere && (was.kept == 0 || winner != sourceWins):
			// People's own edit. If it was in dispute before, that stays decided.
			p.leave(s, prev, name)
			if was.kept == target {
				after[name] = was
			}
			continue
		case winner == sourceWins:
			won = append(won, name)
			continue
		default:
			lost = append(lost, name)
		}
		p.leave(s, prev, name)
		after[name] = agreed{given: source, kept: target}
	}
	at := item.Position.Name
	still := before[at].given == after[at].given && !slices.Contains(s.change.Dirty, item.InList.Name) && !half
	if still || s.left[item.InList.Name] { // the source did not move it, or people put it into a list of theirs
		s.change.Dirty = slices.DeleteFunc(s.change.Dirty, func(f string) bool { return f == at })
	}
	s.change.Dirty = slices.DeleteFunc(s.change.Dirty, func(f string) bool { return s.left[f] })
	s.base = after
	if len(lost) > 0 {
		p.conflict(s.unit.key, s.row.Target, lost, targetWins, "")
	}
	if len(won) > 0 {
		p.conflict(s.unit.key, s.row.Target, won, sourceWins, "")
	}
	if len(unsure) > 0 {
		p.conflict(s.unit.key, s.row.Target, unsure, sourceWins, "an update was cut off: what stood there may have been people's")
	}
}

// winner is who wins where both changed.
func (p *part) winner(s *step, prev item.Bundle) string {
	switch policy := p.e.Spec.Policies.Conflict; policy {
	case newestWins:
		here, there := s.bundle.Item.Changed, prev.Item.Changed
		if here.IsZero() || there.IsZero() || !here.After(there) {
			return targetWins
		}
		return sourceWins
	default:
		return policy
	}
}

// leave lets a field of the target stand as people made it.
func (p *part) leave(s *step, prev item.Bundle, name string) {
	if s.left == nil {
		s.left = map[string]bool{}
	}
	s.left[name] = true
	if p.e.embeds(prev.Item.Kind, name) {
		s.change.Children = slices.DeleteFunc(slices.Clone(s.change.Children), func(c item.Item) bool { return c.Kind == item.Kind(name) })
		s.change.Children = append(s.change.Children, prev.Of(item.Kind(name))...)
		return
	}
	if s.change.Item.Fields == nil || !s.cloned {
		s.change.Item = s.change.Item.Clone()
		s.cloned = true
	}
	if name == item.Content.Name {
		s.change.Item.Blob = prev.Item.Blob
		return
	}
	if v := prev.Item.Fields[name]; item.IsZero(v) {
		delete(s.change.Item.Fields, name)
	} else {
		s.change.Item.Fields[name] = v
	}
}

// printOf is the print of what a step leaves at the target: where people's own
// edits stand in it, one that nothing there has, so that an undo leaves it alone.
func (s *step) printOf(e *Engine, stored item.Bundle) item.Digest {
	if len(s.left) > 0 {
		stored = item.Bundle{Item: s.unit.item, Children: s.unit.children}
	}
	return e.printOf(stored)
}

// baseOf is the base that a step leaves, where this is what the target holds.
func (s *step) baseOf(e *Engine, there item.Bundle) string {
	if s.base == nil {
		s.base = e.baseOf(item.Bundle{Item: s.unit.item, Children: s.unit.children})
	}
	if s.base == nil {
		return ""
	}
	if s.unit.claim != "" {
		s.base[siblingName] = agreed{given: short(e.print.Text(s.unit.claim))}
	}
	if e.streams(there.Item.Kind) {
		s.base[storedContent] = agreed{given: e.versionHash(there.Item)}
		s.base[bytesAre] = agreed{given: e.bytesHash(s.unit.item)}
	}
	return s.base.pack()
}

// changedSince reports whether the source changed an item since it was settled,
// but for its place among its siblings.
func (p *part) changedSince(j *job) bool {
	before := unpack(j.row.Base, p.e.packedNames(j.unit.key.Kind))
	if before == nil { // of what lies in a task only the whole is known
		return j.row.State == ledger.Half || j.row.Version != j.unit.version
	}
	now := p.e.baseOf(item.Bundle{Item: j.unit.item, Children: j.unit.children})
	return slices.ContainsFunc(p.e.merged(j.unit.key.Kind), func(name string) bool {
		if p.e.putOff(j.unit.key.Kind, name) && before[name].given == 0 {
			return false // not written yet
		}
		return now[name].given != before[name].given
	})
}

// unsettled reports whether a comparison found an item otherwise than the ledger
// has it.
func (p *part) unsettled(r ledger.Row) bool { return p.e.unsettled[r.Key] && updates(r) }

// refuse remembers that people deleted an item at the target: it is not made
// again. If it changed at the source since, or a cut-over came upon it, that is
// listed.
func (p *part) refuse(j *job, b *ledger.Batch) {
	key := j.unit.key
	if p.changedSince(j) || p.e.unsettled[key] {
		p.conflict(key, item.Ref{}, []string{"*"}, targetWins, "people deleted it in the target")
	}
	settled := p.e.baseOf(item.Bundle{Item: j.unit.item, Children: j.unit.children})
	row := ledger.Row{Key: key, State: ledger.Refused, Version: j.unit.version}
	if settled != nil {
		row.Base = settled.pack()
	}
	b.Rows = append(b.Rows, row)
	for _, k := range j.unit.with {
		b.Rows = append(b.Rows, ledger.Row{Key: k, State: ledger.Dropped})
		p.out.note(k, opSkipped)
	}
	p.out.note(key, opSkipped)
	p.links.leave(key)
}

// newestNeeds says why newest cannot always be told; "" if it can.
func (e *Engine) newestNeeds() string {
	if e.Spec.Policies.Conflict != newestWins {
		return ""
	}
	for _, side := range []Side{e.From, e.To} {
		if !side.Caps.TellsChanges {
			return side.Title + " does not tell when an item was last changed: where both sides changed one, the target's people win"
		}
	}
	return ""
}
