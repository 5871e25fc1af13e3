package planner

import (
	"cmp"
	"context"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/rialto-migrate/rialto/connectors/microsoft"
	"github.com/rialto-migrate/rialto/item"
)

// A reading is a task with what belongs to it, as the cloud has it.
type reading struct {
	task    task
	details details
}

// read reads tasks and their details, two parts a task; one that is gone is
// left out.
func (c *cloud) read(ctx context.Context, ids []string) ([]reading, error) {
	calls := make([]microsoft.BatchCall, 0, 2*len(ids))
	for _, id := range ids {
		p := "/planner/tasks/" + url.PathEscape(id)
		calls = append(calls, microsoft.BatchCall{Method: http.MethodGet, Path: p}, microsoft.BatchCall{Method: http.MethodGet, Path: p + "/details"})
	}
	answers := c.graph.Batch(ctx, calls)
	out := make([]reading, 0, len(ids))
	for i := range ids {
		var r reading
		err := answers[2*i].Decode(&r.task)
		if err == nil {
			err = answers[2*i+1].Decode(&r.details)
		}
		if microsoft.IsGone(err) {
			continue
		}
		if err != nil {
			return nil, err
		}
		out = append(out, r)
	}
	return out, nil
}

// readDetails completes tasks that are at hand; one that is gone meanwhile is
// left out.
func (c *cloud) readDetails(ctx context.Context, tasks []task) ([]reading, error) {
	calls := make([]microsoft.BatchCall, len(tasks))
	for i, t := range tasks {
		calls[i] = microsoft.BatchCall{Method: http.MethodGet, Path: "/planner/tasks/" + url.PathEscape(t.ID) + "/details"}
	}
	var out []reading
	for i, a := range c.graph.Batch(ctx, calls) {
		r := reading{task: tasks[i]}
		if err := a.Decode(&r.details); err != nil {
			if microsoft.IsGone(err) {
				continue
			}
			return nil, err
		}
		out = append(out, r)
	}
	return out, nil
}

// files are the drive items of attachments by their address.
type files map[string]driveItem

// filesOf looks for the files among the references of tasks: addresses within
// the group's drive, below our folder if ours is set. What is not found is a link.
func (c *cloud) filesOf(ctx context.Context, groupID string, readings []reading, ours bool) (files, error) {
	var addresses []string
	for _, r := range readings {
		for key, ref := range r.details.References {
			if a := withoutTwin(referenceAddress(key)); ref.Alias != markAlias && strings.HasPrefix(a, "http") {
				addresses = append(addresses, a)
			}
		}
	}
	if len(addresses) == 0 || groupID == "" {
		return nil, nil
	}
	d, err := c.drive(ctx, groupID, false)
	if microsoft.IsGone(err) || microsoft.IsForbidden(err) {
		return nil, nil // without the drive they are links
	}
	if err != nil {
		return nil, err
	}
	at := map[string]string{}
	var paths []string
	for _, a := range addresses {
		p, ok := d.pathIn(a)
		if ok && at[a] == "" && (!ours || strings.HasPrefix(p, folder+"/")) {
			at[a] = p
			paths = append(paths, p)
		}
	}
	found, err := c.look(ctx, d, paths)
	if err != nil {
		return nil, err
	}
	out := files{}
	for a, p := range at {
		if f, ok := found[p]; ok {
			if f.Parent.Drive == "" {
				f.Parent.Drive = d.ID
			}
			out[a] = f
		}
	}
	return out, nil
}

// bundle is a task in canonical form, without its comments, and its mark.
func (c *cloud) bundle(r reading, f files) (b item.Bundle, mark string) {
	t := r.task
	ref := item.Ref{Kind: item.Task, ID: t.ID}
	board := item.Ref{Kind: item.Board, ID: t.Plan}
	it := item.Item{Ref: ref, Parent: board, URL: c.link(ref, board), Aliases: []string{t.ID}, Fields: taskFields(r)}
	b = item.Bundle{Item: it, CheckItems: -1, Counts: map[item.Kind]int{}}
	if list := checklistOf(t.ID, r.details); list != nil {
		b.Children = append(b.Children, *list)
	}
	var attached []item.Item
	attached, mark = attachmentsOf(t.ID, r.details, f)
	b.Children = append(b.Children, attached...)
	if t.Checks != nil {
		b.CheckItems = *t.Checks
	}
	if t.References != nil {
		b.Counts[item.Attachment] = *t.References
		if mark != "" {
			b.Counts[item.Attachment]--
		}
	}
	return b, mark
}

