package store

import (
	"context"
	"time"

	"github.com/rialto-migrate/rialto/connector"
)

// A Session is one browser's sign-in.
type Session struct {
	TokenHash []byte
	Person    string
	Created   time.Time
	Seen      time.Time
	Fresh     time.Time // when the person last proved who it is
	Second    time.Time // when with a second factor; zero for never
	About     string    // the browser and where it is, as people would know it; sealed
}

// An Errand is what a link in a mail does, once.
type Errand struct {
	TokenHash []byte
	Person    string
	Kind      string
	Expires   time.Time
}

// A Passkey is a credential of a person's device (WebAuthn).
type Passkey struct {
	ID         []byte
	Person     string
	Credential []byte // as package account writes it; sealed
	Created    time.Time
	Used       time.Time
}

var (
	addSession   = both("INSERT INTO session (token_hash, person, created, seen, fresh, second, sealed_about) VALUES ($1, $2, $3, $4, $5, $6, $7)")
	getSession   = both("SELECT token_hash, person, created, seen, fresh, second, sealed_about FROM session WHERE token_hash = $1")
	listSessions = both("SELECT token_hash, person, created, seen, fresh, second, sealed_about FROM session WHERE person = $1 ORDER BY seen DESC, token_hash")
	setSession   = both("UPDATE session SET seen = $1, fresh = $2, second = $3 WHERE token_hash = $4")
	dropSession  = both("DELETE FROM session WHERE token_hash = $1")
	dropSessions = both("DELETE FROM session WHERE person = $1 AND token_hash <> $2")
	oldSessions  = both("DELETE FROM session WHERE seen < $1 OR created < $2")

	addErrand   = both("INSERT INTO errand (token_hash, person, kind, expires) VALUES ($1, $2, $3, $4)")
	getErrand   = both("SELECT token_hash, person, kind, expires FROM errand WHERE token_hash = $1")
	takeErrand  = statement{getErrand.sqlite, getErrand.postgres + " FOR UPDATE"} // in SQLite a transaction that writes is alone
	dropErrand  = both("DELETE FROM errand WHERE token_hash = $1")
	dropErrands = both("DELETE FROM errand WHERE person = $1 AND kind = $2")
	oldErrands  = both("DELETE FROM errand WHERE expires < $1")
	oldInvites  = both("DELETE FROM invitation WHERE expires < $1")

	addOutside    = both("INSERT INTO outside (id_hash, person) VALUES ($1, $2) ON CONFLICT DO NOTHING")
	findOutside   = both("SELECT person FROM outside WHERE id_hash = $1")
	countOutsides = both("SELECT count(*) FROM outside WHERE person = $1")
	dropOutsides  = both("DELETE FROM outside WHERE person = $1")

	addPasskey   = both("INSERT INTO passkey (id, person, sealed_credential, created, used) VALUES ($1, $2, $3, $4, $5)")
	findPasskey  = both("SELECT person FROM passkey WHERE id = $1")
	listPasskeys = both("SELECT id, person, sealed_credential, created, used FROM passkey WHERE person = $1 ORDER BY created, id")
	setPasskey   = both("UPDATE passkey SET sealed_credential = $1, used = $2 WHERE id = $3 AND person = $4")
	dropPasskey  = both("DELETE FROM passkey WHERE id = $1 AND person = $2")

	dropCodes  = both("DELETE FROM recovery_code WHERE person = $1")
	addCode    = both("INSERT INTO recovery_code (person, code_hash) VALUES ($1, $2) ON CONFLICT DO NOTHING")
	findCode   = both("SELECT 1 FROM recovery_code WHERE person = $1 AND code_hash = $2")
	dropCode   = both("DELETE FROM recovery_code WHERE person = $1 AND code_hash = $2")
	countCodes = both("SELECT count(*) FROM recovery_code WHERE person = $1")
)

// AddSession keeps a session.
func (s *Store) AddSession(ctx context.Context, n Session) error {
	_, k, err := s.person(ctx, self(n.Person), n.Person)
	if err != nil {
		return err
	}
	about, err := k.seal("session "+string(n.TokenHash), orSpace(n.About))
	if err != nil {
		return err
	}
	return s.write(ctx, self(n.Person), func(ss session) error {
		return ss.exec(addSession, n.TokenHash, n.Person, stamp(n.Created), stamp(n.Seen), stamp(n.Fresh), stamp(n.Second), about)
	})
}

// orSpace is never empty, so that what is sealed is never NULL.
func orSpace(text string) string {
	if text == "" {
		return " "
	}
	return text
}

func sessionOf(r row) Session {
	return Session{TokenHash: append([]byte{}, r.blob(0)...), Person: r.text(1), Created: timeOf(r.int(2)), Seen: timeOf(r.int(3)),
		Fresh: timeOf(r.int(4)), Second: timeOf(r.int(5))}
}

