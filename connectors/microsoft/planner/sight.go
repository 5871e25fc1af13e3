package planner

import (
	"context"
	"iter"
	"net/http"
	"slices"

	"github.com/rialto-migrate/rialto/connector"
	"github.com/rialto-migrate/rialto/connectors/microsoft"
	"github.com/rialto-migrate/rialto/item"
)

// groupPlans are the plans of a group, or why they cannot be listed.
type groupPlans struct {
	group  group
	plans  []plan
	hidden bool // a group that this connection does not belong to
}

// plans lists the plans of the groups in sight, a batch of groups at a time.
func (s *source) plans(ctx context.Context) iter.Seq2[[]groupPlans, error] {
	return func(yield func([]groupPlans, error) bool) {
		groups, err := s.groups(ctx)
		if err != nil {
			yield(nil, err)
			return
		}
		for chunk := range slices.Chunk(groups, microsoft.BatchParts) {
			calls := make([]microsoft.BatchCall, len(chunk))
			for i, g := range chunk {
				calls[i] = microsoft.BatchCall{Method: http.MethodGet, Path: "/groups/" + g.ID + "/planner/plans"}
			}
			var out []groupPlans
			for i, a := range s.graph.Batch(ctx, calls) {
				of := groupPlans{group: chunk[i], hidden: microsoft.IsForbidden(a.Err)}
				if a.Err == nil {
					of.plans, a.Err = microsoft.All(microsoft.Rest[plan](ctx, s.graph, a.Body))
				}
				if a.Err != nil && !of.hidden && !microsoft.IsGone(a.Err) {
					yield(nil, a.Err)
					return
				}
				out = append(out, of)
			}
			if !yield(out, nil) {
				return
			}
		}
	}
}

// Shards implements connector.Source: the plans of the groups in sight, with who
// is in each group. Planner does not tell when a plan was last changed.
func (s *source) Shards(ctx context.Context) iter.Seq2[connector.Shard, error] {
	return func(yield func(connector.Shard, error) bool) {
		for some, err := range s.plans(ctx) {
			if err != nil {
				yield(connector.Shard{}, err)
				return
			}
			some = slices.DeleteFunc(some, func(g groupPlans) bool { return len(g.plans) == 0 })
			people, err := s.insiders(ctx, some)
			if err != nil {
				yield(connector.Shard{}, err)
				return
			}
			for i, of := range some {
				for _, p := range of.plans {
					ref := item.Ref{Kind: item.Board, ID: p.ID}
					if !yield(connector.Shard{Ref: ref, Name: p.Title, URL: s.link(ref, ref), Bytes: -1,
						People: count(people[i]), Owner: of.group.Name, Visibility: of.group.audience(), Viewers: people[i]}, nil) {
						return
					}
				}
			}
		}
	}
}

func count(people []string) int {
	if people == nil {
		return -1
	}
	return len(people)
}

// insiders are the members of groups by their ids: nil for one whose members this connection
// may not read, as in a group with hidden membership
// (https://learn.microsoft.com/en-us/graph/api/group-list-members: it takes
// Member.Read.Hidden). Members that are no people do not count.
func (s *source) insiders(ctx context.Context, groups []groupPlans) ([][]string, error) {
	calls := make([]microsoft.BatchCall, len(groups))
	for i, g := range groups {
		calls[i] = microsoft.BatchCall{Method: http.MethodGet, Path: "/groups/" + g.group.ID + "/members?$select=id&$top=999"}
	}
	out := make([][]string, len(groups))
	for i, a := range s.graph.Batch(ctx, calls) {
		if microsoft.IsForbidden(a.Err) || microsoft.IsGone(a.Err) {
			continue
		}
		if a.Err != nil {
			return nil, a.Err
		}
		members, err := microsoft.All(microsoft.Rest[user](ctx, s.graph, a.Body))
		if err != nil {
			return nil, err
		}
		members = slices.DeleteFunc(members, func(u user) bool { return u.Type != "" && u.Type != "#microsoft.graph.user" })
		if len(members) > 0 || groups[i].group.Visibility != "HiddenMembership" {
			out[i] = []string{}
			for _, u := range members {
				out[i] = append(out[i], u.ID)
			}
		}
	}
	return out, nil
}

// audience is who sees the plans of a group: "only the people who are authorized
// to work with the resource containing the plan"
// (https://learn.microsoft.com/en-us/graph/api/resources/plannerplancontainer).
// What a public group holds everybody in the organisation may see, and join it
// without being asked (group: visibility).
func (g group) audience() string {
	switch g.Visibility {
	case "Private", "HiddenMembership":
		return connector.ForGroup
	case "Public":
		return connector.ForOrganisation
	}
	return ""
}

// Unseen implements connector.Blind.
func (s *source) Unseen(ctx context.Context) iter.Seq2[connector.Unseen, error] {
	return func(yield func(connector.Unseen, error) bool) {
		hidden := 0
		for some, err := range s.plans(ctx) {
			if err != nil {
				yield(connector.Unseen{}, err)
				return
			}
			for _, g := range some {
				if g.hidden {
					hidden++
				}
			}
		}
		if hidden > 0 && !yield(connector.Unseen{What: "groups whose plans only their members may read", Count: hidden,
			How: "have an owner of each group add the person who is connected, or connect as an app with Tasks.Read.All"}, nil) {
			return
		}
		for _, u := range []connector.Unseen{
			// Premium plans are not in Graph: https://learn.microsoft.com/en-us/graph/api/resources/planner-overview
			{What: "premium plans, which the API does not show", Count: -1,
				How: "open them in Planner, copy what is to move into a basic plan, or export them to a spreadsheet"},
			// plannerPlanContainer: rosters and others are in the beta API alone.
			{What: "plans that belong to no group: of rosters, meetings, channels and people themselves", Count: -1,
				How: "have their owners copy them into a plan of a group"},
		} {
			if !yield(u, nil) {
				return
			}
		}
	}
}
