//go:build linux

package web

import (
	"net/http/httptest"
	"testing"
	"time"

	"github.com/rialto-migrate/rialto/internal/access"
	"github.com/rialto-migrate/rialto/internal/store"
	"github.com/rialto-migrate/rialto/internal/web/browsertest"
)

// TestConnectionsInABrowser connects two clouds as a person would.
func TestConnectionsInABrowser(t *testing.T) {
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
}