// Session returns the session of a token's hash, without what it is about. One
// that is not there is Gone. It looks across people.
func (s *Store) Session(ctx context.Context, hash []byte) (n Session, err error) {
	err = s.read(ctx, everyone, func(ss session) error {
		return ss.query(getSession, func(r row) error { n = sessionOf(r); return nil }, hash)
	})
	if err == nil && n.Person == "" {
		err = connector.Errorf(connector.Gone, "store: there is no such session")
	}
	return n, err
}

// Sessions returns a person's sessions, the last used first.
func (s *Store) Sessions(ctx context.Context, person string) (out []Session, err error) {
	_, k, err := s.person(ctx, self(person), person)
	if err != nil {
		return nil, err
	}
	err = s.read(ctx, self(person), func(ss session) error {
		return ss.query(listSessions, func(r row) (err error) {
			n := sessionOf(r)
			n.About, err = k.open("session "+string(n.TokenHash), r.blob(6))
			out = append(out, n)
			return err
		}, person)
	})
	return out, err
}

// SetSession keeps when a session was seen, and how it was proved.
func (s *Store) SetSession(ctx context.Context, n Session) error {
	return s.write(ctx, self(n.Person), func(ss session) error {
		return ss.exec(setSession, stamp(n.Seen), stamp(n.Fresh), stamp(n.Second), n.TokenHash)
	})
}

// RemoveSession ends a session. Safe to repeat.
func (s *Store) RemoveSession(ctx context.Context, person string, hash []byte) error {
	return s.write(ctx, self(person), func(ss session) error { return ss.exec(dropSession, hash) })
}

// RemoveSessions ends all sessions of a person but one, which may be nil.
func (s *Store) RemoveSessions(ctx context.Context, person string, but []byte) error {
	if but == nil {
		but = []byte{}
	}
	return s.write(ctx, self(person), func(ss session) error { return ss.exec(dropSessions, person, but) })
}

// Sweep forgets what has ended: sessions last seen before idle or made before
// old, and errands and invitations that expired before now.
func (s *Store) Sweep(ctx context.Context, now, idle, old time.Time) error {
	return s.write(ctx, everyone, func(ss session) error {
		if err := ss.exec(oldSessions, stamp(idle), stamp(old)); err != nil {
			return err
		}
		if err := ss.exec(oldErrands, stamp(now)); err != nil {
			return err
		}
		return ss.exec(oldInvites, stamp(now))
	})
}

// AddErrand keeps an errand in place of earlier ones of its kind.
func (s *Store) AddErrand(ctx context.Context, e Errand) error {
	return s.write(ctx, self(e.Person), func(ss session) error {
		if err := ss.exec(dropErrands, e.Person, e.Kind); err != nil {
			return err
		}
		return ss.exec(addErrand, e.TokenHash, e.Person, e.Kind, stamp(e.Expires))
	})
}

// Errand returns the errand of a token's hash and leaves it there. One that is not there is
// Gone. It looks across people.
func (s *Store) Errand(ctx context.Context, hash []byte) (e Errand, err error) {
	err = s.read(ctx, everyone, func(ss session) (err error) { e, err = errandOf(ss, getErrand, hash); return err })
	return e, err
}

// TakeErrand returns the errand of a token's hash and removes it: of two who
// take it, one gets it, and the other finds it Gone. It looks across people.
func (s *Store) TakeErrand(ctx context.Context, hash []byte) (e Errand, err error) {
	err = s.write(ctx, everyone, func(ss session) (err error) {
		if e, err = errandOf(ss, takeErrand, hash); err != nil {
			return err
		}
		return ss.exec(dropErrand, hash)
	})
	return e, err
}

func errandOf(ss session, st statement, hash []byte) (e Errand, err error) {
	err = ss.query(st, func(r row) error {
		e = Errand{TokenHash: append([]byte{}, r.blob(0)...), Person: r.text(1), Kind: r.text(2), Expires: timeOf(r.int(3))}
		return nil
	}, hash)
	if err == nil && e.Person == "" {
		err = connector.Errorf(connector.Gone, "store: there is no such errand")
	}
	return e, err
}

// Outside returns who an id of another provider of sign-ins belongs to; "" for
// nobody. It looks across people.
func (s *Store) Outside(ctx context.Context, issuer, subject string) (person string, err error) {
	hash, err := s.keyedHash(ctx, "outside ids", issuer+"\x00"+subject)
	if err != nil {
		return "", err
	}
	err = s.read(ctx, everyone, func(ss session) error {
		return ss.query(findOutside, func(r row) error { person = r.text(0); return nil }, hash)
	})
	return person, err
}

