package migrate

import (
	"cmp"
	"slices"
	"strings"
	"sync"

	"github.com/rialto-migrate/rialto/item"
)

// A Loss is one field of a kind that the target cannot hold as the source had
// it, with what becomes of it, over all items concerned.
type Loss struct {
	Kind     item.Kind `json:"kind"`
	Field    string    `json:"field"` // "*" for the whole item
	Policy   string    `json:"policy"`
	Why      string    `json:"why,omitempty"`
	Count    int       `json:"count"`
	Examples []string  `json:"examples,omitempty"` // source ids, a few
	whys     []string
}

// What becomes of a lost field, apart from the choices a user makes.
const (
	asText    = "text"    // a line in the task's text
	asLine    = "line"    // part of the uniform line: who and when
	asNearest = "nearest" // the nearest that the target has
	asDay     = "day"     // the day stays, the clock goes to the text
	asCut     = "cut"     // shortened; the rest goes to the text where there is one
	asDropped = "drop"
	asOther   = "converted" // the target keeps it in a form of its own
	asMerged  = "append"
	asLink    = "link"
	asFilled  = "filled"  // the target takes no empty one: it was given a text
	missing   = "missing" // the source itself tells of more than it gave
	unread    = "not-read"
)

// lost is one loss of one item.
type lost struct {
	kind   item.Kind
	field  string
	policy string
	why    string
	id     string
}

// A lossBook adds losses up. Safe for concurrent use.
type lossBook struct {
	mu    sync.Mutex
	byKey map[[3]string]*Loss
}

func newLossBook() *lossBook { return &lossBook{byKey: map[[3]string]*Loss{}} }

func (b *lossBook) add(losses []lost) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, l := range losses {
		k := [3]string{string(l.kind), l.field, l.policy}
		sum := b.byKey[k]
		if sum == nil {
			sum = &Loss{Kind: l.kind, Field: l.field, Policy: l.policy}
			b.byKey[k] = sum
		}
		sum.Count++
		if l.why != "" && !slices.Contains(sum.whys, l.why) {
			sum.whys = append(sum.whys, l.why)
		}
		if len(sum.Examples) < 5 && l.id != "" && !slices.Contains(sum.Examples, l.id) {
			sum.Examples = append(sum.Examples, l.id)
		}
	}
}

// list returns the losses, sorted by the order of kinds, field and policy.
func (b *lossBook) list() []Loss {
	b.mu.Lock()
	defer b.mu.Unlock()
	out := make([]Loss, 0, len(b.byKey))
	for _, l := range b.byKey {
		l.Why = strings.Join(slices.Sorted(slices.Values(l.whys)), "; ")
		out = append(out, *l)
	}
	rank := map[item.Kind]int{}
	for i, k := range item.Kinds() {
		rank[k.Kind] = i
	}
	slices.SortFunc(out, func(a, b Loss) int {
		return cmp.Or(cmp.Compare(rank[a.Kind], rank[b.Kind]), cmp.Compare(a.Field, b.Field), cmp.Compare(a.Policy, b.Policy))
	})
	return out
}

// lostPolicy says what becomes of a field that the target does not keep, where
// no policy of the user's decides.
func lostPolicy(k item.Kind, field string) string {
	switch field {
	case item.Created.Name, item.Author.Name, item.Edited.Name:
		if k == item.Task || k == item.Comment || k == item.Attachment {
			return asLine
		}
		return asDropped
	case item.Position.Name, item.Color.Name, item.MediaType.Name, item.PowerUps.Name, item.Closed.Name, item.Reminder.Name:
		return asDropped
	}
	if k == item.Task || k == item.Checklist || k == item.Comment || k == item.Attachment || k == item.Label || k == item.CustomField {
		return asText
	}
	return asDropped
}
