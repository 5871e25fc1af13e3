package s3test

import (
	"bytes"
	"cmp"
	"crypto/md5" //nolint:gosec // what S3 calls an ETag
	"encoding/base64"
	"encoding/hex"
	"encoding/xml"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/minio/crc64nvme"
)

// A Memory is an S3 in this process, for what versitygw cannot show: any key that
// S3 takes, servers that tell or know less, and answers that are wrong. It holds
// requests to the form of the API's pages, and does not look at signatures.
type Memory struct {
	// Mute tells no checksums, and Old takes no bodies in chunks: it answers 501.
	Mute, Old bool
	// Blind writes over what stands there whatever the condition of a request says, and
	// Strict refuses requests with a condition: it answers 501.
	Blind, Strict bool
	// Owned encrypts with a key of the bucket's owner, so that ETags are no MD5s.
	Owned bool
	// Page is how many keys a listing has at most; 0 means a thousand.
	Page int
	// Damage changes what is stored of a body; nil leaves it as it came.
	Damage func([]byte) []byte

	mu      sync.Mutex
	buckets map[string]map[string]object
	uploads map[string]*upload
	made    int
}

type object struct {
	bytes  []byte
	etag   string
	crc    []byte
	header http.Header
	at     time.Time
}

type upload struct {
	bucket, key string
	header      http.Header
	parts       map[int]object
}

// Put stores an object.
func (m *Memory) Put(bucket, key string, content []byte, header http.Header) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.bucket(bucket)[key] = m.object(content, header)
}

// Keys are the keys of a bucket with the bytes of their objects.
func (m *Memory) Keys(bucket string) map[string]string {
	m.mu.Lock()
	defer m.mu.Unlock()
	out := map[string]string{}
	for k, o := range m.buckets[bucket] {
		out[k] = string(o.bytes)
	}
	return out
}

func (m *Memory) bucket(name string) map[string]object {
	if m.buckets == nil {
		m.buckets, m.uploads = map[string]map[string]object{}, map[string]*upload{}
	}
	if m.buckets[name] == nil {
		m.buckets[name] = map[string]object{}
	}
	return m.buckets[name]
}

func (m *Memory) object(content []byte, header http.Header) object {
	if m.Damage != nil {
		content = m.Damage(slices.Clone(content))
	}
	sum := md5.Sum(content) //nolint:gosec // see above
	m.made++
	o := object{bytes: content, etag: hex.EncodeToString(sum[:]), header: http.Header{}, at: time.Now()}
	if m.Owned {
		o.etag = fmt.Sprintf("%032x", m.made)
	}
	c := crc64nvme.New()
	_, _ = c.Write(content)
	o.crc = c.Sum(nil)
	for name, values := range header {
		if name == "Content-Type" || strings.HasPrefix(name, "X-Amz-Meta-") {
			o.header[name] = values
		}
	}
	return o
}

// RoundTrip answers a request without a network.
func (m *Memory) RoundTrip(r *http.Request) (*http.Response, error) {
	defer func() {
		if r.Body != nil {
			r.Body.Close()
		}
	}()
	body, err := bodyOf(r)
	if err != nil {
		return nil, err
	}
	w := &answer{header: http.Header{}}
	m.mu.Lock()
	m.serve(w, r, body)
	m.mu.Unlock()
	w.header.Set("Date", time.Now().UTC().Format(http.TimeFormat))
	resp := &http.Response{StatusCode: cmp.Or(w.status, http.StatusOK), Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1, Header: w.header, Request: r,
		ContentLength: int64(w.body.Len()), Body: io.NopCloser(bytes.NewReader(w.body.Bytes()))}
	if r.Method == http.MethodHead {
		if n, err := strconv.ParseInt(w.header.Get("Content-Length"), 10, 64); err == nil {
			resp.ContentLength = n
		}
		resp.Body = http.NoBody
	}
	return resp, nil
}

