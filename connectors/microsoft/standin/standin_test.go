package standin

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/rialto-migrate/rialto/connector/connectortest"
	shared "github.com/rialto-migrate/rialto/connector/standin"
)

const base = "http://graph.test" // where an address does not matter

// clock is a tenant's time in tests: it stands until it is moved.
type clock struct {
	mu sync.Mutex
	at time.Time
}

func newClock() *clock { return &clock{at: time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)} }

func (c *clock) now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.at
}

func (c *clock) move(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.at = c.at.Add(d)
}

// A tenant under test: every exchange with it is held to the contract.
type tenant struct {
	*Server
	t     *testing.T
	clock *clock
	http  *http.Client
	at    string // where it listens
	ada   string // ids
	bob   string
	group string
	app   string // access tokens
	token string // ada's
}

func start(t *testing.T, o Options) *tenant {
	t.Helper()
	contract := connectortest.GraphContract(t)
	c := newClock()
	if o.Now == nil {
		o.Now = c.now
	}
	o.Users = append([]User{{Name: "Ada Lovelace", Mail: "ada@contoso.invalid"}, {Name: "Bob Ross", Mail: "bob@contoso.invalid"}}, o.Users...)
	s := New(o)
	handler := connectortest.Watch{Contract: contract, Test: t, Refused: true}.Handler(s)
	srv := httptest.NewServer(handler)
	t.Cleanup(srv.Close)
	n := &tenant{Server: s, t: t, clock: c, at: srv.URL, http: &http.Client{Transport: srv.Client().Transport, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}}
	n.ada, n.bob = s.findUser("ada@contoso.invalid").id, s.findUser("bob@contoso.invalid").id
	n.group = s.AddGroup("Marketing", n.ada)
	var err error
	if n.app, err = s.Token(""); err != nil {
		t.Fatal(err)
	}
	if n.token, err = s.Token(n.ada); err != nil {
		t.Fatal(err)
	}
	return n
}

// A got is an answer.
type got struct {
	t      *testing.T
	status int
	header http.Header
	raw    []byte
	body   map[string]any
}

