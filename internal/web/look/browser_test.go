package look

import (
	"errors"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"slices"
	"testing"
	"time"

	"github.com/chromedp/chromedp/kb"

	"github.com/rialto-migrate/rialto/internal/web/browsertest"
)

// TestGallery opens each page of the gallery in a browser, searches it for what keeps
// people from using it, and takes pictures.
func TestGallery(t *testing.T) {
	_, h := served(t)
	server := httptest.NewServer(h)
	defer server.Close()
	b := browsertest.Start(t)
	for _, path := range slices.Sorted(maps.Keys(gallery())) {
		t.Run(path, func(t *testing.T) {
			p := b.Page(t)
			p.Open(server.URL + path)
			p.Pictures("look" + map[bool]string{true: "", false: "-"}[path == "/"] + path[1:])
			p.Axe()
			for _, width := range []int64{360, 768, 1600} {
				p.Width(width)
				p.Fits()
			}
		})
	}
}

// TestWithoutScripts walks the main paths with scripts turned off: menus, trees and
// what asks before it does something.
func TestWithoutScripts(t *testing.T) {
	_, h := served(t)
	server := httptest.NewServer(h)
	defer server.Close()
	p := browsertest.Start(t).Page(t)
	p.WithoutScripts(true)
	p.Open(server.URL + "/")
	p.Click("details.switch > summary")
	p.Wait(`details.switch a[href="/forms"]`)
	p.Submit("a[data-confirm]")
	if p.Address() != "/delete" {
		t.Errorf("the page that asks: %s", p.Address())
	}
	p.Wait("form .button.danger")
	p.Open(server.URL + "/migration")
	p.Click(`details[id="below-f-scope-w2"] > summary`)
	p.Wait(`input[value="b4"]`)
}

// TestScript holds the script to what it adds: questions above the page, trees that
// choose what lies below, menus that close, copying, a password that is shown.
func TestScript(t *testing.T) {
	_, h := served(t)
	server := httptest.NewServer(h)
	defer server.Close()
	p := browsertest.Start(t).Page(t)

	p.Open(server.URL + "/")
	p.Click("a[data-confirm]")
	p.WaitText("dialog[open] h2", "Remove Sam Reyes")
	p.Axe()
	p.Pictures("look-dialog")
	p.Click("dialog a.quiet")
	if !browsertest.Eval[bool](p, `new Promise((done) => setTimeout(() => done(!document.querySelector("dialog") && document.activeElement.matches("a[data-confirm]"))))`) {
		t.Error("the question does not go away, or the focus is lost")
	}
	p.Click("details.who > summary")
	p.Wait("details.who button")
	p.Pictures("look-menu")
	p.Press(kb.Escape)
	if browsertest.Eval[bool](p, `document.querySelector("details.who").open`) {
		t.Error("the menu stays open")
	}

	p.Open(server.URL + "/migration")
	whole := `document.getElementById("f-scope-w1")`
	if !browsertest.Eval[bool](p, whole+`.indeterminate`) {
		t.Error("a node of which some are chosen looks empty")
	}
	p.Click(`label[for="f-scope-w1"]`)
	if n := browsertest.Eval[int](p, `document.querySelectorAll("#below-f-scope-w1 input:checked").length`); n != 4 {
		t.Errorf("%d of 4 below are chosen", n)
	}
	p.Click(`label[for="f-scope-b2"]`)
	if !browsertest.Eval[bool](p, whole+`.indeterminate && !`+whole+`.checked`) {
		t.Error("a node still sends all when one below was taken away")
	}
	p.Click(`button[data-copy="codes"]`)
	p.WaitText(`button[data-copy="codes"]`, "Copied")
	p.Open(server.URL + "/door")
	p.Fill("#f-password", "correct horse")
	p.Click("[data-reveal]")
	if browsertest.Eval[string](p, `document.getElementById("f-password").type`) != "text" {
		t.Error("the password is not shown")
	}
	p.Open(server.URL + "/live")
	p.Fill("#log-filter", "refused")
	if n := browsertest.Eval[int](p, `document.querySelectorAll("#log > li:not([hidden])").length`); n != 1 {
		t.Errorf("%d lines hold the word", n)
	}
}

// A stream answers the requests for events of TestLive: the first with a start and an
// end of the connection, the second not at all, the third from where the first left.
type stream struct {
	t     *testing.T
	look  *Look
	asked chan string
	next  chan func(w io.Writer) error
}

