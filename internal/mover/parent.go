package mover

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/rialto-migrate/rialto/internal/confine"
	"github.com/rialto-migrate/rialto/internal/mover/wire"
)

// A Process is a running mover, as its parent sees it. Its methods are safe
// for concurrent use.
type Process struct {
	config Config
	cmd    *exec.Cmd
	trace  *trace

	calls context.Context // of the ledger's calls; never ends
	life  context.Context // ends with the mover

	stopping chan struct{} // closed by the first Stop
	started  chan struct{} // closed when the job was handed over
	done     chan struct{} // closed when the outcome arrived
	cut      chan struct{} // closed when the line is cut and its calls were answered
	gone     chan struct{} // closed when the process has exited
	ended    chan struct{} // closed when its last call was served as well

	mu       sync.Mutex
	reason   string // of the stop
	killed   string // why it was killed by us, "" if it was not
	paused   wire.Paused
	changed  chan struct{} // closed when paused changes
	report   confine.Report
	isReport bool
	outcome  *wire.Outcome
	exit     *os.ProcessState
}

// Start starts a mover. When ctx ends, the mover is asked to stop, and killed
// when Config.Grace is over. The caller must call Wait.
func Start(ctx context.Context, config Config) (*Process, error) {
	config, err := config.withDefaults()
	if err != nil {
		return nil, err
	}
	p := &Process{
		config:   config,
		trace:    newTrace(config.Log),
		calls:    context.WithoutCancel(ctx),
		stopping: make(chan struct{}),
		started:  make(chan struct{}),
		done:     make(chan struct{}),
		cut:      make(chan struct{}),
		gone:     make(chan struct{}),
		ended:    make(chan struct{}),
		paused:   wire.Paused{Paused: config.Paused, Change: 1},
		changed:  make(chan struct{}),
	}
	life, end := context.WithCancel(p.calls)
	p.life = life
	near, far, err := pair()
	if err != nil {
		end()
		return nil, err
	}
	sockets, farSockets, err := pair()
	if err != nil {
		end()
		near.Close()
		far.Close()
		return nil, err
	}
	server, err := p.serve(sockets)
	if err != nil {
		end()
		for _, c := range []io.Closer{near, far, sockets, farSockets} {
			c.Close()
		}
		return nil, err
	}
	p.cmd = exec.Command(config.Command[0], config.Command[1:]...)
	p.cmd.Args[0] = os.Args[0]
	p.cmd.Env = config.environment()
	p.cmd.ExtraFiles = []*os.File{far, farSockets} // become lineFD and socketsFD
	p.cmd.Stdout, p.cmd.Stderr = p.trace, p.trace
	p.cmd.SysProcAttr = attributes()
	p.cmd.WaitDelay = 2 * time.Second

	launched := make(chan error)
	go func() {
		// The kernel kills the mover when the thread that started it ends, not
		// the process (PR_SET_PDEATHSIG(2const)): keep this one.
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
		err := p.cmd.Start()
		far.Close()
		farSockets.Close()
		launched <- err
		if err != nil {
			return
		}
		_ = p.cmd.Wait() // how it ended is in ProcessState
		p.trace.close()
		p.mu.Lock()
		p.exit = p.cmd.ProcessState
		p.mu.Unlock()
		end()
		sockets.Close()
		close(p.gone)
	}()
	if err := <-launched; err != nil {
		end()
		near.Close()
		sockets.Close()
		return nil, fmt.Errorf("the mover cannot be started: %w", err)
	}
	go func() {
		server.ServeConn(near)
		close(p.cut)
		<-p.gone
		if p.outcome != nil && p.outcome.Fault == nil && !p.exit.Success() {
			config.Log.Error("the mover ended badly after its job was done", "exit", p.exit.String())
		}
		close(p.ended)
	}()
	go p.watch(ctx, near)
	return p, nil
}

// watch kills a mover that does not begin, stop or exit in time.
func (p *Process) watch(ctx context.Context, line net.Conn) {
	defer func() {
		// A copy of the mover's end that something else still held would keep
		// the line open for ever. What the mover had sent is read by now, or
		// within this time.
		select {
		case <-p.ended:
		case <-time.After(p.config.Grace):
		}
		line.Close()
	}()
	begin := time.NewTimer(p.config.Begin)
	defer begin.Stop()
	var deadline <-chan time.Time
	late := ""
	started, done, cut, over := p.started, p.done, p.cut, ctx.Done()
	for {
		select {
		case <-p.gone:
			return
		case <-started:
			started = nil
			begin.Stop()
		case <-begin.C:
			p.kill(fmt.Sprintf("it did not ask for its job within %v", p.config.Begin))
		case <-over:
			over = nil
			p.stop(context.Cause(ctx).Error())
			if deadline == nil {
				deadline, late = time.After(p.config.Grace), "stop"
			}
		case <-done:
			done = nil
			deadline, late = time.After(p.config.Grace), "exit after its job"
		case <-cut:
			cut = nil
			if deadline == nil {
				deadline, late = time.After(p.config.Grace), "exit after its line was cut"
			}
		case <-deadline:
			p.kill(fmt.Sprintf("it did not %s within %v", late, p.config.Grace))
		}
	}
}

