package store

import (
	"bytes"
	"context"

	"golang.org/x/mod/sumdb/tlog"

	"github.com/rialto-migrate/rialto/connector"
	"github.com/rialto-migrate/rialto/internal/audit"
	"github.com/rialto-migrate/rialto/internal/vault"
)

var (
	// lockAudit keeps other processes from appending to the same log. In SQLite a
	// transaction that writes is alone anyway.
	lockAudit = statement{"SELECT $1",
		"SELECT 1 FROM pg_advisory_xact_lock(hashtextextended('rialto audit ' || $1, 0))"}
	newestCheckpoint = both("SELECT signed FROM audit_checkpoint WHERE organisation = $1 ORDER BY size DESC LIMIT 1")
	auditRecords     = both("SELECT record FROM audit_record WHERE organisation = $1 AND num >= $2 AND num < $3 ORDER BY num")
	auditHashes      = statement{
		"SELECT num, hash FROM audit_hash WHERE organisation = $1 AND num = $2",
		"SELECT num, hash FROM audit_hash WHERE organisation = $1 AND num = ANY($2::bigint[])"}
	addAuditRecords = statement{
		"INSERT INTO audit_record (organisation, num, record) VALUES ($1, $2, $3)",
		"INSERT INTO audit_record (organisation, num, record) SELECT $1, * FROM unnest($2::bigint[], $3::bytea[])"}
	addAuditHashes = statement{
		"INSERT INTO audit_hash (organisation, num, hash) VALUES ($1, $2, $3)",
		"INSERT INTO audit_hash (organisation, num, hash) SELECT $1, * FROM unnest($2::bigint[], $3::bytea[])"}
	addCheckpoint = both("INSERT INTO audit_checkpoint (organisation, size, signed) VALUES ($1, $2, $3)")
	dropAudit     = []statement{
		both("DELETE FROM audit_checkpoint WHERE organisation = $1"), both("DELETE FROM audit_hash WHERE organisation = $1"),
		both("DELETE FROM audit_record WHERE organisation = $1"),
	}
	getPersonKey = both("SELECT sealed_key FROM person WHERE id = $1")
)

// AuditLog returns the audit logs of all organisations. A process makes it once:
// what it appends at the same time shares transactions.
func (s *Store) AuditLog(ctx context.Context) (*audit.Log, error) {
	seed, err := s.ServiceKey(ctx, "signature of audit logs")
	if err != nil {
		return nil, err
	}
	return audit.New(auditRows{s}, auditKeys{s}, seed)
}

// removeAudit takes an organisation's whole log away. Safe to repeat.
func (s *Store) removeAudit(ctx context.Context, organisation string) error {
	return s.write(ctx, everyone, func(ss session) error {
		for _, st := range dropAudit {
			if err := ss.exec(st, organisation); err != nil {
				return err
			}
		}
		return nil
	})
}

// auditRows is the storage of audit logs.
type auditRows struct{ s *Store }

func (a auditRows) Append(ctx context.Context, organisation string, write func(audit.Rows) error) error {
	return a.s.write(ctx, of(organisation), func(ss session) error {
		if err := ss.query(lockAudit, func(row) error { return nil }, organisation); err != nil {
			return err
		}
		return write(auditSession{ss, organisation})
	})
}

func (a auditRows) View(ctx context.Context, organisation string, read func(audit.Rows) error) error {
	return a.s.read(ctx, of(organisation), func(ss session) error { return read(auditSession{ss, organisation}) })
}

// auditSession are the rows of one log within a transaction.
type auditSession struct {
	session
	organisation string
}

func (a auditSession) Checkpoint() (signed []byte, err error) {
	err = a.query(newestCheckpoint, func(r row) error { signed = bytes.Clone(r.blob(0)); return nil }, a.organisation)
	return signed, err
}

func (a auditSession) Records(from, to int64, each func([]byte) error) error {
	return a.query(auditRecords, func(r row) error { return each(r.blob(0)) }, a.organisation, from, to)
}

func (a auditSession) ReadHashes(indexes []int64) ([]tlog.Hash, error) {
	found := make(map[int64]tlog.Hash, len(indexes))
	err := a.query(auditHashes, func(r row) error {
		if b := r.blob(1); len(b) == tlog.HashSize {
			found[r.int(0)] = tlog.Hash(b)
		}
		return nil
	}, a.organisation, indexes)
	if err != nil {
		return nil, err
	}
	out := make([]tlog.Hash, len(indexes))
	for i, n := range indexes {
		h, ok := found[n]
		if !ok {
			return nil, connector.Errorf(connector.Permanent, "store: hash %d of the audit log of %s is missing", n, a.organisation).
				WithHint("somebody changed the database: keep it as it is, restore a backup elsewhere, and compare")
		}
		out[i] = h
	}
	return out, nil
}

func (a auditSession) Put(b audit.Batch) error {
	if err := a.exec(addAuditRecords, a.organisation, from(b.First, len(b.Records)), b.Records); err != nil {
		return err
	}
	hashes := make([][]byte, len(b.Hashes))
	for i := range b.Hashes {
		hashes[i] = b.Hashes[i][:]
	}
	if err := a.exec(addAuditHashes, a.organisation, from(b.FirstHash, len(hashes)), hashes); err != nil {
		return err
	}
	return a.exec(addCheckpoint, a.organisation, b.Size, b.Checkpoint)
}

// from counts n numbers from the first on.
func from(first int64, n int) []int64 {
	out := make([]int64, n)
	for i := range out {
		out[i] = first + int64(i)
	}
	return out
}

// auditKeys seal what is personal in an audit log: under the person's key, which
// goes with the person, or the organisation's.
type auditKeys struct{ s *Store }

func (a auditKeys) Seal(ctx context.Context, organisation, person, field string, value []byte) ([]byte, error) {
	k, slot, err := a.key(ctx, organisation, person, field)
	if err != nil {
		return nil, err
	}
	return k.Seal(slot, value)
}

func (a auditKeys) Open(ctx context.Context, organisation, person, field string, sealed []byte) ([]byte, error) {
	k, slot, err := a.key(ctx, organisation, person, field)
	if err != nil {
		return nil, err
	}
	return k.Open(slot, sealed)
}

func (a auditKeys) key(ctx context.Context, organisation, person, field string) (*vault.Key, vault.Slot, error) {
	slot := vault.Slot{Organisation: organisation, Owner: "audit:" + organisation, Field: field}
	if person == "" {
		k, err := a.s.key(ctx, organisation)
		return k, slot, err
	}
	slot.Organisation = ownerOf(person)
	var sealed []byte
	err := a.s.read(ctx, self(person), func(ss session) error {
		return ss.query(getPersonKey, func(r row) error { sealed = bytes.Clone(r.blob(0)); return nil }, person)
	})
	if err == nil && sealed == nil {
		err = noPerson()
	}
	if err != nil {
		return nil, slot, err
	}
	k, err := vault.OpenKey(a.s.root, ownerOf(person), sealed)
	return k, slot, err
}
