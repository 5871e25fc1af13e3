package standin

import (
	"time"

	"github.com/rialto-migrate/rialto/item"
)

// A Stage is two stand-ins made ready for a demonstration: a sample in the
// first, and what people do there between two runs.
type Stage struct {
	From, To Actor
	Scope    string // what moves, as a migration file says it: "board:Marketing"
	Place    string // where it goes: "group:Marketing"
	Timezone string // IANA name
	Deeds    []Deed
	// Named tells what an item of the first cloud is called there; "" if it has
	// no name. It is for showing alone.
	Named func(kind item.Kind, id string) string
}

// An Actor is a stand-in that shows its state to people.
type Actor interface {
	Cloud
	Shown
}

// A Deed is one thing that a person does at a cloud.
type Deed struct {
	Who, What string // "Mira", "renames a card"
	Do        func() error
}

// A StageMaker makes a Stage with a sample that is dated around now. slow is how
// long each call of the clouds takes.
type StageMaker func(now time.Time, slow time.Duration) (*Stage, error)
