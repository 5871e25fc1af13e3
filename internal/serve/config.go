package serve

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"net/url"
	"os"
	"reflect"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/rialto-migrate/rialto/internal/account"
	"github.com/rialto-migrate/rialto/internal/outside"
	"github.com/rialto-migrate/rialto/internal/vault"
)

// A Config is what an operator decides. It comes from a file, then from
// environment variables, then from flags; each outweighs the one before.
type Config struct {
	// Listen is where the pages and the API are served: "HOST:PORT".
	Listen string `yaml:"listen" env:"RIALTO_LISTEN"`
	// Private is where metrics and probes are served, for the operator's own network;
	// "" for nowhere.
	Private string `yaml:"private" env:"RIALTO_PRIVATE"`
	// Address is the one under which people reach the service, like
	// https://rialto.example.org; "" is that of Listen.
	Address string `yaml:"address" env:"RIALTO_ADDRESS"`
	// TLS are the files of a certificate with its chain, and of its key. Without them, a
	// proxy in front has them, or Listen is on loopback.
	TLS TLS `yaml:"tls"`
	// Proxies are the networks of proxies whose word is taken on where a request comes from.
	Proxies []string `yaml:"proxies" env:"RIALTO_PROXIES"`
	// Database is that of a PostgreSQL server, postgres://USER:PASSWORD@HOST/DATABASE; ""
	// is files in the state directory.
	Database secret `yaml:"database" env:"RIALTO_DATABASE_URL"`
	Mail     Mail   `yaml:"mail"`
	// Regions are where data can be kept.
	Regions []account.Region `yaml:"regions"`
	// SignIn are other providers by which people sign in, over OpenID Connect.
	SignIn []SignIn `yaml:"sign_in"`
	// Networks are the private ones that movers may connect to.
	Networks []string `yaml:"allow_networks" env:"RIALTO_ALLOW_NETWORKS"`
}

// SignIn is one provider of sign-ins. It is told to send people back to
// ADDRESS/sign-in/with/ID/done.
type SignIn struct {
	ID     string `yaml:"id"`
	Name   string `yaml:"name"`
	Issuer string `yaml:"issuer"` // as its /.well-known/openid-configuration writes it
	Client string `yaml:"client_id"`
	Secret secret `yaml:"client_secret"`
}

// TLS are the files of a certificate.
type TLS struct {
	Certificate string `yaml:"certificate" env:"RIALTO_TLS_CERTIFICATE"`
	Key         string `yaml:"key" env:"RIALTO_TLS_KEY"`
}

// Mail is how letters leave. Without a host they are shown on the terminal.
type Mail struct {
	Host     string `yaml:"host" env:"RIALTO_MAIL_HOST"`
	Port     int    `yaml:"port" env:"RIALTO_MAIL_PORT"`
	User     secret `yaml:"user" env:"RIALTO_MAIL_USER"`
	Password secret `yaml:"password" env:"RIALTO_MAIL_PASSWORD"`
	From     string `yaml:"from" env:"RIALTO_MAIL_FROM"`
	// Plain lets a server on this machine do without TLS.
	Plain bool `yaml:"plain" env:"RIALTO_MAIL_PLAIN"`
}

// A secret is masked where the configuration is shown.
type secret string

func (s secret) MarshalYAML() (any, error) {
	if s == "" {
		return "", nil
	}
	return "[secret]", nil
}

func (s secret) String() string { return "[secret]" }

// Defaults serve on this machine alone.
func Defaults() Config {
	return Config{Listen: "127.0.0.1:8090", Private: "127.0.0.1:8091", Mail: Mail{Port: 587}, Regions: account.DefaultRegions()}
}

// Load reads a file, if there is one, and the environment over the defaults.
func Load(path string, getenv func(string) string) (Config, error) {
	c := Defaults()
	if path != "" {
		b, err := os.ReadFile(path)
		if err != nil {
			return c, fmt.Errorf("the configuration cannot be read: %w", err)
		}
		d := yaml.NewDecoder(bytes.NewReader(b))
		d.KnownFields(true)
		if err := d.Decode(&c); err != nil && !errors.Is(err, io.EOF) {
			return c, fmt.Errorf("%s: %w", path, err)
		}
	}
	return c, fromEnvironment(reflect.ValueOf(&c).Elem(), getenv)
}

