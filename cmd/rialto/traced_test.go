//go:build linux

package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"
)

// traced are the system calls that can make, open or change a file, make a
// socket, or start a process. Those of other architectures are ignored.
const traced = "?open,?openat,?openat2,?creat,?memfd_create,?mknod,?mknodat,?mkdir,?mkdirat,?rename,?renameat,?renameat2,?link,?linkat," +
	"?symlink,?symlinkat,?unlink,?unlinkat,?truncate,?ftruncate,?fallocate,?copy_file_range,?pwrite64,?pwritev,?io_uring_setup,?socket,?socketpair,?connect,?bind," +
	"?chmod,?fchmod,?fchmodat,?utimensat,?setxattr,?fsetxattr,?execve,?execveat,?clone,?clone3,?fork,?vfork"

// TestTracedRun takes files from cloud to cloud while strace looks on: the mover
// opens nothing to write, the kernel counts no byte that it wrote, and afterwards
// the canary is nowhere on this machine's disks. 256 MiB; with RIALTO_SOAK=1
// 10 GiB, and the disk is searched below its files as well.
func TestTracedRun(t *testing.T) {
	strace, err := exec.LookPath("strace")
	if err != nil {
		t.Skip("there is no strace here (Debian: apt-get install strace)")
	}
	soak := os.Getenv("RIALTO_SOAK") != ""
	files := make([]int, 4)
	if soak {
		files = make([]int, 44)
	}
	total := 0
	for i := range files {
		files[i] = 64 << 20
		if soak {
			files[i] = 240 << 20
		}
		total += files[i]
	}
	c := newCarrier(t, "trello", files...)
	c.rialto.patience = time.Hour
	c.rialto.connect("from", c.from)
	c.rialto.connect("to", c.to)
	dir := t.TempDir()
	c.rialto.under = []string{strace, "-ff", "-qq", "-s", "64", "-e", "signal=none", "-e", "trace=" + traced, "-o", filepath.Join(dir, "t")}
	if out, err := exec.Command(strace, "-f", "true").CombinedOutput(); err != nil {
		t.Skipf("strace may not trace here: %v: %s", err, out)
	}
	ran := c.rialto.must("run", "--json", c.file)
	c.rialto.under = nil

	var mover struct {
		Event    string
		Confined bool
		Written  int64
		Holds    []string
	}
	for line := range strings.Lines(ran.out) {
		if strings.Contains(line, `"event":"mover"`) {
			if err := json.Unmarshal([]byte(line), &mover); err != nil {
				t.Fatal(err)
			}
		}
	}
	if !mover.Confined || len(mover.Holds) < 6 || mover.Written < 0 || mover.Written > mostWritten {
		t.Errorf("the run says of its mover: %+v", mover)
	}
	var done struct{ Bytes int64 }
	if err := ran.done(&done); err != nil || done.Bytes < int64(total) {
		t.Errorf("%d bytes passed, expected %d (%v)", done.Bytes, total, err)
	}
	calls := readTrace(t, dir)
	if calls.threads < 2 || calls.refused == 0 || calls.others == 0 {
		t.Errorf("the trace saw %d threads of the mover, %d refusals there and %d successes in its parent: it is blind", calls.threads, calls.refused, calls.others)
	}
	for _, line := range calls.changed {
		t.Errorf("the mover: %s", line)
	}
	for _, where := range c.found(t, ran.out, ran.err) {
		t.Error(where)
	}
	for _, where := range c.canary.anywhere(t, c.began) {
		t.Error(where)
	}
	if soak {
		c.canary.beneath(t, c.rialto.state)
	}
}

// A tracedRun is what strace saw.
type tracedRun struct {
	threads int      // of the mover
	changed []string // calls of the mover that could change a file, make a socket or start a program, and succeeded
	refused int      // such calls that failed
	others  int      // such calls of other processes that succeeded
}

var (
	beMover   = regexp.MustCompile(`^execve\(.*"mover"\].* = 0$`)
	newThread = regexp.MustCompile(`^clone3?\(.*CLONE_THREAD.* = ([0-9]+)`)
	reading   = regexp.MustCompile(`^(open|openat|openat2)\(`)
	toWrite   = regexp.MustCompile(`O_(WRONLY|RDWR|CREAT|TRUNC|APPEND|TMPFILE)`)
	failed    = regexp.MustCompile(` = -1 E[A-Z]+ \(`)
)

// readTrace reads the files that strace -ff wrote, one a thread. What a mover did
// before it was one, in the moments between fork and exec, is left out.
func readTrace(t *testing.T, dir string) (out tracedRun) {
	t.Helper()
	lines := map[string][]string{}
	paths, err := filepath.Glob(filepath.Join(dir, "t.*"))
	if err != nil {
		t.Fatal(err)
	}
	var todo []string
	for _, path := range paths {
		data, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		id := strings.TrimPrefix(filepath.Ext(path), ".")
		lines[id] = strings.Split(strings.TrimSpace(string(data)), "\n")
		for i, line := range lines[id] {
			if beMover.MatchString(line) {
				lines[id] = lines[id][i+1:]
				todo = append(todo, id)
				break
			}
		}
	}
	ours := map[string]bool{}
	for len(todo) > 0 {
		id := todo[0]
		todo = todo[1:]
		ours[id] = true
		for _, line := range lines[id] {
			if m := newThread.FindStringSubmatch(line); m != nil && !ours[m[1]] {
				todo = append(todo, m[1])
			}
		}
	}
	out.threads = len(ours)
	// "+++" is the end of a thread, "???(" that of one which ended before strace saw a
	// call of it.
	for id, all := range lines {
		for _, line := range all {
			switch {
			case line == "", strings.HasPrefix(line, "+++"), strings.HasPrefix(line, "???("), newThread.MatchString(line), reading.MatchString(line) && !toWrite.MatchString(line):
			case failed.MatchString(line):
				if ours[id] {
					out.refused++
				}
			case ours[id]:
				out.changed = append(out.changed, line)
			default:
				out.others++
			}
		}
	}
	return out
}

