package s3

import (
	"context"
	"crypto/md5" //nolint:gosec // what S3 calls an ETag
	"encoding/base64"
	"encoding/hex"
	"encoding/xml"
	"errors"
	"fmt"
	"hash"
	"io"
	"net/http"
	"strconv"
	"strings"

	"github.com/minio/crc64nvme"

	"github.com/rialto-migrate/rialto/connector"
	"github.com/rialto-migrate/rialto/item"
)

// An upload in parts is S3's multipart upload
// (https://docs.aws.amazon.com/AmazonS3/latest/userguide/mpuoverview.html). Its
// session is its id and where it goes; a part's tag is its ETag and, where the
// server tells it, its checksum.
func session(upload, id string) string { return upload + "\n" + id }

func unpack(session string) (upload, bucket, key string, err error) {
	upload, id, ok := strings.Cut(session, "\n")
	if !ok {
		return "", "", "", connector.Errorf(connector.Gone, "the session of an upload is not one of this connector")
	}
	bucket, key = object(item.Ref{Kind: item.File, ID: id})
	return upload, bucket, key, nil
}

// idOf is where the file of a change goes.
func idOf(ch connector.Change) string {
	if ch.Op == connector.Create {
		return connector.Below(ch.Item.Parent.ID, item.FileName.Get(ch.Item))
	}
	return ch.Item.ID
}

// Begin opens an upload, unless an object stands where the file goes.
func (t *target) Begin(ctx context.Context, ch connector.Change) (string, error) {
	id := idOf(ch)
	bucket, key := object(item.Ref{Kind: item.File, ID: id})
	if ch.Op == connector.Create {
		switch _, err := t.look(ctx, bucket, key); {
		case err == nil:
			return "", connector.Errorf(connector.Conflict, "an object stands where a large file goes").WithHint(inTheWay)
		case connector.ClassOf(err) != connector.Gone:
			return "", err
		}
	}
	if ch.Doubted {
		if err := t.dropStrays(ctx, bucket, key); err != nil {
			return "", err
		}
	}
	h := t.headers(ch.Item)
	h["X-Amz-Checksum-Algorithm"] = []string{"CRC64NVME"}
	var told struct{ UploadId string } //nolint:revive // the XML's name
	err := t.answer(ctx, connector.Request{Method: http.MethodPost, URL: t.address(bucket, key, "uploads="), Header: h, Body: none, Call: "POST {object}?uploads", Class: classWrite}, func(body []byte) error {
		return decode(body, "InitiateMultipartUploadResult", &told)
	})
	if err == nil && told.UploadId == "" {
		err = connector.Errorf(connector.Malformed, "POST {object}?uploads: the answer names no upload")
	}
	return session(told.UploadId, id), err
}

// dropStrays drops the uploads of one key, whose ids were lost: they would be paid
// for until somebody looks
// (https://docs.aws.amazon.com/AmazonS3/latest/API/API_ListMultipartUploads.html).
func (t *target) dropStrays(ctx context.Context, bucket, key string) error {
	var told struct {
		EncodingType string
		Upload       []struct{ Key, UploadId string } //nolint:revive // the XML's names
	}
	// The keys come in order, and the one that is the prefix itself is the first.
	err := t.answer(ctx, connector.Request{Method: http.MethodGet, URL: t.address(bucket, "", "encoding-type=url&prefix="+escaped(key)+"&uploads="), Call: "GET {bucket}?uploads", Class: classList}, func(body []byte) error {
		return decode(body, "ListMultipartUploadsResult", &told)
	})
	if err != nil {
		return err
	}
	for _, u := range told.Upload {
		name, err := plain(u.Key, told.EncodingType)
		if err != nil || name != key {
			continue
		}
		if err := t.Abort(ctx, session(u.UploadId, "/"+bucket+"/"+key)); err != nil {
			return err
		}
	}
	return nil
}

// listedParts is ListPartsResult
// (https://docs.aws.amazon.com/AmazonS3/latest/API/API_ListParts.html).
type listedParts struct {
	IsTruncated          bool
	NextPartNumberMarker string
	Part                 []struct {
		PartNumber        int
		ETag              string
		Size              int64
		ChecksumCRC64NVME string
	}
}

