// Package s3test runs a real S3 server in tests: versitygw over a temporary folder,
// on a loopback port, stopped by its process id (https://github.com/versity/versitygw).
package s3test

import (
	"context"
	"net"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/rialto-migrate/rialto/connector"
)

// What the server takes.
const (
	keyID  = "rialto-test"
	secret = "rialto-test-secret-key"
)

// A Server is a running one.
type Server struct {
	Settings connector.Settings // of a connection that may do everything
	Address  string             // host:port
	Folder   string             // one folder a bucket, as the server keeps them
}

// Start runs a server until the test ends. Where it is not installed the test is
// skipped: make setup installs it.
func Start(t testing.TB) *Server {
	t.Helper()
	program := find(t)
	s := &Server{Folder: t.TempDir(), Address: freeAddress(t)}
	s.Settings = connector.Settings{connector.SettingURL: "http://" + s.Address, "access-key-id": keyID, "secret-access-key": secret}
	cmd := exec.Command(program, "--access", keyID, "--secret", secret, "--port", s.Address, "--keep-alive", "--quiet", "posix", s.Folder)
	var said strings.Builder
	cmd.Stdout, cmd.Stderr = &said, &said
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- cmd.Wait() }()
	t.Cleanup(func() {
		if err := cmd.Process.Kill(); err != nil {
			t.Logf("versitygw had ended: %v", err)
		}
		_ = <-ended // how it ended does not matter any more
	})
	for began := time.Now(); ; time.Sleep(10 * time.Millisecond) {
		if conn, err := (&net.Dialer{Timeout: time.Second}).DialContext(context.Background(), "tcp", s.Address); err == nil {
			conn.Close()
			return s
		}
		select {
		case err := <-ended:
			ended <- err
			t.Fatalf("versitygw ended: %v\n%s", err, said.String())
		default:
		}
		if time.Since(began) > 20*time.Second {
			t.Fatal("versitygw does not listen after 20 seconds")
		}
	}
}

// find returns the program: from the path, or where go install puts it.
func find(t testing.TB) string {
	t.Helper()
	if path, err := exec.LookPath("versitygw"); err == nil {
		return path
	}
	out, err := exec.Command("go", "env", "GOPATH").Output()
	if err == nil {
		if path, err := exec.LookPath(filepath.Join(strings.TrimSpace(string(out)), "bin", "versitygw")); err == nil {
			return path
		}
	}
	t.Skip("versitygw is not installed: make setup installs it; without it, nothing is tested against a real S3 server")
	return ""
}

func freeAddress(t testing.TB) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}
