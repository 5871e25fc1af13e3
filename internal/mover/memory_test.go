package mover

import (
	"cmp"
	"context"
	"slices"
	"sync"
	"time"

	"github.com/rialto-migrate/rialto/connector"
	"github.com/rialto-migrate/rialto/internal/ledger"
	"github.com/rialto-migrate/rialto/item"
)

// memory is a ledger that forgets everything at its end. It keeps what the
// line has to carry; on purpose it refuses shard 13.
type memory struct {
	mu       sync.Mutex
	passes   []ledger.Pass
	shards   []ledger.Shard
	rows     map[int64]map[ledger.Key]ledger.Row
	intents  map[int64][]ledger.Intent
	failures map[int64][]ledger.Failure
	links    map[int64][]ledger.Link
	aliases  map[string]ledger.Key
	batches  []ledger.Batch
	calls    map[string]int

	block chan struct{} // if not nil, Apply waits for it
	begun chan struct{} // and tells here that it waits
}

func newMemory() *memory {
	m := &memory{calls: map[string]int{}}
	m.clear()
	return m
}

func (m *memory) clear() {
	m.rows = map[int64]map[ledger.Key]ledger.Row{}
	m.intents = map[int64][]ledger.Intent{}
	m.failures = map[int64][]ledger.Failure{}
	m.links = map[int64][]ledger.Link{}
	m.aliases = map[string]ledger.Key{}
	m.passes, m.shards = nil, nil
}

func (m *memory) enter(method string) func() {
	m.mu.Lock()
	m.calls[method]++
	return m.mu.Unlock
}

func (m *memory) Begin(_ context.Context, now time.Time) (ledger.Pass, bool, error) {
	defer m.enter("Begin")()
	if n := len(m.passes); n > 0 && m.passes[n-1].Ended.IsZero() {
		return m.passes[n-1], true, nil
	}
	p := ledger.Pass{Num: int64(len(m.passes) + 1), Began: now}
	m.passes = append(m.passes, p)
	return p, false, nil
}

func (m *memory) End(_ context.Context, now time.Time, outcome string) error {
	defer m.enter("End")()
	if len(m.passes) == 0 {
		return connector.Errorf(connector.Permanent, "no pass has begun").WithHint("begin one")
	}
	p := &m.passes[len(m.passes)-1]
	p.Ended, p.Outcome = now, outcome
	return nil
}

func (m *memory) Passes(context.Context) ([]ledger.Pass, error) {
	defer m.enter("Passes")()
	return slices.Clone(m.passes), nil
}

func (m *memory) Shard(_ context.Context, source item.Ref) (ledger.Shard, error) {
	defer m.enter("Shard")()
	for _, s := range m.shards {
		if s.Source == source {
			return s, nil
		}
	}
	s := ledger.Shard{Num: int64(len(m.shards) + 1), Source: source}
	m.shards = append(m.shards, s)
	return s, nil
}

func (m *memory) Shards(context.Context) ([]ledger.Shard, error) {
	defer m.enter("Shards")()
	return slices.Clone(m.shards), nil
}

func (m *memory) Lookup(_ context.Context, shard int64, keys []ledger.Key) ([]ledger.Row, error) {
	defer m.enter("Lookup")()
	if shard == 13 {
		return nil, &connector.Error{Class: connector.Full, Reason: "the ledger's disk is full", Hint: "make room", RetryAfter: time.Minute}
	}
	if len(keys) > 1000 {
		return nil, connector.Errorf(connector.Permanent, "%d keys in one call", len(keys))
	}
	var out []ledger.Row
	for _, k := range keys {
		if r, ok := m.rows[shard][k]; ok {
			out = append(out, r)
		}
	}
	return out, nil
}

func (m *memory) Count(_ context.Context, shard int64) (int, error) {
	defer m.enter("Count")()
	return len(m.rows[shard]), nil
}

func (m *memory) Rows(_ context.Context, shard int64, after ledger.Key, limit int) ([]ledger.Row, error) {
	defer m.enter("Rows")()
	var out []ledger.Row
	order := func(a, b ledger.Key) int { return cmp.Or(cmp.Compare(a.Kind, b.Kind), cmp.Compare(a.ID, b.ID)) }
	for k, r := range m.rows[shard] {
		if order(k, after) > 0 {
			out = append(out, r)
		}
	}
	slices.SortFunc(out, func(a, b ledger.Row) int { return order(a.Key, b.Key) })
	return out[:min(limit, len(out))], nil
}

func (m *memory) Find(_ context.Context, keys []ledger.Key) ([]ledger.Place, error) {
	defer m.enter("Find")()
	var out []ledger.Place
	for shard, rows := range m.rows {
		for _, k := range keys {
			if r, ok := rows[k]; ok {
				out = append(out, ledger.Place{Shard: shard, Key: k, Target: r.Target, State: r.State})
			}
		}
	}
	return out, nil
}

func (m *memory) FindAliases(_ context.Context, aliases []string) (map[string]ledger.Place, error) {
	defer m.enter("FindAliases")()
	out := map[string]ledger.Place{}
	for _, a := range aliases {
		if k, ok := m.aliases[a]; ok {
			out[a] = ledger.Place{Shard: 1, Key: k}
		}
	}
	return out, nil
}

func (m *memory) Apply(_ context.Context, b ledger.Batch) error {
	if m.block != nil {
		m.begun <- struct{}{}
		<-m.block
	}
	defer m.enter("Apply")()
	if b.Shard == 13 {
		return connector.Errorf(connector.Full, "the ledger's disk is full").WithHint("make room")
	}
	m.batches = append(m.batches, b)
	if m.rows[b.Shard] == nil {
		m.rows[b.Shard] = map[ledger.Key]ledger.Row{}
	}
	for _, r := range b.Rows {
		m.rows[b.Shard][r.Key] = r
	}
	for _, a := range b.Aliases {
		m.aliases[a.Alias] = a.Key
	}
	m.intents[b.Shard] = append(m.intents[b.Shard], b.Intents...)
	m.failures[b.Shard] = append(m.failures[b.Shard], b.Failures...)
	m.links[b.Shard] = append(m.links[b.Shard], b.Links...)
	return nil
}

func (m *memory) InDoubt(_ context.Context, shard int64) ([]ledger.Intent, error) {
	defer m.enter("InDoubt")()
	return slices.Clone(m.intents[shard]), nil
}

func (m *memory) Failures(_ context.Context, shard int64, limit int) ([]ledger.Failure, error) {
	defer m.enter("Failures")()
	f := slices.Clone(m.failures[shard])
	return f[:min(limit, len(f))], nil
}

func (m *memory) Dangling(_ context.Context, shard int64) ([]ledger.Link, error) {
	defer m.enter("Dangling")()
	return slices.Clone(m.links[shard]), nil
}

func (m *memory) Forget(context.Context) error {
	defer m.enter("Forget")()
	m.clear()
	return nil
}

func (m *memory) applied() int {
	m.mu.Lock()
	defer m.mu.Unlock()
	return len(m.batches)
}
