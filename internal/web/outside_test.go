//go:build linux

package web

import (
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/oauth2-proxy/mockoidc"

	"github.com/rialto-migrate/rialto/internal/account"
	"github.com/rialto-migrate/rialto/internal/outside"
	"github.com/rialto-migrate/rialto/internal/vault"
)

// provided gives the site a provider of sign-ins.
func (s *stage) provided(t *testing.T) *mockoidc.MockOIDC {
	t.Helper()
	m, err := mockoidc.Run()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := m.Shutdown(); err != nil {
			t.Error(err)
		}
	})
	s.Outside, err = outside.New(nil, nil, outside.Provider{ID: "mock", Name: "Mock", Issuer: m.Issuer(), ClientID: m.ClientID, Secret: vault.NewSecret(m.ClientSecret)})
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// away follows the way to the provider as a browser does, and returns the path that it sends the
// browser back to.
func (c *client) away(t *testing.T, m *mockoidc.MockOIDC, path string, user *mockoidc.MockUser) string {
	t.Helper()
	m.QueueUser(user)
	got := c.get(t, path)
	where := got.Header.Get("Location")
	if got.StatusCode != http.StatusSeeOther || !strings.HasPrefix(where, m.AuthorizationEndpoint()+"?") {
		t.Fatalf("%s leads to %d %q", path, got.StatusCode, where)
	}
	browser := http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, where, nil)
	if err != nil {
		t.Fatal(err)
	}
	back, err := browser.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = back.Body.Close() }()
	u, err := url.Parse(back.Header.Get("Location"))
	if err != nil || u.Host != "rialto.test" {
		t.Fatalf("the provider sends to %q, %v", back.Header.Get("Location"), err)
	}
	return u.RequestURI()
}

func mock(subject, address string, verified bool) *mockoidc.MockUser {
	return &mockoidc.MockUser{Subject: subject, Email: address, EmailVerified: verified}
}

func TestSignInByAnotherProvider(t *testing.T) {
	each(t, func(t *testing.T, s *stage) {
		m := s.provided(t)
		const there = "/sign-in/with/mock?to=/account"
		shows(t, s.client().get(t, "/sign-in?to=/account"), http.StatusOK, `href="/sign-in/with/mock?to=%2Faccount"`)
		shows(t, s.client().get(t, "/sign-up"), http.StatusOK, "Begin with Mock")

		// Somebody new gets an account, once.
		bo := s.client()
		leads(t, bo.get(t, bo.away(t, m, there, mock("1", "bo@example.org", true))), "/account")
		shows(t, bo.get(t, "/account"), http.StatusOK, "bo@example.org")
		again := s.client()
		leads(t, again.get(t, again.away(t, m, there, mock("1", "elsewhere@example.org", false))), "/account")
		shows(t, again.get(t, "/account"), http.StatusOK, "bo@example.org")

		// Not by an address that nobody vouches for, nor by one that has an account.
		s.person(t, "ana")
		for user, want := range map[*mockoidc.MockUser]string{
			mock("2", "eve@example.org", false): "does not vouch for your address",
			mock("3", "Ana@example.org", true):  "has an account already",
			mock("4", "ana@example.org", false): "does not vouch for your address",
			mock("5", "", true):                 "does not vouch for your address",
		} {
			c := s.client()
			shows(t, c.get(t, c.away(t, m, there, user)), http.StatusUnprocessableEntity, want)
			leads(t, c.get(t, "/account"), "/sign-in?to=%2Faccount")
		}

		// It serves once, and in the browser that began it.
		c := s.client()
		back := c.away(t, m, there, mock("1", "bo@example.org", true))
		shows(t, s.client().get(t, back), http.StatusUnprocessableEntity, "another window")
		d := s.client()
		d.away(t, m, there, mock("6", "thief@example.org", true))
		shows(t, d.get(t, back), http.StatusUnprocessableEntity, "cannot be believed")
		held := c.cookies[s.heldName(heldTrip)]
		leads(t, c.get(t, back), "/account")
		shows(t, c.get(t, back), http.StatusUnprocessableEntity, "another window")
		c.cookies[s.heldName(heldTrip)] = held
		shows(t, c.get(t, back), http.StatusUnprocessableEntity, "cannot be believed") // the code is used up

		for _, path := range []string{"/sign-in/with/none", "/sign-in/with/none/done"} {
			if got := s.client().get(t, path); got.StatusCode != http.StatusNotFound {
				t.Errorf("%s: %d", path, got.StatusCode)
			}
		}
	})
}

