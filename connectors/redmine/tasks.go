package redmine

import (
	"context"
	"math"
	"net/url"
	"slices"
	"strings"

	"github.com/rialto-migrate/rialto/connector"
	"github.com/rialto-migrate/rialto/item"
)

// tasks writes issues: creates one after the other, so that their numbers
// ascend; what follows a create, and updates, side by side.
func (w *writing) tasks(ctx context.Context) {
	follow := make([]func(context.Context) (connector.Result, error), len(w.changes))
	for i, ch := range w.changes {
		if ch.Op == connector.Update {
			follow[i] = func(ctx context.Context) (connector.Result, error) { return w.updateTask(ctx, ch) }
			continue
		}
		is, err := w.createTask(ctx, ch)
		if err != nil {
			w.set(i)(connector.Result{}, err)
			continue
		}
		follow[i] = func(ctx context.Context) (connector.Result, error) {
			r, err := w.afterCreate(ctx, ch, is)
			return r, inDoubt(err)
		}
	}
	each(len(follow), func(i int) {
		if follow[i] != nil {
			w.set(i)(follow[i](ctx))
		}
	})
}

// createTask sends the one request that makes an issue, mark included.
func (w *writing) createTask(ctx context.Context, ch connector.Change) (apiIssue, error) {
	id, ok := number(ch.Item.Parent.ID)
	if !ok {
		return apiIssue{}, connector.Errorf(connector.Permanent, "a task needs a project of Redmine to lie in")
	}
	p, err := w.project(ctx, id)
	if err != nil {
		return apiIssue{}, err
	}
	in, err := w.attributes(ch)
	if err != nil {
		return apiIssue{}, err
	}
	in["project_id"] = id
	in["tracker_id"] = p.tracker.ID
	if len(item.Watchers.Get(ch.Item)) > 0 {
		watchers, err := numbersOf(item.Watchers.Get(ch.Item))
		if err != nil {
			return apiIssue{}, err
		}
		in["watcher_user_ids"] = watchers
	}
	if ch.Mark != "" {
		if w.view.mark != 0 {
			in["custom_fields"] = append(customFields(in), map[string]any{"id": w.view.mark, "value": ch.Mark})
		} else {
			in["description"] = addTrailer(item.Description.Get(ch.Item), ch.Mark)
		}
	}
	var out struct {
		Issue apiIssue `json:"issue"`
	}
	err = w.api.post(ctx, "/issues.json", url.Values{"include": {withPeople}}, map[string]any{"issue": in}, &out)
	if err != nil {
		w.forgetProject(id)
		return apiIssue{}, err
	}
	return out.Issue, made(out.Issue.ID, "POST /issues.json")
}

// forgetProject lets a project be asked for anew: a refusal may come from what
// changed in it.
func (t *target) forgetProject(id int) {
	t.mu.Lock()
	delete(t.projects, id)
	t.mu.Unlock()
}

func customFields(in map[string]any) []any {
	all, _ := in["custom_fields"].([]any)
	return all
}

// attributes are the fields of an issue that a change writes.
func (w *writing) attributes(ch connector.Change) (map[string]any, error) {
	in := map[string]any{}
	it := ch.Item
	if dirty(ch, item.Title.Name) {
		in["subject"] = item.Title.Get(it)
	}
	if dirty(ch, item.Description.Name) {
		in["description"] = item.Description.Get(it)
	}
	if dirty(ch, item.Start.Name) {
		in["start_date"] = dayText(item.Start.Get(it))
	}
	if dirty(ch, item.Due.Name) {
		in["due_date"] = dayText(item.Due.Get(it))
	}
	if dirty(ch, item.InList.Name) {
		if err := w.putInList(in, item.InList.Get(it)); err != nil {
			return nil, err
		}
	}
	done := item.Done.Get(it) && w.cfg.listsAs != asStatus
	if dirty(ch, item.Done.Name) && w.cfg.listsAs != asStatus {
		if err := w.putDone(in, ch, done); err != nil {
			return nil, err
		}
	}
	if dirty(ch, item.Progress.Name) || dirty(ch, item.Done.Name) {
		in["done_ratio"] = doneRatio(done, item.Progress.Get(it))
	}
	if dirty(ch, item.Priority.Name) {
		if id, ok := w.redminePriority(item.Priority.Get(it)); ok {
			in["priority_id"] = id
		}
	}
	if dirty(ch, item.Assignees.Name) {
		in["assigned_to_id"] = ""
		if who := item.Assignees.Get(it); len(who) > 0 {
			id, ok := number(who[0])
			if !ok {
				return nil, connector.Errorf(connector.Permanent, "an assignee of Redmine is a person's number")
			}
			in["assigned_to_id"] = id
		}
	}
	if dirty(ch, item.ParentTask.Name) {
		in["parent_issue_id"] = item.ParentTask.Get(it).ID
	}
	if w.view.labelField.ID != 0 && dirty(ch, item.Labels.Name) {
		values, err := w.labelValues(item.Labels.Get(it))
		if err != nil {
			return nil, err
		}
		in["custom_fields"] = append(customFields(in), map[string]any{"id": w.view.labelField.ID, "value": values})
	}
	return in, nil
}

