package planner

import (
	"context"
	"net/http"
	"net/url"
	"slices"

	"github.com/rialto-migrate/rialto/connector"
	"github.com/rialto-migrate/rialto/connectors/microsoft"
	"github.com/rialto-migrate/rialto/item"
)

// A sibling is one item of an order.
type sibling struct{ id, hint string }

// An order makes hints for a run of changes within one parent or list.
type order struct {
	prev string // the hint of what stands before
	next string // of what stands behind
}

// A spot is where a change puts its item.
type spot struct {
	hint string // "" leaves the item where it is
	next string // the hint of what stands behind it; "" at the end of the order
}

// take gives the next item of the run its place.
func (o *order) take() spot {
	o.prev = between(o.prev, o.next)
	return spot{o.prev, o.next}
}

// startAfter is the place behind a sibling ("" for the first place), where the
// items that move are not counted. Where it is not there, it is the place behind
// the first of gone that is, and where none is, the end.
func startAfter(siblings []sibling, after string, moving []string, gone ...string) order {
	rest := slices.DeleteFunc(slices.Clone(siblings), func(s sibling) bool { return slices.Contains(moving, s.id) })
	for len(gone) > 0 && after != "" && !slices.ContainsFunc(rest, func(s sibling) bool { return s.id == after }) {
		after, gone = gone[0], gone[1:]
	}
	if after == "" {
		if len(rest) == 0 {
			return order{}
		}
		return order{next: rest[0].hint}
	}
	i := slices.IndexFunc(rest, func(s sibling) bool { return s.id == after })
	if i < 0 {
		i = len(rest) - 1
	}
	if i < 0 {
		return order{}
	}
	o := order{prev: rest[i].hint}
	for _, s := range rest[i+1:] {
		if s.hint > o.prev { // nothing fits between two equal hints
			o.next = s.hint
			break
		}
	}
	return o
}

// bucketSiblings are a plan's buckets in their order.
func (t *target) bucketSiblings(ctx context.Context, planID string) ([]sibling, error) {
	buckets, err := microsoft.All(microsoft.List[bucket](ctx, t.graph, "/planner/plans/"+url.PathEscape(planID)+"/buckets", nil))
	sortBuckets(buckets)
	out := make([]sibling, len(buckets))
	for i, b := range buckets {
		out[i] = sibling{b.ID, b.Hint}
	}
	return out, err
}

// taskSiblings are a bucket's tasks in their order.
func (t *target) taskSiblings(ctx context.Context, bucketID string) ([]sibling, error) {
	if bucketID == "" {
		return nil, nil
	}
	tasks, err := microsoft.All(microsoft.List[task](ctx, t.graph, "/planner/buckets/"+url.PathEscape(bucketID)+"/tasks", nil))
	sortTasks(tasks)
	out := make([]sibling, len(tasks))
	for i, x := range tasks {
		out[i] = sibling{x.ID, x.Hint}
	}
	return out, err
}

// places tells where every change goes. parent tells what the siblings of a
// change share; read reads them, once a parent, and not at all where we know the
// end of the order.
func (t *target) places(ctx context.Context, changes []connector.Change, parent func(connector.Change) string,
	read func(context.Context, string) ([]sibling, error)) ([]spot, []error) {
	out, errs := make([]spot, len(changes)), make([]error, len(changes))
	orders := map[string]*order{}
	placed := map[string]*order{} // by item: the order as it stood behind it
	stays := map[string]string{}  // by parent: the latest item that keeps its place
	known := map[string][]sibling{}
	failed := map[string]error{} // by parent: its siblings could not be read
	var moving []string
	for _, ch := range changes {
		if moves(ch) {
			moving = append(moving, ch.Item.ID)
		}
	}
	start := func(p, after string, gone ...string) (*order, error) {
		if end, ok := t.tail(p); ok && after == end.id && after != "" {
			return &order{prev: end.hint}, nil
		}
		if _, ok := known[p]; !ok {
			there, err := read(ctx, p)
			if err != nil {
				failed[p] = err
				return nil, err
			}
			known[p] = there
		}
		o := startAfter(known[p], after, moving, gone...)
		return &o, nil
	}
	for i, ch := range changes {
		p := parent(ch)
		if ch.Op == connector.Update && !moves(ch) { // it stays where it is; what follows stands behind it
			stays[p] = ch.Item.ID
			delete(orders, p)
			continue
		}
		if failed[p] != nil {
			errs[i] = failed[p]
			continue
		}
		o := orders[p]
		switch before := placed[ch.After]; {
		case ch.AfterPrevious && o != nil:
		case ch.AfterPrevious:
			o, errs[i] = start(p, stays[p])
		case before != nil && ch.After != "": // it follows what this very call puts elsewhere
			behind := *before
			o = &behind
		default:
			o, errs[i] = start(p, ch.After, ch.AfterGone...)
		}
		if errs[i] != nil {
			continue
		}
		orders[p] = o
		out[i] = o.take()
		if ch.Op == connector.Update {
			now := *o
			placed[ch.Item.ID] = &now
		}
	}
	return out, errs
}

