package onedrive

import (
	"crypto/subtle"
	"encoding/binary"
)

const (
	xorBytes = 20 // of the hash
	xorBits  = 8 * xorBytes
	xorShift = 11 // bits by which each byte goes further than the one before it
)

// A quickXor is OneDrive's own checksum: each byte is laid over a ring of 160 bits, 11
// bits further on than the one before, and the length over the ring's end
// (https://learn.microsoft.com/en-us/onedrive/developer/code-snippets/quickxorhash).
// What a stretch of a file lays over the ring depends on where it begins alone, so
// that those of its parts laid over one another are that of the whole.
//
// Bytes that are 160 apart lie in the same place of the ring: they are laid over one
// another first, and over the ring when the hash is asked for.
type quickXor struct {
	lanes [xorBits]byte
	ring  [xorBytes]byte // of other stretches
	at    int            // the lane of the next byte
	n     int64
}

// quickXorAt begins a stretch at an offset of a file.
func quickXorAt(offset int64) *quickXor { return &quickXor{at: int(offset % xorBits)} }

func (q *quickXor) Write(p []byte) (int, error) {
	n := len(p)
	for len(p) > 0 {
		lanes := q.lanes[q.at:]
		k := subtle.XORBytes(lanes, lanes, p)
		p, q.at = p[k:], (q.at+k)%xorBits
	}
	q.n += int64(n)
	return n, nil
}

// laid is what the bytes lay over the ring.
func (q *quickXor) laid() [xorBytes]byte {
	ring := q.ring
	for lane, b := range q.lanes {
		at := lane * xorShift % xorBits
		i, shift := at/8, at%8
		ring[i] ^= b << shift
		ring[(i+1)%xorBytes] ^= byte(uint16(b) << shift >> 8)
	}
	return ring
}

// add lays another stretch of the same file over this one.
func (q *quickXor) add(ring [xorBytes]byte, n int64) {
	subtle.XORBytes(q.ring[:], q.ring[:], ring[:])
	q.n += n
}

// sum is the hash of a whole file.
func (q *quickXor) sum() [xorBytes]byte {
	out := q.laid()
	var n [8]byte
	binary.LittleEndian.PutUint64(n[:], uint64(q.n)) //nolint:gosec // a length is not negative
	for i, b := range n {
		out[xorBytes-len(n)+i] ^= b
	}
	return out
}
