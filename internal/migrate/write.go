package migrate

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"reflect"
	"slices"
	"time"

	"github.com/rialto-migrate/rialto/connector"
	"github.com/rialto-migrate/rialto/internal/ledger"
	"github.com/rialto-migrate/rialto/item"
)

// flush carries out one batch: intents, the write, the commit.
func (p *part) flush(ctx context.Context, kind item.Kind, l *lane, batch []*step) error {
	if count(batch) == 0 || p.e.stopped() {
		return nil
	}
	if err := p.prepare(ctx, kind, l, batch); err != nil {
		return err
	}
	// What people put into a list of theirs is no sibling of the others any more.
	slices.SortStableFunc(batch, func(a, b *step) int { return cmp.Compare(a.elsewhere(), b.elsewhere()) })
	p.place(l, kind, batch)
	p.e.Failpoint("before-intent")
	var intents []ledger.Intent
	var left []ledger.Row
	var sent []*step
	for _, s := range batch {
		if s.skipped || s.same || s.failed != nil || s.row.State == ledger.Refused {
			continue
		}
		in := ledger.Intent{Key: s.unit.key, Op: ledger.Create, Target: item.Ref{Kind: kind}, Container: p.container(), Parent: s.unit.item.Parent,
			Version: s.unit.version, Shape: p.e.shapeOf(s.written()), Mark: s.change.Mark, At: p.e.Now(), Session: p.sessionOf(s.unit.key)}
		if p.e.To.Caps.Paths {
			in.Target.ID, in.Shape = pathOf(s.written()), p.e.sentBulk(s.written())
		}
		if s.change.Op == connector.Update {
			in.Op, in.Target = ledger.Update, s.row.Target
		}
		intents = append(intents, in)
		sent = append(sent, s)
		if s.vacated != nil {
			left = append(left, *s.vacated)
		}
	}
	if len(intents) > 0 {
		if err := p.apply(ctx, ledger.Batch{Intents: intents, Rows: left}); err != nil {
			return err
		}
		p.e.Failpoint("after-intent")
	}
	results := p.sendAll(ctx, sent, intents)
	p.e.Failpoint("after-write")
	err := p.commit(ctx, batch, sent, results)
	p.e.progress()
	p.e.Failpoint("after-commit")
	if l != nil {
		for _, s := range batch {
			l.stood(s.stands())
		}
	}
	return err
}

// send calls the target and returns one result for each change.
func (p *part) send(ctx context.Context, changes []connector.Change) []connector.Result {
	var results []connector.Result
	if len(changes) == 0 {
		return nil
	}
	open := func(b item.Blob, offset, n int64) (io.ReadCloser, error) { return p.e.openBlob(ctx, b, offset, n) }
	for r, err := range p.e.target.Write(ctx, changes, open) {
		p.e.Failpoint("after-answer")
		if err != nil {
			r.Err = err
		}
		results = append(results, r)
	}
	for len(results) < len(changes) {
		err := context.Cause(ctx)
		results = append(results, connector.Result{Err: &connector.Error{Class: connector.Transient, InDoubt: true, Reason: "the write ended early", Err: err}})
	}
	return results
}

