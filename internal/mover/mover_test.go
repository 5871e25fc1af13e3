package mover

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/rialto-migrate/rialto/connector"
	"github.com/rialto-migrate/rialto/internal/confine"
	"github.com/rialto-migrate/rialto/item"
)

func TestAJob(t *testing.T) {
	var events []string
	var renewed []string
	book := newMemory()
	p, log := start(t, Config{Job: job("greet"), Ledger: book,
		OnEvent:   func(e []byte) { events = append(events, string(e)) },
		OnRenewed: func(c, n, v string) error { renewed = append(renewed, c, n, v); return nil },
	})
	got, err := result(t, p)
	if err != nil {
		t.Fatal(err)
	}
	if want := fmt.Sprintf("confined: %v, pid %d", landlockHere(), p.PID()); string(got) != want {
		t.Errorf("result %q, want %q", got, want)
	}
	if len(events) != 100 || events[0] != "event 0" || events[99] != "event 99" {
		t.Errorf("%d events: %v", len(events), events)
	}
	for i, e := range events {
		if e != fmt.Sprint("event ", i) {
			t.Fatalf("event %d is %q", i, e)
		}
	}
	if !slices.Equal(renewed, []string{"acme", "token", "fresh"}) {
		t.Errorf("renewed: %v", renewed)
	}
	if book.calls["Begin"] != 1 {
		t.Errorf("the ledger was called %v", book.calls)
	}
	if r, ok := p.Report(); !ok || r.Confined != landlockHere() {
		t.Errorf("report: %+v", r)
	}
	if n, ok := p.Written(); landlockHere() && (!ok || n != 0) {
		t.Errorf("the mover wrote %d bytes to disk (told: %v)", n, ok)
	}
	quiet(t, log)
	// What a killed process is told later changes nothing.
	p.Stop()
	p.Stop()
	if again, err := p.Wait(); string(again) != string(got) || err != nil {
		t.Errorf("the second Wait: %q, %v", again, err)
	}
}

func TestAJobThatFailsKeepsItsClass(t *testing.T) {
	p, _ := start(t, Config{Job: job("fail")})
	got, err := result(t, p)
	e, ok := errors.AsType[*connector.Error](err)
	if !ok || e.Class != connector.Auth || e.Hint != "connect again" || err.Error() != "the pass: GET /me: 401; connect again" {
		t.Errorf("%v", err)
	}
	if string(got) != "half a result" {
		t.Errorf("the result was lost: %q", got)
	}
}

func TestTheJobIsHandedOverOnce(t *testing.T) {
	p, _ := start(t, Config{Job: job("again")})
	got, err := result(t, p)
	if err != nil || !strings.HasPrefix(string(got), "0 bytes: ") || !strings.Contains(string(got), "handed over already") {
		t.Errorf("%q, %v", got, err)
	}
	if p.config.Job != nil {
		t.Error("the parent still holds the job")
	}
}

func TestNoJobWithoutConfinement(t *testing.T) {
	if !landlockHere() {
		t.Skip("this system cannot confine a process: it needs Linux 6.7 or later with Landlock, on amd64 or arm64")
	}
	missing := filepath.Join(t.TempDir(), "none.json")
	p, _ := start(t, Config{Job: job("greet"), Policy: confine.Policy{ReadPaths: []string{missing}}})
	_, err := result(t, p)
	if err == nil || !strings.Contains(err.Error(), "cannot be confined") || !strings.Contains(err.Error(), "check the path") {
		t.Errorf("%v", err)
	}
	if connector.ClassOf(err) != connector.Permanent {
		t.Errorf("class %s", connector.ClassOf(err))
	}
	select {
	case <-p.started:
		t.Error("the job was handed over all the same")
	default:
	}
}

// An unconfined process gets no job, whatever it claims, unless the policy
// allows it.
func TestAReportOfNoConfinementIsRefused(t *testing.T) {
	for _, allowed := range []bool{false, true} {
		p := &Process{config: Config{Policy: confine.Policy{Unconfined: allowed}}, started: make(chan struct{})}
		s := &jobService{process: p, job: []byte("secret")}
		var early, late jobAnswer
		s.Get(false, &early)
		if early.Fault == nil || early.Value != nil {
			t.Error("the job was handed over before a report came")
		}
		var done doneAnswer
		s.Confined(confine.Report{}, &done)
		s.Get(false, &late)
		if (done.Fault == nil) != allowed || (string(late.Value) == "secret") != allowed {
			t.Errorf("allowed %v: %v, job %q", allowed, done.Fault.Err(), late.Value)
		}
	}
}

func TestStop(t *testing.T) {
	waiting := make(chan struct{})
	p, _ := start(t, Config{Job: job("wait"), OnEvent: func([]byte) { close(waiting) }})
	within(t, 20*time.Second, "the mover's event", waiting)
	p.Stop()
	got, err := result(t, p)
	if string(got) != "asked to stop" || err != nil {
		t.Errorf("%q, %v", got, err)
	}
}

