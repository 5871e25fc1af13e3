// Package imaptest starts Dovecot (https://doc.dovecot.org) for tests: on
// loopback, with a configuration and mail of its own in a temporary folder.
package imaptest

import (
	"bytes"
	"crypto/x509"
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
	"time"
)

// Password is that of every user: any name that logs in is a user.
const Password = "secret-1"

// A Server is a Dovecot that runs until the test ends.
type Server struct {
	Plain string         // "127.0.0.1:port", without TLS
	TLS   string         // "127.0.0.1:port", TLS from the first byte
	Roots *x509.CertPool // of its certificate

	mail     string
	uid, gid int // whose the mail is, -1 for the test's own
}

// Options say how a server differs from the usual one.
type Options struct {
	// Connections is how many one user may have at once; 0 for many.
	Connections int
	// Hide are capabilities that the server does not announce: "LITERAL+".
	Hide []string
	// Extra are lines of Dovecot's configuration.
	Extra string
}

// Start starts a server, and skips the test where Dovecot is not installed.
func Start(t testing.TB, o Options) *Server {
	t.Helper()
	dovecot, err := exec.LookPath("dovecot")
	if err != nil {
		if _, sbin := os.Stat("/usr/sbin/dovecot"); sbin != nil {
			t.Skip("dovecot is not installed: scripts/setup installs it (Debian's dovecot-imapd)")
		}
		dovecot = "/usr/sbin/dovecot"
	}
	dir := shortDir(t)
	s := &Server{mail: filepath.Join(dir, "mail"), uid: -1, gid: -1}
	me, err := user.Current()
	if err != nil {
		t.Fatal(err)
	}
	owner := me
	if me.Uid == "0" { // Dovecot lets root have no mail
		if owner, err = user.Lookup("mail"); err != nil {
			t.Fatal(err)
		}
		s.uid, s.gid = number(t, owner.Uid), number(t, owner.Gid)
	}
	must(t, os.Mkdir(s.mail, 0o700))
	s.own(t, s.mail)
	s.Roots = certificate(t, dir)
	ports := freePorts(t, 2)
	s.Plain, s.TLS = "127.0.0.1:"+strconv.Itoa(ports[0]), "127.0.0.1:"+strconv.Itoa(ports[1])
	conf := filepath.Join(dir, "dovecot.conf")
	must(t, os.WriteFile(conf, []byte(configuration(o, dir, me, owner, ports)), 0o600))
	s.run(t, dovecot, conf)
	return s
}

// Maildir is the folder of a user's mail, in Dovecot's Maildir++ layout: what is
// put there is served.
func (s *Server) Maildir(user string) string { return filepath.Join(s.mail, user) }

// Deliver puts a message into a user's Maildir folder as it is, without the
// server's help; name is "" for the inbox, ".Sent" for another folder. flags are
// those of a Maildir file name: "RS".
func (s *Server) Deliver(t testing.TB, user, name, file, flags string, at time.Time, content []byte) {
	t.Helper()
	dir := filepath.Join(s.Maildir(user), name)
	for _, d := range []string{s.Maildir(user), dir, filepath.Join(dir, "cur"), filepath.Join(dir, "new"), filepath.Join(dir, "tmp")} {
		if os.Mkdir(d, 0o700) == nil {
			s.own(t, d)
		}
	}
	path := filepath.Join(dir, "cur", file+":2,"+flags)
	must(t, os.WriteFile(path, content, 0o600))
	must(t, os.Chtimes(path, at, at))
	s.own(t, path)
}

func (s *Server) own(t testing.TB, path string) {
	if s.uid >= 0 {
		must(t, os.Lchown(path, s.uid, s.gid))
	}
}

