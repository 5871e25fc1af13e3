//go:build linux

// Package serve runs real servers beside a test: a program of Debian's that listens
// on a loopback port, and ends with the test however that ends.
package serve

import (
	"bytes"
	"errors"
	"fmt"
	"net"
	"os/exec"
	"runtime"
	"syscall"
	"time"
)

// A Process is a server in a process group of its own. It ends with the process
// that started it, however that ends.
type Process struct {
	cmd   *exec.Cmd
	ended chan struct{}
}

// Launch starts a server, and returns when answers says that it does; the error
// holds what it said. The caller stops it. The kernel ends it when the
// thread that started it ends (PR_SET_PDEATHSIG, prctl(2)), so that thread is held.
func Launch(cmd *exec.Cmd, answers func() bool) (*Process, error) {
	var said bytes.Buffer
	p := &Process{cmd: cmd, ended: make(chan struct{})}
	cmd.Stdout, cmd.Stderr = &said, &said
	cmd.WaitDelay = time.Second // what it started may outlive it, until we hang up
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGTERM}
	started := make(chan error, 1)
	go func() {
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
		err := cmd.Start()
		started <- err
		if err == nil {
			_ = cmd.Wait() // whoever waits for it wants to know that it ended, not how
			close(p.ended)
		}
	}()
	if err := <-started; err != nil {
		return nil, err
	}
	for until := time.Now().Add(30 * time.Second); time.Now().Before(until); time.Sleep(20 * time.Millisecond) {
		select {
		case <-p.ended:
			return nil, fmt.Errorf("it ended at once\n%s", &said)
		default:
		}
		if answers() {
			return p, nil
		}
	}
	p.Stop()
	return nil, errors.New("it does not answer")
}

// Stop ends the server and waits for it.
func (p *Process) Stop() {
	_ = p.cmd.Process.Signal(syscall.SIGTERM) // it may be gone already
	select {
	case <-p.ended:
	case <-time.After(10 * time.Second):
		_ = syscall.Kill(-p.cmd.Process.Pid, syscall.SIGKILL) // likewise
		<-p.ended
	}
}

// FreePort finds a port that nobody listens on.
func FreePort() (int, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return 0, err
	}
	defer l.Close()
	return l.Addr().(*net.TCPAddr).Port, nil
}
