package connector

import (
	"context"
	"errors"
)

// A renewal renews a connection's credentials once for all the calls that are
// refused at the same time.
type renewal struct {
	run  func(context.Context) error
	turn chan struct{} // holds one: a mutex that a context can give up on
	// under turn:
	times  int
	failed *Error // why the last one failed for good
}

func newRenewal(run func(context.Context) error) *renewal {
	if run == nil {
		return nil
	}
	return &renewal{run: run, turn: make(chan struct{}, 1)}
}

func (r *renewal) take(ctx context.Context) *Error {
	select {
	case r.turn <- struct{}{}:
		return nil
	case <-ctx.Done():
		return &Error{Class: Transient, Reason: "stopped while the credentials are renewed", Err: context.Cause(ctx)}
	}
}

// seen returns how often the credentials were renewed so far; a call notes it
// before it is signed.
func (r *renewal) seen(ctx context.Context) (int, *Error) {
	if r == nil {
		return 0, nil
	}
	if e := r.take(ctx); e != nil {
		return 0, e
	}
	defer func() { <-r.turn }()
	return r.times, nil
}

// after renews the credentials, unless that was done since a call noted seen.
func (r *renewal) after(ctx context.Context, seen int) *Error {
	if e := r.take(ctx); e != nil {
		return e
	}
	defer func() { <-r.turn }()
	if r.times != seen {
		return nil
	}
	if r.failed != nil {
		copied := *r.failed
		return &copied
	}
	err := r.run(ctx)
	if err == nil {
		r.times++
		return nil
	}
	e, ok := errors.AsType[*Error](err)
	if !ok {
		e = Errorf(Auth, "the credentials cannot be renewed").WithHint("connect again")
		e.Err = cause(err)
	}
	if e.Class == Auth && ctx.Err() == nil {
		r.failed = e
	}
	copied := *e
	return &copied
}
