package vault

import (
	"bytes"
	"testing"
)

// FuzzOpen gives everything that opens sealed bytes bytes of no sense: it must
// refuse them without a panic.
func FuzzOpen(f *testing.F) {
	r, err := NewRoot(bytes.Repeat([]byte{1}, keyBytes))
	if err != nil {
		f.Fatal(err)
	}
	k, err := NewKey("acme")
	if err != nil {
		f.Fatal(err)
	}
	sealedKey, err := k.Sealed(r)
	if err != nil {
		f.Fatal(err)
	}
	slot := Slot{Organisation: "acme", Owner: "o", Field: "f"}
	value, err := k.Seal(slot, []byte("v"))
	if err != nil {
		f.Fatal(err)
	}
	f.Add(sealedKey)
	f.Add(value)
	f.Add([]byte(nil))
	f.Fuzz(func(t *testing.T, b []byte) {
		if opened, err := OpenKey(r, "acme", b); err == nil {
			// A whole key in another spelling: it must be good for something.
			if _, err := opened.Seal(slot, []byte("v")); err != nil {
				t.Error(err)
			}
		}
		if _, err := k.Open(slot, b); err == nil && !bytes.Equal(b, value) {
			t.Error("bytes of no sense opened as a value")
		}
		_, _ = parseRoot(string(b), "here")
	})
}
