package dropbox

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"io"
	"testing"
	"testing/iotest"
)

// The sums of the three blocks of the picture that Dropbox's page tells make the hash
// that it tells (https://www.dropbox.com/developers/reference/content-hash).
func TestPublishedHash(t *testing.T) {
	h := newContentHash()
	for _, sum := range []string{"2a846fa617c3361fc117e1c5c1e1838c336b6a5cef982c1a2d9bdf68f2f1992a", "c68469027410ea393eba6551b9fa1e26db775f00eae70a0c3c129a0011a39cf9", "7376192de020925ce6c5ef5a8a0405e931b0a9a8c75517aacd9ca24a8a56818b"} {
		raw, err := hex.DecodeString(sum)
		if err != nil {
			t.Fatal(err)
		}
		h.blocks.Write(raw)
	}
	if got, want := h.Hex(), "485291fa0ee50c016982abbfa943957bcd231aae0492ccbaa22c58e3997b35e0"; got != want {
		t.Errorf("%s, want %s", got, want)
	}
}

// However the bytes come, the hash is that of the rule, computed here in another way.
func TestHash(t *testing.T) {
	for _, n := range []int{0, 1, block - 1, block, block + 1, 2*block + 7, 3 * block} {
		data := bytes.Repeat([]byte("abcdefghijk"), n/11+1)[:n]
		var sums []byte
		for rest := data; len(rest) > 0; rest = rest[min(block, len(rest)):] {
			one := sha256.Sum256(rest[:min(block, len(rest))])
			sums = append(sums, one[:]...)
		}
		whole := sha256.Sum256(sums)
		want := hex.EncodeToString(whole[:])
		for what, r := range map[string]io.Reader{"whole": bytes.NewReader(data), "by halves": iotest.HalfReader(bytes.NewReader(data))} {
			h := newContentHash()
			if _, err := io.Copy(h, r); err != nil {
				t.Fatal(err)
			}
			if got := h.Hex(); got != want {
				t.Errorf("%d bytes %s: %s, want %s", n, what, got, want)
			}
		}
		h, cut := newContentHash(), n/block*block // as an upload in parts, in two processes
		_, _ = h.Write(data[:cut])
		state, err := h.state()
		if err != nil {
			t.Fatal(err)
		}
		h, ok := restore(state)
		if !ok {
			t.Fatal("a state cannot be read")
		}
		_, _ = h.Write(data[cut:])
		if got := h.Hex(); got != want {
			t.Errorf("%d bytes in two parts: %s, want %s", n, got, want)
		}
		if got := hashOf(data); got != want {
			t.Errorf("%d bytes at once: %s, want %s", n, got, want)
		}
	}
	if got := hashOf(nil); got != "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855" {
		t.Errorf("an empty file: %s", got) // the example of the contract's FileMetadata
	}
	for _, spoilt := range []string{"xyz", "00ff"} {
		if _, ok := restore(spoilt); ok {
			t.Errorf("%q passes for a state", spoilt)
		}
	}
}
