package sftp

import (
	"errors"
	"fmt"
	"net"
	"os"
	"strings"
	"testing"

	pkg "github.com/pkg/sftp"
	"golang.org/x/crypto/ssh"

	"github.com/rialto-migrate/rialto/connector"
	"github.com/rialto-migrate/rialto/connectors/sftp/sftptest"
)

// Who the server is, is for a person to say: nothing is sent to one that nobody
// named, and its fingerprint is shown.
func TestHostKey(t *testing.T) {
	srv := sftptest.OpenSSH(t)
	check := func(hostKey string) error {
		set := srv.Settings()
		set[setHostKey] = hostKey
		_, err := open(t, set, connector.ClientOptions{}).Check(t.Context())
		return err
	}
	if err := check(srv.HostKey); err != nil {
		t.Errorf("with its fingerprint: %v", err)
	}
	line := publicKey(t, srv)
	for _, l := range []string{line, "files.example.org " + line, "[127.0.0.1]:2222 " + line + " a comment"} {
		if err := check(l); err != nil {
			t.Errorf("with a line of known_hosts: %v", err)
		}
	}
	for name, hostKey := range map[string]string{"none": "", "another": "SHA256:" + strings.Repeat("A", 43)} {
		err := check(hostKey)
		e, ok := errors.AsType[*connector.Error](err)
		if !ok || e.Class != connector.Permanent || !strings.Contains(e.Reason, srv.HostKey) || e.Hint == "" {
			t.Errorf("%s: %v, want class permanent and the server's fingerprint", name, err)
		}
	}
	if _, err := New().Open(t.Context(), connector.Env{Settings: connector.Settings{"url": "sftp://x", "user": "u", "password": "p", setHostKey: "MD5:00"}}); err == nil {
		t.Error("a fingerprint of MD5 is taken")
	}
}

func publicKey(t *testing.T, srv *sftptest.Server) string {
	t.Helper()
	var line string
	conn, err := net.Dial("tcp", srv.Address)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	_, _, _, err = ssh.NewClientConn(conn, srv.Address, &ssh.ClientConfig{User: srv.User, HostKeyAlgorithms: []string{ssh.KeyAlgoED25519}, HostKeyCallback: func(_ string, _ net.Addr, k ssh.PublicKey) error {
		line = strings.TrimSpace(string(ssh.MarshalAuthorizedKey(k)))
		return errors.New("that is all")
	}})
	if line == "" {
		t.Fatal(err)
	}
	return line
}

// A server in this process takes passwords, in the ways in which servers ask for
// them.
func TestPassword(t *testing.T) {
	right := func(p string) error {
		if p != "a pass of ann" {
			return errors.New("wrong")
		}
		return nil
	}
	for name, ask := range map[string]func(*ssh.ServerConfig){
		"password": func(c *ssh.ServerConfig) {
			c.PasswordCallback = func(_ ssh.ConnMetadata, p []byte) (*ssh.Permissions, error) { return nil, right(string(p)) }
		},
		"keyboard-interactive": func(c *ssh.ServerConfig) {
			c.KeyboardInteractiveCallback = func(_ ssh.ConnMetadata, challenge ssh.KeyboardInteractiveChallenge) (*ssh.Permissions, error) {
				answers, err := challenge("", "", []string{"Password: "}, []bool{false})
				if err != nil || len(answers) != 1 {
					return nil, fmt.Errorf("no answer: %w", err)
				}
				return nil, right(answers[0])
			}
		},
	} {
		address, print := serve(t, ask)
		for password, want := range map[string]connector.Class{"a pass of ann": "", "another": connector.Auth} {
			set := connector.Settings{"url": "sftp://" + address, "user": "ann", "password": password, setHostKey: print, setFolder: t.TempDir()}
			_, err := open(t, set, connector.ClientOptions{}).Check(t.Context())
			if (err == nil) != (want == "") || err != nil && connector.ClassOf(err) != want {
				t.Errorf("%s, %q: %v, want class %q", name, password, err, want)
			}
			if err != nil && strings.Contains(err.Error(), password) {
				t.Errorf("the password is in the error: %v", err)
			}
		}
	}
}

