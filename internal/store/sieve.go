package store

import (
	"hash/maphash"
	"math/bits"
)

// A sieve tells quickly which shards do not hold a key. SQLite's rows are
// sorted by shard first, and an index by key alone would take a quarter more
// disk; so a key that may be anywhere is looked for only in the shards that the
// sieve lets through: its own, and of a thousand others about six.
//
// It is a Bloom filter over pairs of shard and key, with all bits of a pair in
// one line of the processor's cache. The engine's lock guards it.
type sieve struct {
	seed  maphash.Seed
	lines [][8]uint64
	room  int64 // how many pairs it takes before it lets too much through
	held  int64
}

const (
	sieveBits  = 12 // a pair: 17 MB for ten million
	sieveTests = 6
	// fewShards are looked through without a sieve.
	fewShards = 8
)

// newSieve makes a sieve with room for so many pairs.
func newSieve(pairs int64) *sieve {
	return &sieve{seed: maphash.MakeSeed(), lines: make([][8]uint64, pairs*sieveBits/512+1), room: pairs}
}

func (s *sieve) hash(key []byte) uint64 { return maphash.Bytes(s.seed, key) }

// place spreads a pair: its line, and bits to choose six of 512 by.
func (s *sieve) place(hash uint64, shard int64) (*[8]uint64, uint64) {
	hi, lo := bits.Mul64(hash^uint64(shard)*0x9e3779b97f4a7c15, 0xd6e8feb86659fd93)
	h := hi ^ lo
	line, _ := bits.Mul64(h, uint64(len(s.lines)))
	return &s.lines[line], h * 0xff51afd7ed558ccd
}

func (s *sieve) add(shard int64, key []byte) {
	line, h := s.place(s.hash(key), shard)
	for range sieveTests {
		line[h>>6&7] |= 1 << (h & 63)
		h >>= 9
	}
	s.held++
}

func (s *sieve) full() bool { return s.held > s.room }

func (s *sieve) lets(shard int64, hash uint64) bool {
	line, h := s.place(hash, shard)
	for range sieveTests {
		if line[h>>6&7]&(1<<(h&63)) == 0 {
			return false
		}
		h >>= 9
	}
	return true
}

// sieveOf returns the ledger's sieve, made if there is none or it is full.
// Making it reads all keys: some seconds for ten million.
func (l *Ledger) sieveOf(s session) (*sieve, error) {
	if l.sieve != nil && !l.sieve.full() {
		return l.sieve, nil
	}
	n, err := one(s, countAll)
	if err != nil {
		return nil, err
	}
	fresh := newSieve(n + n/8 + 1<<16)
	err = s.query(allKeys, func(r row) error {
		fresh.add(r.int(0), r.blob(1))
		return nil
	})
	if err != nil {
		return nil, err
	}
	l.sieve = fresh
	return fresh, nil
}

// findSifted finds keys in whichever shard they are.
func (l *Ledger) findSifted(s session, keys [][]byte, each func(row) error) error {
	shards, err := one(s, countShards)
	if err != nil {
		return err
	}
	if shards <= fewShards {
		return s.query(findRows, each, keys)
	}
	sv, err := l.sieveOf(s)
	if err != nil {
		return err
	}
	var nums []int64
	var candidates [][]byte
	for _, k := range keys {
		hash := sv.hash(k)
		for num := int64(1); num <= shards; num++ {
			if sv.lets(num, hash) {
				nums, candidates = append(nums, num), append(candidates, k)
			}
		}
	}
	if len(nums) == 0 {
		return nil
	}
	return s.query(findInShard, each, nums, candidates)
}
