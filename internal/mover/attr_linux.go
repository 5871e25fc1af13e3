package mover

import (
	"os"
	"syscall"
)

// ownProgram is this program's file. The kernel's link names the very file
// that is running, also after an update put another in its place: both ends of
// the line are always of one build.
func ownProgram() (string, error) {
	const link = "/proc/self/exe"
	if _, err := os.Stat(link); err == nil {
		return link, nil
	}
	return os.Executable()
}

// attributes give the mover a process group of its own, so that Ctrl-C on a
// terminal reaches the parent alone, and let the kernel kill it with the
// parent.
func attributes() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
}
