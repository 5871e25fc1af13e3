package standin

import "slices"

func (s *Server) getToken(q *call) (any, error) {
	if s.tokens[q.r.PathValue("token")] != s.me {
		return nil, missing()
	}
	rights := make([]any, 0, 3)
	for _, kind := range []string{"Board", "Organization", "Member"} {
		model := "*"
		if kind == "Member" {
			model = s.me.id
		}
		rights = append(rights, map[string]any{"idModel": model, "modelType": kind, "read": true, "write": !s.readOnly})
	}
	m := map[string]any{"id": s.me.id, "identifier": "Rialto", "idMember": s.me.id, "dateCreated": when(idTime(s.me.id)), "dateExpires": nil, "permissions": rights}
	if q.is("webhooks") {
		m["webhooks"] = s.webhooksOf(q.r.PathValue("token"))
	}
	return q.fields("fields", m, nil), nil
}

func (s *Server) getMember(q *call) (any, error) {
	m, err := s.findMember(q.r.PathValue("id"))
	if err != nil {
		return nil, err
	}
	out := q.fields("fields", s.showMember(m), nil)
	if q.is("boards") {
		out["boards"] = s.boardsOf(q, m, q.str("boards"), "board_fields")
	}
	if q.is("organizations") {
		out["organizations"] = s.orgsOf(q, m, "organization_fields")
	}
	return out, nil
}

func (s *Server) memberBoards(q *call) (any, error) {
	m, err := s.findMember(q.r.PathValue("id"))
	if err != nil {
		return nil, err
	}
	return s.boardsOf(q, m, q.str("filter"), "fields"), nil
}

// boardsOf lists the boards "that the user is a member of" (contract), as far as
// the token's member sees them. Those of their workspaces that they have not
// joined are listed by the workspace alone.
func (s *Server) boardsOf(q *call, m *member, filter, fields string) []any {
	out := []any{}
	for _, b := range s.boards {
		ms := b.membership(m)
		if ms == nil || ms.deactivated() || !s.canSee(b) || !boardPasses(b, filter) {
			continue
		}
		v := q.fields(fields, s.showBoard(b), nil)
		if q.is("lists") {
			v["lists"] = s.listsOf(q, b, q.str("lists"), "list_fields")
		}
		if q.is("organization") && b.org != nil {
			v["organization"] = q.fields("organization_fields", s.showOrg(b.org), []string{"name", "displayName"})
		}
		if q.is("memberships") {
			v["memberships"] = showMemberships(b.memberships)
		}
		out = append(out, v)
	}
	return out
}

func boardPasses(b *board, filter string) bool {
	switch filter {
	case "open":
		return !b.closed
	case "closed":
		return b.closed
	case "starred":
		return b.starred
	}
	return true
}

func (s *Server) memberOrgs(q *call) (any, error) {
	m, err := s.findMember(q.r.PathValue("id"))
	if err != nil {
		return nil, err
	}
	return s.orgsOf(q, m, "fields"), nil
}

func (s *Server) orgsOf(q *call, m *member, fields string) []any {
	out := []any{}
	for _, o := range s.orgs {
		if membershipOf(o.memberships, m) != nil {
			out = append(out, q.fields(fields, s.showOrg(o), nil))
		}
	}
	return out
}

func (s *Server) memberCards(q *call) (any, error) {
	m, err := s.findMember(q.r.PathValue("id"))
	if err != nil {
		return nil, err
	}
	var all []*card
	for _, b := range s.boards {
		for _, c := range b.cards {
			if slices.Contains(c.members, m) && s.canSee(b) {
				all = append(all, c)
			}
		}
	}
	return s.cardsOf(q, all, q.str("filter"), "")
}

func (s *Server) memberActions(q *call) (any, error) {
	m, err := s.findMember(q.r.PathValue("id"))
	if err != nil {
		return nil, err
	}
	var all []*action
	for _, b := range s.boards {
		if !s.canSee(b) {
			continue
		}
		for _, a := range b.actions {
			if a.creator == m {
				all = append(all, a)
			}
		}
	}
	for _, o := range s.orgs {
		for _, a := range o.actions {
			if a.creator == m {
				all = append(all, a)
			}
		}
	}
	return s.actionsOf(q, all, "", "all")
}
