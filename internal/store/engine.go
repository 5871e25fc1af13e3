package store

import "context"

// An engine is one open database: SQLite or PostgreSQL. Its methods are safe
// for concurrent use; work is done one piece after another.
type engine interface {
	// view reads in one transaction.
	view(ctx context.Context, work func(session) error) error
	// update writes in one transaction: all that work did holds, or, if it
	// returns an error, nothing. A durable update is on the disk when update
	// returns; another one survives the end of the process, and a loss of power
	// may undo it (and those after it) as a whole.
	update(ctx context.Context, d durability, work func(session) error) error
	close() error
	// byKey says that rows are found quickly by key alone, in any shard.
	byKey() bool
}

type durability bool

const (
	relaxed durability = false
	durable durability = true
)

// A session runs statements within one transaction. Arguments are int64,
// []byte (nil is NULL) and string, or slices of int64 and []byte: slices run
// the statement for each place in them, and all have the same length.
type session interface {
	// enter limits the transaction to a scope of the accounts; first of all.
	enter(whose scope) error
	exec(s statement, args ...any) error
	// query calls each for every row. The row is valid during the call only.
	query(s statement, each func(row) error, args ...any) error
}

// A row is one row of a result.
type row interface {
	int(column int) int64
	// blob returns nil for NULL. The bytes are valid during the call only.
	blob(column int) []byte
	text(column int) string
}

// A statement is one text for both engines, or one for each. Parameters are
// $1, $2 and so on, in the order of their first use.
type statement struct{ sqlite, postgres string }

// both is a statement whose text both engines understand.
func both(text string) statement { return statement{text, text} }

// one reads a single integer; 0 if there is no row.
func one(s session, st statement, args ...any) (n int64, err error) {
	err = s.query(st, func(r row) error {
		n = r.int(0)
		return nil
	}, args...)
	return n, err
}
