package onedrive

import (
	"context"
	"iter"
	"net/http"
	"net/url"

	"github.com/rialto-migrate/rialto/connector"
	"github.com/rialto-migrate/rialto/connectors/microsoft"
	"github.com/rialto-migrate/rialto/item"
)

// A person is somebody, or a group, in the directory.
type person struct {
	ID       string `json:"id"`
	Name     string `json:"displayName"`
	Mail     string `json:"mail"`
	User     string `json:"userPrincipalName"`
	Enabled  *bool  `json:"accountEnabled"`
	Relation string `json:"userType"`
}

// basicFields are what User.ReadBasic.All tells, standingFields what it does not
// (https://learn.microsoft.com/en-us/graph/permissions-reference#userreadbasicall).
const (
	basicFields    = "id,displayName,mail,userPrincipalName"
	standingFields = basicFields + ",accountEnabled,userType"
)

func (p person) item() item.Item {
	it := item.Item{Ref: item.Ref{Kind: item.Member, ID: p.ID}}
	item.Name.Set(&it, p.Name)
	item.UserName.Set(&it, p.User)
	item.Email.Set(&it, p.Mail)
	switch {
	case p.Enabled != nil && !*p.Enabled:
		item.Standing.Set(&it, item.Disabled)
	case p.Relation == "Guest":
		item.Standing.Set(&it, item.Guest)
	case p.Enabled != nil:
		item.Standing.Set(&it, item.Active)
	}
	return it
}

// know completes members by what the directory tells of them, 20 a request. Where it
// may not be asked, or does not know somebody, what the permission tells remains.
func (c *cloud) know(ctx context.Context, members []item.Item) error {
	if c.cfg.kind == kindPersonal {
		return nil
	}
	var calls []microsoft.BatchCall
	var at []int
	for i, m := range members {
		if item.Standing.Get(m) == item.Group {
			continue
		}
		calls = append(calls, microsoft.BatchCall{Method: http.MethodGet, Path: "/users/" + url.PathEscape(m.ID) + "?$select=" + basicFields})
		at = append(at, i)
	}
	for n, a := range c.graph.Batch(ctx, calls) {
		var p person
		switch err := a.Decode(&p); {
		case err == nil:
			members[at[n]] = p.item()
		case connector.ClassOf(err) == connector.Transient, connector.ClassOf(err) == connector.Throttled, connector.ClassOf(err) == connector.Auth:
			return err
		}
	}
	return nil
}

// Members yields the people of the directory and its groups that have an address of mail.
func (t *target) Members(ctx context.Context) iter.Seq2[item.Item, error] {
	return func(yield func(item.Item, error) bool) {
		if t.cfg.kind == kindPersonal {
			return
		}
		for p, err := range t.everybody(ctx) {
			if err != nil {
				yield(item.Item{}, err)
				return
			}
			it := p.item()
			item.OwnsPlace.Set(&it, t.owns[p.ID])
			if !yield(it, nil) {
				return
			}
		}
		for g, err := range microsoft.List[person](ctx, t.graph, "/groups", url.Values{"$select": {"id,displayName,mail"}, "$top": {"999"}, "$filter": {"mailEnabled eq true"}}) {
			if microsoft.IsForbidden(err) {
				return
			}
			if err != nil {
				yield(item.Item{}, err)
				return
			}
			it := g.item()
			item.Standing.Set(&it, item.Group)
			item.OwnsPlace.Set(&it, t.owns[g.ID])
			if !yield(it, nil) {
				return
			}
		}
	}
}

// everybody is the directory, with what accounts are where the connection may know.
func (t *target) everybody(ctx context.Context) iter.Seq2[person, error] {
	return func(yield func(person, error) bool) {
		given := false
		for p, err := range microsoft.List[person](ctx, t.graph, "/users", url.Values{"$select": {standingFields}, "$top": {"999"}}) {
			if microsoft.IsForbidden(err) && !given {
				microsoft.List[person](ctx, t.graph, "/users", url.Values{"$select": {basicFields}, "$top": {"999"}})(yield)
				return
			}
			given = true
			if !yield(p, err) || err != nil {
				return
			}
		}
	}
}
