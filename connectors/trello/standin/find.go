package standin

import "slices"

// The server's objects by id, as the routes name them. An id that is no id at
// all is refused as bad, one that names nothing (any more) as missing, one that
// the token's member does not see as unauthorized.

func find[T any](s *Server, id string) (T, error) {
	var zero T
	x, ok := s.ids[id].(T)
	switch {
	case ok:
	case isID(id):
		return zero, missing()
	default:
		if x, ok = s.links[id].(T); !ok && linkShape.MatchString(id) {
			return zero, missing()
		} else if !ok {
			return zero, bad("invalid id")
		}
	}
	if b := home(x); b != nil && !s.canSee(b) {
		return zero, denied("unauthorized permission requested")
	}
	return x, nil
}

// home returns the board on which an object lies; nil for one that lies on none.
func home(x any) *board {
	switch x := x.(type) {
	case *board:
		return x
	case *list:
		return x.board
	case *label:
		return x.board
	case *field:
		return x.board
	case *card:
		return x.board
	case *checklist:
		return x.card.board
	case *action:
		return x.board
	}
	return nil
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

// canWrite reports whether the token's member may change a board: a member may,
// an observer may not; an administrator of a paid workspace always may.
func (s *Server) canWrite(b *board) error {
	if ms := b.membership(s.me); ms != nil && ms.role != "observer" && !ms.deactivated() || s.governs(b) {
		return nil
	}
	return denied("unauthorized card permission requested")
}

// governs reports whether the token's member administers the workspace of a
// board, where that gives them its boards: "Standard and Premium Workspace
// admins … have admin status on all Workspace boards, including private boards",
// those of a free workspace do not
// (https://support.atlassian.com/trello/docs/workspace-admin-capabilities/).
func (s *Server) governs(b *board) bool {
	return b.org != nil && b.org.paid() && b.org.active(s.me) && membershipOf(b.org.memberships, s.me).role == "admin"
}

// canSee reports whether the token's member sees a board
// (https://support.atlassian.com/trello/docs/changing-the-visibility-of-a-board/).
func (s *Server) canSee(b *board) bool {
	if ms := b.membership(s.me); ms != nil && !ms.deactivated() || s.governs(b) {
		return true
	}
	switch b.prefs["permissionLevel"] {
	case "public":
		return true
	case "org":
		return b.org != nil && b.org.active(s.me)
	case "enterprise":
		return b.org != nil && slices.ContainsFunc(s.orgs, func(o *org) bool { return o.enterprise() == b.org.enterprise() && o.active(s.me) })
	}
	return false
}
