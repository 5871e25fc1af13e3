package connector

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"net"
	"sync/atomic"
)

// A Dialing is the way to the network for what is not HTTP.
type Dialing struct {
	// Connect opens a TCP connection to "host:port"; nil means net.Dialer.
	Connect func(ctx context.Context, address string) (net.Conn, error)
	Roots   *x509.CertPool // nil means the system's
}

// Dial opens a TCP connection to "host:port", for a protocol that keeps what it
// says secret by itself (SSH) or upgrades to TLS. Its bytes are counted, and held
// to the flow. What the connection's context is needed for ends with Dial.
func (c *Client) Dial(ctx context.Context, address string) (net.Conn, error) {
	connect := c.dialing.Connect
	if connect == nil {
		connect = func(ctx context.Context, address string) (net.Conn, error) {
			return (&net.Dialer{}).DialContext(ctx, "tcp", address)
		}
	}
	conn, err := connect(ctx, address)
	if e, ok := errors.AsType[*Error](err); ok { // it may not be reached, and the hint says why
		return nil, e
	}
	if err != nil {
		return nil, &Error{Class: Transient, Reason: "the server cannot be reached: " + plainCause(err), Err: err}
	}
	return &socket{Conn: conn, flow: c.flow, in: &c.stats.BytesIn, out: &c.stats.BytesOut}, nil
}

// TLS are the settings for TLS with a server: 1.2 at least, against the known
// certificates.
func (c *Client) TLS(server string) *tls.Config {
	return &tls.Config{MinVersion: tls.VersionTLS12, RootCAs: c.dialing.Roots, ServerName: server}
}

// ReadOnly reports whether the connection is a source's: a connector that does not
// speak HTTP sends nothing that could change something, and opens what it opens
// for reading.
func (c *Client) ReadOnly() bool { return c.guard != nil }

// Turn waits until a call of an endpoint class may be sent, for a protocol that is
// not HTTP. done is called once it was answered.
func (c *Client) Turn(ctx context.Context, class string) (done func(Outcome), err error) {
	done, err = c.pace.Take(ctx, class, 1)
	if err != nil {
		return nil, &Error{Class: Transient, Reason: "stopped while waiting for its turn", Err: err}
	}
	c.stats.Requests.Add(1)
	return done, nil
}

// A socket counts what it carries and holds it to the flow.
type socket struct {
	net.Conn
	flow    *Flow
	in, out *atomic.Int64
}

func (s *socket) Read(p []byte) (int, error) {
	n, err := s.Conn.Read(p[:s.flow.step(len(p))])
	s.in.Add(int64(n))
	if held := s.flow.pass(context.Background(), n); held != nil {
		return n, held
	}
	return n, err
}

func (s *socket) Write(p []byte) (int, error) {
	n, err := s.Conn.Write(p)
	s.out.Add(int64(n))
	if held := s.flow.pass(context.Background(), n); held != nil && err == nil {
		err = held
	}
	return n, err
}
