package box_test

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/rialto-migrate/rialto/connector"
	"github.com/rialto-migrate/rialto/connectors/box"
	"github.com/rialto-migrate/rialto/connectors/box/standin"
	"github.com/rialto-migrate/rialto/item"

	shared "github.com/rialto-migrate/rialto/connector/standin"
)

// What Box refuses has its class, and says what to do.
func TestRefusals(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := standin.New(standin.Options{Limits: standin.Limits{Space: 100_000}})
		b := at(t, s, nil)
		for what, c := range map[string]struct {
			name  string
			bytes int
			class connector.Class
		}{
			"storage that is full":                 {"large", 200_000, connector.Full},
			"storage that is full, told before it": {"larger", 2 << 20, connector.Full},
			"a name with a slash":                  {"a/b", 1, connector.Permanent},
			"a name that is too long":              {strings.Repeat("n", 256), 1, connector.Permanent},
		} {
			c1, open := b.file(c.name, make([]byte, c.bytes))
			b.Log(what)
			b.wants(b.write(c1, open).Err, c.class)
		}
		if n := s.Counts()["POST /api/2.0/files/content"]; n != 3 {
			t.Errorf("%d uploads were sent, want none of the file that the preflight refused", n)
		}
		// A folder of the same name is in the way of a file, whatever its case.
		folder := connector.Change{Op: connector.Create, Item: item.Item{Ref: item.Ref{Kind: item.Folder}, Parent: b.shards()[0].Ref}}
		item.FileName.Set(&folder.Item, "Reports")
		b.no(b.write(folder, nil).Err)
		c, open := b.file("reports", []byte("x"))
		b.wants(b.write(c, open).Err, connector.Conflict)
		if r := b.write(folder, nil); r.Err != nil || !r.Adopted {
			t.Errorf("a folder that is there: adopted %v, %v", r.Adopted, r.Err)
		}
	})
}

// A folder that another operation holds is waited for.
func TestFolderIsBusy(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := standin.New(standin.Options{})
		b := at(t, s, nil)
		s.Busy("0", 3)
		c, open := b.file("x", []byte("x"))
		b.no(b.write(c, open).Err)
	})
}

// A right that is lacking is told.
func TestForbidden(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := standin.New(standin.Options{})
		ben := s.AddUser("Ben", "ben@example.org")
		folder := s.Put(standin.Ann, "read only/", nil)
		s.Share("folder", folder, ben, "viewer")
		b := at(t, s, connector.Settings{"as": ben})
		c, open := b.file("x", []byte("x"))
		c.Item.Parent = item.Ref{Kind: item.Folder, ID: folder}
		b.wants(b.write(c, open).Err, connector.Forbidden)
		id, err := b.cloud.Check(t.Context())
		b.no(err)
		if len(id.Missing) == 0 {
			t.Error("Check does not tell that the account cannot list people")
		}
		n := 0
		for m, err := range b.target.Members(t.Context()) {
			b.no(err)
			if m.ID != ben || !item.OwnsPlace.Get(m) {
				t.Errorf("a member %v", m.Ref)
			}
			n++
		}
		if n != 1 {
			t.Errorf("an account that cannot list people has %d members, want itself", n)
		}
	})
}

// At the documented quotas nothing is refused, and files pass at the pace of 240 a
// minute.
func TestQuota(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := standin.New(standin.Options{Limits: standin.Limits{PerMinute: 1000, Uploads: 240}})
		b := at(t, s, nil)
		stats := &connector.Stats{}
		b.openWith(connector.ClientOptions{Transport: shared.Transport{Handler: s}, Pacer: connector.NewPacer(box.New().Capabilities(b.set).Quotas), Stats: stats})
		const files = 600
		parent := b.shards()[0].Ref
		began := time.Now()
		batch := box.New().Capabilities(nil).Kinds[item.File].Batch
		for done := 0; done < files; done += batch {
			var changes []connector.Change
			for i := done; i < min(done+batch, files); i++ {
				it := item.Item{Ref: item.Ref{Kind: item.File}, Parent: parent, Blob: &item.Blob{Bytes: 1}}
				item.FileName.Set(&it, fmt.Sprint("file ", i))
				changes = append(changes, connector.Change{Op: connector.Create, Item: it})
			}
			for r, err := range b.target.Write(t.Context(), changes, from([]byte("x"))) {
				b.no(err)
				b.no(r.Err)
			}
		}
		if took := time.Since(began); took > 4*time.Minute {
			t.Errorf("%d files took %s", files, took)
		}
		if n := stats.Refused.Load(); n > files/50 {
			t.Errorf("%d of %d requests were refused", n, stats.Requests.Load())
		}
	})
}