// taskFields are a task's fields in canonical form.
func taskFields(r reading) item.Fields {
	t, it := r.task, item.Item{Fields: item.Fields{}}
	item.Title.Set(&it, t.Title)
	item.Description.Set(&it, r.details.Description)
	if t.Bucket != "" {
		item.InList.Set(&it, item.Ref{Kind: item.List, ID: t.Bucket})
	}
	item.Position.Set(&it, t.Hint)
	item.Start.Set(&it, day(t.Start.Time))
	item.Due.Set(&it, day(t.Due.Time))
	item.Done.Set(&it, t.Percent >= 100)
	if t.Percent > 0 && t.Percent < 100 {
		item.Progress.Set(&it, float64(t.Percent))
	}
	item.Priority.Set(&it, priority(t.Priority))
	labels := []item.Ref{}
	for _, slot := range t.Categories.set() {
		labels = append(labels, item.Ref{Kind: item.Label, ID: labelID(t.Plan, slot)})
	}
	slices.SortFunc(labels, func(a, b item.Ref) int { return cmp.Compare(a.ID, b.ID) })
	item.Labels.Set(&it, labels)
	item.Assignees.Set(&it, slices.Sorted(slices.Values(t.Assigned.set())))
	item.Created.Set(&it, t.Created.Time)
	item.Author.Set(&it, t.CreatedBy.id())
	dropEmpty(&it)
	return it.Fields
}

// dropEmpty takes out what says nothing, so that equal items look alike.
func dropEmpty(it *item.Item) {
	for k, v := range it.Fields {
		if item.IsZero(v) {
			delete(it.Fields, k)
		}
	}
}

func checklistOf(taskID string, d details) *item.Item {
	if len(d.Checklist) == 0 {
		return nil
	}
	it := item.Item{Ref: item.Ref{Kind: item.Checklist, ID: taskID}, Parent: item.Ref{Kind: item.Task, ID: taskID}}
	var checks []item.Check
	for _, key := range ordered(d.Checklist, func(c checkItem) string { return c.Hint }) {
		e := d.Checklist[key]
		checks = append(checks, item.Check{ID: key, Title: e.Title, Done: e.Checked})
	}
	item.Entries.Set(&it, checks)
	return &it
}

// attachmentsOf are a task's references but for the mark, in their order.
func attachmentsOf(taskID string, d details, f files) (out []item.Item, mark string) {
	parent := item.Ref{Kind: item.Task, ID: taskID}
	for _, key := range ordered(d.References, func(r extReference) string { return r.Preview }) {
		r, address := d.References[key], referenceAddress(key)
		if r.Alias == markAlias {
			mark = address
			continue
		}
		it := item.Item{Ref: item.Ref{Kind: item.Attachment, ID: attachmentID(taskID, address)}, Parent: parent}
		item.Name.Set(&it, r.Alias)
		item.Position.Set(&it, r.Preview)
		item.Author.Set(&it, r.ChangedBy.id())
		item.Created.Set(&it, r.Changed.Time)
		if file, ok := f[withoutTwin(address)]; ok {
			item.MediaType.Set(&it, file.File.MimeType)
			it.Blob = &item.Blob{Ref: it.Ref, Parent: parent, URL: "/drives/" + file.Parent.Drive + "/items/" + file.ID, Version: file.version(), Bytes: file.Size}
			it.URL = withoutTwin(address)
		} else {
			item.Address.Set(&it, withoutTwin(address))
		}
		dropEmpty(&it)
		out = append(out, it)
	}
	return out, mark
}

func (c *cloud) boardItem(p plan, members []string) item.Item {
	ref := item.Ref{Kind: item.Board, ID: p.ID}
	it := item.Item{Ref: ref, URL: c.link(ref, ref), Aliases: []string{p.ID}, Fields: item.Fields{}}
	item.Name.Set(&it, p.Title)
	item.Members.Set(&it, slices.Sorted(slices.Values(members)))
	item.Created.Set(&it, p.Created.Time)
	dropEmpty(&it)
	return it
}

