package store

import (
	"context"
	"slices"
	"sync"
	"time"

	"github.com/rialto-migrate/rialto/connector"
	"github.com/rialto-migrate/rialto/internal/ledger"
	"github.com/rialto-migrate/rialto/item"
)

// A Ledger is one migration's memory in a database. It keeps what
// ledger.Ledger promises, and its owner closes it. Besides, from package
// ledger's words:
//
//   - When Apply has returned, a killed process loses nothing of it. When the
//     machine loses its power, the last batches may be lost as a whole, but
//     never one that holds intents, nor any before it: what was announced before
//     it was sent is found again.
//   - A key that is removed takes its row, intent, failure and links with it;
//     an alias is known while the row that it names is.
//   - What was put in a row clears the failure of the same key, unless the
//     same batch holds one.
type Ledger struct {
	db     engine
	kinds  *kinds
	unlock func() error
	// printKey is the key of the migration's prints.
	printKey []byte
	sieve    *sieve // nil until the first Find that needs it
	// changing keeps passes, shards and kinds from being made twice.
	changing sync.Mutex
}

var _ ledger.Ledger = (*Ledger)(nil)

func newLedger(ctx context.Context, db engine, printKey []byte, unlock func() error) (*Ledger, error) {
	l := &Ledger{db: db, kinds: newKinds(), unlock: unlock, printKey: printKey}
	if err := db.view(ctx, l.kinds.load); err != nil {
		return nil, err
	}
	return l, nil
}

// PrintKey is the secret key of this migration's prints.
func (l *Ledger) PrintKey() []byte { return slices.Clone(l.printKey) }

// Close ends the use of the ledger; another process may open it then.
func (l *Ledger) Close() error {
	err := l.db.close()
	if unlockErr := l.unlock(); err == nil {
		err = unlockErr
	}
	return err
}

// Begin starts a pass, or goes on with the one that was cut off.
func (l *Ledger) Begin(ctx context.Context, now time.Time) (p ledger.Pass, resumed bool, err error) {
	l.changing.Lock()
	defer l.changing.Unlock()
	err = l.db.update(ctx, relaxed, func(s session) error {
		if err := s.query(lastPass, func(r row) error { p = passOf(r); return nil }); err != nil {
			return err
		}
		if resumed = p.Num > 0 && p.Ended.IsZero(); resumed {
			return nil
		}
		p = ledger.Pass{Num: p.Num + 1, Began: timeOf(stamp(now))}
		if err := s.exec(rewind, []byte{}); err != nil {
			return err
		}
		return s.exec(beginPass, p.Num, stamp(now))
	})
	if err != nil {
		return ledger.Pass{}, false, err
	}
	return p, resumed, nil
}

// End ends the pass that runs. Where none runs it does nothing.
func (l *Ledger) End(ctx context.Context, now time.Time, outcome string) error {
	return l.db.update(ctx, durable, func(s session) error { return s.exec(endPass, stamp(now), outcome) })
}

// Passes returns all passes, the first one first.
func (l *Ledger) Passes(ctx context.Context) (out []ledger.Pass, err error) {
	err = l.db.view(ctx, func(s session) error {
		return s.query(allPasses, func(r row) error { out = append(out, passOf(r)); return nil })
	})
	return out, err
}

// Shard returns the shard of a source container, made if it is new.
func (l *Ledger) Shard(ctx context.Context, source item.Ref) (out ledger.Shard, err error) {
	if err := ledger.Named("a shard's source", source); err != nil {
		return out, err
	}
	l.changing.Lock()
	defer l.changing.Unlock()
	packed, err := l.pack(ctx, source)
	if err != nil {
		return out, err
	}
	err = l.db.update(ctx, relaxed, func(s session) error {
		found := false
		take := func(r row) (err error) {
			found = true
			out, err = l.shardOf(r)
			return err
		}
		if err := s.query(findShard, take, packed); err != nil || found {
			return err
		}
		if err := s.exec(insertShard, packed, []byte{}); err != nil {
			return err
		}
		return s.query(findShard, take, packed)
	})
	return out, err
}

// Shards returns all shards by number.
func (l *Ledger) Shards(ctx context.Context) (out []ledger.Shard, err error) {
	err = l.db.view(ctx, func(s session) error {
		return s.query(allShards, func(r row) error {
			sh, err := l.shardOf(r)
			out = append(out, sh)
			return err
		})
	})
	return out, err
}

// Forget removes everything: rows, shards and passes. Only the numbers of kinds
// stay.
func (l *Ledger) Forget(ctx context.Context) error {
	l.changing.Lock()
	defer l.changing.Unlock()
	return l.db.update(ctx, durable, func(s session) error {
		for _, st := range forgetAll {
			if err := s.exec(st); err != nil {
				return err
			}
		}
		l.sieve = nil
		return nil
	})
}

// pack packs one ref, and numbers its kind if it is new.
func (l *Ledger) pack(ctx context.Context, r item.Ref) ([]byte, error) {
	p := packer{kinds: l.kinds}
	packed := p.ref(r)
	if len(p.unknown) == 0 {
		return packed, nil
	}
	if err := l.kinds.learn(ctx, l.db, p.unknown); err != nil {
		return nil, err
	}
	return (&packer{kinds: l.kinds}).ref(r), nil
}

func (l *Ledger) shardOf(r row) (sh ledger.Shard, err error) {
	sh.Num, sh.Cursor, sh.Swept = r.int(0), string(r.blob(3)), r.int(4) != 0
	if sh.Source, err = l.kinds.unpack(r.blob(1)); err != nil {
		return sh, err
	}
	sh.Cut = ledger.Cut{State: ledger.CutState(r.int(5)), At: timeOf(r.int(6)), Before: r.text(7)}
	sh.Since = string(r.blob(8))
	sh.Target, err = l.kinds.unpack(r.blob(2))
	return sh, err
}

func passOf(r row) ledger.Pass {
	return ledger.Pass{Num: r.int(0), Began: timeOf(r.int(1)), Ended: timeOf(r.int(2)), Outcome: r.text(3)}
}

// stamp is a time in nanoseconds since 1970; 0 is no time.
func stamp(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.UnixNano()
}

func timeOf(stamp int64) time.Time {
	if stamp == 0 {
		return time.Time{}
	}
	return time.Unix(0, stamp).UTC()
}

func noShard(num int64) error {
	return connector.Errorf(connector.Permanent, "ledger: no shard has the number %d", num)
}
