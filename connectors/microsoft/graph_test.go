package microsoft_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/rialto-migrate/rialto/connector"
	"github.com/rialto-migrate/rialto/connectors/microsoft"
)

// handlerTransport answers requests by a handler in this goroutine: nothing
// waits for a network, so that synctest's clock can move.
type handlerTransport struct{ h http.Handler }

func (t handlerTransport) RoundTrip(r *http.Request) (*http.Response, error) {
	if err := r.Context().Err(); err != nil {
		return nil, err
	}
	rec := httptest.NewRecorder()
	if r.Body == nil {
		r.Body = http.NoBody
	}
	t.h.ServeHTTP(rec, r)
	resp := rec.Result()
	resp.Request = r
	return resp, nil
}

func client(t *testing.T, s connector.Settings, h http.Handler) (*microsoft.Client, *connector.Client, *[]string) {
	t.Helper()
	if s["url"] == "" {
		s["url"], s["login"] = "http://graph.test/v1.0", "http://login.test"
	}
	var mu sync.Mutex
	renewed := &[]string{}
	hc := connector.NewClient(connector.ClientOptions{Transport: handlerTransport{h}})
	c, err := microsoft.New(connector.Env{Settings: s, HTTP: hc, Now: time.Now, Renewed: func(name, value string) error {
		mu.Lock()
		defer mu.Unlock()
		*renewed = append(*renewed, name+"="+value)
		return nil
	}})
	if err != nil {
		t.Fatal(err)
	}
	return c, hc, renewed
}

func app() connector.Settings {
	return connector.Settings{"tenant": "t1", "client-id": "app", "client-secret": "s3cret"}
}

func plain() connector.Settings { return connector.Settings{"access-token": "tok"} }

func reply(w http.ResponseWriter, status int, body any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(body)
}

func graphError(code, message string) map[string]any {
	return map[string]any{"error": map[string]string{"code": code, "message": message}}
}

// A tokenServer hands out tokens with a number.
type tokenServer struct {
	issued atomic.Int64
	life   int
	fail   atomic.Int64 // answers 503 this often
	graph  http.HandlerFunc
}

func (s *tokenServer) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.URL.Host == "login.test" {
		if r.URL.Path != "/t1/oauth2/v2.0/token" {
			http.NotFound(w, r)
			return
		}
		if s.fail.Add(-1) >= 0 {
			reply(w, 503, map[string]any{"error": "temporarily_unavailable"})
			return
		}
		if err := r.ParseForm(); err != nil || r.PostForm.Get("client_id") != "app" {
			reply(w, 400, map[string]any{"error": "invalid_request"})
			return
		}
		n := s.issued.Add(1)
		out := map[string]any{"access_token": fmt.Sprintf("access%d", n), "expires_in": s.life}
		switch r.PostForm.Get("grant_type") {
		case "refresh_token":
			out["refresh_token"] = fmt.Sprintf("refresh%d", n)
		case "client_credentials":
			if r.PostForm.Get("scope") != "http://graph.test/.default" || r.PostForm.Get("client_secret") != "s3cret" {
				reply(w, 401, map[string]any{"error": "invalid_client", "error_codes": []int{7000215}, "error_description": "the secret s3cret of app"})
				return
			}
		}
		reply(w, 200, out)
		return
	}
	s.graph(w, r)
}

func TestTokenIsFetchedOnceAndRefreshedEarly(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		srv := &tokenServer{life: 3600, graph: func(w http.ResponseWriter, r *http.Request) {
			reply(w, 200, map[string]string{"id": r.Header.Get("Authorization")})
		}}
		c, _, _ := client(t, app(), srv)
		var g sync.WaitGroup
		for range 20 {
			g.Go(func() {
				if err := c.Get(t.Context(), "/me", nil, nil); err != nil {
					t.Error(err)
				}
			})
		}
		g.Wait()
		if n := srv.issued.Load(); n != 1 {
			t.Fatalf("%d tokens were fetched by 20 concurrent calls, want 1", n)
		}
		time.Sleep(54 * time.Minute)
		get(t, c, 1, srv)
		time.Sleep(90 * time.Second) // 55.5 minutes: within the last five
		get(t, c, 2, srv)
	})
}

func get(t *testing.T, c *microsoft.Client, want int64, srv *tokenServer) {
	t.Helper()
	var out struct{ ID string }
	if err := c.Get(t.Context(), "/me", nil, &out); err != nil {
		t.Fatal(err)
	}
	if got := srv.issued.Load(); got != want || out.ID != fmt.Sprintf("Bearer access%d", want) {
		t.Fatalf("%d tokens were fetched and %q was sent, want token %d", got, out.ID, want)
	}
}

func TestEarlyRefreshThatFailsKeepsTheOldToken(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		srv := &tokenServer{life: 3600, graph: func(w http.ResponseWriter, r *http.Request) {
			reply(w, 200, map[string]string{"id": r.Header.Get("Authorization")})
		}}
		c, _, _ := client(t, app(), srv)
		get(t, c, 1, srv)
		time.Sleep(56 * time.Minute)
		srv.fail.Store(6) // all attempts of one fetch
		get(t, c, 1, srv)
		get(t, c, 2, srv)
	})
}