// Held lists the parts that are there. All but the last are of one size, so that
// their numbers say where they begin.
func (t *target) Held(ctx context.Context, s string) ([]connector.UploadPart, error) {
	upload, bucket, key, err := unpack(s)
	if err != nil {
		return nil, err
	}
	var out []connector.UploadPart
	size := int64(0)
	for marker := ""; ; {
		query := "uploadId=" + escaped(upload)
		if marker != "" {
			query = "part-number-marker=" + escaped(marker) + "&" + query
		}
		var told listedParts
		err := t.answer(ctx, connector.Request{Method: http.MethodGet, URL: t.address(bucket, key, query), Call: "GET {object}?uploadId", Class: classList}, func(body []byte) error {
			told = listedParts{}
			return decode(body, "ListPartsResult", &told)
		})
		if err != nil {
			return nil, err
		}
		for _, p := range told.Part {
			size = max(size, p.Size)
			out = append(out, connector.UploadPart{Number: p.PartNumber, Bytes: p.Size, Tag: tag(strings.Trim(p.ETag, `"`), p.ChecksumCRC64NVME)})
		}
		if !told.IsTruncated || told.NextPartNumberMarker == marker {
			break
		}
		marker = told.NextPartNumberMarker
	}
	for i := range out {
		out[i].Offset = int64(out[i].Number-1) * size
	}
	return out, nil
}

func tag(etag, sum string) string { return strings.TrimSuffix(etag+" "+sum, " ") }

// Put uploads a part in chunks with its checksum behind them, or holds its MD5
// against the ETag where the server knows no chunks. The reader is read once.
func (t *target) Put(ctx context.Context, s string, p connector.UploadPart, r io.Reader) (connector.UploadPart, error) {
	upload, bucket, key, err := unpack(s)
	if err != nil {
		return p, err
	}
	b := &partBody{in: r, size: p.Bytes, crc: crc64nvme.New()}
	q := connector.Request{Method: http.MethodPut, URL: t.address(bucket, key, "partNumber="+strconv.Itoa(p.Number)+"&uploadId="+escaped(upload)), Header: http.Header{},
		Call: "PUT {object}?partNumber", Class: classWrite, Body: b.once}
	chunks := !t.plain.Load()
	if chunks {
		chunked(q.Header, p.Bytes)
		b.chunks = true
	}
	if !t.tells.Load() && !chunks {
		b.digest = md5.New() //nolint:gosec // see above
	}
	resp, err := t.do(ctx, q)
	if e, ok := err.(*connector.Error); ok && chunks && refusesTrailers(e) { //nolint:errorlint // do returns no other
		t.plain.Store(true)
		return p, connector.Errorf(connector.Transient, "PUT {object}?partNumber: the server takes no chunks; it gets none from here on")
	}
	if err != nil {
		return p, err
	}
	resp.Body.Close()
	etag, sum := etagOf(resp.Header), resp.Header.Get(headCRC64)
	if etag == "" {
		return p, notS3(q.Call)
	}
	if sum != "" {
		t.tells.Store(true)
	}
	if sum != "" && sum != base64.StdEncoding.EncodeToString(b.crc.Sum(nil)) || b.digest != nil && isMD5(etag) && len(sums(resp.Header, etag)) > 0 && etag != hex.EncodeToString(b.digest.Sum(nil)) {
		return p, connector.Errorf(connector.Transient, "PUT {object}?partNumber: the server stored other bytes than were sent")
	}
	p.Tag = tag(etag, sum)
	return p, nil
}

// A partBody is the bytes of one part, which can be read once.
type partBody struct {
	in     io.Reader
	size   int64
	chunks bool
	read   bool
	crc    hash.Hash
	digest hash.Hash // MD5; nil if it is not needed
}

// once makes the body. A second attempt needs the bytes anew, which whoever calls
// Put can read: the error ends the request's own attempts.
func (b *partBody) once() (io.ReadCloser, int64, string, error) {
	if b.read {
		return nil, 0, "", &connector.Error{Class: connector.Transient, InDoubt: true, Reason: "PUT {object}?partNumber: a part was refused, and has to be read anew"}
	}
	b.read = true
	hashed := io.TeeReader(b.in, b.crc)
	if b.digest != nil {
		hashed = io.TeeReader(hashed, b.digest)
	}
	if b.chunks {
		return &chunker{in: io.NopCloser(hashed), left: b.size, sum: func() []byte { return b.crc.Sum(nil) }}, chunkedSize(b.size), "", nil
	}
	return io.NopCloser(hashed), b.size, "", nil
}

// completion is CompleteMultipartUpload.
type completion struct {
	XMLName xml.Name `xml:"http://s3.amazonaws.com/doc/2006-03-01/ CompleteMultipartUpload"`
	Part    []completedPart
}

type completedPart struct {
	ChecksumCRC64NVME string `xml:",omitempty"`
	ETag              string
	PartNumber        int
}

