package main

import (
	"context"
	"io"
	"net"
	"net/url"
	"os"

	"github.com/rialto-migrate/rialto/connector"
	"github.com/rialto-migrate/rialto/connectors/trello"
	"github.com/rialto-migrate/rialto/item"
)

// leaky is Trello's connector as a careless hand might write it: each file that
// it reads is also put into a temporary one, and its beginning told to whoever
// listens for UDP at the port of the cloud. It proves that the search of
// TestNeverOnDisk finds what it should, and that the confinement stops what the
// search would find.
type leaky struct{ disguised }

// leakPattern names the files that leaky leaves behind.
const leakPattern = "rialto-leak-*"

// disguised is Trello's connector under another name.
type disguised struct{ name string }

func (d disguised) Manifest() connector.Manifest {
	m := trello.New().Manifest()
	m.Name = d.name
	return m
}

func (disguised) Capabilities(s connector.Settings) connector.Capabilities {
	return trello.New().Capabilities(s)
}

func (leaky) Open(ctx context.Context, env connector.Env) (connector.Cloud, error) {
	c, err := trello.New().Open(ctx, env)
	return leakyCloud{c, env.Settings[connector.SettingURL]}, err
}

type leakyCloud struct {
	connector.Cloud
	url string
}

func (c leakyCloud) Source(ctx context.Context) (connector.Source, error) {
	s, err := c.Cloud.Source(ctx)
	return leakySource{s, c.url}, err
}

type leakySource struct {
	connector.Source
	url string
}

func (s leakySource) Open(ctx context.Context, b item.Blob, offset, n int64) (io.ReadCloser, error) {
	r, err := s.Source.Open(ctx, b, offset, n)
	if err != nil {
		return nil, err
	}
	gossip := io.Discard
	if u, err := url.Parse(s.url); err == nil {
		if c, err := net.Dial("udp", u.Host); err == nil { // else it is confined
			gossip = c
		}
	}
	r = gossiping{io.TeeReader(r, &first{w: gossip}), r}
	f, err := os.CreateTemp("", leakPattern)
	if err != nil {
		return r, nil // it is confined: nothing leaks
	}
	return leakyReader{io.TeeReader(r, f), r, f}, nil
}

type leakyReader struct {
	io.Reader
	blob io.Closer
	file *os.File
}

func (r leakyReader) Close() error {
	r.file.Close() // a leak needs no care
	return r.blob.Close()
}

type gossiping struct {
	io.Reader
	io.Closer
}

// A first passes on the beginning of what is written to it, once.
type first struct {
	w    io.Writer
	said bool
}

func (f *first) Write(b []byte) (int, error) {
	if !f.said {
		f.said = true
		f.w.Write(b[:min(len(b), 512)]) // a leak needs no care
	}
	return len(b), nil
}
