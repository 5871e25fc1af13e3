package account

import (
	"context"
	"errors"
	"time"

	"github.com/rialto-migrate/rialto/internal/store"
	"github.com/rialto-migrate/rialto/internal/vault"
)

// A Place is where a request comes from.
type Place struct {
	Address string // of the network, without a port
	Device  string // as people would know it: "Firefox on Linux"
}

// errWrong is the one answer to a sign-in that fails: it does not tell whether the
// account or the password is wrong.
var errWrong = &Refusal{"", "the address and the password do not belong together"}

// ErrUnconfirmed says that the address of an account was not confirmed yet; another
// letter was sent.
var ErrUnconfirmed = &Refusal{"", "confirm your address first: we sent you a letter with a link"}

// SignIn checks a password and begins a session. The token is for the browser's
// cookie. An account with a second factor is only half signed in by it; see
// Signed.Half.
func (a *Accounts) SignIn(ctx context.Context, place Place, mail string, secret vault.Secret) (token string, err error) {
	mail = store.Canonical(mail)
	if err := a.slow(count{perBoth, mail + "\x00" + network(place)}, count{perAccount, mail}); err != nil {
		return "", err
	}
	p, err := a.Store.PersonByAddress(ctx, mail)
	if err != nil && !gone(err) {
		return "", err
	}
	ok, again, err := a.Hasher.Check(ctx, p.Password.Reveal(), secret.Reveal())
	if err != nil {
		return "", err
	}
	if !ok {
		return "", errWrong
	}
	if p.Confirmed.IsZero() {
		if err := a.errand(ctx, p, Confirm, ConfirmWithin, "/confirm/"); err != nil {
			return "", err
		}
		return "", ErrUnconfirmed
	}
	if again {
		if err := a.rehash(ctx, p.ID, secret); err != nil {
			return "", err
		}
	}
	return a.Begin(ctx, p.ID, place, false)
}

func (a *Accounts) rehash(ctx context.Context, person string, secret vault.Secret) error {
	hash, err := a.Hasher.Hash(ctx, secret.Reveal())
	if err != nil {
		return err
	}
	return a.Store.ChangePerson(ctx, person, func(p *store.Person) error { p.Password = vault.NewSecret(hash); return nil })
}

// Begin begins a session of somebody who has proved who it is; second says that a
// second factor was part of the proof.
func (a *Accounts) Begin(ctx context.Context, person string, place Place, second bool) (token string, err error) {
	s := store.Session{Person: person, Fresh: a.Now(), About: about(place)}
	if second {
		s.Second = a.Now()
	}
	return a.begin(ctx, s)
}

func about(p Place) string { return p.Device + "\n" + p.Address }

func (a *Accounts) begin(ctx context.Context, s store.Session) (token string, err error) {
	token, s.TokenHash = newToken()
	s.Created = a.Now()
	s.Seen = s.Created
	return token, a.Store.AddSession(ctx, s)
}

// Signed is who is signed in.
type Signed struct {
	Person  store.Person
	Session store.Session
	// Half says that the second factor is still to come: until then nothing may be
	// done but to give it.
	Half bool
	// Factors are the second factors that the person has.
	Factors Factors
}

// Factors are the second factors of a person.
type Factors struct {
	TOTP     bool
	Passkeys int
	Codes    int64 // recovery codes that are left
}

// Any reports whether there is one.
func (f Factors) Any() bool { return f.TOTP || f.Passkeys > 0 }

// Fresh reports whether the person proved who it is a short while ago.
func (s Signed) Fresh(now time.Time) bool { return now.Sub(s.Session.Fresh) < FreshFor }

// ErrSignedOut says that a token belongs to no session.
var ErrSignedOut = errors.New("nobody is signed in")

// seenEvery is how exactly it is noted when a session was last used.
const seenEvery = time.Minute

