package standin

import (
	"maps"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"
)

// newCard makes an empty card at the end of a list.
func (s *Server) newCard(l *list, name string, at time.Time) *card {
	b := l.board
	b.lastCard++
	c := &card{id: s.newID(at), name: name, link: s.newLink(), short: b.lastCard, board: b, list: l, active: at, pos: last(l.cards()) + 16384}
	b.cards = append(b.cards, c)
	s.ids[c.id], s.links[c.link] = c, c
	return c
}

func (l *list) cardPositions(but *card) []float64 {
	var out []float64
	for _, c := range l.board.cards {
		if c.list == l && c != but {
			out = append(out, c.pos)
		}
	}
	return out
}

func (s *Server) createCard(q *call) (any, error) {
	l, err := refer[*list](q, "idList")
	if err != nil {
		return nil, err
	}
	if err := s.canWrite(l.board); err != nil {
		return nil, err
	}
	var source *card
	if q.str("idCardSource") != "" {
		if source, err = refer[*card](q, "idCardSource"); err != nil {
			return nil, err
		}
	}
	n := &card{board: l.board, list: l}
	if source != nil {
		n.name, n.desc = source.name, source.desc
	}
	if err := s.fill(q, n); err != nil {
		return nil, err
	}
	if n.pos, err = q.pos("pos", l.cardPositions(nil), 16384, 0); err != nil {
		return nil, err
	}
	if err := check(s.limits.OpenCardsPerBoard, l.board.open(), "BOARD_TOO_MANY_OPEN_CARDS"); err != nil {
		return nil, err
	}
	if err := check(s.limits.OpenCardsPerList, l.open(), "LIST_TOO_MANY_OPEN_CARDS"); err != nil {
		return nil, err
	}
	var files []*attachment
	if q.file != nil || q.str("urlSource") != "" {
		a, err := s.newAttachment(q, n, q.str("urlSource"))
		if err != nil {
			return nil, err
		}
		files = append(files, a)
	}
	c := s.newCard(l, n.name, q.at)
	id, link, short := c.id, c.link, c.short
	*c = *n
	c.id, c.link, c.short, c.active, c.attachments = id, link, short, q.at, files
	if source != nil {
		s.keep(q, source, c)
	}
	l.board.active = q.at
	s.note(q, &action{typ: "createCard", board: c.board, card: c, data: map[string]any{"list": briefList(l), "card": briefCard(c)}})
	m := s.showCard(q, c)
	m["attachments"], m["stickers"], m["limits"] = s.attachmentsOf(q, c, ""), s.stickersOf(c), map[string]any{}
	return m, nil
}

// fill reads the fields of a card that are written alike on creation and
// afterwards into n, whose board is settled.
func (s *Server) fill(q *call, n *card) error {
	for _, err := range []error{
		q.text("name", &n.name, false, s.limits.TextChars), q.text("desc", &n.desc, false, s.limits.TextChars),
		q.date("due", &n.due), q.date("start", &n.start), q.flag("dueComplete", &n.complete), q.flag("closed", &n.closed),
		q.flag("subscribed", &n.subscribed), q.flag("isTemplate", &n.template),
	} {
		if err != nil {
			return err
		}
	}
	if v, sent := q.get("dueReminder"); sent {
		n.reminder = nil // in minutes before the due date
		if v != "" && v != "null" {
			minutes, err := strconv.Atoi(v)
			if err != nil {
				return invalid("dueReminder")
			}
			n.reminder = minutes
		}
	}
	if _, sent := q.get("idMembers"); sent {
		n.members = nil
		for _, id := range q.list("idMembers") {
			m, ok := s.ids[id].(*member)
			if !ok || n.board.membership(m) == nil {
				return invalid("idMembers")
			}
			if !slices.Contains(n.members, m) {
				n.members = append(n.members, m)
			}
		}
	}
	if _, sent := q.get("idLabels"); sent {
		n.labels = nil
		for _, id := range q.list("idLabels") {
			l, ok := s.ids[id].(*label)
			if !ok || l.board != n.board {
				return invalid("idLabels")
			}
			if !n.has(l) {
				n.labels = append(n.labels, l)
			}
		}
	}
	for _, name := range []string{"address", "locationName", "cardRole"} {
		if v, sent := q.get(name); sent {
			n.extra = over(n.extra, map[string]any{name: nullable(strings.TrimPrefix(v, "null"))})
		}
	}
	if err := q.coordinates(n); err != nil {
		return err
	}
	return q.cover(n)
}

