package onedrive

import "encoding/binary"

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
type quickXor struct {
	ring [xorBytes]byte
	at   int // bits
	n    int64
}

// quickXorAt begins a stretch at an offset of a file.
func quickXorAt(offset int64) *quickXor {
	return &quickXor{at: int(offset % xorBits * xorShift % xorBits)}
}

func (q *quickXor) Write(p []byte) (int, error) {
	at := q.at
	for _, b := range p {
		i, shift := at>>3, at&7
		q.ring[i] ^= b << shift
		if i++; i == xorBytes {
			i = 0
		}
		q.ring[i] ^= byte(uint16(b) << shift >> 8)
		if at += xorShift; at >= xorBits {
			at -= xorBits
		}
	}
	q.at = at
	q.n += int64(len(p))
	return len(p), nil
}

// add lays another stretch of the same file over this one.
func (q *quickXor) add(ring [xorBytes]byte, n int64) {
	for i := range ring {
		q.ring[i] ^= ring[i]
	}
	q.n += n
}

// sum is the hash of a whole file.
func (q *quickXor) sum() [xorBytes]byte {
	out := q.ring
	var n [8]byte
	binary.LittleEndian.PutUint64(n[:], uint64(q.n)) //nolint:gosec // a length is not negative
	for i, b := range n {
		out[xorBytes-len(n)+i] ^= b
	}
	return out
}
