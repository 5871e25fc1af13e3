package box

import (
	"context"
	"iter"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/rialto-migrate/rialto/connector"
	"github.com/rialto-migrate/rialto/item"
)

// groupMember begins the id of a group as a member: users and groups are numbered
// apart.
const groupMember = "group-"

// memberID is a person's or a group's id as a member.
func (p person) memberID() string {
	if p.Type == "group" {
		return groupMember + p.ID
	}
	return p.ID
}

// member is a person or a group as an item of a drive.
func (p person) member(parent item.Ref) item.Item {
	it := item.Item{Ref: item.Ref{Kind: item.Member, ID: p.memberID()}, Parent: parent}
	item.Name.Set(&it, p.Name)
	item.Email.Set(&it, p.Login)
	standing := ""
	switch {
	case p.Type == "group":
		standing = item.Group
	case strings.HasSuffix(p.Login, "@boxdevedition.com"): // an app's own account
		standing = item.Bot
	case p.Status == "inactive":
		standing = item.Disabled
	case p.Status != "":
		standing = item.Active
	}
	item.Standing.Set(&it, standing)
	return it
}

// person reads one person or group. An account that may not ask for others knows them
// by what they made or were let at alone.
func (c *cloud) person(ctx context.Context, as string, ref item.Ref) (person, error) {
	path, query := "/users/"+ref.ID, fields("name,login")
	if id, ok := strings.CutPrefix(ref.ID, groupMember); ok {
		path, query = "/groups/"+id, fields("name")
	}
	var p person
	err := c.api.get(ctx, as, path, query, &p)
	if connector.ClassOf(err) == connector.Forbidden {
		return p, connector.Errorf(connector.Gone, "the account may not ask for other people")
	}
	return p, err
}

// A grants says who was let at one thing, there alone.
type grants struct {
	given   []item.Grant
	members []person
	// of those in given that are collaborations, by member
	ids     map[string]string
	unknown []string
}

func setGrants(it *item.Item, given []item.Grant) {
	if len(given) > 0 {
		item.Permissions.Set(it, given)
	}
}

// roleOf is what a role of Box's allows, "" for one that has no counterpart: each is
// told as the nearest that gives no more
// (support.box.com/hc/en-us/articles/360044196413-Understanding-Collaborator-Permission-Levels).
// A viewer sees, downloads and comments; viewers who upload, too; previewers do not
// download, and uploaders do not see.
func roleOf(role string) string {
	switch role {
	case "viewer", "viewer uploader":
		return item.Reads
	case "editor", "co-owner":
		return item.Writes
	}
	return ""
}

// boxRole is what a role is written as.
func boxRole(role string) string {
	if role == item.Writes {
		return "editor"
	}
	return "viewer"
}

// grants reads who was let at an entry. Box tells with it whom what it lies in was
// opened to, which is told there.
func (c *cloud) grants(ctx context.Context, as string, e entry) (grants, error) {
	g := grants{ids: map[string]string{}}
	kind := string(kindOf(e.Type))
	if l := e.Link; l != nil {
		g.link(kind, *l)
	}
	if !e.Shared || e.ID == "0" {
		return g, nil
	}
	query := q("limit", "1000")
	for {
		var told page[collaboration]
		if err := c.api.get(ctx, as, pathOf(item.Ref{Kind: kindOf(e.Type), ID: e.ID})+"/collaborations", query, &told); err != nil {
			return g, err
		}
		for _, k := range told.Entries {
			if k.Item.ID != e.ID || k.Item.Type != e.Type || k.Role == "owner" {
				continue
			}
			role := roleOf(k.Role)
			switch {
			case k.By.ID == "":
				g.unknown = append(g.unknown, kind+".invitation") // to an address without an account
				continue
			case role == "":
				g.unknown = append(g.unknown, kind+".role")
				continue
			}
			g.given = append(g.given, item.Grant{To: k.By.memberID(), Role: role})
			g.members = append(g.members, k.By)
			g.ids[k.By.memberID()] = k.ID
		}
		if told.Next == "" {
			return g, nil
		}
		query.Set("marker", told.Next)
	}
}

// link adds what a shared link allows.
func (g *grants) link(kind string, l sharedLink) {
	to := map[string]string{"open": "everybody", "company": "organisation"}[l.Access]
	role := map[string]string{"can_edit": item.Writes, "can_download": item.Reads}[l.Permission]
	switch {
	case to == "": // those who were let at it by name
	case role == "" || l.Password:
		g.unknown = append(g.unknown, kind+".link")
	default:
		g.given = append(g.given, item.Grant{Link: to, Role: role})
	}
}

