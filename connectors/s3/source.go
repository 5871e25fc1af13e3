package s3

import (
	"context"
	"errors"
	"io"
	"iter"
	"net/http"
	"strconv"
	"strings"
	"sync"

	"github.com/rialto-migrate/rialto/connector"
	"github.com/rialto-migrate/rialto/item"
)

// Shards yields the one bucket of the settings, or each that the key can see.
func (c *cloud) Shards(ctx context.Context) iter.Seq2[connector.Shard, error] {
	return func(yield func(connector.Shard, error) bool) {
		names := []string{c.bucket}
		if c.bucket == "" {
			var err error
			if names, err = c.buckets(ctx); err != nil {
				yield(connector.Shard{}, err)
				return
			}
		}
		for _, bucket := range names {
			id := "/" + bucket
			name := bucket
			if c.bucket != "" {
				if c.prefix != "" {
					id += "/" + c.prefix[:len(c.prefix)-1]
					name += "/" + c.prefix[:len(c.prefix)-1]
				}
			}
			if !yield(connector.Shard{Ref: driveRef(id), Name: name, Bytes: -1, People: -1}, nil) {
				return
			}
		}
	}
}

// drive is a container as an item. The one that the settings name and the place of
// a target have no name: what they hold goes right into the target's place.
func (c *cloud) drive(r item.Ref) item.Bundle {
	it := item.Item{Ref: r, Fields: item.Fields{}}
	_, place := c.places.Load(r.ID)
	if _, prefix := below(r.ID); !place && (c.bucket == "" || r.ID != "/"+strings.TrimSuffix(c.bucket+"/"+prefix, "/")) {
		item.Name.Set(&it, nameOf(r.ID))
	}
	return item.Bundle{Item: it, CheckItems: -1}
}

// List yields a page of the bundles of each page of keys, and asks for the next ones
// meanwhile: briefly where media types, metadata and times are carried, for these
// take a HEAD of each. The cursor is S3's continuation token, or a key.
func (c *cloud) List(ctx context.Context, s connector.Shard, from connector.Cursor) iter.Seq2[connector.Page, error] {
	return func(yield func(connector.Page, error) bool) {
		bucket, prefix := below(s.Ref.ID)
		w := newWalk(s.Ref)
		if from == "" {
			w.out = append(w.out, c.drive(s.Ref))
		}
		trust, asked := false, c.keep
		for p, err := range c.pages(ctx, bucket, resumed(prefix, string(from))) {
			if err == nil && !asked && len(p.entries) > 0 {
				trust, asked = c.plainSums(ctx, bucket, p.entries[0].key), true
			}
			if err == nil {
				w.page(p, trust, c.keep)
				err = c.settle(ctx, w, bucket, p.next == "")
			}
			if err != nil {
				yield(connector.Page{}, err)
				return
			}
			out := connector.Page{Bundles: w.out, Next: connector.Cursor(p.next)}
			if p.next == "" {
				out.Whole = []item.Kind{item.Drive, item.Folder, item.File}
			}
			if w.out = nil; !yield(out, nil) {
				return
			}
		}
	}
}

// version differs whenever anything of an object does: its metadata change only by
// writing it anew (https://docs.aws.amazon.com/AmazonS3/latest/userguide/UsingMetadata.html).
func version(e entry) string {
	return e.etag + " " + strconv.FormatInt(e.size, 10) + " " + strconv.FormatInt(e.modified.UnixNano(), 10)
}

// plainSums asks one object of a bucket whether ETags are MD5s there.
func (c *cloud) plainSums(ctx context.Context, bucket, key string) bool {
	h, err := c.look(ctx, bucket, key)
	return err == nil && h.Get("X-Amz-Server-Side-Encryption-Customer-Algorithm") == "" && len(h.Get("X-Amz-Server-Side-Encryption")) < len("aws:kms")
}

// settle decides at the end of a page whether the folder that its last key stands
// for is empty.
func (c *cloud) settle(ctx context.Context, w *walk, bucket string, last bool) error {
	if w.marked == "" {
		return nil
	}
	empty := last
	if !last {
		p, err := c.page(ctx, bucket, listing{prefix: w.marked, most: 2})
		if err != nil {
			return err
		}
		empty = len(p.entries) < 2 && p.next == ""
	}
	w.settle(empty)
	return nil
}

// atOnce is how many requests one listing or reading has under way at most; how
// many the server bears is for the pacer to find.
const atOnce = 32

