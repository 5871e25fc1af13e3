package connector

import (
	"context"

	"github.com/rialto-migrate/rialto/item"
)

// A Renumberer is a Target that may give everything in a folder other ids, as a mail
// server does that lost its index. What is there no more by its old id was not deleted
// by people then, and is found again by its mark.
type Renumberer interface {
	// Renumbered returns those folders in which one of these items lay whose id names
	// nothing any more, because everything in the folder has another one now.
	Renumbered(ctx context.Context, refs []item.Ref) ([]item.Ref, error)
}
