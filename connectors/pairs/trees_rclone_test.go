//go:build linux

package pairs_test

import "testing"

// TestTreesOverRclone takes files between a backend of rclone's and a cloud that is
// spoken to without it, and back.
func TestTreesOverRclone(t *testing.T) {
	dir := hoard(t)
	for _, pair := range [][2]string{{"rclone", "sftp"}, {"sftp", "rclone"}, {"rclone", "rclone"}} {
		t.Run(pair[0]+"-"+pair[1], func(t *testing.T) {
			all := shelves(t)
			first, middle := all[pair[0]](t)
			newHaul(t, onDisk(dir), first).run()
			first.scope, first.set = middle, within(first, middle)
			if pair[0] == "rclone" {
				first.scope = "/"
			}
			second, end := all[pair[1]](t)
			h := newHaul(t, first, second)
			h.run()
			compareFiles(t, onDisk(dir).files(t, dir), second.files(t, end))
			h.verify()
			if n := written(h.run()); n != 0 {
				t.Errorf("a pass in which nothing changed wrote %d times", n)
			}
		})
	}
}
