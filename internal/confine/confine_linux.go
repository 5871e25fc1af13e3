package confine

import (
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"
	"syscall"

	"github.com/landlock-lsm/go-landlock/landlock"
	ll "github.com/landlock-lsm/go-landlock/landlock/syscall"
	"golang.org/x/sys/unix"
)

var errReadOnly = error(syscall.EROFS)

// Rights that a grant gives. Neither lets a file be executed.
const (
	readRights  landlock.AccessFSSet = ll.AccessFSReadFile | ll.AccessFSReadDir
	writeRights landlock.AccessFSSet = readRights | ll.AccessFSWriteFile | ll.AccessFSTruncate | ll.AccessFSMakeReg |
		ll.AccessFSMakeDir | ll.AccessFSRemoveFile | ll.AccessFSRemoveDir | ll.AccessFSRefer
	// fileRights are those that can be granted on a file that is no folder.
	fileRights landlock.AccessFSSet = ll.AccessFSReadFile
)

// versions are the versions of Landlock that this program knows how to
// demand; a kernel offers all up to its own.
func versions() []landlock.Config {
	return []landlock.Config{landlock.V1, landlock.V2, landlock.V3, landlock.V4, landlock.V5, landlock.V6, landlock.V7,
		landlock.V8, landlock.V9, landlock.V10, landlock.V11}
}

// Available reports whether this system can confine a process.
func Available() bool {
	v, err := ll.LandlockGetABIVersion()
	return err == nil && v >= 1
}

func enter(p Policy) (Report, error) {
	var r Report
	offered, err := ll.LandlockGetABIVersion()
	if err != nil || offered < 1 {
		return r, fmt.Errorf("%w: its kernel lacks Landlock (Linux 5.13 or later with \"landlock\" among the lsm= of the boot line, "+
			"and a container that does not forbid it); use such a system, or give --unconfined to go on without the guarantee that content never touches the disk",
			ErrUnavailable)
	}
	r.Offered = offered
	nulled, err := disarmDescriptors()
	if err != nil {
		return r, fmt.Errorf("the descriptors that this process inherited cannot be checked: %w; give --unconfined to go on without", err)
	}
	r.Mechanisms = append(r.Mechanisms, Mechanism{Name: Descriptors, Holds: true, Detail: nulledDetail(nulled)})
	if err := noDumps(); err != nil {
		return r, fmt.Errorf("core dumps cannot be switched off: %w", err)
	}
	r.Mechanisms = append(r.Mechanisms, Mechanism{Name: CoreDumps, Holds: true, Detail: "size 0, and the process is not dumpable"})

	var refused []string
	for v := min(offered, len(versions())); v >= 1; v-- {
		err := demand(v, p)
		if err == nil {
			r.Landlock = v
			break
		}
		if errors.Is(err, os.ErrNotExist) || v == 1 {
			return r, fmt.Errorf("%w: Landlock version %d was refused: %w; give --unconfined to go on without the guarantee that content never touches the disk",
				ErrUnavailable, v, err)
		}
		refused = append(refused, strconv.Itoa(v))
	}
	r.Mechanisms = append(r.Mechanisms,
		Mechanism{Name: Landlock, Holds: true, Detail: landlockDetail(r.Landlock, offered, refused)},
		Mechanism{Name: Privileges, Holds: noNewPrivileges(), Detail: "no_new_privs is set"})
	if !noNewPrivileges() {
		return r, errors.New("no_new_privs is not in force although Landlock is; this should not happen, please report it with the kernel's version")
	}
	return r, nil
}

// demand puts one version of Landlock in force, for files and, from version 6
// on, for signals and abstract sockets to processes outside. TCP ports stay
// open: the mover talks to clouds at any port.
func demand(version int, p Policy) error {
	c := versions()[version-1]
	c.HandledAccessNet = 0
	var rules []landlock.Rule
	for _, path := range p.ReadPaths {
		rules = append(rules, landlock.PathAccess(rightsFor(path, readRights)&c.HandledAccessFS, path))
	}
	for _, path := range p.WritePaths {
		rules = append(rules, landlock.PathAccess(writeRights&c.HandledAccessFS, path))
	}
	return c.Restrict(rules...)
}

