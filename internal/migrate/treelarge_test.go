package migrate

import (
	"context"
	"fmt"
	"iter"
	"runtime"
	"strings"
	"testing"

	"github.com/rialto-migrate/rialto/connector"
	"github.com/rialto-migrate/rialto/internal/ledger"
	"github.com/rialto-migrate/rialto/internal/ledger/ledgertest"
	"github.com/rialto-migrate/rialto/item"
)

// endless is a tree of so many files that none of them is anywhere.
type endless struct {
	*tree
	files int
	heap  uint64 // in use when the listing came to its end
}

func (f *endless) Source(context.Context) (connector.Source, error) { return f, nil }

func (f *endless) List(_ context.Context, s connector.Shard, _ connector.Cursor) iter.Seq2[connector.Page, error] {
	return func(yield func(connector.Page, error) bool) {
		drive, _ := f.bundle(f.root)
		page := connector.Page{Bundles: []item.Bundle{drive}}
		for i := range f.files {
			it := item.Item{Ref: item.Ref{Kind: item.File, ID: fmt.Sprintf("%s/file %d", f.root, i)}, Parent: s.Ref}
			item.FileName.Set(&it, fmt.Sprintf("file %d", i))
			it.Blob = &item.Blob{Ref: it.Ref, Parent: s.Ref, Version: "1", Bytes: 1}
			page.Bundles = append(page.Bundles, item.Bundle{Item: it, CheckItems: -1})
			if len(page.Bundles) < 1000 {
				continue
			}
			if !yield(page, nil) {
				return
			}
			page = connector.Page{}
		}
		page.Whole = []item.Kind{item.Drive, item.Folder, item.File}
		if !yield(page, nil) {
			return
		}
		runtime.GC()
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		f.heap = m.HeapAlloc
	}
}

// abyss takes every file and keeps none.
type abyss struct{ treeTarget }

func (f abyss) Target(context.Context, string) (connector.Target, error) { return f, nil }

func (f abyss) Write(ctx context.Context, changes []connector.Change, open item.Opener) iter.Seq2[connector.Result, error] {
	if changes[0].Item.Kind != item.File {
		return f.treeTarget.Write(ctx, changes, open)
	}
	return func(yield func(connector.Result, error) bool) {
		for _, c := range changes {
			it := c.Item
			it.ID = connector.Below(it.Parent.ID, item.FileName.Get(it))
			it.Blob = &item.Blob{Ref: it.Ref, Parent: it.Parent, Version: "1", Bytes: 1}
			if !yield(connector.Result{Stored: item.Bundle{Item: it, CheckItems: -1}}, nil) {
				return
			}
		}
	}
}

// forgetful keeps the shards and no files.
type forgetful struct{ ledger.Ledger }

func (l forgetful) Apply(ctx context.Context, b ledger.Batch) error {
	if len(b.Rows)+len(b.Intents) > 3 {
		return nil
	}
	return l.Ledger.Apply(ctx, b)
}

// TestTreeMemory moves more and more files, and sees that what the engine holds
// does not grow with them beyond a few dozen bytes a file: one that is held takes a thousand.
func TestTreeMemory(t *testing.T) {
	held := map[int]uint64{}
	for _, n := range []int{20_000, 120_000} {
		from, to := &endless{tree: newTree("/src"), files: n}, newTree("/dst")
		e, err := New(Config{Spec: Spec{Name: "t", Scope: []string{"*"}, Place: "/dst"}, From: Side{Title: "Tree", Cloud: from, Caps: from.caps},
			To: Side{Title: "Tree", Cloud: abyss{treeTarget{to}}, Caps: to.caps}, Ledger: forgetful{ledgertest.New()}, Key: []byte(strings.Repeat("k", 32))})
		if err != nil {
			t.Fatal(err)
		}
		r, err := e.Run(t.Context())
		if err != nil || r.Kinds[item.File].Created != n {
			t.Fatalf("%v, %+v", err, r)
		}
		held[n] = from.heap
	}
	each := (float64(held[120_000]) - float64(held[20_000])) / 100_000
	t.Logf("%.1f bytes a file", each)
	if each > 100 {
		t.Errorf("the engine holds %.0f bytes for each file", each)
	}
}
