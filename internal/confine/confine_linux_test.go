package confine

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

func needLandlock(t *testing.T) {
	t.Helper()
	if !Available() {
		t.Skip("this kernel lacks Landlock (Linux 5.13 or later, with landlock among lsm=)")
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

func TestLandlockDetail(t *testing.T) {
	for _, c := range []struct {
		version, offered int
		refused          []string
		want, not        string
	}{
		{11, 11, nil, "version 11", "does not cover"},
		{11, 14, nil, "the kernel offers 14", "does not cover"},
		{7, 7, nil, "sockets in the file system", "emptying"},
		{2, 2, nil, "emptying existing files", "offers"},
		{6, 7, []string{"7"}, "refused 7", "emptying"},
	} {
		got := landlockDetail(c.version, c.offered, c.refused)
		if !strings.Contains(got, c.want) || strings.Contains(got, c.not) {
			t.Errorf("version %d of %d: %q", c.version, c.offered, got)
		}
	}
}
