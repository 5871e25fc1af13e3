// Package runs carries out the verbs that people order, in the background, and
// tells what happens: which are under way, what each of them told, and how they go
// on after the server was stopped or killed.
//
// A run is kept in the store from the moment it is ordered. One process owns it at a
// time: it says every second or so that it lives, and another one takes over what
// nobody was heard of. Whatever an owner tells is written in one transaction that
// fails for whoever no longer owns the run, so there is one writer of its events.
// What the run does to the clouds is guarded by the ledger besides, which one
// process has at a time, and in which nothing is lost or written twice.
package runs

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"math"
	"sync"
	"time"

	"github.com/google/uuid"

	"github.com/rialto-migrate/rialto/connector"
	"github.com/rialto-migrate/rialto/internal/app"
	"github.com/rialto-migrate/rialto/internal/job"
	"github.com/rialto-migrate/rialto/internal/migrate"
	"github.com/rialto-migrate/rialto/internal/store"
)

// A State says how a run stands.
type State string

// The states of a run. The last four are final.
const (
	Queued  State = "queued" // waits for its turn
	Running State = "running"
	Paused  State = "paused"
	Stopped State = "stopped" // by a person, cleanly
	Done    State = "done"
	Partly  State = "partly" // done, but for what failed or differs
	Failed  State = "failed"
)

// Over reports whether the state is final.
func (s State) Over() bool {
	switch s {
	case Stopped, Done, Partly, Failed:
		return true
	}
	return false
}

// An Order is what somebody wants done.
type Order struct {
	Organisation string
	Migration    *migrate.File // of a scan, From alone
	Verb         string        // of package job: forecast, run, verify, undo, cutover, scan
	Select       migrate.Selection
	Tell         bool // run: the step that tells people, too
	Revert       bool // cutover: take it back
	By           string
}

// A Run is an order that is carried out, or was.
type Run struct {
	Organisation string
	Num          int64
	Migration    string
	Verb         string
	State        State
	Began, Ended time.Time // Ended is zero until it is over
	By           string
	Last         int64 // the number of its newest event
	Stopping     bool  // somebody asked it to stop
	Counts       Counts
}

func runOf(r store.Run) (Run, error) {
	out := Run{Organisation: r.Organisation, Num: r.Num, Migration: r.Migration, Verb: r.Verb, State: State(r.State), Began: r.Began, Ended: r.Ended,
		By: r.By, Last: r.Last, Stopping: r.Wish == wishStop}
	var err error
	out.Counts, err = countsOf(r.Counts)
	return out, err
}

// What people wish of a run's owner.
const wishStop = "stop"

// A Limit bounds what a Registry does; zero values are the defaults.
type Limit struct {
	Movers int           // at the same time in this process: 8
	Events int64         // kept of each run: 10,000
	Lease  time.Duration // after which a silent owner is taken for dead: 6 s
	Write  time.Duration // how long what happens is gathered before it is written: 250 ms
}

func (l *Limit) fill() {
	if l.Movers == 0 {
		l.Movers = 8
	}
	if l.Events == 0 {
		l.Events = 10_000
	}
	if l.Lease == 0 {
		l.Lease = 6 * time.Second
	}
	if l.Write == 0 {
		l.Write = 250 * time.Millisecond
	}
}

// A Registry knows the runs of all organisations and carries out those of this
// process. It is safe for concurrent use. Close it.
type Registry struct {
	app   *app.App
	store *store.Store
	log   *slog.Logger
	limit Limit
	owner string // of the runs of this process
	slots chan struct{}

	closing context.Context // over when the registry closes
	stop    context.CancelFunc
	working sync.WaitGroup

	mu   sync.Mutex
	mine map[name]*carrier
	fans map[name]*fan
}

// A name is which run is meant.
type name struct {
	organisation string
	num          int64
}

