package standin

import (
	"bytes"
	"crypto/sha256"
	_ "embed"
	"encoding/base64"
	"fmt"
	"html/template"
	"net/http"
	"strings"
	"sync"
	"time"
)

// PageBoard is one board, plan or project: columns of cards, side by side.
type PageBoard struct {
	ID          string // the anchor, so that links can point at it
	Cloud       string // whose it is: "Trello"
	Name        string
	Description string
	URL         string // "" if it has no address
	Closed      bool
	Members     []string
	Labels      []PageLabel
	Columns     []PageColumn
}

// PageColumn is a list or bucket.
type PageColumn struct {
	Name   string
	Closed bool
	Cards  []PageCard
}

// PageCard is a card or task.
type PageCard struct {
	ID          string // the anchor, so that links can point at it
	Title       string
	Description string
	URL         string
	Cover       string // a colour's English name; "" for none
	Closed      bool
	Done        bool
	Start, Due  time.Time // zero if none
	Labels      []PageLabel
	Members     []string
	Fields      []PageField
	Checklists  []PageChecklist
	Comments    []PageComment
	Attachments []PageAttachment
	Notes       []string // what else there is: "3 votes", "2 stickers"
}

// PageLabel is a coloured chip. Color is a plain English name, perhaps with
// "light" or "dark": "green", "light blue". Others are shown grey.
type PageLabel struct{ Name, Color string }

// PageField is a custom field's value.
type PageField struct{ Name, Value string }

// PageChecklist is a list of entries with ticks.
type PageChecklist struct {
	Name  string
	Items []PageCheck
}

// PageCheck is one entry.
type PageCheck struct {
	Title string
	Done  bool
	Note  string // who does it and when; "" if that is not said
}

// PageComment is a comment.
type PageComment struct {
	Author string
	At     time.Time
	Text   string
}

// PageAttachment is a file (Bytes >= 0) or a link.
type PageAttachment struct {
	Name  string
	URL   string // shown as a link if it is http or https
	Bytes int64  // -1 for a link
}

//go:embed page.css
var pageStyle string

//go:embed page.html
var pageText string

// Cards counts the cards of a board.
func (b PageBoard) Cards() (n int) {
	for _, c := range b.Columns {
		n += len(c.Cards)
	}
	return n
}

// Ticked counts the entries that are done.
func (c PageChecklist) Ticked() (n int) {
	for _, i := range c.Items {
		if i.Done {
			n++
		}
	}
	return n
}

// Short reports whether there are so few entries that they are shown at once.
func (c PageChecklist) Short() bool { return len(c.Items) <= 6 }

// Class is the style of a label's colour.
func (l PageLabel) Class() string { return colorClass(l.Color) }

// CoverClass is the style of a card's cover.
func (c PageCard) CoverClass() string { return colorClass(c.Cover) }

// Size is a file's size in words; "link" for a link.
func (a PageAttachment) Size() string {
	switch n := float64(a.Bytes); {
	case a.Bytes < 0:
		return "link"
	case n < 1<<10:
		return fmt.Sprintf("%d bytes", a.Bytes)
	case n < 1<<20:
		return fmt.Sprintf("%.0f KiB", n/(1<<10))
	case n < 1<<30:
		return fmt.Sprintf("%.1f MiB", n/(1<<20))
	default:
		return fmt.Sprintf("%.1f GiB", n/(1<<30))
	}
}

// colors are the hues that the style sheet knows.
const colors = " green yellow orange red purple blue sky lime pink black teal cyan steel brown cranberry peach marigold gold grape magenta lavender silver gray grey bronze plum mint cherry "

func colorClass(name string) string {
	words := strings.Fields(strings.NewReplacer("-", " ", "_", " ").Replace(strings.ToLower(name)))
	hue, shade := "none", ""
	for _, w := range words {
		switch {
		case w == "light" || w == "dark":
			shade = " " + w
		case strings.Contains(colors, " "+w+" "):
			hue = w
		}
	}
	return "c-" + hue + shade
}

var pageTemplate = sync.OnceValue(func() *template.Template {
	return template.Must(template.New("page").Funcs(template.FuncMap{
		"style": func() template.CSS { return template.CSS(pageStyle) },
		"day": func(t time.Time) string {
			if t.IsZero() {
				return ""
			}
			if t = t.UTC(); t.Hour() == 0 && t.Minute() == 0 {
				return t.Format("2 Jan 2006")
			}
			return t.Format("2 Jan 2006 15:04")
		},
		"initials": initials,
		"soft":     soft,
	}).Parse(pageText))
})

func initials(name string) string {
	var out []rune
	for _, w := range strings.Fields(name) {
		if r := []rune(w); len(out) < 2 {
			out = append(out, r[0])
		}
	}
	return strings.ToUpper(string(out))
}

// RenderBoards writes the page that shows boards, each below the other with
// its columns side by side. Everything that came from people is escaped; the
// page needs no script and loads nothing.
func RenderBoards(w http.ResponseWriter, title string, boards []PageBoard) {
	render(w, title, [][]PageBoard{boards})
}

// BoardsHandler shows what several stand-ins hold side by side, each in a pane
// of its own. What leads from one to the other does so on the page.
func BoardsHandler(title string, clouds ...Shown) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		var panes [][]PageBoard
		for _, c := range clouds {
			panes = append(panes, c.PageBoards())
		}
		render(w, title, panes)
	})
}

func render(w http.ResponseWriter, title string, panes [][]PageBoard) {
	var b bytes.Buffer
	if err := pageTemplate().Execute(&b, newView(title, panes)); err != nil {
		http.Error(w, "the page cannot be made", http.StatusInternalServerError)
		return
	}
	sum := sha256.Sum256([]byte(pageStyle))
	h := w.Header()
	h.Set("Content-Type", "text/html; charset=utf-8")
	h.Set("Cache-Control", "no-store")
	h.Set("Content-Security-Policy", "default-src 'none'; style-src 'sha256-"+base64.StdEncoding.EncodeToString(sum[:])+"'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'")
	h.Set("Referrer-Policy", "no-referrer")
	h.Set("X-Content-Type-Options", "nosniff")
	_, _ = w.Write(b.Bytes()) // a failure means that the reader has gone
}
