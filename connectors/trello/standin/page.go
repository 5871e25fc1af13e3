package standin

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/rialto-migrate/rialto/connector/standin"
)

// shown redirects the address of a board or card to its place on the page, as
// people follow it. ok is false for any other path.
func (s *Server) shown(w http.ResponseWriter, r *http.Request) (ok bool) {
	p := strings.Split(strings.Trim(r.URL.Path, "/"), "/")
	if len(p) < 2 || p[0] != "c" && p[0] != "b" {
		return false
	}
	s.mu.Lock()
	x := s.ids[p[1]]
	if x == nil {
		x = s.links[p[1]]
	}
	s.mu.Unlock()
	switch x := x.(type) {
	case *board:
		http.Redirect(w, r, "/#"+x.link, http.StatusFound)
	case *card:
		http.Redirect(w, r, "/#"+x.link, http.StatusFound)
	default:
		http.NotFound(w, r)
	}
	return true
}

// PageBoards implements standin.Shown.
func (s *Server) PageBoards() []standin.PageBoard {
	s.mu.Lock()
	defer s.mu.Unlock()
	out := make([]standin.PageBoard, 0, len(s.boards))
	for _, b := range s.boards {
		p := standin.PageBoard{ID: b.link, Cloud: "Trello", Name: b.name, Description: b.desc, Closed: b.closed}
		for _, ms := range b.memberships {
			p.Members = append(p.Members, ms.member.fullName)
		}
		for _, l := range b.labels {
			p.Labels = append(p.Labels, standin.PageLabel{Name: l.name, Color: l.color})
		}
		for _, l := range b.sorted() {
			col := standin.PageColumn{Name: l.name, Closed: l.closed}
			for _, c := range l.cards() {
				col.Cards = append(col.Cards, s.pageCard(c))
			}
			p.Columns = append(p.Columns, col)
		}
		out = append(out, p)
	}
	return out
}

func (s *Server) pageCard(c *card) standin.PageCard {
	p := standin.PageCard{ID: c.link, Title: c.name, Description: c.desc, Closed: c.closed, Done: c.complete, Start: c.start, Due: c.due, Cover: c.cover.color}
	for _, l := range c.labels {
		p.Labels = append(p.Labels, standin.PageLabel{Name: l.name, Color: l.color})
	}
	for _, m := range c.members {
		p.Members = append(p.Members, m.fullName)
	}
	for _, v := range c.values {
		text := ""
		if v.option != nil {
			text = v.option.text
		}
		for _, x := range v.value {
			text = fmt.Sprint(x)
			if at, err := time.Parse(time.RFC3339, text); err == nil && v.field.typ == "date" {
				text = at.UTC().Format("2 Jan 2006")
			}
		}
		p.Fields = append(p.Fields, standin.PageField{Name: v.field.name, Value: text})
	}
	for _, l := range slices.SortedStableFunc(slices.Values(c.checklists), func(x, y *checklist) int { return order(x.pos, y.pos, x.id, y.id) }) {
		list := standin.PageChecklist{Name: l.name}
		for _, i := range l.sorted() {
			var note []string
			if i.member != nil {
				note = append(note, i.member.fullName)
			}
			if !i.due.IsZero() {
				note = append(note, i.due.Format("2 Jan 2006"))
			}
			list.Items = append(list.Items, standin.PageCheck{Title: i.name, Done: i.done, Note: strings.Join(note, ", ")})
		}
		p.Checklists = append(p.Checklists, list)
	}
	for _, a := range c.attachments {
		att := standin.PageAttachment{Name: a.name, Bytes: a.bytes}
		if !a.upload {
			att.URL, att.Bytes = a.url, -1
			if kind, link := s.linked(a.url); kind == "c" && s.links[link] != nil {
				att.URL = "#" + link
			}
		}
		p.Attachments = append(p.Attachments, att)
	}
	for _, a := range c.actions {
		if a.typ == "commentCard" {
			text, _ := a.details()["text"].(string)
			name := "somebody"
			if a.creator != nil {
				name = a.creator.fullName
			}
			p.Comments = append(p.Comments, standin.PageComment{Author: name, At: a.date, Text: text})
		}
	}
	if n := len(c.voters); n > 0 {
		p.Notes = append(p.Notes, plural(n, "vote"))
	}
	if n := len(c.stickers); n > 0 {
		p.Notes = append(p.Notes, plural(n, "sticker"))
	}
	return p
}

func plural(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return fmt.Sprintf("%d %ss", n, what)
}
