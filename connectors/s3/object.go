package s3

import (
	"context"
	"encoding/base64"
	"encoding/hex"
	"mime"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/rialto-migrate/rialto/connector"
	"github.com/rialto-migrate/rialto/item"
)

// noType is the media type of an object that was given none: it says nothing
// (https://docs.aws.amazon.com/AmazonS3/latest/API/API_PutObject.html).
const noType = "binary/octet-stream"

// Headers by their canonical names.
const (
	headMeta    = "X-Amz-Meta-"
	headMtime   = headMeta + "Mtime" // seconds with a fraction, as rclone notes it (https://rclone.org/s3/#modification-times-and-hashes)
	headCRC64   = "X-Amz-Checksum-Crc64nvme"
	noTimeKnown = "unknown" // a file whose time nobody told
)

// look asks for what is told of an object (https://docs.aws.amazon.com/AmazonS3/latest/API/API_HeadObject.html).
// One that is gone is of class Gone.
func (c *cloud) look(ctx context.Context, bucket, key string) (http.Header, error) {
	resp, err := c.do(ctx, connector.Request{Method: http.MethodHead, URL: c.address(bucket, key, ""), Header: http.Header{"X-Amz-Checksum-Mode": {"ENABLED"}},
		Call: "HEAD {object}", Class: classHead})
	if err != nil {
		return nil, err
	}
	resp.Body.Close()
	if etagOf(resp.Header) == "" {
		return nil, notS3("HEAD {object}")
	}
	if resp.ContentLength >= 0 {
		resp.Header.Set("Content-Length", strconv.FormatInt(resp.ContentLength, 10))
	}
	return resp.Header, nil
}

func etagOf(h http.Header) string { return strings.Trim(h.Get("Etag"), `"`) }

// notS3 is the error of a success that S3 would not have answered so: something in
// between did.
func notS3(call string) *connector.Error {
	return connector.Errorf(connector.Malformed, "%s: the answer is not one of the S3 API", call).
		WithHint("check the connection's url setting: something else answers there, a proxy or a sign-in page")
}

// fileAt is a file as a HEAD tells of it.
func (c *cloud) fileAt(up item.Ref, name string, h http.Header) item.Item {
	size, err := strconv.ParseInt(h.Get("Content-Length"), 10, 64)
	if err != nil {
		size = -1
	}
	modified, _ := http.ParseTime(h.Get("Last-Modified"))
	it := fileOf(up, name, entry{size: size, etag: etagOf(h), modified: modified})
	c.complete(&it, h)
	return it
}

// complete adds what only a HEAD tells of a file.
func (c *cloud) complete(it *item.Item, h http.Header) {
	it.Blob.Sums = sums(h, it.Blob.Version)
	if !c.keep {
		return
	}
	if t := h.Get("Content-Type"); t != noType && t != "" {
		item.MediaType.Set(it, t)
	}
	var notes []string
	for name, values := range h {
		if noted, ok := strings.CutPrefix(name, headMeta); ok && name != headMtime {
			notes = append(notes, strings.ToLower(noted)+"="+readable(values[0]))
		}
	}
	if len(notes) > 0 {
		slices.Sort(notes)
		item.Metadata.Set(it, notes)
	}
	switch noted := h.Get(headMtime); noted {
	case "":
	case noTimeKnown:
		delete(it.Fields, item.Modified.Name)
	default:
		if t, ok := parseMtime(noted); ok {
			item.Modified.Set(it, t)
		}
	}
}

// headers are those of a PUT: what is to be told of the object.
func (c *cloud) headers(it item.Item) http.Header {
	h := http.Header{"Content-Type": {noType}}
	if !c.keep {
		return h
	}
	if t := item.MediaType.Get(it); t != "" {
		h["Content-Type"] = []string{t}
	}
	h[headMtime] = []string{noTimeKnown}
	if t := item.Modified.Get(it); !t.IsZero() {
		h[headMtime] = []string{formatMtime(t)}
	}
	for _, note := range item.Metadata.Get(it) {
		name, value, _ := strings.Cut(note, "=")
		h[http.CanonicalHeaderKey(headMeta+name)] = []string{carried(value)}
	}
	return h
}

// formatMtime writes seconds since 1970, the fraction without zeros at its end.
func formatMtime(t time.Time) string {
	secs, nanos := t.Unix(), t.Nanosecond()
	if nanos == 0 {
		return strconv.FormatInt(secs, 10)
	}
	sign := ""
	if secs < 0 {
		sign, secs, nanos = "-", -secs-1, 1e9-nanos
	}
	return sign + strconv.FormatInt(secs, 10) + "." + strings.TrimRight(strconv.Itoa(1e9 + nanos)[1:], "0")
}

func parseMtime(s string) (time.Time, bool) {
	whole, fraction, _ := strings.Cut(s, ".")
	secs, err := strconv.ParseInt(whole, 10, 64)
	if err != nil {
		return time.Time{}, false
	}
	nanos := 0
	if fraction != "" {
		if nanos, err = strconv.Atoi((fraction + "000000000")[:9]); err != nil || nanos < 0 {
			return time.Time{}, false
		}
		if strings.HasPrefix(whole, "-") {
			nanos = -nanos
		}
	}
	return time.Unix(secs, int64(nanos)).UTC(), true
}

// carried is a value as a header takes it: what is not plain printable ASCII goes
// by RFC 2047, as S3 itself gives it back
// (https://docs.aws.amazon.com/AmazonS3/latest/userguide/UsingMetadata.html).
func carried(v string) string {
	plain := !strings.Contains(v, "=?") && strings.TrimSpace(v) == v && !strings.ContainsFunc(v, func(r rune) bool { return r < ' ' || r > '~' })
	if plain {
		return v
	}
	return "=?UTF-8?B?" + base64.StdEncoding.EncodeToString([]byte(v)) + "?="
}

func readable(v string) string {
	if !strings.Contains(v, "=?") {
		return v
	}
	if text, err := new(mime.WordDecoder).DecodeHeader(v); err == nil {
		return text
	}
	return v
}

// sums are what an answer says that an object's bytes hash to. An ETag is their
// MD5 if it looks like one and the object is not encrypted with a key of its owner's
// (https://docs.aws.amazon.com/AmazonS3/latest/API/API_Object.html).
func sums(h http.Header, etag string) []item.Sum {
	var out []item.Sum
	own := strings.HasPrefix(h.Get("X-Amz-Server-Side-Encryption"), "aws:kms") || h.Get("X-Amz-Server-Side-Encryption-Customer-Algorithm") != ""
	if !own && isMD5(etag) {
		out = append(out, item.Sum{Algorithm: md5Sum, Hex: etag})
	}
	if h.Get("X-Amz-Checksum-Type") == "COMPOSITE" {
		return out
	}
	for _, s := range []struct{ header, algorithm string }{
		{headCRC64, crc64Sum}, {"X-Amz-Checksum-Crc32c", "crc32c"}, {"X-Amz-Checksum-Sha256", "sha256"}, {"X-Amz-Checksum-Sha1", "sha1"},
	} {
		// A composite one, of parts, ends with their number: "…==-3".
		if raw, err := base64.StdEncoding.DecodeString(h.Get(s.header)); err == nil && len(raw) > 0 {
			out = append(out, item.Sum{Algorithm: s.algorithm, Hex: hex.EncodeToString(raw)})
		}
	}
	return out
}

const (
	md5Sum   = "md5"
	crc64Sum = "crc64nvme"
)

func isMD5(etag string) bool {
	return len(etag) == 32 && strings.Trim(etag, "0123456789abcdef") == ""
}
