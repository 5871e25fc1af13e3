package googledrive

import (
	"net"
	"net/url"
	"strings"

	"github.com/rialto-migrate/rialto/connector"
)

const (
	apiURL   = "https://www.googleapis.com"
	loginURL = "https://oauth2.googleapis.com/token"
)

// A config is a connection's settings, read.
type config struct {
	base      *url.URL // without a slash at its end
	login     string
	as        []string // whom it acts as; "" alone is whoever the credentials belong to
	documents policy
	queries   bool // the quota counts queries, not units
	account   *account
	people    []permission // whom a target may let in though the place does not tell of them

	clientID, clientSecret, refresh, access string
}

// parseConfig reads settings. On an error the config holds the defaults for what
// could not be read.
func parseConfig(s connector.Settings) (config, error) {
	c := config{login: loginURL, documents: office, as: []string{""},
		clientID: s[setClientID], clientSecret: s[setClientSecret], refresh: s[setRefreshToken], access: s[setAccessToken]}
	var first error
	bad := func(reason, hint string) {
		if first == nil {
			first = connector.Errorf(connector.Permanent, "%s", reason).WithHint(hint)
		}
	}
	c.base, _ = url.Parse(apiURL) // a constant
	if v := s[connector.SettingURL]; v != "" {
		if u := address(v); u != nil {
			c.base = u
		} else {
			bad("the setting url is not an address of Drive", "leave it out, or give it in full, like "+apiURL)
		}
	}
	if v := s[setLogin]; v != "" {
		if u := address(v); u != nil {
			c.login = u.String()
		} else {
			bad("the setting login is not an address", "leave it out, or give it in full, like "+loginURL)
		}
	}
	switch v := policy(s[setDocuments]); v {
	case "":
	case office, odf, pdf, skip:
		c.documents = v
	default:
		bad("the setting "+setDocuments+" cannot be read", "write office, odf, pdf or skip")
	}
	switch s[setQuota] {
	case "", "units":
	case "queries":
		c.queries = true
	default:
		bad("the setting "+setQuota+" cannot be read", "write units or queries")
	}
	if v := s[setAccount]; v != "" {
		a, err := readAccount(v)
		if err != nil && first == nil {
			first = err
		}
		c.account = a
	}
	if v := strings.TrimSpace(s[setAs]); v != "" {
		c.as = nil
		for who := range strings.SplitSeq(v, ",") {
			who = strings.TrimSpace(who)
			if strings.Count(who, "@") != 1 {
				bad("the setting "+setAs+" cannot be read", "write addresses with commas between them")
			}
			c.as = append(c.as, who)
		}
		if s[setAccount] == "" {
			bad("the setting "+setAs+" needs a service account", "set "+setAccount+", or leave "+setAs+" out")
		}
	}
	for who := range strings.SplitSeq(s[setPeople], ",") {
		p := permission{Type: "user", Email: strings.TrimSpace(who)}
		if group, ok := strings.CutPrefix(p.Email, "group:"); ok {
			p.Type, p.Email = "group", strings.TrimSpace(group)
		}
		if p.Email == "" && strings.TrimSpace(s[setPeople]) == "" {
			break
		}
		if strings.Count(p.Email, "@") != 1 {
			bad("the setting "+setPeople+" cannot be read", "write addresses with commas between them, and group: before that of a group")
		}
		c.people = append(c.people, p)
	}
	switch {
	case first != nil:
	case c.account != nil || c.access != "" && c.refresh == "":
	case c.refresh == "":
		first = connector.Errorf(connector.Auth, "the connection has no credentials").
			WithHint("set client-id, client-secret and refresh-token, or service-account")
	case c.clientID == "" || c.clientSecret == "":
		first = connector.Errorf(connector.Auth, "the OAuth client of the refresh token is missing").WithHint("set client-id and client-secret")
	}
	return c, first
}

// address reads an address that nothing is sent to in the clear, but on this machine.
func address(v string) *url.URL {
	u, err := url.Parse(strings.TrimRight(v, "/"))
	if err != nil || u.Host == "" || u.User != nil || u.RawQuery != "" || u.Fragment != "" {
		return nil
	}
	ip := net.ParseIP(u.Hostname())
	if u.Scheme == "https" || u.Scheme == "http" && (u.Hostname() == "localhost" || ip != nil && ip.IsLoopback()) {
		return u
	}
	return nil
}
