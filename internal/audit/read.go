package audit

import (
	"context"

	"golang.org/x/mod/sumdb/tlog"

	"github.com/rialto-migrate/rialto/connector"
)

// Checkpoint returns the newest checkpoint of a log: what whoever does not trust
// us should keep. That of an empty log is not signed.
func (l *Log) Checkpoint(ctx context.Context, organisation string) (c Checkpoint, err error) {
	err = l.storage.View(ctx, organisation, func(rows Rows) error {
		c, err = l.head(rows, organisation)
		return err
	})
	return c, err
}

// Entries returns the entries with numbers in [from, to), in their order; what of
// them is sealed stays so until Open. Numbers that there are not are left out.
func (l *Log) Entries(ctx context.Context, organisation string, from, to int64) (out []Entry, err error) {
	err = l.storage.View(ctx, organisation, func(rows Rows) error {
		return rows.Records(from-1, to-1, func(record []byte) error {
			e, err := decode(record)
			if err != nil {
				return tampered("entry %d of the log of %s: %v", from+int64(len(out)), organisation, err)
			}
			out = append(out, e)
			return nil
		})
	})
	return out, err
}

// Prove returns the proof that a log of size newer begins with all that it held at
// size older: tlog.CheckTree checks it against two checkpoints.
func (l *Log) Prove(ctx context.Context, organisation string, older, newer int64) (proof tlog.TreeProof, err error) {
	err = l.storage.View(ctx, organisation, func(rows Rows) error {
		c, err := l.head(rows, organisation)
		if err != nil {
			return err
		}
		if older < 1 || older > newer || newer > c.Size {
			return connector.Errorf(connector.Gone, "audit: the log of %s has %d entries: there is no proof from %d to %d", organisation, c.Size, older, newer)
		}
		proof, err = tlog.ProveTree(newer, older, rows)
		return err
	})
	return proof, err
}
