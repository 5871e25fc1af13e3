package mover

import (
	"context"
	"crypto/x509"
	"fmt"
	"net/rpc"
	"os"
	"time"
	_ "time/tzdata" // a confined process cannot read the system's time zones

	"github.com/rialto-migrate/rialto/connector"
	"github.com/rialto-migrate/rialto/internal/confine"
	"github.com/rialto-migrate/rialto/internal/mover/wire"
)

// Exit codes of Child. What went wrong was told over the line, but for
// exitAlone.
const (
	exitDone   = 0
	exitFailed = 1
	exitAlone  = 2 // there is no line: the program was not started by Start
	exitCut    = 3 // the line was cut and run did not return
)

// cutGrace is how long run has to return once the line was cut.
const cutGrace = 5 * time.Second

// Child is what the program does when its first argument is Argument: it
// confines the process, fetches the job, runs it and reports the result. The
// program exits with the code it returns, and does nothing else before or
// after. run's context ends when the parent is gone; a wish to stop comes by
// Line.Stopping, so that what is under way can be finished.
func Child(run func(ctx context.Context, line *Line) ([]byte, error)) int {
	conn, err := lineConn(lineFD)
	if err != nil {
		fmt.Fprintf(os.Stderr, "\"%s\" is run by the program itself and does nothing alone; see --help for the commands\n", Argument)
		return exitAlone
	}
	sockets, err := lineConn(socketsFD)
	if err != nil {
		fmt.Fprintf(os.Stderr, "the mover was not handed its second line: %v\n", err)
		return exitAlone
	}
	client := rpc.NewClient(conn)
	defer client.Close()
	ctx, cut := context.WithCancelCause(context.Background())
	defer cut(nil)
	line := &Line{rpc: client, taker: newTaker(sockets), stopping: make(chan struct{})}
	outcome := wire.Outcome{Written: -1}
	err = line.enter(ctx)
	if err == nil {
		go line.control(cut)
		outcome.Result, err = run(ctx, line)
		line.closeIdle()
	}
	outcome.Fault = wire.NewFault(err)
	if n, err := line.Written(); err == nil {
		outcome.Written = n
	}
	if tell(context.Background(), client, "Job.Done", outcome) != nil || err != nil {
		return exitFailed
	}
	return exitDone
}

// enter reads what only an unconfined process can, confines the process as
// the parent says, and fetches the job.
func (l *Line) enter(ctx context.Context) error {
	policy, err := ask[confine.Policy](ctx, l.rpc, "Job.Policy", wire.None(false))
	if err != nil {
		return err
	}
	_ = time.Local.String() // reads TZ or /etc/localtime, once
	l.roots, err = x509.SystemCertPool()
	if err != nil {
		return &connector.Error{Class: connector.Permanent, Reason: "the system's certificates cannot be read",
			Hint: "install the package ca-certificates, or name a file in SSL_CERT_FILE", Err: err}
	}
	if meter, err := confine.OpenMeter(); err == nil { // else there is no /proc, and no count
		l.meter = meter
	}
	l.report, err = confine.Enter(policy)
	if err != nil {
		return &connector.Error{Class: connector.Permanent, Reason: "the mover cannot be confined: " + err.Error(), Err: err}
	}
	if l.meter != nil && l.meter.Zero() != nil {
		l.meter = nil
	}
	if err := tell(ctx, l.rpc, "Job.Confined", l.report); err != nil {
		return err
	}
	l.job, err = ask[[]byte](ctx, l.rpc, "Job.Get", wire.None(false))
	return err
}

// control waits for the parent's wish to stop, and for its end.
func (l *Line) control(cut context.CancelCauseFunc) {
	reason, err := ask[string](context.Background(), l.rpc, "Control.Wait", wire.None(false))
	if err == nil {
		l.reason = reason
		close(l.stopping)
		// This one answers no more: it fails when the line is cut.
		_, err = ask[string](context.Background(), l.rpc, "Control.Gone", wire.None(false))
	}
	cut(fmt.Errorf("the parent is gone: %w", err))
	time.AfterFunc(cutGrace, func() { os.Exit(exitCut) })
}
