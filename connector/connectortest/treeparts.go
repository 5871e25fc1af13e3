package connectortest

import (
	"bytes"
	"fmt"
	"io"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/rialto-migrate/rialto/connector"
	"github.com/rialto-migrate/rialto/item"
)

// file is a file with some bytes, as the engine hands it to a target: it has the
// fields that the target keeps.
func (r *treeRig) file(parent item.Ref, name string, content []byte) item.Item {
	n := strconv.Itoa(r.make.next())
	it := item.Item{Ref: item.Ref{Kind: item.File}, Parent: parent}
	item.Name.Set(&it, name)
	if r.caps.Keeps(item.File, item.Modified.Name) {
		item.Modified.Set(&it, time.Date(2019, 2, 3, 4, 5, r.make.next()%60, 0, time.UTC))
	}
	if r.caps.Keeps(item.File, item.MediaType.Name) {
		item.MediaType.Set(&it, "text/x-"+canary+"; charset=utf-8")
	}
	if r.caps.Keeps(item.File, item.Metadata.Name) {
		item.Metadata.Set(&it, []string{"colour=blue", "number=" + n})
	}
	r.fill(&it, content)
	return it
}

// fill gives a file other bytes.
func (r *treeRig) fill(it *item.Item, content []byte) {
	m := r.make
	id := "blob-" + strconv.Itoa(m.next())
	ref := item.Ref{Kind: item.File, ID: id}
	it.Blob = &item.Blob{Ref: ref, Parent: item.Ref{Kind: item.Drive, ID: "source"}, URL: "blob:" + canary + id, Version: id, Bytes: int64(len(content))}
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.blobs == nil {
		m.blobs, m.trick = map[string][]byte{}, map[string]trick{}
	}
	m.blobs[it.Blob.URL] = content
}

func (r *treeRig) folder(parent item.Ref, name string) item.Item {
	it := item.Item{Ref: item.Ref{Kind: item.Folder}, Parent: parent}
	item.Name.Set(&it, name)
	return it
}

func created(it item.Item) connector.Change {
	return connector.Change{Op: connector.Create, Item: it}
}

// drive makes a container of everybody's.
func (r *treeRig) drive() item.Ref {
	r.Helper()
	it := item.Item{Ref: item.Ref{Kind: item.Drive}}
	item.Name.Set(&it, canary+"-"+strconv.Itoa(r.make.next()))
	return r.write(created(it))[0].Item.Ref
}

// content makes n bytes that are different each time.
func (r *treeRig) content(n int) []byte {
	line := fmt.Sprintf("%s %d \x00\xff\r\n", canary, r.make.next())
	return bytes.Repeat([]byte(line), n/len(line)+1)[:n]
}

// plant puts files below a drive, through the target or from outside.
func (r *treeRig) plant(files map[string][]byte) item.Ref {
	r.Helper()
	if r.target == nil {
		for path, content := range files {
			r.world.Plant(path, content)
		}
		return r.world.Drive
	}
	drive := r.drive()
	folders := map[string]item.Ref{"": drive}
	var changes []connector.Change
	for _, path := range sortedKeys(files) {
		at := ""
		parts := strings.Split(path, "/")
		for i, name := range parts[:len(parts)-1] {
			below := strings.Join(parts[:i+1], "/")
			if _, ok := folders[below]; !ok {
				it := r.folder(folders[at], name)
				item.Empty.Set(&it, below+"/" == path)
				folders[below] = r.write(created(it))[0].Item.Ref
			}
			at = below
		}
		if name := parts[len(parts)-1]; name != "" {
			changes = append(changes, created(r.file(folders[at], name, files[path])))
		}
	}
	r.write(changes...)
	return drive
}

