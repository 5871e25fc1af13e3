package audit

import (
	"bytes"
	"crypto/ed25519"
	"encoding/base64"
	"fmt"
	"strconv"
	"strings"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

// A Checkpoint is the state of a log at one moment, signed: how many entries it
// had, and what they came to.
type Checkpoint struct {
	Organisation string
	Size         int64
	Root         tlog.Hash
	Signed       []byte // the whole of it as a signed note; nil for an empty log
}

const origin = "rialto audit log of "

func empty(organisation string) (Checkpoint, error) {
	root, err := tlog.TreeHash(0, nil)
	return Checkpoint{Organisation: organisation, Root: root}, err
}

func (c Checkpoint) text() string {
	return fmt.Sprintf("%s%s\n%d\n%s\n", origin, c.Organisation, c.Size, c.Root)
}

func (c Checkpoint) sign(by note.Signer) ([]byte, error) {
	return note.Sign(&note.Note{Text: c.text()}, by)
}

// openCheckpoint reads a signed checkpoint. There is one way to write it: what
// has other bytes is refused.
func openCheckpoint(signed []byte, by note.Verifier) (Checkpoint, error) {
	n, err := note.Open(signed, note.VerifierList(by))
	if err != nil || len(n.Sigs) != 1 || len(n.UnverifiedSigs) != 0 {
		return Checkpoint{}, tampered("a checkpoint is not signed by the key %s", by.Name())
	}
	lines := strings.Split(n.Text, "\n")
	if len(lines) != 4 || !strings.HasPrefix(lines[0], origin) {
		return Checkpoint{}, tampered("what is signed is no checkpoint")
	}
	c := Checkpoint{Organisation: strings.TrimPrefix(lines[0], origin), Signed: bytes.Clone(signed)}
	if c.Size, err = strconv.ParseInt(lines[1], 10, 64); err == nil {
		c.Root, err = tlog.ParseHash(lines[2])
	}
	if err != nil || c.Size < 1 || c.text() != n.Text || !bytes.Equal(signed, canonical(n)) {
		return Checkpoint{}, tampered("a checkpoint is not written as checkpoints are")
	}
	return c, nil
}

// canonical is how a note of one signature is written: base64 leaves some bits to
// the writer.
func canonical(n *note.Note) []byte {
	raw, err := base64.StdEncoding.DecodeString(n.Sigs[0].Base64)
	if err != nil {
		return nil
	}
	return fmt.Appendf(nil, "%s\n— %s %s\n", n.Text, n.Sigs[0].Name, base64.StdEncoding.EncodeToString(raw))
}

// leadsTo reports an error if a log that stood at c cannot have come to what it is
// now by appending alone.
func (c Checkpoint) leadsTo(now Checkpoint, rows tlog.HashReader) error {
	if c.Size == 0 {
		return nil
	}
	if now.Size < c.Size {
		return tampered("the log of %s had %d entries and has %d", c.Organisation, c.Size, now.Size)
	}
	root, err := tlog.TreeHash(c.Size, rows)
	if err != nil {
		return err
	}
	if root != c.Root {
		return tampered("the log of %s no longer begins as it did", c.Organisation)
	}
	return nil
}

// readKey reads a key as Log.Key writes it, and no other way.
func readKey(text string) (note.Verifier, error) {
	parts := strings.SplitN(text, "+", 3) // base64 has a + of its own
	raw, err := base64.StdEncoding.DecodeString(parts[len(parts)-1])
	if err != nil || len(raw) != 1+ed25519.PublicKeySize {
		return nil, broken("the key cannot be read")
	}
	again, err := note.NewEd25519VerifierKey(keyName, raw[1:])
	if err != nil || again != text {
		return nil, broken("the key cannot be read")
	}
	return note.NewVerifier(text)
}
