package s3

import (
	"context"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/rialto-migrate/rialto/connector"
)

// An entry is what a listing tells of an object.
type entry struct {
	key      string
	size     int64
	etag     string // without its quotes
	modified time.Time
}

// A listing is where a page begins.
type listing struct {
	prefix string
	token  string
	after  string // a key, where there is no token
	most   int    // entries; 0 for a thousand
	// folders asks for the names before the next slash, and not for what lies behind.
	folders bool
}

// cursor is where a page begins, as a text.
func (l listing) cursor() string {
	if l.after != "" {
		return "after " + l.after
	}
	return "token " + l.token
}

// resumed is the listing of a prefix from a cursor on, "" for its beginning.
func resumed(prefix, cursor string) listing {
	l := listing{prefix: prefix}
	if token, ok := strings.CutPrefix(cursor, "token "); ok {
		l.token = token
	} else {
		l.after = strings.TrimPrefix(cursor, "after ")
	}
	return l
}

// A page is what one request lists, in the order of the keys' bytes.
type page struct {
	entries []entry
	folders []string // what keys begin with, up to and with a slash
	next    string   // the token of the next one; "" on the last
}

// listResult is ListBucketResult
// (https://docs.aws.amazon.com/AmazonS3/latest/API/API_ListObjectsV2.html).
type listResult struct {
	IsTruncated           bool
	NextContinuationToken string
	EncodingType          string
	CommonPrefixes        []common
	Contents              []listed
}

type common struct{ Prefix string }

type listed struct {
	Key          string
	Size         int64
	ETag         string
	LastModified time.Time
}

// page lists a page of a bucket.
func (c *cloud) page(ctx context.Context, bucket string, l listing) (page, error) {
	query := "encoding-type=url&list-type=2"
	if l.folders {
		query = "delimiter=%2F&" + query
	}
	if l.token != "" {
		query = "continuation-token=" + escaped(l.token) + "&" + query
	}
	if l.most > 0 {
		query += "&max-keys=" + strconv.Itoa(l.most)
	}
	if l.prefix != "" {
		query += "&prefix=" + escaped(l.prefix)
	}
	if l.after != "" {
		query += "&start-after=" + escaped(l.after)
	}
	var p page
	err := c.answer(ctx, connector.Request{Method: http.MethodGet, URL: c.address(bucket, "", query), Call: "GET {bucket}", Class: classList}, func(body []byte) error {
		told, ok := plainList(body)
		if !ok {
			told = listResult{}
			if err := decode(body, "ListBucketResult", &told); err != nil {
				return err
			}
		}
		p = page{entries: make([]entry, len(told.Contents))}
		for i, o := range told.Contents {
			key, err := plain(o.Key, told.EncodingType)
			if err != nil {
				return err
			}
			if !strings.HasPrefix(key, l.prefix) || o.Size < 0 {
				return connector.Errorf(connector.Malformed, "the listing holds a key that was not asked for")
			}
			p.entries[i] = entry{key: key, size: o.Size, etag: strings.Trim(o.ETag, `"`), modified: o.LastModified.UTC()}
		}
		for _, f := range told.CommonPrefixes {
			key, err := plain(f.Prefix, told.EncodingType)
			if err != nil {
				return err
			}
			p.folders = append(p.folders, key)
		}
		if told.IsTruncated {
			if p.next = told.NextContinuationToken; p.next == "" || p.next == l.token {
				return connector.Errorf(connector.Malformed, "the listing does not say how it goes on")
			}
		}
		return nil
	})
	return p, err
}

// plain is a key as it is: not every server does what encoding-type asks for.
func plain(key, encoding string) (string, error) {
	if encoding != "url" {
		return key, nil
	}
	return url.QueryUnescape(key)
}

// buckets lists the names of the buckets that the key can see
// (https://docs.aws.amazon.com/AmazonS3/latest/API/API_ListBuckets.html).
func (c *cloud) buckets(ctx context.Context) ([]string, error) {
	var names []string
	err := c.answer(ctx, connector.Request{Method: http.MethodGet, URL: c.address("", "", ""), Call: "GET /", Class: classList}, func(body []byte) error {
		var told struct {
			Buckets struct {
				Bucket []struct{ Name string }
			}
		}
		if err := decode(body, "ListAllMyBucketsResult", &told); err != nil {
			return err
		}
		names = nil
		for _, b := range told.Buckets.Bucket {
			names = append(names, b.Name)
		}
		return nil
	})
	return names, err
}
