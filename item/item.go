// Package item holds what moves: boards, lists, tasks, comments and the like.
//
// An Item is a kind, an id, a parent, a version and fields. The fields a kind
// has are declared once, in the file of that kind, and serve forecast, run and
// verify alike; kinds.go lists the kinds. An Item never leaves the process that
// touches content: only its ids do.
package item

import (
	"io"
	"slices"
	"time"
)

// A Kind names a sort of item, in the words of the design: "task", "comment".
type Kind string

// A Ref names one item of one cloud. IDs are unique within a kind and a cloud.
type Ref struct {
	Kind Kind
	ID   string
}

// Zero reports whether the Ref names nothing.
func (r Ref) Zero() bool { return r == Ref{} }

// String is for logs: it holds ids only.
func (r Ref) String() string { return string(r.Kind) + ":" + r.ID }

// An Item is one thing that moves.
type Item struct {
	Ref
	Parent  Ref    // what it lies in; zero for a container (a board)
	Version string // the cloud's own version; "" lets the engine hash the fields
	// Brief is set in a listing that tells Version, which differs whenever anything of
	// the item does, and not all of its fields: Fetch tells them.
	Brief bool
	// Changed is when the cloud says that anything of it last changed; zero if it
	// does not tell.
	Changed time.Time
	URL     string // where a person finds it; "" if it has no address
	// Aliases are other ids by which URLs name this item, as Source.Locate
	// returns them: a Trello card's short link. Ids, never content.
	Aliases []string
	Fields  Fields
	Blob    *Blob // the bytes of an attachment; nil if it has none
}

// A Blob names the bytes of an item. The bytes themselves are streamed by
// Source.Open and never held whole.
type Blob struct {
	Ref     Ref    // the item whose bytes these are
	Parent  Ref    // that item's parent: some clouds need both ids to find the bytes
	URL     string // where the source serves it; may be a secret: never log it
	Version string // pins the bytes: Open fails with a conflict if they changed
	Bytes   int64  // as the cloud tells it; -1 if it does not
	Sums    []Sum  // what the cloud says that the bytes hash to; nil if it does not
}

// A Sum is a hash of a blob's bytes: two that are of one algorithm compare without
// reading the bytes again.
type Sum struct {
	Algorithm string // "md5", "sha1", "sha256", "crc32c", "crc64nvme", "quickxor", "dropbox"
	Hex       string // lower case
}

// SameBytes compares two blobs by what their clouds say: sure is false if they do
// not say enough, and the bytes have to be read.
func SameBytes(a, b Blob) (same, sure bool) {
	if a.Bytes >= 0 && b.Bytes >= 0 && a.Bytes != b.Bytes {
		return false, true
	}
	for _, x := range a.Sums {
		for _, y := range b.Sums {
			if x.Algorithm == y.Algorithm {
				return x.Hex == y.Hex, true
			}
		}
	}
	return false, false
}

// A Bundle is an item with the items that lie within it. A listing never
// splits one: a task comes with all its checklists, comments and attachments.
type Bundle struct {
	Item     Item
	Children []Item
	// Counts is what the cloud's own counters say of the children by kind
	// (Trello's badges, Planner's checklistItemCount): a second witness for
	// verify. A kind that is absent has no counter. CheckItems counts by Checks.
	Counts map[Kind]int
	// CheckItems is the cloud's own count of checklist entries; -1 if it has none.
	CheckItems int
	// Unknown names what the source sent and this program does not carry, as
	// "kind.field" paths: reported, never dropped in silence.
	Unknown []string
}

// Of returns the children of one kind, in their order.
func (b *Bundle) Of(k Kind) []Item {
	var out []Item
	for _, c := range b.Children {
		if c.Kind == k {
			out = append(out, c)
		}
	}
	return out
}

// Fields are an item's values by field name. A value has the Go type of its
// field's Type; a field that is absent and one that holds its zero value are
// the same. Use an Attr to read and write them.
type Fields map[string]any

// A Type says what a field's value is and how it is compared and carried.
type Type int

const (
	Line    Type = iota // string: one line of plain text
	Text                // string: many lines, in the cloud's text format; may hold links and mentions
	Bool                // bool
	Number              // float64
	Time                // time.Time, UTC
	Choice              // string out of a closed set
	Rank                // string: sorts siblings by its bytes; only the order it gives counts
	One                 // Ref: another item (a task's list)
	Many                // []Ref: a set of other items (a task's labels); order does not count
	Person              // string: a member's id
	People              // []string: a set of members' ids
	URL                 // string: an address; may point at an item that moves
	Checks              // []Check: the entries of a checklist, in order
	Values              // []FieldValue: a task's values of custom fields
	Options             // []string: an ordered list of texts
	Exact               // string: the name of a file or folder, byte for byte
	Grants              // []Grant: who was let at it; order does not count
)

// A Check is one entry of a checklist.
type Check struct {
	ID       string
	Title    string
	Done     bool
	Due      time.Time // zero if none
	Assignee string    // a member's id, "" if none
}

// A FieldValue is a task's value of one custom field, as text. Choice values
// are the option's text, dates are RFC 3339, checkboxes "true" or "false".
type FieldValue struct {
	Field string // the id of the field item
	Value string
}

// A Field is one declared field of a kind.
type Field struct {
	Name string
	Type Type
	// Told marks what the cloud itself sets and most clouds let nobody write:
	// who created an item and when. It is carried in the uniform line.
	Told bool
	// Hint marks what helps a target to write and is no content of its own: where it
	// is not kept, nothing is lost, and it is never compared.
	Hint bool
	Doc  string // one line for the generated connector pages
}

// An Attr is the typed way to a field: Title.Get(it), Title.Set(&it, "x").
type Attr[T any] struct {
	Field
}

// Get returns the field's value, or the zero value if it is absent.
func (a Attr[T]) Get(it Item) T {
	v, _ := it.Fields[a.Name].(T)
	return v
}

// Set writes the field.
func (a Attr[T]) Set(it *Item, v T) {
	if it.Fields == nil {
		it.Fields = Fields{}
	}
	it.Fields[a.Name] = v
}

// IsZero reports whether a field's value says nothing: "", false, no time, an
// empty set.
func IsZero(v any) bool {
	switch v := v.(type) {
	case nil:
		return true
	case string:
		return v == ""
	case bool:
		return !v
	case float64:
		return v == 0
	case time.Time:
		return v.IsZero()
	case Ref:
		return v.Zero()
	case []Ref:
		return len(v) == 0
	case []string:
		return len(v) == 0
	case []Check:
		return len(v) == 0
	case []FieldValue:
		return len(v) == 0
	case []Grant:
		return len(v) == 0
	}
	return false
}

// Clone copies an item so that its fields can be changed without touching the
// original. Slices inside the fields are copied too.
func (it Item) Clone() Item {
	fields := make(Fields, len(it.Fields))
	for k, v := range it.Fields {
		switch v := v.(type) {
		case []Ref:
			fields[k] = slices.Clone(v)
		case []string:
			fields[k] = slices.Clone(v)
		case []Check:
			fields[k] = slices.Clone(v)
		case []FieldValue:
			fields[k] = slices.Clone(v)
		case []Grant:
			fields[k] = slices.Clone(v)
		default:
			fields[k] = v
		}
	}
	it.Fields = fields
	if it.Blob != nil {
		b := *it.Blob
		it.Blob = &b
	}
	return it
}

// An Opener streams n bytes of a blob from an offset on; n < 0 means to the
// end. The caller closes the reader.
type Opener func(b Blob, offset, n int64) (io.ReadCloser, error)
