package standin

import (
	"encoding/json"
	"net/http"
	"slices"
	"strings"
)

// noticeShared is the mail of a sharing invitation.
const noticeShared = "shared"

// A driveGrant is a permission that was given at an item (docs: permission).
type driveGrant struct {
	id, role    string
	user, group string // one of them, or a link
	scope       string // of a link: "anonymous", "organization", "users"
}

// granted reports whether anything was given at an item or above it.
func (d *drive) granted(it *driveItem) bool {
	for ; it != nil; it = d.items[it.parent] {
		if len(it.grants) > 0 {
			return true
		}
	}
	return false
}

// Share gives a permission at an item, as people do in the browser. to is the id of
// a person or group, or "link:" and a scope. It returns the permission's id.
func (s *Server) Share(driveID, itemID, to, role string) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	d := s.drives[driveID]
	return s.give(d, d.items[itemID], to, role).id
}

func (s *Server) give(d *drive, it *driveItem, to, role string) *driveGrant {
	g := &driveGrant{id: s.random(18), role: role}
	switch {
	case strings.HasPrefix(to, "link:"):
		g.scope = strings.TrimPrefix(to, "link:")
	case s.groups[to] != nil:
		g.group = to
	default:
		g.user = to
	}
	for _, had := range it.grants {
		if g.scope == "" && had.user == g.user && had.group == g.group {
			if had.role == "read" {
				had.role = role
			}
			return had
		}
	}
	it.grants = append(it.grants, g)
	return g
}

func (s *Server) permission(d *drive, at *driveItem, g *driveGrant, inherited bool) object {
	o := object{"id": g.id, "roles": []string{g.role}}
	if u := s.users[g.user]; u != nil {
		who := object{"id": u.id, "displayName": u.name, "email": orNull(u.mail)}
		o["grantedToV2"] = object{"user": who, "siteUser": object{"id": "7", "displayName": u.name, "loginName": "i:0#.f|membership|" + u.upn}}
		o["grantedTo"] = object{"user": who}
	}
	if at := s.groups[g.group]; at != nil {
		o["grantedToV2"] = object{"group": object{"id": at.id, "displayName": at.name, "email": orNull(at.mail)}}
	}
	if g.scope != "" {
		o["link"] = object{"scope": g.scope, "type": "view", "webUrl": "https://contoso.sharepoint.invalid/:t:/s/" + g.id, "preventsDownload": false}
	}
	if inherited {
		o["inheritedFrom"] = object{"driveId": d.id, "id": at.id}
	}
	return o
}

// listPermissions is docs: driveitem-list-permissions.
func (s *Server) listPermissions(c *call) (answer, error) {
	d, it, _, _, err := s.item(c)
	if err == nil && it == nil {
		err = itemNotFound()
	}
	if err != nil {
		return answer{}, err
	}
	var all []object
	for at := it; at != nil; at = d.items[at.parent] {
		for _, g := range at.grants {
			all = append(all, s.permission(d, at, g, at != it))
		}
		if at.parent == "" && d.user != "" { // whose drive it is
			all = append(all, s.permission(d, at, &driveGrant{id: "owner", role: "owner", user: d.user}, at != it))
		}
	}
	slices.SortFunc(all, func(a, b object) int { return strings.Compare(key(a), key(b)) })
	return s.listing(c, "drives('"+d.id+"')/items('"+it.id+"')/permissions", all, s.limits.DrivePage)
}

// invite is docs: driveitem-invite.
func (s *Server) invite(c *call) (answer, error) {
	d, it, _, _, err := s.item(c)
	if err == nil && it == nil {
		err = itemNotFound()
	}
	if err != nil {
		return answer{}, err
	}
	p := parse(c, "microsoft.graph.driveItem.invite")
	var roles []string
	var to []struct{ ObjectID, Email, Alias string }
	if v, ok := p.take("roles"); !ok || json.Unmarshal(v, &roles) != nil || len(roles) != 1 || roles[0] != "read" && roles[0] != "write" {
		p.wrong("roles", "Collection(Edm.String)")
	}
	if v, ok := p.take("recipients"); !ok || json.Unmarshal(v, &to) != nil || len(to) == 0 {
		p.wrong("recipients", "Collection(microsoft.graph.driveRecipient)")
	}
	var signIn, send bool
	p.boolean("requireSignIn", &signIn)
	p.boolean("sendInvitation", &send)
	var ignored string
	p.text("message", &ignored)
	if err := p.end(); err != nil {
		return answer{}, asDrive(err)
	}
	if s.driveType(d) == personal && it.parent == "" {
		return answer{}, refuse(http.StatusForbidden, "accessDenied", "The root cannot be shared.")
	}
	var ids []string
	for _, r := range to {
		id := strings.ToLower(r.ObjectID)
		if u := s.findUser(r.Email); r.Email != "" && u != nil {
			id = u.id
		}
		if s.users[id] == nil && s.groups[id] == nil {
			return answer{}, refuse(http.StatusBadRequest, "noResolvedUsers", "None of the provided recipients could be resolved.")
		}
		ids = append(ids, id)
	}
	value := []object{}
	for _, id := range ids {
		g := s.give(d, it, id, roles[0])
		value = append(value, s.permission(d, it, g, false))
		if send {
			s.tell(c, noticeShared, it.id, id)
		}
	}
	return ok(object{"@odata.context": c.base + "/v1.0/$metadata#Collection(microsoft.graph.permission)", "value": value})
}

func (s *Server) grant(c *call) (d *drive, it *driveItem, i int, err error) {
	d, it, _, _, err = s.item(c)
	if err == nil && it == nil {
		err = itemNotFound()
	}
	if err != nil {
		return nil, nil, 0, err
	}
	i = slices.IndexFunc(it.grants, func(g *driveGrant) bool { return g.id == c.vars["permission"] })
	if i < 0 {
		return nil, nil, 0, itemNotFound()
	}
	return d, it, i, nil
}

// patchPermission is docs: permission-update.
func (s *Server) patchPermission(c *call) (answer, error) {
	d, it, i, err := s.grant(c)
	if err != nil {
		return answer{}, err
	}
	p := parse(c, "microsoft.graph.permission")
	var roles []string
	if v, ok := p.take("roles"); !ok || json.Unmarshal(v, &roles) != nil || len(roles) != 1 || roles[0] != "read" && roles[0] != "write" {
		p.wrong("roles", "Collection(Edm.String)")
	}
	if err := p.end(); err != nil {
		return answer{}, asDrive(err)
	}
	it.grants[i].role = roles[0]
	return s.entity(c, http.StatusOK, "permissions", s.permission(d, it, it.grants[i], false))
}

// deletePermission is docs: permission-delete.
func (s *Server) deletePermission(c *call) (answer, error) {
	_, it, i, err := s.grant(c)
	if err != nil {
		return answer{}, err
	}
	it.grants = slices.Delete(slices.Clone(it.grants), i, i+1)
	return noContent()
}
