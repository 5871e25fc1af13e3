package planner

import (
	"context"
	"net/url"

	"github.com/rialto-migrate/rialto/connector"
	"github.com/rialto-migrate/rialto/connectors/microsoft"
)

// tell remembers who is in the group, for Audience. groupID is "" where there is
// no group yet, or its members are hidden.
func (t *target) tell(groupID string, members []user) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.inside = nil
	if groupID == "" || len(members) == 0 && t.found.Visibility == "HiddenMembership" {
		return
	}
	t.inside = []string{}
	for _, u := range members {
		t.inside = append(t.inside, u.ID)
	}
}

// Audience implements connector.Seen. Members of a Microsoft 365 group share a
// mailbox, a calendar, files and a notebook
// (https://learn.microsoft.com/en-us/graph/api/resources/groups-overview), and
// whoever a plan is shared with is made a member. A group that is not there is
// made private, for the people who are moved. One that this connection made in an
// earlier run is as any other by now: people use it.
func (t *target) Audience(ctx context.Context) (connector.Audience, error) {
	a := connector.Audience{Visibility: connector.ForGroup, Joins: true}
	if t.graph.Delegated() {
		var me user
		if err := t.graph.Get(ctx, "/me", url.Values{"$select": {"id"}}, &me); err != nil {
			return a, err
		}
		a.Writer = me.ID
	}
	if t.found.ID == "" {
		return a, nil
	}
	a.Visibility, a.Gains = t.found.audience(), []string{"mailbox", "files"}
	t.mu.Lock()
	a.People = t.inside
	t.mu.Unlock()
	if a.People == nil {
		members, err := t.members(ctx, t.found.ID)
		if err != nil && !microsoft.IsForbidden(err) && !microsoft.IsGone(err) {
			return a, err
		}
		if err == nil {
			t.tell(t.found.ID, members)
		}
		t.mu.Lock()
		a.People = t.inside
		t.mu.Unlock()
	}
	a.Hidden = a.People == nil
	return a, nil
}
