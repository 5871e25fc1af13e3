package ftps

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"strings"
	"sync"
	"time"

	"github.com/rialto-migrate/rialto/connector"
	"github.com/rialto-migrate/rialto/connectors/ftps/wire"
)

const (
	// mostConnections is how many connections one account has at most: each does one
	// thing at a time. Servers that allow fewer refuse the next one, and are asked for no
	// more.
	mostConnections = 10
	// handshake is how long connecting and signing in may take.
	handshake = 30 * time.Second
	// silence is how long a server may say and take nothing.
	silence = 2 * time.Minute
	// grace is how long a request may go on after its run was stopped.
	grace = 5 * time.Second
	// rested is how long a connection may rest and be trusted without asking: servers end
	// idle ones after some minutes.
	rested = 30 * time.Second
	// tries is how often something is done that a lost connection cut off.
	tries = 4
	// patience is how often a server is asked again that has too many connections, when we
	// have none: those of a process that died may still count.
	patience = 5
)

// A pool holds the connections to one account.
type pool struct {
	cfg  config
	http *connector.Client
	log  *slog.Logger

	mu      sync.Mutex
	idle    []*resting
	all     map[*wire.Conn]bool
	total   int // open or being opened
	most    int
	closed  bool
	changed chan struct{} // closed when something is free
	root    string        // "" before it is known
}

// A resting connection is nobody's.
type resting struct {
	conn  *wire.Conn
	since time.Time
}

func newPool(c config, http *connector.Client, log *slog.Logger) *pool {
	return &pool{cfg: c, http: http, log: log, most: mostConnections, all: map[*wire.Conn]bool{}, changed: make(chan struct{})}
}

// knownRoot is the folder that the connection names, "" before anybody looked.
func (p *pool) knownRoot() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.root
}

func (p *pool) knowRoot(folder string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.root = folder
}

func (p *pool) close() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.closed = true
	for c := range p.all {
		c.Close()
	}
	p.idle = nil
	p.wake()
}

// wake tells those who wait that something is free. The caller holds the lock.
func (p *pool) wake() {
	close(p.changed)
	p.changed = make(chan struct{})
}

// do does something over a connection when its turn has come. What is repeatable is done
// again when the connection was lost; else the error is in doubt. It counts as one
// request, whatever the number of commands.
func (p *pool) do(ctx context.Context, call string, repeatable bool, f func(*wire.Conn) error) error {
	return p.again(ctx, repeatable, func() (bool, error) {
		conn, err := p.once(ctx, call, f)
		return p.give(conn), err
	})
}

// again does something once, and again as do says. lost says that its connection was.
func (p *pool) again(ctx context.Context, repeatable bool, once func() (lost bool, err error)) error {
	for attempt := 1; ; attempt++ {
		lost, err := once()
		if err == nil {
			return nil
		}
		// 421 stands in the place of an answer: nothing was done.
		undone := wire.Code(err) == 421 || errors.Is(err, errUnbegun)
		e, ok := errors.AsType[*connector.Error](err)
		if ok && lost && e.Class == connector.Transient && !repeatable && !undone {
			e.InDoubt = true
		}
		soon := lost || wire.Code(err)/100 == 4
		if connector.ClassOf(err) != connector.Transient || !soon || !repeatable && !undone || attempt == tries || ctx.Err() != nil {
			return err
		}
		p.http.Stats().Retries.Add(1)
		if err := connector.Pause(ctx, attempt, 0); err != nil {
			return err
		}
	}
}

// errUnbegun is the cause of an error of getting a connection.
var errUnbegun = errors.New("there is no connection")

// once does something once, over a connection that the caller gives back; nil if there
// was none.
func (p *pool) once(ctx context.Context, call string, f func(*wire.Conn) error) (*wire.Conn, error) {
	// How long a call takes is held against others of its kind.
	kind, _, _ := strings.Cut(call, " ")
	done, err := p.http.Turn(ctx, kind)
	if err != nil {
		return nil, err
	}
	out := connector.Outcome{Failed: true}
	defer func() { done(out) }()
	conn, err := p.take(ctx)
	if err != nil {
		return nil, err
	}
	// A stopped run ends what hangs, after a while.
	over := make(chan struct{})
	stop := context.AfterFunc(ctx, func() {
		select {
		case <-over:
		case <-time.After(grace):
			conn.Close()
		}
	})
	began := time.Now()
	err = f(conn)
	stop()
	close(over)
	out.Failed = err != nil && conn.Broken()
	if took := time.Since(began); took < 10*time.Second {
		out.Took = took
	}
	p.log.Debug("request", "call", call, "ms", time.Since(began).Milliseconds(), "failed", err != nil)
	return conn, classed(ctx, call, err)
}

