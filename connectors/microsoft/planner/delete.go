package planner

import (
	"context"
	"net/url"
	"path"
	"strings"

	"github.com/rialto-migrate/rialto/connector"
	"github.com/rialto-migrate/rialto/connectors/microsoft"
	"github.com/rialto-migrate/rialto/item"
)

// Delete implements connector.Target. A bucket or plan that still holds tasks
// stays, whatever accept says: deleting it would delete them.
func (t *target) Delete(ctx context.Context, container, ref item.Ref, accept func(item.Bundle) bool) (bool, error) {
	for range tries {
		removed, err := t.deleteOnce(ctx, container, ref, accept)
		if microsoft.IsGone(err) {
			return true, t.goneAlready(ctx, container, ref)
		}
		if err == nil || connector.ClassOf(err) != connector.Conflict {
			return removed, err
		}
	}
	return false, connector.Errorf(connector.Conflict, "it is being changed all the time").WithHint("run again when nobody works on the plan")
}

// goneAlready puts away what a deletion that was stopped may have left.
func (t *target) goneAlready(ctx context.Context, container, ref item.Ref) error {
	switch ref.Kind {
	case item.Board:
		if groupID := t.known(); groupID != "" {
			return t.removeFolder(ctx, groupID, planFolder(ref.ID))
		}
	case item.Task:
		return t.reclaim(ctx, container.ID)
	}
	return nil
}

func (t *target) deleteOnce(ctx context.Context, container, ref item.Ref, accept func(item.Bundle) bool) (bool, error) {
	switch ref.Kind {
	case item.Board:
		return t.deleteBoard(ctx, ref.ID, accept)
	case item.Label:
		return t.deleteLabel(ctx, ref.ID, accept)
	case item.List:
		return t.deleteList(ctx, container, ref.ID, accept)
	case item.Task:
		return t.deleteTask(ctx, container, ref.ID, accept)
	case item.Comment:
		return false, connector.Errorf(connector.Unsupported, "Graph offers no deletion of a single post of a conversation").
			WithHint("delete the conversation in Outlook, if it shall go as a whole")
	}
	return false, connector.Errorf(connector.Unsupported, "items of the kind %s are deleted with their task", ref.Kind)
}

func (t *target) deleteBoard(ctx context.Context, id string, accept func(item.Bundle) bool) (bool, error) {
	f, err := t.frame(ctx, id)
	if err != nil {
		return false, err
	}
	if len(f.tasks) > 0 || !accept(item.Bundle{Item: t.boardItem(f.plan, f.details.SharedWith.set()), CheckItems: -1}) {
		return false, nil
	}
	if err := t.delete(ctx, "/planner/plans/"+url.PathEscape(id), f.plan.Etag); err != nil {
		return false, err
	}
	return true, t.removeFolder(ctx, f.plan.group(), planFolder(id))
}

func (t *target) deleteLabel(ctx context.Context, id string, accept func(item.Bundle) bool) (bool, error) {
	planID, slot := splitID(id)
	at := "/planner/plans/" + url.PathEscape(planID) + "/details"
	var d planDetails
	if err := t.graph.Get(ctx, at, nil, &d); err != nil {
		return false, err
	}
	if !accept(item.Bundle{Item: labelItem(planID, slot, d.Categories.text(slot)), CheckItems: -1}) {
		return false, nil
	}
	if d.Categories.text(slot) == "" {
		return true, nil
	}
	return true, t.patchOnce(ctx, at, d.Etag, map[string]any{"categoryDescriptions": map[string]any{slot: nil}})
}

func (t *target) deleteList(ctx context.Context, container item.Ref, id string, accept func(item.Bundle) bool) (bool, error) {
	at := "/planner/buckets/" + url.PathEscape(id)
	var b bucket
	if err := t.graph.Get(ctx, at, nil, &b); err != nil {
		return false, err
	}
	if b.Plan == "" {
		b.Plan = container.ID
	}
	tasks, err := t.taskSiblings(ctx, id)
	if err != nil {
		return false, err
	}
	if len(tasks) > 0 || !accept(item.Bundle{Item: listItem(b), CheckItems: -1}) {
		return false, nil
	}
	return true, t.delete(ctx, at, b.Etag)
}

func (t *target) deleteTask(ctx context.Context, container item.Ref, id string, accept func(item.Bundle) bool) (bool, error) {
	readings, err := t.read(ctx, []string{id})
	if err != nil {
		return false, err
	}
	if len(readings) == 0 {
		return true, t.goneAlready(ctx, container, item.Ref{Kind: item.Task, ID: id})
	}
	r := readings[0]
	groupID := t.known()
	fs, err := t.filesOf(ctx, groupID, readings, true)
	if err != nil {
		return false, err
	}
	b, mark := t.bundle(r, fs)
	if !accept(b) {
		return false, nil
	}
	if err := t.delete(ctx, "/planner/tasks/"+url.PathEscape(id), r.task.Etag); err != nil {
		return false, err
	}
	t.remember(r.task.Bucket, tail{})
	if len(fs) == 0 && groupID != "" {
		return true, t.removeLeft(ctx, groupID, r.task.Plan, mark)
	}
	return true, t.removeFiles(ctx, groupID, fs)
}

// removeFiles deletes the folders in which files of a task lie.
func (t *target) removeFiles(ctx context.Context, groupID string, fs files) error {
	if len(fs) == 0 {
		return nil
	}
	d, err := t.drive(ctx, groupID, false)
	if err != nil {
		return err
	}
	done := map[string]bool{}
	for address := range fs {
		p, ok := d.pathIn(address)
		dir := path.Dir(p)
		if !ok || done[dir] || strings.Count(dir, "/") != 2 { // Rialto/<plan>/<task>
			continue
		}
		done[dir] = true
		if err := t.remove(ctx, d, dir); err != nil {
			return err
		}
	}
	return nil
}

// removeFolder deletes a folder of ours with what is in it.
func (t *target) removeFolder(ctx context.Context, groupID, dir string) error {
	d, err := t.drive(ctx, groupID, false)
	if microsoft.IsGone(err) || microsoft.IsForbidden(err) {
		return nil // where there is no drive there are no files
	}
	if err != nil {
		return err
	}
	return t.remove(ctx, d, dir)
}
