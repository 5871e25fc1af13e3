package account

import (
	"context"
	"slices"

	"github.com/rialto-migrate/rialto/internal/store"
	"github.com/rialto-migrate/rialto/internal/vault"
)

// roles are those that a member can have, of package access.
var roles = []string{Owner, "administrator", "operator", "auditor"}

func checkRole(role string) error {
	if !slices.Contains(roles, role) {
		return refuse("role", "choose a role")
	}
	return nil
}

// Invite sends somebody a link to join an organisation. The account need not exist.
func (a *Accounts) Invite(ctx context.Context, by store.Person, organisation, mail, role string) error {
	mail, err := address("address", mail)
	if err != nil {
		return err
	}
	if err := checkRole(role); err != nil {
		return err
	}
	org, err := a.Store.Organisation(ctx, organisation)
	if err != nil {
		return err
	}
	members, err := a.Store.Members(ctx, organisation)
	if err != nil {
		return err
	}
	for _, m := range members {
		if store.Canonical(m.Address) == store.Canonical(mail) {
			return refuse("address", "this person is in the organisation already")
		}
	}
	if err := a.slow(count{perMail, store.Canonical(mail)}); err != nil {
		return err
	}
	if err := a.withdraw(ctx, organisation, mail); err != nil {
		return err
	}
	token, hash := newToken()
	now := a.Now()
	err = a.Store.AddInvitation(ctx, store.Invitation{Organisation: organisation, TokenHash: hash, Address: mail, Role: role, By: by.ID, Created: now, Expires: now.Add(InviteWithin)})
	if err != nil {
		return err
	}
	return a.Post.Send(ctx, Letter{To: mail, Kind: Invitation, Link: a.Base + "/invitation/" + token, Organisation: org.Name, By: by.Name})
}

// withdraw takes earlier invitations of an address back.
func (a *Accounts) withdraw(ctx context.Context, organisation, mail string) error {
	all, err := a.Store.Invitations(ctx, organisation)
	if err != nil {
		return err
	}
	for _, i := range all {
		if store.Canonical(i.Address) == store.Canonical(mail) {
			if _, err := a.Store.RemoveInvitation(ctx, organisation, i.TokenHash); err != nil {
				return err
			}
		}
	}
	return nil
}

// An Invited is what somebody sees who follows an invitation.
type Invited struct {
	Organisation store.Organisation
	Role         string
	Address      string
	// Account says that the address has an account: its owner signs in to join.
	Account bool

	hash []byte
}

// Invited reads an invitation.
func (a *Accounts) Invited(ctx context.Context, token string) (Invited, error) {
	i, err := a.Store.InvitationByToken(ctx, hashOf(token))
	if gone(err) || err == nil && a.Now().After(i.Expires) {
		return Invited{}, refuse("", "this invitation is no longer valid: ask whoever sent it for another one")
	}
	if err != nil {
		return Invited{}, err
	}
	org, err := a.Store.Organisation(ctx, i.Organisation)
	if err != nil {
		return Invited{}, err
	}
	_, err = a.Store.PersonByAddress(ctx, i.Address)
	if err != nil && !gone(err) {
		return Invited{}, err
	}
	return Invited{Organisation: org, Role: i.Role, Address: i.Address, Account: err == nil, hash: i.TokenHash}, nil
}

// Join takes an invitation for somebody who is signed in. It is for the address
// that it was sent to.
func (a *Accounts) Join(ctx context.Context, s Signed, token string) (organisation string, err error) {
	i, err := a.Invited(ctx, token)
	if err != nil {
		return "", err
	}
	if store.Canonical(i.Address) != store.Canonical(s.Person.Address) {
		return "", refuse("", "this invitation was sent to another address than that of your account")
	}
	return i.Organisation.ID, a.join(ctx, s.Person.ID, i)
}

// JoinAnew makes an account for whoever follows an invitation, and joins. The
// address is confirmed, because the link was sent there.
func (a *Accounts) JoinAnew(ctx context.Context, place Place, token, called string, secret vault.Secret) (session, organisation string, err error) {
	i, err := a.Invited(ctx, token)
	if err != nil {
		return "", "", err
	}
	if i.Account {
		return "", "", refuse("", "this address has an account: sign in to join")
	}
	p, hash, err := a.applicant(ctx, called, i.Address, secret, i.Organisation.Name)
	if err != nil {
		return "", "", err
	}
	p.Password, p.Confirmed = hash, p.Created
	if err := a.Store.AddPerson(ctx, p); err != nil {
		return "", "", err
	}
	if err := a.join(ctx, p.ID, i); err != nil {
		return "", "", err
	}
	session, err = a.Begin(ctx, p.ID, place, false)
	return session, i.Organisation.ID, err
}

// join takes an invitation: of two who take it, one joins by it.
func (a *Accounts) join(ctx context.Context, person string, i Invited) error {
	was, err := a.Store.RemoveInvitation(ctx, i.Organisation.ID, i.hash)
	if err != nil {
		return err
	}
	if !was {
		return refuse("", "this invitation was taken already")
	}
	return a.Store.PutMember(ctx, i.Organisation.ID, store.Member{Person: person, Role: i.Role, Since: a.Now()}, Owner)
}

// SetRole gives a member another role. The last owner keeps it.
func (a *Accounts) SetRole(ctx context.Context, organisation, person, role string) error {
	if err := checkRole(role); err != nil {
		return err
	}
	had, err := a.Store.Role(ctx, organisation, person)
	if err != nil {
		return err
	}
	if had == "" {
		return refuse("", "this person is not in the organisation")
	}
	err = a.Store.PutMember(ctx, organisation, store.Member{Person: person, Role: role, Since: a.Now()}, Owner)
	if conflict(err) {
		return refuse("role", "the organisation needs an owner: give somebody else this role first")
	}
	return err
}

// RemoveMember takes somebody out of an organisation. The last owner stays.
func (a *Accounts) RemoveMember(ctx context.Context, organisation, person string) error {
	err := a.Store.RemoveMember(ctx, organisation, person, Owner)
	if conflict(err) {
		return refuse("", "the organisation needs an owner: give somebody else this role first")
	}
	return err
}

// Found makes one more organisation for somebody who has an account.
func (a *Accounts) Found(ctx context.Context, person, code, called string) (id string, err error) {
	country, ok := a.Regions.Country(code)
	if !ok {
		return "", refuse("country", "choose a country")
	}
	if called, err = name("organisation", "the organisation's name", called); err != nil {
		return "", err
	}
	now := a.Now()
	org := store.Organisation{ID: newID(), Name: called, Country: country.Code, Region: country.Region.Name, Created: now, Active: now}
	return org.ID, a.Store.AddOrganisation(ctx, org, store.Member{Person: person, Role: Owner, Since: now})
}

// Change gives an organisation another name, and says whether it demands a second
// factor.
func (a *Accounts) Change(ctx context.Context, o store.Organisation, called string, second bool) (err error) {
	if o.Name, err = name("organisation", "the organisation's name", called); err != nil {
		return err
	}
	o.SecondFactor = second
	return a.Store.ChangeOrganisation(ctx, o)
}

// Rename gives a person another name.
func (a *Accounts) Rename(ctx context.Context, s Signed, called string) error {
	called, err := name("name", "your name", called)
	if err != nil {
		return err
	}
	return a.Store.ChangePerson(ctx, s.Person.ID, func(p *store.Person) error { p.Name = called; return nil })
}