// coordinates reads where a card is: "latitude,longitude", or an object. They
// are told as an object, as by Trello's newer answers.
func (q *call) coordinates(n *card) error {
	v, sent := q.get("coordinates")
	lat, long, ok := strings.Cut(v, ",")
	if x, object := q.get("coordinates[latitude]"); object {
		sent, ok = true, true
		lat, long = x, q.str("coordinates[longitude]")
	}
	if !sent {
		return nil
	}
	if v == "" && !ok || v == "null" {
		n.extra = over(n.extra, map[string]any{"coordinates": nil})
		return nil
	}
	a, err := strconv.ParseFloat(strings.TrimSpace(lat), 64)
	b, err2 := strconv.ParseFloat(strings.TrimSpace(long), 64)
	if !ok || err != nil || err2 != nil || math.Abs(a) > 90 || math.Abs(b) > 180 {
		return invalid("coordinates")
	}
	n.extra = over(n.extra, map[string]any{"coordinates": map[string]any{"latitude": a, "longitude": b}})
	return nil
}

// cover reads the cover: an attachment, or a color with a size.
func (q *call) cover(n *card) error {
	if v, sent := q.get("idAttachmentCover"); sent {
		if v != "" && v != "null" && n.attachment(v) == nil {
			return invalid("idAttachmentCover")
		}
		n.cover.attachment = strings.TrimPrefix(v, "null")
		n.manualCover = n.cover.attachment != ""
		n.cover.color = ""
	}
	if v, sent := q.get("cover"); sent && (v == "" || v == "null") {
		n.cover, n.manualCover = cover{}, false
	}
	for _, sep := range [][2]string{{"cover[", "]"}, {"cover/", ""}} {
		if v, sent := q.get(sep[0] + "color" + sep[1]); sent {
			v = strings.TrimPrefix(v, "null")
			if v != "" && !slices.Contains(colors, v) {
				return invalid("cover")
			}
			n.cover.color = v
			if v != "" {
				n.cover.attachment, n.manualCover = "", false
			}
		}
		if v, sent := q.get(sep[0] + "idAttachment" + sep[1]); sent {
			v = strings.TrimPrefix(v, "null")
			if v != "" && n.attachment(v) == nil {
				return invalid("cover")
			}
			n.cover.attachment, n.manualCover = v, v != ""
			if v != "" {
				n.cover.color = ""
			}
		}
		if v, sent := q.get(sep[0] + "size" + sep[1]); sent {
			if v != "normal" && v != "full" {
				return invalid("cover")
			}
			n.cover.size = v
		}
		if v, sent := q.get(sep[0] + "brightness" + sep[1]); sent {
			if v != "light" && v != "dark" {
				return invalid("cover")
			}
			n.cover.brightness = v
		}
	}
	return nil
}

// keep copies from another card what keepFromSource names.
func (s *Server) keep(q *call, from, to *card) {
	keep := q.list("keepFromSource")
	has := func(what string) bool {
		return len(keep) == 0 || slices.Contains(keep, "all") || slices.Contains(keep, what)
	}
	if _, sent := q.get("due"); !sent && has("due") {
		to.due = from.due
	}
	if has("checklists") {
		for _, l := range from.checklists {
			s.copyChecklist(q, l, to, l.name, l.pos)
		}
	}
	if has("attachments") {
		for _, a := range from.attachments {
			n := *a
			n.id = s.newID(q.at)
			to.attachments = append(to.attachments, &n)
		}
	}
	if has("comments") {
		for _, a := range from.actions {
			if a.typ == "commentCard" {
				to.comments++
				s.note(q, &action{typ: "copyCommentCard", board: to.board, card: to, data: map[string]any{"text": a.details()["text"], "card": briefCard(to), "cardSource": briefCard(from)}})
			}
		}
	}
}

