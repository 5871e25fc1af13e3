package store

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/rialto-migrate/rialto/internal/vault"
)

var (
	getMigration = both(`SELECT num, name, created, sealed_print, sealed_store FROM migration
		WHERE organisation = $1 AND name = $2`)
	listMigrations = both(`SELECT num, name, created, sealed_print, sealed_store FROM migration
		WHERE organisation = $1 ORDER BY num`)
	// In SQLite a transaction that writes is alone anyway.
	lockMigrations = statement{"SELECT 1", "LOCK TABLE migration IN SHARE ROW EXCLUSIVE MODE"}
	addMigration   = both(`INSERT INTO migration (num, organisation, name, sealed_print, sealed_store, created)
		SELECT coalesce(max(num), 0) + 1, $1, $2, $3, $4, $5 FROM migration WHERE true
		ON CONFLICT (organisation, name) DO NOTHING`)
)

// A Migration is one that the store knows, by the name in its file.
type Migration struct {
	Num     int64
	Name    string
	Created time.Time

	sealedPrint, sealedStore []byte
}

func migrationOf(r row) Migration {
	return Migration{
		Num: r.int(0), Name: r.text(1), Created: timeOf(r.int(2)),
		sealedPrint: bytes.Clone(r.blob(3)), sealedStore: bytes.Clone(r.blob(4)),
	}
}

// Migrations returns the migrations of an organisation, the oldest first.
func (s *Store) Migrations(ctx context.Context, organisation string) (out []Migration, err error) {
	err = s.read(ctx, of(organisation), func(ss session) error {
		return ss.query(listMigrations, func(r row) error { out = append(out, migrationOf(r)); return nil }, organisation)
	})
	return out, err
}

// Ledger opens the ledger of a migration, made if the migration is new. One
// process has it at a time: another one gets a Conflict that says which. The
// caller closes it.
func (s *Store) Ledger(ctx context.Context, organisation, migration string) (*Ledger, error) {
	k, m, err := s.migration(ctx, organisation, migration)
	if err != nil {
		return nil, err
	}
	printKey, err := k.Open(keySlot(organisation, migration, "print key"), m.sealedPrint)
	if err != nil {
		return nil, err
	}
	tables := schema{"ledger", s.opts.Program}
	if !s.opts.Postgres.IsZero() {
		db, err := openPostgres(ctx, s.opts.Postgres, ledgerSchema(m.Num), true, tables)
		if err != nil {
			return nil, err
		}
		return ready(ctx, db, printKey, func() error { return nil })
	}
	storeKey, err := k.Open(keySlot(organisation, migration, "store key"), m.sealedStore)
	if err != nil {
		return nil, err
	}
	unlock, err := lockFile(s.ledgerFile(m.Num, ".lock"))
	if err != nil {
		return nil, err
	}
	db, err := openSQLite(ctx, sqliteSettings{
		path: s.ledgerFile(m.Num, ".db"), key: storeKey, log: true, cacheKiB: ledgerCacheKiB,
	}, tables)
	if err != nil {
		return nil, errors.Join(err, unlock())
	}
	return ready(ctx, db, printKey, unlock)
}

// Look opens the ledger of a migration for reading, beside the process that has
// it. It is nil for a migration that has none yet. The caller closes it.
func (s *Store) Look(ctx context.Context, organisation, migration string) (*Ledger, error) {
	look, err := s.look(ctx, organisation, migration)
	if !errors.Is(err, errOld) {
		return look, err
	}
	// Whoever opens it brings it up to date.
	l, err := s.Ledger(ctx, organisation, migration)
	if err != nil {
		return nil, err
	}
	if err := l.Close(); err != nil {
		return nil, err
	}
	return s.look(ctx, organisation, migration)
}

