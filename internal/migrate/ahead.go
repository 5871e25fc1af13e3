package migrate

import (
	"context"
	"iter"

	"github.com/rialto-migrate/rialto/connector"
)

// pagesOf yields the pages of a container from its beginning on, and reads the next one
// while the one before is worked off.
func pagesOf(ctx context.Context, source connector.Source, s connector.Shard) iter.Seq2[connector.Page, error] {
	return pagesFrom(ctx, source, s, "")
}

// pagesFrom is pagesOf from a cursor on.
func pagesFrom(ctx context.Context, source connector.Source, s connector.Shard, from connector.Cursor) iter.Seq2[connector.Page, error] {
	return func(yield func(connector.Page, error) bool) {
		inner, cancel := context.WithCancel(ctx)
		type read struct {
			page connector.Page
			err  error
		}
		pages := make(chan read)
		go func() {
			defer close(pages)
			for page, err := range source.List(inner, s, from) {
				select {
				case pages <- read{page, err}:
				case <-inner.Done():
					return
				}
			}
		}()
		defer func() {
			cancel()
			for range pages { // until the reader has ended
			}
		}()
		for r := range pages {
			if !yield(r.page, r.err) {
				return
			}
		}
		if err := context.Cause(ctx); err != nil {
			yield(connector.Page{}, err)
		}
	}
}
