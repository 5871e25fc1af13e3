package connector

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"net"
	"net/http/httptrace"
	"net/url"
	"os"
	"strings"
	"sync/atomic"
	"syscall"
	"time"
)

// errStalled is the cause of a request that was given up because nothing moved.
var errStalled = errors.New("nothing moved for too long")

// broken classifies a request that got no answer.
func broken(where string, q Request, err error, sent bool) *Error {
	if ue, ok := errors.AsType[*url.Error](err); ok {
		err = ue.Err // drops the URL, whose query may hold a key
	}
	if e, ok := errors.AsType[*Error](err); ok { // of the body that was sent
		return &Error{Class: e.Class, Reason: where + ": " + e.Reason, Hint: e.Hint, RetryAfter: e.RetryAfter, InDoubt: sent && !q.repeatable(), Err: cause(e.Err)}
	}
	e := &Error{Class: Transient, Reason: where + ": " + plainCause(err), Err: cause(err), InDoubt: sent && !q.repeatable()}
	switch {
	case errors.Is(err, errClear), errors.Is(err, errEndless):
		e.Class, e.Hint = Permanent, "check the connection's url setting: the server sends us elsewhere"
	case untrusted(err):
		e.Class, e.Hint = Permanent, "check the connection's url setting, or have the server's certificate issued by an authority that this machine knows"
	case !sent && notTLS(err):
		e.Class, e.Hint = Permanent, "check the connection's url setting: the server does not speak https, or not TLS 1.2 or newer"
	}
	if e.Class == Permanent {
		e.InDoubt = false
	}
	return e
}

// plainCause says why a request got no answer, without addresses or content.
func plainCause(err error) string {
	var dns *net.DNSError
	switch {
	case errors.Is(err, errStalled), errors.Is(err, context.DeadlineExceeded), errors.Is(err, os.ErrDeadlineExceeded):
		return "no answer in time"
	case errors.Is(err, context.Canceled):
		return "stopped"
	case errors.Is(err, errClear):
		return errClear.Error()
	case errors.Is(err, errEndless):
		return errEndless.Error()
	case errors.As(err, &dns):
		return "the server's name is not known"
	case untrusted(err):
		return "the server's certificate is not to be trusted"
	case notTLS(err):
		return "the server does not speak TLS as it should"
	case errors.Is(err, syscall.ECONNREFUSED):
		return "nobody listens there"
	case errors.Is(err, syscall.ECONNRESET), errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF), errors.Is(err, syscall.EPIPE):
		return "the connection was cut"
	}
	return "the connection failed"
}

func untrusted(err error) bool {
	var cert *tls.CertificateVerificationError
	var auth x509.UnknownAuthorityError
	var host x509.HostnameError
	return errors.As(err, &cert) || errors.As(err, &auth) || errors.As(err, &host)
}

func notTLS(err error) bool {
	var record tls.RecordHeaderError
	var op *net.OpError // what the tls package makes of an alert
	return errors.As(err, &record) || errors.As(err, &op) && (op.Op == "remote error" || op.Op == "local error") || strings.Contains(err.Error(), "server gave HTTP response to HTTPS client") ||
		strings.Contains(err.Error(), "tls: server selected unsupported protocol version")
}

// cause keeps of an error what errors.Is may ask for and holds neither address
// nor content.
func cause(err error) error {
	if err == nil {
		return nil
	}
	if e, ok := errors.AsType[*Error](err); ok {
		return e
	}
	for _, known := range []error{errStalled, context.Canceled, context.DeadlineExceeded, os.ErrDeadlineExceeded, io.ErrUnexpectedEOF, io.EOF} {
		if errors.Is(err, known) {
			return known
		}
	}
	if errno, ok := errors.AsType[syscall.Errno](err); ok {
		return errno
	}
	return nil
}

// A sending tells whether a request can have reached the server, and since when it
// has had a connection.
type sending struct {
	asked, wrote atomic.Bool
	connected    atomic.Pointer[time.Time] // nil as long as it has none, or nobody told
}

// trace follows a request through the standard transport, which asks for a
// connection first and tells when it wrote the head. A transport that tells
// nothing may have sent it.
func (s *sending) trace(ctx context.Context) context.Context {
	return httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{
		GetConn:      func(string) { s.asked.Store(true) },
		WroteHeaders: func() { s.wrote.Store(true) },
		GotConn: func(httptrace.GotConnInfo) {
			now := time.Now()
			s.connected.Store(&now)
		},
	})
}

// since is when a request that began then had its connection. How long it takes to
// connect says nothing about how many requests the cloud bears: when more go at
// once than before, each of those added connects first.
func (s *sending) since(began time.Time) time.Time {
	if at := s.connected.Load(); at != nil {
		return *at
	}
	return began
}

// possible reports whether the request may have been sent before err.
func (s *sending) possible(err error) bool {
	if s.asked.Load() && !s.wrote.Load() {
		return false
	}
	var op *net.OpError
	var dns *net.DNSError
	return !(errors.As(err, &op) && op.Op == "dial" || errors.As(err, &dns) || errors.Is(err, syscall.ECONNREFUSED))
}
