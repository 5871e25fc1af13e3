package s3

import (
	"net"
	"net/url"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"

	"github.com/rialto-migrate/rialto/connector"
)

// A config is a connection's settings, read.
type config struct {
	base      *url.URL // nil for Amazon's own
	region    string
	creds     aws.Credentials
	bucket    string // "" for all
	prefix    string // of keys: "" or ends with a slash
	pathStyle bool
	keep      bool // metadata are carried
	// settle is the settle delay: a connection that was cut is given up by the server
	// within minutes.
	settle time.Duration
}

// parseConfig reads settings. On an error the config holds the defaults for what
// could not be read.
func parseConfig(s connector.Settings) (config, error) {
	c := config{region: "us-east-1", keep: true, settle: time.Minute, bucket: s[setBucket],
		creds: aws.Credentials{AccessKeyID: s[setKeyID], SecretAccessKey: s[setSecret], SessionToken: s[setToken]}}
	var first error
	bad := func(name, hint string) {
		if first == nil {
			first = connector.Errorf(connector.Permanent, "the setting %s cannot be read", name).WithHint(hint)
		}
	}
	if v := s[setRegion]; v != "" {
		if strings.ContainsAny(v, " /:.<&") {
			bad(setRegion, "write the region's name, such as eu-central-1")
		} else {
			c.region = v
		}
	}
	if v := s[connector.SettingURL]; v != "" {
		u, err := url.Parse(strings.TrimRight(v, "/"))
		switch {
		case err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" || u.User != nil || u.RawQuery != "" || u.Fragment != "":
			bad(connector.SettingURL, "write the server's address, such as https://minio.example.org")
		case u.Scheme == "http" && !loopback(u.Hostname()):
			bad(connector.SettingURL, "nothing goes over a network in the clear: write an https address")
		default:
			c.base, c.pathStyle = u, true
		}
	}
	switch s[setPathStyle] {
	case "":
	case "true":
		c.pathStyle = true
	case "false":
		c.pathStyle = false
	default:
		bad(setPathStyle, "write true or false")
	}
	switch s[setMetadata] {
	case "", "keep":
	case "drop":
		c.keep = false
	default:
		bad(setMetadata, "write keep or drop")
	}
	if v := s[setSettle]; v != "" {
		d, err := time.ParseDuration(v)
		if err != nil || d < 0 {
			bad(setSettle, "write a time such as 30s or 2m")
		} else {
			c.settle = d
		}
	}
	if strings.Contains(c.bucket, "/") {
		bad(setBucket, "write the bucket's name alone, and the folder as the setting prefix")
	}
	if v := strings.Trim(s[setPrefix], "/"); v != "" {
		if c.bucket == "" {
			bad(setPrefix, "set bucket, too: a prefix is a folder of one bucket")
		}
		c.prefix = v + "/"
	}
	return c, first
}

func loopback(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}

// amazon reports whether the connection is to Amazon's own servers.
func (c config) amazon() bool { return c.base == nil }

// host is the server's name.
func (c config) host() string {
	switch {
	case c.base != nil:
		return c.base.Host
	case strings.HasPrefix(c.region, "cn-"):
		return "s3." + c.region + ".amazonaws.com.cn"
	}
	return "s3." + c.region + ".amazonaws.com"
}

// address is the URL of a key of a bucket, of the bucket itself if the key is "",
// or of the server if both are. A name with a dot stands in the path, for a
// certificate does not cover it
// (https://docs.aws.amazon.com/AmazonS3/latest/userguide/VirtualHosting.html).
func (c config) address(bucket, key, query string) string {
	var b strings.Builder
	scheme, path := "https", ""
	if c.base != nil {
		scheme, path = c.base.Scheme, c.base.EscapedPath()
	}
	b.Grow(len(c.host()) + len(path) + len(bucket) + len(key)*3/2 + len(query) + 16)
	b.WriteString(scheme)
	b.WriteString("://")
	virtual := bucket != "" && !c.pathStyle && !strings.Contains(bucket, ".")
	if virtual {
		b.WriteString(bucket)
		b.WriteByte('.')
	}
	b.WriteString(c.host())
	b.WriteString(path)
	if bucket != "" && !virtual {
		b.WriteByte('/')
		escape(&b, bucket)
	}
	if key != "" || bucket == "" || virtual {
		b.WriteByte('/')
		escape(&b, key)
	}
	if query != "" {
		b.WriteByte('?')
		b.WriteString(query)
	}
	return b.String()
}

// escape writes a key as Signature Version 4 wants it: all but letters, digits,
// "-._~" and the slash
// (https://docs.aws.amazon.com/AmazonS3/latest/API/sig-v4-header-based-auth.html).
func escape(b *strings.Builder, s string) {
	const hex = "0123456789ABCDEF"
	for i := range len(s) {
		ch := s[i]
		switch {
		case 'a' <= ch && ch <= 'z', 'A' <= ch && ch <= 'Z', '0' <= ch && ch <= '9', ch == '-', ch == '.', ch == '_', ch == '~', ch == '/':
			b.WriteByte(ch)
		default:
			b.WriteByte('%')
			b.WriteByte(hex[ch>>4])
			b.WriteByte(hex[ch&15])
		}
	}
}

// escaped is a value of a query: a slash is escaped, too.
func escaped(s string) string {
	var b strings.Builder
	escape(&b, s)
	return strings.ReplaceAll(b.String(), "/", "%2F")
}
