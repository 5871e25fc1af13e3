package store

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/rialto-migrate/rialto/connector"
	"github.com/rialto-migrate/rialto/internal/vault"
)

// An Organisation is a customer of the service.
type Organisation struct {
	ID      string // a UUID, never used again
	Name    string // as people know it; sealed
	Country string // ISO 3166-1 alpha-2; it chose the region
	Region  string // where its data stays, by the operator's name for it
	// SecondFactor demands one of everybody who works in it.
	SecondFactor bool
	Created      time.Time
	Active       time.Time // when somebody last did something in it
}

// A Member is a person in an organisation.
type Member struct {
	Person  string
	Role    string // of package access
	Since   time.Time
	Name    string // of the person
	Address string
	// Second tells whether the person has a second factor.
	Second bool
}

// A Membership is an organisation that a person is in.
type Membership struct {
	Organisation Organisation
	Role         string
}

// An Invitation waits for somebody to take it.
type Invitation struct {
	Organisation string
	TokenHash    []byte
	Address      string // sealed
	Role         string
	By           string // a person
	Created      time.Time
	Expires      time.Time
}

const organisationColumns = "name, sealed_name, country, region, second_factor, created, active"

var (
	getOrganisationRow  = both("SELECT " + organisationColumns + " FROM organisation WHERE name = $1")
	listOrganisationIDs = both("SELECT name FROM organisation WHERE created > 0 ORDER BY created")
	describeOrg         = both("UPDATE organisation SET sealed_name = $1, country = $2, region = $3, second_factor = $4, created = $5, active = $6 WHERE name = $7")
	touchOrg            = both("UPDATE organisation SET active = $1 WHERE name = $2 AND active < $1")
	dropOrganisation    = []statement{
		both("DELETE FROM run_event WHERE organisation = $1"), both("DELETE FROM run WHERE organisation = $1"),
		both("DELETE FROM connection_value WHERE organisation = $1"), both("DELETE FROM connection WHERE organisation = $1"),
		both("DELETE FROM migration WHERE organisation = $1"), both("DELETE FROM plan WHERE organisation = $1"),
		both("DELETE FROM report WHERE organisation = $1"), both("DELETE FROM invitation WHERE organisation = $1"),
		both("DELETE FROM member WHERE organisation = $1"), both("DELETE FROM organisation WHERE name = $1"),
	}

	putMember = both(`INSERT INTO member (organisation, person, role, since) VALUES ($1, $2, $3, $4)
		ON CONFLICT (organisation, person) DO UPDATE SET role = excluded.role`)
	getMember   = both("SELECT role FROM member WHERE organisation = $1 AND person = $2")
	dropMember  = both("DELETE FROM member WHERE organisation = $1 AND person = $2")
	countRole   = both("SELECT count(*) FROM member WHERE organisation = $1 AND role = $2")
	lockMembers = statement{"SELECT role FROM member WHERE organisation = $1", "SELECT role FROM member WHERE organisation = $1 FOR UPDATE"}
	listMembers = both(`SELECT p.id, p.sealed_key, p.sealed_address, p.sealed_name, p.sealed_password, p.sealed_totp, p.totp_step, p.created, p.confirmed,
			m.role, m.since, (SELECT count(*) FROM passkey k WHERE k.person = p.id)
		FROM member m JOIN person p ON p.id = m.person WHERE m.organisation = $1 ORDER BY m.since, p.id`)
	listMemberships = both("SELECT o.name, o.sealed_name, o.country, o.region, o.second_factor, o.created, o.active, m.role FROM member m JOIN organisation o ON o.name = m.organisation WHERE m.person = $1 ORDER BY m.since, o.name")

	addInvitation   = both("INSERT INTO invitation (organisation, token_hash, sealed_address, role, invited_by, created, expires) VALUES ($1, $2, $3, $4, $5, $6, $7)")
	listInvitations = both("SELECT organisation, token_hash, sealed_address, role, invited_by, created, expires FROM invitation WHERE organisation = $1 ORDER BY created")
	findInvitation  = both("SELECT organisation, token_hash, sealed_address, role, invited_by, created, expires FROM invitation WHERE token_hash = $1")
	lockInvitation  = statement{findInvitation.sqlite, findInvitation.postgres + " FOR UPDATE"}
	dropInvitation  = both("DELETE FROM invitation WHERE organisation = $1 AND token_hash = $2")
)

func noOrganisation() error {
	return connector.Errorf(connector.Gone, "store: there is no such organisation")
}

func organisationSlot(id, field string) vault.Slot {
	return vault.Slot{Organisation: id, Owner: "organisation", Field: field}
}

// AddOrganisation adds an organisation with its key and its first member.
func (s *Store) AddOrganisation(ctx context.Context, o Organisation, owner Member) error {
	k, err := s.key(ctx, o.ID)
	if err != nil {
		return err
	}
	name, err := k.Seal(organisationSlot(o.ID, "name"), []byte(o.Name))
	if err != nil {
		return err
	}
	return s.write(ctx, of(o.ID), func(ss session) error {
		if err := ss.exec(describeOrg, name, o.Country, o.Region, number(o.SecondFactor), stamp(o.Created), stamp(o.Active), o.ID); err != nil {
			return err
		}
		return ss.exec(putMember, o.ID, owner.Person, owner.Role, stamp(owner.Since))
	})
}