// sideBySide calls f for 0 to n-1, and ends at the first error.
func sideBySide(ctx context.Context, n int, f func(context.Context, int) error) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	var workers sync.WaitGroup
	next := make(chan int)
	errs := make(chan error, min(atOnce, n))
	for range min(atOnce, n) {
		workers.Go(func() {
			for i := range next {
				if err := f(ctx, i); err != nil {
					errs <- err
					cancel()
					return
				}
			}
		})
	}
	var err error
	for i := 0; i < n && err == nil; i++ {
		select {
		case next <- i:
		case err = <-errs:
		}
	}
	close(next)
	workers.Wait()
	if err == nil && len(errs) > 0 {
		err = <-errs
	}
	return err
}

// Fetch yields items by a HEAD of each, files and folders side by side.
func (c *cloud) Fetch(ctx context.Context, s connector.Shard, refs []item.Ref) iter.Seq2[item.Bundle, error] {
	return func(yield func(item.Bundle, error) bool) {
		for len(refs) > 0 {
			some := refs[:min(len(refs), 4*atOnce)]
			refs = refs[len(some):]
			found := make([]*item.Bundle, len(some))
			err := sideBySide(ctx, len(some), func(ctx context.Context, i int) (err error) {
				found[i], err = c.fetch(ctx, s.Ref, some[i])
				return err
			})
			if err != nil {
				yield(item.Bundle{}, err)
				return
			}
			for _, b := range found {
				if b != nil && !yield(*b, nil) {
					return
				}
			}
		}
	}
}

// fetch returns one item, nil if it is gone.
func (c *cloud) fetch(ctx context.Context, container, r item.Ref) (*item.Bundle, error) {
	bucket, key := object(r)
	switch r.Kind {
	case item.Drive:
		err := c.head(ctx, bucket)
		if connector.ClassOf(err) == connector.Gone {
			return nil, nil
		}
		b := c.drive(r)
		return &b, err
	case item.Folder:
		// A folder is there if a key begins with it, and empty if no other does.
		p, err := c.page(ctx, bucket, listing{prefix: key, most: 2})
		if err != nil || len(p.entries) == 0 {
			return nil, unlessGone(err)
		}
		it := folderOf(parentOf(container, r.ID), nameOf(r.ID))
		if len(p.entries) == 1 && p.next == "" && p.entries[0].key == key && p.entries[0].size == 0 {
			item.Empty.Set(&it, true)
		}
		return &item.Bundle{Item: it, CheckItems: -1}, nil
	case item.File:
		h, err := c.look(ctx, bucket, key)
		if err != nil {
			return nil, unlessGone(err)
		}
		return &item.Bundle{Item: c.fileAt(parentOf(container, r.ID), nameOf(r.ID), h), CheckItems: -1}, nil
	}
	return nil, nil
}

func unlessGone(err error) error {
	if connector.ClassOf(err) == connector.Gone {
		return nil
	}
	return err
}

// Open streams a stretch of an object
// (https://docs.aws.amazon.com/AmazonS3/latest/API/API_GetObject.html).
func (c *cloud) Open(ctx context.Context, b item.Blob, offset, n int64) (io.ReadCloser, error) {
	if n == 0 {
		return http.NoBody, nil
	}
	bucket, key := object(b.Ref)
	q := connector.Request{Method: http.MethodGet, URL: c.address(bucket, key, ""), Header: http.Header{}, Call: "GET {object}", Class: classRead}
	if b.Version != "" {
		q.Header["If-Match"] = []string{`"` + b.Version + `"`}
	}
	switch {
	case n > 0:
		q.Header["Range"] = []string{"bytes=" + strconv.FormatInt(offset, 10) + "-" + strconv.FormatInt(offset+n-1, 10)}
	case offset > 0:
		q.Header["Range"] = []string{"bytes=" + strconv.FormatInt(offset, 10) + "-"}
	}
	resp, err := c.do(ctx, q)
	if err != nil {
		return nil, err
	}
	if ranged := q.Header["Range"] != nil; ranged && resp.StatusCode != http.StatusPartialContent {
		resp.Body.Close()
		return nil, connector.Errorf(connector.Malformed, "GET {object}: a stretch was asked for, and the answer is %d", resp.StatusCode)
	}
	if b.Version != "" && etagOf(resp.Header) != b.Version {
		resp.Body.Close()
		return nil, notS3("GET {object}")
	}
	return &reading{in: resp.Body}, nil
}

// A reading gives what breaks while a body is read its class.
type reading struct{ in io.ReadCloser }

func (r *reading) Read(p []byte) (int, error) {
	n, err := r.in.Read(p)
	if err == nil || err == io.EOF {
		return n, err
	}
	if _, ok := errors.AsType[*connector.Error](err); ok {
		return n, err
	}
	return n, &connector.Error{Class: connector.Transient, Reason: "GET {object}: the connection was cut", Err: err}
}

func (r *reading) Close() error { return r.in.Close() }
