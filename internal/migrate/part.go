package migrate

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/rialto-migrate/rialto/connector"
	"github.com/rialto-migrate/rialto/internal/ledger"
	"github.com/rialto-migrate/rialto/item"
)

// A part is one container of the target that a source shard goes to: the board
// itself, or the one for its archived items.
type part struct {
	e     *Engine
	name  string // the source container's id, for events
	led   ledger.Shard
	fit   *fitter
	lanes map[string]*lane
	links *linkTable
	out   *outcomes

	// force names units to look at even though the source did not change: what
	// they point at has moved.
	force map[item.Ref]bool
	// mending is set for a container that is not in this pass: only what force
	// names is written.
	mending bool
	// late is set once everything else is there: nothing waits any more.
	late bool

	mu sync.Mutex
	// doubted are the keys of creates whose answers were lost, where whatever is
	// written stands where its id says: if that turns out to be taken, it is ours.
	doubted map[item.Ref]bool
	settled map[item.Ref]bool // folders that moved in an earlier pass, until something listed in them is known
	marked  map[markKey][]markedItem
	// relocating is held while a folder is looked through whose ids are others now, and
	// relocatedIn are those that were.
	relocating  sync.Mutex
	relocatedIn []item.Ref
	uploads     map[item.Ref]upload // that were left, by the ledger's key
	board       item.Ref            // the target's container, zero until it is made
	seen        refSet
	// met is how many of seen the ledger knew when they came, and wrote says that its
	// rows are others since.
	met   int
	wrote bool
	partState
}

// A partState says why another sweep may bring what this one could not.
type partState struct {
	doubt bool // a write is in doubt
	// doubtful is when the latest write went into doubt, zero if none did: its
	// request may land for a settle delay from then on.
	doubtful time.Time
	deferred bool // something could not be tried, because what it lies in is not there
	retry    bool // something failed in a way that may pass
	// frameless is set when what frames the container is not all there yet:
	// tasks would lose what refers to it, so they wait for the next sweep.
	frameless bool
	seeded    bool // the fitter knows what the container holds
	// postponed is set when something waits until all that it may point at has
	// moved.
	postponed bool
	// leftovers is set when something was taken over that the source no longer has: the
	// next pass lists all of it, and sees what is to become of that.
	leftovers bool
}

func (e *Engine) newPart(ctx context.Context, source item.Ref, links *linkTable) (*part, error) {
	led, err := e.Ledger.Shard(ctx, source)
	if err != nil {
		return nil, fmt.Errorf("the ledger: %w", err)
	}
	p := &part{e: e, name: source.ID, led: led, fit: e.newFitter(source, led.Num, links), links: links,
		lanes: map[string]*lane{}, board: led.Target, seen: newRefSet(), out: newOutcomes(e.outcomes), force: map[item.Ref]bool{}}
	if !led.Target.Zero() {
		p.fit.know(source, led.Target)
	}
	return p, nil
}

func (p *part) container() item.Ref {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.board
}

// see takes in keys that a listing held, of which the ledger knows rows.
func (p *part) see(keys []item.Ref, rows map[item.Ref]ledger.Row) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, k := range keys {
		if !p.seen.add(p.e.key(k)) {
			continue
		}
		if _, known := rows[k]; known {
			p.met++
		}
	}
}

// allSeen reports whether the listing of this sweep held all that the ledger knows,
// which a count tells where nothing was written.
func (p *part) allSeen(ctx context.Context) (bool, error) {
	p.mu.Lock()
	met, wrote := p.met, p.wrote
	p.mu.Unlock()
	if wrote {
		return false, nil
	}
	n, err := p.e.Ledger.Count(ctx, p.led.Num)
	if err != nil {
		return false, fmt.Errorf("the ledger: %w", err)
	}
	return n == met, nil
}

// saw reports whether the listing of this sweep held an item.
func (p *part) saw(k item.Ref) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.seen.has(p.e.key(k))
}

func (p *part) flag(f func(*partState)) {
	p.mu.Lock()
	defer p.mu.Unlock()
	f(&p.partState)
}

// A job is one unit on its way to the target.
type job struct {
	unit   *unit
	row    ledger.Row // what the ledger knows; State 0 for something new
	rows   map[item.Ref]ledger.Row
	bundle item.Bundle
	force  bool // look at the target even though the source did not change
	still  bool // whatever changed at the source is not this pass's
	// renamed says that the row is that of a file which had another path.
	renamed bool
}

