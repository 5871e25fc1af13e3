package confine

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestNoThreadCanWrite(t *testing.T) {
	needLandlock(t)
	dir := t.TempDir()
	out := confined(t, task{Policy: Policy{Probe: []string{dir}}, Threads: 16, Dir: dir})
	if out.Err != "" {
		t.Fatal(out.Err)
	}
	if out.Wrote != 0 || out.Refused != 16 {
		t.Errorf("%d threads of 16 could write, %d were refused", out.Wrote, out.Refused)
	}
	if out.Verify != "" {
		t.Errorf("Verify: %s", out.Verify)
	}
	r := out.Report
	if !r.Confined {
		t.Errorf("report: %+v", r)
	}
	for _, name := range []string{Descriptors, FileSize, CoreDumps, Swap, Landlock, Seccomp, Probe} {
		if !r.Holds(name) {
			t.Errorf("%s does not hold: %+v", name, r.Mechanisms)
		}
	}
	if out.Written != 0 || out.MeterErr != "" {
		t.Errorf("the kernel counted %d bytes written (%s)", out.Written, out.MeterErr)
	}
	if left, _ := os.ReadDir(dir); len(left) != 0 {
		t.Errorf("%d files were left", len(left))
	}
}

// Without confinement the same attempts succeed: the test above has teeth.
func TestUnconfinedCanWrite(t *testing.T) {
	dir := t.TempDir()
	out := confined(t, task{Policy: Policy{Probe: []string{dir}, Unconfined: true}, Threads: 4, Dir: dir})
	if out.Err != "" || out.Wrote != 4 {
		t.Errorf("unconfined threads wrote %d files of 4 (%s)", out.Wrote, out.Err)
	}
	if !strings.Contains(out.Verify, "could be written") {
		t.Errorf("Verify found nothing to complain of: %q", out.Verify)
	}
	if out.Report.Confined || out.Report.Holds(Landlock) || !strings.Contains(out.Report.String(), "--unconfined") {
		t.Errorf("report: %s", out.Report)
	}
	if left, _ := os.ReadDir(dir); len(left) != 4 {
		t.Errorf("Verify left something behind: %d files, 4 expected", len(left))
	}
}

func TestGrants(t *testing.T) {
	needLandlock(t)
	dir, other := t.TempDir(), t.TempDir()
	export := filepath.Join(dir, "board.json")
	write(t, export, "{}")
	secret := filepath.Join(other, "elsewhere.json")
	write(t, secret, "no")
	program := filepath.Join(dir, "program")
	if err := os.WriteFile(program, []byte("#!/bin/sh\n"), 0o700); err != nil {
		t.Fatal(err)
	}

	t.Run("an export file is readable", func(t *testing.T) {
		out := confined(t, task{Policy: Policy{ReadPaths: []string{export}}, Read: export, Threads: 1, Dir: dir})
		if out.Read != "{}" || out.Wrote != 0 {
			t.Errorf("read %q (%s%s), wrote %d", out.Read, out.Err, out.ReadErr, out.Wrote)
		}
		if len(out.Report.Readable) != 1 {
			t.Errorf("report: %+v", out.Report)
		}
	})
	t.Run("what is not granted is not", func(t *testing.T) {
		out := confined(t, task{Policy: Policy{ReadPaths: []string{export}}, Read: secret})
		if !strings.Contains(out.ReadErr, "permission denied") {
			t.Errorf("read %q (%s)", out.Read, out.ReadErr)
		}
	})
	t.Run("a readable folder lets nothing be executed", func(t *testing.T) {
		out := confined(t, task{Policy: Policy{ReadPaths: []string{dir, "/bin", "/usr", "/lib"}}, Exec: program})
		if !strings.Contains(out.ExecErr, "not permitted") {
			t.Errorf("executing ended in %q (%s)", out.ExecErr, out.Err)
		}
	})
}

func TestInheritedFilesLeadNowhere(t *testing.T) {
	needLandlock(t)
	name := filepath.Join(t.TempDir(), "inherited")
	for _, unconfined := range []bool{false, true} {
		f, err := os.Create(name)
		if err != nil {
			t.Fatal(err)
		}
		out := confined(t, task{Policy: Policy{Unconfined: unconfined}}, f)
		f.Close()
		got, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		want, refused := "", "bad file descriptor"
		if unconfined {
			want, refused = "canary", ""
		}
		if string(got) != want || !strings.HasSuffix(out.Fd3, refused) {
			t.Errorf("unconfined %v: the inherited file holds %q (write: %s%s)", unconfined, got, out.Fd3, out.Err)
		}
	}
}

func TestBadPolicies(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, "file")
	write(t, file, "x")
	for _, c := range []struct {
		name   string
		policy Policy
		want   string
		is     error
	}{
		{"an export that is not there", Policy{ReadPaths: []string{filepath.Join(dir, "none.json")}}, "check the path", fs.ErrNotExist},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, err := Enter(c.policy)
			if err == nil || !strings.Contains(err.Error(), c.want) || c.is != nil && !errors.Is(err, c.is) {
				t.Errorf("%v, want %q", err, c.want)
			}
		})
	}
	if err := Verify(); err == nil {
		t.Error("a refused policy confined this process, or Verify sees nothing")
	}
}

func TestWritten(t *testing.T) {
	for _, c := range []struct {
		table string
		want  int64
		bad   string
	}{
		{"rchar: 1\nwrite_bytes: 4096\ncancelled_write_bytes: 4096\n", 4096, ""},
		{"write_bytes: 0\n", 0, ""},
		{"rchar: 1\n", 0, "CONFIG_TASK_IO_ACCOUNTING"},
		{"write_bytes: many\n", 0, "no number"},
		{"", 0, "CONFIG_TASK_IO_ACCOUNTING"},
	} {
		got, err := written([]byte(c.table))
		if got != c.want || (err == nil) != (c.bad == "") || err != nil && !strings.Contains(err.Error(), c.bad) {
			t.Errorf("%q: %d, %v", c.table, got, err)
		}
	}
}

func write(t *testing.T, name, content string) {
	t.Helper()
	if err := os.WriteFile(name, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
}
