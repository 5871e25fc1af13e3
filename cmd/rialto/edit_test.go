package main

import (
	"fmt"
	"net/http"
	"testing"

	trello "github.com/rialto-migrate/rialto/connectors/trello/standin"
)

// edit changes the source as people would between two runs, and tells what it
// did.
func (m *maker) edit(t testing.TB, s *served) []string {
	t.Helper()
	if s.tenant != nil {
		return m.editPlan(t, s)
	}
	var log []string
	for range 3 + m.IntN(4) {
		did, err := m.editBoard(s.trello)
		if err != nil {
			t.Fatalf("%s: %v", did, err)
		}
		log = append(log, did)
	}
	return log
}

func (m *maker) editBoard(s *trello.Server) (string, error) {
	b := pick(m, s.Boards())
	var cards []trello.CardView
	for _, l := range b.Lists {
		cards = append(cards, l.Cards...)
	}
	if len(cards) == 0 {
		return "nothing", nil
	}
	c, l := pick(m, cards), pick(m, b.Lists)
	if m.chance(0.1) && c.Comments == 0 { // to another board, if there is one; the stand-in leaves comments behind
		l = pick(m, pick(m, s.Boards()).Lists)
	}
	switch m.IntN(13) {
	case 0:
		return "rename " + c.ID, s.EditCard(c.ID, trello.CardEdit{Name: new("Renamed " + m.token("n"))})
	case 1:
		return "describe " + c.ID, s.EditCard(c.ID, trello.CardEdit{Desc: new("Other words " + m.token("d"))})
	case 2:
		return "move to list " + l.ID + ": " + c.ID, s.EditCard(c.ID, trello.CardEdit{List: &l.ID})
	case 3, 4:
		return "reorder " + c.ID, s.EditCard(c.ID, trello.CardEdit{Pos: new(float64(1 + m.IntN(200000)))})
	case 5:
		return fmt.Sprintf("archive %v: %s", !c.Closed, c.ID), s.EditCard(c.ID, trello.CardEdit{Closed: new(!c.Closed)})
	case 6:
		return "tick " + c.ID, s.EditCard(c.ID, trello.CardEdit{Done: new(!c.Done)})
	case 7:
		_, err := s.AddComment(c.ID, m.comment())
		return "comment on " + c.ID, err
	case 8:
		return "delete " + c.ID, s.DeleteCard(c.ID)
	case 9:
		m.titles = nil // what a new card points at has to be there
		for _, c := range cards {
			m.titles = append(m.titles, c.Name)
		}
		card := m.card(testEpoch)
		own := pick(m, b.Lists).ID
		_, err := s.AddCard(own, card)
		return "new card in " + own, err
	case 10:
		_, err := s.AddAttachment(c.ID, m.file())
		return "attach to " + c.ID, err
	case 11:
		if len(c.AttachmentIDs) == 0 {
			return "nothing", nil
		}
		return "detach from " + c.ID, s.DeleteAttachment(c.ID, c.AttachmentIDs[0])
	default:
		if len(c.ItemID) == 0 {
			return "nothing", nil
		}
		return "tick an entry of " + c.ID, s.Tick(pick(m, c.ItemID), m.chance(0.5))
	}
}

// editPlan does the like to a plan, through the API.
func (m *maker) editPlan(t testing.TB, s *served) []string {
	t.Helper()
	plan := s.tenant.Plans()[0].ID
	who := user(0) + "@example.test"
	var log []string
	for range 3 + m.IntN(4) {
		tasks := s.tenant.Tasks(plan)
		if len(tasks) == 0 {
			break
		}
		id := pick(m, tasks).ID
		method, path, body := http.MethodPatch, "planner/tasks/"+id, map[string]any{}
		switch m.IntN(6) {
		case 0:
			body["title"] = "Renamed " + m.token("n")
		case 1:
			_, out := s.tenant.Do(who, http.MethodGet, "planner/plans/"+plan+"/buckets", nil)
			buckets := out["value"].([]any)
			body["bucketId"] = pick(m, buckets).(map[string]any)["id"]
		case 2:
			// The board's own order and the task's: clients keep the two alike.
			other := "planner/tasks/" + pick(m, tasks).ID
			_, there := s.tenant.Do(who, http.MethodGet, other, nil)
			_, shown := s.tenant.Do(who, http.MethodGet, other+"/bucketTaskBoardFormat", nil)
			body["orderHint"] = there["orderHint"].(string) + " !"
			if status, out := s.tenant.Do(who, method, path+"/bucketTaskBoardFormat", map[string]any{"orderHint": shown["orderHint"].(string) + " !"}); status >= 300 {
				t.Fatalf("%s %s: status %d: %v", method, path, status, out)
			}
		case 3:
			body["percentComplete"] = pick(m, []int{0, 100})
		case 4:
			method, body = http.MethodDelete, nil
		case 5:
			path += "/details"
			body["description"] = "Other words " + m.token("d")
		}
		status, out := s.tenant.Do(who, method, path, body)
		if status >= 300 {
			t.Fatalf("%s %s: status %d: %v", method, path, status, out)
		}
		log = append(log, fmt.Sprint(method, " ", path, " ", body))
	}
	return log
}
