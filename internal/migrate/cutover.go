package migrate

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/rialto-migrate/rialto/connector"
	"github.com/rialto-migrate/rialto/internal/ledger"
	"github.com/rialto-migrate/rialto/item"
)

// A CutoverReport is what a cut-over ends with.
type CutoverReport struct {
	// Status is cut-over, steps (people have to close some), reverted,
	// nothing-to-do, partial (some failed), or what stopped it before a source was
	// touched: not-moved (items failed), differs, to-come
	// (the step that tells people has not been taken; see Verdict.ToCome).
	Status     string       `json:"status"`
	Containers []Cutting    `json:"containers,omitempty"`
	Kept       []CutoverOut `json:"left_alone,omitempty"` // cut over before
	Failed     int          `json:"failed"`
	DryRun     bool         `json:"dry_run,omitempty"`
	Run        *Report      `json:"run,omitempty"`     // the last delta
	Verdict    *Verdict     `json:"verdict,omitempty"` // what was compared after it
}

// A CutoverOut is a container that a cut-over left alone.
type CutoverOut struct {
	Source string    `json:"source"`
	At     time.Time `json:"cut_over"`
}

// A Cutting is one container's line.
type Cutting struct {
	Source string    `json:"source"`
	Place  string    `json:"place,omitempty"` // its address at the source
	Target string    `json:"target,omitempty"`
	Link   string    `json:"link,omitempty"` // where it is now
	Wave   int       `json:"wave,omitempty"`
	State  string    `json:"state"`
	At     time.Time `json:"at,omitzero"`
	// Open says why people can still change it at the source.
	Open   string   `json:"open,omitempty"`
	Steps  []string `json:"steps,omitempty"` // for a person
	Reason string   `json:"reason,omitempty"`
}

// States of a Cutting.
const (
	cutOver     = "cut-over"
	cutBySteps  = "steps" // a person has to
	cutFailed   = "failed"
	cutReopened = "reopened"
	wouldCut    = "would-be-cut-over"
	wouldReopen = "would-be-reopened"
)

// Cutover ends the work at the source: it moves what changed last, compares, and
// only if nothing is missing puts a note with the new link at each old place and
// closes it. Then it moves once more, since people may have changed something up
// to that moment. A dry run only tells what it would do. It is safe to repeat,
// and what was cut off goes on.
func (e *Engine) Cutover(ctx context.Context, dryRun bool) (*CutoverReport, error) {
	rep := &CutoverReport{Status: "nothing-to-do", DryRun: dryRun}
	e.leaves = isCutOver
	var err error
	if !dryRun {
		if rep.Run, err = e.Run(ctx); err != nil {
			return rep, err
		}
		if rep.Failed = rep.Run.Failed; rep.Run.Status != "complete" {
			rep.Status = "not-moved"
			return rep, nil
		}
		if rep.Verdict, err = e.Verify(ctx, false); err != nil {
			return rep, err
		}
		if len(rep.Verdict.unsettled) > 0 {
			if err := e.settleRest(ctx, rep); err != nil || rep.Run.Status != "complete" {
				return rep, err
			}
		}
		if rep.Verdict.Lost > 0 {
			rep.Status = "differs"
			return rep, nil
		}
		if len(rep.Verdict.ToCome) > 0 {
			rep.Status = "to-come"
			return rep, nil
		}
	}
	c, err := e.newCutting(ctx, rep)
	if err != nil {
		return rep, err
	}
	closed := 0
	for _, s := range c.chosen {
		if e.stopped() {
			return rep, ErrStopped
		}
		line, err := c.close(ctx, s)
		if err != nil {
			return rep, err
		}
		if line.State == cutOver {
			closed++
		}
		c.add(line)
	}
	if closed > 0 {
		if err := c.last(ctx); err != nil {
			return rep, err
		}
	}
	rep.conclude(cutOver)
	return rep, nil
}

// settleRest moves once more and compares again, when a comparison found something
// otherwise than it was written and nobody's edit says why. The pass asks the target
// for each: what people deleted there stays deleted and is listed, texts with links
// to it lead to the old place again, and what the source changed meanwhile is moved.
func (e *Engine) settleRest(ctx context.Context, rep *CutoverReport) error {
	e.unsettled = map[item.Ref]bool{}
	for _, key := range rep.Verdict.unsettled {
		e.unsettled[key] = true
	}
	before := rep.Run
	run, err := e.Run(ctx)
	e.unsettled = nil
	if run != nil {
		run.Conflicts += before.Conflicts
		run.InConflict = append(before.InConflict, run.InConflict...)
		run.InConflict = run.InConflict[:min(len(run.InConflict), listedConflicts)]
		rep.Run, rep.Failed = run, run.Failed
	}
	if err != nil {
		return err
	}
	if run.Status != "complete" {
		rep.Status = "not-moved"
		return nil
	}
	rep.Verdict, err = e.Verify(ctx, false)
	return err
}