// moves reports whether a change puts something that is there elsewhere.
func moves(ch connector.Change) bool {
	return ch.Op == connector.Update && dirty(ch, item.Position.Name)
}

func (t *target) tail(parent string) (tail, bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	e, ok := t.tails[parent]
	return e, ok
}

// remember keeps what stands last in an order, as we wrote it; an id of ""
// forgets it.
func (t *target) remember(parent string, e tail) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if e.id == "" {
		delete(t.tails, parent)
		return
	}
	t.tails[parent] = e
}

// writeLists makes or changes buckets.
func (t *target) writeLists(ctx context.Context, changes []connector.Change) []connector.Result {
	out := make([]connector.Result, len(changes))
	places, errs := t.places(ctx, changes, func(ch connector.Change) string { return ch.Item.Parent.ID }, t.bucketSiblings)
	var calls []microsoft.BatchCall
	var of []int
	for i, ch := range changes {
		if errs[i] != nil {
			out[i].Err = errs[i]
			continue
		}
		if ch.Op == connector.Update {
			b, err := t.updateList(ctx, ch, places[i].hint)
			out[i] = connector.Result{Stored: item.Bundle{Item: listItem(b), CheckItems: -1}, Err: err}
			continue
		}
		calls = append(calls, microsoft.BatchCall{Method: http.MethodPost, Path: "/planner/buckets",
			JSON: map[string]any{"name": item.Name.Get(ch.Item), "planId": ch.Item.Parent.ID, "orderHint": places[i].hint}})
		of = append(of, i)
	}
	last := ""
	for j, a := range t.graph.Batch(ctx, calls) {
		i := of[j]
		planID := changes[i].Item.Parent.ID
		var b bucket
		if err := a.Decode(&b); err != nil {
			out[i].Err = decoded(a, err)
			last = "~" // whatever follows is not checked against it
			continue
		}
		b.Plan = planID
		if j > 0 && changes[i].AfterPrevious && last != "~" && b.Hint <= last {
			// The service worked the composed hint out otherwise: place it anew.
			if err := t.withEtag(ctx, "/planner/buckets/"+url.PathEscape(b.ID), map[string]any{"orderHint": between(last, places[i].next)}); err == nil {
				if err := t.graph.Get(ctx, "/planner/buckets/"+url.PathEscape(b.ID), nil, &b); err != nil {
					out[i].Err = inDoubt(err)
					continue
				}
				b.Plan = planID
			}
		}
		last = b.Hint
		out[i].Stored = item.Bundle{Item: listItem(b), CheckItems: -1}
	}
	return out
}

// decoded is the error of a create: an answer that cannot be read leaves it in
// doubt.
func decoded(a microsoft.BatchAnswer, err error) error {
	if a.Err == nil {
		return inDoubt(err)
	}
	return err
}

func (t *target) updateList(ctx context.Context, ch connector.Change, hint string) (b bucket, err error) {
	path := "/planner/buckets/" + url.PathEscape(ch.Item.ID)
	for range tries {
		if err = t.graph.Get(ctx, path, nil, &b); err != nil {
			return b, err
		}
		b.Plan = ch.Item.Parent.ID
		body := map[string]any{}
		if dirty(ch, item.Name.Name) && b.Name != item.Name.Get(ch.Item) {
			if ch.Prev != nil && b.Name != item.Name.Get(ch.Prev.Item) {
				return b, connector.Errorf(connector.Conflict, "somebody else renamed the bucket meanwhile")
			}
			body["name"] = item.Name.Get(ch.Item)
		}
		if hint != "" {
			body["orderHint"] = hint
		}
		if len(body) == 0 {
			return b, nil
		}
		_, err = t.graph.JSON(ctx, connector.Request{Method: http.MethodPatch, URL: t.graph.URL(path, nil), JSON: body, Repeatable: true,
			Header: http.Header{"If-Match": {b.Etag}, "Prefer": {"return=representation"}}}, &b)
		if err == nil || connector.ClassOf(err) != connector.Conflict {
			b.Plan = ch.Item.Parent.ID
			return b, err
		}
	}
	return b, err
}
