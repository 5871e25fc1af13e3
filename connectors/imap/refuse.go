package imap

import (
	"errors"

	"github.com/rialto-migrate/rialto/connector"
	"github.com/rialto-migrate/rialto/connectors/imap/wire"
)

// refused gives an error of the wire a class (RFC 5530 for the codes). One that has
// a class keeps it.
func refused(call string, err error) error {
	if err == nil {
		return nil
	}
	if e, ok := errors.AsType[*connector.Error](err); ok {
		return e
	}
	r, ok := errors.AsType[*wire.Refusal](err)
	if !ok {
		if errors.Is(err, wire.ErrSyntax) {
			return &connector.Error{Class: connector.Malformed, Reason: err.Error(), Err: err}
		}
		return &connector.Error{Class: connector.Transient, Reason: "the connection to the mail server broke", Err: err}
	}
	e := &connector.Error{Class: classOf(r), Reason: r.Error(), Err: err}
	if call != "" {
		e.Reason = call + ": " + e.Reason
	}
	switch e.Class {
	case connector.Auth:
		e.Hint = "check user and password or token; Gmail wants an app password, and Microsoft 365 a token of a person for whom IMAP is on"
	case connector.Full:
		e.Hint = "the mailbox is full: make room, or have its quota raised, and run again"
	case connector.Throttled:
		e.Hint = "the server wants fewer connections or requests: run again later, or set connections to a lower number"
	}
	return e
}

func classOf(r *wire.Refusal) connector.Class {
	if r.Says != "" {
		return connector.Throttled
	}
	switch r.Code {
	case "AUTHENTICATIONFAILED", "AUTHORIZATIONFAILED", "EXPIRED", "PRIVACYREQUIRED", "WEBALERT", "ALERT":
		if r.Command == "AUTHENTICATE" || r.Command == "LOGIN" {
			return connector.Auth
		}
	case "LIMIT", "THROTTLED":
		return connector.Throttled
	case "OVERQUOTA":
		return connector.Full
	case "NOPERM":
		return connector.Forbidden
	case "UNAVAILABLE", "INUSE", "SERVERBUG", "CORRUPTION", "EXPUNGEISSUED":
		return connector.Transient
	case "NONEXISTENT", "TRYCREATE":
		return connector.Gone
	case "ALREADYEXISTS":
		return connector.Conflict
	}
	switch {
	case r.Command == "AUTHENTICATE" || r.Command == "LOGIN":
		return connector.Auth
	case r.Kind == "BYE":
		return connector.Transient
	case r.Command == "SELECT" || r.Command == "EXAMINE" || r.Command == "STATUS":
		return connector.Transient // why is not told: a listing shows whether it is gone
	}
	return connector.Permanent
}
