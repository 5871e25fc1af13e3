//go:build linux

package web

import (
	"bytes"
	"fmt"
	"mime/multipart"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"github.com/rialto-migrate/rialto/internal/access"
	"github.com/rialto-migrate/rialto/internal/migrate"
	"github.com/rialto-migrate/rialto/internal/store"
)

// version is the version that a plan has now, as forms bring it.
func (b browserless) version(name string) string {
	b.t.Helper()
	p, err := b.App.Of("o").Plan(b.t.Context(), name)
	if err != nil {
		b.t.Fatal(err)
	}
	return fmt.Sprint(p.Version)
}

func (b browserless) file(name string) *migrate.File {
	b.t.Helper()
	p, err := b.App.Of("o").Plan(b.t.Context(), name)
	if err != nil {
		b.t.Fatal(err)
	}
	return p.File
}

// save sends a step's form.
func (b browserless) save(step string, form url.Values) *http.Response {
	b.t.Helper()
	if form.Get("version") == "" {
		form.Set("version", b.version("move"))
	}
	return b.ask(b.t, http.MethodPost, "/o/o/migrations/move/"+step, b.token, form)
}

func (b browserless) saved(step string, form url.Values) {
	b.t.Helper()
	if got := b.save(step, form); got.StatusCode != http.StatusSeeOther {
		b.t.Fatalf("%s: %d %s", step, got.StatusCode, text(b.t, got))
	}
}

// bring uploads a table.
func (b browserless) bring(step string, raw []byte) *http.Response {
	b.t.Helper()
	var body bytes.Buffer
	m := multipart.NewWriter(&body)
	for _, err := range []error{m.WriteField("version", b.version("move")), m.WriteField("others", "name-in-text")} {
		if err != nil {
			b.t.Fatal(err)
		}
	}
	w, err := m.CreateFormFile("table", "table.csv")
	if err != nil {
		b.t.Fatal(err)
	}
	if _, err := w.Write(raw); err != nil {
		b.t.Fatal(err)
	}
	if err := m.Close(); err != nil {
		b.t.Fatal(err)
	}
	r := httptest.NewRequestWithContext(b.t.Context(), http.MethodPost, "http://rialto.test/o/o/migrations/move/"+step, &body)
	r.Header.Set("Sec-Fetch-Site", "same-origin")
	r.Header.Set("Content-Type", m.FormDataContentType())
	r.AddCookie(&http.Cookie{Name: b.cookieName(), Value: b.token})
	return b.do(r)
}

// planned is a stage with two connections and a plan.
func planned(t *testing.T, s *stage) (browserless, clouds) {
	t.Helper()
	s.founded(t, "o", s.person(t, "keeper"))
	b := s.as(t, access.Administrator)
	c := listening(t)
	b.connect(c)
	if at := b.post("/o/o/plan", url.Values{"name": {"move"}, "from": {"old"}, "to": {"new"}}); at != "/o/o/migrations/move/scope" {
		t.Fatal(at)
	}
	return b, c
}

func TestPlan(t *testing.T) {
	each(t, func(t *testing.T, s *stage) {
		b, c := planned(t, s)
		if got := b.ask(t, http.MethodPost, "/o/o/plan", b.token, url.Values{"name": {"move"}, "from": {"old"}, "to": {"new"}}); got.StatusCode != http.StatusUnprocessableEntity {
			t.Errorf("a name twice: %d", got.StatusCode)
		}
		got := b.ask(t, http.MethodPost, "/o/o/plan", b.token, url.Values{"name": {"other"}, "from": {"old"}, "to": {"old"}})
		has(t, text(t, got), "the same connection", `value="other"`)

		// The scope, as a tree with names and counts that are not kept.
		page := b.ended(b.post("/o/o/migrations/move/scan", nil))
		_, board, _ := strings.Cut(c.Scope, ":")
		has(t, page, "Spoke", board, "items")
		b.saved("scope", url.Values{"what": {"some"}, "shown": {board}, "scope": {board}})
		if f := b.file("move"); len(f.Scope) != 1 || f.Scope[0] != board {
			t.Errorf("scope %v", f.Scope)
		}
		got = b.save("scope", url.Values{"what": {"some"}, "shown": {board}})
		has(t, text(t, got), "Choose at least one container")
		b.saved("place", url.Values{"place": {c.Place}})

		// The people: read, found, decided.
		page = b.ended(b.post("/o/o/migrations/move/people/read", nil))
		has(t, page, "same full name", "Becomes")
		b.saved("people", url.Values{"match": {"email"}, "others": {"name-in-text"}, "of-who-0": {"somebody"}, "who-0": {"-"}})
		if f := b.file("move"); len(f.People.Rows) != 1 || f.People.Rows[0].Target != "-" || f.People.Others != "name-in-text" {
			t.Errorf("people %+v", f.People)
		}

		// The waves.
		b.saved("waves", url.Values{"waves": {"2"}})
		if f := b.file("move"); len(f.Map) == 0 || f.Map[0].Wave == 0 || f.Map[0].Name != "" {
			t.Errorf("map %+v", f.Map)
		}
		has(t, b.ended("/o/o/migrations/move/waves"), "The map", `name="wave-0"`)
		csv := text(t, b.ask(t, http.MethodGet, "/o/o/migrations/move/map.csv", b.token, nil))
		has(t, csv, board)
		if got := b.bring("waves", []byte(csv)); got.StatusCode != http.StatusSeeOther {
			t.Errorf("its own table came back: %d %s", got.StatusCode, text(t, got))
		}
		b.saved("waves", url.Values{"without": {"on"}})

		// Policies and hours.
		b.saved("policies", url.Values{"policy-archived": {"skip"}})
		b.saved("hours", url.Values{"zone": {"Europe/Oslo"}, "windows": {"Mon-Fri 08:00-18:00 = 30%\r\n"}, "else": {"100%"}})
		if f := b.file("move"); f.Policies.Archived != "skip" || len(f.Pace.Windows) != 1 {
			t.Errorf("%+v %+v", f.Policies, f.Pace)
		}
		got = b.save("hours", url.Values{"windows": {"Mon-Fri 08:00-18:00"}, "else": {"100%"}})
		has(t, text(t, got), "has no share", "Mon-Fri 08:00-18:00</textarea>")

		// As text: an error has its place, and what was typed stays.
		got = b.save("text", url.Values{"text": {"name: move\nfrom: {connection: old, scope: ['*']}\nto: {connection: new}\ncolour: red\n"}})
		has(t, text(t, got), "Line 4, column 1: unknown key", "colour: red")
		b.saved("text", url.Values{"text": {"name: move\nfrom: {connection: old, scope: ['*']}\nto: {connection: new}\n"}})
		if f := b.file("move"); f.Policies.Archived != "plan" || len(f.People.Rows) != 1 {
			t.Errorf("%+v", f)
		}
		has(t, b.ended("/o/o/migrations/move"), "What is decided", "by hand")
		has(t, b.ended("/o/o/migrations"), "move")
	})
}

