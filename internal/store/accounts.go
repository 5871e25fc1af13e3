package store

import (
	"context"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/rialto-migrate/rialto/connector"
	"github.com/rialto-migrate/rialto/internal/vault"
)

var (
	countOrganisations = both("SELECT count(*) FROM organisation")
	listOrganisations  = both("SELECT name, sealed_key FROM organisation")
	getOrganisation    = both("SELECT sealed_key FROM organisation WHERE name = $1")
	addOrganisation    = both("INSERT INTO organisation (name, sealed_key) VALUES ($1, $2) ON CONFLICT DO NOTHING")
	setOrganisation    = both("UPDATE organisation SET sealed_key = $1 WHERE name = $2")

	putConnection = both(`INSERT INTO connection (organisation, name, connector, identity_id, created) VALUES ($1, $2, $3, $4, $5)
		ON CONFLICT (organisation, name) DO UPDATE SET connector = excluded.connector,
			identity_id = excluded.identity_id, created = excluded.created`)
	listConnections = both("SELECT name, connector, identity_id, created FROM connection WHERE organisation = $1 ORDER BY name")
	getConnection   = both("SELECT name, connector, identity_id, created FROM connection WHERE organisation = $1 AND name = $2")
	dropConnection  = both("DELETE FROM connection WHERE organisation = $1 AND name = $2")
	putValue        = both(`INSERT INTO connection_value (organisation, connection, field, secret, sealed_value) VALUES ($1, $2, $3, $4, $5)
		ON CONFLICT (organisation, connection, field, secret) DO UPDATE SET sealed_value = excluded.sealed_value`)
	listValues = both("SELECT connection, field, secret, sealed_value FROM connection_value WHERE organisation = $1")
	getValues  = both("SELECT connection, field, secret, sealed_value FROM connection_value WHERE organisation = $1 AND connection = $2")
	dropValues = both("DELETE FROM connection_value WHERE organisation = $1 AND connection = $2")
)

// key returns the key of an organisation, made if it has none.
func (s *Store) key(ctx context.Context, organisation string) (*vault.Key, error) {
	if err := checkName("an organisation", organisation); err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if k := s.keys[organisation]; k != nil {
		return k, nil
	}
	sealed, err := s.sealedKey(ctx, organisation)
	if err != nil {
		return nil, err
	}
	if sealed == nil {
		fresh, err := vault.NewKey(organisation)
		if err != nil {
			return nil, err
		}
		if sealed, err = fresh.Sealed(s.root); err != nil {
			return nil, err
		}
		err = s.write(ctx, of(organisation), func(ss session) error {
			return ss.exec(addOrganisation, organisation, sealed)
		})
		if err != nil {
			return nil, err
		}
		// Another process may have been quicker; its key counts then.
		if sealed, err = s.sealedKey(ctx, organisation); err != nil {
			return nil, err
		}
	}
	k, err := vault.OpenKey(s.root, organisation, sealed)
	if err != nil {
		return nil, err
	}
	s.keys[organisation] = k
	return k, nil
}

func (s *Store) sealedKey(ctx context.Context, organisation string) (sealed []byte, err error) {
	err = s.read(ctx, of(organisation), func(ss session) error {
		return ss.query(getOrganisation, func(r row) error {
			sealed = append(sealed, r.blob(0)...)
			return nil
		}, organisation)
	})
	return sealed, err
}

// PutConnection keeps a connection, in place of one of the same name. Settings
// and secrets alike are sealed.
func (s *Store) PutConnection(ctx context.Context, organisation string, c vault.Connection) error {
	if err := checkName("a connection", c.Name); err != nil {
		return err
	}
	k, err := s.key(ctx, organisation)
	if err != nil {
		return err
	}
	type value struct {
		field  string
		secret int64
		sealed []byte
	}
	var values []value
	for field, text := range c.Settings {
		sealed, err := k.Seal(slot(organisation, c.Name, field, false), []byte(text))
		if err != nil {
			return err
		}
		values = append(values, value{field, 0, sealed})
	}
	for field, secret := range c.Secrets {
		sealed, err := k.Seal(slot(organisation, c.Name, field, true), []byte(secret.Reveal()))
		if err != nil {
			return err
		}
		values = append(values, value{field, 1, sealed})
	}
	return s.write(ctx, of(organisation), func(ss session) error {
		if err := ss.exec(putConnection, organisation, c.Name, c.Connector, c.Identity, stamp(c.Created)); err != nil {
			return err
		}
		if err := ss.exec(dropValues, organisation, c.Name); err != nil {
			return err
		}
		for _, v := range values {
			if err := ss.exec(putValue, organisation, c.Name, v.field, v.secret, v.sealed); err != nil {
				return err
			}
		}
		return nil
	})
}

