// Package store keeps what Rialto remembers in a database: SQLite files,
// encrypted with AES-256-XTS, or PostgreSQL. There is one database of
// connections and migrations, and one ledger for each migration. All SQL of the
// project is here; the schemas are under schema/.
//
// What is kept is ids, versions, states, times and counts, and secrets only as
// package vault seals them. A test holds every column against that list.
//
// The encryption of the files hides what they hold from whoever finds a copy.
// XTS does not reveal that somebody changed a file; what is sealed does.
package store

import (
	"context"
	"crypto/rand"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"sync"

	"github.com/rialto-migrate/rialto/connector"
	"github.com/rialto-migrate/rialto/internal/vault"
)

// Options say where a store is.
type Options struct {
	// Dir is the state directory, made with mode 0700 if it is missing. "" is
	// DefaultDir.
	Dir string
	// RootFile holds the root key unless the environment does. "" is root.key in
	// Dir; a place that is not backed up together with Dir is better.
	RootFile string
	// Postgres is the address of a database to use instead of files; zero for
	// files. Its ledgers are schemas of their own.
	Postgres vault.Secret
	// Program is this program's version, kept so that an older one can say
	// which to install.
	Program string
	// Getenv reads the environment; nil is an empty one.
	Getenv func(string) string
}

// DefaultDir is $XDG_STATE_HOME/rialto, or ~/.local/state/rialto.
func DefaultDir(getenv func(string) string) (string, error) {
	if dir := getenv("XDG_STATE_HOME"); filepath.IsAbs(dir) { // a relative one is to be ignored: XDG Base Directory Specification
		return filepath.Join(dir, "rialto"), nil
	}
	home := getenv("HOME")
	if home == "" {
		return "", connector.Errorf(connector.Permanent, "store: neither XDG_STATE_HOME nor HOME is set").
			WithHint("name a state directory")
	}
	return filepath.Join(home, ".local", "state", "rialto"), nil
}

// A Store is an open database of connections and migrations. It is safe for
// concurrent use, also by several processes; its owner closes it.
type Store struct {
	opts     Options
	accounts engine

	mu   sync.Mutex
	root *vault.Root
	keys map[string]*vault.Key // by organisation
	uses sync.Map              // the service's own keys, by their use: []byte
}

const (
	accountsCacheKiB = 2 << 10
	ledgerCacheKiB   = 6 << 10
)

// Open opens the store, made if it is missing.
func Open(ctx context.Context, opts Options) (_ *Store, err error) {
	if opts.Getenv == nil {
		opts.Getenv = func(string) string { return "" }
	}
	if opts.Dir == "" {
		if opts.Dir, err = DefaultDir(opts.Getenv); err != nil {
			return nil, err
		}
	}
	if opts.RootFile == "" {
		opts.RootFile = filepath.Join(opts.Dir, "root.key")
	}
	if err := os.MkdirAll(filepath.Join(opts.Dir, "ledgers"), 0o700); err != nil {
		return nil, explain(opts.Dir, err)
	}
	s := &Store{opts: opts, keys: map[string]*vault.Key{}}
	tables := schema{"accounts", opts.Program}
	open := s.openFiles
	if !opts.Postgres.IsZero() {
		open = s.openPostgres
	}
	if err := open(ctx, tables); err != nil {
		return nil, err
	}
	return s, nil
}

func (s *Store) openFiles(ctx context.Context, tables schema) error {
	// The root key may be made as long as nothing was sealed under it.
	fresh := !exists(s.accountsKeyFile())
	if fresh && exists(s.accountsFile()) {
		return connector.Errorf(connector.Permanent, "store: %s is missing, and %s cannot be opened without it", s.accountsKeyFile(), s.accountsFile()).
			WithHint("restore the state directory from a backup")
	}
	var err error
	if s.root, err = vault.LoadRoot(s.opts.RootFile, fresh, s.opts.Getenv); err != nil {
		return err
	}
	key, err := s.accountsKey(fresh)
	if err != nil {
		return err
	}
	db, err := openSQLite(ctx, sqliteSettings{path: s.accountsFile(), key: key, cacheKiB: accountsCacheKiB}, tables)
	if err != nil {
		return err
	}
	s.accounts = db
	return nil
}

