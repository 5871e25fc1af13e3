package connectortest

import (
	"context"
	"fmt"
	"net/http"
	"time"

	"github.com/rialto-migrate/rialto/connector"
	"github.com/rialto-migrate/rialto/item"
)

// troubledTree are the fates that one request meets, where the cloud is spoken to
// by HTTP.
func troubledTree() []fate {
	return []fate{lost, unheard, truncated, webPage, throttled, failing}
}

// troubled carries something out once for each request of it and each fate; what it
// is told says which.
func (r *treeRig) troubled(run func(what string)) {
	r.Helper()
	if r.wire == nil {
		r.Skip("this cloud is not spoken to by HTTP: its own tests cut its connections")
	}
	for _, f := range troubledTree() {
		for n := 1; n <= 6; n++ {
			r.wire.decide(only(n, f))
			run(fmt.Sprintf("request %d meets %q", n, f))
			_, hit := r.wire.counted()
			r.wire.decide(nil)
			if hit == 0 {
				break
			}
		}
	}
}

// A listing and a file that are read in trouble are whole, or fail.
func (r *treeRig) testReadingInTrouble() {
	if r.wire == nil {
		r.Skip("this cloud is not spoken to by HTTP: its own tests cut its connections")
	}
	content := r.content(100_000)
	files := map[string][]byte{"file": content, "dir/a": []byte("1"), "dir/b": []byte("2"), "empty folder/": nil}
	drive := r.plant(files)
	r.troubled(func(what string) {
		pages, err := collect(r.source.List(r.Context(), connector.Shard{Ref: drive}, ""))
		if r.saw(err) == nil {
			r.complete("a listing whose "+what, drive, files, pages, true)
		}
	})
	var blob item.Blob
	for _, b := range r.listed(drive) {
		if item.FileName.Get(b.Item) == "file" {
			blob = *b.Item.Blob
		}
	}
	r.troubled(func(what string) {
		got, err := r.read(blob, 0, -1)
		if err == nil && string(got) != string(content) {
			r.Errorf("a file whose %s: %d bytes of %d are read, and no error", what, len(got), len(content))
		}
		r.saw(err)
	})
}

// A write in trouble happened whole or not at all, and says so; carried out once
// more, it is there once.
func (r *treeRig) testWritingInTrouble() {
	drive := r.drive()
	for what, make := range map[string]func(name string) connector.Change{
		"a small file": func(name string) connector.Change { return created(r.file(drive, name, r.content(20_000))) },
		"a large file": func(name string) connector.Change { return created(r.file(drive, name, r.content(700_000))) },
		"an empty folder": func(name string) connector.Change {
			it := r.folder(drive, name)
			item.Empty.Set(&it, true)
			return created(it)
		},
	} {
		n := 0
		r.troubled(func(fate string) {
			n++
			ch := make(fmt.Sprintf("%s %d", what, n))
			r.written("creating "+what+" whose "+fate, drive, ch)
		})
	}
	ref := r.write(created(r.file(drive, "changes", r.content(20_000))))[0].Item.Ref
	r.troubled(func(fate string) {
		it := r.file(drive, "changes", r.content(20_000))
		it.ID = ref.ID
		prev := r.quietly(drive, ref)
		r.written("an update whose "+fate, drive, connector.Change{Op: connector.Update, Item: it, Prev: &prev})
	})
}

// quietly reads an item while requests are let through.
func (r *treeRig) quietly(drive item.Ref, ref item.Ref) item.Bundle {
	r.Helper()
	r.wire.mu.Lock()
	held := r.wire.fate
	r.wire.fate = nil
	n, hit := r.wire.n, r.wire.hit
	r.wire.mu.Unlock()
	b := r.fetched(drive, ref)[ref]
	r.wire.mu.Lock()
	r.wire.fate, r.wire.n, r.wire.hit = held, n, hit
	r.wire.mu.Unlock()
	return b
}