// serve runs a server in this process until the test ends.
func serve(t *testing.T, ask func(*ssh.ServerConfig)) (address, print string) {
	t.Helper()
	signer, err := readKey(sftptest.Key(t), "")
	if err != nil {
		t.Fatal(err)
	}
	conf := &ssh.ServerConfig{}
	conf.AddHostKey(signer)
	ask(conf)
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	go func() {
		for {
			tcp, err := l.Accept()
			if err != nil {
				return
			}
			go func() {
				_, channels, requests, err := ssh.NewServerConn(tcp, conf)
				if err != nil {
					tcp.Close()
					return
				}
				go ssh.DiscardRequests(requests)
				for c := range channels {
					ch, in, err := c.Accept()
					if err != nil {
						return
					}
					go func() {
						for r := range in {
							_ = r.Reply(r.Type == "subsystem", nil)
						}
					}()
					if s, err := pkg.NewServer(ch); err == nil {
						go func() { _ = s.Serve() }()
					}
				}
			}()
		}
	}()
	return l.Addr().String(), ssh.FingerprintSHA256(signer.PublicKey())
}

func TestSettings(t *testing.T) {
	for name, set := range map[string]connector.Settings{
		"no scheme":          {"url": "files.example.org", "user": "u", "password": "p"},
		"http":               {"url": "http://files.example.org", "user": "u", "password": "p"},
		"password in url":    {"url": "sftp://u:p@files.example.org", "user": "u", "password": "p"},
		"folder in url":      {"url": "sftp://files.example.org/home", "user": "u", "password": "p"},
		"no user":            {"url": "sftp://files.example.org", "password": "p"},
		"no secret":          {"url": "sftp://files.example.org", "user": "u"},
		"no key":             {"url": "sftp://files.example.org", "user": "u", "key": "ssh-ed25519 AAAA"},
		"no key of a host":   {"url": "sftp://files.example.org", "user": "u", "password": "p", "host-key": "x"},
		"a key, two of it":   {"url": "sftp://files.example.org", "user": "u", "password": "p", "host-key": "SHA256:a SHA256:b"},
		"a revoked host key": {"url": "sftp://files.example.org", "user": "u", "password": "p", "host-key": "@revoked * ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIGJ4Vv0o0F0rN8Q1dYV1hH8x3pV7nZs3m0lq0QpQv1aB"},
	} {
		_, err := New().Open(t.Context(), connector.Env{Settings: set, HTTP: connector.NewClient(connector.ClientOptions{})})
		e, ok := errors.AsType[*connector.Error](err)
		if !ok || e.Hint == "" {
			t.Errorf("%s: %v, want an error with a hint", name, err)
		}
	}
}

// Without a folder the account's home is the drive; Check says which one that is.
func TestHome(t *testing.T) {
	home, err := os.UserHomeDir()
	if err != nil {
		t.Fatal(err)
	}
	set := sftptest.OpenSSH(t).Settings()
	delete(set, setFolder)
	c := open(t, set, connector.ClientOptions{})
	id, err := c.Check(t.Context())
	if err != nil || id.Settings[setFolder] != home {
		t.Errorf("the home is %q, %v; want %q", id.Settings[setFolder], err, home)
	}
	for place, want := range map[string]string{"": home, "/": home, "a/b": home + "/a/b", "/a/": home + "/a", "../x": "", "a//b": ""} {
		tg, err := c.Target(t.Context(), place)
		if (err != nil) != (want == "") || err == nil && tg.(*target).place != want {
			t.Errorf("the place %q: %v, want %q", place, err, want)
		}
	}
	set[setFolder] = home + "/is not there"
	if _, err := open(t, set, connector.ClientOptions{}).Check(t.Context()); connector.ClassOf(err) != connector.Permanent {
		t.Errorf("a folder that is not there: %v, want class permanent", err)
	}
}
