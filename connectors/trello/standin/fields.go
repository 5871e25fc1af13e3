package standin

import (
	"slices"
	"strconv"
)

var fieldTypes = []string{"checkbox", "date", "list", "number", "text"}

func (b *board) fieldPositions(but *field) []float64 {
	var out []float64
	for _, f := range b.fields {
		if f != but {
			out = append(out, f.pos)
		}
	}
	return out
}

func (s *Server) createField(q *call) (any, error) {
	b, err := refer[*board](q, "idModel")
	if err != nil {
		return nil, err
	}
	if err := s.canWrite(b); err != nil {
		return nil, err
	}
	if q.str("modelType") != "board" {
		return nil, invalid("modelType")
	}
	f := &field{board: b, typ: q.str("type"), front: true}
	if err := q.text("name", &f.name, true, s.limits.TextChars); err != nil {
		return nil, err
	}
	if !slices.Contains(fieldTypes, f.typ) {
		return nil, invalid("type")
	}
	for _, name := range []string{"display_cardFront", "display/cardFront"} {
		if err := q.flag(name, &f.front); err != nil {
			return nil, err
		}
	}
	if err := check(s.limits.CustomFieldsPerBoard, len(b.fields), "BOARD_TOO_MANY_CUSTOM_FIELDS"); err != nil {
		return nil, err
	}
	if f.pos, err = q.pos("pos", b.fieldPositions(nil), 16384, 0); err != nil {
		return nil, err
	}
	if err := s.firstOptions(q, f); err != nil {
		return nil, err
	}
	f.id, f.group = s.newID(q.at), s.hex(32)
	b.fields = append(b.fields, f)
	s.ids[f.id] = f
	s.note(q, &action{typ: "createCustomField", board: b, data: map[string]any{"customField": map[string]any{"id": f.id, "name": f.name, "type": f.typ}}})
	return s.showField(f), nil
}

// firstOptions reads the options that a list field is made with.
func (s *Server) firstOptions(q *call, f *field) error {
	all, _ := q.json["options"].([]any)
	if f.typ != "list" {
		return nil
	}
	for i, x := range all {
		m, _ := x.(map[string]any)
		v, _ := m["value"].(map[string]any)
		text, ok := v["text"].(string)
		if !ok {
			return invalid("options")
		}
		o := &option{id: s.newID(q.at), text: text, color: "none", pos: float64(i+1) * 16384}
		if c, ok := m["color"].(string); ok && c != "" {
			o.color = c
		}
		if p, ok := m["pos"].(float64); ok && p > 0 {
			o.pos = p
		}
		f.options = append(f.options, o)
	}
	return check(s.limits.OptionsPerCustomField+1, len(f.options), "CUSTOM_FIELD_TOO_MANY_OPTIONS")
}

func (s *Server) field(q *call) (*field, error) { return find[*field](s, q.r.PathValue("id")) }

func (s *Server) getField(q *call) (any, error) {
	f, err := s.field(q)
	if err != nil {
		return nil, err
	}
	return q.fields("fields", s.showField(f), nil), nil
}

func (s *Server) updateField(q *call) (any, error) {
	f, err := s.field(q)
	if err != nil {
		return nil, err
	}
	if err := s.canWrite(f.board); err != nil {
		return nil, err
	}
	n := *f
	if err := q.rename(&n.name); err != nil {
		return nil, err
	}
	if err := q.flag("display/cardFront", &n.front); err != nil {
		return nil, err
	}
	if n.pos, err = q.pos("pos", f.board.fieldPositions(f), 16384, f.pos); err != nil {
		return nil, err
	}
	*f = n
	return s.showField(f), nil
}

func (s *Server) deleteField(q *call) (any, error) {
	f, err := s.field(q)
	if err != nil {
		return nil, err
	}
	if err := s.canWrite(f.board); err != nil {
		return nil, err
	}
	for _, c := range f.board.cards {
		c.values = slices.DeleteFunc(c.values, func(v *value) bool { return v.field == f })
	}
	f.board.fields = remove(f.board.fields, f)
	delete(s.ids, f.id)
	return map[string]any{}, nil
}

func (s *Server) fieldsOf(b *board) []any {
	out := []any{}
	for _, f := range slices.SortedStableFunc(slices.Values(b.fields), func(x, y *field) int { return order(x.pos, y.pos, x.id, y.id) }) {
		out = append(out, s.showField(f))
	}
	return out
}

func (s *Server) boardFields(q *call) (any, error) {
	b, err := q.board()
	if err != nil {
		return nil, err
	}
	return s.fieldsOf(b), nil
}

func (s *Server) fieldOptions(q *call) (any, error) {
	f, err := s.field(q)
	if err != nil {
		return nil, err
	}
	out := []any{}
	for _, o := range f.options {
		out = append(out, showOption(f, o))
	}
	return out, nil
}

func (f *field) option(id string) *option {
	for _, o := range f.options {
		if o.id == id {
			return o
		}
	}
	return nil
}