// putInList places an issue where its list says.
func (w *writing) putInList(in map[string]any, list item.Ref) error {
	key := map[string]string{asCategory: "category_id", asVersion: "fixed_version_id", asStatus: "status_id"}[w.cfg.listsAs]
	if list.Zero() {
		if w.cfg.listsAs != asStatus {
			in[key] = ""
		}
		return nil
	}
	id, ok := listNumber(w.cfg.listsAs, list.ID)
	if !ok {
		return connector.Errorf(connector.Permanent, "the list of a task is no %s of Redmine", w.cfg.listsAs)
	}
	in[key] = id
	return nil
}

// putDone opens or closes an issue. One that is open or closed already keeps
// the status that people gave it.
func (w *writing) putDone(in map[string]any, ch connector.Change, done bool) error {
	if ch.Prev != nil && item.Done.Get(ch.Prev.Item) == done {
		return nil
	}
	if !done {
		if ch.Op == connector.Update {
			for _, s := range w.view.statuses {
				if !s.IsClosed {
					in["status_id"] = s.ID
					break
				}
			}
		}
		return nil
	}
	s, ok := closedStatus(w.view.statuses)
	if !ok {
		return connector.Errorf(connector.Unsupported, "the server has no status that closes an issue").
			WithHint("an administrator must create one with \"Issue closed\" ticked")
	}
	in["status_id"] = s.ID
	return nil
}

// doneRatio is what Redmine's percentage says of a task: done is 100 unless the
// source told of less.
func doneRatio(done bool, progress float64) int {
	if done && progress == 0 {
		return 100
	}
	return int(math.Round(min(max(progress, 0), 100)))
}

// redminePriority returns the server's number of one of our priorities; ok is
// false if the server has none to be chosen.
func (w *writing) redminePriority(p string) (int, bool) {
	if p != "" {
		id, ok := w.view.ranks[p]
		return id, ok
	}
	for _, d := range w.view.prios {
		if d.IsDefault {
			return d.ID, true
		}
	}
	return 0, false
}

// labelValues are the entries of the labels' field for labels. An empty list is
// written as one empty value, which clears the field.
func (w *writing) labelValues(labels []item.Ref) ([]string, error) {
	var out []string
	for _, l := range labels {
		of, _, _ := strings.Cut(l.ID, "/")
		project, _ := number(of)
		i := slices.IndexFunc(w.view.labelField.Possible, func(p possible) bool { return labelRef(project, w.view.labelField, p.Value) == l })
		if i < 0 {
			return nil, connector.Errorf(connector.Conflict, "the entry of custom field %d for a label is no longer there", w.cfg.labels).
				WithHint("the custom field was changed in Redmine meanwhile; run again")
		}
		out = append(out, w.view.labelField.Possible[i].Value)
	}
	if out == nil {
		out = []string{""}
	}
	return out, nil
}

func numbersOf(ids []string) ([]int, error) {
	out := make([]int, 0, len(ids))
	for _, s := range ids {
		n, ok := number(s)
		if !ok {
			return nil, connector.Errorf(connector.Permanent, "a person of Redmine is a number")
		}
		out = append(out, n)
	}
	return out, nil
}

// afterCreate does what the first request cannot: Redmine sets the status of a
// new issue only where the workflow allows it for new ones, drops values of
// custom fields that the project or tracker lacks, and lets whoever writes to
// an issue watch it.
func (w *writing) afterCreate(ctx context.Context, ch connector.Change, is apiIssue) (connector.Result, error) {
	in := map[string]any{}
	if ch.Mark != "" && w.view.markOf(is) != ch.Mark {
		in["description"] = addTrailer(item.Description.Get(ch.Item), ch.Mark)
	}
	want, err := w.wantedStatus(ch)
	if err != nil {
		return connector.Result{}, err
	}
	if want != 0 && is.Status.ID != want {
		in["status_id"] = want
	}
	if len(in) > 0 {
		if err := w.api.put(ctx, "/issues/"+itoa(is.ID)+".json", map[string]any{"issue": in}); err != nil {
			return connector.Result{}, err
		}
		if is, err = w.api.issue(ctx, is.ID, withPeople); err != nil {
			return connector.Result{}, err
		}
	}
	return w.finishTask(ctx, is, want, item.Watchers.Get(ch.Item))
}