func (s *Server) getCard(q *call) (any, error) {
	c, err := q.card()
	if err != nil {
		return nil, err
	}
	return s.nestedCard(q, c, "", true)
}

// nestedCard shows a card with what the query asks to lie within it. prefix
// stands before the parameters' names where the card is nested itself.
func (s *Server) nestedCard(q *call, c *card, prefix string, alone bool) (map[string]any, error) {
	m := s.showCard(q, c)
	if !alone && !strings.HasPrefix(q.r.Pattern, "GET /1/members") {
		m["checkItemStates"] = nil // not told of the cards of boards and lists, as recorded
	}
	standard := slices.Sorted(maps.Keys(m))
	standard = slices.DeleteFunc(standard, func(k string) bool { return k == "limits" })
	m = maps.Clone(q.fields(prefix+"fields", m, standard))
	if v := q.str(prefix + "attachments"); v == "cover" {
		all := []any{}
		if a := c.attachment(c.cover.attachment); a != nil {
			all = append(all, q.fields(prefix+"attachment_fields", s.showAttachment(q, c, a), nil))
		}
		m["attachments"] = all
	} else if q.is(prefix + "attachments") {
		m["attachments"] = s.attachmentsOf(q, c, prefix+"attachment_fields")
	}
	if q.is(prefix + "checklists") {
		m["checklists"] = q.checklistsOfCard(c, prefix+"checklist_fields", prefix+"checkItem_fields")
	}
	if q.is(prefix + "customFieldItems") {
		m["customFieldItems"] = valuesOf(c)
	}
	if q.is(prefix + "members") {
		m["members"] = s.people(q, c.members, prefix+"member_fields")
	}
	if q.is(prefix + "membersVoted") {
		m["membersVoted"] = s.people(q, c.voters, prefix+"memberVoted_fields")
	}
	if q.is(prefix + "stickers") {
		m["stickers"] = s.stickersOf(c)
	}
	if q.is(prefix + "pluginData") {
		m["pluginData"] = list0(c.pluginData)
	}
	if q.is(prefix + "actions") {
		all, err := s.actionsOf(q, c.actions, prefix+"actions_", q.str(prefix+"actions"))
		if err != nil {
			return nil, err
		}
		m["actions"] = all
	}
	if alone {
		if q.is("board") {
			m["board"] = q.fields("board_fields", s.showBoard(c.board), boardFields)
		}
		if q.is("list") {
			m["list"] = q.fields("list_fields", s.showList(c.list), listFields)
		}
	}
	return m, nil
}

func (s *Server) people(q *call, all []*member, fields string) []any {
	out := []any{}
	for _, m := range all {
		out = append(out, q.fields(fields, s.showMember(m), memberFields))
	}
	return out
}

func (s *Server) boardCards(q *call) (any, error) {
	b, err := q.board()
	if err != nil {
		return nil, err
	}
	filter := q.r.PathValue("filter")
	if isID(filter) || linkShape.MatchString(filter) {
		c, err := find[*card](s, filter)
		if err != nil {
			return nil, err
		}
		return s.nestedCard(q, c, "", true)
	}
	if filter == "" {
		filter = q.str("filter")
	}
	if filter == "" {
		filter = "open"
	}
	return s.cardsOf(q, b.cards, filter, "")
}

