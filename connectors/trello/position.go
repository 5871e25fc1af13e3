package trello

import (
	"cmp"
	"fmt"
	"math"
	"slices"
)

// step is the distance that Trello itself leaves between two cards or lists.
const step = 65536

// narrow is the smallest distance that is divided further; below it the
// siblings that follow are moved on.
const narrow = 1.0 / 1024

// rank turns a position into text that sorts like it. Trello's positions are
// positive floats, whose bits sort like the numbers.
func rank(pos number) string {
	return fmt.Sprintf("%016x", math.Float64bits(max(float64(pos), 0)))
}

// byPos compares siblings: by position, and by id where it is the same.
func byPos(a, b number, idA, idB text) int {
	return cmp.Or(cmp.Compare(a, b), cmp.Compare(idA, idB))
}

// A sibling is what stands in one parent already.
type sibling struct {
	id  string
	pos float64
}

// standing is the first of ids that is among the siblings, or "" for the first
// place; the first of all if none is.
func standing(siblings []sibling, ids ...string) string {
	for _, id := range ids {
		if id == "" || slices.ContainsFunc(siblings, func(s sibling) bool { return s.id == id }) {
			return id
		}
	}
	return ids[0]
}

// spread returns n ascending positions behind the sibling named after ("" puts
// them first, an unknown one last) and before the one that follows it. Where
// there is no room, moves says which of the following siblings must stand
// elsewhere, in their order. siblings are sorted.
func spread(siblings []sibling, after string, n int) (at []float64, moves []sibling) {
	next := len(siblings)
	if after == "" {
		next = 0
	}
	for i, s := range siblings {
		if s.id == after {
			next = i + 1
		}
	}
	low := 0.0
	if next > 0 {
		low = siblings[next-1].pos
	}
	gap := float64(step)
	full := false
	if next < len(siblings) {
		gap = (siblings[next].pos - low) / float64(n+1)
		full = gap < narrow
	}
	if full {
		gap = step
	}
	for i := range n {
		at = append(at, low+gap*float64(i+1))
	}
	if !full {
		return at, nil
	}
	last := at[n-1]
	for _, s := range siblings[next:] {
		if s.pos > last {
			break
		}
		last += step
		moves = append(moves, sibling{id: s.id, pos: last})
	}
	return at, moves
}
