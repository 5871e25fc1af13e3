//go:build !rialto_no_swap

package confine

import (
	"fmt"
	"os"

	"golang.org/x/sys/unix"
)

// noSwap locks the process's memory, what it will have included, as it comes
// into use. A process that is not privileged may lock a few MiB only, less than
// Go's runtime merely reserves; then there must be no swap that could hold its
// memory in the clear.
func noSwap(Policy) (Mechanism, error) {
	if mayLock() {
		err := unix.Mlockall(unix.MCL_CURRENT | unix.MCL_FUTURE | unix.MCL_ONFAULT)
		if err == nil {
			return Mechanism{Name: Swap, Holds: true, Detail: "memory is locked"}, nil
		}
		if err != unix.ENOSYS && err != unix.EPERM && err != unix.ENOMEM {
			return Mechanism{}, fmt.Errorf("memory cannot be locked: %w", err)
		}
	}
	why, ok := unswapped(os.DirFS("/"))
	if !ok {
		return Mechanism{}, unavailable(Swap, why, "turn swap off or encrypt it, or let this program lock memory (ulimit -l unlimited), "+
			"or put it where nothing is swapped: systemd-run --user --scope -p MemorySwapMax=0 rialto …")
	}
	return Mechanism{Name: Swap, Holds: true, Detail: why}, nil
}
