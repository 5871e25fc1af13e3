package post

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/emersion/go-sasl"
	"github.com/emersion/go-smtp"

	"github.com/rialto-migrate/rialto/internal/account"
	"github.com/rialto-migrate/rialto/internal/vault"
)

// An office is a mail server with a say in what it takes.
type office struct {
	answers []error // to the next letters, in turn; then it takes them

	mu   sync.Mutex
	got  []string
	user string
}

func (o *office) NewSession(*smtp.Conn) (smtp.Session, error) { return &counter{o}, nil }

type counter struct{ *office }

func (c *counter) AuthMechanisms() []string { return []string{sasl.Plain} }
func (c *counter) Auth(string) (sasl.Server, error) {
	return sasl.NewPlainServer(func(_, user, password string) error {
		if password != "good" {
			return smtp.ErrAuthFailed
		}
		c.user = user
		return nil
	}), nil
}
func (c *counter) Reset()                               {}
func (c *counter) Logout() error                        { return nil }
func (c *counter) Mail(string, *smtp.MailOptions) error { return nil }
func (c *counter) Rcpt(string, *smtp.RcptOptions) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.answers) == 0 {
		return nil
	}
	err := c.answers[0]
	c.answers = c.answers[1:]
	return err
}

func (c *counter) Data(r io.Reader) error {
	b, err := io.ReadAll(r)
	c.mu.Lock()
	defer c.mu.Unlock()
	c.got = append(c.got, string(b))
	return err
}

func (o *office) letters() []string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.got
}

