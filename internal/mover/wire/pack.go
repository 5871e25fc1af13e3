package wire

import (
	"encoding/binary"
	"errors"

	"github.com/rialto-migrate/rialto/internal/ledger"
	"github.com/rialto-migrate/rialto/item"
)

// Keys and Packed are what crosses the line most, a thousand a call. gob would
// spend most of a call's time on their fields, so they cross as one stretch of
// bytes: a count, then each field in turn; a kind is a number, with its name
// behind it where the number is new. All strings of a decoded stretch share its
// memory.
type (
	Keys   []ledger.Key
	Packed []ledger.Row
)

var errPacked = errors.New("keys or rows that crossed the line are damaged")

// MarshalBinary is what gob calls.
func (k Keys) MarshalBinary() ([]byte, error) {
	p := packer{b: make([]byte, 0, 16+len(k)*32)}
	p.number(uint64(len(k)))
	for _, key := range k {
		p.ref(key)
	}
	return p.b, nil
}

// UnmarshalBinary is what gob calls.
func (k *Keys) UnmarshalBinary(b []byte) error {
	u := newUnpacker(b)
	n := u.count()
	var keys Keys
	if n > 0 {
		keys = make(Keys, n)
	}
	for i := range keys {
		keys[i] = u.ref()
	}
	if err := u.end(); err != nil {
		return err
	}
	*k = keys
	return nil
}

// MarshalBinary is what gob calls.
func (r Packed) MarshalBinary() ([]byte, error) {
	p := packer{b: make([]byte, 0, 16+len(r)*112)}
	p.number(uint64(len(r)))
	for i := range r {
		row := &r[i]
		p.ref(row.Key)
		p.ref(row.Target)
		p.ref(row.Parent)
		p.b = binary.LittleEndian.AppendUint64(p.b, uint64(row.Version))
		p.b = binary.LittleEndian.AppendUint64(p.b, uint64(row.Print))
		p.b = append(p.b, byte(row.State))
		p.text(row.Base)
	}
	return p.b, nil
}

// UnmarshalBinary is what gob calls.
func (r *Packed) UnmarshalBinary(b []byte) error {
	u := newUnpacker(b)
	n := u.count()
	var rows Packed
	if n > 0 {
		rows = make(Packed, n)
	}
	for i := range rows {
		rows[i] = ledger.Row{Key: u.ref(), Target: u.ref(), Parent: u.ref(),
			Version: item.Digest(u.word()), Print: item.Digest(u.word()), State: ledger.State(u.octet()), Base: u.text()}
	}
	if err := u.end(); err != nil {
		return err
	}
	*r = rows
	return nil
}

type packer struct {
	b     []byte
	kinds []item.Kind
}

func (p *packer) number(n uint64) { p.b = binary.AppendUvarint(p.b, n) }

func (p *packer) text(s string) {
	p.number(uint64(len(s)))
	p.b = append(p.b, s...)
}

func (p *packer) ref(r item.Ref) {
	known := false
	for i, k := range p.kinds { // a handful
		if k == r.Kind {
			p.number(uint64(i))
			known = true
			break
		}
	}
	if !known {
		p.number(uint64(len(p.kinds)))
		p.text(string(r.Kind))
		p.kinds = append(p.kinds, r.Kind)
	}
	p.text(r.ID)
}

// An unpacker reads what a packer wrote. After the first damage it returns
// zeros; end tells.
type unpacker struct {
	all   string // what the strings share
	b     []byte
	kinds []item.Kind
	bad   bool
}

func newUnpacker(b []byte) *unpacker { return &unpacker{all: string(b), b: b} }

func (u *unpacker) fail() {
	u.bad, u.b = true, nil
}

func (u *unpacker) number() uint64 {
	n, size := binary.Uvarint(u.b)
	if size <= 0 {
		u.fail()
		return 0
	}
	u.b = u.b[size:]
	return n
}

// count is a number of entries, each of which takes at least two bytes.
func (u *unpacker) count() int {
	n := u.number()
	if n > uint64(len(u.b)/2) {
		u.fail()
		return 0
	}
	return int(n)
}

func (u *unpacker) text() string {
	n := u.number()
	if n > uint64(len(u.b)) {
		u.fail()
		return ""
	}
	from := len(u.all) - len(u.b)
	u.b = u.b[n:]
	return u.all[from : from+int(n)]
}

func (u *unpacker) ref() item.Ref {
	i := u.number()
	if i > uint64(len(u.kinds)) || u.bad {
		u.fail()
		return item.Ref{}
	}
	if i == uint64(len(u.kinds)) {
		u.kinds = append(u.kinds, item.Kind(u.text()))
	}
	return item.Ref{Kind: u.kinds[i], ID: u.text()}
}

func (u *unpacker) word() uint64 {
	if len(u.b) < 8 {
		u.fail()
		return 0
	}
	w := binary.LittleEndian.Uint64(u.b)
	u.b = u.b[8:]
	return w
}

func (u *unpacker) octet() byte {
	if len(u.b) < 1 {
		u.fail()
		return 0
	}
	o := u.b[0]
	u.b = u.b[1:]
	return o
}

func (u *unpacker) end() error {
	if u.bad || len(u.b) > 0 {
		return errPacked
	}
	return nil
}
