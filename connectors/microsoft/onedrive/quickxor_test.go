package onedrive

import (
	"encoding/base64"
	"math/big"
	"math/rand/v2"
	"testing"
)

// byTheBook is the hash as Microsoft's page explains it: bytes rotated in a block of
// 160 bits, whose lowest bits come first, and the length over the last eight bytes
// (https://learn.microsoft.com/en-us/onedrive/developer/code-snippets/quickxorhash).
func byTheBook(data []byte) string {
	ring, mask := new(big.Int), new(big.Int).Sub(new(big.Int).Lsh(big.NewInt(1), xorBits), big.NewInt(1))
	for i, b := range data {
		by := uint(i * xorShift % xorBits)
		turned := new(big.Int).Lsh(big.NewInt(int64(b)), by)
		over := new(big.Int).Rsh(turned, xorBits)
		ring.Xor(ring, turned.And(turned, mask)).Xor(ring, over)
	}
	var out [xorBytes]byte
	ring.FillBytes(out[:])
	for i := range xorBytes / 2 {
		out[i], out[xorBytes-1-i] = out[xorBytes-1-i], out[i]
	}
	for i := range 8 {
		out[xorBytes-8+i] ^= byte(len(data) >> (8 * i))
	}
	return base64.StdEncoding.EncodeToString(out[:])
}

func hashOf(data []byte) string {
	q := quickXorAt(0)
	_, _ = q.Write(data) // it takes all
	sum := q.sum()
	return base64.StdEncoding.EncodeToString(sum[:])
}

func TestQuickXor(t *testing.T) {
	// The second is the example of the library libqxh.
	for text, want := range map[string]string{"": "AAAAAAAAAAAAAAAAAAAAAAAAAAA=", "hello world": "aCgDG9jwBhDc4Q1yawMZAAAAAAA="} {
		if got := hashOf([]byte(text)); got != want || byTheBook([]byte(text)) != want {
			t.Errorf("%q hashes to %s, by the book %s, want %s", text, got, byTheBook([]byte(text)), want)
		}
	}
	dice := rand.New(rand.NewPCG(1, 2))
	for _, n := range []int{1, 2, 14, 15, 16, 19, 20, 21, 159, 160, 161, 1000, 65_537} {
		data := make([]byte, n)
		for i := range data {
			data[i] = byte(dice.Uint32())
		}
		want := byTheBook(data)
		if got := hashOf(data); got != want {
			t.Errorf("%d bytes hash to %s, want %s", n, got, want)
		}
		// The parts of a file, in any order, make the hash of the whole.
		cut, cut2 := dice.IntN(n+1), dice.IntN(n+1)
		cut, cut2 = min(cut, cut2), max(cut, cut2)
		whole := quickXorAt(0)
		for _, span := range [][2]int{{cut2, n}, {0, cut}, {cut, cut2}} {
			part := quickXorAt(int64(span[0]))
			for _, b := range data[span[0]:span[1]] {
				_, _ = part.Write([]byte{b})
			}
			whole.add(part.laid(), part.n)
		}
		sum := whole.sum()
		if got := base64.StdEncoding.EncodeToString(sum[:]); got != want {
			t.Errorf("%d bytes cut at %d and %d hash to %s, want %s", n, cut, cut2, got, want)
		}
	}
}

func BenchmarkQuickXor(b *testing.B) {
	data := make([]byte, 1<<20)
	b.SetBytes(1 << 20)
	for b.Loop() {
		_, _ = quickXorAt(0).Write(data)
	}
}