func TestRefusedTokenIsRenewedOnce(t *testing.T) {
	for _, tc := range []struct {
		name     string
		settings connector.Settings
		good     string // the token that Graph takes
		want     connector.Class
	}{
		{"app", app(), "Bearer access2", ""},
		{"app, refused for good", app(), "Bearer access9", connector.Auth},
		{"person", connector.Settings{"tenant": "t1", "client-id": "app", "refresh-token": "refresh0"}, "Bearer access2", ""},
		{"plain token", plain(), "Bearer other", connector.Auth},
	} {
		t.Run(tc.name, func(t *testing.T) {
			srv := &tokenServer{life: 3600}
			var calls atomic.Int64
			srv.graph = func(w http.ResponseWriter, r *http.Request) {
				calls.Add(1)
				if r.Header.Get("Authorization") != tc.good {
					reply(w, 401, graphError("InvalidAuthenticationToken", "Lifetime validation failed, the token is expired."))
					return
				}
				reply(w, 201, map[string]string{"id": "1"})
			}
			c, _, renewed := client(t, tc.settings, srv)
			_, err := c.JSON(t.Context(), connector.Request{Method: "POST", URL: c.URL("/planner/plans", nil), JSON: map[string]string{}}, nil)
			if tc.want == "" && err != nil || tc.want != "" && connector.ClassOf(err) != tc.want {
				t.Fatalf("error %v, want class %q", err, tc.want)
			}
			if connector.InDoubt(err) {
				t.Error("a refused token leaves nothing in doubt")
			}
			if calls.Load() > 2 {
				t.Errorf("%d calls, want 2 at most", calls.Load())
			}
			if tc.name == "person" && strings.Join(*renewed, " ") != "refresh-token=refresh1 refresh-token=refresh2" {
				t.Errorf("renewed %v", *renewed)
			}
		})
	}
}

func TestManyRefusedCallsRenewTheTokenOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		srv := &tokenServer{life: 3600}
		srv.graph = func(w http.ResponseWriter, r *http.Request) {
			time.Sleep(time.Second) // all are on their way before the first is refused
			if r.Header.Get("Authorization") == "Bearer access1" {
				reply(w, 401, graphError("InvalidAuthenticationToken", ""))
				return
			}
			reply(w, 200, map[string]string{})
		}
		c, _, _ := client(t, app(), srv)
		var g sync.WaitGroup
		for range 10 {
			g.Go(func() {
				if err := c.Get(t.Context(), "/me", nil, nil); err != nil {
					t.Error(err)
				}
			})
		}
		g.Wait()
		if srv.issued.Load() != 2 {
			t.Errorf("%d tokens were fetched, want 2", srv.issued.Load())
		}
	})
}

func TestNoSecretInTokenErrors(t *testing.T) {
	srv := &tokenServer{life: 3600}
	s := app()
	s["client-secret"] = "wrong-s3cret"
	c, _, _ := client(t, s, srv)
	err := c.Get(t.Context(), "/me", nil, nil)
	if connector.ClassOf(err) != connector.Auth || !strings.Contains(err.Error(), "AADSTS7000215") {
		t.Fatalf("got %v", err)
	}
	if strings.Contains(err.Error(), "s3cret") {
		t.Fatalf("the error holds the secret: %v", err)
	}
}

func TestClassOfRefusals(t *testing.T) {
	for _, tc := range []struct {
		status int
		code   string
		want   connector.Class
	}{
		{400, "", connector.Permanent},
		{401, "InvalidAuthenticationToken", connector.Auth},
		{403, "accessDenied", connector.Forbidden},
		{403, "Authorization_RequestDenied", connector.Forbidden},
		{403, "MaximumTasksInProject", connector.Full},
		{403, "MaximumReferencesOnTask", connector.Full},
		{403, "MaximumOfSomethingNew", connector.Full},
		{404, "itemNotFound", connector.Gone},
		{409, "", connector.Conflict},
		{410, "", connector.Gone},
		{412, "", connector.Conflict},
		{507, "quotaLimitReached", connector.Full},
	} {
		t.Run(fmt.Sprint(tc.status, tc.code), func(t *testing.T) {
			c, _, _ := client(t, plain(), http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				reply(w, tc.status, graphError(tc.code, "The title 'Salary of Ann' is bad"))
			}))
			_, err := c.JSON(t.Context(), connector.Request{Method: "POST", URL: c.URL("/planner/tasks", nil), JSON: 1}, nil)
			if got := connector.ClassOf(err); got != tc.want {
				t.Errorf("class %s, want %s", got, tc.want)
			}
			if microsoft.Status(err) != tc.status || microsoft.Code(err) != tc.code {
				t.Errorf("status %d and code %q, want %d and %q", microsoft.Status(err), microsoft.Code(err), tc.status, tc.code)
			}
			if strings.Contains(err.Error(), "Ann") {
				t.Errorf("the error holds content: %v", err)
			}
			e, _ := errors.AsType[*connector.Error](err)
			if e.Class == connector.Full && e.Hint == "" && tc.code != "MaximumOfSomethingNew" {
				t.Error("a full target comes without a hint")
			}
		})
	}
}

