//go:build linux

package pairs_test

import "testing"

// windowsNames are what the names of a hoard become where Windows' rules hold.
func windowsNames() map[string]string {
	return map[string]string{"odd names/a&b <c> 'd' \"e\" %20 #1 ?x.txt": "odd names/a&b _c_ 'd' _e_ %20 #1 _x~9dab60.txt"}
}

// called are files by the paths that they have in a cloud.
func (s shelf) called(files map[string]string) map[string]string {
	out := map[string]string{}
	for at, text := range files {
		if other := s.names[at]; other != "" {
			at = other
		}
		out[at] = text
	}
	return out
}

// TestTreesOverSMB takes files from a share to a cloud of another kind, there, and to
// another share.
func TestTreesOverSMB(t *testing.T) {
	dir := hoard(t)
	for _, pair := range [][2]string{{"smb", "sftp"}, {"sftp", "smb"}, {"smb", "smb"}} {
		t.Run(pair[0]+"-"+pair[1], func(t *testing.T) {
			t.Parallel()
			all := shelves(t)
			first, middle := all[pair[0]](t)
			newHaul(t, onDisk(dir), first).run()
			first.scope, first.set = middle, within(first, middle)
			second, end := all[pair[1]](t)
			h := newHaul(t, first, second)
			h.run()
			compareFiles(t, second.called(first.called(onDisk(dir).files(t, dir))), second.files(t, end))
			h.verify()
			if n := written(h.run()); n != 0 {
				t.Errorf("a pass in which nothing changed wrote %d times", n)
			}
		})
	}
}
