package smb

import (
	"net"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/rialto-migrate/rialto/connector"
)

// A config is a connection's settings, read.
type config struct {
	address                string // host:port, "" if it is not set
	host                   string
	user, password, domain string
	root                   string // the path of the share, or of the folder of it; "/" for all shares
}

// parseConfig reads settings.
func parseConfig(s connector.Settings) (config, error) {
	c := config{user: s[setUser], password: s[setPassword], domain: s[setDomain], root: "/"}
	if domain, user, ok := strings.Cut(c.user, `\`); ok && c.domain == "" {
		c.domain, c.user = domain, user
	}
	if v := s[connector.SettingURL]; v != "" {
		u, err := url.Parse(v)
		if err != nil || u.Scheme != "smb" || u.Hostname() == "" || u.User != nil || strings.Trim(u.Path, "/") != "" || u.RawQuery != "" || u.Fragment != "" {
			return c, connector.Errorf(connector.Permanent, "the setting url cannot be read").
				WithHint("write the server's address alone, such as smb://files.example.org; name, password, share and folder are settings of their own")
		}
		port := u.Port()
		if port == "" {
			port = "445"
		}
		c.host, c.address = u.Hostname(), net.JoinHostPort(u.Hostname(), port)
	}
	if v := s[setShare]; v != "" {
		if legal(v) != nil {
			return c, connector.Errorf(connector.Permanent, "the setting %s cannot be read", setShare).WithHint("write the name of the share alone, such as Documents")
		}
		c.root = "/" + v
	}
	if v := strings.Trim(strings.ReplaceAll(s[setFolder], `\`, "/"), "/"); v != "" {
		if c.root == "/" {
			return c, connector.Errorf(connector.Permanent, "the setting %s needs the setting %s", setFolder, setShare).WithHint("name the share that the folder lies in")
		}
		for name := range strings.SplitSeq(v, "/") {
			if legal(name) != nil {
				return c, connector.Errorf(connector.Permanent, "the setting %s cannot be read", setFolder).WithHint("write the folders with slashes between them, as in Departments/Sales")
			}
			c.root = connector.Below(c.root, name)
		}
	}
	if _, err := settleDelay(s); err != nil {
		return c, err
	}
	_, err := nameLimit(s)
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

// nameLimit is how many bytes a name may have; 0 if characters alone count.
func nameLimit(s connector.Settings) (int, error) {
	if s[setNameBytes] == "" {
		return 0, nil
	}
	n, err := strconv.Atoi(s[setNameBytes])
	if err != nil || n < 0 || n > 0 && n < 64 {
		return 0, connector.Errorf(connector.Permanent, "the setting %s cannot be read", setNameBytes).WithHint("write a number of bytes such as 255, 0 for no limit, or leave it out")
	}
	return n, nil
}