func (s *Server) addOption(q *call) (any, error) {
	f, err := s.field(q)
	if err != nil {
		return nil, err
	}
	if err := s.canWrite(f.board); err != nil {
		return nil, err
	}
	if f.typ != "list" {
		return nil, bad("custom field is not a list")
	}
	text := q.str("value[text]")
	if text == "" {
		text = q.str("value/text")
	}
	if text == "" || chars(text) > s.limits.TextChars {
		return nil, invalid("value")
	}
	if err := check(s.limits.OptionsPerCustomField, len(f.options), "CUSTOM_FIELD_TOO_MANY_OPTIONS"); err != nil {
		return nil, err
	}
	o := &option{text: text, color: "none"}
	if c := q.str("color"); c != "" {
		o.color = c
	}
	var all []float64
	for _, o := range f.options {
		all = append(all, o.pos)
	}
	if o.pos, err = q.pos("pos", all, 16384, 0); err != nil {
		return nil, err
	}
	o.id = s.newID(q.at)
	f.options = append(f.options, o)
	return showOption(f, o), nil
}

func (s *Server) getOption(q *call) (any, error) {
	f, err := s.field(q)
	if err != nil {
		return nil, err
	}
	if o := f.option(q.r.PathValue("x")); o != nil {
		return showOption(f, o), nil
	}
	return nil, missing()
}

func (s *Server) deleteOption(q *call) (any, error) {
	f, err := s.field(q)
	if err != nil {
		return nil, err
	}
	if err := s.canWrite(f.board); err != nil {
		return nil, err
	}
	o := f.option(q.r.PathValue("x"))
	if o == nil {
		return nil, missing()
	}
	f.options = remove(f.options, o)
	for _, c := range f.board.cards {
		c.values = slices.DeleteFunc(c.values, func(v *value) bool { return v.option == o })
	}
	return map[string]any{}, nil
}

func valuesOf(c *card) []any {
	out := []any{}
	for _, v := range c.values {
		out = append(out, showValue(c, v))
	}
	return out
}

func (s *Server) cardValues(q *call) (any, error) {
	c, err := q.card()
	if err != nil {
		return nil, err
	}
	return valuesOf(c), nil
}

// putValue answers PUT /cards/{id}/customField/{field}/item: {"value":
// {"text"|"number"|"date"|"checked": "…"}} or {"idValue": "…"}; an empty value
// clears. The values are strings, whatever their type
// (https://developer.atlassian.com/cloud/trello/guides/rest-api/getting-started-with-custom-fields/).
func (s *Server) putValue(q *call) (any, error) {
	c, err := s.writableCard(q)
	if err != nil {
		return nil, err
	}
	f, err := find[*field](s, q.r.PathValue("field"))
	if err != nil {
		return nil, err
	}
	if f.board != c.board {
		return nil, invalid("idCustomField")
	}
	next, err := q.value(f)
	if err != nil {
		return nil, err
	}
	c.touch(q.at)
	at := slices.IndexFunc(c.values, func(v *value) bool { return v.field == f })
	if next == nil {
		if at >= 0 {
			c.values = slices.Delete(c.values, at, at+1)
		}
		return map[string]any{"id": "", "value": nil, "idValue": nil, "idCustomField": f.id, "idModel": c.id, "modelType": "card"}, nil
	}
	next.field = f
	if at >= 0 {
		next.id = c.values[at].id
		c.values[at] = next
	} else {
		next.id = s.newID(q.at)
		c.values = append(c.values, next)
	}
	return showValue(c, next), nil
}

// value reads a value that fits the field's type; nil clears it.
func (q *call) value(f *field) (*value, error) {
	if f.typ == "list" {
		id := q.str("idValue")
		if id == "" || id == "null" {
			return nil, nil
		}
		o := f.option(id)
		if o == nil {
			return nil, invalid("idValue")
		}
		return &value{option: o}, nil
	}
	key := map[string]string{"text": "text", "number": "number", "date": "date", "checkbox": "checked"}[f.typ]
	v, sent := q.get("value[" + key + "]")
	if !sent {
		if raw, asked := q.get("value"); asked && (raw == "" || raw == "null") {
			return nil, nil
		}
		if _, object := q.json["value"].(map[string]any); object && len(q.json["value"].(map[string]any)) == 0 {
			return nil, nil
		}
		return nil, bad("Invalid custom field item value.")
	}
	if v == "" || v == "null" {
		return nil, nil
	}
	switch f.typ {
	case "number":
		if _, err := strconv.ParseFloat(v, 64); err != nil {
			return nil, bad("Invalid custom field item value.")
		}
	case "date":
		t, ok := parseTime(v)
		if !ok {
			return nil, bad("Invalid custom field item value.")
		}
		v = t.Format(stamp)
	case "checkbox":
		if v == "false" {
			return nil, nil // an empty box has no item
		}
		if v != "true" {
			return nil, bad("Invalid custom field item value.")
		}
	default:
		if chars(v) > q.s.limits.TextChars {
			return nil, bad("Invalid custom field item value.")
		}
	}
	return &value{value: map[string]any{key: v}}, nil
}