// raw sends a request as it is.
func (n *tenant) raw(method, address string, header http.Header, body io.Reader) got {
	n.t.Helper()
	if !strings.HasPrefix(address, "http") {
		address = n.at + address
	}
	r, err := http.NewRequest(method, address, body)
	if err != nil {
		n.t.Fatal(err)
	}
	for k, v := range header {
		r.Header[k] = v
	}
	resp, err := n.http.Do(r)
	if err != nil {
		n.t.Fatal(err)
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	if err != nil {
		n.t.Fatal(err)
	}
	out := got{t: n.t, status: resp.StatusCode, header: resp.Header, raw: b}
	if strings.Contains(resp.Header.Get("Content-Type"), "json") && len(b) > 0 {
		if err := json.Unmarshal(b, &out.body); err != nil {
			n.t.Fatalf("%s %s: the answer is no JSON: %v", method, address, err)
		}
	}
	return out
}

// as sends a Graph request under a token. headers are "Name: value".
func (n *tenant) as(token, method, path string, body any, headers ...string) got {
	n.t.Helper()
	h := http.Header{}
	if token != "" {
		h.Set("Authorization", "Bearer "+token)
	}
	var r io.Reader
	switch b := body.(type) {
	case nil:
	case string:
		r = strings.NewReader(b)
		h.Set("Content-Type", "application/json")
	default:
		j, err := json.Marshal(body)
		if err != nil {
			n.t.Fatal(err)
		}
		r = bytes.NewReader(j)
		h.Set("Content-Type", "application/json")
	}
	for _, line := range headers {
		k, v, _ := strings.Cut(line, ": ")
		h.Set(k, v)
	}
	if !strings.HasPrefix(path, "http") {
		path = "/v1.0" + path
	}
	return n.raw(method, path, h, r)
}

// do sends as the app.
func (n *tenant) do(method, path string, body any, headers ...string) got {
	n.t.Helper()
	return n.as(n.app, method, path, body, headers...)
}

func (g got) want(status int) got {
	g.t.Helper()
	if g.status != status {
		g.t.Fatalf("status %d, want %d: %s", g.status, status, g.raw)
	}
	return g
}

// refused checks status, code and a piece of the message.
func (g got) refused(status int, code, piece string) got {
	g.t.Helper()
	e, _ := g.body["error"].(map[string]any)
	gotCode, _ := e["code"].(string)
	message, _ := e["message"].(string)
	if g.status != status || gotCode != code || !strings.Contains(message, piece) {
		g.t.Errorf("answered %d %q %q, want %d %q with %q", g.status, gotCode, message, status, code, piece)
	}
	inner, _ := e["innerError"].(map[string]any)
	if inner["request-id"] == nil || inner["date"] == nil || g.header.Get("Request-Id") == "" {
		g.t.Errorf("the refusal lacks its request-id or date: %s", g.raw)
	}
	return g
}

func (g got) str(name string) string {
	g.t.Helper()
	s, ok := g.body[name].(string)
	if !ok {
		g.t.Fatalf("the answer has no text %q: %s", name, g.raw)
	}
	return s
}

func (g got) etag() string { g.t.Helper(); return g.str("@odata.etag") }

func (g got) list() []map[string]any {
	g.t.Helper()
	v, ok := g.body["value"].([]any)
	if !ok {
		g.t.Fatalf("the answer has no list: %s", g.raw)
	}
	out := make([]map[string]any, len(v))
	for i, e := range v {
		out[i] = e.(map[string]any)
	}
	return out
}

// all follows the pages of a list.
func (n *tenant) all(path string) (out []map[string]any, pages int) {
	n.t.Helper()
	for path != "" {
		g := n.do("GET", path, nil).want(200)
		out = append(out, g.list()...)
		path, _ = g.body["@odata.nextLink"].(string)
		pages++
	}
	return out, pages
}

func ifMatchOf(etag string) string { return "If-Match: " + etag }

func form(pairs ...string) io.Reader {
	v := url.Values{}
	for i := 0; i < len(pairs); i += 2 {
		v.Set(pairs[i], pairs[i+1])
	}
	return strings.NewReader(v.Encode())
}

func (n *tenant) signIn(path string, pairs ...string) got {
	n.t.Helper()
	return n.raw("POST", path, http.Header{"Content-Type": {"application/x-www-form-urlencoded"}}, form(pairs...))
}

func TestClientCredentials(t *testing.T) {
	n := start(t, Options{})
	set := n.Settings(base)
	for _, key := range []string{"tenant", "client-id", "client-secret", "url", "login"} {
		if set[key] == "" {
			t.Fatalf("the settings lack %s", key)
		}
	}
	token := "/" + set["tenant"] + "/oauth2/v2.0/token"
	right := []string{"client_id", set["client-id"], "client_secret", set["client-secret"], "grant_type", "client_credentials", "scope", "https://graph.microsoft.com/.default"}
	g := n.signIn(token, right...).want(200)
	if g.body["expires_in"] != 3600.0 || g.body["token_type"] != "Bearer" || g.body["refresh_token"] != nil {
		t.Errorf("the token's answer is %s", g.raw)
	}
	access := g.str("access_token")
	n.as(access, "GET", "/organization", nil).want(200)
	n.as(access, "GET", "/me", nil).refused(400, "BadRequest", "delegated")

	n.clock.move(time.Hour)
	n.as(access, "GET", "/organization", nil).refused(401, "InvalidAuthenticationToken", "Lifetime validation failed, the token is expired.")
	n.as("nonsense", "GET", "/organization", nil).refused(401, "InvalidAuthenticationToken", "JWT")
	if g := n.as("", "GET", "/organization", nil).refused(401, "InvalidAuthenticationToken", "Access token is empty."); g.header.Get("Www-Authenticate") == "" {
		t.Error("a 401 has no WWW-Authenticate")
	}

	for _, tt := range []struct {
		name        string
		path        string
		change      []string
		status      int
		code, piece string
	}{
		{"wrong secret", token, []string{"client_secret", "guess"}, 401, "invalid_client", "AADSTS7000215"},
		{"no secret", token, []string{"client_secret", ""}, 401, "invalid_client", "AADSTS7000216"},
		{"wrong app", token, []string{"client_id", "guess"}, 400, "unauthorized_client", "AADSTS700016"},
		{"wrong tenant", "/elsewhere/oauth2/v2.0/token", nil, 400, "invalid_request", "AADSTS90002"},
		{"wrong grant", token, []string{"grant_type", "password"}, 400, "unsupported_grant_type", "AADSTS70003"},
		{"wrong scope", token, []string{"scope", "User.Read"}, 400, "invalid_scope", "AADSTS1002012"},
	} {
		pairs := append(append([]string{}, right...), tt.change...)
		g := n.signIn(tt.path, pairs...)
		if description, _ := g.body["error_description"].(string); g.status != tt.status || g.body["error"] != tt.code || !strings.HasPrefix(description, tt.piece) {
			t.Errorf("%s: %d %s", tt.name, g.status, g.raw)
		}
		if strings.Contains(string(g.raw), n.secret) {
			t.Errorf("%s: the answer holds the secret", tt.name)
		}
	}

	n.Revoke()
	n.signIn(token, right...).want(401)
}

func TestDeviceCodeAndRefresh(t *testing.T) {
	n := start(t, Options{TokenLife: time.Minute})
	at := "/" + n.Server.tenant + "/oauth2/v2.0/"
	d := n.signIn(at+"devicecode", "client_id", n.client, "scope", "Tasks.ReadWrite offline_access").want(200)
	poll := func() got {
		return n.signIn(at+"token", "client_id", n.client, "grant_type", "urn:ietf:params:oauth:grant-type:device_code", "device_code", d.str("device_code"))
	}
	if g := poll(); g.status != 400 || g.body["error"] != "authorization_pending" {
		t.Fatalf("before signing in: %d %s", g.status, g.raw)
	}
	if err := n.SignIn("WRONG", n.ada); err == nil {
		t.Error("a wrong code was accepted")
	}
	if err := n.SignIn(d.str("user_code"), "nobody"); err == nil {
		t.Error("an unknown user signed in")
	}
	page := n.raw("GET", "/devicelogin", nil, nil).want(200)
	if !strings.Contains(string(page.raw), "Ada Lovelace") {
		t.Error("the sign-in page does not offer Ada")
	}
	n.raw("POST", "/devicelogin", http.Header{"Content-Type": {"application/x-www-form-urlencoded"}}, form("code", d.str("user_code"), "user", n.ada)).want(200)
	g := poll().want(200)
	access, refresh := g.str("access_token"), g.str("refresh_token")
	if me := n.as(access, "GET", "/me", nil).want(200); me.str("id") != n.ada {
		t.Errorf("me is %s", me.raw)
	}
	if g := poll(); g.status != 400 {
		t.Error("a device code works twice")
	}
	n.clock.move(time.Minute)
	n.as(access, "GET", "/me", nil).want(401)
	g = n.signIn(at+"token", "client_id", n.client, "grant_type", "refresh_token", "refresh_token", refresh).want(200)
	n.as(g.str("access_token"), "GET", "/me", nil).want(200)
	if g := n.signIn(at+"token", "client_id", n.client, "grant_type", "refresh_token", "refresh_token", "0.guess"); g.status != 400 || g.body["error"] != "invalid_grant" {
		t.Errorf("a guessed refresh token: %d %s", g.status, g.raw)
	}

	late := n.signIn(at+"devicecode", "client_id", n.client, "scope", "x").want(200)
	n.clock.move(16 * time.Minute)
	if g := n.signIn(at+"token", "client_id", n.client, "grant_type", "device_code", "device_code", late.str("device_code")); g.body["error"] != "expired_token" {
		t.Errorf("an old device code: %s", g.raw)
	}

	set, err := n.DelegatedSettings(base, "ada@contoso.invalid")
	if err != nil || set["refresh-token"] == "" || set["client-secret"] != "" {
		t.Fatalf("delegated settings %v, %v", set, err)
	}
	n.signIn(at+"token", "client_id", set["client-id"], "grant_type", "refresh_token", "refresh_token", set["refresh-token"]).want(200)
	if _, err := n.DelegatedSettings(base, "nobody"); err == nil {
		t.Error("settings for nobody")
	}
}

func TestUnknownPathsAndMethods(t *testing.T) {
	n := start(t, Options{})
	n.do("GET", "/boards", nil).refused(400, "BadRequest", "boards")
	n.do("PUT", "/groups", "{}").refused(405, "Request_BadRequest", "not allowed")
	n.do("POST", "/planner/plans", "{").refused(400, "BadRequest", "Unable to read JSON")
	n.do("POST", "/planner/plans", `{"title":"a","title":"b"}`).refused(400, "BadRequest", "Unable to read JSON")
	n.do("POST", "/planner/plans", nil).refused(400, "", "must have a body")
	n.raw("GET", "/elsewhere", nil, nil).want(404)
	if g := n.do("GET", "/groups", nil, "client-request-id: mine"); g.header.Get("client-request-id") != "mine" {
		t.Error("the client-request-id does not come back")
	}
}

func TestThrottling(t *testing.T) {
	n := start(t, Options{Quotas: []Quota{{Planner, shared.Window{Kind: shared.Fixed, Max: 3, Per: 10 * time.Second}}, {Identity, shared.Window{Kind: shared.Fixed, Max: 4, Per: 10 * time.Second}}}})
	for range 3 {
		n.do("GET", "/groups/"+n.group+"/planner/plans", nil).want(200)
	}
	g := n.do("GET", "/groups/"+n.group+"/planner/plans", nil).refused(429, "TooManyRequests", "Please retry again later.")
	if g.header.Get("Retry-After") == "" {
		t.Error("no Retry-After")
	}
	// Identity weighs: GET /users costs 2, or 1 with $select.
	n.do("GET", "/users", nil).want(200)
	n.do("GET", "/users?$select=id", nil).want(200)
	n.do("GET", "/users?$select=id", nil).want(200)
	if g := n.do("GET", "/users?$select=id", nil).want(429); g.header.Get("x-ms-throttle-scope") != "Tenant_Application/ReadWrite/"+n.client+"/"+n.Server.tenant || g.header.Get("x-ms-resource-unit") != "1" {
		t.Errorf("identity's refusal says %v", g.header)
	}

	files := start(t, Options{Quotas: []Quota{{Files, shared.Window{Kind: shared.Fixed, Max: 10, Per: time.Minute}}}})
	d := files.drive()
	if g := files.do("GET", d+"/root", nil).want(200); g.header.Get("RateLimit-Limit") != "" {
		t.Error("the quota is told before 80 % are used")
	}
	files.put(d+"/root:/a:/content", nil).want(201)
	files.do("GET", d+"/root/children", nil).want(200)
	if g := files.put(d+"/root:/a:/content", nil).want(200); g.header.Get("RateLimit-Limit") != "10" || g.header.Get("RateLimit-Remaining") != "2" || g.header.Get("RateLimit-Reset") == "" {
		t.Errorf("files tell %v", g.header)
	}
	files.do("DELETE", d+"/root:/a", nil).want(204)
	if g := files.do("GET", d+"/root", nil).want(429); g.header.Get("Retry-After") == "" || g.header.Get("RateLimit-Remaining") != "0" {
		t.Errorf("files refuse with %v", g.header)
	}

	n.clock.move(10 * time.Second)
	var parts []string
	for i := range 5 {
		parts = append(parts, fmt.Sprintf(`{"id":"%d","method":"GET","url":"/groups/%s/planner/plans"}`, i, n.group))
	}
	b := n.do("POST", "/$batch", `{"requests":[`+strings.Join(parts, ",")+`]}`).want(200)
	passed, refused := 0, 0
	for _, r := range b.body["responses"].([]any) {
		switch r := r.(map[string]any); r["status"] {
		case 200.0:
			passed++
		case 429.0:
			refused++
			if r["headers"].(map[string]any)["Retry-After"] == nil {
				t.Error("a part's 429 has no Retry-After")
			}
		}
	}
	if passed != 3 || refused != 2 {
		t.Errorf("of five parts under a limit of three, %d passed and %d were refused", passed, refused)
	}
	if n.Limiter(Planner) == nil || n.Limiter(Files) != nil {
		t.Error("the limiters are not those of the options")
	}
}

func TestFaults(t *testing.T) {
	f, err := shared.ParseFaults("429:1")
	if err != nil {
		t.Fatal(err)
	}
	n := start(t, Options{Faults: f})
	if g := n.do("GET", "/groups", nil).refused(429, "TooManyRequests", "retry"); g.header.Get("Retry-After") == "" {
		t.Error("a fault's 429 has no Retry-After")
	}
	for _, status := range []int{401, 500, 502, 503} {
		n := start(t, Options{Faults: shared.Faults{Status: map[int]float64{status: 1}}})
		n.do("GET", "/groups", nil).want(status)
	}
	if n.raw("GET", "/", nil, nil).status != 200 {
		t.Error("the page is not spared")
	}
}

func TestSeedDecidesTheCredentials(t *testing.T) {
	a, b, c := New(Options{Seed: 7}), New(Options{Seed: 7}), New(Options{Seed: 8})
	if fmt.Sprint(a.Settings(base)) != fmt.Sprint(b.Settings(base)) || fmt.Sprint(a.Settings(base)) == fmt.Sprint(c.Settings(base)) {
		t.Error("the credentials do not follow from the seed")
	}
	if len(a.Users()) != 1 {
		t.Error("a tenant without people has nobody to act as")
	}
}
