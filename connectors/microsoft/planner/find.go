package planner

import (
	"context"
	"errors"
	"iter"
	"net/url"
	"slices"
	"time"

	"github.com/rialto-migrate/rialto/connector"
	"github.com/rialto-migrate/rialto/connectors/microsoft"
	"github.com/rialto-migrate/rialto/item"
)

// slack is how far the clocks of Find's caller and of Planner may be apart.
const slack = 2 * time.Hour

// Find implements connector.Target.
func (t *target) Find(ctx context.Context, container item.Ref, since time.Time) iter.Seq2[connector.Found, error] {
	return func(yield func(connector.Found, error) bool) {
		var err error
		if container.Zero() {
			err = t.findBoards(ctx, since, yield)
		} else {
			err = t.findIn(ctx, container.ID, since, yield)
		}
		if err != nil && !errors.Is(err, errStopped) {
			yield(connector.Found{}, err)
		}
	}
}

// errStopped says that the caller of an iterator has enough.
var errStopped = errors.New("stopped")

func recent(made, since time.Time) bool {
	return since.IsZero() || made.IsZero() || !made.Before(since.Add(-slack))
}

func (t *target) findBoards(ctx context.Context, since time.Time, yield func(connector.Found, error) bool) error {
	groupID := t.known()
	if groupID == "" { // another run may have made it since
		g, err := t.findGroup(ctx, t.wanted)
		if err != nil || g.ID == "" {
			return err
		}
		groupID = g.ID
	}
	for p, err := range microsoft.List[plan](ctx, t.graph, "/groups/"+groupID+"/planner/plans", nil) {
		if err != nil {
			return err
		}
		if !recent(p.Created.Time, since) {
			continue
		}
		b, err := t.board(ctx, p.ID)
		if microsoft.IsGone(err) {
			continue
		}
		if err != nil {
			return err
		}
		if !yield(connector.Found{Bundle: b, Made: p.Created.Time}, nil) {
			return errStopped
		}
	}
	return nil
}

func (t *target) findIn(ctx context.Context, planID string, since time.Time, yield func(connector.Found, error) bool) error {
	f, err := t.frame(ctx, planID)
	if err != nil {
		if microsoft.IsGone(err) {
			return nil
		}
		return err
	}
	if !since.IsZero() { // writes are being settled: nothing else is under way in this plan
		if err := t.reclaim(ctx, planID); err != nil {
			return err
		}
	}
	for _, slot := range slots(f.details, f.tasks) {
		if !yield(connector.Found{Bundle: item.Bundle{Item: labelItem(planID, slot, f.details.Categories.text(slot)), CheckItems: -1}}, nil) {
			return errStopped
		}
	}
	for _, b := range f.buckets {
		b.Plan = planID
		if !yield(connector.Found{Bundle: item.Bundle{Item: listItem(b), CheckItems: -1}}, nil) {
			return errStopped
		}
	}
	groupID := f.plan.group()
	if err := t.listLost(ctx, groupID, f.tasks); err != nil {
		return err
	}
	for chunk := range slices.Chunk(f.tasks, pageTasks) {
		readings, err := t.readDetails(ctx, chunk)
		if err != nil {
			return err
		}
		if err := t.findThreads(ctx, groupID, readings); err != nil {
			return err
		}
		fs, err := t.filesOf(ctx, groupID, readings, true)
		if err != nil {
			return err
		}
		var posts []taskPosts
		if t.graph.Delegated() {
			if posts, err = t.posts(ctx, groupID, readings); err != nil {
				return err
			}
		}
		for i, r := range readings {
			b, mark := t.bundle(r, fs)
			if recent(r.task.Created.Time, since) && !yield(connector.Found{Bundle: b, Mark: mark, Made: r.task.Created.Time}, nil) {
				return errStopped
			}
			if posts == nil {
				continue
			}
			for _, p := range posts[i].posts {
				it := commentItem(r.task.ID, p)
				made := item.Created.Get(it)
				if recent(made, since) && !yield(connector.Found{Bundle: item.Bundle{Item: it, CheckItems: -1}, Made: made}, nil) {
					return errStopped
				}
			}
		}
	}
	return nil
}