// written carries out a change, and once more if it failed; in the end its item is
// there, whole.
func (r *treeRig) written(what string, drive item.Ref, ch connector.Change) {
	r.Helper()
	res := r.results(ch)[0]
	failed := res.Err
	requests, hit := r.wire.counted()
	r.wire.decide(nil)
	defer func() { // the trouble counts its own requests
		r.wire.mu.Lock()
		r.wire.n, r.wire.hit = requests, hit
		r.wire.mu.Unlock()
	}()
	ref := res.Stored.Item.Ref
	if failed != nil {
		ref = r.place(drive, ch.Item)
	}
	there, ok := r.fetched(drive, ref)[ref]
	is := ok && (ch.Item.Blob == nil || r.hasBytes(there.Item, ch.Item))
	switch {
	case failed == nil && !is:
		r.Errorf("%s passes for done, and is not", what)
		return
	case failed != nil && is && !connector.InDoubt(failed):
		r.Errorf("%s fails without a doubt, and was carried out: %v", what, failed)
	case ok && !is && ch.Op == connector.Create:
		r.Errorf("%s leaves something half written after %v", what, failed)
	}
	// What the first of several requests made is found by its shape, and the rest written.
	if partly := is && failed != nil && !r.caps.Paths && len((&rig{TB: r.TB, caps: r.caps}).differ(ch.Item, there.Item)) > 0; !is || partly {
		if partly {
			ch.Op, ch.Item.ID, ch.Prev = connector.Update, ref.ID, &there
		}
		again := r.results(ch)[0]
		r.no(again.Err, what+", once more")
		ref = again.Stored.Item.Ref
		there = r.fetched(drive, ref)[ref]
	}
	r.matches(what, ch.Item, there.Item)
	if ch.Item.Blob != nil {
		r.holds(what, *there.Item.Blob, r.make.content(*ch.Item.Blob))
	}
}

// place is the reference of an item that should stand in a drive: by its path, or,
// where ids are the cloud's own, as a listing tells it; one that nothing has if it is
// not there.
func (r *treeRig) place(drive item.Ref, it item.Item) item.Ref {
	r.Helper()
	switch {
	case r.caps.Paths:
		return item.Ref{Kind: it.Kind, ID: connector.Below(drive.ID, item.FileName.Get(it))}
	case it.ID != "":
		return it.Ref
	}
	for ref, b := range r.listed(drive) {
		if ref.Kind == it.Kind && b.Item.Parent == it.Parent && item.FileName.Get(b.Item) == item.FileName.Get(it) {
			return ref
		}
	}
	return item.Ref{Kind: it.Kind, ID: "none"}
}

func (r *treeRig) hasBytes(have, given item.Item) bool {
	got, err := r.read(*have.Blob, 0, -1)
	return err == nil && string(got) == string(r.make.content(*given.Blob))
}

// A delete in trouble happened or did not, and says so as far as it knows.
func (r *treeRig) testDeletesInTrouble() {
	if r.wire == nil {
		r.Skip("this cloud is not spoken to by HTTP: its own tests cut its connections")
	}
	drive := r.drive()
	n := 0
	var ref item.Ref
	make := func() {
		n++
		ref = r.write(created(r.file(drive, fmt.Sprint("away ", n), []byte("x"))))[0].Item.Ref
	}
	make()
	r.troubled(func(what string) {
		removed, err := r.target.Delete(r.Context(), drive, ref, func(item.Bundle) bool { return true })
		requests, hit := r.wire.counted()
		r.wire.decide(nil)
		_, there := r.fetched(drive, ref)[ref]
		if r.saw(err) == nil && removed == there {
			r.Errorf("a delete whose %s says removed %v, and the file is there: %v", what, removed, there)
		}
		if there {
			if removed, err := r.target.Delete(r.Context(), drive, ref, func(item.Bundle) bool { return true }); err != nil || !removed {
				r.Errorf("a delete whose %s, once more: removed %v, %v", what, removed, err)
			}
		}
		make()
		r.wire.mu.Lock()
		r.wire.n, r.wire.hit = requests, hit
		r.wire.mu.Unlock()
	})
}

// A caller who gives up is let go at once, whatever the cloud does.
func (r *treeRig) testStopped() {
	if r.wire == nil {
		r.Skip("this cloud is not spoken to by HTTP: its own tests cut its connections")
	}
	drive := r.plant(map[string][]byte{"file": []byte("x")})
	blob := *r.only(drive).Blob
	r.wire.decide(func(int, *http.Request) fate { return hanging })
	defer r.wire.decide(nil)
	for what, do := range map[string]func(context.Context) error{
		"List": func(ctx context.Context) error {
			_, err := collect(r.source.List(ctx, connector.Shard{Ref: drive}, ""))
			return err
		},
		"Open": func(ctx context.Context) error {
			in, err := r.source.Open(ctx, blob, 0, -1)
			if err == nil {
				in.Close()
			}
			return err
		},
		"Write": func(ctx context.Context) error {
			changes := []connector.Change{created(r.file(drive, "late", []byte("x")))}
			for res, err := range r.target.Write(ctx, changes, r.make.open) {
				if err != nil || res.Err != nil {
					return fmt.Errorf("%w", firstOf(err, res.Err))
				}
			}
			return ctx.Err()
		},
	} {
		ctx, cancel := context.WithTimeout(r.Context(), 50*time.Millisecond)
		began := time.Now()
		if err := do(ctx); err == nil {
			r.Errorf("%s whose cloud does not answer ends without an error", what)
		}
		cancel()
		if took := time.Since(began); took > 5*time.Second {
			r.Errorf("%s took %s to give up", what, took)
		}
	}
}

func firstOf(errs ...error) error {
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}
