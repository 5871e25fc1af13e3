package imap

import (
	"net"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/rialto-migrate/rialto/connector"
)

// Settings by name.
const (
	setServer      = "server"
	setUser        = "user"
	setPassword    = "password"
	setToken       = "token"
	setRefresh     = "refresh-token"
	setClientID    = "client-id"
	setClientKey   = "client-secret"
	setTokenURL    = "token-url"
	setSecurity    = "security"
	setService     = "service"
	setConnections = "connections"
	setLabels      = "labels"
	setDeleted     = "deleted"
	setSettle      = "settle-delay"
	setAppendLimit = "append-limit"
	setKeywords    = "keywords"
	setCreateUse   = "create-special-use"
	setDelimiter   = "delimiter"
	setForbidden   = "forbidden"
)

func settings() []connector.Setting {
	return []connector.Setting{
		{Name: setServer, Help: "name of the mail server, with a port if it is not 993: imap.example.org, imap.example.org:143"},
		{Name: setUser, Help: "name to sign in with, mostly the address"},
		{Name: setPassword, Help: "password; Gmail wants an app password (Google Account, Security, App passwords)", Secret: true, Optional: true},
		{Name: setToken, Help: "OAuth access token in place of a password, for Microsoft 365 and Gmail", Secret: true, Optional: true},
		{Name: setRefresh, Help: "OAuth refresh token: new access tokens are fetched with it", Secret: true, Optional: true},
		{Name: setClientID, Help: "the app that the refresh token was made for", Optional: true},
		{Name: setClientKey, Help: "that app's secret, if it has one", Secret: true, Optional: true},
		{Name: setTokenURL, Help: "where tokens are fetched; known for Gmail and Microsoft 365", Optional: true},
		{Name: setSecurity, Help: "tls (the default), starttls (the default for port 143), or none: to this machine only", Optional: true},
		{Name: setService, Help: "gmail or microsoft, whose limits and folders differ; by default told from the server's name", Optional: true},
		{Name: setConnections, Help: "connections at once, at most; by default 8, Gmail 15, Microsoft 365 4", Optional: true},
		{Name: setLabels, Help: "what Gmail's labels become: folder (the default: a message lies in each), keyword, or both", Optional: true},
		{Name: setDeleted, Help: "messages that are marked as deleted and not yet removed: skip (the default) or carry", Optional: true},
		{Name: setSettle, Help: "how long a message that was under way may still appear after the connection broke; 10s by default", Optional: true},
		{Name: setAppendLimit, Help: "bytes of the largest message that the server takes; learned when connecting", Optional: true},
		{Name: setKeywords, Help: "yes if the server lets keywords be made, no, or those that it has, with spaces between them; learned when connecting", Optional: true},
		{Name: setDelimiter, Help: "the character between the names of a folder and the one in it; learned when connecting", Optional: true},
		{Name: setForbidden, Help: "characters that the server lets no folder's name hold, beside its delimiter: . for most servers with Maildir++", Optional: true},
		{Name: setCreateUse, Help: "yes if the server lets a folder be made for sent mail and the like; learned when connecting", Optional: true},
	}
}

// Hosts that give tokens.
const (
	googleHost    = "oauth2.googleapis.com"
	microsoftHost = "login.microsoftonline.com"
)

// Values of settings.
const (
	securityTLS   = "tls"
	securityStart = "starttls"
	securityNone  = "none"

	serviceGmail     = "gmail"
	serviceMicrosoft = "microsoft"

	labelsFolder  = "folder"
	labelsKeyword = "keyword"
	labelsBoth    = "both"
)

type config struct {
	host, port      string
	user            string
	password, token string

	refresh, clientID, clientSecret, tokenURL string

	security     string
	service      string
	connections  int
	labels       string
	carryDeleted bool
	settle       time.Duration
	appendLimit  int64
	kept         []string // the only flags that the server keeps; nil if it keeps any
	createUse    bool
	delimiter    string
	forbidden    string
}

