package runs

import (
	"encoding/json"
	"time"

	"github.com/rialto-migrate/rialto/internal/migrate"
	"github.com/rialto-migrate/rialto/internal/store"
	"github.com/rialto-migrate/rialto/item"
)

// Told is an event of the registry's own: the state of the run changed, to Op.
const Told = "state"

// An Event is one thing that happened in a run: what migrate.Event tells, without
// names and links. Its number is one more than that of the event before it.
type Event struct {
	Num    int64             `json:"-"`
	At     time.Time         `json:"at"`
	Event  string            `json:"event"`
	Shard  string            `json:"shard,omitempty"`
	Kind   item.Kind         `json:"kind,omitempty"`
	Source string            `json:"source,omitempty"`
	Target string            `json:"target,omitempty"`
	Op     string            `json:"op,omitempty"`
	Field  string            `json:"field,omitempty"`
	Class  string            `json:"class,omitempty"`
	Reason string            `json:"reason,omitempty"`
	Counts *migrate.Progress `json:"counts,omitempty"`
	Share  float64           `json:"share,omitempty"`
	Until  time.Time         `json:"until,omitzero"`
}

// longestReason is how much of a reason is kept, in bytes.
const longestReason = 400

// kept is what is kept of an event.
func kept(ev migrate.Event, now time.Time, hide hider) Event {
	e := Event{At: now.UTC(), Event: ev.Event, Shard: hide.source(ev.Shard), Kind: ev.Kind, Source: hide.source(ev.Source), Target: hide.target(ev.Target),
		Op: ev.Op, Field: ev.Field, Class: ev.Class, Reason: hide.reason(ev.Reason), Counts: ev.Counts, Share: ev.Share, Until: ev.Until}
	if len(e.Reason) > longestReason {
		e.Reason = e.Reason[:longestReason]
	}
	return e
}

func (e Event) row() (store.RunEvent, error) {
	b, err := json.Marshal(e)
	return store.RunEvent{Num: e.Num, Event: b}, err
}

// Read reads an event as the store keeps it.
func Read(r store.RunEvent) (Event, error) {
	var e Event
	err := json.Unmarshal(r.Event, &e)
	e.Num = r.Num
	return e, err
}
