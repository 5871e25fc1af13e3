package standin

import (
	"slices"
)

func (l *checklist) sorted() []*checkItem {
	return slices.SortedStableFunc(slices.Values(l.items), func(x, y *checkItem) int { return order(x.pos, y.pos, x.id, y.id) })
}

func (l *checklist) positions(but *checkItem) []float64 {
	var out []float64
	for _, i := range l.items {
		if i != but {
			out = append(out, i.pos)
		}
	}
	return out
}

func (c *card) checklistPositions(but *checklist) []float64 {
	var out []float64
	for _, l := range c.checklists {
		if l != but {
			out = append(out, l.pos)
		}
	}
	return out
}

func (s *Server) dropChecklist(l *checklist) {
	for _, i := range l.items {
		delete(s.ids, i.id)
	}
	delete(s.ids, l.id)
}

// createChecklist answers POST /checklists and POST /cards/{id}/checklists.
func (s *Server) createChecklist(q *call) (any, error) {
	var c *card
	var err error
	if q.r.PathValue("id") != "" {
		c, err = q.card()
	} else {
		c, err = refer[*card](q, "idCard")
	}
	if err != nil {
		return nil, err
	}
	if err := s.canWrite(c.board); err != nil {
		return nil, err
	}
	var source *checklist
	name := "Checklist"
	if q.str("idChecklistSource") != "" {
		if source, err = refer[*checklist](q, "idChecklistSource"); err != nil {
			return nil, err
		}
		name = source.name
	}
	if q.str("name") != "" {
		if err := q.rename(&name); err != nil {
			return nil, err
		}
	}
	if err := check(s.limits.ChecklistsPerCard, len(c.checklists), "CARD_TOO_MANY_CHECKLISTS"); err != nil {
		return nil, err
	}
	pos, err := q.pos("pos", c.checklistPositions(nil), 16384, 0)
	if err != nil {
		return nil, err
	}
	var l *checklist
	if source != nil {
		l = s.copyChecklist(q, source, c, name, pos)
	} else {
		l = &checklist{id: s.newID(q.at), name: name, card: c, pos: pos}
		c.checklists = append(c.checklists, l)
		s.ids[l.id] = l
	}
	c.touch(q.at)
	s.note(q, &action{typ: "addChecklistToCard", board: c.board, card: c, data: map[string]any{"card": briefCard(c), "checklist": map[string]any{"id": l.id, "name": l.name}}})
	return q.showChecklist(l, "", ""), nil
}

// copyChecklist copies a checklist; nothing in the copy is done yet.
func (s *Server) copyChecklist(q *call, from *checklist, to *card, name string, pos float64) *checklist {
	l := &checklist{id: s.newID(q.at), name: name, card: to, pos: pos}
	for _, i := range from.items {
		n := &checkItem{id: s.newID(q.at), name: i.name, pos: i.pos}
		l.items = append(l.items, n)
		s.ids[n.id] = n
	}
	to.checklists = append(to.checklists, l)
	s.ids[l.id] = l
	return l
}

func (s *Server) checklist(q *call) (*checklist, error) {
	return find[*checklist](s, q.r.PathValue("id"))
}

func (s *Server) getChecklist(q *call) (any, error) {
	l, err := s.checklist(q)
	if err != nil {
		return nil, err
	}
	return q.showChecklist(l, "fields", "checkItem_fields"), nil
}

func (s *Server) updateChecklist(q *call) (any, error) {
	l, err := s.checklist(q)
	if err != nil {
		return nil, err
	}
	if err := s.canWrite(l.card.board); err != nil {
		return nil, err
	}
	n := *l
	if err := q.rename(&n.name); err != nil {
		return nil, err
	}
	if n.pos, err = q.pos("pos", l.card.checklistPositions(l), 16384, l.pos); err != nil {
		return nil, err
	}
	*l = n
	l.card.touch(q.at)
	return q.showChecklist(l, "", ""), nil
}

func (s *Server) deleteChecklist(q *call) (any, error) {
	l, err := s.checklist(q)
	if err != nil {
		return nil, err
	}
	return s.takeChecklist(q, l)
}

func (s *Server) deleteCardChecklist(q *call) (any, error) {
	c, err := q.card()
	if err != nil {
		return nil, err
	}
	l, err := find[*checklist](s, q.r.PathValue("x"))
	if err != nil {
		return nil, err
	}
	if l.card != c {
		return nil, missing()
	}
	return s.takeChecklist(q, l)
}

func (s *Server) takeChecklist(q *call, l *checklist) (any, error) {
	if err := s.canWrite(l.card.board); err != nil {
		return nil, err
	}
	s.dropChecklist(l)
	l.card.checklists = remove(l.card.checklists, l)
	l.card.touch(q.at)
	return removed(), nil
}

func (q *call) checklistsOfCard(c *card, fields, itemFields string) []any {
	out := []any{}
	for _, l := range slices.SortedStableFunc(slices.Values(c.checklists), func(x, y *checklist) int { return order(x.pos, y.pos, x.id, y.id) }) {
		out = append(out, q.showChecklist(l, fields, itemFields))
	}
	return out
}

func (s *Server) cardChecklists(q *call) (any, error) {
	c, err := q.card()
	if err != nil {
		return nil, err
	}
	return q.checklistsOfCard(c, "fields", "checkItem_fields"), nil
}