// cardsOf lists cards: open, closed, all or visible ones. limit, before and
// since page through them, newest first, as with actions.
func (s *Server) cardsOf(q *call, all []*card, filter, prefix string) ([]any, error) {
	var picked []*card
	for _, c := range all {
		if passes(c.closed, filter) && (filter != "visible" || !c.list.closed) {
			picked = append(picked, c)
		}
	}
	limits, paged := prefix, false
	if prefix == "card_" {
		limits = "cards_"
	}
	for _, name := range []string{"limit", "before", "since"} {
		_, sent := q.get(limits + name)
		paged = paged || sent
	}
	if paged {
		slices.SortFunc(picked, func(a, b *card) int { return strings.Compare(b.id, a.id) })
		ids := make([]string, len(picked))
		for i, c := range picked {
			ids[i] = c.id
		}
		from, to, err := q.window(ids, limits, 1000, 0)
		if err != nil {
			return nil, err
		}
		picked = picked[from:to]
	}
	if s.limits.CardsPerRequest > 0 && len(picked) > s.limits.CardsPerRequest {
		return nil, &refusal{status: 403, code: "API_TOO_MANY_CARDS_REQUESTED", message: "Too many cards requested: use limit and before"}
	}
	out := make([]any, 0, len(picked))
	for _, c := range picked {
		m, err := s.nestedCard(q, c, prefix, false)
		if err != nil {
			return nil, err
		}
		out = append(out, m)
	}
	return out, nil
}

// window cuts newest-first ids by limit, before and since, which are ids or
// dates: what was made before, or since then. Of what is left it gives the page
// of that number, from 0; cards have no pages.
func (q *call) window(ids []string, prefix string, standard, page int) (from, to int, err error) {
	limit, err := q.number(prefix+"limit", standard, 0, 1000)
	if err != nil {
		return 0, 0, err
	}
	from, to = 0, len(ids)
	if v := q.str(prefix + "before"); v != "" && v != "null" {
		edge, err := bound(prefix+"before", v)
		if err != nil {
			return 0, 0, err
		}
		for from < to && ids[from] >= edge {
			from++
		}
	}
	if v := q.str(prefix + "since"); v != "" && v != "null" {
		edge, err := bound(prefix+"since", v)
		if err != nil {
			return 0, 0, err
		}
		for to > from && (ids[to-1] < edge || ids[to-1] == v) {
			to--
		}
	}
	from = min(from+page*limit, to)
	return from, min(to, from+limit), nil
}

// bound is the least id of a moment, or an id as it is.
func bound(name, v string) (string, error) {
	if isID(v) {
		return v, nil
	}
	t, ok := parseTime(v)
	if !ok {
		return "", invalid(name)
	}
	return strconv.FormatInt(int64(1)<<32|t.Unix(), 16)[1:] + "0000000000000000", nil
}

func (s *Server) getCardField(q *call) (any, error) {
	c, err := q.card()
	if err != nil {
		return nil, err
	}
	return oneField(s.showCard(q, c), q.r.PathValue("field"))
}

func (s *Server) updateCard(q *call) (any, error) {
	c, err := q.card()
	if err != nil {
		return nil, err
	}
	if err := s.canWrite(c.board); err != nil {
		return nil, err
	}
	n := *c
	if err := q.place(c, &n); err != nil {
		return nil, err
	}
	if n.board != c.board {
		if err := s.canWrite(n.board); err != nil {
			return nil, err
		}
	}
	if v, sent := q.get("name"); sent && strings.TrimSpace(v) == "" {
		return nil, invalid("name")
	}
	if err := s.fill(q, &n); err != nil {
		return nil, err
	}
	if n.pos, err = q.pos("pos", n.list.cardPositions(c), 16384, n.pos); err != nil {
		return nil, err
	}
	s.change(q, c, &n)
	return pick(s.showCard(q, c), slices.DeleteFunc(slices.Collect(maps.Keys(s.showCard(q, c))), func(k string) bool { return k == "limits" })), nil
}

