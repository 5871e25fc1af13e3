package dropbox

import (
	"net"
	"net/url"
	"strings"
	"time"

	"github.com/rialto-migrate/rialto/connector"
)

// A config is a connection's settings, read.
type config struct {
	api, content    string // the hosts' addresses, without a slash at the end
	key, secret     string
	refresh, access string
	as              string
	settle          time.Duration
}

// parseConfig reads settings. On an error the config holds the defaults for what
// could not be read.
func parseConfig(s connector.Settings) (config, error) {
	c := config{api: "https://" + apiHost, content: "https://" + contentHost, key: s[setKey], secret: s[setSecret], refresh: s[setRefresh], access: s[setAccess], as: s[setAs], settle: settle}
	if v := strings.TrimRight(s[connector.SettingURL], "/"); v != "" {
		u, err := url.Parse(v)
		switch {
		case err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" || u.User != nil || u.RawQuery != "":
			return c, connector.Errorf(connector.Permanent, "the setting url cannot be read").WithHint("leave it out for Dropbox itself")
		case u.Scheme == "http" && !near(u.Hostname()):
			return c, connector.Errorf(connector.Permanent, "the setting url would send files in the clear").WithHint("write https, or leave it out for Dropbox itself")
		}
		c.api, c.content = v, v
	}
	if v := s[setSettle]; v != "" {
		d, err := time.ParseDuration(v)
		if err != nil || d < 0 {
			return c, connector.Errorf(connector.Permanent, "the setting %s cannot be read", setSettle).WithHint("write a time such as 30s or 2m")
		}
		c.settle = d
	}
	return c, nil
}

// near reports whether a host is this machine, or a name that none outside has
// (RFC 2606).
func near(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || strings.HasSuffix(host, ".test") || ip != nil && ip.IsLoopback()
}

// A place is where a target writes.
type place struct {
	team  string   // the name of a team folder; "" for the home
	below []string // folders below
}

// parsePlace reads "home/Archive/2026" or "team-folder:Sales/Archive"; "" is the home.
func parsePlace(text string) (place, error) {
	parts := strings.Split(strings.Trim(text, "/"), "/")
	p := place{below: parts[1:]}
	name, team := strings.CutPrefix(parts[0], "team-folder:")
	switch {
	case team && name != "":
		p.team = name
	case parts[0] == "home" || parts[0] == "" && len(parts) == 1:
	default:
		return p, badPlace()
	}
	for _, n := range p.below {
		if n == "" || n == "." || n == ".." || strings.ContainsAny(n, "\\\x00") {
			return p, badPlace()
		}
	}
	return p, nil
}

func badPlace() *connector.Error {
	return connector.Errorf(connector.Permanent, "the place cannot be read").
		WithHint(`write "home", "home/Archive/2026", "team-folder:Sales" or "team-folder:Sales/Archive"`)
}
