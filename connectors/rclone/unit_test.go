package rclone

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/rclone/rclone/fs"
	"github.com/rclone/rclone/fs/config/obscure"

	"github.com/rialto-migrate/rialto/connector"
	"github.com/rialto-migrate/rialto/connector/paths"
	"github.com/rialto-migrate/rialto/item"
)

func TestBackends(t *testing.T) {
	for name := range strings.SplitSeq(usual, ", ") {
		if _, err := fs.Find(name); err != nil {
			t.Errorf("%s is in the help and not in the program: %v", name, err)
		}
	}
}

func TestConfig(t *testing.T) {
	for what, c := range map[string]struct {
		set  connector.Settings
		hint string // a part of it; "" for settings that are taken
	}{
		"nothing":                       {connector.Settings{}, ""},
		"options by comma":              {connector.Settings{"backend": "b2", "options": "account=a,hard_delete=true", "secrets": "key=k"}, ""},
		"options by line":               {connector.Settings{"backend": "b2", "options": "account=a\nhard_delete=true\n"}, ""},
		"a token":                       {connector.Settings{"backend": "pcloud", "secrets": `token={"access_token":"a,b=c"}`}, ""},
		"an address on this machine":    {connector.Settings{"backend": "b2", "url": "http://127.0.0.1:9"}, ""},
		"a backend that is not there":   {connector.Settings{"backend": "floppy"}, "backends.go"},
		"an option that is not there":   {connector.Settings{"backend": "b2", "options": "colour=blue"}, "rclone.org/b2"},
		"an option without a value":     {connector.Settings{"backend": "b2", "options": "account"}, "name=value"},
		"a password in the open":        {connector.Settings{"backend": "koofr", "options": "password=p"}, "secrets"},
		"this machine's environment":    {connector.Settings{"backend": "swift", "options": "env_auth=true"}, "secrets"},
		"an address in the clear":       {connector.Settings{"backend": "b2", "url": "http://b2.example.org"}, "https"},
		"an option in the clear":        {connector.Settings{"backend": "b2", "options": "download_url=http://b2.example.org"}, "https"},
		"an address where there is one": {connector.Settings{"backend": "zoho", "url": "https://x.example.org"}, "leave"},
		"no time":                       {connector.Settings{"settle-delay": "soon"}, "30s"},
	} {
		_, err := parseConfig(c.set)
		e, _ := errors.AsType[*connector.Error](err)
		if (err != nil) != (c.hint != "") || e != nil && (e.Class != connector.Permanent || !strings.Contains(e.Hint, c.hint)) {
			t.Errorf("%s: %v, want a hint with %q", what, err, c.hint)
		}
	}
}

// Passwords are given to the library as it wants them, and come back to the parent as
// people gave them.
func TestValues(t *testing.T) {
	cfg, err := parseConfig(connector.Settings{"backend": "koofr", "options": "user=u", "secrets": "password=pass,with=all"})
	if err != nil {
		t.Fatal(err)
	}
	var told string
	v := newValues(cfg, func(name, value string) error {
		told = name + ": " + value
		return nil
	})
	if got, _ := v.Get("password"); got == "pass,with=all" || obscure.MustReveal(got) != "pass,with=all" {
		t.Errorf("the library is told the password %q", got)
	}
	if got, ok := v.Get("setmtime"); got != "true" || !ok {
		t.Errorf("an option that is not set is %q, want its default", got)
	}
	v.Set("mountid", "no secret")
	if told != "" {
		t.Errorf("what is no secret was told the parent: %s", told)
	}
	v.Set("token", "fresh")
	if told != "secrets: password=pass,with=all\ntoken=fresh" {
		t.Errorf("the parent was told %q", told)
	}
}

func TestTraits(t *testing.T) {
	for _, want := range []traits{{}, {modified: true}, {modified: true, media: true, moves: true, folds: true, twins: true, bucket: true}} {
		if got := parseTraits(want.String()); got != want || want.String() == "" {
			t.Errorf("%q is read as %+v, want %+v", want, got, want)
		}
	}
}

// A yandex is as much of Yandex Disk as a connection to it asks for
// (https://yandex.com/dev/disk-api/doc/en/reference/meta). Its tokens end at once.
type yandex struct {
	mu     sync.Mutex
	tokens int
	dead   bool // the refresh token is revoked
	sent   []string
}

func (y *yandex) RoundTrip(r *http.Request) (*http.Response, error) {
	y.mu.Lock()
	defer y.mu.Unlock()
	y.sent = append(y.sent, r.Method+" "+r.URL.Scheme+"://"+r.Host+r.URL.Path)
	status, answer := http.StatusOK, `{"type":"dir","name":"disk","path":"disk:/","_embedded":{"items":[],"total":0}}`
	switch {
	case r.URL.Host == "oauth.yandex.com" && y.dead:
		status, answer = http.StatusBadRequest, `{"error":"invalid_grant"}`
	case r.URL.Host == "oauth.yandex.com":
		y.tokens++
		answer = `{"access_token":"fresh` + strings.Repeat("!", y.tokens) + `","refresh_token":"again","token_type":"OAuth","expires_in":5}`
	case r.Header.Get("Authorization") != "OAuth fresh"+strings.Repeat("!", y.tokens):
		status, answer = http.StatusUnauthorized, `{"error":"UnauthorizedError"}`
	}
	return &http.Response{StatusCode: status, Header: http.Header{"Content-Type": {"application/json"}}, Body: io.NopCloser(strings.NewReader(answer)), ContentLength: int64(len(answer)), Request: r}, nil
}

func yandexSettings() connector.Settings {
	return connector.Settings{"backend": "yandex", "secrets": `token={"access_token":"old","refresh_token":"once","token_type":"OAuth","expiry":"2020-01-01T00:00:00Z"}`}
}

