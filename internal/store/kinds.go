package store

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"

	"github.com/rialto-migrate/rialto/connector"
	"github.com/rialto-migrate/rialto/item"
)

// kinds are the numbers that a ledger gave to kinds, from 1 on, in the order
// in which they came. Safe for concurrent use.
type kinds struct {
	learning sync.Mutex // held while new kinds are written; mu never is

	mu      sync.RWMutex
	numbers map[item.Kind]int
	names   []item.Kind // by number; 0 is no kind
	sorted  []item.Kind
}

func newKinds() *kinds { return &kinds{numbers: map[item.Kind]int{}, names: []item.Kind{""}} }

var (
	listKinds  = both("SELECT num, name FROM kind ORDER BY num")
	insertKind = both("INSERT INTO kind (num, name) VALUES ($1, $2)")
)

// load reads the numbers afresh.
func (k *kinds) load(s session) error {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.reset()
	return s.query(listKinds, func(r row) error {
		if r.int(0) != int64(len(k.names)) {
			return damaged("a kind's number is missing")
		}
		k.add(item.Kind(r.text(1)))
		return nil
	})
}

// learn numbers kinds that are new.
func (k *kinds) learn(ctx context.Context, db engine, names []item.Kind) error {
	k.learning.Lock()
	defer k.learning.Unlock()
	fresh := slices.Compact(slices.Sorted(slices.Values(names)))
	fresh = slices.DeleteFunc(fresh, func(n item.Kind) bool { return k.number(n) != 0 })
	next := k.next()
	if next+len(fresh)-1 > maxKinds {
		return connector.Errorf(connector.Permanent, "store: a ledger holds at most %d kinds", maxKinds)
	}
	err := db.update(ctx, relaxed, func(s session) error {
		for i, n := range fresh {
			if err := s.exec(insertKind, int64(next+i), string(n)); err != nil {
				return fmt.Errorf("number a kind: %w", err)
			}
		}
		return nil
	})
	if err != nil {
		return err
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	for _, n := range fresh {
		k.add(n)
	}
	return nil
}

// next is the number of the next new kind.
func (k *kinds) next() int {
	k.mu.RLock()
	defer k.mu.RUnlock()
	return len(k.names)
}

func (k *kinds) add(name item.Kind) {
	k.numbers[name] = len(k.names)
	k.names = append(k.names, name)
	i, _ := slices.BinarySearchFunc(k.sorted, name, func(a, b item.Kind) int { return strings.Compare(string(a), string(b)) })
	k.sorted = slices.Insert(slices.Clone(k.sorted), i, name)
}

func (k *kinds) reset() {
	clear(k.numbers)
	k.names, k.sorted = k.names[:1:1], nil
}

// number is 0 for a kind that has none.
func (k *kinds) number(name item.Kind) int {
	k.mu.RLock()
	defer k.mu.RUnlock()
	return k.numbers[name]
}

func (k *kinds) name(number int) (item.Kind, bool) {
	k.mu.RLock()
	defer k.mu.RUnlock()
	if number >= len(k.names) {
		return "", false
	}
	return k.names[number], true
}

// inOrder returns the kinds that have numbers, sorted by name.
func (k *kinds) inOrder() []item.Kind {
	k.mu.RLock()
	defer k.mu.RUnlock()
	return k.sorted
}