func number(b bool) int64 {
	if b {
		return 1
	}
	return 0
}

// Organisation returns an organisation. One that is not there, or was never
// described, is Gone.
func (s *Store) Organisation(ctx context.Context, id string) (o Organisation, err error) {
	var sealed []byte
	err = s.read(ctx, of(id), func(ss session) error {
		return ss.query(getOrganisationRow, func(r row) error { o, sealed = organisationOf(r); return nil }, id)
	})
	if err != nil {
		return o, err
	}
	if o.Created.IsZero() {
		return o, noOrganisation()
	}
	return s.named(ctx, o, sealed)
}

func organisationOf(r row) (Organisation, []byte) {
	return Organisation{ID: r.text(0), Country: r.text(2), Region: r.text(3), SecondFactor: r.int(4) != 0,
		Created: timeOf(r.int(5)), Active: timeOf(r.int(6))}, append([]byte{}, r.blob(1)...)
}

func (s *Store) named(ctx context.Context, o Organisation, sealed []byte) (Organisation, error) {
	k, err := s.key(ctx, o.ID)
	if err != nil {
		return o, err
	}
	name, err := k.Open(organisationSlot(o.ID, "name"), sealed)
	o.Name = string(name)
	return o, err
}

// Organisations returns the ids of all organisations, the oldest first: for what
// is due in each.
func (s *Store) Organisations(ctx context.Context) (ids []string, err error) {
	err = s.read(ctx, everyone, func(ss session) error {
		return ss.query(listOrganisationIDs, func(r row) error { ids = append(ids, r.text(0)); return nil })
	})
	return ids, err
}

// ChangeOrganisation keeps an organisation's name and what it demands.
func (s *Store) ChangeOrganisation(ctx context.Context, o Organisation) error {
	k, err := s.key(ctx, o.ID)
	if err != nil {
		return err
	}
	name, err := k.Seal(organisationSlot(o.ID, "name"), []byte(o.Name))
	if err != nil {
		return err
	}
	return s.write(ctx, of(o.ID), func(ss session) error {
		return ss.exec(describeOrg, name, o.Country, o.Region, number(o.SecondFactor), stamp(o.Created), stamp(o.Active), o.ID)
	})
}

// Touch notes that somebody did something in an organisation.
func (s *Store) Touch(ctx context.Context, organisation string, now time.Time) error {
	return s.write(ctx, of(organisation), func(ss session) error {
		return ss.exec(touchOrg, stamp(now), organisation)
	})
}

