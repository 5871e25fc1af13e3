package onedrive

import (
	"context"
	"iter"
	"slices"

	"github.com/rialto-migrate/rialto/connector"
	"github.com/rialto-migrate/rialto/connectors/microsoft"
	"github.com/rialto-migrate/rialto/item"
)

// fetched is how many items are read before the first of them is given.
const fetched = 200

// fetch reads items by their ids, in batches.
func (c *cloud) fetch(ctx context.Context, t tree, refs []item.Ref) iter.Seq2[item.Bundle, error] {
	return func(yield func(item.Bundle, error) bool) {
		if len(refs) == 0 {
			return
		}
		if err := c.rootOf(ctx, &t); microsoft.IsGone(err) {
			return
		} else if err != nil {
			yield(item.Bundle{}, err)
			return
		}
		for some := range slices.Chunk(refs, fetched) {
			all, err := c.bundlesOf(ctx, t, some)
			if err != nil {
				yield(item.Bundle{}, err)
				return
			}
			for _, b := range all {
				if !yield(b, nil) {
					return
				}
			}
		}
	}
}

func (c *cloud) bundlesOf(ctx context.Context, t tree, refs []item.Ref) ([]item.Bundle, error) {
	var ids []string
	var out []item.Bundle
	wanted := map[item.Ref]bool{}
	for _, ref := range refs {
		switch ref.Kind {
		case item.Drive:
			i, err := c.container(ctx, t)
			if microsoft.IsGone(err) || ref != t.ref {
				continue
			}
			if err != nil {
				return nil, err
			}
			out = append(out, bundle(t.item(i, nil)))
		case item.Folder, item.File, item.Shortcut:
			ids = append(ids, ref.ID)
			wanted[ref] = true
		}
	}
	all, err := c.items(ctx, t, ids)
	if err != nil {
		return nil, err
	}
	all = slices.DeleteFunc(all, func(i driveItem) bool { return i.Deleted != nil || !wanted[t.refOf(i)] })
	shared, err := c.sharings(ctx, t, all)
	if err != nil {
		return nil, err
	}
	for _, i := range all {
		out = append(out, bundle(t.item(i, shared[i.ID].grants)))
	}
	return out, nil
}

// get reads one item that is not the container. It fails with class Gone if it is not
// there, or not of this kind.
func (c *cloud) get(ctx context.Context, t tree, ref item.Ref) (driveItem, error) {
	var i driveItem
	err := c.read(ctx, t.at(ref.ID, ""), nil, costOne, &i)
	if err == nil && (i.Deleted != nil || i.kind() != ref.Kind) {
		err = gone("GET {item}")
	}
	return i, err
}

// withGrants is an item with who was let at it.
func (c *cloud) withGrants(ctx context.Context, t tree, i driveItem) (item.Item, error) {
	shared, err := c.sharings(ctx, t, []driveItem{i})
	if err != nil {
		return item.Item{}, err
	}
	return t.item(i, shared[i.ID].grants), nil
}

var _ connector.Source = (*source)(nil)