func TestStopBeforeTheMoverListens(t *testing.T) {
	p, _ := start(t, Config{Job: job("wait")})
	p.Stop()
	if got, err := result(t, p); string(got) != "asked to stop" || err != nil {
		t.Errorf("%q, %v", got, err)
	}
}

func TestStopTwiceKills(t *testing.T) {
	p, _ := start(t, Config{Job: job("hang")})
	within(t, 20*time.Second, "the start of the job", p.started)
	p.Stop()
	p.Stop()
	_, err := result(t, p)
	if !IsKilled(err) || !strings.Contains(err.Error(), "told to stop twice") {
		t.Errorf("%v", err)
	}
}

func TestContextStopsAndKillsAfterTheGrace(t *testing.T) {
	for _, c := range []struct {
		act    string
		killed bool
	}{{"wait", false}, {"hang", true}} {
		t.Run(c.act, func(t *testing.T) {
			ctx, cancel := context.WithCancelCause(t.Context())
			config := Config{Job: job(c.act), Ledger: newMemory(), Grace: 300 * time.Millisecond, Policy: confine.Policy{Unconfined: !landlockHere()}}
			if !c.killed {
				config.Grace = 20 * time.Second
			}
			p, err := Start(ctx, config)
			if err != nil {
				t.Fatal(err)
			}
			within(t, 20*time.Second, "the start of the job", p.started)
			began := time.Now()
			cancel(errors.New("enough for today"))
			got, err := result(t, p)
			if IsKilled(err) != c.killed {
				t.Errorf("%q, %v", got, err)
			}
			if c.killed && (!strings.Contains(err.Error(), "did not stop within 300ms") || time.Since(began) < 300*time.Millisecond) {
				t.Errorf("after %v: %v", time.Since(began), err)
			}
			if !c.killed && string(got) != "enough for today" {
				t.Errorf("the reason is %q", got)
			}
		})
	}
}

func TestKilledMidCall(t *testing.T) {
	book := newMemory()
	book.block, book.begun = make(chan struct{}), make(chan struct{})
	p, _ := start(t, Config{Job: job("apply"), Ledger: book})
	select {
	case <-book.begun:
	case <-time.After(20 * time.Second):
		t.Fatal("the mover did not call")
	}
	if err := syscall.Kill(p.PID(), syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	within(t, 10*time.Second, "the end of the process", p.gone)
	select {
	case <-p.Done():
		t.Error("Wait returns while a call of the dead mover is under way")
	case <-time.After(100 * time.Millisecond):
	}
	close(book.block)
	_, err := result(t, p)
	var end *Ended
	if !errors.As(err, &end) || end.Signal != syscall.SIGKILL || end.Killed != "" || !strings.Contains(err.Error(), "signal: killed") {
		t.Errorf("%v", err)
	}
	if book.applied() != 1 {
		t.Errorf("the call that had arrived was carried out %d times", book.applied())
	}
}

func TestExitCodes(t *testing.T) {
	p, _ := start(t, Config{Job: job("exit", "code", "7")})
	_, err := result(t, p)
	var end *Ended
	if !errors.As(err, &end) || end.ExitCode != 7 || !strings.Contains(err.Error(), "exit code 7") {
		t.Errorf("%v", err)
	}
}

func TestAMoverThatStaysAfterItsJob(t *testing.T) {
	p, log := start(t, Config{Job: job("late-exit"), Grace: 200 * time.Millisecond})
	got, err := result(t, p)
	if string(got) != "early" || err != nil {
		t.Errorf("%q, %v", got, err)
	}
	if !strings.Contains(log.String(), "ended badly after its job was done") {
		t.Errorf("the log keeps silent: %s", log)
	}
}

func TestCrashes(t *testing.T) {
	const canary = "Kanariengelb7312"
	for _, c := range []struct{ how, shown string }{
		{"message", "its message is withheld"},
		{"error", "its message is withheld"},
		{"map", "assignment to entry in nil map"},
		{"index", "index out of range [5] with length 0"},
	} {
		t.Run(c.how, func(t *testing.T) {
			p, log := start(t, Config{Job: job("crash", "how", c.how, "canary", canary)})
			_, err := result(t, p)
			var end *Ended
			if !errors.As(err, &end) || end.ExitCode != 2 {
				t.Fatalf("%v", err)
			}
			if !strings.Contains(err.Error(), c.shown) || !strings.Contains(err.Error(), "mover.crash") || !strings.Contains(err.Error(), "acts_test.go:") {
				t.Errorf("the error does not say where: %v", err)
			}
			if !strings.Contains(log.String(), "acts_test.go:") {
				t.Errorf("the log does not say where: %s", log)
			}
			if strings.Contains(err.Error()+log.String(), canary) {
				t.Errorf("content got through: %v\n%s", err, log)
			}
		})
	}
}

func TestWhatTheMoverPrintsIsWithheld(t *testing.T) {
	const canary = "Titel mit Öl"
	p, log := start(t, Config{Job: job("chatter", "canary", canary)})
	got, err := result(t, p)
	if string(got) != "said" || err != nil {
		t.Fatalf("%q, %v", got, err)
	}
	if strings.Contains(log.String(), "Titel") || !strings.Contains(log.String(), "lines=300") {
		t.Errorf("the log says: %.2000s", log)
	}
}

func TestNotAMover(t *testing.T) {
	for _, c := range []struct {
		name    string
		command []string
		want    string
	}{
		{"a program that ends", []string{"/bin/true"}, "exit code 0"},
		{"a program that fails", []string{"/bin/false"}, "exit code 1"},
		{"a program that hangs", []string{"/bin/sleep", "60"}, "did not ask for its job within 300ms"},
	} {
		t.Run(c.name, func(t *testing.T) {
			p, _ := start(t, Config{Job: job("greet"), Command: c.command, Begin: 300 * time.Millisecond})
			if _, err := result(t, p); err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("%v, want %q", err, c.want)
			}
		})
	}
	if _, err := Start(t.Context(), Config{Ledger: newMemory(), Command: []string{filepath.Join(t.TempDir(), "none")}}); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("a program that is not there: %v", err)
	}
	if _, err := Start(t.Context(), Config{}); err == nil {
		t.Error("a mover without a ledger was started")
	}
}

