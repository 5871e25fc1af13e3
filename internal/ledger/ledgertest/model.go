// Package ledgertest offers a ledger that lives in memory: for tests of what
// uses a ledger, and as the model that the databases are held against.
package ledgertest

import (
	"cmp"
	"context"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/rialto-migrate/rialto/connector"
	"github.com/rialto-migrate/rialto/internal/ledger"
	"github.com/rialto-migrate/rialto/item"
)

// New returns an empty ledger. It keeps everything that ledger.Ledger promises
// except that it is gone with the process.
func New() ledger.Ledger { return &memory{shards: map[int64]*shard{}, aliases: map[string]where{}} }

type memory struct {
	mu      sync.Mutex
	passes  []ledger.Pass
	shards  map[int64]*shard
	aliases map[string]where
}

type shard struct {
	ledger.Shard
	rows     map[ledger.Key]ledger.Row
	intents  map[ledger.Key]ledger.Intent
	failures map[ledger.Key]ledger.Failure
	links    map[ledger.Link]bool
}

type where struct {
	shard int64
	key   ledger.Key
}

func (m *memory) Begin(ctx context.Context, now time.Time) (ledger.Pass, bool, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if err := ctx.Err(); err != nil {
		return ledger.Pass{}, false, err
	}
	if n := len(m.passes); n > 0 && m.passes[n-1].Ended.IsZero() {
		return m.passes[n-1], true, nil
	}
	for _, s := range m.shards {
		s.Cursor, s.Swept = "", false
	}
	p := ledger.Pass{Num: int64(len(m.passes)) + 1, Began: stamp(now)}
	m.passes = append(m.passes, p)
	return p, false, nil
}

func (m *memory) End(ctx context.Context, now time.Time, outcome string) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if err := ctx.Err(); err != nil {
		return err
	}
	if n := len(m.passes); n > 0 && m.passes[n-1].Ended.IsZero() {
		m.passes[n-1].Ended, m.passes[n-1].Outcome = stamp(now), outcome
	}
	return nil
}

func (m *memory) Passes(ctx context.Context) ([]ledger.Pass, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return slices.Clone(m.passes), ctx.Err()
}

func (m *memory) Shard(ctx context.Context, source item.Ref) (ledger.Shard, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if err := ctx.Err(); err != nil {
		return ledger.Shard{}, err
	}
	if err := ledger.Named("a shard's source", source); err != nil {
		return ledger.Shard{}, err
	}
	for _, s := range m.shards {
		if s.Source == source {
			return s.Shard, nil
		}
	}
	s := &shard{
		Shard:    ledger.Shard{Num: int64(len(m.shards)) + 1, Source: source},
		rows:     map[ledger.Key]ledger.Row{},
		intents:  map[ledger.Key]ledger.Intent{},
		failures: map[ledger.Key]ledger.Failure{},
		links:    map[ledger.Link]bool{},
	}
	m.shards[s.Num] = s
	return s.Shard, nil
}

func (m *memory) Shards(ctx context.Context) ([]ledger.Shard, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	var out []ledger.Shard
	for _, n := range slices.Sorted(maps.Keys(m.shards)) {
		out = append(out, m.shards[n].Shard)
	}
	return out, ctx.Err()
}

func (m *memory) Lookup(ctx context.Context, num int64, keys []ledger.Key) ([]ledger.Row, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if err := cmp.Or(ctx.Err(), ledger.Few(len(keys))); err != nil {
		return nil, err
	}
	var out []ledger.Row
	if s := m.shards[num]; s != nil {
		for _, k := range distinct(keys) {
			if r, ok := s.rows[k]; ok {
				out = append(out, r)
			}
		}
	}
	return out, nil
}

func (m *memory) Count(ctx context.Context, num int64) (int, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if s := m.shards[num]; s != nil {
		return len(s.rows), ctx.Err()
	}
	return 0, ctx.Err()
}

func (m *memory) Rows(ctx context.Context, num int64, after ledger.Key, limit int) ([]ledger.Row, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if err := cmp.Or(ctx.Err(), ledger.Limit(limit)); err != nil {
		return nil, err
	}
	s := m.shards[num]
	if s == nil {
		return nil, nil
	}
	var out []ledger.Row
	for _, k := range slices.SortedFunc(maps.Keys(s.rows), ledger.Compare) {
		if len(out) < limit && (after.Zero() || ledger.Compare(k, after) > 0) {
			out = append(out, s.rows[k])
		}
	}
	return out, nil
}

func (m *memory) Find(ctx context.Context, keys []ledger.Key) ([]ledger.Place, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if err := cmp.Or(ctx.Err(), ledger.Few(len(keys))); err != nil {
		return nil, err
	}
	var out []ledger.Place
	for _, num := range slices.Sorted(maps.Keys(m.shards)) {
		for _, k := range distinct(keys) {
			if p, ok := m.place(where{num, k}); ok {
				out = append(out, p)
			}
		}
	}
	return out, nil
}

