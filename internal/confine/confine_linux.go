package confine

import (
	"errors"
	"syscall"

	ll "github.com/landlock-lsm/go-landlock/landlock/syscall"
	"golang.org/x/sys/unix"
)

var errReadOnly = error(syscall.EROFS)

// Available reports whether this system's kernel and processor are among those
// on which a process can be confined.
func Available() bool {
	v, err := ll.LandlockGetABIVersion()
	return err == nil && v >= landlockVersion && knownArch
}

// mechanisms enter one mechanism each. Seccomp comes last: it refuses what the
// others need.
func mechanisms() []func(Policy) (Mechanism, error) {
	return []func(Policy) (Mechanism, error){disarmDescriptors, limitFiles, noDumps, noSwap, landlocked, filtered}
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