// Members yields the people and the groups of the enterprise. An account that may not
// list them knows itself alone.
func (t *target) Members(ctx context.Context) iter.Seq2[item.Item, error] {
	return func(yield func(item.Item, error) bool) {
		me, err := t.self(ctx)
		if err != nil {
			yield(item.Item{}, err)
			return
		}
		mine := me.member(item.Ref{})
		item.OwnsPlace.Set(&mine, true)
		if !yield(mine, nil) {
			return
		}
		for p, err := range t.everyone(ctx) {
			if err != nil {
				if connector.ClassOf(err) != connector.Forbidden {
					yield(item.Item{}, err)
				}
				return
			}
			if p.ID == me.ID && p.Type != "group" {
				continue
			}
			if !yield(p.member(item.Ref{}), nil) {
				return
			}
		}
	}
}

// everyone yields the people of the enterprise, then its groups.
func (c *cloud) everyone(ctx context.Context) iter.Seq2[person, error] {
	return func(yield func(person, error) bool) {
		for p, err := range c.users(ctx) {
			if !yield(p, err) || err != nil {
				return
			}
		}
		for offset := 0; ; {
			var told people
			if err := c.api.get(ctx, c.cfg.as, "/groups", q("limit", "1000", "offset", strconv.Itoa(offset), "fields", "name"), &told); err != nil {
				yield(person{}, err)
				return
			}
			for _, p := range told.Entries {
				if !yield(p, nil) {
					return
				}
			}
			if offset += len(told.Entries); len(told.Entries) == 0 || offset >= told.Total {
				return
			}
		}
	}
}

// users yields the people of the enterprise.
func (c *cloud) users(ctx context.Context) iter.Seq2[person, error] {
	return func(yield func(person, error) bool) {
		query := q("limit", "1000", "usemarker", "true", "user_type", "managed", "fields", "name,login,status")
		for {
			var told people
			if err := c.api.get(ctx, c.cfg.as, "/users", query, &told); err != nil {
				yield(person{}, err)
				return
			}
			for _, p := range told.Entries {
				if !yield(p, nil) {
					return
				}
			}
			if told.Next == "" {
				return
			}
			query.Set("marker", told.Next)
		}
	}
}

// grant lets those at something whom want names, tells nobody by mail
// (https://developer.box.com/reference/post-collaborations, notify), and takes the
// right from all others that were told of. It returns who was let at it then.
func (t *target) grant(ctx context.Context, e entry, have grants, want []item.Grant) ([]item.Grant, error) {
	if e.ID == "0" {
		return nil, connector.Errorf(connector.Permanent, "the root of All Files belongs to its owner alone").
			WithHint("set the place to a folder, such as " + placeFolder + "Archive")
	}
	wanted := map[string]string{}
	for _, g := range want {
		if g.To != "" {
			wanted[g.To] = boxRole(g.Role)
		}
	}
	for _, g := range have.given {
		id, ours := have.ids[g.To]
		role, keep := wanted[g.To]
		switch {
		case !ours:
			continue
		case !keep:
			r := t.api.request(t.cfg.as, "DELETE", "/collaborations/"+id, nil, nil)
			if err := t.api.send(ctx, r, nil); err != nil && connector.ClassOf(err) != connector.Gone {
				return nil, err
			}
		case role != boxRole(g.Role):
			r := t.api.request(t.cfg.as, "PUT", "/collaborations/"+id, nil, map[string]string{"role": role})
			if err := t.api.send(ctx, r, nil); err != nil {
				return nil, err
			}
		}
		delete(wanted, g.To)
	}
	for _, g := range want {
		role, missing := wanted[g.To]
		if !missing {
			continue
		}
		if err := t.invite(ctx, e, g.To, role); err != nil {
			return nil, err
		}
		delete(wanted, g.To)
	}
	e.Shared = true
	now, err := t.grants(ctx, t.cfg.as, e)
	return withoutLinks(now.given), err
}

// invite lets one member at something.
func (t *target) invite(ctx context.Context, e entry, to, role string) error {
	type subject struct {
		Type string `json:"type"`
		ID   string `json:"id"`
	}
	in := struct {
		Item subject `json:"item"`
		By   subject `json:"accessible_by"`
		Role string  `json:"role"`
	}{subject{e.Type, e.ID}, subject{"user", to}, role}
	if id, ok := strings.CutPrefix(to, groupMember); ok {
		in.By = subject{"group", id}
	}
	r := t.api.request(t.cfg.as, "POST", "/collaborations", url.Values{"notify": {"false"}}, in)
	r.Repeatable = true // who is a collaborator already is not made one twice
	err := t.api.send(ctx, r, nil)
	if refused(err, "user_already_collaborator") {
		return nil
	}
	return err
}

func withoutLinks(given []item.Grant) []item.Grant {
	return slices.DeleteFunc(slices.Clone(given), func(g item.Grant) bool { return g.To == "" })
}
