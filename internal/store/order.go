package store

import "strings"

// The database sorts packed ids, which is the order of ids only within one
// form. Listing by id therefore reads the forms side by side; where a listing
// goes on after an id, each form has a bound of its own.

// A bound is where a scan of packed ids of one form begins.
type bound struct {
	from  []byte // the packed id, without a head
	after bool   // begin after it, not at it
	none  bool   // no id of the form comes after
}

// boundAfter finds the bound of the ids of a form that sort after id.
func boundAfter(f form, id string) bound {
	if formOf(id) == f {
		return bound{from: appendID(nil, f, id), after: true}
	}
	if f == raw {
		return bound{from: []byte(id), after: true}
	}
	n := 0
	for n < len(id) && strings.IndexByte(f.digits(n), id[n]) >= 0 {
		n++
	}
	if n == len(id) && f.digits(n) != "" {
		return bound{from: padded(f, id)} // the id is the beginning of longer ones
	}
	// What follows differs at place n or before it: raise the last place that
	// can be raised.
	for i := n; i >= 0; i-- {
		digits := f.digits(i)
		for j := range len(digits) {
			if digits[j] > id[i] {
				return bound{from: padded(f, id[:i]+digits[j:j+1])}
			}
		}
	}
	return bound{none: true}
}

// padded packs the smallest id of the form that begins with these digits.
func padded(f form, digits string) []byte {
	size := map[form]int{hexes: 2, base64s: 4, uuids: uuidLength}[f]
	for len(digits)%size != 0 {
		digits += f.digits(len(digits))[:1]
	}
	return appendID(nil, f, digits)
}
