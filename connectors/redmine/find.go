package redmine

import (
	"context"
	"iter"
	"net/url"
	"strconv"
	"time"

	"github.com/rialto-migrate/rialto/connector"
	"github.com/rialto-migrate/rialto/item"
)

// Find yields what is in a project since a time: lists and labels, which have
// none, always; issues that this key's owner created; comments and files of any
// issue that changed since. With a zero container it yields projects.
func (t *target) Find(ctx context.Context, container item.Ref, since time.Time) iter.Seq2[connector.Found, error] {
	return func(yield func(connector.Found, error) bool) {
		if !since.IsZero() {
			since = since.Add(-slack)
		}
		v, err := t.view(ctx, true)
		if err != nil {
			yield(connector.Found{}, err)
			return
		}
		if container.Zero() {
			t.findBoards(ctx, v, since, yield)
			return
		}
		id, ok := number(container.ID)
		if !ok {
			yield(connector.Found{}, connector.Errorf(connector.Permanent, "a board of Redmine is a project's number"))
			return
		}
		f := &fetching{cloud: t.cloud, view: v, project: id}
		if err := f.readLists(ctx); err != nil {
			yield(connector.Found{}, err)
			return
		}
		for _, it := range f.lists {
			if !yield(foundAs(it, ""), nil) {
				return
			}
		}
		for _, it := range v.labels(id) {
			if !yield(foundAs(it, ""), nil) {
				return
			}
		}
		t.findTasks(ctx, v, id, since, yield)
	}
}

func foundAs(it item.Item, mark string) connector.Found {
	return connector.Found{Bundle: item.Bundle{Item: it, CheckItems: -1}, Mark: mark, Made: item.Created.Get(it)}
}

// findBoards yields the projects of the place. The homepage, which is the mark,
// comes with the single project only (app/views/projects/index.api.rsb).
func (t *target) findBoards(ctx context.Context, v *view, since time.Time, yield func(connector.Found, error) bool) {
	for p, err := range t.api.projects(ctx) {
		if err != nil {
			yield(connector.Found{}, err)
			return
		}
		parent := 0
		if p.Parent != nil {
			parent = p.Parent.ID
		}
		if parent != t.parent || p.CreatedOn.Before(since) {
			continue
		}
		whole, err := t.api.project(ctx, itoa(p.ID), "")
		if outOfSight(err) {
			continue
		}
		if err != nil {
			yield(connector.Found{}, err)
			return
		}
		it, err := t.boardOf(ctx, v, whole)
		if outOfSight(err) {
			continue
		}
		if err != nil {
			yield(connector.Found{}, err)
			return
		}
		if !yield(foundAs(it, whole.Homepage), nil) {
			return
		}
	}
}

// findTasks walks by number over the issues that changed, so that changes
// meanwhile shift nothing.
func (t *target) findTasks(ctx context.Context, v *view, project int, since time.Time, yield func(connector.Found, error) bool) {
	for after := 0; ; {
		q := url.Values{"limit": {strconv.Itoa(pageSize)}, "issue_id": {">=" + itoa(after+1)}}
		if !since.IsZero() {
			q.Set("updated_on", ">="+since.UTC().Format(time.RFC3339))
		}
		heads, total, err := t.api.issues(ctx, project, q)
		if err != nil {
			yield(connector.Found{}, err)
			return
		}
		ids := make([]int, len(heads))
		for i, h := range heads {
			ids[i] = h.ID
			after = h.ID
		}
		issues, err := t.details(ctx, ids)
		if err != nil {
			yield(connector.Found{}, err)
			return
		}
		for _, is := range issues {
			for _, f := range t.foundIn(v, is, since) {
				if !yield(f, nil) {
					return
				}
			}
		}
		if total <= len(heads) {
			return
		}
	}
}

// foundIn returns what an issue holds that may be ours.
func (t *target) foundIn(v *view, is apiIssue, since time.Time) []connector.Found {
	var out []connector.Found
	if !is.CreatedOn.Before(since) && is.Author != nil && is.Author.ID == v.me {
		out = append(out, foundAs(v.task(is), v.markOf(is)))
	}
	for _, j := range comments(is) {
		if j.CreatedOn.Before(since) || !v.cfg.switchUser && (j.User == nil || j.User.ID != v.me) {
			continue
		}
		out = append(out, foundAs(v.comment(is, j), ""))
	}
	for _, a := range is.Attachments {
		if a.CreatedOn.Before(since) || a.Author == nil || a.Author.ID != v.me {
			continue
		}
		out = append(out, foundAs(v.attachment(is, a), ""))
	}
	return out
}
