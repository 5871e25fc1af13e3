// Package post delivers letters: by SMTP, or, where no server is configured, to
// the terminal of whoever started the program.
//
// A letter waits in memory until it is delivered. Where the server does not take
// it for now, it is tried again for a day; one that is refused for good is dropped
// and logged, without its address and its link.
package post

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"strings"
	"sync"
	"time"

	"github.com/wneessen/go-mail"

	"github.com/rialto-migrate/rialto/internal/account"
	"github.com/rialto-migrate/rialto/internal/vault"
)

// A Server takes mail by SMTP.
type Server struct {
	Host string
	Port int // 465 speaks TLS at once; others must offer STARTTLS
	// User and Password may be empty.
	User, Password vault.Secret
	// Plain allows a server on loopback to offer no TLS.
	Plain bool
	// TLS verifies the server's name by the system's authorities; nil is the default.
	TLS *tls.Config
}

// Config makes a Post.
type Config struct {
	Server Server // no Host: letters go to Terminal
	From   string // the address that letters come from
	// Terminal is where letters are shown when there is no server.
	Terminal io.Writer
	Log      *slog.Logger
}

const (
	waiting   = 1000           // letters at most
	patience  = 24 * time.Hour // for a server that does not take a letter
	firstWait = 15 * time.Second
	lastWait  = 30 * time.Minute
	sendLimit = 30 * time.Second // one attempt

	tlsPort = 465 // RFC 8314, 3.3: TLS from the first byte on
)

// A Post delivers letters in the background. Close it.
type Post struct {
	Config
	queue chan letter
	pause time.Duration // before a letter is tried again; doubled each time
	stop  context.CancelFunc
	done  sync.WaitGroup
}

type letter struct {
	account.Letter
	since time.Time
}

// New starts delivering.
func New(c Config) (*Post, error) { return start(c, firstWait) }

func start(c Config, pause time.Duration) (*Post, error) {
	if c.Server.Host == "" && c.Terminal == nil {
		return nil, errors.New("post: there is neither a mail server nor a terminal")
	}
	if c.Server.Host != "" && c.From == "" {
		return nil, errors.New("post: letters need an address that they come from")
	}
	if c.Server.Plain && !loopback(c.Server.Host) {
		return nil, fmt.Errorf("post: %s would get letters in the clear; only a mail server on this machine may", c.Server.Host)
	}
	ctx, stop := context.WithCancel(context.Background())
	p := &Post{Config: c, queue: make(chan letter, waiting), pause: pause, stop: stop}
	p.done.Go(func() { p.work(ctx) })
	return p, nil
}

func loopback(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}

// Close stops delivering once what waits was tried, or ctx ends. What is left is
// dropped.
func (p *Post) Close(ctx context.Context) error {
	close(p.queue)
	ended := make(chan struct{})
	go func() { p.done.Wait(); close(ended) }()
	select {
	case <-ended:
	case <-ctx.Done():
	}
	p.stop()
	<-ended
	return nil
}

// Send takes a letter for delivery. It fails only when too many wait.
func (p *Post) Send(_ context.Context, l account.Letter) error {
	if p.Server.Host == "" {
		subject, body := text(l)
		_, err := fmt.Fprintf(p.Terminal, "\n--- A letter to %s: %s\n%s---\n\n", l.To, subject, body)
		return err
	}
	select {
	case p.queue <- letter{l, time.Now()}:
		return nil
	default:
		return errors.New("too many letters wait for the mail server; try again later")
	}
}

// work delivers until the queue is closed. A letter that is not taken waits beside
// the queue and does not hold others up.
func (p *Post) work(ctx context.Context) {
	var retries sync.WaitGroup
	defer retries.Wait()
	for l := range p.queue {
		err := p.deliver(ctx, l.Letter)
		if err == nil {
			continue
		}
		if final(err) {
			p.drop(l, err)
			continue
		}
		retries.Go(func() { p.again(ctx, l, err) })
	}
	p.stop() // nothing new comes; what is retried ends
}

// again tries a letter until it is taken, refused, or too old.
func (p *Post) again(ctx context.Context, l letter, err error) {
	for wait := p.pause; ; wait = min(2*wait, lastWait) {
		select {
		case <-ctx.Done():
			p.drop(l, err)
			return
		case <-time.After(wait):
		}
		if err = p.deliver(ctx, l.Letter); err == nil {
			return
		}
		if final(err) || time.Since(l.since) > patience {
			p.drop(l, err)
			return
		}
	}
}

// drop logs a letter's kind and the server's code: neither the address nor the link.
func (p *Post) drop(l letter, err error) {
	code := 0
	if e, ok := errors.AsType[*mail.SendError](err); ok {
		code = e.ErrorCode()
	}
	p.Log.Error("a letter was not delivered", "kind", l.Kind, "code", code)
}

// final reports whether the server refused a letter for good (RFC 5321, 4.2.1: codes from 500 on).
func final(err error) bool {
	e, ok := errors.AsType[*mail.SendError](err)
	return ok && !e.IsTemp() && e.ErrorCode() >= 500
}

func (p *Post) deliver(ctx context.Context, l account.Letter) error {
	ctx, stop := context.WithTimeout(ctx, sendLimit)
	defer stop()
	m := mail.NewMsg()
	if err := m.From(p.From); err != nil {
		return err
	}
	if err := m.To(l.To); err != nil {
		return err
	}
	subject, body := text(l)
	m.Subject(subject)
	m.SetDate()
	m.SetMessageID()
	m.SetGenHeader("Auto-Submitted", "auto-generated") // RFC 3834: nobody answers it by machine
	m.SetBodyString(mail.TypeTextPlain, body)
	secure := p.Server.TLS
	if secure == nil {
		secure = &tls.Config{ServerName: p.Server.Host, MinVersion: tls.VersionTLS12}
	}
	dial := func(dialing context.Context, network, address string) (net.Conn, error) {
		var d interface {
			DialContext(context.Context, string, string) (net.Conn, error)
		} = &net.Dialer{}
		if p.Server.Port == tlsPort {
			d = &tls.Dialer{Config: secure}
		}
		conn, err := d.DialContext(dialing, network, address)
		if err == nil { // the library waits for answers whatever becomes of ctx
			context.AfterFunc(ctx, func() { conn.Close() })
		}
		return conn, err
	}
	options := []mail.Option{mail.WithPort(p.Server.Port), mail.WithTimeout(sendLimit), mail.WithTLSPolicy(mail.TLSMandatory), mail.WithTLSConfig(secure),
		mail.WithDialContextFunc(dial)}
	switch {
	case p.Server.Port == tlsPort:
		options = append(options, mail.WithSSL())
	case p.Server.Plain:
		options = append(options, mail.WithTLSPolicy(mail.TLSOpportunistic))
	}
	if !p.Server.User.IsZero() {
		options = append(options, mail.WithSMTPAuth(mail.SMTPAuthAutoDiscover), mail.WithUsername(p.Server.User.Reveal()), mail.WithPassword(p.Server.Password.Reveal()))
	}
	c, err := mail.NewClient(p.Server.Host, options...)
	if err != nil {
		return err
	}
	return c.DialAndSendWithContext(ctx, m)
}

// oneLine keeps what people named from making lines of its own.
func oneLine(name string) string { return strings.Join(strings.Fields(name), " ") }
