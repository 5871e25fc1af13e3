package runs

import (
	"context"
	"encoding/json"
	"errors"
	"slices"
	"sync"
	"time"

	"github.com/rialto-migrate/rialto/connector"
	"github.com/rialto-migrate/rialto/internal/app"
	"github.com/rialto-migrate/rialto/internal/job"
	"github.com/rialto-migrate/rialto/internal/migrate"
	"github.com/rialto-migrate/rialto/internal/store"
)

// A carrier carries out one run in this process.
type carrier struct {
	r     *Registry
	name  name
	row   store.Run // what stands in the store; its teller's alone
	again bool      // it goes on with what another process began
	poked chan struct{}
	hide  hider

	mu      sync.Mutex
	counts  Counts
	waiting []Event // not written yet; the newest of them, where there are more than are kept
	taken   int64   // how many events there were, those that are no longer waiting included
	traffic time.Time

	stopped bool // a person asked for it
	lost    bool // another process owns it now
}

// alive is how often an owner says that it lives, at least.
const alive = time.Second

// carry begins to carry a run out.
func (r *Registry) carry(row store.Run, again bool) error {
	c := &carrier{r: r, name: name{row.Organisation, row.Num}, row: row, again: again, poked: make(chan struct{}, 1), taken: row.Last}
	var err error
	if c.counts, err = countsOf(row.Counts); err != nil {
		return err
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.closing.Err() != nil {
		return errClosing
	}
	r.mine[c.name] = c
	r.working.Go(func() {
		c.run()
		r.mu.Lock()
		delete(r.mine, c.name)
		r.mu.Unlock()
	})
	return nil
}

// run waits for a turn, has the work done, and tells until it is over.
func (c *carrier) run() {
	ctx, cancel := context.WithCancel(c.r.closing)
	defer cancel()
	result := make(chan ended, 1)
	go func() {
		result <- c.work(ctx)
	}()
	t := time.NewTicker(c.r.limit.Write)
	defer t.Stop()
	for {
		var end *ended
		select {
		case <-t.C:
		case <-c.poked:
		case e := <-result:
			end = &e
		}
		if end != nil {
			c.finish(*end)
			return
		}
		if c.tell(store.Telling{}) != nil && c.lost || c.stopped {
			cancel()
		}
	}
}

// ended is how the work of a run ended.
type ended struct {
	state   State // "" if it did not come to an end, and is to go on
	summary []byte
}

// work has the verb carried out.
func (c *carrier) work(ctx context.Context) ended {
	select {
	case c.r.slots <- struct{}{}:
		defer func() { <-c.r.slots }()
	case <-ctx.Done():
		return ended{state: Stopped}
	}
	o, err := c.r.Order(ctx, c.name.organisation, c.name.num)
	if err == nil {
		c.hide, err = hiderOf(ctx, c.r.app.Of(c.name.organisation), o.Migration)
	}
	if err != nil {
		return c.failure(ctx, err)
	}
	c.begin()
	out, err := c.do(ctx, o)
	if err != nil {
		return c.failure(ctx, err)
	}
	if out.Error != nil && ctx.Err() != nil {
		out.Error.Stopped = true // what else it failed with came of that
	}
	summary, err := c.hide.outcome(out)
	if err != nil {
		return c.failure(ctx, err)
	}
	return ended{stateOf(out), summary}
}

// ledgerPatience is how long a run that goes on waits for the process that had it to
// let go of the ledger.
const ledgerPatience = 30 * time.Second

func (c *carrier) do(ctx context.Context, o Order) (*job.Outcome, error) {
	a := c.r.app.Of(c.name.organisation)
	if o.Verb == job.Scan {
		_, err := a.Scan(ctx, o.Migration.From, true, c.take)
		return &job.Outcome{}, err
	}
	for until := time.Now().Add(ledgerPatience); ; {
		out, err := a.Do(ctx, app.Request{Verb: o.Verb, File: o.Migration, Select: o.Select, Tell: o.Tell, Revert: o.Revert, Events: c.take})
		if err == nil || !c.again || connector.ClassOf(err) != connector.Conflict || time.Now().After(until) {
			return out, err
		}
		select {
		case <-time.After(time.Second):
		case <-ctx.Done():
			return out, err
		}
	}
}

// begin tells that the work begins.
func (c *carrier) begin() {
	c.mu.Lock()
	c.counts.Quota = c.hide.quota
	if c.again {
		c.counts.Again++
	}
	c.mu.Unlock()
	c.add(Event{At: time.Now().UTC(), Event: Told, Op: string(Running), Reason: map[bool]string{true: "it goes on after its process had ended"}[c.again]})
}

// failure is the end of a run whose verb never came to an outcome.
func (c *carrier) failure(ctx context.Context, err error) ended {
	fault := &job.Fault{Class: connector.ClassOf(err), Reason: "the work could not be done", Stopped: ctx.Err() != nil}
	if e, ok := errors.AsType[*connector.Error](err); ok {
		fault.Reason = e.Error()
	} else if !fault.Stopped {
		c.r.log.Error("a run failed", "organisation", c.name.organisation, "run", c.name.num, "reason", err)
	}
	if f, ok := errors.AsType[*job.Fault](err); ok {
		fault = f
	}
	out := &job.Outcome{Error: fault}
	b, err := json.Marshal(out)
	if err != nil {
		return ended{state: Failed}
	}
	return ended{stateOf(out), b}
}

// stateOf says how a run ended by its outcome.
func stateOf(out *job.Outcome) State {
	partly := false
	switch {
	case out.Error != nil && out.Error.Stopped:
		return Stopped
	case out.Error != nil:
		return Failed
	case out.Run != nil:
		partly = out.Run.Status == "partial"
	case out.Verdict != nil:
		partly = out.Verdict.Status == "differs"
	case out.Undo != nil:
		partly = out.Undo.Failed > 0
	case out.Cutover != nil:
		partly = out.Cutover.Failed > 0 || !slices.Contains([]string{"cut-over", "steps", "reverted", "nothing-to-do"}, out.Cutover.Status)
	}
	if partly {
		return Partly
	}
	return Done
}

// take is told what happens, by the mover.
func (c *carrier) take(ev migrate.Event) {
	now := time.Now()
	if ev.Event == job.Traffic {
		// It comes four times a second and is counted each time; one a second is told.
		c.mu.Lock()
		often := now.Sub(c.traffic) < time.Second
		if often {
			c.counts.take(Event{Event: ev.Event, Counts: ev.Counts})
		} else {
			c.traffic = now
		}
		c.mu.Unlock()
		if often {
			return
		}
	}
	c.add(kept(ev, now, c.hide))
}

func (c *carrier) add(e Event) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.taken++
	e.Num = c.taken
	c.counts.take(e)
	c.waiting = append(c.waiting, e)
	// While the database is away, no more gathers than will be kept anyway.
	if most := int(c.r.limit.Events); len(c.waiting) > 2*most {
		c.waiting = slices.Clone(c.waiting[len(c.waiting)-most:])
	}
}

