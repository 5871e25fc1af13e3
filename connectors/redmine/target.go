package redmine

import (
	"context"
	"errors"
	"iter"
	"log/slog"
	"net/url"
	"sync"
	"time"

	"github.com/rialto-migrate/rialto/connector"
	"github.com/rialto-migrate/rialto/item"
)

// target writes a Redmine, as projects below parent.
type target struct {
	*cloud
	parent int // a project's number; 0 for the top

	mu       sync.Mutex
	projects map[int]*project
}

// A project is what must be known to create issues in one.
type project struct {
	tracker named
}

// Write applies changes of one kind. Issues are created one after the other, so
// that their numbers ascend in the order of the changes: it is the only order
// that Redmine keeps. Everything else of a batch runs side by side, but what
// belongs to one issue.
func (t *target) Write(ctx context.Context, changes []connector.Change, open item.Opener) iter.Seq2[connector.Result, error] {
	return func(yield func(connector.Result, error) bool) {
		if len(changes) == 0 {
			return
		}
		v, err := t.view(ctx, true)
		if err != nil {
			yield(connector.Result{}, err)
			return
		}
		w := &writing{target: t, view: v, changes: changes, results: make([]connector.Result, len(changes)), open: open}
		switch changes[0].Item.Kind {
		case item.Board:
			w.all(ctx, w.board)
		case item.List:
			w.all(ctx, w.list)
		case item.Label:
			w.all(ctx, w.label)
		case item.Task:
			w.tasks(ctx)
		case item.Comment:
			w.byIssue(ctx, w.comments)
		case item.Attachment:
			w.byIssue(ctx, w.attachments)
		default:
			yield(connector.Result{}, connector.Errorf(connector.Unsupported, "redmine writes no items of the kind %s", changes[0].Item.Kind))
			return
		}
		for _, r := range w.results {
			if !yield(r, nil) {
				return
			}
		}
	}
}

// writing is one call of Write.
type writing struct {
	*target
	view    *view
	changes []connector.Change
	results []connector.Result
	open    item.Opener
}

// all writes each change by itself, one after the other: they are few, and
// may be of one name.
func (w *writing) all(ctx context.Context, write func(context.Context, connector.Change) (connector.Result, error)) {
	for i, ch := range w.changes {
		w.set(i)(write(ctx, ch))
	}
}

// set keeps the result of one change.
func (w *writing) set(i int) func(connector.Result, error) {
	return func(r connector.Result, err error) {
		if err != nil {
			r = connector.Result{Err: asError(err)}
		}
		w.results[i] = r
	}
}

// byIssue writes the changes of each issue together, in their order, and those
// of several issues side by side: Redmine refuses two writes of one issue at
// the same moment (lock_version).
func (w *writing) byIssue(ctx context.Context, write func(ctx context.Context, issue int, at []int)) {
	var order []int
	groups := map[int][]int{}
	for i, ch := range w.changes {
		issue, ok := 0, false
		if ch.Op == connector.Create {
			issue, ok = number(ch.Item.Parent.ID)
		} else {
			issue, _, ok = numbers(ch.Item.ID)
		}
		if !ok {
			w.results[i].Err = connector.Errorf(connector.Permanent, "a %s needs an issue of Redmine to lie in", ch.Item.Kind)
			continue
		}
		if groups[issue] == nil {
			order = append(order, issue)
		}
		groups[issue] = append(groups[issue], i)
	}
	each(len(order), func(i int) { write(ctx, order[i], groups[order[i]]) })
}

// asError gives an error of ours a class if it has none.
func asError(err error) error {
	if _, ok := errors.AsType[*connector.Error](err); ok {
		return err
	}
	return &connector.Error{Class: connector.Transient, Reason: "redmine: stopped", Err: err}
}

// inDoubt says that something was made all the same: what failed came after.
func inDoubt(err error) error {
	if err == nil {
		return nil
	}
	e, ok := errors.AsType[*connector.Error](err)
	if !ok {
		return &connector.Error{Class: connector.Transient, Reason: "redmine: stopped", InDoubt: true, Err: err}
	}
	d := *e
	d.InDoubt = true
	return &d
}

func stored(it item.Item) connector.Result {
	return connector.Result{Stored: item.Bundle{Item: it, CheckItems: -1}}
}

// Fetch yields items of one project as they are now.
func (t *target) Fetch(ctx context.Context, container item.Ref, refs []item.Ref) iter.Seq2[item.Bundle, error] {
	return func(yield func(item.Bundle, error) bool) {
		id, ok := number(container.ID)
		if !ok {
			return
		}
		v, err := t.view(ctx, true)
		if err != nil {
			yield(item.Bundle{}, err)
			return
		}
		f := &fetching{cloud: t.cloud, view: v, project: id}
		f.yield(ctx, refs, yield)
	}
}

