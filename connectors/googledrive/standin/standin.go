// Package standin is a local Google Drive: a server with state that speaks the Drive
// API v3 as its contract (drive-api.json, Google's discovery document) and its
// documentation (https://developers.google.com/workspace/drive/api/guides) show it, and
// refuses what Drive refuses. It serves the API under /drive/v3 and /upload/drive/v3,
// tokens at /token, and a page for people at "/".
//
// People, shared drives and files come from Go (AddPerson and the other builders), which
// tests also use to change things behind a client's back.
package standin

import (
	crand "crypto/rand"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"html/template"
	"io"
	"math/rand/v2"
	"net/http"
	"sync"
	"time"

	"github.com/rialto-migrate/rialto/connector/standin"
)

// Options make a Server. The zero value is a Drive with its documented quota.
type Options struct {
	Now    func() time.Time // nil means time.Now
	Seed   uint64           // of ids and faults; 0 draws one
	Faults standin.Faults
	// Units is the quota of a person in a minute; 0 means the documented 325,000, -1
	// none.
	Units int
	// Storage is how many bytes a person may own; 0 means no end.
	Storage int64
	// TokenLife is how long an access token is good; 0 means an hour.
	TokenLife time.Duration
	// Rotates says that each renewal of a token ends the refresh token, and gives a new
	// one.
	Rotates bool
	// Domain is whom new files are opened to by default, as an administrator can choose;
	// "" for nobody.
	Domain string
	// Mute leaves away, for My Drive, which permissions are inherited.
	Mute bool
	// Repeats tells a file that changed several times as often, each time as it is now.
	Repeats bool
}

// A Server is a Drive. It is safe for concurrent use.
type Server struct {
	standin.Outbox // the mails that Drive would send
	o              Options
	now            func() time.Time
	limiter        *standin.Limiter
	handler        http.Handler // behind the faults

	mu       sync.Mutex
	dice     *rand.Rand
	people   []*person // the first one's is the refresh token of Settings
	drives   []*node   // the top folders of shared drives
	nodes    map[string]*node
	order    []*node // as they were made
	log      []entry // of changes
	lost     int     // how much of it is not told any more
	given    map[string]string
	sessions map[string]*session
	access   map[string]token
	refresh  map[string]*person
	account  *account
}

// A person has a My Drive; a group has none.
type person struct {
	id, email, name string
	group           bool
	in              []*person // groups
	root            *node
}

type token struct {
	of    *person
	until time.Time
	scope string
}

// New returns a Drive with one person, whose refresh token is in Settings.
func New(o Options) *Server {
	if o.Seed == 0 {
		var b [8]byte
		crand.Read(b[:]) // never fails, as its documentation says
		o.Seed = binary.LittleEndian.Uint64(b[:])
	}
	if o.Units == 0 {
		o.Units = 325_000
	}
	if o.TokenLife == 0 {
		o.TokenLife = time.Hour
	}
	s := &Server{o: o, now: o.Now, limiter: standin.NewLimiter(standin.Window{Kind: standin.Fixed, Max: max(o.Units, 0), Per: time.Minute}, o.Seed),
		dice: rand.New(rand.NewPCG(o.Seed, 0x6472697665)), nodes: map[string]*node{}, given: map[string]string{}, sessions: map[string]*session{}, access: map[string]token{}, refresh: map[string]*person{}}
	if s.now == nil {
		s.now = time.Now
	}
	s.AddPerson("ann@example.org", "Ann Archer")
	s.refresh["1//"+s.word(20)] = s.people[0]
	s.handler = o.Faults.Wrap(http.HandlerFunc(s.serve), o.Seed)
	return s
}

// Name is the connector's.
func (s *Server) Name() string { return "googledrive" }

// Settings are those of a connection as the first person.
func (s *Server) Settings(base string) map[string]string {
	s.mu.Lock()
	defer s.mu.Unlock()
	out := map[string]string{"url": base, "login": base + "/token", "client-id": "1234.apps.googleusercontent.com", "client-secret": "GOCSPX-stand-in-secret"}
	for token, p := range s.refresh {
		if p == s.people[0] {
			out["refresh-token"] = token
		}
	}
	return out
}

// Load puts a file into the first person's My Drive.
func (s *Server) Load(name string, r io.Reader) error {
	content, err := io.ReadAll(r)
	if err != nil {
		return fmt.Errorf("%s cannot be read: %w", name, err)
	}
	s.AddFile(s.people[0].root.id, name, content)
	return nil
}

// ServeHTTP implements http.Handler.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) { s.handler.ServeHTTP(w, r) }

var page = template.Must(template.New("").Parse(`<!doctype html><title>Drive</title><h1>Drive (a stand-in)</h1><ul>{{range .}}<li>{{.}}</li>{{end}}</ul>`))

func (s *Server) page(w http.ResponseWriter) {
	s.mu.Lock()
	var lines []string
	for _, n := range s.order {
		if !n.trashed {
			lines = append(lines, n.path())
		}
	}
	s.mu.Unlock()
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	_ = page.Execute(w, lines) // whoever has gone does not mind
}

// word draws n characters.
func (s *Server) word(n int) string {
	b := make([]byte, (n+1)/2)
	for i := range b {
		b[i] = byte(s.dice.UintN(256))
	}
	return hex.EncodeToString(b)[:n]
}

// tick is the time as Drive tells it: to the millisecond.
func (s *Server) tick() time.Time { return s.now().UTC().Truncate(time.Millisecond) }