// tellPatience is how long a telling may take to reach the disk.
const tellPatience = 30 * time.Second

// tell writes what happened since the last time, if there is anything to say, and
// then tells who follows. Nobody is told what is not in the store: after a
// killed process, no number means two things.
func (c *carrier) tell(t store.Telling) error {
	now := time.Now()
	c.mu.Lock()
	c.counts.tick(now)
	if c.row.State == string(Queued) && c.taken > 0 && t.Ended.IsZero() {
		c.row.State = string(Running)
	}
	events := c.waiting
	final := !t.Ended.IsZero() || t.Leave
	poked := now.Sub(c.row.Seen) >= alive
	if len(events) == 0 && !final && !poked {
		c.mu.Unlock()
		return nil
	}
	row := c.row
	row.Last = c.taken
	counts, err := json.Marshal(&c.counts)
	c.mu.Unlock()
	if err != nil {
		return err
	}
	if most := int(c.r.limit.Events); len(events) > most {
		events = events[len(events)-most:]
	}
	row.Counts, t.Run, t.Keep = counts, row, c.r.limit.Events
	for _, e := range events {
		r, err := e.row()
		if err != nil {
			return err
		}
		t.Events = append(t.Events, r)
	}
	ctx, cancel := context.WithTimeout(context.Background(), tellPatience)
	defer cancel()
	wish, paused, err := c.r.store.TellRun(ctx, t, now)
	if err != nil {
		c.lost = connector.ClassOf(err) == connector.Conflict
		c.r.log.Error("what a run told could not be written", "organisation", row.Organisation, "run", row.Num, "class", connector.ClassOf(err))
		return err
	}
	row.Seen = now
	c.row = row
	c.mu.Lock()
	c.waiting = slices.DeleteFunc(slices.Clone(c.waiting), func(e Event) bool { return e.Num <= row.Last })
	c.mu.Unlock()
	c.r.publish(c.name, events, row.Last, !t.Ended.IsZero())
	if final {
		return nil
	}
	c.stopped = c.stopped || wish == wishStop
	was := State(c.row.State)
	if is := map[bool]State{true: Paused, false: Running}[paused]; was != Queued && was != is {
		c.row.State = string(is)
		c.add(Event{At: now.UTC(), Event: Told, Op: string(is)})
		c.row.Seen = time.Time{} // tell it at the next turn
	}
	return nil
}

// finish tells how the run ended; or that it is to go on elsewhere, where the server
// stops and nobody asked the run to.
func (c *carrier) finish(e ended) {
	var t store.Telling
	if e.state == Stopped && !c.stopped {
		t.Leave = true
	} else {
		c.add(Event{At: time.Now().UTC(), Event: Told, Op: string(e.state)})
		c.row.State = string(e.state)
		t.Ended, t.Summary = time.Now(), e.summary
	}
	for wait := 250 * time.Millisecond; !c.lost; wait = min(2*wait, 10*time.Second) {
		if c.tell(t) == nil {
			return
		}
		select {
		case <-time.After(wait):
		case <-c.r.closing.Done():
			if wait > time.Second { // the next start finds it by its silence
				return
			}
			time.Sleep(wait)
		}
	}
}
