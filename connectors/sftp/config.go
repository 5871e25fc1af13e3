package sftp

import (
	"errors"
	"net"
	"net/url"
	"strings"
	"time"

	"golang.org/x/crypto/ssh"

	"github.com/rialto-migrate/rialto/connector"
)

// A config is a connection's settings, read.
type config struct {
	address string // host:port, "" if it is not set
	host    string
	user    string
	folder  string
	auth    []ssh.AuthMethod
	pin     pin
}

// parseConfig reads settings.
func parseConfig(s connector.Settings) (config, error) {
	c := config{user: s[setUser], folder: s[setFolder]}
	if v := s[connector.SettingURL]; v != "" {
		u, err := url.Parse(v)
		if err != nil || u.Scheme != "sftp" || u.Hostname() == "" || u.User != nil || strings.Trim(u.Path, "/") != "" || u.RawQuery != "" || u.Fragment != "" {
			return c, connector.Errorf(connector.Permanent, "the setting url cannot be read").
				WithHint("write the server's address alone, such as sftp://files.example.org or sftp://files.example.org:2222; name, password and folder are settings of their own")
		}
		port := u.Port()
		if port == "" {
			port = "22"
		}
		c.host, c.address = u.Hostname(), net.JoinHostPort(u.Hostname(), port)
	}
	if v := s[setKey]; v != "" {
		signer, err := readKey(v, s[setPassphrase])
		if err != nil {
			return c, err
		}
		c.auth = append(c.auth, ssh.PublicKeys(signer))
	}
	if v := s[setPassword]; v != "" {
		// Servers that ask by keyboard-interactive (RFC 4256) want the password, too.
		c.auth = append(c.auth, ssh.Password(v), ssh.KeyboardInteractive(func(_, _ string, questions []string, shown []bool) ([]string, error) {
			answers := make([]string, len(questions))
			for i := range questions {
				if shown[i] || len(questions) > 1 {
					return nil, errors.New("the server asks for more than a password")
				}
				answers[i] = v
			}
			return answers, nil
		}))
	}
	var err error
	c.pin, err = parsePin(s[setHostKey])
	return c, err
}

// settleDelay is how long a request of a dead client may still land; the default
// for what cannot be read.
func settleDelay(s connector.Settings) (time.Duration, error) {
	const usual = 30 * time.Second
	if s[setSettle] == "" {
		return usual, nil
	}
	d, err := time.ParseDuration(s[setSettle])
	if err != nil || d < 0 {
		return usual, connector.Errorf(connector.Permanent, "the setting %s cannot be read", setSettle).WithHint("write a time such as 30s or 2m")
	}
	return d, nil
}

func readKey(text, passphrase string) (ssh.Signer, error) {
	raw := []byte(strings.TrimSpace(strings.ReplaceAll(text, "\r\n", "\n")) + "\n")
	signer, err := ssh.ParsePrivateKey(raw)
	if _, locked := errors.AsType[*ssh.PassphraseMissingError](err); locked {
		if passphrase == "" {
			return nil, connector.Errorf(connector.Auth, "the private key has a passphrase").WithHint("set passphrase, too")
		}
		if signer, err = ssh.ParsePrivateKeyWithPassphrase(raw, []byte(passphrase)); err != nil {
			return nil, connector.Errorf(connector.Auth, "the passphrase does not open the private key").WithHint("correct the setting passphrase")
		}
	}
	if err != nil {
		return nil, connector.Errorf(connector.Auth, "the setting %s holds no private key", setKey).
			WithHint("give the whole text of the key's file, from -----BEGIN to -----END; a key of PuTTY's is exported in the form of OpenSSH first")
	}
	return signer, nil
}
