package standin

import (
	"fmt"
	"maps"
	"slices"
	"time"
)

// What follows changes and reads a running Trello from Go, as people at their
// browsers would: for tests and demos. Errors name ids only.

// BoardView is what a board holds, by ids and names.
type BoardView struct {
	ID, Name, Desc, ShortLink string
	Closed                    bool
	Lists                     []ListView // from left to right
	Labels, Fields            int
}

// ListView is a list of a BoardView.
type ListView struct {
	ID, Name string
	Closed   bool
	Cards    []CardView // from top to bottom
}

// CardView is a card of a ListView.
type CardView struct {
	ID, Name, Desc, ShortLink         string
	Closed, Done                      bool
	Labels, Members                   []string // names, user names
	Checklists, CheckItems, Comments  int
	Attachments                       int
	CommentIDs, AttachmentIDs, ItemID []string
}

// Boards shows what is there.
func (s *Server) Boards() []BoardView {
	s.mu.Lock()
	defer s.mu.Unlock()
	var out []BoardView
	for _, b := range s.boards {
		v := BoardView{ID: b.id, Name: b.name, Desc: b.desc, ShortLink: b.link, Closed: b.closed, Labels: len(b.labels), Fields: len(b.fields)}
		for _, l := range b.sorted() {
			lv := ListView{ID: l.id, Name: l.name, Closed: l.closed}
			for _, c := range l.cards() {
				lv.Cards = append(lv.Cards, c.view())
			}
			v.Lists = append(v.Lists, lv)
		}
		out = append(out, v)
	}
	return out
}

func (c *card) view() CardView {
	v := CardView{ID: c.id, Name: c.name, Desc: c.desc, ShortLink: c.link, Closed: c.closed, Done: c.complete,
		Checklists: len(c.checklists), Comments: c.comments, Attachments: len(c.attachments)}
	for _, l := range c.labels {
		v.Labels = append(v.Labels, l.name)
	}
	for _, m := range c.members {
		v.Members = append(v.Members, m.username)
	}
	for _, l := range c.checklists {
		for _, i := range l.sorted() {
			v.ItemID = append(v.ItemID, i.id)
		}
	}
	v.CheckItems = len(v.ItemID)
	for _, a := range c.attachments {
		v.AttachmentIDs = append(v.AttachmentIDs, a.id)
	}
	for _, a := range c.actions {
		if a.typ == "commentCard" {
			v.CommentIDs = append(v.CommentIDs, a.id)
		}
	}
	return v
}

// act runs a change by somebody at the present time.
func act[T any](s *Server, id, by string, do func(q *call, x T) error) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	x, ok := s.ids[id].(T)
	if !ok {
		return fmt.Errorf("there is no such thing as %s here", id)
	}
	m, err := s.author(by)
	if err != nil {
		return err
	}
	return do(&call{s: s, at: s.orNow(time.Time{}), by: m, vals: map[string]string{}}, x)
}

// A CardEdit names what changes on a card; nil leaves a field alone.
type CardEdit struct {
	By           string // user name; "" means the token's owner
	Name, Desc   *string
	Closed, Done *bool
	Start, Due   *time.Time // zero clears
	List         *string    // id
	Pos          *float64
	Labels       *[]string // names
	Members      *[]string // user names
}

// EditCard changes a card and writes the actions that Trello would.
func (s *Server) EditCard(id string, e CardEdit) error {
	return act(s, id, e.By, func(q *call, c *card) error {
		n := *c
		set(&n.name, e.Name)
		set(&n.desc, e.Desc)
		set(&n.closed, e.Closed)
		set(&n.complete, e.Done)
		set(&n.start, e.Start)
		set(&n.due, e.Due)
		set(&n.pos, e.Pos)
		if e.List != nil {
			l, ok := s.ids[*e.List].(*list)
			if !ok {
				return fmt.Errorf("there is no list %s", *e.List)
			}
			n.list, n.board = l, l.board
			if e.Pos == nil {
				n.pos = last(l.cards()) + 16384
			}
		}
		if e.Labels != nil {
			n.labels = nil
			for _, name := range *e.Labels {
				i := slices.IndexFunc(n.board.labels, func(l *label) bool { return l.name == name })
				if i < 0 {
					return fmt.Errorf("the board has no such label")
				}
				n.labels = append(n.labels, n.board.labels[i])
			}
		}
		if e.Members != nil {
			var err error
			if n.members, err = s.named(*e.Members); err != nil {
				return err
			}
		}
		s.change(q, c, &n)
		s.relink(c)
		return nil
	})
}

