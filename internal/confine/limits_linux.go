//go:build !rialto_no_limit

package confine

import (
	"fmt"
	"os/signal"
	"syscall"

	"golang.org/x/sys/unix"
)

// limitFiles lets no file grow. The signal that comes with a refused write would
// end the process; without it the write fails with EFBIG, which its caller can
// report.
func limitFiles(Policy) (Mechanism, error) {
	signal.Ignore(syscall.SIGXFSZ)
	if err := unix.Setrlimit(unix.RLIMIT_FSIZE, &unix.Rlimit{}); err != nil {
		return Mechanism{}, fmt.Errorf("the size of files cannot be limited: %w", err)
	}
	return Mechanism{Name: FileSize, Holds: true, Detail: "files may have no byte"}, nil
}