// AddOutside lets a person sign in with an id of another provider. One that is
// somebody else's already is a Conflict.
func (s *Store) AddOutside(ctx context.Context, person, issuer, subject string) error {
	hash, err := s.keyedHash(ctx, "outside ids", issuer+"\x00"+subject)
	if err != nil {
		return err
	}
	return s.write(ctx, everyone, func(ss session) error {
		if err := ss.exec(addOutside, hash, person); err != nil {
			return err
		}
		var who string
		err := ss.query(findOutside, func(r row) error { who = r.text(0); return nil }, hash)
		if err == nil && who != person {
			err = connector.Errorf(connector.Conflict, "store: another account signs in with this id")
		}
		return err
	})
}

// Outsides counts the ids of other providers that a person signs in with.
func (s *Store) Outsides(ctx context.Context, person string) (n int64, err error) {
	err = s.read(ctx, self(person), func(ss session) error {
		n, err = one(ss, countOutsides, person)
		return err
	})
	return n, err
}

// RemoveOutsides forgets all ids of other providers of a person. Safe to repeat.
func (s *Store) RemoveOutsides(ctx context.Context, person string) error {
	return s.write(ctx, self(person), func(ss session) error { return ss.exec(dropOutsides, person) })
}

// AddPasskey keeps a passkey.
func (s *Store) AddPasskey(ctx context.Context, p Passkey) error {
	sealed, err := s.sealPasskey(ctx, p)
	if err != nil {
		return err
	}
	return s.write(ctx, self(p.Person), func(ss session) error {
		return ss.exec(addPasskey, p.ID, p.Person, sealed, stamp(p.Created), stamp(p.Used))
	})
}

// SetPasskey keeps a passkey's state after it was used.
func (s *Store) SetPasskey(ctx context.Context, p Passkey) error {
	sealed, err := s.sealPasskey(ctx, p)
	if err != nil {
		return err
	}
	return s.write(ctx, self(p.Person), func(ss session) error {
		return ss.exec(setPasskey, sealed, stamp(p.Used), p.ID, p.Person)
	})
}

func (s *Store) sealPasskey(ctx context.Context, p Passkey) ([]byte, error) {
	_, k, err := s.person(ctx, self(p.Person), p.Person)
	if err != nil {
		return nil, err
	}
	return k.seal("passkey "+string(p.ID), string(p.Credential))
}

// Passkeys returns a person's passkeys, the oldest first.
func (s *Store) Passkeys(ctx context.Context, person string) (out []Passkey, err error) {
	_, k, err := s.person(ctx, self(person), person)
	if err != nil {
		return nil, err
	}
	err = s.read(ctx, self(person), func(ss session) error {
		return ss.query(listPasskeys, func(r row) error {
			p := Passkey{ID: append([]byte{}, r.blob(0)...), Person: r.text(1), Created: timeOf(r.int(3)), Used: timeOf(r.int(4))}
			text, err := k.open("passkey "+string(p.ID), r.blob(2))
			p.Credential = []byte(text)
			out = append(out, p)
			return err
		}, person)
	})
	return out, err
}

// PasskeyOwner returns whose passkey an id is; "" for nobody's. It looks across
// people.
func (s *Store) PasskeyOwner(ctx context.Context, id []byte) (person string, err error) {
	err = s.read(ctx, everyone, func(ss session) error {
		return ss.query(findPasskey, func(r row) error { person = r.text(0); return nil }, id)
	})
	return person, err
}

// RemovePasskey forgets a passkey. Safe to repeat.
func (s *Store) RemovePasskey(ctx context.Context, person string, id []byte) error {
	return s.write(ctx, self(person), func(ss session) error { return ss.exec(dropPasskey, id, person) })
}

// SetRecoveryCodes keeps the hashes of a person's recovery codes, in place of
// earlier ones.
func (s *Store) SetRecoveryCodes(ctx context.Context, person string, hashes [][]byte) error {
	return s.write(ctx, self(person), func(ss session) error {
		if err := ss.exec(dropCodes, person); err != nil {
			return err
		}
		for _, h := range hashes {
			if err := ss.exec(addCode, person, h); err != nil {
				return err
			}
		}
		return nil
	})
}

// UseRecoveryCode removes a code and says whether it was there: each serves once.
func (s *Store) UseRecoveryCode(ctx context.Context, person string, hash []byte) (ok bool, err error) {
	find := statement{findCode.sqlite, findCode.postgres + " FOR UPDATE"}
	err = s.write(ctx, self(person), func(ss session) error {
		ok = false
		if err := ss.query(find, func(row) error { ok = true; return nil }, person, hash); err != nil {
			return err
		}
		return ss.exec(dropCode, person, hash)
	})
	return ok, err
}

// RecoveryCodes counts the codes that a person has left.
func (s *Store) RecoveryCodes(ctx context.Context, person string) (n int64, err error) {
	err = s.read(ctx, self(person), func(ss session) error {
		n, err = one(ss, countCodes, person)
		return err
	})
	return n, err
}
