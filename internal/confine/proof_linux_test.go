package confine

import (
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

// Each TestProof… shows one mechanism at work; TestProofsHaveTeeth builds this
// package without it and sees the proof fail.

func victim(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	write(t, filepath.Join(dir, "file"), "content")
	return dir
}

// Everything that Landlock alone would let through, and what it would not, is
// refused: UDP, MPTCP, files in memory, other processes.
func TestProofSeccomp(t *testing.T) {
	needLandlock(t)
	out := confined(t, task{Attempts: true, Victim: victim(t)})
	if out.Err != "" {
		t.Fatal(out.Err)
	}
	for _, a := range attempts() {
		t.Run(a.name, func(t *testing.T) {
			switch said := out.Tried[a.name]; said {
			case unix.EPERM.Error(), unix.ENOSYS.Error():
			default:
				t.Errorf("%q, and not refused by the filter", said)
			}
		})
	}
}

// Without confinement the same attempts succeed: a refusal means something.
func TestAttemptsHaveTeeth(t *testing.T) {
	out := confined(t, task{Policy: Policy{Unconfined: true}, Attempts: true, Victim: victim(t)})
	for _, a := range attempts() {
		if said := out.Tried[a.name]; said != "" && !a.rare {
			t.Errorf("%s: %s", a.name, said)
		}
	}
	if out.Late != "" {
		t.Errorf("writing to a file that came late: %s", out.Late)
	}
}

// What Landlock alone holds: which file is read. And each way to change one.
func TestProofLandlock(t *testing.T) {
	needLandlock(t)
	secret := filepath.Join(t.TempDir(), "secret")
	write(t, secret, "content")
	out := confined(t, task{Read: secret})
	if out.Read != "" || !strings.Contains(out.ReadErr, "permission denied") {
		t.Errorf("a file that was not granted reads as %q (%s%s)", out.Read, out.ReadErr, out.Err)
	}
}

// A pipe that was inherited leads nowhere. Nothing else sees it: it was open
// before everything began, and it is no file.
func TestProofDescriptors(t *testing.T) {
	needLandlock(t)
	for _, unconfined := range []bool{false, true} {
		r, w, err := os.Pipe()
		if err != nil {
			t.Fatal(err)
		}
		out := confined(t, task{Policy: Policy{Unconfined: unconfined}}, w)
		w.Close()
		var buf [100]byte
		n, _ := r.Read(buf[:])
		r.Close()
		if got := string(buf[:n]); (got == "") == unconfined {
			t.Errorf("unconfined %v: through the pipe came %q (%s%s)", unconfined, got, out.Fd3, out.Err)
		}
	}
}

// A writable descriptor that comes in later is of no use. Landlock, seccomp and
// the look at what was inherited all miss it.
func TestProofFileSize(t *testing.T) {
	needLandlock(t)
	dir := victim(t)
	out := confined(t, task{Attempts: true, Victim: dir})
	got, err := os.ReadFile(filepath.Join(dir, "late"))
	if err != nil || len(got) != 0 || out.Late != unix.EFBIG.Error() {
		t.Errorf("a file that came in late holds %q: %s (%v%s)", got, out.Late, err, out.Err)
	}
}

// Neither a core file nor another process of this user gets at the memory: what
// is not dumpable belongs to root in /proc, whoever runs it.
func TestProofCoreDumps(t *testing.T) {
	needLandlock(t)
	out := looked(t, task{}, func(pid int) {
		limits := proc(t, pid, "limits")
		if !strings.Contains(strings.Join(strings.Fields(line(limits, "Max core file size")), " "), "size 0 0 bytes") {
			t.Errorf("core files are limited by %q", line(limits, "Max core file size"))
		}
		if f, err := os.Open(filepath.Join("/proc", strconv.Itoa(pid), "mem")); err == nil {
			f.Close()
			if os.Getuid() != 0 {
				t.Error("another process of the same user can open its memory")
			}
		}
	})
	if out.Dumpable {
		t.Error("it may be dumped")
	}
}

// Memory is locked, the whole of it, where the process may do that.
func TestProofSwap(t *testing.T) {
	needLandlock(t)
	locks := mayLock()
	looked(t, task{}, func(pid int) {
		status := proc(t, pid, "status")
		fields := strings.Fields(line(status, "VmLck:"))
		locked := len(fields) == 3 && fields[1] != "0"
		if locks && !locked {
			t.Errorf("the kernel says %q", line(status, "VmLck:"))
		}
	})
	if !locks {
		t.Skip("this user may not lock memory, so that it is not swapped can only be seen by there being no swap")
	}
}

func proc(t *testing.T, pid int, name string) string {
	t.Helper()
	b, err := os.ReadFile(filepath.Join("/proc", strconv.Itoa(pid), name))
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// line is the line of a table that begins with a word.
func line(table, begin string) string {
	for l := range strings.Lines(table) {
		if strings.HasPrefix(l, begin) {
			return strings.TrimSpace(l)
		}
	}
	return ""
}
