package sftp

import (
	"context"
	"errors"
	"log/slog"
	"strings"
	"sync"
	"time"

	pkg "github.com/pkg/sftp"
	"golang.org/x/crypto/ssh"

	"github.com/rialto-migrate/rialto/connector"
)

const (
	// mostSessions is how many sessions one connection carries: the server runs a
	// process for each, that does one thing at a time. OpenSSH allows ten
	// (sshd_config(5), MaxSessions); a server that allows fewer is asked for no more.
	mostSessions = 4
	// perSession is how many files a session has in hand before another one is opened.
	perSession = 8
	// handshake is how long signing in may take.
	handshake = 30 * time.Second
	// grace is how long a request may go on after its run was stopped.
	grace = 5 * time.Second
	// alive is how often an idle server is asked whether it is there, and within
	// which it must answer.
	alive = 30 * time.Second
	// tries is how often something is done that a lost connection cut off.
	tries = 4
	// perFile is how many requests one file has under way.
	perFile = 64
)

// A session is one channel to the server's SFTP.
type session struct {
	*pkg.Client
	of   *ssh.Client
	busy int
}

// A pool is one connection to a server, with its sessions. It is made when it is
// needed, and again when it was lost.
type pool struct {
	cfg  config
	http *connector.Client
	log  *slog.Logger

	dialing sync.Mutex // one connects; the others wait for it

	mu       sync.Mutex
	conn     *ssh.Client // nil before the first, and after it was lost
	sessions []*session
	most     int     // sessions that the server allows
	lister   *lister // of conn; nil before the first folder
	alone    bool    // the server allows no session for a lister
	root     string
	closed   bool
}

func newPool(c config, http *connector.Client, log *slog.Logger) *pool {
	return &pool{cfg: c, http: http, log: log, most: mostSessions}
}

// isRoot reports whether a folder is known to be how the server calls the root.
func (p *pool) isRoot(folder string) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.root == folder
}

func (p *pool) knowRoot(folder string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.root = folder
}

func (p *pool) close() {
	p.mu.Lock()
	conn := p.conn
	p.conn, p.sessions, p.lister, p.closed = nil, nil, nil, true
	p.mu.Unlock()
	if conn != nil {
		conn.Close()
	}
}

// do does something in a session when its turn has come. What is repeatable is done
// again when the connection was lost; else the error is in doubt. It counts as one
// request, whatever the number of packets.
func (p *pool) do(ctx context.Context, call string, repeatable bool, f func(*session) error) error {
	for attempt := 1; ; attempt++ {
		lost, err := p.once(ctx, call, f)
		if err == nil {
			return nil
		}
		if e, ok := errors.AsType[*connector.Error](err); ok && lost && !repeatable {
			e.InDoubt = true
		}
		if !lost || !repeatable || attempt == tries || ctx.Err() != nil {
			return err
		}
		p.http.Stats().Retries.Add(1)
		if err := connector.Pause(ctx, attempt, 0); err != nil {
			return err
		}
	}
}

// once does something once. lost says that the connection was, in the midst of it.
func (p *pool) once(ctx context.Context, call string, f func(*session) error) (lost bool, err error) {
	// Calls take some round trips each, and not all the same number: how long one
	// takes is held against others of its kind.
	kind, _, _ := strings.Cut(call, " ")
	done, err := p.http.Turn(ctx, kind)
	if err != nil {
		return false, err
	}
	out := connector.Outcome{Failed: true}
	defer func() { done(out) }()
	s, err := p.take(ctx)
	if err != nil {
		return connector.ClassOf(err) == connector.Transient, err
	}
	// A stopped run ends what hangs, after a while: whoever else has something in
	// this connection does it again.
	over := make(chan struct{})
	stop := context.AfterFunc(ctx, func() {
		select {
		case <-over:
		case <-time.After(grace):
			s.of.Close()
		}
	})
	began := time.Now()
	err = f(s)
	close(over)
	stop()
	lost = gone(err)
	p.give(s, lost)
	out.Failed = lost
	if took := time.Since(began); took < 10*time.Second {
		out.Took = took
	}
	p.log.Debug("request", "call", call, "ms", time.Since(began).Milliseconds(), "failed", err != nil)
	return lost, classed(ctx, call, err)
}

