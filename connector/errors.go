package connector

import (
	"errors"
	"fmt"
	"time"
)

// A Class says what kind of failure an error is. It is decided once, in the
// connector; the engine acts on the class alone.
type Class string

const (
	Auth        Class = "auth"        // the credentials are wrong, expired or revoked
	Forbidden   Class = "forbidden"   // they are right, but may not do this
	Throttled   Class = "quota"       // too many requests; wait and try again
	Full        Class = "full"        // the target holds no more of this kind
	Transient   Class = "transient"   // try again
	Permanent   Class = "permanent"   // trying again is no use
	Unsupported Class = "unsupported" // this cloud or connection cannot do that
	Conflict    Class = "conflict"    // somebody else changed it meanwhile
	Gone        Class = "gone"        // it is no longer there
	Malformed   Class = "malformed"   // the cloud answered what its contract does not allow
)

// An Error is a failure with a class. Neither message ever holds a secret or
// content: ids, codes and reasons only.
type Error struct {
	Class Class
	// Reason is for the operator: "POST /cards: 400 invalid value for idList".
	Reason string
	// Hint is for the user and says what to do: "connect again with a new token".
	Hint string
	// InDoubt says that the request may have been carried out all the same.
	InDoubt bool
	// RetryAfter is how long the cloud asks to wait; 0 if it did not say.
	RetryAfter time.Duration
	// Connection is the name of the connection whose credentials were refused; ""
	// if that is not known, and for other classes.
	Connection string
	Err        error // the cause, for errors.Is; not printed
}

func (e *Error) Error() string {
	if e.Hint == "" {
		return e.Reason
	}
	return e.Reason + "; " + e.Hint
}

func (e *Error) Unwrap() error { return e.Err }

// Errorf makes an Error of a class. The text must hold no secret or content.
func Errorf(c Class, format string, args ...any) *Error {
	return &Error{Class: c, Reason: fmt.Sprintf(format, args...)}
}

// WithHint adds what the user can do.
func (e *Error) WithHint(hint string) *Error {
	e.Hint = hint
	return e
}

// ClassOf returns the class of an error: Transient for one that has none,
// because what nobody judged may pass.
func ClassOf(err error) Class {
	if e, ok := errors.AsType[*Error](err); ok {
		return e.Class
	}
	return Transient
}

// InDoubt reports whether the write that failed with err may have happened.
func InDoubt(err error) bool {
	e, ok := errors.AsType[*Error](err)
	return ok && e.InDoubt
}
