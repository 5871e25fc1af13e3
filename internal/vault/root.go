package vault

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/tink-crypto/tink-go/v2/aead/subtle"
	"github.com/tink-crypto/tink-go/v2/tink"
)

// RootVariable is the environment variable that may hold the root key: 32
// bytes in base64 or hex. While the key is being replaced it holds two, the new
// one first, with a comma between them.
const RootVariable = "RIALTO_ROOT_KEY"

const (
	keyBytes = 32
	idBytes  = 8
)

// A Root is the root key, or several while it is being replaced: the first one
// seals, all of them open. It is a Tink AEAD and safe for concurrent use.
type Root struct{ keys []rootKey }

type rootKey struct {
	id   [idBytes]byte // leads what it sealed, so that the right key is tried
	raw  []byte
	aead tink.AEAD
}

// NewRoot makes a root of keys of 32 bytes each, the sealing one first.
func NewRoot(keys ...[]byte) (*Root, error) {
	if len(keys) == 0 {
		return nil, failed("there is no root key", "", nil)
	}
	r := &Root{}
	for _, raw := range keys {
		if len(raw) != keyBytes {
			return nil, failed(fmt.Sprintf("a root key has %d bytes; it must have %d", len(raw), keyBytes), "make one with: openssl rand -hex 32", nil)
		}
		a, err := subtle.NewAESGCM(raw)
		if err != nil {
			return nil, failed("the root key cannot be used", "", err)
		}
		sum := sha256.Sum256(append([]byte("rialto root key id\x00"), raw...))
		r.keys = append(r.keys, rootKey{id: [idBytes]byte(sum[:idBytes]), raw: raw, aead: a})
	}
	return r, nil
}

// Encrypt seals under the first key; the id of that key comes first.
func (r *Root) Encrypt(plain, associated []byte) ([]byte, error) {
	k := r.keys[0]
	sealed, err := k.aead.Encrypt(plain, append(k.id[:], associated...))
	if err != nil {
		return nil, err
	}
	return append(k.id[:], sealed...), nil
}

// Decrypt opens what any of the keys sealed.
func (r *Root) Decrypt(sealed, associated []byte) ([]byte, error) {
	if len(sealed) < idBytes {
		return nil, wrongRoot("what was sealed under the root key is cut short")
	}
	for _, k := range r.keys {
		if k.id != [idBytes]byte(sealed[:idBytes]) {
			continue
		}
		plain, err := k.aead.Decrypt(sealed[idBytes:], append(k.id[:], associated...))
		if err != nil {
			return nil, failed("what was sealed under the root key was changed or belongs elsewhere",
				"restore the state directory from a backup", nil)
		}
		return plain, nil
	}
	return nil, wrongRoot("what was sealed, was sealed under another root key")
}

// With returns a root that seals under a new key and still opens what the
// keys of r sealed: the first step of replacing the root key.
func (r *Root) With(key []byte) (*Root, error) {
	keys := [][]byte{key}
	for _, k := range r.keys {
		keys = append(keys, k.raw)
	}
	return NewRoot(keys...)
}

// Newest returns a root of the sealing key alone: the last step of replacing
// the root key, after everything was rewrapped.
func (r *Root) Newest() *Root { return &Root{keys: r.keys[:1]} }

func (r *Root) String() string   { return hidden }
func (r *Root) GoString() string { return hidden }

// LoadRoot finds the root key: in the environment variable RootVariable if
// that is set, else in the file. If the file is missing it is made, with a
// random key and mode 0600, when create is true. A file that others than its
// owner may read is refused.
func LoadRoot(path string, create bool, getenv func(string) string) (*Root, error) {
	if text := getenv(RootVariable); text != "" {
		return parseRoot(text, "the environment variable "+RootVariable)
	}
	text, err := readRoot(path)
	if errors.Is(err, fs.ErrNotExist) {
		if !create {
			return nil, failed("the root key file "+path+" is missing",
				"restore it from a backup, or set "+RootVariable+"; without it the sealed secrets and ledgers cannot be opened", err)
		}
		if err := makeRoot(path); err != nil && !errors.Is(err, fs.ErrExist) {
			return nil, failed("the root key file "+path+" cannot be made: "+plain(err),
				"choose a folder that you may write to, or set "+RootVariable, err)
		}
		text, err = readRoot(path)
	}
	if err != nil {
		return nil, err
	}
	return parseRoot(text, "the root key file "+path)
}