func (s *Store) openPostgres(ctx context.Context, tables schema) error {
	db, err := openPostgres(ctx, s.opts.Postgres, "rialto_accounts", false, tables)
	if err != nil {
		return err
	}
	s.accounts = db
	var sealed int64
	if err = db.share(ctx); err == nil {
		err = s.read(ctx, everyone, func(ss session) (err error) {
			sealed, err = one(ss, countOrganisations)
			return err
		})
	}
	if err == nil {
		s.root, err = vault.LoadRoot(s.opts.RootFile, sealed == 0, s.opts.Getenv)
	}
	if err != nil {
		return errors.Join(err, db.close())
	}
	return nil
}

// Close ends the use of the store. Ledgers are closed by themselves.
func (s *Store) Close() error { return s.accounts.close() }

func (s *Store) accountsFile() string    { return filepath.Join(s.opts.Dir, "accounts.db") }
func (s *Store) accountsKeyFile() string { return filepath.Join(s.opts.Dir, "accounts.key") }

// accountsContext binds the sealed key of accounts.db to its use.
const accountsContext = "rialto accounts.db key 1"

// accountsKey opens the key of accounts.db, made if fresh. If two processes
// make it at once, both use the one that was first.
func (s *Store) accountsKey(fresh bool) ([]byte, error) {
	path := s.accountsKeyFile()
	if fresh {
		key, err := randomBytes(storeKeyBytes)
		if err != nil {
			return nil, err
		}
		if err := s.sealAccountsKey(key, os.Link); err != nil && !errors.Is(err, fs.ErrExist) {
			return nil, explain(path, err)
		}
	}
	sealed, err := os.ReadFile(path)
	if err != nil {
		return nil, explain(path, err)
	}
	return s.root.Decrypt(sealed, []byte(accountsContext))
}

// sealAccountsKey writes the sealed key to a file of its own and has place put
// it where it belongs, so that no half of it is ever seen.
func (s *Store) sealAccountsKey(key []byte, place func(from, to string) error) error {
	sealed, err := s.root.Encrypt(key, []byte(accountsContext))
	if err != nil {
		return err
	}
	f, err := os.CreateTemp(s.opts.Dir, ".accounts-key-*")
	if err != nil {
		return err
	}
	defer os.Remove(f.Name()) // gone already after a rename
	_, err = f.Write(sealed)
	if err == nil {
		err = f.Sync()
	}
	if err = errors.Join(err, f.Close()); err != nil {
		return err
	}
	return place(f.Name(), s.accountsKeyFile())
}

// RotateRoot replaces the root key, and seals everything that it sealed anew.
// A root key in a file is replaced by a random one; for one in the environment,
// put the new key before the old one there, rotate, and then take the old one
// away. Safe to repeat after it was cut off. No other process may use the store
// meanwhile.
func (s *Store) RotateRoot(ctx context.Context) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	inFile := s.opts.Getenv(vault.RootVariable) == ""
	if inFile {
		key, err := vault.RandomKey()
		if err != nil {
			return err
		}
		both, err := s.root.With(key)
		if err != nil {
			return err
		}
		if err := vault.SaveRoot(s.opts.RootFile, both); err != nil {
			return err
		}
		s.root = both
	}
	if err := s.rewrap(ctx); err != nil {
		return err
	}
	if !inFile {
		return nil
	}
	if err := vault.SaveRoot(s.opts.RootFile, s.root.Newest()); err != nil {
		return err
	}
	s.root = s.root.Newest()
	return nil
}

// rewrap seals every key that is sealed under the root anew.
func (s *Store) rewrap(ctx context.Context) error {
	if s.opts.Postgres.IsZero() {
		key, err := s.accountsKey(false)
		if err != nil {
			return err
		}
		if err := s.sealAccountsKey(key, os.Rename); err != nil {
			return explain(s.accountsKeyFile(), err)
		}
	}
	return s.write(ctx, everyone, func(ss session) error {
		sealed := map[string][]byte{}
		err := ss.query(listOrganisations, func(r row) (err error) {
			sealed[r.text(0)], err = vault.Rewrap(s.root, r.text(0), r.blob(1))
			return err
		})
		if err != nil {
			return err
		}
		for name, key := range sealed {
			if err := ss.exec(setOrganisation, key, name); err != nil {
				return err
			}
		}
		return s.rewrapPeople(ss)
	})
}

func exists(path string) bool {
	_, err := os.Stat(path)
	return !errors.Is(err, fs.ErrNotExist)
}

func randomBytes(n int) ([]byte, error) {
	b := make([]byte, n)
	_, err := rand.Read(b)
	return b, err
}

// Ready reports whether the database answers.
func (s *Store) Ready(ctx context.Context) error {
	return s.read(ctx, everyone, func(ss session) error {
		_, err := one(ss, countOrganisations)
		return err
	})
}
