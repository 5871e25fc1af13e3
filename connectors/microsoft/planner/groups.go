package planner

import (
	"context"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"

	"github.com/rialto-migrate/rialto/connector"
	"github.com/rialto-migrate/rialto/connectors/microsoft"
)

const (
	groupFields = "id,displayName,groupTypes,visibility"
	userFields  = "id,displayName,mail,userPrincipalName"
	// groupWait bounds the wait for a group that was just made to be readable.
	groupWait = 3 * time.Minute
)

// findGroup finds a Microsoft 365 group by id or name. A name that is not
// there gives a group without an id; two groups of one name are an error.
func (c *cloud) findGroup(ctx context.Context, nameOrID string) (group, error) {
	if uuid.Validate(nameOrID) == nil {
		var g group
		err := c.graph.Get(ctx, "/groups/"+nameOrID, url.Values{"$select": {groupFields}}, &g)
		if microsoft.IsGone(err) {
			return g, connector.Errorf(connector.Permanent, "there is no group with that id").
				WithHint("check the id, or give the group's name")
		}
		return g, err
	}
	q := url.Values{"$select": {groupFields}, "$filter": {"displayName eq '" + strings.ReplaceAll(nameOrID, "'", "''") + "'"}}
	var found []group
	for g, err := range microsoft.List[group](ctx, c.graph, "/groups", q) {
		if err != nil {
			return group{}, err
		}
		if slices.Contains(g.Types, "Unified") {
			found = append(found, g)
		}
	}
	switch len(found) {
	case 0:
		return group{}, nil
	case 1:
		return found[0], nil
	}
	return group{}, connector.Errorf(connector.Permanent, "there are %d groups with that name", len(found)).
		WithHint("give the id of the right one: group: and the id")
}

// makeGroup makes a Microsoft 365 group and waits until it can be read. The
// nickname is a function of the name, so that making it again after a lost
// answer finds the first one instead of a twin.
// https://learn.microsoft.com/en-us/graph/api/group-post-groups
func (c *cloud) makeGroup(ctx context.Context, name string) (group, error) {
	body := map[string]any{"displayName": name, "mailEnabled": true, "mailNickname": nickname(name), "securityEnabled": false,
		"groupTypes": []string{"Unified"}, "visibility": "Private",
		// Nobody is welcomed by mail, which can be said when it is made
		// alone: https://learn.microsoft.com/en-us/graph/group-set-options
		"resourceBehaviorOptions": []string{"WelcomeEmailDisabled"}}
	if c.graph.Delegated() {
		// Who makes a group is not its member, and only members make plans:
		// https://learn.microsoft.com/en-us/graph/api/planner-post-plans
		var me user
		if err := c.graph.Get(ctx, "/me", url.Values{"$select": {"id"}}, &me); err != nil {
			return group{}, err
		}
		bind := []string{c.graph.Base() + "/users/" + me.ID}
		body["owners@odata.bind"], body["members@odata.bind"] = bind, bind
	}
	var g group
	_, err := c.graph.JSON(ctx, connector.Request{Method: http.MethodPost, URL: c.graph.URL("/groups", nil), JSON: body}, &g)
	if err != nil {
		if microsoft.IsForbidden(err) {
			return g, connector.Errorf(connector.Forbidden, "there is no group with that name, and this connection may not make one").
				WithHint("make the group in Microsoft 365, or give the app Group.ReadWrite.All")
		}
		if !connector.InDoubt(err) && microsoft.Status(err) != http.StatusBadRequest {
			return g, err
		}
		again, findErr := c.findGroup(ctx, name) // it was made, and its answer lost
		if findErr != nil || again.ID == "" {
			return g, err
		}
		g = again
	}
	return g, c.until(ctx, groupWait, "the new group", func() (bool, error) {
		err := c.graph.Get(ctx, "/groups/"+g.ID, url.Values{"$select": {"id"}}, nil)
		if microsoft.IsGone(err) {
			return false, nil
		}
		return err == nil, err
	})
}

func nickname(name string) string {
	var out strings.Builder
	for _, r := range strings.ToLower(name) {
		if r >= 'a' && r <= 'z' || r >= '0' && r <= '9' {
			out.WriteRune(r)
		}
		if out.Len() == 24 {
			break
		}
	}
	return out.String() + "-" + digest(name)[:8]
}

// until asks again and again, ever more seldom, until something is there.
func (c *cloud) until(ctx context.Context, bound time.Duration, what string, there func() (bool, error)) error {
	end := time.Now().Add(bound)
	for pause := time.Second; ; pause = min(pause*2, 30*time.Second) {
		ok, err := there()
		if ok || err != nil {
			return err
		}
		left := time.Until(end)
		if left <= 0 {
			return connector.Errorf(connector.Transient, "%s was not ready after %s", what, bound).
				WithHint("Microsoft 365 is still making it: run again later")
		}
		t := time.NewTimer(min(pause, left))
		select {
		case <-t.C:
		case <-ctx.Done():
			t.Stop()
			return &connector.Error{Class: connector.Transient, Reason: "stopped while waiting for " + what, Err: context.Cause(ctx)}
		}
	}
}

// members yields the people of a group; other things that can be in one are
// left out.
func (c *cloud) members(ctx context.Context, groupID string) ([]user, error) {
	var all []user
	err := c.withStanding(func(fields string) (err error) {
		all, err = microsoft.All(microsoft.List[user](ctx, c.graph, "/groups/"+groupID+"/members", url.Values{"$select": {fields}, "$top": {"999"}}))
		return err
	})
	return slices.DeleteFunc(all, func(u user) bool { return u.Type != "" && u.Type != "#microsoft.graph.user" }), err
}

// users reads people by their ids; one who is gone is left out.
func (c *cloud) users(ctx context.Context, ids []string) ([]user, error) {
	var out []user
	err := c.withStanding(func(fields string) error {
		out = nil
		calls := make([]microsoft.BatchCall, len(ids))
		for i, id := range ids {
			calls[i] = microsoft.BatchCall{Method: http.MethodGet, Path: "/users/" + url.PathEscape(id) + "?$select=" + fields}
		}
		for _, a := range c.graph.Batch(ctx, calls) {
			var u user
			switch err := a.Decode(&u); {
			case microsoft.IsGone(err), microsoft.IsForbidden(err) && fields == userFields:
			case err != nil:
				return err
			default:
				out = append(out, u)
			}
		}
		return nil
	})
	return out, err
}

// join makes people members of a group; those who are already stay so.
// https://learn.microsoft.com/en-us/graph/api/group-post-members
func (c *cloud) join(ctx context.Context, groupID string, ids []string) error {
	calls := make([]microsoft.BatchCall, len(ids))
	for i, id := range ids {
		calls[i] = microsoft.BatchCall{Method: http.MethodPost, Path: "/groups/" + groupID + "/members/$ref", Repeatable: true,
			JSON: map[string]string{"@odata.id": c.graph.Base() + "/directoryObjects/" + id}}
	}
	for _, a := range c.graph.Batch(ctx, calls) {
		if a.Err != nil && a.Status != http.StatusBadRequest { // 400: is a member already
			return a.Err
		}
	}
	return nil
}
