package wire

import (
	"context"
	"errors"
	"io/fs"
	"net"
	"syscall"
	"time"

	"github.com/rialto-migrate/rialto/connector"
)

// A Fault is an error as it crosses the line. What it was stays tellable at
// the other end: errors.As finds a *connector.Error with its class, hint and
// doubt, errors.Is finds the causes listed in causes, and a *net.DNSError is
// one again. Causes beyond these stay behind: only their text crosses, and it
// holds ids and codes, like every error of the ledger.
type Fault struct {
	Text string

	// Class and what follows belong to a *connector.Error; Class is "" for
	// other errors.
	Class      connector.Class
	Reason     string
	Hint       string
	InDoubt    bool
	RetryAfter time.Duration

	// Host and what follows belong to a *net.DNSError.
	Host      string
	NotFound  bool
	Temporary bool
	Timeout   bool

	Causes []string // names of well-known errors in the chain
}

// causes are the errors whose identity crosses the line.
func causes() map[string]error {
	return map[string]error{
		"canceled":  context.Canceled,
		"deadline":  context.DeadlineExceeded,
		"not-exist": fs.ErrNotExist,
		"closed":    net.ErrClosed,
		"refused":   syscall.ECONNREFUSED,
		"no-route":  syscall.EHOSTUNREACH,
		"no-net":    syscall.ENETUNREACH,
	}
}

// NewFault makes an error ready to cross; nil stays nil.
func NewFault(err error) *Fault {
	if err == nil {
		return nil
	}
	f := &Fault{Text: err.Error()}
	if e, ok := errors.AsType[*connector.Error](err); ok {
		f.Class, f.Reason, f.Hint, f.InDoubt, f.RetryAfter = e.Class, e.Reason, e.Hint, e.InDoubt, e.RetryAfter
	}
	if e, ok := errors.AsType[*net.DNSError](err); ok {
		f.Host, f.NotFound, f.Temporary, f.Timeout = e.Name, e.IsNotFound, e.IsTemporary, e.IsTimeout
	}
	for name, cause := range causes() {
		if errors.Is(err, cause) {
			f.Causes = append(f.Causes, name)
		}
	}
	return f
}

// Err is the error at the other end; nil for nil.
func (f *Fault) Err() error {
	if f == nil {
		return nil
	}
	far := &farError{text: f.Text}
	known := causes()
	for _, name := range f.Causes {
		if cause, ok := known[name]; ok {
			far.causes = append(far.causes, cause)
		}
	}
	if f.Host != "" {
		far.causes = append(far.causes, &net.DNSError{Err: f.Text, Name: f.Host, IsNotFound: f.NotFound, IsTemporary: f.Temporary, IsTimeout: f.Timeout})
	}
	if f.Class == "" {
		return far
	}
	e := &connector.Error{Class: f.Class, Reason: f.Reason, Hint: f.Hint, InDoubt: f.InDoubt, RetryAfter: f.RetryAfter}
	if len(far.causes) > 0 {
		e.Err = far
	}
	if f.Text == e.Error() {
		return e
	}
	// Something was said around the error with the class: keep the words.
	return &farError{text: f.Text, causes: []error{e}}
}

// A farError is an error of the other process: its text, and what it was.
type farError struct {
	text   string
	causes []error
}

func (e *farError) Error() string   { return e.text }
func (e *farError) Unwrap() []error { return e.causes }
