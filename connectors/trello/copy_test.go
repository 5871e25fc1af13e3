package trello

import (
	flags "flag"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/rialto-migrate/rialto/connector"
	"github.com/rialto-migrate/rialto/connector/connectortest"
	kit "github.com/rialto-migrate/rialto/connector/standin"
	"github.com/rialto-migrate/rialto/connectors/trello/standin"
	"github.com/rialto-migrate/rialto/item"
)

var update = flags.Bool("update", false, "write the golden files anew")

// golden compares with a file under testdata.
func golden(t *testing.T, name, got string) {
	t.Helper()
	path := filepath.Join("testdata", name)
	if *update {
		if err := os.MkdirAll("testdata", 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if string(want) != got {
		t.Errorf("%s differs; look at it and run with -update if it should:\n%s", path, got)
	}
}

// describe writes an item with all its fields, in the order of their
// declaration.
func describe(b *strings.Builder, indent string, it item.Item) {
	fmt.Fprintf(b, "%s%s in %s", indent, it.Ref, it.Parent)
	if it.URL != "" {
		fmt.Fprintf(b, " at %s", it.URL)
	}
	fmt.Fprintf(b, " %v\n", it.Aliases)
	info, _ := item.Info(it.Kind)
	for _, f := range info.Fields {
		if v := it.Fields[f.Name]; !item.IsZero(v) {
			if at, ok := v.(time.Time); ok {
				v = at.Format(time.RFC3339)
			}
			fmt.Fprintf(b, "%s  %s: %+v\n", indent, f.Name, v)
		}
	}
	if it.Blob != nil {
		fmt.Fprintf(b, "%s  blob: %+v\n", indent, *it.Blob)
	}
}

// TestConvertGolden shows what becomes of a board that has one of everything.
func TestConvertGolden(t *testing.T) {
	f, err := os.Open(filepath.Join("testdata", "everything.json"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	board, err := decodeExport(f)
	if err != nil {
		t.Fatal(err)
	}
	s := newSnapshot(board, &api{base: "https://h.example/1"})
	var b strings.Builder
	for page, err := range s.pages("") {
		if err != nil {
			t.Fatal(err)
		}
		for _, bundle := range page.Bundles {
			describe(&b, "", bundle.Item)
			for _, c := range bundle.Children {
				describe(&b, "    ", c)
			}
			if len(bundle.Counts) > 0 || len(bundle.Unknown) > 0 {
				fmt.Fprintf(&b, "  counts %v, entries %d, not carried %v\n", bundle.Counts, bundle.CheckItems, bundle.Unknown)
			}
		}
		fmt.Fprintf(&b, "next %s, whole %v\n", page.Next, page.Whole)
	}
	golden(t, "everything.golden", b.String())
}

// TestCopyOfARealBoard writes the GoCD board into a stand-in that refuses some
// calls for their rate, and reads it back: everything is there once, in order.
func TestCopyOfARealBoard(t *testing.T) {
	path := connectortest.Shared(t, "data", "trello", "gocd-test-drive.json")
	dir := filepath.Dir(path)
	from := exported(t, connector.Settings{"export": path, "comments": filepath.Join(dir, "gocd-test-drive.comments-api.json"),
		"attachments": filepath.Join(dir, "gocd-test-drive.attachments")})
	bundles, _, _ := all(t, from, "")
	faults, err := kit.ParseFaults("429:0.01")
	if err != nil {
		t.Fatal(err)
	}
	l := newLab(t, standin.Options{Faults: faults}, nil)
	to := l.target("workspace:Copy")
	ids := copyBoard(t, l, to, from, bundles)

	got := map[item.Ref]item.Item{}
	var order []string
	for b, err := range listed(t, l.source(), ids[bundles[0].Item.Ref]) {
		if err != nil {
			t.Fatal(err)
		}
		got[b.Item.Ref] = b.Item
		if b.Item.Kind == item.Task || b.Item.Kind == item.List {
			order = append(order, b.Item.Ref.String())
		}
		for _, c := range b.Children {
			got[c.Ref] = c
		}
		if len(b.Of(item.Attachment)) != b.Counts[item.Attachment] && b.Item.Kind == item.Task {
			t.Errorf("%s: %d attachments, the badge says %d", b.Item.Ref, len(b.Of(item.Attachment)), b.Counts[item.Attachment])
		}
	}
	var want []string
	for _, b := range bundles {
		if b.Item.Kind == item.Task || b.Item.Kind == item.List {
			want = append(want, ids[b.Item.Ref].String())
		}
		for _, it := range append([]item.Item{b.Item}, b.Children...) {
			if it.Kind == item.Member || it.Kind == item.Board {
				continue
			}
			l.same(it.Ref.String(), fitted(it, ids), got[ids[it.Ref]])
		}
	}
	if !slices.Equal(order, want) {
		t.Error("lists or cards are not in their order")
	}
	if n := l.stats.Refused.Load(); n == 0 {
		t.Error("no call was refused: the test shows less than it should")
	}
}

// fitted does to an item what the engine does before a write: references are
// the target's, and fields that Trello loses are gone.
func fitted(it item.Item, ids map[item.Ref]item.Ref) item.Item {
	it = it.Clone()
	it.Parent = ids[it.Parent]
	if r := item.InList.Get(it); !r.Zero() {
		item.InList.Set(&it, ids[r])
	}
	var labels []item.Ref
	for _, l := range item.Labels.Get(it) {
		labels = append(labels, ids[l])
	}
	item.Labels.Set(&it, labels)
	item.Assignees.Set(&it, nil)
	item.Members.Set(&it, nil)
	if !slices.Contains(hues(), item.Cover.Get(it)) {
		item.Cover.Set(&it, "") // a picture
	}
	return it
}

func copyBoard(t *testing.T, l *lab, to *target, from connector.Source, bundles []item.Bundle) map[item.Ref]item.Ref {
	t.Helper()
	ids := map[item.Ref]item.Ref{}
	open := func(b item.Blob, offset, n int64) (io.ReadCloser, error) { return from.Open(t.Context(), b, offset, n) }
	for _, kind := range []item.Kind{item.Board, item.Label, item.List, item.Task, item.Checklist, item.Comment, item.Attachment} {
		var items []item.Item
		for _, b := range bundles {
			for _, it := range append([]item.Item{b.Item}, b.Children...) {
				if it.Kind == kind {
					items = append(items, it)
				}
			}
		}
		size := New().Capabilities(nil).Kinds[kind].Batch
		last := map[string]string{}
		for batch := range slices.Chunk(items, size) {
			var cs []connector.Change
			for i, it := range batch {
				f := fitted(it, ids)
				f.ID = ""
				c := connector.Change{Op: connector.Create, Item: f, Mark: to.Carrier(kind, "rialto:"+it.Ref.String())}
				if p := parentOf(f); i > 0 && parentOf(cs[i-1].Item) == p {
					c.AfterPrevious = true
				} else {
					c.After = last[p]
				}
				cs = append(cs, c)
			}
			i := 0
			for r, err := range to.Write(t.Context(), cs, open) {
				if err != nil || r.Err != nil {
					t.Fatalf("%s: %v %v", batch[i].Ref, err, r.Err)
				}
				ids[batch[i].Ref] = r.Stored.Item.Ref
				last[parentOf(cs[i].Item)] = r.Stored.Item.ID
				i++
			}
		}
	}
	return ids
}
