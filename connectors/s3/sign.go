package s3

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

// unsigned stands for the hash of a body that is not signed: TLS guards it, and
// what is stored is held against what was sent
// (https://docs.aws.amazon.com/AmazonS3/latest/API/sig-v4-header-based-auth.html).
const unsigned = "UNSIGNED-PAYLOAD"

const algorithm = "AWS4-HMAC-SHA256"

// A signer signs requests by Signature Version 4, as the AWS SDK does, against which
// the tests hold it, at a quarter of its processor time: two signatures move a file
// (https://docs.aws.amazon.com/AmazonS3/latest/API/sig-v4-header-based-auth.html).
// It is safe for concurrent use.
type signer struct {
	config
	now     func() time.Time
	moment  atomic.Pointer[moment]
	scratch sync.Pool
}

// A moment is what holds for all signatures of a second.
type moment struct {
	at    int64  // in seconds since 1970
	stamp string // 20060102T150405Z
	scope string
	key   []byte
}

// newSigner signs requests of a connection.
func newSigner(c config, now func() time.Time) func(context.Context, *http.Request) error {
	if now == nil {
		now = time.Now
	}
	s := &signer{config: c, now: now}
	return func(_ context.Context, r *http.Request) error {
		s.sign(r)
		// An object goes as it is stored: net/http would undo a compression that is its
		// owner's. It is not signed, because proxies change it.
		r.Header["Accept-Encoding"] = []string{"identity"}
		return nil
	}
}

func (s *signer) at(now time.Time) *moment {
	m := s.moment.Load()
	if m != nil && m.at == now.Unix() {
		return m
	}
	now = now.UTC()
	stamp := now.Format("20060102T150405Z")
	next := &moment{at: now.Unix(), stamp: stamp, scope: stamp[:8] + "/" + s.region + "/s3/aws4_request"}
	if m != nil && m.scope == next.scope {
		next.key = m.key
	} else {
		next.key = []byte("AWS4" + s.creds.SecretAccessKey)
		for part := range strings.SplitSeq(next.scope, "/") {
			next.key = hashed256(next.key, []byte(part))
		}
	}
	s.moment.Store(next)
	return next
}

func hashed256(key, what []byte) []byte {
	h := hmac.New(sha256.New, key)
	h.Write(what)
	return h.Sum(nil)
}

// scratch is memory to build what is signed in.
type scratch struct {
	names []string
	text  bytes.Buffer
}

func (s *signer) sign(r *http.Request) {
	m := s.at(s.now())
	h := r.Header
	if h["X-Amz-Content-Sha256"] == nil {
		h["X-Amz-Content-Sha256"] = []string{unsigned}
	}
	h["X-Amz-Date"] = []string{m.stamp}
	if s.creds.SessionToken != "" {
		h["X-Amz-Security-Token"] = []string{s.creds.SessionToken}
	}
	if r.URL.RawQuery != "" {
		r.URL.RawQuery = strings.ReplaceAll(r.URL.Query().Encode(), "+", "%20")
	}
	r.Host = plainHost(r)

	x, ok := s.scratch.Get().(*scratch)
	if !ok {
		x = &scratch{}
	}
	defer s.scratch.Put(x)
	x.names = append(x.names[:0], "Host")
	for name := range h {
		switch name {
		case "Authorization", "User-Agent", "X-Amzn-Trace-Id", "Expect", "Transfer-Encoding", "Host", "Content-Length", "Accept-Encoding":
			continue
		}
		x.names = append(x.names, name)
	}
	length := ""
	if r.ContentLength > 0 {
		x.names = append(x.names, "Content-Length")
		length = strconv.FormatInt(r.ContentLength, 10)
	}
	slices.SortFunc(x.names, byLower)

	b := &x.text
	b.Reset()
	b.WriteString(r.Method)
	b.WriteByte('\n')
	path := r.URL.EscapedPath()
	if path == "" {
		path = "/"
	}
	b.WriteString(path)
	b.WriteByte('\n')
	b.WriteString(r.URL.RawQuery)
	b.WriteByte('\n')
	for _, name := range x.names {
		lower(b, name)
		b.WriteByte(':')
		switch name {
		case "Host":
			squeezed(b, r.Host)
		case "Content-Length":
			b.WriteString(length)
		default:
			for i, v := range h[name] {
				if i > 0 {
					b.WriteByte(',')
				}
				squeezed(b, v)
			}
		}
		b.WriteByte('\n')
	}
	b.WriteByte('\n')
	from := b.Len()
	for i, name := range x.names {
		if i > 0 {
			b.WriteByte(';')
		}
		lower(b, name)
	}
	names := string(b.Bytes()[from:])
	b.WriteByte('\n')
	b.WriteString(h["X-Amz-Content-Sha256"][0])
	sum := sha256.Sum256(b.Bytes())

	b.Reset()
	b.WriteString(algorithm + "\n")
	b.WriteString(m.stamp)
	b.WriteByte('\n')
	b.WriteString(m.scope)
	b.WriteByte('\n')
	b.Write(hex.AppendEncode(b.AvailableBuffer(), sum[:]))
	signature := hashed256(m.key, b.Bytes())

	b.Reset()
	b.WriteString(algorithm + " Credential=")
	b.WriteString(s.creds.AccessKeyID)
	b.WriteByte('/')
	b.WriteString(m.scope)
	b.WriteString(", SignedHeaders=")
	b.WriteString(names)
	b.WriteString(", Signature=")
	b.Write(hex.AppendEncode(b.AvailableBuffer(), signature))
	h["Authorization"] = []string{b.String()}
}

// plainHost is the host of a request, without a port that its scheme means anyway.
func plainHost(r *http.Request) string {
	host := r.Host
	if host == "" {
		host = r.URL.Host
	}
	if r.URL.Scheme == "https" {
		return strings.TrimSuffix(host, ":443")
	}
	return strings.TrimSuffix(host, ":80")
}

func byLower(a, b string) int {
	for i := range min(len(a), len(b)) {
		if d := int(lowered(a[i])) - int(lowered(b[i])); d != 0 {
			return d
		}
	}
	return len(a) - len(b)
}

func lowered(c byte) byte {
	if 'A' <= c && c <= 'Z' {
		return c + 'a' - 'A'
	}
	return c
}

func lower(b *bytes.Buffer, s string) {
	for i := range len(s) {
		b.WriteByte(lowered(s[i]))
	}
}

// squeezed writes a value without spaces around it, and with one where there are several.
func squeezed(b *bytes.Buffer, v string) {
	v = strings.TrimSpace(v)
	if !strings.Contains(v, "  ") {
		b.WriteString(v)
		return
	}
	space := false
	for i := range len(v) {
		if space && v[i] == ' ' {
			continue
		}
		space = v[i] == ' '
		b.WriteByte(v[i])
	}
}
