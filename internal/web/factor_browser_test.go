//go:build linux

package web

import (
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/rialto-migrate/rialto/internal/store"
	"github.com/rialto-migrate/rialto/internal/web/browsertest"
)

// TestPasskeyInABrowser makes a passkey in Chromium, signs in by it alone, and by the
// password and it, and looks at each page on the way.
func TestPasskeyInABrowser(t *testing.T) {
	b := browsertest.Start(t)
	s := open(t, store.Options{Dir: t.TempDir()})
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { s.ServeHTTP(w, r) }))
	t.Cleanup(server.Close)
	base := browsertest.Local(server.URL)
	s.Accounts.Base = base
	s.provided(t)
	s.person(t, "ana")
	p := b.Page(t)
	p.Allow("status of 422")
	key := p.Passkey()

	looked := func(name string) {
		t.Helper()
		p.Axe()
		p.Fits()
		p.Pictures(name)
	}
	byPassword := func(to string) {
		t.Helper()
		p.Open(base + "/sign-in?to=" + to)
		p.Fill("#f-address", "ana@example.org")
		p.Fill("#f-password", good)
		p.Submit("button.primary[type=submit]")
	}
	byPassword("/account/second-factor/app")
	looked("set-up-an-app")
	p.Open(base + "/account/second-factor")
	looked("no-second-factor")
	p.Submit("#add-passkey")
	p.WaitText("h1", "Keep these recovery codes")
	looked("recovery-codes")
	if n := key.Keys(); n != 1 {
		t.Fatalf("the authenticator holds %d keys", n)
	}
	p.Open(base + "/account/second-factor")
	p.WaitText("main", "you have 10 left")
	looked("second-factor")
	p.Click("#add-passkey")
	p.WaitText("#add-passkey-problem", "has a passkey of your account already")

	p.Open(base + "/account/second-factor")
	p.Click("details.who > summary")
	p.Submit("details.who form button")
	p.Open(base + "/sign-in?to=/account/sessions")
	looked("sign-in")
	p.Open(base + "/sign-up")
	p.Axe()
	p.Open(base + "/sign-in?to=/account/sessions")
	p.Submit("#passkey")
	if at := p.Address(); at != "/account/sessions" {
		t.Fatalf("the passkey led to %s", at)
	}
	p.Click("details.who > summary")
	p.Submit("details.who form button")

	byPassword("/account/sessions")
	p.WaitText("h1", "Your second factor")
	looked("give-second-factor")
	p.Submit("#passkey")
	if at := p.Address(); at != "/account/sessions" {
		t.Fatalf("the second factor led to %s", at)
	}

	s.stale(t, "p-ana")
	p.Open(base + "/account/other-sign-ins")
	p.WaitText("h1", "Is it you?")
	looked("prove")
	p.Submit("#passkey")
	p.WaitText("main", "Link one")
	looked("other-sign-ins")

	// Who is not recognised stays outside.
	p.Click("details.who > summary")
	p.Submit("details.who form button")
	key.Verifies(false)
	p.Open(base + "/sign-in")
	p.Click("#passkey")
	p.WaitText("#passkey-problem", "Nothing was done")

	// Without scripts the pages say what to do.
	p.WithoutScripts(true)
	p.Open(base + "/sign-in")
	p.Wait("[data-passkey-without]")
}