func bodyOf(r *http.Request) ([]byte, error) {
	if r.Body == nil {
		return nil, nil
	}
	return io.ReadAll(r.Body)
}

type answer struct {
	status int
	header http.Header
	body   bytes.Buffer
}

func (a *answer) fail(status int, code string) {
	a.status = status
	a.header.Set("Content-Type", "application/xml")
	fmt.Fprintf(&a.body, `<?xml version="1.0" encoding="UTF-8"?><Error><Code>%s</Code><Message>in words</Message></Error>`, code)
}

func (a *answer) xml(v any) {
	a.header.Set("Content-Type", "application/xml")
	a.body.WriteString(xml.Header)
	_ = xml.NewEncoder(&a.body).Encode(v)
}

func (m *Memory) serve(w *answer, r *http.Request, body []byte) {
	if r.Header.Get("Authorization") == "" || r.Header.Get("X-Amz-Content-Sha256") == "" {
		w.fail(http.StatusForbidden, "AccessDenied")
		return
	}
	if r.Body != nil && r.ContentLength >= 0 && int64(len(body)) != r.ContentLength {
		w.fail(http.StatusBadRequest, "IncompleteBody")
		return
	}
	bucket, key, inside := strings.Cut(strings.TrimPrefix(r.URL.Path, "/"), "/")
	query := r.URL.Query()
	if body, ok := m.plainBody(w, r, body); ok {
		switch {
		case bucket == "":
			m.listBuckets(w)
		case m.buckets[bucket] == nil && !(r.Method == http.MethodPut && !inside):
			w.fail(http.StatusNotFound, "NoSuchBucket")
		case !inside || key == "":
			m.serveBucket(w, r, bucket, query)
		case query.Has("uploads") || query.Has("uploadId"):
			m.serveUpload(w, r, bucket, key, query, body)
		default:
			m.serveObject(w, r, bucket, key, body)
		}
	}
}

// plainBody takes a body out of its chunks and holds it against its checksum.
func (m *Memory) plainBody(w *answer, r *http.Request, body []byte) ([]byte, bool) {
	if r.Header.Get("X-Amz-Content-Sha256") != "STREAMING-UNSIGNED-PAYLOAD-TRAILER" {
		return body, true
	}
	if m.Old {
		w.fail(http.StatusNotImplemented, "NotImplemented")
		return nil, false
	}
	var out []byte
	for {
		head, rest, ok := bytes.Cut(body, []byte("\r\n"))
		n, err := strconv.ParseInt(string(head), 16, 64)
		if !ok || err != nil || n > 0 && int64(len(rest)) < n+2 {
			w.fail(http.StatusBadRequest, "IncompleteBody")
			return nil, false
		}
		if n == 0 {
			body = rest
			break
		}
		out, body = append(out, rest[:n]...), rest[n+2:]
	}
	c := crc64nvme.New()
	_, _ = c.Write(out)
	want := "x-amz-checksum-crc64nvme:" + base64.StdEncoding.EncodeToString(c.Sum(nil)) + "\r\n\r\n"
	if string(body) != want || r.Header.Get("X-Amz-Decoded-Content-Length") != strconv.Itoa(len(out)) || r.Header.Get("X-Amz-Trailer") != "x-amz-checksum-crc64nvme" {
		w.fail(http.StatusBadRequest, "BadDigest")
		return nil, false
	}
	return out, true
}

func (m *Memory) listBuckets(w *answer) {
	type one struct{ Name string }
	var out struct {
		XMLName xml.Name `xml:"http://s3.amazonaws.com/doc/2006-03-01/ ListAllMyBucketsResult"`
		Bucket  []one    `xml:"Buckets>Bucket"`
	}
	for name := range m.buckets {
		out.Bucket = append(out.Bucket, one{name})
	}
	slices.SortFunc(out.Bucket, func(a, b one) int { return strings.Compare(a.Name, b.Name) })
	w.xml(out)
}