func labelItem(planID, slot, name string) item.Item {
	it := item.Item{Ref: item.Ref{Kind: item.Label, ID: labelID(planID, slot)}, Parent: item.Ref{Kind: item.Board, ID: planID}}
	item.Name.Set(&it, name)
	item.Color.Set(&it, colorOf(slot))
	dropEmpty(&it)
	return it
}

func listItem(b bucket) item.Item {
	it := item.Item{Ref: item.Ref{Kind: item.List, ID: b.ID}, Parent: item.Ref{Kind: item.Board, ID: b.Plan}}
	item.Name.Set(&it, b.Name)
	item.Position.Set(&it, b.Hint)
	dropEmpty(&it)
	return it
}

func memberItem(u user, planID string) item.Item {
	it := item.Item{Ref: item.Ref{Kind: item.Member, ID: u.ID}, Fields: item.Fields{}}
	if planID != "" {
		it.Parent = item.Ref{Kind: item.Board, ID: planID}
	}
	item.Name.Set(&it, u.Name)
	item.UserName.Set(&it, u.UPN)
	item.Email.Set(&it, cmp.Or(u.Mail, u.UPN))
	item.Standing.Set(&it, u.standing())
	dropEmpty(&it)
	return it
}

// slots are the categories of a plan that mean something: they have a name, or
// a task carries them. In the order of their numbers.
func slots(d planDetails, tasks []task) []string {
	used := map[string]bool{}
	for _, t := range tasks {
		for _, s := range t.Categories.set() {
			used[s] = true
		}
	}
	var out []string
	for _, color := range colors() {
		if s := slotOf(color); used[s] || d.Categories.text(s) != "" {
			out = append(out, s)
		}
	}
	return out
}

// sortBuckets and sortTasks put siblings into their order; ties by id.
func sortBuckets(b []bucket) {
	slices.SortFunc(b, func(x, y bucket) int { return cmp.Or(cmp.Compare(x.Hint, y.Hint), cmp.Compare(x.ID, y.ID)) })
}

func sortTasks(t []task) {
	slices.SortFunc(t, func(x, y task) int { return cmp.Or(cmp.Compare(x.Hint, y.Hint), cmp.Compare(x.ID, y.ID)) })
}

// A frame is a plan with everything that frames its tasks.
type frame struct {
	plan    plan
	details planDetails
	buckets []bucket
	tasks   []task // without their details, in the order of lists and hints
}

// frame reads a plan, in one batch and what pages follow.
func (c *cloud) frame(ctx context.Context, planID string) (frame, error) {
	p := "/planner/plans/" + url.PathEscape(planID)
	var f frame
	answers := c.graph.Batch(ctx, []microsoft.BatchCall{{Method: http.MethodGet, Path: p}, {Method: http.MethodGet, Path: p + "/details"},
		{Method: http.MethodGet, Path: p + "/buckets"}, {Method: http.MethodGet, Path: p + "/tasks"}})
	if err := answers[0].Decode(&f.plan); err != nil {
		return f, err
	}
	if err := answers[1].Decode(&f.details); err != nil {
		return f, err
	}
	for i, read := range []func(page []byte) (err error){
		func(page []byte) (err error) {
			f.buckets, err = microsoft.All(microsoft.Rest[bucket](ctx, c.graph, page))
			return err
		},
		func(page []byte) (err error) {
			f.tasks, err = microsoft.All(microsoft.Rest[task](ctx, c.graph, page))
			return err
		},
	} {
		a := answers[2+i]
		if a.Err != nil {
			return f, a.Err
		}
		if err := read(a.Body); err != nil {
			return f, err
		}
	}
	sortBuckets(f.buckets)
	rank := map[string]int{}
	for i, b := range f.buckets {
		rank[b.ID] = i + 1
	}
	sortTasks(f.tasks)
	slices.SortStableFunc(f.tasks, func(x, y task) int { return cmp.Compare(rank[x.Bucket], rank[y.Bucket]) })
	return f, nil
}