func rightsFor(path string, rights landlock.AccessFSSet) landlock.AccessFSSet {
	if info, err := os.Stat(path); err == nil && !info.IsDir() {
		return rights & fileRights
	}
	return rights
}

func landlockDetail(version, offered int, refused []string) string {
	detail := fmt.Sprintf("version %d", version)
	if offered > version && len(refused) == 0 {
		detail += fmt.Sprintf(" (the kernel offers %d, of which this program knows %d)", offered, version)
	}
	if len(refused) > 0 {
		detail += fmt.Sprintf(" (the kernel offers %d but refused %s)", offered, strings.Join(refused, ", "))
	}
	// Documentation/userspace-api/landlock.rst of the Linux kernel, "Previous limitations".
	var open []string
	for _, limit := range []struct {
		from int
		what string
	}{
		{3, "emptying existing files"},
		{5, "ioctl on devices"},
		{6, "signals and abstract sockets to other processes"},
		{9, "sockets in the file system"},
	} {
		if version < limit.from {
			open = append(open, limit.what)
		}
	}
	if len(open) > 0 {
		detail += "; this version does not cover " + strings.Join(open, ", ")
	}
	return detail
}

// noDumps keeps the process's memory out of core files. A collector named in
// kernel.core_pattern ignores a limit of 0, hence not dumpable as well
// (core(5), PR_SET_DUMPABLE(2const)).
func noDumps() error {
	if err := unix.Setrlimit(unix.RLIMIT_CORE, &unix.Rlimit{}); err != nil {
		return err
	}
	return unix.Prctl(unix.PR_SET_DUMPABLE, 0, 0, 0, 0)
}

func noNewPrivileges() bool {
	v, err := unix.PrctlRetInt(unix.PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0)
	return err == nil && v == 1
}

// disarmDescriptors points every open descriptor of a file or block device
// that can be written at /dev/null, and returns their numbers. The numbers
// stay taken, so that nobody's later write reaches another file.
func disarmDescriptors() ([]int, error) {
	dir, err := os.Open("/proc/self/fd")
	if err != nil {
		return nil, err
	}
	names, err := dir.Readdirnames(-1)
	dir.Close()
	if err != nil {
		return nil, err
	}
	null, err := unix.Open("/dev/null", unix.O_RDWR|unix.O_CLOEXEC, 0)
	if err != nil {
		return nil, err
	}
	defer unix.Close(null)
	var nulled []int
	for _, name := range names {
		fd, err := strconv.Atoi(name)
		if err != nil || !writableFile(fd) {
			continue
		}
		if err := unix.Dup3(null, fd, unix.O_CLOEXEC); err != nil {
			return nulled, err
		}
		nulled = append(nulled, fd)
	}
	return nulled, nil
}

func writableFile(fd int) bool {
	flags, err := unix.FcntlInt(uintptr(fd), unix.F_GETFL, 0)
	if err != nil || flags&unix.O_ACCMODE == unix.O_RDONLY || flags&unix.O_PATH != 0 {
		return false
	}
	var st unix.Stat_t
	if unix.Fstat(fd, &st) != nil {
		return false
	}
	switch st.Mode & unix.S_IFMT {
	case unix.S_IFREG, unix.S_IFBLK:
		return true
	}
	return false
}

func nulledDetail(fds []int) string {
	if len(fds) == 0 {
		return "no file was inherited open for writing"
	}
	return fmt.Sprintf("%d files that were inherited open for writing now lead nowhere (descriptors %s)", len(fds), strings.Trim(fmt.Sprint(fds), "[]"))
}

// createUnnamed makes a file that has no name (O_TMPFILE), which a rule on
// names alone would miss.
func createUnnamed(dir string) error {
	fd, err := unix.Open(dir, unix.O_TMPFILE|unix.O_RDWR|unix.O_CLOEXEC, 0o600)
	if errors.Is(err, unix.EISDIR) {
		return errors.ErrUnsupported // a file system without unnamed files
	}
	if err != nil {
		return err
	}
	return unix.Close(fd)
}
