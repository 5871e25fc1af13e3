package connector

import (
	"context"
	"iter"
	"sync"
)

// Each carries changes out side by side, at most n at once, and yields their
// results in order: a Target.Write for a cloud that takes one change a request.
// How many requests are really under way is for the pacer to say. When the caller
// stops, no further change is begun, and what is under way is waited for.
func Each(ctx context.Context, changes []Change, n int, write func(context.Context, Change) Result) iter.Seq2[Result, error] {
	return func(yield func(Result, error) bool) {
		ctx, cancel := context.WithCancel(ctx)
		results := make([]chan Result, len(changes))
		for i := range results {
			results[i] = make(chan Result, 1)
		}
		next := make(chan int)
		var workers sync.WaitGroup
		defer workers.Wait()
		defer cancel()
		for range min(n, len(changes)) {
			workers.Go(func() {
				for i := range next {
					results[i] <- write(ctx, changes[i])
				}
			})
		}
		workers.Go(func() {
			defer close(next)
			for i := range changes {
				select {
				case next <- i:
				case <-ctx.Done():
					return
				}
			}
		})
		for i := range results {
			select {
			case r := <-results[i]:
				if !yield(r, nil) {
					return
				}
				continue
			case <-ctx.Done():
			}
			workers.Wait() // what was begun has its result by then
			select {
			case r := <-results[i]:
				if !yield(r, nil) {
					return
				}
			default:
				return // it was not begun: nothing was sent
			}
		}
	}
}