// prepare makes the changes of a batch. For updates it reads what the target
// holds: who changed it since is not overwritten, and what is equal is not sent.
func (p *part) prepare(ctx context.Context, kind item.Kind, l *lane, batch []*step) error {
	var refs []item.Ref
	for _, s := range batch {
		if !s.skipped && updates(s.row) {
			refs = append(refs, s.row.Target)
		}
	}
	have := map[item.Ref]item.Bundle{}
	if len(refs) > 0 {
		container := p.container()
		if contains(kind) {
			container = refs[0]
		}
		for b, err := range p.e.target.Fetch(ctx, container, refs) {
			if err != nil {
				return p.failAll(ctx, batch, err)
			}
			have[b.Item.Ref] = b
		}
		if err := p.relocated(ctx, batch, have); err != nil {
			return p.failAll(ctx, batch, err)
		}
	}
	for _, s := range batch {
		if s.skipped || !updates(s.row) || s.row.Version != 0 || s.row.Print != 0 {
			l.lose()
		}
		if s.skipped {
			continue
		}
		u := s.unit
		s.change = connector.Change{Op: connector.Create, Item: u.item, Children: u.children, Mark: p.e.target.Carrier(kind, u.mark)}
		p.putOff(s, nil)
		if !updates(s.row) {
			continue
		}
		prev, there := have[s.row.Target]
		if !there && s.row.State == ledger.Half && p.e.allFixed(kind) {
			s.row, s.replaced = ledger.Row{}, true // deleted to be made anew, and the pass was cut off
			continue
		}
		if !there && p.arrived(s) {
			p.mayStand(p.e.key(u.key))
			s.row = ledger.Row{}
			continue
		}
		if !there {
			p.deletedThere(s)
			continue
		}
		if p.e.frozen(u.item, prev.Item) && s.row.State != ledger.Adopted {
			if err := p.replace(ctx, s, prev); err != nil {
				return err
			}
			continue
		}
		s.change.Op, s.change.Prev = connector.Update, &prev
		s.change.Item.ID = s.row.Target.ID
		s.change.Dirty = p.dirty(u, prev, s.row.Version != u.version)
		p.merge(s, prev)
		if err := p.content(ctx, s, prev); err != nil {
			if err := p.failAll(ctx, []*step{s}, err); err != nil {
				return err
			}
			continue
		}
		p.mend(s, prev)
		p.putOff(s, &prev)
		if p.follows(s, prev) {
			p.vacate(s)
			continue
		}
		if l.stays(prev.Item, s.change.Dirty) {
			s.change.Dirty = slices.DeleteFunc(s.change.Dirty, func(f string) bool { return f == item.Position.Name })
		}
		if s.row.State == ledger.Half {
			s.same = !s.change.Moved && p.whole(s, prev) // there is nothing to complete
			s.change.Dirty = nil
			continue
		}
		if p.e.filesChanged(s.job) && !slices.Contains(s.change.Dirty, string(item.Attachment)) {
			s.change.Dirty = append(s.change.Dirty, string(item.Attachment))
		}
		if len(s.change.Dirty) == 0 && !s.change.Moved {
			s.same = true
			continue
		}
		if s.row.Base == "" && s.row.Print != 0 && s.row.Print != p.e.printOf(prev) && !onlyOrder(s.change.Dirty) {
			p.disputed(s, prev)
		}
	}
	return nil
}

// deletedThere decides what becomes of an item that changed at the source and
// that people deleted at the target: it stays deleted, or is made again. What
// frames a container cannot be missed by the tasks in it, and fails.
func (p *part) deletedThere(s *step) {
	key, target := s.unit.key, s.row.Target
	switch {
	case p.e.Spec.Policies.Conflict == sourceWins && p.changedSince(s.job):
		p.conflict(key, target, []string{"*"}, sourceWins, "people deleted it in the target")
		s.row = ledger.Row{}
	case level(key.Kind) < item.Leaf:
		s.failed = connector.Errorf(connector.Conflict, "%s was deleted in the target since it was written", target).
			WithHint("set policies.conflict to source to make it again")
		s.again = true // it stands nowhere
	default:
		s.row = ledger.Row{State: ledger.Refused, Version: s.row.Version, Base: s.row.Base}
		p.fit.forget(key)
	}
}

// disputed decides about an item as a whole of which single fields are not
// known.
func (p *part) disputed(s *step, prev item.Bundle) {
	winner := p.winner(s, prev)
	p.conflict(s.unit.key, s.row.Target, s.change.Dirty, winner, "")
	if winner == sourceWins {
		return
	}
	s.same, s.left = true, map[string]bool{"*": true}
}

// movesLater reports whether an update that could not be tried will give its item
// another place.
func (p *part) movesLater(s *step) bool {
	before := unpack(s.row.Base, p.e.packedNames(s.unit.key.Kind))
	if s.row.State == ledger.Half || before == nil {
		return s.row.State == ledger.Half || s.row.Version != s.unit.version
	}
	now := p.e.baseOf(item.Bundle{Item: s.unit.item, Children: s.unit.children})
	return slices.ContainsFunc([]string{item.InList.Name, item.Position.Name}, func(name string) bool { return now[name].given != before[name].given })
}

func updates(r ledger.Row) bool {
	return !r.Target.Zero() && (r.State == ledger.Made || r.State == ledger.Adopted || r.State == ledger.Half)
}

func onlyOrder(dirty []string) bool {
	return len(dirty) == 1 && dirty[0] == item.Position.Name
}

