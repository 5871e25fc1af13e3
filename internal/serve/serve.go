// Package serve is the server: it makes the parts that the pages need, listens,
// keeps to its limits, does what is due, and stops without losing anything.
package serve

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"runtime"
	"time"

	"golang.org/x/net/netutil"
	"golang.org/x/sync/errgroup"

	"github.com/rialto-migrate/rialto/internal/access"
	"github.com/rialto-migrate/rialto/internal/account"
	"github.com/rialto-migrate/rialto/internal/app"
	"github.com/rialto-migrate/rialto/internal/password"
	"github.com/rialto-migrate/rialto/internal/post"
	"github.com/rialto-migrate/rialto/internal/runs"
	"github.com/rialto-migrate/rialto/internal/vault"
	"github.com/rialto-migrate/rialto/internal/web"
)

// The limits of connections and requests.
const (
	mostConnections = 5000
	headerWithin    = 10 * time.Second
	bodyWithin      = time.Minute
	idleAfter       = 2 * time.Minute
	mostHeader      = 32 << 10 // bytes
	stopWithin      = 20 * time.Second
)

// A Server is one that is running. Close it.
type Server struct {
	Config
	log      *slog.Logger
	app      *app.App
	accounts *account.Accounts
	pages    *web.Site
	runs     *runs.Registry
	post     *post.Post
	public   net.Listener
	private  net.Listener // nil for none
	servers  []*http.Server
	working  errgroup.Group
	stop     context.CancelFunc
}

// Open makes all parts and listens; Serve answers.
func Open(ctx context.Context, c Config, a app.Config, terminal io.Writer, log *slog.Logger) (_ *Server, err error) {
	if err := c.check(); err != nil {
		return nil, err
	}
	s := &Server{Config: c, log: log, stop: func() {}}
	defer func() {
		if err != nil {
			err = errors.Join(err, s.Close())
		}
	}()
	getenv := a.Getenv
	a.Getenv = func(name string) string {
		if name == app.DatabaseVariable {
			return string(c.Database)
		}
		return getenv(name)
	}
	a.Log, a.Hosted = log, true
	if a.Networks, err = app.ParseNetworks(c.Networks...); err != nil {
		return nil, err
	}
	if s.app, err = app.Open(ctx, a); err != nil {
		return nil, err
	}
	site, err := s.site(ctx, a.Version, terminal)
	if err != nil {
		return nil, err
	}
	s.pages = site
	if s.public, err = net.Listen("tcp", c.Listen); err != nil {
		return nil, fmt.Errorf("listen: %w", err)
	}
	s.public = netutil.LimitListener(s.public, mostConnections)
	if c.TLS.Certificate != "" {
		pair, err := tls.LoadX509KeyPair(c.TLS.Certificate, c.TLS.Key)
		if err != nil {
			return nil, fmt.Errorf("tls: %w", err)
		}
		s.public = tls.NewListener(s.public, &tls.Config{Certificates: []tls.Certificate{pair}, MinVersion: tls.VersionTLS12, NextProtos: []string{"h2", "http/1.1"},
			CipherSuites: suites()})
	}
	if c.Private != "" {
		if s.private, err = net.Listen("tcp", c.Private); err != nil {
			return nil, fmt.Errorf("private: %w", err)
		}
	}
	s.servers = append(s.servers, s.server(s.probes(site)))
	if s.private != nil {
		s.servers = append(s.servers, s.server(s.probes(http.NotFoundHandler())))
	}
	return s, nil
}

// suites are those of TLS 1.2 that authenticate what they encrypt and keep no key
// for long. TLS 1.3 has no others.
func suites() (out []uint16) {
	for _, c := range tls.CipherSuites() {
		switch c.ID {
		case tls.TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256, tls.TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256, tls.TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384,
			tls.TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384, tls.TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256, tls.TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256:
			out = append(out, c.ID)
		}
	}
	return out
}