// PID is the mover's process id.
func (p *Process) PID() int { return p.cmd.Process.Pid }

// Stop asks the mover to stop cleanly, as the first Ctrl-C does: what is under
// way is finished. Called again, it kills.
func (p *Process) Stop() {
	if !p.stop("asked to stop") {
		p.kill("it was told to stop twice")
	}
}

// Pause asks the mover to send nothing new until it is told to go on: what is
// under way is finished. Safe to repeat.
func (p *Process) Pause(paused bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.paused.Paused == paused {
		return
	}
	p.paused = wire.Paused{Paused: paused, Change: p.paused.Change + 1}
	close(p.changed)
	p.changed = make(chan struct{})
}

func (p *Process) isPaused() (now wire.Paused, changed <-chan struct{}) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.paused, p.changed
}

// Kill ends the mover at once.
func (p *Process) Kill() { p.kill("it was told to") }

// stop reports whether it was the first.
func (p *Process) stop(reason string) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	select {
	case <-p.stopping:
		return false
	default:
	}
	p.reason = reason
	close(p.stopping)
	return true
}

func (p *Process) kill(why string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	select {
	case <-p.gone:
		return
	default:
	}
	if p.killed == "" {
		p.killed = why
	}
	_ = p.cmd.Process.Kill() // it may have ended just now
}

// Wait waits until the mover has exited and every call it made was answered:
// then nothing of it is under way any more, and another may be started. It
// returns the job's result, or the job's own error, or an *Ended that says how
// the mover ended before its job was done. It may be called more than once.
func (p *Process) Wait() (result []byte, err error) {
	<-p.ended
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.outcome != nil {
		return p.outcome.Result, p.outcome.Fault.Err()
	}
	end := &Ended{ExitCode: p.exit.ExitCode(), Killed: p.killed, Lines: p.trace.shown()}
	if status, ok := p.exit.Sys().(syscall.WaitStatus); ok && status.Signaled() {
		end.Signal = status.Signal()
	}
	return nil, end
}

// Done is closed when Wait will not block.
func (p *Process) Done() <-chan struct{} { return p.ended }

// Report is the mover's report of its confinement; ok is false as long as it
// has not come. It comes before the first event.
func (p *Process) Report() (r confine.Report, ok bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.report, p.isReport
}

// Written is what the kernel counts as written to disk by the mover since it
// was confined, in bytes, told at its end; ok is false if it did not tell.
func (p *Process) Written() (bytes int64, ok bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.outcome == nil || p.outcome.Written < 0 {
		return 0, false
	}
	return p.outcome.Written, true
}

func (p *Process) stopReason() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.reason
}

func (p *Process) reported(r confine.Report) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.report, p.isReport = r, true
}

// begun notes that the job was handed over.
func (p *Process) begun() { close(p.started) }

// finished notes the outcome; a second one is ignored.
func (p *Process) finished(o wire.Outcome) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.outcome == nil {
		p.outcome = &o
		close(p.done)
	}
}

// Ended is how a mover ended that did not finish its job.
type Ended struct {
	ExitCode int            // -1 if a signal ended it
	Signal   syscall.Signal // 0 if none
	Killed   string         // why the parent killed it; "" if it did not
	Lines    []string       // of its stack trace; they hold no content
}

func (e *Ended) Error() string {
	var b strings.Builder
	b.WriteString("the mover ended before its job was done: ")
	switch {
	case e.Killed != "":
		b.WriteString("it was killed because " + e.Killed)
	case e.Signal == syscall.SIGKILL:
		b.WriteString("something killed it (signal: killed); if the system was out of memory, give it less to do at once or more memory, and run again")
	case e.Signal != 0:
		fmt.Fprintf(&b, "signal: %v", e.Signal)
	default:
		fmt.Fprintf(&b, "exit code %d", e.ExitCode)
	}
	if len(e.Lines) > 0 {
		b.WriteString("; its stack trace begins:")
		for _, line := range e.Lines {
			b.WriteString("\n\t" + strings.TrimSpace(line))
		}
	}
	return b.String()
}

// IsKilled reports whether err says that the parent killed the mover.
func IsKilled(err error) bool {
	e, ok := errors.AsType[*Ended](err)
	return ok && e.Killed != ""
}
