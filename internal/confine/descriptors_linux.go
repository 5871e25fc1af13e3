//go:build !rialto_no_descriptors

package confine

import (
	"fmt"
	"os"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// lastStream is the descriptor of standard error.
const lastStream = 2

// disarmDescriptors points at /dev/null what this process did not open itself,
// and every file or block device that is open for writing. The numbers stay
// taken, so that nobody's later write reaches something else.
func disarmDescriptors(Policy) (Mechanism, error) {
	disarmed, err := disarm()
	if err != nil {
		return Mechanism{}, fmt.Errorf("the descriptors that this process inherited cannot be checked: %w; give --unconfined to go on without", err)
	}
	detail := "nothing was inherited open"
	if len(disarmed) > 0 {
		detail = fmt.Sprintf("%d that were inherited open now lead nowhere (%s)", len(disarmed), strings.Trim(fmt.Sprint(disarmed), "[]"))
	}
	return Mechanism{Name: Descriptors, Holds: true, Detail: detail}, nil
}

func disarm() (disarmed []int, err error) {
	dir, err := os.Open("/proc/self/fd")
	if err != nil {
		return nil, err
	}
	names, err := dir.Readdirnames(-1)
	dir.Close()
	if err != nil {
		return nil, err
	}
	for _, name := range names {
		fd, err := strconv.Atoi(name)
		if err != nil || !inherited(fd) && !writableFile(fd) {
			continue
		}
		if err := pointNowhere(fd); err != nil {
			return disarmed, err
		}
		disarmed = append(disarmed, fd)
	}
	return disarmed, nil
}

// inherited reports whether fd came through exec. Whatever Go opens is marked to
// be closed by exec, so nothing of the process's own is without that mark. The
// standard streams are meant.
func inherited(fd int) bool {
	flags, err := unix.FcntlInt(uintptr(fd), unix.F_GETFD, 0)
	return err == nil && flags&unix.FD_CLOEXEC == 0 && fd > lastStream
}

func writableFile(fd int) bool {
	flags, err := unix.FcntlInt(uintptr(fd), unix.F_GETFL, 0)
	if err != nil || flags&unix.O_ACCMODE == unix.O_RDONLY || flags&unix.O_PATH != 0 {
		return false
	}
	var st unix.Stat_t
	if unix.Fstat(fd, &st) != nil {
		return false
	}
	switch st.Mode & unix.S_IFMT {
	case unix.S_IFREG, unix.S_IFBLK:
		return true
	}
	return false
}

// pointNowhere leaves fd at /dev/null, open to read: nothing of a mover is ever
// open to write.
func pointNowhere(fd int) error {
	null, err := unix.Open("/dev/null", unix.O_RDONLY|unix.O_CLOEXEC, 0)
	if err != nil {
		return err
	}
	defer unix.Close(null)
	return unix.Dup3(null, fd, unix.O_CLOEXEC)
}
