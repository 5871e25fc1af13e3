package webdav

import (
	"bytes"
	"fmt"
	"io"
	"testing"

	"github.com/rialto-migrate/rialto/connector"
	"github.com/rialto-migrate/rialto/item"
)

// BenchmarkSmallFiles writes 2,000 files of 20 KB into each server.
func BenchmarkSmallFiles(b *testing.B) {
	for kind, start := range servers() {
		b.Run(string(kind), func(b *testing.B) {
			srv := start(b)
			c := open(b, learned(b, settings(srv)), connector.ClientOptions{})
			content := bytes.Repeat([]byte("20 KB of content."), 1205)[:20_480]
			read := func(item.Blob, int64, int64) (io.ReadCloser, error) {
				return io.NopCloser(bytes.NewReader(content)), nil
			}
			run := 0
			for b.Loop() {
				run++
				tg, err := c.Target(b.Context(), fmt.Sprint(run))
				if err != nil {
					b.Fatal(err)
				}
				top := item.Item{Ref: item.Ref{Kind: item.Drive}}
				var parent item.Ref
				for r, err := range tg.Write(b.Context(), []connector.Change{{Op: connector.Create, Item: top}}, read) {
					if err != nil || r.Err != nil {
						b.Fatal(err, r.Err)
					}
					parent = r.Stored.Item.Ref
				}
				batch := New().Capabilities(nil).Kinds[item.File].Batch
				for done := 0; done < 2000; done += batch {
					var changes []connector.Change
					for i := done; i < min(done+batch, 2000); i++ {
						it := item.Item{Ref: item.Ref{Kind: item.File}, Parent: parent, Blob: &item.Blob{Bytes: int64(len(content))}}
						item.Name.Set(&it, fmt.Sprintf("file %04d", i))
						changes = append(changes, connector.Change{Op: connector.Create, Item: it})
					}
					for r, err := range tg.Write(b.Context(), changes, read) {
						if err != nil || r.Err != nil {
							b.Fatal(err, r.Err)
						}
					}
				}
			}
		})
	}
}
