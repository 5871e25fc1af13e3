package standin

import (
	"cmp"
	"net/http"
	"slices"
	"strconv"
	"strings"
)

// An Invitation is a message that Box sends when somebody is let at something.
type Invitation struct{ To, Item string }

func (s *Server) tellUser(c *call, u *user) object {
	o := object{"type": "user", "id": u.id, "name": u.name, "login": u.login, "status": u.status, "role": u.role, "max_upload_size": int64(50 << 30), "space_amount": int64(1 << 40), "space_used": s.used(u.id),
		"enterprise": object{"type": "enterprise", "id": Enterprise, "name": "Example"}}
	fields := c.URL.Query().Get("fields")
	for k := range o {
		if fields != "" && k != "type" && k != "id" && !slices.Contains(strings.Split(fields, ","), k) {
			delete(o, k)
		}
	}
	return o
}

func (s *Server) getMe(c *call) answer {
	return answer{status: http.StatusOK, json: s.tellUser(c, c.user)}
}

func (s *Server) getUser(c *call) answer {
	u := s.users[c.vars[0]]
	switch {
	case u == nil:
		return notFound()
	case c.user.role != "admin" && u != c.user:
		return forbidden()
	}
	return answer{status: http.StatusOK, json: s.tellUser(c, u)}
}

func (s *Server) getGroup(c *call) answer {
	g := s.groups[c.vars[0]]
	if g == nil {
		return notFound()
	}
	return answer{status: http.StatusOK, json: object{"type": "group", "id": g.id, "name": g.name, "group_type": "managed_group"}}
}

func (s *Server) listUsers(c *call) answer {
	if c.user.role != "admin" {
		return forbidden()
	}
	var all []*user
	for _, u := range s.users {
		if !u.stranger {
			all = append(all, u)
		}
	}
	slices.SortFunc(all, func(a, b *user) int { return strings.Compare(a.login, b.login) })
	from := 0
	if m := c.URL.Query().Get("marker"); m != "" {
		from = 1 + slices.IndexFunc(all, func(u *user) bool { return u.id == m })
	}
	limit, _ := strconv.Atoi(c.URL.Query().Get("limit"))
	to := min(from+cmp.Or(limit, 100), len(all))
	out := object{"limit": limit, "entries": []any{}}
	for _, u := range all[from:to] {
		out["entries"] = append(out["entries"].([]any), s.tellUser(c, u))
	}
	if to < len(all) {
		out["next_marker"] = all[to-1].id
	}
	return answer{status: http.StatusOK, json: out}
}

func (s *Server) listGroups(c *call) answer {
	if c.user.role != "admin" {
		return forbidden()
	}
	var all []any
	for _, g := range s.groups {
		all = append(all, object{"type": "group", "id": g.id, "name": g.name, "group_type": "managed_group"})
	}
	slices.SortFunc(all, func(a, b any) int { return strings.Compare(a.(object)["id"].(string), b.(object)["id"].(string)) })
	from, _ := strconv.Atoi(c.URL.Query().Get("offset"))
	limit, _ := strconv.Atoi(c.URL.Query().Get("limit"))
	from = min(from, len(all))
	out := append([]any{}, all[from:min(from+cmp.Or(limit, 100), len(all))]...)
	return answer{status: http.StatusOK, json: object{"total_count": len(all), "limit": limit, "offset": from, "entries": out}}
}

func (s *Server) tellCollaboration(c *collaboration) object {
	o := object{"type": "collaboration", "id": c.id, "role": c.role, "status": "accepted", "item": pick(s.render(c.item), "")}
	if c.user != "" {
		o["accessible_by"] = s.mini(c.user)
	} else {
		o["accessible_by"] = object{"type": "group", "id": c.grp, "name": s.groups[c.grp].name}
	}
	return o
}

// collaborations are those of an entry, and of what it lies in.
func (s *Server) collaborations(c *call, kind string) answer {
	e := s.find(c.user, kind, c.vars[0])
	if e == nil {
		return notFound()
	}
	out := []any{}
	for at := e; at != nil; at = at.parent {
		var here []*collaboration
		for _, k := range s.collabs {
			if k.item == at {
				here = append(here, k)
			}
		}
		slices.SortFunc(here, func(a, b *collaboration) int { return strings.Compare(a.id, b.id) })
		for _, k := range here {
			out = append(out, s.tellCollaboration(k))
		}
	}
	return answer{status: http.StatusOK, json: object{"entries": out}}
}

func (s *Server) folderCollaborations(c *call) answer { return s.collaborations(c, "folder") }
func (s *Server) fileCollaborations(c *call) answer   { return s.collaborations(c, "file") }

func (s *Server) createCollaboration(c *call) answer {
	var in struct {
		Item struct{ Type, ID string } `json:"item"`
		By   struct{ Type, ID string } `json:"accessible_by"`
		Role string                    `json:"role"`
	}
	if !c.read(&in) {
		return bad("bad_request", "Bad Request")
	}
	e := s.find(c.user, in.Item.Type, in.Item.ID)
	switch {
	case e == nil:
		return notFound()
	case e.parent == nil:
		return bad("collaborations_not_available_on_root_folder", "Root folder cannot be collaborated")
	case !s.may(c.user, e):
		return forbidden()
	case in.Item.Type == "file" && in.Role != "viewer" && in.Role != "editor":
		return bad("bad_request", "Bad Request")
	}
	k := &collaboration{id: s.id(), item: e, role: in.Role}
	switch {
	case in.By.Type == "user" && s.users[in.By.ID] != nil:
		k.user = in.By.ID
	case in.By.Type == "group" && s.groups[in.By.ID] != nil:
		k.grp = in.By.ID
	default:
		return notFound()
	}
	for _, other := range s.collabs {
		if other.item == e && other.user == k.user && other.grp == k.grp {
			return bad("user_already_collaborator", "User is already a collaborator")
		}
	}
	s.collabs[k.id] = k
	if c.URL.Query().Get("notify") != "false" {
		s.told = append(s.told, Invitation{To: in.By.ID, Item: e.id})
	}
	return answer{status: http.StatusCreated, json: s.tellCollaboration(k)}
}

func (s *Server) collaboration(c *call) *collaboration {
	k := s.collabs[c.vars[0]]
	if k == nil || !s.may(c.user, k.item) {
		return nil
	}
	return k
}

func (s *Server) updateCollaboration(c *call) answer {
	var in struct {
		Role string `json:"role"`
	}
	k := s.collaboration(c)
	switch {
	case k == nil:
		return notFound()
	case !c.read(&in):
		return bad("bad_request", "Bad Request")
	}
	k.role = in.Role
	return answer{status: http.StatusOK, json: s.tellCollaboration(k)}
}

func (s *Server) deleteCollaboration(c *call) answer {
	k := s.collaboration(c)
	if k == nil {
		return notFound()
	}
	delete(s.collabs, k.id)
	return answer{status: http.StatusNoContent}
}