// DestroyOrganisation forgets an organisation with all that belongs to it: rows,
// ledgers and its key, without which no copy of them can be read. People stay.
// Safe to repeat after it was cut off. A run of one of its migrations is a
// Conflict.
func (s *Store) DestroyOrganisation(ctx context.Context, id string) error {
	migrations, err := s.Migrations(ctx, id)
	if err != nil {
		return err
	}
	for _, m := range migrations {
		l, err := s.Ledger(ctx, id, m.Name) // nobody else has it from now on
		if err != nil {
			return err
		}
		if err := l.Close(); err != nil {
			return err
		}
	}
	err = s.write(ctx, of(id), func(ss session) error {
		for _, st := range dropOrganisation {
			if err := ss.exec(st, id); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return err
	}
	s.mu.Lock()
	delete(s.keys, id)
	s.mu.Unlock()
	if err := s.removeAudit(ctx, id); err != nil {
		return err
	}
	for _, m := range migrations {
		if err := s.dropLedger(ctx, m.Num); err != nil {
			return err
		}
	}
	return nil
}

// dropLedger removes what a ledger is kept in. Safe to repeat.
func (s *Store) dropLedger(ctx context.Context, num int64) error {
	if s.opts.Postgres.IsZero() {
		for _, end := range []string{".db", ".db-wal", ".db-shm", ".lock"} {
			if err := os.Remove(s.ledgerFile(num, end)); err != nil && !errors.Is(err, fs.ErrNotExist) {
				return explain(s.ledgerFile(num, end), err)
			}
		}
		return nil
	}
	return s.accounts.update(ctx, durable, func(ss session) error {
		return ss.exec(statement{postgres: "DROP SCHEMA IF EXISTS " + pgx.Identifier{ledgerSchema(num)}.Sanitize() + " CASCADE"})
	})
}

// PutMember adds a member, or gives one another role. The last one of a role that
// must not be empty cannot be given another: a Conflict.
func (s *Store) PutMember(ctx context.Context, organisation string, m Member, needed string) error {
	return s.write(ctx, of(organisation), func(ss session) error {
		if err := ss.query(lockMembers, func(row) error { return nil }, organisation); err != nil {
			return err
		}
		if err := ss.exec(putMember, organisation, m.Person, m.Role, stamp(m.Since)); err != nil {
			return err
		}
		return stillHas(ss, organisation, needed)
	})
}

// RemoveMember takes somebody out of an organisation. The last one of a role that
// must not be empty stays: a Conflict.
func (s *Store) RemoveMember(ctx context.Context, organisation, person, needed string) error {
	return s.write(ctx, of(organisation), func(ss session) error {
		if err := ss.query(lockMembers, func(row) error { return nil }, organisation); err != nil {
			return err
		}
		if err := ss.exec(dropMember, organisation, person); err != nil {
			return err
		}
		return stillHas(ss, organisation, needed)
	})
}

func stillHas(ss session, organisation, role string) error {
	n, err := one(ss, countRole, organisation, role)
	if err == nil && n == 0 {
		err = connector.Errorf(connector.Conflict, "store: an organisation needs one %s at least", role).WithHint("give somebody else this role first")
	}
	return err
}

// Role returns a person's role in an organisation; "" for none.
func (s *Store) Role(ctx context.Context, organisation, person string) (role string, err error) {
	err = s.read(ctx, of(organisation), func(ss session) error {
		return ss.query(getMember, func(r row) error { role = r.text(0); return nil }, organisation, person)
	})
	return role, err
}

// Members returns the people of an organisation, the first one first.
func (s *Store) Members(ctx context.Context, organisation string) (out []Member, err error) {
	err = s.read(ctx, of(organisation), func(ss session) error {
		return ss.query(listMembers, func(r row) error {
			p, _, err := s.personOf(r)
			out = append(out, Member{Person: p.ID, Name: p.Name, Address: p.Address, Role: r.text(9), Since: timeOf(r.int(10)),
				Second: !p.Seed.IsZero() || r.int(11) > 0})
			return err
		}, organisation)
	})
	return out, err
}

// Memberships returns the organisations that a person is in, in the order of
// joining.
func (s *Store) Memberships(ctx context.Context, person string) (out []Membership, err error) {
	var sealed [][]byte
	err = s.read(ctx, self(person), func(ss session) error {
		return ss.query(listMemberships, func(r row) error {
			o, b := organisationOf(r)
			out, sealed = append(out, Membership{Organisation: o, Role: r.text(7)}), append(sealed, b)
			return nil
		}, person)
	})
	for i := range out {
		if err == nil {
			out[i].Organisation, err = s.named(ctx, out[i].Organisation, sealed[i])
		}
	}
	return out, err
}

// AddInvitation keeps an invitation.
func (s *Store) AddInvitation(ctx context.Context, i Invitation) error {
	k, err := s.key(ctx, i.Organisation)
	if err != nil {
		return err
	}
	sealed, err := k.Seal(invitationSlot(i), []byte(i.Address))
	if err != nil {
		return err
	}
	return s.write(ctx, of(i.Organisation), func(ss session) error {
		return ss.exec(addInvitation, i.Organisation, i.TokenHash, sealed, i.Role, i.By, stamp(i.Created), stamp(i.Expires))
	})
}

func invitationSlot(i Invitation) vault.Slot {
	return vault.Slot{Organisation: i.Organisation, Owner: "invitation:" + string(i.TokenHash), Field: "address"}
}

// Invitations returns an organisation's invitations, the oldest first.
func (s *Store) Invitations(ctx context.Context, organisation string) ([]Invitation, error) {
	return s.invitations(ctx, of(organisation), listInvitations, organisation)
}

// InvitationByToken returns the invitation of a token's hash. One that is not there is Gone. It
// looks across organisations.
func (s *Store) InvitationByToken(ctx context.Context, hash []byte) (Invitation, error) {
	all, err := s.invitations(ctx, everyone, findInvitation, hash)
	if err != nil {
		return Invitation{}, err
	}
	if len(all) == 0 {
		return Invitation{}, connector.Errorf(connector.Gone, "store: there is no such invitation")
	}
	return all[0], nil
}

func (s *Store) invitations(ctx context.Context, whose scope, st statement, by any) (out []Invitation, err error) {
	var sealed [][]byte
	err = s.read(ctx, whose, func(ss session) error {
		return ss.query(st, func(r row) error {
			out = append(out, Invitation{Organisation: r.text(0), TokenHash: append([]byte{}, r.blob(1)...), Role: r.text(3), By: r.text(4),
				Created: timeOf(r.int(5)), Expires: timeOf(r.int(6))})
			sealed = append(sealed, append([]byte{}, r.blob(2)...))
			return nil
		}, by)
	})
	for i := range out {
		if err != nil {
			break
		}
		var k *vault.Key
		var address []byte
		if k, err = s.key(ctx, out[i].Organisation); err == nil {
			address, err = k.Open(invitationSlot(out[i]), sealed[i])
			out[i].Address = string(address)
		}
	}
	return out, err
}

// RemoveInvitation takes an invitation back, and says whether it was there.
func (s *Store) RemoveInvitation(ctx context.Context, organisation string, hash []byte) (was bool, err error) {
	err = s.write(ctx, of(organisation), func(ss session) error {
		if err := ss.query(lockInvitation, func(r row) error { was = r.text(0) == organisation; return nil }, hash); err != nil {
			return err
		}
		return ss.exec(dropInvitation, organisation, hash)
	})
	return was, err
}
