package standin

import (
	"regexp"
	"strings"

	shared "github.com/rialto-migrate/rialto/connector/standin"
)

var mention = regexp.MustCompile(`@([A-Za-z0-9_]+)`)

// tell sends the messages that an action gives, by the types that
// GET /1/members/{id}/notifications filters by. Nobody is told of what they did
// themselves.
func (s *Server) tell(a *action) {
	send := func(kind, about string, to ...*member) {
		told := map[*member]bool{a.creator: true}
		for _, m := range to {
			if m != nil && !told[m] {
				told[m] = true
				s.outbox.Send(shared.Notice{Kind: kind, To: m.id, About: about})
				s.putNotification(&notification{id: s.newID(a.date), typ: kind, to: m, creator: a.creator, action: a.id, board: a.board, date: a.date, data: a.details()})
			}
		}
	}
	switch a.typ {
	case "addMemberToBoard":
		send("addedToBoard", a.board.id, a.subject)
	case "createCard":
		send("addedToCard", a.card.id, a.card.members...)
	case "addMemberToCard":
		send("addedToCard", a.card.id, a.subject)
	case "removeMemberFromCard":
		send("removedFromCard", a.card.id, a.subject)
	case "addAttachmentToCard":
		send("addedAttachmentToCard", a.card.id, a.card.members...)
	case "updateCard":
		old, _ := a.data["old"].(map[string]any)
		for _, field := range []string{"due", "idList", "closed"} {
			if _, changed := old[field]; changed {
				send("changeCard", a.card.id, a.card.members...)
			}
		}
	case "commentCard":
		text, _ := a.details()["text"].(string)
		var named []*member
		for _, m := range mention.FindAllStringSubmatch(text, -1) {
			for _, ms := range a.board.memberships {
				if strings.EqualFold(m[1], "board") || strings.EqualFold(m[1], ms.member.username) {
					named = append(named, ms.member)
				}
			}
			if strings.EqualFold(m[1], "card") {
				named = append(named, a.card.members...)
			}
		}
		send("mentionedOnCard", a.card.id, named...)
		send("commentCard", a.card.id, a.card.members...)
	}
}

// tellAssigned tells who is newly assigned to an entry of a checklist
// (support.atlassian.com/trello/docs/how-to-use-advanced-checklists-to-set-due-dates).
// The contract names no type of notification for it, so that the API gives none.
func (s *Server) tellAssigned(q *call, i *checkItem, before *member) {
	by := s.me
	if q.by != nil {
		by = q.by
	}
	if i.member != nil && i.member != before && i.member != by {
		s.outbox.Send(shared.Notice{Kind: "assignedToCheckItem", To: i.member.id, About: i.id})
	}
}

// Notices implements standin.Notifier.
func (s *Server) Notices() []shared.Notice { return s.outbox.Notices() }

// ForgetNotices implements standin.Notifier.
func (s *Server) ForgetNotices() { s.outbox.ForgetNotices() }
