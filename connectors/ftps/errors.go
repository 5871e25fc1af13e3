package ftps

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"strconv"
	"strings"

	"github.com/rialto-migrate/rialto/connector"
	"github.com/rialto-migrate/rialto/connectors/ftps/wire"
)

// gone reports whether an error says that the connection was lost, or that the server ends
// it.
func gone(err error) bool {
	_, lost := errors.AsType[*wire.LostError](err)
	return lost || wire.Code(err) == 421
}

// Words by which servers say what one code stands for: 550 is "not there" as well as "not
// permitted" (RFC 959, 4.2.2). The text is read, never shown: it holds paths.
func missing(err error) bool {
	return wire.Says(err, "no such", "not found", "cannot find", "can't find", "not exist", "n't exist")
}

func denied(err error) bool {
	return wire.Says(err, "denied", "not permitted", "forbidden", "not allowed", "read-only", "read only", "no permission")
}

func noRoom(err error) bool {
	code := wire.Code(err)
	return code == 452 || code == 552 || code >= 400 && wire.Says(err, "quota", "no space", "disk full", "disk is full", "insufficient", "not enough space")
}

func occupied(err error) bool { return wire.Says(err, "exist") && !missing(err) }

// classed gives an error its class (RFC 959, 4.2; RFC 2228 and RFC 4217 for TLS).
func classed(ctx context.Context, call string, err error) error {
	if err == nil {
		return nil
	}
	if e, ok := errors.AsType[*connector.Error](err); ok {
		copied := *e
		return &copied
	}
	if e := ofTLS(err); e != nil {
		return e
	}
	e := &connector.Error{Class: connector.Permanent, Err: err}
	code := wire.Code(err)
	switch {
	case ctx.Err() != nil && (gone(err) || code/100 == 4):
		e.Class, e.Reason, e.Err = connector.Transient, call+": stopped", context.Cause(ctx)
	case gone(err):
		e.Class, e.Reason = connector.Transient, call+": the connection was lost"
	case wire.Malformed(err):
		e.Class, e.Reason = connector.Malformed, call+": the server answers what FTP does not know"
	case wire.BadName(err):
		e.Reason, e.Hint = call+": a name with a line break or a NUL cannot be said over FTP", "give it another name"
	case code == 0:
		e.Class, e.Reason = connector.Transient, call+": it failed"
	case noRoom(err):
		e.Class, e.Reason, e.Hint = connector.Full, call+": the server's disk or the account's quota is full", "make room there, then run again"
	case code == 530 || code == 532 || code == 430:
		e.Class, e.Reason, e.Hint = connector.Auth, call+": the server no longer lets this account in", "connect again"
	case code == 425 || code == 522:
		e.Class, e.Reason = connector.Transient, call+": the server opened no data connection"
		e.Hint = "its passive ports must be open in its firewall"
	case denied(err):
		e.Class, e.Reason, e.Hint = connector.Forbidden, call+": the server does not permit it", "give the account the right on the server"
	case code == 550 && !occupied(err):
		e.Class, e.Reason = connector.Gone, call+": it is not there"
	case code == 553:
		e.Reason, e.Hint = call+": the server refuses the name", "give it another name"
	case code/100 == 4: // 426, 450, 451
		e.Class, e.Reason = connector.Transient, call+": the server could not do it just now"
	case code >= 500 && code <= 504:
		e.Class, e.Reason = connector.Unsupported, call+": the server cannot do that"
	case code == 534 || code == 536 || code == 521:
		e.Reason, e.Hint = call+": the server does not agree to protected data connections", "ask its administrator to allow PROT P"
	default:
		e.Reason = call + ": the server refuses it"
	}
	if code != 0 {
		e.Reason += " (" + strconv.Itoa(code) + ")"
	}
	return e
}

// ofTLS is the error of a connection that TLS refused, nil for any other.
func ofTLS(err error) *connector.Error {
	var record tls.RecordHeaderError
	_, unknown := errors.AsType[x509.UnknownAuthorityError](err)
	_, other := errors.AsType[x509.HostnameError](err)
	invalid, bad := errors.AsType[x509.CertificateInvalidError](err)
	_, unverified := errors.AsType[*tls.CertificateVerificationError](err)
	switch {
	case unknown:
		return connector.Errorf(connector.Permanent, "nobody whom this machine trusts vouches for the server's certificate").
			WithHint("use a certificate of a public authority on the server, or add your own authority's to this machine's")
	case other:
		return connector.Errorf(connector.Permanent, "the server's certificate is for another name").WithHint("set url to a name that stands in the certificate")
	case bad && invalid.Reason == x509.Expired:
		return connector.Errorf(connector.Permanent, "the server's certificate has expired, or is not valid yet").WithHint("renew it on the server")
	case unverified:
		return connector.Errorf(connector.Permanent, "the server's certificate is not valid").WithHint("correct it on the server")
	case strings.Contains(err.Error(), "protocol version"): // crypto/tls has no type for either side's word of it
		return connector.Errorf(connector.Permanent, "the server has no TLS 1.2 or later").WithHint("ask its administrator to update it: older versions are broken")
	case errors.As(err, &record):
		return connector.Errorf(connector.Permanent, "the server answers TLS with something else").WithHint("set tls to explicit or implicit, as the server has it, and check the port")
	case errors.Is(err, wire.ErrPlain):
		return connector.Errorf(connector.Permanent, "the server has no TLS, or not for data connections").
			WithHint("ask its administrator to switch it on: nothing goes over a network in the clear")
	case errors.Is(err, wire.ErrSession):
		return connector.Errorf(connector.Permanent, "the server wants the TLS session of its control connection on data connections, and has no tickets for that").
			WithHint("ask its administrator to allow TLS 1.3, or session tickets with TLS 1.2 (ProFTPD: TLSSessionTickets on)")
	case errors.Is(err, wire.ErrOpen):
		return connector.Errorf(connector.Permanent, "the server would be talked to in the clear, over a network").WithHint("set tls to explicit or implicit")
	}
	return nil
}
