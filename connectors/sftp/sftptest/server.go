//go:build linux

// Package sftptest starts a real SFTP server for tests and benchmarks: OpenSSH from
// Debian, on this machine alone, with its data in a temporary folder.
package sftptest

import (
	"crypto/ed25519"
	"crypto/rand"
	"encoding/pem"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/crypto/ssh"

	"github.com/rialto-migrate/rialto/connector"
	"github.com/rialto-migrate/rialto/connector/connectortest/serve"
)

// ErrMissing says that the server is not installed.
var ErrMissing = errors.New("not installed")

// A Server is one that runs.
type Server struct {
	Address string // host:port
	User    string // its only account: who runs the test
	Key     string // the account's private key
	HostKey string // the fingerprint of the server's
	Dir     string // the folder with its data
	top     string
	process *serve.Process
}

// Settings are those of a connection to the server's folder.
func (s *Server) Settings() connector.Settings {
	return connector.Settings{connector.SettingURL: "sftp://" + s.Address, "user": s.User, "key": s.Key, "host-key": s.HostKey, "folder": s.Dir}
}

// Stop ends the server and removes what it had.
func (s *Server) Stop() {
	if s.process != nil {
		s.process.Stop()
	}
	os.RemoveAll(s.top)
}

// OpenSSH starts a server for a test, which is skipped where there is none.
// directives are added to its configuration.
func OpenSSH(t testing.TB, directives ...string) *Server {
	t.Helper()
	s, err := StartOpenSSH(directives...)
	if errors.Is(err, ErrMissing) {
		t.Skip("openssh-server is not installed: make setup installs it")
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Stop)
	return s
}

// StartOpenSSH starts a server; the caller stops it.
func StartOpenSSH(directives ...string) (*Server, error) {
	const bin = "/usr/sbin/sshd"
	if _, err := os.Stat(bin); err != nil {
		return nil, ErrMissing
	}
	who, err := user.Current()
	if err != nil {
		return nil, err
	}
	top, err := os.MkdirTemp("", "rialto-sftp-")
	if err != nil {
		return nil, err
	}
	s := &Server{User: who.Username, Dir: filepath.Join(top, "files"), top: top}
	if err := s.start(bin, directives); err != nil {
		s.Stop()
		return nil, fmt.Errorf("sshd: %w", err)
	}
	return s, nil
}

func (s *Server) start(bin string, directives []string) error {
	port, err := serve.FreePort()
	if err != nil {
		return err
	}
	s.Address = fmt.Sprintf("127.0.0.1:%d", port)
	host, hostPublic, err := newKey()
	if err != nil {
		return err
	}
	key, public, err := newKey()
	if err != nil {
		return err
	}
	s.Key, s.HostKey = key, ssh.FingerprintSHA256(hostPublic)
	if os.Getuid() == 0 { // where Debian's sshd, as root, goes to be nobody
		if err := os.MkdirAll("/run/sshd", 0o755); err != nil {
			return err
		}
	}
	conf := strings.Join(append([]string{
		"ListenAddress " + s.Address, "HostKey " + filepath.Join(s.top, "host"), "AuthorizedKeysFile " + filepath.Join(s.top, "authorized"),
		"PidFile none", "UsePAM no", "StrictModes no", "PasswordAuthentication no", "KbdInteractiveAuthentication no", "PermitRootLogin yes", "MaxStartups 200",
		"Subsystem sftp internal-sftp", "ForceCommand internal-sftp", "LogLevel ERROR"}, directives...), "\n") + "\n"
	err = errors.Join(os.Mkdir(s.Dir, 0o755),
		os.WriteFile(filepath.Join(s.top, "host"), []byte(host), 0o600),
		os.WriteFile(filepath.Join(s.top, "authorized"), ssh.MarshalAuthorizedKey(public), 0o600),
		os.WriteFile(filepath.Join(s.top, "conf"), []byte(conf), 0o600))
	if err != nil {
		return err
	}
	s.process, err = serve.Launch(exec.Command(bin, "-D", "-e", "-f", filepath.Join(s.top, "conf")), func() bool {
		c, err := net.Dial("tcp", s.Address)
		if err == nil {
			c.Close()
		}
		return err == nil
	})
	return err
}

// newKey makes a key in OpenSSH's form.
func newKey() (private string, public ssh.PublicKey, err error) {
	pub, priv, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		return "", nil, err
	}
	block, err := ssh.MarshalPrivateKey(priv, "")
	if err != nil {
		return "", nil, err
	}
	public, err = ssh.NewPublicKey(pub)
	return string(pem.EncodeToMemory(block)), public, err
}

// Key makes a private key.
func Key(t testing.TB) string {
	t.Helper()
	key, _, err := newKey()
	if err != nil {
		t.Fatal(err)
	}
	return key
}