// Open makes a Registry, which goes on at once with what was under way when its
// owner ended, and looks for more of that until it is closed.
func Open(a *app.App, log *slog.Logger, limit Limit) *Registry {
	limit.fill()
	r := &Registry{app: a, store: a.Store(), log: log, limit: limit, owner: uuid.Must(uuid.NewV7()).String(), slots: make(chan struct{}, limit.Movers),
		mine: map[name]*carrier{}, fans: map[name]*fan{}}
	r.closing, r.stop = context.WithCancel(context.Background())
	r.working.Go(r.adopt)
	return r
}

// Close ends what follows, and stops the runs of this process at a checkpoint: they
// go on when a registry on the same store is open. It returns when all have
// stopped, or ctx is over; a mover that is left behind ends with the process.
func (r *Registry) Close(ctx context.Context) error {
	r.mu.Lock() // nothing is added to what works from now on
	r.stop()
	r.mu.Unlock()
	done := make(chan struct{})
	go func() { r.working.Wait(); close(done) }()
	select {
	case <-done:
		return nil
	case <-ctx.Done():
		return fmt.Errorf("runs that did not stop in time go on after the next start: %w", ctx.Err())
	}
}

var errClosing = connector.Errorf(connector.Transient, "the service is about to stop").WithHint("try again in a moment")

// Start begins to carry out an order, in the background. While another run of
// the migration is not over, it is a Conflict.
func (r *Registry) Start(ctx context.Context, o Order) (Run, error) {
	if err := o.check(); err != nil {
		return Run{}, err
	}
	b, err := json.Marshal(o)
	if err != nil {
		return Run{}, err
	}
	now := time.Now()
	row, err := r.store.AddRun(ctx, store.Run{Organisation: o.Organisation, Migration: o.Migration.Name, Verb: o.Verb, State: string(Queued),
		Owner: r.owner, Seen: now, Began: now, By: o.By, Counts: []byte("{}")}, b)
	if err != nil {
		return Run{}, err
	}
	if err := r.carry(row, false); err != nil {
		return Run{}, err
	}
	return runOf(row)
}

func (o Order) check() error {
	if o.Migration == nil {
		return connector.Errorf(connector.Permanent, "an order needs a migration")
	}
	switch o.Verb {
	case job.Forecast, job.Run, job.Verify, job.Undo, job.Cutover:
		return o.Migration.Validate()
	case job.Scan:
		return nil
	}
	return connector.Errorf(connector.Permanent, "a run does not carry out %q", o.Verb)
}

// Order returns what was ordered.
func (r *Registry) Order(ctx context.Context, organisation string, num int64) (Order, error) {
	b, err := r.store.RunOrder(ctx, organisation, num)
	if err != nil {
		return Order{}, err
	}
	var o Order
	if err := json.Unmarshal(b, &o); err != nil {
		return Order{}, connector.Errorf(connector.Permanent, "what was ordered as run %d cannot be read", num)
	}
	return o, nil
}

// Run returns a run as it stands. One that is not there is Gone.
func (r *Registry) Run(ctx context.Context, organisation string, num int64) (Run, error) {
	row, err := r.store.Run(ctx, organisation, num)
	if err != nil {
		return Run{}, err
	}
	return runOf(row)
}

// Runs returns an organisation's runs whose numbers are below before, the newest
// first, at most limit.
func (r *Registry) Runs(ctx context.Context, organisation string, before int64, limit int) (out []Run, err error) {
	rows, err := r.store.Runs(ctx, organisation, before, limit)
	for _, row := range rows {
		one, err := runOf(row)
		if err != nil {
			return nil, err
		}
		out = append(out, one)
	}
	return out, err
}

// Outcome returns what came of a run: without names, and nil while it is not over or
// if it never came to anything.
func (r *Registry) Outcome(ctx context.Context, organisation string, num int64) (*job.Outcome, error) {
	b, err := r.store.RunSummary(ctx, organisation, num)
	if err != nil || b == nil {
		return nil, err
	}
	var out job.Outcome
	if err := json.Unmarshal(b, &out); err != nil {
		return nil, connector.Errorf(connector.Permanent, "what came of run %d cannot be read", num)
	}
	return &out, nil
}