func TestLinkingAnotherProvider(t *testing.T) {
	each(t, func(t *testing.T, s *stage) {
		m := s.provided(t)
		s.person(t, "ana")
		s.person(t, "bo")
		c := s.client()
		leads(t, c.signIn(t, "ana@example.org", "/"), "/")
		shows(t, c.get(t, othersAt), http.StatusOK, `href="/account/other-sign-ins/mock/link"`)
		const link = othersAt + "/mock/link"

		// What one session began, another does not end.
		back := c.away(t, m, link, mock("1", "ana@work.example", false))
		other := s.client()
		leads(t, other.signIn(t, "bo@example.org", "/"), "/")
		other.cookies[s.heldName(heldTrip)] = c.cookies[s.heldName(heldTrip)]
		shows(t, other.get(t, back), http.StatusUnprocessableEntity, "another session")
		leads(t, c.get(t, back), othersAt+"?done=linked")
		s.mail.link(t, account.NewWay)
		shows(t, c.get(t, othersAt), http.StatusOK, "open your account: 1")
		shows(t, other.get(t, other.away(t, m, link, mock("1", "bo@example.org", true))), http.StatusUnprocessableEntity, "Another account is linked")

		// Now it signs in, up to the second factor.
		d := s.client()
		leads(t, d.get(t, d.away(t, m, "/sign-in/with/mock?to=/account", mock("1", "", false))), "/account")
		err := s.App.Store().ChangePerson(t.Context(), "p-ana", seeded)
		if err != nil {
			t.Fatal(err)
		}
		e := s.client()
		leads(t, e.get(t, e.away(t, m, "/sign-in/with/mock?to=/account", mock("1", "", false))), "/sign-in/second?to=%2Faccount")
		leads(t, e.get(t, "/account"), "/sign-in/second?to=%2Faccount")
		if err := s.App.Store().ChangePerson(t.Context(), "p-ana", unseeded); err != nil {
			t.Fatal(err)
		}

		// It is a recent proof, from whom it is linked to.
		s.stale(t, "p-ana")
		leads(t, d.get(t, "/account"), "/account/prove?to=%2Faccount")
		shows(t, d.get(t, "/account/prove?to=%2Faccount"), http.StatusOK, `href="/account/prove/with/mock?to=%2Faccount"`)
		shows(t, d.get(t, d.away(t, m, "/account/prove/with/mock?to=/account", mock("9", "", false))), http.StatusUnprocessableEntity, "not linked to your account")
		leads(t, d.get(t, d.away(t, m, "/account/prove/with/mock?to=/account", mock("1", "", false))), "/account")
		shows(t, d.get(t, "/account"), http.StatusOK, "ana@example.org")

		leads(t, d.post(t, othersAt+"/unlink"), othersAt+"?done=unlinked")
		f := s.client()
		shows(t, f.get(t, f.away(t, m, "/sign-in/with/mock", mock("1", "", false))), http.StatusUnprocessableEntity, "does not vouch")

		// An invitation is taken by whoever the provider vouches for.
		boss := s.person(t, "boss")
		s.founded(t, "o-1", boss)
		if err := s.Accounts.Invite(t.Context(), boss, "o-1", "new@example.org", "operator"); err != nil {
			t.Fatal(err)
		}
		invitation := s.mail.link(t, account.Invitation)
		i := s.client()
		shows(t, i.get(t, invitation), http.StatusOK, `href="/sign-in/with/mock?to=`+url.QueryEscape(invitation)+`"`)
		leads(t, i.get(t, i.away(t, m, "/sign-in/with/mock?to="+url.QueryEscape(invitation), mock("8", "new@example.org", true))), invitation)
		leads(t, i.post(t, invitation), "/o/o-1?done=joined")

		// Nobody locks themselves out.
		g := s.client()
		leads(t, g.get(t, g.away(t, m, "/sign-in/with/mock?to=/account", mock("7", "gil@example.org", true))), "/account")
		shows(t, g.get(t, "/account/password"), http.StatusOK, "Your account has no password")
		shows(t, g.post(t, othersAt+"/unlink"), http.StatusUnprocessableEntity, "You could no longer sign in")
	})
}
