//go:build linux

package web

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/rialto-migrate/rialto/internal/account"
	"github.com/rialto-migrate/rialto/internal/store"
	"github.com/rialto-migrate/rialto/internal/web/browsertest"
)

// Somebody signs up, comes in, invites somebody else, who joins; one changes the
// other's role, looks at sessions and the log, and destroys the organisation. Each page is
// looked at: by axe, in two widths, in light and dark.
func TestComingIn(t *testing.T) {
	b := browsertest.Start(t)
	each(t, func(t *testing.T, s *stage) {
		web := httptest.NewServer(s)
		t.Cleanup(web.Close)
		base := browsertest.Local(web.URL)
		p := b.Page(t)
		p.Allow("status of 422")
		look := func(name string) {
			t.Helper()
			if strings.HasSuffix(t.Name(), "SQLite") { // the pages are the same on both
				p.Axe()
				p.Fits()
				p.Pictures(name)
			}
		}
		p.Open(base + "/")
		look("sign-in")
		p.Open(base + "/sign-up")
		look("sign-up")
		p.Fill("#f-name", "Ana Ferreira")
		p.Fill("#f-address", "ana@example.org")
		p.Fill("#f-password", "anaferreira1")
		p.Fill("#f-organisation", "Workshop")
		browsertest.Eval[any](p, `document.querySelector("#f-country").value = "PT"`)
		p.Submit("main button[type=submit]")
		p.WaitText("main", "guessed first")
		look("sign-up-refused")
		if got := browsertest.Eval[string](p, `[...document.querySelectorAll("#f-name, #f-address, #f-organisation, #f-country")].map((e) => e.value).join("|")`); got != "Ana Ferreira|ana@example.org|Workshop|PT" {
			t.Errorf("what was typed is lost: %s", got)
		}
		p.Fill("#f-password", good)
		p.Submit("main button[type=submit]")
		p.WaitText("h1", "We sent you a letter")
		p.Open(base + s.mail.link(t, account.Confirm))
		p.Submit("main button[type=submit]")
		p.WaitText("main", "Your address is confirmed")
		signIn := func(address string) {
			t.Helper()
			p.Fill("#f-address", address)
			p.Fill("#f-password", good)
			p.Submit("main button[type=submit]")
		}
		signIn("ana@example.org")
		p.WaitText("h1", "Workshop")
		look("overview")
		home := p.Address()

		p.Open(base + home + "/people/invite")
		look("invite")
		p.Fill("#f-address", "bo@example.org")
		p.Submit("main button[type=submit]")
		p.WaitText("main", "The invitation is on its way")
		look("people")
		link := s.mail.link(t, account.Invitation)

		other := b.Page(t)
		other.Open(base + link)
		other.Fill("#f-name", "Bo <b>Hansen</b>")
		other.Fill("#f-password", good)
		other.Submit("main button[type=submit]")
		other.WaitText("main", "you have joined")

		p.Open(base + home + "/people")
		p.WaitText("main", "Bo <b>Hansen</b>")
		p.Submit("tbody tr:nth-child(2) a.button, tbody tr:nth-child(2) a")
		look("person")
		p.Click("input[value=auditor]")
		p.Submit("main form button[type=submit]")
		p.WaitText("main", "The role is changed")
		other.Allow("status of 403")
		other.Open(base + home + "/settings")
		if strings.Contains(other.Text("main"), "Save") {
			t.Error("an auditor is offered to change the organisation")
		}

		p.Open(base + "/account/sessions")
		p.WaitText("main", "this one")
		look("sessions")
		p.Open(base + "/account")
		look("account")
		p.Open(base + home + "/audit")
		p.WaitText("main", "change roles")
		look("audit")

		// What needs a recent proof asks for it, and goes on.
		ana, err := s.App.Store().PersonByAddress(t.Context(), "ana@example.org")
		if err != nil {
			t.Fatal(err)
		}
		s.stale(t, ana.ID)
		p.Open(base + home + "/destroy")
		p.WaitText("h1", "Is it you?")
		look("prove")
		p.Fill("#f-password", good)
		p.Submit("main button[type=submit]")
		p.WaitText("h1", "Destroy the organisation")
		look("destroy")
		p.Fill("#f-name", "Workshop")
		p.Submit("main form button[type=submit]")
		p.WaitText("main", "is destroyed")
		look("organisations")
		if ids, err := s.App.Store().Organisations(t.Context()); err != nil || len(ids) != 0 {
			t.Errorf("organisations: %v, %v", ids, err)
		}
	})
}

// The same without scripts: what counts is in the pages.
func TestComingInWithoutScripts(t *testing.T) {
	b := browsertest.Start(t)
	s := open(t, store.Options{Dir: t.TempDir()})
	web := httptest.NewServer(s)
	t.Cleanup(web.Close)
	ana := s.person(t, "ana")
	s.founded(t, "o-1", ana)
	p := b.Page(t)
	p.WithoutScripts(true)
	p.Open(browsertest.Local(web.URL) + "/o/o-1/people")
	p.Fill("#f-address", "ana@example.org")
	p.Fill("#f-password", good)
	p.Submit("main button[type=submit]")
	p.WaitText("h1", "People")
	if at := p.Address(); at != "/o/o-1/people" {
		t.Errorf("signing in led to %s", at)
	}
}

// A browser that says where it comes from is believed only through a proxy that is known.
func TestWhereRequestsComeFrom(t *testing.T) {
	for name, c := range map[string]struct {
		proxies string
		from    string
		said    []string
		want    string
	}{
		"nobody between":            {"", "192.0.2.7:4711", nil, "192.0.2.7"},
		"a lie":                     {"", "192.0.2.7:4711", []string{"203.0.113.1"}, "192.0.2.7"},
		"a known proxy":             {"10.0.0.0/8", "10.1.2.3:80", []string{"203.0.113.1"}, "203.0.113.1"},
		"a lie through it":          {"10.0.0.0/8", "10.1.2.3:80", []string{"198.51.100.9, 203.0.113.1"}, "203.0.113.1"},
		"two of them":               {"10.0.0.0/8", "10.1.2.3:80", []string{"198.51.100.9", "203.0.113.1, 10.9.9.9"}, "203.0.113.1"},
		"a proxy that says nothing": {"10.0.0.0/8", "10.1.2.3:80", nil, "10.1.2.3"},
		"nonsense":                  {"10.0.0.0/8", "10.1.2.3:80", []string{"unknown"}, "10.1.2.3"},
	} {
		t.Run(name, func(t *testing.T) {
			site := &Site{}
			if c.proxies != "" {
				site.Proxies = prefixes(t, c.proxies)
			}
			r := httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/", nil)
			r.RemoteAddr = c.from
			for _, said := range c.said {
				r.Header.Add("X-Forwarded-For", said)
			}
			if got := (&visit{Site: site, r: r}).address(); got != c.want {
				t.Errorf("got %s, want %s", got, c.want)
			}
		})
	}
}
