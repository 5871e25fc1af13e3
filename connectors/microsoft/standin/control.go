package standin

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	shared "github.com/rialto-migrate/rialto/connector/standin"
)

// What follows is for tests and demos: it looks at the tenant, or does to it
// what people and administrators do, past tokens, quotas and faults.

// Settings implements standin.Cloud: a connection as the app itself.
func (s *Server) Settings(base string) map[string]string {
	base = strings.TrimRight(base, "/")
	return map[string]string{"tenant": s.tenant, "client-id": s.client, "client-secret": s.secret, "url": base + "/v1.0", "login": base}
}

// DelegatedSettings are those of a connection that acts as a person; user is
// an id or user principal name, "" means the first user by id.
func (s *Server) DelegatedSettings(base, user string) (map[string]string, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	u := s.findUser(user)
	if user == "" && len(s.users) > 0 {
		u = s.users[sortedIDs(s.users)[0]]
	}
	if u == nil {
		return nil, fmt.Errorf("there is no user %q in this tenant", user)
	}
	out := s.Settings(base)
	delete(out, "client-secret")
	out["refresh-token"] = s.newRefresh(caller{app: s.client, user: u.id})
	return out, nil
}

// Token returns a fresh access token: a person's, or the app's for "".
func (s *Server) Token(user string) (string, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	who := caller{app: s.client}
	if user != "" {
		u := s.findUser(user)
		if u == nil {
			return "", fmt.Errorf("there is no user %q in this tenant", user)
		}
		who.user = u.id
	}
	return s.newToken(who), nil
}

// ExpireTokens ends every access token now. Refresh tokens live on.
func (s *Server) ExpireTokens() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for k, t := range s.tokens {
		t.expires = s.now()
		s.tokens[k] = t
	}
}

// Revoke ends all tokens, and changes the app's secret: nothing that was
// handed out before is accepted any more.
func (s *Server) Revoke() {
	s.ExpireTokens()
	s.mu.Lock()
	defer s.mu.Unlock()
	clear(s.refresh)
	s.secret = "sec~" + s.random(24)
}

// AddUser puts a person into the tenant and returns their id.
func (s *Server) AddUser(u User) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.addUser(u).id
}

// Users lists the people by id.
func (s *Server) Users() []User {
	s.mu.Lock()
	defer s.mu.Unlock()
	var out []User
	for _, id := range sortedIDs(s.users) {
		u := s.users[id]
		out = append(out, User{ID: u.id, Name: u.name, Mail: u.mail, UPN: u.upn})
	}
	return out
}

// AddGroup makes a Microsoft 365 group that has been there for long: its drive
// is ready. It returns its id.
func (s *Server) AddGroup(name string, members ...string) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.addGroup(name, members)
}

// SetVisibility makes a group Public, Private or HiddenMembership.
func (s *Server) SetVisibility(groupID, visibility string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	g := s.groups[groupID]
	if g == nil {
		return fmt.Errorf("there is no group %s", groupID)
	}
	if !slices.Contains([]string{"Public", "Private", "HiddenMembership"}, visibility) {
		return fmt.Errorf("visibility %q: use Public, Private or HiddenMembership", visibility)
	}
	g.visibility = visibility
	return nil
}

func (s *Server) addGroup(name string, members []string) string {
	g := &group{id: s.guid(), name: name, nickname: strings.ReplaceAll(slug(name), ".", "-"), visibility: "Private", types: []string{"Unified"}, mailEnabled: true,
		created: s.now().Truncate(time.Second), driveReady: s.now(), threads: map[string]*thread{}}
	for _, other := range s.groups {
		if other.nickname == g.nickname {
			g.nickname += fmt.Sprint(len(s.groups))
		}
	}
	g.mail = g.nickname + "@" + domain
	for _, m := range members {
		if u := s.findUser(m); u != nil && !g.has(u.id) {
			g.members = append(g.members, u.id)
		}
	}
	g.owners = slices.Clone(g.members[:min(1, len(g.members))])
	s.groups[g.id] = g
	s.addDrive(g)
	return g.id
}

// ProvisionDrives makes every group's drive ready now.
func (s *Server) ProvisionDrives() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, g := range s.groups {
		g.driveReady = s.now()
	}
}

// Do carries out one Graph call as a person would in the browser, with the
// etag of this moment. user is an id or user principal name; "" is the app. path
// lies below /v1.0. It returns the status and the decoded answer.
func (s *Server) Do(user, method, path string, body any) (int, map[string]any) {
	s.mu.Lock()
	defer s.mu.Unlock()
	c := &call{method: method, header: http.Header{}, base: "http://stand-in.invalid", who: caller{app: s.client}, id: s.guid()}
	if user != "" {
		u := s.findUser(user)
		if u == nil {
			return http.StatusUnauthorized, nil
		}
		c.who.user = u.id
	}
	query := ""
	c.path, query, _ = strings.Cut(strings.Trim(path, "/"), "?")
	var err error
	if c.query, err = url.ParseQuery(query); err == nil {
		c.segs, err = splitPath(c.path)
	}
	if err != nil {
		return http.StatusBadRequest, nil
	}
	if body != nil {
		if c.body, err = json.Marshal(body); err != nil {
			return http.StatusBadRequest, nil
		}
	}
	if method == http.MethodPatch || method == http.MethodDelete {
		look := *c
		look.method, look.segs, look.query = http.MethodGet, slices.Clone(c.segs), url.Values{}
		if now, err := s.route(&look); err == nil {
			if o, ok := now.body.(object); ok {
				if etag, ok := o["@odata.etag"].(string); ok {
					c.header.Set("If-Match", etag)
				}
			}
		}
	}
	a, err := s.route(c)
	a = s.asAnswer(c, a, err)
	var out map[string]any
	if a.body != nil {
		b, err := json.Marshal(a.body)
		if err != nil || json.Unmarshal(b, &out) != nil {
			return http.StatusInternalServerError, nil
		}
	}
	return a.status, out
}

