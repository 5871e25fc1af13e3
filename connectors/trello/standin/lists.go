package standin

import (
	"slices"
	"strings"
	"time"
)

func (s *Server) newList(b *board, name string, pos float64, at time.Time) *list {
	l := &list{id: s.newID(at), name: name, board: b, pos: pos}
	b.lists = append(b.lists, l)
	s.ids[l.id] = l
	return l
}

func (b *board) listPositions(but *list) []float64 {
	var out []float64
	for _, l := range b.lists {
		if l != but {
			out = append(out, l.pos)
		}
	}
	return out
}

// createList answers POST /lists and POST /boards/{id}/lists.
func (s *Server) createList(q *call) (any, error) {
	var name string
	if err := q.text("name", &name, true, s.limits.TextChars); err != nil {
		return nil, err
	}
	var b *board
	var err error
	if q.r.PathValue("id") != "" {
		b, err = q.board()
	} else {
		b, err = refer[*board](q, "idBoard")
	}
	if err != nil {
		return nil, err
	}
	if err := s.canWrite(b); err != nil {
		return nil, err
	}
	if err := check(s.limits.OpenListsPerBoard, b.openLists(), "BOARD_TOO_MANY_OPEN_LISTS"); err != nil {
		return nil, err
	}
	pos, err := q.listPos(b, nil)
	if err != nil {
		return nil, err
	}
	l := s.newList(b, name, pos, q.at)
	b.active = q.at
	s.note(q, &action{typ: "createList", board: b, data: map[string]any{"list": briefList(l)}})
	m := pick(s.showList(l), listFields)
	m["limits"] = map[string]any{}
	return m, nil
}

// listPos reads a list's position. A new list comes first unless it says
// otherwise, as the recorded answers show.
func (q *call) listPos(b *board, l *list) (float64, error) {
	old := 0.0
	if l != nil {
		old = l.pos
	} else if _, sent := q.get("pos"); !sent {
		q.vals["pos"] = "top"
	}
	return q.pos("pos", b.listPositions(l), 65535, old)
}

func (s *Server) getList(q *call) (any, error) {
	l, err := q.listed()
	if err != nil {
		return nil, err
	}
	return q.fields("fields", s.showList(l), listFields), nil
}

func (s *Server) updateList(q *call) (any, error) {
	l, err := q.listed()
	if err != nil {
		return nil, err
	}
	if err := s.canWrite(l.board); err != nil {
		return nil, err
	}
	n := *l
	for _, err := range []error{q.rename(&n.name), q.flag("closed", &n.closed), q.flag("subscribed", &n.subscribed)} {
		if err != nil {
			return nil, err
		}
	}
	if q.str("idBoard") != "" {
		if n.board, err = refer[*board](q, "idBoard"); err != nil {
			return nil, err
		}
	}
	if n.pos, err = q.listPos(n.board, l); err != nil {
		return nil, err
	}
	if n.board != l.board {
		for _, c := range l.cards() {
			c.move(n.board)
		}
		l.board.lists = remove(l.board.lists, l)
		n.board.lists = append(n.board.lists, l)
	}
	old := map[string]any{}
	if n.closed != l.closed {
		old["closed"] = l.closed
	}
	if n.name != l.name {
		old["name"] = l.name
	}
	l.board.active = q.at
	*l = n
	s.note(q, &action{typ: "updateList", board: l.board, data: map[string]any{"old": old, "list": briefList(l)}})
	return pick(s.showList(l), listFields), nil
}

// passes applies the filter of lists and cards: all, open, closed, visible.
func passes(closed bool, filter string) bool {
	switch strings.TrimSpace(filter) {
	case "open", "visible":
		return !closed
	case "closed":
		return closed
	}
	return true
}

func (s *Server) boardLists(q *call) (any, error) {
	b, err := q.board()
	if err != nil {
		return nil, err
	}
	filter := q.r.PathValue("filter")
	if filter == "" {
		filter = q.str("filter")
	}
	if filter == "" {
		filter = "open"
	}
	out := s.listsOf(q, b, filter, "fields")
	if q.is("cards") {
		at := 0
		for _, l := range b.sorted() {
			if !passes(l.closed, filter) {
				continue
			}
			cards, err := s.cardsOf(q, l.cards(), q.str("cards"), "card_")
			if err != nil {
				return nil, err
			}
			out[at].(map[string]any)["cards"] = cards
			at++
		}
	}
	return out, nil
}

func (s *Server) listsOf(q *call, b *board, filter, fields string) []any {
	out := []any{}
	for _, l := range b.sorted() {
		if passes(l.closed, filter) {
			out = append(out, q.fields(fields, s.showList(l), listFields))
		}
	}
	return out
}

func (s *Server) listCards(q *call) (any, error) {
	l, err := q.listed()
	if err != nil {
		return nil, err
	}
	filter := q.r.PathValue("filter")
	if filter == "" {
		filter = q.str("filter")
	}
	if filter == "" {
		filter = "open"
	}
	return s.cardsOf(q, l.cards(), filter, "")
}

func (s *Server) listBoard(q *call) (any, error) {
	l, err := q.listed()
	if err != nil {
		return nil, err
	}
	return q.fields("fields", s.showBoard(l.board), boardFields), nil
}

func (s *Server) listActions(q *call) (any, error) {
	l, err := q.listed()
	if err != nil {
		return nil, err
	}
	var all []*action
	for _, a := range l.board.actions {
		for _, key := range []string{"list", "listBefore", "listAfter"} {
			if m, ok := a.details()[key].(map[string]any); ok && m["id"] == l.id {
				all = append(all, a)
				break
			}
		}
	}
	return s.actionsOf(q, all, "", "all")
}

func (s *Server) archiveAllCards(q *call) (any, error) {
	l, err := q.listed()
	if err != nil {
		return nil, err
	}
	if err := s.canWrite(l.board); err != nil {
		return nil, err
	}
	for _, c := range l.cards() {
		c.closed = true
		c.touch(q.at)
	}
	return map[string]any{}, nil
}

func (s *Server) moveAllCards(q *call) (any, error) {
	l, err := q.listed()
	if err != nil {
		return nil, err
	}
	to, err := refer[*list](q, "idList")
	if err != nil {
		return nil, err
	}
	b, err := refer[*board](q, "idBoard")
	if err != nil {
		return nil, err
	}
	if to.board != b {
		return nil, invalid("idList")
	}
	if err := s.canWrite(l.board); err != nil {
		return nil, err
	}
	out := []any{}
	for _, c := range l.cards() {
		c.move(b)
		c.pos = last(to.cards()) + 16384
		c.list = to
		c.touch(q.at)
		out = append(out, map[string]any{"id": c.id, "idBoard": b.id, "idList": to.id, "pos": c.pos})
	}
	return out, nil
}

func last(all []*card) float64 {
	if len(all) == 0 {
		return 0
	}
	return all[len(all)-1].pos
}

// move takes a card to another board, where it gets a new number; what it had
// of the old board's labels and fields stays behind.
func (c *card) move(b *board) {
	if c.board == b {
		return
	}
	c.board.cards = remove(c.board.cards, c)
	b.cards = append(b.cards, c)
	for _, a := range c.actions { // what was said on a card goes with it
		a.board.actions = remove(a.board.actions, a)
		a.board = b
		b.actions = append(b.actions, a)
	}
	b.lastCard++
	c.short = b.lastCard
	c.board, c.values = b, nil
	c.labels = slices.DeleteFunc(slices.Clone(c.labels), func(l *label) bool { return l.board != b })
}
