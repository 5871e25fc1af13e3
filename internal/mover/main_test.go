package mover

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"net/netip"
	"os"
	"os/exec"
	"runtime"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/rialto-migrate/rialto/internal/confine"
)

// The test binary is its own mover: its job names what it does. With "parent"
// it is a parent that a test can kill.
func TestMain(m *testing.M) {
	if len(os.Args) > 1 {
		switch os.Args[1] {
		case Argument:
			os.Exit(Child(perform))
		case "parent":
			beParent()
		}
	}
	os.Exit(m.Run())
}

// An order is the job of a mover in a test.
type order struct {
	Act  string
	Args map[string]string
}

func job(act string, args ...string) []byte {
	o := order{Act: act, Args: map[string]string{}}
	for i := 0; i < len(args); i += 2 {
		o.Args[args[i]] = args[i+1]
	}
	b, err := json.Marshal(o)
	if err != nil {
		panic(err)
	}
	return b
}

func perform(ctx context.Context, line *Line) ([]byte, error) {
	var o order
	if err := json.Unmarshal(line.Job(), &o); err != nil {
		return nil, err
	}
	act, ok := acts()[o.Act]
	if !ok {
		return nil, fmt.Errorf("no act is called %q", o.Act)
	}
	return act(ctx, line, o.Args)
}

// beParent starts a mover that hangs, tells its process id and hangs too.
func beParent() {
	hanging := make(chan struct{})
	p, err := Start(context.Background(), Config{Job: job("hang"), Ledger: newMemory(), Policy: confine.Policy{Unconfined: !landlockHere()},
		OnEvent: func([]byte) { close(hanging) }})
	if err != nil {
		panic(err)
	}
	<-hanging
	fmt.Println(p.PID())
	p.Wait()
	os.Exit(0)
}

// A logbook is a log that tests can read.
type logbook struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *logbook) Write(b []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(b)
}

func (l *logbook) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

// quiet fails the test if the mover's output reached the log, or was withheld.
// A binary that measures its test coverage prints a line at its exit.
func quiet(t *testing.T, log *logbook) {
	t.Helper()
	if s := log.String(); s != "" && testing.CoverMode() == "" {
		t.Errorf("the log says: %s", s)
	}
}

// start starts a mover with what a test leaves out of its Config filled in,
// and sees to it that it is gone at the end of the test.
func start(t testing.TB, c Config) (*Process, *logbook) {
	t.Helper()
	log := &logbook{}
	c.Log = slog.New(slog.NewTextHandler(log, nil))
	if c.Ledger == nil {
		c.Ledger = newMemory()
	}
	if !landlockHere() {
		c.Policy.Unconfined = true
	}
	if c.Reach.Networks == nil { // the servers of tests are on this machine
		c.Reach.Networks = []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8"), netip.MustParsePrefix("::1/128")}
	}
	p, err := Start(t.Context(), c)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		p.Kill()
		within(t, 10*time.Second, "the end of the mover", p.Done())
		if t.Failed() {
			t.Logf("log:\n%s", log)
		}
	})
	return p, log
}

func within(t testing.TB, d time.Duration, what string, c <-chan struct{}) {
	t.Helper()
	select {
	case <-c:
	case <-time.After(d):
		buf := make([]byte, 1<<16)
		t.Fatalf("%s did not come within %v\n%s", what, d, buf[:runtime.Stack(buf, true)])
	}
}

// result waits for a mover's result.
func result(t testing.TB, p *Process) ([]byte, error) {
	t.Helper()
	within(t, 60*time.Second, "the end of the mover", p.Done())
	return p.Wait()
}

func landlockHere() bool { return confine.Available() }

// alone runs the test binary as a mover that nobody started properly.
func alone(t *testing.T) (string, int) {
	t.Helper()
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(exe, Argument)
	cmd.Env = []string{}
	out, _ := cmd.CombinedOutput()
	return string(out), cmd.ProcessState.ExitCode()
}

func number(s string) int {
	n, err := strconv.Atoi(s)
	if err != nil {
		panic(err)
	}
	return n
}
