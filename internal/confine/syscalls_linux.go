//go:build amd64 || arm64

package confine

import "golang.org/x/sys/unix"

// writing are the flags of open(2) that ask for more than to read: those of
// access, and those that make or change a file.
const writing = unix.O_ACCMODE | unix.O_CREAT | unix.O_TRUNC | unix.O_APPEND | unnamed

// unnamed is the bit of O_TMPFILE that O_DIRECTORY does not have.
const unnamed = unix.O_TMPFILE &^ unix.O_DIRECTORY

// rules are what a running mover needs: what the Go runtime does, reading the
// files that were granted, and using connections that it is handed. In a build
// with cgo (for the race detector) the C library's threads need a few more.
func rules(pid int) []rule {
	own := way{{0, wholeInt, uint64(pid)}}
	out := []rule{
		// Connections, which exist already; recvmsg takes them from the parent.
		{nr: unix.SYS_READ}, {nr: unix.SYS_WRITE}, {nr: unix.SYS_READV}, {nr: unix.SYS_WRITEV}, {nr: unix.SYS_RECVMSG},
		{nr: unix.SYS_GETSOCKOPT}, {nr: unix.SYS_SETSOCKOPT}, {nr: unix.SYS_GETSOCKNAME}, {nr: unix.SYS_GETPEERNAME}, {nr: unix.SYS_SHUTDOWN},
		{nr: unix.SYS_CLOSE},
		{nr: unix.SYS_EPOLL_CREATE1}, {nr: unix.SYS_EPOLL_CTL}, {nr: unix.SYS_EPOLL_PWAIT}, {nr: unix.SYS_EVENTFD2}, {nr: unix.SYS_PPOLL},
		{unix.SYS_FCNTL, oneOf(1, unix.F_GETFD, unix.F_SETFD, unix.F_GETFL, unix.F_SETFL, unix.F_DUPFD_CLOEXEC)},

		// Files, for reading.
		{unix.SYS_OPENAT, []way{{{2, writing, 0}}}},
		{nr: unix.SYS_PREAD64}, {nr: unix.SYS_PREADV}, {nr: unix.SYS_LSEEK}, {nr: unix.SYS_FADVISE64},
		{nr: unix.SYS_FSTAT}, {nr: unix.SYS_NEWFSTATAT}, {nr: unix.SYS_STATX}, {nr: unix.SYS_STATFS}, {nr: unix.SYS_FSTATFS},
		{nr: unix.SYS_GETDENTS64}, {nr: unix.SYS_GETCWD}, {nr: unix.SYS_READLINKAT}, {nr: unix.SYS_FACCESSAT},

		// Memory: nothing that others share, nothing that can be executed.
		{unix.SYS_MMAP, []way{{{2, unix.PROT_EXEC, 0}, {3, unix.MAP_SHARED, 0}}}},
		{unix.SYS_MPROTECT, []way{{{2, unix.PROT_EXEC, 0}}}},
		{nr: unix.SYS_MUNMAP}, {nr: unix.SYS_MREMAP}, {nr: unix.SYS_MADVISE}, {nr: unix.SYS_BRK}, {nr: unix.SYS_MINCORE},

		// Threads, never processes.
		{unix.SYS_CLONE, []way{{{0, unix.CLONE_THREAD, unix.CLONE_THREAD}}}},
		{nr: unix.SYS_FUTEX}, {nr: unix.SYS_SCHED_YIELD}, {nr: unix.SYS_SCHED_GETAFFINITY}, {nr: unix.SYS_SET_ROBUST_LIST}, {nr: unix.SYS_RSEQ},
		{nr: unix.SYS_MEMBARRIER}, {nr: unix.SYS_EXIT}, {nr: unix.SYS_EXIT_GROUP},

		// Signals, to itself.
		{nr: unix.SYS_RT_SIGACTION}, {nr: unix.SYS_RT_SIGPROCMASK}, {nr: unix.SYS_RT_SIGRETURN}, {nr: unix.SYS_SIGALTSTACK}, {nr: unix.SYS_RESTART_SYSCALL},
		{unix.SYS_TGKILL, []way{own}}, {unix.SYS_KILL, []way{own}},

		// Time, chance, and what the process is.
		{nr: unix.SYS_NANOSLEEP}, {nr: unix.SYS_CLOCK_NANOSLEEP}, {nr: unix.SYS_CLOCK_GETTIME}, {nr: unix.SYS_CLOCK_GETRES}, {nr: unix.SYS_GETTIMEOFDAY},
		{nr: unix.SYS_GETRANDOM},
		{nr: unix.SYS_GETPID}, {nr: unix.SYS_GETTID}, {nr: unix.SYS_GETPPID}, {nr: unix.SYS_GETUID}, {nr: unix.SYS_GETEUID}, {nr: unix.SYS_GETGID}, {nr: unix.SYS_GETEGID},
		{nr: unix.SYS_UNAME}, {nr: unix.SYS_SYSINFO}, {nr: unix.SYS_GETRUSAGE}, {nr: unix.SYS_GETCPU}, {nr: unix.SYS_GETRLIMIT},
		{unix.SYS_PRLIMIT64, []way{{{2, whole, 0}}}}, // which asks, and sets nothing
		{unix.SYS_PRCTL, oneOf(0, unix.PR_SET_VMA, unix.PR_GET_DUMPABLE, unix.PR_GET_NO_NEW_PRIVS, unix.PR_GET_SECCOMP)},
	}
	return append(out, archRules()...)
}

// oneOf are the ways in which an argument is one of the values.
func oneOf(arg int, values ...uint64) (out []way) {
	for _, v := range values {
		out = append(out, way{{arg, wholeInt, v}})
	}
	return out
}
