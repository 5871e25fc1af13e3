package webdav

import (
	"context"

	"github.com/rialto-migrate/rialto/connector"
	"github.com/rialto-migrate/rialto/connector/paths"
	"github.com/rialto-migrate/rialto/item"
)

// side is how many requests of one call are under way at most; how many really
// are, is for the pacer to say.
const side = 64

// get reads one item. It fails with class Gone if nothing of its kind is there.
func (c *cloud) get(ctx context.Context, t paths.Tree, ref item.Ref) (item.Item, error) {
	e, err := c.api.stat(ctx, ref.ID, paths.IsFolder(ref.Kind))
	if err != nil {
		return item.Item{}, err
	}
	if e.folder != paths.IsFolder(ref.Kind) {
		return item.Item{}, connector.Errorf(connector.Gone, "PROPFIND {object}: something of another kind stands there")
	}
	return itemOf(t, ref.ID, e), nil
}
