//go:build linux

// Package s3test runs a real S3 server in tests: versitygw over a temporary folder,
// on a loopback port, stopped by its process id (https://github.com/versity/versitygw).
package s3test

import (
	"net"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/rialto-migrate/rialto/connector"
	"github.com/rialto-migrate/rialto/connector/connectortest/serve"
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
	process, err := serve.Launch(cmd, func() bool {
		conn, err := net.DialTimeout("tcp", s.Address, time.Second)
		if err == nil {
			conn.Close()
		}
		return err == nil
	})
	if err != nil {
		t.Fatalf("versitygw: %v", err)
	}
	t.Cleanup(process.Stop)
	return s
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
	port, err := serve.FreePort()
	if err != nil {
		t.Fatal(err)
	}
	return net.JoinHostPort("127.0.0.1", strconv.Itoa(port))
}