func (m *Memory) serveBucket(w *answer, r *http.Request, bucket string, query url.Values) {
	switch {
	case r.Method == http.MethodPut && m.buckets[bucket] != nil:
		w.fail(http.StatusConflict, "BucketAlreadyOwnedByYou")
	case r.Method == http.MethodPut:
		m.bucket(bucket)
	case r.Method == http.MethodHead:
	case r.Method == http.MethodGet && query.Get("list-type") == "2":
		m.list(w, bucket, query)
	default:
		w.fail(http.StatusNotImplemented, "NotImplemented")
	}
}

type listed struct {
	Key          string
	LastModified string
	ETag         string
	Size         int
}

func (m *Memory) list(w *answer, bucket string, query url.Values) {
	type common struct{ Prefix string }
	var out struct {
		XMLName               xml.Name `xml:"http://s3.amazonaws.com/doc/2006-03-01/ ListBucketResult"`
		EncodingType          string
		IsTruncated           bool
		NextContinuationToken string `xml:",omitempty"`
		Contents              []listed
		CommonPrefixes        []common
	}
	out.EncodingType = query.Get("encoding-type")
	encode := func(s string) string {
		if out.EncodingType == "url" {
			return url.QueryEscape(s)
		}
		return s
	}
	most := cmp.Or(m.Page, 1000)
	if n, err := strconv.Atoi(query.Get("max-keys")); err == nil {
		most = min(most, n)
	}
	after, _ := base64.URLEncoding.DecodeString(query.Get("continuation-token"))
	if len(after) == 0 {
		after = []byte(query.Get("start-after"))
	}
	prefix, delimiter := query.Get("prefix"), query.Get("delimiter")
	last, seen, n := "", "", 0
	for _, k := range sorted(m.buckets[bucket]) {
		if !strings.HasPrefix(k, prefix) || k <= string(after) && len(after) > 0 {
			continue
		}
		folder := ""
		if i := strings.Index(k[len(prefix):], delimiter); delimiter != "" && i >= 0 {
			folder = k[:len(prefix)+i+1]
		}
		if folder != "" && folder == seen {
			last = k
			continue
		}
		if n++; n > most {
			out.IsTruncated, out.NextContinuationToken = true, base64.URLEncoding.EncodeToString([]byte(last))
			break
		}
		last, seen = k, folder
		if folder != "" {
			out.CommonPrefixes = append(out.CommonPrefixes, common{encode(folder)})
			continue
		}
		o := m.buckets[bucket][k]
		out.Contents = append(out.Contents, listed{Key: encode(k), LastModified: o.at.UTC().Format("2006-01-02T15:04:05.000Z"), ETag: `"` + o.etag + `"`, Size: len(o.bytes)})
	}
	w.xml(out)
}