// open serves with STARTTLS, or without, and returns how to reach it.
func (o *office) open(t *testing.T, secure bool) Server {
	t.Helper()
	// For its certificate, which is for example.com and 127.0.0.1.
	h := httptest.NewTLSServer(nil)
	t.Cleanup(h.Close)
	s := smtp.NewServer(o)
	s.Domain, s.AllowInsecureAuth = "example.com", true
	pool := x509.NewCertPool()
	pool.AddCert(h.Certificate())
	if secure {
		s.TLSConfig = &tls.Config{Certificates: h.TLS.Certificates}
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	go s.Serve(l)
	t.Cleanup(func() { s.Close() })
	return Server{Host: "127.0.0.1", Port: l.Addr().(*net.TCPAddr).Port, TLS: &tls.Config{RootCAs: pool, ServerName: "127.0.0.1"}}
}

func opened(t *testing.T, s Server, log io.Writer) *Post {
	t.Helper()
	p, err := start(Config{Server: s, From: "rialto@example.com", Log: slog.New(slog.NewTextHandler(log, nil))}, 10*time.Millisecond)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func closed(t *testing.T, p *Post) {
	t.Helper()
	ctx, stop := context.WithTimeout(context.Background(), 20*time.Second)
	defer stop()
	if err := p.Close(ctx); err != nil {
		t.Error(err)
	}
}

func until(t *testing.T, what string, is func() bool) {
	t.Helper()
	for end := time.Now().Add(20 * time.Second); !is(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("waited in vain: %s", what)
		}
	}
}

func reset(to string) account.Letter {
	return account.Letter{To: to, Kind: account.Reset, Link: "https://rialto.example/reset/canary-token"}
}

func TestDeliver(t *testing.T) {
	o := &office{answers: []error{
		&smtp.SMTPError{Code: 451, EnhancedCode: smtp.EnhancedCode{4, 7, 1}, Message: "later"},
		&smtp.SMTPError{Code: 451, EnhancedCode: smtp.EnhancedCode{4, 7, 1}, Message: "later"},
	}}
	s := o.open(t, true)
	s.User, s.Password = vault.NewSecret("rialto"), vault.NewSecret("good")
	p := opened(t, s, io.Discard)
	defer closed(t, p)
	if err := p.Send(t.Context(), reset("ana@example.org")); err != nil {
		t.Fatal(err)
	}
	until(t, "the letter arrives at the third attempt", func() bool { return len(o.letters()) == 1 })
	got := strings.ReplaceAll(o.letters()[0], "=\r\n", "")
	for _, want := range []string{"Subject: Set a new password", "To: <ana@example.org>", "From: <rialto@example.com>", "Auto-Submitted: auto-generated", "/reset/canary-token", "Message-ID:"} {
		if !strings.Contains(got, want) {
			t.Errorf("the letter lacks %q:\n%s", want, got)
		}
	}
	if o.user != "rialto" {
		t.Errorf("signed in as %q", o.user)
	}
}

// A letter that is refused for good does not come again, does not hold up the next, and
// is logged without its link and address.
func TestRefused(t *testing.T) {
	o := &office{answers: []error{&smtp.SMTPError{Code: 550, EnhancedCode: smtp.EnhancedCode{5, 1, 1}, Message: "no canary-box here"}}}
	var log bytes.Buffer
	p := opened(t, o.open(t, true), &log)
	for _, to := range []string{"nobody@example.org", "ana@example.org"} {
		if err := p.Send(t.Context(), reset(to)); err != nil {
			t.Fatal(err)
		}
	}
	until(t, "the second letter arrives", func() bool { return len(o.letters()) == 1 })
	closed(t, p)
	if !strings.Contains(log.String(), "code=550") || strings.Contains(log.String(), "canary") || strings.Contains(log.String(), "nobody@") {
		t.Errorf("logged: %s", &log)
	}
}

// Letters never travel in the clear, and not to whoever pretends to be the server.
func TestInTheClear(t *testing.T) {
	for name, c := range map[string]struct {
		secure bool
		change func(*Server)
		want   int
	}{
		"no TLS":             {false, func(*Server) {}, 0},
		"no TLS, allowed":    {false, func(s *Server) { s.Plain = true }, 1},
		"unknown authority":  {true, func(s *Server) { s.TLS = &tls.Config{ServerName: "127.0.0.1"} }, 0},
		"another name":       {true, func(s *Server) { s.TLS.ServerName = "mail.example.org" }, 0},
		"its own authority":  {true, func(*Server) {}, 1},
		"the wrong password": {true, func(s *Server) { s.User, s.Password = vault.NewSecret("u"), vault.NewSecret("bad") }, 0},
	} {
		t.Run(name, func(t *testing.T) {
			o := &office{}
			s := o.open(t, c.secure)
			c.change(&s)
			p := opened(t, s, io.Discard)
			err := p.deliver(t.Context(), reset("ana@example.org"))
			closed(t, p)
			if got := len(o.letters()); got != c.want || (err == nil) != (c.want == 1) {
				t.Errorf("%d letters arrived, %v", got, err)
			}
		})
	}
	if _, err := New(Config{Server: Server{Host: "mail.example.org", Plain: true}, From: "a@b.c"}); err == nil {
		t.Error("a server elsewhere may get letters in the clear")
	}
}

// A server that hangs does not keep the program from stopping.
func TestHangs(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	p := opened(t, Server{Host: "127.0.0.1", Port: l.Addr().(*net.TCPAddr).Port}, io.Discard)
	for range 3 {
		if err := p.Send(t.Context(), reset("ana@example.org")); err != nil {
			t.Fatal(err)
		}
	}
	ctx, stop := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer stop()
	began := time.Now()
	if err := p.Close(ctx); err != nil || time.Since(began) > 10*time.Second {
		t.Errorf("%v after %v", err, time.Since(began))
	}
}

func TestTerminal(t *testing.T) {
	var out bytes.Buffer
	p, err := New(Config{Terminal: &out})
	if err != nil {
		t.Fatal(err)
	}
	defer closed(t, p)
	l := account.Letter{To: "bo@example.org", Kind: account.Invitation, Link: "http://127.0.0.1/invitation/x", Organisation: "Work\nshop", By: "Ana"}
	if err := p.Send(t.Context(), l); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"to bo@example.org: Join Work shop on Rialto\n", "Ana invites you to join Work shop", "/invitation/x"} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("lacks %q:\n%s", want, &out)
		}
	}
	if _, err := New(Config{}); err == nil {
		t.Error("letters go nowhere")
	}
	if final(errors.New("x")) {
		t.Error("an error of the network is not for ever")
	}
}