// A listing yields each item once, folders before what lies in them, in pages of
// bounded size, and goes on from each cursor.
func (r *treeRig) testListing() {
	n := r.suite.Files
	if n == 0 {
		n = 2300
	}
	files := map[string][]byte{"empty folder/": nil}
	for i := range n {
		path := fmt.Sprintf("f%05d.txt", i)
		switch {
		case i%3 == 1:
			path = fmt.Sprintf("%s many/%s", canary, path)
		case i%50 == 2:
			path = fmt.Sprintf("deep/%d/a.b/c/%s", i%7, path)
		}
		files[path] = []byte(path)
	}
	drive := r.plant(files)
	pages := r.list(drive, "")
	r.complete("a listing", drive, files, pages, true)
	for i, p := range pages {
		if len(p.Bundles) > 1500 {
			r.Errorf("page %d holds %d items, want about a thousand", i+1, len(p.Bundles))
		}
		if i == len(pages)-1 {
			break
		}
		if p.Next == "" {
			continue // this source begins anew
		}
		r.connect()
		r.complete(fmt.Sprintf("a listing that goes on after page %d", i+1), drive, files, append(slices.Clone(pages[:i+1]), r.list(drive, p.Next)...), false)
	}
	whole := pages[len(pages)-1].Whole
	for _, k := range []item.Kind{item.Folder, item.File} {
		if !slices.Contains(whole, k) {
			r.Errorf("the last page does not say that it is whole of kind %s: what was deleted stays", k)
		}
	}
	var refs []item.Ref
	all := map[item.Ref]item.Bundle{}
	for i, b := range bundlesOf(pages) {
		if i%97 == 0 || b.Item.Kind != item.File {
			refs = append(refs, b.Item.Ref)
			all[b.Item.Ref] = b
		}
	}
	again, err := collect(r.source.Fetch(r.Context(), connector.Shard{Ref: drive}, refs))
	r.no(err, "Fetch")
	if len(again) != len(refs) {
		r.Errorf("Fetch of %d items yields %d", len(refs), len(again))
	}
	for _, b := range again {
		r.agrees("List and Fetch", all[b.Item.Ref].Item, b.Item)
	}
}

// complete holds pages against the files that lie there. Where a listing went on
// from a cursor, a folder may come again.
func (r *treeRig) complete(what string, drive item.Ref, files map[string][]byte, pages []connector.Page, once bool) {
	r.Helper()
	paths := map[item.Ref]string{} // of folders
	seen := map[string]bool{}
	for i, b := range bundlesOf(pages) {
		it := b.Item
		if i == 0 && it.Ref != drive {
			r.Errorf("%s begins with a %s, want its drive", what, it.Kind)
		}
		path, known := paths[it.Parent]
		path += item.Name.Get(it)
		switch it.Kind {
		case item.Drive:
			paths[it.Ref] = ""
			continue
		case item.Folder:
			path += "/"
			if known {
				paths[it.Ref] = path
			}
			if empty := item.Empty.Get(it); r.tells(item.Folder, item.Empty.Name) && empty != (path == "empty folder/") {
				r.Errorf("%s: a folder is said to be empty: %v, and is not so", what, empty)
			}
		case item.File:
			if content, ok := files[path]; known && (!ok || it.Blob == nil || it.Blob.Bytes != int64(len(content))) {
				r.Errorf("%s yields a file that is not there, or not of its size", what)
			}
		}
		if !known {
			r.Errorf("%s yields a %s before the folder that it lies in", what, it.Kind)
		}
		if seen[path] && (once || it.Kind == item.File) {
			r.Errorf("%s yields a %s twice", what, it.Kind)
		}
		seen[path] = true
	}
	missing := 0
	for path := range files {
		if !seen[path] {
			missing++
		}
	}
	if missing > 0 {
		r.Errorf("%s misses %d of %d files and empty folders", what, missing, len(files))
	}
}

// tells reports whether a cloud tells a field, be it that it cannot be written.
func (r *treeRig) tells(k item.Kind, field string) bool {
	_, ok := r.caps.Kinds[k].Fields[field]
	return ok
}

// one is the only file of a drive.
func (r *treeRig) only(drive item.Ref) item.Item {
	r.Helper()
	for ref, b := range r.listed(drive) {
		if ref.Kind == item.File {
			return b.Item
		}
	}
	r.Fatal("a listing yields no file")
	return item.Item{}
}

