//go:build linux

// Package smbtest starts a real SMB server for tests: Samba from Debian, on this
// machine alone, with its data, its accounts and all its state in a temporary folder.
package smbtest

import (
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"github.com/rialto-migrate/rialto/connector"
	"github.com/rialto-migrate/rialto/connector/connectortest/serve"
)

// ErrMissing says that the server is not installed.
var ErrMissing = errors.New("not installed")

// Share is the share that every server has.
const Share = "Files"

// A Server is one that runs.
type Server struct {
	Address  string // host:port
	User     string // its only account: who runs the test
	Password string // the account's
	Dir      string // the folder of the share
	top      string
	process  *serve.Process
}

// Settings are those of a connection to the server's share.
func (s *Server) Settings() connector.Settings {
	return connector.Settings{connector.SettingURL: "smb://" + s.Address, "user": s.User, "password": s.Password, "share": Share}
}

// Stop ends the server and removes what it had.
func (s *Server) Stop() {
	if s.process != nil {
		s.process.Stop()
	}
	// What lists the shares goes on for a while by itself, in a session of its own.
	if text, err := os.ReadFile(filepath.Join(s.top, "state", "samba-dcerpcd.pid")); err == nil {
		if pid, err := strconv.Atoi(strings.TrimSpace(string(text))); err == nil && pid > 1 {
			_ = syscall.Kill(pid, syscall.SIGTERM) // it may be gone already
		}
	}
	os.RemoveAll(s.top)
}

// Samba starts a server for a test, which is skipped where there is none.
// directives are added to the settings that hold for all shares.
func Samba(t testing.TB, directives ...string) *Server {
	t.Helper()
	s, err := Start(directives...)
	if errors.Is(err, ErrMissing) {
		t.Skip("samba is not installed: make setup installs it")
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Stop)
	return s
}

// Start starts a server; the caller stops it. A directive that begins with "[" begins
// another share.
func Start(directives ...string) (*Server, error) {
	const bin = "/usr/sbin/smbd"
	if _, err := os.Stat(bin); err != nil {
		return nil, ErrMissing
	}
	who, err := user.Current()
	if err != nil {
		return nil, err
	}
	top, err := os.MkdirTemp("", "rialto-smb-")
	if err != nil {
		return nil, err
	}
	s := &Server{User: who.Username, Password: "Pa55-für-Tests", Dir: filepath.Join(top, "files"), top: top}
	if err := s.start(bin, directives); err != nil {
		s.Stop()
		return nil, fmt.Errorf("smbd: %w", err)
	}
	return s, nil
}

func (s *Server) start(bin string, directives []string) error {
	port, err := serve.FreePort()
	if err != nil {
		return err
	}
	s.Address = fmt.Sprintf("127.0.0.1:%d", port)
	state := filepath.Join(s.top, "state")
	if err := errors.Join(os.Mkdir(s.Dir, 0o755), os.Mkdir(state, 0o755)); err != nil {
		return err
	}
	lines := []string{"[global]", "server role = standalone server", "workgroup = RIALTO", "netbios name = RIALTO",
		"interfaces = lo", "bind interfaces only = yes", fmt.Sprintf("smb ports = %d", port),
		"passdb backend = tdbsam", "map to guest = never", "load printers = no", "disable spoolss = yes", "log level = 0",
		"server min protocol = SMB3_00", "server smb encrypt = required", "mangled names = no"}
	for _, dir := range []string{"private dir", "lock directory", "state directory", "cache directory", "pid directory", "ncalrpc dir"} {
		lines = append(lines, dir+" = "+state)
	}
	lines = append(lines, "log file = "+filepath.Join(state, "log"))
	shares := []string{"[" + Share + "]", "path = " + s.Dir, "read only = no"}
	for _, d := range directives {
		if strings.HasPrefix(d, "[") || len(shares) > 3 {
			shares = append(shares, strings.ReplaceAll(d, "{dir}", s.Dir))
		} else {
			lines = append(lines, d)
		}
	}
	conf := filepath.Join(s.top, "smb.conf")
	if err := os.WriteFile(conf, []byte(strings.Join(append(lines, shares...), "\n")+"\n"), 0o600); err != nil {
		return err
	}
	add := exec.Command("pdbedit", "--configfile="+conf, "--create", "--password-from-stdin", "--user="+s.User)
	add.Stdin = strings.NewReader(s.Password + "\n" + s.Password + "\n")
	if said, err := add.CombinedOutput(); err != nil {
		return fmt.Errorf("pdbedit: %w\n%s", err, said)
	}
	s.process, err = serve.Launch(exec.Command(bin, "--foreground", "--no-process-group", "--debug-stdout", "--configfile="+conf), func() bool {
		c, err := net.Dial("tcp", s.Address)
		if err == nil {
			c.Close()
		}
		return err == nil
	})
	return err
}
