package connector

import (
	"context"
	"iter"

	"github.com/rialto-migrate/rialto/item"
)

// A Blind is a Source that knows of what it cannot see: a token sees what its
// user sees, and most clouds tell that there is more, or at least where more may
// be. Optional.
type Blind interface {
	// Unseen yields what is there, or may be there, beyond what Shards yields, as
	// far as the cloud tells. It only reads, and may be asked again.
	Unseen(context.Context) iter.Seq2[Unseen, error]
}

// Unseen is a set of containers that a connection cannot read, or cannot know
// of.
type Unseen struct {
	// What it is, for people: "private boards". Where names the workspace, group
	// or project of which it is so, "" for all of the cloud: shown, never kept.
	What, Where string
	// Count is how many there are; -1 if the cloud does not tell, and then there
	// may be none.
	Count int
	// Refs are those whose ids the cloud tells; at most Count where that is known.
	Refs []item.Ref
	// How says what a person does to see them.
	How string
}
