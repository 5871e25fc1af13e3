//go:build linux

package web

import (
	"net/http"
	"net/url"
	"testing"

	"github.com/rialto-migrate/rialto/internal/account"
	"github.com/rialto-migrate/rialto/internal/audit"
	"github.com/rialto-migrate/rialto/internal/store"
)

// logged are the actions and outcomes of the service's own log.
func (s *stage) logged(t *testing.T) (out []string) {
	t.Helper()
	all, err := s.Audit.Entries(t.Context(), audit.Service, 1, 10_000)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range all {
		out = append(out, e.Action+": "+string(e.Outcome))
	}
	return out
}

// What a door changes stands in the log before it is done, and what was refused as refused.
func TestDoorsAreLoggedBefore(t *testing.T) {
	s := open(t, store.Options{Dir: t.TempDir()})
	form := url.Values{"name": {"Ana"}, "address": {"ana@example.org"}, "password": {"short"}, "organisation": {"Workshop"}, "country": {"PT"}}
	if got := s.ask(t, http.MethodPost, "/sign-up", "", form); got.StatusCode != http.StatusUnprocessableEntity {
		t.Errorf("a short password: %d", got.StatusCode)
	}
	form.Set("password", good)
	if got := s.ask(t, http.MethodPost, "/sign-up", "", form); got.StatusCode != http.StatusOK {
		t.Errorf("sign up: %d", got.StatusCode)
	}
	if got := s.ask(t, http.MethodPost, s.mail.link(t, account.Confirm), "", nil); got.StatusCode != http.StatusSeeOther {
		t.Errorf("confirm: %d", got.StatusCode)
	}
	want := []string{"sign up: intended", "sign up: refused", "sign up: intended", "sign up: done", "confirm an address: intended", "confirm an address: done"}
	if got := s.logged(t); len(got) != len(want) {
		t.Errorf("got %q", got)
	} else {
		for i := range want {
			if got[i] != want[i] {
				t.Errorf("entry %d: got %q, want %q", i+1, got[i], want[i])
			}
		}
	}
}

// A flood from one place is told to wait, and leaves nothing behind: no hash is made for
// it, and no entry of the log.
func TestFloodsAreNotLogged(t *testing.T) {
	s := open(t, store.Options{Dir: t.TempDir()})
	slow := 0
	for range 200 {
		got := s.ask(t, http.MethodPost, "/confirm/made-up", "", nil)
		if got.StatusCode == http.StatusTooManyRequests {
			slow++
			if got.Header.Get("Retry-After") == "" {
				t.Fatal("nobody is told for how long to wait")
			}
		}
	}
	if n := len(s.logged(t)); slow < 130 || n != 2*(200-slow) {
		t.Errorf("%d of 200 were told to wait, and %d entries were written", slow, n)
	}
}
