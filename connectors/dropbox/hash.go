package dropbox

import (
	"crypto/sha256"
	"encoding"
	"encoding/hex"
	"hash"
)

// sumName is what Dropbox's content_hash is called among sums.
const sumName = "dropbox"

// block is of how many bytes each but the last block of a file is.
const block = 4 << 20

// A contentHash computes Dropbox's content_hash: SHA-256 of the SHA-256 of each block
// of 4 MiB (https://www.dropbox.com/developers/reference/content-hash). An empty file
// has no block.
type contentHash struct {
	blocks hash.Hash // over the sums of the blocks that are whole
	now    hash.Hash // over the block that is not
	filled int       // bytes of that
}

func newContentHash() *contentHash { return &contentHash{blocks: sha256.New(), now: sha256.New()} }

// Write implements io.Writer; it never fails.
func (h *contentHash) Write(p []byte) (int, error) {
	n := len(p)
	for len(p) > 0 {
		part := p[:min(len(p), block-h.filled)]
		h.now.Write(part)
		h.filled += len(part)
		p = p[len(part):]
		if h.filled == block {
			h.end()
		}
	}
	return n, nil
}

// end ends the block that is being filled.
func (h *contentHash) end() {
	if h.filled == 0 {
		return
	}
	h.blocks.Write(h.now.Sum(nil))
	h.now.Reset()
	h.filled = 0
}

// Hex ends the hash, and returns it as Dropbox writes it.
func (h *contentHash) Hex() string {
	h.end()
	return hex.EncodeToString(h.blocks.Sum(nil))
}

// state is how far the hash came, at the end of a block: what another process goes on
// with. It holds no bytes of the file.
func (h *contentHash) state() (string, error) {
	h.end()
	raw, err := h.blocks.(encoding.BinaryMarshaler).MarshalBinary()
	return hex.EncodeToString(raw), err
}

// restore goes on from a state; ok is false for what is none.
func restore(state string) (h *contentHash, ok bool) {
	h = newContentHash()
	if state == "" {
		return h, true
	}
	raw, err := hex.DecodeString(state)
	if err != nil || h.blocks.(encoding.BinaryUnmarshaler).UnmarshalBinary(raw) != nil {
		return nil, false
	}
	return h, true
}

// hashOf is the content_hash of bytes that are held whole.
func hashOf(data []byte) string {
	h := newContentHash()
	_, _ = h.Write(data)
	return h.Hex()
}
