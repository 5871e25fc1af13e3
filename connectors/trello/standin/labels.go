package standin

import (
	"slices"
	"strings"
	"time"
)

func (s *Server) newLabel(b *board, name, color string, at time.Time) *label {
	l := &label{id: s.newID(at), name: name, color: color, board: b}
	b.labels = append(b.labels, l)
	s.ids[l.id] = l
	return l
}

// color reads a label's color: one of the ten, perhaps _dark or _light, or
// null for none.
func (q *call) color(into *string, required bool) error {
	v, sent := q.get("color")
	if !sent {
		if required {
			return invalid("color")
		}
		return nil
	}
	if v == "null" || v == "" {
		*into = ""
		return nil
	}
	if !slices.Contains(colors, strings.TrimSuffix(strings.TrimSuffix(v, "_dark"), "_light")) {
		return invalid("color")
	}
	*into = v
	return nil
}

// createLabel answers POST /labels and POST /boards/{id}/labels.
func (s *Server) createLabel(q *call) (any, error) {
	var name, color string
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
	if _, sent := q.get("name"); !sent {
		return nil, invalid("name")
	}
	if err := q.text("name", &name, false, s.limits.TextChars); err != nil {
		return nil, err
	}
	if err := q.color(&color, true); err != nil {
		return nil, err
	}
	if err := check(s.limits.LabelsPerBoard, len(b.labels), "BOARD_TOO_MANY_LABELS"); err != nil {
		return nil, err
	}
	m := showLabel(s.newLabel(b, name, color, q.at))
	m["limits"] = map[string]any{}
	return m, nil
}

func (s *Server) label(q *call) (*label, error) { return find[*label](s, q.r.PathValue("id")) }

func (s *Server) getLabel(q *call) (any, error) {
	l, err := s.label(q)
	if err != nil {
		return nil, err
	}
	m := showLabel(l)
	m["uses"] = labelUses(l)
	return q.fields("fields", m, nil), nil
}

func (s *Server) updateLabel(q *call) (any, error) {
	l, err := s.label(q)
	if err != nil {
		return nil, err
	}
	if err := s.canWrite(l.board); err != nil {
		return nil, err
	}
	n := *l
	if err := q.text("name", &n.name, false, s.limits.TextChars); err != nil {
		return nil, err
	}
	if err := q.color(&n.color, false); err != nil {
		return nil, err
	}
	*l = n
	return showLabel(l), nil
}

func (s *Server) deleteLabel(q *call) (any, error) {
	l, err := s.label(q)
	if err != nil {
		return nil, err
	}
	if err := s.canWrite(l.board); err != nil {
		return nil, err
	}
	for _, c := range l.board.cards {
		c.labels = remove(c.labels, l)
	}
	l.board.labels = remove(l.board.labels, l)
	delete(s.ids, l.id)
	return removed(), nil
}

func (s *Server) boardLabels(q *call) (any, error) {
	b, err := q.board()
	if err != nil {
		return nil, err
	}
	return s.labelsOf(q, b, "limit", "fields")
}

// labelsOf lists a board's labels: 50 unless the limit says otherwise, as the
// contract has it.
func (s *Server) labelsOf(q *call, b *board, limit, fields string) ([]any, error) {
	n, err := q.number(limit, 50, 0, 1000)
	if err != nil {
		return nil, err
	}
	out := []any{}
	for _, l := range b.labels[:min(n, len(b.labels))] {
		m := showLabel(l)
		m["uses"] = labelUses(l)
		out = append(out, q.fields(fields, m, nil))
	}
	return out, nil
}
