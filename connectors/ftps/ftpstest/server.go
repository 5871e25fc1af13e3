//go:build linux

// Package ftpstest starts a real FTP server for tests: ProFTPD from Debian, on this
// machine alone, with its data in a temporary folder.
package ftpstest

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"fmt"
	"math/big"
	"net"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/rialto-migrate/rialto/connector"
	"github.com/rialto-migrate/rialto/connector/connectortest/serve"
)

// ErrMissing says that the server is not installed.
var ErrMissing = errors.New("not installed")

// The only account, and what crypt(3) makes of its password.
const (
	User     = "ann"
	Password = "a pass of ann"
	hashed   = "$6$rialtotests$bhFVQZtGIhbh2EqKsfiEKyb0jQkUCKksPMbVHSjVbEuBBc/oGCH9rrpM1LpZ1J/KSonshSFbLWDh8DXVFJ3t60"
)

// A Server is one that runs.
type Server struct {
	Address string // host:port
	Dir     string // the folder with its data, and the account's home
	Roots   *x509.CertPool
	// Certificate is the file with the server's, which vouches for itself.
	Certificate string
	top         string
	process     *serve.Process
}

// Settings are those of a connection to the server's folder.
func (s *Server) Settings() connector.Settings {
	return connector.Settings{connector.SettingURL: "ftps://" + s.Address, "user": User, "password": Password, "folder": s.Dir, "settle-delay": "2s"}
}

// Dialing trusts the server's certificate.
func (s *Server) Dialing() connector.Dialing { return connector.Dialing{Roots: s.Roots} }

// Stop ends the server and removes what it had.
func (s *Server) Stop() {
	if s.process != nil {
		s.process.Stop()
	}
	os.RemoveAll(s.top)
}

// Secured are directives for TLS, which the server asks of control and data connections,
// and for data connections that go on with the TLS session of their control connection:
// that is how ProFTPD is by itself.
func Secured() []string {
	return []string{"LoadModule mod_tls.c", "TLSEngine on", "TLSRequired on", "TLSLog none", "TLSECCertificateFile TOP/cert.pem", "TLSECCertificateKeyFile TOP/key.pem"}
}

// ProFTPD starts a server for a test, which is skipped where there is none. directives are
// added to its configuration: TOP in them is a folder of its own, with cert.pem and
// key.pem. Without Secured it speaks in the clear.
func ProFTPD(t testing.TB, directives ...string) *Server {
	t.Helper()
	s, err := Start(directives...)
	if errors.Is(err, ErrMissing) {
		t.Skip("proftpd-core and proftpd-mod-crypto are not installed: make setup installs them")
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Stop)
	return s
}

// Start starts a server; the caller stops it.
func Start(directives ...string) (*Server, error) {
	const bin = "/usr/sbin/proftpd"
	for _, need := range []string{bin, "/usr/lib/proftpd/mod_tls.so"} {
		if _, err := os.Stat(need); err != nil {
			return nil, ErrMissing
		}
	}
	top, err := os.MkdirTemp("", "rialto-ftps-")
	if err != nil {
		return nil, err
	}
	s := &Server{Dir: filepath.Join(top, "files"), Certificate: filepath.Join(top, "cert.pem"), top: top}
	if err := s.start(bin, directives); err != nil {
		s.Stop()
		return nil, fmt.Errorf("proftpd: %w", err)
	}
	return s, nil
}

func (s *Server) start(bin string, directives []string) error {
	port, err := serve.FreePort()
	if err != nil {
		return err
	}
	s.Address = fmt.Sprintf("127.0.0.1:%d", port)
	cert, key, err := s.certify("127.0.0.1", time.Now().Add(24*time.Hour))
	if err != nil {
		return err
	}
	who, err := user.Current()
	if err != nil {
		return err
	}
	group, err := user.LookupGroupId(who.Gid)
	if err != nil {
		return err
	}
	// Those that load a module come first: what is said of it follows.
	base := []string{
		"ServerType standalone", "DefaultServer on", "SocketBindTight on", "DefaultAddress 127.0.0.1", fmt.Sprint("Port ", port), "UseIPv6 off", "UseReverseDNS off",
		"User " + who.Username, "Group " + group.Name, "RootLogin on", "RequireValidShell off", "AuthPAM off", "AuthOrder mod_auth_file.c", "AuthUserFile TOP/passwd",
		"ScoreboardFile TOP/scoreboard", "PidFile TOP/pid", "DelayEngine off", "WtmpLog off", "SystemLog TOP/log", "TransferLog none", "AllowOverwrite on", "MaxInstances 100",
	}
	conf := strings.ReplaceAll(strings.Join(append([]string{"ModulePath /usr/lib/proftpd"}, append(directives, base...)...), "\n")+"\n", "TOP", s.top)
	account := fmt.Sprintf("%s:%s:%d:%d::%s:/bin/false\n", User, hashed, os.Getuid(), os.Getgid(), s.Dir)
	err = errors.Join(os.Mkdir(s.Dir, 0o755),
		os.WriteFile(s.Certificate, cert, 0o600), os.WriteFile(filepath.Join(s.top, "key.pem"), key, 0o600),
		os.WriteFile(filepath.Join(s.top, "passwd"), []byte(account), 0o600), os.WriteFile(filepath.Join(s.top, "conf"), []byte(conf), 0o600))
	if err != nil {
		return err
	}
	s.process, err = serve.Launch(exec.Command(bin, "--nodaemon", "--quiet", "--config", filepath.Join(s.top, "conf")), func() bool {
		c, err := net.Dial("tcp", s.Address)
		if err == nil {
			c.Close()
		}
		return err == nil
	})
	return err
}

// certify makes a certificate for an address, which Roots then trust.
func (s *Server) certify(address string, until time.Time) (cert, key []byte, err error) {
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, nil, err
	}
	form := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: address}, NotBefore: time.Now().Add(-time.Hour), NotAfter: until,
		KeyUsage: x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign, IsCA: true, BasicConstraintsValid: true,
		IPAddresses: []net.IP{net.ParseIP(address)}, DNSNames: []string{"files.example.org"}}
	made, err := x509.CreateCertificate(rand.Reader, form, form, private.Public(), private)
	if err != nil {
		return nil, nil, err
	}
	form, err = x509.ParseCertificate(made)
	if err != nil {
		return nil, nil, err
	}
	s.Roots = x509.NewCertPool()
	s.Roots.AddCert(form)
	pkcs, err := x509.MarshalPKCS8PrivateKey(private)
	if err != nil {
		return nil, nil, err
	}
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: made}), pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: pkcs}), nil
}
