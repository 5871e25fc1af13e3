package confine

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"syscall"
	"testing"
)

// A task is what a confined copy of the test binary is asked to do; it must be
// a copy, for confinement cannot be left.
type task struct {
	Policy  Policy
	Threads int    // started before Enter; each tries to write after it
	Dir     string // where they try
	Read    string // a file to read
	Exec    string // a program to run
	// Attempts is whether to try everything in attempts, and Victim a folder with
	// the file "file" to try it on.
	Attempts bool
	Victim   string
	Lacks    string // the mechanism that the kernel shall seem to lack
	Wait     bool   // before it ends, for the end of its standard input
}

type told struct {
	Err      string
	Report   Report
	Wrote    int // threads that could write
	Refused  int
	Read     string
	ReadErr  string
	ExecErr  string
	Verify   string
	Fd3      string // what writing to descriptor 3 led to
	Written  int64
	MeterErr string
	// Tried is what each attempt led to: "" for success.
	Tried    map[string]string
	Dumpable bool
	Late     string // what writing to a file led to whose descriptor came in late
}

func TestMain(m *testing.M) {
	if len(os.Args) > 1 && os.Args[1] == "confined" {
		var t task
		if err := json.Unmarshal([]byte(os.Args[2]), &t); err != nil {
			panic(err)
		}
		json.NewEncoder(os.Stdout).Encode(act(t))
		if t.Wait {
			io.Copy(io.Discard, os.Stdin)
		}
		os.Exit(0)
	}
	os.Exit(m.Run())
}

func act(t task) told {
	var out told
	meter, err := OpenMeter()
	if err != nil {
		out.MeterErr = err.Error()
		return out
	}
	// Threads that exist before Enter, each held by its goroutine.
	ready, entered := make(chan struct{}), make(chan struct{})
	var mu sync.Mutex
	var done sync.WaitGroup
	for i := range t.Threads {
		done.Go(func() {
			runtime.LockOSThread()
			ready <- struct{}{}
			<-entered
			err := os.WriteFile(filepath.Join(t.Dir, fmt.Sprint("thread", i)), make([]byte, 64<<10), 0o600)
			mu.Lock()
			defer mu.Unlock()
			if err == nil {
				out.Wrote++
			} else {
				out.Refused++
			}
		})
	}
	for range t.Threads {
		<-ready
	}
	late := inFlight(t.Victim)
	if err := lack(t.Lacks); err != nil {
		panic(err)
	}
	mayDump()
	report, err := Enter(t.Policy)
	out.Report = report
	if err != nil {
		out.Err = err.Error()
		return out
	}
	if err := meter.Zero(); err != nil {
		out.MeterErr = err.Error()
		return out
	}
	close(entered)
	done.Wait()
	n, err := meter.Written()
	out.Written, out.MeterErr = n, text(err)
	if t.Read != "" {
		b, err := os.ReadFile(t.Read)
		out.Read, out.ReadErr = string(b), text(err)
	}
	if t.Exec != "" {
		out.ExecErr = text(syscall.Exec(t.Exec, []string{t.Exec}, nil))
	}
	if t.Attempts {
		out.Tried = tryAll(t.Victim)
		out.Late = text(late())
	}
	if f := os.NewFile(3, "inherited"); f != nil {
		_, err := io.WriteString(f, "canary")
		out.Fd3 = text(err)
	}
	out.Dumpable = dumpable()
	out.Verify = text(Verify(t.Policy.Probe...))
	return out
}

func text(err error) string {
	if err == nil {
		return ""
	}
	return err.Error()
}

// confined runs a task in a copy of this test binary.
func confined(t *testing.T, do task, files ...*os.File) told {
	t.Helper()
	return looked(t, do, nil, files...)
}

// looked runs a task likewise and calls look with the process's id while it
// waits.
func looked(t *testing.T, do task, look func(pid int), files ...*os.File) told {
	t.Helper()
	do.Wait = look != nil
	arg, err := json.Marshal(do)
	if err != nil {
		t.Fatal(err)
	}
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(exe, "confined", string(arg))
	cmd.ExtraFiles = files
	cmd.Env = append(os.Environ(), "GOCOVERDIR=")
	var stderr strings.Builder
	cmd.Stderr = &stderr
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	answer, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	var out told
	bad := json.NewDecoder(answer).Decode(&out)
	if bad == nil && look != nil {
		look(cmd.Process.Pid)
	}
	in.Close()
	io.Copy(io.Discard, answer)
	if err := errors.Join(bad, cmd.Wait()); err != nil {
		t.Fatalf("the confined copy ended badly: %v\n%s", err, stderr.String())
	}
	return out
}