// Commit makes the object of its parts
// (https://docs.aws.amazon.com/AmazonS3/latest/API/API_CompleteMultipartUpload.html).
func (t *target) Commit(ctx context.Context, s string, ch connector.Change, parts []connector.UploadPart) connector.Result {
	upload, bucket, key, err := unpack(s)
	if err != nil {
		return connector.Result{Err: err}
	}
	var list completion
	size := int64(0)
	for _, p := range parts {
		etag, sum, _ := strings.Cut(p.Tag, " ")
		list.Part = append(list.Part, completedPart{PartNumber: p.Number, ETag: `"` + etag + `"`, ChecksumCRC64NVME: sum})
		size += p.Bytes
	}
	if e := t.standing(ctx, ch, bucket, key); e != nil {
		if _, err := t.Held(ctx, s); connector.ClassOf(err) == connector.Gone {
			return t.committed(ctx, ch, bucket, key, size, parts, err) // it was completed before
		}
		return t.committed(ctx, ch, bucket, key, size, parts, e)
	}
	body, err := xml.Marshal(list)
	if err != nil {
		return connector.Result{Err: connector.Errorf(connector.Permanent, "POST {object}?uploadId: the parts cannot be listed")}
	}
	h := http.Header{"If-None-Match": {"*"}}
	if ch.Op == connector.Update {
		h = http.Header{}
		if ch.Prev != nil && ch.Prev.Item.Blob != nil {
			h["If-Match"] = []string{`"` + ch.Prev.Item.Blob.Version + `"`}
		}
	}
	var told struct{ ETag, ChecksumCRC64NVME, ChecksumType string }
	q := connector.Request{Method: http.MethodPost, URL: t.address(bucket, key, "uploadId="+escaped(upload)), Header: h, Body: text(string(body)), Call: "POST {object}?uploadId", Class: classWrite, Repeatable: true}
	result := func(body []byte) error { return decode(body, "CompleteMultipartUploadResult", &told) }
	err = t.answer(ctx, q, result)
	if e, ok := errors.AsType[*connector.Error](err); ok && t.refusesConditions(q, e) {
		err = t.answer(ctx, q, result)
	}
	switch class := connector.ClassOf(err); {
	case err != nil && (class == connector.Gone || class == connector.Conflict):
		return t.committed(ctx, ch, bucket, key, size, parts, err)
	case err != nil:
		return connector.Result{Err: err}
	}
	etag := strings.Trim(told.ETag, `"`)
	stored := fileOf(ch.Item.Parent, item.FileName.Get(ch.Item), entry{size: size, etag: etag})
	answer := http.Header{}
	if told.ChecksumType != "COMPOSITE" && told.ChecksumCRC64NVME != "" {
		answer[headCRC64] = []string{told.ChecksumCRC64NVME}
	}
	t.complete(&stored, t.asStored(t.headers(ch.Item), answer))
	return connector.Result{Stored: item.Bundle{Item: stored, CheckItems: -1}}
}

// committed decides about an upload that is gone, or whose place is taken: where
// the object is the one that its parts make, it was completed before.
func (t *target) committed(ctx context.Context, ch connector.Change, bucket, key string, size int64, parts []connector.UploadPart, refused error) connector.Result {
	if class := connector.ClassOf(refused); class != connector.Gone && class != connector.Conflict {
		return connector.Result{Err: refused}
	}
	h, err := t.look(ctx, bucket, key)
	if connector.ClassOf(err) == connector.Gone {
		return connector.Result{Err: refused}
	}
	if err != nil {
		return connector.Result{Err: err}
	}
	there := t.fileAt(ch.Item.Parent, nameOf(idOf(ch)), h)
	if there.Blob.Bytes != size || there.Blob.Version != whole(parts) {
		return connector.Result{Err: connector.Errorf(connector.Conflict, "POST {object}?uploadId: another object stands where a large file goes").WithHint(inTheWay)}
	}
	return connector.Result{Stored: item.Bundle{Item: there, CheckItems: -1}, Adopted: connector.ClassOf(refused) == connector.Conflict}
}

// whole is the ETag of an object of parts: the MD5 of their MD5s, and their number
// (https://docs.aws.amazon.com/AmazonS3/latest/API/API_Object.html).
func whole(parts []connector.UploadPart) string {
	all := md5.New() //nolint:gosec // see above
	for _, p := range parts {
		etag, _, _ := strings.Cut(p.Tag, " ")
		raw, err := hex.DecodeString(etag)
		if err != nil {
			return ""
		}
		_, _ = all.Write(raw)
	}
	return fmt.Sprintf("%x-%d", all.Sum(nil), len(parts))
}

// Abort drops an upload
// (https://docs.aws.amazon.com/AmazonS3/latest/API/API_AbortMultipartUpload.html).
func (t *target) Abort(ctx context.Context, s string) error {
	upload, bucket, key, err := unpack(s)
	if err != nil {
		return nil //nolint:nilerr // it is none of ours, so that nothing is left of it
	}
	resp, err := t.do(ctx, connector.Request{Method: http.MethodDelete, URL: t.address(bucket, key, "uploadId="+escaped(upload)), Call: "DELETE {object}?uploadId", Class: classDelete})
	if err != nil {
		return unlessGone(err)
	}
	return resp.Body.Close()
}
