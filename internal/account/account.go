// Package account holds people, organisations and sign-ins: the use cases behind
// the first pages that anybody sees. It knows no HTTP and no SQL.
//
// Nothing here tells a stranger who has an account: signing up with an address
// that is taken, asking for a new password for one that is unknown, and signing
// in with either look the same and take as long.
package account

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"net/mail"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/google/uuid"

	"github.com/rialto-migrate/rialto/connector"
	"github.com/rialto-migrate/rialto/internal/password"
	"github.com/rialto-migrate/rialto/internal/store"
)

// How long things last.
const (
	IdleAfter     = 12 * time.Hour      // a session that nobody uses
	EndsAfter     = 7 * 24 * time.Hour  // any session
	FreshFor      = 15 * time.Minute    // a proof of who one is, for what needs a recent one
	ConfirmWithin = 24 * time.Hour      // the link that confirms an address
	ResetWithin   = time.Hour           // the link that sets a new password
	InviteWithin  = 14 * 24 * time.Hour // an invitation
)

// Owner is the role that an organisation is never without.
const Owner = "owner"

// A Letter is a mail: what it is about, and the link that it brings.
type Letter struct {
	To   string // an address
	Kind string // of the Kinds below
	Link string
	// Organisation and By are names that the text tells: whose invitation it is, and
	// who sent it.
	Organisation, By string
}

// Kinds of letters.
const (
	Confirm    = "confirm"     // confirm the address of a new account
	Known      = "known"       // somebody signed up with the address of an account
	Reset      = "reset"       // set a new password
	NoAccount  = "no-account"  // asked for a new password, and there is no account
	Changed    = "changed"     // the password was changed
	Invitation = "invitation"  // to join an organisation
	NewFactor  = "new-factor"  // a second factor was added or taken away
	NewWay     = "new-way"     // another provider of sign-ins was linked, or unlinked
	NewAddress = "new-address" // the address of the account was changed
)

// A Post delivers letters.
type Post interface {
	// Send hands a letter over for delivery. It does not wait for the letter to
	// arrive; an error says that it was not taken.
	Send(ctx context.Context, l Letter) error
}

// Config makes Accounts.
type Config struct {
	Store   *store.Store
	Hasher  *password.Hasher
	Post    Post
	Regions *Regions
	// Base is the address under which people reach the service, without the slash at
	// its end: links in letters begin with it.
	Base string
	// Now is the time; nil is time.Now.
	Now func() time.Time
}

// Accounts carries out the use cases. It is safe for concurrent use.
type Accounts struct {
	Config
	tries *tries
}

// New makes Accounts.
func New(c Config) *Accounts {
	if c.Now == nil {
		c.Now = time.Now
	}
	return &Accounts{Config: c, tries: newTries(c.Now)}
}

// A Refusal is an error that a person can mend: what was typed in one field will
// not do.
type Refusal struct {
	Field  string // of the form; "" for the form as a whole
	Reason string // a sentence without its full stop
}

func (r *Refusal) Error() string { return r.Reason }

func refuse(field, reason string) error { return &Refusal{field, reason} }

// A token is what a cookie or a link holds; only its hash is kept.
func newToken() (token string, hash []byte) {
	b := make([]byte, 32)
	rand.Read(b)
	token = base64.RawURLEncoding.EncodeToString(b)
	return token, hashOf(token)
}

func hashOf(token string) []byte {
	sum := sha256.Sum256([]byte("rialto token\x00" + token))
	return sum[:]
}

func newID() string { return uuid.Must(uuid.NewV7()).String() }

func gone(err error) bool {
	e, ok := errors.AsType[*connector.Error](err)
	return ok && e.Class == connector.Gone
}

func conflict(err error) bool {
	e, ok := errors.AsType[*connector.Error](err)
	return ok && e.Class == connector.Conflict
}

const (
	maxNameLength    = 100 // characters
	maxAddressLength = 254 // bytes; RFC 5321, 4.5.3.1.3
)

// name checks what people call themselves or their organisation.
func name(field, what, text string) (string, error) {
	text = strings.Join(strings.Fields(text), " ")
	switch {
	case text == "":
		return "", refuse(field, what+" is missing")
	case utf8.RuneCountInString(text) > maxNameLength:
		return "", refuse(field, what+" is longer than 100 characters")
	case !utf8.ValidString(text) || strings.ContainsFunc(text, unseen):
		return "", refuse(field, what+" holds characters that cannot be seen")
	}
	return text, nil
}

// unseen characters change how a line reads without being seen: control
// characters, and those that turn the direction of writing.
func unseen(r rune) bool { return unicode.IsControl(r) || unicode.Is(unicode.Bidi_Control, r) }

// address checks an address of e-mail.
func address(field, text string) (string, error) {
	text = strings.TrimSpace(text)
	a, err := mail.ParseAddress(text)
	if err != nil || a.Name != "" || a.Address != text || len(text) > maxAddressLength || !strings.Contains(text, ".") || strings.ContainsFunc(text, unseen) {
		return "", refuse(field, "this is no address of e-mail, like ana@example.org")
	}
	return text, nil
}