func TestCodeThatIsContentIsDropped(t *testing.T) {
	c, _, _ := client(t, plain(), http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		reply(w, 400, graphError("Title 'Salary of Ann' is bad", ""))
	}))
	if err := c.Get(t.Context(), "/x", nil, nil); strings.Contains(err.Error(), "Ann") {
		t.Fatalf("the error holds content: %v", err)
	}
}

func TestListFollowsOwnPagesOnly(t *testing.T) {
	for _, tc := range []struct {
		name, next string
		want       connector.Class
	}{
		{"own", "http://graph.test/v1.0/groups?$skiptoken=2", ""},
		{"other host", "http://evil.test/v1.0/groups?$skiptoken=2", connector.Malformed},
		{"other scheme", "https://graph.test/v1.0/groups?$skiptoken=2", connector.Malformed},
	} {
		t.Run(tc.name, func(t *testing.T) {
			c, _, _ := client(t, plain(), http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				if r.URL.Host != "graph.test" {
					t.Errorf("the token went to %s", r.URL.Host)
				}
				if r.URL.Query().Get("$skiptoken") == "" {
					reply(w, 200, map[string]any{"value": []any{map[string]string{"id": "1"}}, "@odata.nextLink": tc.next})
					return
				}
				reply(w, 200, map[string]any{"value": []any{map[string]string{"id": "2"}}})
			}))
			got, err := microsoft.All(microsoft.List[struct{ ID string }](t.Context(), c, "/groups", nil))
			if tc.want != "" {
				if connector.ClassOf(err) != tc.want || err == nil {
					t.Fatalf("got %v, want class %s", err, tc.want)
				}
				return
			}
			if err != nil || len(got) != 2 || got[1].ID != "2" {
				t.Fatalf("got %v, %v", got, err)
			}
		})
	}
}

func TestDeviceCode(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		polls := 0
		h := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			_ = r.ParseForm()
			switch r.URL.Path {
			case "/t1/oauth2/v2.0/devicecode":
				if !strings.Contains(r.PostForm.Get("scope"), "offline_access") {
					t.Error("offline_access is not asked for")
				}
				reply(w, 200, map[string]any{"device_code": "dev", "user_code": "ABC", "verification_uri": "https://there", "expires_in": 900, "interval": 5})
			case "/t1/oauth2/v2.0/token":
				if polls++; polls < 4 {
					reply(w, 400, map[string]any{"error": []string{"authorization_pending", "slow_down", "authorization_pending"}[polls-1]})
					return
				}
				reply(w, 200, map[string]any{"access_token": "a", "refresh_token": "lasting", "expires_in": 3600})
			}
		})
		env := connector.Env{HTTP: connector.NewClient(connector.ClientOptions{Transport: handlerTransport{h}}), Now: time.Now,
			Settings: connector.Settings{"tenant": "t1", "client-id": "app", "login": "http://login.test", "url": "http://graph.test/v1.0"}}
		shown := ""
		began := time.Now()
		got, err := microsoft.DeviceCode(context.Background(), env, []string{"Files.ReadWrite.All"}, func(url, code string) { shown = url + " " + code })
		if err != nil || got != "lasting" || shown != "https://there ABC" {
			t.Fatalf("got %q, %v, shown %q", got, err, shown)
		}
		if took := time.Since(began); took != 30*time.Second { // 5+5+10+10
			t.Errorf("took %s, want the interval, lengthened after slow_down", took)
		}
	})
}

func TestSettingsThatCannotWork(t *testing.T) {
	for name, s := range map[string]connector.Settings{
		"none":          {},
		"no secret":     {"tenant": "t", "client-id": "a"},
		"no id":         {"refresh-token": "r"},
		"bad url":       {"access-token": "t", "url": "graph"},
		"unknown right": {"access-token": "t", "rights": "root"},
	} {
		if _, err := microsoft.New(connector.Env{Settings: s, HTTP: connector.NewClient(connector.ClientOptions{})}); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
}

func TestDelegated(t *testing.T) {
	scp := "h.eyJzY3AiOiJUYXNrcy5SZWFkV3JpdGUifQ.s" // {"scp":"Tasks.ReadWrite"}
	for name, tc := range map[string]struct {
		s    connector.Settings
		want bool
	}{
		"app":       {app(), false},
		"person":    {connector.Settings{"refresh-token": "r", "client-id": "a"}, true},
		"opaque":    {plain(), false},
		"told":      {connector.Settings{"access-token": "x", "rights": "delegated"}, true},
		"jwt":       {connector.Settings{"access-token": scp}, true},
		"told, app": {connector.Settings{"access-token": scp, "rights": "app"}, false},
	} {
		if got := microsoft.Delegated(tc.s); got != tc.want {
			t.Errorf("%s: %v, want %v", name, got, tc.want)
		}
	}
}
