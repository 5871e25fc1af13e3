package standin

import (
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"

	shared "github.com/rialto-migrate/rialto/connector/standin"
)

// Options make a Server. The zero value is an account without a team, whose limits
// nothing meets.
type Options struct {
	Now    func() time.Time // nil means time.Now
	Seed   uint64
	Faults shared.Faults
	// Rate is the limit of calls a member makes; the zero value is none: Dropbox
	// publishes no numbers.
	Rate shared.Window
	// CommitTime is for how long a commit locks its namespace: what comes meanwhile
	// is refused with too_many_write_operations
	// (https://www.dropbox.com/developers/reference/data-ingress-guide).
	CommitTime time.Duration
	// TokenLife is how long an access token is good; 0 means four hours.
	TokenLife time.Duration
	// AsyncFrom is from how many folders on a batch answers with a job; 0 means 100.
	AsyncFrom int
}

// A Server is one Dropbox. It is an http.Handler and a standin.Cloud, safe for
// concurrent use.
type Server struct {
	outbox  shared.Outbox
	opts    Options
	now     func() time.Time
	handler http.Handler
	limiter *shared.Limiter

	mu       sync.Mutex
	dice     *rand.Rand
	seq      int64
	key      string            // of the app
	secret   string            // of the app
	refresh  map[string]*token // by refresh token
	access   map[string]*token // by access token
	accounts []*account
	groups   []*group
	teamName string
	teamRoot *node // nil without a team
	nodes    map[string]*node
	spaces   map[string]*node // by namespace id
	revs     map[string]*node
	cursors  map[string]*cursor
	sessions map[string]*session
	jobs     map[string]*job
	locked   map[*node]time.Time // namespaces, until when
	space    int64               // bytes that all may hold; 0 for no limit
	counts   map[string]int
}

// A token is what an access or refresh token stands for.
type token struct {
	who   *account // nil for a team's
	admin *account // who linked a team's app
	until time.Time
}

var (
	_ shared.Cloud    = (*Server)(nil)
	_ shared.Refuser  = (*api)(nil)
	_ shared.Notifier = (*Server)(nil)
)

// New returns a Dropbox with one account.
func New(o Options) *Server {
	s := &Server{opts: o, now: o.Now, dice: rand.New(rand.NewPCG(o.Seed, 0x64726f70)), refresh: map[string]*token{}, access: map[string]*token{},
		nodes: map[string]*node{}, spaces: map[string]*node{}, revs: map[string]*node{}, cursors: map[string]*cursor{}, sessions: map[string]*session{},
		jobs: map[string]*job{}, locked: map[*node]time.Time{}, counts: map[string]int{}}
	if s.now == nil {
		s.now = time.Now
	}
	if s.opts.TokenLife == 0 {
		s.opts.TokenLife = 4 * time.Hour
	}
	if s.opts.AsyncFrom == 0 {
		s.opts.AsyncFrom = 100
	}
	if o.Rate.Max > 0 {
		s.limiter = shared.NewLimiter(o.Rate, o.Seed)
	}
	s.key, s.secret = s.random(15), s.random(15)
	s.addAccount("Olive Owner", "owner@example.org")
	s.handler = o.Faults.Wrap(&api{s}, o.Seed)
	return s
}

// Name implements standin.Cloud.
func (s *Server) Name() string { return "dropbox" }

// Notices implements standin.Notifier.
func (s *Server) Notices() []shared.Notice { return s.outbox.Notices() }

// ForgetNotices implements standin.Notifier.
func (s *Server) ForgetNotices() { s.outbox.ForgetNotices() }

// Settings implements standin.Cloud: they act as the first account.
func (s *Server) Settings(base string) map[string]string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.settings(base, &token{who: s.accounts[0]})
}

// SettingsOf are those of the member with an address, who linked the app alone.
func (s *Server) SettingsOf(base, email string) map[string]string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.settings(base, &token{who: s.accountBy(email)})
}

// TeamSettings are those of an app that an administrator linked for the whole team.
func (s *Server) TeamSettings(base string) map[string]string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.settings(base, &token{admin: s.accounts[0]})
}

func (s *Server) settings(base string, t *token) map[string]string {
	r := s.random(40)
	s.refresh[r] = t
	return map[string]string{"url": strings.TrimSuffix(base, "/"), "app-key": s.key, "app-secret": s.secret, "refresh-token": r}
}