// parse reads the settings. What is missing is not its matter; the config is of use
// even with an error.
func parse(s connector.Settings) (config, error) {
	c := config{user: s[setUser], password: s[setPassword], token: s[setToken], settle: 10 * time.Second, createUse: s[setCreateUse] == "yes",
		delimiter: s[setDelimiter], forbidden: s[setForbidden]}
	var first error
	bad := func(name, want string) {
		if first == nil {
			first = connector.Errorf(connector.Permanent, "imap cannot read the setting %s", name).WithHint("write " + want)
		}
	}
	one := func(name string, values ...string) string {
		if v := s[name]; v == "" || slices.Contains(values, v) {
			return v
		}
		bad(name, strings.Join(values, " or "))
		return ""
	}
	c.host, c.port = s[setServer], "993"
	if host, port, err := net.SplitHostPort(c.host); err == nil {
		c.host, c.port = host, port
		if n, err := strconv.Atoi(port); err != nil || n < 1 || n > 65535 {
			bad(setServer, "a name and, if it is not 993, a port: imap.example.org:143")
		}
	} else if strings.ContainsAny(c.host, "/ @") || strings.Count(c.host, ":") == 1 {
		bad(setServer, "a name and, if it is not 993, a port: imap.example.org:143")
	}
	if c.security = one(setSecurity, securityTLS, securityStart, securityNone); c.security == "" {
		c.security = securityTLS
		if c.port == "143" {
			c.security = securityStart
		}
	}
	if c.security == securityNone && !loopback(c.host) {
		bad(setSecurity, "tls or starttls: without them a password could be read by others")
	}
	if c.service = one(setService, serviceGmail, serviceMicrosoft); c.service == "" {
		switch {
		case strings.HasSuffix(c.host, ".gmail.com"), strings.HasSuffix(c.host, ".googlemail.com"):
			c.service = serviceGmail
		case strings.HasSuffix(c.host, ".office365.com"), strings.HasSuffix(c.host, ".outlook.com"), strings.HasSuffix(c.host, ".office365.us"):
			c.service = serviceMicrosoft
		}
	}
	c.refresh, c.clientID, c.clientSecret, c.tokenURL = s[setRefresh], s[setClientID], s[setClientKey], s[setTokenURL]
	if c.tokenURL == "" {
		c.tokenURL = map[string]string{serviceGmail: "https://" + googleHost + "/token", serviceMicrosoft: "https://" + microsoftHost + "/common/oauth2/v2.0/token"}[c.service]
	}
	if u, err := url.Parse(c.tokenURL); c.tokenURL != "" && (err != nil || u.Host == "" || u.Scheme != "https" && !(u.Scheme == "http" && loopback(u.Hostname()))) {
		bad(setTokenURL, "an address that begins with https://")
	}
	c.connections = map[string]int{serviceGmail: 15, serviceMicrosoft: 4, "": 8}[c.service]
	if v := s[setConnections]; v != "" {
		n, err := strconv.Atoi(v)
		if err != nil || n < 1 || n > 100 {
			bad(setConnections, "a number from 1 to 100")
		} else {
			c.connections = n
		}
	}
	if c.labels = one(setLabels, labelsFolder, labelsKeyword, labelsBoth); c.labels == "" {
		c.labels = labelsFolder
	}
	if v := s[setKeywords]; v != "" && v != "yes" {
		c.kept = systemFlags()
		if v != "no" {
			c.kept = append(c.kept, strings.Fields(v)...)
		}
	}
	c.carryDeleted = one(setDeleted, "skip", "carry") == "carry"
	if v := s[setSettle]; v != "" {
		d, err := time.ParseDuration(v)
		if err != nil || d < 0 {
			bad(setSettle, "a time such as 10s")
		} else {
			c.settle = d
		}
	}
	if v := s[setAppendLimit]; v != "" {
		n, err := strconv.ParseInt(v, 10, 64)
		if err != nil || n < 0 {
			bad(setAppendLimit, "a number of bytes")
		} else {
			c.appendLimit = n
		}
	}
	return c, first
}

// complete says what is missing.
func (c config) complete() error {
	switch {
	case c.host == "":
		return connector.Errorf(connector.Permanent, "imap needs the setting server").WithHint("set server to the mail server's name, such as imap.example.org")
	case c.user == "":
		return connector.Errorf(connector.Permanent, "imap needs the setting user").WithHint("set user to the name that you sign in with, mostly the address")
	case c.refresh != "" && (c.clientID == "" || c.tokenURL == ""):
		return connector.Errorf(connector.Auth, "imap needs the settings client-id and token-url with refresh-token").
			WithHint("set client-id to the app that the token was made for; token-url is known for Gmail and Microsoft 365")
	case c.password == "" && c.token == "" && c.refresh == "":
		return connector.Errorf(connector.Auth, "imap needs the setting password or token").
			WithHint("set password; Gmail wants an app password, and Microsoft 365 an access token")
	}
	if strings.ContainsAny(c.user+c.password+c.token, "\x00\x01\r\n") {
		return connector.Errorf(connector.Permanent, "the user, password or token holds a control character").WithHint("copy it without the line's end")
	}
	return nil
}

func (c config) address() string { return net.JoinHostPort(c.host, c.port) }

// loopback tells whether a server is this machine.
func loopback(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}