// place settles the list and board a card goes to: a board without a list
// means its first one.
func (q *call) place(c, n *card) error {
	var err error
	if q.str("idList") != "" {
		if n.list, err = refer[*list](q, "idList"); err != nil {
			return err
		}
		n.board = n.list.board
	}
	if q.str("idBoard") != "" {
		b, err := refer[*board](q, "idBoard")
		if err != nil {
			return err
		}
		switch {
		case q.str("idList") != "" && n.list.board != b:
			return invalid("idList")
		case q.str("idList") == "" && b != c.board:
			open := slices.IndexFunc(b.sorted(), func(l *list) bool { return !l.closed })
			if open < 0 {
				return bad("board has no open lists")
			}
			n.list = b.sorted()[open]
		}
		n.board = b
	}
	return nil
}

// change makes c what n is, and writes what happened as actions: one for each
// field that Trello writes actions about.
func (s *Server) change(q *call, c, n *card) {
	type changed struct {
		name     string
		was, is  any
		differ   bool
		listMove bool
	}
	was, is := *c, *n
	for _, f := range []changed{
		{"name", was.name, is.name, was.name != is.name, false}, {"desc", was.desc, is.desc, was.desc != is.desc, false},
		{"closed", was.closed, is.closed, was.closed != is.closed, false}, {"due", when(was.due), when(is.due), !was.due.Equal(is.due), false},
		{"start", when(was.start), when(is.start), !was.start.Equal(is.start), false}, {"dueComplete", was.complete, is.complete, was.complete != is.complete, false},
		{"pos", was.pos, is.pos, was.pos != is.pos && was.list == is.list, false}, {"idList", was.list.id, is.list.id, was.list != is.list, true},
	} {
		if !f.differ {
			continue
		}
		brief := briefCard(n)
		brief[f.name] = f.is
		data := map[string]any{"old": map[string]any{f.name: f.was}, "card": brief, "list": briefList(is.list)}
		if f.listMove {
			delete(data, "list")
			data["listBefore"], data["listAfter"] = briefList(was.list), briefList(is.list)
		}
		s.note(q, &action{typ: "updateCard", board: is.board, card: c, data: data})
	}
	for _, m := range is.members {
		if !slices.Contains(was.members, m) {
			s.note(q, &action{typ: "addMemberToCard", board: is.board, card: c, subject: m, data: map[string]any{"card": briefCard(n), "idMember": m.id, "member": map[string]any{"id": m.id, "name": m.fullName}}})
		}
	}
	for _, m := range was.members {
		if !slices.Contains(is.members, m) {
			s.note(q, &action{typ: "removeMemberFromCard", board: is.board, card: c, subject: m, data: map[string]any{"card": briefCard(n), "idMember": m.id, "member": map[string]any{"id": m.id, "name": m.fullName}}})
		}
	}
	actions := c.actions
	if is.board != was.board {
		c.move(is.board)
		n.short, n.values = c.short, nil
		n.labels = slices.DeleteFunc(slices.Clone(n.labels), func(l *label) bool { return l.board != is.board })
	}
	*c = *n
	c.actions = actions
	c.touch(q.at)
}

func (s *Server) deleteCard(q *call) (any, error) {
	c, err := q.card()
	if err != nil {
		return nil, err
	}
	if err := s.canWrite(c.board); err != nil {
		return nil, err
	}
	b, list, short := c.board, c.list, c.short
	s.dropCard(c)
	s.note(q, &action{typ: "deleteCard", board: b, data: map[string]any{"list": briefList(list), "card": map[string]any{"id": c.id, "idShort": short, "shortLink": c.link}}})
	b.active = q.at
	return removed(), nil
}

// dropCard forgets a card with all that is in it.
func (s *Server) dropCard(c *card) {
	for _, l := range c.checklists {
		s.dropChecklist(l)
	}
	for _, a := range c.actions {
		delete(s.ids, a.id)
	}
	c.board.actions = slices.DeleteFunc(c.board.actions, func(a *action) bool { return a.card == c })
	c.board.cards = remove(c.board.cards, c)
	delete(s.ids, c.id)
	delete(s.links, c.link)
}