// What was corrupted on its way does not stay: neither a small file, whose hash is told
// beforehand, nor one that is hashed as it streams.
func TestCorruption(t *testing.T) {
	for _, n := range []int{1000, 300_000} {
		synctest.Test(t, func(t *testing.T) {
			s := standin.New(standin.Options{})
			b := at(t, s, nil)
			content := bytes.Repeat([]byte("0123456789"), n/10)
			c, open := b.file("x", content)
			bad := 2
			b.openWith(connector.ClientOptions{Transport: flipping{shared.Transport{Handler: s}, content[:20], &bad}})
			r := b.write(c, open)
			for range 3 {
				if r.Err != nil {
					r = b.write(c, open)
				}
			}
			b.no(r.Err)
			all := b.list(b.shards()[0])
			if bad != 0 || len(all) != 3 || len(r.Stored.Item.Blob.Sums) == 0 {
				t.Errorf("%d flips are left; there are %d items, want a drive, a member and one file", bad, len(all))
			}
		})
	}
}

// An update tells what changed alone, moves and renames in one request, and never
// replaces what somebody changed since.
func TestUpdateOfEverything(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := standin.New(standin.Options{})
		b := at(t, s, nil)
		c, open := b.file("x", []byte("one"))
		item.Description.Set(&c.Item, "described")
		item.Metadata.Set(&c.Item, []string{"colour=blue", "tag=urgent"})
		r := b.write(c, open)
		b.no(r.Err)
		folder := connector.Change{Op: connector.Create, Item: item.Item{Ref: item.Ref{Kind: item.Folder}, Parent: c.Item.Parent}}
		item.FileName.Set(&folder.Item, "to")
		to := b.write(folder, nil)
		b.no(to.Err)
		before := s.Counts()
		up := connector.Change{Op: connector.Update, Item: r.Stored.Item.Clone(), Prev: &r.Stored, Moved: true}
		up.Item.Parent, up.Dirty = to.Stored.Item.Ref, []string{item.FileName.Name, item.Description.Name, item.Metadata.Name, item.Modified.Name, connector.DirtyParent}
		item.FileName.Set(&up.Item, "y")
		item.Description.Set(&up.Item, "described anew")
		item.Metadata.Set(&up.Item, []string{"tag=done"})
		item.Modified.Set(&up.Item, time.Date(2020, 1, 1, 0, 0, 0, 0, time.UTC))
		moved := b.write(up, nil)
		b.no(moved.Err)
		after := s.Counts()
		if n := after["PUT /2.0/files/*"] - before["PUT /2.0/files/*"]; n != 1 || after["POST /api/2.0/files/*/content"] != before["POST /api/2.0/files/*/content"] {
			t.Errorf("%d changes and %d uploads, want one and none", n, after["POST /api/2.0/files/*/content"])
		}
		for what, is := range map[string]bool{
			"its name":        item.FileName.Get(moved.Stored.Item) == "y",
			"its description": item.Description.Get(moved.Stored.Item) == "described anew",
			"its tags":        slices.Equal(item.Metadata.Get(moved.Stored.Item), []string{"tag=done"}),
			"its time":        item.Modified.Get(moved.Stored.Item).Year() == 2020,
			"its folder":      moved.Stored.Item.Parent == to.Stored.Item.Ref,
			"its bytes":       moved.Stored.Item.Blob.Version == r.Stored.Item.Blob.Version,
		} {
			if !is {
				t.Errorf("%s is not as it was written: %v", what, moved.Stored.Item)
			}
		}
	})
}

// What changes while it is about to be deleted is asked about once more.
func TestDeleteOfWhatChanges(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := standin.New(standin.Options{})
		id := s.Put(standin.Ann, "x", []byte("one"))
		b := at(t, s, connector.Settings{"as": standin.Ann})
		asked := 0
		removed, err := b.target.Delete(t.Context(), b.shards()[0].Ref, item.Ref{Kind: item.File, ID: id}, func(now item.Bundle) bool {
			if asked++; asked == 1 {
				s.Put(standin.Ann, "x", []byte("somebody's"))
				return true
			}
			return now.Item.Blob.Bytes == 3
		})
		b.no(err)
		if removed || asked != 2 || b.list(b.shards()[0])["x"].Item.Blob == nil {
			t.Errorf("removed %v, asked %d times: want the file that somebody changed to stay", removed, asked)
		}
	})
}

// flipping changes a byte of requests that hold a text, so many times.
type flipping struct {
	next http.RoundTripper
	text []byte
	left *int
}

func (f flipping) RoundTrip(r *http.Request) (*http.Response, error) {
	if r.Body == nil || *f.left == 0 {
		return f.next.RoundTrip(r)
	}
	body, err := io.ReadAll(r.Body)
	r.Body.Close()
	if err != nil {
		return nil, err
	}
	if i := bytes.Index(body, f.text); i >= 0 {
		body[i] ^= 1
		*f.left--
	}
	r = r.Clone(r.Context())
	r.Body = io.NopCloser(bytes.NewReader(body))
	return f.next.RoundTrip(r)
}
