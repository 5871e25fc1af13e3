package redmine

import (
	"context"
	"errors"
	"slices"

	"github.com/rialto-migrate/rialto/connector"
	"github.com/rialto-migrate/rialto/item"
)

// board creates or changes a project. Its homepage is the mark. An identifier
// that a project with the same mark has is that project: the write is repeated.
func (w *writing) board(ctx context.Context, ch connector.Change) (connector.Result, error) {
	if ch.Op == connector.Update {
		return w.updateBoard(ctx, ch)
	}
	role := 0
	members := item.Members.Get(ch.Item)
	if len(members) > 0 {
		var err error
		if role, err = w.givenRole(ctx); err != nil {
			return connector.Result{}, err
		}
	}
	name := item.Name.Get(ch.Item)
	id := identifier(name, ch.Mark)
	p, err := w.createOrFind(ctx, ch, id)
	if errors.Is(err, errTaken) {
		if p, err = w.createOrFind(ctx, ch, otherIdentifier(id, ch.Mark)); errors.Is(err, errTaken) {
			err = connector.Errorf(connector.Permanent, "both identifiers for the project are taken").
				WithHint("delete or rename the project that has the identifier made of the board's name, then run again")
		}
	}
	if err != nil {
		return connector.Result{}, err
	}
	if err := w.setMembers(ctx, p.ID, members, nil, role); err != nil {
		return connector.Result{}, inDoubt(err)
	}
	it, err := w.boardOf(ctx, w.view, p)
	if err != nil {
		return connector.Result{}, inDoubt(err)
	}
	return stored(it), nil
}

// createProject sends the one request that makes a project.
func (w *writing) createProject(ctx context.Context, ch connector.Change, id string) (apiProject, error) {
	in := map[string]any{
		"name": item.Name.Get(ch.Item), "identifier": id, "description": item.Description.Get(ch.Item), "homepage": ch.Mark,
		"is_public": false, "inherit_members": false, "enabled_module_names": []string{"issue_tracking"},
	}
	if w.parent != 0 {
		in["parent_id"] = w.parent
	}
	var out struct {
		Project apiProject `json:"project"`
	}
	if err := w.api.post(ctx, "/projects.json", nil, map[string]any{"project": in}, &out); err != nil {
		return apiProject{}, err
	}
	return out.Project, made(out.Project.ID, "POST /projects.json")
}

// errTaken: another project has the identifier.
var errTaken = errors.New("the identifier is taken")

// createOrFind creates a project, or returns the one with this identifier and
// mark if it is there.
func (w *writing) createOrFind(ctx context.Context, ch connector.Change, id string) (apiProject, error) {
	p, err := w.createProject(ctx, ch, id)
	if !invalid(err) {
		return p, err
	}
	there, missing := w.api.project(ctx, id, "")
	switch {
	case gone(missing):
		return apiProject{}, err // refused for another reason
	case outOfSight(missing):
		return apiProject{}, errTaken
	case missing != nil:
		return apiProject{}, missing
	case ch.Mark == "" || there.Homepage != ch.Mark:
		return apiProject{}, errTaken
	}
	return there, nil
}

func (w *writing) updateBoard(ctx context.Context, ch connector.Change) (connector.Result, error) {
	id, ok := number(ch.Item.ID)
	if !ok {
		return connector.Result{}, connector.Errorf(connector.Permanent, "a board of Redmine is a project's number")
	}
	in := map[string]any{}
	if dirty(ch, item.Name.Name) {
		in["name"] = item.Name.Get(ch.Item)
	}
	if dirty(ch, item.Description.Name) {
		in["description"] = item.Description.Get(ch.Item)
	}
	if len(ch.Dirty) == 0 && ch.Mark != "" {
		in["homepage"] = ch.Mark
	}
	if len(in) > 0 {
		if err := w.api.put(ctx, "/projects/"+itoa(id)+".json", map[string]any{"project": in}); err != nil {
			return connector.Result{}, err
		}
	}
	if dirty(ch, item.Members.Name) {
		role, err := w.givenRole(ctx)
		if err != nil {
			return connector.Result{}, err
		}
		var before []string
		if ch.Prev != nil {
			before = item.Members.Get(ch.Prev.Item)
		}
		if err := w.setMembers(ctx, id, item.Members.Get(ch.Item), before, role); err != nil {
			return connector.Result{}, err
		}
	}
	it, err := w.target.board(ctx, w.view, id)
	if err != nil {
		return connector.Result{}, err
	}
	return stored(it), nil
}

// setMembers makes people members of a project, and takes those away that were
// members before and are no longer to be. Who is a member already stays as he
// is. Safe to repeat.
func (w *writing) setMembers(ctx context.Context, project int, want, before []string, role int) error {
	path := "/projects/" + itoa(project) + "/memberships.json"
	for _, m := range want {
		id, ok := number(m)
		if !ok {
			return connector.Errorf(connector.Permanent, "a member of Redmine is a person's number")
		}
		if slices.Contains(before, m) {
			continue
		}
		err := w.api.repost(ctx, path, map[string]any{"membership": map[string]any{"user_id": id, "role_ids": []int{role}}})
		if invalid(err) {
			var there bool
			if there, err = w.isMember(ctx, project, id, err); there {
				continue
			}
		}
		if err != nil {
			return err
		}
	}
	if len(before) == 0 {
		return nil
	}
	for m, err := range w.api.memberships(ctx, project) {
		if err != nil {
			return err
		}
		if m.User == nil || !slices.Contains(before, itoa(m.User.ID)) || slices.Contains(want, itoa(m.User.ID)) {
			continue
		}
		if err := w.takeOff(ctx, m); err != nil && !gone(err) {
			return err
		}
	}
	return nil
}

// takeOff ends a membership. What somebody has of it through a group, or from the
// project above, is not the project's to take: Redmine refuses to delete it
// (app/models/member.rb: deletable?), and keeps it when it is given no roles, so
// that his own go alone.
func (w *writing) takeOff(ctx context.Context, m apiMembership) error {
	at, inherited := "/memberships/"+itoa(m.ID)+".json", 0
	for _, r := range m.Roles {
		if r.Inherited {
			inherited++
		}
	}
	switch inherited {
	case 0:
		return w.api.delete(ctx, at)
	case len(m.Roles):
		return nil
	}
	return w.api.put(ctx, at, map[string]any{"membership": map[string]any{"role_ids": []int{}}})
}

// isMember tells whether somebody is a member already; if not, it returns the
// refusal.
func (w *writing) isMember(ctx context.Context, project, user int, refusal error) (bool, error) {
	for m, err := range w.api.memberships(ctx, project) {
		if err != nil {
			return false, err
		}
		if m.User != nil && m.User.ID == user {
			return true, nil
		}
	}
	return false, refusal
}

// made holds a create's answer to its contract: a number.
func made(id int, what string) error {
	if id > 0 {
		return nil
	}
	return &connector.Error{Class: connector.Malformed, InDoubt: true, Reason: what + ": the answer has no number of what was made",
		Hint: "check the connection's url setting: a redirection turns writes into reads"}
}

// dirty reports whether an update is to write a field.
func dirty(ch connector.Change, field string) bool {
	return len(ch.Dirty) == 0 || slices.Contains(ch.Dirty, field)
}