// Retitle changes a task's title, as a person would.
func (s *Server) Retitle(taskID, title string) error {
	if status, _ := s.Do("", http.MethodPatch, "planner/tasks/"+taskID, object{"title": title}); status >= 300 {
		return fmt.Errorf("the task was not changed: status %d", status)
	}
	return nil
}

// A PlanView is a plan as it stands.
type PlanView struct{ ID, Group, Title string }

// Plans lists the plans by title.
func (s *Server) Plans() []PlanView {
	s.mu.Lock()
	defer s.mu.Unlock()
	var out []PlanView
	for _, p := range s.plans {
		out = append(out, PlanView{p.id, p.group, p.title})
	}
	slices.SortFunc(out, func(a, b PlanView) int { return strings.Compare(a.Title+a.ID, b.Title+b.ID) })
	return out
}

// A TaskView is a task as it stands.
type TaskView struct {
	ID, Plan, Bucket, Title, Description string
	Percent                              int
	Checklist                            []string // titles in order
	References                           []string // addresses, sorted
	Posts                                int
}

// Tasks lists a plan's tasks as its board shows them: bucket by bucket.
func (s *Server) Tasks(planID string) []TaskView {
	s.mu.Lock()
	defer s.mu.Unlock()
	var out []TaskView
	for _, col := range s.columns(planID) {
		for _, t := range col.tasks {
			v := TaskView{ID: t.id, Plan: t.plan, Bucket: col.name, Title: t.title, Description: t.description, Percent: t.percent}
			for _, c := range t.checks() {
				v.Checklist = append(v.Checklist, c.title)
			}
			for k := range t.references {
				v.References = append(v.References, address(k))
			}
			slices.Sort(v.References)
			if g := s.groups[s.plans[planID].group]; g != nil && g.threads[t.thread] != nil {
				v.Posts = len(g.threads[t.thread].posts)
			}
			out = append(out, v)
		}
	}
	return out
}

// Requests counts what was asked since the start, by method and path without
// ids: "POST /planner/tasks". Parts of a batch count one by one, and the batch
// itself as "POST /$batch".
func (s *Server) Requests() map[string]int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return maps.Clone(s.counts)
}

// Limiter is the one of a quota, to look at or change; nil if there is none.
func (s *Server) Limiter(class Class) *shared.Limiter {
	for _, t := range s.throttl {
		if t.class == class {
			return t.limiter
		}
	}
	return nil
}

// Load implements standin.Cloud. It takes a JSON file with the tenant's people
// and, if wanted, groups:
//
//	{"users": [{"name": "Ada Lovelace", "mail": "ada@example.com"}],
//	 "groups": [{"name": "Marketing", "members": ["ada@example.com"]}]}
//
// or the array of users alone.
func (s *Server) Load(name string, r io.Reader) error {
	b, err := io.ReadAll(r)
	if err != nil {
		return fmt.Errorf("%s cannot be read: %w", name, err)
	}
	var in struct {
		Users  []User `json:"users"`
		Groups []struct {
			Name    string   `json:"name"`
			Members []string `json:"members"`
		} `json:"groups"`
	}
	const form = `expected {"users":[{"name":"…","mail":"…","upn":"…"}],"groups":[{"name":"…","members":["…"]}]}`
	into := any(&in)
	if t := bytes.TrimSpace(b); len(t) > 0 && t[0] == '[' {
		into = &in.Users
	}
	dec := json.NewDecoder(bytes.NewReader(b))
	dec.DisallowUnknownFields()
	if err := dec.Decode(into); err != nil {
		return fmt.Errorf("%s is not a list of people for this tenant (%s): %s", name, reason(err), form)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	names := map[string]bool{}
	for i, u := range in.Users {
		upn := strings.ToLower(u.UPN)
		if upn == "" {
			upn = strings.ToLower(u.Mail)
		}
		switch {
		case u.Name == "":
			return fmt.Errorf("%s: user %d has no name: %s", name, i+1, form)
		case u.ID != "" && !guidPattern.MatchString(u.ID):
			return fmt.Errorf("%s: the id of user %d is not a GUID: leave it away to get a new one", name, i+1)
		case u.ID != "" && s.users[strings.ToLower(u.ID)] != nil, upn != "" && (names[upn] || s.findUser(upn) != nil):
			return fmt.Errorf("%s: user %d has the id or address of another one: give each their own", name, i+1)
		}
		names[upn] = true
	}
	for i, g := range in.Groups {
		if g.Name == "" {
			return fmt.Errorf("%s: group %d has no name: %s", name, i+1, form)
		}
	}
	for _, u := range in.Users {
		s.addUser(u)
	}
	for _, g := range in.Groups {
		s.addGroup(g.Name, g.Members)
	}
	return nil
}

// reason says what is wrong with a JSON text without repeating any of it.
func reason(err error) string {
	var syntax *json.SyntaxError
	var typ *json.UnmarshalTypeError
	switch {
	case errors.As(err, &syntax):
		return fmt.Sprintf("the JSON breaks at byte %d", syntax.Offset)
	case errors.As(err, &typ):
		return fmt.Sprintf("field %q holds a %s", typ.Field, typ.Value)
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		return "it ends too early"
	}
	return "it has a field that is not known"
}
