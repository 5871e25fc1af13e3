package migrate

import (
	"cmp"
	"context"
	"fmt"
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
	e.people = newPeopleMap(e.Spec.People, members, e.standings)
	return nil
}

// placeOf is the place that a container of the source goes to.
func (e *Engine) placeOf(source item.Ref) string {
	return cmp.Or(e.rows[BoardOf(source)].Place, e.Spec.Place)
}

// at returns the engine of the place that a container of the source goes to. It
// is opened when it is first needed. Safe for concurrent use.
func (e *Engine) at(ctx context.Context, source item.Ref) (*Engine, error) {
	place := e.placeOf(source)
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

// entered lists the engines of the places that were opened, in the order of
// their names.
func (e *Engine) entered() []*Engine {
	e.to.mu.Lock()
	defer e.to.mu.Unlock()
	var out []*Engine
	for _, place := range sortedKeys(e.to.at) {
		out = append(out, e.to.at[place])
	}
	return out
}

// peopleMet counts the people of the source whom the verb met, over all places.
func (e *Engine) peopleMet() int {
	ids := map[string]bool{}
	for _, there := range e.entered() {
		there.people.mu.RLock()
		for id := range there.people.source {
			ids[id] = true
		}
		there.people.mu.RUnlock()
	}
	return len(ids)
}
