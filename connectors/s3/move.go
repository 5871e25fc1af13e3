package s3

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/rialto-migrate/rialto/connector"
	"github.com/rialto-migrate/rialto/item"
)

const (
	mostCopied = 5 << 30 // bytes: https://docs.aws.amazon.com/AmazonS3/latest/API/API_CopyObject.html
	copiedPart = 1 << 30
)

// move gives the object of a change the key that its parent and name now say: the
// server copies it, and the old one is deleted. A move that was cut off between the
// two goes on.
func (t *target) move(ctx context.Context, ch connector.Change) (item.Item, error) {
	if ch.Prev == nil || ch.Prev.Item.Blob == nil {
		return item.Item{}, connector.Errorf(connector.Permanent, "a move without the object that moves").WithHint("please report this as a mistake of the engine")
	}
	held := *ch.Prev.Item.Blob
	id := connector.Below(ch.Item.Parent.ID, item.FileName.Get(ch.Item))
	bucket, key := object(item.Ref{Kind: item.File, ID: id})
	h, err := t.look(ctx, bucket, key)
	switch {
	case err == nil:
		there := t.fileAt(ch.Item.Parent, nameOf(id), h)
		if same, sure := item.SameBytes(held, *there.Blob); !same || !sure {
			return item.Item{}, connector.Errorf(connector.Conflict, "an object stands where a file goes").WithHint(inTheWay)
		}
	case connector.ClassOf(err) != connector.Gone:
		return item.Item{}, err
	case held.Bytes > mostCopied:
		err = t.copyParts(ctx, ch, held, copiedPart)
	default:
		err = t.copyWhole(ctx, ch, held)
	}
	if err != nil && h == nil {
		return item.Item{}, err
	}
	if h, err = t.look(ctx, bucket, key); err != nil {
		return item.Item{}, err
	}
	moved := t.fileAt(ch.Item.Parent, nameOf(id), h)
	if same, sure := item.SameBytes(held, *moved.Blob); sure && !same {
		return item.Item{}, connector.Errorf(connector.Transient, "PUT {object}: the server copied other bytes than stood there")
	}
	return moved, t.vacate(ctx, ch.Item.ID, held.Version)
}

// from names the object that is copied, of the version that was read.
func (t *target) from(id, version string) http.Header {
	bucket, key := object(item.Ref{Kind: item.File, ID: id})
	parts := strings.Split(key, "/")
	for i := range parts {
		parts[i] = escaped(parts[i])
	}
	return http.Header{"X-Amz-Copy-Source": {"/" + bucket + "/" + strings.Join(parts, "/")}, "X-Amz-Copy-Source-If-Match": {`"` + version + `"`}}
}

// copyWhole copies an object with its metadata in one request
// (https://docs.aws.amazon.com/AmazonS3/latest/API/API_CopyObject.html).
func (t *target) copyWhole(ctx context.Context, ch connector.Change, held item.Blob) error {
	bucket, key := object(item.Ref{Kind: item.File, ID: connector.Below(ch.Item.Parent.ID, item.FileName.Get(ch.Item))})
	q := connector.Request{Method: http.MethodPut, URL: t.address(bucket, key, ""), Header: t.from(ch.Item.ID, held.Version), Body: none, Call: "PUT {object} from {object}", Class: classWrite, Repeatable: true}
	return t.copied(t.answer(ctx, q, func(body []byte) error { return decode(body, "CopyObjectResult", &struct{}{}) }))
}

// copyParts copies an object that is too large for one request
// (https://docs.aws.amazon.com/AmazonS3/latest/API/API_UploadPartCopy.html).
func (t *target) copyParts(ctx context.Context, ch connector.Change, held item.Blob, size int64) error {
	made := ch
	made.Op, made.Item, made.Prev = connector.Create, ch.Item.Clone(), nil
	made.Item.ID = ""
	s, err := t.Begin(ctx, made)
	if err != nil {
		return err
	}
	upload, bucket, key, err := unpack(s)
	if err != nil {
		return err
	}
	var parts []connector.UploadPart
	for at := int64(0); at < held.Bytes; at += size {
		p := connector.UploadPart{Number: len(parts) + 1, Offset: at, Bytes: min(size, held.Bytes-at)}
		q := connector.Request{Method: http.MethodPut, URL: t.address(bucket, key, "partNumber="+strconv.Itoa(p.Number)+"&uploadId="+escaped(upload)),
			Header: t.from(ch.Item.ID, held.Version), Body: none, Call: "PUT {object}?partNumber from {object}", Class: classWrite, Repeatable: true}
		q.Header["X-Amz-Copy-Source-Range"] = []string{fmt.Sprintf("bytes=%d-%d", at, at+p.Bytes-1)}
		var told struct{ ETag, ChecksumCRC64NVME string }
		err := t.copied(t.answer(ctx, q, func(body []byte) error { return decode(body, "CopyPartResult", &told) }))
		if err != nil {
			ctx, end := context.WithTimeout(context.WithoutCancel(ctx), 30*time.Second)
			defer end()
			return errors.Join(err, t.Abort(ctx, s))
		}
		p.Tag = tag(strings.Trim(told.ETag, `"`), told.ChecksumCRC64NVME)
		parts = append(parts, p)
	}
	return t.Commit(ctx, s, made, parts).Err
}

// copied says what a refused condition of a copy means.
func (t *target) copied(err error) error {
	if e, ok := errors.AsType[*connector.Error](err); ok && e.Class == connector.Conflict {
		return e.WithHint("somebody changed the object since: run again")
	}
	return err
}

// vacate deletes what was copied, if it is still that.
func (t *target) vacate(ctx context.Context, id, version string) error {
	bucket, key := object(item.Ref{Kind: item.File, ID: id})
	q := connector.Request{Method: http.MethodDelete, URL: t.address(bucket, key, ""), Header: http.Header{"If-Match": {`"` + version + `"`}}, Call: "DELETE {object}", Class: classDelete}
	resp, err := t.do(ctx, q)
	if e, ok := errors.AsType[*connector.Error](err); ok && t.refusesConditions(q, e) {
		resp, err = t.do(ctx, q)
	}
	if err != nil {
		return unlessGone(err)
	}
	return resp.Body.Close()
}

// rewrites reports whether a move changes more than the key.
func rewrites(ch connector.Change) bool {
	return len(ch.Dirty) == 0 || slices.ContainsFunc(ch.Dirty, func(f string) bool { return f != item.FileName.Name && f != connector.DirtyParent })
}
