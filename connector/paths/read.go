package paths

import (
	"context"
	"iter"

	"github.com/rialto-migrate/rialto/connector"
	"github.com/rialto-migrate/rialto/item"
)

// Fetch reads items of a container one by one, at most n at once, and yields them in
// the order in which they are asked for, without those that get says are Gone. It ends
// at the first other error. get is called by several goroutines.
func Fetch(ctx context.Context, t Tree, refs []item.Ref, n int, get func(context.Context, Tree, item.Ref) (item.Item, error)) iter.Seq2[item.Bundle, error] {
	return func(yield func(item.Bundle, error) bool) {
		asked := make([]connector.Change, len(refs))
		for i, r := range refs {
			asked[i] = connector.Change{Item: item.Item{Ref: r}}
		}
		read := func(ctx context.Context, q connector.Change) connector.Result {
			it, err := get(ctx, t, q.Item.Ref)
			return connector.Result{Stored: item.Bundle{Item: it, CheckItems: -1}, Err: err}
		}
		for r, err := range connector.Each(ctx, asked, n, read) {
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

// Found yields what the pages of one container's listing hold but the container
// itself: a Target.Find where what was written stands where its id says. It yields
// nothing more once the listing says that the container is Gone.
func Found(pages iter.Seq2[connector.Page, error]) iter.Seq2[connector.Found, error] {
	return func(yield func(connector.Found, error) bool) {
		for p, err := range pages {
			if err != nil {
				if connector.ClassOf(err) != connector.Gone {
					yield(connector.Found{}, err)
				}
				return
			}
			for _, b := range p.Bundles {
				if b.Item.Kind != item.Drive && !yield(connector.Found{Bundle: b}, nil) {
					return
				}
			}
		}
	}
}

// FoundDrives yields what may be a container of a connection that writes into a
// place: the place itself, and each folder in it, given by its name.
func FoundDrives(place string, names []string) iter.Seq2[connector.Found, error] {
	return func(yield func(connector.Found, error) bool) {
		at := []string{place}
		for _, name := range names {
			at = append(at, connector.Below(place, name))
		}
		for _, id := range at {
			it := Of(Drive(id), place).Folder(id)
			if !yield(connector.Found{Bundle: item.Bundle{Item: it, CheckItems: -1}}, nil) {
				return
			}
		}
	}
}