func (s *Server) site(ctx context.Context, version string, terminal io.Writer) (*web.Site, error) {
	policy, err := access.New()
	if err != nil {
		return nil, err
	}
	hasher, err := password.NewHasher(runtime.GOMAXPROCS(0))
	if err != nil {
		return nil, err
	}
	regions, err := account.NewRegions(s.Regions)
	if err != nil {
		return nil, err
	}
	s.post, err = post.New(post.Config{Server: post.Server{Host: s.Mail.Host, Port: s.Mail.Port, User: vault.NewSecret(string(s.Mail.User)),
		Password: vault.NewSecret(string(s.Mail.Password)), Plain: s.Mail.Plain}, From: s.Mail.From, Terminal: terminal, Log: s.log})
	if err != nil {
		return nil, err
	}
	st := s.app.Store()
	log, err := st.AuditLog(ctx)
	if err != nil {
		return nil, err
	}
	s.accounts = account.New(account.Config{Store: st, Hasher: hasher, Post: s.post, Regions: regions, Base: s.base()})
	s.runs = runs.Open(s.app, s.log, runs.Limit{})
	proxies, err := s.proxies()
	if err != nil {
		return nil, err
	}
	others, err := s.outside()
	if err != nil {
		return nil, err
	}
	return web.New(web.Config{App: s.app, Accounts: s.accounts, Policy: policy, Audit: log, Runs: s.runs, Outside: others, Secure: s.secure(), Proxies: proxies, Log: s.log, Version: version})
}

func (s *Server) server(h http.Handler) *http.Server {
	return &http.Server{Handler: h, ReadHeaderTimeout: headerWithin, ReadTimeout: bodyWithin, IdleTimeout: idleAfter, MaxHeaderBytes: mostHeader,
		ErrorLog: slog.NewLogLogger(s.log.Handler(), slog.LevelDebug)}
}

// probes answers what an orchestrator asks, and hands on the rest.
func (s *Server) probes(next http.Handler) http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) { fmt.Fprintln(w, "ok") })
	mux.HandleFunc("GET /readyz", func(w http.ResponseWriter, r *http.Request) {
		if err := s.app.Store().Ready(r.Context()); err != nil {
			http.Error(w, "the database does not answer", http.StatusServiceUnavailable)
			return
		}
		fmt.Fprintln(w, "ready")
	})
	mux.Handle("/", next)
	return mux
}

// Base is the address under which people reach the service.
func (s *Server) Base() string { return s.base() }

// Addr is where it listens.
func (s *Server) Addr() netip.AddrPort {
	return netip.MustParseAddrPort(s.public.Addr().String())
}

// Serve answers until ctx ends, and then stops: what was begun is finished, for a
// while.
func (s *Server) Serve(ctx context.Context) error {
	ctx, s.stop = context.WithCancel(ctx)
	for i, l := range []net.Listener{s.public, s.private} {
		if l == nil {
			continue
		}
		s.working.Go(func() error {
			if err := s.servers[i].Serve(l); !errors.Is(err, http.ErrServerClosed) {
				return err
			}
			return nil
		})
	}
	s.working.Go(func() error { s.due(ctx); return nil })
	<-ctx.Done()
	s.pages.Close() // ends the streams, for which a graceful stop would wait
	limit, stop := context.WithTimeout(context.WithoutCancel(ctx), stopWithin)
	defer stop()
	var errs []error
	s.working.Go(func() error { return s.runs.Close(limit) }) // ends the streams, too
	for _, one := range s.servers {
		if err := one.Shutdown(limit); err != nil {
			errs = append(errs, one.Close())
		}
	}
	return errors.Join(append(errs, s.working.Wait())...)
}

const dueEvery = time.Hour

// due does what the time brings.
func (s *Server) due(ctx context.Context) {
	for {
		if err := s.accounts.Sweep(ctx); err != nil && ctx.Err() == nil {
			s.log.Error("what has ended could not be forgotten", "reason", err)
		}
		select {
		case <-ctx.Done():
			return
		case <-time.After(dueEvery):
		}
	}
}

// Close lets go of everything. It is safe to repeat, and after a failed Open.
func (s *Server) Close() error {
	s.stop()
	var errs []error
	for _, l := range []net.Listener{s.public, s.private} {
		if l != nil {
			if err := l.Close(); !errors.Is(err, net.ErrClosed) {
				errs = append(errs, err)
			}
		}
	}
	if s.post != nil {
		limit, stop := context.WithTimeout(context.Background(), stopWithin)
		defer stop()
		errs = append(errs, s.post.Close(limit))
		s.post = nil
	}
	if s.pages != nil {
		s.pages.Close()
	}
	if s.runs != nil {
		limit, stop := context.WithTimeout(context.Background(), stopWithin)
		defer stop()
		errs = append(errs, s.runs.Close(limit))
		s.runs = nil
	}
	if s.app != nil {
		errs = append(errs, s.app.Close())
		s.app = nil
	}
	return errors.Join(errs...)
}