func (r *treeRig) testRanges() {
	content := r.content(300_000)
	b := *r.only(r.plant(map[string][]byte{"ranges": content})).Blob
	for _, t := range []struct{ offset, n int64 }{{0, -1}, {0, 1}, {0, 300_000}, {1, 65_537}, {299_999, 1}, {299_999, -1}, {123_456, -1}, {0, 0}, {150_000, 0}} {
		want := content[t.offset:]
		if t.n >= 0 {
			want = want[:t.n]
		}
		got, err := r.read(b, t.offset, t.n)
		if r.saw(err); err != nil || !bytes.Equal(got, want) {
			r.Errorf("reading %d bytes from %d on: %d bytes, %v", t.n, t.offset, len(got), err)
		}
	}
	in, err := r.source.Open(r.Context(), b, 0, -1)
	r.no(err, "Open")
	_, _ = in.Read(make([]byte, 100))
	if err := in.Close(); err != nil {
		r.Errorf("closing a file that was not read to its end: %v", err)
	}
}

// What is gone is left out by Fetch, and cannot be opened; a container that is
// gone is an error, not an empty one.
func (r *treeRig) testGone() {
	it := r.only(r.plant(map[string][]byte{"dir/there": []byte("x")}))
	drive := r.world.Drive
	if r.target != nil {
		drive = item.Ref{Kind: item.Drive, ID: it.Parent.ID[:strings.LastIndexByte(it.Parent.ID+"/", '/')]}
	}
	if !r.caps.Paths {
		return
	}
	lost := it.Clone()
	lost.ID = connector.Below(it.Parent.ID, "gone "+canary)
	lost.Blob.Ref = lost.Ref
	all, err := collect(r.source.Fetch(r.Context(), connector.Shard{Ref: drive}, []item.Ref{lost.Ref, it.Ref, {Kind: item.Folder, ID: lost.ID}}))
	r.no(err, "Fetch")
	if len(all) != 1 || all[0].Item.Ref != it.Ref {
		r.Errorf("Fetch of what is there and what is gone yields %d items, want the one that is there", len(all))
	}
	_, err = r.read(*lost.Blob, 0, -1)
	r.wants(err, "opening a file that is gone", connector.Gone, connector.Conflict)
	changed := *it.Blob
	changed.Version += "0"
	_, err = r.read(changed, 0, -1)
	r.wants(err, "opening a file that changed", connector.Conflict)
}

// A source yields its containers, and reads them through a client that sends no
// writing request.
func (r *treeRig) testOnlyReads() {
	drive := r.plant(map[string][]byte{"dir/x": []byte("read only")})
	reading := r.open(&connector.Guard{})
	source, err := reading.Source(r.Context())
	r.no(err, "Source")
	n := 0
	for s, err := range source.Shards(r.Context()) {
		r.no(err, "Shards")
		if s.Ref.Kind != item.Drive || s.Ref.ID == "" {
			r.Errorf("Shards yields a %s", s.Ref.Kind)
		}
		n++
	}
	if n == 0 {
		r.Errorf("Shards yields nothing, though there is a drive")
	}
	pages, err := collect(source.List(r.Context(), connector.Shard{Ref: drive}, ""))
	r.no(err, "List")
	for _, b := range bundlesOf(pages) {
		if b.Item.Blob == nil {
			continue
		}
		in, err := source.Open(r.Context(), *b.Item.Blob, 0, -1)
		r.no(err, "Open")
		if got, err := io.ReadAll(in); err != nil || string(got) != "read only" {
			r.Errorf("a source reads %d bytes, %v", len(got), err)
		}
		in.Close()
	}
	r.no(reading.Close(), "Close")
}

