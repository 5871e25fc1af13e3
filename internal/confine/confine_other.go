//go:build !linux

package confine

import (
	"errors"
	"syscall"
)

var errReadOnly = error(syscall.EROFS)

// Available reports whether this system can confine a process.
func Available() bool { return false }

func mechanisms() []func(Policy) (Mechanism, error) {
	return []func(Policy) (Mechanism, error){func(Policy) (Mechanism, error) {
		return Mechanism{}, unavailable(Landlock, "it exists on Linux alone", "run on Linux")
	}}
}

func createUnnamed(string) error { return errors.ErrUnsupported }
