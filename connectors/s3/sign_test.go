package s3

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
	"golang.org/x/net/http/httpguts"

	"github.com/rialto-migrate/rialto/connector"
)

// FuzzSign signs whatever requests as the AWS SDK does.
func FuzzSign(f *testing.F) {
	f.Add("PUT", "/bucket/a b/ü", "prefix=a%20b&list-type=2&delimiter=%2F", "X-Amz-Meta-Note", "  two   spaces ", "s3.example.org:443", "token", int64(20_000), int64(1_700_000_000))
	f.Add("GET", "", "", "Range", "bytes=0-9", "127.0.0.1:9000", "", int64(0), int64(1_369_353_600))
	f.Add("GET", "/b", "uploads", "x_y", "a,b", "b.s3.amazonaws.com:80", "", int64(0), int64(0))
	f.Add("POST", "/b/k", "uploadId=a+b&partNumber=1", "User-Agent", "x", "h", "", int64(-1), int64(1))
	f.Fuzz(func(t *testing.T, method, path, query, name, value, host, token string, length, at int64) {
		cfg, err := parseConfig(connector.Settings{setKeyID: "AKIDEXAMPLE", setSecret: "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY", setToken: token})
		if err != nil || at < 0 || at > 1<<35 || !httpguts.ValidHeaderFieldName(name) || !httpguts.ValidHeaderFieldValue(value) || !httpguts.ValidHostHeader(host) {
			return
		}
		now := time.Unix(at, 0)
		for _, scheme := range []string{"http", "https"} {
			make := func() *http.Request {
				return &http.Request{Method: method, URL: &url.URL{Scheme: scheme, Host: host, Path: path, RawQuery: query}, Host: host, ContentLength: length,
					Header: http.Header{"Content-Type": {noType}, "If-None-Match": {"*"}, "X-Amz-Content-Sha256": {unsigned}, http.CanonicalHeaderKey(name): {value, "more"}}}
			}
			want, got := make(), make()
			for _, r := range []*http.Request{want, got} {
				if len(r.Header["X-Amz-Content-Sha256"]) != 1 || r.Header["Accept-Encoding"] != nil || r.Header["Host"] != nil || r.Host == "" {
					return // what the connector never sends
				}
			}
			reference := v4.NewSigner(func(o *v4.SignerOptions) {
				o.DisableURIPathEscaping = true // S3 alone escapes a path once
				o.DisableHeaderHoisting = true
			})
			if err := reference.SignHTTP(t.Context(), cfg.creds, want, unsigned, "s3", cfg.region, now); err != nil {
				return
			}
			if err := newSigner(cfg, func() time.Time { return now })(t.Context(), got); err != nil {
				t.Fatal(err)
			}
			if got.Header.Get("Authorization") != want.Header.Get("Authorization") || got.URL.RawQuery != want.URL.RawQuery || got.Host != want.Host {
				t.Errorf("got  %s %q %q\nwant %s %q %q", got.Header.Get("Authorization"), got.URL.RawQuery, got.Host, want.Header.Get("Authorization"), want.URL.RawQuery, want.Host)
			}
		}
	})
}

// Bytes are asked for as they are stored, and no proxy that changes the wish breaks the
// signature.
func TestAsksForBytesAsTheyAre(t *testing.T) {
	cfg, err := parseConfig(connector.Settings{setKeyID: "AKIDEXAMPLE", setSecret: "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"})
	if err != nil {
		t.Fatal(err)
	}
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "https://b.s3.amazonaws.com/k", nil)
	if err != nil {
		t.Fatal(err)
	}
	if err := newSigner(cfg, time.Now)(t.Context(), r); err != nil {
		t.Fatal(err)
	}
	if r.Header.Get("Accept-Encoding") != "identity" || strings.Contains(r.Header.Get("Authorization"), "accept-encoding") {
		t.Errorf("%q, %q", r.Header.Get("Accept-Encoding"), r.Header.Get("Authorization"))
	}
}

func BenchmarkSign(b *testing.B) {
	cfg, err := parseConfig(connector.Settings{connector.SettingURL: "http://127.0.0.1:9000", setKeyID: "AKIDEXAMPLE", setSecret: "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"})
	if err != nil {
		b.Fatal(err)
	}
	sign := newSigner(cfg, time.Now)
	b.ReportAllocs()
	for b.Loop() {
		r, err := http.NewRequestWithContext(b.Context(), http.MethodPut, cfg.address("bucket", "folder/file-000001", ""), nil)
		if err != nil {
			b.Fatal(err)
		}
		r.Header["Content-Type"] = []string{noType}
		r.Header["If-None-Match"] = []string{"*"}
		r.ContentLength = 20000
		if err := sign(b.Context(), r); err != nil {
			b.Fatal(err)
		}
	}
}
