package standin

import (
	"net/url"
	"regexp"
	"slices"
	"strings"
)

// A view is a page made ready for its template: with the links in texts found,
// and those that lead to something on the page leading there.
type view struct {
	Title string
	Panes []viewPane
}

type viewPane struct{ Boards []viewBoard }

type viewBoard struct {
	PageBoard
	Text    []piece
	Columns []viewColumn
}

type viewColumn struct {
	PageColumn
	Cards []viewCard
}

type viewCard struct {
	PageCard
	Text     []piece
	Files    []PageAttachment
	Marks    []PageAttachment
	Comments []viewComment
}

type viewComment struct {
	PageComment
	Text []piece
}

// A piece of a text is plain, or a link: shown as Text, leading to URL, and
// written as Address.
type piece struct{ Text, URL, Address string }

func newView(title string, panes [][]PageBoard) view {
	at := anchors{}
	for _, boards := range panes {
		at.add(boards)
	}
	v := view{Title: title}
	for _, boards := range panes {
		var pane viewPane
		for _, b := range boards {
			pane.Boards = append(pane.Boards, at.board(b))
		}
		v.Panes = append(v.Panes, pane)
	}
	return v
}

// Split reports whether panes stand side by side.
func (v view) Split() bool { return len(v.Panes) > 1 }

// Count is the number of boards.
func (v view) Count() (n int) {
	for _, p := range v.Panes {
		n += len(p.Boards)
	}
	return n
}

// anchors are what stands on the page: names by ids.
type anchors map[string]string

func (a anchors) add(boards []PageBoard) {
	for _, b := range boards {
		a[b.ID] = b.Name
		for _, col := range b.Columns {
			for _, c := range col.Cards {
				a[c.ID] = c.Title
			}
		}
	}
	delete(a, "")
}

func (a anchors) board(b PageBoard) viewBoard {
	v := viewBoard{PageBoard: b, Text: a.pieces(b.Description)}
	for _, col := range b.Columns {
		c := viewColumn{PageColumn: col}
		for _, card := range col.Cards {
			c.Cards = append(c.Cards, a.card(card))
		}
		v.Columns = append(v.Columns, c)
	}
	return v
}

func (a anchors) card(c PageCard) viewCard {
	v := viewCard{PageCard: c, Text: a.pieces(c.Description)}
	for _, f := range c.Attachments {
		mark, plain := isMark(f), f.Name == "" || f.Name == f.URL || linkPattern.FindString(f.Name) == f.Name
		if f.URL = a.lead(f.URL); plain {
			f.Name = a.called(f.URL, f.Name)
		}
		if mark {
			v.Marks = append(v.Marks, f)
		} else {
			v.Files = append(v.Files, f)
		}
	}
	for _, m := range c.Comments {
		v.Comments = append(v.Comments, viewComment{m, a.pieces(m.Text)})
	}
	return v
}

// isMark reports whether an attachment is what tells a migration that it made
// the card: it is shown, but does not stand in the way.
func isMark(f PageAttachment) bool {
	return f.Bytes < 0 && (f.Name == "Moved here by Rialto" || strings.HasSuffix(f.URL, "#rialto") || strings.HasSuffix(f.URL, "&rialto"))
}

// lead is where an address leads: to its place on the page, if a part of its
// path is the id of what stands there.
func (a anchors) lead(address string) string {
	u, err := url.Parse(address)
	if err != nil || u.Host == "" {
		return address
	}
	parts := strings.Split(u.Path, "/")
	slices.Reverse(parts)
	for _, p := range parts {
		if _, ok := a[p]; ok {
			return "#" + p
		}
	}
	return address
}

// called is what a link is shown as: the name of what it leads to on the page,
// else as it stands.
func (a anchors) called(lead, text string) string {
	if id, ok := strings.CutPrefix(lead, "#"); ok && a[id] != "" {
		return a[id]
	}
	return text
}

var linkPattern = regexp.MustCompile(`https?://[^\s<>"'|]+`)

// pieces parts a text at the links in it.
func (a anchors) pieces(text string) []piece {
	var out []piece
	for {
		at := linkPattern.FindStringIndex(text)
		if at == nil {
			break
		}
		link := strings.TrimRight(text[at[0]:at[1]], ".,;:!?)]*_")
		lead := a.lead(link)
		out = append(out, piece{Text: text[:at[0]]}, piece{Text: a.called(lead, link), URL: lead, Address: link})
		text = text[at[0]+len(link):]
	}
	if text != "" {
		out = append(out, piece{Text: text})
	}
	return out
}

// maxName is how many characters of a name or an address are shown.
const maxName = 72

// soft parts a name at the places where it may be broken, as long addresses
// have no spaces. An address is shown without its scheme, and a long one without
// its middle.
func soft(name string) []string {
	for _, scheme := range []string{"https://", "http://"} {
		if rest, ok := strings.CutPrefix(name, scheme); ok && rest != "" {
			name = strings.TrimSuffix(strings.TrimPrefix(rest, "www."), "/")
			if r := []rune(name); len(r) > maxName {
				name = string(r[:maxName*2/3]) + "…" + string(r[len(r)-maxName/3:])
			}
		}
	}
	var out []string
	for name != "" {
		i := strings.IndexAny(name, "/?&=-_.")
		if i < 0 {
			i = len(name) - 1
		}
		out = append(out, name[:i+1])
		name = name[i+1:]
	}
	return out
}
