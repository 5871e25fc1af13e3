//go:build !rialto_no_seccomp

package confine

import (
	"fmt"
	"runtime"
	"unsafe"

	"golang.org/x/sys/unix"
)

// filtered puts the filter of system calls in force, for all threads at once.
// https://docs.kernel.org/userspace-api/seccomp_filter.html
func filtered(Policy) (Mechanism, error) {
	if !knownArch {
		return Mechanism{}, unavailable(Seccomp, "this program knows the system calls of amd64 and arm64 alone, not of "+runtime.GOARCH, "use such a machine")
	}
	program, err := assemble(auditArch, rules(unix.Getpid()))
	if err != nil {
		return Mechanism{}, fmt.Errorf("the filter of system calls cannot be made: %w", err)
	}
	if err := unix.Prctl(unix.PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0); err != nil {
		return Mechanism{}, unavailable(Seccomp, "no_new_privs was refused: "+err.Error(), "use a kernel that grants it")
	}
	load := unix.SockFprog{Len: uint16(len(program)), Filter: &program[0]}
	thread, _, errno := unix.Syscall(unix.SYS_SECCOMP, unix.SECCOMP_SET_MODE_FILTER, unix.SECCOMP_FILTER_FLAG_TSYNC, uintptr(unsafe.Pointer(&load)))
	runtime.KeepAlive(program)
	switch {
	case errno != 0:
		return Mechanism{}, unavailable(Seccomp, "the kernel refused the filter: "+errno.Error(), "use a kernel with CONFIG_SECCOMP_FILTER, in a container that does not forbid it")
	case thread != 0:
		return Mechanism{}, fmt.Errorf("the filter of system calls does not hold for thread %d, which has another; run the program without tools that filter its threads", thread)
	}
	return Mechanism{Name: Seccomp, Holds: true, Detail: "no socket, no connection, no program, no process, no writable file"}, nil
}
