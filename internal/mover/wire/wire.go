// Package wire holds what crosses the line between the mover and its parent,
// and nothing else does: the arguments and answers of every call, in the form
// that encoding/gob carries. It is the place to look at to see that ids cross,
// and no content.
package wire

import (
	"time"

	"github.com/rialto-migrate/rialto/internal/confine"
	"github.com/rialto-migrate/rialto/internal/ledger"
	"github.com/rialto-migrate/rialto/item"
)

// BatchKeys is the most keys that one look-up carries, as ledger.Ledger says.
const BatchKeys = 1000

// None is the argument of a call that has none.
type None bool

// Done is the answer of a call that returns nothing but an error.
type Done struct{ Fault *Fault }

// Set fills the answer; it returns nil, for net/rpc would drop the answer
// otherwise.
func (d *Done) Set(err error) error {
	d.Fault = NewFault(err)
	return nil
}

// An Answer is what a call returns.
type Answer[T any] struct {
	Value T
	Fault *Fault
}

// Set fills the answer; it returns nil, as Done.Set does.
func (a *Answer[T]) Set(v T, err error) error {
	a.Value, a.Fault = v, NewFault(err)
	return nil
}

// The arguments of the ledger's methods.
type (
	End struct {
		Now     time.Time
		Outcome string
	}
	Began struct {
		Pass    ledger.Pass
		Resumed bool
	}
	Lookup struct {
		Shard int64
		Keys  Keys
	}
	Rows struct {
		Shard int64
		After ledger.Key
		Limit int
	}
	Failures struct {
		Shard int64
		Limit int
	}
	// Apply is a ledger.Batch. Its rows cross packed; and since gob leaves out a
	// pointer to a zero value, its cursor, which may be empty to say "from the
	// beginning", crosses as Cursor and Moved.
	Apply struct {
		Batch  ledger.Batch // without Rows and Cursor
		Rows   Packed
		Moved  bool
		Cursor string
	}
	Ref struct{ Ref item.Ref }
)

// NewApply takes a batch apart.
func NewApply(b ledger.Batch) Apply {
	a := Apply{Batch: b, Rows: b.Rows}
	if b.Cursor != nil {
		a.Moved, a.Cursor = true, *b.Cursor
	}
	a.Batch.Rows, a.Batch.Cursor = nil, nil
	return a
}

// Whole puts the batch together again.
func (a Apply) Whole() ledger.Batch {
	b := a.Batch
	b.Rows, b.Cursor = a.Rows, nil
	if a.Moved {
		b.Cursor = &a.Cursor
	}
	return b
}

// Paused is whether the mover may send nothing new for now; Change counts the
// times that this changed.
type Paused struct {
	Paused bool
	Change int
}

// Dial asks for a connection to "host:port", under the number of a wish. Plain
// is set if content will go through it in the clear.
type Dial struct {
	Wish    uint64
	Address string
	Plain   bool
}

// Secret is a renewed secret of a connection, on its way to the vault.
type Secret struct{ Connection, Name, Value string }

// Outcome is how a job ended.
type Outcome struct {
	Result []byte
	Fault  *Fault
	// Written is what the kernel counts as written to disk by the mover, in
	// bytes; -1 if it does not tell.
	Written int64
}

// The rest of what is answered, named for those who read this file.
type (
	Handed = Answer[bool]
	Policy = Answer[confine.Policy]
	Job    = Answer[[]byte]
	Reason = Answer[string]
)
