package s3_test

import (
	"bytes"
	"io"
	"maps"
	"testing"

	"github.com/rialto-migrate/rialto/connector"
	"github.com/rialto-migrate/rialto/connectors/s3"
	"github.com/rialto-migrate/rialto/connectors/s3/s3test"
	"github.com/rialto-migrate/rialto/item"
)

// TestMoves moves an object as one would that is too large for one request, and goes on
// with a move that was cut off before the old object was deleted.
func TestMoves(t *testing.T) {
	set := maps.Clone(s3test.Start(t).Settings)
	cloud, err := s3.New().Open(t.Context(), connector.Env{Settings: set, HTTP: connector.NewClient(connector.ClientOptions{})})
	if err != nil {
		t.Fatal(err)
	}
	defer cloud.Close()
	to, err := cloud.Target(t.Context(), "bucket/in")
	if err != nil {
		t.Fatal(err)
	}
	content := bytes.Repeat([]byte("12345678"), 12<<20/8)
	drive := item.Ref{Kind: item.Drive, ID: "/bucket/in"}
	open := func(item.Blob, int64, int64) (io.ReadCloser, error) {
		return io.NopCloser(bytes.NewReader(content)), nil
	}
	write := func(c connector.Change) connector.Result {
		t.Helper()
		for r, err := range to.Write(t.Context(), []connector.Change{c}, open) {
			if err != nil || r.Err != nil {
				t.Fatal(err, r.Err)
			}
			return r
		}
		t.Fatal("no result")
		return connector.Result{}
	}
	it := item.Item{Ref: item.Ref{Kind: item.File}, Parent: drive, Blob: &item.Blob{Bytes: int64(len(content))}}
	item.Name.Set(&it, "größe 1+1.bin")
	prev := write(connector.Change{Op: connector.Create, Item: it}).Stored
	move := func(name string) connector.Change {
		it := prev.Item.Clone()
		item.Name.Set(&it, name)
		return connector.Change{Op: connector.Update, Item: it, Prev: &prev, Moved: true, Dirty: []string{item.Name.Name}}
	}
	if err := s3.CopyInParts(t.Context(), to, move("in parts"), 5<<20); err != nil {
		t.Fatal(err)
	}
	holds := func(b item.Bundle) {
		t.Helper()
		source, err := cloud.Source(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		in, err := source.Open(t.Context(), *b.Item.Blob, 0, -1)
		if err != nil {
			t.Fatal(err)
		}
		defer in.Close()
		if got, err := io.ReadAll(in); err != nil || !bytes.Equal(got, content) {
			t.Errorf("%d bytes are there of %d: %v", len(got), len(content), err)
		}
	}
	for b, err := range to.Fetch(t.Context(), drive, []item.Ref{{Kind: item.File, ID: "/bucket/in/in parts"}}) {
		if err != nil {
			t.Fatal(err)
		}
		holds(b)
	}
	half := prev
	moved := write(move("moved"))
	write(connector.Change{Op: connector.Create, Item: it}) // stands there again, as before the delete
	for b, err := range to.Fetch(t.Context(), drive, []item.Ref{half.Item.Ref}) {
		if err != nil {
			t.Fatal(err)
		}
		prev = b
	}
	again := write(move("moved"))
	if again.Stored.Item.Ref != moved.Stored.Item.Ref {
		t.Errorf("a move that was cut off ends at %s, want %s", again.Stored.Item.Ref, moved.Stored.Item.Ref)
	}
	holds(again.Stored)
	for range to.Fetch(t.Context(), drive, []item.Ref{half.Item.Ref}) {
		t.Error("the old object is still there")
	}
}
