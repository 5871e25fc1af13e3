//go:build linux

// Package webdavtest starts real WebDAV servers for tests and benchmarks: Apache
// from Debian, and rclone where it is installed. Each listens on this machine alone
// and has its data in a temporary folder.
package webdavtest

import (
	"errors"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/rialto-migrate/rialto/connector/connectortest/serve"
)

// ErrMissing says that a server is not installed.
var ErrMissing = errors.New("not installed")

// A Server is one that runs.
type Server struct {
	URL            string // of its folder
	User, Password string // its only account
	Dir            string // the folder on this machine
	top            string // the temporary folder with all that it has
	uid, gid       int    // who it runs as; 0 for us
	process        *serve.Process
}

// Stop ends the server and removes what it had.
func (s *Server) Stop() {
	if s.process != nil {
		s.process.Stop()
	}
	os.RemoveAll(s.top)
}

// Put writes a file into the server's folder, as people of that machine would.
func (s *Server) Put(t testing.TB, path string, content []byte) {
	t.Helper()
	full := filepath.Join(s.Dir, path)
	if err := os.MkdirAll(filepath.Dir(full), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(full, content, 0o644); err != nil {
		t.Fatal(err)
	}
	for at := full; at != s.Dir; at = filepath.Dir(at) {
		if err := s.give(at); err != nil {
			t.Fatal(err)
		}
	}
}

// give lets the server have a file or folder of ours.
func (s *Server) give(path string) error {
	if s.uid == 0 {
		return nil
	}
	return os.Lchown(path, s.uid, s.gid)
}

// Apache starts Apache for a test, which is skipped where there is none. directives
// are added to those of its folder.
func Apache(t testing.TB, directives ...string) *Server {
	t.Helper()
	return held(t, "apache2 is not installed: make setup installs it")(StartApache(directives...))
}

// Rclone starts "rclone serve webdav" for a test, which is skipped where there is
// none.
func Rclone(t testing.TB, flags ...string) *Server {
	t.Helper()
	return held(t, "rclone is not installed: put it into the path, or name it in RCLONE")(StartRclone(flags...))
}

func held(t testing.TB, missing string) func(*Server, error) *Server {
	return func(s *Server, err error) *Server {
		t.Helper()
		if errors.Is(err, ErrMissing) {
			t.Skip(missing)
		}
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(s.Stop)
		return s
	}
}

// modules is where Debian has Apache's.
const modules = "/usr/lib/apache2/modules"

// StartApache starts Apache with mod_dav; the caller stops it. directives are added
// to those of its folder.
func StartApache(directives ...string) (*Server, error) {
	bin, err := exec.LookPath("apache2")
	if err != nil {
		bin = "/usr/sbin/apache2"
	}
	if _, err := os.Stat(bin); err != nil {
		return nil, ErrMissing
	}
	s, port, err := prepare("/dav")
	if err != nil {
		return nil, err
	}
	var conf strings.Builder
	fmt.Fprintf(&conf, "ServerRoot %s\nServerName 127.0.0.1\nListen 127.0.0.1:%d\nPidFile apache.pid\nErrorLog error.log\nMutex file:%s\n", s.top, port, s.top)
	for _, m := range strings.Fields("mpm_event authn_core authn_file authz_core authz_user auth_basic alias dav dav_fs mime headers") {
		fmt.Fprintf(&conf, "LoadModule %s_module %s/mod_%s.so\n", m, modules, m)
	}
	if os.Getuid() == 0 { // Apache does not serve as root
		if s.uid, s.gid, err = account("www-data"); err != nil {
			s.Stop()
			return nil, err
		}
		conf.WriteString("User www-data\nGroup www-data\n")
	}
	fmt.Fprintf(&conf, "TypesConfig /etc/mime.types\nDavLockDB %s/lock\nMaxKeepAliveRequests 0\nLimitRequestLine 65536\nDocumentRoot %s\nAlias /dav %s\n", s.top, s.top, s.Dir)
	fmt.Fprintf(&conf, "<Directory %s>\nDav On\nAuthType Basic\nAuthName rialto\nAuthUserFile %s/users\nRequire valid-user\n%s\n</Directory>\n", s.Dir, s.top, strings.Join(directives, "\n"))
	err = errors.Join(
		os.WriteFile(filepath.Join(s.top, "conf"), []byte(conf.String()), 0o644),
		os.WriteFile(filepath.Join(s.top, "users"), []byte(s.User+":"+sha1Password(s.Password)+"\n"), 0o644),
		s.give(s.top), s.give(s.Dir))
	if err == nil {
		err = s.start(exec.Command(bin, "-f", filepath.Join(s.top, "conf"), "-DFOREGROUND"))
	}
	if err != nil {
		more, _ := os.ReadFile(filepath.Join(s.top, "error.log"))
		s.Stop()
		return nil, fmt.Errorf("apache2: %w\n%s", err, more)
	}
	return s, nil
}

// StartRclone starts "rclone serve webdav"; the caller stops it. The environment's
// RCLONE names the program, else it stands in the path.
func StartRclone(flags ...string) (*Server, error) {
	bin := os.Getenv("RCLONE")
	if bin == "" {
		var err error
		if bin, err = exec.LookPath("rclone"); err != nil {
			return nil, ErrMissing
		}
	}
	s, port, err := prepare("")
	if err != nil {
		return nil, err
	}
	cmd := exec.Command(bin, append([]string{"serve", "webdav", s.Dir, "--addr", fmt.Sprintf("127.0.0.1:%d", port), "--user", s.User, "--pass", s.Password,
		"--config", filepath.Join(s.top, "none"), "--cache-dir", filepath.Join(s.top, "cache")}, flags...)...)
	if err := s.start(cmd); err != nil {
		s.Stop()
		return nil, fmt.Errorf("rclone: %w", err)
	}
	return s, nil
}

// prepare makes a temporary folder that another account may enter, and finds a port.
func prepare(path string) (*Server, int, error) {
	top, err := os.MkdirTemp("", "rialto-webdav-")
	if err != nil {
		return nil, 0, err
	}
	s := &Server{User: "ann", Password: "a pass of ann", Dir: filepath.Join(top, "files"), top: top}
	port, err := serve.FreePort()
	if err = errors.Join(err, os.Chmod(top, 0o755), os.Mkdir(s.Dir, 0o755)); err != nil {
		s.Stop()
		return nil, 0, err
	}
	s.URL = fmt.Sprintf("http://127.0.0.1:%d%s", port, path)
	return s, port, nil
}

func account(name string) (uid, gid int, err error) {
	u, err := user.Lookup(name)
	if err != nil {
		return 0, 0, err
	}
	uid, err = strconv.Atoi(u.Uid)
	gid, err2 := strconv.Atoi(u.Gid)
	return uid, gid, errors.Join(err, err2)
}

// start runs the server, and waits until it answers.
func (s *Server) start(cmd *exec.Cmd) (err error) {
	s.process, err = serve.Launch(cmd, func() bool {
		resp, err := http.Get(s.URL + "/")
		if err == nil {
			resp.Body.Close()
		}
		return err == nil
	})
	return err
}
