//go:build linux

package main

import (
	"net"
	"net/http"
	"net/http/httputil"
	"net/url"
	"sync/atomic"
	"time"
)

// A chunk is what was read at once, and when it may arrive.
type chunk struct {
	bytes []byte
	due   time.Time
}

// delayed stands before a server and makes it far away: what goes either way comes
// half of the round-trip time later, and opening a connection takes one round trip.
// Its bandwidth is not limited: what is on its way is held here. It returns the
// address to connect to.
func delayed(h *hosted, server string, roundTrip time.Duration) (string, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	h.Cleanup(func() { l.Close() })
	go func() {
		for {
			near, err := l.Accept()
			if err != nil {
				return // it was closed
			}
			go join(near, server, roundTrip)
		}
	}()
	return l.Addr().String(), nil
}

func join(near net.Conn, server string, roundTrip time.Duration) {
	far, err := net.Dial("tcp", server)
	if err != nil {
		near.Close()
		return
	}
	opened := time.Now().Add(roundTrip)
	go carry(near, far, opened, roundTrip/2)
	carry(far, near, opened, roundTrip/2)
}

// carry takes one direction. An end of it is delayed like its bytes.
func carry(from, to net.Conn, opened time.Time, later time.Duration) {
	way := make(chan chunk, 4096)
	go func() {
		defer close(way)
		for {
			b := make([]byte, 32<<10)
			n, err := from.Read(b)
			due := time.Now()
			if due.Before(opened) {
				due = opened
			}
			if n > 0 {
				way <- chunk{b[:n], due.Add(later)}
			}
			if err != nil {
				return
			}
		}
	}()
	var failed error
	for c := range way {
		time.Sleep(time.Until(c.due))
		if failed == nil {
			_, failed = to.Write(c.bytes)
		}
		if failed != nil {
			from.Close() // the sender learns of it, and the channel closes
		}
	}
	if half, ok := to.(*net.TCPConn); ok && failed == nil {
		_ = half.CloseWrite() // the other end may be gone already
		return
	}
	to.Close()
}

// counted stands before an HTTP server and counts what it is asked.
func counted(h *hosted, server string, asked *atomic.Int64) (address string, err error) {
	to := &url.URL{Scheme: "http", Host: server}
	proxy := &httputil.ReverseProxy{
		Rewrite:   func(r *httputil.ProxyRequest) { r.SetURL(to); r.Out.Host = r.In.Host }, // signatures cover the name
		Transport: &http.Transport{MaxIdleConnsPerHost: 256, DisableCompression: true},
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	s := &http.Server{ReadHeaderTimeout: time.Minute, Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asked.Add(1)
		proxy.ServeHTTP(w, r)
	})}
	h.Cleanup(func() { s.Close() })
	go func() { _ = s.Serve(l) }() // it always ends with an error: that it was closed
	return l.Addr().String(), nil
}
