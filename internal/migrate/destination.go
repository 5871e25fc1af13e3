package migrate

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"

	"github.com/rialto-migrate/rialto/item"
)

// destinations are the places of the target that a migration writes to, each
// with an engine of its own that shares everything else.
type destinations struct {
	mu sync.Mutex
	at map[string]*Engine
}

// enter opens one place of the target and meets the people who are there.
func (e *Engine) enter(ctx context.Context, place string) error {
	var err error
	if e.target, err = e.To.Cloud.Target(ctx, place); err != nil {
		return fmt.Errorf("the target: %w", err)
	}
	var members []item.Item
	for m, err := range e.target.Members(ctx) {
		if err != nil {
			return fmt.Errorf("the target's members: %w", err)
		}
		members = append(members, m)
	}
	e.people = newPeopleMap(e.Spec.People, members)
	return nil
}

// at returns the engine of the place that a container of the source goes to. It
// is opened when it is first needed. Safe for concurrent use.
func (e *Engine) at(ctx context.Context, source item.Ref) (*Engine, error) {
	place := e.rows[BoardOf(source)].Place
	if place == "" {
		place = e.Spec.Place
	}
	e.to.mu.Lock()
	defer e.to.mu.Unlock()
	if there := e.to.at[place]; there != nil {
		return there, nil
	}
	there := *e
	if err := there.enter(ctx, place); err != nil {
		return nil, err
	}
	e.to.at[place] = &there
	return &there, nil
}

// met lists the people of the source that the verb met, over all places: with
// the counterpart that one of them has.
func (e *Engine) met() []Person {
	e.to.mu.Lock()
	defer e.to.mu.Unlock()
	by := map[string]Person{}
	for _, there := range e.to.at {
		for _, p := range there.people.all() {
			if had, ok := by[p.Source]; !ok || had.Target == "" {
				by[p.Source] = p
			}
		}
	}
	return slices.SortedFunc(maps.Values(by), func(a, b Person) int { return strings.Compare(a.Source, b.Source) })
}
