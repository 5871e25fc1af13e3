package box

import (
	"net"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/rialto-migrate/rialto/connector"
)

// Where Box answers, takes uploads and shows people what it holds
// (https://github.com/box/box-openapi, servers).
const (
	publicAPI    = "https://api.box.com"
	publicUpload = "https://upload.box.com"
	publicWeb    = "https://app.box.com"
)

// A config is a connection's settings, read.
type config struct {
	base, uploads, web string // without a slash at the end
	client, secret     string
	enterprise         string
	as                 string // a user's id, "" for the account itself
	all                bool   // as everybody
	folder             string // the only one to read, "" for all
	tags               bool
	most               int64 // bytes of a file, 0 if nobody told
	settle             time.Duration
}

func (c config) everybody() bool { return c.all }

// parseConfig reads settings. On an error the config holds the defaults for what
// could not be read.
func parseConfig(s connector.Settings) (config, error) {
	c := config{base: publicAPI, uploads: publicUpload, web: publicWeb, client: s[setClientID], secret: s[setClientSecret], enterprise: s[setEnterprise],
		folder: s[setFolder], tags: s[setTags] != "drop", settle: 30 * time.Second}
	var first error
	bad := func(name, hint string) {
		if first == nil {
			first = connector.Errorf(connector.Permanent, "the setting %s cannot be read", name).WithHint(hint)
		}
	}
	if v := s[connector.SettingURL]; v != "" && v != publicAPI {
		u, err := url.Parse(v)
		switch {
		case err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" || u.User != nil || u.RawQuery != "" || u.Fragment != "":
			bad(connector.SettingURL, "leave it away, or write an address such as "+publicAPI)
		case u.Scheme == "http" && !loopback(u.Hostname()):
			bad(connector.SettingURL, "write https; http is for servers on this machine alone")
		default:
			c.base = strings.TrimRight(v, "/")
			c.uploads, c.web = c.base, c.base
		}
	}
	switch v := s[setAs]; {
	case v == everybody:
		c.all = true
	case v != "" && !digits(v):
		bad(setAs, "write the person's id (their page in the Admin Console ends with it), or "+everybody)
	default:
		c.as = v
	}
	if c.folder != "" && !digits(c.folder) {
		bad(setFolder, "write the folder's id: the address of its page ends with it")
	}
	if c.folder != "" && c.all {
		bad(setFolder, "name a folder for one person alone, not for everybody")
	}
	if v := s[setTags]; v != "" && v != "keep" && v != "drop" {
		bad(setTags, "write keep or drop")
	}
	if v := s[setMost]; v != "" {
		n, err := strconv.ParseInt(v, 10, 64)
		if err != nil || n < 0 {
			bad(setMost, "write a number of bytes, or leave it away: it is learned when connecting")
		} else {
			c.most = n
		}
	}
	if v := s[setSettle]; v != "" {
		d, err := time.ParseDuration(v)
		if err != nil || d < 0 {
			bad(setSettle, "write a time such as 30s or 2m")
		} else {
			c.settle = d
		}
	}
	return c, first
}

func digits(s string) bool { return s != "" && strings.Trim(s, "0123456789") == "" }

// loopback reports whether a host is this machine.
func loopback(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}
