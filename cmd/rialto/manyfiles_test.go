//go:build linux

package main

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/rialto-migrate/rialto/connectors/s3/s3test"
)

// TestSoakManyFiles moves one folder with many files, in the soak a million, and
// holds the mover's memory to 128 MiB.
func TestSoakManyFiles(t *testing.T) {
	n, most := 3000, int64(128<<20)
	if soaking() {
		n = 1_000_000
	}
	dir := t.TempDir()
	for i := range n {
		if err := os.WriteFile(filepath.Join(dir, fmt.Sprintf("file-%07d", i)), []byte(fmt.Sprint(i)), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	rialto := newInstall(t)
	rialto.weighed, rialto.patience = true, 2*time.Minute+time.Duration(n)*10*time.Millisecond
	srv := s3test.Start(t)
	rialto.must("connect", "local", "--name", "from", "--set", "folder="+dir)
	rialto.connectStore("to", "s3", srv.Settings)
	file := rialto.migration("name: many\nfrom: {connection: from, scope: [\"*\"]}\nto: {connection: to, place: bucket/many}\naccept: widening\n")
	for pass, made := range []int{n, 0} {
		var rep report
		e := rialto.run(fate{}, "", "run", "--json", file)
		if err := e.done(&rep); err != nil || e.code != 0 || rep.Kinds["file"].Created != made {
			t.Fatalf("pass %d: %v, %+v\n%s", pass, err, rep.Kinds, tail(e.err))
		}
		if e.peak.mover > most {
			t.Errorf("pass %d over %d files: the mover held %v", pass, n, e.peak)
		}
		t.Logf("pass %d over %d files: %v in %v", pass, n, e.peak, e.took.Round(time.Millisecond))
	}
	there, err := os.ReadDir(filepath.Join(srv.Folder, "bucket", "many"))
	if err != nil || len(there) != n {
		t.Errorf("the target holds %d files of %d: %v", len(there), n, err)
	}
}
