//go:build linux

package web

import (
	"context"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/rialto-migrate/rialto/connectors"
	"github.com/rialto-migrate/rialto/internal/access"
	"github.com/rialto-migrate/rialto/internal/account"
	"github.com/rialto-migrate/rialto/internal/app"
	"github.com/rialto-migrate/rialto/internal/job"
	"github.com/rialto-migrate/rialto/internal/mover"
	"github.com/rialto-migrate/rialto/internal/password"
	"github.com/rialto-migrate/rialto/internal/runs"
	"github.com/rialto-migrate/rialto/internal/store"
	"github.com/rialto-migrate/rialto/internal/store/bothtest"
	"github.com/rialto-migrate/rialto/internal/vault"
)

var servers bothtest.Servers

// TestMain lets the tests' own program be the mover.
func TestMain(m *testing.M) {
	if len(os.Args) > 1 && os.Args[1] == mover.Argument {
		os.Exit(job.Main(connectors.All()))
	}
	servers.Main(m)
}

// A mailbox keeps the letters that were sent.
type mailbox struct {
	mu      sync.Mutex
	letters []account.Letter
}

func (b *mailbox) Send(_ context.Context, l account.Letter) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.letters = append(b.letters, l)
	return nil
}

// link is the path of the last letter's link.
func (b *mailbox) link(t *testing.T, kind string) string {
	t.Helper()
	b.mu.Lock()
	defer b.mu.Unlock()
	if len(b.letters) == 0 || b.letters[len(b.letters)-1].Kind != kind {
		t.Fatalf("the last letter is not of the kind %s: %v", kind, b.letters)
	}
	return strings.TrimPrefix(b.letters[len(b.letters)-1].Link, "http://rialto.test")
}

// A stage is a site with its parts.
type stage struct {
	*Site
	mail *mailbox
	now  time.Time
}

// each runs a test with a site on each of the engines.
func each(t *testing.T, test func(t *testing.T, s *stage)) {
	t.Helper()
	servers.Each(t, func(t *testing.T, o store.Options) { test(t, open(t, o)) })
}

func open(t *testing.T, o store.Options) *stage {
	t.Helper()
	s := &stage{mail: &mailbox{}, now: time.Now().Truncate(time.Second)} // the policies tell by the clock what is recent
	now := func() time.Time { return s.now }
	a, err := app.Open(t.Context(), app.Config{StateDir: o.Dir, Version: "test", Connectors: connectors.All(), Hosted: true,
		Networks: []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}, Getenv: func(name string) string {
			if name == app.DatabaseVariable {
				return o.Postgres.Reveal()
			}
			return ""
		}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := a.Close(); err != nil {
			t.Error(err)
		}
	})
	hasher, err := password.NewHasher(2)
	if err != nil {
		t.Fatal(err)
	}
	regions, err := account.NewRegions(account.DefaultRegions())
	if err != nil {
		t.Fatal(err)
	}
	policy, err := access.New()
	if err != nil {
		t.Fatal(err)
	}
	log, err := a.Store().AuditLog(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	accounts := account.New(account.Config{Store: a.Store(), Hasher: hasher, Post: s.mail, Regions: regions, Base: "http://rialto.test", Now: now})
	s.Site, err = New(Config{App: a, Accounts: accounts, Policy: policy, Audit: log, Runs: s.registry(t, a), Log: slog.New(slog.NewTextHandler(io.Discard, nil)), Version: "test", Now: now})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Close)
	return s
}

const good = "correct tulip bridge seven"

// registry carries out the runs of a test.
func (s *stage) registry(t *testing.T, a *app.App) *runs.Registry {
	t.Helper()
	r := runs.Open(a, slog.New(slog.NewTextHandler(io.Discard, nil)), runs.Limit{Write: 20 * time.Millisecond, Lease: time.Second})
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
		defer cancel()
		if err := r.Close(ctx); err != nil {
			t.Error(err)
		}
	})
	return r
}

// person makes a confirmed account.
func (s *stage) person(t *testing.T, name string) store.Person {
	t.Helper()
	hash, err := s.Accounts.Hasher.Hash(t.Context(), good)
	if err != nil {
		t.Fatal(err)
	}
	p := store.Person{ID: "p-" + name, Address: name + "@example.org", Name: name, Password: vault.NewSecret(hash), Created: s.now, Confirmed: s.now}
	if err := s.App.Store().AddPerson(t.Context(), p); err != nil {
		t.Fatal(err)
	}
	return p
}

func (s *stage) founded(t *testing.T, id string, owner store.Person) {
	t.Helper()
	err := s.App.Store().AddOrganisation(t.Context(), store.Organisation{ID: id, Name: "Org " + id, Country: "PT", Region: "westeurope", Created: s.now, Active: s.now},
		store.Member{Person: owner.ID, Role: account.Owner, Since: s.now})
	if err != nil {
		t.Fatal(err)
	}
}

func (s *stage) member(t *testing.T, org string, p store.Person, role access.Role) {
	t.Helper()
	if err := s.App.Store().PutMember(t.Context(), org, store.Member{Person: p.ID, Role: string(role), Since: s.now}, account.Owner); err != nil {
		t.Fatal(err)
	}
}

func (s *stage) session(t *testing.T, p store.Person) string {
	t.Helper()
	token, err := s.Accounts.Begin(t.Context(), p.ID, account.Place{Address: "192.0.2.1", Device: "Firefox on Linux"}, false)
	if err != nil {
		t.Fatal(err)
	}
	return token
}

// ask sends a request with a session's token and returns the answer.
func (s *stage) ask(t *testing.T, method, path, token string, form url.Values) *http.Response {
	t.Helper()
	var body io.Reader
	if method == http.MethodPost {
		body = strings.NewReader(form.Encode())
	}
	r := httptest.NewRequestWithContext(t.Context(), method, "http://rialto.test"+path, body)
	r.Header.Set("Sec-Fetch-Site", "same-origin")
	if body != nil {
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	if token != "" {
		r.AddCookie(&http.Cookie{Name: s.cookieName(), Value: token})
	}
	w := httptest.NewRecorder()
	s.ServeHTTP(w, r)
	return w.Result()
}

func text(t *testing.T, r *http.Response) string {
	t.Helper()
	b, err := io.ReadAll(r.Body)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

func newRequest(t *testing.T, path, token string) *http.Request {
	t.Helper()
	r := httptest.NewRequestWithContext(t.Context(), http.MethodPost, "http://rialto.test"+path, strings.NewReader("a=b"))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	r.AddCookie(&http.Cookie{Name: "rialto", Value: token})
	return r
}

func (s *stage) do(r *http.Request) *http.Response {
	w := httptest.NewRecorder()
	s.ServeHTTP(w, r)
	return w.Result()
}

func prefixes(t *testing.T, text string) []netip.Prefix {
	t.Helper()
	p, err := netip.ParsePrefix(text)
	if err != nil {
		t.Fatal(err)
	}
	return []netip.Prefix{p}
}