// What Write answers, Fetch, List and the bytes agree.
func (r *treeRig) testRoundTrip() {
	drive := r.drive()
	outer := r.write(created(r.folder(drive, canary+" outer")))[0].Item.Ref
	inner := r.write(created(r.folder(outer, "inner")))[0].Item.Ref
	empty := r.folder(drive, canary+" empty")
	item.Empty.Set(&empty, true)
	r.write(created(empty))
	var changes []connector.Change
	for i, n := range []int{0, 1, 20_000, 262_144, 262_145, 1<<20 - 1, 1 << 20, 3<<20 + 17} {
		in := []item.Ref{drive, outer, inner}[i%3]
		changes = append(changes, created(r.file(in, fmt.Sprintf("%s %d.bin", canary, n), r.content(n))))
	}
	untold := r.file(inner, "of a size that nobody tells", r.content(100_000))
	untold.Blob.Bytes = -1
	changes = append(changes, created(untold))
	plain := r.file(inner, "bare", r.content(10))
	modified := plain.Fields[item.Modified.Name] // where a cloud keeps it, a file always has one
	plain.Fields = item.Fields{item.Name.Name: "bare", item.Modified.Name: modified}
	r.back(drive, append(changes, created(plain)))
}

// back writes files and reads them back in every way.
func (r *treeRig) back(drive item.Ref, changes []connector.Change) {
	r.Helper()
	stored := r.write(changes...)
	r.connect()
	listed := r.listed(drive)
	var refs []item.Ref
	for _, b := range stored {
		refs = append(refs, b.Item.Ref)
	}
	fetched := r.fetched(drive, refs...)
	for i, b := range stored {
		l, ok := listed[b.Item.Ref]
		if !ok {
			r.Errorf("a %s is not listed after it was written: %.40q", b.Item.Kind, item.Name.Get(b.Item))
			continue
		}
		f, ok := fetched[b.Item.Ref]
		if !ok {
			r.Errorf("a %s is not fetched after it was written", b.Item.Kind)
			continue
		}
		r.agrees("Write and Fetch", b.Item, f.Item)
		r.agrees("Fetch and List", f.Item, l.Item)
		if changes[i].Item.Blob != nil {
			r.holds("a file that was written", *l.Item.Blob, r.make.content(*changes[i].Item.Blob))
		}
	}
}

// Names that the capabilities take are stored as they were given.
func (r *treeRig) testNames() {
	drive := r.drive()
	dir := r.write(created(r.folder(drive, canary+" names")))[0].Item.Ref
	names := append([]string{
		"a b", " begins with a blank", "ends with a blank ", "dot.", "..two", ".hidden", "a+b", "100%", "%2F", "%", "a&b=c?d#e", "semi;colon", "back\\slash",
		"quote\"'`", "<tag>", "star*", "pi|pe", "colon:", "~", "-", "$HOME", "new\nline", "tab\tulator", "bell\a", "nul", "CON", "aux.txt",
		"Ünïcödé", "u\u0308 decomposed", "\u00fc composed", "日本語", "👩‍👩‍👧‍👦", "اسم", "\xff\xfe not UTF-8", strings.Repeat("n", 200), "[x]", "{y}", "^", "@", "!", ",", "null\u200b",
	}, append(slices.Clone(scripts()), r.world.Names...)...)
	limits := r.caps.Kinds[item.File].Fields[item.Name.Name].Names
	var changes []connector.Change
	for _, name := range names {
		if strings.ContainsAny(name, "/"+r.world.Spoilt) || !takes(limits, name) {
			continue
		}
		changes = append(changes, created(r.file(dir, name, []byte(name))))
	}
	if len(changes) < 10 {
		r.Errorf("the capabilities take %d names of %d", len(changes), len(names))
	}
	r.back(drive, changes)
}

// takes reports whether a cloud takes a name.
func takes(c *connector.NameCaps, name string) bool {
	if c == nil {
		return name != ""
	}
	stem, _, _ := strings.Cut(name, ".")
	return (name != "" || c.Empty) && !strings.ContainsAny(name, c.Forbidden) && (!c.UTF8 || utf8.ValidString(name)) && (c.MaxBytes == 0 || len(name) <= c.MaxBytes) &&
		(!c.Controls || !strings.ContainsFunc(name, func(r rune) bool { return r < ' ' || r == 0x7f })) &&
		!slices.ContainsFunc(c.Reserved, func(s string) bool { return strings.EqualFold(s, name) || strings.EqualFold(s, stem) }) &&
		(name == "" || !strings.ContainsRune(c.Ends, rune(name[len(name)-1])) && !strings.ContainsRune(c.Begins, rune(name[0])))
}

