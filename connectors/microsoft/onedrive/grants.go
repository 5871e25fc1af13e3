package onedrive

import (
	"context"
	"net/http"
	"net/url"
	"slices"

	"github.com/rialto-migrate/rialto/connector"
	"github.com/rialto-migrate/rialto/connectors/microsoft"
	"github.com/rialto-migrate/rialto/item"
)

// linkScopes are ours for those of a link
// (https://learn.microsoft.com/en-us/graph/api/resources/sharinglink).
func linkScope(scope string) string {
	switch scope {
	case "anonymous":
		return connector.ForEverybody
	case "organization":
		return connector.ForOrganisation
	}
	return ""
}

// A sharing is who was let at one item.
type sharing struct {
	grants  []item.Grant
	people  []item.Item // the members that grants name
	unknown bool        // some is given to what has no name outside of its site, or is not told
}

// sharingOf reads permissions: those that were given at the item itself. Whose drive
// it is holds everywhere in it and is left away.
func sharingOf(all []permission, owner string) (s sharing) {
	give := func(to identities, role string) {
		who, standing := to.User, ""
		if to.Group != nil && to.Group.ID != "" {
			who, standing = to.Group, item.Group
		}
		if who == nil || who.ID == "" {
			s.unknown = s.unknown || to.SiteGroup != nil || to.SiteUser != nil
			return
		}
		if role == item.Owns && who.ID == owner {
			return
		}
		g := item.Grant{To: who.ID, Role: role}
		if slices.Contains(s.grants, g) {
			return
		}
		s.grants = append(s.grants, g)
		s.people = append(s.people, member(*who, standing))
	}
	for _, p := range all {
		role := p.role()
		if role == "" || p.Inherited != nil && p.Inherited.ID != "" {
			continue
		}
		switch {
		case p.Link == nil:
			if p.To != nil {
				give(*p.To, role)
			}
		case linkScope(p.Link.Scope) != "":
			if g := (item.Grant{Link: linkScope(p.Link.Scope), Role: role}); !slices.Contains(s.grants, g) {
				s.grants = append(s.grants, g)
			}
		default: // a link for certain people
			for _, to := range p.People {
				give(to, role)
			}
		}
	}
	return s
}

func member(who identity, standing string) item.Item {
	it := item.Item{Ref: item.Ref{Kind: item.Member, ID: who.ID}}
	item.Name.Set(&it, who.Name)
	item.Email.Set(&it, who.Email)
	item.Standing.Set(&it, standing)
	return it
}

// ownerOf is the person whose drive it is; "" for a library.
func (c *cloud) ownerOf(ctx context.Context, t tree) (string, error) {
	c.mu.Lock()
	id, known := c.owners[t.drive]
	c.mu.Unlock()
	if known {
		return id, nil
	}
	var d drive
	if err := c.read(ctx, "/drives/"+url.PathEscape(t.drive), url.Values{"$select": {"id,owner"}}, costOne, &d); err != nil {
		return "", err
	}
	if d.Owner.User != nil {
		id = d.Owner.User.ID
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.owners[t.drive] = id
	return id, nil
}

// sharings reads who was let at the items of a drive that say that somebody was, 20 a
// request, by their ids.
func (c *cloud) sharings(ctx context.Context, t tree, all []driveItem) (map[string]sharing, error) {
	var ids []string
	for _, i := range all {
		if i.shared() && i.kind() != item.Shortcut {
			ids = append(ids, i.ID)
		}
	}
	if len(ids) == 0 {
		return nil, nil
	}
	owner, err := c.ownerOf(ctx, t)
	if err != nil {
		return nil, err
	}
	calls := make([]microsoft.BatchCall, len(ids))
	for n, id := range ids {
		calls[n] = microsoft.BatchCall{Method: http.MethodGet, Path: t.at(id, "/permissions"), Class: microsoft.ClassFiles, Cost: costGrants}
	}
	out := make(map[string]sharing, len(ids))
	for n, a := range c.graph.Batch(ctx, calls) {
		switch {
		case microsoft.IsGone(a.Err):
			continue
		case microsoft.IsForbidden(a.Err): // who may read an item need not know of the others
			out[ids[n]] = sharing{unknown: true}
			continue
		case a.Err != nil:
			return nil, a.Err
		}
		list, err := microsoft.All(microsoft.Rest[permission](ctx, c.graph, a.Body))
		if err != nil {
			return nil, err
		}
		out[ids[n]] = sharingOf(list, owner)
	}
	return out, nil
}

// permissions reads those of one item.
func (c *cloud) permissions(ctx context.Context, t tree, id string) (out []permission, err error) {
	path, query := t.at(id, "/permissions"), url.Values{}
	for path != "" {
		var told struct {
			Value []permission `json:"value"`
			Next  string       `json:"@odata.nextLink"`
		}
		if err := c.read(ctx, path, query, costGrants, &told); err != nil {
			return nil, err
		}
		out = append(out, told.Value...)
		if path, err = c.follow(told.Next); err != nil {
			return nil, err
		}
		query = nil
	}
	return out, nil
}

// share brings the grants at an item to those that are wanted, and tells nobody by
// mail. Links, and what people were given as owners, stay as they are.
func (t *target) share(ctx context.Context, id string, want []item.Grant) error {
	have, err := t.permissions(ctx, t.tree, id)
	if err != nil {
		return err
	}
	left := slices.DeleteFunc(slices.Clone(want), func(g item.Grant) bool { return g.To == "" })
	for _, p := range have {
		if p.Link != nil || p.To == nil || p.Inherited != nil && p.Inherited.ID != "" || p.role() == item.Owns || p.role() == "" {
			continue
		}
		of := sharingOf([]permission{p}, "")
		if len(of.grants) != 1 {
			continue
		}
		n := slices.IndexFunc(left, func(g item.Grant) bool { return g.To == of.grants[0].To })
		if n < 0 {
			err := t.send(ctx, connector.Request{Method: http.MethodDelete, URL: t.graph.URL(t.tree.at(id, "/permissions/"+url.PathEscape(p.ID)), nil), Cost: costGrants}, nil)
			if err != nil && !microsoft.IsGone(err) {
				return err
			}
			continue
		}
		if left[n].Role != of.grants[0].Role {
			err := t.send(ctx, connector.Request{Method: http.MethodPatch, URL: t.graph.URL(t.tree.at(id, "/permissions/"+url.PathEscape(p.ID)), nil), Cost: costGrants, Repeatable: true,
				JSON: map[string]any{"roles": []string{roleOf(left[n].Role)}}}, nil)
			if err != nil {
				return err
			}
		}
		left = slices.Delete(left, n, n+1)
	}
	for _, role := range []string{item.Reads, item.Writes} {
		var to []map[string]string
		for _, g := range left {
			if g.Role == role {
				to = append(to, map[string]string{"objectId": g.To})
			}
		}
		for some := range slices.Chunk(to, recipients) {
			err := t.send(ctx, connector.Request{Method: http.MethodPost, URL: t.graph.URL(t.tree.at(id, "/invite"), nil), Cost: costGrants, Repeatable: true,
				JSON: map[string]any{"recipients": some, "requireSignIn": true, "sendInvitation": false, "roles": []string{roleOf(role)}}}, nil)
			if err != nil {
				return err
			}
		}
	}
	return nil
}

// recipients is how many are invited at once.
const recipients = 10

func roleOf(role string) string {
	if role == item.Reads {
		return "read"
	}
	return "write"
}
