package runs

import (
	"context"
	"iter"
	"slices"
	"sync"
	"time"

	"github.com/rialto-migrate/rialto/connector"
)

// A fan hands what a run tells to all who follow it: the newest events, once for
// all of them. Whoever is slower than that reads the store. It lives while somebody
// follows.
type fan struct {
	followers int // guarded by the registry

	mu      sync.Mutex
	recent  []Event // without gaps; their slices are shared and never changed
	last    int64   // the number of the newest event
	over    bool
	heard   time.Time
	changed chan struct{} // closed at the next change
	quit    chan struct{}
}

const (
	mostRecent = 2000 // events in a fan
	readAtOnce = 500  // events out of the store
	// lookAgain is how often a fan asks the store about a run of which it hears
	// nothing: one that another process carries out.
	lookAgain = 500 * time.Millisecond
)

// publish tells the followers what is in the store now.
func (r *Registry) publish(n name, events []Event, last int64, over bool) {
	r.mu.Lock()
	f := r.fans[n]
	r.mu.Unlock()
	if f != nil {
		f.add(events, last, over)
	}
}

func (f *fan) add(events []Event, last int64, over bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.heard = time.Now()
	events = events[sortedAfter(events, f.last):]
	if len(events) == 0 && (!over || f.over) {
		return
	}
	if len(events) > 0 {
		if events[0].Num != f.last+1 {
			f.recent = nil // a follower reads what lies between in the store
		}
		all := slices.Concat(f.recent, events) // anew: followers share the old one
		f.recent = all[max(len(all)-mostRecent, 0):]
		f.last = events[len(events)-1].Num
	}
	f.last = max(f.last, last)
	f.over = f.over || over
	close(f.changed)
	f.changed = make(chan struct{})
}

// sortedAfter is where the events after a number begin.
func sortedAfter(events []Event, after int64) int {
	i, _ := slices.BinarySearchFunc(events, after+1, func(e Event, num int64) int { return int(e.Num - num) })
	return i
}

// Follow yields what a run tells after the event of a number, in batches: every
// event once and in order, those that are kept first and then live, until the run is
// over or ctx, or the registry is closed. Of a run that told more than is kept, a
// follower from the very beginning gets what is kept. A batch is shared and must not be changed. A
// follower that is slow slows nobody else, and not the run.
func (r *Registry) Follow(ctx context.Context, organisation string, num, after int64) iter.Seq2[[]Event, error] {
	return func(yield func([]Event, error) bool) {
		f, err := r.join(ctx, name{organisation, num})
		if err != nil {
			yield(nil, err)
			return
		}
		defer r.leave(name{organisation, num}, f)
		f.mu.Lock()
		after = min(after, f.last) // no number is told before it is in the store
		f.mu.Unlock()
		for {
			f.mu.Lock()
			last, over, changed := f.last, f.over, f.changed
			var batch []Event
			behind := after < last
			if len(f.recent) > 0 && after >= f.recent[0].Num-1 {
				behind = false
				batch = f.recent[sortedAfter(f.recent, after):]
			}
			f.mu.Unlock()
			if behind {
				rows, err := r.store.RunEvents(ctx, organisation, num, after, readAtOnce)
				if err != nil {
					yield(nil, err)
					return
				}
				for _, row := range rows {
					e, err := Read(row)
					if err != nil {
						yield(nil, connector.Errorf(connector.Permanent, "event %d of run %d cannot be read", row.Num, num))
						return
					}
					batch = append(batch, e)
				}
				if len(batch) == 0 { // none of them is kept
					after = last
				}
			}
			if len(batch) > 0 {
				after = batch[len(batch)-1].Num
				if !yield(batch, nil) {
					return
				}
				continue
			}
			if over && after >= last {
				return
			}
			if behind {
				continue
			}
			select {
			case <-changed:
			case <-ctx.Done():
				return
			case <-r.closing.Done():
				return
			}
		}
	}
}

// join adds a follower to a run's fan, made if there is none.
func (r *Registry) join(ctx context.Context, n name) (*fan, error) {
	row, err := r.store.Run(ctx, n.organisation, n.num)
	if err != nil {
		return nil, err
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	f := r.fans[n]
	if f == nil {
		f = &fan{changed: make(chan struct{}), quit: make(chan struct{})}
		r.fans[n] = f
		go r.watch(n, f)
	}
	f.followers++
	f.mu.Lock()
	if row.Last > f.last && len(f.recent) == 0 {
		f.last = row.Last
	}
	f.over = f.over || !row.Ended.IsZero() && row.Last <= f.last
	f.mu.Unlock()
	return f, nil
}

func (r *Registry) leave(n name, f *fan) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if f.followers--; f.followers == 0 {
		delete(r.fans, n)
		close(f.quit)
	}
}

// watch asks the store for what a fan does not hear: of runs that other processes
// carry out.
func (r *Registry) watch(n name, f *fan) {
	t := time.NewTicker(lookAgain)
	defer t.Stop()
	for {
		select {
		case <-t.C:
		case <-f.quit:
			return
		case <-r.closing.Done():
			return
		}
		f.mu.Lock()
		quiet, after := !f.over && time.Since(f.heard) > lookAgain, f.last
		f.mu.Unlock()
		if quiet {
			if err := r.look(n, f, after); err != nil && r.closing.Err() == nil {
				r.log.Debug("a run cannot be looked at", "organisation", n.organisation, "run", n.num, "class", connector.ClassOf(err))
			}
		}
	}
}

func (r *Registry) look(n name, f *fan, after int64) error {
	row, err := r.store.Run(r.closing, n.organisation, n.num)
	if err != nil {
		return err
	}
	var events []Event
	for after < row.Last {
		rows, err := r.store.RunEvents(r.closing, n.organisation, n.num, after, readAtOnce)
		if err != nil {
			return err
		}
		if len(rows) == 0 {
			break
		}
		for _, one := range rows {
			e, err := Read(one)
			if err != nil {
				return err
			}
			events = append(events, e)
		}
		after = rows[len(rows)-1].Num
	}
	f.add(events, row.Last, !row.Ended.IsZero())
	return nil
}
