package item

import (
	"cmp"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/binary"
	"hash"
	"io"
	"math"
	"slices"
	"strings"
	"sync"
	"time"
)

// A Digest is a keyed hash of fields: it tells later whether they changed,
// without keeping them. Zero means "none was taken".
type Digest uint64

// A Digester hashes fields under one migration's key. It is safe for
// concurrent use.
type Digester struct{ macs *sync.Pool }

// NewDigester returns a Digester; the key is secret, 32 bytes.
func NewDigester(key []byte) Digester {
	key = slices.Clone(key)
	return Digester{&sync.Pool{New: func() any { return hmac.New(sha256.New, key) }}}
}

// mac lends a hash that has read nothing; sum ends it.
func (d Digester) mac() hash.Hash { return d.macs.Get().(hash.Hash) }

func (d Digester) sum(h hash.Hash) Digest {
	var b [sha256.Size]byte
	n := binary.BigEndian.Uint64(h.Sum(b[:0]))
	h.Reset()
	d.macs.Put(h)
	return Digest(max(n, 1))
}

// Items hashes, for each item in order, its kind and those of its fields for
// which keep is true. Sets hash alike in any order, times by the second, and
// an absent field like its zero value. The ids of the items do not count; the
// ids that their fields refer to do.
func (d Digester) Items(keep func(Kind, Field) bool, items ...Item) Digest {
	h := d.mac()
	for _, it := range items {
		text(h, string(it.Kind))
		info, _ := Info(it.Kind)
		for _, f := range info.Fields {
			v := it.Fields[f.Name]
			if IsZero(v) || !keep(it.Kind, f) {
				continue
			}
			text(h, f.Name)
			value(h, v)
		}
		if it.Blob != nil && keep(it.Kind, Content) {
			text(h, it.Blob.Version)
		}
	}
	return d.sum(h)
}

// Value hashes one value of a field, as Items does; zero for an empty one.
func (d Digester) Value(v any) Digest {
	if IsZero(v) {
		return 0
	}
	h := d.mac()
	value(h, v)
	return d.sum(h)
}

// Text hashes one string, for names that must be compared but not kept.
func (d Digester) Text(s string) Digest {
	h := d.mac()
	text(h, s)
	return d.sum(h)
}

func text(h hash.Hash, s string) {
	number(h, uint64(len(s)))
	_, _ = io.WriteString(h, s)
}

func number(h hash.Hash, n uint64) {
	var b [8]byte
	binary.BigEndian.PutUint64(b[:], n)
	h.Write(b[:])
}

func value(h hash.Hash, v any) {
	switch v := v.(type) {
	case string:
		text(h, v)
	case bool:
		number(h, 1)
	case float64:
		number(h, math.Float64bits(v))
	case time.Time:
		number(h, uint64(v.Unix()))
	case Ref:
		text(h, v.String())
	case []Ref:
		for _, r := range slices.SortedFunc(slices.Values(v), func(a, b Ref) int {
			return cmp.Or(strings.Compare(string(a.Kind), string(b.Kind)), strings.Compare(a.ID, b.ID))
		}) {
			text(h, r.String())
		}
	case []string:
		for _, s := range slices.Sorted(slices.Values(v)) {
			text(h, s)
		}
	case []Check:
		for _, c := range v {
			text(h, c.Title)
			if c.Done {
				number(h, 1)
			}
			if !c.Due.IsZero() {
				number(h, uint64(c.Due.Unix()))
			}
			text(h, c.Assignee)
		}
	case []FieldValue:
		for _, f := range slices.SortedFunc(slices.Values(v), func(a, b FieldValue) int {
			return cmp.Or(strings.Compare(a.Field, b.Field), strings.Compare(a.Value, b.Value))
		}) {
			text(h, f.Field)
			text(h, f.Value)
		}
	case []Grant:
		for _, g := range slices.SortedFunc(slices.Values(v), func(a, b Grant) int {
			return cmp.Or(strings.Compare(a.To, b.To), strings.Compare(a.Link, b.Link), strings.Compare(a.Role, b.Role))
		}) {
			text(h, g.To)
			text(h, g.Link)
			text(h, g.Role)
		}
	}
}
