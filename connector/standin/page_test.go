package standin

import (
	"net/http/httptest"
	"strings"
	"testing"
	"time"
)

func TestRenderBoards(t *testing.T) {
	w := httptest.NewRecorder()
	RenderBoards(w, "Both", []PageBoard{{
		Cloud: "Trello", Name: "<script>alert(1)</script>", Description: "two\nlines", Members: []string{"Ada Byron", "明美"},
		Labels: []PageLabel{{"urgent", "light red"}, {"", "no such"}},
		Columns: []PageColumn{{Name: "やりたいこと", Cards: []PageCard{{
			ID: "c1", Title: `"quoted" & <b>`, Cover: "blue", Done: true, Due: time.Date(2026, 5, 1, 12, 30, 0, 0, time.UTC),
			Checklists:  []PageChecklist{{Name: "steps", Items: []PageCheck{{"one", true, ""}, {"two", false, "Ada, 3 May"}}}},
			Comments:    []PageComment{{"Ada", time.Date(2026, 5, 1, 0, 0, 0, 0, time.UTC), "hello"}},
			Attachments: []PageAttachment{{"evil", "javascript:alert(1)", -1}, {"file.bin", "", 3 << 20}},
			Fields:      []PageField{{"Effort", "5"}}, Notes: []string{"3 votes"},
		}}}, {Name: "Old", Closed: true}},
	}})
	page := w.Body.String()
	for _, want := range []string{"やりたいこと", "&lt;script&gt;", "&#34;quoted&#34; &amp; &lt;b&gt;", `class="chip c-red light"`, `class="chip c-none"`, `id="c1"`,
		"1/2", "1 May 2026 12:30", "3.0 MiB", "#ZgotmplZ", ">AB<", ">明<", "1 card in 2 lists", "c-blue", "archived"} {
		if !strings.Contains(page, want) {
			t.Errorf("the page lacks %q", want)
		}
	}
	for _, not := range []string{"<script", "javascript:", "<no value>", "%!"} {
		if strings.Contains(page, not) {
			t.Errorf("the page holds %q", not)
		}
	}
	if csp := w.Header().Get("Content-Security-Policy"); !strings.Contains(csp, "default-src 'none'") || !strings.Contains(csp, "style-src 'sha256-") {
		t.Errorf("policy %q", csp)
	}
	// The policy names the hash of the style as it stands in the page.
	if !strings.Contains(page, "<style>"+pageStyle+"</style>") {
		t.Error("the style in the page is not the one that was hashed")
	}
}

func TestBoardsHandler(t *testing.T) {
	w := httptest.NewRecorder()
	BoardsHandler("Side by side", shown("Trello"), shown("Planner")).ServeHTTP(w, httptest.NewRequest("GET", "/", nil))
	page := w.Body.String()
	if a, b := strings.Index(page, "Trello"), strings.Index(page, "Planner"); a < 0 || b < a {
		t.Errorf("boards at %d and %d", a, b)
	}
}

type shown string

func (s shown) PageBoards() []PageBoard { return []PageBoard{{Cloud: string(s), Name: "x"}} }
