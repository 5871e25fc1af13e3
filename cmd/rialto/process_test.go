package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"
)

// An install is the program with a state directory and a folder for temporary
// files of its own.
type install struct {
	t      testing.TB
	state  string
	temp   string
	prefix []string // arguments before all others
	env    []string
	under  []string // a command that runs the program, with its arguments; nil for none
	// patience is how long a process may take; one that takes longer tells what it
	// does and dies.
	patience time.Duration
	weighed  bool // the memory of each process is watched
}

func newInstall(t testing.TB) *install {
	t.Helper()
	dir := t.TempDir()
	in := &install{t: t, state: filepath.Join(dir, "state"), temp: filepath.Join(dir, "tmp"), patience: 2 * time.Minute}
	if err := os.Mkdir(in.temp, 0o700); err != nil {
		t.Fatal(err)
	}
	return in
}

// An ended is how one process of the program ended.
type ended struct {
	args     string
	code     int // -1 if a signal ended it
	out, err string
	took     time.Duration
	peak     memory // of an install whose processes are weighed
}

func (e ended) String() string {
	return fmt.Sprintf("rialto %s: exit code %d after %v\nstdout: %s\nstderr: %s", e.args, e.code, e.took.Round(time.Millisecond), tail(e.out), tail(e.err))
}

// tail is the end of a text that may be long.
func tail(s string) string {
	const most = 4 << 10
	if len(s) > most {
		return "…" + s[len(s)-most:]
	}
	return s
}

// killed reports whether the mover or the program itself was killed.
func (e ended) killed() bool {
	return e.code == -1 || e.code == 1 && strings.Contains(e.err, "something killed it")
}

// done decodes the last line that --json prints into out.
func (e ended) done(out any) error {
	lines := strings.Split(strings.TrimSpace(e.out), "\n")
	last := lines[len(lines)-1]
	var event struct{ Event string }
	if err := json.Unmarshal([]byte(last), &event); err != nil {
		return fmt.Errorf("the last line is not JSON: %w", err)
	}
	if event.Event != "done" {
		return fmt.Errorf("the last line's event is %q", event.Event)
	}
	return json.Unmarshal([]byte(last), out)
}

// events are the lines of --json about these events.
func (e ended) events(kinds ...string) string {
	var b strings.Builder
	for line := range strings.SplitSeq(e.out, "\n") {
		for _, k := range kinds {
			if rest, ok := strings.CutPrefix(line, `{"event":"`+k+`",`); ok {
				b.WriteString("\n    " + k + " " + rest)
			}
		}
	}
	return b.String()
}

// A fate is what a test does to a process: the mover dies at a failpoint, or
// the program is killed after a time. The zero fate lets it live.
type fate struct {
	failpoint string
	after     time.Duration
}

func (f fate) String() string {
	switch {
	case f.failpoint != "":
		return "the mover dies at " + f.failpoint
	case f.after > 0:
		return fmt.Sprintf("the program dies after %v", f.after)
	}
	return "nothing happens to it"
}

// run runs the program to its end.
func (in *install) run(f fate, stdin string, args ...string) ended {
	in.t.Helper()
	exe, err := os.Executable()
	if err != nil {
		in.t.Fatal(err)
	}
	line := slices.Concat(in.under, []string{exe, "--state", in.state}, in.prefix, args)
	cmd := exec.Command(line[0], line[1:]...)
	cmd.Env = append([]string{asProgram + "=1", atFailpoint + "=" + f.failpoint, "TMPDIR=" + in.temp, "HOME=" + in.temp, "PATH=" + os.Getenv("PATH")}, in.env...)
	cmd.Dir = in.temp
	cmd.Stdin = strings.NewReader(stdin)
	var out, errs bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &errs
	began := time.Now()
	if err := cmd.Start(); err != nil {
		in.t.Fatal(err)
	}
	if f.after > 0 {
		timer := time.AfterFunc(f.after, func() { _ = cmd.Process.Signal(syscall.SIGKILL) }) // it may have ended by itself
		defer timer.Stop()
	}
	watchdog := time.AfterFunc(in.patience, func() { _ = cmd.Process.Signal(syscall.SIGQUIT) })
	defer watchdog.Stop()
	e := ended{args: strings.Join(args, " ")}
	if in.weighed {
		over := make(chan struct{})
		peak := watchMemory(cmd.Process.Pid, over)
		_ = cmd.Wait() // the state tells
		close(over)
		e.peak = <-peak
	} else {
		_ = cmd.Wait() // the state tells
	}
	e.code, e.out, e.err, e.took = cmd.ProcessState.ExitCode(), out.String(), errs.String(), time.Since(began)
	return e
}

// must runs the program and ends the test if it does not end with exit code 0.
func (in *install) must(args ...string) ended {
	in.t.Helper()
	e := in.run(fate{}, "", args...)
	if e.code != 0 {
		in.t.Fatal(e)
	}
	return e
}

// connect seals a connection to a cloud.
func (in *install) connect(name string, c *served, more ...string) {
	in.t.Helper()
	args := []string{"connect", c.connector, "--name", name}
	for k, v := range c.settings {
		args = append(args, "--set", k+"="+v)
	}
	for _, kv := range more {
		args = append(args, "--set", kv)
	}
	in.must(args...)
}

// migration writes a migration file and returns its path.
func (in *install) migration(text string) string {
	in.t.Helper()
	path := filepath.Join(in.temp, "migration.yaml")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		in.t.Fatal(err)
	}
	return path
}
