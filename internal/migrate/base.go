package migrate

import (
	"encoding/binary"
	"hash/fnv"
	"slices"
	"strings"

	"github.com/rialto-migrate/rialto/item"
)

// A base is what was settled last for an item's fields, one by one: the third
// leg of a merge. It holds keyed hashes, never values, and goes into the ledger
// in a few bytes a field. A kind of embedded children counts as one field.
type base map[string]agreed

// agreed is what was settled for one field.
type agreed struct {
	given uint32 // what the source had, as it was fitted; 0 for nothing
	kept  uint32 // what people made of it at the target, where that stands in its place; 0 if it does not
}

// A packed base has five bytes for a field: a hash of its name, whose highest bit
// says that three more follow, and three bytes of each hash.
const (
	keptBit  = 1 << 15
	nameBits = keptBit - 1
	hashBits = 1<<24 - 1
)

func nameHash(field string) uint16 {
	h := fnv.New32a()
	h.Write([]byte(field))
	return uint16(h.Sum32()) & nameBits
}

// short cuts a digest to three bytes, so that only nothing is zero.
func short(d item.Digest) uint32 {
	if d == 0 {
		return 0
	}
	return max(uint32(d)&hashBits, 1)
}

// pack writes a base as the ledger keeps it.
func (b base) pack() string {
	names := make([]string, 0, len(b))
	for name, a := range b {
		if a != (agreed{}) {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	var out []byte
	three := func(n uint32) { out = append(out, byte(n>>16), byte(n>>8), byte(n)) }
	for _, name := range names {
		head := nameHash(name)
		if b[name].kept != 0 {
			head |= keptBit
		}
		out = binary.BigEndian.AppendUint16(out, head)
		three(b[name].given)
		if b[name].kept != 0 {
			three(b[name].kept)
		}
	}
	if len(out) == 0 {
		return "\x00" // known to be empty
	}
	return string(out)
}

// unpack reads a base for the given names; nil if none was taken.
func unpack(packed string, names []string) base {
	if packed == "" {
		return nil
	}
	by := make(map[uint16]string, len(names))
	for _, n := range names {
		by[nameHash(n)] = n
	}
	out := base{}
	three := func() (n uint32) {
		n = uint32(packed[0])<<16 | uint32(packed[1])<<8 | uint32(packed[2])
		packed = packed[3:]
		return n
	}
	for len(packed) >= 5 {
		head := binary.BigEndian.Uint16([]byte(packed[:2]))
		packed = packed[2:]
		a := agreed{given: three()}
		if head&keptBit != 0 && len(packed) >= 3 {
			a.kept = three()
		}
		if name, ok := by[head&nameBits]; ok {
			out[name] = a
		}
	}
	return out
}

// merged names the fields of a kind that are merged one by one, and the kinds of
// its embedded children.
func (e *Engine) merged(k item.Kind) (names []string) {
	info, _ := item.Info(k)
	for _, f := range info.Fields {
		if e.printed(k, f) && !e.fixedField(k, f) {
			names = append(names, f.Name)
		}
	}
	for _, ki := range item.Kinds() {
		if e.To.Caps.Kinds[ki.Kind].Embedded == k {
			names = append(names, string(ki.Kind))
		}
	}
	return names
}

// embeds reports whether a name is that of a kind which is embedded in another.
func (e *Engine) embeds(in item.Kind, name string) bool {
	return e.To.Caps.Kinds[item.Kind(name)].Embedded == in
}

// fieldHash is the keyed hash of one merged field of a bundle.
func (e *Engine) fieldHash(b item.Bundle, name string) uint32 {
	if e.embeds(b.Item.Kind, name) {
		of := b.Of(item.Kind(name))
		if len(of) == 0 {
			return 0
		}
		return short(e.print.Items(e.printed, e.sorted(of)...))
	}
	if name == item.Content.Name {
		return e.versionHash(b.Item)
	}
	return short(e.print.Value(b.Item.Fields[name]))
}

// baseOf is the base of an item of which nothing is disputed. What lies in a task
// has none: a comment has one text.
func (e *Engine) baseOf(b item.Bundle) base {
	if level(b.Item.Kind) > item.Leaf {
		return nil
	}
	out := base{}
	for _, name := range e.merged(b.Item.Kind) {
		out[name] = agreed{given: e.fieldHash(b, name)}
	}
	if rank := item.Position.Get(b.Item); rank != "" {
		out[item.Position.Name] = agreed{given: short(e.print.Text(rank))}
	}
	return out
}

// packedNames are all names that a base of a kind may hold.
func (e *Engine) packedNames(k item.Kind) []string {
	names := append(e.merged(k), item.Position.Name)
	if e.streams(k) {
		names = append(names, storedContent, bytesAre)
	}
	if !nameless(k) {
		names = append(names, siblingName)
	}
	for _, name := range e.putOffFields(k) {
		if !slices.Contains(names, name) {
			names = append(names, name)
		}
	}
	return names
}

// keeps reports whether what people made of a field stands by decision.
func (b base) keeps(field string) bool { return b[field].kept != 0 }

// String is for logs of tests: names only.
func (b base) String() string {
	var out []string
	for name, a := range b {
		if a.kept != 0 {
			name += "!"
		}
		out = append(out, name)
	}
	slices.Sort(out)
	return strings.Join(out, " ")
}
