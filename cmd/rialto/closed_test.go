//go:build linux

package main

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/rialto-migrate/rialto/connector"
	"github.com/rialto-migrate/rialto/connectors/ftps/ftpstest"
	"github.com/rialto-migrate/rialto/connectors/sftp/sftptest"
)

// A closed mover does what it is for: it reads a local folder that it was
// granted, and writes to real servers over connections that it was handed: one by
// SFTP, and many by FTP over TLS.
func TestClosedMoverMovesFiles(t *testing.T) {
	t.Run("sftp", func(t *testing.T) {
		server := sftptest.OpenSSH(t)
		closedMoverMovesFiles(t, newInstall(t), "sftp", server.Settings(), server.Dir)
	})
	t.Run("ftps", func(t *testing.T) {
		server := ftpstest.ProFTPD(t, ftpstest.Secured()...)
		in := newInstall(t)
		in.env = []string{"SSL_CERT_FILE=" + server.Certificate}
		closedMoverMovesFiles(t, in, "ftps", server.Settings(), server.Dir)
	})
}

func closedMoverMovesFiles(t *testing.T, in *install, to string, settings connector.Settings, dir string) {
	t.Helper()
	top := t.TempDir()
	folder := filepath.Join(top, "shared")
	if err := os.MkdirAll(filepath.Join(folder, "letters"), 0o700); err != nil {
		t.Fatal(err)
	}
	put := func(path, content string) {
		t.Helper()
		if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for i := range 50 {
		put(filepath.Join(folder, "letters", fmt.Sprintf("%d.txt", i)), fmt.Sprintf("letter %d", i))
	}
	in.must("connect", "local", "--name", "from", "--set", "folder="+folder)
	in.connectStore("to", to, settings)
	ran := in.must("run", "--json", in.migration(`name: files
from: {connection: from, scope: ["*"]}
to: {connection: to, place: archive}
`))
	var mover struct {
		Confined bool
		Holds    []string
		Written  int64
	}
	for line := range strings.Lines(ran.out) {
		if strings.Contains(line, `"event":"mover"`) {
			if err := json.Unmarshal([]byte(line), &mover); err != nil {
				t.Fatal(err)
			}
		}
	}
	if !mover.Confined || !slices.Contains(mover.Holds, "seccomp") || !slices.Contains(mover.Holds, "landlock") || mover.Written > mostWritten {
		t.Errorf("the run says of its mover: %+v", mover)
	}
	arrived := 0
	err := filepath.WalkDir(dir, func(path string, d os.DirEntry, err error) error {
		if err == nil && d.Type().IsRegular() && strings.HasSuffix(path, ".txt") {
			data, err := os.ReadFile(path)
			if err != nil || string(data) != "letter "+strings.TrimSuffix(d.Name(), ".txt") {
				t.Errorf("%s holds %q (%v)", path, data, err)
			}
			arrived++
		}
		return err
	})
	if err != nil || arrived != 50 {
		t.Errorf("%d files of 50 arrived (%v)", arrived, err)
	}
	in.must("verify", filepath.Join(in.temp, "migration.yaml"))
}
