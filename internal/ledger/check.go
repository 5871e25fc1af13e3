package ledger

import (
	"cmp"
	"strings"

	"github.com/rialto-migrate/rialto/connector"
	"github.com/rialto-migrate/rialto/item"
)

// MaxKeys is how many keys or aliases one look-up may name.
const MaxKeys = 1000

// Compare orders keys as ledgers list them: by kind, then by id, byte by byte.
func Compare(a, b Key) int {
	return cmp.Or(strings.Compare(string(a.Kind), string(b.Kind)), strings.Compare(a.ID, b.ID))
}

// Check refuses a batch that no ledger can keep: a key without a kind or an
// id, a row without a state.
func (b Batch) Check() error {
	for _, r := range b.Rows {
		if err := Named("a row", r.Key); err != nil {
			return err
		}
		if r.State == 0 {
			return connector.Errorf(connector.Permanent, "ledger: the row of %s has no state", r.Key)
		}
	}
	for _, in := range b.Intents {
		if err := Named("an intent", in.Key); err != nil {
			return err
		}
	}
	for _, f := range b.Failures {
		if err := Named("a failure", f.Key); err != nil {
			return err
		}
	}
	for _, a := range b.Aliases {
		if err := Named("an alias", a.Key); err != nil {
			return err
		}
	}
	for _, l := range b.Links {
		if err := Named("a link", l.Key); err != nil {
			return err
		}
	}
	if b.Cut != nil && b.Cut.State == 0 {
		return connector.Errorf(connector.Permanent, "ledger: the cut-over of a shard has no state")
	}
	if err := Named("what is cleared", b.Clear...); err != nil {
		return err
	}
	return Named("what is removed", b.Remove...)
}

// Named refuses keys that lack a kind or an id; what says whose keys they are.
func Named(what string, refs ...item.Ref) error {
	for _, r := range refs {
		if r.Kind == "" || r.ID == "" {
			return connector.Errorf(connector.Permanent, "ledger: the key of %s needs a kind and an id, and is %q", what, r)
		}
	}
	return nil
}

// Few refuses a look-up of more than MaxKeys keys.
func Few(n int) error {
	if n > MaxKeys {
		return connector.Errorf(connector.Permanent, "ledger: %d keys in one look-up; at most %d are allowed", n, MaxKeys)
	}
	return nil
}

// Limit refuses a limit below 1.
func Limit(n int) error {
	if n < 1 {
		return connector.Errorf(connector.Permanent, "ledger: a limit of %d rows; it must be at least 1", n)
	}
	return nil
}
