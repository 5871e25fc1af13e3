package account

import (
	"context"
	"errors"
	"strings"
	"time"

	"github.com/rialto-migrate/rialto/internal/store"
)

// An Identity is who somebody is to another provider of sign-ins. Issuer and Subject
// tell who it is; the address does not: it can change hands.
type Identity struct {
	Provider        string // as people know it
	Issuer, Subject string
	Address         string
	Verified        bool // the provider says that the address is this person's
	Name            string
}

// SignInOutside begins a session of whoever another provider recognised. Somebody new
// gets an account if the provider vouches for the address and no account has it. Who
// has a second factor is half signed in by it.
func (a *Accounts) SignInOutside(ctx context.Context, place Place, who Identity) (token string, err error) {
	if err := a.slow(count{perPlace, network(place)}); err != nil {
		return "", err
	}
	person, err := a.Store.Outside(ctx, who.Issuer, who.Subject)
	if err != nil {
		return "", err
	}
	if person == "" {
		if person, err = a.newOutside(ctx, who); err != nil {
			return "", err
		}
	}
	return a.Begin(ctx, person, place, false)
}

func (a *Accounts) newOutside(ctx context.Context, who Identity) (person string, err error) {
	mail, err := address("", who.Address)
	if err != nil || !who.Verified {
		return "", refuse("", "no account is linked to this sign-in, and "+who.Provider+" does not vouch for your address: create an account or sign in another way, and link it there")
	}
	called, err := name("", "", who.Name)
	if err != nil {
		called, _, _ = strings.Cut(mail, "@")
	}
	now := a.Now()
	p := store.Person{ID: newID(), Address: mail, Name: called, Created: now, Confirmed: now}
	err = a.Store.AddPerson(ctx, p)
	if conflict(err) {
		return "", refuse("", "your address has an account already: sign in the way you did before, and link "+who.Provider+" under your account")
	}
	if err != nil {
		return "", err
	}
	if err := a.Store.AddOutside(ctx, p.ID, who.Issuer, who.Subject); err != nil {
		// The account would have no way in: somebody else was linked meanwhile.
		return "", errors.Join(err, a.Store.RemovePerson(ctx, p.ID))
	}
	return p.ID, nil
}

// Link lets whoever is signed in also sign in by another provider.
func (a *Accounts) Link(ctx context.Context, s Signed, who Identity) error {
	err := a.Store.AddOutside(ctx, s.Person.ID, who.Issuer, who.Subject)
	if conflict(err) {
		return refuse("", "another account is linked to this sign-in")
	}
	if err != nil {
		return err
	}
	return a.Post.Send(ctx, Letter{To: s.Person.Address, Kind: NewWay, Link: a.Base + "/account/other-sign-ins"})
}

// Unlink takes all sign-ins by other providers from an account, unless it would have no
// other way in.
func (a *Accounts) Unlink(ctx context.Context, s Signed) error {
	if s.Person.Password.IsZero() && s.Factors.Passkeys == 0 {
		return refuse("", "you could no longer sign in: set a password first, by “Forgot your password?” on the page where you sign in, or add a passkey")
	}
	if err := a.Store.RemoveOutsides(ctx, s.Person.ID); err != nil {
		return err
	}
	return a.Post.Send(ctx, Letter{To: s.Person.Address, Kind: NewWay, Link: a.Base + "/account/other-sign-ins"})
}

// ProveOutside takes another provider's word for a recent proof; at is when it
// recognised the person, or zero if it does not tell.
func (a *Accounts) ProveOutside(ctx context.Context, place Place, s Signed, who Identity, at time.Time) (token string, err error) {
	person, err := a.Store.Outside(ctx, who.Issuer, who.Subject)
	if err != nil {
		return "", err
	}
	if person != s.Person.ID {
		return "", refuse("", "this sign-in is not linked to your account")
	}
	if !at.IsZero() && a.Now().Sub(at) > FreshFor {
		return "", refuse("", who.Provider+" recognised you a while ago: sign out there, and try once more")
	}
	return a.renew(ctx, place, s, !s.Session.Second.IsZero())
}
