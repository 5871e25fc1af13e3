//go:build linux

package web

import (
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/rialto-migrate/rialto/internal/access"
	"github.com/rialto-migrate/rialto/internal/account"
	"github.com/rialto-migrate/rialto/internal/store"
	"github.com/rialto-migrate/rialto/internal/vault"
)

// Every route, asked for by everybody: each role, in the organisation, in another one
// and in none, signed in just now, a while ago, by half, and not at all. Whether one gets in
// is what the policies say, and nothing else.
func TestEveryRouteByEverybody(t *testing.T) {
	each(t, func(t *testing.T, s *stage) {
		keeper := s.person(t, "keeper")
		s.founded(t, "o-own", keeper)
		s.founded(t, "o-other", keeper)
		type visitor struct {
			name         string
			person       store.Person
			role         access.Role // in o-own
			token        string
			stale, half  bool
			organisation string // that is asked for
		}
		visitors := []visitor{{name: "nobody", organisation: "o-own"}, {name: "nobody with a made-up token", token: "x", organisation: "o-own"}}
		for _, role := range access.Members() {
			p := s.person(t, string(role))
			s.member(t, "o-own", p, role)
			visitors = append(visitors,
				visitor{name: string(role), person: p, role: role, organisation: "o-own"},
				visitor{name: string(role) + " signed in long ago", person: p, role: role, stale: true, organisation: "o-own"},
				visitor{name: string(role) + " of another organisation", person: p, organisation: "o-other"})
			if role == access.Owner {
				visitors = append(visitors, visitor{name: "an owner, of an organisation that is not there", person: p, organisation: "o-none"})
			}
		}
		half := s.person(t, "half")
		s.member(t, "o-own", half, access.Owner)
		if err := s.App.Store().ChangePerson(t.Context(), half.ID, func(p *store.Person) error { p.Seed = vault.NewSecret("JBSWY3DPEHPK3PXP"); return nil }); err != nil {
			t.Fatal(err)
		}
		visitors = append(visitors, visitor{name: "an owner without the second factor", person: half, role: access.Owner, half: true, organisation: "o-own"})

		walked := 0
		for _, route := range s.Routes() {
			if route.Action == "" || route.Action == access.DeleteOrganisation {
				continue // doors have tests of their own; and without the organisation there is nothing to walk
			}
			for _, v := range visitors {
				if v.person.ID != "" {
					v.token = s.session(t, v.person)
					if v.stale {
						s.stale(t, v.person.ID)
					}
				}
				path := strings.NewReplacer("{org}", v.organisation, "{id}", "made-up").Replace(route.Path)
				inOrg := strings.Contains(route.Path, "{org}")
				got := s.ask(t, route.Method, path, v.token, url.Values{})
				where := got.Header.Get("Location")
				what := fmt.Sprintf("%s %s by %s: %d %s", route.Method, path, v.name, got.StatusCode, where)
				walked++

				who := access.Subject{Person: v.person.ID, SignedIn: s.now}
				with := access.Resource{Kind: route.Kind, Person: v.person.ID}
				if v.stale {
					who.SignedIn = s.now.Add(-account.FreshFor)
				}
				if inOrg {
					who.Organisation, who.Role = "o-own", v.role
					with.Organisation, with.Person = v.organisation, ""
				}
				d := s.Policy.Decide(who, route.Action, with)
				switch {
				case v.person.ID == "":
					if got.StatusCode != http.StatusSeeOther || !strings.HasPrefix(where, "/sign-in?") {
						t.Error(what)
					}
				case v.half:
					if got.StatusCode != http.StatusSeeOther || !strings.HasPrefix(where, "/sign-in/second?") {
						t.Error(what)
					}
				case inOrg && v.role == "":
					if d.Allowed || got.StatusCode != http.StatusNotFound {
						t.Error(what)
					}
				case d.Why == access.NeedsRecentSignIn:
					if got.StatusCode != http.StatusSeeOther || !strings.HasPrefix(where, "/account/prove?") {
						t.Error(what)
					}
				case !d.Allowed:
					if got.StatusCode != http.StatusForbidden {
						t.Error(what)
					}
				default:
					if got.StatusCode == http.StatusForbidden || got.StatusCode >= 500 || strings.HasPrefix(where, "/sign-in") || strings.HasPrefix(where, "/account/prove") {
						t.Error(what)
					}
				}
			}
		}
		if walked < 300 {
			t.Errorf("only %d requests were made", walked)
		}
	})
}

// What another site sends changes nothing, whoever is signed in.
func TestOtherSitesChangeNothing(t *testing.T) {
	s := open(t, store.Options{Dir: t.TempDir()})
	ana := s.person(t, "ana")
	token := s.session(t, ana)
	for _, route := range s.Routes() {
		if route.Method != http.MethodPost {
			continue
		}
		path := strings.NewReplacer("{org}", "o", "{id}", "x", "{token}", "x").Replace(route.Path)
		r := newRequest(t, path, token)
		r.Header.Set("Sec-Fetch-Site", "cross-site")
		if got := s.do(r); got.StatusCode != http.StatusForbidden {
			t.Errorf("%s: %d", path, got.StatusCode)
		}
		r = newRequest(t, path, token)
		r.Header.Set("Origin", "https://evil.example")
		if got := s.do(r); got.StatusCode != http.StatusForbidden {
			t.Errorf("%s by origin: %d", path, got.StatusCode)
		}
	}
	if _, err := s.Accounts.Signed(t.Context(), token); err != nil {
		t.Errorf("another site signed somebody out: %v", err)
	}
}

func TestNextStaysHere(t *testing.T) {
	for to, want := range map[string]string{
		"/o/1/people?a=b": "/o/1/people?a=b", "": "/", "https://evil.example/": "/", "//evil.example": "/", "/\\evil.example": "/", "evil": "/", "/\tx": "/",
		"javascript:alert(1)": "/", "/%zz": "/",
	} {
		if got := next(to); got != want {
			t.Errorf("%q leads to %q", to, got)
		}
	}
}