// RenewSecret seals one secret of a connection anew: a token that was
// refreshed.
func (s *Store) RenewSecret(ctx context.Context, organisation, name, field string, secret vault.Secret) error {
	k, err := s.key(ctx, organisation)
	if err != nil {
		return err
	}
	sealed, err := k.Seal(slot(organisation, name, field, true), []byte(secret.Reveal()))
	if err != nil {
		return err
	}
	return s.write(ctx, of(organisation), func(ss session) error {
		found := false
		err := ss.query(getConnection, func(row) error { found = true; return nil }, organisation, name)
		if err != nil {
			return err
		}
		if !found {
			return noConnection(name)
		}
		return ss.exec(putValue, organisation, name, field, int64(1), sealed)
	})
}

// Connection returns a connection with its secrets.
func (s *Store) Connection(ctx context.Context, organisation, name string) (vault.Connection, error) {
	k, err := s.key(ctx, organisation)
	if err != nil {
		return vault.Connection{}, err
	}
	found := map[string]*vault.Connection{}
	err = s.read(ctx, of(organisation), func(ss session) error {
		err := ss.query(getConnection, func(r row) error { found[name] = connectionOf(r); return nil }, organisation, name)
		if err != nil || found[name] == nil {
			return err
		}
		return ss.query(getValues, func(r row) error { return openValue(k, organisation, found, r, true) }, organisation, name)
	})
	if err != nil {
		return vault.Connection{}, err
	}
	if found[name] == nil {
		return vault.Connection{}, noConnection(name)
	}
	return *found[name], nil
}

// Connections returns all connections of an organisation by name, without
// their secrets.
func (s *Store) Connections(ctx context.Context, organisation string) ([]vault.Connection, error) {
	k, err := s.key(ctx, organisation)
	if err != nil {
		return nil, err
	}
	found := map[string]*vault.Connection{}
	var names []string
	err = s.read(ctx, of(organisation), func(ss session) error {
		err := ss.query(listConnections, func(r row) error {
			names = append(names, r.text(0))
			found[r.text(0)] = connectionOf(r)
			return nil
		}, organisation)
		if err != nil {
			return err
		}
		return ss.query(listValues, func(r row) error { return openValue(k, organisation, found, r, false) }, organisation)
	})
	if err != nil {
		return nil, err
	}
	out := make([]vault.Connection, len(names))
	for i, n := range names {
		out[i] = *found[n]
	}
	return out, nil
}

// RemoveConnection forgets a connection and its secrets.
func (s *Store) RemoveConnection(ctx context.Context, organisation, name string) error {
	return s.write(ctx, of(organisation), func(ss session) error {
		found := false
		err := ss.query(getConnection, func(row) error { found = true; return nil }, organisation, name)
		if err != nil {
			return err
		}
		if !found {
			return noConnection(name)
		}
		if err := ss.exec(dropValues, organisation, name); err != nil {
			return err
		}
		return ss.exec(dropConnection, organisation, name)
	})
}

func connectionOf(r row) *vault.Connection {
	return &vault.Connection{
		Name: r.text(0), Connector: r.text(1), Identity: r.text(2), Created: timeOf(r.int(3)),
		Settings: map[string]string{},
	}
}

// openValue opens a sealed value into its connection; secrets only if wanted.
func openValue(k *vault.Key, organisation string, found map[string]*vault.Connection, r row, secrets bool) error {
	name, field, secret := r.text(0), r.text(1), r.int(2) != 0
	c := found[name]
	if c == nil || secret && !secrets {
		return nil
	}
	value, err := k.Open(slot(organisation, name, field, secret), r.blob(3))
	if err != nil {
		return err
	}
	if !secret {
		c.Settings[field] = string(value)
		return nil
	}
	if c.Secrets == nil {
		c.Secrets = map[string]vault.Secret{}
	}
	c.Secrets[field] = vault.NewSecret(string(value))
	return nil
}

func slot(organisation, connection, field string, secret bool) vault.Slot {
	kind := "setting:"
	if secret {
		kind = "secret:"
	}
	return vault.Slot{Organisation: organisation, Owner: "connection:" + connection, Field: kind + field}
}

func noConnection(name string) error {
	return connector.Errorf(connector.Gone, "store: there is no connection %q", name).
		WithHint("make it with: rialto connect CLOUD --name " + name)
}

// maxName is the longest name of a connection or migration, in bytes.
const maxName = 200

// checkName refuses names that would not read well in a log or on a terminal.
func checkName(what, name string) error {
	bad := func(r rune) bool { return unicode.IsControl(r) || unicode.Is(unicode.Cf, r) }
	switch {
	case name == "":
		return connector.Errorf(connector.Permanent, "store: %s needs a name", what)
	case len(name) > maxName:
		return connector.Errorf(connector.Permanent, "store: the name of %s has %d bytes; at most %d are allowed", what, len(name), maxName)
	case !utf8.ValidString(name) || strings.ContainsFunc(name, bad):
		return connector.Errorf(connector.Permanent, "store: the name %q of %s holds characters that cannot be seen", name, what).
			WithHint("use letters, digits, spaces, dots and hyphens")
	}
	return nil
}

// now is the time that rows are made at.
func now() int64 { return time.Now().UnixNano() }