// dirty names the fields, and the kinds of embedded children, that differ from
// what the target holds. The order among siblings is the target's to compare:
// it is named whenever the source changed, for a kind that keeps one, and for
// what has to go back to its list.
func (p *part) dirty(u *unit, prev item.Bundle, changed bool) []string {
	kind := u.item.Kind
	caps := p.e.To.Caps.Kinds[kind]
	info, _ := item.Info(kind)
	var out []string
	for _, f := range info.Fields {
		limits, kept := caps.Fields[f.Name]
		if !kept || limits.Told || limits.Fixed || f.Hint && contains(kind) || f.Type == item.Rank || f.Name == item.Content.Name {
			continue
		}
		if !same(f, limits, u.item.Fields[f.Name], prev.Item.Fields[f.Name]) {
			out = append(out, f.Name)
		}
	}
	for _, ki := range item.Kinds() {
		if p.e.To.Caps.Kinds[ki.Kind].Embedded != kind {
			continue
		}
		want := item.Bundle{Item: u.item, Children: u.children}
		if len(p.e.childDiffs(ki.Kind, want.Of(ki.Kind), prev.Of(ki.Kind))) > 0 {
			out = append(out, string(ki.Kind))
		}
	}
	if _, order := u.item.Fields[item.Position.Name]; order && (changed || slices.Contains(out, item.InList.Name)) && caps.Ordered {
		out = append(out, item.Position.Name)
	}
	return out
}

// same compares what a field was to hold with what it holds, as its type says.
func same(f item.Field, limits connector.FieldCaps, a, b any) bool {
	if limits.AtLeast {
		want, _ := a.([]string)
		have, _ := b.([]string)
		return !slices.ContainsFunc(want, func(s string) bool { return !slices.Contains(have, s) })
	}
	if item.IsZero(a) && item.IsZero(b) {
		return true
	}
	if item.IsZero(a) || item.IsZero(b) {
		return false
	}
	switch f.Type {
	case item.Time:
		x, ok := a.(time.Time)
		y, ok2 := b.(time.Time)
		return ok && ok2 && x.Unix() == y.Unix()
	case item.Many:
		x, _ := a.([]item.Ref)
		y, _ := b.([]item.Ref)
		return equalSets(x, y)
	case item.People, item.Options:
		x, _ := a.([]string)
		y, _ := b.([]string)
		return equalSets(x, y)
	case item.Values:
		x, _ := a.([]item.FieldValue)
		y, _ := b.([]item.FieldValue)
		return equalSets(x, y)
	case item.Grants:
		x, _ := a.([]item.Grant)
		y, _ := b.([]item.Grant)
		return equalSets(x, y)
	case item.Checks:
		x, _ := a.([]item.Check)
		y, _ := b.([]item.Check)
		return slices.EqualFunc(x, y, func(p, q item.Check) bool {
			return p.Title == q.Title && p.Done == q.Done && p.Due.Unix() == q.Due.Unix() && p.Assignee == q.Assignee
		})
	}
	return reflect.DeepEqual(a, b)
}

func equalSets[T comparable](a, b []T) bool {
	n := map[T]int{}
	for _, x := range a {
		n[x]++
	}
	for _, x := range b {
		n[x]--
	}
	for _, c := range n {
		if c != 0 {
			return false
		}
	}
	return true
}

// diffs names the fields of an item that differ from what was to be there.
func (e *Engine) diffs(want, have item.Item) []string {
	info, _ := item.Info(want.Kind)
	var out []string
	for _, f := range info.Fields {
		if e.kept(want.Kind, f) && !same(f, e.To.Caps.Kinds[want.Kind].Fields[f.Name], want.Fields[f.Name], have.Fields[f.Name]) {
			out = append(out, f.Name)
		}
	}
	if e.To.Caps.Keeps(want.Kind, item.Content.Name) && otherBytes(want.Blob, have.Blob) {
		out = append(out, item.Content.Name)
	}
	return out
}

// childDiffs compares the children of one kind, in order for a kind that keeps
// one, and names the fields that differ; "*" for a child too many or too few.
func (e *Engine) childDiffs(k item.Kind, want, have []item.Item) []string {
	if len(want) != len(have) {
		return []string{"*"}
	}
	want, have = e.sorted(want), e.sorted(have)
	var out []string
	for i := range want {
		out = append(out, e.diffs(want[i], have[i])...)
	}
	return out
}

// place tells each change which sibling it follows.
func (p *part) place(l *lane, kind item.Kind, batch []*step) {
	if l == nil || !p.e.To.Caps.Kinds[kind].Ordered {
		return
	}
	order, previous := lane{there: slices.Clone(l.there), cut: l.cut}, false
	for _, s := range batch {
		switch {
		case s.row.State == ledger.Refused:
		case s.skipped || s.same || s.failed != nil:
			if id := s.stands(); id != "" {
				order.stood(id)
				previous = false
			}
		case previous:
			s.change.AfterPrevious = true
		default:
			s.change.After, s.change.AfterGone = order.after()
			previous = true
		}
	}
}