// Revert takes a cut-over back: it reopens the containers that were closed and
// removes the notes. Safe to repeat. A container that the selection names by
// itself is looked at even if the ledger does not know that it was cut over.
func (e *Engine) Revert(ctx context.Context, dryRun bool) (*CutoverReport, error) {
	rep := &CutoverReport{Status: "nothing-to-do", DryRun: dryRun}
	if err := e.open(ctx); err != nil {
		return rep, err
	}
	c, err := e.newCutting(ctx, rep)
	if err != nil {
		return rep, err
	}
	for _, s := range c.chosen {
		if e.stopped() {
			return rep, ErrStopped
		}
		if !c.known[s.Ref].Cut.Held() && len(e.Select.Only) == 0 {
			continue
		}
		line, err := c.reopen(ctx, s)
		if err != nil {
			return rep, err
		}
		c.add(line)
	}
	rep.conclude("reverted")
	return rep, nil
}

// cuttings is a cut-over while it goes on.
type cuttings struct {
	e      *Engine
	rep    *CutoverReport
	closer connector.Closer // nil for a source that offers none
	known  map[item.Ref]ledger.Shard
	chosen []connector.Shard
}

func (e *Engine) newCutting(ctx context.Context, rep *CutoverReport) (*cuttings, error) {
	c := &cuttings{e: e, rep: rep}
	if e.source == nil {
		if err := e.open(ctx); err != nil {
			return nil, err
		}
	}
	c.closer, _ = e.source.(connector.Closer)
	var err error
	if c.chosen, err = e.shards(ctx); err != nil {
		return nil, err
	}
	if c.known, err = e.knownShards(ctx); err != nil {
		return nil, err
	}
	for _, s := range e.left {
		rep.Kept = append(rep.Kept, CutoverOut{Source: s.Ref.ID, At: c.known[s.Ref].Cut.At})
	}
	return c, nil
}

func (c *cuttings) line(ctx context.Context, s connector.Shard) (Cutting, error) {
	there, err := c.e.at(ctx, s.Ref)
	if err != nil {
		return Cutting{}, err
	}
	board := c.known[s.Ref].Target
	line := Cutting{Source: s.Ref.ID, Place: s.URL, Target: board.ID, Wave: c.e.rows[s.Ref].Wave}
	if !board.Zero() {
		line.Link = there.target.Link(board, board)
	}
	return line, nil
}

// close puts the note up and closes one container.
func (c *cuttings) close(ctx context.Context, s connector.Shard) (Cutting, error) {
	line, err := c.line(ctx, s)
	if err != nil {
		return line, err
	}
	note, led := connector.Note{Link: line.Link}, c.known[s.Ref]
	if c.closer == nil {
		line.State, line.Steps = cutBySteps, plainSteps(s, note)
		return line, nil
	}
	before := connector.Standing(led.Cut.Before)
	if !led.Cut.Held() {
		if before, err = c.closer.Standing(ctx, s); err != nil {
			return c.failed(line, s, err)
		}
	}
	if c.rep.DryRun {
		line.State = wouldCut
		return line, nil
	}
	if led.Target.Zero() {
		line.State, line.Reason = cutFailed, "it has not moved: rialto run moves it"
		return line, nil
	}
	if !led.Cut.Held() {
		if err := c.remember(ctx, led, ledger.Cut{State: ledger.Closing, Before: string(before)}); err != nil {
			return line, err
		}
	}
	c.e.Failpoint("before-close")
	closed, err := c.closer.CloseShard(c.e.permit(ctx, connector.Closing), s, note, before)
	c.e.Failpoint("after-close")
	if err != nil {
		line, stop := c.failed(line, s, err)
		if stop == nil && line.State == cutBySteps { // nothing was written
			stop = c.remember(ctx, led, ledger.Cut{State: ledger.Reopened})
		}
		return line, stop
	}
	line.State = cutOver
	if !closed.ReadOnly {
		line.Open = closed.Why
	}
	return line, nil
}

// last moves what people changed until the containers were closed, and remembers
// that these are cut over.
func (c *cuttings) last(ctx context.Context) error {
	run, err := c.e.Run(ctx)
	if err != nil {
		return err
	}
	c.rep.Failed = run.Failed
	if run.Status != "complete" {
		for i := range c.rep.Containers {
			if line := &c.rep.Containers[i]; line.State == cutOver {
				line.State, line.Reason = cutFailed, "it is closed, and something that changed until then could not be moved: rialto cutover again goes on from here"
			}
		}
		return nil
	}
	if c.known, err = c.e.knownShards(ctx); err != nil {
		return err
	}
	for i := range c.rep.Containers {
		line := &c.rep.Containers[i]
		if line.State != cutOver {
			continue
		}
		led := c.known[item.Ref{Kind: c.e.From.Caps.Container(), ID: line.Source}]
		line.At = c.e.Now().UTC()
		if led.Cut.State == ledger.CutOver {
			line.At = led.Cut.At
			continue
		}
		c.e.Failpoint("before-cut-over")
		if err := c.remember(ctx, led, ledger.Cut{State: ledger.CutOver, At: line.At, Before: led.Cut.Before}); err != nil {
			return err
		}
		c.e.Failpoint("after-cut-over")
	}
	return nil
}