// fromEnvironment sets the fields whose variables are set. Lists are separated by commas.
func fromEnvironment(c reflect.Value, getenv func(string) string) error {
	for i := range c.NumField() {
		f, name := c.Field(i), c.Type().Field(i).Tag.Get("env")
		if name == "" {
			if f.Kind() == reflect.Struct {
				if err := fromEnvironment(f, getenv); err != nil {
					return err
				}
			}
			continue
		}
		text := getenv(name)
		if text == "" {
			continue
		}
		switch f.Kind() {
		case reflect.String:
			f.SetString(text)
		case reflect.Int:
			n, err := strconv.Atoi(text)
			if err != nil {
				return fmt.Errorf("%s must be a number", name)
			}
			f.SetInt(int64(n))
		case reflect.Bool:
			yes, err := strconv.ParseBool(text)
			if err != nil {
				return fmt.Errorf("%s must be true or false", name)
			}
			f.SetBool(yes)
		case reflect.Slice:
			f.Set(reflect.ValueOf(strings.FieldsFunc(text, func(r rune) bool { return r == ',' || r == ' ' })))
		}
	}
	return nil
}

// Show writes the configuration as a file would hold it, with its secrets masked.
func (c Config) Show(w io.Writer) error {
	e := yaml.NewEncoder(w)
	e.SetIndent(2)
	return errors.Join(e.Encode(c), e.Close())
}

// base is Address, or what stands for it.
func (c Config) base() string {
	if c.Address != "" {
		return strings.TrimRight(c.Address, "/")
	}
	scheme := "http://"
	if c.TLS.Certificate != "" {
		scheme = "https://"
	}
	// Browsers give passkeys to names alone.
	if host, port, err := net.SplitHostPort(c.Listen); err == nil && local(host) {
		return scheme + net.JoinHostPort("localhost", port)
	}
	return scheme + c.Listen
}

// secure reports whether people reach the service by HTTPS.
func (c Config) secure() bool { return strings.HasPrefix(c.base(), "https://") }

// check refuses what would not be safe, or could not be meant.
func (c Config) check() error {
	u, err := url.Parse(c.base())
	if err != nil || u.Host == "" || u.Path != "" {
		return fmt.Errorf("address: %q is no address of a site, like https://rialto.example.org", c.Address)
	}
	if (c.TLS.Certificate == "") != (c.TLS.Key == "") {
		return errors.New("tls: a certificate and its key go together")
	}
	if !c.secure() && !local(u.Hostname()) {
		return fmt.Errorf("address: %s would send passwords in the clear: use https://, with tls: or a proxy in front that has the certificate", c.base())
	}
	host, _, err := net.SplitHostPort(c.Listen)
	if err != nil {
		return fmt.Errorf("listen: %q is not HOST:PORT", c.Listen)
	}
	if c.TLS.Certificate == "" && !local(host) && len(c.Proxies) == 0 {
		return fmt.Errorf("listen: %s is open to the network without TLS: give tls:, or name the proxy in front under proxies:", c.Listen)
	}
	if _, err := c.outside(); err != nil {
		return err
	}
	if _, err := c.proxies(); err != nil {
		return err
	}
	return nil
}

// outside are the providers of sign-ins.
func (c Config) outside() (*outside.Providers, error) {
	var all []outside.Provider
	for _, p := range c.SignIn {
		all = append(all, outside.Provider{ID: p.ID, Name: p.Name, Issuer: p.Issuer, ClientID: p.Client, Secret: vault.NewSecret(string(p.Secret))})
	}
	return outside.New(nil, nil, all...)
}

func local(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}

func (c Config) proxies() (out []netip.Prefix, err error) {
	for _, text := range c.Proxies {
		p, err := netip.ParsePrefix(text)
		if err != nil {
			a, err := netip.ParseAddr(text)
			if err != nil {
				return nil, fmt.Errorf("proxies: %q is no network, like 10.0.0.0/8", text)
			}
			p = netip.PrefixFrom(a, a.BitLen())
		}
		out = append(out, p.Masked())
	}
	return out, nil
}

// Override sets what flags say; an empty one says nothing.
func (c *Config) Override(listen, address, database string, networks []string) {
	if listen != "" {
		c.Listen = listen
	}
	if address != "" {
		c.Address = address
	}
	if database != "" {
		c.Database = secret(database)
	}
	c.Networks = append(c.Networks, networks...)
}
