package trello

import (
	"context"
	"errors"
	"iter"
	"slices"

	"golang.org/x/sync/errgroup"

	"github.com/rialto-migrate/rialto/connector"
	"github.com/rialto-migrate/rialto/item"
)

// lanes is how many requests one Write has under way at once.
const lanes = 8

// Write creates and updates items of one kind. Changes that share a card and
// have an order which only the order of the requests gives (comments,
// attachments) go one after the other; all others go side by side, at positions
// computed beforehand.
func (t *target) Write(ctx context.Context, changes []connector.Change, open item.Opener) iter.Seq2[connector.Result, error] {
	return func(yield func(connector.Result, error) bool) {
		if len(changes) == 0 {
			return
		}
		t.written()
		defer t.written()
		kind := changes[0].Item.Kind
		at, err := t.positions(ctx, kind, changes)
		if err == nil {
			err = t.join(ctx, changes)
		}
		results := make([]chan connector.Result, len(changes))
		for i := range results {
			results[i] = make(chan connector.Result, 1)
		}
		ctx, stop := context.WithCancel(ctx)
		defer stop()
		var group errgroup.Group
		group.SetLimit(lanes)
		done := make(chan struct{})
		go func() {
			defer close(done)
			for _, lane := range split(kind, changes) {
				group.Go(func() error {
					t.lane(ctx, changes, lane, at, err, open, results)
					return nil
				})
			}
			_ = group.Wait() // the lanes report through results
			t.forgetMoved(changes)
		}()
		defer func() { <-done }()
		defer stop()
		for _, r := range results {
			if !yield(<-r, nil) {
				return
			}
		}
	}
}

// split groups the changes into lanes, each in its order.
func split(kind item.Kind, changes []connector.Change) [][]int {
	var out [][]int
	at := map[string]int{}
	for i, c := range changes {
		n, ok := at[c.Item.Parent.ID]
		if ok && (kind == item.Comment || kind == item.Attachment) {
			out[n] = append(out[n], i)
			continue
		}
		at[c.Item.Parent.ID] = len(out)
		out = append(out, []int{i})
	}
	return out
}

// lane writes the changes of one lane. After one that may still come about, the
// rest waits for another time: else it would stand before it.
func (t *target) lane(ctx context.Context, changes []connector.Change, lane []int, at []spot, failed error, open item.Opener, results []chan connector.Result) {
	for _, i := range lane {
		if failed == nil && ctx.Err() != nil {
			failed = &connector.Error{Class: connector.Transient, Reason: "the write was stopped", Err: context.Cause(ctx)}
		}
		if failed != nil {
			results[i] <- connector.Result{Err: failed}
			continue
		}
		r := t.change(ctx, changes[i], at[i], open)
		results[i] <- r
		if r.Err != nil && (connector.InDoubt(r.Err) || passing(connector.ClassOf(r.Err))) {
			failed = connector.Errorf(connector.Transient, "not written, because what comes before it was not")
		}
	}
}

// passing reports whether a failure may be over at another time.
func passing(c connector.Class) bool {
	return c == connector.Transient || c == connector.Throttled || c == connector.Auth || c == connector.Malformed
}

// change writes one item.
func (t *target) change(ctx context.Context, c connector.Change, at spot, open item.Opener) connector.Result {
	var it item.Item
	var err error
	switch c.Item.Kind {
	case item.Board:
		it, err = t.writeBoard(ctx, c)
	case item.Label:
		it, err = t.writeLabel(ctx, c)
	case item.List:
		it, err = t.writeList(ctx, c, at.pos)
	case item.CustomField:
		it, err = t.writeField(ctx, c, at.pos)
	case item.Task:
		it, err = t.writeTask(ctx, c, at)
	case item.Checklist:
		it, err = t.writeChecklist(ctx, c, at.pos)
	case item.Comment:
		it, err = t.writeComment(ctx, c)
	case item.Attachment:
		it, err = t.writeAttachment(ctx, c, open)
	default:
		err = connector.Errorf(connector.Unsupported, "Trello writes no %s", c.Item.Kind)
	}
	if err != nil {
		return connector.Result{Err: err}
	}
	if it.Parent.Zero() {
		it.Parent = c.Item.Parent
	}
	return connector.Result{Stored: stored(it)}
}

