package serve

import (
	"bytes"
	"context"
	"io"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/rialto-migrate/rialto/internal/app"
)

func quiet() *slog.Logger { return slog.New(slog.DiscardHandler) }

// A server answers its probes and its pages, and stops when it is told to.
func TestServe(t *testing.T) {
	c := Defaults()
	c.Listen, c.Private = "127.0.0.1:0", "127.0.0.1:0"
	var terminal bytes.Buffer
	s, err := Open(t.Context(), c, app.Config{StateDir: t.TempDir(), Version: "test", Getenv: func(string) string { return "" }}, &terminal, quiet())
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan error)
	go func() { ended <- s.Serve(ctx) }()
	get := func(url string) (int, string) {
		t.Helper()
		r, err := http.Get(url)
		if err != nil {
			t.Fatal(err)
		}
		defer r.Body.Close()
		b, err := io.ReadAll(r.Body)
		if err != nil {
			t.Fatal(err)
		}
		return r.StatusCode, string(b)
	}
	public, private := "http://"+s.Addr().String(), "http://"+s.private.Addr().String()
	for url, want := range map[string]struct {
		status int
		text   string
	}{
		public + "/sign-in": {200, "<h1>Sign in</h1>"}, public + "/nothing": {404, "There is no such page"},
		public + "/healthz": {200, "ok"}, public + "/readyz": {200, "ready"}, private + "/readyz": {200, "ready"}, private + "/sign-in": {404, ""},
	} {
		if status, text := get(url); status != want.status || !strings.Contains(text, want.text) {
			t.Errorf("%s: %d, and %q is not in it", url, status, want.text)
		}
	}
	stop()
	select {
	case err := <-ended:
		if err != nil {
			t.Error(err)
		}
	case <-time.After(time.Minute):
		t.Fatal("it does not stop")
	}
	for range 2 {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	}
}

func TestRefusedConfigurations(t *testing.T) {
	for name, c := range map[string]struct {
		change func(*Config)
		want   string
	}{
		"passwords in the clear":      {func(c *Config) { c.Address = "http://rialto.example.org" }, "in the clear"},
		"open to the network":         {func(c *Config) { c.Listen, c.Address = "0.0.0.0:80", "https://rialto.example.org" }, "without TLS"},
		"no port":                     {func(c *Config) { c.Listen, c.Address = "127.0.0.1", "http://localhost" }, "HOST:PORT"},
		"an address with a path":      {func(c *Config) { c.Address = "https://example.org/rialto" }, "no address of a site"},
		"half a certificate":          {func(c *Config) { c.TLS.Certificate = "chain.pem" }, "go together"},
		"a proxy that is no network":  {func(c *Config) { c.Proxies = []string{"proxy"} }, "no network"},
		"no region":                   {func(c *Config) { c.Regions = nil }, "no region"},
		"mail in the clear elsewhere": {func(c *Config) { c.Mail.Host, c.Mail.From, c.Mail.Plain = "mail.example.org", "a@example.org", true }, "in the clear"},
		"mail from nobody":            {func(c *Config) { c.Mail.Host = "mail.example.org" }, "come from"},
		"a certificate that is not":   {func(c *Config) { c.TLS.Certificate, c.TLS.Key = "/nowhere", "/nowhere" }, "tls"},
	} {
		t.Run(name, func(t *testing.T) {
			conf := Defaults()
			conf.Listen, conf.Private = "127.0.0.1:0", ""
			c.change(&conf)
			s, err := Open(t.Context(), conf, app.Config{StateDir: t.TempDir(), Getenv: func(string) string { return "" }}, io.Discard, quiet())
			if err == nil {
				err = s.Close()
				t.Fatalf("it was taken, %v", err)
			}
			if !strings.Contains(err.Error(), c.want) {
				t.Errorf("got %v, want %q", err, c.want)
			}
		})
	}
}

// What is shown can be read again, and holds no secret.
func TestShowIsAFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "serve.yaml")
	text := "listen: 127.0.0.1:1\nmail:\n  host: mail.example.org\n  password: canary\n  from: a@example.org\nproxies: [10.0.0.0/8]\n"
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	env := map[string]string{"RIALTO_DATABASE_URL": "postgres://canary@db/x", "RIALTO_LISTEN": "127.0.0.1:2", "RIALTO_MAIL_PORT": "25"}
	c, err := Load(path, func(name string) string { return env[name] })
	if err != nil {
		t.Fatal(err)
	}
	c.Override("127.0.0.1:3", "", "", []string{"10.1.0.0/16"})
	if c.Listen != "127.0.0.1:3" || c.Mail.Port != 25 || string(c.Mail.Password) != "canary" || len(c.Proxies) != 1 || len(c.Networks) != 1 {
		t.Errorf("got %+v", c)
	}
	var shown bytes.Buffer
	if err := c.Show(&shown); err != nil {
		t.Fatal(err)
	}
	if strings.Contains(shown.String(), "canary") || !strings.Contains(shown.String(), "password: '[secret]'") {
		t.Errorf("shown:\n%s", &shown)
	}
	if err := os.WriteFile(path, shown.Bytes(), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := Load(path, func(string) string { return "" }); err != nil {
		t.Errorf("what was shown cannot be read: %v", err)
	}
	for name, bad := range map[string]string{"a word too many": "listne: x", "no YAML": "listen: ["} {
		if err := os.WriteFile(path, []byte(bad), 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := Load(path, func(string) string { return "" }); err == nil || !strings.Contains(err.Error(), "serve.yaml") {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := Load("", func(name string) string { return map[string]string{"RIALTO_MAIL_PORT": "x"}[name] }); err == nil {
		t.Error("a port that is no number was taken")
	}
}