func (m *memory) FindAliases(ctx context.Context, aliases []string) (map[string]ledger.Place, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if err := cmp.Or(ctx.Err(), ledger.Few(len(aliases))); err != nil {
		return nil, err
	}
	out := map[string]ledger.Place{}
	for _, a := range aliases {
		if p, ok := m.place(m.aliases[a]); ok {
			out[a] = p
		}
	}
	return out, nil
}

func (m *memory) place(w where) (ledger.Place, bool) {
	s := m.shards[w.shard]
	if s == nil {
		return ledger.Place{}, false
	}
	r, ok := s.rows[w.key]
	return ledger.Place{Shard: s.Num, Key: r.Key, Target: r.Target, Container: s.Target, State: r.State}, ok
}

func (m *memory) Apply(ctx context.Context, b ledger.Batch) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if err := ctx.Err(); err != nil {
		return err
	}
	if err := b.Check(); err != nil {
		return err
	}
	s := m.shards[b.Shard]
	if s == nil {
		return connector.Errorf(connector.Permanent, "ledger: no shard has the number %d", b.Shard)
	}
	if !b.Target.Zero() {
		s.Target = b.Target
	}
	for _, k := range b.Remove {
		s.remove(k)
	}
	for _, r := range b.Rows {
		s.rows[r.Key] = r
		delete(s.intents, r.Key)
		delete(s.failures, r.Key)
		s.unlink(r.Key)
	}
	for _, k := range b.Clear {
		delete(s.intents, k)
	}
	for _, f := range b.Failures {
		s.failures[f.Key] = f
		delete(s.intents, f.Key)
	}
	for _, in := range b.Intents {
		in.At = stamp(in.At)
		s.intents[in.Key] = in
	}
	for _, a := range b.Aliases {
		m.aliases[a.Alias] = where{b.Shard, a.Key}
	}
	for _, l := range b.Links {
		s.links[l] = true
	}
	if b.Cursor != nil {
		s.Cursor = *b.Cursor
	}
	s.Swept = s.Swept || b.Swept
	if b.Cut != nil {
		s.Cut = *b.Cut
		s.Cut.At = stamp(s.Cut.At)
	}
	if b.Anew {
		s.Since = ""
	}
	if b.Since != "" {
		s.Since = b.Since
	}
	return nil
}

// remove leaves the aliases of the key: an alias is known while its row is.
func (s *shard) remove(k ledger.Key) {
	delete(s.rows, k)
	delete(s.intents, k)
	delete(s.failures, k)
	s.unlink(k)
}

func (s *shard) unlink(k ledger.Key) {
	maps.DeleteFunc(s.links, func(l ledger.Link, _ bool) bool { return l.Key == k })
}

func (m *memory) InDoubt(ctx context.Context, num int64) ([]ledger.Intent, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	s := m.shards[num]
	if s == nil {
		return nil, ctx.Err()
	}
	out := slices.SortedFunc(maps.Values(s.intents), func(a, b ledger.Intent) int {
		return cmp.Or(a.At.Compare(b.At), ledger.Compare(a.Key, b.Key))
	})
	return out, ctx.Err()
}

func (m *memory) Failures(ctx context.Context, num int64, limit int) ([]ledger.Failure, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if err := cmp.Or(ctx.Err(), ledger.Limit(limit)); err != nil {
		return nil, err
	}
	s := m.shards[num]
	if s == nil {
		return nil, nil
	}
	out := slices.SortedFunc(maps.Values(s.failures), func(a, b ledger.Failure) int { return ledger.Compare(a.Key, b.Key) })
	return out[:min(limit, len(out))], nil
}

func (m *memory) Dangling(ctx context.Context, num int64) ([]ledger.Link, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	s := m.shards[num]
	if s == nil {
		return nil, ctx.Err()
	}
	var out []ledger.Link
	for l := range s.links {
		if p, ok := m.place(m.aliases[l.Alias]); ok && !p.Target.Zero() {
			out = append(out, l)
		}
	}
	slices.SortFunc(out, func(a, b ledger.Link) int {
		return cmp.Or(ledger.Compare(a.Key, b.Key), strings.Compare(a.Alias, b.Alias))
	})
	return out, ctx.Err()
}

func (m *memory) Forget(ctx context.Context) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if err := ctx.Err(); err != nil {
		return err
	}
	m.passes = nil
	clear(m.shards)
	clear(m.aliases)
	return nil
}

func distinct(keys []ledger.Key) []ledger.Key {
	return slices.Compact(slices.SortedFunc(slices.Values(keys), ledger.Compare))
}

func stamp(t time.Time) time.Time {
	if t.IsZero() {
		return time.Time{}
	}
	return time.Unix(0, t.UnixNano()).UTC()
}