// SaveRoot replaces the root key file, all at once.
func SaveRoot(path string, r *Root) error {
	err := writeRoot(path, r, os.Rename)
	if err != nil {
		return failed("the root key file "+path+" cannot be written: "+plain(err), "", err)
	}
	return nil
}

// makeRoot puts a random key into a new file. If another process is quicker,
// the error is fs.ErrExist and that process's key stands.
func makeRoot(path string) error {
	raw, err := RandomKey()
	if err != nil {
		return err
	}
	r, err := NewRoot(raw)
	if err != nil {
		return err
	}
	return writeRoot(path, r, os.Link)
}

// RandomKey returns a new root key.
func RandomKey() ([]byte, error) {
	raw := make([]byte, keyBytes)
	_, err := rand.Read(raw)
	return raw, err
}

// writeRoot writes the keys to a file beside path and has place (os.Rename or
// os.Link, which does not overwrite) put it there.
func writeRoot(path string, r *Root, place func(from, to string) error) (err error) {
	dir := filepath.Dir(path)
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	f, err := os.CreateTemp(dir, ".root-key-*") // mode 0600
	if err != nil {
		return err
	}
	defer os.Remove(f.Name()) // gone already after a rename
	for _, k := range r.keys {
		if err == nil {
			_, err = fmt.Fprintln(f, base64.StdEncoding.EncodeToString(k.raw))
		}
	}
	if err == nil {
		err = f.Sync()
	}
	if err = errors.Join(err, f.Close()); err != nil {
		return err
	}
	if err := place(f.Name(), path); err != nil {
		return err
	}
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	defer d.Close()
	return d.Sync()
}

func readRoot(path string) (string, error) {
	f, err := os.Open(path)
	if errors.Is(err, fs.ErrNotExist) {
		return "", err
	}
	if err != nil {
		return "", failed("the root key file "+path+" cannot be read: "+plain(err), "give its owner the right to read it", err)
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return "", failed("the root key file "+path+" cannot be read: "+plain(err), "", err)
	}
	if mode := info.Mode().Perm(); mode&0o077 != 0 {
		return "", failed(fmt.Sprintf("the root key file %s has mode %04o: others than its owner may use it", path, mode),
			"run: chmod 600 "+path, nil)
	}
	if info.Size() > 4096 {
		return "", failed("the root key file "+path+" is too large to be one", "name the right file", nil)
	}
	text := make([]byte, info.Size())
	n, err := f.Read(text)
	if err != nil && n < len(text) {
		return "", failed("the root key file "+path+" is empty or cannot be read", "restore it from a backup", err)
	}
	return string(text[:n]), nil
}

func parseRoot(text, where string) (*Root, error) {
	var keys [][]byte
	for part := range strings.FieldsFuncSeq(text, func(r rune) bool { return strings.ContainsRune(", \t\r\n", r) }) {
		raw := decodeKey(part)
		if raw == nil {
			return nil, failed(where+" holds no key: a key is 32 bytes in base64 or hex", "make one with: openssl rand -hex 32", nil)
		}
		keys = append(keys, raw)
	}
	if len(keys) == 0 {
		return nil, failed(where+" is empty", "make a key with: openssl rand -hex 32", nil)
	}
	return NewRoot(keys...)
}

func decodeKey(text string) []byte {
	if raw, err := hex.DecodeString(text); err == nil && len(raw) == keyBytes {
		return raw
	}
	for _, e := range []*base64.Encoding{base64.StdEncoding, base64.RawStdEncoding, base64.URLEncoding, base64.RawURLEncoding} {
		if raw, err := e.DecodeString(text); err == nil && len(raw) == keyBytes {
			return raw
		}
	}
	return nil
}

// plain is an operating system's error without the path that it repeats.
func plain(err error) string {
	if e, ok := errors.AsType[*fs.PathError](err); ok {
		return e.Err.Error()
	}
	if e, ok := errors.AsType[*os.LinkError](err); ok {
		return e.Err.Error()
	}
	return err.Error()
}
