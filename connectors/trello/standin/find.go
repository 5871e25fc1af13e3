package standin

// The server's objects by id, as the routes name them. An id that is no id at
// all is refused as bad, one that names nothing (any more) as missing.

func find[T any](s *Server, id string) (T, error) {
	var zero T
	x, ok := s.ids[id].(T)
	switch {
	case ok:
		return x, nil
	case isID(id):
		return zero, missing()
	}
	if x, ok := s.links[id].(T); ok {
		return x, nil
	}
	if linkShape.MatchString(id) {
		return zero, missing()
	}
	return zero, bad("invalid id")
}

func (q *call) board() (*board, error) { return find[*board](q.s, q.r.PathValue("id")) }
func (q *call) card() (*card, error)   { return find[*card](q.s, q.r.PathValue("id")) }
func (q *call) listed() (*list, error) { return find[*list](q.s, q.r.PathValue("id")) }

// refer finds the object that a parameter names.
func refer[T any](q *call, name string) (T, error) {
	x, err := find[T](q.s, q.str(name))
	if err != nil {
		return x, invalid(name)
	}
	return x, nil
}

// findMember finds a member by id, user name or "me".
func (s *Server) findMember(name string) (*member, error) {
	if name == "me" {
		return s.me, nil
	}
	if m, ok := s.ids[name].(*member); ok {
		return m, nil
	}
	for _, m := range s.members {
		if m.username == name {
			return m, nil
		}
	}
	return nil, missing()
}

func (s *Server) findOrg(name string) (*org, error) {
	if o, ok := s.ids[name].(*org); ok {
		return o, nil
	}
	for _, o := range s.orgs {
		if o.name == name {
			return o, nil
		}
	}
	return nil, missing()
}

// canWrite reports whether the token's owner may change a board: a member may,
// an observer may not; an administrator of the workspace always may.
func (s *Server) canWrite(b *board) error {
	if ms := b.membership(s.me); ms != nil && ms.role != "observer" {
		return nil
	}
	if b.org != nil {
		if ms := membershipOf(b.org.memberships, s.me); ms != nil && ms.role == "admin" {
			return nil
		}
	}
	return denied("unauthorized card permission requested")
}

// canSee reports whether the token's owner sees a board.
func (s *Server) canSee(b *board) bool {
	if b.membership(s.me) != nil || b.prefs["permissionLevel"] == "public" {
		return true
	}
	return b.org != nil && membershipOf(b.org.memberships, s.me) != nil
}