// Load puts a file into the first account's home.
func (s *Server) Load(name string, r io.Reader) error {
	data, err := io.ReadAll(r)
	if err != nil {
		return err
	}
	s.Put("/"+name, data)
	return nil
}

// ServeHTTP implements http.Handler.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) { s.handler.ServeHTTP(w, r) }

// Counts tells how often each call was made, by its route.
func (s *Server) Counts() map[string]int {
	s.mu.Lock()
	defer s.mu.Unlock()
	out := map[string]int{}
	for k, v := range s.counts {
		out[k] = v
	}
	return out
}

func (s *Server) random(n int) string {
	const letters = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
	b := make([]byte, n)
	for i := range b {
		b[i] = letters[s.dice.IntN(len(letters))]
	}
	return string(b)
}

func (s *Server) next() int64 {
	s.seq++
	return s.seq
}

// api is the server without faults.
type api struct{ s *Server }

// Refuse implements standin.Refuser: faults speak as Dropbox does.
func (a *api) Refuse(w http.ResponseWriter, _ *http.Request, status int) {
	switch status {
	case http.StatusTooManyRequests:
		throttle("too_many_requests", 1).write(w)
	case http.StatusUnauthorized:
		unauthorized("expired_access_token").write(w)
	default:
		http.Error(w, http.StatusText(status), status)
	}
}

// A call is one request under way.
type call struct {
	s    *Server
	r    *http.Request
	name string
	me   *account // nil for a call of the team's
	base *node    // what paths begin at
	team bool     // it came with a team's token
	arg  json.RawMessage
	body []byte
	// takes is how long the answer lets itself be waited for.
	takes time.Duration
}

// into reads the argument.
func (c *call) into(v any) *refusal {
	if err := json.Unmarshal(c.arg, v); err != nil {
		return badRequest("could not decode input as JSON")
	}
	return nil
}

// A handler carries a call out. The server is locked.
type handler func(*call) (any, *refusal)

// rpc are the calls that take and answer JSON; upload and download are of the
// content host.
func rpc() map[string]handler {
	return map[string]handler{
		"users/get_current_account":              currentAccount,
		"users/get_space_usage":                  spaceUsage,
		"files/get_metadata":                     getMetadata,
		"files/list_folder":                      listFolder,
		"files/list_folder/continue":             listContinue,
		"files/list_folder/get_latest_cursor":    latestCursor,
		"files/create_folder_v2":                 createFolder,
		"files/create_folder_batch":              createFolders,
		"files/create_folder_batch/check":        checkJob,
		"files/delete_v2":                        remove,
		"files/move_v2":                          move,
		"files/delete_batch":                     removeMany,
		"files/delete_batch/check":               checkJob,
		"files/move_batch_v2":                    moveMany,
		"files/move_batch/check_v2":              checkJob,
		"files/upload_session/start_batch":       startBatch,
		"files/upload_session/finish_batch_v2":   finishBatch,
		"sharing/list_folder_members":            folderMembers,
		"sharing/list_folder_members/continue":   noMore,
		"sharing/list_file_members/batch":        fileMembersBatch,
		"sharing/list_file_members":              fileMembers,
		"sharing/list_folders":                   listShared,
		"sharing/list_folders/continue":          noMore,
		"sharing/share_folder":                   shareFolder,
		"sharing/check_share_job_status":         checkJob,
		"sharing/add_folder_member":              addFolderMember,
		"sharing/update_folder_member":           updateFolderMember,
		"sharing/remove_folder_member":           removeFolderMember,
		"sharing/check_remove_member_job_status": checkJob,
		"sharing/add_file_member":                addFileMember,
		"sharing/update_file_member":             updateFileMember,
		"sharing/remove_file_member_2":           removeFileMember,
		"sharing/list_shared_links":              listLinks,
		"team/token/get_authenticated_admin":     authenticatedAdmin,
		"team/members/list_v2":                   teamMembers,
		"team/members/list/continue_v2":          noMore,
		"team/groups/list":                       teamGroups,
		"team/groups/list/continue":              noMore,
		"team/team_folder/list":                  teamFolders,
		"team/team_folder/list/continue":         noMore,
	}
}

func upload() map[string]handler {
	return map[string]handler{
		"files/upload":                      uploadFile,
		"files/upload_session/start":        startSession,
		"files/upload_session/append_v2":    appendSession,
		"files/upload_session/append_batch": appendBatch,
		"files/upload_session/finish":       finishSession,
	}
}