// Sent sums the bytes that an organisation's runs of a migration sent to the target.
func (r *Registry) Sent(ctx context.Context, organisation, migration string) (bytes int64, err error) {
	const page = 200
	for before := int64(math.MaxInt64); ; {
		all, err := r.Runs(ctx, organisation, before, page)
		if err != nil {
			return 0, err
		}
		for _, run := range all {
			if run.Migration == migration && (run.Verb == job.Run || run.Verb == job.Cutover) {
				bytes += run.Counts.Bytes
			}
			before = run.Num
		}
		if len(all) < page {
			return bytes, nil
		}
	}
}

// Pause has the migration of a run send nothing new, until it is resumed. Safe to
// repeat.
func (r *Registry) Pause(ctx context.Context, organisation string, num int64) error {
	row, err := r.store.Run(ctx, organisation, num)
	if err == nil {
		_, err = r.app.Of(organisation).Pause(ctx, row.Migration)
	}
	r.poke(organisation, num)
	return err
}

// Resume lets it go on. Safe to repeat.
func (r *Registry) Resume(ctx context.Context, organisation string, num int64) error {
	row, err := r.store.Run(ctx, organisation, num)
	if err == nil {
		_, err = r.app.Of(organisation).Resume(ctx, row.Migration)
	}
	r.poke(organisation, num)
	return err
}

// Stop ends a run cleanly: what is under way is finished and remembered. A later run
// goes on from there. Safe to repeat.
func (r *Registry) Stop(ctx context.Context, organisation string, num int64) error {
	if _, err := r.store.Run(ctx, organisation, num); err != nil {
		return err
	}
	err := r.store.WishRun(ctx, organisation, num, wishStop)
	r.poke(organisation, num)
	return err
}

// Again begins a run of a verb on the migration of another one, as it was ordered
// then, with the same selection. With the verb of that run it tries again what
// failed, and leaves alone what is settled.
func (r *Registry) Again(ctx context.Context, organisation string, num int64, verb, by string) (Run, error) {
	o, err := r.Order(ctx, organisation, num)
	if err != nil {
		return Run{}, err
	}
	if o.Verb == job.Scan && verb != job.Scan {
		return Run{}, connector.Errorf(connector.Conflict, "a scan has no migration that could be carried out")
	}
	if verb != o.Verb {
		o.Tell, o.Revert = false, false
	}
	o.Verb, o.By = verb, by
	return r.Start(ctx, o)
}

// poke has the carrier of a run look now, if it is in this process.
func (r *Registry) poke(organisation string, num int64) {
	r.mu.Lock()
	c := r.mine[name{organisation, num}]
	r.mu.Unlock()
	if c != nil {
		select {
		case c.poked <- struct{}{}:
		default:
		}
	}
}

// adopt goes on with runs whose owners were not heard of for a while.
func (r *Registry) adopt() {
	t := time.NewTicker(max(r.limit.Lease/4, 50*time.Millisecond))
	defer t.Stop()
	for {
		if err := r.adoptOnce(r.closing); err != nil && r.closing.Err() == nil {
			r.log.Error("runs to go on with cannot be looked up", "class", connector.ClassOf(err))
		}
		select {
		case <-t.C:
		case <-r.closing.Done():
			return
		}
	}
}

func (r *Registry) adoptOnce(ctx context.Context) error {
	open, err := r.store.OpenRuns(ctx)
	if err != nil {
		return err
	}
	for _, row := range open {
		now := time.Now()
		if row.Owner == r.owner || now.Sub(row.Seen) < r.limit.Lease {
			continue
		}
		got, err := r.store.ClaimRun(ctx, row, r.owner, now)
		if err != nil {
			return err
		}
		if !got {
			continue
		}
		row.Owner, row.Seen = r.owner, now
		if err := r.carry(row, true); err != nil && !errors.Is(err, errClosing) {
			r.log.Error("a run cannot go on", "organisation", row.Organisation, "run", row.Num, "class", connector.ClassOf(err))
		}
	}
	return nil
}
