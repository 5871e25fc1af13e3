package migrate

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"

	"golang.org/x/sync/errgroup"

	"github.com/rialto-migrate/rialto/connector"
	"github.com/rialto-migrate/rialto/internal/ledger"
	"github.com/rialto-migrate/rialto/item"
)

const (
	shardsAtOnce = 4    // containers in work at the same time
	lanesAtOnce  = 16   // lanes of one container in work at the same time
	lanesOfFiles = 4    // the same of files and messages: each is a whole batch, whose bytes are in memory
	lyingAtOnce  = 16   // tasks of one listing whose own items are in work at the same time
	waveTasks    = 400  // tasks of a listing that are worked off together
	waveFiles    = 4000 // files, in which nothing lies
	waveMessages = 2000 // messages, of which several waves are under way
	maxSweeps    = 6    // listings of one container in one pass
	maxRelinks   = 3    // times that links are mended in one pass
)

// A Report is what a verb ends with.
type Report struct {
	Status   string              `json:"status"` // run: complete, partial, failed
	Kinds    map[item.Kind]Tally `json:"kinds"`
	Losses   []Loss              `json:"losses,omitempty"`
	Requests int64               `json:"requests"`
	Refused  int64               `json:"refused"`
	Bytes    int64               `json:"bytes"`
	Failed   int                 `json:"failed"`
	// Conflicts are items that changed at both ends: how many, and the first
	// thousand of them.
	Conflicts  int        `json:"conflicts"`
	InConflict []Conflict `json:"conflict_list,omitempty"`
	// PutOff counts the items of this run of which something waits for the step
	// that tells people.
	PutOff  int  `json:"put_off,omitempty"`
	Resumed bool `json:"resumed,omitempty"`
	// Widened are the containers that more people see than at the source, as the
	// migration file accepts.
	Widened []Sighted     `json:"widened,omitempty"`
	Shards  []ShardReport `json:"shards,omitempty"`
}

// A ShardReport is a container's line in a report.
type ShardReport struct {
	Source   string           `json:"source"`
	Target   string           `json:"target,omitempty"`
	Link     string           `json:"link,omitempty"`
	Wave     int              `json:"wave,omitempty"`
	Tally                     // of all kinds together
	Failures []ledger.Failure `json:"failures,omitempty"` // the first of them
}

// listedFailures is how many failures of one container a report lists; all are
// counted, up to a thousand, and the events tell each.
const listedFailures = 20

// Run moves what is in the scope: everything at first, what changed later. A
// pass that was cut off goes on. The error is for what ended the pass as a
// whole; items that failed are in the report.
func (e *Engine) Run(ctx context.Context) (*Report, error) {
	e.outcomes, e.losses, e.ahead, e.conflicts, e.leaves = newOutcomes(nil), newLossBook(), false, &conflicts{}, isCutOver
	if err := e.open(ctx); err != nil {
		return nil, err
	}
	shards, err := e.shards(ctx)
	if err != nil {
		return nil, err
	}
	if err := e.decided(ctx, shards); err != nil {
		return nil, err
	}
	widened, err := e.mayWiden(ctx, shards)
	if err != nil {
		return nil, err
	}
	begun, resumed, err := e.Ledger.Begin(ctx, e.Now())
	if err != nil {
		return nil, fmt.Errorf("the ledger: %w", err)
	}
	e.again = begun.Num > 1
	for _, s := range shards {
		told := 0
		for _, n := range s.Counts {
			told += n
		}
		e.total.tell(s.Ref, max(told, e.rows[s.Ref].Items))
	}
	p := &pass{e: e, parts: map[item.Ref]*part{}, links: e.newLinks()}
	e.telling.Store(false)
	e.later.forget()
	err = p.run(ctx, shards)
	if err == nil && e.Tell && e.Spec.NotifiesLast() && !e.stopped() {
		e.telling.Store(true)
		e.later.forget()
		err = p.run(ctx, shards)
	}
	rep := e.report("failed", resumed)
	rep.Widened = widened
	if err == nil && e.stopped() {
		err = ErrStopped
	}
	if err != nil {
		return rep, err // the pass stays open: the next run goes on
	}
	rep.Status = "complete"
	for _, source := range p.order {
		part := p.parts[source]
		if part.mending {
			continue
		}
		fails, err := e.Ledger.Failures(ctx, part.led.Num, 1000)
		if err != nil {
			return rep, fmt.Errorf("the ledger: %w", err)
		}
		rep.Failed += len(fails)
		board := part.container()
		rep.Shards = append(rep.Shards, ShardReport{Source: source.ID, Target: board.ID, Link: part.e.target.Link(board, board), Tally: part.out.sum(), Wave: e.rows[BoardOf(source)].Wave,
			Failures: fails[:min(len(fails), listedFailures)]})
		if len(fails) > 0 || part.unfinished() {
			rep.Status = "partial"
		}
	}
	if err := e.Ledger.End(ctx, e.Now(), rep.Status); err != nil {
		return rep, fmt.Errorf("the ledger: %w", err)
	}
	return rep, nil
}

