package store

import (
	"cmp"
	"context"
	"slices"
	"strings"

	"github.com/rialto-migrate/rialto/internal/ledger"
	"github.com/rialto-migrate/rialto/item"
)

// Lookup returns the rows of those keys that the shard knows.
func (l *Ledger) Lookup(ctx context.Context, shard int64, keys []ledger.Key) (out []ledger.Row, err error) {
	if err := ledger.Few(len(keys)); err != nil {
		return nil, err
	}
	packed := (&packer{kinds: l.kinds}).keys(keys)
	if len(packed) == 0 {
		return nil, ctx.Err()
	}
	err = l.db.view(ctx, func(s session) error {
		read, err := l.reader(s, shard)
		if err != nil {
			return err
		}
		out = make([]ledger.Row, 0, len(packed))
		return s.query(lookupRows, func(r row) error { return read.append(&out, r) }, shard, packed)
	})
	return out, err
}

// Rows returns up to limit rows of a shard after a key, by kind and id.
func (l *Ledger) Rows(ctx context.Context, shard int64, after ledger.Key, limit int) (out []ledger.Row, err error) {
	if err := ledger.Limit(limit); err != nil {
		return nil, err
	}
	err = l.db.view(ctx, func(s session) error {
		read, err := l.reader(s, shard)
		if err != nil {
			return err
		}
		for _, kind := range l.kinds.inOrder() {
			if kind < after.Kind || len(out) >= limit {
				continue
			}
			id := ""
			if kind == after.Kind {
				id = after.ID
			}
			if out, err = l.rowsOfKind(s, read, shard, kind, id, out, limit); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return out, nil
}

// Count tells how many rows a shard has.
func (l *Ledger) Count(ctx context.Context, shard int64) (n int, err error) {
	err = l.db.view(ctx, func(s session) error {
		rows, err := one(s, countOf, shard)
		n = int(rows)
		return err
	})
	return n, err
}

// rowsOfKind appends the rows of one kind whose id sorts after the given one,
// until out has limit rows. The forms of ids are read side by side.
func (l *Ledger) rowsOfKind(s session, read *rowReader, shard int64, kind item.Kind, after string, out []ledger.Row, limit int) ([]ledger.Row, error) {
	var lists [forms][]ledger.Row
	for f := range forms {
		from := boundAfter(f, after)
		if from.none {
			continue
		}
		h := head(l.kinds.number(kind), f)
		st := rowsFrom
		if from.after {
			st = rowsAfter
		}
		list := &lists[f]
		err := s.query(st, func(r row) error {
			if *list == nil {
				*list = make([]ledger.Row, 0, min(limit-len(out), ledger.MaxKeys))
			}
			return read.append(list, r)
		},
			shard, append([]byte{h}, from.from...), []byte{h + 1}, int64(limit-len(out)))
		if err != nil {
			return nil, err
		}
	}
	return merge(out, lists, limit), nil
}

// merge appends the lists, each sorted by id, in the order of ids.
func merge(out []ledger.Row, lists [forms][]ledger.Row, limit int) []ledger.Row {
	filled := slices.DeleteFunc(lists[:], func(l []ledger.Row) bool { return len(l) == 0 })
	if len(filled) == 1 && out == nil {
		return filled[0] // the usual case: nothing to merge, no copy
	}
	for len(out) < limit {
		least := -1
		for f := range filled {
			if len(filled[f]) > 0 && (least < 0 || filled[f][0].Key.ID < filled[least][0].Key.ID) {
				least = f
			}
		}
		if least < 0 {
			break
		}
		out = append(out, filled[least][0])
		filled[least] = filled[least][1:]
	}
	return out
}

// A rowReader turns the rows of one shard back into what was applied.
type rowReader struct {
	kinds     *kinds
	container item.Ref // the shard's target, which an empty parent stands for
}

func (l *Ledger) reader(s session, shard int64) (*rowReader, error) {
	rr := &rowReader{kinds: l.kinds}
	err := s.query(targetOf, func(r row) (err error) {
		rr.container, err = l.kinds.unpack(r.blob(0))
		return err
	}, shard)
	return rr, err
}

// append reads a row in the order of rowColumns.
func (rr *rowReader) append(out *[]ledger.Row, r row) (err error) {
	*out = append(*out, ledger.Row{})
	row := &(*out)[len(*out)-1]
	if row.Key, err = rr.kinds.unpack(r.blob(0)); err != nil {
		return err
	}
	if row.Target, err = rr.kinds.unpack(r.blob(1)); err != nil {
		return err
	}
	row.Version, row.Print, row.State = item.Digest(r.int(2)), item.Digest(r.int(3)), ledger.State(r.int(4))
	row.Base = string(r.blob(6))
	switch parent := r.blob(5); {
	case parent == nil:
	case len(parent) == 0:
		row.Parent = rr.container
	default:
		row.Parent, err = rr.kinds.unpack(parent)
	}
	return err
}

// Find tells where source items went, in any shard.
func (l *Ledger) Find(ctx context.Context, keys []ledger.Key) (out []ledger.Place, err error) {
	if err := ledger.Few(len(keys)); err != nil {
		return nil, err
	}
	packed := (&packer{kinds: l.kinds}).keys(keys)
	if len(packed) == 0 {
		return nil, ctx.Err()
	}
	err = l.db.view(ctx, func(s session) error {
		each := func(r row) error {
			p, err := l.place(r)
			out = append(out, p)
			return err
		}
		if l.db.byKey() {
			return s.query(findRows, each, packed)
		}
		return l.findSifted(s, packed, each)
	})
	return out, err
}

// FindAliases tells where the items went that the aliases name.
func (l *Ledger) FindAliases(ctx context.Context, aliases []string) (map[string]ledger.Place, error) {
	if err := ledger.Few(len(aliases)); err != nil {
		return nil, err
	}
	packed := make([][]byte, len(aliases))
	for i, a := range aliases {
		packed[i] = packAlias(a)
	}
	out := make(map[string]ledger.Place, len(aliases))
	err := l.db.view(ctx, func(s session) error {
		return s.query(findAliases, func(r row) error {
			p, err := l.place(r)
			if err != nil {
				return err
			}
			alias, err := unpackAlias(r.blob(5))
			out[alias] = p
			return err
		}, packed)
	})
	if err != nil {
		return nil, err
	}
	return out, nil
}

func (l *Ledger) place(r row) (p ledger.Place, err error) {
	p.Shard, p.State = r.int(0), ledger.State(r.int(4))
	for i, ref := range map[int]*item.Ref{1: &p.Key, 2: &p.Target, 3: &p.Container} {
		if *ref, err = l.kinds.unpack(r.blob(i)); err != nil {
			return p, err
		}
	}
	return p, nil
}

// InDoubt returns the intents that nothing cleared, the oldest first.
func (l *Ledger) InDoubt(ctx context.Context, shard int64) (out []ledger.Intent, err error) {
	err = l.db.view(ctx, func(s session) error {
		return s.query(listIntents, func(r row) (err error) {
			in := ledger.Intent{
				Op: ledger.Op(r.int(1)), Version: item.Digest(r.int(5)), Shape: item.Digest(r.int(6)),
				Mark: string(r.blob(7)), At: timeOf(r.int(8)), Session: string(r.blob(9)),
			}
			for i, ref := range map[int]*item.Ref{0: &in.Key, 2: &in.Target, 3: &in.Container, 4: &in.Parent} {
				if *ref, err = l.kinds.unpack(r.blob(i)); err != nil {
					return err
				}
			}
			out = append(out, in)
			return nil
		}, shard)
	})
	slices.SortFunc(out, func(a, b ledger.Intent) int { return cmp.Or(a.At.Compare(b.At), ledger.Compare(a.Key, b.Key)) })
	return out, err
}

// Failures returns up to limit failures of a shard, by kind and id.
func (l *Ledger) Failures(ctx context.Context, shard int64, limit int) (out []ledger.Failure, err error) {
	if err := ledger.Limit(limit); err != nil {
		return nil, err
	}
	err = l.db.view(ctx, func(s session) error {
		return s.query(listFailures, func(r row) error {
			key, err := l.kinds.unpack(r.blob(0))
			out = append(out, ledger.Failure{Key: key, Class: string(r.blob(1)), Reason: string(r.blob(2))})
			return err
		}, shard)
	})
	slices.SortFunc(out, func(a, b ledger.Failure) int { return ledger.Compare(a.Key, b.Key) })
	return out[:min(limit, len(out))], err
}

// Dangling returns the links whose alias names an item that has a target by
// now, by key and alias.
func (l *Ledger) Dangling(ctx context.Context, shard int64) (out []ledger.Link, err error) {
	err = l.db.view(ctx, func(s session) error {
		return s.query(listDangling, func(r row) error {
			ln, err := l.link(r)
			out = append(out, ln)
			return err
		}, shard)
	})
	slices.SortFunc(out, func(a, b ledger.Link) int {
		return cmp.Or(ledger.Compare(a.Key, b.Key), strings.Compare(a.Alias, b.Alias))
	})
	return out, err
}

func (l *Ledger) link(r row) (ln ledger.Link, err error) {
	if ln.Key, err = l.kinds.unpack(r.blob(0)); err != nil {
		return ln, err
	}
	ln.Alias, err = unpackAlias(r.blob(1))
	return ln, err
}
