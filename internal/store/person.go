package store

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"strings"
	"time"

	"golang.org/x/text/unicode/norm"

	"github.com/rialto-migrate/rialto/connector"
	"github.com/rialto-migrate/rialto/internal/vault"
)

// A Person is an account. Address, name, password and seed are sealed under the
// person's own key; where that is gone, nothing of them can be read.
type Person struct {
	ID      string // a UUID, never used again
	Address string // of e-mail
	Name    string
	// Password is the hash of the password, as package password writes it; zero for
	// whoever has none.
	Password vault.Secret
	// Seed is that of one-time passwords (TOTP); zero for none. Step is the last time
	// step whose password was used.
	Seed      vault.Secret
	Step      int64
	Created   time.Time
	Confirmed time.Time // when the address was; zero if it was not
}

var (
	addPerson = both(`INSERT INTO person (id, sealed_key, address_hash, sealed_address, sealed_name, sealed_password, sealed_totp, totp_step, created, confirmed)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10) ON CONFLICT DO NOTHING`)
	getPerson = both(`SELECT id, sealed_key, sealed_address, sealed_name, sealed_password, sealed_totp, totp_step, created, confirmed
		FROM person WHERE id = $1`)
	lockPerson = statement{getPerson.sqlite, getPerson.postgres + " FOR UPDATE"}
	findPerson = both("SELECT id FROM person WHERE address_hash = $1")
	setPerson  = both(`UPDATE person SET address_hash = $1, sealed_address = $2, sealed_name = $3, sealed_password = $4, sealed_totp = $5,
		totp_step = $6, confirmed = $7 WHERE id = $8`)
	listPeopleKeys = both("SELECT id, sealed_key FROM person")
	setPersonKey   = both("UPDATE person SET sealed_key = $1 WHERE id = $2")
	dropPerson     = []statement{
		both("DELETE FROM recovery_code WHERE person = $1"), both("DELETE FROM passkey WHERE person = $1"), both("DELETE FROM outside WHERE person = $1"),
		both("DELETE FROM session WHERE person = $1"), both("DELETE FROM errand WHERE person = $1"), both("DELETE FROM member WHERE person = $1"),
		both("DELETE FROM person WHERE id = $1"),
	}

	getServiceValue = both("SELECT sealed_value FROM service_value WHERE field = $1")
	addServiceValue = both("INSERT INTO service_value (field, sealed_value) VALUES ($1, $2) ON CONFLICT DO NOTHING")
)

// service is the organisation of what the service itself keeps.
const service = "service"

// ServiceKey returns 32 random bytes that the service keeps for one use, made at
// the first call: the same ones for ever after, in every process.
func (s *Store) ServiceKey(ctx context.Context, use string) ([]byte, error) {
	if key, ok := s.uses.Load(use); ok {
		return key.([]byte), nil
	}
	k, err := s.key(ctx, service)
	if err != nil {
		return nil, err
	}
	fresh, err := randomBytes(sha256.Size)
	if err != nil {
		return nil, err
	}
	where := vault.Slot{Organisation: service, Owner: "service", Field: use}
	sealed, err := k.Seal(where, fresh)
	if err != nil {
		return nil, err
	}
	get := func(ss session) error {
		return ss.query(getServiceValue, func(r row) error { sealed = bytes.Clone(r.blob(0)); return nil }, use)
	}
	err = s.write(ctx, everyone, func(ss session) error {
		if err := ss.exec(addServiceValue, use, sealed); err != nil {
			return err
		}
		return get(ss)
	})
	if err != nil {
		return nil, err
	}
	key, err := k.Open(where, sealed)
	if err == nil {
		s.uses.Store(use, key)
	}
	return key, err
}

// Canonical is the form by which addresses of e-mail are compared: without the
// spaces around it, and without regard to case.
func Canonical(address string) string {
	return strings.ToLower(norm.NFKC.String(strings.TrimSpace(address)))
}

// keyedHash is what ids that must not be read are found by.
func (s *Store) keyedHash(ctx context.Context, use, text string) ([]byte, error) {
	key, err := s.ServiceKey(ctx, "hashes of "+use)
	if err != nil {
		return nil, err
	}
	h := hmac.New(sha256.New, key)
	h.Write([]byte(text))
	return h.Sum(nil), nil
}

// A personSeal is a person's key and where its values belong.
type personSeal struct {
	key   *vault.Key
	owner string
}

func sealOf(id string, key *vault.Key) personSeal { return personSeal{key, ownerOf(id)} }

func ownerOf(person string) string { return "person:" + person }

// seal returns NULL for the empty text.
func (p personSeal) seal(field, text string) ([]byte, error) {
	if text == "" {
		return nil, nil
	}
	return p.key.Seal(vault.Slot{Organisation: p.owner, Owner: p.owner, Field: field}, []byte(text))
}

func (p personSeal) open(field string, sealed []byte) (string, error) {
	if sealed == nil {
		return "", nil
	}
	text, err := p.key.Open(vault.Slot{Organisation: p.owner, Owner: p.owner, Field: field}, sealed)
	return string(text), err
}

// AddPerson adds an account. An address that another one has is a Conflict.
func (s *Store) AddPerson(ctx context.Context, p Person) error {
	key, err := vault.NewKey(ownerOf(p.ID))
	if err != nil {
		return err
	}
	sealedKey, err := key.Sealed(s.root)
	if err != nil {
		return err
	}
	values, err := s.personValues(ctx, sealOf(p.ID, key), p)
	if err != nil {
		return err
	}
	return s.write(ctx, everyone, func(ss session) error {
		if err := ss.exec(addPerson, append(append([]any{p.ID, sealedKey}, values[:5]...), p.Step, stamp(p.Created), stamp(p.Confirmed))...); err != nil {
			return err
		}
		return s.owned(ss, p, values[0])
	})
}

