package standin

import (
	"net/url"
	"strings"
	"testing"
	"time"
)

// seedRead puts what a recorded answer to a GET shows. p is the path's parts:
// ["cards", id, "attachments"].
func seedRead(t *testing.T, s *Server, p []string, answer []byte, m map[string]any) {
	t.Helper()
	all := objects(answer)
	switch what := strings.ToLower(strings.Join(append([]string{p[0]}, p[min(2, len(p)):]...), "/")); what {
	case "boards":
		seedBoard(t, s, m)
	case "actions/board":
		b := seedBoard(t, s, m)
		s.putActions([]exportAction{{ID: p[1], Type: "commentCard", IDMemberCreator: recorder, Data: map[string]any{"board": map[string]any{"id": b.id}}}})
	case "members/boards", "organizations/boards":
		for _, x := range all {
			b := seedBoard(t, s, x)
			if p[0] == "organizations" && b.org == nil {
				b.org = s.putOrg(p[1])
			}
			if b.membership(s.me) == nil {
				s.putMemberships(b, []exportMembership{{ID: b.id[:20] + "cccc", IDMember: recorder, MemberType: "admin"}})
			}
		}
	case "lists":
		s.putList(someBoard(s, boardID(m)), unmarshal[exportList](t, some(m)))
	case "boards/lists":
		for _, x := range all {
			s.putList(someBoard(s, p[1]), unmarshal[exportList](t, some(x)))
		}
	case "actions/list":
		b := someBoard(s, boardID(m))
		l := s.putList(b, unmarshal[exportList](t, some(m)))
		s.putActions([]exportAction{{ID: p[1], Type: "commentCard", IDMemberCreator: recorder, Data: map[string]any{
			"board": map[string]any{"id": b.id}, "list": map[string]any{"id": l.id}}}})
	case "actions/card":
		seedCard(t, s, m)
		s.putActions([]exportAction{{ID: p[1], Type: "commentCard", IDMemberCreator: recorder, Data: map[string]any{
			"board": map[string]any{"id": boardID(m)}, "card": map[string]any{"id": m["id"]}}}})
	case "cards", "boards/cards/" + p[len(p)-1]:
		seedCard(t, s, m)
		if people, ok := m["members"].([]any); ok {
			c := s.ids[m["id"].(string)].(*card)
			c.members = nil
			for _, x := range people {
				c.members = append(c.members, seedMember(t, s, x.(map[string]any)))
			}
		}
	case "boards/cards", "lists/cards":
		for _, x := range all {
			seedCard(t, s, x)
		}
	case "members/cards":
		for _, x := range all {
			x["idMembers"] = []any{p[1]}
			seedCard(t, s, x)
		}
	case "labels":
		s.putLabel(someBoard(s, boardID(m)), unmarshal[exportLabel](t, some(m)))
	case "boards/labels":
		for _, x := range all {
			s.putLabel(someBoard(s, p[1]), unmarshal[exportLabel](t, some(x)))
		}
	case "checklists":
		b := someBoard(s, boardID(m))
		s.putChecklist(someCard(s, b, m["idCard"].(string)), unmarshal[exportChecklist](t, some(m)))
	case "boards/checklists", "cards/checklists":
		for _, x := range all {
			b := someBoard(s, boardID(x))
			s.putChecklist(someCard(s, b, x["idCard"].(string)), unmarshal[exportChecklist](t, some(x)))
		}
	case "customfields":
		s.putField(someBoard(s, boardID(m)), unmarshal[exportField](t, some(m)))
	case "boards/customfields":
		for _, x := range all {
			s.putField(someBoard(s, p[1]), unmarshal[exportField](t, some(x)))
		}
	case "customfields/options":
		f := seedField(s, p[1])
		f.options = nil
		for _, x := range all {
			f.options = append(f.options, &option{id: x["_id"].(string), text: "seeded", color: "none", pos: x["pos"].(float64)})
		}
	case "customfields/options/" + p[len(p)-1]:
		f := seedField(s, p[1])
		f.options = []*option{{id: m["id"].(string), text: "seeded", color: "none", pos: 1}}
	case "cards/customfielditems":
		c := someCard(s, someBoard(s, boardX), p[1])
		c.values = nil
		for _, x := range all {
			e := unmarshal[exportValue](t, some(x))
			f := s.putField(c.board, exportField{ID: e.IDCustomField, Name: "seeded", Type: "text"})
			if e.IDValue != "" {
				f.options = append(f.options, &option{id: e.IDValue, text: "seeded"})
			}
			s.putValueOf(c, e)
		}
	case "cards/attachments":
		c := someCard(s, someBoard(s, boardX), p[1])
		for _, x := range all {
			s.putAttachment(c, unmarshal[exportAttachment](t, some(x)))
		}
	case "cards/attachments/" + p[len(p)-1]:
		s.putAttachment(someCard(s, someBoard(s, boardX), p[1]), unmarshal[exportAttachment](t, some(m)))
	case "cards/plugindata":
		c := someCard(s, someBoard(s, boardX), p[1])
		c.pluginData = nil
		for _, x := range all {
			c.pluginData = append(c.pluginData, x)
		}
	case "cards/membersvoted", "cards/members":
		c := someCard(s, someBoard(s, boardX), p[1])
		c.voters = nil
		for _, x := range all {
			n := seedMember(t, s, x)
			if what == "cards/members" {
				c.members = append(remove(c.members, n), n)
			} else {
				c.voters = append(c.voters, n)
			}
		}
	case "boards/members", "organizations/members/all":
		for _, x := range all {
			n := seedMember(t, s, x)
			if p[0] == "boards" {
				s.putMemberships(someBoard(s, p[1]), []exportMembership{{ID: p[1][:20] + "cccc", IDMember: n.id, MemberType: "admin"}})
			} else {
				s.putOrg(p[1])
			}
		}
	case "members":
		seedMember(t, s, m)
	case "organizations":
		o := s.putOrg(m["id"].(string))
		o.name = m["name"].(string)
		o.displayName, _ = m["displayName"].(string)
		o.teamType, o.desc = m["teamType"], ""
		o.extra = m
	case "members/organizations":
		for _, x := range all {
			o := s.putOrg(x["id"].(string))
			o.name, o.displayName, o.teamType, o.extra = x["name"].(string), x["displayName"].(string), x["teamType"], x
			o.creator = s.me
			for _, id := range x["idBoards"].([]any) {
				someBoard(s, id.(string)).org = o
			}
		}
	case "actions":
		seedActions(t, s, []any{m})
	case "boards/actions", "cards/actions", "lists/actions", "members/actions", "organizations/actions":
		var list []any
		for _, x := range all {
			list = append(list, x)
		}
		seedActions(t, s, list)
	case "notifications":
		seedNotification(t, s, m)
	case "members/notifications":
		for _, x := range all {
			seedNotification(t, s, x)
		}
	case "webhooks":
		seedWebhook(s, m)
	case "tokens":
		for _, x := range m["webhooks"].([]any) {
			seedWebhook(s, x.(map[string]any))
		}
	case "cards/checkitemstates", "boards/plugindata", "boards/labelnames":
		// seeded by the request before, or nothing to seed
	default:
		t.Fatalf("no way to seed %s", what)
	}
}

