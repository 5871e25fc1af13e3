package redmine

import (
	"context"
	"net/url"

	"github.com/rialto-migrate/rialto/connector"
	"github.com/rialto-migrate/rialto/item"
)

// Delete removes an item that accept agrees to. Redmine has no etags, so what
// people do in the moment between reading and removing is not seen.
func (t *target) Delete(ctx context.Context, container, ref item.Ref, accept func(item.Bundle) bool) (bool, error) {
	id, ok := number(container.ID)
	if !ok {
		return false, connector.Errorf(connector.Permanent, "a board of Redmine is a project's number")
	}
	v, err := t.view(ctx, true)
	if err != nil {
		return false, err
	}
	f := &fetching{cloud: t.cloud, view: v, project: id}
	found, refused := false, false
	f.yield(ctx, []item.Ref{ref}, func(b item.Bundle, e error) bool {
		if err = e; err == nil {
			found, refused = true, !accept(b)
		}
		return false
	})
	if err != nil || refused {
		return false, err
	}
	if !found {
		return true, nil
	}
	if err := t.remove(ctx, ref); err != nil && !gone(err) {
		return false, err
	}
	return true, nil
}

// remove deletes one item that is there.
func (t *target) remove(ctx context.Context, ref item.Ref) error {
	switch ref.Kind {
	case item.Board:
		return t.removeBoard(ctx, ref.ID)
	case item.List:
		n, ok := listNumber(t.cfg.listsAs, ref.ID)
		switch {
		case ok && t.cfg.listsAs == asCategory:
			return t.api.delete(ctx, "/issue_categories/"+itoa(n)+".json")
		case ok && t.cfg.listsAs == asVersion:
			return t.api.delete(ctx, "/versions/"+itoa(n)+".json")
		}
	case item.Task:
		// A sub-issue goes with its parent (app/models/issue.rb), also one that is
		// not ours.
		is, err := t.api.issue(ctx, mustNumber(ref.ID), "children")
		if err != nil {
			return err
		}
		if len(is.Children) > 0 {
			return connector.Errorf(connector.Conflict, "issue %d has sub-issues, which would go with it", is.ID).
				WithHint("move or delete them first")
		}
		return t.api.delete(ctx, "/issues/"+ref.ID+".json")
	case item.Comment:
		// A journal with neither notes nor changes is destroyed
		// (app/controllers/journals_controller.rb, since 5.0).
		_, n, _ := numbers(ref.ID)
		return t.api.put(ctx, "/journals/"+itoa(n)+".json", map[string]any{"journal": map[string]any{"notes": ""}})
	case item.Attachment:
		return t.removeAttachment(ctx, ref)
	}
	return connector.Errorf(connector.Unsupported, "a %s of Redmine cannot be deleted through its API", ref.Kind)
}

func mustNumber(id string) int {
	n, _ := number(id)
	return n
}

// removeAttachment deletes a file. Like any write to an issue it lets the key's
// owner watch it, which is undone.
func (t *target) removeAttachment(ctx context.Context, ref item.Ref) error {
	issue, n, _ := numbers(ref.ID)
	me, err := t.facts.me(ctx)
	if err != nil {
		return err
	}
	tk := &talk{writing: &writing{target: t}, issue: issue, actors: map[string]bool{itoa(me.ID): true}}
	if tk.before, err = t.api.issue(ctx, issue, withPeople); err != nil {
		return err
	}
	if err := t.api.delete(ctx, "/attachments/"+itoa(n)+".json"); err != nil {
		return err
	}
	if err := tk.end(ctx); err != nil {
		t.warn(ctx, "somebody may watch an issue for a file removed from it alone", issue, err)
	}
	return nil
}

// removeBoard deletes a project that holds nothing of others: Redmine would
// delete that too.
func (t *target) removeBoard(ctx context.Context, id string) error {
	n := mustNumber(id)
	_, issues, err := t.api.issues(ctx, n, url.Values{"limit": {"1"}})
	if err != nil && !outOfSight(err) {
		return err
	}
	if issues > 0 {
		return connector.Errorf(connector.Conflict, "project %d still holds %d issues, which would go with it", n, issues).
			WithHint("look at the issues that are left; delete the project in Redmine if nobody needs them")
	}
	for p, err := range t.api.projects(ctx) {
		if err != nil {
			return err
		}
		if p.Parent != nil && p.Parent.ID == n {
			return connector.Errorf(connector.Conflict, "project %d has sub-projects, which would go with it", n).
				WithHint("move them to another project first")
		}
	}
	return t.api.delete(ctx, "/projects/"+id+".json")
}