// reopen takes one container's cut-over back.
func (c *cuttings) reopen(ctx context.Context, s connector.Shard) (Cutting, error) {
	line, err := c.line(ctx, s)
	if err != nil {
		return line, err
	}
	led := c.known[s.Ref]
	switch {
	case c.closer == nil:
		line.State, line.Steps = cutBySteps, reopenSteps(s)
		return line, nil
	case c.rep.DryRun:
		line.State = wouldReopen
		return line, nil
	}
	before := connector.Standing("")
	if led.Cut.Held() {
		before = connector.Standing(led.Cut.Before)
	}
	c.e.Failpoint("before-reopen")
	err = c.closer.ReopenShard(c.e.permit(ctx, connector.Reopening), s, before)
	c.e.Failpoint("after-reopen")
	if err != nil {
		line, err = c.failed(line, s, err)
		if line.State == cutBySteps {
			line.Steps = reopenSteps(s)
		}
		return line, err
	}
	line.State, line.At = cutReopened, c.e.Now().UTC()
	if led.Cut.Held() {
		err = c.remember(ctx, led, ledger.Cut{State: ledger.Reopened, At: line.At})
	}
	return line, err
}

// failed says what an error means for a container: steps for a person where the
// cloud or the rights do not allow it. The error is for what ends the verb.
func (c *cuttings) failed(line Cutting, s connector.Shard, err error) (Cutting, error) {
	line.Reason = err.Error()
	switch class := connector.ClassOf(err); {
	case stops(err):
		return line, err
	case class == connector.Unsupported || class == connector.Forbidden:
		line.State, line.Steps = cutBySteps, c.closer.Steps(s, connector.Note{Link: line.Link})
	default:
		line.State = cutFailed
	}
	return line, nil
}

func (c *cuttings) remember(ctx context.Context, led ledger.Shard, cut ledger.Cut) error {
	if cut.At.IsZero() {
		cut.At = c.e.Now()
	}
	cut.At = cut.At.UTC()
	if err := c.e.Ledger.Apply(ctx, ledger.Batch{Shard: led.Num, Cut: &cut}); err != nil {
		return fmt.Errorf("the ledger: %w", err)
	}
	return nil
}

func (c *cuttings) add(line Cutting) {
	c.rep.Containers = append(c.rep.Containers, line)
	c.e.Emit(Event{Event: "cutover", Kind: c.e.From.Caps.Container(), Shard: line.Source, Source: line.Source, Target: line.Target, Link: line.Link, Op: line.State, Reason: line.Reason})
}

// conclude chooses the status; done is that of a whole success.
func (r *CutoverReport) conclude(done string) {
	if len(r.Containers) == 0 {
		return
	}
	r.Status = done
	for _, line := range r.Containers {
		switch line.State {
		case cutFailed:
			r.Status = "partial"
			return
		case cutBySteps:
			r.Status = "steps"
		}
	}
}

// permit lets a source do one deed. Only the verb that cuts over has a guard that
// can.
func (e *Engine) permit(ctx context.Context, d connector.Deed) context.Context {
	if e.From.Guard == nil {
		return ctx
	}
	return e.From.Guard.Permit(ctx, d)
}

// plainSteps are for a source of which nobody knows how it is closed.
func plainSteps(s connector.Shard, note connector.Note) []string {
	return []string{"open " + s.URL, "leave a note there that it has moved to " + note.Link, "close it, or make it read-only"}
}

func reopenSteps(s connector.Shard) []string {
	return []string{"open " + s.URL, "remove the note that it has moved", "reopen it"}
}

// isCutOver is why a run leaves a container alone.
func isCutOver(c ledger.Cut) bool { return c.State == ledger.CutOver }

// errHeld refuses to undo what people were sent to.
func errHeld(s ledger.Shard) error {
	return connector.Errorf(connector.Permanent, "the container %s is cut over: its old place is closed and says that it moved", s.Source.ID).
		WithHint("take that back first: rialto cutover FILE --revert --only " + s.Source.ID)
}

// keepCuts has a ledger remember the cut-overs that it knew before it was
// forgotten.
func (e *Engine) keepCuts(ctx context.Context, known map[item.Ref]ledger.Shard) error {
	var errs []error
	for source, s := range known {
		if s.Cut.State == 0 {
			continue
		}
		now, err := e.Ledger.Shard(ctx, source)
		if err == nil {
			err = e.Ledger.Apply(ctx, ledger.Batch{Shard: now.Num, Cut: &s.Cut})
		}
		errs = append(errs, err)
	}
	if err := errors.Join(errs...); err != nil {
		return fmt.Errorf("the ledger: %w", err)
	}
	return nil
}
