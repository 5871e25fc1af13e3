package standin

import "strings"

func (s *Server) createOrg(q *call) (any, error) {
	o := &org{}
	if err := q.text("displayName", &o.displayName, true, s.limits.TextChars); err != nil {
		return nil, err
	}
	name := q.str("name")
	if name == "" {
		name = strings.ReplaceAll(slug(o.displayName), "-", "")
	}
	if name == "" {
		name = "userworkspace"
	}
	if _, err := s.findOrg(name); err == nil {
		name += s.hex(4) // names are unique; Trello adds digits of its own
	}
	o.id, o.name, o.creator = s.newID(q.at), name, s.me
	if err := s.describeOrg(q, o); err != nil {
		return nil, err
	}
	o.memberships = []*membership{{id: s.newID(q.at), member: s.me, role: "admin"}}
	s.orgs = append(s.orgs, o)
	s.ids[o.id] = o
	s.note(q, &action{typ: "createOrganization", org: o, data: map[string]any{"organization": map[string]any{"id": o.id, "name": o.displayName}}})
	return s.showOrg(o), nil
}

func (s *Server) describeOrg(q *call, o *org) error {
	if err := q.text("displayName", &o.displayName, false, s.limits.TextChars); err != nil {
		return err
	}
	if err := q.text("desc", &o.desc, false, s.limits.TextChars); err != nil {
		return err
	}
	return q.text("website", &o.website, false, s.limits.TextChars)
}

func (q *call) org() (*org, error) { return q.s.findOrg(q.r.PathValue("id")) }

func (s *Server) getOrg(q *call) (any, error) {
	o, err := q.org()
	if err != nil {
		return nil, err
	}
	return q.fields("fields", s.showOrg(o), orgFields), nil
}

func (s *Server) updateOrg(q *call) (any, error) {
	o, err := q.org()
	if err != nil {
		return nil, err
	}
	if v := q.str("name"); v != "" {
		o.name = v
	}
	if err := s.describeOrg(q, o); err != nil {
		return nil, err
	}
	return pick(s.showOrg(o), orgFields), nil
}

func (s *Server) deleteOrg(q *call) (any, error) {
	o, err := q.org()
	if err != nil {
		return nil, err
	}
	for _, b := range s.boards {
		if b.org == o {
			b.org = nil
		}
	}
	s.orgs = remove(s.orgs, o)
	delete(s.ids, o.id)
	return none(), nil
}

func (s *Server) orgBoards(q *call) (any, error) {
	o, err := q.org()
	if err != nil {
		return nil, err
	}
	out := []any{}
	for _, b := range s.boards {
		if b.org == o && boardPasses(b, q.str("filter")) && s.canSee(b) {
			out = append(out, q.fields("fields", s.showBoard(b), nil))
		}
	}
	return out, nil
}

func (s *Server) orgMembers(q *call) (any, error) {
	o, err := q.org()
	if err != nil {
		return nil, err
	}
	return s.membersOf(q, o.memberships, q.r.PathValue("filter"), "fields", []string{"fullName", "username"}), nil
}

func (s *Server) membersOf(q *call, all []*membership, filter, fields string, standard []string) []any {
	out := []any{}
	for _, ms := range all {
		if filter == "" || filter == "all" || filter == "true" || strings.TrimSuffix(filter, "s") == ms.role {
			out = append(out, q.fields(fields, s.showMember(ms.member), standard))
		}
	}
	return out
}

func (s *Server) putOrgMember(q *call) (any, error) {
	o, err := q.org()
	if err != nil {
		return nil, err
	}
	m, err := s.findMember(q.r.PathValue("idMember"))
	if err != nil {
		return nil, err
	}
	role := q.str("type")
	if role != "admin" && role != "normal" {
		return nil, invalid("type")
	}
	if ms := membershipOf(o.memberships, m); ms != nil {
		ms.role = role
	} else {
		o.memberships = append(o.memberships, &membership{id: s.newID(q.at), member: m, role: role})
	}
	return s.showOrg(o), nil
}

func (s *Server) deleteOrgMember(q *call) (any, error) {
	o, err := q.org()
	if err != nil {
		return nil, err
	}
	m, err := s.findMember(q.r.PathValue("idMember"))
	if err != nil {
		return nil, err
	}
	o.memberships = remove(o.memberships, membershipOf(o.memberships, m))
	return s.showOrg(o), nil
}

func (s *Server) orgMemberships(q *call) (any, error) {
	o, err := q.org()
	if err != nil {
		return nil, err
	}
	return s.membershipsOf(q, o.memberships), nil
}

func (s *Server) membershipsOf(q *call, all []*membership) []any {
	out := showMemberships(all)
	if q.is("member") {
		for i, ms := range all {
			out[i].(map[string]any)["member"] = q.fields("member_fields", s.showMember(ms.member), []string{"fullName", "username"})
		}
	}
	return out
}

func (s *Server) orgActions(q *call) (any, error) {
	o, err := q.org()
	if err != nil {
		return nil, err
	}
	all := append([]*action(nil), o.actions...)
	for _, b := range s.boards {
		if b.org == o && s.canSee(b) {
			all = append(all, b.actions...)
		}
	}
	return s.actionsOf(q, all, "", "all")
}
