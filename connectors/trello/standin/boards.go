package standin

import (
	"maps"
	"slices"
	"strings"
	"time"
)

// newPrefs are a new board's preferences.
func newPrefs() map[string]any {
	return map[string]any{"permissionLevel": "private", "hideVotes": false, "voting": "disabled", "comments": "members", "invitations": "members",
		"selfJoin": true, "cardCovers": true, "cardCounts": false, "isTemplate": false, "cardAging": "regular", "calendarFeedEnabled": false,
		"hiddenPluginBoardButtons": []any{}, "switcherViews": []any{}, "background": "blue", "backgroundColor": "#0079BF", "backgroundImage": nil,
		"backgroundImageScaled": nil, "backgroundTile": false, "backgroundBrightness": "dark", "backgroundBottomColor": "#0079BF",
		"backgroundTopColor": "#0079BF", "canBePublic": true, "canBeEnterprise": true, "canBeOrg": true, "canBePrivate": true, "canInvite": true}
}

// newBoard makes a board whose creator is its administrator.
func (s *Server) newBoard(name string, creator *member, at time.Time) *board {
	b := &board{id: s.newID(at), name: name, link: s.newLink(), creator: creator, prefs: newPrefs(), active: at}
	b.memberships = []*membership{{id: s.newID(at), member: creator, role: "admin"}}
	s.boards = append(s.boards, b)
	s.ids[b.id], s.links[b.link] = b, b
	return b
}

func (s *Server) createBoard(q *call) (any, error) {
	var name, desc string
	if err := q.text("name", &name, true, s.limits.TextChars); err != nil {
		return nil, err
	}
	if err := q.text("desc", &desc, false, s.limits.TextChars); err != nil {
		return nil, err
	}
	var home *org
	if v := q.str("idOrganization"); v != "" && v != "null" {
		var err error
		if home, err = s.findOrg(v); err != nil {
			return nil, invalid("idOrganization")
		}
		open := 0
		for _, b := range s.boards {
			if b.org == home && !b.closed {
				open++
			}
		}
		if err := check(s.limits.BoardsPerWorkspace, open, "ORG_TOO_MANY_BOARDS"); err != nil {
			return nil, err
		}
	}
	lists, labels := true, true
	if err := q.flag("defaultLists", &lists); err != nil {
		return nil, err
	}
	if err := q.flag("defaultLabels", &labels); err != nil {
		return nil, err
	}
	prefs := newPrefs()
	if err := q.prefs(prefs, "prefs_"); err != nil {
		return nil, err
	}
	b := s.newBoard(name, s.me, q.at)
	b.desc, b.org, b.prefs = desc, home, prefs
	if q.str("idBoardSource") != "" {
		b.desc = "" // a copy takes its lists from the source, says the recorded answer
		lists = false
	}
	if labels {
		for _, c := range []string{"green", "yellow", "orange", "red", "purple", "blue"} {
			s.newLabel(b, "", c, q.at)
		}
	}
	if lists {
		for i, name := range []string{"To Do", "Doing", "Done"} {
			s.newList(b, name, float64(i+1)*16384, q.at)
		}
	}
	s.note(q, &action{typ: "createBoard", board: b, data: map[string]any{}})
	return s.showBoard(b), nil
}

// choices are the values of preferences that the contract names.
var choices = map[string][]string{
	"permissionLevel": {"org", "private", "public", "enterprise"}, "voting": {"disabled", "members", "observers", "org", "public"},
	"comments": {"disabled", "members", "observers", "org", "public"}, "invitations": {"members", "admins"}, "cardAging": {"regular", "pirate"},
}

// backgrounds are the colors of the plain backgrounds.
var backgrounds = map[string]string{"blue": "#0079BF", "orange": "#D29034", "green": "#519839", "red": "#B04632", "purple": "#89609E",
	"pink": "#CD5A91", "lime": "#4BBF6B", "sky": "#00AECC", "grey": "#838C91"}