func (s *stream) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s.asked <- r.Header.Get("Last-Event-ID") + "|" + r.URL.Query().Get("after")
	flush := http.NewResponseController(w)
	started := false
	for {
		select {
		case <-r.Context().Done():
			return
		case act := <-s.next:
			if act == nil {
				if !started {
					w.WriteHeader(http.StatusServiceUnavailable)
				}
				return
			}
			if !started {
				started = true
				w.Header().Set("Content-Type", "text/event-stream")
				if _, err := io.WriteString(w, "retry: 10\n\n"); err != nil {
					return
				}
			}
			if err := act(w); err != nil {
				s.t.Error(err)
			}
			if err := flush.Flush(); err != nil {
				return
			}
		}
	}
}

// TestLive watches a page whose regions change while somebody looks, types and has
// things open, over a lost connection and a server that is away for a moment.
func TestLive(t *testing.T) {
	l, err := New()
	if err != nil {
		t.Fatal(err)
	}
	region := func(state string) Region {
		return Region{ID: "state", Parts: []any{Text(state), Link{Text: "Details", Href: "/x"}, Field{Name: "note", Label: "Note", Optional: true}, Disclosure{ID: "more", Summary: "More", Parts: []any{Text("what is below")}}}}
	}
	line := func(text string) LogLine { return LogLine{At: noon, Text: text} }
	events := &stream{t, l, make(chan string, 9), make(chan func(io.Writer) error)}
	mux := http.NewServeMux()
	mux.Handle("/static/", l.Static())
	mux.Handle("/events", events)
	mux.HandleFunc("/{$}", func(w http.ResponseWriter, _ *http.Request) {
		if err := l.Render(w, http.StatusOK, Page{Title: "Live", Live: "/events?after=1", Body: []any{region("one"), Log{ID: "log", Label: "Log", Filter: true}}}); err != nil {
			t.Error(err)
		}
	})
	server := httptest.NewServer(mux)
	defer server.Close()
	defer server.CloseClientConnections()
	p := browsertest.Start(t).Page(t)
	p.Allow("ERR_INCOMPLETE_CHUNKED_ENCODING")
	p.Allow("status of 503")
	p.Open(server.URL)
	asks := func(want string) {
		t.Helper()
		select {
		case got := <-events.asked:
			if got != want {
				t.Fatalf("asked with %q, not %q", got, want)
			}
		case <-time.After(20 * time.Second):
			t.Fatalf("nobody asked with %q", want)
		}
	}
	asks("|1")
	p.Click("#more > summary")
	browsertest.Eval[bool](p, `document.querySelector("#state a").focus(); true`)
	events.next <- func(w io.Writer) error { return l.Replace(w, "2", region("two")) }
	p.WaitText("#state", "two")
	p.WaitText("#live", "Live")
	if !browsertest.Eval[bool](p, `document.getElementById("more").open && document.activeElement.matches("#state a")`) {
		t.Error("what was open closed, or the focus was lost")
	}
	p.Fill("#f-note", "typed")
	events.next <- func(w io.Writer) error {
		return errors.Join(l.Replace(w, "3", region("three")), l.Append(w, "4", "log", line("first")))
	}
	p.WaitText("#log", "first")
	if got := p.Text("#state > p"); got != "two" {
		t.Errorf("the region changed to %q while somebody typed", got)
	}
	browsertest.Eval[bool](p, `document.activeElement.blur(); true`)
	p.WaitText("#state", "three")

	events.next <- nil // the connection is lost; the browser asks again by itself
	asks("4|1")
	p.WaitText("#live", "lost")
	events.next <- nil // the server refuses; the script asks again
	asks("|4")
	p.Click("[data-log-pause]")
	events.next <- func(w io.Writer) error { return l.Append(w, "5", "log", line("second"), line("third")) }
	p.WaitText("[data-log-waiting]", "2 new")
	if n := browsertest.Eval[int](p, `document.querySelectorAll("#log > li").length`); n != 1 {
		t.Errorf("a log that is held shows %d lines", n)
	}
	p.Click("[data-log-pause]")
	p.WaitText("#log", "third")
	events.next <- func(w io.Writer) error { return l.End(w, "6") }
	p.WaitText("#live", "Finished")
}
