package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/rialto-migrate/rialto/connector/standin"
	microsoft "github.com/rialto-migrate/rialto/connectors/microsoft/standin"
	trello "github.com/rialto-migrate/rialto/connectors/trello/standin"
)

// A served cloud is a stand-in behind a port of this process, with faults that
// can be switched on and off. The processes that are killed are its clients.
type served struct {
	connector string
	base      string
	settings  map[string]string // as connect --set takes them
	trello    *trello.Server    // one of these two
	tenant    *microsoft.Server
	group     string // of the tenant, its id

	plain  http.Handler
	faulty atomic.Pointer[http.Handler] // nil while nothing goes wrong
	writes atomic.Int64                 // requests that may change something
	busy   atomic.Int64                 // requests under way

	mu   sync.Mutex
	hold chan struct{} // closed when requests may go on; nil if they are not held
	held chan struct{} // closed when one is held
}

func serve(t testing.TB, h http.Handler) *served {
	s := &served{plain: h}
	srv := httptest.NewServer(s)
	t.Cleanup(srv.Close)
	t.Cleanup(s.release)
	s.base = srv.URL
	return s
}

// people are there in both clouds, by the same full names.
func people() []string { return []string{"Ann Lee", "Bob Øst", "Mia Müller", "田中 さくら"} }

// user is a person's user name, and the first part of their address.
func user(i int) string { return []string{"annlee", "bobost", "miamuller", "sakura"}[i] }

// serveTrello serves a Trello with the people and a workspace "Acme".
func serveTrello(t testing.TB, seed uint64) *served {
	t.Helper()
	// Its headers tell of limits that nobody meets: these tests are not of speed.
	plenty := standin.Window{Max: 1000000, Per: 10 * time.Second}
	srv := trello.New(trello.Options{Seed: seed + 1, Rates: &trello.Rates{Token: plenty, Key: plenty}})
	var users []string
	for i, name := range people() {
		srv.AddMember(trello.Member{Username: user(i), FullName: name, Email: user(i) + "@example.test"})
		users = append(users, user(i))
	}
	if _, err := srv.AddWorkspace("Acme", users...); err != nil {
		t.Fatal(err)
	}
	s := serve(t, srv)
	s.connector, s.trello, s.settings = "trello", srv, srv.Settings(s.base)
	return s
}

// servePlanner serves a tenant with the people and a group "Marketing".
// delegated connects as the first person, who may write comments.
func servePlanner(t testing.TB, o microsoft.Options, delegated bool) *served {
	t.Helper()
	for i, name := range people() {
		o.Users = append(o.Users, microsoft.User{Name: name, Mail: user(i) + "@example.test"})
	}
	if o.ProvisioningDelay == 0 {
		o.ProvisioningDelay = -1
	}
	srv := microsoft.New(o)
	s := serve(t, srv)
	s.connector, s.tenant, s.settings = "planner", srv, srv.Settings(s.base)
	s.group = srv.AddGroup("Marketing", s.members()...)
	if delegated {
		var err error
		if s.settings, err = srv.DelegatedSettings(s.base, user(0)+"@example.test"); err != nil {
			t.Fatal(err)
		}
	}
	return s
}

// members are who is in the group Marketing from the beginning.
func (s *served) members() []string {
	return []string{user(0) + "@example.test", user(1) + "@example.test"}
}

// Faulty lets faults happen from now on; none ends them.
func (s *served) setFaults(f standin.Faults, seed uint64) {
	if f.String() == "" {
		s.faulty.Store(nil)
		return
	}
	f.Refusal = s.refuse
	h := f.Wrap(s.plain, seed)
	s.faulty.Store(&h)
}

// refuse is a refusal as the vendors' edges give it. No pause is asked for:
// most edges do not say, and a test would wait.
func (s *served) refuse(w http.ResponseWriter, _ *http.Request, status int) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	if s.tenant != nil {
		fmt.Fprintf(w, `{"error":{"code":"fault%d","message":"on demand"}}`, status)
		return
	}
	fmt.Fprintf(w, `{"code":"FAULT_%d","message":"on demand"}`, status)
}

func (s *served) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s.busy.Add(1)
	defer s.busy.Add(-1)
	s.mu.Lock()
	hold := s.hold
	if hold != nil {
		select {
		case <-s.held:
		default:
			close(s.held)
		}
	}
	s.mu.Unlock()
	if hold != nil {
		select {
		case <-hold:
		case <-r.Context().Done():
			return
		}
	}
	if s.changes(r) {
		s.writes.Add(1)
	}
	if h := s.faulty.Load(); h != nil {
		(*h).ServeHTTP(w, r)
		return
	}
	s.plain.ServeHTTP(w, r)
}

// changes reports whether a request may change something: a batch, if one of
// its parts may. Signing in changes nothing that counts.
func (s *served) changes(r *http.Request) bool {
	if r.Method == http.MethodGet || r.Method == http.MethodHead || strings.Contains(r.URL.Path, "/oauth2/") {
		return false
	}
	if !strings.HasSuffix(r.URL.Path, "/$batch") {
		return true
	}
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return true
	}
	r.Body = io.NopCloser(bytes.NewReader(body))
	var batch struct{ Requests []struct{ Method string } }
	if json.Unmarshal(body, &batch) != nil {
		return true
	}
	for _, part := range batch.Requests {
		if part.Method != http.MethodGet {
			return true
		}
	}
	return false
}

// stop holds every request from now on, and returns what is closed when the
// first is held.
func (s *served) stop() <-chan struct{} {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.hold, s.held = make(chan struct{}), make(chan struct{})
	return s.held
}

// release lets the held requests go on; safe to repeat.
func (s *served) release() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.hold != nil {
		close(s.hold)
		s.hold = nil
	}
}

// settle waits until no request is under way: what dead clients sent has landed.
func (s *served) settle(t testing.TB) {
	t.Helper()
	for range 1000 {
		if s.busy.Load() == 0 {
			return
		}
		time.Sleep(5 * time.Millisecond)
	}
	t.Fatal("requests are under way for seconds")
}

// page is what the stand-in holds, by its own state.
func (s *served) page() []standin.PageBoard {
	if s.trello != nil {
		return s.trello.PageBoards()
	}
	return s.tenant.PageBoards()
}
