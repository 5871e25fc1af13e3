//go:build linux

package web

import (
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/rialto-migrate/rialto/internal/access"
	"github.com/rialto-migrate/rialto/internal/store"
	"github.com/rialto-migrate/rialto/internal/web/browsertest"
)

// TestPlanInABrowser goes the whole way to a signed forecast, and to its run, as a
// person would.
func TestPlanInABrowser(t *testing.T) {
	s := open(t, store.Options{Dir: t.TempDir()})
	s.now = time.Now().UTC()
	s.founded(t, "o", s.person(t, "keeper"))
	p := s.person(t, "ana")
	s.member(t, "o", p, access.Administrator)
	c := listening(t)
	server := httptest.NewServer(s)
	t.Cleanup(server.Close)
	page := browsertest.Start(t).Page(t)

	page.Open(server.URL + "/sign-in?to=/o/o/connections")
	page.Fill("[name=address]", "ana@example.org")
	page.Fill("[name=password]", good)
	page.Submit("form.form button.primary")
	page.WaitText("main", "No connections yet")
	for _, end := range []struct {
		name, cloud, base string
		settings          map[string]string
	}{{"old", c.From.Name(), c.from, c.From.Settings(c.from)}, {"new", c.To.Name(), c.to, c.To.Settings(c.to)}} {
		page.Open(server.URL + "/o/o/clouds")
		page.Axe()
		page.Open(server.URL + "/o/o/clouds/" + end.cloud)
		if end.name == "old" {
			page.Pictures("connect")
		} else {
			page.Click("[name=way][value=set]")
		}
		page.Axe()
		page.Fill("[name=name]", end.name)
		for k, v := range end.settings {
			page.Fill("[name=set-"+k+"]", v)
		}
		page.Submit("form.form button.primary")
		page.WaitText("main", "It works")
		page.Fits()
		page.Axe()
		if end.name == "old" {
			page.Pictures("connection-may")
		}
		page.Submit("form.form button.primary")
		page.WaitText("main", "Kept since")
		page.Axe()
	}
	page.Open(server.URL + "/o/o/connections")
	page.Axe()
	page.Pictures("connections")
	page.Open(server.URL + "/o/o/connections/old/remove")
	page.Axe()
	page.Pictures("connection-remove")

	page.Open(server.URL + "/o/o/plan")
	page.Axe()
	page.Fill("[name=name]", "move")
	browsertest.Eval[bool](page, `document.querySelector("[name=from]").value = "old", document.querySelector("[name=to]").value = "new", true`)
	page.Submit("form.form button.primary")
	page.Submit("form[action$='/scan'] button")
	until := func(path, text string) { // what is read in the background is shown when the page is opened again
		t.Helper()
		for end := time.Now().Add(time.Minute); time.Now().Before(end); time.Sleep(200 * time.Millisecond) {
			if page.Open(server.URL + path); strings.Contains(page.Text("main"), text) {
				return
			}
		}
		t.Fatalf("%s never shows %q", path, text)
	}
	until("/o/o/migrations/move/scope", "What the connection sees")
	look := func(name string) {
		t.Helper()
		page.Fits()
		page.Axe()
		page.Pictures(name)
	}
	look("plan-scope")
	page.Submit("form.form button.primary")
	page.Fill("[name=place]", c.Place)
	look("plan-place")
	page.Submit("form.form button.primary")
	page.Submit("form[action$='/people/read'] button")
	until("/o/o/migrations/move/people", "Becomes")
	page.Click("[name=others][value=name-in-text]")
	look("plan-people")
	page.Submit("form.form button.primary")
	page.Fill("[name=waves]", "2")
	page.Submit("form.form button[value=stay]")
	look("plan-waves")
	page.Submit("form.form button.primary")
	look("plan-policies")
	page.Submit("form.form button.primary")
	look("plan-hours")
	page.Submit("form.form button.primary")
	page.Submit("form[action$='/forecast'] button")
	page.WaitText("main", "The forecast is made")
	page.Axe()
	page.Submit("#forecast a.primary")
	page.WaitText("main", "What moves")
	look("forecast")
	page.Submit("form[action$='/sign'] button")
	page.WaitText("main", "You have signed")
	page.Open(server.URL + "/o/o/migrations/move")
	look("plan")
	page.Open(server.URL + "/o/o/migrations/move/text")
	page.Axe()
	page.Open(server.URL + "/o/o/migrations/move/forecasts/1")
	page.Submit("form[action$='/move/run'] button")
	page.WaitText("#state", "done")
}