func (s *Server) boardChecklists(q *call) (any, error) {
	b, err := q.board()
	if err != nil {
		return nil, err
	}
	return s.checklistsOf(q, b, "fields"), nil
}

func (s *Server) checklistsOf(q *call, b *board, fields string) []any {
	out := []any{}
	for _, c := range b.cards {
		out = append(out, q.checklistsOfCard(c, fields, "checkItem_fields")...)
	}
	return out
}

func (s *Server) checkItems(q *call) (any, error) {
	l, err := s.checklist(q)
	if err != nil {
		return nil, err
	}
	out := []any{}
	for _, i := range l.sorted() {
		out = append(out, q.fields("fields", showItem(l, i), nil))
	}
	return out, nil
}

func (s *Server) createItem(q *call) (any, error) {
	l, err := s.checklist(q)
	if err != nil {
		return nil, err
	}
	if err := s.canWrite(l.card.board); err != nil {
		return nil, err
	}
	i := &checkItem{}
	if err := q.text("name", &i.name, true, s.limits.TextChars); err != nil {
		return nil, err
	}
	if err := q.flag("checked", &i.done); err != nil {
		return nil, err
	}
	if err := s.fillItem(q, i, l); err != nil {
		return nil, err
	}
	if err := check(s.limits.CheckItemsPerChecklist, len(l.items), "CHECKLIST_TOO_MANY_CHECKITEMS"); err != nil {
		return nil, err
	}
	if i.pos, err = q.pos("pos", l.positions(nil), 16384, 0); err != nil {
		return nil, err
	}
	i.id = s.newID(q.at)
	l.items = append(l.items, i)
	s.ids[i.id] = i
	l.card.touch(q.at)
	s.tellAssigned(q, i, nil)
	m := showItem(l, i)
	m["nameData"], m["limits"] = textData(i.name), map[string]any{}
	return m, nil
}

func (s *Server) fillItem(q *call, i *checkItem, l *checklist) error {
	if err := q.date("due", &i.due); err != nil {
		return err
	}
	if v, sent := q.get("idMember"); sent {
		i.member = nil
		if v != "" && v != "null" {
			m, ok := s.ids[v].(*member)
			if !ok || l.card.board.membership(m) == nil {
				return invalid("idMember")
			}
			i.member = m
		}
	}
	return nil
}

// item finds an entry by a path that names its checklist or its card.
func (s *Server) item(q *call) (*checklist, *checkItem, error) {
	in, err := find[any](s, q.r.PathValue("id"))
	if err != nil {
		return nil, nil, err
	}
	var lists []*checklist
	switch in := in.(type) {
	case *checklist:
		lists = []*checklist{in}
	case *card:
		lists = in.checklists
	}
	for _, l := range lists {
		for _, i := range l.items {
			if i.id == q.r.PathValue("x") {
				return l, i, nil
			}
		}
	}
	return nil, nil, missing()
}

func (s *Server) getItem(q *call) (any, error) {
	l, i, err := s.item(q)
	if err != nil {
		return nil, err
	}
	return q.fields("fields", showItem(l, i), nil), nil
}

func (s *Server) getCardItem(q *call) (any, error) { return s.getItem(q) }

func (s *Server) updateCardItem(q *call) (any, error) {
	l, i, err := s.item(q)
	if err != nil {
		return nil, err
	}
	if err := s.canWrite(l.card.board); err != nil {
		return nil, err
	}
	n, to := *i, l
	if err := q.rename(&n.name); err != nil {
		return nil, err
	}
	switch v, sent := q.get("state"); {
	case !sent:
	case v == "complete" || v == "true":
		n.done = true
	case v == "incomplete" || v == "false":
		n.done = false
	default:
		return nil, invalid("state")
	}
	if q.str("idChecklist") != "" {
		if to, err = refer[*checklist](q, "idChecklist"); err != nil {
			return nil, err
		}
		if to.card != l.card {
			return nil, invalid("idChecklist")
		}
	}
	if err := s.fillItem(q, &n, to); err != nil {
		return nil, err
	}
	if n.pos, err = q.pos("pos", to.positions(i), 16384, i.pos); err != nil {
		return nil, err
	}
	if n.done != i.done {
		state := "incomplete"
		if n.done {
			state = "complete"
		}
		s.note(q, &action{typ: "updateCheckItemStateOnCard", board: l.card.board, card: l.card, data: map[string]any{"card": briefCard(l.card),
			"checklist": map[string]any{"id": to.id, "name": to.name}, "checkItem": map[string]any{"id": i.id, "name": n.name, "state": state}}})
	}
	s.tellAssigned(q, &n, i.member)
	*i = n
	if to != l {
		l.items = remove(l.items, i)
		to.items = append(to.items, i)
	}
	l.card.touch(q.at)
	return showItem(to, i), nil
}

func (s *Server) deleteCardItem(q *call) (any, error) { return s.deleteItem(q) }

func (s *Server) deleteItem(q *call) (any, error) {
	l, i, err := s.item(q)
	if err != nil {
		return nil, err
	}
	if err := s.canWrite(l.card.board); err != nil {
		return nil, err
	}
	l.items = remove(l.items, i)
	delete(s.ids, i.id)
	l.card.touch(q.at)
	return removed(), nil
}
