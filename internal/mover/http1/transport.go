// Package http1 speaks HTTP/1.1 in the goroutine that asks: a connection has none of
// its own, so that an answer is there when the server's bytes are, without going
// through others. For many small files that halves what net/http's Transport costs.
//
// It does what most requests need. What it leaves to that Transport is told by Takes.
package http1

import (
	"context"
	"errors"
	"net"
	"net/http"
	"net/http/httptrace"
	"strings"
	"sync"
	"time"

	"golang.org/x/net/http/httpguts"
)

// Errors of a RoundTrip, besides those of connections and contexts.
var (
	ErrHeaderTimeout = errors.New("no answer came in time")
	errHeadTooLong   = errors.New("the head of the answer is too long")
	errUnasked       = errors.New("the server changed to a protocol that nobody asked for")
)

const (
	// heldWhole is up to which length a body is written before its answer is looked
	// for: a server that reads none of it and answers has room for so much. While a
	// longer one is on its way, the answer is awaited beside.
	heldWhole = 64 << 10
	// mostInformed is how many answers of 1xx may come before the one that counts.
	mostInformed = 10
	bufferSize   = 32 << 10
	// finishing is how long a body may still be on its way once its answer has been
	// read, for the connection to be used again.
	finishing = 50 * time.Millisecond
)

// A Transport is a http.RoundTripper over connections that are used again, safe for
// concurrent use. Fields are not changed once it is in use.
type Transport struct {
	// Dial connects to "host:port", and has shaken hands where secure is true, offering
	// http/1.1 alone. Required.
	Dial func(ctx context.Context, address string, secure bool) (net.Conn, error)
	// MaxIdlePerHost is how many connections to one address are kept for later.
	MaxIdlePerHost int
	// IdleTimeout is how long they are kept; HeaderTimeout how long an answer's head
	// may take from the end of the request on. Both are required.
	IdleTimeout, HeaderTimeout time.Duration
	// MaxHeaderBytes is how long an answer's head may be; 0 means 1 MiB.
	MaxHeaderBytes int64

	readers, writers sync.Pool

	mu      sync.Mutex
	idle    map[place][]*conn // the one used last at the end
	sweeper *time.Timer       // nil while nothing is idle
}

// A place is where connections lead.
type place struct {
	address string
	secure  bool
}

// Takes reports whether a request is one for a Transport. It is none that asks first
// whether it may go on (Expect), that changes the protocol, that has a trailer or
// another transfer encoding than its length says, or that could not be sent at all.
func Takes(r *http.Request) bool {
	switch {
	case r.URL == nil || r.Header == nil || r.URL.Host == "" || r.URL.Scheme != "http" && r.URL.Scheme != "https":
		return false
	case r.Method != "" && !httpguts.ValidHeaderFieldName(r.Method) || r.Method == http.MethodConnect || r.Close || len(r.Trailer) > 0 || len(r.TransferEncoding) > 0:
		return false
	case r.Body != nil && r.Body != http.NoBody && r.ContentLength == 0: // there may be something in it
		return false
	case unsent(r.URL.RequestURI()) || strings.Contains(r.Host+r.URL.Host, "%"): // an IPv6 zone, which no server is told
		return false
	}
	for name, values := range r.Header {
		if !httpguts.ValidHeaderFieldName(name) {
			return false
		}
		switch name {
		case "Expect", "Upgrade", "Connection", "Trailer", "Transfer-Encoding", "Te":
			return false
		}
		for _, v := range values {
			if !httpguts.ValidHeaderFieldValue(v) {
				return false
			}
		}
	}
	return true
}

