package confine

import (
	"errors"
	"os"
	"path/filepath"
	"runtime"
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"
)

// An attempt is one thing that a confined process must not be able to do.
type attempt struct {
	name string
	// rare is set where it may fail in an unconfined process as well: without
	// privileges, or on a kernel that lacks it.
	rare bool
	do   func(victim string) error
}

// attempts are the ways in which content could leave the process other than by
// the connections that it was handed. They speak to the kernel directly, as a
// library in C would.
func attempts() []attempt {
	file := func(victim string) string { return filepath.Join(victim, "file") }
	socket := func(family, kind, protocol int) func(string) error {
		return func(string) error { return opened(unix.Socket(family, kind|unix.SOCK_CLOEXEC, protocol)) }
	}
	open := func(flags int) func(string) error {
		return func(v string) error { return opened(unix.Open(file(v), flags|unix.O_CLOEXEC, 0o600)) }
	}
	return []attempt{
		// The network. Landlock knows TCP alone, and of that binding and connecting.
		{"a socket for UDP", false, socket(unix.AF_INET, unix.SOCK_DGRAM, 0)},
		{"a socket for UDP over IPv6", true, socket(unix.AF_INET6, unix.SOCK_DGRAM, 0)},
		{"a socket for MPTCP", true, socket(unix.AF_INET, unix.SOCK_STREAM, unix.IPPROTO_MPTCP)},
		{"a socket for TCP", false, socket(unix.AF_INET, unix.SOCK_STREAM, 0)},
		{"a socket in the file system", false, socket(unix.AF_UNIX, unix.SOCK_STREAM, 0)},
		{"a raw socket", true, socket(unix.AF_INET, unix.SOCK_RAW, unix.IPPROTO_UDP)},
		{"a socket for packets", true, socket(unix.AF_PACKET, unix.SOCK_RAW, 0)},
		{"a socket to the host of a virtual machine", true, socket(unix.AF_VSOCK, unix.SOCK_STREAM, 0)},
		{"a socket to the kernel", false, socket(unix.AF_NETLINK, unix.SOCK_RAW, 0)},
		{"a socket to the kernel's ciphers", true, socket(unix.AF_ALG, unix.SOCK_SEQPACKET, 0)},
		{"a pair of sockets", false, func(string) error {
			fds, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
			if err == nil {
				unix.Close(fds[1])
			}
			return opened(fds[0], err)
		}},

		// Files.
		{"a file in memory", false, func(string) error { return opened(unix.MemfdCreate("attempt", unix.MFD_CLOEXEC)) }},
		{"opening to write", false, open(unix.O_WRONLY)},
		{"opening to read and write", false, open(unix.O_RDWR)},
		{"opening to append", false, open(unix.O_WRONLY | unix.O_APPEND)},
		{"opening empties it", false, open(unix.O_RDONLY | unix.O_TRUNC)},
		{"opening makes it", false, func(v string) error {
			return opened(unix.Open(filepath.Join(v, "new"), unix.O_RDONLY|unix.O_CREAT|unix.O_CLOEXEC, 0o600))
		}},
		{"opening makes one without a name", true, func(v string) error {
			return opened(unix.Open(v, unix.O_TMPFILE|unix.O_WRONLY|unix.O_CLOEXEC, 0o600))
		}},
		{"opening by openat2", true, func(v string) error {
			return opened(unix.Openat2(unix.AT_FDCWD, file(v), &unix.OpenHow{Flags: unix.O_WRONLY | unix.O_CLOEXEC}))
		}},
		{"truncate", false, func(v string) error { return unix.Truncate(file(v), 0) }},
		{"mkdir", false, func(v string) error { return unix.Mkdir(filepath.Join(v, "folder"), 0o700) }},
		{"link", true, func(v string) error { return unix.Link(file(v), filepath.Join(v, "link")) }},
		{"symlink", false, func(v string) error { return unix.Symlink("content", filepath.Join(v, "symlink")) }},
		{"mknod", false, func(v string) error { return unix.Mknod(filepath.Join(v, "pipe"), unix.S_IFIFO|0o600, 0) }},
		{"chmod", false, func(v string) error { return unix.Chmod(file(v), 0o640) }},
		{"utimes", false, func(v string) error { return unix.Utimes(file(v), []unix.Timeval{{}, {}}) }},
		{"setxattr", true, func(v string) error { return unix.Setxattr(file(v), "user.attempt", []byte("content"), 0) }},
		{"mount", true, func(v string) error {
			err := unix.Mount("none", v, "tmpfs", unix.MS_RDONLY, "")
			if err == nil {
				err = unix.Unmount(v, 0)
			}
			return err
		}},
		{"rename", false, func(v string) error { return unix.Rename(file(v), filepath.Join(v, "renamed")) }},
		{"unlink", false, func(v string) error { return unix.Unlink(filepath.Join(v, "renamed")) }},
		{"io_uring", true, func(string) error {
			var params [120]byte
			fd, _, errno := unix.Syscall(unix.SYS_IO_URING_SETUP, 1, uintptr(unsafe.Pointer(&params)), 0)
			return opened(int(fd), number(errno))
		}},

		// Other processes and programs.
		{"exec", false, func(string) error { return pretend("/bin/true") }},
		{"fork", false, fork},
		{"ptrace", false, func(string) error {
			const nobody = 1<<30 - 1 // no process has such a number: to hear so means that the call was let through
			_, _, errno := unix.Syscall6(unix.SYS_PTRACE, unix.PTRACE_SEIZE, nobody, 0, 0, 0, 0)
			if errno == unix.ESRCH {
				return nil
			}
			return number(errno)
		}},
		{"writing to another's memory", true, func(string) error {
			var b [1]byte
			local, remote := []unix.Iovec{{Base: &b[0]}}, []unix.RemoteIovec{{Base: 1 << 20}}
			local[0].SetLen(0)
			remote[0].Len = 0
			_, err := unix.ProcessVMWritev(os.Getppid(), local, remote, 0)
			return err
		}},
		{"a signal to another", false, func(string) error { return unix.Kill(os.Getppid(), 0) }},
		{"memory that others share", false, func(string) error { return mapped(unix.PROT_READ|unix.PROT_WRITE, unix.MAP_SHARED) }},
		{"memory to execute", false, func(string) error { return mapped(unix.PROT_READ|unix.PROT_EXEC, unix.MAP_PRIVATE) }},
		{"a larger limit", true, func(string) error {
			return unix.Setrlimit(unix.RLIMIT_FSIZE, &unix.Rlimit{Cur: unix.RLIM_INFINITY, Max: unix.RLIM_INFINITY})
		}},
		{"dumpable again", false, func(string) error { return unix.Prctl(unix.PR_SET_DUMPABLE, 1, 0, 0, 0) }},
		{"memory that may be swapped again", false, func(string) error { return unix.Munlockall() }},
	}
}

