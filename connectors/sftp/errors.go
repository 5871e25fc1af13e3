package sftp

import (
	"context"
	"errors"
	"io"
	"net"
	"os"

	pkg "github.com/pkg/sftp"
	"golang.org/x/crypto/ssh"

	"github.com/rialto-migrate/rialto/connector"
)

// What a server answers (draft-ietf-secsh-filexfer-02, 7).
const (
	codeFailure     = 4
	codeUnsupported = 8
)

// gone reports whether an error says that the connection was lost.
func gone(err error) bool {
	var op net.Error
	var exit *ssh.ExitMissingError
	return errors.Is(err, pkg.ErrSSHFxConnectionLost) || errors.Is(err, pkg.ErrSSHFxNoConnection) || errors.Is(err, io.EOF) || errors.Is(err, net.ErrClosed) ||
		errors.Is(err, os.ErrClosed) || errors.As(err, &op) || errors.As(err, &exit)
}

// failed reports whether the server answered with a failure that it does not
// explain: something stands there, a folder is not empty, the disk is full.
func failed(err error) bool {
	s, ok := errors.AsType[*pkg.StatusError](err)
	return ok && s.Code == codeFailure
}

// classed gives an error its class. What the server said is left out: it may hold
// paths.
func classed(ctx context.Context, call string, err error) error {
	if err == nil {
		return nil
	}
	if e, ok := errors.AsType[*connector.Error](err); ok {
		copied := *e
		return &copied
	}
	e := &connector.Error{Class: connector.Permanent}
	status, _ := errors.AsType[*pkg.StatusError](err)
	switch {
	case gone(err):
		e.Class, e.Reason = connector.Transient, call+": the connection was lost"
		if ctx.Err() != nil {
			e.Reason, e.Err = call+": stopped", context.Cause(ctx)
		}
	case errors.Is(err, os.ErrNotExist):
		e.Class, e.Reason = connector.Gone, call+": it is not there"
	case errors.Is(err, os.ErrPermission):
		e.Class, e.Reason = connector.Forbidden, call+": the server does not permit it"
		e.Hint = "give the account the right on the server"
	case status != nil && status.Code == codeUnsupported:
		e.Class, e.Reason = connector.Unsupported, call+": the server cannot do that"
	case status != nil:
		e.Reason, e.Err = call+": the server answered with a failure", status
	default:
		e.Class, e.Reason = connector.Transient, call+": it failed"
	}
	return e
}
