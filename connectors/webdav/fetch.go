package webdav

import (
	"context"
	"iter"

	"github.com/rialto-migrate/rialto/connector"
	"github.com/rialto-migrate/rialto/item"
)

// side is how many requests of one call are under way at most; how many really
// are, is for the pacer to say.
const side = 64

// fetch reads items one by one, many at a time, and yields them in order.
func (c *cloud) fetch(ctx context.Context, t tree, refs []item.Ref) iter.Seq2[item.Bundle, error] {
	asked := make([]connector.Change, len(refs))
	for i, r := range refs {
		asked[i] = connector.Change{Item: item.Item{Ref: r}}
	}
	return func(yield func(item.Bundle, error) bool) {
		read := func(ctx context.Context, q connector.Change) connector.Result {
			it, err := c.get(ctx, t, q.Item.Ref)
			return connector.Result{Stored: item.Bundle{Item: it, CheckItems: -1}, Err: err}
		}
		for r, err := range connector.Each(ctx, asked, side, read) {
			if err == nil {
				err = r.Err
			}
			if err != nil && connector.ClassOf(err) == connector.Gone {
				continue
			}
			if !yield(r.Stored, err) || err != nil {
				return
			}
		}
	}
}

// get reads one item. It fails with class Gone if nothing of its kind is there.
func (c *cloud) get(ctx context.Context, t tree, ref item.Ref) (item.Item, error) {
	e, err := c.api.stat(ctx, ref.ID, folder(ref.Kind))
	if err != nil {
		return item.Item{}, err
	}
	if e.folder != folder(ref.Kind) {
		return item.Item{}, connector.Errorf(connector.Gone, "PROPFIND {object}: something of another kind stands there")
	}
	return t.item(ref.ID, e), nil
}
