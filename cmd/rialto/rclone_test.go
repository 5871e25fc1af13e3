//go:build linux

package main

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/rialto-migrate/rialto/connectors/rclone/rclonetest"
)

// TestClosedMoverMovesWithRclone takes a folder with a large file through a mover that
// may open nothing to write and connect to nothing, into a backend of rclone's and out
// of it again: what the library does by itself, the kernel would refuse.
func TestClosedMoverMovesWithRclone(t *testing.T) {
	dir := t.TempDir()
	for name, n := range map[string]int{"small": 1000, "in/a folder/large": 9<<20 + 1, "page.html": 30_000, "none": 0} {
		content := make([]byte, n)
		for i := range content {
			content[i] = byte(i * i >> 7)
		}
		if err := os.MkdirAll(filepath.Dir(filepath.Join(dir, name)), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, name), content, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	server := rclonetest.S3(t)
	rialto := newInstall(t)
	rialto.must("connect", "local", "--name", "from", "--set", "folder="+dir)
	rialto.connectStore("first", "rclone", server.Bucket(t, "first"))
	rialto.connectStore("second", "rclone", server.Bucket(t, "second"))
	for _, leg := range []string{"name: one\nfrom: {connection: from, scope: [\"*\"]}\nto: {connection: first, place: \"\"}\naccept: widening\n",
		"name: two\nfrom: {connection: first, scope: [\"*\"]}\nto: {connection: second, place: \"\"}\naccept: widening\n"} {
		file := rialto.migration(leg)
		for pass, made := range []int{4, 0} {
			var rep report
			e := rialto.run(fate{}, "", "run", "--json", file)
			if err := e.done(&rep); err != nil || e.code != 0 || rep.Kinds["file"].Created != made {
				t.Fatalf("pass %d: %v, %+v\n%v", pass, err, rep.Kinds, e)
			}
		}
		rialto.must("verify", file)
	}
	for _, name := range []string{"small", "in/a folder/large", "page.html", "none"} {
		want, err := os.ReadFile(filepath.Join(dir, name))
		if err != nil {
			t.Fatal(err)
		}
		if got, err := os.ReadFile(filepath.Join(server.Folder, "second", name)); err != nil || string(got) != string(want) {
			t.Errorf("%s has %d bytes of %d at the end of the way: %v", name, len(got), len(want), err)
		}
	}
}