// seedNotification puts one into the inbox of the member who recorded it.
func seedNotification(t *testing.T, s *Server, m map[string]any) {
	t.Helper()
	e := unmarshal[struct {
		ID, Type, IDAction string
		Date, DateRead     time.Time
		Data               map[string]any
		MemberCreator      map[string]any
	}](t, some(m))
	s.putNotification(&notification{id: e.ID, typ: e.Type, to: s.me, creator: seedMember(t, s, e.MemberCreator), action: e.IDAction, date: e.Date, read: e.DateRead, data: e.Data})
}

// seedWebhook puts one of the token's, unless a request before did.
func seedWebhook(s *Server, m map[string]any) {
	if s.ids[m["id"].(string)] == nil {
		h := &webhook{id: m["id"].(string), token: s.token, description: m["description"].(string), model: m["idModel"].(string), callback: m["callbackURL"].(string), active: m["active"].(bool)}
		someBoard(s, h.model)
		s.putWebhook(h)
	}
}

func seedField(s *Server, id string) *field {
	if f, ok := s.ids[id].(*field); ok {
		return f
	}
	return s.putField(someBoard(s, boardX), exportField{ID: id, Name: "seeded", Type: "list"})
}

// seedWrite puts what a write refers to, by its path, its form and its answer.
func seedWrite(t *testing.T, s *Server, p []string, form url.Values, m map[string]any) {
	t.Helper()
	b := boardX
	if v := form.Get("idBoard"); v != "" {
		b = v
	} else if id := boardID(m); id != boardX {
		b = id
	}
	home := someBoard(s, b)
	for name, values := range form {
		v := values[len(values)-1]
		switch name {
		case "idList":
			someList(s, home, v)
		case "idCardSource", "idCard":
			someCard(s, home, v)
		case "idChecklistSource":
			if s.ids[v] == nil {
				s.putChecklist(someCard(s, home, cardX), exportChecklist{ID: v, Name: "Checklist", CheckItems: []exportItem{{ID: v[:20] + "dddd", Name: "a", Pos: 1}}})
			}
		case "idBoardSource":
			someBoard(s, v)
		case "idOrganization":
			s.putOrg(v)
		case "idMembers", "idLabels":
			for id := range strings.SplitSeq(v, ",") {
				if id == "" {
					continue
				}
				if name == "idLabels" {
					s.putLabel(home, exportLabel{ID: id, Color: "green"})
					continue
				}
				s.putMemberships(home, []exportMembership{{ID: id[:20] + "dddd", IDMember: id, MemberType: "normal"}})
			}
		case "idModel":
			someBoard(s, v)
		case "value":
			if p[len(p)-1] == "idMembers" {
				c := someCard(s, home, p[1])
				s.putMemberships(c.board, []exportMembership{{ID: v[:20] + "dddd", IDMember: v, MemberType: "normal"}})
			}
			if p[len(p)-1] == "idBoard" {
				to := someBoard(s, v)
				someList(s, to, to.id[:20]+"bbbb")
				if l := form.Get("idList"); l != "" && s.ids[l].(*list).board != to {
					s.ids[l].(*list).board.lists = remove(s.ids[l].(*list).board.lists, s.ids[l].(*list))
					delete(s.ids, l)
					someList(s, to, l)
				}
			}
			if p[len(p)-1] == "idList" {
				c := someCard(s, home, p[1])
				if l, ok := s.ids[v].(*list); !ok || l.board != c.board {
					someList(s, c.board, v)
				}
			}
		}
	}
	if len(p) < 2 || !objectID.MatchString(p[1]) || s.ids[p[1]] != nil {
		if len(p) == 4 && p[0] == "cards" && p[2] == "customField" || len(p) == 5 && p[2] == "customField" {
			if s.ids[p[3]] == nil {
				s.putField(s.ids[p[1]].(*card).board, exportField{ID: p[3], Name: "seeded", Type: "text"})
			}
		}
		if len(p) == 4 && p[0] == "boards" && p[2] == "members" {
			s.putMember(exportMember{ID: "557a84544757401c6fc036f7", Username: p[3], FullName: "Seeded Member", Initials: "SM", AvatarHash: "44a5", AvatarURL: "https://example.org/44a5"})
		}
		return
	}
	switch p[0] {
	case "cards":
		c := someCard(s, home, p[1])
		if len(p) == 5 && p[2] == "customField" && s.ids[p[3]] == nil {
			s.putField(c.board, exportField{ID: p[3], Name: "seeded", Type: "text"})
		}
	case "lists":
		someList(s, home, p[1])
	case "labels":
		s.putLabel(home, exportLabel{ID: p[1], Name: "seeded", Color: "green"})
	case "checklists":
		s.putChecklist(someCard(s, home, cardX), exportChecklist{ID: p[1], Name: "seeded", Pos: 1})
	case "customFields":
		typ, _ := m["type"].(string)
		if typ == "" {
			typ = "list"
		}
		f := s.putField(home, exportField{ID: p[1], Name: "seeded", Type: typ})
		if len(p) == 4 {
			f.options = []*option{{id: p[3], text: "seeded"}}
		}
	case "boards":
		someBoard(s, p[1])
	case "organizations":
		s.putOrg(p[1])
	}
}