func (j *job) changed() bool {
	return j.force || !j.still && (j.row.State == 0 || j.row.State == ledger.Half || j.row.Version != j.unit.version)
}

// apply writes a batch to the ledger.
func (p *part) apply(ctx context.Context, b ledger.Batch) error {
	b.Shard = p.led.Num
	if len(b.Rows)+len(b.Remove) > 0 {
		p.mu.Lock()
		p.wrote = true
		p.mu.Unlock()
	}
	// What was written must be remembered even if the pass is being stopped.
	if err := p.e.Ledger.Apply(context.WithoutCancel(ctx), b); err != nil {
		return fmt.Errorf("the ledger: %w", err)
	}
	return nil
}

// write brings changed jobs of one kind to the target, in order, and returns
// the first error that ends the pass. l is their lane, nil for a kind without
// an order.
func (p *part) write(ctx context.Context, l *lane, jobs []*job) error {
	if len(jobs) == 0 {
		return nil
	}
	kind := jobs[0].bundle.Item.Kind
	size := max(p.e.To.Caps.Kinds[kind].Batch, 1)
	var batch []*step
	stuck := false // something within a task may still come about: what follows must not stand before it
	flush := func() error {
		defer func() { batch = nil }()
		err := p.flush(ctx, kind, l, batch)
		stuck = level(kind) > item.Leaf && slices.ContainsFunc(batch, func(s *step) bool { return s.passing })
		return err
	}
	for _, j := range jobs {
		switch {
		case !j.unit.ownKind:
			if err := p.drop(ctx, j); err != nil {
				return err
			}
			continue
		case j.row.State == ledger.Refused && (!j.changed() || p.e.Spec.Policies.Conflict != sourceWins || !p.changedSince(j)):
			if err := p.staysRefused(ctx, j); err != nil {
				return err
			}
			continue
		case !j.changed():
			p.skip(j)
			if l == nil {
				continue
			}
			if len(batch) == 0 {
				l.stood(j.row.Target.ID)
				l.lose() // where it stands was not read
			} else {
				batch = append(batch, &step{job: j, skipped: true})
			}
			continue
		}
		batch = append(batch, &step{job: j})
		if count(batch) == size {
			if err := flush(); err != nil {
				return err
			}
			if stuck {
				p.flag(func(s *partState) { s.deferred = true })
				return nil
			}
		}
	}
	return flush()
}

func count(batch []*step) (n int) {
	for _, s := range batch {
		if !s.skipped {
			n++
		}
	}
	return n
}

// A step is a job within one call of Target.Write.
type step struct {
	*job
	skipped bool // unchanged; it only tells where the next one stands
	change  connector.Change
	same    bool // an update that has nothing to write
	// replaced is set for what is made anew, because the target cannot change it.
	replaced bool
	failed   *connector.Error
	// left are the fields that stay as people at the target made them, and cloned
	// says that the change's item was copied for it.
	left   map[string]bool
	cloned bool
	base   base // what is remembered of the fields, once they were merged
	// vacated is the row of the place that the item leaves, where it is made anew.
	vacated *ledger.Row
	// settled is set where the bytes at the target turned out to be the source's.
	settled bool
	// passing is set for a write that failed in a way that may pass.
	passing bool
	// again is set for what failed and is placed when it is written again: until
	// then nothing is placed behind it.
	again bool
}

// stands is the target's id of what the next sibling may follow, "" for none.
func (s *step) stands() string {
	if s.again || s.elsewhere() > 0 {
		return ""
	}
	return s.row.Target.ID
}

// elsewhere is 1 for what people put into a list of theirs, where it stays.
func (s *step) elsewhere() int {
	if s.left[item.InList.Name] {
		return 1
	}
	return 0
}

// drop remembers what the target has no place for.
func (p *part) drop(ctx context.Context, j *job) error {
	k := j.unit.key
	if j.row.State == ledger.Dropped && j.row.Version == j.unit.version {
		p.out.note(k, opSkipped)
		return nil
	}
	p.e.losses.add(j.unit.losses)
	p.out.note(k, opSkipped)
	return p.apply(ctx, ledger.Batch{Rows: []ledger.Row{{Key: k, State: ledger.Dropped, Version: j.unit.version}}, Aliases: aliasesOf(j.unit)})
}