// take finds a session that is not too busy, or opens one; give gives it back.
func (p *pool) take(ctx context.Context) (*session, error) {
	for {
		if s := p.free(); s != nil {
			return s, nil
		}
		if s, err := p.open(ctx); s != nil || err != nil {
			return s, err
		}
	}
}

// free returns the least busy session, nil if another one should be opened.
func (p *pool) free() *session {
	p.mu.Lock()
	defer p.mu.Unlock()
	var best *session
	for _, s := range p.sessions {
		if best == nil || s.busy < best.busy {
			best = s
		}
	}
	if best == nil || best.busy >= perSession && len(p.sessions) < p.most {
		return nil
	}
	best.busy++
	return best
}

func (p *pool) give(s *session, lost bool) {
	p.mu.Lock()
	s.busy--
	if lost {
		p.drop(s.of)
	}
	p.mu.Unlock()
	if lost {
		s.of.Close()
	}
}

// drop forgets a connection that was lost. The caller holds the lock.
func (p *pool) drop(conn *ssh.Client) {
	if p.conn == conn {
		p.conn, p.sessions, p.lister = nil, nil, nil
	}
}

// listerOf returns the lister of a session's connection; nil if the server allows no
// session for one.
func (p *pool) listerOf(s *session) (*lister, error) {
	p.dialing.Lock()
	defer p.dialing.Unlock()
	p.mu.Lock()
	l, alone, current := p.lister, p.alone, p.conn == s.of
	p.mu.Unlock()
	if !current {
		return nil, pkg.ErrSSHFxConnectionLost
	}
	if l != nil || alone {
		return l, nil
	}
	l, err := newLister(s.of)
	p.mu.Lock()
	defer p.mu.Unlock()
	if refused := (*ssh.OpenChannelError)(nil); errors.As(err, &refused) {
		p.alone = true
		return nil, nil
	}
	if err == nil && p.conn == s.of {
		p.lister = l
	}
	return l, err
}

// open opens a session, after a connection if there is none. Without an error and
// without a session the caller looks again for a free one.
func (p *pool) open(ctx context.Context) (*session, error) {
	p.dialing.Lock()
	defer p.dialing.Unlock()
	p.mu.Lock()
	conn, n, most, closed := p.conn, len(p.sessions), p.most, p.closed
	p.mu.Unlock()
	if closed {
		return nil, connector.Errorf(connector.Permanent, "the connection was closed")
	}
	if conn != nil && n >= most {
		return nil, nil
	}
	if s := p.free(); s != nil { // opened by whoever was before us
		return s, nil
	}
	fresh := conn == nil
	if fresh {
		var err error
		if conn, err = p.connect(ctx); err != nil {
			return nil, err
		}
	}
	client, err := pkg.NewClient(conn, pkg.UseConcurrentReads(true), pkg.MaxConcurrentRequestsPerFile(perFile))
	if err != nil {
		var refused *ssh.OpenChannelError
		if n > 0 && errors.As(err, &refused) {
			p.mu.Lock()
			p.most = n
			p.mu.Unlock()
			return nil, nil
		}
		conn.Close()
		if gone(err) && !errors.As(err, &refused) {
			return nil, &connector.Error{Class: connector.Transient, Reason: "the connection was lost while SFTP was begun", Err: context.Cause(ctx)}
		}
		return nil, connector.Errorf(connector.Permanent, "the server has no SFTP for this account").
			WithHint("ask its administrator to allow it (sshd_config: Subsystem sftp internal-sftp)")
	}
	s := &session{Client: client, of: conn, busy: 1}
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.closed {
		conn.Close()
		return nil, connector.Errorf(connector.Permanent, "the connection was closed")
	}
	if fresh {
		p.conn, p.sessions, p.lister = conn, nil, nil
	}
	if p.conn == conn {
		p.sessions = append(p.sessions, s)
	}
	return s, nil
}
