// Package standin is a server that speaks Box's API by Box's own published contract
// (github.com/box/box-openapi): files, folders, web links, collaborations, upload
// sessions, users and groups, with its tokens, its limits and its words of refusal.
// It holds everything in memory.
package standin

import (
	"cmp"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/rialto-migrate/rialto/connector/standin"
)

// The app that the stand-in knows.
const (
	ClientID     = "box-client"
	ClientSecret = "box-secret-of-the-app"
	Enterprise   = "900"
	// Service is the id of the app's own account, which a client credentials grant
	// for the enterprise acts as.
	Service = "11"
	// Ann is the id of the person who signed in: Settings act as her.
	Ann = "12"
)

// Limits are what Box lets an account do; zero values are Box's own.
type Limits struct {
	SessionLeast int64         // bytes of the smallest file that a session takes: 20 MB
	PartBytes    int64         // of an upload session's parts: 8 MiB, 32 MiB from 1 GB on
	Space        int64         // bytes that one account holds; 0 for no end
	TokenLife    time.Duration // of an access token: an hour
	PerMinute    int           // requests of one user; 0 for no limit
	Uploads      int           // uploads of one user in a minute; 0 for no limit
	Commits      int           // how often a commit is answered with 202 before it is done
	Unready      int           // how often a download is answered with 202 before the file is ready
}

// Options make a Server.
type Options struct {
	Seed   uint64
	Limits Limits
	Now    func() time.Time // nil means time.Now
}

// A Server is a Box with one enterprise.
type Server struct {
	mu       sync.Mutex
	limits   Limits
	now      func() time.Time
	next     int // the last id that was given out
	users    map[string]*user
	groups   map[string]*group
	items    map[string]*entry // by kind and id: "file 123"
	roots    map[string]*entry // by user
	collabs  map[string]*collaboration
	sessions map[string]*session
	tokens   tokens
	calls    *standin.Limiter
	uploads  *standin.Limiter
	busy     map[string]int // folders that are locked for so many requests
	told     []Invitation
	counts   map[string]int
	dropped  int // upload sessions that were aborted
}

// New returns a stand-in with an app, its service account and one person.
func New(o Options) *Server {
	l := o.Limits
	l.SessionLeast = cmp.Or(l.SessionLeast, 20_000_000)
	l.TokenLife = cmp.Or(l.TokenLife, time.Hour)
	s := &Server{limits: l, now: o.Now, next: 1_000_000_000, users: map[string]*user{}, groups: map[string]*group{}, items: map[string]*entry{}, roots: map[string]*entry{},
		collabs: map[string]*collaboration{}, sessions: map[string]*session{}, busy: map[string]int{}, counts: map[string]int{},
		calls:   standin.NewLimiter(standin.Window{Kind: standin.Sliding, Max: l.PerMinute, Per: time.Minute}, o.Seed),
		uploads: standin.NewLimiter(standin.Window{Kind: standin.Sliding, Max: l.Uploads, Per: time.Minute}, o.Seed)}
	if s.now == nil {
		s.now = time.Now
	}
	s.addUser(Service, "Rialto", "AutomationUser_1@boxdevedition.com", "admin")
	s.addUser(Ann, "Ann", "ann@example.org", "admin")
	s.tokens = newTokens()
	return s
}

// Name is the connector's.
func (s *Server) Name() string { return "box" }

// Settings let a connection act as Ann, by a refresh token of hers.
func (s *Server) Settings(base string) map[string]string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return map[string]string{"url": base, "client-id": ClientID, "client-secret": ClientSecret, "refresh-token": s.tokens.signIn(Ann)}
}

// Load puts a data file into Ann's root folder.
func (s *Server) Load(name string, r io.Reader) error {
	content, err := io.ReadAll(r)
	if err != nil {
		return err
	}
	s.Put(Ann, name, content)
	return nil
}

// A call is one request under way.
type call struct {
	*http.Request
	user *user // as whom it is made
	vars []string
	body []byte
}

// An answer is what a call is answered with: a status and JSON, unless stream is set.
type answer struct {
	status int
	json   any
	head   http.Header
	bytes  []byte // of a file, instead of JSON
}