// take returns a connection that is the caller's until it is given back: one that rests,
// else a new one, else the next that is free.
func (p *pool) take(ctx context.Context) (*wire.Conn, error) {
	for {
		p.mu.Lock()
		if p.closed {
			p.mu.Unlock()
			return nil, connector.Errorf(connector.Permanent, "the connection was closed")
		}
		if n := len(p.idle); n > 0 {
			r := p.idle[n-1]
			p.idle = p.idle[:n-1]
			p.mu.Unlock()
			if time.Since(r.since) < rested || r.conn.Alive(grace) {
				return r.conn, nil
			}
			r.conn.Close()
			p.drop(r.conn)
			continue
		}
		if p.total < p.most {
			p.total++
			p.mu.Unlock()
			c, err := p.open(ctx)
			if c != nil || err != nil {
				return c, err
			}
			continue
		}
		changed := p.changed
		p.mu.Unlock()
		select {
		case <-changed:
		case <-ctx.Done():
			return nil, &connector.Error{Class: connector.Transient, Reason: "stopped while waiting for a connection", Err: context.Cause(ctx)}
		}
	}
}

// give takes a connection back, which is not the caller's any more. One that is broken is
// closed: lost says so, also where there was none.
func (p *pool) give(c *wire.Conn) (lost bool) {
	if c == nil {
		return true
	}
	if c.Broken() {
		c.Close()
		p.drop(c)
		return true
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.idle = append(p.idle, &resting{c, time.Now()})
	p.wake()
	return false
}

// drop forgets a connection.
func (p *pool) drop(c *wire.Conn) {
	p.mu.Lock()
	defer p.mu.Unlock()
	delete(p.all, c)
	p.total--
	p.wake()
}

// open makes a connection in a place that was reserved. It returns neither connection nor
// error if the server lets us have no more than there are.
func (p *pool) open(ctx context.Context) (*wire.Conn, error) {
	conn, err := p.dialPatiently(ctx)
	p.mu.Lock()
	defer p.mu.Unlock()
	if err == nil && p.closed {
		conn.Close()
		err = connector.Errorf(connector.Permanent, "the connection was closed")
	}
	if err != nil {
		p.total--
		p.wake()
		if connector.ClassOf(err) == connector.Throttled && p.total > 0 {
			p.most = min(p.most, p.total)
			return nil, nil
		}
		return nil, err
	}
	p.all[conn] = true
	return conn, nil
}

// dialPatiently asks again where the server refuses the only connection for its number.
func (p *pool) dialPatiently(ctx context.Context) (*wire.Conn, error) {
	for attempt := 1; ; attempt++ {
		conn, err := p.dial(ctx)
		if err == nil || connector.ClassOf(err) != connector.Throttled || attempt == patience || p.others() {
			return conn, err
		}
		if err := connector.Pause(ctx, attempt, 0); err != nil {
			return nil, err
		}
	}
}

// others tells whether there is another connection, or will be.
func (p *pool) others() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.total > 1 || p.closed
}

func (p *pool) dial(ctx context.Context) (*wire.Conn, error) {
	o := wire.Options{Connect: func(ctx context.Context, address string) (net.Conn, error) { return p.http.Dial(ctx, address) },
		Address: p.cfg.address, Implicit: p.cfg.mode == tlsImplicit, User: p.cfg.user, Password: p.cfg.password, Handshake: handshake, Silence: silence}
	if p.cfg.mode != tlsNone {
		o.TLS = p.http.TLS(p.cfg.host)
	}
	conn, err := wire.Dial(ctx, o)
	if err == nil {
		err = usable(conn)
	}
	if err == nil {
		return conn, nil
	}
	if conn != nil {
		conn.Close()
	}
	return nil, p.refused(ctx, err)
}

// usable makes a connection ready that is signed in, where its server tells enough.
func usable(conn *wire.Conn) error {
	if !conn.Suffices() {
		return connector.Errorf(connector.Unsupported, "the server tells neither MLSD nor SIZE and MDTM").
			WithHint("no change of a file could be noticed there: ask its administrator to update it (RFC 3659)")
	}
	return conn.PrepareFacts()
}

// refused says why there is no connection.
func (p *pool) refused(ctx context.Context, err error) error {
	code := wire.Code(err)
	if e, ok := errors.AsType[*connector.Error](err); ok {
		return e
	}
	if e := ofTLS(err); e != nil {
		return e
	}
	switch {
	case ctx.Err() != nil:
		return &connector.Error{Class: connector.Transient, Reason: "stopped while signing in", Err: context.Cause(ctx)}
	case code == 421, code/100 == 5 && p.others(), code != 0 && wire.Says(err, "too many", "maximum number", "limit"):
		return connector.Errorf(connector.Throttled, "the server takes no more connections of this account").WithHint("end other programs that use it, or have its administrator allow more")
	case errors.Is(err, wire.ErrSignIn) && code/100 == 5:
		return connector.Errorf(connector.Auth, "the server refuses the account's name or password").WithHint("connect again with the right ones")
	case errors.Is(err, wire.ErrSignIn) && code == 332:
		return connector.Errorf(connector.Auth, "the server wants an account beside name and password").WithHint("such servers are not spoken to")
	case wire.Malformed(err):
		return connector.Errorf(connector.Malformed, "the server answers what FTP does not know").WithHint("check the port in url")
	}
	return &connector.Error{Class: connector.Transient, Reason: "the server ended the connection before it was signed in", Err: errUnbegun}
}