// Carrier returns what an item carries as its mark.
func (t *target) Carrier(k item.Kind, mark string) string { return carrier(k, mark) }

// Finish has nothing to do.
func (t *target) Finish(context.Context, item.Ref) error { return nil }

// Link returns where a person finds an item.
func (t *target) Link(ref item.Ref, container item.Ref) string {
	switch ref.Kind {
	case item.Board:
		return t.api.link("/projects/"+ref.ID, nil, "")
	case item.Member:
		return t.api.link("/users/"+ref.ID, nil, "")
	case item.Task:
		return t.api.link("/issues/"+ref.ID, nil, "")
	case item.Comment:
		if issue, id, ok := numbers(ref.ID); ok {
			return t.api.link("/issues/"+itoa(issue), nil, "change-"+itoa(id))
		}
	case item.Attachment:
		if _, id, ok := numbers(ref.ID); ok {
			return t.api.link("/attachments/"+itoa(id), nil, "")
		}
	case item.List:
		if id, ok := listNumber(t.cfg.listsAs, ref.ID); ok && container.Kind == item.Board {
			param := map[string]string{asCategory: "category_id", asVersion: "fixed_version_id", asStatus: "status_id"}[t.cfg.listsAs]
			return t.api.link("/projects/"+container.ID+"/issues", url.Values{"set_filter": {"1"}, param: {itoa(id)}}, "")
		}
	}
	return ""
}

// Members yields the people who can work in new projects: everybody active for
// an administrator, else the members of the place.
func (t *target) Members(ctx context.Context) iter.Seq2[item.Item, error] {
	return func(yield func(item.Item, error) bool) {
		v, err := t.view(ctx, true)
		if err != nil {
			yield(item.Item{}, err)
			return
		}
		me, err := t.facts.me(ctx)
		if err != nil {
			yield(item.Item{}, err)
			return
		}
		give := func(u apiUser) bool {
			it := v.member(t.parent, u)
			if t.parent == 0 {
				it.Parent = item.Ref{}
			}
			return yield(it, nil)
		}
		if me.Admin {
			for u, err := range t.api.users(ctx, userActive) {
				if err != nil {
					yield(item.Item{}, err)
					return
				}
				if !give(u) {
					return
				}
			}
			return
		}
		if !give(me) || t.parent == 0 {
			return
		}
		for m, err := range t.api.memberships(ctx, t.parent) {
			if err != nil {
				yield(item.Item{}, err)
				return
			}
			if m.User == nil || m.User.ID == me.ID {
				continue
			}
			u, err := t.facts.person(ctx, *m.User)
			if err != nil {
				yield(item.Item{}, err)
				return
			}
			if !give(u) {
				return
			}
		}
	}
}

// project returns what must be known of a project to create issues in it.
func (t *target) project(ctx context.Context, id int) (*project, error) {
	t.mu.Lock()
	p, ok := t.projects[id]
	t.mu.Unlock()
	if ok {
		return p, nil
	}
	got, err := t.api.project(ctx, itoa(id), "trackers")
	if err != nil {
		return nil, err
	}
	tracker, ok := chooseNamed(got.Trackers, t.cfg.tracker, preferredTrackers)
	if !ok {
		return nil, connector.Errorf(connector.Permanent, "project %d does not have the tracker that new issues are to get", id).
			WithHint("add the tracker in the project's settings, or correct the connection's setting tracker")
	}
	p = &project{tracker: tracker}
	t.mu.Lock()
	t.projects[id] = p
	t.mu.Unlock()
	return p, nil
}

// givenRole returns the role of new members.
func (t *target) givenRole(ctx context.Context) (int, error) {
	all, err := t.facts.roles(ctx)
	if err != nil {
		return 0, err
	}
	r, ok := chooseNamed(all, t.cfg.role, preferredRoles)
	if !ok {
		return 0, connector.Errorf(connector.Permanent, "the server does not have the role that new members are to get").
			WithHint("correct the connection's setting role")
	}
	return r.ID, nil
}

// slack is how much earlier than asked Find begins: clocks differ.
const slack = 2 * time.Hour

// warn logs what went wrong after a write that did its work.
func (t *target) warn(ctx context.Context, what string, issue int, err error) {
	t.log.LogAttrs(ctx, slog.LevelWarn, what, slog.Int("issue", issue), slog.Any("error", err))
}
