package account

import (
	"context"

	"github.com/rialto-migrate/rialto/internal/password"
	"github.com/rialto-migrate/rialto/internal/store"
	"github.com/rialto-migrate/rialto/internal/vault"
)

// AskReset sends a link that sets a new password, or, to an address without an
// account, a letter that says so. The answer here is the same for both.
func (a *Accounts) AskReset(ctx context.Context, mail string) error {
	mail, err := address("address", mail)
	if err != nil {
		return err
	}
	if err := a.slow(count{perMail, store.Canonical(mail)}); err != nil {
		return err
	}
	p, err := a.Store.PersonByAddress(ctx, mail)
	if gone(err) {
		return a.Post.Send(ctx, Letter{To: mail, Kind: NoAccount, Link: a.Base + "/sign-up"})
	}
	if err != nil {
		return err
	}
	return a.errand(ctx, p, Reset, ResetWithin, "/reset/")
}

var errOldLink = &Refusal{"", "this link is no longer valid: ask for another one"}

// ResetHolds reports whether a link to set a new password still holds.
func (a *Accounts) ResetHolds(ctx context.Context, token string) error {
	e, err := a.Store.Errand(ctx, hashOf(token))
	if gone(err) || err == nil && (e.Kind != Reset || a.Now().After(e.Expires)) {
		return errOldLink
	}
	return err
}

// SetPassword sets the password that a link stands for, once, and ends all sessions of
// the account. The address is confirmed by it.
func (a *Accounts) SetPassword(ctx context.Context, token string, secret vault.Secret) error {
	if err := a.ResetHolds(ctx, token); err != nil {
		return err
	}
	e, err := a.Store.Errand(ctx, hashOf(token))
	if err != nil {
		return err
	}
	p, err := a.Store.Person(ctx, e.Person)
	if err != nil {
		return err
	}
	hash, err := a.newPassword(ctx, p, secret)
	if err != nil {
		return err
	}
	if _, err := a.Store.TakeErrand(ctx, hashOf(token)); err != nil {
		if gone(err) {
			return errOldLink
		}
		return err
	}
	return a.keepPassword(ctx, p, hash, nil)
}

// ChangePassword sets a new password for whoever knows the old one, and ends all
// other sessions.
func (a *Accounts) ChangePassword(ctx context.Context, place Place, s Signed, old, secret vault.Secret) error {
	if err := a.slow(count{perBoth, s.Person.ID + "\x00" + network(place)}, count{perAccount, s.Person.ID}); err != nil {
		return err
	}
	ok, _, err := a.Hasher.Check(ctx, s.Person.Password.Reveal(), old.Reveal())
	if err != nil {
		return err
	}
	if !ok {
		return refuse("old", "this is not your password")
	}
	hash, err := a.newPassword(ctx, s.Person, secret)
	if err != nil {
		return err
	}
	return a.keepPassword(ctx, s.Person, hash, s.Session.TokenHash)
}

func (a *Accounts) newPassword(ctx context.Context, p store.Person, secret vault.Secret) (vault.Secret, error) {
	if err := password.Refuse(secret, p.Name, p.Address, "rialto"); err != nil {
		return vault.Secret{}, refuse("password", err.Error())
	}
	hash, err := a.Hasher.Hash(ctx, secret.Reveal())
	return vault.NewSecret(hash), err
}

// keepPassword sets the hash, ends all sessions but one, and tells the person.
func (a *Accounts) keepPassword(ctx context.Context, p store.Person, hash vault.Secret, but []byte) error {
	err := a.Store.ChangePerson(ctx, p.ID, func(p *store.Person) error {
		p.Password = hash
		if p.Confirmed.IsZero() && but == nil {
			p.Confirmed = a.Now()
		}
		return nil
	})
	if err != nil {
		return err
	}
	if err := a.Store.RemoveSessions(ctx, p.ID, but); err != nil {
		return err
	}
	return a.Post.Send(ctx, Letter{To: p.Address, Kind: Changed, Link: a.Base + "/reset"})
}