// RoundTrip sends a request, which Takes accepts, and returns the answer; it closes the
// request's body in any case. The caller reads the answer's body to its end or closes it.
// A request that failed on a connection that had been used before is sent once more on
// a new one if nothing came back, and it is one to repeat: without a body or with one
// that can be had again, and of a method that changes nothing.
func (t *Transport) RoundTrip(r *http.Request) (*http.Response, error) {
	ctx, to := r.Context(), placeOf(r)
	if trace := httptrace.ContextClientTrace(ctx); trace != nil && trace.GetConn != nil {
		trace.GetConn(to.address)
	}
	if err := context.Cause(ctx); err != nil {
		return nil, errors.Join(err, closeBody(r))
	}
	c := t.take(to)
	if c == nil {
		var err error
		if c, err = t.connect(ctx, to); err != nil {
			_ = closeBody(r)
			return nil, causeOr(ctx, err)
		}
	}
	resp, err := t.exchange(ctx, c, r)
	if err == nil || !c.used || c.answered || c.late.Load() || ctx.Err() != nil || !repeats(r) {
		return resp, err
	}
	if r.GetBody != nil {
		again := *r
		if again.Body, err = r.GetBody(); err != nil {
			return nil, err
		}
		r = &again
	}
	if c, err = t.connect(ctx, to); err != nil {
		_ = closeBody(r)
		return nil, causeOr(ctx, err)
	}
	return t.exchange(ctx, c, r)
}

// repeats reports whether a request may be sent again though it may have arrived.
func repeats(r *http.Request) bool {
	switch r.Method {
	case "", http.MethodGet, http.MethodHead, http.MethodOptions, http.MethodTrace:
		return r.Body == nil || r.Body == http.NoBody || r.GetBody != nil
	}
	return false
}

// CloseIdleConnections ends the connections that no request uses.
func (t *Transport) CloseIdleConnections() {
	t.mu.Lock()
	all := t.idle
	t.idle = nil
	if t.sweeper != nil {
		t.sweeper.Stop()
		t.sweeper = nil
	}
	t.mu.Unlock()
	for _, some := range all {
		for _, c := range some {
			c.Close()
		}
	}
}

func placeOf(r *http.Request) place {
	p := place{secure: r.URL.Scheme == "https"}
	host, port := r.URL.Hostname(), r.URL.Port()
	if ascii, err := httpguts.PunycodeHostPort(host); err == nil {
		host = ascii
	}
	switch {
	case port != "":
	case p.secure:
		port = "443"
	default:
		port = "80"
	}
	p.address = net.JoinHostPort(host, port)
	return p
}

func (t *Transport) connect(ctx context.Context, to place) (*conn, error) {
	made, err := t.Dial(ctx, to.address, to.secure)
	if err != nil {
		return nil, err
	}
	return newConn(made, to), nil
}

// take returns a connection that is kept and still stands; nil if there is none.
func (t *Transport) take(to place) *conn {
	for {
		t.mu.Lock()
		some := t.idle[to]
		if len(some) == 0 {
			t.mu.Unlock()
			return nil
		}
		c := some[len(some)-1]
		some[len(some)-1] = nil
		t.idle[to] = some[:len(some)-1]
		t.mu.Unlock()
		if time.Since(c.since) < t.IdleTimeout && c.stands() {
			c.used, c.answered = true, false
			return c
		}
		c.Close()
	}
}

// keep takes a connection back whose answer was read to its end.
func (t *Transport) keep(c *conn) {
	c.since = time.Now()
	t.mu.Lock()
	defer t.mu.Unlock()
	some := t.idle[c.to]
	if len(some) >= t.MaxIdlePerHost {
		c.Close()
		return
	}
	if t.idle == nil {
		t.idle = map[place][]*conn{}
	}
	t.idle[c.to] = append(some, c)
	if t.sweeper == nil {
		t.sweeper = time.AfterFunc(t.IdleTimeout, t.sweep)
	}
}

// sweep ends the connections that have been idle for too long.
func (t *Transport) sweep() {
	t.mu.Lock()
	defer t.mu.Unlock()
	left := 0
	for to, some := range t.idle {
		old := 0
		for old < len(some) && time.Since(some[old].since) >= t.IdleTimeout {
			some[old].Close()
			old++
		}
		if some = append(some[:0:0], some[old:]...); len(some) > 0 {
			t.idle[to] = some
			left += len(some)
		} else {
			delete(t.idle, to)
		}
	}
	if t.sweeper = nil; left > 0 {
		t.sweeper = time.AfterFunc(t.IdleTimeout/4+time.Millisecond, t.sweep)
	}
}

func closeBody(r *http.Request) error {
	if r.Body == nil {
		return nil
	}
	return r.Body.Close()
}

// causeOr is why a context ended, else err.
func causeOr(ctx context.Context, err error) error {
	if cause := context.Cause(ctx); cause != nil {
		return cause
	}
	return err
}
