package redminetest

import (
	"bytes"
	"fmt"
	"os/exec"
	"regexp"
	"runtime"
	"sync"
	"syscall"
	"time"
)

// A process is a server or a script of Redmine's, in a process group of its
// own. It ends with the test process, however that ends.
type process struct {
	cmd   *exec.Cmd
	said  *output
	ended chan struct{}
	err   error // why it ended; read after ended is closed
}

// launch starts cmd. The kernel kills it when the thread that started it ends
// (PR_SET_PDEATHSIG, prctl(2)), so that thread is held until the process is
// gone.
func launch(cmd *exec.Cmd) (*process, error) {
	p := &process{cmd: cmd, said: &output{}, ended: make(chan struct{})}
	cmd.Stdout, cmd.Stderr = p.said, p.said
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
	started := make(chan error, 1)
	go func() {
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
		err := cmd.Start()
		started <- err
		if err == nil {
			p.err = cmd.Wait()
			close(p.ended)
		}
	}()
	return p, <-started
}

// kill ends the process and all its children, and waits for it.
func (p *process) kill() {
	select {
	case <-p.ended:
		return
	default:
	}
	_ = syscall.Kill(-p.cmd.Process.Pid, syscall.SIGKILL)
	<-p.ended
}

var listening = regexp.MustCompile(`Listening on (http://127\.0\.0\.1:\d+)`)

// address waits until puma says where it listens: it does so once the
// application is loaded.
func (p *process) address(within time.Duration) (string, error) {
	deadline := time.After(within)
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for {
		if m := listening.FindStringSubmatch(p.said.tail()); m != nil {
			return m[1], nil
		}
		select {
		case <-tick.C:
		case <-p.ended:
			return "", fmt.Errorf("%w\n%s", p.err, p.said.tail())
		case <-deadline:
			return "", fmt.Errorf("no answer within %v\n%s", within, p.said.tail())
		}
	}
}

// output keeps the end of what a process says.
type output struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (o *output) Write(p []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.buf.Write(p)
	if over := o.buf.Len() - 16<<10; over > 0 {
		o.buf.Next(over)
	}
	return len(p), nil
}

func (o *output) tail() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.buf.String()
}