// owned fails if an address belongs to somebody else.
func (s *Store) owned(ss session, p Person, hash any) error {
	var who string
	if err := ss.query(findPerson, func(r row) error { who = r.text(0); return nil }, hash); err != nil {
		return err
	}
	if who != p.ID {
		return connector.Errorf(connector.Conflict, "store: another account has this address")
	}
	return nil
}

// personValues are the hash of the address, then what is sealed: address, name,
// password, seed.
func (s *Store) personValues(ctx context.Context, k personSeal, p Person) ([]any, error) {
	hash, err := s.keyedHash(ctx, "addresses", Canonical(p.Address))
	if err != nil {
		return nil, err
	}
	out := []any{hash}
	for _, v := range [][2]string{{"address", p.Address}, {"name", p.Name}, {"password", p.Password.Reveal()}, {"seed", p.Seed.Reveal()}} {
		text := v[1]
		sealed, err := k.seal(v[0], text)
		if err != nil {
			return nil, err
		}
		if sealed == nil && (v[0] == "address" || v[0] == "name") {
			sealed = []byte{}
		}
		out = append(out, sealed)
	}
	return out, nil
}

func (s *Store) personOf(r row) (Person, personSeal, error) {
	p := Person{ID: r.text(0), Step: r.int(6), Created: timeOf(r.int(7)), Confirmed: timeOf(r.int(8))}
	key, err := vault.OpenKey(s.root, ownerOf(p.ID), r.blob(1))
	if err != nil {
		return p, personSeal{}, err
	}
	k := sealOf(p.ID, key)
	for i, field := range []string{"address", "name", "password", "seed"} {
		var text string
		if b := r.blob(2 + i); len(b) > 0 {
			if text, err = k.open(field, b); err != nil {
				return p, k, err
			}
		}
		switch field {
		case "address":
			p.Address = text
		case "name":
			p.Name = text
		case "password":
			p.Password = vault.NewSecret(text)
		case "seed":
			p.Seed = vault.NewSecret(text)
		}
	}
	return p, k, nil
}

// Person returns an account. One that is not there is Gone.
func (s *Store) Person(ctx context.Context, id string) (p Person, err error) {
	p, _, err = s.person(ctx, self(id), id)
	return p, err
}

func (s *Store) person(ctx context.Context, whose scope, id string) (p Person, k personSeal, err error) {
	found := false
	err = s.read(ctx, whose, func(ss session) error {
		return ss.query(getPerson, func(r row) (err error) { p, k, err = s.personOf(r); found = true; return err }, id)
	})
	if err == nil && !found {
		err = noPerson()
	}
	return p, k, err
}

func noPerson() error { return connector.Errorf(connector.Gone, "store: there is no such account") }

// PersonByAddress returns the account of an address. One that is not there is
// Gone. It looks across organisations.
func (s *Store) PersonByAddress(ctx context.Context, address string) (p Person, err error) {
	hash, err := s.keyedHash(ctx, "addresses", Canonical(address))
	if err != nil {
		return p, err
	}
	var id string
	err = s.read(ctx, everyone, func(ss session) error {
		return ss.query(findPerson, func(r row) error { id = r.text(0); return nil }, hash)
	})
	if err != nil {
		return p, err
	}
	if id == "" {
		return p, noPerson()
	}
	return s.Person(ctx, id)
}

// ChangePerson reads an account, has change alter it, and keeps what came of it;
// if change returns an error, nothing. No other change comes between.
func (s *Store) ChangePerson(ctx context.Context, id string, change func(*Person) error) error {
	// The key of hashes is fetched before: it takes a transaction of its own.
	if _, err := s.keyedHash(ctx, "addresses", ""); err != nil {
		return err
	}
	return s.write(ctx, everyone, func(ss session) error {
		var p Person
		var k personSeal
		found := false
		err := ss.query(lockPerson, func(r row) (err error) { p, k, err = s.personOf(r); found = true; return err }, id)
		if err == nil && !found {
			err = noPerson()
		}
		if err != nil {
			return err
		}
		if err := change(&p); err != nil {
			return err
		}
		values, err := s.personValues(ctx, k, p)
		if err != nil {
			return err
		}
		var holder string
		if err := ss.query(findPerson, func(r row) error { holder = r.text(0); return nil }, values[0]); err != nil {
			return err
		}
		if holder != "" && holder != id {
			return connector.Errorf(connector.Conflict, "store: another account has this address")
		}
		return ss.exec(setPerson, append(values, p.Step, stamp(p.Confirmed), id)...)
	})
}

// RemovePerson forgets an account with all that belongs to it, and destroys its
// key. Safe to repeat.
func (s *Store) RemovePerson(ctx context.Context, id string) error {
	return s.write(ctx, everyone, func(ss session) error {
		for _, st := range dropPerson {
			if err := ss.exec(st, id); err != nil {
				return err
			}
		}
		return nil
	})
}

// rewrapPeople seals the keys of all people anew.
func (s *Store) rewrapPeople(ss session) error {
	sealed := map[string][]byte{}
	err := ss.query(listPeopleKeys, func(r row) (err error) {
		sealed[r.text(0)], err = vault.Rewrap(s.root, ownerOf(r.text(0)), r.blob(1))
		return err
	})
	if err != nil {
		return err
	}
	for id, key := range sealed {
		if err := ss.exec(setPersonKey, key, id); err != nil {
			return err
		}
	}
	return nil
}