// prefs reads preferences: prefs_voting on creation, prefs/voting afterwards.
func (q *call) prefs(into map[string]any, prefix string) error {
	for name, v := range q.vals {
		key, ok := strings.CutPrefix(name, prefix)
		if !ok || v == "" {
			continue
		}
		if allowed, ok := choices[key]; ok && !slices.Contains(allowed, v) {
			return invalid(name)
		}
		switch old := into[key].(type) {
		case bool:
			into[key] = v == "true"
			if v != "true" && v != "false" {
				into[key] = old
				return invalid(name)
			}
		case string:
			into[key] = v
		}
		if hex, ok := backgrounds[v]; ok && key == "background" {
			into["backgroundImage"], into["backgroundImageScaled"], into["backgroundBrightness"] = nil, nil, "dark"
			into["backgroundColor"], into["backgroundBottomColor"], into["backgroundTopColor"] = hex, hex, hex
		}
	}
	return nil
}

func (s *Server) getBoard(q *call) (any, error) {
	b, err := q.board()
	if err != nil {
		return nil, err
	}
	m := maps.Clone(q.fields("fields", s.showBoard(b), boardFields))
	if q.is("cards") {
		cards, err := s.cardsOf(q, b.cards, q.str("cards"), "card_")
		if err != nil {
			return nil, err
		}
		m["cards"] = cards
	}
	if q.is("lists") {
		m["lists"] = s.listsOf(q, b, q.str("lists"), "list_fields")
	}
	if q.is("labels") {
		labels, err := s.labelsOf(q, b, "labels_limit", "label_fields")
		if err != nil {
			return nil, err
		}
		m["labels"] = labels
	}
	if q.is("members") {
		m["members"] = s.membersOf(q, b.memberships, q.str("members"), "member_fields", memberFields)
	}
	if q.is("memberships") {
		m["memberships"] = showMemberships(b.memberships)
	}
	if q.is("checklists") {
		m["checklists"] = s.checklistsOf(q, b, "checklist_fields")
	}
	if q.is("customFields") {
		m["customFields"] = s.fieldsOf(b)
	}
	if q.is("pluginData") {
		m["pluginData"] = list0(b.pluginData)
	}
	if q.is("organization") && b.org != nil {
		m["organization"] = q.fields("organization_fields", s.showOrg(b.org), []string{"name", "displayName"})
	}
	if q.is("actions") {
		actions, err := s.actionsOf(q, b.actions, "actions_", q.str("actions"))
		if err != nil {
			return nil, err
		}
		m["actions"] = actions
	}
	return m, nil
}

func list0(all []any) []any {
	if all == nil {
		return []any{}
	}
	return all
}

// getBoardField answers one field: an object as it is, another value in _value.
func (s *Server) getBoardField(q *call) (any, error) {
	b, err := q.board()
	if err != nil {
		return nil, err
	}
	return oneField(s.showBoard(b), q.r.PathValue("field"))
}

func oneField(m map[string]any, name string) (any, error) {
	for k, v := range m {
		if !strings.EqualFold(k, name) {
			continue
		}
		switch v.(type) {
		case map[string]any, map[string]string, []any:
			return v, nil
		}
		return map[string]any{"_value": v}, nil
	}
	return nil, missing()
}

func (s *Server) updateBoard(q *call) (any, error) {
	b, err := q.board()
	if err != nil {
		return nil, err
	}
	if err := s.canWrite(b); err != nil {
		return nil, err
	}
	n, prefs := *b, maps.Clone(b.prefs)
	for _, err := range []error{q.rename(&n.name), q.text("desc", &n.desc, false, s.limits.TextChars), q.flag("closed", &n.closed), q.flag("subscribed", &n.subscribed), q.prefs(prefs, "prefs/")} {
		if err != nil {
			return nil, err
		}
	}
	if v, sent := q.get("idOrganization"); sent {
		n.org = nil
		if v != "" && v != "null" {
			if n.org, err = s.findOrg(v); err != nil {
				return nil, invalid("idOrganization")
			}
		}
	}
	if ms := b.membership(s.me); n.closed != b.closed && !s.governs(b) && (ms == nil || ms.role != "admin") {
		// https://community.atlassian.com/t5/Trello-articles/Manage-Trello-board-users-and-Permissions/ba-p/2207643
		return nil, denied("unauthorized permission requested")
	}
	old := map[string]any{}
	if n.name != b.name {
		old["name"] = b.name
	}
	if n.closed != b.closed {
		old["closed"] = b.closed
	}
	b.name, b.desc, b.closed, b.subscribed, b.org, b.prefs = n.name, n.desc, n.closed, n.subscribed, n.org, prefs
	s.note(q, &action{typ: "updateBoard", board: b, data: map[string]any{"old": old}})
	return pick(s.showBoard(b), boardFields), nil
}