func opened(fd int, err error) error {
	if err == nil {
		unix.Close(fd)
	}
	return err
}

func number(errno unix.Errno) error {
	if errno == 0 {
		return nil
	}
	return errno
}

func mapped(prot, flags int) error {
	b, err := unix.Mmap(-1, 0, 4096, prot, flags|unix.MAP_ANON)
	if err == nil {
		unix.Munmap(b)
	}
	return err
}

// pretend executes a program that is not there in this very process: an answer
// about the file means that the call itself was let through.
func pretend(string) error {
	err := syscall.Exec("/nothing/of/this/name", nil, nil)
	if errors.Is(err, unix.ENOENT) {
		return nil
	}
	return err
}

// fork makes a process that ends at once.
func fork(string) error {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	pid, err := syscall.ForkExec("/bin/true", []string{"true"}, &syscall.ProcAttr{})
	if err == nil {
		var status unix.WaitStatus
		unix.Wait4(pid, &status, 0, nil)
	}
	return err
}

func tryAll(victim string) map[string]string {
	out := map[string]string{}
	for _, a := range attempts() {
		out[a.name] = text(a.do(victim))
	}
	return out
}

// inFlight opens victim's file "late" for writing and lets the descriptor wait in
// a socket, where nothing that looks at open descriptors sees it. What it returns
// takes it out and writes.
func inFlight(victim string) (write func() error) {
	if victim == "" {
		return nil
	}
	must := func(err error) {
		if err != nil {
			panic(err)
		}
	}
	fd, err := unix.Open(filepath.Join(victim, "late"), unix.O_CREAT|unix.O_WRONLY|unix.O_CLOEXEC, 0o600)
	must(err)
	ends, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
	must(err)
	must(unix.Sendmsg(ends[0], []byte{1}, unix.UnixRights(fd), nil, 0))
	must(unix.Close(fd))
	return func() error {
		var one [1]byte
		oob := make([]byte, unix.CmsgSpace(4))
		_, n, _, _, err := unix.Recvmsg(ends[1], one[:], oob, unix.MSG_CMSG_CLOEXEC)
		must(err)
		messages, err := unix.ParseSocketControlMessage(oob[:n])
		must(err)
		rights, err := unix.ParseUnixRights(&messages[0])
		must(err)
		_, err = unix.Write(rights[0], []byte("canary"))
		return err
	}
}

// mayDump lifts the limit of core files as far as the process may, so that
// what Enter does to it can be seen.
func mayDump() {
	var limit unix.Rlimit
	if unix.Getrlimit(unix.RLIMIT_CORE, &limit) == nil {
		limit.Cur = limit.Max
		unix.Setrlimit(unix.RLIMIT_CORE, &limit)
	}
}

func dumpable() bool {
	v, err := unix.PrctlRetInt(unix.PR_GET_DUMPABLE, 0, 0, 0, 0)
	return err != nil || v != 0
}