// Signed returns who holds a token; ErrSignedOut for nobody.
func (a *Accounts) Signed(ctx context.Context, token string) (Signed, error) {
	if token == "" {
		return Signed{}, ErrSignedOut
	}
	s, err := a.Store.Session(ctx, hashOf(token))
	if gone(err) {
		return Signed{}, ErrSignedOut
	}
	if err != nil {
		return Signed{}, err
	}
	now := a.Now()
	if now.Sub(s.Seen) > IdleAfter || now.Sub(s.Created) > EndsAfter {
		return Signed{}, errors.Join(ErrSignedOut, a.Store.RemoveSession(ctx, s.Person, s.TokenHash))
	}
	if now.Sub(s.Seen) > seenEvery {
		s.Seen = now
		if err := a.Store.SetSession(ctx, s); err != nil {
			return Signed{}, err
		}
	}
	p, err := a.Store.Person(ctx, s.Person)
	if gone(err) {
		return Signed{}, ErrSignedOut
	}
	if err != nil {
		return Signed{}, err
	}
	f, err := a.factors(ctx, p)
	return Signed{Person: p, Session: s, Factors: f, Half: f.Any() && s.Second.IsZero()}, err
}

func (a *Accounts) factors(ctx context.Context, p store.Person) (f Factors, err error) {
	f.TOTP = !p.Seed.IsZero()
	keys, err := a.Store.Passkeys(ctx, p.ID)
	if err != nil {
		return f, err
	}
	f.Passkeys = len(keys)
	if f.Any() {
		f.Codes, err = a.Store.RecoveryCodes(ctx, p.ID)
	}
	return f, err
}

// Prove takes a password once more, for what needs a recent proof. The session goes
// on under a new token.
func (a *Accounts) Prove(ctx context.Context, place Place, s Signed, secret vault.Secret) (token string, err error) {
	if err := a.slow(count{perBoth, s.Person.ID + "\x00" + network(place)}, count{perAccount, s.Person.ID}); err != nil {
		return "", err
	}
	ok, _, err := a.Hasher.Check(ctx, s.Person.Password.Reveal(), secret.Reveal())
	if err != nil {
		return "", err
	}
	if !ok {
		return "", refuse("password", "this is not your password")
	}
	return a.renew(ctx, place, s, !s.Session.Second.IsZero())
}

// renew is become after a proof of who it is.
func (a *Accounts) renew(ctx context.Context, place Place, s Signed, second bool) (string, error) {
	next := store.Session{Fresh: a.Now(), About: about(place)}
	if second {
		next.Second = next.Fresh
	}
	return a.become(ctx, s, next)
}

// become ends a session and begins the one that it becomes: whoever saw the old
// token has nothing.
func (a *Accounts) become(ctx context.Context, s Signed, next store.Session) (string, error) {
	next.Person = s.Person.ID
	token, err := a.begin(ctx, next)
	if err != nil {
		return "", err
	}
	return token, a.Store.RemoveSession(ctx, s.Person.ID, s.Session.TokenHash)
}

// SignOut ends a session.
func (a *Accounts) SignOut(ctx context.Context, s Signed) error {
	return a.Store.RemoveSession(ctx, s.Person.ID, s.Session.TokenHash)
}

// EndSession ends one session of a person, by the hash of its token.
func (a *Accounts) EndSession(ctx context.Context, s Signed, hash []byte) error {
	all, err := a.Store.Sessions(ctx, s.Person.ID)
	if err != nil {
		return err
	}
	for _, one := range all {
		if string(one.TokenHash) == string(hash) {
			return a.Store.RemoveSession(ctx, s.Person.ID, hash)
		}
	}
	return nil
}

// EndOthers ends all sessions of a person but this one.
func (a *Accounts) EndOthers(ctx context.Context, s Signed) error {
	return a.Store.RemoveSessions(ctx, s.Person.ID, s.Session.TokenHash)
}

// Sweep forgets what has ended. Safe to repeat; due every hour or so.
func (a *Accounts) Sweep(ctx context.Context) error {
	now := a.Now()
	return a.Store.Sweep(ctx, now, now.Add(-IdleAfter), now.Add(-EndsAfter))
}
