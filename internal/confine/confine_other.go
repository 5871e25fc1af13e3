//go:build !linux

package confine

import (
	"errors"
	"fmt"
	"syscall"
)

var errReadOnly = error(syscall.EROFS)

// Available reports whether this system can confine a process.
func Available() bool { return false }

func enter(Policy) (Report, error) {
	return Report{}, fmt.Errorf("%w: Landlock exists on Linux alone; run on Linux, or give --unconfined to go on without the guarantee that content never touches the disk",
		ErrUnavailable)
}

func createUnnamed(string) error { return errors.ErrUnsupported }
