package mover

import (
	"context"
	"crypto/tls"
	"net"
	"net/http"
	"net/url"
	"sync"
	"time"

	"github.com/rialto-migrate/rialto/connector"
	"github.com/rialto-migrate/rialto/internal/mover/http1"
)

// TransportOptions are what differs between transports; the zero value is what
// most clouds want.
type TransportOptions struct {
	// Proxy is the URL of an HTTP or SOCKS5 proxy, with its credentials if it
	// asks for some; "" for none. Proxies in the environment are never used. A
	// mover's Reach is held against the proxy alone, not what is behind it.
	Proxy string
	// HeaderTimeout is how long a cloud may take from the end of a request to
	// the first line of its answer; 0 means 2 minutes.
	HeaderTimeout time.Duration
	// Silence is how long a connection in use may carry nothing at all before
	// it counts as dead; 0 means 5 minutes.
	Silence time.Duration
}

func (o TransportOptions) withDefaults() TransportOptions {
	if o.HeaderTimeout == 0 {
		o.HeaderTimeout = 2 * time.Minute
	}
	if o.Silence == 0 {
		o.Silence = 5 * time.Minute
	}
	return o
}

// Transport is the mover's way to the network. There is one for equal options,
// shared by all who ask, so that connections are used again. They are made
// by the parent; TLS is 1.2 or later against the system's certificates, read
// before the process was confined; HTTP/2 is spoken where the server does.
// Only a server on this machine is talked to in the clear.
func (l *Line) Transport(o TransportOptions) (http.RoundTripper, error) {
	o = o.withDefaults()
	l.mu.Lock()
	defer l.mu.Unlock()
	if t, ok := l.transports[o]; ok {
		return t, nil
	}
	t, err := l.newTransport(o)
	if err != nil {
		return nil, err
	}
	if l.transports == nil {
		l.transports = map[TransportOptions]*transport{}
	}
	l.transports[o] = t
	return t, nil
}

// Dialing is the mover's way to the network for what is not HTTP. A connection
// that carries nothing for five minutes is dead.
func (l *Line) Dialing() connector.Dialing {
	silence := TransportOptions{}.withDefaults().Silence
	return connector.Dialing{Roots: l.roots, Connect: func(ctx context.Context, address string) (net.Conn, error) {
		conn, err := l.dial(ctx, address, false)
		if err != nil {
			return nil, err
		}
		return newAlive(conn, silence), nil
	}}
}

// inTheClear is the key of a context whose request is not encrypted.
type inTheClear struct{}

// A transport has two ways: net/http's, which speaks everything, and a lean one for
// servers that turned out to speak HTTP/1.1. It tells its dialer which requests are
// not encrypted.
type transport struct {
	*http.Transport
	lean  *http1.Transport // nil where a proxy stands between
	plain sync.Map         // by host: true where a server spoke HTTP/1.1 over TLS
}

func (t *transport) RoundTrip(r *http.Request) (*http.Response, error) {
	secure := r.URL != nil && r.URL.Scheme == "https"
	if t.lean != nil && http1.Takes(r) {
		if _, plain := t.plain.Load(r.URL.Host); plain || !secure {
			return t.lean.RoundTrip(r)
		}
	}
	if !secure {
		r = r.WithContext(context.WithValue(r.Context(), inTheClear{}, true))
	}
	resp, err := t.Transport.RoundTrip(r)
	if err == nil && secure && resp.ProtoMajor == 1 {
		t.plain.Store(r.URL.Host, true)
	}
	return resp, err
}

func (t *transport) CloseIdleConnections() {
	t.Transport.CloseIdleConnections()
	if t.lean != nil {
		t.lean.CloseIdleConnections()
	}
}

// newLean makes the lean way. It shakes hands as the other one does, but for HTTP/2.
func (l *Line) newLean(o TransportOptions, secure *tls.Config) *http1.Transport {
	secure = secure.Clone()
	secure.NextProtos = []string{"http/1.1"}
	return &http1.Transport{
		Dial: func(ctx context.Context, address string, encrypted bool) (net.Conn, error) {
			conn, err := l.dial(ctx, address, !encrypted)
			if err != nil {
				return nil, err
			}
			conn = newAlive(conn, o.Silence)
			if !encrypted {
				return conn, nil
			}
			return shakeHands(ctx, conn, address, secure)
		},
		MaxIdlePerHost: mostIdle,
		IdleTimeout:    idleTime,
		HeaderTimeout:  o.HeaderTimeout,
	}
}

// shakeHands makes a connection one of TLS, or closes it.
func shakeHands(ctx context.Context, conn net.Conn, address string, config *tls.Config) (net.Conn, error) {
	host, _, err := net.SplitHostPort(address)
	if err != nil {
		host = address
	}
	config = config.Clone()
	config.ServerName = host
	ctx, cancel := context.WithTimeout(ctx, handshakeTime)
	defer cancel()
	secured := tls.Client(conn, config)
	if err := secured.HandshakeContext(ctx); err != nil {
		conn.Close()
		return nil, err
	}
	return secured, nil
}

const (
	mostIdle      = 128 // connections to one host that are kept for later: dozens of requests go at once
	idleTime      = 90 * time.Second
	handshakeTime = 20 * time.Second
)

func (l *Line) newTransport(o TransportOptions) (*transport, error) {
	t := &http.Transport{
		DialContext: func(ctx context.Context, _, address string) (net.Conn, error) {
			conn, err := l.dial(ctx, address, ctx.Value(inTheClear{}) != nil)
			if err != nil {
				return nil, err
			}
			return newAlive(conn, o.Silence), nil
		},
		ForceAttemptHTTP2:     true,
		TLSClientConfig:       &tls.Config{MinVersion: tls.VersionTLS12, RootCAs: l.roots, ClientSessionCache: tls.NewLRUClientSessionCache(0)},
		TLSHandshakeTimeout:   handshakeTime,
		MaxIdleConns:          2 * mostIdle,
		MaxIdleConnsPerHost:   mostIdle,
		IdleConnTimeout:       idleTime,
		ResponseHeaderTimeout: o.HeaderTimeout,
		ExpectContinueTimeout: time.Second,
		ReadBufferSize:        32 << 10,
		WriteBufferSize:       32 << 10,
		HTTP2: &http.HTTP2Config{
			SendPingTimeout: 30 * time.Second, // finds a dead connection that carries many streams
			PingTimeout:     20 * time.Second,
		},
	}
	if o.Proxy != "" {
		proxy, err := url.Parse(o.Proxy)
		if err != nil || proxy.Host == "" {
			return nil, connector.Errorf(connector.Permanent, "the proxy's address cannot be read").
				WithHint("write it as http://host:port or socks5://host:port")
		}
		switch proxy.Scheme {
		case "http", "https", "socks5", "socks5h":
		default:
			return nil, connector.Errorf(connector.Permanent, "a proxy of the scheme %q is not known", proxy.Scheme).
				WithHint("write it as http://host:port or socks5://host:port")
		}
		t.Proxy = http.ProxyURL(proxy)
		return &transport{Transport: t}, nil
	}
	return &transport{Transport: t, lean: l.newLean(o, t.TLSClientConfig)}, nil
}

// closeIdle ends the connections that no request uses.
func (l *Line) closeIdle() {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, t := range l.transports {
		t.CloseIdleConnections()
	}
}
