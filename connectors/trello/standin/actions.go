package standin

import (
	"maps"
	"slices"
	"strings"
)

// note writes an action: who did what, when. Its id and date are given here;
// its creator is the token's owner unless it says somebody else.
func (s *Server) note(q *call, a *action) {
	a.id, a.date = s.newID(q.at), q.at
	if a.creator == nil {
		a.creator = s.me
		if q.by != nil {
			a.creator = q.by
		}
	}
	s.record(a)
	s.tell(a)
}

// details are what an action tells beside its type, its author and its time.
// Those of a generated organisation are made anew each time: kept, they would be
// most of what it weighs.
func (a *action) details() map[string]any {
	if a.data != nil || a.card == nil {
		return a.data
	}
	m := map[string]any{"card": briefCard(a.card), "board": briefBoard(a.card.board), "list": briefList(a.card.list)}
	if a.typ == "commentCard" {
		m["text"], m["textData"] = a.text, textData(a.text)
	}
	return m
}

// record files an action with what it is about.
func (s *Server) record(a *action) {
	s.ids[a.id] = a
	if a.card != nil {
		a.card.actions = append(a.card.actions, a)
	}
	switch {
	case a.board != nil:
		a.board.actions = append(a.board.actions, a)
	case a.org != nil:
		a.org.actions = append(a.org.actions, a)
	}
}

// actionsOf lists actions, newest first, by the filter, limit, before, since,
// page and format of a query whose parameters begin with prefix. standard is
// the filter where none is given.
func (s *Server) actionsOf(q *call, all []*action, prefix, standard string) (any, error) {
	filter := standard
	if v := q.str(prefix + "filter"); v != "" {
		filter = v
	}
	var picked []*action
	for _, a := range all {
		if a.passes(filter) {
			picked = append(picked, a)
		}
	}
	slices.SortFunc(picked, func(a, b *action) int { return strings.Compare(b.id, a.id) })
	ids := make([]string, len(picked))
	for i, a := range picked {
		ids[i] = a.id
	}
	page, err := q.number(prefix+"page", 0, 0, 1000)
	if err != nil {
		return nil, err
	}
	from, to, err := q.window(ids, prefix, 50, page)
	if err != nil {
		return nil, err
	}
	if limit, _ := q.number(prefix+"limit", 50, 0, 1000); page > 0 && page*limit >= 1000 {
		return nil, invalid("page") // known from use: pages reach the newest 1000 alone, before reaches all
	}
	if q.str(prefix+"format") == "count" {
		return map[string]any{"_value": to - from}, nil
	}
	out := make([]any, 0, to-from)
	for _, a := range picked[from:to] {
		out = append(out, s.showAction(q, a, actionPrefix(prefix)))
	}
	return out, nil
}

// actionPrefix is what stands before the names of an action's own parameters
// where actions are nested: actions_limit, but action_fields.
func actionPrefix(prefix string) string { return strings.Replace(prefix, "actions_", "action_", 1) }

// passes applies a filter: "all", types, and types with a field, as
// "updateCard:idList".
func (a *action) passes(filter string) bool {
	for f := range strings.SplitSeq(filter, ",") {
		typ, field, qualified := strings.Cut(strings.TrimSpace(f), ":")
		if typ == "all" || typ == "true" {
			return true
		}
		if typ != a.typ {
			continue
		}
		if !qualified {
			return true
		}
		if old, ok := a.data["old"].(map[string]any); ok {
			if _, ok := old[field]; ok {
				return true
			}
		}
	}
	return false
}

func (s *Server) boardActions(q *call) (any, error) {
	b, err := q.board()
	if err != nil {
		return nil, err
	}
	all := b.actions
	if models := q.list("idModels"); len(models) > 0 {
		all = slices.DeleteFunc(slices.Clone(all), func(a *action) bool { return a.card == nil || !slices.Contains(models, a.card.id) })
	}
	return s.actionsOf(q, all, "", "all")
}

// cardActions answers comments and moves unless a filter says otherwise, as
// the contract has it.
func (s *Server) cardActions(q *call) (any, error) {
	c, err := q.card()
	if err != nil {
		return nil, err
	}
	return s.actionsOf(q, c.actions, "", "commentCard,updateCard:idList")
}

func (s *Server) addComment(q *call) (any, error) {
	c, err := s.writableCard(q)
	if err != nil {
		return nil, err
	}
	var text string
	if err := q.text("text", &text, true, s.limits.TextChars); err != nil {
		return nil, err
	}
	a := &action{typ: "commentCard", board: c.board, card: c, data: map[string]any{"text": text, "textData": textData(text),
		"card": briefCard(c), "board": briefBoard(c.board), "list": briefList(c.list)}}
	s.note(q, a)
	c.comments++
	c.touch(q.at)
	m := s.showAction(q, a, "")
	m["display"] = s.display(a)
	return m, nil
}

