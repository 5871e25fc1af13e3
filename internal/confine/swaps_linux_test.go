package confine

import (
	"strings"
	"testing"
	"testing/fstest"
)

func TestUnswapped(t *testing.T) {
	const head = "Filename\t\t\t\tType\t\tSize\t\tUsed\t\tPriority\n"
	file := func(text string) *fstest.MapFile { return &fstest.MapFile{Data: []byte(text)} }
	for _, c := range []struct {
		name   string
		swaps  string
		others map[string]string
		want   string
		ok     bool
	}{
		{"no swap", head, nil, "there is no swap", true},
		{"a file", head + "/swap.img                               file\t\t4194300\t\t0\t\t-2\n", nil, "/swap.img in the clear", false},
		{"a partition", head + "/dev/nvme0n1p3\tpartition\t1\t0\t-2\n", nil, "/dev/nvme0n1p3 in the clear", false},
		{"an encrypted one", head + "/dev/dm-1 partition\t1\t0\t-2\n", map[string]string{"sys/block/dm-1/dm/uuid": "CRYPT-PLAIN-cryptswap1\n"}, "encrypted", true},
		{"a logical volume", head + "/dev/dm-1 partition\t1\t0\t-2\n", map[string]string{"sys/block/dm-1/dm/uuid": "LVM-abc\n"}, "/dev/dm-1 in the clear", false},
		{"compressed memory", head + "/dev/zram0 partition\t1\t0\t100\n", map[string]string{"sys/block/zram0/disksize": "1\n", "sys/block/zram0/backing_dev": "none\n"}, "in memory", true},
		{"compressed memory of an older kernel", head + "/dev/zram0 partition\t1\t0\t100\n", map[string]string{"sys/block/zram0/disksize": "1\n"}, "in memory", true},
		{"compressed memory with a disk behind it", head + "/dev/zram0 partition\t1\t0\t100\n", map[string]string{"sys/block/zram0/backing_dev": "/dev/sda3\n"}, "/dev/zram0 in the clear", false},
		{"a file that is called so", head + "/home/zram0 file\t1\t0\t-2\n", map[string]string{"sys/block/zram0/backing_dev": "none\n"}, "/home/zram0 in the clear", false},
		{"one of each", head + "/dev/zram0 partition\t1\t0\t100\n/swap.img file\t1\t0\t-2\n", map[string]string{"sys/block/zram0/backing_dev": "none\n"}, "/swap.img in the clear", false},
		{"a group without swap", head + "/swap.img file\t1\t0\t-2\n", map[string]string{"proc/self/cgroup": "0::/user.slice/run-1.scope\n",
			"sys/fs/cgroup/user.slice/run-1.scope/memory.swap.max": "0\n"}, "/sys/fs/cgroup/user.slice/run-1.scope may have no swap", true},
		{"within a group without swap", head + "/swap.img file\t1\t0\t-2\n", map[string]string{"proc/self/cgroup": "1:name=systemd:/x\n0::/a/b\n",
			"sys/fs/cgroup/a/b/memory.swap.max": "max\n", "sys/fs/cgroup/a/memory.swap.max": "0\n"}, "/sys/fs/cgroup/a may have no swap", true},
		{"a container without swap", head + "/swap.img file\t1\t0\t-2\n", map[string]string{"proc/self/cgroup": "0::/\n", "sys/fs/cgroup/memory.swap.max": "0\n"}, "no swap", true},
		{"a group with some", head + "/swap.img file\t1\t0\t-2\n", map[string]string{"proc/self/cgroup": "0::/a\n", "sys/fs/cgroup/a/memory.swap.max": "1048576\n"}, "in the clear", false},
		{"a group out of sight", head + "/swap.img file\t1\t0\t-2\n", map[string]string{"proc/self/cgroup": "0::/../../a\n"}, "in the clear", false},
	} {
		root := fstest.MapFS{"proc/swaps": file(c.swaps)}
		for name, text := range c.others {
			root[name] = file(text)
		}
		if why, ok := unswapped(root); ok != c.ok || !strings.Contains(why, c.want) {
			t.Errorf("%s: %v, %q", c.name, ok, why)
		}
	}
	if why, ok := unswapped(fstest.MapFS{}); ok {
		t.Errorf("where nothing can be read: %q", why)
	}
}