func (s *Server) deleteBoard(q *call) (any, error) {
	b, err := q.board()
	if err != nil {
		return nil, err
	}
	if ms := b.membership(s.me); ms == nil || ms.role != "admin" {
		return nil, denied("unauthorized permission requested")
	}
	s.dropBoard(b)
	return none(), nil
}

// dropBoard forgets a board with all that is in it.
func (s *Server) dropBoard(b *board) {
	for _, c := range slices.Clone(b.cards) {
		s.dropCard(c)
	}
	for _, l := range b.lists {
		delete(s.ids, l.id)
	}
	for _, l := range b.labels {
		delete(s.ids, l.id)
	}
	for _, f := range b.fields {
		delete(s.ids, f.id)
	}
	for _, a := range b.actions {
		delete(s.ids, a.id)
	}
	delete(s.ids, b.id)
	delete(s.links, b.link)
	s.boards = remove(s.boards, b)
}

func (s *Server) boardMembers(q *call) (any, error) {
	b, err := q.board()
	if err != nil {
		return nil, err
	}
	return s.membersOf(q, b.memberships, q.r.PathValue("filter"), "fields", []string{"fullName", "username"}), nil
}

func (s *Server) boardMemberships(q *call) (any, error) {
	b, err := q.board()
	if err != nil {
		return nil, err
	}
	return s.membershipsOf(q, b.memberships), nil
}

// inviteToBoard adds somebody by e-mail address; a stranger becomes a ghost
// until they accept.
func (s *Server) inviteToBoard(q *call) (any, error) {
	b, err := q.board()
	if err != nil {
		return nil, err
	}
	email := q.str("email")
	if !strings.Contains(email, "@") {
		return nil, invalid("email")
	}
	for _, m := range s.members {
		if m.email == email {
			return s.join(q, b, m)
		}
	}
	name := q.str("fullName")
	if name == "" {
		name = email
	}
	m := s.addMember(Member{Username: "user" + s.hex(4), FullName: name, Email: email, Ghost: true})
	return s.join(q, b, m)
}

func (s *Server) putBoardMember(q *call) (any, error) {
	b, err := q.board()
	if err != nil {
		return nil, err
	}
	m, err := s.findMember(q.r.PathValue("idMember"))
	if err != nil {
		return nil, err
	}
	return s.join(q, b, m)
}

func (s *Server) join(q *call, b *board, m *member) (any, error) {
	if err := s.canWrite(b); err != nil {
		return nil, err
	}
	role := q.str("type")
	if role == "" {
		role = "normal"
	}
	if role != "admin" && role != "normal" && role != "observer" {
		return nil, invalid("type")
	}
	if ms := b.membership(m); ms != nil {
		ms.role = role
	} else {
		b.memberships = append(b.memberships, &membership{id: s.newID(q.at), member: m, role: role})
		s.note(q, &action{typ: "addMemberToBoard", board: b, subject: m, data: map[string]any{"idMemberAdded": m.id, "memberType": role}})
	}
	return map[string]any{"id": b.id, "members": s.team(b), "memberships": showMemberships(b.memberships)}, nil
}

// team is how answers about a board's members list them.
func (s *Server) team(b *board) []any {
	people := []any{}
	for _, ms := range b.memberships {
		people = append(people, pick(s.showMember(ms.member), append([]string{"confirmed", "memberType"}, memberFields...)))
	}
	return people
}

func (s *Server) deleteBoardMember(q *call) (any, error) {
	b, err := q.board()
	if err != nil {
		return nil, err
	}
	m, err := s.findMember(q.r.PathValue("idMember"))
	if err != nil {
		return nil, err
	}
	if err := s.canWrite(b); err != nil {
		return nil, err
	}
	b.memberships = remove(b.memberships, b.membership(m))
	for _, c := range b.cards {
		c.members = remove(c.members, m)
	}
	out := pick(s.showBoard(b), append([]string{"memberships"}, boardFields...))
	out["members"] = s.team(b)
	return out, nil
}

func (s *Server) boardPluginData(q *call) (any, error) {
	b, err := q.board()
	if err != nil {
		return nil, err
	}
	return list0(b.pluginData), nil
}

func (s *Server) boardPlugins(q *call) (any, error) {
	b, err := q.board()
	if err != nil {
		return nil, err
	}
	return list0(b.plugins), nil
}
