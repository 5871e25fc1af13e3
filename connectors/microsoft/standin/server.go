package standin

import (
	"cmp"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"math/rand/v2"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"time"

	shared "github.com/rialto-migrate/rialto/connector/standin"
)

// A Server is one tenant. It is an http.Handler and a standin.Cloud, safe for
// concurrent use. Graph is served below /v1.0, sign-in below /{tenant}/oauth2,
// upload and download addresses that carry their own right below /upload and
// /download, and the board page at "/".
type Server struct {
	outbox  shared.Outbox // what the real cloud would tell people
	opts    Options
	limits  Limits
	now     func() time.Time
	log     *slog.Logger
	faulty  http.Handler
	routes  []route
	throttl []throttle

	mu       sync.Mutex
	dice     *rand.Rand
	versions uint64 // the last version given to any Planner resource
	hintTick int64

	tenant, client, secret string
	tokens                 map[string]token
	refresh                map[string]caller
	devices                map[string]*device

	users   map[string]*user
	groups  map[string]*group
	plans   map[string]*plan
	buckets map[string]*bucket
	tasks   map[string]*task
	drives  map[string]*drive
	sites   map[string]*site
	uploads map[string]*upload
	links   map[string]download
	made    map[string]int      // tasks by creator
	owed    map[string]int      // tasks by assignee
	mail    map[string]*mailbox // by user
	counts  map[string]int      // requests by "METHOD /shape"
}

type throttle struct {
	class   Class
	limiter *shared.Limiter
}

var (
	_ shared.Cloud   = (*Server)(nil)
	_ shared.Shown   = (*Server)(nil)
	_ shared.Refuser = (*graph)(nil)
)

// New returns a tenant. Its ids, its secret and its shuffles follow from the
// seed, so that two tenants of one seed accept the same credentials.
func New(o Options) *Server {
	s := &Server{
		opts: o, limits: DefaultLimits(), now: o.Now, log: o.Log,
		dice:   rand.New(rand.NewPCG(o.Seed, 365)),
		tokens: map[string]token{}, refresh: map[string]caller{}, devices: map[string]*device{},
		users: map[string]*user{}, groups: map[string]*group{}, plans: map[string]*plan{}, buckets: map[string]*bucket{},
		tasks: map[string]*task{}, drives: map[string]*drive{}, sites: map[string]*site{}, uploads: map[string]*upload{}, links: map[string]download{},
		made: map[string]int{}, owed: map[string]int{}, counts: map[string]int{},
	}
	if o.Limits != nil {
		s.limits = *o.Limits
	}
	if s.now == nil {
		s.now = time.Now
	}
	if s.log == nil {
		s.log = slog.New(slog.DiscardHandler)
	}
	if s.opts.ProvisioningDelay == 0 {
		s.opts.ProvisioningDelay = 2 * time.Second
	}
	if s.opts.TokenLife == 0 {
		s.opts.TokenLife = time.Hour
	}
	for _, q := range o.Quotas {
		s.throttl = append(s.throttl, throttle{q.Class, shared.NewLimiter(q.Window, o.Seed)})
	}
	s.tenant, s.client = s.guid(), s.guid()
	s.secret = "sec~" + s.random(24)
	s.routes = s.table()
	for _, u := range o.Users {
		s.addUser(u)
	}
	if len(o.Users) == 0 {
		s.addUser(User{Name: "Ada Administrator", UPN: "admin@" + domain})
	}
	s.faulty = o.Faults.Wrap(&graph{s}, o.Seed)
	return s
}

// Name implements standin.Cloud: the connector's name.
func (s *Server) Name() string { return cmp.Or(s.opts.Connector, "planner") }

// ServeHTTP implements http.Handler.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) { s.faulty.ServeHTTP(w, r) }

// graph is the tenant without faults.
type graph struct{ s *Server }

func (g *graph) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s := g.s
	path := r.URL.EscapedPath()
	first, rest, _ := strings.Cut(strings.TrimPrefix(path, "/"), "/")
	began := s.now()
	switch {
	case path == "/":
		s.servePage(w, r)
	case first == "v1.0":
		s.serveGraph(w, r, rest)
	case first == "upload":
		s.serveUpload(w, r, rest)
	case first == "download":
		s.serveDownload(w, r, rest)
	case first == "sites" && r.Method == http.MethodGet:
		s.serveSite(w, r)
	case first == "webui" && r.Method == http.MethodGet:
		s.serveWeb(w, r)
	case path == "/devicelogin":
		s.serveDeviceLogin(w, r)
	case strings.HasPrefix(rest, "oauth2/v2.0/"):
		s.serveSignIn(w, r, first, strings.TrimPrefix(rest, "oauth2/v2.0/"))
	default:
		http.NotFound(w, r)
	}
	s.log.Debug("request", "method", r.Method, "root", first, "took", s.now().Sub(began))
}