func (e *Engine) report(status string, resumed bool) *Report {
	r := &Report{Status: status, Kinds: e.outcomes.tally(), Losses: e.losses.list(), Resumed: resumed}
	r.Requests, r.Refused, r.Bytes = e.traffic()
	r.Conflicts, r.InConflict = e.conflicts.count, e.conflicts.list
	r.PutOff = e.later.count()
	return r
}

// traffic sums what both sides' clients have done.
func (e *Engine) traffic() (requests, refused, bytes int64) {
	for _, s := range []*connector.Stats{e.From.Stats, e.To.Stats} {
		if s != nil {
			requests += s.Requests.Load()
			refused += s.Refused.Load()
		}
	}
	if e.To.Stats != nil {
		bytes = e.To.Stats.BytesOut.Load()
	}
	return requests, refused, bytes
}

// A pass is one run while it goes on.
type pass struct {
	e     *Engine
	links *linkTable

	mu    sync.Mutex
	parts map[item.Ref]*part
	order []item.Ref
	whole map[item.Ref][]item.Kind // of which kinds a container's listing was complete
	feeds map[item.Ref]*feed       // by container of the source
	moved []item.Ref               // keys of items that stand in another container than before
}

func (p *pass) run(ctx context.Context, shards []connector.Shard) error {
	group, gctx := errgroup.WithContext(ctx)
	group.SetLimit(shardsAtOnce)
	for _, s := range shards {
		group.Go(func() error { return p.sweeps(gctx, s) })
	}
	if err := group.Wait(); err != nil || p.e.stopped() {
		return err
	}
	if err := p.deletions(ctx); err != nil {
		return err
	}
	if err := p.relink(ctx, shards, maxRelinks); err != nil || p.e.stopped() {
		return err
	}
	return p.finish(ctx)
}

// part returns the part of a target container, made when it is first needed.
func (p *pass) part(ctx context.Context, source item.Ref) (*part, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if got := p.parts[source]; got != nil {
		return got, nil
	}
	e, err := p.e.at(ctx, source)
	if err != nil {
		return nil, err
	}
	made, err := e.newPart(ctx, source, p.links)
	if err == nil {
		p.parts[source] = made
		p.order = append(p.order, source)
	}
	return made, err
}

// archiveOf is the source ref of the container for a board's archived items.
func archiveOf(board item.Ref) item.Ref {
	return item.Ref{Kind: board.Kind, ID: board.ID + archiveSuffix}
}

// BoardOf is the container of the source to which a container or the one for
// its archived items belongs.
func BoardOf(source item.Ref) item.Ref {
	return item.Ref{Kind: source.Kind, ID: strings.TrimSuffix(source.ID, archiveSuffix)}
}

