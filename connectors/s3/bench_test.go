package s3_test

import (
	"bytes"
	"fmt"
	"io"
	"maps"
	"net/http"
	"syscall"
	"testing"
	"time"

	"github.com/rialto-migrate/rialto/connector"
	"github.com/rialto-migrate/rialto/connectors/s3"
	"github.com/rialto-migrate/rialto/connectors/s3/s3test"
	"github.com/rialto-migrate/rialto/item"
)

// A side is a connection of a benchmark.
type side struct {
	source connector.Source
	target connector.Target
	drive  item.Ref
}

func newSide(b *testing.B, settings connector.Settings) side {
	b.Helper()
	set := maps.Clone(settings)
	set["metadata"] = "drop"
	transport := connector.NewTransport()
	b.Cleanup(transport.CloseIdleConnections)
	cloud, err := s3.New().Open(b.Context(), connector.Env{Settings: set, HTTP: connector.NewClient(connector.ClientOptions{Transport: transport}), Now: time.Now})
	if err != nil {
		b.Fatal(err)
	}
	s := side{drive: item.Ref{Kind: item.Drive, ID: "/bench"}}
	if s.source, err = cloud.Source(b.Context()); err != nil {
		b.Fatal(err)
	}
	if s.target, err = cloud.Target(b.Context(), "bench"); err != nil {
		b.Fatal(err)
	}
	return s
}

// write hands files to a target in batches.
func (s side) write(b *testing.B, files []connector.Change, open item.Opener) {
	b.Helper()
	for len(files) > 0 {
		n := min(64, len(files))
		for res, err := range s.target.Write(b.Context(), files[:n], open) {
			if err != nil || res.Err != nil {
				b.Fatal(err, res.Err)
			}
		}
		files = files[n:]
	}
}

// listed are the files of a side.
func (s side) listed(b *testing.B) []item.Item {
	b.Helper()
	var out []item.Item
	for p, err := range s.source.List(b.Context(), connector.Shard{Ref: s.drive}, "") {
		if err != nil {
			b.Fatal(err)
		}
		for _, x := range p.Bundles {
			if x.Item.Kind == item.File {
				out = append(out, x.Item)
			}
		}
	}
	return out
}