// staysRefused passes over what people deleted at the target; if it changed at the
// source since, that is listed.
func (p *part) staysRefused(ctx context.Context, j *job) error {
	if !j.changed() {
		p.skip(j)
		return nil
	}
	var b ledger.Batch
	p.refuse(j, &b)
	return p.apply(ctx, b)
}

func (p *part) skip(j *job) {
	p.out.note(j.unit.key, opSkipped)
	for _, key := range j.unit.with {
		p.out.note(key, opSkipped)
	}
}

func aliasesOf(u *unit) []ledger.Alias {
	var out []ledger.Alias
	for _, a := range u.aliases {
		out = append(out, ledger.Alias{Alias: a, Key: u.key})
	}
	if u.claim != "" {
		out = append(out, ledger.Alias{Alias: u.claim, Key: u.key})
	}
	return out
}

// restart readies the part for another sweep.
func (p *part) restart() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.partState = partState{}
	p.out.sweep()
	p.seen, p.met = newRefSet(), 0
	p.lanes = map[string]*lane{}
	p.marked = nil
	fresh := p.e.newFitter(p.led.Source, p.led.Num, p.links)
	if !p.board.Zero() {
		fresh.know(p.led.Source, p.board)
	}
	p.fit = fresh
}

// rest lets go of what only a sweep needs: an organisation has hundreds of
// containers.
func (p *part) rest() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.lanes = map[string]*lane{}
	p.fit = p.e.newFitter(p.led.Source, p.led.Num, p.links)
}

// unfinished reports whether another sweep may bring what this one could not.
func (p *part) unfinished() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.doubt || p.deferred || p.retry
}

// once leaves out what a listing that repeats itself gave twice: what it gave last is
// how it is.
func once(bundles []item.Bundle) []item.Bundle {
	at := make(map[item.Ref]int, len(bundles))
	out := make([]item.Bundle, 0, len(bundles))
	for _, b := range bundles {
		if i, had := at[b.Item.Ref]; had {
			out[i] = b
			continue
		}
		at[b.Item.Ref] = len(out)
		out = append(out, b)
	}
	return out
}

// jobs looks bundles up in the ledger.
func (p *part) jobs(ctx context.Context, bundles []item.Bundle) ([]*job, error) {
	bundles = once(bundles)
	var keys []item.Ref
	for _, b := range bundles {
		keys = append(keys, keysOf(b)...)
	}
	rows, err := p.e.lookup(ctx, p.led.Num, keys)
	if err != nil {
		return nil, err
	}
	p.see(keys, rows)
	changed := func(b item.Bundle) bool {
		row := rows[b.Item.Ref]
		return (&job{unit: p.fit.begin(b), row: row, force: p.forced(b.Item, row), still: p.mending}).changed()
	}
	if bundles, err = p.complete(ctx, bundles, changed); err != nil {
		return nil, err
	}
	var jobs []*job
	for _, b := range bundles {
		j := &job{bundle: b, unit: p.fit.begin(b), row: rows[b.Item.Ref], rows: rows, force: p.forced(b.Item, rows[b.Item.Ref]) || p.tells(b.Item, rows[b.Item.Ref]), still: p.mending}
		if j.still && j.row.State == 0 {
			continue
		}
		if !j.row.Target.Zero() && pointedAt(b.Item.Kind) {
			p.fit.know(j.unit.key, j.row.Target)
		}
		if b.Item.Kind == item.Folder && j.row.State != 0 && !p.e.To.Caps.Paths && !p.e.From.Caps.Paths {
			p.hasMoved(b.Item.Ref)
		}
		jobs = append(jobs, j)
	}
	return jobs, nil
}

// forced reports whether an item is looked at even though the source did not change.
func (p *part) forced(it item.Item, row ledger.Row) bool {
	return p.force[it.Ref] || p.unsettled(row) || p.strays(it, row)
}

