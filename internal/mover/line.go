package mover

import (
	"context"
	"crypto/x509"
	"errors"
	"net/rpc"
	"sync"

	"github.com/rialto-migrate/rialto/internal/confine"
	"github.com/rialto-migrate/rialto/internal/ledger"
	"github.com/rialto-migrate/rialto/internal/mover/wire"
)

// A Line is the mover's end of the line. Its methods are safe for concurrent
// use.
type Line struct {
	rpc      *rpc.Client
	taker    *taker
	job      []byte
	report   confine.Report
	meter    *confine.Meter // nil where the kernel keeps no count
	roots    *x509.CertPool
	stopping chan struct{}
	reason   string // set before stopping is closed

	mu         sync.Mutex
	transports map[TransportOptions]*transport
}

// Job is what the parent wants done, with opened secrets: never log it.
func (l *Line) Job() []byte { return l.job }

// Report says how this process is confined.
func (l *Line) Report() confine.Report { return l.report }

// Written is what the kernel counts as written to disk by this process since
// it was confined, in bytes. Reading a file may add a page to it, for the time of access.
func (l *Line) Written() (int64, error) {
	if l.meter == nil {
		return 0, errors.ErrUnsupported
	}
	return l.meter.Written()
}

// Ledger is the parent's ledger. Errors keep their class. Questions end with
// their context; what changes the ledger is waited for, so that an error means
// that nothing was kept, or is in doubt because the parent is gone.
func (l *Line) Ledger() ledger.Ledger { return farLedger{rpc: l.rpc} }

// Emit passes an event to the parent and waits until it took it. Events hold
// ids, counts and reasons, never content. Those of one goroutine arrive in
// their order. An error means that the parent is gone.
func (l *Line) Emit(event []byte) error {
	return tell(context.Background(), l.rpc, "Events.Emit", event)
}

// Renewed passes on a secret that a cloud renewed, and returns when the parent
// has sealed it.
func (l *Line) Renewed(connection, name, value string) error {
	return tell(context.Background(), l.rpc, "Secrets.Renewed", wire.Secret{Connection: connection, Name: name, Value: value})
}

// Paused returns whether the parent wants nothing new to be sent for now, once
// that has changed more often than seen: 0 asks for what holds at the beginning.
// An error means that the parent is gone, or ctx has ended.
func (l *Line) Paused(ctx context.Context, seen int) (paused bool, changes int, err error) {
	p, err := ask[wire.Paused](ctx, l.rpc, "Control.Paused", seen)
	return p.Paused, p.Change, err
}

// Stopping is closed when the parent asks for a clean stop.
func (l *Line) Stopping() <-chan struct{} { return l.stopping }

// StopReason says why; "" before Stopping is closed.
func (l *Line) StopReason() string {
	select {
	case <-l.stopping:
		return l.reason
	default:
		return ""
	}
}
