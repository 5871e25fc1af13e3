package s3

import (
	"bytes"
	"io"
	"net/http"
	"strings"
	"testing"
	"testing/iotest"
	"time"

	"github.com/minio/crc64nvme"

	"github.com/rialto-migrate/rialto/connector"
)

func TestRefuse(t *testing.T) {
	for _, c := range []struct {
		status int
		code   string
		want   connector.Class
		hint   bool
	}{
		{404, "NoSuchKey", connector.Gone, false},
		{404, "NoSuchBucket", connector.Gone, true},
		{404, "NoSuchUpload", connector.Gone, false},
		{404, "", connector.Gone, false},
		{503, "SlowDown", connector.Throttled, false},
		{503, "ServiceUnavailable", connector.Throttled, false},
		{503, "", connector.Transient, false},
		{403, "AccessDenied", connector.Forbidden, true},
		{403, "", connector.Forbidden, true},
		{403, "SignatureDoesNotMatch", connector.Auth, true},
		{403, "InvalidAccessKeyId", connector.Auth, true},
		{400, "ExpiredToken", connector.Auth, true},
		{403, "RequestTimeTooSkewed", connector.Auth, true},
		{400, "AuthorizationHeaderMalformed", connector.Auth, true},
		{412, "PreconditionFailed", connector.Conflict, false},
		{412, "", connector.Conflict, false},
		{409, "ConditionalRequestConflict", connector.Conflict, false},
		{400, "EntityTooLarge", connector.Permanent, true},
		{400, "KeyTooLongError", connector.Permanent, true},
		{403, "QuotaExceeded", connector.Full, true},
		{507, "XMinioStorageFull", connector.Full, true},
		{507, "", connector.Full, true},
		{403, "InvalidObjectState", connector.Forbidden, true},
		{301, "PermanentRedirect", connector.Permanent, true},
		{500, "InternalError", connector.Transient, false},
		{400, "RequestTimeout", connector.Transient, false},
		{400, "SomethingNew", connector.Permanent, false},
		{416, "InvalidRange", connector.Conflict, false},
	} {
		body := ""
		if c.code != "" {
			body = "<?xml version=\"1.0\"?><Error><Code>" + c.code + "</Code><Message>dismissal.txt</Message><Key>dismissal.txt</Key></Error>"
		}
		e := refuse(c.status, http.Header{"X-Amz-Bucket-Region": {"eu-west-1"}}, []byte(body))
		if e.Class != c.want || (e.Hint != "") != c.hint {
			t.Errorf("%d %s: class %s, hint %q; want class %s", c.status, c.code, e.Class, e.Hint, c.want)
		}
		if strings.Contains(e.Error(), "dismissal") || !strings.Contains(e.Reason, c.code) && c.status != 301 && c.status != 416 {
			t.Errorf("%d %s says %q", c.status, c.code, e.Error())
		}
	}
	if e := refuse(400, nil, []byte("<Error><Code>a key/with a path</Code></Error>")); strings.Contains(e.Error(), "key") {
		t.Errorf("a code that is none is told: %v", e)
	}
}

func TestMtime(t *testing.T) {
	for text, want := range map[string]time.Time{
		"0":                     time.Unix(0, 0),
		"1234567890":            time.Unix(1234567890, 0),
		"1234567890.5":          time.Unix(1234567890, 500_000_000),
		"1234567890.000000001":  time.Unix(1234567890, 1),
		"1234567890.1234567899": time.Unix(1234567890, 123456789), // what is finer is cut off
		"-1.5":                  time.Unix(-2, 500_000_000),
		"-0.25":                 time.Unix(-1, 750_000_000),
	} {
		got, ok := parseMtime(text)
		if !ok || !got.Equal(want) {
			t.Errorf("%s is read as %v, %v; want %v", text, got, ok, want)
		}
		if len(text) < 21 && formatMtime(want) != text {
			t.Errorf("%v is written as %s, want %s", want, formatMtime(want), text)
		}
	}
	for _, text := range []string{"", "unknown", "1.x", "1e9", "1.-5", "2020-01-01"} {
		if got, ok := parseMtime(text); ok {
			t.Errorf("%q is read as %v", text, got)
		}
	}
}

