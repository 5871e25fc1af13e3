// Package vault seals secrets: a key for each organisation under one root key.
//
// It is an envelope: the root key (Root) seals the organisations' keys (Key),
// and these seal the values. Both layers are AES-256-GCM by way of Tink. What
// is sealed is bound to its Slot, so that a sealed value that was moved to
// another row, or sealed by another organisation, does not open. The package
// keeps nothing: internal/store holds the sealed bytes.
package vault

import (
	"bytes"
	"encoding/binary"
	"time"

	"github.com/tink-crypto/tink-go/v2/aead"
	"github.com/tink-crypto/tink-go/v2/keyset"
	"github.com/tink-crypto/tink-go/v2/tink"

	"github.com/rialto-migrate/rialto/connector"
)

// DefaultOrganisation owns what the command line keeps.
const DefaultOrganisation = "default"

// A Connection is one customer's way into one cloud account.
type Connection struct {
	Name      string
	Connector string            // the connector's name: "trello"
	Identity  string            // who it acts as: the cloud's id of the account, never a name
	Settings  map[string]string // what is not secret: addresses, modes
	// Secrets are tokens, passwords and the names of users.
	Secrets map[string]Secret
	Created time.Time
}

// A Slot is where a sealed value belongs. The value opens there and nowhere
// else.
type Slot struct {
	Organisation string
	Owner        string // what holds it: "connection:acme-trello", "migration:12"
	Field        string // which of its values: "token"
}

// bytes is unambiguous: every part comes after its length.
func (s Slot) bytes() []byte {
	out := []byte("rialto value 1")
	for _, part := range []string{s.Organisation, s.Owner, s.Field} {
		out = binary.BigEndian.AppendUint32(out, uint32(len(part)))
		out = append(out, part...)
	}
	return out
}

// A Key seals the values of one organisation. It is safe for concurrent use.
type Key struct {
	organisation string
	handle       *keyset.Handle
	aead         tink.AEAD
}

// NewKey makes a random key for an organisation.
func NewKey(organisation string) (*Key, error) {
	handle, err := keyset.NewHandle(aead.AES256GCMKeyTemplate())
	if err != nil {
		return nil, failed("no key could be made", "", err)
	}
	return fromHandle(organisation, handle)
}

func fromHandle(organisation string, handle *keyset.Handle) (*Key, error) {
	a, err := aead.New(handle)
	if err != nil {
		return nil, failed("the organisation's key cannot be used", "", err)
	}
	return &Key{organisation: organisation, handle: handle, aead: a}, nil
}

// Seal seals a value for its slot. Sealing the same value twice gives
// different bytes.
func (k *Key) Seal(slot Slot, value []byte) ([]byte, error) {
	if slot.Organisation != k.organisation {
		return nil, foreign()
	}
	sealed, err := k.aead.Encrypt(value, slot.bytes())
	if err != nil {
		return nil, failed("a value could not be sealed", "", err)
	}
	return sealed, nil
}

// Open returns what was sealed for the slot. It fails if the bytes were
// changed, were sealed for another slot, or under another key.
func (k *Key) Open(slot Slot, sealed []byte) ([]byte, error) {
	if slot.Organisation != k.organisation {
		return nil, foreign()
	}
	value, err := k.aead.Decrypt(sealed, slot.bytes())
	if err != nil {
		return nil, failed("a sealed value of "+slot.Owner+" does not open: it was changed, moved from another row, or sealed under another key",
			"restore the state directory and the root key from the same backup, or connect again", nil)
	}
	return value, nil
}

// Sealed returns the key itself sealed under the root key, to be kept.
func (k *Key) Sealed(r *Root) ([]byte, error) {
	var out bytes.Buffer
	if err := k.handle.WriteWithAssociatedData(keyset.NewBinaryWriter(&out), r, keyContext(k.organisation)); err != nil {
		return nil, failed("the organisation's key could not be sealed", "", err)
	}
	return out.Bytes(), nil
}

// OpenKey opens an organisation's key that Sealed returned.
func OpenKey(r *Root, organisation string, sealed []byte) (*Key, error) {
	handle, err := keyset.ReadWithAssociatedData(keyset.NewBinaryReader(bytes.NewReader(sealed)), r, keyContext(organisation))
	if err != nil {
		return nil, wrongRoot("the key of the organisation does not open under this root key")
	}
	return fromHandle(organisation, handle)
}

// Rewrap seals an organisation's key anew under the root's first key. Safe to
// repeat: what is sealed under any of the root's keys can be rewrapped.
func Rewrap(r *Root, organisation string, sealed []byte) ([]byte, error) {
	k, err := OpenKey(r, organisation, sealed)
	if err != nil {
		return nil, err
	}
	return k.Sealed(r)
}

func keyContext(organisation string) []byte {
	return append([]byte("rialto organisation key 1\x00"), organisation...)
}

func foreign() error {
	return failed("the value belongs to another organisation", "", nil)
}

func wrongRoot(reason string) error {
	return failed(reason, "give the root key that the state directory was made with: its root key file, or "+RootVariable, nil)
}

// failed makes an error that holds no bytes of a key or value.
func failed(reason, hint string, cause error) error {
	e := connector.Errorf(connector.Permanent, "vault: %s", reason).WithHint(hint)
	e.Err = cause
	return e
}
