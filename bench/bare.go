//go:build linux

package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"io/fs"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
	"golang.org/x/sync/errgroup"
)

// Arguments that make this program another one, in a process of its own so that
// what it costs can be told.
const (
	bareArgument = "bare"
	pipeArgument = "pipe"
)

// What the S3 servers of the bench take.
const s3Region = "us-east-1"

// bare copies objects from one S3 server to another: a GET and a PUT for each, and
// nothing besides. What it copies stands in a folder. No mover can do with less.
func bare(args []string) error {
	flags := flag.NewFlagSet(bareArgument, flag.ExitOnError)
	from := flags.String("from", "", "address of the bucket to read")
	to := flags.String("to", "", "address of the bucket to write")
	dir := flags.String("dir", "", "a folder with the names")
	key := flags.String("key", "", "access key's id")
	secret := flags.String("secret", "", "its secret")
	workers := flags.Int("workers", 16, "how many at once")
	if err := flags.Parse(args); err != nil {
		return err
	}
	names, err := namesIn(*dir)
	if err != nil {
		return err
	}
	client := &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: *workers, DisableCompression: true, WriteBufferSize: 32 << 10, ReadBufferSize: 32 << 10}}
	signer := v4.NewSigner(func(o *v4.SignerOptions) { o.DisableURIPathEscaping = true })
	creds := aws.Credentials{AccessKeyID: *key, SecretAccessKey: *secret}
	do := func(ctx context.Context, method, address string, body io.Reader, size int64) (*http.Response, error) {
		r, err := http.NewRequestWithContext(ctx, method, address, body)
		if err != nil {
			return nil, err
		}
		r.ContentLength = size
		r.Header.Set("X-Amz-Content-Sha256", "UNSIGNED-PAYLOAD")
		if err := signer.SignHTTP(ctx, creds, r, "UNSIGNED-PAYLOAD", "s3", s3Region, time.Now()); err != nil {
			return nil, err
		}
		resp, err := client.Do(r)
		if err == nil && resp.StatusCode >= 300 {
			resp.Body.Close()
			err = fmt.Errorf("%s: status %d", method, resp.StatusCode)
		}
		return resp, err
	}
	group, ctx := errgroup.WithContext(context.Background())
	group.SetLimit(*workers)
	for _, name := range names {
		group.Go(func() error {
			in, err := do(ctx, http.MethodGet, *from+"/"+name, nil, 0)
			if err != nil {
				return err
			}
			defer in.Body.Close()
			out, err := do(ctx, http.MethodPut, *to+"/"+name, in.Body, in.ContentLength)
			if err != nil {
				return err
			}
			_, err = io.Copy(io.Discard, out.Body)
			return errors.Join(err, out.Body.Close())
		})
	}
	return group.Wait()
}

// pipe reads the files of a folder one after the other, sends them through one
// socket of this machine, and writes them to one file: what `cat` would do.
func pipe(args []string) error {
	if len(args) != 2 {
		return errors.New("pipe FOLDER FILE")
	}
	names, err := namesIn(args[0])
	if err != nil {
		return err
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	defer l.Close()
	var group errgroup.Group
	group.Go(func() error {
		near, err := net.Dial("tcp", l.Addr().String())
		if err != nil {
			return err
		}
		defer near.Close()
		for _, name := range names {
			if err := send(near, filepath.Join(args[0], name)); err != nil {
				return err
			}
		}
		return nil
	})
	far, err := l.Accept()
	if err != nil {
		return err
	}
	defer far.Close()
	out, err := os.Create(args[1])
	if err != nil {
		return err
	}
	_, err = io.CopyBuffer(struct{ io.Writer }{out}, struct{ io.Reader }{far}, make([]byte, 1<<20))
	return errors.Join(err, out.Close(), group.Wait())
}

// send reads a file and writes it, as cat does: by read and write, not by sendfile.
func send(to io.Writer, path string) error {
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	_, err = io.CopyBuffer(struct{ io.Writer }{to}, struct{ io.Reader }{f}, make([]byte, 128<<10))
	return errors.Join(err, f.Close())
}

// namesIn lists the files of a folder by their paths in it.
func namesIn(dir string) (names []string, err error) {
	err = filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || !d.Type().IsRegular() {
			return err
		}
		name, err := filepath.Rel(dir, path)
		names = append(names, name)
		return err
	})
	return names, err
}
