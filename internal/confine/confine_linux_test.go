package confine

import (
	"os"
	"path/filepath"
	"testing"

	"golang.org/x/sys/unix"
)

func needLandlock(t *testing.T) {
	t.Helper()
	if !Available() {
		t.Skip("this system cannot confine a process: it needs Linux 6.7 or later with landlock among lsm=, on amd64 or arm64")
	}
}

// The kernel's own count grows when a process does write: the zero that
// confined processes show is not a broken gauge. Temporary folders in memory
// do not count, so this writes beside the test.
func TestMeterSeesWrites(t *testing.T) {
	dir, err := os.MkdirTemp(".", "meter-*")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	abs, err := filepath.Abs(dir)
	if err != nil {
		t.Fatal(err)
	}
	var fs unix.Statfs_t
	if err := unix.Statfs(abs, &fs); err == nil && (fs.Type == unix.TMPFS_MAGIC || fs.Type == unix.RAMFS_MAGIC) {
		t.Skip("this folder is kept in memory, where the kernel counts no writes")
	}
	out := confined(t, task{Policy: Policy{Unconfined: true}, Threads: 4, Dir: abs})
	if out.Written < 4*64<<10 {
		t.Errorf("four files of 64 KiB count as %d bytes (%s)", out.Written, out.MeterErr)
	}
}
