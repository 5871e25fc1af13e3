package redmine

import (
	"context"
	"slices"
	"sync"

	"github.com/rialto-migrate/rialto/connector"
	"github.com/rialto-migrate/rialto/item"
)

// each runs f for 0 to n-1, a few side by side, and returns when all are done.
func each(n int, f func(i int)) {
	slots := make(chan struct{}, parallel)
	var wg sync.WaitGroup
	for i := range n {
		slots <- struct{}{}
		wg.Go(func() {
			defer func() { <-slots }()
			f(i)
		})
	}
	wg.Wait()
}

// fetchStretch is how many items are read before the first of them is yielded.
const fetchStretch = 50

// fetching reads named items of one project as they are now. Requests are
// shared: everything of one issue is read with it, all lists at once.
type fetching struct {
	*cloud
	view    *view
	project int
	whole   bool // issues come with all that lies in them

	issues map[int]*apiIssue // nil if it is not there
	lists  []item.Item
	listed bool
}

// yield yields what is there of refs, in their order.
func (f *fetching) yield(ctx context.Context, refs []item.Ref, yield func(item.Bundle, error) bool) {
	for stretch := range slices.Chunk(refs, fetchStretch) {
		if err := f.prepare(ctx, stretch); err != nil {
			yield(item.Bundle{}, err)
			return
		}
		for _, ref := range stretch {
			b, ok, err := f.one(ctx, ref)
			if err != nil {
				yield(item.Bundle{}, err)
				return
			}
			if ok && !yield(b, nil) {
				return
			}
		}
	}
}

// prepare reads the issues that refs name or lie in, and the lists.
func (f *fetching) prepare(ctx context.Context, refs []item.Ref) error {
	include := map[int]string{}
	wantLists := false
	for _, ref := range refs {
		switch ref.Kind {
		case item.Task:
			if id, ok := number(ref.ID); ok && include[id] == "" {
				include[id] = withPeople
				if f.whole {
					include[id] = withAll
				}
			}
		case item.Comment, item.Attachment:
			if id, _, ok := numbers(ref.ID); ok {
				include[id] = withAll
			}
		case item.List:
			wantLists = true
		}
	}
	var ids []int
	for id := range include {
		ids = append(ids, id)
	}
	got := make([]apiIssue, len(ids))
	errs := make([]error, len(ids))
	each(len(ids), func(i int) { got[i], errs[i] = f.api.issue(ctx, ids[i], include[ids[i]]) })
	f.issues = map[int]*apiIssue{}
	for i, id := range ids {
		switch {
		case errs[i] == nil && got[i].Project.ID == f.project:
			f.issues[id] = &got[i]
		case errs[i] != nil && !gone(errs[i]):
			return errs[i]
		}
	}
	if !wantLists || f.listed {
		return nil
	}
	return f.readLists(ctx)
}

// gone reports whether an error says that something is not there. Redmine says
// 404 for what is not and 403 for what may not be seen; the latter is an error.
func gone(err error) bool { return err != nil && connector.ClassOf(err) == connector.Gone }

func (f *fetching) readLists(ctx context.Context) error {
	var categories []named
	var versions []apiVersion
	var err error
	switch f.cfg.listsAs {
	case asCategory:
		categories, err = f.api.categories(ctx, f.project)
	case asVersion:
		versions, err = f.api.versions(ctx, f.project)
	}
	if err != nil && !gone(err) {
		return err
	}
	f.lists, f.listed = f.view.lists(f.project, categories, versions), true
	return nil
}

// list returns one of the lists that were read.
func (f *fetching) list(ref item.Ref) (item.Item, bool) {
	i := slices.IndexFunc(f.lists, func(it item.Item) bool { return it.Ref == ref })
	if i < 0 {
		return item.Item{}, false
	}
	return f.lists[i], true
}

// one returns one item; ok is false if it is not there.
func (f *fetching) one(ctx context.Context, ref item.Ref) (b item.Bundle, ok bool, err error) {
	plain := func(it item.Item) (item.Bundle, bool, error) { return item.Bundle{Item: it, CheckItems: -1}, true, nil }
	switch ref.Kind {
	case item.Board:
		id, ok := number(ref.ID)
		if !ok {
			return b, false, nil
		}
		it, err := f.board(ctx, f.view, id)
		if gone(err) {
			return b, false, nil
		}
		if err != nil {
			return b, false, err
		}
		return plain(it)
	case item.Member:
		id, ok := number(ref.ID)
		if !ok {
			return b, false, nil
		}
		u, err := f.facts.person(ctx, named{ID: id})
		if err != nil || u.name() == "" {
			return b, false, err
		}
		return plain(f.view.member(f.project, u))
	case item.List:
		if it, ok := f.list(ref); ok {
			return plain(it)
		}
	case item.Label:
		for _, it := range f.view.labels(f.project) {
			if it.ID == ref.ID {
				return plain(it)
			}
		}
	case item.CustomField:
		return f.field(ctx, ref)
	case item.Task:
		id, _ := number(ref.ID)
		is := f.issues[id]
		if is == nil {
			return b, false, nil
		}
		if !f.whole {
			return plain(f.view.task(*is))
		}
		b, err := f.bundle(ctx, f.view, *is)
		return b, err == nil, err
	case item.Comment:
		issue, id, _ := numbers(ref.ID)
		is := f.issues[issue]
		if is == nil {
			return b, false, nil
		}
		for _, j := range comments(*is) {
			if j.ID == id {
				return plain(f.view.comment(*is, j))
			}
		}
	case item.Attachment:
		issue, id, _ := numbers(ref.ID)
		is := f.issues[issue]
		if is == nil {
			return b, false, nil
		}
		for _, a := range is.Attachments {
			if a.ID == id {
				return plain(f.view.attachment(*is, a))
			}
		}
	}
	return b, false, nil
}

// field returns the definition of a custom field that this person may see.
func (f *fetching) field(ctx context.Context, ref item.Ref) (b item.Bundle, ok bool, err error) {
	for _, d := range f.view.fields {
		if it := f.view.custom(f.project, customValue{named: d.named}); it.Ref == ref {
			return item.Bundle{Item: it, CheckItems: -1}, true, nil
		}
	}
	p, err := f.api.project(ctx, itoa(f.project), "trackers")
	if gone(err) {
		return b, false, nil
	}
	if err != nil {
		return b, false, err
	}
	categories, err := f.api.categories(ctx, f.project)
	if err != nil && !outOfSight(err) {
		return b, false, err
	}
	versions, err := f.api.versions(ctx, f.project)
	if err != nil && !outOfSight(err) {
		return b, false, err
	}
	for _, it := range f.view.builtIn(p, categories, versions) {
		if it.Ref == ref {
			return item.Bundle{Item: it, CheckItems: -1}, true, nil
		}
	}
	return b, false, nil
}

// board reads a project with its members.
func (c *cloud) board(ctx context.Context, v *view, id int) (item.Item, error) {
	p, err := c.api.project(ctx, itoa(id), "")
	if err != nil {
		return item.Item{}, err
	}
	return c.boardOf(ctx, v, p)
}

func (c *cloud) boardOf(ctx context.Context, v *view, p apiProject) (item.Item, error) {
	var members []string
	for m, err := range c.api.memberships(ctx, p.ID) {
		if err != nil {
			return item.Item{}, err
		}
		if m.User != nil {
			members = append(members, itoa(m.User.ID))
		}
	}
	return v.board(p, members), nil
}