// anywhere names the files of this machine's own disks that hold the canary, of
// those that changed since a time.
func (c *canary) anywhere(t *testing.T, since time.Time) (out []string) {
	t.Helper()
	since = since.Add(-time.Second)
	looked := 0
	seen := map[uint64]bool{} // file systems
	for _, root := range []string{"/", os.TempDir(), "/var/tmp", "/home", "/var", "/run", "/dev/shm"} {
		info, err := os.Stat(root)
		if err != nil || seen[fileSystem(info)] {
			continue
		}
		own := fileSystem(info)
		seen[own] = true
		err = filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
			if err != nil { // gone, or not ours to read
				return nil
			}
			info, err := d.Info()
			switch {
			case err != nil:
				return nil
			case d.IsDir() && fileSystem(info) != own:
				return fs.SkipDir
			case !d.Type().IsRegular() || info.ModTime().Before(since) && changed(info).Before(since):
				return nil
			}
			looked++
			if found := c.inFile(path); len(found) > 0 {
				out = append(out, fmt.Sprintf("%s holds it: %v", path, found))
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	if looked == 0 {
		t.Error("the search looked at no file at all")
	}
	return out
}

// fileSystem is the number of the one that holds a file.
func fileSystem(info fs.FileInfo) uint64 {
	st, ok := info.Sys().(*syscall.Stat_t)
	if !ok {
		return 0
	}
	return st.Dev
}

// changed is when a file's inode changed last, which nobody can set.
func changed(info fs.FileInfo) time.Time {
	st, ok := info.Sys().(*syscall.Stat_t)
	if !ok {
		return info.ModTime()
	}
	return time.Unix(st.Ctim.Unix())
}

// inFile looks for the canary in a file of any size.
func (c *canary) inFile(path string) []string {
	f, err := os.Open(path)
	if err != nil {
		return nil
	}
	defer f.Close()
	return c.inStream(f)
}

// inStream looks for the canary in what may be long.
func (c *canary) inStream(r io.Reader) []string {
	const stretch, overlap = 8 << 20, 512
	buf := make([]byte, 0, stretch+overlap)
	for {
		n, err := io.ReadFull(r, buf[len(buf):stretch])
		buf = buf[:len(buf)+n]
		if found := c.plain(buf); len(found) > 0 {
			return found
		}
		if err != nil {
			return nil
		}
		buf = append(buf[:0], buf[len(buf)-overlap:]...)
	}
}

// beneath searches the whole device that holds a folder, deleted files and swap
// files included.
func (c *canary) beneath(t *testing.T, dir string) {
	t.Helper()
	device := deviceOf(t, dir)
	f, err := os.Open(device)
	if err != nil {
		t.Logf("the device below %s is not searched: %v", dir, err)
		return
	}
	defer f.Close()
	syscall.Sync()
	began := time.Now()
	if found := c.inStream(f); len(found) > 0 {
		t.Errorf("the device %s holds it: %v", device, found)
	}
	t.Logf("%s was searched from end to end in %v", device, time.Since(began).Round(time.Second))
}

// deviceOf is the block device of the file system that holds a folder.
func deviceOf(t *testing.T, dir string) string {
	t.Helper()
	f, err := os.Open("/proc/self/mountinfo")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	best, device := "", ""
	for lines := bufio.NewScanner(f); lines.Scan(); {
		// proc_pid_mountinfo(5): …, mount point, options, optional fields, -, type, source, …
		before, after, ok := strings.Cut(lines.Text(), " - ")
		fields, rest := strings.Fields(before), strings.Fields(after)
		if !ok || len(fields) < 5 || len(rest) < 2 {
			continue
		}
		if point := fields[4]; strings.HasPrefix(dir+"/", strings.TrimSuffix(point, "/")+"/") && len(point) >= len(best) {
			best, device = point, rest[1]
		}
	}
	return device
}

// The search finds what is there, over the edge of a stretch too.
func TestAnywhereHasTeeth(t *testing.T) {
	c := newCanary()
	path := filepath.Join(t.TempDir(), "large")
	f, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	for _, at := range []int64{0, 8<<20 - 10, 8<<20 - 520, 20 << 20} {
		if err := f.Truncate(0); err != nil {
			t.Fatal(err)
		}
		if _, err := f.WriteAt(c.raw, at); err != nil {
			t.Fatal(err)
		}
		if err := f.Truncate(24 << 20); err != nil {
			t.Fatal(err)
		}
		if len(c.inFile(path)) == 0 {
			t.Errorf("it is not found at %d", at)
		}
	}
	if len(newCanary().inFile(path)) > 0 {
		t.Error("another's is found")
	}
}
