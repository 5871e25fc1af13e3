//go:build linux

package web

import (
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/rialto-migrate/rialto/connector/standin"
	"github.com/rialto-migrate/rialto/connectors"
	sample "github.com/rialto-migrate/rialto/connectors/demo"
	microsoft "github.com/rialto-migrate/rialto/connectors/microsoft/standin"
	trello "github.com/rialto-migrate/rialto/connectors/trello/standin"
	"github.com/rialto-migrate/rialto/internal/access"
	"github.com/rialto-migrate/rialto/internal/store"
)

// clouds are the two of the demo, listening.
type clouds struct {
	*standin.Stage
	from, to string // where they listen
}

func listening(t *testing.T) clouds {
	t.Helper()
	st, err := sample.New(time.Date(2026, 11, 23, 9, 0, 0, 0, time.UTC), 0)
	if err != nil {
		t.Fatal(err)
	}
	c := clouds{Stage: st}
	for at, actor := range map[*string]standin.Actor{&c.from: st.From, &c.to: st.To} {
		server := httptest.NewServer(actor)
		t.Cleanup(server.Close)
		*at = server.URL + "/"
	}
	return c
}

// settings is a form that connects a cloud of the stage.
func settings(name string, of standin.Actor, base string) url.Values {
	form := url.Values{"name": {name}, wayField: {"set"}}
	for k, value := range of.Settings(base) {
		form.Set(setPrefix+k, value)
	}
	return form
}

// A browserless makes requests of one signed-in member of the organisation o.
type browserless struct {
	*stage
	t     *testing.T
	token string
}

func (s *stage) as(t *testing.T, role access.Role) browserless {
	t.Helper()
	p := s.person(t, string(role))
	s.member(t, "o", p, role)
	return browserless{s, t, s.session(t, p)}
}

// ended asks for a page until it is not live, and returns its text.
func (b browserless) ended(path string) string {
	b.t.Helper()
	for range 200 {
		got := b.ask(b.t, http.MethodGet, path, b.token, nil)
		page := text(b.t, got)
		if got.StatusCode != http.StatusOK && got.StatusCode != http.StatusUnprocessableEntity {
			b.t.Fatalf("%s: %d %s", path, got.StatusCode, page)
		}
		if !strings.Contains(page, "data-live") {
			return page
		}
	}
	b.t.Fatalf("%s does not end", path)
	return ""
}

// post sends a form and returns where that leads.
func (b browserless) post(path string, form url.Values) string {
	b.t.Helper()
	got := b.ask(b.t, http.MethodPost, path, b.token, form)
	if got.StatusCode != http.StatusSeeOther {
		b.t.Fatalf("%s: %d %s", path, got.StatusCode, text(b.t, got))
	}
	return got.Header.Get("Location")
}

// connect connects both clouds.
func (b browserless) connect(c clouds) {
	b.t.Helper()
	for _, end := range []struct {
		name, base string
		of         standin.Actor
	}{{"old", c.from, c.From}, {"new", c.to, c.To}} {
		try := b.post("/o/o/clouds/"+end.of.Name(), settings(end.name, end.of, end.base))
		if page := b.ended(try); !strings.Contains(page, "It works") {
			b.t.Fatalf("%s: %s", end.name, page)
		}
		b.post(try, url.Values{"do": {"keep"}})
	}
}

func has(t *testing.T, page string, want ...string) {
	t.Helper()
	for _, w := range want {
		if !strings.Contains(page, w) {
			_, main, _ := strings.Cut(page, "<main")
			t.Errorf("the page lacks %q: %s", w, main)
		}
	}
}