func configuration(o Options, dir string, me, owner *user.User, ports []int) string {
	group := owner.Gid
	connections := o.Connections
	if connections == 0 {
		connections = 100
	}
	hidden := ""
	if len(o.Hide) > 0 {
		hidden = "imap_capability = " + strings.Join(shown(o.Hide), " ")
	}
	internal, internalGroup, login := me.Username, groupOf(me), me.Username
	if me.Uid == "0" { // the package's own users
		internal, internalGroup, login = "dovecot", "dovecot", "dovenull"
	}
	return fmt.Sprintf(`
protocols = imap
base_dir = %[1]s/run
state_dir = %[1]s/state
log_path = %[1]s/log
listen = 127.0.0.1
ssl = yes
ssl_cert = <%[1]s/cert.pem
ssl_key = <%[1]s/key.pem
disable_plaintext_auth = no
default_internal_user = %[2]s
default_internal_group = %[3]s
default_login_user = %[12]s
auth_mechanisms = plain login
mail_location = maildir:%[1]s/mail/%%u
mail_uid = %[4]s
mail_gid = %[5]s
first_valid_uid = 1
first_valid_gid = 0
mail_fsync = never
mail_max_userip_connections = %[6]d
mail_max_keyword_length = 100
imap_max_line_length = 1M
passdb {
  driver = static
  args = password=%[11]s
}
userdb {
  driver = static
  args = uid=%[4]s gid=%[5]s home=%[1]s/mail/%%u
}
service anvil {
  chroot =
}
service imap-login {
  chroot =
  service_count = 0
  process_limit = 4
  inet_listener imap {
    port = %[7]d
  }
  inet_listener imaps {
    port = %[8]d
    ssl = yes
  }
}
service imap {
  process_limit = 200
}
service stats {
  unix_listener stats-reader {
    mode = 0600
  }
  unix_listener stats-writer {
    mode = 0666
  }
}
namespace inbox {
  inbox = yes
  separator = /
  mailbox Sent {
    special_use = \Sent
  }
  mailbox Drafts {
    special_use = \Drafts
  }
}
%[9]s
%[10]s
`, dir, internal, internalGroup, owner.Uid, group, connections, ports[0], ports[1], hidden, o.Extra, Password, login)
}

// groupOf is the name of a user's own group.
func groupOf(u *user.User) string {
	g, err := user.LookupGroupId(u.Gid)
	if err != nil {
		return u.Gid
	}
	return g.Name
}

// shown is what Dovecot 2.3 announces, but for what is hidden.
func shown(hide []string) []string {
	const all = "IMAP4rev1 SASL-IR LOGIN-REFERRALS ID ENABLE IDLE SORT SORT=DISPLAY THREAD=REFERENCES THREAD=REFS THREAD=ORDEREDSUBJECT MULTIAPPEND URL-PARTIAL CATENATE UNSELECT CHILDREN NAMESPACE UIDPLUS LIST-EXTENDED I18NLEVEL=1 CONDSTORE QRESYNC ESEARCH ESORT SEARCHRES WITHIN CONTEXT=SEARCH LIST-STATUS BINARY MOVE SNIPPET=FUZZY PREVIEW=FUZZY PREVIEW STATUS=SIZE SAVEDATE LITERAL+ NOTIFY SPECIAL-USE"
	var out []string
	for c := range strings.FieldsSeq(all) {
		hidden := false
		for _, h := range hide {
			hidden = hidden || h == c
		}
		if !hidden {
			out = append(out, c)
		}
	}
	return out
}

// run starts the server and waits until it greets. It ends with the test, and
// with the test process, however that ends (PR_SET_PDEATHSIG, prctl(2)).
func (s *Server) run(t testing.TB, dovecot, conf string) {
	var said bytes.Buffer
	cmd := exec.Command(dovecot, "-F", "-c", conf)
	cmd.Stdout, cmd.Stderr = &said, &said
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	must(t, cmd.Start())
	ended := make(chan struct{})
	go func() {
		_ = cmd.Wait()
		close(ended)
	}()
	t.Cleanup(func() {
		_ = cmd.Process.Signal(syscall.SIGTERM)
		select {
		case <-ended:
		case <-time.After(10 * time.Second):
			_ = syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL)
			<-ended
		}
	})
	for deadline := time.Now().Add(10 * time.Second); time.Now().Before(deadline); {
		select {
		case <-ended:
			log, _ := os.ReadFile(filepath.Join(filepath.Dir(conf), "log"))
			t.Fatalf("dovecot ended: %s\n%s", said.String(), log)
		case <-time.After(25 * time.Millisecond):
		}
		if greets(s.Plain) {
			return
		}
	}
	log, _ := os.ReadFile(filepath.Join(filepath.Dir(conf), "log"))
	t.Fatalf("dovecot does not greet\n%s", log)
}

func greets(address string) bool {
	c, err := net.DialTimeout("tcp", address, time.Second)
	if err != nil {
		return false
	}
	defer c.Close()
	_ = c.SetDeadline(time.Now().Add(2 * time.Second))
	b := make([]byte, 4)
	n, _ := c.Read(b)
	return n == 4 && string(b) == "* OK"
}

// shortDir is a temporary folder whose name leaves room for those of sockets,
// and which the owner of the mail can enter.
func shortDir(t testing.TB) string {
	dir, err := os.MkdirTemp("", "imap")
	must(t, err)
	must(t, os.Chmod(dir, 0o755))
	t.Cleanup(func() { os.RemoveAll(dir) })
	return dir
}

func freePorts(t testing.TB, n int) []int {
	var out []int
	for range n {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		must(t, err)
		defer l.Close()
		out = append(out, l.Addr().(*net.TCPAddr).Port)
	}
	return out
}

func number(t testing.TB, s string) int {
	n, err := strconv.Atoi(s)
	must(t, err)
	return n
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