// A create never overwrites: the same bytes are taken over, others are a
// conflict, and stay.
func (r *treeRig) testOccupied() {
	drive := r.drive()
	content := r.content(20_000)
	there := r.write(created(r.file(drive, "there", content)))[0].Item
	for what, bytes := range map[string][]byte{"of another size": r.content(21_000), "of the same size": r.content(20_000), "that are none": nil} {
		res := r.results(created(r.file(drive, "there", bytes)))[0]
		r.wants(res.Err, "a create where a file with other bytes stands, "+what, connector.Conflict)
		if e := r.saw(res.Err); e != nil && (e.Hint == "" || e.InDoubt) {
			r.Errorf("a create where a file stands: hint %q, in doubt %v; want a hint and no doubt", e.Hint, e.InDoubt)
		}
	}
	same := r.file(drive, "there", content)
	same.Fields = there.Clone().Fields
	res := r.results(created(same))[0]
	if res.Err != nil || !res.Adopted {
		r.Errorf("a create where the same bytes stand: adopted %v, %v", res.Adopted, res.Err)
	} else {
		r.agrees("the file and its adoption", there, res.Stored.Item)
	}
	r.holds("a file that others wanted to replace", *r.only(drive).Blob, content)
	for _, name := range []string{"folder", "folder"} { // a folder is shared
		r.write(created(r.folder(drive, name)))
	}
}

// An update replaces what it knows, and nothing that changed since.
func (r *treeRig) testUpdates() {
	drive := r.drive()
	ref := r.write(created(r.file(drive, "changes", r.content(20_000))))[0].Item.Ref
	update := func(content []byte) connector.Change {
		prev := r.fetched(drive, ref)[ref]
		it := r.file(drive, "changes", content)
		it.ID = ref.ID
		return connector.Change{Op: connector.Update, Item: it, Prev: &prev}
	}
	for _, n := range []int{30_000, 0, 2 << 20, 5} {
		r.back(drive, []connector.Change{update(r.content(n))})
	}
	late, first := update(r.content(100)), update(r.content(200))
	r.write(first)
	res := r.results(late)[0]
	if res.Err == nil {
		r.Errorf("an update replaced what somebody changed since")
	} else {
		r.wants(res.Err, "an update of what changed since", connector.Conflict)
	}
	r.holds("a file that was changed since", *r.only(drive).Blob, r.make.content(*first.Item.Blob))
}

// Find tells what stands in a container, and which containers there are.
func (r *treeRig) testFind() {
	drive := r.plant(map[string][]byte{"a": []byte("1"), "dir/b": []byte("2"), "dir/deep/c": []byte("3")})
	have := map[item.Ref]item.Bundle{}
	for f, err := range r.target.Find(r.Context(), drive, time.Time{}) {
		r.no(err, "Find")
		have[f.Bundle.Item.Ref] = f.Bundle
	}
	for ref, b := range r.listed(drive) {
		if ref.Kind != item.File {
			continue
		}
		f, ok := have[ref]
		if !ok {
			r.Errorf("Find misses a %s", ref.Kind)
			continue
		}
		r.agrees("List and Find", b.Item, f.Item)
	}
	found := false
	for f, err := range r.target.Find(r.Context(), item.Ref{}, time.Time{}) {
		r.no(err, "Find")
		found = found || f.Bundle.Item.Ref == drive
	}
	if !found {
		r.Errorf("Find of containers misses one")
	}
}