// A token that ended is replaced, and the parent is told the one that came for it.
func TestToken(t *testing.T) {
	y := &yandex{}
	var told []string
	c, err := New().Open(t.Context(), connector.Env{Settings: yandexSettings(), HTTP: connector.NewClient(connector.ClientOptions{Transport: y}),
		Renewed: func(name, value string) error {
			told = append(told, name+" "+value)
			return nil
		}})
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	for range 2 {
		if _, err := c.Check(t.Context()); err != nil {
			t.Fatalf("%v after %v", err, y.sent)
		}
	}
	if len(told) == 0 || !strings.HasPrefix(told[0], `secrets token={"access_token":"fresh!"`) || !strings.Contains(told[0], `"refresh_token":"again"`) {
		t.Errorf("the parent was told %q", told)
	}
	for _, s := range y.sent {
		if !strings.HasPrefix(s, "GET https://cloud-api.yandex.") && !strings.HasPrefix(s, "POST https://oauth.yandex.com/") {
			t.Errorf("it sent %s", s)
		}
	}
}

// One that cannot be replaced is for a person to mend.
func TestTokenRevoked(t *testing.T) {
	c := opened(t, yandexSettings(), connector.ClientOptions{Transport: &yandex{dead: true}})
	_, err := c.Check(t.Context())
	e, ok := errors.AsType[*connector.Error](err)
	if !ok || e.Class != connector.Auth || e.Hint == "" {
		t.Errorf("%v, want class auth and a hint", err)
	}
}

// A source's connection is sent no write, whoever asks for it.
func TestOnlyReads(t *testing.T) {
	y := &yandex{}
	c := opened(t, yandexSettings(), connector.ClientOptions{Transport: y, Guard: &connector.Guard{}})
	err := c.do(t.Context(), "making {folder}", func(ctx context.Context, lib *library) error { return lib.Mkdir(ctx, "new") })
	if connector.ClassOf(err) != connector.Forbidden {
		t.Errorf("%v, want class forbidden", err)
	}
	tg, err := c.Target(t.Context(), "")
	if err != nil {
		t.Fatal(err)
	}
	it := item.Item{Ref: item.Ref{Kind: item.Folder}, Parent: paths.Drive("/")}
	item.Name.Set(&it, "new")
	for r := range tg.Write(t.Context(), []connector.Change{{Op: connector.Create, Item: it}}, nil) {
		if connector.ClassOf(r.Err) != connector.Forbidden {
			t.Errorf("%v, want class forbidden", r.Err)
		}
	}
	for _, s := range y.sent {
		if strings.HasPrefix(s, "PUT") {
			t.Errorf("it sent %s", s)
		}
	}
}

// What the bridge sends on goes where the library meant it to, in the clear to this
// machine alone, and says nothing of this process.
func TestBridge(t *testing.T) {
	for address, allowed := range map[string]bool{"http://127.0.0.1:9/a%2Fb?c=d": true, "http://localhost/x": true, "https://files.example.org/x": true, "http://files.example.org/x": false} {
		var seen *http.Request
		b := newBridge(connector.NewClient(connector.ClientOptions{Attempts: 1, Transport: roundTrip(func(r *http.Request) (*http.Response, error) {
			seen = r
			return &http.Response{StatusCode: http.StatusOK, Header: http.Header{}, Body: io.NopCloser(strings.NewReader("yes")), ContentLength: 3, Request: r}, nil
		})}), slog.New(slog.DiscardHandler))
		ctx, k := b.begin(t.Context())
		r, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
		if err != nil {
			t.Fatal(err)
		}
		mark(r)
		way := &http.Transport{DialTLSContext: b.dial}
		resp, err := way.RoundTrip(r)
		if err != nil {
			t.Fatal(err)
		}
		body, _ := io.ReadAll(resp.Body)
		resp.Body.Close()
		way.CloseIdleConnections()
		b.close()
		switch {
		case !allowed && (seen != nil || connector.ClassOf(k.told()) != connector.Permanent):
			t.Errorf("%s was sent on: %v", address, k.told())
		case allowed && (seen == nil || seen.URL.String() != address || string(body) != "yes" || seen.Header.Get(headCall)+seen.Header.Get(headPlain) != ""):
			t.Errorf("%s was sent as %+v, and answered %q", address, seen, body)
		}
	}
}

// A body that was not held is not sent twice, and the refusal is what is told.
func TestBridgeSpent(t *testing.T) {
	n := 0
	b := newBridge(connector.NewClient(connector.ClientOptions{Backoff: func(int, time.Duration) time.Duration { return 0 }, Transport: roundTrip(func(r *http.Request) (*http.Response, error) {
		n++
		_, _ = io.Copy(io.Discard, r.Body)
		return &http.Response{StatusCode: http.StatusTooManyRequests, Header: http.Header{}, Body: io.NopCloser(strings.NewReader("slow")), ContentLength: 4, Request: r}, nil
	})}), slog.New(slog.DiscardHandler))
	defer b.close()
	ctx, k := b.begin(t.Context())
	r, err := http.NewRequestWithContext(ctx, http.MethodPut, "https://files.example.org/x", strings.NewReader(strings.Repeat("x", held+1)))
	if err != nil {
		t.Fatal(err)
	}
	mark(r)
	way := &http.Transport{DialTLSContext: b.dial}
	defer way.CloseIdleConnections()
	resp, err := way.RoundTrip(r)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if e := k.told(); n != 1 || resp.StatusCode != http.StatusTooManyRequests || connector.ClassOf(e) != connector.Throttled {
		t.Errorf("it was sent %d times, answered %d, and told %v", n, resp.StatusCode, e)
	}
}

type roundTrip func(*http.Request) (*http.Response, error)

func (f roundTrip) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }
