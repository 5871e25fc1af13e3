package ledger

import "time"

// A CutState says how far the cut-over of a container is. The zero value is that
// nobody began one.
type CutState uint8

const (
	Closing  CutState = 1 // it may be closed at the source, and may have changed until then
	CutOver  CutState = 2 // it is closed, and what changed before has moved
	Reopened CutState = 3 // the cut-over was taken back
)

// A Cut is the cut-over of a container: a shard that is a board's own.
type Cut struct {
	State CutState
	At    time.Time // when it came to that, in UTC
	// Before is how the container stood at the source before: connector.Standing.
	Before string
}

// Held reports whether the container is, or may be, closed by a cut-over.
func (c Cut) Held() bool { return c.State == Closing || c.State == CutOver }