func set[T any](into *T, v *T) {
	if v != nil {
		*into = *v
	}
}

// AddCard adds a card at the end of a list and returns its id.
func (s *Server) AddCard(listID string, d Card) (id string, err error) {
	err = act(s, listID, d.Author, func(_ *call, l *list) error {
		c, err := s.buildCard(l, d)
		if err != nil {
			return err
		}
		s.relink(c)
		id = c.id
		return nil
	})
	return id, err
}

// DeleteCard deletes a card for good.
func (s *Server) DeleteCard(id string) error {
	return act(s, id, "", func(_ *call, c *card) error { s.dropCard(c); return nil })
}

// AddComment writes a comment and returns its id.
func (s *Server) AddComment(cardID string, d Comment) (id string, err error) {
	err = act(s, cardID, d.Author, func(_ *call, c *card) error {
		a, err := s.buildComment(c, d)
		if err != nil {
			return err
		}
		s.relink(c)
		id = a.id
		return nil
	})
	return id, err
}

// EditComment changes a comment's text.
func (s *Server) EditComment(id, text string) error {
	return act(s, id, "", func(q *call, a *action) error {
		a.data = maps.Clone(a.details())
		a.data["text"], a.data["dateLastEdited"] = text, when(q.at)
		a.card.touch(q.at)
		return nil
	})
}

// DeleteComment deletes a comment.
func (s *Server) DeleteComment(id string) error {
	return act(s, id, "", func(q *call, a *action) error {
		s.dropAction(a)
		a.card.comments = max(a.card.comments-1, 0)
		a.card.touch(q.at)
		return nil
	})
}

// Tick sets or clears an entry of a checklist.
func (s *Server) Tick(itemID string, done bool) error {
	return act(s, itemID, "", func(q *call, i *checkItem) error {
		i.done = done
		for _, b := range s.boards {
			for _, c := range b.cards {
				for _, l := range c.checklists {
					if slices.Contains(l.items, i) {
						c.touch(q.at)
					}
				}
			}
		}
		return nil
	})
}

// AddAttachment attaches a link or a file and returns its id.
func (s *Server) AddAttachment(cardID string, d Attachment) (id string, err error) {
	err = act(s, cardID, d.Author, func(_ *call, c *card) error {
		a, err := s.buildAttachment(c, d)
		if err != nil {
			return err
		}
		s.relink(c)
		id = a.id
		return nil
	})
	return id, err
}

// DeleteAttachment takes an attachment off its card.
func (s *Server) DeleteAttachment(cardID, id string) error {
	return act(s, cardID, "", func(q *call, c *card) error {
		c.attachments = slices.DeleteFunc(slices.Clone(c.attachments), func(a *attachment) bool { return a.id == id })
		c.touch(q.at)
		return nil
	})
}

// AddList adds a list at the right end of a board and returns its id.
func (s *Server) AddList(boardID, name string) (id string, err error) {
	err = act(s, boardID, "", func(q *call, b *board) error {
		pos := 0.0
		for _, l := range b.lists {
			pos = max(pos, l.pos)
		}
		l := s.newList(b, name, pos+65536, q.at)
		s.note(q, &action{typ: "createList", board: b, data: map[string]any{"list": briefList(l)}})
		id = l.id
		return nil
	})
	return id, err
}

// EditList renames a list or archives it; nil leaves either alone.
func (s *Server) EditList(id string, name *string, closed *bool) error {
	return act(s, id, "", func(q *call, l *list) error {
		old := map[string]any{"name": l.name, "closed": l.closed}
		set(&l.name, name)
		set(&l.closed, closed)
		s.note(q, &action{typ: "updateList", board: l.board, data: map[string]any{"old": old, "list": briefList(l)}})
		return nil
	})
}

// DeleteBoard deletes a board for good.
func (s *Server) DeleteBoard(id string) error {
	return act(s, id, "", func(_ *call, b *board) error { s.dropBoard(b); return nil })
}
