package redmine

import (
	"context"
	"iter"
	"net/url"
	"slices"

	"github.com/rialto-migrate/rialto/connector"
	"github.com/rialto-migrate/rialto/item"
)

// Shards yields the projects, with the number of their issues, the time at which
// the last of them changed, and who sees them. That takes one request a project,
// and one more for a private one; an administrator's also asks once who is locked.
// Administrators see every project; they do not count.
func (s *source) Shards(ctx context.Context) iter.Seq2[connector.Shard, error] {
	return func(yield func(connector.Shard, error) bool) {
		for p, err := range s.api.projects(ctx) {
			if err != nil {
				yield(connector.Shard{}, err)
				return
			}
			sh, err := s.shard(ctx, p)
			if !yield(sh, err) || err != nil {
				return
			}
		}
	}
}

func (s *source) shard(ctx context.Context, p apiProject) (connector.Shard, error) {
	sh := connector.Shard{Ref: boardRef(p.ID), Name: p.Name, URL: s.api.link("/projects/"+p.Identifier, nil, ""),
		Closed: p.Status == projectClosed, Bytes: -1, People: -1, Visibility: p.audience()}
	if p.Parent != nil {
		sh.Owner = p.Parent.Name
	}
	latest, total, err := s.api.issues(ctx, p.ID, url.Values{"limit": {"1"}, "sort": {"updated_on:desc"}})
	switch {
	case err == nil:
		sh.Counts = map[item.Kind]int{item.Task: total}
		if len(latest) > 0 {
			sh.Active = latest[0].UpdatedOn
		}
	case outOfSight(err):
		// A project without the module issue_tracking, or whose issues this
		// person may not see, has none to move.
		sh.Counts = map[item.Kind]int{item.Task: 0}
	default:
		return connector.Shard{}, err
	}
	if sh.Visibility == connector.ForPeople {
		if sh.Members, sh.Viewers, err = s.members(ctx, p.ID); err != nil {
			return connector.Shard{}, err
		}
		if sh.Viewers != nil {
			sh.People = len(sh.Viewers)
		}
	}
	return sh, nil
}

// audience is who sees a project. The public ones are "openly available on the
// network", or to all logged-in users where Administration, Settings,
// Authentication requires to log in (app/views/projects/_form.html.erb); the API
// does not tell which.
func (p apiProject) audience() string {
	switch {
	case p.Public == nil:
		return ""
	case *p.Public:
		return connector.ForEverybody
	}
	return connector.ForPeople
}

// members are the people of a project, and those of them who see it: who is
// locked cannot sign in. Both are nil if this person may not see them; others
// than administrators are not told who is locked. Who is in a group that belongs
// to it has a membership too, an inherited one (app/models/member.rb).
func (s *source) members(ctx context.Context, project int) (people, viewers []string, err error) {
	me, err := s.facts.me(ctx)
	if err != nil {
		return nil, nil, err
	}
	people, viewers = []string{}, []string{}
	for m, err := range s.api.memberships(ctx, project) {
		switch {
		case outOfSight(err):
			return nil, nil, nil
		case err != nil:
			return nil, nil, err
		case m.User == nil || slices.Contains(people, itoa(m.User.ID)):
			continue
		}
		people = append(people, itoa(m.User.ID))
		if me.Admin {
			u, err := s.facts.person(ctx, *m.User)
			if err != nil {
				return nil, nil, err
			}
			if u.standing() == item.Disabled {
				continue
			}
		}
		viewers = append(viewers, itoa(m.User.ID))
	}
	return people, viewers, nil
}

// Audience implements connector.Seen: projects are made private, without the
// members of the one that they lie in (is_public, inherit_members), so that only
// those who are added see them. Administrators see every project; they do not
// count.
func (t *target) Audience(ctx context.Context) (connector.Audience, error) {
	me, err := t.facts.me(ctx)
	return connector.Audience{Visibility: connector.ForPeople, Writer: itoa(me.ID)}, err
}

// Unseen implements connector.Blind. Redmine tells neither the number nor the
// names of what a person does not see: its listings leave out archived projects
// for everybody, and private ones for who is not their member (allowed_to_condition
// in app/models/project.rb).
func (s *source) Unseen(ctx context.Context) iter.Seq2[connector.Unseen, error] {
	return func(yield func(connector.Unseen, error) bool) {
		me, err := s.facts.me(ctx)
		if err != nil {
			yield(connector.Unseen{}, err)
			return
		}
		if !me.Admin && !yield(connector.Unseen{What: "private projects of others", Count: -1,
			How: "connect with the API key of an administrator, who sees them all, or have a manager of each add this person"}, nil) {
			return
		}
		yield(connector.Unseen{What: "archived projects", Count: -1,
			How: "have an administrator unarchive those that are to move: Administration, Projects, with the status Archived"}, nil)
	}
}
