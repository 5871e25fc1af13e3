//go:build linux

package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/rialto-migrate/rialto/connectors/smb/smbtest"
)

// A closed mover signs in to a real server of shares over connections that it was
// handed, writes there, reads it back and undoes it.
func TestClosedMoverSpeaksSMB(t *testing.T) {
	server := smbtest.Samba(t)
	in := newInstall(t)
	folder := t.TempDir()
	for i := range 20 {
		if err := os.WriteFile(filepath.Join(folder, fmt.Sprintf("%d.txt", i)), fmt.Appendf(nil, "letter %d", i), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.WriteFile(filepath.Join(folder, strings.Repeat("名", 80)+".txt"), []byte("long"), 0o600); err != nil {
		t.Fatal(err)
	}
	in.must("connect", "local", "--name", "from", "--set", "folder="+folder)
	connect := []string{"connect", "smb", "--name", "to"}
	for name, value := range server.Settings() {
		connect = append(connect, "--set", name+"="+value)
	}
	in.must(connect...)
	ran := in.must("run", "--json", in.migration(`name: files
from: {connection: from, scope: ["*"]}
to: {connection: to, place: archive}
`))
	if !strings.Contains(ran.out, `"seccomp"`) || !strings.Contains(ran.out, `"landlock"`) {
		t.Error("the run does not say that its mover was closed")
	}
	if have, err := os.ReadDir(filepath.Join(server.Dir, "archive")); err != nil || len(have) != 21 {
		t.Errorf("%d files of 21 arrived, %v", len(have), err)
	}
	migration := filepath.Join(in.temp, "migration.yaml")
	in.must("verify", migration)
	in.must("undo", migration)
	if have, err := os.ReadDir(filepath.Join(server.Dir, "archive")); err == nil && len(have) > 0 {
		t.Errorf("an undo leaves %d files", len(have))
	}
}
