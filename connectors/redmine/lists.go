package redmine

import (
	"context"

	"github.com/rialto-migrate/rialto/connector"
	"github.com/rialto-migrate/rialto/item"
)

// list creates or renames what stands for a list. Names are unique within a
// project (app/models/issue_category.rb, version.rb), so one that is there
// already is taken over.
func (w *writing) list(ctx context.Context, ch connector.Change) (connector.Result, error) {
	name := item.Name.Get(ch.Item)
	if ch.Op == connector.Update {
		return w.updateList(ctx, ch, name)
	}
	project, ok := number(ch.Item.Parent.ID)
	if !ok {
		return connector.Result{}, connector.Errorf(connector.Permanent, "a list needs a project of Redmine to lie in")
	}
	switch w.cfg.listsAs {
	case asStatus:
		return w.adoptStatus(project, name)
	case asVersion:
		var out struct {
			Made apiVersion `json:"version"`
		}
		err := w.api.post(ctx, "/projects/"+itoa(project)+"/versions.json", nil, map[string]any{"version": map[string]any{"name": name}}, &out)
		if invalid(err) {
			all, failed := w.api.versions(ctx, project)
			if failed != nil {
				return connector.Result{}, failed
			}
			for _, ver := range all {
				if ver.Name == name && ver.Project.ID == project {
					return connector.Result{Stored: stored(w.view.list(project, ver.ID, ver.Name, ver.Status == "closed")).Stored, Adopted: true}, nil
				}
			}
		}
		if err == nil {
			err = made(out.Made.ID, "POST /projects/{}/versions.json")
		}
		return stored(w.view.list(project, out.Made.ID, out.Made.Name, false)), err
	}
	var out struct {
		Made named `json:"issue_category"`
	}
	err := w.api.post(ctx, "/projects/"+itoa(project)+"/issue_categories.json", nil, map[string]any{"issue_category": map[string]any{"name": name}}, &out)
	if invalid(err) {
		all, failed := w.api.categories(ctx, project)
		if failed != nil {
			return connector.Result{}, failed
		}
		for _, c := range all {
			if c.Name == name {
				return connector.Result{Stored: stored(w.view.list(project, c.ID, c.Name, false)).Stored, Adopted: true}, nil
			}
		}
	}
	if err == nil {
		err = made(out.Made.ID, "POST /projects/{}/issue_categories.json")
	}
	return stored(w.view.list(project, out.Made.ID, out.Made.Name, false)), err
}

func (w *writing) adoptStatus(project int, name string) (connector.Result, error) {
	for _, s := range w.view.statuses {
		if s.Name == name {
			return connector.Result{Stored: stored(w.view.list(project, s.ID, s.Name, false)).Stored, Adopted: true}, nil
		}
	}
	return connector.Result{}, connector.Errorf(connector.Unsupported, "no issue status has the name of this list, and the API creates none").
		WithHint("an administrator must create a status of that name and add it to the workflow, then run again")
}

func (w *writing) updateList(ctx context.Context, ch connector.Change, name string) (connector.Result, error) {
	id, ok := listNumber(w.cfg.listsAs, ch.Item.ID)
	project, okProject := number(ch.Item.Parent.ID)
	if !okProject && ch.Prev != nil {
		project, okProject = number(ch.Prev.Item.Parent.ID)
	}
	if !okProject && w.cfg.listsAs != asCategory {
		project, _, okProject = numbers(ch.Item.ID)
	}
	if !ok || !okProject {
		return connector.Result{}, connector.Errorf(connector.Permanent, "a list of Redmine is a number within a project")
	}
	var err error
	switch w.cfg.listsAs {
	case asStatus:
		return w.adoptStatus(project, name)
	case asVersion:
		err = w.api.put(ctx, "/versions/"+itoa(id)+".json", map[string]any{"version": map[string]any{"name": name}})
	default:
		err = w.api.put(ctx, "/issue_categories/"+itoa(id)+".json", map[string]any{"issue_category": map[string]any{"name": name}})
	}
	if err != nil {
		return connector.Result{}, err
	}
	f := &fetching{cloud: w.cloud, view: w.view, project: project}
	if err := f.readLists(ctx); err != nil {
		return connector.Result{}, err
	}
	it, ok := f.list(listRef(w.cfg.listsAs, project, id))
	if !ok {
		return connector.Result{}, connector.Errorf(connector.Gone, "list %d is not in project %d", id, project)
	}
	return stored(it), nil
}

// label takes over the entry of the labels' field that has the label's name.
func (w *writing) label(_ context.Context, ch connector.Change) (connector.Result, error) {
	project, ok := number(ch.Item.Parent.ID)
	if !ok {
		return connector.Result{}, connector.Errorf(connector.Permanent, "a label needs a project of Redmine to lie in")
	}
	name := item.Name.Get(ch.Item)
	for _, it := range w.view.labels(project) {
		if item.Name.Get(it) == name {
			return connector.Result{Stored: stored(it).Stored, Adopted: true}, nil
		}
	}
	return connector.Result{}, connector.Errorf(connector.Unsupported, "custom field %d has no entry with the name of this label, and the API adds none", w.cfg.labels).
		WithHint("an administrator must add an entry of that name to the custom field, then run again")
}