// A delete asks first, and what is gone counts as removed.
func (r *treeRig) testDelete() {
	drive := r.plant(map[string][]byte{"keep": []byte("1"), "dir/away": []byte("2"), "hollow/": nil})
	all := r.listed(drive)
	var refs []item.Ref // files first, then folders, deepest first
	for _, k := range []item.Kind{item.File, item.Folder} {
		of := slices.DeleteFunc(slices.Collect(maps.Keys(all)), func(r item.Ref) bool { return r.Kind != k })
		slices.SortFunc(of, func(a, b item.Ref) int { return strings.Compare(b.ID, a.ID) })
		refs = append(refs, of...)
	}
	for _, ref := range refs {
		asked := false
		removed, err := r.target.Delete(r.Context(), drive, ref, func(b item.Bundle) bool {
			asked = true
			r.agrees("List and Delete", all[ref].Item, b.Item)
			return false
		})
		r.no(err, "Delete")
		// A folder without an object of its own is gone with what lay in it.
		if asked && removed {
			r.Errorf("Delete removed a %s against the word of accept", ref.Kind)
		}
		if ref.Kind == item.File && !asked {
			r.Errorf("Delete of a %s did not ask", ref.Kind)
		}
		if _, there := r.fetched(drive, ref)[ref]; !there && ref.Kind == item.File {
			r.Errorf("a %s is gone though accept said no", ref.Kind)
		}
	}
	for _, ref := range refs {
		if ref.Kind == item.File && item.Name.Get(all[ref].Item) == "keep" {
			continue
		}
		for _, what := range []string{"Delete", "Delete of what is gone"} {
			removed, err := r.target.Delete(r.Context(), drive, ref, func(item.Bundle) bool { return true })
			r.no(err, what)
			if !removed {
				r.Errorf("%s of a %s: not removed", what, ref.Kind)
			}
		}
	}
	var left []string
	for ref, b := range r.listed(drive) {
		if ref.Kind != item.Drive && ref.Kind != item.Member {
			left = append(left, item.Name.Get(b.Item))
		}
	}
	if len(left) != 1 || left[0] != "keep" {
		r.Errorf("after the deletes there are %q, want the one that was kept", left)
	}
}

// Sources that lie or break leave nothing under the name; once they are well, the
// file is there, whole.
func (r *treeRig) testLies() {
	drive := r.drive()
	for _, n := range []int{20_000, 3 << 20} {
		for what, lie := range map[string]func(it *item.Item){
			"shorter than its source says":  func(it *item.Item) { it.Blob.Bytes += 1000 },
			"longer than its source says":   func(it *item.Item) { it.Blob.Bytes -= 1000 },
			"said to be empty and is not":   func(it *item.Item) { it.Blob.Bytes = 0 },
			"breaks in the middle":          func(it *item.Item) { r.make.misbehave(it.Blob, trick{breaksAt: int64(n) * 3 / 4}) },
			"of unknown size and breaks":    func(it *item.Item) { it.Blob.Bytes = -1; r.make.misbehave(it.Blob, trick{breaksAt: int64(n) / 2}) },
			"cannot be opened":              func(it *item.Item) { r.make.misbehave(it.Blob, trick{refuses: true}) },
			"not of the sum that was given": func(it *item.Item) { it.Blob.Sums = []item.Sum{{Algorithm: "md5", Hex: strings.Repeat("0", 32)}} },
		} {
			content := r.content(n)
			it := r.file(drive, what+strconv.Itoa(n), content)
			lie(&it)
			res := r.results(created(it))[0]
			if res.Err == nil && len(it.Blob.Sums) == 0 {
				r.Errorf("a file of %d bytes that is %s passes for well", n, what)
			} else if res.Err == nil {
				continue // whoever reads the source holds it against its sum
			}
			for ref, b := range r.listed(drive) {
				if ref.Kind == item.File && item.Name.Get(b.Item) == item.Name.Get(it) {
					r.Errorf("a file of %d bytes that is %s stands under its name after %v", n, what, res.Err)
				}
			}
			it.Blob.Bytes, it.Blob.Sums = int64(n), nil
			r.make.misbehave(it.Blob, trick{})
			r.back(drive, []connector.Change{created(it)})
		}
	}
}
