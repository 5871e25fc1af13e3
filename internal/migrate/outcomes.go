package migrate

import (
	"hash/maphash"
	"sync"

	"github.com/rialto-migrate/rialto/item"
)

// outcomes remember what became of each item in a pass, so that an item that is
// met twice (a container is listed again after a write in doubt) counts once.
// Each container has its own, which adds to those of the whole verb. They hold
// hashes, since an organisation has more items than there is room for their
// names; and of files and messages only those that failed, since there may be
// millions: of them, being skipped counts in the first sweep alone. Safe for
// concurrent use.
type outcomes struct {
	whole *outcomes // those of the verb; nil for these themselves
	seed  maphash.Seed

	mu     sync.Mutex
	sweeps int
	failed map[uint64]struct{} // of those that are not remembered one by one
	ops    map[uint64]outcome
	kinds  map[item.Kind]Tally
	// items have an outcome; written are those of them that were not skipped.
	items, written int
}

// An outcome is an op, by its number, and whether the item failed since.
type outcome struct {
	op     uint8 // 0 if it only failed
	failed bool
}

// numbered are the ops by their numbers; they stand in hundreds of thousands of
// outcomes.
func numbered() [5]string { return [5]string{"", opCreated, opUpdated, opSkipped, opDeleted} }

func opNumber(op string) uint8 {
	for n, name := range numbered() {
		if name == op {
			return uint8(n)
		}
	}
	return 0
}

// name is the op of an outcome, "" if it only failed.
func (o outcome) name() string { return numbered()[o.op] }

func newOutcomes(whole *outcomes) *outcomes {
	return &outcomes{whole: whole, seed: maphash.MakeSeed(), ops: map[uint64]outcome{}, failed: map[uint64]struct{}{}, kinds: map[item.Kind]Tally{}}
}

// note records an outcome. A success takes back an earlier failure; being
// skipped, or updated after it was created, takes back nothing.
func (o *outcomes) note(key item.Ref, op string) {
	id := maphash.Comparable(o.seed, key)
	o.mu.Lock()
	old, now := o.change(id, key.Kind, op)
	o.count(key.Kind, old, -1)
	o.count(key.Kind, now, 1)
	o.mu.Unlock()
	if o.whole != nil && now != old {
		o.whole.mu.Lock()
		defer o.whole.mu.Unlock()
		o.whole.count(key.Kind, old, -1)
		o.whole.count(key.Kind, now, 1)
	}
}

// change is an item's outcome before and after an op. The caller holds the lock.
func (o *outcomes) change(id uint64, k item.Kind, op string) (old, now outcome) {
	if k.Level() != item.Leaf || pointedAt(k) {
		old = o.ops[id]
		now = old.then(op)
		o.ops[id] = now
		return old, now
	}
	_, old.failed = o.failed[id]
	switch {
	case op == opFailed:
		o.failed[id] = struct{}{}
		return old, outcome{failed: true}
	case op == opSkipped && o.sweeps > 1 && !old.failed:
		return old, old // it was counted when it was met first
	}
	delete(o.failed, id)
	return old, outcome{op: opNumber(op)}
}

// sweep says that a container is listed, perhaps not for the first time.
func (o *outcomes) sweep() {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.sweeps++
}

// of is what became of an item; "" if nothing did.
func (o *outcomes) of(key item.Ref) string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.ops[maphash.Comparable(o.seed, key)].name()
}

func (o outcome) then(op string) outcome {
	had := o.name()
	switch {
	case op == opFailed:
		return outcome{o.op, true}
	case had != "" && (op == opSkipped || had == opCreated && op == opUpdated):
		return outcome{o.op, false}
	}
	return outcome{opNumber(op), false}
}

// count adds n items with an outcome. The caller holds the lock.
func (o *outcomes) count(k item.Kind, what outcome, n int) {
	t := o.kinds[k]
	switch what.name() {
	case opCreated:
		t.Created += n
	case opUpdated:
		t.Updated += n
	case opSkipped:
		t.Skipped += n
	case opDeleted:
		t.Deleted += n
	}
	if what.failed {
		t.Failed += n
	}
	o.kinds[k] = t
	if what.op != 0 {
		o.items += n
		if what.name() != opSkipped {
			o.written += n
		}
	}
}

// tally counts the outcomes by kind.
func (o *outcomes) tally() map[item.Kind]Tally {
	o.mu.Lock()
	defer o.mu.Unlock()
	out := map[item.Kind]Tally{}
	for k, t := range o.kinds {
		if t != (Tally{}) {
			out[k] = t
		}
	}
	return out
}

// sum counts the outcomes of all kinds.
func (o *outcomes) sum() (t Tally) {
	for _, k := range o.tally() {
		t.Created += k.Created
		t.Updated += k.Updated
		t.Skipped += k.Skipped
		t.Deleted += k.Deleted
		t.Failed += k.Failed
	}
	return t
}

// made counts the containers and what they are there for that was created.
func (o *outcomes) made() (n int) {
	tally := o.tally()
	for k, t := range tally {
		if contains(k) || level(k) == item.Leaf {
			n += t.Created
		}
	}
	return n
}

// met counts the items that have an outcome, and those of them that were
// written.
func (o *outcomes) met() (items, written int) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.items, o.written
}

// totals are how many items the containers hold: what the source said, or what
// it listed so far if that is more. Safe for concurrent use.
type totals struct {
	mu  sync.Mutex
	by  map[item.Ref]int
	all int
}

// tell records that a container holds at least n items.
func (t *totals) tell(container item.Ref, n int) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.by == nil {
		t.by = map[item.Ref]int{}
	}
	if more := n - t.by[container]; more > 0 {
		t.by[container] = n
		t.all += more
	}
}

func (t *totals) sum() int {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.all
}