func TestConnections(t *testing.T) {
	each(t, func(t *testing.T, s *stage) {
		s.founded(t, "o", s.person(t, "keeper"))
		s.founded(t, "other", s.person(t, "stranger"))
		b := s.as(t, access.Administrator)
		c := listening(t)
		secret := c.From.Settings(c.from)["token"]

		// What is missing or cannot be is refused, and what was typed stays.
		form := settings("", c.From, c.from)
		got := b.ask(t, http.MethodPost, "/o/o/clouds/trello", b.token, form)
		page := text(t, got)
		if got.StatusCode != http.StatusUnprocessableEntity || strings.Contains(page, secret) {
			t.Errorf("without a name: %d %s", got.StatusCode, page)
		}
		has(t, page, "needs a name", c.from)

		// Nothing is kept before somebody has seen what it may do.
		try := b.post("/o/o/clouds/trello", settings("old", c.From, c.from))
		page = b.ended(try)
		has(t, page, "It works", "What it may do", "Keep it")
		if all, err := s.App.Of("o").Connections(t.Context()); err != nil || len(all) != 0 {
			t.Errorf("kept unseen: %v %v", all, err)
		}
		if got := b.ask(t, http.MethodGet, strings.Replace(try, "/o/o/", "/o/other/", 1), b.token, nil); got.StatusCode != http.StatusNotFound {
			t.Errorf("another organisation's: %d", got.StatusCode)
		}
		at := b.post(try, url.Values{"do": {"keep"}})
		if at != "/o/o/connections/old?done=connected" {
			t.Error(at)
		}
		page = b.ended(at)
		has(t, page, "The connection is kept", "Trello")
		if strings.Contains(page, secret) {
			t.Error("the page shows the token")
		}
		if got := b.ask(t, http.MethodPost, "/o/o/clouds/trello", b.token, settings("old", c.From, c.from)); got.StatusCode != http.StatusUnprocessableEntity {
			t.Errorf("a name twice: %d", got.StatusCode)
		}

		// An operator may test it, and not add or remove.
		op := s.as(t, access.Operator)
		has(t, op.ended(op.post("/o/o/connections/old/test", nil)), "It works")
		has(t, b.ended("/o/o/connections"), "old", "Add a connection")

		// It leaves with a checklist, and only where the cloud refuses it or somebody
		// says so.
		if got := b.ask(t, http.MethodPost, "/o/o/connections/old/remove", b.token, nil); got.StatusCode != http.StatusUnprocessableEntity {
			t.Errorf("removed unprobed: %d", got.StatusCode)
		}
		probe := url.Values{"back": {"remove"}}
		has(t, b.ended(b.post("/o/o/connections/old/test", probe)), "It still works", "Forget it although")
		cloud, ok := c.From.(*trello.Server)
		if !ok {
			t.Fatal("the source is no Trello")
		}
		cloud.RevokeToken()
		page = b.ended(b.post("/o/o/connections/old/test", probe))
		has(t, page, "It is dead")
		b.post("/o/o/connections/old/remove", url.Values{"sure": {"probed"}})
		if all, err := s.App.Of("o").Connections(t.Context()); err != nil || len(all) != 0 {
			t.Errorf("left: %v %v", all, err)
		}

		// What does not work says why, with what was typed and without secrets.
		page = b.ended(b.post("/o/o/clouds/trello", settings("old", c.From, c.from)))
		has(t, page, c.from, "Try it")
		if strings.Contains(page, secret) {
			t.Error("the page shows the token")
		}
	})
}

// TestSignsIn signs in by a code, at another page, while the page waits.
func TestSignsIn(t *testing.T) {
	s := open(t, store.Options{Dir: t.TempDir()})
	s.founded(t, "o", s.person(t, "keeper"))
	b := s.as(t, access.Administrator)
	cloud := microsoft.New(microsoft.Options{Seed: 1, Users: []microsoft.User{{Name: "Kari", Mail: "kari@example.org"}}})
	server := httptest.NewServer(cloud)
	t.Cleanup(server.Close)
	form := settings("new", cloud, server.URL+"/")
	form.Set(wayField, waySignIn)
	form.Del(setPrefix + "client-secret")
	form.Set(setPrefix+"settle-delay", "1s")
	try := b.post("/o/o/clouds/planner", form)

	var code string
	for range 100 {
		page := text(t, b.ask(t, http.MethodGet, try, b.token, nil))
		if _, rest, ok := strings.Cut(page, `<code id="code">`); ok {
			has(t, page, "type this code", "data-live")
			code, _, _ = strings.Cut(rest, "<")
			break
		}
	}
	if err := cloud.SignIn(code, "kari@example.org"); err != nil {
		t.Fatalf("the code %q: %v", code, err)
	}
	// The stream ends when all is told.
	stream := text(t, b.ask(t, http.MethodGet, try+"/events?after=0", b.token, nil))
	has(t, stream, "event: replace\ndata: try", "It works", "event: end")
	b.post(try, url.Values{"do": {"keep"}})
	has(t, b.ended(b.post("/o/o/connections/new/test", nil)), "It works")
}

// TestNothingOfTheServer refuses settings that name files of the server, and servers
// beside it that the operator does not list.
func TestNothingOfTheServer(t *testing.T) {
	s := open(t, store.Options{Dir: t.TempDir()})
	for _, c := range connectors.All() {
		for _, set := range c.Manifest().Settings {
			if !set.Path {
				continue
			}
			if _, err := s.App.Of("o").Try(t.Context(), "x", c.Manifest().Name, map[string]string{set.Name: "/etc/passwd"}); err == nil || !strings.Contains(err.Error(), "file of the server") {
				t.Errorf("%s %s: %v", c.Manifest().Name, set.Name, err)
			}
		}
	}
	c := listening(t)
	s.App.Networks = nil
	if _, err := s.App.Of("o").Try(t.Context(), "x", "trello", c.From.Settings(c.from)); err == nil {
		t.Error("a server on this machine was reached")
	}
}
