// Package password keeps passwords as hashes from which they cannot be told, and
// refuses those that are soon guessed.
//
// A hash is written in the PHC string format
// (https://github.com/P-H-C/phc-string-format), so that its parameters are read from it and may be
// raised later: Check tells when a hash should be made anew.
package password

import (
	"context"
	"crypto/fips140"
	"crypto/pbkdf2"
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"errors"
	"fmt"
	"strings"
	"unicode/utf8"

	"golang.org/x/crypto/argon2"
	"golang.org/x/text/unicode/norm"

	"github.com/rialto-migrate/rialto/internal/vault"
)

const (
	// MinLength and MaxLength bound a password, in characters. (OWASP ASVS 5.0,
	// 6.2.1 and 6.2.9; the bytes of the longest still hash quickly.)
	MinLength = 12
	MaxLength = 256

	saltBytes = 16
	hashBytes = 32

	// The parameters of new hashes: OWASP's password storage cheat sheet, argon2id
	// with 19 MiB and two passes, PBKDF2 with 600,000 rounds of HMAC-SHA-256.
	argonMemoryKiB = 19 << 10
	argonPasses    = 2
	pbkdf2Rounds   = 600_000
)

// A Hasher makes and checks hashes, few at a time: each needs memory and a
// processor, and a flood of sign-ins must not take all of them. It is safe for
// concurrent use.
type Hasher struct {
	turns chan struct{}
	fips  bool
	empty string
}

// NewHasher makes a hasher that works on so many passwords at a time. Where Go's
// FIPS 140-3 mode is on (GODEBUG=fips140=on), hashes are PBKDF2's, else argon2id's.
func NewHasher(atATime int) (*Hasher, error) {
	h := &Hasher{turns: make(chan struct{}, atATime), fips: fips140.Enabled()}
	var err error
	h.empty, err = h.Hash(context.Background(), rand.Text())
	return h, err
}

// Hash returns the hash of a password.
func (h *Hasher) Hash(ctx context.Context, password string) (string, error) {
	if err := h.enter(ctx); err != nil {
		return "", err
	}
	defer h.leave()
	salt := make([]byte, saltBytes)
	if _, err := rand.Read(salt); err != nil {
		return "", err
	}
	s := scheme{pbkdf2: h.fips, memoryKiB: argonMemoryKiB, passes: argonPasses, threads: 1, rounds: pbkdf2Rounds, salt: salt}
	sum, err := s.sum(password)
	if err != nil {
		return "", err
	}
	s.hash = sum
	return s.String(), nil
}

// Check tells whether a password is that of a hash, and whether the hash should be
// made anew, because its parameters are not today's. An empty hash takes as long
// as another one and fits no password.
func (h *Hasher) Check(ctx context.Context, hash, password string) (ok, again bool, err error) {
	none := hash == ""
	if none {
		hash = h.empty
	}
	s, err := parse(hash)
	if err != nil {
		return false, false, err
	}
	if err := h.enter(ctx); err != nil {
		return false, false, err
	}
	defer h.leave()
	sum, err := s.sum(password)
	if err != nil {
		return false, false, err
	}
	ok = subtle.ConstantTimeCompare(sum, s.hash) == 1 && !none
	today := s.pbkdf2 == h.fips && (s.pbkdf2 && s.rounds == pbkdf2Rounds || !s.pbkdf2 && s.memoryKiB == argonMemoryKiB && s.passes == argonPasses)
	return ok, ok && !today, nil
}

func (h *Hasher) enter(ctx context.Context) error {
	select {
	case h.turns <- struct{}{}:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (h *Hasher) leave() { <-h.turns }

// A scheme is what a PHC string tells.
type scheme struct {
	pbkdf2            bool
	memoryKiB, passes uint32
	threads           uint8
	rounds            int
	salt, hash        []byte
}

// sum normalises before it hashes, so that the same letters typed on another
// keyboard are the same password (NIST SP 800-63B, 3.1.1.2).
func (s scheme) sum(password string) ([]byte, error) {
	b := norm.NFKC.Bytes([]byte(password))
	if s.pbkdf2 {
		return pbkdf2.Key(sha256.New, string(b), s.salt, s.rounds, hashBytes)
	}
	return argon2.IDKey(b, s.salt, s.passes, s.memoryKiB, s.threads, hashBytes), nil
}

func (s scheme) String() string {
	b64 := base64.RawStdEncoding.EncodeToString
	if s.pbkdf2 {
		return fmt.Sprintf("$pbkdf2-sha256$i=%d$%s$%s", s.rounds, b64(s.salt), b64(s.hash))
	}
	return fmt.Sprintf("$argon2id$v=%d$m=%d,t=%d,p=%d$%s$%s", argon2.Version, s.memoryKiB, s.passes, s.threads, b64(s.salt), b64(s.hash))
}

var errHash = errors.New("password: the hash cannot be read")

// The most that a hash may ask for: one that was forged must not take the machine.
const (
	mostMemoryKiB = 1 << 20
	mostPasses    = 64
	mostRounds    = 10_000_000
)

func parse(hash string) (s scheme, err error) {
	parts := strings.Split(hash, "$")
	var version int
	switch {
	case len(parts) == 6 && parts[0] == "" && parts[1] == "argon2id":
		if _, err := fmt.Sscanf(parts[2], "v=%d", &version); err != nil || version != argon2.Version {
			return s, errHash
		}
		if _, err := fmt.Sscanf(parts[3], "m=%d,t=%d,p=%d", &s.memoryKiB, &s.passes, &s.threads); err != nil {
			return s, errHash
		}
		if s.memoryKiB < 8 || s.memoryKiB > mostMemoryKiB || s.passes < 1 || s.passes > mostPasses || s.threads < 1 {
			return s, errHash
		}
	case len(parts) == 5 && parts[0] == "" && parts[1] == "pbkdf2-sha256":
		s.pbkdf2 = true
		if _, err := fmt.Sscanf(parts[2], "i=%d", &s.rounds); err != nil || s.rounds < 1 || s.rounds > mostRounds {
			return s, errHash
		}
	default:
		return s, errHash
	}
	rest := parts[len(parts)-2:]
	if s.salt, err = base64.RawStdEncoding.DecodeString(rest[0]); err != nil || len(s.salt) < 8 {
		return s, errHash
	}
	if s.hash, err = base64.RawStdEncoding.DecodeString(rest[1]); err != nil || len(s.hash) != hashBytes {
		return s, errHash
	}
	return s, nil
}

// Refuse says why a password will not do; nil if it will. known are what a
// guesser would try first: the person's name and address, the organisation's name.
func Refuse(password vault.Secret, known ...string) error {
	text := password.Reveal()
	n := utf8.RuneCountInString(text)
	switch {
	case !utf8.ValidString(text):
		return errors.New("the password holds bytes that are no characters")
	case n < MinLength:
		return fmt.Errorf("the password has %d characters; it needs %d", n, MinLength)
	case n > MaxLength:
		return fmt.Errorf("the password has %d characters; at most %d are read", n, MaxLength)
	}
	if guessed(text, words(known)) {
		return errors.New("the password is among those that are guessed first; four words that do not belong together make a good one")
	}
	return nil
}

// words are the parts of what is known, whole and one by one.
func words(known []string) (out []string) {
	for _, k := range known {
		if k = strings.ToLower(k); k != "" {
			out = append(out, k)
			out = append(out, strings.FieldsFunc(k, func(r rune) bool { return strings.ContainsRune(" @.-_+", r) })...)
		}
	}
	return out
}
