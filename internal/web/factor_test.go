//go:build linux

package web

import (
	"net/http"
	"net/http/httptest"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/descope/virtualwebauthn"
	"github.com/pquerna/otp/totp"

	"github.com/rialto-migrate/rialto/internal/account"
	"github.com/rialto-migrate/rialto/internal/store"
	"github.com/rialto-migrate/rialto/internal/vault"
)

// A client is a browser without scripts, with its cookies.
type client struct {
	*stage
	cookies map[string]string
}

func (s *stage) client() *client { return &client{s, map[string]string{}} }

func (c *client) send(t *testing.T, method, path string, form url.Values) *http.Response {
	t.Helper()
	r := httptest.NewRequestWithContext(t.Context(), method, "http://rialto.test"+path, strings.NewReader(form.Encode()))
	r.Header.Set("Sec-Fetch-Site", "same-origin")
	if method == http.MethodPost {
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	for name, value := range c.cookies {
		r.AddCookie(&http.Cookie{Name: name, Value: value})
	}
	got := c.do(r)
	for _, k := range got.Cookies() {
		if !k.HttpOnly || k.SameSite != http.SameSiteLaxMode || k.Path != "/" {
			t.Errorf("a loose cookie: %v", k)
		}
		if k.MaxAge < 0 {
			delete(c.cookies, k.Name)
		} else {
			c.cookies[k.Name] = k.Value
		}
	}
	return got
}

func (c *client) get(t *testing.T, path string) *http.Response {
	t.Helper()
	return c.send(t, http.MethodGet, path, nil)
}

func (c *client) post(t *testing.T, path string, pairs ...string) *http.Response {
	t.Helper()
	form := url.Values{}
	for i := 0; i+1 < len(pairs); i += 2 {
		form.Set(pairs[i], pairs[i+1])
	}
	return c.send(t, http.MethodPost, path, form)
}

// shows fails unless a page came that holds a text, and returns the page.
func shows(t *testing.T, r *http.Response, status int, want string) string {
	t.Helper()
	page := text(t, r)
	if r.StatusCode != status || !strings.Contains(page, want) {
		t.Fatalf("%d %s, want %d with %q: %s", r.StatusCode, r.Header.Get("Location"), status, want, page)
	}
	return page
}

// leads fails unless an answer leads somewhere.
func leads(t *testing.T, r *http.Response, want string) {
	t.Helper()
	if r.StatusCode != http.StatusSeeOther || r.Header.Get("Location") != want {
		t.Fatalf("%d to %q, want %q: %s", r.StatusCode, r.Header.Get("Location"), want, text(t, r))
	}
}

func (c *client) signIn(t *testing.T, address, to string) *http.Response {
	t.Helper()
	return c.post(t, "/sign-in", "address", address, "password", good, "to", to)
}

func (c *client) code(t *testing.T, key string) string {
	t.Helper()
	code, err := totp.GenerateCode(key, c.now)
	if err != nil {
		t.Fatal(err)
	}
	return code
}

var (
	keyOnPage   = regexp.MustCompile(`id="key">([A-Z2-7 ]+)<`)
	codesOnPage = regexp.MustCompile(`<code>([a-z2-7]{4}(?:-[a-z2-7]{4}){3})</code>`)
)

// Somebody whose organisation demands a second factor is led to set one up, and from
// there on to where it was going; the next sign-in asks for it.
func TestAnAppForCodesFromPageToPage(t *testing.T) {
	each(t, func(t *testing.T, s *stage) {
		ana := s.person(t, "ana")
		s.founded(t, "o-1", ana)
		org, err := s.App.Store().Organisation(t.Context(), "o-1")
		if err != nil {
			t.Fatal(err)
		}
		org.SecondFactor = true
		if err := s.App.Store().ChangeOrganisation(t.Context(), org); err != nil {
			t.Fatal(err)
		}
		c := s.client()
		leads(t, c.signIn(t, "ana@example.org", "/o/o-1"), "/o/o-1")
		leads(t, c.get(t, "/o/o-1"), "/account/second-factor?to=%2Fo%2Fo-1")
		shows(t, c.get(t, "/account/second-factor?to=%2Fo%2Fo-1"), http.StatusOK, `href="/account/second-factor/app?to=%2Fo%2Fo-1"`)
		page := shows(t, c.get(t, "/account/second-factor/app?to=%2Fo%2Fo-1"), http.StatusOK, `<svg class="qr" role="img"`)
		key := strings.ReplaceAll(keyOnPage.FindStringSubmatch(page)[1], " ", "")
		shows(t, c.post(t, "/account/second-factor/app", "code", "000000", "to", "/o/o-1"), http.StatusUnprocessableEntity, key[:4]+" "+key[4:8])
		page = shows(t, c.post(t, "/account/second-factor/app", "code", c.code(t, key), "to", "/o/o-1"), http.StatusOK, `href="/o/o-1"`)
		codes := codesOnPage.FindAllStringSubmatch(page, -1)
		if len(codes) != account.Recoveries {
			t.Fatalf("%d recovery codes are shown", len(codes))
		}
		s.mail.link(t, account.NewFactor)
		shows(t, c.get(t, "/o/o-1"), http.StatusOK, "Org o-1")
		if page := shows(t, c.get(t, "/account/second-factor"), http.StatusOK, "you have 10 left"); strings.Contains(page, codes[0][1]) {
			t.Error("a recovery code is shown again")
		}
		shows(t, c.get(t, "/account/second-factor/app/remove"), http.StatusOK, "no longer open")
		shows(t, c.post(t, "/account/second-factor/app/remove"), http.StatusUnprocessableEntity, "this is your last one")

		// The next browser.
		s.now = s.now.Add(10 * time.Minute)
		d := s.client()
		leads(t, d.signIn(t, "ana@example.org", "/o/o-1"), "/sign-in/second?to=%2Fo%2Fo-1")
		leads(t, d.get(t, "/account"), "/sign-in/second?to=%2Faccount")
		shows(t, d.get(t, "/sign-in/second?to=%2Fo%2Fo-1"), http.StatusOK, `autocomplete="one-time-code"`)
		half := d.cookies[s.cookieName()]
		shows(t, d.post(t, "/sign-in/second", "code", "000000", "to", "/o/o-1"), http.StatusUnprocessableEntity, "This is not the code")
		leads(t, d.post(t, "/sign-in/second", "code", d.code(t, key), "to", "/o/o-1"), "/o/o-1")
		if d.cookies[s.cookieName()] == half {
			t.Error("the token did not change")
		}
		shows(t, d.get(t, "/o/o-1"), http.StatusOK, "Org o-1")
		leads(t, d.get(t, "/sign-in/second"), "/")

		// And one whose telephone is lost.
		e := s.client()
		leads(t, e.signIn(t, "ana@example.org", "/"), "/sign-in/second?to=%2F")
		shows(t, e.get(t, "/sign-in/second?with=recovery"), http.StatusOK, "Recovery code")
		leads(t, e.post(t, "/sign-in/second", "with", "recovery", "recovery", codes[0][1], "to", "//evil.example"), "/")
		f := s.client()
		leads(t, f.signIn(t, "ana@example.org", "/"), "/sign-in/second?to=%2F")
		shows(t, f.post(t, "/sign-in/second", "with", "recovery", "recovery", codes[0][1]), http.StatusUnprocessableEntity, "was used already")
	})
}

// A phone holds a passkey for the site of the tests.
type phone struct {
	rp   virtualwebauthn.RelyingParty
	auth virtualwebauthn.Authenticator
	key  virtualwebauthn.Credential
}

func newPhone() *phone {
	return &phone{virtualwebauthn.RelyingParty{Name: "Rialto", ID: "rialto.test", Origin: "http://rialto.test"}, virtualwebauthn.NewAuthenticator(), virtualwebauthn.NewCredential(virtualwebauthn.KeyTypeEC2)}
}

func (p *phone) makes(t *testing.T, options string) string {
	t.Helper()
	o, err := virtualwebauthn.ParseAttestationOptions(options)
	if err != nil {
		t.Fatal(err)
	}
	p.auth.Options.UserHandle = []byte(o.UserID)
	return virtualwebauthn.CreateAttestationResponse(p.rp, p.auth, p.key, *o)
}

func (p *phone) answers(t *testing.T, options string) string {
	t.Helper()
	o, err := virtualwebauthn.ParseAssertionOptions(options)
	if err != nil {
		t.Fatal(err)
	}
	p.key.Counter++
	return virtualwebauthn.CreateAssertionResponse(p.rp, p.auth, p.key, *o)
}

func TestPasskeysFromPageToPage(t *testing.T) {
	each(t, func(t *testing.T, s *stage) {
		s.person(t, "ana")
		p := newPhone()
		c := s.client()
		leads(t, c.signIn(t, "ana@example.org", "/account"), "/account")
		shows(t, c.get(t, "/account/second-factor"), http.StatusOK, `data-options="/account/second-factor/passkeys/options"`)
		shows(t, c.get(t, "/account/second-factor/passkeys/options"), http.StatusOK, "challenge")
		shows(t, c.post(t, "/account/second-factor/passkeys", "answer", "{}"), http.StatusUnprocessableEntity, "no passkey that we can read")
		options := shows(t, c.get(t, "/account/second-factor/passkeys/options"), http.StatusOK, "challenge")
		shows(t, c.post(t, "/account/second-factor/passkeys", "answer", p.makes(t, options)), http.StatusOK, "Recovery codes")
		page := shows(t, c.get(t, "/account/second-factor"), http.StatusOK, "/remove")

		// It signs in alone.
		d := s.client()
		shows(t, d.get(t, "/sign-in?to=%2Faccount"), http.StatusOK, `data-options="/sign-in/passkey/options"`)
		answer := p.answers(t, shows(t, d.get(t, "/sign-in/passkey/options"), http.StatusOK, "challenge"))
		// Not in another browser, where somebody else brought it.
		shows(t, s.client().post(t, "/sign-in/passkey", "answer", answer), http.StatusUnprocessableEntity, "another window")
		held := d.cookies[s.heldName(heldPasskey)]
		leads(t, d.post(t, "/sign-in/passkey", "answer", answer, "to", "/account"), "/account")
		shows(t, d.get(t, "/account"), http.StatusOK, "ana")
		e := s.client()
		e.cookies[s.heldName(heldPasskey)] = held
		shows(t, e.post(t, "/sign-in/passkey", "answer", answer), http.StatusUnprocessableEntity, "once more")

		// It is the second factor behind a password.
		leads(t, e.signIn(t, "ana@example.org", "/account"), "/sign-in/second?to=%2Faccount")
		shows(t, e.get(t, "/sign-in/second"), http.StatusOK, `data-options="/sign-in/second/options"`)
		options = shows(t, e.get(t, "/sign-in/second/options"), http.StatusOK, "allowCredentials")
		leads(t, e.post(t, "/sign-in/second/passkey", "answer", p.answers(t, options), "to", "/account"), "/account")

		// And a recent proof, which the password is, too.
		s.stale(t, "p-ana")
		leads(t, e.get(t, "/account"), "/account/prove?to=%2Faccount")
		shows(t, e.get(t, "/account/prove?to=%2Faccount"), http.StatusOK, `action="/account/prove/passkey"`)
		shows(t, e.post(t, "/account/prove", "password", "wrong"), http.StatusUnprocessableEntity, "not your password")
		options = shows(t, e.get(t, "/sign-in/second/options"), http.StatusOK, "allowCredentials")
		leads(t, e.post(t, "/account/prove/passkey", "answer", p.answers(t, options), "to", "/account"), "/account")
		shows(t, e.get(t, "/account"), http.StatusOK, "ana")
		s.stale(t, "p-ana")
		leads(t, c.get(t, "/account"), "/account/prove?to=%2Faccount")
		leads(t, c.post(t, "/account/prove", "password", good, "to", "/account"), "/account")

		remove := regexp.MustCompile(`/account/second-factor/passkeys/[\w-]+/remove`).FindString(page)
		shows(t, c.get(t, remove), http.StatusOK, "Remove the passkey")
		leads(t, c.post(t, remove), "/account/second-factor?done=no-factor")
		leads(t, s.client().signIn(t, "ana@example.org", "/account"), "/account")
	})
}

// Whoever is nobody gets nothing from the doors of the second factor.
func TestSecondFactorOfNobody(t *testing.T) {
	s := open(t, store.Options{Dir: t.TempDir()})
	c := s.client()
	leads(t, c.get(t, "/sign-in/second?to=%2Faccount"), "/sign-in?to=%2Faccount")
	leads(t, c.post(t, "/sign-in/second", "code", "123456"), "/sign-in?to=%2F")
	leads(t, c.post(t, "/sign-in/second/passkey", "answer", "{}"), "/sign-in?to=%2F")
	if got := c.get(t, "/sign-in/second/options"); got.StatusCode != http.StatusNotFound {
		t.Errorf("got %d", got.StatusCode)
	}
	s.person(t, "ana")
	leads(t, c.signIn(t, "ana@example.org", "/"), "/")
	shows(t, c.post(t, "/account/second-factor/codes"), http.StatusUnprocessableEntity, "second factor first")
}

// stale makes all proofs of a person old ones.
func (s *stage) stale(t *testing.T, person string) {
	t.Helper()
	all, err := s.App.Store().Sessions(t.Context(), person)
	if err != nil {
		t.Fatal(err)
	}
	for _, n := range all {
		n.Fresh = n.Fresh.Add(-account.FreshFor)
		if err := s.App.Store().SetSession(t.Context(), n); err != nil {
			t.Fatal(err)
		}
	}
}

func seeded(p *store.Person) error { p.Seed = vault.NewSecret("JBSWY3DPEHPK3PXP"); return nil }

func unseeded(p *store.Person) error { p.Seed = vault.Secret{}; return nil }
