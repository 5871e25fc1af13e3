package migrate

import (
	"time"

	"github.com/rialto-migrate/rialto/item"
)

// An Event is one thing that happened, for the terminal, the web app and
// --json. It holds ids, counts and reasons; never content.
type Event struct {
	Event  string     `json:"event"` // shard, item, failure, kept, waiting, pace, progress
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
	Share  float64    `json:"share,omitempty"` // pace: of the quotas, up to 1
	Until  time.Time  `json:"until,omitzero"`  // waiting, pace: when that ends, if it is known
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
	// InFlight counts the files, messages and parts that are read at this moment.
	InFlight int64 `json:"in_flight,omitempty"`
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