// A route is one operation of the contract. "*" stands for an id.
type route struct {
	method, path string
	do           func(*Server, *call) answer
	streams      bool // it reads its body itself, before the state is locked
}

func routes() []route {
	return []route{
		{"GET", "/2.0/users/me", (*Server).getMe, false},
		{"GET", "/2.0/users", (*Server).listUsers, false},
		{"GET", "/2.0/users/*", (*Server).getUser, false},
		{"GET", "/2.0/groups/*", (*Server).getGroup, false},
		{"GET", "/2.0/groups", (*Server).listGroups, false},
		{"GET", "/2.0/folders/*", (*Server).getFolder, false},
		{"GET", "/2.0/folders/*/items", (*Server).listItems, false},
		{"POST", "/2.0/folders", (*Server).createFolder, false},
		{"PUT", "/2.0/folders/*", (*Server).updateFolder, false},
		{"DELETE", "/2.0/folders/*", (*Server).deleteFolder, false},
		{"GET", "/2.0/folders/*/collaborations", (*Server).folderCollaborations, false},
		{"GET", "/2.0/files/*", (*Server).getFile, false},
		{"PUT", "/2.0/files/*", (*Server).updateFile, false},
		{"DELETE", "/2.0/files/*", (*Server).deleteFile, false},
		{"GET", "/2.0/files/*/content", (*Server).download, false},
		{"GET", "/2.0/files/*/collaborations", (*Server).fileCollaborations, false},
		{"OPTIONS", "/2.0/files/content", (*Server).preflight, false},
		{"POST", "/api/2.0/files/content", (*Server).upload, true},
		{"POST", "/api/2.0/files/*/content", (*Server).uploadVersion, true},
		{"POST", "/api/2.0/files/upload_sessions", (*Server).openSession, false},
		{"POST", "/api/2.0/files/*/upload_sessions", (*Server).openVersionSession, false},
		{"GET", "/api/2.0/files/upload_sessions/*", (*Server).getSession, false},
		{"PUT", "/api/2.0/files/upload_sessions/*", (*Server).uploadPart, false},
		{"DELETE", "/api/2.0/files/upload_sessions/*", (*Server).abortSession, false},
		{"GET", "/api/2.0/files/upload_sessions/*/parts", (*Server).listParts, false},
		{"POST", "/api/2.0/files/upload_sessions/*/commit", (*Server).commitSession, false},
		{"POST", "/2.0/web_links", (*Server).createLink, false},
		{"GET", "/2.0/web_links/*", (*Server).getLink, false},
		{"PUT", "/2.0/web_links/*", (*Server).updateLink, false},
		{"DELETE", "/2.0/web_links/*", (*Server).deleteLink, false},
		{"POST", "/2.0/collaborations", (*Server).createCollaboration, false},
		{"PUT", "/2.0/collaborations/*", (*Server).updateCollaboration, false},
		{"DELETE", "/2.0/collaborations/*", (*Server).deleteCollaboration, false},
	}
}

// ServeHTTP implements http.Handler.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	switch {
	case r.URL.Path == "/":
		s.page(w)
		return
	case r.URL.Path == "/oauth2/token":
		s.token(w, r)
		return
	case strings.HasPrefix(r.URL.Path, "/dl/"):
		s.direct(w, r)
		return
	}
	for _, rt := range routes() {
		vars, ok := match(rt.path, r.URL.Path)
		if !ok || rt.method != r.Method {
			continue
		}
		s.serve(w, rt, &call{Request: r, vars: vars})
		return
	}
	write(w, refuse(http.StatusMethodNotAllowed, "method_not_allowed", "Method Not Allowed"))
}

func (s *Server) serve(w http.ResponseWriter, rt route, c *call) {
	s.mu.Lock()
	early, ok := s.admit(c, rt)
	s.mu.Unlock()
	if !ok {
		write(w, early)
		return
	}
	var err error
	if c.body, err = io.ReadAll(c.Body); err != nil {
		panic(http.ErrAbortHandler) // a body that did not come whole was not carried out
	}
	s.mu.Lock()
	a := rt.do(s, c)
	s.counts[rt.method+" "+rt.path]++
	s.mu.Unlock()
	write(w, a)
}

