package webdav

import (
	"net"
	"net/url"
	"strings"
	"time"

	"github.com/rialto-migrate/rialto/connector"
)

// A server is what a server is known as: how it behaves where RFC 4918 leaves it
// open.
type server string

const (
	// apache is mod_dav_fs: it heeds conditions, and gives a file its name when it
	// is whole, but keeps no times (https://httpd.apache.org/docs/2.4/mod/mod_dav.html).
	apache server = "apache"
	// ownCloud is ownCloud, Nextcloud and their relatives: as apache, and they keep
	// times and checksums (X-OC-Mtime, OC-Checksum).
	ownCloud server = "owncloud"
	// rclone is "rclone serve webdav": it heeds no conditions and shows a file while
	// it grows, but keeps times (X-OC-Mtime).
	rclone server = "rclone"
	// other is a server of which nothing is known: it is written to with care.
	other server = "other"
)

// heeds reports whether a PUT heeds If-Match and If-None-Match, and gives a file
// its name when it is whole. To others a file goes under a name of ours, and is
// renamed.
func (s server) heeds() bool { return s == apache || s == ownCloud }

// keepsTimes reports whether a PUT with X-OC-Mtime sets when the bytes changed.
func (s server) keepsTimes() bool { return s == ownCloud || s == rclone }

// A config is a connection's settings, read.
type config struct {
	base           *url.URL // nil if it is not set
	root           string   // the path of base, decoded, without a slash at the end but for "/"
	user, password string
	token          string
	server         server
	settle         time.Duration // how long a request of a dead client may still land
}

// parseConfig reads settings. On an error the config holds the defaults for what
// could not be read.
func parseConfig(s connector.Settings) (config, error) {
	c := config{root: "/", user: s[setUser], password: s[setPassword], token: s[setToken], server: other, settle: 30 * time.Second}
	var first error
	bad := func(e *connector.Error) {
		if first == nil {
			first = e
		}
	}
	if v := s[connector.SettingURL]; v != "" {
		u, err := url.Parse(v)
		switch {
		case err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" || u.User != nil || u.RawQuery != "" || u.Fragment != "":
			bad(connector.Errorf(connector.Permanent, "the setting url cannot be read").
				WithHint("write the folder's address without a name or password in it, such as https://cloud.example.org/dav"))
		case u.Scheme == "http" && !loopback(u.Hostname()):
			bad(connector.Errorf(connector.Permanent, "the setting url would send files in the clear").
				WithHint("write https; http is for servers on this machine alone"))
		default:
			c.base, c.root = u, "/"+strings.Trim(u.Path, "/")
		}
	}
	switch v := server(s[setServer]); v {
	case "":
	case apache, ownCloud, rclone, other:
		c.server = v
	default:
		bad(connector.Errorf(connector.Permanent, "the setting %s cannot be read", setServer).WithHint("write apache, owncloud, rclone or other"))
	}
	if v := s[setSettle]; v != "" {
		d, err := time.ParseDuration(v)
		if err != nil || d < 0 {
			bad(connector.Errorf(connector.Permanent, "the setting %s cannot be read", setSettle).WithHint("write a time such as 30s or 2m"))
		} else {
			c.settle = d
		}
	}
	if c.token != "" && (c.user != "" || c.password != "") {
		bad(connector.Errorf(connector.Permanent, "both a token and a name or password are set").WithHint("set one of them"))
	}
	return c, first
}

// loopback reports whether a host is this machine.
func loopback(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}
