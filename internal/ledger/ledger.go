// Package ledger says what Rialto remembers of a migration: which source id
// became which target id, at which version, what is in flight, and how far each
// shard came. Ids, versions, states and times: nothing else. internal/store
// keeps it in a database; the engine reaches it over the mover's line, so every
// argument and result is plain data.
package ledger

import (
	"context"
	"time"

	"github.com/rialto-migrate/rialto/item"
)

// A Shard is one container of the source, by a small number of its own.
type Shard struct {
	Num    int64
	Source item.Ref // the container at the source
	Target item.Ref // the container at the target; zero until it is made
	Cursor string   // how far the pass came; "" before the first page
	// Swept is true once a whole listing, begun at its beginning, was worked off
	// in this pass.
	Swept bool
	Cut   Cut
	// Since is the source's cursor from which it tells what changed since a listing
	// that was worked off with nothing left over; "" if there is none. It outlives the
	// pass, and holds ids and versions only.
	Since string
}

// A Key names one row within a shard.
type Key = item.Ref

// A State says how an item stands.
type State uint8

const (
	Made    State = 1 // we created it
	Adopted State = 2 // it was there and we took it over; never deleted
	Folded  State = 3 // it became text or a part of its parent; Target is the parent
	Dropped State = 4 // left out by policy; Target is zero
	Half    State = 5 // made, but what follows its first request is not certain
	Refused State = 6 // people deleted it at the target, and it is not made again; Target is zero
)

// A Row is one item that the ledger knows.
type Row struct {
	Key     Key
	Target  item.Ref    // zero for Dropped
	Parent  item.Ref    // the target's id of what it lies in, for undo's order; may be zero
	Version item.Digest // keyed hash of the source's version or fields when it was written
	Print   item.Digest // keyed hash of what was read back after writing
	State   State
	// Base holds keyed hashes of the item's fields, one by one, as they were
	// settled last: packed by the engine, "" where none were taken.
	Base string
}

// An Op is what an intent announces.
type Op uint8

const (
	Create Op = 1
	Update Op = 2
	Delete Op = 3
)

// An Intent announces a write before it is sent. It is cleared by the Commit
// or Fail of the same key.
type Intent struct {
	Key       Key
	Op        Op
	Target    item.Ref // what is updated or deleted; for a create its kind alone, or the path at which it will stand
	Container item.Ref // the target container it is written to
	Parent    item.Ref // the target's id of what it lies in
	Version   item.Digest
	Shape     item.Digest // keyed hash of what the first request carries
	Mark      string      // as the target will carry it
	At        time.Time
	// Session is the upload, in parts, of what is written: sealed, for it may be a
	// secret. "" for none.
	Session string
}

// A Failure is an item that could not be moved, with its reason. Reason holds
// ids and codes only.
type Failure struct {
	Key    Key
	Class  string
	Reason string
}

// A Link is a reference of one item to another that had not moved yet.
type Link struct {
	Key   Key    // the item whose text or address holds it
	Alias string // what it points at, as Source.Locate says
}

// A Batch is everything that one step of the engine writes at once, in one
// transaction: either all of it holds or none. It is applied in the order
// Remove, Rows, Clear, Failures, Intents, Aliases, Links, Cursor, Cut, Anew, Since.
type Batch struct {
	Shard    int64
	Target   item.Ref // sets the shard's target container, if not zero
	Rows     []Row    // inserted or replaced; their intents and failures are cleared
	Intents  []Intent
	Failures []Failure // replace earlier ones of the key; their intents are cleared
	Clear    []Key     // intents that came to nothing
	Remove   []Key     // rows that are no longer, with their intents, failures and links
	Aliases  []Alias
	Links    []Link // replace all earlier ones of the keys named in Rows
	Cursor   *string
	Swept    bool
	Cut      *Cut   // replaces the shard's; its state is never zero
	Anew     bool   // clears the shard's Since: the next pass lists all of it
	Since    string // replaces the shard's, if not ""
}

// An Alias is another id of a source item, by which URLs name it.
type Alias struct {
	Alias string
	Key   Key
}

// A Place is where a source item went: answered for aliases and keys.
type Place struct {
	Shard     int64
	Key       Key
	Target    item.Ref
	Container item.Ref
	State     State
}

// A Pass is one run of a migration.
type Pass struct {
	Num     int64
	Began   time.Time
	Ended   time.Time // zero while it runs, or if it was cut off
	Outcome string    // complete, partial, failed; "" while it runs
}

// A Ledger is one migration's memory. Every method is safe to repeat and safe
// for concurrent use. An error means that nothing of the call was kept.
type Ledger interface {
	// Begin starts a pass, or goes on with the one that was cut off: then
	// cursors are kept, else they are cleared.
	Begin(ctx context.Context, now time.Time) (pass Pass, resumed bool, err error)
	// End ends the pass that runs; where none does, it does nothing.
	End(ctx context.Context, now time.Time, outcome string) error
	Passes(ctx context.Context) ([]Pass, error)
	// Shard returns the shard of a source container, made if it is new.
	Shard(ctx context.Context, source item.Ref) (Shard, error)
	Shards(ctx context.Context) ([]Shard, error)
	// Lookup returns the rows of those keys that the shard knows, in any order.
	// At most 1,000 keys a call.
	Lookup(ctx context.Context, shard int64, keys []Key) ([]Row, error)
	// Rows returns up to limit rows of a shard whose keys sort after the given
	// one (zero: from the first), sorted by kind and id.
	Rows(ctx context.Context, shard int64, after Key, limit int) ([]Row, error)
	// Count tells how many rows a shard has.
	Count(ctx context.Context, shard int64) (int, error)
	// Find tells where source items went: one Place for each shard that knows the
	// key. FindAliases does so by the aliases that were recorded; an alias is known
	// while the row that it names is. What is unknown is left out. At most 1,000 a
	// call.
	Find(ctx context.Context, keys []Key) ([]Place, error)
	FindAliases(ctx context.Context, aliases []string) (map[string]Place, error)
	Apply(ctx context.Context, b Batch) error
	// InDoubt returns the intents that nothing cleared.
	InDoubt(ctx context.Context, shard int64) ([]Intent, error)
	// Failures returns up to limit failures of a shard. They stay from pass to
	// pass until their item is written, removed, or fails anew.
	Failures(ctx context.Context, shard int64, limit int) ([]Failure, error)
	// Dangling returns the links whose alias names an item that has a target by
	// now.
	Dangling(ctx context.Context, shard int64) ([]Link, error)
	// Forget removes everything: after an undo, or before a rebuild.
	Forget(ctx context.Context) error
}
