package s3_test

import (
	"bytes"
	"maps"
	"testing"

	"github.com/rialto-migrate/rialto/connector"
	"github.com/rialto-migrate/rialto/connectors/s3"
	"github.com/rialto-migrate/rialto/connectors/s3/s3test"
	"github.com/rialto-migrate/rialto/item"
)

// TestDoubtedUpload begins an upload whose id is lost, as a process does that dies:
// the next one drops it, and nothing of another key.
func TestDoubtedUpload(t *testing.T) {
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
	up := to.(connector.Uploader)
	begin := func(name string, doubted bool) string {
		t.Helper()
		it := item.Item{Ref: item.Ref{Kind: item.File}, Parent: item.Ref{Kind: item.Drive, ID: "/bucket/in"}, Blob: &item.Blob{Bytes: 100 << 20}}
		item.Name.Set(&it, name)
		s, err := up.Begin(t.Context(), connector.Change{Op: connector.Create, Item: it, Doubted: doubted})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := up.Put(t.Context(), s, connector.UploadPart{Number: 1, Bytes: 5}, bytes.NewReader([]byte("bytes"))); err != nil {
			t.Fatal(err)
		}
		return s
	}
	const name = "a large file & 日本語.bin"
	lost, other := begin(name, false), begin(name+"2", false)
	fresh := begin(name, true)
	for what, c := range map[string]struct {
		session string
		there   bool
	}{"the one that was lost": {lost, false}, "that of another key": {other, true}, "the new one": {fresh, true}} {
		held, err := up.Held(t.Context(), c.session)
		if gone := connector.ClassOf(err) == connector.Gone; gone == c.there || c.there && len(held) != 1 {
			t.Errorf("%s holds %d parts, %v", what, len(held), err)
		}
	}
}
