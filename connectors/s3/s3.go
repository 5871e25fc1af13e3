// Package s3 is the connector for Amazon S3 and what speaks its API: a bucket is a
// drive, an object a file, and what stands before the slashes of its key are its
// folders (https://docs.aws.amazon.com/AmazonS3/latest/API/Welcome.html).
//
// It is a client of its own over the paced one: two requests move a file, and
// nothing is held but small files on their way.
package s3

import (
	"context"
	"log/slog"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"

	"github.com/rialto-migrate/rialto/connector"
	"github.com/rialto-migrate/rialto/item"
)

// New returns the connector.
func New() connector.Connector { return s3{} }

type s3 struct{}

// Settings by name.
const (
	setRegion    = "region"
	setKeyID     = "access-key-id"
	setSecret    = "secret-access-key"
	setToken     = "session-token"
	setBucket    = "bucket"
	setPrefix    = "prefix"
	setPathStyle = "path-style"
	setMetadata  = "metadata"
	setSettle    = "settle-delay"
)

func (s3) Manifest() connector.Manifest {
	return connector.Manifest{
		Name:  "s3",
		Title: "Amazon S3 and compatible servers",
		Settings: []connector.Setting{
			{Name: connector.SettingURL, Help: "address of the server, such as https://minio.example.org; by default Amazon's in the region", Optional: true},
			{Name: setRegion, Help: "the buckets' region, such as eu-central-1; us-east-1 by default", Optional: true},
			{Name: setKeyID, Help: "id of an access key: IAM, Users, Security credentials"},
			{Name: setSecret, Help: "the access key's secret, shown once when the key is made", Secret: true},
			{Name: setToken, Help: "session token of temporary credentials", Secret: true, Optional: true},
			{Name: setBucket, Help: "the one bucket to read; by default each that the key can see, by its name", Optional: true},
			{Name: setPrefix, Help: "the folder of that bucket to read, such as reports/2024", Optional: true},
			{Name: setPathStyle, Help: "true if buckets stand in the path and not before the server's name; by default so where url is set", Optional: true},
			{Name: setMetadata, Help: "keep (the default) carries media types, metadata and the times that other programs noted, and asks for each object by itself; drop carries the bytes alone, and lists a thousand objects with one request", Optional: true},
			{Name: setSettle, Help: "how long a request of a killed run may still land, such as 1m (the default)", Optional: true},
		},
		Hosts: []string{"amazonaws.com"},
	}
}

// Open makes a connection ready; it sends nothing.
func (s3) Open(_ context.Context, env connector.Env) (connector.Cloud, error) {
	cfg, err := parseConfig(env.Settings)
	if err != nil {
		return nil, err
	}
	if cfg.creds.AccessKeyID == "" || cfg.creds.SecretAccessKey == "" {
		return nil, connector.Errorf(connector.Auth, "s3 needs the settings %s and %s", setKeyID, setSecret).
			WithHint("make an access key for a user who may list, read and, for a target, write the bucket")
	}
	if env.HTTP == nil {
		return nil, connector.Errorf(connector.Permanent, "s3 was opened without a way to the network")
	}
	log := env.Log
	if log == nil {
		log = slog.New(slog.DiscardHandler)
	}
	c := &cloud{config: cfg, http: env.HTTP.With(connector.Dialect{Sign: newSigner(cfg, env.Now), Refuse: refuse}), log: log, buffers: &buffers{}}
	if cfg.amazon() {
		c.guards.state.Store(honoured)
	}
	return c, nil
}

// A cloud is one connection. It is the source and the target, too: what differs
// is the place.
type cloud struct {
	config
	http    *connector.Client
	log     *slog.Logger
	buffers *buffers
	answers sync.Pool   // of *bytes.Buffer: for answers in XML
	places  sync.Map    // by id: where targets of this connection write
	tells   atomic.Bool // the server tells the CRC64NVME of what it stored
	plain   atomic.Bool // it takes no body in chunks
	guards  guards
	checks  atomic.Bool // it takes them, and what it stored of one was what was sent
}

// Check lists what the connection can see: its buckets, or a page of its one.
func (c *cloud) Check(ctx context.Context) (connector.Identity, error) {
	id := connector.Identity{ID: c.creds.AccessKeyID, Name: "access key " + c.creds.AccessKeyID, Account: c.host(), Rights: []string{"read objects", "write objects if the key's policy allows it"}}
	if c.bucket != "" {
		_, err := c.page(ctx, c.bucket, listing{prefix: c.prefix, most: 1})
		if connector.ClassOf(err) == connector.Gone { // a target's bucket may still have to be made
			id.Missing = []string{"the bucket of the setting bucket is not there yet"}
			err = nil
		}
		return id, err
	}
	_, err := c.buckets(ctx)
	return id, err
}

func (c *cloud) Source(context.Context) (connector.Source, error) { return c, nil }

// Target writes into "bucket" or "bucket/folder". A bucket that is not there is
// made.
func (c *cloud) Target(ctx context.Context, place string) (connector.Target, error) {
	place = strings.Trim(place, "/")
	bucket, rest, _ := strings.Cut(place, "/")
	if bucket == "" {
		return nil, connector.Errorf(connector.Permanent, "s3 needs a bucket to write into").WithHint("write the place as bucket or bucket/folder")
	}
	t := &target{cloud: c, place: "/" + bucket}
	if rest != "" {
		t.place += "/" + rest
	}
	c.places.Store(t.place, true)
	err := c.head(ctx, bucket)
	if connector.ClassOf(err) == connector.Gone && !c.http.ReadOnly() {
		err = c.makeBucket(ctx, bucket)
	}
	if err != nil {
		return nil, err
	}
	return t, nil
}

func (c *cloud) Close() error { return nil }

// head asks whether a bucket is there
// (https://docs.aws.amazon.com/AmazonS3/latest/API/API_HeadBucket.html).
func (c *cloud) head(ctx context.Context, bucket string) error {
	resp, err := c.do(ctx, connector.Request{Method: http.MethodHead, URL: c.address(bucket, "", ""), Call: "HEAD {bucket}", Class: classHead})
	if err != nil {
		return err
	}
	return resp.Body.Close()
}

// makeBucket makes a bucket in the connection's region
// (https://docs.aws.amazon.com/AmazonS3/latest/API/API_CreateBucket.html).
func (c *cloud) makeBucket(ctx context.Context, bucket string) error {
	q := connector.Request{Method: http.MethodPut, URL: c.address(bucket, "", ""), Call: "PUT {bucket}", Class: classWrite}
	if c.amazon() && c.region != "us-east-1" {
		q.Body = text(`<CreateBucketConfiguration xmlns="http://s3.amazonaws.com/doc/2006-03-01/"><LocationConstraint>` + c.region + `</LocationConstraint></CreateBucketConfiguration>`)
	}
	resp, err := c.do(ctx, q)
	if err != nil {
		if connector.ClassOf(err) == connector.Conflict && c.head(ctx, bucket) == nil {
			return nil // somebody made it meanwhile
		}
		return err
	}
	return resp.Body.Close()
}

// Locate: objects have no addresses that people link to.
func (c *cloud) Locate(string) (string, bool) { return "", false }

func driveRef(id string) item.Ref { return item.Ref{Kind: item.Drive, ID: id} }
