package trello

import (
	"context"
	"net/http"
	"net/url"
	"slices"

	"github.com/rialto-migrate/rialto/connector"
	"github.com/rialto-migrate/rialto/item"
)

// siblings reads what stands in a parent, in its order.
func (t *target) siblings(ctx context.Context, kind item.Kind, parent, after string) ([]sibling, error) {
	id := url.PathEscape(parent)
	light := url.Values{"fields": {"pos"}, "filter": {"all"}}
	var out []sibling
	var err error
	switch kind {
	case item.Task:
		t.mu.Lock()
		tail, ok := t.tails[parent]
		t.mu.Unlock()
		if ok && after == tail.id {
			return []sibling{tail}, nil
		}
		out, err = readSiblings(ctx, t.api, "/lists/"+id+"/cards", light, func(c card) sibling { return sibling{string(c.ID), float64(c.Pos)} })
	case item.List:
		out, err = readSiblings(ctx, t.api, "/boards/"+id+"/lists", light, func(c column) sibling { return sibling{string(c.ID), float64(c.Pos)} })
	case item.CustomField:
		var fields []customField
		fields, err = t.fieldsOf(ctx, parent, true)
		for _, f := range fields {
			out = append(out, sibling{string(f.ID), float64(f.Pos)})
		}
	case item.Checklist:
		out, err = readSiblings(ctx, t.api, "/cards/"+id+"/checklists", url.Values{"checkItems": {"none"}, "fields": {"pos"}},
			func(l checklist) sibling { return sibling{string(l.ID), float64(l.Pos)} })
	}
	slices.SortFunc(out, func(a, b sibling) int { return byPos(number(a.pos), number(b.pos), text(a.id), text(b.id)) })
	return out, err
}

func readSiblings[T any](ctx context.Context, a *api, path string, q url.Values, as func(T) sibling) ([]sibling, error) {
	var all list[T]
	if err := a.get(ctx, path, q, &all); err != nil {
		return nil, err
	}
	var out []sibling
	for _, v := range all {
		out = append(out, as(v))
	}
	return out, nil
}

// move puts a sibling elsewhere to make room before it.
func (t *target) move(ctx context.Context, kind item.Kind, s sibling) error {
	path := map[item.Kind]string{item.Task: "/cards/", item.List: "/lists/", item.CustomField: "/customFields/", item.Checklist: "/checklists/"}[kind]
	return t.api.send(ctx, http.MethodPut, path+url.PathEscape(s.id), params{"pos": s.pos}, nil)
}

// remember notes a card that was put last in its list.
func (t *target) remember(listID string, c *card) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if tail, ok := t.tails[listID]; !ok || float64(c.Pos) > tail.pos {
		t.tails[listID] = sibling{string(c.ID), float64(c.Pos)}
	}
}

// forgetMoved forgets what stands last where cards were moved: one of them may
// by now, even if its move failed.
func (t *target) forgetMoved(changes []connector.Change) {
	for _, c := range changes {
		if c.Item.Kind != item.Task || c.Op != connector.Update || !needsPosition(c) {
			continue
		}
		t.forget(item.InList.Get(c.Item).ID)
		if c.Prev != nil {
			t.forget(item.InList.Get(c.Prev.Item).ID)
		}
	}
}

// forget drops what is known of a list's end.
func (t *target) forget(listID string) {
	t.mu.Lock()
	delete(t.tails, listID)
	t.mu.Unlock()
}
