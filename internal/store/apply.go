package store

import (
	"bytes"
	"context"
	"slices"

	"github.com/rialto-migrate/rialto/internal/ledger"
	"github.com/rialto-migrate/rialto/item"
)

// Apply writes a batch: all of it or none. A batch with intents is on the disk
// when Apply returns, because what it announces is about to be sent.
func (l *Ledger) Apply(ctx context.Context, b ledger.Batch) error {
	if err := b.Check(); err != nil {
		return err
	}
	packed, err := l.packBatch(ctx, b)
	if err != nil {
		return err
	}
	return l.db.update(ctx, durability(len(b.Intents) > 0), func(s session) error {
		if err := packed.write(s, b); err != nil {
			return err
		}
		if l.sieve != nil {
			for _, k := range packed.rows.keys {
				l.sieve.add(b.Shard, k)
			}
		}
		return nil
	})
}

// A packedBatch is a batch as the tables take it, in columns. Keys are sorted,
// so that the tree is walked once from left to right.
type packedBatch struct {
	target          []byte
	remove, clear   [][]byte
	rows            rowsColumns
	intents         intentColumns
	failed          [][]byte
	classes         [][]byte
	reasons         [][]byte
	aliases, named  [][]byte
	linked, dangles [][]byte
}

type rowsColumns struct {
	keys, targets, parents, bases [][]byte
	versions, prints, states      []int64
}

type intentColumns struct {
	keys, targets, containers, parents, marks, sessions [][]byte
	ops, versions, shapes, stamps                       []int64
}

// packBatch packs a batch, and numbers the kinds in it that are new. Rows of
// unnumbered kinds look alike and hide each other, so it may take several turns.
func (l *Ledger) packBatch(ctx context.Context, b ledger.Batch) (packedBatch, error) {
	for {
		p := packer{kinds: l.kinds}
		packed := p.batch(b)
		if len(p.unknown) == 0 {
			return packed, nil
		}
		if err := l.kinds.learn(ctx, l.db, p.unknown); err != nil {
			return packedBatch{}, err
		}
	}
}

func (p *packer) batch(b ledger.Batch) packedBatch {
	out := packedBatch{target: p.ref(b.Target), remove: p.keys(b.Remove), clear: p.keys(b.Clear)}

	rows := sortedByKey(p, b.Rows, func(r ledger.Row) item.Ref { return r.Key })
	for _, k := range rows {
		r := k.value
		out.rows.keys = append(out.rows.keys, k.key)
		out.rows.targets = append(out.rows.targets, p.ref(r.Target))
		out.rows.parents = append(out.rows.parents, p.ref(r.Parent))
		out.rows.versions = append(out.rows.versions, int64(r.Version))
		out.rows.prints = append(out.rows.prints, int64(r.Print))
		out.rows.states = append(out.rows.states, int64(r.State))
		var base []byte
		if r.Base != "" {
			base = []byte(r.Base)
		}
		out.rows.bases = append(out.rows.bases, base)
	}
	for _, k := range sortedByKey(p, b.Intents, func(i ledger.Intent) item.Ref { return i.Key }) {
		in := k.value
		out.intents.keys = append(out.intents.keys, k.key)
		out.intents.ops = append(out.intents.ops, int64(in.Op))
		out.intents.targets = append(out.intents.targets, p.ref(in.Target))
		out.intents.containers = append(out.intents.containers, p.ref(in.Container))
		out.intents.parents = append(out.intents.parents, p.ref(in.Parent))
		out.intents.versions = append(out.intents.versions, int64(in.Version))
		out.intents.shapes = append(out.intents.shapes, int64(in.Shape))
		out.intents.marks = append(out.intents.marks, []byte(in.Mark))
		out.intents.sessions = append(out.intents.sessions, []byte(in.Session))
		out.intents.stamps = append(out.intents.stamps, stamp(in.At))
	}
	for _, k := range sortedByKey(p, b.Failures, func(f ledger.Failure) item.Ref { return f.Key }) {
		out.failed = append(out.failed, k.key)
		out.classes = append(out.classes, []byte(k.value.Class))
		out.reasons = append(out.reasons, []byte(k.value.Reason))
	}
	aliases := make(map[string][]byte, len(b.Aliases)) // the last one of an alias counts
	for _, a := range b.Aliases {
		aliases[a.Alias] = p.ref(a.Key)
	}
	for a, key := range aliases {
		out.aliases = append(out.aliases, packAlias(a))
		out.named = append(out.named, key)
	}
	for _, ln := range b.Links {
		out.linked = append(out.linked, p.ref(ln.Key))
		out.dangles = append(out.dangles, packAlias(ln.Alias))
	}
	return out
}

