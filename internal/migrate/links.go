package migrate

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"sync"

	"github.com/rialto-migrate/rialto/connector"
	"github.com/rialto-migrate/rialto/internal/ledger"
	"github.com/rialto-migrate/rialto/internal/richtext"
	"github.com/rialto-migrate/rialto/item"
)

// A linkTable knows where the items went that the texts and addresses of a
// listing point at. Safe for concurrent use.
type linkTable struct {
	locate func(url string) (alias string, ok bool)
	link   func(ref, container item.Ref) string
	format connector.Format
	byID   bool // an address names a file or folder by its id

	mu     sync.RWMutex
	places map[string]ledger.Place
	users  map[string][]item.Ref // by alias, what points at it
	left   []item.Ref            // what is no longer at the target, because people deleted it
}

func (e *Engine) newLinks() *linkTable {
	return &linkTable{locate: e.source.Locate, link: e.target.Link, format: e.From.Caps.Format, byID: e.files() && !e.From.Caps.Paths, places: map[string]ledger.Place{},
		users: map[string][]item.Ref{}}
}

// load asks the ledger where everything went that the bundles point at.
func (t *linkTable) load(ctx context.Context, led ledger.Ledger, bundles []item.Bundle) error {
	var aliases []string
	t.mu.Lock()
	for _, b := range bundles {
		note := func(alias string, users ...item.Ref) {
			if !slices.Contains(aliases, alias) {
				aliases = append(aliases, alias)
			}
			for _, user := range users {
				if !slices.Contains(t.users[alias], user) {
					t.users[alias] = append(t.users[alias], user)
				}
			}
		}
		if above := item.ParentTask.Get(b.Item); !above.Zero() {
			note(taskAlias(above), b.Item.Ref)
		}
		for _, it := range append([]item.Item{b.Item}, b.Children...) {
			want := func(url string) {
				if alias, ok := t.locate(url); ok {
					note(alias, b.Item.Ref, it.Ref)
				}
			}
			info, _ := item.Info(it.Kind)
			for _, f := range info.Fields {
				switch f.Type {
				case item.Text:
					s, _ := it.Fields[f.Name].(string)
					richtext.ReplaceLinks(s, func(url string) string { want(url); return url })
				case item.URL, item.Line:
					s, _ := it.Fields[f.Name].(string)
					want(s)
				case item.Checks:
					for _, c := range item.Entries.Get(it) {
						richtext.ReplaceLinks(c.Title, func(url string) string { want(url); return url })
					}
				}
			}
		}
	}
	t.mu.Unlock()
	_, err := t.find(ctx, led, aliases)
	return err
}

// findIDs asks where the files and folders went whose ids the aliases are: a ledger of
// millions of files holds each id once.
func (t *linkTable) findIDs(ctx context.Context, led ledger.Ledger, ids []string, places map[string]ledger.Place) error {
	for _, k := range []item.Kind{item.File, item.Folder} {
		keys := make([]item.Ref, 0, len(ids))
		for _, id := range ids {
			keys = append(keys, item.Ref{Kind: k, ID: id})
		}
		found, err := led.Find(ctx, keys)
		if err != nil {
			return err
		}
		for _, p := range found {
			places[p.Key.ID] = p
		}
	}
	return nil
}

// find asks the ledger where the aliases lead to, and returns those that led
// somewhere before and no longer do.
func (t *linkTable) find(ctx context.Context, led ledger.Ledger, aliases []string) (lost []string, err error) {
	for chunk := range slices.Chunk(aliases, 1000) {
		places, err := led.FindAliases(ctx, chunk)
		if err == nil && t.byID {
			err = t.findIDs(ctx, led, chunk, places)
		}
		if err != nil {
			return nil, fmt.Errorf("the ledger: %w", err)
		}
		t.mu.Lock()
		for _, a := range chunk {
			p, ok := places[a]
			if _, had := t.places[a]; had && !ok {
				lost = append(lost, a)
				delete(t.places, a)
			}
			if ok {
				t.places[a] = p
			}
		}
		t.mu.Unlock()
	}
	return lost, nil
}

// leave notes that an item is no longer where links to it lead.
func (t *linkTable) leave(key item.Ref) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.left = append(t.left, key)
}

// usersOf names what the listings of this pass have that points at an item.
func (t *linkTable) usersOf(key item.Ref) []item.Ref {
	t.mu.RLock()
	defer t.mu.RUnlock()
	var out []item.Ref
	for alias, place := range t.places {
		if place.Key == key {
			out = append(out, t.users[alias]...)
		}
	}
	return out
}

// stale names what points at items that are no longer where they were: moved
// ones, by key, and those that the ledger no longer knows. fresh names what points
// at items that were made in this pass.
func (t *linkTable) stale(ctx context.Context, led ledger.Ledger, moved []item.Ref, made func(ledger.Place) bool) (stale, fresh map[item.Ref]bool, err error) {
	t.mu.RLock()
	known := slices.Collect(maps.Keys(t.places))
	var unknown []string
	for a := range t.users {
		if _, ok := t.places[a]; !ok {
			unknown = append(unknown, a)
		}
	}
	t.mu.RUnlock()
	aliases, err := t.find(ctx, led, known)
	if err != nil {
		return nil, nil, err
	}
	if _, err := t.find(ctx, led, unknown); err != nil {
		return nil, nil, err
	}
	stale, fresh = map[item.Ref]bool{}, map[item.Ref]bool{}
	t.mu.RLock()
	defer t.mu.RUnlock()
	left := newRefSet()
	for _, key := range slices.Concat(moved, t.left) {
		left.add(key)
	}
	for a, place := range t.places {
		of := fresh
		switch {
		case left.has(place.Key):
			of = stale
		case !made(place):
			continue
		}
		for _, user := range t.users[a] {
			of[user] = true
		}
	}
	for _, a := range aliases {
		for _, user := range t.users[a] {
			stale[user] = true
		}
	}
	return stale, fresh, nil
}

// rewrite tells where an address leads to at the target.
func (t *linkTable) rewrite(url string) (to, alias string, ours, moved bool) {
	alias, ours = t.locate(url)
	if !ours {
		return url, "", false, false
	}
	t.mu.RLock()
	p, ok := t.places[alias]
	t.mu.RUnlock()
	if !ok || p.Target.Zero() {
		return url, alias, true, false
	}
	if to = t.link(p.Target, p.Container); to == "" {
		return url, alias, true, false
	}
	return to, alias, true, true
}

// taskAlias names a task by its id, for its sub-tasks: they refer to it by no
// address.
func taskAlias(task item.Ref) string { return task.String() }

// task tells where a task went to which another refers by its id, and its
// address there.
func (t *linkTable) task(task item.Ref) (target item.Ref, address string, moved bool) {
	t.mu.RLock()
	p, ok := t.places[taskAlias(task)]
	t.mu.RUnlock()
	if !ok || p.Target.Zero() {
		return item.Ref{}, "", false
	}
	return p.Target, t.link(p.Target, p.Container), true
}
