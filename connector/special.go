package connector

import (
	"context"

	"github.com/rialto-migrate/rialto/item"
)

// Specials is a Target that has folders of its own for special uses, such as sent mail:
// what a source has for the same use goes there, whatever it is called.
type Specials interface {
	// Special returns those folders by their use, as Fetch returns them.
	Special(ctx context.Context) (map[string]item.Item, error)
}
