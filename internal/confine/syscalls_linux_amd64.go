package confine

import "golang.org/x/sys/unix"

const (
	knownArch = true
	auditArch = unix.AUDIT_ARCH_X86_64
)

// archRules are the calls that newer architectures do without.
func archRules() []rule {
	return []rule{
		{unix.SYS_OPEN, []way{{{1, writing, 0}}}},
		{nr: unix.SYS_STAT}, {nr: unix.SYS_LSTAT}, {nr: unix.SYS_ACCESS}, {nr: unix.SYS_READLINK},
		{nr: unix.SYS_EPOLL_WAIT}, {nr: unix.SYS_POLL}, {nr: unix.SYS_TIME},
	}
}
