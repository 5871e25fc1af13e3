package migrate

import (
	"context"
	"fmt"

	"github.com/rialto-migrate/rialto/internal/ledger"
	"github.com/rialto-migrate/rialto/item"
)

// places are what a container of the target already holds of the kinds that frame
// it and are limited. What has a place keeps it: labels that come, go or change
// their order at the source do not push the others about, which tasks refer to.
type places struct {
	in    map[item.Ref]bool // by source: it has a place
	out   map[item.Ref]bool // by source: it became text, and stays text
	count map[item.Kind]int // places that are taken, also by what the source no longer has
	// colors are those that labels have, by source, where the target gives each
	// colour once; taken are all of them.
	colors map[item.Ref]string
	taken  map[string]bool
}

// admits reports whether an item of a limited kind has a place, and counts what
// gets a new one.
func (h *places) admits(key item.Ref, fresh map[item.Kind]int, max int) bool {
	switch {
	case h.in[key]:
		return true
	case h.out[key] || h.count[key.Kind]+fresh[key.Kind] >= max:
		return false
	}
	fresh[key.Kind]++
	return true
}

// placesOf reads from the ledger, and for unique colours from the target, what a
// shard's container already holds.
func (e *Engine) placesOf(ctx context.Context, led ledger.Shard) (places, error) {
	h := places{in: map[item.Ref]bool{}, out: map[item.Ref]bool{}, count: map[item.Kind]int{}, colors: map[item.Ref]string{}, taken: map[string]bool{}}
	for _, info := range item.Kinds() {
		caps := e.To.Caps.Kinds[info.Kind]
		if led.Target.Zero() || !parentless(info.Kind) || caps.Max == 0 {
			continue
		}
		rows, err := e.rowsOf(ctx, led.Num, info.Kind)
		if err != nil {
			return h, err
		}
		sources := map[item.Ref]item.Ref{} // by target
		var refs []item.Ref
		for _, r := range rows {
			if r.Target.Zero() {
				h.out[r.Key] = true
				continue
			}
			h.in[r.Key] = true
			h.count[info.Kind]++
			sources[r.Target] = r.Key
			refs = append(refs, r.Target)
		}
		if !caps.Fields[item.Color.Name].Unique || len(refs) == 0 {
			continue
		}
		for b, err := range e.target.Fetch(ctx, led.Target, refs) {
			if err != nil {
				return h, fmt.Errorf("the target: %w", err)
			}
			color := item.Color.Get(b.Item)
			h.colors[sources[b.Item.Ref]], h.taken[color] = color, true
		}
	}
	return h, nil
}

// rowsOf returns the ledger's rows of one kind in a shard.
func (e *Engine) rowsOf(ctx context.Context, shard int64, k item.Kind) ([]ledger.Row, error) {
	var out []ledger.Row
	for after := (item.Ref{Kind: k}); ; after = out[len(out)-1].Key {
		rows, err := e.Ledger.Rows(ctx, shard, after, 1000)
		if err != nil {
			return nil, fmt.Errorf("the ledger: %w", err)
		}
		for _, r := range rows {
			if r.Key.Kind != k {
				return out, nil
			}
			out = append(out, r)
		}
		if len(rows) < 1000 {
			return out, nil
		}
	}
}