func TestAloneItSaysSo(t *testing.T) {
	out, code := alone(t)
	if code != exitAlone || !strings.Contains(out, "--help") {
		t.Errorf("exit code %d: %s", code, out)
	}
}

// The kernel kills the mover at once; without its help it would end cutGrace
// after the line was cut.
func TestItDiesWithItsParent(t *testing.T) {
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	parent := exec.Command(exe, "parent")
	out, err := parent.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := parent.Start(); err != nil {
		t.Fatal(err)
	}
	line, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		t.Fatal(err)
	}
	pid := number(strings.TrimSpace(line))
	if !runs(pid) {
		t.Fatal("the mover is not there to begin with")
	}
	parent.Process.Kill()
	parent.Wait()
	for end := time.Now().Add(cutGrace - 2*time.Second); runs(pid); time.Sleep(10 * time.Millisecond) {
		if time.Now().After(end) {
			syscall.Kill(pid, syscall.SIGKILL)
			t.Fatal("the mover outlived its parent")
		}
	}
}

// runs reports whether a process runs; one that nobody buried does not.
func runs(pid int) bool {
	if syscall.Kill(pid, 0) != nil {
		return false
	}
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return !os.IsNotExist(err)
	}
	_, state, _ := strings.Cut(string(stat), ") ")
	return !strings.HasPrefix(state, "Z")
}

func TestTheEnvironmentIsClean(t *testing.T) {
	p, _ := start(t, Config{Job: job("environ"), MemoryLimit: 64 << 20, MaxProcs: 1, Environ: []string{
		"HOME=/root", "HTTPS_PROXY=http://proxy", "RIALTO_ROOT_KEY=secret", "TZ=UTC", "SSL_CERT_DIR=/etc/ssl/certs", "GODEBUG=madvdontneed=1", "TZX=no",
	}})
	got, err := result(t, p)
	if err != nil {
		t.Fatal(err)
	}
	have := strings.Split(string(got), "\n")
	slices.Sort(have)
	want := []string{"GODEBUG=madvdontneed=1", "GOMAXPROCS=1", "GOMEMLIMIT=67108864", "SSL_CERT_DIR=/etc/ssl/certs", "TZ=UTC"}
	if !slices.Equal(have, want) {
		t.Errorf("%v, want %v", have, want)
	}
}

func TestManyAtOnce(t *testing.T) {
	var mu sync.Mutex
	events := 0
	book := newMemory()
	p, _ := start(t, Config{Job: job("concur"), Ledger: book, OnEvent: func([]byte) {
		if !mu.TryLock() {
			t.Error("two events at once")
			return
		}
		defer mu.Unlock()
		events++
		time.Sleep(20 * time.Microsecond) // long enough for another to come in
	}})
	if _, err := result(t, p); err != nil {
		t.Fatal(err)
	}
	if events != 64*50 || book.applied() != 64*50 {
		t.Errorf("%d events, %d batches", events, book.applied())
	}
}

func TestAHugeBatch(t *testing.T) {
	book := newMemory()
	p, _ := start(t, Config{Job: job("batch", "rows", "50500"), Ledger: book})
	got, err := result(t, p)
	if string(got) != "50500 looked up, 50500 listed" || err != nil {
		t.Errorf("%q, %v", got, err)
	}
	if book.applied() != 1 {
		t.Errorf("one batch became %d", book.applied())
	}
	if book.calls["Lookup"] != 51 {
		t.Errorf("%d calls for 50,500 keys", book.calls["Lookup"])
	}
	if got := book.rows[1][item.Ref{Kind: item.Task, ID: someRow(7).Key.ID}]; got != someRow(7) {
		t.Errorf("a row arrived as %v", got)
	}
}
