package standin

import (
	"maps"
	"slices"
	"strings"
	"time"
)

// A notification is one message in a member's own inbox. Each that Notices
// counts lies there too, until the server ends: ForgetNotices does not empty
// an inbox.
type notification struct {
	id, typ     string
	to, creator *member
	action      string    // the id of what it tells of
	board       *board    // nil if data tells it
	date, read  time.Time // read is zero while it is unread
	data        map[string]any
}

func (s *Server) putNotification(n *notification) {
	n.to.inbox = append(n.to.inbox, n)
	s.ids[n.id] = n
}

// showNotification shows one as recorded: with the data of its action, but for
// the list and the emoji of the text.
func (s *Server) showNotification(q *call, n *notification) map[string]any {
	data := maps.Clone(n.data)
	delete(data, "list")
	delete(data, "textData")
	if n.board != nil && data["board"] == nil {
		data["board"] = briefBoard(n.board)
	}
	m := q.fields("fields", map[string]any{"id": n.id, "type": n.typ, "date": when(n.date), "data": data, "appCreator": nil, "idMemberCreator": idOf(n.creator),
		"idAction": n.action, "isReactable": data["text"] != nil, "unread": n.read.IsZero(), "dateRead": when(n.read), "reactions": []any{}}, nil)
	if n.creator != nil && q.str("memberCreator") != "false" {
		m["memberCreator"] = q.fields("memberCreator_fields", s.showMember(n.creator), memberFields)
	}
	return m
}

// memberNotifications lists the token's member's own, newest first. Nobody
// reads another's.
func (s *Server) memberNotifications(q *call) (any, error) {
	m, err := s.findMember(q.r.PathValue("id"))
	if err != nil {
		return nil, err
	}
	if m != s.me {
		return nil, denied("unauthorized permission requested")
	}
	state, types := q.str("read_filter"), q.list("filter")
	if state != "" && state != "all" && state != "read" && state != "unread" {
		return nil, invalid("read_filter")
	}
	page, err := q.number("page", 0, 0, 100)
	if err != nil {
		return nil, err
	}
	picked := slices.DeleteFunc(slices.Clone(m.inbox), func(n *notification) bool {
		return state == "read" && n.read.IsZero() || state == "unread" && !n.read.IsZero() ||
			len(types) > 0 && !slices.Contains(types, "all") && !slices.Contains(types, n.typ)
	})
	slices.SortFunc(picked, func(a, b *notification) int { return strings.Compare(b.id, a.id) })
	ids := make([]string, len(picked))
	for i, n := range picked {
		ids[i] = n.id
	}
	from, to, err := q.window(ids, "", 50, page)
	if err != nil {
		return nil, err
	}
	out := make([]any, 0, to-from)
	for _, n := range picked[from:to] {
		out = append(out, s.showNotification(q, n))
	}
	return out, nil
}

// notification finds one of the token's member's own.
func (s *Server) notification(q *call) (*notification, error) {
	n, err := find[*notification](s, q.r.PathValue("id"))
	if err != nil {
		return nil, err
	}
	if n.to != s.me {
		return nil, denied("unauthorized permission requested")
	}
	return n, nil
}

func (s *Server) getNotification(q *call) (any, error) {
	n, err := s.notification(q)
	if err != nil {
		return nil, err
	}
	return s.showNotification(q, n), nil
}

// updateNotification marks one as read or unread.
func (s *Server) updateNotification(q *call) (any, error) {
	n, err := s.notification(q)
	if err != nil {
		return nil, err
	}
	unread := n.read.IsZero()
	if err := q.flag("unread", &unread); err != nil {
		return nil, err
	}
	switch {
	case unread:
		n.read = time.Time{}
	case n.read.IsZero():
		n.read = q.at
	}
	return s.showNotification(q, n), nil
}