// cpu is the processor time of this process so far.
func cpu() time.Duration {
	var u syscall.Rusage
	_ = syscall.Getrusage(syscall.RUSAGE_SELF, &u)
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// files are n of some bytes, and their opener.
func files(n, size int) ([]connector.Change, item.Opener) {
	content := bytes.Repeat([]byte("0123456789abcdef"), size/16+1)[:size]
	var out []connector.Change
	for i := range n {
		it := item.Item{Ref: item.Ref{Kind: item.File}, Parent: item.Ref{Kind: item.Drive, ID: "/bench"}, Blob: &item.Blob{Bytes: int64(size)}}
		item.FileName.Set(&it, fmt.Sprintf("file-%06d", i))
		out = append(out, connector.Change{Op: connector.Create, Item: it})
	}
	return out, func(_ item.Blob, offset, n int64) (io.ReadCloser, error) {
		end := int64(len(content))
		if n >= 0 {
			end = min(end, offset+n)
		}
		return io.NopCloser(bytes.NewReader(content[offset:end])), nil
	}
}

// BenchmarkCopy moves files of 20 KB between two servers: the connector alone,
// without the engine around it, and a bare loop of GET and PUT over net/http.
func BenchmarkCopy(b *testing.B) {
	for _, bare := range []bool{false, true} {
		b.Run(map[bool]string{false: "connector", true: "bare"}[bare], func(b *testing.B) {
			from, to := s3test.Start(b), s3test.Start(b)
			a, z := newSide(b, from.Settings), newSide(b, to.Settings)
			seed, open := files(b.N, 20_000)
			a.write(b, seed, open)
			there := a.listed(b)
			var changes []connector.Change
			for _, it := range there {
				it.Parent = z.drive
				changes = append(changes, connector.Change{Op: connector.Create, Item: it})
			}
			b.ResetTimer()
			began := cpu()
			if bare {
				bareCopy(b, from, to, there)
			} else {
				z.write(b, changes, func(x item.Blob, offset, n int64) (io.ReadCloser, error) {
					return a.source.Open(b.Context(), x, offset, n)
				})
			}
			b.ReportMetric(float64((cpu()-began).Microseconds())/float64(b.N), "cpu-µs/file")
		})
	}
}

// bareCopy is the least that can be done: sixteen workers that GET and PUT.
func bareCopy(b *testing.B, from, to *s3test.Server, all []item.Item) {
	b.Helper()
	client := &http.Client{Transport: connector.NewTransport()}
	next := make(chan item.Item)
	done := make(chan error)
	for range 16 {
		go func() {
			var err error
			for it := range next {
				if err == nil {
					err = s3.BareCopy(b.Context(), client, from.Settings, to.Settings, it.ID)
				}
			}
			done <- err
		}()
	}
	for _, it := range all {
		next <- it
	}
	close(next)
	for range 16 {
		if err := <-done; err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkList lists a bucket; what is told is for one file.
func BenchmarkList(b *testing.B) {
	s := newSide(b, s3test.Start(b).Settings)
	changes, open := files(b.N, 10)
	s.write(b, changes, open)
	b.ResetTimer()
	began := cpu()
	if n := len(s.listed(b)); n != b.N {
		b.Fatalf("%d of %d files are listed", n, b.N)
	}
	b.ReportMetric(float64((cpu()-began).Microseconds())/float64(b.N), "cpu-µs/file")
}

// BenchmarkLarge moves objects of 256 MiB from one server to the other: in one PUT,
// and in parts of 16 MiB, four at a time.
func BenchmarkLarge(b *testing.B) {
	const size, part = 256 << 20, 16 << 20
	for _, parts := range []bool{false, true} {
		b.Run(map[bool]string{false: "whole", true: "parts"}[parts], func(b *testing.B) {
			a, z := newSide(b, s3test.Start(b).Settings), newSide(b, s3test.Start(b).Settings)
			seed, open := files(1, size)
			a.write(b, seed, open)
			there := a.listed(b)[0]
			read := func(x item.Blob, offset, n int64) (io.ReadCloser, error) {
				return a.source.Open(b.Context(), x, offset, n)
			}
			b.SetBytes(size)
			b.ResetTimer()
			began := cpu()
			for i := range b.N {
				it := there.Clone()
				it.Parent = z.drive
				item.FileName.Set(&it, fmt.Sprint("large ", i))
				ch := connector.Change{Op: connector.Create, Item: it}
				if !parts {
					z.write(b, []connector.Change{ch}, read)
					continue
				}
				up := z.target.(connector.Uploader)
				session, err := up.Begin(b.Context(), ch)
				if err != nil {
					b.Fatal(err)
				}
				all := make([]connector.UploadPart, size/part)
				errs := make(chan error, len(all))
				slots := make(chan struct{}, 4)
				for j := range all {
					slots <- struct{}{}
					go func() {
						defer func() { <-slots }()
						in, err := read(*it.Blob, int64(j)*part, part)
						if err == nil {
							all[j], err = up.Put(b.Context(), session, connector.UploadPart{Number: j + 1, Offset: int64(j) * part, Bytes: part}, in)
							in.Close()
						}
						errs <- err
					}()
				}
				for range all {
					if err := <-errs; err != nil {
						b.Fatal(err)
					}
				}
				if res := up.Commit(b.Context(), session, ch, all); res.Err != nil {
					b.Fatal(res.Err)
				}
			}
			b.ReportMetric(float64((cpu()-began).Milliseconds())/float64(b.N)*4, "cpu-ms/GiB")
		})
	}
}
