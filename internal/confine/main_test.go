package confine

import (
	"encoding/json"
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
	Rename  [2]string
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
	Rename   string
	Fd3      string // what writing to descriptor 3 led to
	NewFiles string
	Written  int64
	MeterErr string
	Limit    uint64
}

func TestMain(m *testing.M) {
	if len(os.Args) > 1 && os.Args[1] == "confined" {
		var t task
		if err := json.Unmarshal([]byte(os.Args[2]), &t); err != nil {
			panic(err)
		}
		json.NewEncoder(os.Stdout).Encode(act(t))
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
		out.ExecErr = text(exec.Command(t.Exec).Run())
	}
	if t.Rename[0] != "" {
		out.Rename = text(os.Rename(t.Rename[0], t.Rename[1]))
	}
	if f := os.NewFile(3, "inherited"); f != nil {
		_, err := io.WriteString(f, "canary")
		out.Fd3 = text(err)
	}
	out.Verify = text(Verify(t.Policy.Probe...))
	var lim syscall.Rlimit
	syscall.Getrlimit(syscall.RLIMIT_CORE, &lim)
	out.Limit = lim.Cur
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
	b, err := cmd.Output()
	if err != nil {
		t.Fatalf("the confined copy ended badly: %v\n%s", err, stderr.String())
	}
	var out told
	if err := json.Unmarshal(b, &out); err != nil {
		t.Fatalf("the confined copy answered %q: %v", b, err)
	}
	return out
}
