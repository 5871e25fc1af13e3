package migrate

import (
	"hash/maphash"

	"github.com/rialto-migrate/rialto/item"
)

// A refSet is a set of items in bounded memory: hashes of them while they are few,
// and from half a million on a Bloom filter of 32 MiB. That never denies an item that
// is in it, and of ten million others claims to hold some two hundred: what was
// deleted at the source and is among those stays until the next pass, which hashes
// otherwise. Not safe for concurrent use.
type refSet struct{ *refs }

type refs struct {
	seed  maphash.Seed
	exact map[uint64]struct{}
	bloom []uint64 // nil while the set is exact
	n     int
}

const (
	mostExact  = 1 << 19
	bloomBits  = 1 << 28
	bloomTimes = 8 // bits that are set for an item
)

func newRefSet() refSet { return refSet{&refs{seed: maphash.MakeSeed(), exact: map[uint64]struct{}{}}} }

// add reports whether the item was not in it.
func (s *refs) add(r item.Ref) bool {
	h := maphash.Comparable(s.seed, r)
	if s.holds(h) {
		return false
	}
	s.n++
	if s.bloom != nil {
		s.mark(h)
		return true
	}
	s.exact[h] = struct{}{}
	if len(s.exact) < mostExact {
		return true
	}
	s.bloom = make([]uint64, bloomBits/64)
	for h := range s.exact {
		s.mark(h)
	}
	s.exact = nil
	return true
}

func (s *refs) has(r item.Ref) bool { return s.holds(maphash.Comparable(s.seed, r)) }

func (s *refs) holds(h uint64) bool {
	if s.bloom == nil {
		_, ok := s.exact[h]
		return ok
	}
	for i := range uint64(bloomTimes) {
		if at := bit(h, i); s.bloom[at/64]&(1<<(at%64)) == 0 {
			return false
		}
	}
	return true
}

// len is how many items were added.
func (s *refs) len() int { return s.n }

func (s *refs) mark(h uint64) {
	for i := range uint64(bloomTimes) {
		at := bit(h, i)
		s.bloom[at/64] |= 1 << (at % 64)
	}
}

// bit is the i-th bit that a hash sets: by two hashes out of its halves (Kirsch and
// Mitzenmacher, Less Hashing, Same Performance).
func bit(h, i uint64) uint64 { return (h>>32 + i*(h&(1<<32-1)|1)) % bloomBits }