// listLost reads the group's threads anew if a task names none: a thread that was
// in doubt may have come about since they were last read.
func (t *target) listLost(ctx context.Context, groupID string, tasks []task) error {
	if !t.graph.Delegated() || groupID == "" || !slices.ContainsFunc(tasks, func(x task) bool { return x.Thread == "" }) {
		return nil
	}
	err := t.listThreads(ctx, groupID)
	if microsoft.IsForbidden(err) || microsoft.IsGone(err) {
		return nil
	}
	return err
}

// findThreads gives tasks that name no thread the one of ours that was made for
// them and not entered yet.
func (t *target) findThreads(ctx context.Context, groupID string, readings []reading) error {
	if !t.graph.Delegated() || groupID == "" {
		return nil
	}
	for i := range readings {
		if readings[i].task.Thread != "" {
			continue
		}
		lost, err := t.lostThread(ctx, groupID, readings[i].task.ID)
		if microsoft.IsForbidden(err) || microsoft.IsGone(err) {
			return nil
		}
		if err != nil {
			return err
		}
		readings[i].task.Thread = lost
	}
	return nil
}

// Fetch implements connector.Target.
func (t *target) Fetch(ctx context.Context, container item.Ref, refs []item.Ref) iter.Seq2[item.Bundle, error] {
	return func(yield func(item.Bundle, error) bool) {
		bundles, err := t.fetch(ctx, container, refs)
		for _, b := range bundles {
			if !yield(b, nil) {
				return
			}
		}
		if err != nil {
			yield(item.Bundle{}, err)
		}
	}
}

func (t *target) fetch(ctx context.Context, container item.Ref, refs []item.Ref) (out []item.Bundle, err error) {
	byKind := map[item.Kind][]string{}
	for _, r := range refs {
		byKind[r.Kind] = append(byKind[r.Kind], r.ID)
	}
	plan := "/planner/plans/" + url.PathEscape(container.ID)
	for _, id := range byKind[item.Board] {
		b, err := t.board(ctx, id)
		if microsoft.IsGone(err) {
			continue
		}
		if err != nil {
			return out, err
		}
		out = append(out, b)
	}
	if ids := byKind[item.Label]; len(ids) > 0 {
		var d planDetails
		if err := t.graph.Get(ctx, plan+"/details", nil, &d); err != nil {
			if microsoft.IsGone(err) {
				return out, nil
			}
			return out, err
		}
		for _, id := range ids {
			planID, slot := splitID(id)
			out = append(out, item.Bundle{Item: labelItem(planID, slot, d.Categories.text(slot)), CheckItems: -1})
		}
	}
	if ids := byKind[item.List]; len(ids) > 0 {
		buckets, err := microsoft.All(microsoft.List[bucket](ctx, t.graph, plan+"/buckets", nil))
		if err != nil {
			if microsoft.IsGone(err) {
				return out, nil
			}
			return out, err
		}
		for _, b := range buckets {
			if slices.Contains(ids, b.ID) {
				b.Plan = container.ID
				out = append(out, item.Bundle{Item: listItem(b), CheckItems: -1})
			}
		}
	}
	if ids := byKind[item.Task]; len(ids) > 0 {
		readings, err := t.read(ctx, ids)
		if err != nil {
			return out, err
		}
		fs, err := t.filesOf(ctx, t.known(), readings, true)
		if err != nil {
			return out, err
		}
		for _, r := range readings {
			b, _ := t.bundle(r, fs)
			out = append(out, b)
		}
	}
	if ids := byKind[item.Comment]; len(ids) > 0 {
		comments, err := t.fetchComments(ctx, ids)
		return append(out, comments...), err
	}
	return out, nil
}

func (t *target) fetchComments(ctx context.Context, ids []string) (out []item.Bundle, err error) {
	var tasks []string
	for _, id := range ids {
		if taskID, _ := splitID(id); !slices.Contains(tasks, taskID) {
			tasks = append(tasks, taskID)
		}
	}
	readings, err := t.read(ctx, tasks)
	if err != nil {
		return nil, err
	}
	if err := t.enterLost(ctx, readings); err != nil {
		return nil, err
	}
	posts, err := t.posts(ctx, t.known(), readings)
	if err != nil {
		return nil, err
	}
	found := map[string]item.Item{}
	for i, r := range readings {
		for _, p := range posts[i].posts {
			it := commentItem(r.task.ID, p)
			found[it.ID] = it
		}
	}
	for _, id := range ids {
		if it, ok := found[id]; ok {
			out = append(out, item.Bundle{Item: it, CheckItems: -1})
		}
	}
	return out, nil
}