// seed tells the fitter what the container already holds, once a sweep.
func (p *part) seed(ctx context.Context) error {
	if p.seeded {
		return nil
	}
	led := p.led
	led.Target = p.container()
	h, err := p.e.placesOf(ctx, led)
	if err != nil {
		return err
	}
	p.fit.mu.Lock()
	p.fit.places, p.seeded = h, true
	p.fit.mu.Unlock()
	return nil
}

// frame writes what frames a container, kind by kind: the board itself first.
// Frames are always fitted, because what the tasks may hold depends on them.
func (p *part) frame(ctx context.Context, bundles []item.Bundle, changes *feed) error {
	if err := p.seed(ctx); err != nil {
		return err
	}
	jobs, err := p.jobs(ctx, bundles)
	if err != nil {
		return err
	}
	if err := p.heed(ctx, &changes.tree, jobs); err != nil {
		return err
	}
	for _, info := range item.Kinds() {
		of := slices.DeleteFunc(slices.Clone(jobs), func(j *job) bool { return j.unit.key.Kind != info.Kind })
		for _, generation := range outsideIn(of) {
			if err := p.frameKind(ctx, info.Kind, generation); err != nil {
				return err
			}
		}
	}
	p.flag(func(s *partState) { s.frameless = s.frameless || s.doubt || s.retry })
	return nil
}

// frameKind writes frames of one kind, whose parents are there if they ever will.
func (p *part) frameKind(ctx context.Context, k item.Kind, jobs []*job) error {
	var of []*job
	for _, j := range jobs {
		parent := p.fit.parentOf(j.bundle.Item, p.container())
		if parent.Zero() && !contains(k) && j.unit.ownKind {
			if err := p.orphans(ctx, []item.Ref{j.unit.key}); err != nil {
				return err
			}
			continue
		}
		j.force = j.force || p.strays(j.bundle.Item, j.row) // what it lies in may have come only now
		p.fit.fit(j.unit, parent)
		of = append(of, j)
	}
	var l *lane
	if p.e.To.Caps.Kinds[k].Ordered {
		l = p.lane(string(k))
		l.meet(of)
	}
	fresh := slices.DeleteFunc(slices.Clone(of), func(j *job) bool { return j.row.State != 0 })
	if err := p.write(ctx, l, of); err != nil {
		return err
	}
	return p.reclaim(ctx, fresh)
}

// outsideIn parts frames so that a folder comes after the one that it lies in.
func outsideIn(jobs []*job) [][]*job {
	var out [][]*job
	for len(jobs) > 0 {
		waiting := map[item.Ref]bool{}
		for _, j := range jobs {
			waiting[j.unit.key] = true
		}
		var now, later []*job
		for _, j := range jobs {
			if waiting[j.bundle.Item.Parent] {
				later = append(later, j)
			} else {
				now = append(now, j)
			}
		}
		if len(now) == 0 { // a circle: they fail as orphans
			now, later = later, nil
		}
		out = append(out, now)
		jobs = later
	}
	return out
}

// ready makes jobs of tasks, as far as they can be written now.
func (p *part) ready(ctx context.Context, bundles []item.Bundle) ([]*job, error) {
	if p.waits() {
		return nil, nil
	}
	if p.container().Zero() {
		var keys []item.Ref
		for _, b := range bundles {
			keys = append(keys, b.Item.Ref)
		}
		return nil, p.orphans(ctx, keys)
	}
	jobs, err := p.jobs(ctx, bundles)
	if err != nil {
		return nil, err
	}
	jobs = p.postpone(jobs)
	if err := p.renumbered(ctx, jobs); err != nil {
		return nil, err
	}
	return jobs, p.renamed(ctx, jobs)
}

// tasks writes tasks: lanes side by side, each in order. What lies in them is
// left to below, beside the tasks that follow: neither waits for the other.
func (p *part) tasks(ctx context.Context, below func(*part, *job), jobs []*job) error {
	for _, generation := range p.generations(jobs) {
		group, ctx := errgroup.WithContext(ctx)
		group.SetLimit(p.lanesBeside())
		for _, l := range p.intoLanes(generation) {
			group.Go(func() error { return p.lanework(ctx, below, l.lane, l.jobs) })
		}
		if err := group.Wait(); err != nil {
			return err
		}
	}
	return nil
}