// TestTwoPlanners: the second of two sees who was quicker and what differs, and
// keeps what was typed.
func TestTwoPlanners(t *testing.T) {
	s := open(t, store.Options{Dir: t.TempDir()})
	b, _ := planned(t, s)
	second := s.as(t, access.Operator)
	seen := b.version("move")
	b.saved("place", url.Values{"place": {"group:First"}})
	got := second.save("place", url.Values{"place": {"group:Second"}, "version": {seen}})
	page := text(t, got)
	if got.StatusCode != http.StatusUnprocessableEntity {
		t.Errorf("%d", got.StatusCode)
	}
	has(t, page, "administrator", "changed this migration while you did", "− place: group:Second", "&#43; place: group:First", `value="group:Second"`)
	second.saved("place", url.Values{"place": {"group:Second"}})
	if f := b.file("move"); f.Place != "group:Second" {
		t.Error(f.Place)
	}
}

func TestTables(t *testing.T) {
	s := open(t, store.Options{Dir: t.TempDir()})
	b, _ := planned(t, s)
	var many strings.Builder
	many.WriteString("source;target\r\n")
	for i := range 50_000 {
		fmt.Fprintf(&many, "person%d@old.example;person%d@new.example\r\n", i, i)
	}
	if got := b.bring("people", []byte(many.String())); got.StatusCode != http.StatusSeeOther {
		t.Fatalf("%d %s", got.StatusCode, text(t, got)[:200])
	}
	if f := b.file("move"); len(f.People.Rows) != 50_000 || f.People.Rows[49_999].Target != "person49999@new.example" {
		t.Errorf("%d rows", len(f.People.Rows))
	}
	csv := text(t, b.ask(t, http.MethodGet, "/o/o/migrations/move/people.csv", b.token, nil))
	if n := strings.Count(csv, "\n"); n != 50_001 {
		t.Errorf("%d lines came down", n)
	}
	for what, c := range map[string]struct {
		raw  string
		want string
	}{
		"a workbook":      {"PK\x03\x04xxxx", "This is a workbook; save it as CSV"},
		"a picture":       {"\x89PNG\r\n\x1a\n\x00\x00", "no table of text"},
		"other columns":   {"who,whom\na,b\n", "The first line must name the column source"},
		"a person twice":  {"source,target\na,b\na,c\n", "Line 3: "},
		"a spoilt number": {"source,target\n1.2E+17,b\n", "a spreadsheet made the number"},
		"UTF-16 cut":      {"\xff\xfes\x00o", "must name the column source"},
		"nothing in it":   {" ", "must name the column source"},
	} {
		got := b.bring("people", []byte(c.raw))
		page := text(t, got)
		if got.StatusCode != http.StatusUnprocessableEntity || !strings.Contains(page, c.want) {
			t.Errorf("%s: %d, not %q", what, got.StatusCode, c.want)
		}
	}
	// Western European and UTF-16 are read as what they are.
	for what, raw := range map[string][]byte{
		"Windows-1252": []byte("source,target\nJos\xe9,jose\n"),
		"UTF-16":       append([]byte("\xff\xfe"), utf16("source,target\nJosé,jose\n")...),
	} {
		if got := b.bring("people", raw); got.StatusCode != http.StatusSeeOther {
			t.Errorf("%s: %d", what, got.StatusCode)
		}
		if f := b.file("move"); len(f.People.Rows) != 1 || f.People.Rows[0].Source != "José" {
			t.Errorf("%s: %+v", what, f.People.Rows)
		}
	}
}

func utf16(s string) (out []byte) {
	for _, r := range s {
		out = append(out, byte(r), byte(r>>8))
	}
	return out
}
