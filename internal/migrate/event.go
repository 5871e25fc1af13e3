package migrate

import (
	"sync"

	"github.com/rialto-migrate/rialto/item"
)

// An Event is one thing that happened, for the terminal, the web app and
// --json. It holds ids, counts and reasons; never content.
type Event struct {
	Event  string     `json:"event"` // shard, item, failure, kept, waiting, progress
	Shard  string     `json:"shard,omitempty"`
	Kind   item.Kind  `json:"kind,omitempty"`
	Source string     `json:"source,omitempty"`
	Target string     `json:"target,omitempty"`
	Op     string     `json:"op,omitempty"` // created, updated, skipped, deleted, failed
	Field  string     `json:"field,omitempty"`
	Class  string     `json:"class,omitempty"`
	Reason string     `json:"reason,omitempty"`
	Counts *Progress  `json:"counts,omitempty"`
	Link   string     `json:"link,omitempty"`
	Names  *NamedPair `json:"names,omitempty"`
}

// NamedPair holds names, and is filled only where the user asked for them.
type NamedPair struct {
	Source string `json:"source,omitempty"`
	Target string `json:"target,omitempty"`
}

// Progress says how far a run has come.
type Progress struct {
	Items    int   `json:"items"`           // looked at
	Total    int   `json:"total,omitempty"` // to look at, where the source tells; 0 if unknown
	Written  int   `json:"written"`
	Requests int64 `json:"requests"`
	Refused  int64 `json:"refused"`
	Bytes    int64 `json:"bytes"` // sent to the target
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

// A Tally counts what became of the items of one kind.
type Tally struct {
	Created int `json:"created"`
	Updated int `json:"updated"`
	Skipped int `json:"skipped"`
	Deleted int `json:"deleted"`
	Failed  int `json:"failed"`
}

// What became of an item in a pass.
const (
	opCreated = "created"
	opUpdated = "updated"
	opSkipped = "skipped"
	opDeleted = "deleted"
	opFailed  = "failed"
)

// outcomes remember what became of each item in a pass, so that an item that is
// met twice (a container is listed again after a write in doubt) counts once.
// Safe for concurrent use.
type outcomes struct {
	mu    sync.Mutex
	ops   map[item.Ref]string
	fails map[item.Ref]bool
	// written counts the ops that are not opSkipped.
	written int
}

func newOutcomes() *outcomes {
	return &outcomes{ops: map[item.Ref]string{}, fails: map[item.Ref]bool{}}
}

// note records an outcome. A success takes back an earlier failure; being
// skipped, or updated after it was created, takes back nothing.
func (o *outcomes) note(key item.Ref, op string) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if op == opFailed {
		o.fails[key] = true
		return
	}
	delete(o.fails, key)
	had, ok := o.ops[key]
	if ok && (op == opSkipped || had == opCreated && op == opUpdated) {
		return
	}
	if op != opSkipped && (!ok || had == opSkipped) {
		o.written++
	}
	o.ops[key] = op
}

// tally counts the outcomes by kind.
func (o *outcomes) tally() map[item.Kind]Tally {
	o.mu.Lock()
	defer o.mu.Unlock()
	out := map[item.Kind]Tally{}
	for key, op := range o.ops {
		t := out[key.Kind]
		switch op {
		case opCreated:
			t.Created++
		case opUpdated:
			t.Updated++
		case opSkipped:
			t.Skipped++
		case opDeleted:
			t.Deleted++
		}
		out[key.Kind] = t
	}
	for key := range o.fails {
		t := out[key.Kind]
		t.Failed++
		out[key.Kind] = t
	}
	return out
}

// made counts the tasks and containers that were created.
func (o *outcomes) made() (n int) {
	tally := o.tally()
	return tally[item.Task].Created + tally[item.Board].Created
}

// met counts the items that have an outcome, and those of them that were
// written.
func (o *outcomes) met() (items, written int) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return len(o.ops), o.written
}
