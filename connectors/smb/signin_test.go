package smb

import (
	"context"
	"net"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/rialto-migrate/rialto/connector"
	"github.com/rialto-migrate/rialto/connector/paths"
	"github.com/rialto-migrate/rialto/connectors/smb/smbtest"
)

// What keeps somebody out is told with what to do.
func TestSignIn(t *testing.T) {
	for what, c := range map[string]struct {
		directives []string
		settings   connector.Settings
		class      connector.Class
		says       string
	}{
		"a wrong password":       {nil, connector.Settings{setPassword: "wrong"}, connector.Auth, "name or password"},
		"nobody of that name":    {nil, connector.Settings{setUser: "nobody-of-that-name"}, connector.Auth, "name or password"},
		"taken for a guest":      {[]string{"map to guest = bad user", "guest account = root", "server smb encrypt = off", "[Open]", "path = {dir}", "guest ok = yes"}, connector.Settings{setUser: "nobody-of-that-name", setShare: "Open"}, connector.Permanent, "guest"},
		"no such share":          {nil, connector.Settings{setShare: "Nowhere"}, connector.Permanent, "setting share"},
		"no such folder":         {nil, connector.Settings{setFolder: "not/there"}, connector.Permanent, "setting folder"},
		"a share that is closed": {[]string{"[Closed]", "path = {dir}", "valid users = nobody"}, connector.Settings{setShare: "Closed"}, connector.Forbidden, "right"},
		"SMB 2 alone":            {[]string{"server min protocol = SMB2_02", "server max protocol = SMB2_10", "server smb encrypt = off"}, nil, connector.Permanent, "no SMB 3"},
		"SMB 1 alone":            {[]string{"server min protocol = NT1", "server max protocol = NT1", "server smb encrypt = off"}, nil, connector.Transient, "SMB 1"},
		"no encryption":          {[]string{"server smb encrypt = off"}, nil, connector.Permanent, "does not encrypt"},
		"no encryption, listed":  {[]string{"server smb encrypt = off"}, connector.Settings{setShare: ""}, connector.Permanent, "does not encrypt"},
		"NTLM turned off":        {[]string{"ntlm auth = disabled"}, nil, connector.Auth, "NTLM"},
	} {
		t.Run(what, func(t *testing.T) {
			t.Parallel()
			srv := smbtest.Samba(t, c.directives...)
			set := srv.Settings()
			for k, v := range c.settings {
				set[k] = v
			}
			_, err := open(t, set, connector.ClientOptions{}).Check(t.Context())
			if err == nil || connector.ClassOf(err) != c.class || !strings.Contains(err.Error(), c.says) {
				t.Errorf("%v of class %s, want class %s and %q", err, connector.ClassOf(err), c.class, c.says)
			}
			if err != nil && (strings.Contains(err.Error(), srv.Password) || strings.Contains(err.Error(), srv.Dir)) {
				t.Errorf("%v tells too much", err)
			}
		})
	}
}

// An account that was disabled is told of.
func TestDisabledAccount(t *testing.T) {
	srv := smbtest.Samba(t)
	if said, err := exec.Command("smbpasswd", "-c", filepath.Join(filepath.Dir(srv.Dir), "smb.conf"), "-d", srv.User).CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, said)
	}
	_, err := open(t, srv.Settings(), connector.ClientOptions{}).Check(t.Context())
	if connector.ClassOf(err) != connector.Auth || !strings.Contains(err.Error(), "disabled") {
		t.Errorf("%v, want class auth and that it is disabled", err)
	}
}

// A server of each version of SMB 3 is spoken to, whether it encrypts everything or a
// share alone; and no path goes out in the clear.
func TestEncrypted(t *testing.T) {
	const secret = "a name that nobody else may read"
	for what, directives := range map[string][]string{
		"3.1.1":           nil,
		"3.1.1 with CCM":  {"server smb3 encryption algorithms = AES-128-CCM"},
		"3.0.2":           {"server max protocol = SMB3_02"},
		"3.0":             {"server max protocol = SMB3_00"},
		"the share alone": {"server smb encrypt = default", "[Sealed]", "path = {dir}", "read only = no", "server smb encrypt = required"},
	} {
		t.Run(what, func(t *testing.T) {
			t.Parallel()
			srv := smbtest.Samba(t, directives...)
			set := srv.Settings()
			at := root
			if what == "the share alone" {
				set[setShare], at = "Sealed", "/Sealed"
			}
			ear := &ear{}
			c := open(t, set, connector.ClientOptions{Dialing: connector.Dialing{Connect: ear.connect}})
			if _, err := c.Check(t.Context()); err != nil {
				t.Fatal(err)
			}
			r := one(t, c, "", connector.Change{Op: connector.Create, Item: aFile(paths.Drive(at), secret, 3)}, []byte("abc"))
			if r.Err != nil {
				t.Fatal(r.Err)
			}
			ear.mu.Lock()
			defer ear.mu.Unlock()
			if len(ear.heard) < 1000 || strings.Contains(string(ear.heard), "n\x00o\x00b\x00o\x00d\x00y\x00") {
				t.Errorf("of %d bytes on the wire, some are a name", len(ear.heard))
			}
		})
	}
}

// An ear hears all that goes over a connection.
type ear struct {
	mu    sync.Mutex
	heard []byte
}

func (e *ear) connect(ctx context.Context, address string) (net.Conn, error) {
	conn, err := (&net.Dialer{}).DialContext(ctx, "tcp", address)
	return &overheard{conn, e}, err
}

type overheard struct {
	net.Conn
	ear *ear
}

func (o *overheard) Write(p []byte) (int, error) {
	o.ear.mu.Lock()
	o.ear.heard = append(o.ear.heard, p...)
	o.ear.mu.Unlock()
	return o.Conn.Write(p)
}

func TestConfig(t *testing.T) {
	good := connector.Settings{connector.SettingURL: "smb://files.example.org", setUser: `DOM\me`, setPassword: "x", setShare: "Share", setFolder: `a\b/c`}
	c, err := parseConfig(good)
	if err != nil || c.address != "files.example.org:445" || c.root != "/Share/a/b/c" || c.user != "me" || c.domain != "DOM" {
		t.Errorf("%+v, %v", c, err)
	}
	for _, bad := range []connector.Settings{
		{connector.SettingURL: "files.example.org"}, {connector.SettingURL: "smb://a/share"}, {connector.SettingURL: "smb://me:x@a"}, {connector.SettingURL: `\\a\share`},
		{setShare: "a/b"}, {setShare: ".."}, {setFolder: "a"}, {setShare: "a", setFolder: "../b"}, {setSettle: "soon"}, {setNameBytes: "many"},
	} {
		if _, err := parseConfig(bad); err == nil || connector.ClassOf(err) != connector.Permanent {
			t.Errorf("%v: %v", bad, err)
		}
	}
}
