package standin

import (
	"slices"
	"strconv"
)

// What hangs on a card: members, labels, votes and stickers.

func (s *Server) cardBoard(q *call) (any, error) {
	c, err := q.card()
	if err != nil {
		return nil, err
	}
	return q.fields("fields", s.showBoard(c.board), boardFields), nil
}

func (s *Server) cardList(q *call) (any, error) {
	c, err := q.card()
	if err != nil {
		return nil, err
	}
	return q.fields("fields", s.showList(c.list), listFields), nil
}

func (s *Server) cardMembers(q *call) (any, error) {
	c, err := q.card()
	if err != nil {
		return nil, err
	}
	return s.people(q, c.members, "fields"), nil
}

func (s *Server) cardItemStates(q *call) (any, error) {
	c, err := q.card()
	if err != nil {
		return nil, err
	}
	return itemStates(c), nil
}

func (s *Server) cardPluginData(q *call) (any, error) {
	c, err := q.card()
	if err != nil {
		return nil, err
	}
	return list0(c.pluginData), nil
}

// writableCard is the card of a write by somebody who may write it.
func (s *Server) writableCard(q *call) (*card, error) {
	c, err := q.card()
	if err != nil {
		return nil, err
	}
	return c, s.canWrite(c.board)
}

func (s *Server) addCardMember(q *call) (any, error) {
	c, err := s.writableCard(q)
	if err != nil {
		return nil, err
	}
	m, err := refer[*member](q, "value")
	if err != nil {
		return nil, err
	}
	if c.board.membership(m) == nil {
		return nil, invalid("value")
	}
	if slices.Contains(c.members, m) {
		return nil, bad("member is already on the card")
	}
	n := *c
	n.members = append(slices.Clone(c.members), m)
	s.change(q, c, &n)
	return s.people(q, c.members, "fields"), nil
}

func (s *Server) removeCardMember(q *call) (any, error) {
	c, err := s.writableCard(q)
	if err != nil {
		return nil, err
	}
	m, err := s.findMember(q.r.PathValue("x"))
	if err != nil {
		return nil, err
	}
	if !slices.Contains(c.members, m) {
		return nil, bad("member is not on the card")
	}
	n := *c
	n.members = remove(c.members, m)
	s.change(q, c, &n)
	return s.people(q, c.members, "fields"), nil
}

func (s *Server) addCardLabel(q *call) (any, error) {
	c, err := s.writableCard(q)
	if err != nil {
		return nil, err
	}
	l, err := refer[*label](q, "value")
	if err != nil {
		return nil, err
	}
	if l.board != c.board {
		return nil, invalid("value")
	}
	if c.has(l) {
		return nil, bad("that label is already on the card")
	}
	c.labels = append(slices.Clone(c.labels), l)
	c.touch(q.at)
	ids := []string{}
	for _, l := range c.labels {
		ids = append(ids, l.id)
	}
	return ids, nil
}

func (s *Server) removeCardLabel(q *call) (any, error) {
	c, err := s.writableCard(q)
	if err != nil {
		return nil, err
	}
	l, err := find[*label](s, q.r.PathValue("x"))
	if err != nil {
		return nil, err
	}
	if !c.has(l) {
		return nil, bad("that label is not on the card")
	}
	c.labels = remove(c.labels, l)
	c.touch(q.at)
	return none(), nil
}

func (s *Server) cardVoters(q *call) (any, error) {
	c, err := q.card()
	if err != nil {
		return nil, err
	}
	return s.people(q, c.voters, "fields"), nil
}

// vote lets the token's owner vote; nobody votes for somebody else.
func (s *Server) vote(q *call) (any, error) {
	c, err := s.writableCard(q)
	if err != nil {
		return nil, err
	}
	m, err := refer[*member](q, "value")
	if err != nil {
		return nil, err
	}
	if m != s.me {
		return nil, denied("unauthorized permission requested")
	}
	if slices.Contains(c.voters, m) {
		return nil, bad("member has already voted on the card")
	}
	c.voters = append(c.voters, m)
	return none(), nil
}

func (s *Server) unvote(q *call) (any, error) {
	c, err := s.writableCard(q)
	if err != nil {
		return nil, err
	}
	m, err := s.findMember(q.r.PathValue("x"))
	if err != nil {
		return nil, err
	}
	if !slices.Contains(c.voters, m) {
		return nil, bad("member has not voted on the card")
	}
	c.voters = remove(c.voters, m)
	return none(), nil
}

func (s *Server) stickersOf(c *card) []any {
	out := []any{}
	for _, k := range c.stickers {
		out = append(out, showSticker(k))
	}
	return out
}

func (s *Server) cardStickers(q *call) (any, error) {
	c, err := q.card()
	if err != nil {
		return nil, err
	}
	return s.stickersOf(c), nil
}

func (s *Server) sticker(q *call) (*card, *sticker, error) {
	c, err := q.card()
	if err != nil {
		return nil, nil, err
	}
	for _, k := range c.stickers {
		if k.id == q.r.PathValue("x") {
			return c, k, nil
		}
	}
	return nil, nil, missing()
}

func (s *Server) getSticker(q *call) (any, error) {
	_, k, err := s.sticker(q)
	if err != nil {
		return nil, err
	}
	return q.fields("fields", showSticker(k), nil), nil
}

func (s *Server) addSticker(q *call) (any, error) {
	c, err := s.writableCard(q)
	if err != nil {
		return nil, err
	}
	k := &sticker{image: q.str("image")}
	if k.image == "" {
		return nil, invalid("image")
	}
	if err := k.place(q, true); err != nil {
		return nil, err
	}
	if err := check(s.limits.StickersPerCard, len(c.stickers), "CARD_TOO_MANY_STICKERS"); err != nil {
		return nil, err
	}
	k.id = s.newID(q.at)
	c.stickers = append(c.stickers, k)
	c.touch(q.at)
	return showSticker(k), nil
}

// place reads where a sticker sits, in percent, within the contract's bounds.
func (k *sticker) place(q *call, required bool) error {
	for _, f := range []struct {
		name      string
		into      *float64
		low, high float64
		required  bool
	}{{"top", &k.top, -60, 100, required}, {"left", &k.left, -60, 100, required}, {"zIndex", &k.z, 0, 1e9, required}, {"rotate", &k.rotate, 0, 360, false}} {
		v, sent := q.get(f.name)
		if !sent {
			if f.required {
				return invalid(f.name)
			}
			continue
		}
		n, err := strconv.ParseFloat(v, 64)
		if err != nil || n < f.low || n > f.high {
			return invalid(f.name)
		}
		*f.into = n
	}
	return nil
}

func (s *Server) updateSticker(q *call) (any, error) {
	c, k, err := s.sticker(q)
	if err != nil {
		return nil, err
	}
	if err := s.canWrite(c.board); err != nil {
		return nil, err
	}
	n := *k
	if err := n.place(q, false); err != nil {
		return nil, err
	}
	*k = n
	return showSticker(k), nil
}

func (s *Server) deleteSticker(q *call) (any, error) {
	c, k, err := s.sticker(q)
	if err != nil {
		return nil, err
	}
	if err := s.canWrite(c.board); err != nil {
		return nil, err
	}
	c.stickers = remove(c.stickers, k)
	c.touch(q.at)
	return map[string]any{"stickers": []any{}}, nil
}