// Refuse implements standin.Refuser: a fault in Graph's own form.
func (g *graph) Refuse(w http.ResponseWriter, r *http.Request, status int) {
	s := g.s
	s.mu.Lock()
	c := &call{header: r.Header, id: s.guid()}
	s.mu.Unlock()
	var f *refusal
	switch status {
	case http.StatusUnauthorized:
		f = expiredToken()
	case http.StatusTooManyRequests:
		f = tooMany(time.Second)
	case http.StatusServiceUnavailable:
		f = refuse(status, "serviceNotAvailable", "The service is temporarily unavailable.")
		f.header = http.Header{"Retry-After": {"1"}}
	case http.StatusBadGateway:
		f = refuse(status, "BadGateway", "The server received an invalid response from an upstream server.")
	default:
		f = refuse(status, "InternalServerError", "An internal error occurred.")
	}
	s.asAnswer(c, answer{}, f).write(w)
}

const maxJSON = 4 << 20

func (s *Server) serveGraph(w http.ResponseWriter, r *http.Request, path string) {
	c := &call{method: r.Method, path: path, header: r.Header, query: r.URL.Query(), base: baseOf(r)}
	s.mu.Lock()
	c.id = s.guid()
	s.mu.Unlock()
	segs, err := splitPath(path)
	if err != nil {
		s.asAnswer(c, answer{}, refuse(http.StatusBadRequest, "BadRequest", "Invalid request path.")).write(w)
		return
	}
	c.segs = segs
	if r.Method == http.MethodPut && len(segs) > 0 && segs[len(segs)-1] == "content" {
		a, err := s.putContent(c, r)
		s.asAnswer(c, a, err).write(w)
		return
	}
	if c.body, err = io.ReadAll(io.LimitReader(r.Body, maxJSON+1)); err != nil {
		panic(http.ErrAbortHandler) // the request broke off: no service would act upon it
	}
	if len(c.body) > maxJSON {
		s.asAnswer(c, answer{}, refuse(http.StatusRequestEntityTooLarge, "RequestEntityTooLarge", "The request body is too large.")).write(w)
		return
	}
	s.mu.Lock()
	a := s.serve(c)
	s.mu.Unlock()
	a.write(w)
}

// serve answers a call from the network. The caller holds mu.
func (s *Server) serve(c *call) answer {
	var err error
	if c.who, err = s.authorize(c.header.Get("Authorization")); err != nil {
		return s.asAnswer(c, answer{}, err)
	}
	if len(c.segs) == 1 && c.segs[0] == "$batch" {
		a, err := s.batch(c)
		return s.asAnswer(c, a, err)
	}
	return s.one(c)
}

// one answers a call that is signed: itself, or a part of a batch. The caller
// holds mu.
func (s *Server) one(c *call) answer {
	s.counts[c.method+" "+shape(c.segs)]++
	told, err := s.throttle(c)
	var a answer
	if err == nil {
		a, err = s.route(c)
	}
	a = s.asAnswer(c, a, err)
	maps.Copy(a.header, told)
	return a
}

// throttle counts a call against the quotas and says what the services tell of
// them in headers (FACTS.md, Microsoft Graph): identity the cost of each call
// and, from 80 % of use, the share; files their quota from 80 % of use.
func (s *Server) throttle(c *call) (http.Header, error) {
	class := classOf(c.segs)
	told := http.Header{}
	for _, t := range s.throttl {
		if t.class != AnyClass && t.class != class {
			continue
		}
		cost := costOf(c, t.class)
		took := t.limiter.Take(c.who.app, s.now(), cost)
		busy := took.Max > 0 && took.Remaining*5 <= took.Max
		switch {
		case t.class == Identity:
			told.Set("x-ms-resource-unit", fmt.Sprint(cost))
			if busy {
				told.Set("x-ms-throttle-limit-percentage", fmt.Sprintf("%.1f", float64(took.Max-took.Remaining)/float64(took.Max)))
			}
			if !took.OK {
				told.Set("x-ms-throttle-scope", "Tenant_Application/ReadWrite/"+c.who.app+"/"+s.tenant)
				told.Set("x-ms-throttle-information", "ResourceUnitLimitExceeded")
			}
		case t.class == Files && busy:
			told.Set("RateLimit-Limit", fmt.Sprint(took.Max))
			told.Set("RateLimit-Remaining", fmt.Sprint(took.Remaining))
			told.Set("RateLimit-Reset", fmt.Sprint(wholeSeconds(took.Reset)))
		}
		if !took.OK {
			return told, tooMany(took.Reset)
		}
	}
	return told, nil
}