func sorted(all map[string]object) []string {
	var keys []string
	for k := range all {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	return keys
}

// holds reports whether the conditions of a request hold, and refuses it otherwise.
func (m *Memory) holds(w *answer, r *http.Request, o object, there bool) bool {
	writes := r.Method != http.MethodGet && r.Method != http.MethodHead
	if m.Strict && writes && r.Method != http.MethodDelete && r.Header.Get("If-None-Match")+r.Header.Get("If-Match") != "" {
		w.fail(http.StatusNotImplemented, "NotImplemented")
		return false
	}
	if m.Blind && writes {
		return true
	}
	if v := r.Header.Get("If-None-Match"); v == "*" && there {
		w.fail(http.StatusPreconditionFailed, "PreconditionFailed")
		return false
	}
	if v := r.Header.Get("If-Match"); v != "" && !there {
		w.fail(http.StatusNotFound, "NoSuchKey")
		return false
	} else if v != "" && v != `"`+o.etag+`"` {
		w.fail(http.StatusPreconditionFailed, "PreconditionFailed")
		return false
	}
	return true
}

func (m *Memory) serveObject(w *answer, r *http.Request, bucket, key string, body []byte) {
	o, there := m.buckets[bucket][key]
	if len(key) > 1024 {
		w.fail(http.StatusBadRequest, "KeyTooLongError")
		return
	}
	if (r.Method == http.MethodGet || r.Method == http.MethodHead) && !there {
		w.fail(http.StatusNotFound, "NoSuchKey")
		return
	}
	if r.Method == http.MethodDelete && !there {
		w.status = http.StatusNoContent
		return
	}
	if !m.holds(w, r, o, there) {
		return
	}
	if r.Method == http.MethodPut && r.Header.Get("X-Amz-Copy-Source") != "" {
		from, ok := m.copied(w, r)
		if !ok {
			return
		}
		o = m.object(from.bytes, from.header)
		m.buckets[bucket][key] = o
		w.xml(copyResult{XMLName: xml.Name{Local: "CopyObjectResult"}, ETag: `"` + o.etag + `"`})
		return
	}
	switch r.Method {
	case http.MethodPut:
		o = m.object(body, r.Header)
		m.buckets[bucket][key] = o
		m.tell(w, o)
	case http.MethodDelete:
		delete(m.buckets[bucket], key)
		w.status = http.StatusNoContent
	case http.MethodGet, http.MethodHead:
		m.tell(w, o)
		for name, values := range o.header {
			w.header[name] = values
		}
		w.header.Set("Last-Modified", o.at.UTC().Format(http.TimeFormat))
		m.stretch(w, r, o.bytes)
	default:
		w.fail(http.StatusNotImplemented, "NotImplemented")
	}
}

type copyResult struct {
	XMLName xml.Name
	ETag    string
}

// copied is the object that a request copies, or the stretch of it.
func (m *Memory) copied(w *answer, r *http.Request) (object, bool) {
	name, err := url.PathUnescape(strings.TrimPrefix(r.Header.Get("X-Amz-Copy-Source"), "/"))
	bucket, key, _ := strings.Cut(name, "/")
	o, there := m.buckets[bucket][key]
	switch {
	case err != nil || !there:
		w.fail(http.StatusNotFound, "NoSuchKey")
		return o, false
	case r.Header.Get("X-Amz-Copy-Source-If-Match") != `"`+o.etag+`"`:
		w.fail(http.StatusPreconditionFailed, "PreconditionFailed")
		return o, false
	}
	if v := r.Header.Get("X-Amz-Copy-Source-Range"); v != "" {
		from, to, _ := strings.Cut(strings.TrimPrefix(v, "bytes="), "-")
		a, _ := strconv.Atoi(from)
		z, _ := strconv.Atoi(to)
		o.bytes = o.bytes[a : z+1]
	}
	return o, true
}

func (m *Memory) tell(w *answer, o object) {
	w.header.Set("ETag", `"`+o.etag+`"`)
	if m.Owned {
		w.header.Set("X-Amz-Server-Side-Encryption", "aws:kms")
	}
	if !m.Mute && o.crc != nil {
		w.header.Set("X-Amz-Checksum-Crc64nvme", base64.StdEncoding.EncodeToString(o.crc))
	}
}

func (m *Memory) stretch(w *answer, r *http.Request, content []byte) {
	if v := r.Header.Get("Range"); v != "" {
		from, to, _ := strings.Cut(strings.TrimPrefix(v, "bytes="), "-")
		a, _ := strconv.Atoi(from)
		z, err := strconv.Atoi(to)
		if err != nil || z >= len(content) {
			z = len(content) - 1
		}
		if a >= len(content) {
			w.fail(http.StatusRequestedRangeNotSatisfiable, "InvalidRange")
			return
		}
		w.status = http.StatusPartialContent
		w.header.Set("Content-Range", fmt.Sprintf("bytes %d-%d/%d", a, z, len(content)))
		content = content[a : z+1]
	}
	w.header.Set("Content-Length", strconv.Itoa(len(content)))
	if r.Method == http.MethodGet {
		w.body.Write(content)
	}
}

func (m *Memory) serveUpload(w *answer, r *http.Request, bucket, key string, query url.Values, body []byte) {
	id := query.Get("uploadId")
	if query.Has("uploads") {
		m.made++
		id = "upload-" + strconv.Itoa(m.made)
		m.uploads[id] = &upload{bucket: bucket, key: key, header: r.Header, parts: map[int]object{}}
		w.xml(struct {
			XMLName  xml.Name `xml:"InitiateMultipartUploadResult"`
			UploadId string   //nolint:revive // the XML's name
		}{UploadId: id})
		return
	}
	u := m.uploads[id]
	if u == nil || u.bucket != bucket || u.key != key {
		w.fail(http.StatusNotFound, "NoSuchUpload")
		return
	}
	switch r.Method {
	case http.MethodPut:
		n, _ := strconv.Atoi(query.Get("partNumber"))
		if r.Header.Get("X-Amz-Copy-Source") != "" {
			from, ok := m.copied(w, r)
			if ok {
				o := m.object(from.bytes, nil)
				u.parts[n] = o
				w.xml(copyResult{XMLName: xml.Name{Local: "CopyPartResult"}, ETag: `"` + o.etag + `"`})
			}
			return
		}
		o := m.object(body, nil)
		u.parts[n] = o
		m.tell(w, o)
	case http.MethodGet:
		m.listParts(w, u)
	case http.MethodDelete:
		delete(m.uploads, id)
		w.status = http.StatusNoContent
	case http.MethodPost:
		m.complete(w, r, id, u, body)
	}
}

func (m *Memory) listParts(w *answer, u *upload) {
	type part struct {
		PartNumber, Size  int
		ETag              string
		ChecksumCRC64NVME string `xml:",omitempty"`
	}
	var out struct {
		XMLName xml.Name `xml:"ListPartsResult"`
		Part    []part
	}
	for n, o := range u.parts {
		p := part{PartNumber: n, Size: len(o.bytes), ETag: `"` + o.etag + `"`}
		if !m.Mute {
			p.ChecksumCRC64NVME = base64.StdEncoding.EncodeToString(o.crc)
		}
		out.Part = append(out.Part, p)
	}
	slices.SortFunc(out.Part, func(a, b part) int { return a.PartNumber - b.PartNumber })
	w.xml(out)
}

// complete answers an error within a success where a part is wrong, as S3 may.
func (m *Memory) complete(w *answer, r *http.Request, id string, u *upload, body []byte) {
	var list struct {
		Part []struct {
			PartNumber int
			ETag       string
		}
	}
	have, there := m.buckets[u.bucket][u.key]
	if !m.holds(w, r, have, there) {
		return
	}
	if err := xml.Unmarshal(body, &list); err != nil || len(list.Part) != len(u.parts) {
		w.fail(http.StatusBadRequest, "MalformedXML")
		return
	}
	var all, sums []byte
	for _, p := range list.Part {
		o, ok := u.parts[p.PartNumber]
		if !ok || strings.Trim(p.ETag, `"`) != o.etag {
			w.fail(http.StatusOK, "InvalidPart")
			return
		}
		raw, _ := hex.DecodeString(o.etag)
		all, sums = append(all, o.bytes...), append(sums, raw...)
	}
	o := m.object(all, u.header)
	sum := md5.Sum(sums) //nolint:gosec // see above
	o.etag = fmt.Sprintf("%x-%d", sum, len(list.Part))
	m.buckets[u.bucket][u.key] = o
	delete(m.uploads, id)
	w.xml(struct {
		XMLName xml.Name `xml:"CompleteMultipartUploadResult"`
		ETag    string
	}{ETag: `"` + o.etag + `"`})
}