// admit holds a call against its token and the limits of its user.
func (s *Server) admit(c *call, rt route) (answer, bool) {
	now := s.now()
	id, ok := s.tokens.owner(c.Header.Get("Authorization"), now)
	if !ok {
		a := refuse(http.StatusUnauthorized, "unauthorized", "Unauthorized")
		a.head = http.Header{"Www-Authenticate": {`Bearer realm="Service", error="invalid_token", error_description="The access token provided is invalid."`}}
		return a, false
	}
	if as := c.Header.Get("As-User"); as != "" && as != id {
		if s.users[id].role != "admin" || s.users[as] == nil {
			return refuse(http.StatusForbidden, "access_denied_insufficient_permissions", "Access denied - insufficient permission"), false
		}
		id = as
	}
	c.user = s.users[id]
	taken := s.calls.Take(id, now, 1)
	if taken.OK && rt.method != http.MethodGet && strings.HasPrefix(rt.path, "/api/2.0/files") && strings.HasSuffix(rt.path, "content") {
		taken = s.uploads.Take(id, now, 1)
	}
	if !taken.OK {
		a := refuse(http.StatusTooManyRequests, "rate_limit_exceeded", "Request rate limit exceeded, please try again later")
		a.head = http.Header{"Retry-After": {strconv.Itoa(int(taken.Reset/time.Second) + 1)}}
		return a, false
	}
	return answer{}, true
}

func match(pattern, path string) (vars []string, ok bool) {
	want, have := strings.Split(pattern, "/"), strings.Split(path, "/")
	if len(want) != len(have) {
		return nil, false
	}
	for i, w := range want {
		switch {
		case w == "*" && have[i] != "" && have[i] != "content" && have[i] != "upload_sessions" && have[i] != "me":
			vars = append(vars, have[i])
		case w != have[i]:
			return nil, false
		}
	}
	return vars, true
}

func write(w http.ResponseWriter, a answer) {
	for k, v := range a.head {
		w.Header()[k] = v
	}
	switch {
	case a.bytes != nil:
		w.WriteHeader(a.status)
		_, _ = w.Write(a.bytes) // who has gone does not mind
	case a.json != nil:
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(a.status)
		_ = json.NewEncoder(w).Encode(a.json) // likewise
	default:
		w.WriteHeader(a.status)
	}
}

// refuse is a client error in Box's form.
func refuse(status int, code, message string) answer {
	return answer{status: status, json: object{"type": "error", "status": status, "code": code, "message": message, "request_id": "standin",
		"help_url": "https://developer.box.com/guides/api-calls/permissions-and-errors/common-errors/"}}
}

// Refuse implements standin.Refuser.
func (s *Server) Refuse(w http.ResponseWriter, _ *http.Request, status int) {
	codes := map[int]string{401: "unauthorized", 429: "rate_limit_exceeded", 500: "internal_server_error", 502: "bad_gateway", 503: "unavailable"}
	write(w, refuse(status, codes[status], http.StatusText(status)))
}

func notFound() answer { return refuse(http.StatusNotFound, "not_found", "Not Found") }

func bad(code, message string) answer { return refuse(http.StatusBadRequest, code, message) }

// object is a JSON object.
type object map[string]any

// read decodes a JSON body.
func (c *call) read(into any) bool { return json.Unmarshal(c.body, into) == nil }

func (s *Server) id() string {
	s.next++
	return strconv.Itoa(s.next)
}

// page shows what the cloud holds.
func (s *Server) page(w http.ResponseWriter) {
	s.mu.Lock()
	defer s.mu.Unlock()
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	ids := make([]string, 0, len(s.roots))
	for id := range s.roots {
		ids = append(ids, id)
	}
	slices.Sort(ids)
	for _, id := range ids {
		fmt.Fprintf(w, "%s\n", s.users[id].name)
		s.print(w, s.roots[id], "  ")
	}
}

func (s *Server) print(w io.Writer, e *entry, indent string) {
	for _, k := range s.children(e) {
		fmt.Fprintf(w, "%s%s (%s %s)\n", indent, k.name, k.kind, k.id)
		s.print(w, k, indent+"  ")
	}
}