// The chunks of a body take the bytes that were counted before, whatever the pieces
// that it is read in.
func TestChunks(t *testing.T) {
	for _, size := range []int{1, 15, chunkBytes - 1, chunkBytes, chunkBytes + 1, 2*chunkBytes + 4097} {
		content := bytes.Repeat([]byte("0123456789"), size/10+1)[:size]
		for what, by := range map[string]func(io.Reader) io.Reader{"all": func(r io.Reader) io.Reader { return r }, "halves": iotest.HalfReader, "with the end": iotest.DataErrReader} {
			crc := crc64nvme.New()
			c := &chunker{in: io.NopCloser(io.TeeReader(by(bytes.NewReader(content)), crc)), left: int64(size), sum: func() []byte { return crc.Sum(nil) }}
			got, err := io.ReadAll(by(c))
			if err != nil || int64(len(got)) != chunkedSize(int64(size)) {
				t.Errorf("%d bytes by %s: %d come, %d were counted, %v", size, what, len(got), chunkedSize(int64(size)), err)
			}
			if !bytes.HasSuffix(got, []byte("=\r\n\r\n")) {
				t.Errorf("%d bytes by %s end with %q", size, what, got[len(got)-20:])
			}
		}
		short := &chunker{in: io.NopCloser(bytes.NewReader(content[:size-1])), left: int64(size), sum: func() []byte { return make([]byte, 8) }}
		if _, err := io.ReadAll(short); err == nil {
			t.Errorf("%d bytes of %d pass for all", size-1, size)
		}
	}
}

func TestAddress(t *testing.T) {
	for _, c := range []struct {
		set         connector.Settings
		bucket, key string
		want        string
	}{
		{nil, "b", "a b/ü+%", "https://b.s3.us-east-1.amazonaws.com/a%20b/%C3%BC%2B%25"},
		{nil, "", "", "https://s3.us-east-1.amazonaws.com/"},
		{nil, "b", "", "https://b.s3.us-east-1.amazonaws.com/"},
		{nil, "with.dot", "k", "https://s3.us-east-1.amazonaws.com/with.dot/k"},
		{connector.Settings{"region": "cn-north-1"}, "b", "k", "https://b.s3.cn-north-1.amazonaws.com.cn/k"},
		{connector.Settings{"url": "https://minio.example.org:9000/s3/"}, "b", "//x", "https://minio.example.org:9000/s3/b///x"},
		{connector.Settings{"url": "https://r2.example.org", "path-style": "false"}, "b", "k", "https://b.r2.example.org/k"},
		{connector.Settings{"url": "http://127.0.0.1:1"}, "b", "", "http://127.0.0.1:1/b"},
	} {
		cfg, err := parseConfig(c.set)
		if err != nil {
			t.Fatal(err)
		}
		if got := cfg.address(c.bucket, c.key, ""); got != c.want {
			t.Errorf("%v %s %s: %s, want %s", c.set, c.bucket, c.key, got, c.want)
		}
	}
}

func TestSettings(t *testing.T) {
	for _, set := range []connector.Settings{
		{"url": "http://minio.example.org"}, {"url": "ftp://x"}, {"url": "https://u:p@x"}, {"region": "eu central"}, {"metadata": "yes"},
		{"path-style": "no"}, {"bucket": "a/b"}, {"prefix": "x"},
	} {
		if _, err := parseConfig(set); connector.ClassOf(err) != connector.Permanent || !strings.Contains(err.Error(), ";") {
			t.Errorf("%v: %v, want a permanent error with a hint", set, err)
		}
	}
	cfg, err := parseConfig(connector.Settings{"bucket": "b", "prefix": "/a/b/"})
	if err != nil || cfg.prefix != "a/b/" {
		t.Errorf("a prefix with slashes is read as %q, %v", cfg.prefix, err)
	}
}

// A request of the vendor's own documentation, with its answer
// (https://docs.aws.amazon.com/AmazonS3/latest/API/sig-v4-header-based-auth.html).
func TestSignature(t *testing.T) {
	cfg, err := parseConfig(connector.Settings{setKeyID: "AKIAIOSFODNN7EXAMPLE", setSecret: "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"})
	if err != nil {
		t.Fatal(err)
	}
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "https://examplebucket.s3.amazonaws.com/test.txt", nil)
	if err != nil {
		t.Fatal(err)
	}
	r.Header["Range"] = []string{"bytes=0-9"}
	r.Header["X-Amz-Content-Sha256"] = []string{"e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"}
	sign := newSigner(cfg, func() time.Time { return time.Date(2013, 5, 24, 0, 0, 0, 0, time.UTC) })
	if err := sign(t.Context(), r); err != nil {
		t.Fatal(err)
	}
	const want = "Signature=f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41"
	if got := r.Header.Get("Authorization"); !strings.HasSuffix(got, want) {
		t.Errorf("signed with %s, want %s", got, want)
	}
}
