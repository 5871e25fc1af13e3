package smb

import (
	"context"
	"errors"
	"log/slog"
	"strings"
	"sync"
	"time"

	smb2 "github.com/cloudsoda/go-smb2"

	"github.com/rialto-migrate/rialto/connector"
)

const (
	// mostLinks is how many connections are made: what one encrypts goes through one
	// processor.
	mostLinks = 4
	// perLink is how many calls a connection has in hand before another one is opened.
	perLink = 8
	// credits are how many requests of 64 KiB a connection may have under way
	// ([MS-SMB2] 3.2.4.1.2); the server may grant fewer.
	credits = 256
	// handshake is how long signing in may take.
	handshake = 30 * time.Second
	// grace is how long a request may go on after its run was stopped.
	grace = 5 * time.Second
	// alive is how often an idle server is asked whether it is there, and within
	// which it must answer.
	alive = 30 * time.Second
	// tries is how often something is done that a lost connection cut off, or that
	// somebody stood in the way of who had the file open.
	tries = 4
)

// A pool is the connections to a server. They are made when they are needed, and
// again when they were lost.
type pool struct {
	cfg  config
	http *connector.Client
	log  *slog.Logger

	dialing sync.Mutex // one connects; the others wait for it

	mu     sync.Mutex
	links  []*link
	closed bool
}

func newPool(c config, http *connector.Client, log *slog.Logger) *pool {
	return &pool{cfg: c, http: http, log: log}
}

func (p *pool) close() {
	p.mu.Lock()
	links := p.links
	p.links, p.closed = nil, true
	p.mu.Unlock()
	for _, l := range links {
		l.close()
	}
}

// do does something with a share when its turn has come. What is repeatable is done
// again when the connection was lost; else the error is in doubt. It counts as one
// request, whatever the number of messages.
func (p *pool) do(ctx context.Context, call, share string, repeatable bool, f func(*smb2.Share) error) error {
	return p.repeat(ctx, call, repeatable, func(l *link) error {
		s, err := l.share(share)
		if err != nil {
			return err
		}
		return f(s)
	})
}

// shares lists the names of the shares for files that are not hidden, which those
// for administrators are.
func (p *pool) shares(ctx context.Context) (names []string, err error) {
	err = p.repeat(ctx, "LIST {shares}", true, func(l *link) error {
		all, err := l.session.WithContext(l.ctx).ListShares()
		names = nil
		for _, s := range all {
			if s.Type() == smb2.ShareTypeDiskTree && !s.IsSpecial() && !strings.HasSuffix(s.Name, "$") && legal(s.Name) == nil {
				names = append(names, s.Name)
			}
		}
		return err
	})
	if e, ok := errors.AsType[*connector.Error](err); ok && e.Class != connector.Transient && e.Class != connector.Auth {
		e.Hint = "name a share by the setting " + setShare + ": the server may not list them to this account. Else, " + e.Hint
	}
	return names, err
}

func (p *pool) repeat(ctx context.Context, call string, repeatable bool, f func(*link) error) error {
	for attempt := 1; ; attempt++ {
		again, lost, err := p.once(ctx, call, f)
		if err == nil {
			return nil
		}
		if e, ok := errors.AsType[*connector.Error](err); ok && lost && !repeatable {
			e.InDoubt = true
		}
		if !again && (!lost || !repeatable) || attempt == tries || ctx.Err() != nil {
			return err
		}
		p.http.Stats().Retries.Add(1)
		if err := connector.Pause(ctx, attempt, 0); err != nil {
			return err
		}
	}
}

// once does something once. lost says that the connection was, in the midst of it;
// again, that it was not done, and may be the next time.
func (p *pool) once(ctx context.Context, call string, f func(*link) error) (again, lost bool, err error) {
	// Calls take some round trips each, and not all the same number: how long one
	// takes is held against others of its kind.
	kind, _, _ := strings.Cut(call, " ")
	done, err := p.http.Turn(ctx, kind)
	if err != nil {
		return false, false, err
	}
	out := connector.Outcome{Failed: true}
	defer func() { done(out) }()
	l, err := p.take(ctx)
	if err != nil {
		return connector.ClassOf(err) == connector.Transient, false, err
	}
	began, answered := time.Now(), l.await(ctx)
	err = f(l)
	answered()
	lost = gone(err)
	if lost && l.tcp.bare.Load() {
		lost, err = false, notEncrypted()
		p.forget(l)
	}
	p.give(l, lost)
	out.Failed = lost
	if took := time.Since(began); took < 10*time.Second {
		out.Took = took
	}
	p.log.Debug("request", "call", call, "ms", time.Since(began).Milliseconds(), "failed", err != nil)
	return busy(err), lost, classed(ctx, call, err)
}

// take finds a connection that is not too busy, or opens one; give gives it back.
func (p *pool) take(ctx context.Context) (*link, error) {
	for {
		if l := p.free(); l != nil {
			return l, nil
		}
		if l, err := p.open(ctx); l != nil || err != nil {
			return l, err
		}
	}
}

// free returns the least busy connection, nil if another one should be opened.
func (p *pool) free() *link {
	p.mu.Lock()
	defer p.mu.Unlock()
	var best *link
	for _, l := range p.links {
		if best == nil || l.busy < best.busy {
			best = l
		}
	}
	if best == nil || best.busy >= perLink && len(p.links) < mostLinks {
		return nil
	}
	best.busy++
	return best
}

func (p *pool) give(l *link, lost bool) {
	p.mu.Lock()
	l.busy--
	p.mu.Unlock()
	if lost {
		p.forget(l)
	}
}

// forget drops a connection that was lost.
func (p *pool) forget(l *link) {
	p.mu.Lock()
	for i, other := range p.links {
		if other == l {
			p.links = append(p.links[:i:i], p.links[i+1:]...)
			break
		}
	}
	p.mu.Unlock()
	l.close()
}

// open opens a connection. Without an error and without a connection the caller looks
// again for a free one.
func (p *pool) open(ctx context.Context) (*link, error) {
	p.dialing.Lock()
	defer p.dialing.Unlock()
	if l := p.free(); l != nil { // opened by whoever was before us
		return l, nil
	}
	p.mu.Lock()
	closed := p.closed
	p.mu.Unlock()
	if closed {
		return nil, errClosed()
	}
	l, err := p.connect(ctx)
	if err != nil {
		return nil, err
	}
	l.busy = 1
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.closed {
		l.close()
		return nil, errClosed()
	}
	p.links = append(p.links, l)
	return l, nil
}

func errClosed() *connector.Error {
	return connector.Errorf(connector.Permanent, "the connection was closed")
}
