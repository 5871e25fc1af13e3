package onedrive

import (
	"github.com/rialto-migrate/rialto/item"
)

// A delta from a token tells what changed since, as it is now, with all folders above
// it, in no promised order and some of it more than once, of which the last counts
// (https://learn.microsoft.com/en-us/graph/api/driveitem-delta). A folder that was put
// elsewhere or renamed is told, and nothing that lies in it; whether what lies in one that was
// restored is told, nothing says. How many lie in a folder does.

// sincePrefix begins a cursor of changes; the rest is the address of a delta.
const sincePrefix = "since-"

// mostCounted is how many items are counted, folder by folder.
const mostCounted = 100_000

// changes are what a delta told of folders, and of what lies right in them.
type changes struct {
	in       map[string]string // folders by what lies in them
	children map[string]*int   // of folders, as they say
}

func newChanges() *changes {
	return &changes{in: map[string]string{}, children: map[string]*int{}}
}

// count notes an item that was told.
func (c *changes) count(i driveItem) {
	if c == nil {
		return
	}
	if i.kind() == item.Folder {
		c.children[i.ID] = i.Folder.Children
	}
	if len(c.in) < mostCounted {
		c.in[i.ID] = i.Parent.ID
	}
}

// alone are the folders of which less was told than lies in them.
func (c *changes) alone() (out []item.Ref) {
	told := map[string]int{}
	for _, folder := range c.in {
		told[folder]++
	}
	for id, n := range c.children {
		if n == nil || told[id] < *n {
			out = append(out, item.Ref{Kind: item.Folder, ID: id})
		}
	}
	return out
}

// went is what an item was that does not lie in the drive any more. What is deleted may
// not say what it was.
func (r *reading) went(i driveItem) []item.Ref {
	if r.changes != nil {
		delete(r.changes.in, i.ID)
		delete(r.changes.children, i.ID)
		// Where it was given out as what something lies in, this delta has told two
		// states: the next one begins where it did.
		r.whole = r.whole && !r.known[i.ID]
		delete(r.known, i.ID)
	}
	if k := i.kind(); k != "" {
		return []item.Ref{{Kind: k, ID: i.ID}}
	}
	return []item.Ref{{Kind: item.Folder, ID: i.ID}, {Kind: item.File, ID: i.ID}, {Kind: item.Shortcut, ID: i.ID}}
}
