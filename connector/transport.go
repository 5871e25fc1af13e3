package connector

import (
	"crypto/tls"
	"net"
	"net/http"
	"time"
)

// NewTransport returns the transport that a Client uses if it is given none:
// TLS 1.2 at least, the proxy of the environment, and no step without a time
// limit. A server that stops in the middle of a body is the Client's to notice.
func NewTransport() *http.Transport {
	dial := &net.Dialer{Timeout: 15 * time.Second, KeepAlive: 30 * time.Second}
	return &http.Transport{
		Proxy:                  http.ProxyFromEnvironment,
		DialContext:            dial.DialContext,
		TLSClientConfig:        &tls.Config{MinVersion: tls.VersionTLS12},
		TLSHandshakeTimeout:    15 * time.Second,
		ForceAttemptHTTP2:      true,
		MaxIdleConns:           2 * maxInFlight,
		MaxIdleConnsPerHost:    maxInFlight,
		IdleConnTimeout:        60 * time.Second,
		ResponseHeaderTimeout:  2 * time.Minute,
		ExpectContinueTimeout:  time.Second,
		MaxResponseHeaderBytes: 1 << 20,
	}
}
