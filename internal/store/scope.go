package store

import "context"

// A scope is whose rows of the accounts a transaction works on. PostgreSQL shows
// it no others, whatever its statements say; in SQLite the statements' own keys
// hold alone.
type scope struct{ organisation, person string }

// everyone is the scope of what must look across organisations: a sign-in, a
// session's token, the seal of all keys, what is due. Few methods use it.
var everyone = scope{organisation: "*"}

// of is the scope of one organisation.
func of(organisation string) scope { return scope{organisation: organisation} }

// self is the scope of one person, with that person's memberships.
func self(person string) scope { return scope{person: person} }

// read reads of the accounts, within a scope.
func (s *Store) read(ctx context.Context, whose scope, work func(session) error) error {
	return s.accounts.view(ctx, func(ss session) error {
		if err := ss.enter(whose); err != nil {
			return err
		}
		return work(ss)
	})
}

// write changes the accounts, within a scope. What work did is on the disk when
// write returns, or nothing of it holds.
func (s *Store) write(ctx context.Context, whose scope, work func(session) error) error {
	return s.accounts.update(ctx, durable, func(ss session) error {
		if err := ss.enter(whose); err != nil {
			return err
		}
		return work(ss)
	})
}