func (s *Server) action(q *call) (*action, error) { return find[*action](s, q.r.PathValue("x")) }

func (s *Server) getAction(q *call) (any, error) {
	a, err := s.action(q)
	if err != nil {
		return nil, err
	}
	m := maps.Clone(s.showAction(q, a, ""))
	if m["display"] == nil && q.str("display") != "false" {
		m["display"] = s.display(a)
	}
	return m, nil
}

// display is how Trello's own pages word an action.
func (s *Server) display(a *action) map[string]any {
	entities := map[string]any{}
	if a.creator != nil {
		entities["memberCreator"] = map[string]any{"type": "member", "id": a.creator.id, "username": a.creator.username, "text": a.creator.fullName}
	}
	key := "action_" + a.typ
	if a.card != nil {
		entities["contextOn"] = map[string]any{"type": "translatable", "translationKey": "action_on", "hideIfContext": true, "idContext": a.card.id}
		entities["card"] = map[string]any{"type": "card", "hideIfContext": true, "id": a.card.id, "shortLink": a.card.link, "text": a.card.name}
	}
	if a.typ == "commentCard" {
		key = "action_comment_on_card"
		entities["comment"] = map[string]any{"type": "comment", "text": a.details()["text"]}
	}
	return map[string]any{"translationKey": key, "entities": entities}
}

// ownComment is a comment that the token's owner may change: their own. An
// administrator of the board may delete others' too.
func (s *Server) ownComment(q *call, remove bool) (*action, error) {
	a, err := s.action(q)
	if err != nil {
		return nil, err
	}
	if id := q.r.PathValue("id"); id != "" && (a.card == nil || a.card.id != id && a.card.link != id) {
		return nil, missing()
	}
	if a.typ != "commentCard" {
		return nil, bad("action is not a comment")
	}
	if a.creator == s.me {
		return a, nil
	}
	if ms := a.board.membership(s.me); remove && ms != nil && ms.role == "admin" {
		return a, nil
	}
	return nil, denied("unauthorized permission requested")
}

func (s *Server) updateComment(q *call) (any, error) {
	a, err := s.ownComment(q, false)
	if err != nil {
		return nil, err
	}
	var text string
	if err := q.text("text", &text, true, s.limits.TextChars); err != nil {
		return nil, err
	}
	a.data = maps.Clone(a.details())
	a.data["text"], a.data["textData"], a.data["dateLastEdited"] = text, textData(text), when(q.at)
	a.card.touch(q.at)
	return s.showAction(q, a, ""), nil
}

func (s *Server) deleteComment(q *call) (any, error) {
	a, err := s.ownComment(q, true)
	if err != nil {
		return nil, err
	}
	s.dropAction(a)
	a.card.comments = max(a.card.comments-1, 0)
	a.card.touch(q.at)
	return none(), nil
}

func (s *Server) dropAction(a *action) {
	a.card.actions = remove(a.card.actions, a)
	a.board.actions = remove(a.board.actions, a)
	delete(s.ids, a.id)
}

func (s *Server) actionBoard(q *call) (any, error) {
	a, err := s.action(q)
	if err != nil {
		return nil, err
	}
	if a.board == nil {
		return nil, missing()
	}
	return q.fields("fields", s.showBoard(a.board), nil), nil
}

func (s *Server) actionCard(q *call) (any, error) {
	a, err := s.action(q)
	if err != nil {
		return nil, err
	}
	if a.card == nil {
		return nil, missing()
	}
	return q.fields("fields", s.showCard(q, a.card), nil), nil
}

func (s *Server) actionList(q *call) (any, error) {
	a, err := s.action(q)
	if err != nil {
		return nil, err
	}
	brief, _ := a.details()["list"].(map[string]any)
	id, _ := brief["id"].(string)
	l, ok := s.ids[id].(*list)
	if !ok {
		return nil, missing()
	}
	return q.fields("fields", s.showList(l), nil), nil
}

func (s *Server) actionCreator(q *call) (any, error) {
	a, err := s.action(q)
	if err != nil {
		return nil, err
	}
	if a.creator == nil {
		return nil, missing()
	}
	return q.fields("fields", s.showMember(a.creator), memberFields), nil
}

func (s *Server) reactions(q *call) (any, error) {
	a, err := s.action(q)
	if err != nil {
		return nil, err
	}
	out := []any{}
	for _, r := range a.reacts {
		out = append(out, r)
	}
	return out, nil
}