// postpone leaves out the shortcuts whose ends have not moved yet: they are made once
// everything else is there.
func (p *part) postpone(jobs []*job) []*job {
	if p.late {
		return jobs
	}
	return slices.DeleteFunc(jobs, func(j *job) bool {
		_, _, ours, moved := p.links.rewrite(item.LeadsTo.Get(j.bundle.Item))
		if !ours || moved || !j.changed() {
			return false
		}
		p.flag(func(s *partState) { s.postponed = true })
		return true
	})
}

// waits reports whether the tasks wait for another sweep.
func (p *part) waits() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.deferred = p.deferred || p.frameless
	return p.frameless
}

// orphans handles items whose parent is not there: another sweep tries them if
// the parent may still come; else they fail with it.
func (p *part) orphans(ctx context.Context, keys []item.Ref) error {
	p.mu.Lock()
	later := p.doubt || p.retry || p.deferred || p.e.stopped()
	p.deferred = p.deferred || later
	p.mu.Unlock()
	if later || len(keys) == 0 {
		return nil
	}
	var b ledger.Batch
	err := connector.Errorf(connector.Permanent, "what it lies in was not moved")
	for _, k := range keys {
		b.Failures = append(b.Failures, ledger.Failure{Key: k, Class: string(err.Class), Reason: err.Reason})
		p.report(k, item.Ref{}, opFailed, err)
	}
	return p.apply(ctx, b)
}

// lanework writes the tasks of one lane a batch at a time, and hands over what
// lies in them.
func (p *part) lanework(ctx context.Context, below func(*part, *job), l *lane, jobs []*job) error {
	l.meet(jobs)
	if len(jobs) == 0 {
		return nil
	}
	for chunk := range slices.Chunk(jobs, max(p.e.To.Caps.Kinds[jobs[0].unit.key.Kind].Batch, 1)) {
		var orphans []item.Ref
		for _, j := range chunk {
			if !j.changed() {
				continue
			}
			parent := p.fit.parentOf(j.bundle.Item, p.container())
			if parent.Zero() && j.unit.ownKind {
				orphans = append(orphans, j.unit.key)
				continue
			}
			p.fit.fit(j.unit, parent)
		}
		if len(orphans) > 0 {
			if err := p.orphans(ctx, orphans); err != nil {
				return err
			}
			chunk = slices.DeleteFunc(chunk, func(j *job) bool { return slices.Contains(orphans, j.unit.key) })
		}
		if err := p.write(ctx, l, chunk); err != nil {
			return err
		}
		for _, j := range chunk {
			if len(j.unit.own) > 0 {
				below(p, j)
			}
		}
	}
	return nil
}

// lying writes the children of a task that are items of their own, those of a
// kind one after the other.
func (p *part) lying(ctx context.Context, j *job) error {
	parent := p.fit.where(j.unit.key)
	if j.row.State == ledger.Refused {
		return nil // people deleted it, and all that lay in it
	}
	if parent.Zero() {
		var keys []item.Ref
		for _, c := range j.unit.own {
			keys = append(keys, c.Ref)
		}
		return p.orphans(ctx, keys)
	}
	for _, info := range item.Kinds() {
		if p.e.putOff(info.Kind, "") && !p.e.telling.Load() {
			for _, c := range j.unit.own {
				if c.Kind == info.Kind && j.rows[c.Ref].State == 0 {
					p.e.later.add(c.Ref)
				}
			}
			continue
		}
		var of []*job
		waits := false
		for _, c := range j.unit.own {
			if c.Kind != info.Kind {
				continue
			}
			b := item.Bundle{Item: c, CheckItems: -1}
			kid := &job{bundle: b, unit: p.fit.begin(b), row: j.rows[c.Ref], rows: j.rows, force: p.force[c.Ref] || p.unsettled(j.rows[c.Ref]), still: p.mending}
			if kid.still && kid.row.State == 0 {
				continue
			}
			if kid.changed() {
				p.fit.fit(kid.unit, parent)
				waits = waits || p.waitsForLinks(kid.unit)
			}
			if waits && kid.row.State == 0 {
				continue // and so does what follows it, so that the order stays
			}
			of = append(of, kid)
		}
		var l *lane
		if p.e.To.Caps.Kinds[info.Kind].Ordered {
			l = &lane{}
			l.meet(of)
		}
		if err := p.write(ctx, l, of); err != nil {
			return err
		}
	}
	return nil
}
