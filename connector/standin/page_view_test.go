package standin

import (
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
)

func TestPieces(t *testing.T) {
	at := anchors{"aB3": "The other card", "T1_-x": ""}
	for _, c := range []struct {
		text string
		want []piece
	}{
		{"", nil},
		{"no link", []piece{{Text: "no link"}}},
		{"see https://trello.com/c/aB3.", []piece{{Text: "see "}, {"The other card", "#aB3", "https://trello.com/c/aB3"}, {Text: "."}}},
		{"(https://x.example/a?b=c) end", []piece{{Text: "("}, {"https://x.example/a?b=c", "https://x.example/a?b=c", "https://x.example/a?b=c"}, {Text: ") end"}}},
		{"http://127.0.0.1:1/webui/plan/P/view/board/task/T1_-x?tid=1", []piece{{}, {"http://127.0.0.1:1/webui/plan/P/view/board/task/T1_-x?tid=1", "#T1_-x", "http://127.0.0.1:1/webui/plan/P/view/board/task/T1_-x?tid=1"}}},
		{"https://", []piece{{Text: "https://"}}},
		{"https://%zz/ x", []piece{{}, {"https://%zz/", "https://%zz/", "https://%zz/"}, {Text: " x"}}},
	} {
		got := at.pieces(c.text)
		if !slices.Equal(got, c.want) {
			t.Errorf("%q is parted into %q", c.text, got)
		}
		whole := ""
		for _, p := range got {
			if p.URL != "" {
				p.Text = p.Address
			}
			whole += p.Text
		}
		if whole != c.text {
			t.Errorf("%q became %q", c.text, whole)
		}
	}
}

// However a text is parted, nothing of it is lost.
func FuzzPieces(f *testing.F) {
	f.Add("see https://trello.com/c/aB3, and http://x/?a=b).")
	f.Add("https://https://\x00 ｈttps://")
	f.Fuzz(func(t *testing.T, text string) {
		whole := ""
		for _, p := range (anchors{"aB3": "Card"}).pieces(text) {
			if p.URL == "" {
				whole += p.Text
			} else {
				whole += p.Address
			}
		}
		if whole != text {
			t.Errorf("%q became %q", text, whole)
		}
		if got := strings.Join(soft(text), ""); !strings.HasPrefix(text, "http") && got != text {
			t.Errorf("the name %q became %q", text, got)
		}
	})
}

func TestSoft(t *testing.T) {
	for in, want := range map[string]string{
		"plan.txt":                 "plan.|txt",
		"表.csv":                    "表.|csv",
		"https://www.example.org/": "example.|org",
		"https://":                 "https:/|/",
		"https://e.org/" + strings.Repeat("x", 100): "e.|org/|" + strings.Repeat("x", 42) + "…" + strings.Repeat("x", 24),
	} {
		if got := strings.Join(soft(in), "|"); got != want {
			t.Errorf("%q is broken as %q", in, got)
		}
	}
}

// Panes stand side by side, what leads from one to the other does so on the
// page, and a mark is no attachment.
func TestSideBySide(t *testing.T) {
	left := panes{{ID: "b1", Cloud: "Trello", Name: "Board", Columns: []PageColumn{{Name: "L", Cards: []PageCard{{ID: "c1", Title: "Wheel"}}}}}}
	right := panes{{ID: "p1", Cloud: "Planner", Name: "Plan", Columns: []PageColumn{{Name: "B", Cards: []PageCard{{ID: "t1", Title: "Wheel",
		Attachments: []PageAttachment{
			{Name: "Moved here by Rialto", URL: "https://trello.com/c/c1", Bytes: -1},
			{Name: "https://trello.com/c/c1", URL: "https://trello.com/c/c1", Bytes: -1},
			{Name: "photo", URL: "https://files.example/photo.png", Bytes: 12},
		}}}}}}}
	w := httptest.NewRecorder()
	BoardsHandler("Both", left, right).ServeHTTP(w, httptest.NewRequest("GET", "/", nil))
	page := w.Body.String()
	for _, want := range []string{`class="split"`, `class="mark" href="#c1"`, `<a href="#c1" rel="noreferrer">Wheel`, `href="#p1"`, "#i-file", "#i-link"} {
		if !strings.Contains(page, want) {
			t.Errorf("the page lacks %q", want)
		}
	}
	if n := strings.Count(page, `class="pane"`); n != 2 {
		t.Errorf("%d panes", n)
	}
	w = httptest.NewRecorder()
	RenderBoards(w, "One", left)
	if strings.Contains(w.Body.String(), `class="split"`) {
		t.Error("one cloud stands beside nothing")
	}
}

type panes []PageBoard

func (p panes) PageBoards() []PageBoard { return p }
