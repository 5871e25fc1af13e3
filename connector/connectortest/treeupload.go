package connectortest

import (
	"bytes"
	"cmp"
	"slices"

	"github.com/rialto-migrate/rialto/connector"
	"github.com/rialto-migrate/rialto/item"
)

// testParts writes large files in parts: in one go, and in two processes; and drops
// one.
func (r *treeRig) testParts() {
	limits := r.caps.Kinds[item.File].Parts
	up, ok := r.target.(connector.Uploader)
	if ok != (limits != nil) {
		r.Fatalf("the capabilities tell of parts: %v; the target is an Uploader: %v", limits != nil, ok)
	}
	if !ok {
		return
	}
	drive := r.drive()
	least := max(limits.Least, 1<<20)
	content := r.content(int(2*least) + 4321)
	parts := []connector.UploadPart{{Number: 1, Bytes: least}, {Number: 2, Offset: least, Bytes: least}, {Number: 3, Offset: 2 * least, Bytes: 4321}}
	sessions := map[string]string{} // what goes on in the place of each
	latest := func(session string) string { return cmp.Or(sessions[session], session) }
	put := func(session string, p connector.UploadPart) connector.UploadPart {
		r.Helper()
		at := latest(session)
		done, err := up.Put(r.Context(), at, p, bytes.NewReader(content[p.Offset:p.Offset+p.Bytes]))
		if r.saw(err) != nil && connector.ClassOf(err) == connector.Transient { // the bytes are read anew, as the engine does
			done, err = up.Put(r.Context(), at, p, bytes.NewReader(content[p.Offset:p.Offset+p.Bytes]))
		}
		r.no(err, "Put")
		if done.Session != "" {
			sessions[session] = done.Session
		}
		if done.Number != p.Number || done.Offset != p.Offset || done.Bytes != p.Bytes || done.Tag == "" {
			r.Errorf("Put of %+v answers %+v", p, done)
		}
		return done
	}
	ch := created(r.file(drive, "large", content))
	session, err := up.Begin(r.Context(), ch)
	r.no(err, "Begin")
	if held, err := up.Held(r.Context(), session); err != nil || len(held) > 0 {
		r.Errorf("an upload that has just begun holds %d parts, %v", len(held), err)
	}
	r.nothing(drive, "while its parts come in")
	put(session, parts[0])
	// Another process goes on.
	r.connect()
	up = r.target.(connector.Uploader)
	held, err := up.Held(r.Context(), latest(session))
	r.no(err, "Held")
	if len(held) != 1 || held[0].Number != 1 || held[0].Offset != 0 || held[0].Bytes != least {
		r.Fatalf("after a restart %+v are held, want the first part", held)
	}
	done := []connector.UploadPart{held[0], put(session, parts[1]), put(session, parts[2])}
	r.nothing(drive, "while it is not committed")
	res := up.Commit(r.Context(), latest(session), ch, done)
	r.no(res.Err, "Commit")
	r.matches("Commit", ch.Item, res.Stored.Item)
	again := up.Commit(r.Context(), latest(session), ch, done)
	r.no(again.Err, "Commit once more")
	r.agrees("Commit and Commit once more", res.Stored.Item, again.Stored.Item)
	if again.Adopted {
		r.Errorf("Commit once more says that the file was there before")
	}
	listed := r.only(drive)
	r.agrees("Commit and List", res.Stored.Item, listed)
	r.agrees("Commit and Fetch", res.Stored.Item, r.fetched(drive, listed.Ref)[listed.Ref].Item)
	r.holds("a file in parts", *listed.Blob, content)
	if err := up.Abort(r.Context(), session); r.saw(err) != nil {
		r.Errorf("Abort of an upload that was committed: %v", err)
	}
	r.holds("a file in parts after Abort", *listed.Blob, content)

	// What stands there is never overwritten.
	other := created(r.file(drive, "large", r.content(int(2*least)+4321)))
	if session, err := up.Begin(r.Context(), other); err != nil {
		r.wants(err, "Begin where a file stands", connector.Conflict)
	} else {
		theirs := []connector.UploadPart{put(session, parts[0]), put(session, parts[1]), put(session, parts[2])}
		res := up.Commit(r.Context(), latest(session), other, theirs)
		r.wants(res.Err, "Commit where a file stands", connector.Conflict)
		_ = up.Abort(r.Context(), session)
	}
	r.holds("a file in whose place an upload wanted to go", *r.only(drive).Blob, content)

	// Somebody puts a file there while the parts come in.
	late := created(r.file(drive, "late", content))
	session, err = up.Begin(r.Context(), late)
	r.no(err, "Begin")
	done = []connector.UploadPart{put(session, parts[0]), put(session, parts[1]), put(session, parts[2])}
	theirs := r.file(drive, "late", []byte("theirs"))
	first := r.write(created(theirs))[0].Item
	res = up.Commit(r.Context(), latest(session), late, done)
	r.wants(res.Err, "Commit where somebody put a file meanwhile", connector.Conflict)
	r.holds("a file that was put there while an upload went on", *first.Blob, []byte("theirs"))
	if err := up.Abort(r.Context(), session); r.saw(err) != nil {
		r.Errorf("Abort: %v", err)
	}
	if removed, err := r.target.Delete(r.Context(), drive, first.Ref, func(item.Bundle) bool { return true }); r.saw(err) != nil || !removed {
		r.Errorf("Delete: %v, %v", removed, err)
	}

	// An update in parts replaces what it knows; somebody who is there first stays.
	prev := r.fetched(drive, listed.Ref)[listed.Ref]
	change := r.file(drive, "large", nil)
	change.ID, change.Blob.Bytes = listed.ID, int64(len(content))
	content = r.content(len(content))
	update := connector.Change{Op: connector.Update, Item: change, Prev: &prev}
	session, err = up.Begin(r.Context(), update)
	r.no(err, "Begin of an update")
	done = done[:0]
	for _, p := range slices.Backward(parts) { // in any order, but for serial ones
		if limits.Serial {
			p = parts[len(done)]
		}
		done = append(done, put(session, p))
	}
	slices.SortFunc(done, func(a, b connector.UploadPart) int { return a.Number - b.Number })
	res = up.Commit(r.Context(), latest(session), update, done)
	r.no(res.Err, "Commit of an update")
	r.holds("an update in parts", *r.only(drive).Blob, content)

	dropped := created(r.file(drive, "dropped", content))
	session, err = up.Begin(r.Context(), dropped)
	r.no(err, "Begin")
	put(session, parts[0])
	for range 2 {
		if err := up.Abort(r.Context(), session); r.saw(err) != nil {
			r.Errorf("Abort: %v", err)
		}
	}
	_, err = up.Held(r.Context(), session)
	r.wants(err, "Held of an upload that was dropped", connector.Gone)
	for ref, b := range r.listed(drive) {
		if ref.Kind == item.File && item.FileName.Get(b.Item) == "dropped" {
			r.Errorf("an upload that was dropped left a file")
		}
	}
}

// nothing makes sure that a drive shows no file.
func (r *treeRig) nothing(drive item.Ref, when string) {
	r.Helper()
	for ref := range r.listed(drive) {
		if ref.Kind == item.File {
			r.Errorf("a file stands under its name %s", when)
		}
	}
}
