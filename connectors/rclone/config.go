package rclone

import (
	"net"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/rclone/rclone/fs"
	"github.com/rclone/rclone/fs/config/obscure"

	"github.com/rialto-migrate/rialto/connector"
)

// A config is a connection's settings, read.
type config struct {
	info    *fs.RegInfo // nil if no backend is set
	options map[string]string
	secrets map[string]string // in the clear
	folder  string
	traits  traits
	settle  time.Duration
}

// names are the backends that the program has, in order.
func names() []string {
	var out []string
	for _, info := range fs.Registry {
		out = append(out, info.FileName())
	}
	for i, n := range out {
		if n == "googlecloudstorage" {
			out[i] = "gcs"
		}
	}
	slices.Sort(out)
	return out
}

// parseConfig reads settings.
func parseConfig(s connector.Settings) (config, error) {
	c := config{folder: strings.Trim(s[setFolder], "/"), traits: parseTraits(s[setTraits]), settle: 30 * time.Second}
	if v := s[setSettle]; v != "" {
		d, err := time.ParseDuration(v)
		if err != nil || d < 0 {
			return c, connector.Errorf(connector.Permanent, "the setting %s cannot be read", setSettle).WithHint("write a time such as 30s or 2m")
		}
		c.settle = d
	}
	if s[setBackend] == "" {
		return c, nil
	}
	info, err := fs.Find(s[setBackend])
	if err != nil {
		return c, connector.Errorf(connector.Permanent, "the backend of the setting %s is not built into this program", setBackend).
			WithHint("it has " + strings.Join(names(), ", ") + "; others have connectors of their own, or are one line in connectors/rclone/backends.go")
	}
	c.info = info
	var e *connector.Error
	if c.options, e = c.pairs(setOptions, strings.ReplaceAll(s[setOptions], ",", "\n")); e != nil {
		return c, e
	}
	if c.secrets, e = c.pairs(setSecrets, s[setSecrets]); e != nil {
		return c, e
	}
	if v := s[connector.SettingURL]; v != "" {
		if e := c.setURL(v); e != nil {
			return c, e
		}
	}
	for _, v := range c.options {
		if e := inTheClear(v); e != nil {
			return c, e
		}
	}
	return c, nil
}

// pairs reads lines of "name=value", each an option of the backend's.
func (c config) pairs(setting, text string) (map[string]string, *connector.Error) {
	out := map[string]string{}
	for line := range strings.Lines(text) {
		line = strings.TrimSpace(line)
		if line == "" {
			continue
		}
		name, value, ok := strings.Cut(line, "=")
		name, value = strings.TrimSpace(name), strings.TrimSpace(value)
		if !ok {
			return nil, connector.Errorf(connector.Permanent, "the setting %s cannot be read", setting).WithHint("write name=value, one a line")
		}
		opt := c.option(name)
		switch {
		case opt == nil && name != "token":
			return nil, connector.Errorf(connector.Permanent, "the setting %s names an option that this backend does not have", setting).
				WithHint("its options are listed at https://rclone.org/" + c.info.FileName() + "/")
		case local(name):
			return nil, connector.Errorf(connector.Permanent, "the setting %s has an option that reads this machine's files, environment or programs", setting).
				WithHint("give the credentials themselves in the setting " + setSecrets)
		case setting == setOptions && (name == "token" || opt.IsPassword || opt.Sensitive && strings.Contains(name, "secret")):
			return nil, connector.Errorf(connector.Permanent, "the option %s is a secret", name).WithHint("put it into the setting " + setSecrets)
		}
		out[name] = value
	}
	return out, nil
}

// option is the backend's option of a name; nil if it has none.
func (c config) option(name string) *fs.Option {
	for i := range c.info.Options {
		if c.info.Options[i].Name == name {
			return &c.info.Options[i]
		}
	}
	return nil
}

// local reports whether an option makes the library use this machine: its files,
// environment, programs, sockets, or its way to the network.
func local(option string) bool {
	for _, end := range []string{"_file", "_path", "_command", "_proxy"} {
		if strings.HasSuffix(option, end) {
			return true
		}
	}
	return slices.Contains([]string{"env_auth", "use_msi", "use_az", "use_emulator", "unix_socket", "memory_pool_use_mmap", "debug"}, option)
}

// setURL puts an address into the option that the backend has for it.
func (c config) setURL(address string) *connector.Error {
	u, err := url.Parse(address)
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" || u.User != nil {
		return connector.Errorf(connector.Permanent, "the setting url cannot be read").WithHint("write an address such as https://files.example.org, without a name or password in it")
	}
	for _, name := range []string{"endpoint", "url", "auth"} {
		if c.option(name) != nil {
			c.options[name] = address
			return nil
		}
	}
	return connector.Errorf(connector.Permanent, "this backend always talks to the same address").WithHint("leave the setting url out")
}

// inTheClear refuses an address to which bytes would go unencrypted, but for this
// machine.
func inTheClear(value string) *connector.Error {
	if u, err := url.Parse(value); err == nil && u.Scheme == "http" && !loopback(u.Hostname()) {
		return connector.Errorf(connector.Permanent, "the settings would send files in the clear").WithHint("write https; http is for servers on this machine alone")
	}
	return nil
}

// loopback reports whether a host is this machine.
func loopback(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}

// account is what a person knows the connection by.
func (c config) account() string {
	for _, name := range []string{"account", "user", "username"} {
		if v := c.options[name]; v != "" {
			return c.info.Name + ":" + v
		}
	}
	return c.info.Name
}

// obscured is a value as the library wants it: it takes passwords in a form of its own,
// which hides them from a glance and from nobody else.
func (c config) obscured(name, value string) string {
	if opt := c.option(name); opt == nil || !opt.IsPassword || value == "" {
		return value
	}
	hidden, err := obscure.Obscure(value)
	if err != nil {
		return value
	}
	return hidden
}