func (a *api) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.URL.Path == "/oauth2/token" {
		a.s.issue(w, r)
		return
	}
	name, ok := strings.CutPrefix(r.URL.Path, "/2/")
	if !ok || r.Method != http.MethodPost {
		http.NotFound(w, r)
		return
	}
	c := &call{s: a.s, r: r, name: name}
	body, err := io.ReadAll(r.Body)
	if err != nil || r.ContentLength >= 0 && int64(len(body)) != r.ContentLength {
		badRequest("the body was cut off").write(w)
		return
	}
	do := rpc()[name]
	if do != nil {
		if len(body) > 0 && !strings.HasPrefix(r.Header.Get("Content-Type"), "application/json") {
			badRequest(`Bad HTTP "Content-Type" header: expecting "application/json".`).write(w)
			return
		}
		c.arg = body
	} else {
		c.arg, c.body = []byte(r.Header.Get("Dropbox-API-Arg")), body
		if len(c.arg) > 8<<10 { // what servers take of a header by default
			http.Error(w, "Request Header Fields Too Large", http.StatusRequestHeaderFieldsTooLarge)
			return
		}
		for _, b := range c.arg {
			if b > 0x7e {
				badRequest("the Dropbox-API-Arg header holds what is no ASCII").write(w)
				return
			}
		}
		if do = upload()[name]; do != nil && r.Header.Get("Content-Type") != "application/octet-stream" {
			badRequest(`Bad HTTP "Content-Type" header: expecting "application/octet-stream".`).write(w)
			return
		}
		if len(body) > 150<<20 {
			conflict(tagged("payload_too_large")).write(w)
			return
		}
	}
	if name == "files/download" || name == "files/export" {
		a.s.mu.Lock()
		defer a.s.mu.Unlock()
		a.s.counts[name]++
		if e := c.enter(); e != nil {
			e.write(w)
			return
		}
		c.download(w)
		return
	}
	out, e := a.s.answer(c, do)
	select { // a commit takes its time, for which its namespace is locked
	case <-time.After(c.takes):
	case <-r.Context().Done():
	}
	if e != nil {
		e.write(w)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(out) // a failure means that the client has gone
}

// answer carries a call out.
func (s *Server) answer(c *call, do handler) (any, *refusal) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.counts[c.name]++
	if e := c.enter(); e != nil {
		return nil, e
	}
	if do == nil {
		return nil, badRequest("Unknown API function: " + strconv.Quote(c.name))
	}
	return do(c)
}

// A refusal is an answer that is not 200.
type refusal struct {
	status int
	err    any    // what stands in "error"; nil for plain text
	text   string // of a 400
	after  int    // seconds to wait
}

func (e *refusal) write(w http.ResponseWriter) {
	if e.after > 0 {
		w.Header().Set("Retry-After", strconv.Itoa(e.after))
	}
	if e.err == nil {
		http.Error(w, e.text, e.status)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(e.status)
	_ = json.NewEncoder(w).Encode(map[string]any{"error_summary": summary(e.err) + "/..", "error": e.err})
}

// summary joins the tags of an error: "path/not_found".
func summary(v any) string {
	m, _ := v.(object)
	tag, _ := m[".tag"].(string)
	if inner, ok := m[tag].(object); ok {
		return tag + "/" + summary(inner)
	}
	if inner, ok := m["reason"].(object); ok {
		return tag + "/" + summary(inner)
	}
	return tag
}

type object = map[string]any

// tagged is a union's value: tags from the outside in.
func tagged(tags ...string) object {
	o := object{".tag": tags[0]}
	if len(tags) > 1 {
		o[tags[0]] = tagged(tags[1:]...)
	}
	return o
}

func conflict(err object) *refusal { return &refusal{status: http.StatusConflict, err: err} }

func badRequest(text string) *refusal {
	return &refusal{status: http.StatusBadRequest, text: fmt.Sprintf("Error in call to API function: %s", text)}
}

func unauthorized(tag string) *refusal {
	return &refusal{status: http.StatusUnauthorized, err: tagged(tag)}
}

func throttle(reason string, after int) *refusal {
	return &refusal{status: http.StatusTooManyRequests, after: after, err: object{"reason": tagged(reason), "retry_after": after}}
}