// commit tells the ledger what became of a batch.
func (p *part) commit(ctx context.Context, batch, sent []*step, results []connector.Result) error {
	var b ledger.Batch
	var end error
	for i, s := range sent {
		if err := results[i].Err; err != nil {
			if e := p.failed(s, err, &b); e != nil && end == nil {
				end = e
			}
			continue
		}
		p.stored(s, results[i], &b)
	}
	for _, s := range batch {
		switch {
		case s.same:
			row := s.row
			row.Version, row.State, row.Parent = s.version(), ledger.Made, s.unit.item.Parent
			if s.row.State == ledger.Adopted {
				row.State = ledger.Adopted
			}
			row.Print, row.Base = s.printOf(p.e, *s.change.Prev), s.baseOf(p.e, *s.change.Prev)
			p.children(s, *s.change.Prev, &b, false)
			b.Rows = append(b.Rows, row)
			b.Aliases = append(b.Aliases, aliasesOf(s.unit)...)
			p.want(s, &b)
			p.out.note(s.unit.key, opSkipped)
		case s.row.State == ledger.Refused && !s.skipped:
			p.refuse(s.job, &b)
		case s.failed != nil:
			b.Failures = append(b.Failures, ledger.Failure{Key: s.unit.key, Class: string(s.failed.Class), Reason: s.failed.Error()})
			p.report(s.unit.key, s.row.Target, "failed", s.failed)
		}
	}
	if err := p.apply(ctx, b); err != nil {
		return err
	}
	return end
}

// failed records one result that is an error; it returns it if the pass ends.
func (p *part) failed(s *step, err error, b *ledger.Batch) error {
	var ce *connector.Error
	if !errors.As(err, &ce) {
		ce = &connector.Error{Class: connector.Transient, Reason: "the connector failed", Err: err}
	}
	if ce.InDoubt {
		p.flag(func(s *partState) { s.doubtful = p.e.Now() })
	}
	s.again = true
	s.passing = ce.InDoubt || ce.Class == connector.Transient || ce.Class == connector.Throttled
	switch {
	case ce.InDoubt && s.change.Op == connector.Create:
		p.flag(func(s *partState) { s.doubt = true }) // the intent stays; settle asks the target
	case ce.InDoubt || s.change.Op == connector.Update:
		b.Rows = append(b.Rows, halved(s.row))
		if ce.InDoubt {
			p.flag(func(s *partState) { s.retry = true })
		}
	}
	if stops(err) {
		return err
	}
	if ce.InDoubt && s.change.Op == connector.Create {
		if p.e.large(s.change) { // the intent stays for its session: the reason is told here alone
			p.report(s.unit.key, s.row.Target, opFailed, ce)
		}
		return nil
	}
	if s.passing {
		p.flag(func(s *partState) { s.retry = true })
	}
	b.Failures = append(b.Failures, ledger.Failure{Key: s.unit.key, Class: string(ce.Class), Reason: ce.Error()})
	p.report(s.unit.key, s.row.Target, "failed", ce)
	return nil
}

// report emits a failure and counts it.
func (p *part) report(key, target item.Ref, op string, err *connector.Error) {
	p.out.note(key, opFailed)
	p.e.Emit(Event{Event: "failure", Shard: p.name, Kind: key.Kind, Source: key.ID, Target: target.ID, Op: op, Class: string(err.Class), Reason: err.Error()})
}

// stored records one result that succeeded.
func (p *part) stored(s *step, r connector.Result, b *ledger.Batch) {
	u := s.unit
	row := ledger.Row{Key: u.key, Target: r.Stored.Item.Ref, Parent: u.item.Parent, Version: s.version(), Print: s.printOf(p.e, r.Stored), State: ledger.Made, Base: s.baseOf(p.e, r.Stored)}
	if r.Adopted && !p.wasDoubted(u.key) || s.row.State == ledger.Adopted {
		row.State = ledger.Adopted
	}
	differ := p.undeclared(s, r.Stored)
	if r.Adopted && p.e.streams(u.key.Kind) && len(differ) > 0 {
		// It was there with the same bytes: another sweep writes the rest of it.
		row.Version, row.Print, row.Base, differ = 0, 0, "", nil
		p.flag(func(s *partState) { s.retry = true })
	}
	made := s.change.Op == connector.Create && !s.replaced
	s.row = row
	if pointedAt(u.key.Kind) {
		p.fit.know(u.key, row.Target)
	}
	if contains(u.key.Kind) {
		b.Target = row.Target
		p.mu.Lock()
		p.board = row.Target
		p.mu.Unlock()
	}
	b.Rows = append(b.Rows, row)
	b.Aliases = append(b.Aliases, aliasesOf(u)...)
	p.children(s, r.Stored, b, true)
	p.want(s, b)
	p.e.losses.add(u.losses)
	op := opUpdated
	if made {
		op = opCreated
	}
	p.out.note(u.key, op)
	p.e.Emit(Event{Event: "item", Shard: p.name, Kind: u.key.Kind, Source: u.key.ID, Target: row.Target.ID, Op: op})
	for _, field := range differ {
		p.out.note(u.key, opFailed)
		reason := fmt.Sprintf("%s was stored differently: field %s", row.Target, field)
		b.Failures = append(b.Failures, ledger.Failure{Key: u.key, Class: string(connector.Permanent), Reason: reason})
		p.e.Emit(Event{Event: "failure", Shard: p.name, Kind: u.key.Kind, Source: u.key.ID, Target: row.Target.ID, Field: field, Class: string(connector.Permanent), Reason: reason})
	}
}