// half marks the failure of a later request of a Create: what the first made is
// there, so that it must be found before anything is written again.
func half(err error) error {
	if err == nil {
		return nil
	}
	if e, ok := errors.AsType[*connector.Error](err); ok {
		copied := *e
		copied.InDoubt = true
		return &copied
	}
	return &connector.Error{Class: connector.ClassOf(err), Reason: "a write of several requests was broken off", InDoubt: true, Err: err}
}

// dirty reports whether a change writes a field.
func dirty(c connector.Change, f item.Field) bool {
	return c.Op == connector.Create || len(c.Dirty) == 0 || slices.Contains(c.Dirty, f.Name)
}

// needsPosition reports whether a change says where the item goes.
func needsPosition(c connector.Change) bool {
	return c.Op == connector.Create || dirty(c, item.Position.Field) || c.Item.Kind == item.Task && dirty(c, item.InList.Field)
}

// parentOf names the siblings among which an item stands: the list of a card,
// else the parent.
func parentOf(it item.Item) string {
	if it.Kind == item.Task {
		return item.InList.Get(it).ID
	}
	return it.Parent.ID
}

// A spot is where a change puts its item.
type spot struct {
	pos  number // 0 leaves it where it is
	last bool   // nothing stands behind it but what the same call puts there
}

// positions computes where each change goes: consecutive siblings are spread
// between the two between which they belong. What is already there is asked for
// once for each parent, and not at all behind a card that this target wrote
// last in its list.
func (t *target) positions(ctx context.Context, kind item.Kind, changes []connector.Change) ([]spot, error) {
	at := make([]spot, len(changes))
	switch kind {
	case item.List, item.CustomField, item.Task, item.Checklist:
	default:
		return at, nil
	}
	known := map[string][]sibling{}
	after, gone := "", []string(nil)
	for i := 0; i < len(changes); {
		c := changes[i]
		if !c.AfterPrevious {
			after, gone = c.After, c.AfterGone
		}
		if !needsPosition(c) {
			after, gone = c.Item.ID, nil // it stays, and those behind it follow it
			i++
			continue
		}
		run := []int{i}
		for i++; i < len(changes) && changes[i].AfterPrevious && needsPosition(changes[i]) && parentOf(changes[i].Item) == parentOf(c.Item); i++ {
			run = append(run, i)
		}
		if err := t.placeRun(ctx, kind, changes, run, append([]string{after}, gone...), known, at); err != nil {
			return at, err
		}
	}
	return at, nil
}

// placeRun places consecutive siblings behind the first of follows that is
// there, and moves those that come behind them on where there is no room.
func (t *target) placeRun(ctx context.Context, kind item.Kind, changes []connector.Change, run []int, follows []string, known map[string][]sibling, at []spot) error {
	parent, after := parentOf(changes[run[0]].Item), follows[0]
	siblings, ok := known[parent]
	if !ok {
		var err error
		if siblings, err = t.siblings(ctx, kind, parent, after); err != nil {
			return err
		}
	}
	moving := map[string]bool{}
	for _, i := range run {
		if id := changes[i].Item.ID; id != "" && id != after {
			moving[id] = true
		}
	}
	siblings = slices.DeleteFunc(slices.Clone(siblings), func(s sibling) bool { return moving[s.id] })
	after = standing(siblings, follows...)
	where, moves := spread(siblings, after, len(run))
	last := len(siblings) == 0 || len(moves) == 0 && where[0] > siblings[len(siblings)-1].pos
	if len(moves) > 0 {
		t.forget(parent)
	}
	for _, m := range moves {
		if err := t.move(ctx, kind, m); err != nil {
			return err
		}
		if i := slices.IndexFunc(siblings, func(s sibling) bool { return s.id == m.id }); i >= 0 {
			siblings[i].pos = m.pos
		}
	}
	for n, i := range run {
		at[i] = spot{number(where[n]), last}
		siblings = append(siblings, sibling{id: changes[i].Item.ID, pos: where[n]})
	}
	slices.SortStableFunc(siblings, func(a, b sibling) int { return byPos(number(a.pos), number(b.pos), text(a.id), text(b.id)) })
	known[parent] = siblings
	return nil
}
