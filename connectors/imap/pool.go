package imap

import (
	"context"
	"sync"
	"time"

	"github.com/rialto-migrate/rialto/connector"
	"github.com/rialto-migrate/rialto/connectors/imap/wire"
)

// A pool holds the connections to one account. How many the server lets one have is
// found out: when it refuses another, there are as many as there may be.
type pool struct {
	dial func(context.Context) (*wire.Conn, error)

	mu      sync.Mutex
	idle    []*leased
	all     map[*leased]bool
	total   int // open or being opened
	most    int
	closed  bool
	answer  time.Duration // the shortest that an answer took, 0 if unknown
	changed chan struct{} // closed when something is free
}

// A leased connection is one caller's until it is released.
type leased struct {
	*wire.Conn
	used time.Time
}

// rested is how long a connection may rest and still be trusted: servers end it
// after half an hour (RFC 9051, 5.4), routers forget it before.
const rested = 4 * time.Minute

func newPool(most int, dial func(context.Context) (*wire.Conn, error)) *pool {
	return &pool{dial: dial, most: most, all: map[*leased]bool{}, changed: make(chan struct{})}
}

func (p *pool) wake() {
	close(p.changed)
	p.changed = make(chan struct{})
}

// lease returns a connection: one that has the folder open, else one that rests,
// else a new one, else the next that is released.
func (p *pool) lease(ctx context.Context, folder string) (*leased, error) {
	for {
		p.mu.Lock()
		if p.closed {
			p.mu.Unlock()
			return nil, connector.Errorf(connector.Transient, "the connection was closed")
		}
		if c := p.take(folder); c != nil {
			p.mu.Unlock()
			return c, nil
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

// take returns a resting connection. The caller holds the lock.
func (p *pool) take(folder string) *leased {
	for len(p.idle) > 0 && time.Since(p.idle[0].used) > rested {
		p.drop(p.idle[0])
		p.idle = p.idle[1:]
	}
	if len(p.idle) == 0 {
		return nil
	}
	at := len(p.idle) - 1
	for i, c := range p.idle {
		if c.Selected().Name == folder {
			at = i
		}
	}
	c := p.idle[at]
	p.idle = append(p.idle[:at:at], p.idle[at+1:]...)
	return c
}

// open makes a new connection in a place that was reserved. It returns neither
// connection nor error if the server lets us have no more than there are.
func (p *pool) open(ctx context.Context) (*leased, error) {
	conn, err := p.dialPatiently(ctx)
	p.mu.Lock()
	defer p.mu.Unlock()
	if err != nil {
		p.total--
		p.wake()
		if connector.ClassOf(err) == connector.Throttled && p.total > 0 {
			p.most = min(p.most, p.total)
			return nil, nil
		}
		return nil, err
	}
	c := &leased{Conn: conn, used: time.Now()}
	if p.closed {
		conn.Close()
		p.total--
		return nil, connector.Errorf(connector.Transient, "the connection was closed")
	}
	p.all[c] = true
	return c, nil
}

// patience is how long the first connection is asked for again: those of a process
// that died may still count.
const (
	patience = 5
	pause    = 500 * time.Millisecond
)

// dialPatiently tries again where the server refuses the only connection for its
// number.
func (p *pool) dialPatiently(ctx context.Context) (conn *wire.Conn, err error) {
	for try := range patience {
		if conn, err = p.dial(ctx); err == nil || connector.ClassOf(err) != connector.Throttled || p.others() {
			return conn, err
		}
		select {
		case <-time.After(pause << try):
		case <-ctx.Done():
			return nil, err
		}
	}
	return conn, err
}

// others tells whether there is another connection, or will be.
func (p *pool) others() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.total > 1 || p.closed
}

func (p *pool) drop(c *leased) {
	c.Close()
	delete(p.all, c)
	p.total--
}

// release gives a connection back; one that is broken is closed.
func (p *pool) release(c *leased) {
	p.mu.Lock()
	defer p.mu.Unlock()
	defer p.wake()
	if c.Broken() || p.closed {
		p.drop(c)
		return
	}
	c.used = time.Now()
	p.idle = append(p.idle, c)
}

// size is how many connections there may be, as far as is known.
func (p *pool) size() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.most
}

// took notes how long the server took to answer, 0 if it was not asked.
func (p *pool) took(d time.Duration) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if d > 0 && (p.answer == 0 || d < p.answer) {
		p.answer = d
	}
}

// way is how far the server is, there and back.
func (p *pool) way() time.Duration {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.answer
}

// close ends all connections, those in use too.
func (p *pool) close() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.closed = true
	for c := range p.all {
		c.Close()
	}
	for _, c := range p.idle {
		p.drop(c)
	}
	p.idle = nil
	p.wake()
}