func (s *Store) look(ctx context.Context, organisation, migration string) (*Ledger, error) {
	m, err := s.knownMigration(ctx, organisation, migration)
	if err != nil || m.Num == 0 {
		return nil, err
	}
	k, m, err := s.migration(ctx, organisation, migration)
	if err != nil {
		return nil, err
	}
	nothing := func() error { return nil }
	if !s.opts.Postgres.IsZero() {
		db, err := connectPostgres(ctx, s.opts.Postgres, ledgerSchema(m.Num), false)
		if err != nil {
			return nil, err
		}
		if _, err := (schema{"ledger", s.opts.Program}).check(ctx, db.db, dialectPostgres); err != nil {
			return nil, errors.Join(explain(wherePostgres, err), db.close())
		}
		if _, err := db.conn.ExecContext(ctx, "SET default_transaction_read_only = on"); err != nil {
			return nil, errors.Join(explain(wherePostgres, err), db.close())
		}
		return ready(ctx, db, nil, nothing)
	}
	storeKey, err := k.Open(keySlot(organisation, migration, "store key"), m.sealedStore)
	if err != nil {
		return nil, err
	}
	db, err := openSQLite(ctx, sqliteSettings{path: s.ledgerFile(m.Num, ".db"), key: storeKey, look: true, cacheKiB: ledgerCacheKiB}, schema{"ledger", s.opts.Program})
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	return ready(ctx, db, nil, nothing)
}

func ready(ctx context.Context, db engine, printKey []byte, unlock func() error) (*Ledger, error) {
	l, err := newLedger(ctx, db, printKey, unlock)
	if err != nil {
		return nil, errors.Join(err, db.close(), unlock())
	}
	return l, nil
}

// DiscardLedger deletes the ledger of a migration, whatever its state: the way
// out of a damaged one, before it is rebuilt. The migration keeps its keys.
func (s *Store) DiscardLedger(ctx context.Context, organisation, migration string) error {
	_, m, err := s.migration(ctx, organisation, migration)
	if err != nil {
		return err
	}
	if !s.opts.Postgres.IsZero() {
		db, err := connectPostgres(ctx, s.opts.Postgres, ledgerSchema(m.Num), true)
		if err != nil {
			return err
		}
		name := pgx.Identifier{ledgerSchema(m.Num)}.Sanitize()
		err = db.update(ctx, durable, func(ss session) error {
			return ss.exec(both("DROP SCHEMA IF EXISTS " + name + " CASCADE"))
		})
		return errors.Join(err, db.close())
	}
	unlock, err := lockFile(s.ledgerFile(m.Num, ".lock"))
	if err != nil {
		return err
	}
	var errs []error
	for _, end := range []string{".db", ".db-wal", ".db-shm", ".db-journal"} {
		if err := os.Remove(s.ledgerFile(m.Num, end)); !errors.Is(err, fs.ErrNotExist) {
			errs = append(errs, explain(s.ledgerFile(m.Num, end), err))
		}
	}
	return errors.Join(append(errs, unlock())...)
}

// migration returns a migration and its organisation's key; both are made if
// they are new.
func (s *Store) migration(ctx context.Context, organisation, name string) (*vault.Key, Migration, error) {
	if err := checkName("a migration", name); err != nil {
		return nil, Migration{}, err
	}
	k, err := s.key(ctx, organisation)
	if err != nil {
		return nil, Migration{}, err
	}
	m, err := s.knownMigration(ctx, organisation, name)
	if err != nil || m.Num != 0 {
		return k, m, err
	}
	sealed := make([][]byte, 2)
	for i, use := range []struct {
		field string
		bytes int
	}{{"print key", 32}, {"store key", storeKeyBytes}} {
		key, err := randomBytes(use.bytes)
		if err != nil {
			return nil, Migration{}, err
		}
		if sealed[i], err = k.Seal(keySlot(organisation, name, use.field), key); err != nil {
			return nil, Migration{}, err
		}
	}
	// Numbers run across organisations.
	err = s.write(ctx, everyone, func(ss session) error {
		if err := ss.exec(lockMigrations); err != nil {
			return err
		}
		return ss.exec(addMigration, organisation, name, sealed[0], sealed[1], now())
	})
	if err != nil {
		return nil, Migration{}, err
	}
	m, err = s.knownMigration(ctx, organisation, name) // another process may have been quicker
	return k, m, err
}

func (s *Store) knownMigration(ctx context.Context, organisation, name string) (m Migration, err error) {
	err = s.read(ctx, of(organisation), func(ss session) error {
		return ss.query(getMigration, func(r row) error { m = migrationOf(r); return nil }, organisation, name)
	})
	return m, err
}

func keySlot(organisation, migration, field string) vault.Slot {
	return vault.Slot{Organisation: organisation, Owner: "migration:" + migration, Field: field}
}

func (s *Store) ledgerFile(num int64, end string) string {
	return filepath.Join(s.opts.Dir, "ledgers", strconv.FormatInt(num, 10)+end)
}

func ledgerSchema(num int64) string { return fmt.Sprintf("rialto_ledger_%d", num) }