// wholeSeconds rounds up.
func wholeSeconds(d time.Duration) int { return int((d + time.Second - 1) / time.Second) }

// tooMany is the answer that docs: throttling shows.
func tooMany(wait time.Duration) *refusal {
	r := refuse(http.StatusTooManyRequests, "TooManyRequests", "Please retry again later.")
	r.inner = object{"code": "429", "message": "Please retry after", "status": "429"}
	r.header = http.Header{"Retry-After": {fmt.Sprint(max(1, wholeSeconds(wait)))}}
	return r
}

func classOf(segs []string) Class {
	switch {
	case len(segs) == 0:
		return AnyClass
	case slices.ContainsFunc(segs, func(s string) bool { return s == "mailFolders" || s == "messages" }):
		return Mail
	case segs[0] == "planner", len(segs) > 2 && segs[2] == "planner", segs[0] == "me" && len(segs) > 1 && segs[1] == "planner":
		return Planner
	case segs[0] == "drives", segs[0] == "sites", len(segs) > 2 && segs[2] == "drive", len(segs) > 1 && segs[0] == "me" && segs[1] == "drive":
		return Files
	case len(segs) > 2 && (segs[2] == "threads" || segs[2] == "conversations"):
		return Conversations
	}
	return Identity
}

// costOf is what a call weighs: resource units for identity and files
// (FACTS.md, Microsoft Graph), one elsewhere.
func costOf(c *call, class Class) int {
	switch class {
	case Identity:
		cost := 1
		if len(c.segs) == 1 && c.segs[0] == "users" {
			cost = 2
		}
		if len(c.segs) == 3 && c.segs[2] == "members" {
			cost = 3
		}
		if c.query.Get("$select") != "" {
			cost--
		}
		if c.query.Get("$expand") != "" {
			cost++
		}
		return max(cost, 1)
	case Files:
		if slices.Contains(c.segs, "permissions") || c.segs[len(c.segs)-1] == "invite" {
			return 5
		}
		if c.method != http.MethodGet || c.segs[len(c.segs)-1] == "children" {
			return 2
		}
	}
	return 1
}

// shape is a path without ids, for counting.
func shape(segs []string) string {
	out := make([]string, len(segs))
	for i, s := range segs {
		out[i] = s
		if strings.HasPrefix(s, ":") || len(s) > 26 && !strings.HasSuffix(s, "Format") {
			out[i] = "{}"
		}
	}
	return "/" + strings.Join(out, "/")
}

func baseOf(r *http.Request) string {
	scheme := "http"
	if r.TLS != nil || r.URL.Scheme == "https" {
		scheme = "https"
	}
	return scheme + "://" + r.Host
}

// A route is one operation: "groups/{group}/members/$ref".
type route struct {
	method  string
	parts   []string
	handler func(*call) (answer, error)
}

func (s *Server) route(c *call) (answer, error) {
	if err := s.driveOf(c); err != nil {
		return answer{}, err
	}
	known := false
	for _, r := range s.routes {
		vars, ok := match(r.parts, c.segs)
		if !ok {
			continue
		}
		known = true
		if r.method == c.method {
			c.vars = vars
			return r.handler(c)
		}
	}
	if known {
		return answer{}, refuse(http.StatusMethodNotAllowed, "Request_BadRequest", "Specified HTTP method is not allowed for the request target.")
	}
	last := ""
	if len(c.segs) > 0 {
		last = c.segs[len(c.segs)-1]
	}
	return answer{}, refuse(http.StatusBadRequest, "BadRequest", "Resource not found for the segment '%s'.", last)
}

func match(parts, segs []string) (map[string]string, bool) {
	if len(parts) != len(segs) {
		return nil, false
	}
	var vars map[string]string
	for i, p := range parts {
		name, ok := strings.CutPrefix(p, "{")
		if !ok {
			if p != segs[i] {
				return nil, false
			}
			continue
		}
		name = strings.TrimSuffix(name, "}")
		// ":path" is the one place for a drive path; a plain id is not one.
		if strings.HasPrefix(segs[i], ":") != (name == "path") {
			return nil, false
		}
		if vars == nil {
			vars = map[string]string{}
		}
		vars[name] = segs[i]
	}
	return vars, true
}

// guid and the rest make ids. The caller holds mu, or is New.
func (s *Server) guid() string {
	b := s.bytes(16)
	b[6], b[8] = b[6]&0x0f|0x40, b[8]&0x3f|0x80
	h := hex.EncodeToString(b)
	return h[:8] + "-" + h[8:12] + "-" + h[12:16] + "-" + h[16:20] + "-" + h[20:]
}

