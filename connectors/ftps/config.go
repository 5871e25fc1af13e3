package ftps

import (
	"net"
	"net/url"
	"strings"
	"time"

	"github.com/rialto-migrate/rialto/connector"
)

// How TLS begins.
const (
	tlsExplicit = "explicit" // with AUTH TLS (RFC 4217)
	tlsImplicit = "implicit" // at once
	tlsNone     = "none"     // never: for servers on this machine alone
)

// What a server lets one do with the times of files.
const (
	timesMFMT = "mfmt" // set, by MFMT
	timesMDTM = "mdtm" // set, by MDTM with a time, as vsftpd has it
	timesTold = "told" // read alone
)

// A config is a connection's settings, read.
type config struct {
	address  string // host:port, "" if it is not set
	host     string
	mode     string // how TLS begins
	user     string
	password string
	folder   string
	times    string // "" where it is not known yet
	settle   time.Duration
}

// parseConfig reads settings.
func parseConfig(s connector.Settings) (config, error) {
	c := config{user: s[setUser], password: s[setPassword], folder: s[setFolder], mode: s[setTLS], times: s[setTimes]}
	var err error
	if c.settle, err = settleDelay(s); err != nil {
		return c, err
	}
	if v := s[connector.SettingURL]; v != "" {
		u, err := url.Parse(v)
		if err != nil || u.Scheme != "ftps" || u.Hostname() == "" || u.User != nil || strings.Trim(u.Path, "/") != "" || u.RawQuery != "" || u.Fragment != "" {
			return c, connector.Errorf(connector.Permanent, "the setting url cannot be read").
				WithHint("write the server's address alone, such as ftps://files.example.org or ftps://files.example.org:990; name, password and folder are settings of their own")
		}
		port := u.Port()
		if c.mode == "" {
			c.mode = tlsExplicit
			if port == "990" { // which is for that (IANA, ftps)
				c.mode = tlsImplicit
			}
		}
		if port == "" {
			port = "21"
			if c.mode == tlsImplicit {
				port = "990"
			}
		}
		c.host, c.address = u.Hostname(), net.JoinHostPort(u.Hostname(), port)
	}
	switch c.mode {
	case "", tlsExplicit, tlsImplicit, tlsNone:
	default:
		return c, connector.Errorf(connector.Permanent, "the setting %s cannot be read", setTLS).
			WithHint("write explicit (AUTH TLS, usually on port 21) or implicit (usually on port 990)")
	}
	switch c.times {
	case "", timesMFMT, timesMDTM, timesTold:
	default:
		return c, connector.Errorf(connector.Permanent, "the setting %s cannot be read", setTimes).WithHint("write mfmt, mdtm or told, or leave it out: connect finds it out")
	}
	return c, nil
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
