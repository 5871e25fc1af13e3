package account

import (
	"context"
	"time"

	"github.com/rialto-migrate/rialto/internal/password"
	"github.com/rialto-migrate/rialto/internal/store"
	"github.com/rialto-migrate/rialto/internal/vault"
)

// A SignUp is what somebody types who founds an organisation.
type SignUp struct {
	Country      string // its code
	Organisation string
	Name         string
	Address      string
	Password     vault.Secret
}

// SignUp makes an account and its organisation, and sends a letter to confirm the
// address. Where the address has an account already, nothing is made, and the
// letter says so: the answer here is the same.
func (a *Accounts) SignUp(ctx context.Context, s SignUp) (err error) {
	country, ok := a.Regions.Country(s.Country)
	if !ok {
		return refuse("country", "choose a country")
	}
	if s.Organisation, err = name("organisation", "the organisation's name", s.Organisation); err != nil {
		return err
	}
	p, hash, err := a.applicant(ctx, s.Name, s.Address, s.Password, s.Organisation)
	if err != nil {
		return err
	}
	err = a.Store.AddPerson(ctx, store.Person{ID: p.ID, Address: p.Address, Name: p.Name, Password: hash, Created: p.Created})
	if conflict(err) {
		return a.Post.Send(ctx, Letter{To: p.Address, Kind: Known, Link: a.Base + "/sign-in"})
	}
	if err != nil {
		return err
	}
	org := store.Organisation{ID: newID(), Name: s.Organisation, Country: country.Code, Region: country.Region.Name, Created: p.Created, Active: p.Created}
	if err := a.Store.AddOrganisation(ctx, org, store.Member{Person: p.ID, Role: Owner, Since: p.Created}); err != nil {
		return err
	}
	return a.errand(ctx, p, Confirm, ConfirmWithin, "/confirm/")
}

// applicant checks who wants an account, and hashes the password.
func (a *Accounts) applicant(ctx context.Context, called, mail string, secret vault.Secret, known string) (p store.Person, hash vault.Secret, err error) {
	if called, err = name("name", "your name", called); err != nil {
		return p, hash, err
	}
	if mail, err = address("address", mail); err != nil {
		return p, hash, err
	}
	if err := password.Refuse(secret, called, mail, known, "rialto"); err != nil {
		return p, hash, refuse("password", err.Error())
	}
	if err := a.slow(count{perMail, store.Canonical(mail)}); err != nil {
		return p, hash, err
	}
	text, err := a.Hasher.Hash(ctx, secret.Reveal())
	return store.Person{ID: newID(), Address: mail, Name: called, Created: a.Now()}, vault.NewSecret(text), err
}

// errand sends a person a link that serves once.
func (a *Accounts) errand(ctx context.Context, p store.Person, kind string, within time.Duration, path string) error {
	token, hash := newToken()
	if err := a.Store.AddErrand(ctx, store.Errand{TokenHash: hash, Person: p.ID, Kind: kind, Expires: a.Now().Add(within)}); err != nil {
		return err
	}
	return a.Post.Send(ctx, Letter{To: p.Address, Kind: kind, Link: a.Base + path + token})
}

// Confirm confirms the address that a link was sent to. It is safe to repeat
// while the account is young: mail programs open links by themselves.
func (a *Accounts) Confirm(ctx context.Context, token string) error {
	e, err := a.Store.Errand(ctx, hashOf(token))
	if err != nil && !gone(err) {
		return err
	}
	if err != nil || e.Kind != Confirm || a.Now().After(e.Expires) {
		return refuse("", "this link is no longer valid: sign in to get another one")
	}
	return a.Store.ChangePerson(ctx, e.Person, func(p *store.Person) error {
		if p.Confirmed.IsZero() {
			p.Confirmed = a.Now()
		}
		return nil
	})
}