func (s *Server) bytes(n int) []byte {
	b := make([]byte, n)
	for i := range b {
		b[i] = byte(s.dice.Uint32())
	}
	return b
}

func (s *Server) random(n int) string { return base64.RawURLEncoding.EncodeToString(s.bytes(n)) }

// plannerID is 28 characters, case-sensitive (docs: plannertask).
func (s *Server) plannerID() string { return s.random(21) }

// driveItemID is like "01BYE5RZ6QN3ZWBTUFOFD3GSPGOHDJD36K".
func (s *Server) driveItemID() string {
	const letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"
	b := s.bytes(32)
	for i := range b {
		b[i] = letters[int(b[i])%len(letters)]
	}
	return "01" + string(b)
}

// mailID is what Exchange calls a thread or post.
func (s *Server) mailID() string {
	return "AAQk" + base64.URLEncoding.EncodeToString(s.bytes(45))
}

// listing answers a collection: items by id, a page at a time, with a link to
// the next.
func (s *Server) listing(c *call, context string, items []object, page int) (answer, error) {
	start := 0
	if after := c.query.Get("$skiptoken"); after != "" {
		id, err := base64.RawURLEncoding.DecodeString(after)
		if err != nil {
			return answer{}, refuse(http.StatusBadRequest, "BadRequest", "The skip token is not valid.")
		}
		start = len(items)
		for i, it := range items {
			if key(it) > string(id) {
				start = i
				break
			}
		}
	}
	items = items[start:]
	body := object{"@odata.context": c.base + "/v1.0/$metadata#" + context}
	if page > 0 && len(items) > page {
		items = items[:page]
		q := url.Values{}
		for k, v := range c.query {
			q[k] = v
		}
		q.Set("$skiptoken", base64.RawURLEncoding.EncodeToString([]byte(key(items[page-1]))))
		body["@odata.nextLink"] = c.base + "/v1.0/" + c.path + "?" + strings.ReplaceAll(q.Encode(), "%24", "$")
	}
	value := make([]object, 0, len(items))
	for _, it := range items {
		shown, err := selected(c, it)
		if err != nil {
			return answer{}, err
		}
		value = append(value, shown)
	}
	body["value"] = value
	return ok(body)
}

// sortKey is an entry's place in its listing: it never leaves the tenant.
const sortKey = "\x00key"

func key(it object) string {
	if k, ok := it[sortKey].(string); ok {
		return k
	}
	id, _ := it["id"].(string)
	return id
}

// entity answers one object.
func (s *Server) entity(c *call, status int, context string, it object) (answer, error) {
	shown, err := selected(c, it)
	if err != nil {
		return answer{}, err
	}
	out := object{"@odata.context": c.base + "/v1.0/$metadata#" + context + "/$entity"}
	for k, v := range shown {
		out[k] = v
	}
	return answer{status: status, body: out}, nil
}

// onSelect names properties that an object shows only when they are asked for.
const onSelect = "\x00on-select"

// selected applies $select.
func selected(c *call, it object) (object, error) {
	hidden, _ := it[onSelect].([]string)
	want := c.query.Get("$select")
	out := object{}
	if want == "" || c.method != http.MethodGet {
		for k, v := range it {
			if !strings.HasPrefix(k, "\x00") {
				out[k] = v
			}
		}
		for _, k := range hidden {
			delete(out, k)
		}
		return out, nil
	}
	for k, v := range it {
		if strings.HasPrefix(k, "@") {
			out[k] = v
		}
	}
	for name := range strings.SplitSeq(want, ",") {
		name = strings.TrimSpace(name)
		v, ok := it[name]
		if !ok || strings.HasPrefix(name, "\x00") {
			return nil, refuse(http.StatusBadRequest, "BadRequest", "Parsing OData Select and Expand failed: Could not find a property named '%s'.", name)
		}
		out[name] = v
	}
	return out, nil
}

// top is how many entries a page may have.
func top(c *call, usual, most int) (int, error) {
	in := c.query.Get("$top")
	if in == "" {
		return usual, nil
	}
	var n int
	if _, err := fmt.Sscanf(in, "%d", &n); err != nil || n < 1 || fmt.Sprint(n) != in {
		return 0, refuse(http.StatusBadRequest, "Request_BadRequest", "Invalid value specified for the $top query option.")
	}
	if most > 0 && n > most {
		return 0, refuse(http.StatusBadRequest, "Request_UnsupportedQuery", "Invalid page size specified: '%d'. Must be between 1 and %d inclusive.", n, most)
	}
	return n, nil
}
