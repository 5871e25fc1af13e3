package store

import (
	"encoding/base64"
	"encoding/hex"
	"fmt"

	"github.com/rialto-migrate/rialto/connector"
	"github.com/rialto-migrate/rialto/item"
)

// Refs are kept in as few bytes as their form allows. The first byte, the head,
// holds the number of the kind and the form of the id; the id follows in that
// form. Every id has exactly one form, so that packed refs can be compared, and
// within one form packed ids sort as the ids themselves do.

// A form is how an id is packed.
type form byte

const (
	raw     form = iota // as it is
	hexes               // an even number of lower-case hex digits: two a byte
	uuids               // a UUID in lower case: 16 bytes
	base64s             // a multiple of four base64url digits: four in three bytes
	forms               // how many there are
)

// maxKinds is how many kinds heads can number: from 1 on, and so that every
// head has a next one.
const maxKinds = 256/int(forms) - 2

const (
	hexDigits = "0123456789abcdef"
	// base64Digits are those of base64url, but in the order of their bytes, so
	// that packing keeps the order.
	base64Digits = "-0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ_abcdefghijklmnopqrstuvwxyz"
	uuidLength   = 36
)

var sorted64 = base64.NewEncoding(base64Digits).WithPadding(base64.NoPadding)

// formOf tells how an id is packed.
func formOf(id string) form {
	n := len(id)
	switch {
	case n == 0:
		return raw
	case n == uuidLength && isForm(uuids, id):
		return uuids
	case n%2 == 0 && isForm(hexes, id):
		return hexes
	case n%4 == 0 && isForm(base64s, id):
		return base64s
	}
	return raw
}

func isForm(f form, id string) bool {
	for i := range len(id) {
		if !f.allows(i, id[i]) {
			return false
		}
	}
	return true
}

// allows reports whether an id of the form may have this byte at place i.
func (f form) allows(i int, b byte) bool {
	switch f {
	case hexes:
		return '0' <= b && b <= '9' || 'a' <= b && b <= 'f'
	case uuids:
		if hyphenAt(i) {
			return b == '-'
		}
		return i < uuidLength && hexes.allows(i, b)
	case base64s:
		return b == '-' || b == '_' || '0' <= b && b <= '9' || 'A' <= b && b <= 'Z' || 'a' <= b && b <= 'z'
	}
	return true
}

func hyphenAt(i int) bool { return i == 8 || i == 13 || i == 18 || i == 23 }

// digits are the bytes that an id of the form may have at place i, in order;
// none behind its end.
func (f form) digits(i int) string {
	switch {
	case f == hexes:
		return hexDigits
	case f == base64s:
		return base64Digits
	case f == uuids && hyphenAt(i):
		return "-"
	case f == uuids && i < uuidLength:
		return hexDigits
	}
	return ""
}

// appendID packs an id, without a head.
func appendID(b []byte, f form, id string) []byte {
	switch f {
	case hexes:
		b, _ = hex.AppendDecode(b, []byte(id))
	case uuids:
		if id == "" {
			return b // a bound may begin before all UUIDs
		}
		var digits [32]byte
		d := append(digits[:0], id[:8]...)
		d = append(d, id[9:13]...)
		d = append(d, id[14:18]...)
		d = append(d, id[19:23]...)
		d = append(d, id[24:]...)
		b, _ = hex.AppendDecode(b, d)
	case base64s:
		b, _ = sorted64.AppendDecode(b, []byte(id))
	default:
		b = append(b, id...)
	}
	return b
}

// unpackID is the reverse of appendID. Bytes that appendID cannot have made
// are an error: the database is damaged.
func unpackID(f form, b []byte) (string, error) {
	var buf [128]byte
	switch f {
	case raw:
		return string(b), nil
	case hexes:
		return string(hex.AppendEncode(buf[:0], b)), nil
	case base64s:
		if len(b)%3 != 0 {
			return "", damaged(fmt.Sprintf("an id of %d bytes cannot be base64", len(b)))
		}
		return string(sorted64.AppendEncode(buf[:0], b)), nil
	case uuids:
		if len(b) != 16 {
			return "", damaged(fmt.Sprintf("a UUID of %d bytes", len(b)))
		}
		out := hex.AppendEncode(buf[:0], b[:4])
		for _, part := range [][]byte{b[4:6], b[6:8], b[8:10], b[10:]} {
			out = hex.AppendEncode(append(out, '-'), part)
		}
		return string(out), nil
	}
	return "", damaged("an id of an unknown form")
}

func head(kind int, f form) byte { return byte(kind)*byte(forms) + byte(f) }

// packAlias packs an alias: the form, then the id in it.
func packAlias(alias string) []byte {
	f := formOf(alias)
	return appendID([]byte{byte(f)}, f, alias)
}

func unpackAlias(b []byte) (string, error) {
	if len(b) == 0 {
		return "", damaged("an alias without a form")
	}
	return unpackID(form(b[0]), b[1:])
}

// A packer packs the refs of one call. Kinds that have no number yet are
// noted, and their refs left nil.
type packer struct {
	kinds   *kinds
	unknown []item.Kind
	buf     []byte
}

// ref packs a ref; nil for the zero Ref.
func (p *packer) ref(r item.Ref) []byte {
	if r.Zero() {
		return nil
	}
	n := 0
	if r.Kind != "" {
		if n = p.kinds.number(r.Kind); n == 0 {
			p.unknown = append(p.unknown, r.Kind)
			return nil
		}
	}
	if need := 1 + len(r.ID); cap(p.buf)-len(p.buf) < need {
		p.buf = make([]byte, 0, max(16<<10, need))
	}
	start := len(p.buf)
	f := formOf(r.ID)
	p.buf = appendID(append(p.buf, head(n, f)), f, r.ID)
	return p.buf[start:len(p.buf):len(p.buf)]
}

// unpack is the reverse of ref.
func (k *kinds) unpack(b []byte) (item.Ref, error) {
	if len(b) == 0 {
		return item.Ref{}, nil
	}
	kind, ok := k.name(int(b[0]) / int(forms))
	if !ok {
		return item.Ref{}, damaged(fmt.Sprintf("no kind has the number %d", int(b[0])/int(forms)))
	}
	id, err := unpackID(form(b[0])%forms, b[1:])
	return item.Ref{Kind: kind, ID: id}, err
}

func damaged(what string) error {
	return connector.Errorf(connector.Permanent, "store: the database is damaged: %s", what).
		WithHint("restore it from a backup, or run rialto ledger rebuild")
}