// wantedStatus is the status that a change asks for; 0 if it leaves it alone.
func (w *writing) wantedStatus(ch connector.Change) (int, error) {
	in, err := w.attributes(ch)
	if err != nil {
		return 0, err
	}
	id, _ := in["status_id"].(int)
	return id, nil
}

// finishTask checks that the status was taken, which Redmine does not say, and
// sets the watchers.
func (w *writing) finishTask(ctx context.Context, is apiIssue, status int, watchers []string) (connector.Result, error) {
	if status != 0 && is.Status.ID != status {
		return connector.Result{}, connector.Errorf(connector.Permanent, "issue %d: the workflow of tracker %d does not lead from status %d to status %d for this key's owner", is.ID, is.Tracker.ID, is.Status.ID, status).
			WithHint("an administrator must allow it under Administration, Workflow, or close its open sub-issues and what blocks it first")
	}
	changed, err := w.setWatchers(ctx, is.ID, people(is.Watchers), watchers)
	if err != nil {
		return connector.Result{}, err
	}
	if changed {
		if is, err = w.api.issue(ctx, is.ID, withPeople); err != nil {
			return connector.Result{}, err
		}
	}
	return stored(w.view.task(is)), nil
}

// setWatchers makes exactly these people watch an issue. Safe to repeat.
func (w *writing) setWatchers(ctx context.Context, issue int, have, want []string) (changed bool, err error) {
	path := "/issues/" + itoa(issue) + "/watchers"
	for _, p := range want {
		if slices.Contains(have, p) {
			continue
		}
		id, ok := number(p)
		if !ok {
			return changed, connector.Errorf(connector.Permanent, "a watcher of Redmine is a person's number")
		}
		changed = true
		if err := w.api.repost(ctx, path+".json", map[string]any{"user_id": id}); err != nil {
			return changed, err
		}
	}
	for _, p := range have {
		if slices.Contains(want, p) {
			continue
		}
		changed = true
		if err := w.api.delete(ctx, path+"/"+p+".json"); err != nil && !gone(err) {
			return changed, err
		}
	}
	return changed, nil
}

// updateTask changes an issue. What people did meanwhile to fields that are not
// dirty stays.
func (w *writing) updateTask(ctx context.Context, ch connector.Change) (connector.Result, error) {
	id, ok := number(ch.Item.ID)
	if !ok {
		return connector.Result{}, connector.Errorf(connector.Permanent, "a task of Redmine is an issue's number")
	}
	before, err := w.api.issue(ctx, id, withPeople)
	if err != nil {
		return connector.Result{}, err
	}
	ch.Prev = &item.Bundle{Item: w.view.task(before)}
	in, err := w.attributes(ch)
	if err != nil {
		return connector.Result{}, err
	}
	w.keepMark(in, ch, before)
	is := before
	if len(in) > 0 {
		if err := w.api.put(ctx, "/issues/"+itoa(id)+".json", map[string]any{"issue": in}); err != nil {
			return connector.Result{}, err
		}
		if is, err = w.api.issue(ctx, id, withPeople); err != nil {
			return connector.Result{}, err
		}
	}
	// Whoever writes to an issue watches it from then on, by his preferences.
	watchers := people(before.Watchers)
	if dirty(ch, item.Watchers.Name) {
		watchers = item.Watchers.Get(ch.Item)
	}
	status, _ := in["status_id"].(int)
	return w.finishTask(ctx, is, status, watchers)
}

// keepMark keeps the mark where the issue carries it, or puts that of a change
// in its place. One that got lost goes under the description, where every
// tracker has room.
func (w *writing) keepMark(in map[string]any, ch connector.Change, before apiIssue) {
	had := w.view.markOf(before)
	rest, inText := cutTrailer(plainText(before.Description))
	mark := ch.Mark
	if mark == "" {
		mark = had
	}
	if had != "" && inText != had {
		if mark != had {
			in["custom_fields"] = append(customFields(in), map[string]any{"id": w.view.mark, "value": mark})
		}
		return
	}
	if text, writes := in["description"].(string); writes {
		rest = text
	} else if mark == inText {
		return
	}
	if mark != "" {
		rest = addTrailer(rest, mark)
	}
	in["description"] = rest
}
