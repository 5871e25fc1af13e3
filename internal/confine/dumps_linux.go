//go:build !rialto_no_dumps

package confine

import (
	"fmt"

	"golang.org/x/sys/unix"
)

// noDumps keeps the process's memory out of core files. A collector named in
// kernel.core_pattern ignores a limit of 0, hence not dumpable as well
// (core(5), PR_SET_DUMPABLE(2const)).
func noDumps(Policy) (Mechanism, error) {
	if err := unix.Setrlimit(unix.RLIMIT_CORE, &unix.Rlimit{}); err != nil {
		return Mechanism{}, fmt.Errorf("core dumps cannot be switched off: %w", err)
	}
	if err := unix.Prctl(unix.PR_SET_DUMPABLE, 0, 0, 0, 0); err != nil {
		return Mechanism{}, fmt.Errorf("core dumps cannot be switched off: %w", err)
	}
	return Mechanism{Name: CoreDumps, Holds: true, Detail: "size 0, and the process is not dumpable"}, nil
}