type keyed[T any] struct {
	key   []byte
	value T
}

// sortedByKey packs the keys and sorts by them; of one key the last counts.
func sortedByKey[T any](p *packer, values []T, key func(T) item.Ref) []keyed[T] {
	out := make([]keyed[T], len(values))
	for i, v := range values {
		out[len(values)-1-i] = keyed[T]{p.ref(key(v)), v}
	}
	slices.SortStableFunc(out, func(a, b keyed[T]) int { return bytes.Compare(a.key, b.key) })
	return slices.CompactFunc(out, func(a, b keyed[T]) bool { return bytes.Equal(a.key, b.key) })
}

// keys packs keys and sorts them.
func (p *packer) keys(refs []item.Ref) [][]byte {
	out := make([][]byte, 0, len(refs))
	for _, r := range refs {
		if k := p.ref(r); k != nil {
			out = append(out, k)
		}
	}
	slices.SortFunc(out, bytes.Compare)
	return slices.CompactFunc(out, bytes.Equal)
}

func (b *packedBatch) write(s session, plain ledger.Batch) error {
	target, found := []byte(nil), false
	err := s.query(lockShard, func(r row) error {
		target, found = bytes.Clone(r.blob(0)), true
		return nil
	}, plain.Shard)
	if err != nil {
		return err
	}
	if !found {
		return noShard(plain.Shard)
	}
	if b.target != nil && !bytes.Equal(b.target, target) {
		if err := retarget(s, plain.Shard, target, b.target); err != nil {
			return err
		}
		target = b.target
	}
	for i, parent := range b.rows.parents {
		if parent != nil && bytes.Equal(parent, target) {
			b.rows.parents[i] = []byte{}
		}
	}
	for _, step := range b.steps() {
		if step.places == 0 {
			continue
		}
		if step.when != nil {
			if n, err := one(s, *step.when, plain.Shard); err != nil {
				return err
			} else if n == 0 {
				continue
			}
		}
		if err := s.exec(step.statement, append([]any{plain.Shard}, step.args...)...); err != nil {
			return err
		}
	}
	if plain.Cursor != nil {
		if err := s.exec(setCursor, []byte(*plain.Cursor), plain.Shard); err != nil {
			return err
		}
	}
	if plain.Swept {
		if err := s.exec(setSwept, plain.Shard); err != nil {
			return err
		}
	}
	if c := plain.Cut; c != nil {
		if err := s.exec(setCut, int64(c.State), stamp(c.At), c.Before, plain.Shard); err != nil {
			return err
		}
	}
	if plain.Since != "" || plain.Anew {
		return s.exec(setSince, []byte(plain.Since), plain.Shard)
	}
	return nil
}

// A step is one statement of a batch, for as many places as its slices have.
type step struct {
	statement statement
	places    int
	args      []any // after the shard's number
	// when asks whether the shard has any row of the table; where it has none,
	// there is nothing to drop. nil: always.
	when *statement
}

func (b *packedBatch) steps() []step {
	r, in := b.rows, b.intents
	return []step{
		{dropRows, len(b.remove), []any{b.remove}, nil},
		{dropIntents, len(b.remove), []any{b.remove}, &anyIntent},
		{dropFailures, len(b.remove), []any{b.remove}, &anyFailure},
		{dropLinks, len(b.remove), []any{b.remove}, &anyLink},
		{putRows, len(r.keys), []any{r.keys, r.targets, r.versions, r.prints, r.states, r.parents, r.bases}, nil},
		{dropIntents, len(r.keys), []any{r.keys}, &anyIntent},
		{dropFailures, len(r.keys), []any{r.keys}, &anyFailure},
		{dropLinks, len(r.keys), []any{r.keys}, &anyLink},
		{dropIntents, len(b.clear), []any{b.clear}, &anyIntent},
		{putFailures, len(b.failed), []any{b.failed, b.classes, b.reasons}, nil},
		{dropIntents, len(b.failed), []any{b.failed}, &anyIntent},
		{putIntents, len(in.keys), []any{in.keys, in.ops, in.targets, in.containers, in.parents, in.versions, in.shapes, in.marks, in.stamps, in.sessions}, nil},
		{putAliases, len(b.aliases), []any{b.aliases, b.named}, nil},
		{putLinks, len(b.linked), []any{b.linked, b.dangles}, nil},
	}
}

// retarget gives a shard another target. Rows whose parent was the old one
// keep it: it is written out where it was implied.
func retarget(s session, num int64, from, to []byte) error {
	if from != nil {
		if err := s.exec(spellParents, from, num, []byte{}); err != nil {
			return err
		}
	}
	return s.exec(setTarget, to, num)
}