// partsOf returns the parts that a source container goes to, as far as they
// exist: the archive's is there once something needed it, in this pass or an
// earlier one.
func (p *pass) partsOf(ctx context.Context, board item.Ref) ([]*part, error) {
	main, err := p.part(ctx, board)
	if err != nil {
		return nil, err
	}
	known, err := p.e.Ledger.Shards(ctx)
	if err != nil {
		return nil, fmt.Errorf("the ledger: %w", err)
	}
	for _, s := range known {
		if s.Source == archiveOf(board) {
			archive, err := p.part(ctx, s.Source)
			return []*part{main, archive}, err
		}
	}
	return []*part{main}, nil
}

// sweeps lists one source container and works it off, again as long as a write
// was in doubt or failed in a way that may pass: what is there by then is
// skipped.
func (p *pass) sweeps(ctx context.Context, s connector.Shard) error {
	for range maxSweeps {
		parts, err := p.partsOf(ctx, s.Ref)
		if err != nil {
			return err
		}
		for _, part := range parts {
			if err := part.settle(ctx); err != nil {
				return err
			}
			part.restart()
		}
		if err := p.sweep(ctx, s); err != nil {
			return err
		}
		if parts, err = p.partsOf(ctx, s.Ref); err != nil {
			return err
		}
		if p.e.stopped() || !slices.ContainsFunc(parts, (*part).unfinished) {
			break
		}
	}
	parts, err := p.partsOf(ctx, s.Ref)
	if err != nil {
		return err
	}
	for _, part := range parts {
		if !part.unfinished() && !p.e.stopped() {
			if err := part.dropDoubts(ctx); err != nil {
				return err
			}
			if err := part.dropUploads(ctx); err != nil {
				return err
			}
		}
		part.rest()
	}
	return nil
}

// finish ends the containers: after all of them, since links are mended last.
func (p *pass) finish(ctx context.Context) (err error) {
	for _, source := range p.order {
		part := p.parts[source]
		board := part.container()
		if !board.Zero() {
			if err := part.e.target.Finish(ctx, board); err != nil {
				return err
			}
		}
		if part.mending {
			continue
		}
		p.e.Failpoint("before-swept")
		end := ledger.Batch{Swept: true}
		if end.Since, end.Anew, err = p.nextSince(ctx, part); err != nil {
			return err
		}
		if err := part.apply(ctx, end); err != nil {
			return err
		}
		p.e.Failpoint("after-swept")
		p.e.Emit(Event{Event: "shard", Shard: part.name, Kind: board.Kind, Target: board.ID, Link: part.e.target.Link(board, board), Op: "done"})
	}
	return nil
}

// sweep lists one source container from its beginning and works it off. What
// lies in the tasks is written beside the tasks that follow, so that a long talk
// on one holds up none.
func (p *pass) sweep(ctx context.Context, s connector.Shard) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(lyingAtOnce)
	err := p.waves(ctx, s, func(part *part, j *job) {
		group.Go(func() error { return part.lying(ctx, j) })
	})
	if err != nil {
		cancel(err)
	}
	below := group.Wait()
	if below != nil && (err == nil || errors.Is(err, context.Canceled)) {
		return below // it ended the listing too
	}
	return err
}