// undeclared names what the target stored otherwise than it was given: a loss
// that no capability declares.
func (p *part) undeclared(s *step, stored item.Bundle) []string {
	out := p.e.diffs(s.change.Item, stored.Item)
	want := item.Bundle{Children: s.change.Children}
	for _, ki := range item.Kinds() {
		if p.e.To.Caps.Kinds[ki.Kind].Embedded == s.unit.key.Kind {
			for _, f := range p.e.childDiffs(ki.Kind, want.Of(ki.Kind), stored.Of(ki.Kind)) {
				out = append(out, string(ki.Kind)+"."+f)
			}
		}
	}
	return out
}

// children records what was written with its parent. Their rows tell apart what
// is new, changed and gone.
func (p *part) children(s *step, stored item.Bundle, b *ledger.Batch, count bool) {
	u := s.unit
	next := map[item.Kind]int{}
	mark := func(key, target item.Ref, state ledger.State) {
		version := p.e.childVersion(s.bundle, key)
		old, known := s.rows[key]
		b.Rows = append(b.Rows, ledger.Row{Key: key, Target: target, Parent: s.row.Target, Version: version, State: state})
		switch {
		case !count, state == ledger.Dropped, known && old.Version == version:
			p.out.note(key, opSkipped)
		case known:
			p.out.note(key, opUpdated)
		default:
			p.out.note(key, opCreated)
		}
	}
	for i, key := range u.from {
		if s.left[string(key.Kind)] {
			if old, known := s.rows[key]; known {
				mark(key, old.Target, old.State)
			}
			continue
		}
		target := item.Ref{Kind: key.Kind}
		of := stored.Of(u.children[i].Kind)
		if n := next[key.Kind]; n < len(of) {
			target = of[n].Ref
		}
		next[key.Kind]++
		mark(key, target, ledger.Made)
	}
	for _, key := range u.folded {
		mark(key, s.row.Target, ledger.Folded)
	}
	for _, key := range u.dropped {
		mark(key, item.Ref{}, ledger.Dropped)
	}
}

// filesChanged reports whether a file that the target embeds is another one at
// the source by now: that shows in no field.
func (e *Engine) filesChanged(j *job) bool {
	for i, key := range j.unit.from {
		row, known := j.rows[key]
		if key.Kind == item.Attachment && j.unit.children[i].Blob != nil && known && row.Version != 0 && row.Version != e.childVersion(j.bundle, key) {
			return true
		}
	}
	return false
}

// childVersion hashes one child of a bundle as the source has it. It does not
// depend on how the child is fitted.
func (e *Engine) childVersion(b item.Bundle, key item.Ref) item.Digest {
	for _, c := range b.Children {
		if c.Ref == key {
			return e.print.Items(func(item.Kind, item.Field) bool { return true }, c)
		}
	}
	return 0
}

// want records the items that a unit points at and that have not moved yet.
func (p *part) want(s *step, b *ledger.Batch) {
	for _, a := range s.unit.wanted {
		b.Links = append(b.Links, ledger.Link{Key: s.unit.key, Alias: a})
	}
}

// failAll records one error for a whole batch.
func (p *part) failAll(ctx context.Context, batch []*step, err error) error {
	if stops(err) {
		return err
	}
	for _, s := range batch {
		if !s.skipped && s.failed == nil {
			var ce *connector.Error
			if !errors.As(err, &ce) {
				ce = &connector.Error{Class: connector.Transient, Reason: "the target cannot be read", Err: err}
			}
			s.failed, s.again = ce, p.movesLater(s)
		}
	}
	if c := connector.ClassOf(err); c == connector.Transient || c == connector.Throttled {
		p.flag(func(s *partState) { s.retry = true })
	}
	return nil
}
