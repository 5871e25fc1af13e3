package confine

import (
	"fmt"
	"io/fs"
	"path"
	"strings"

	"golang.org/x/sys/unix"
)

// unswapped reports whether nothing of this process can be swapped to a disk in
// the clear, and why. root is the file system's.
func unswapped(root fs.FS) (why string, ok bool) {
	table, err := fs.ReadFile(root, "proc/swaps")
	if err != nil {
		return "whether there is swap cannot be read", false
	}
	if group, ok := groupWithoutSwap(root); ok {
		return "the control group " + group + " may have no swap", true
	}
	lines := strings.Split(strings.TrimSpace(string(table)), "\n")[1:]
	for _, line := range lines {
		area, _, _ := strings.Cut(line, " ")
		area, _, _ = strings.Cut(area, "\t")
		if !inMemory(root, area) && !encrypted(root, area) {
			return fmt.Sprintf("memory cannot be locked, and it may be swapped to %s in the clear", area), false
		}
	}
	if len(lines) == 0 {
		return "memory is not locked, but there is no swap", true
	}
	return "memory is not locked, but all swap is encrypted or in memory", true
}

// inMemory reports whether a swap area is compressed memory without a disk
// behind it. https://docs.kernel.org/admin-guide/blockdev/zram.html
func inMemory(root fs.FS, area string) bool {
	name := path.Base(area)
	if !strings.HasPrefix(name, "zram") || path.Dir(area) != "/dev" {
		return false
	}
	if _, err := fs.Stat(root, "sys/block/"+name); err != nil {
		return false
	}
	behind, err := fs.ReadFile(root, "sys/block/"+name+"/backing_dev")
	return err != nil || strings.TrimSpace(string(behind)) == "none" // a kernel without the file knows no disk behind it
}

// encrypted reports whether a swap area is a mapping of dm-crypt, whose
// identifiers begin with CRYPT-. The kernel lists them as /dev/dm-N.
func encrypted(root fs.FS, area string) bool {
	id, err := fs.ReadFile(root, "sys/block/"+path.Base(area)+"/dm/uuid")
	return err == nil && path.Dir(area) == "/dev" && strings.HasPrefix(string(id), "CRYPT-")
}

// groupWithoutSwap finds a control group around this process that may have no
// swap. https://docs.kernel.org/admin-guide/cgroup-v2.html, memory.swap.max
func groupWithoutSwap(root fs.FS) (string, bool) {
	own, err := fs.ReadFile(root, "proc/self/cgroup")
	if err != nil {
		return "", false
	}
	for line := range strings.Lines(string(own)) {
		group, ok := strings.CutPrefix(strings.TrimSpace(line), "0::/")
		if !ok {
			continue
		}
		for dir := path.Join("sys/fs/cgroup", group); strings.HasPrefix(dir, "sys/fs/cgroup"); dir = path.Dir(dir) {
			most, err := fs.ReadFile(root, dir+"/memory.swap.max")
			if err == nil && strings.TrimSpace(string(most)) == "0" {
				return "/" + dir, true
			}
		}
	}
	return "", false
}

// mayLock reports whether no limit applies to locked memory: a limit that is
// merely high would be reached in the middle of a run, and end it.
func mayLock() bool {
	var limit unix.Rlimit
	if unix.Getrlimit(unix.RLIMIT_MEMLOCK, &limit) == nil && limit.Cur == unix.RLIM_INFINITY {
		return true
	}
	head := unix.CapUserHeader{Version: unix.LINUX_CAPABILITY_VERSION_3}
	var caps [2]unix.CapUserData
	return unix.Capget(&head, &caps[0]) == nil && caps[0].Effective&(1<<unix.CAP_IPC_LOCK) != 0
}