// waves lists a container and works the listing off a stretch at a time.
func (p *pass) waves(ctx context.Context, s connector.Shard, below func(*part, *job)) (err error) {
	there, err := p.e.at(ctx, s.Ref)
	if err != nil {
		return err
	}
	r := there.newRouter()
	var wave []routed
	tasks, listed := 0, 0
	most := waveFiles
	switch leaf := p.e.To.Caps.Leaf(); {
	case pointedAt(leaf):
		most = waveTasks
	case leaf == item.Message:
		most = waveMessages
	}
	p.claims(s.Ref, nil)
	main, err := p.part(ctx, s.Ref)
	if err != nil {
		return err
	}
	var beside relay
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	defer func() {
		if err != nil {
			cancel()
		}
		if late := beside.wait(); err == nil {
			err = late
		}
	}()
	flush := func() error {
		defer func() { wave, tasks = nil, 0 }()
		defer main.fit.naming.settle()
		return p.wave(ctx, s.Ref, wave, below, &beside)
	}
	changes, from := p.newFeed(s.Ref), p.listFrom(main)
	changes.tree.on = from != "" && p.e.files()
	for page, err := range pagesFrom(ctx, p.e.source, s, from) {
		if err != nil {
			return err
		}
		there.meet(s.Ref, page.Bundles)
		p.e.rename(page.Bundles)
		if err := p.links.load(ctx, p.e.Ledger, page.Bundles); err != nil {
			return err
		}
		if err := main.fit.naming.load(ctx, page.Bundles); err != nil {
			return err
		}
		for _, d := range r.route(page.Bundles) {
			wave = append(wave, d)
			listed += keysIn(d.bundle)
			if level(d.bundle.Item.Kind) == item.Leaf {
				tasks++
			}
		}
		p.e.total.tell(s.Ref, listed)
		if p.e.stopped() {
			return nil
		}
		if tasks >= most {
			if err := flush(); err != nil {
				return err
			}
		}
		changes.take(p.e, page)
	}
	wave = append(wave, r.end()...)
	if err := flush(); err != nil {
		return err
	}
	p.claims(s.Ref, changes.proven(main))
	main.listAnew(changes)
	return nil
}

// wave works a stretch of a listing off: first what frames the containers, then
// the tasks. What has no name and no place among others is written beside.
func (p *pass) wave(ctx context.Context, source item.Ref, wave []routed, below func(*part, *job), beside *relay) error {
	frames, tasks := map[item.Ref][]item.Bundle{}, map[item.Ref][]item.Bundle{}
	for _, d := range wave {
		to := source
		if d.archive {
			to = archiveOf(source)
		}
		switch kind := d.bundle.Item.Kind; {
		case kind == item.Member:
		case d.skip:
			p.e.losses.add(d.lost)
			p.e.outcomes.note(d.bundle.Item.Ref, opSkipped)
		case level(kind) == item.Leaf:
			tasks[to] = append(tasks[to], d.bundle)
		default:
			frames[to] = append(frames[to], d.bundle)
		}
	}
	for _, to := range []item.Ref{source, archiveOf(source)} {
		if len(frames[to])+len(tasks[to]) == 0 {
			continue
		}
		part, err := p.part(ctx, to)
		if err != nil {
			return err
		}
		if len(frames[to]) > 0 {
			if err := beside.wait(); err != nil {
				return err
			}
			if err := part.frame(ctx, frames[to], p.feed(source)); err != nil {
				return err
			}
		}
		if err := beside.room(tasks[to]); err != nil {
			return err
		}
		jobs, err := part.ready(ctx, tasks[to])
		if err != nil {
			return err
		}
		if p.e.To.Caps.Leaf() != item.Message {
			if err := part.tasks(ctx, below, jobs); err != nil {
				return err
			}
			continue
		}
		beside.run(jobs, func() error { return part.tasks(ctx, below, jobs) })
	}
	p.e.progress()
	return ctx.Err()
}

// keysIn counts the items of a bundle that have an outcome.
func keysIn(b item.Bundle) int {
	if b.Item.Kind == item.Member {
		return 0
	}
	return 1 + len(b.Children)
}

// progress tells how far the run has come, at most five times a second.
func (e *Engine) progress() {
	now, last := e.Now().UnixMilli(), e.told.Load()
	if now-last < 200 || !e.told.CompareAndSwap(last, now) {
		return
	}
	items, written := e.outcomes.met()
	requests, refused, bytes := e.traffic()
	e.Emit(Event{Event: "progress", Counts: &Progress{Items: items, Total: e.total.sum(), Written: written, Requests: requests, Refused: refused, Bytes: bytes, InFlight: e.flight.Load()}})
}
