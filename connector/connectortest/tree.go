package connectortest

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"net/http"
	"runtime"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/rialto-migrate/rialto/connector"
	"github.com/rialto-migrate/rialto/item"
)

// A Tree runs the connector of a cloud of files through all that the contract
// asks of it. A connector that only reads is run through what concerns a source,
// over files that Plant puts there.
type Tree struct {
	Connector connector.Connector
	// Start makes a cloud ready for one part of the suite. A server that is started
	// once may serve all parts if each is given a Place of its own.
	Start func(t testing.TB) TreeWorld
	// Files is how many files lie in the tree that is listed; 0 means 2,300. They
	// should fill three pages.
	Files int
	// InProcess says that the way to the cloud stays in this process: parts then run
	// in a bubble of testing/synctest, where waiting takes no time.
	InProcess bool

	count *atomic.Int64
}

// A TreeWorld is a cloud of files as one part of the suite finds it: empty.
type TreeWorld struct {
	Settings connector.Settings
	// Transport leads to the cloud; nil where none is needed, or where it is not
	// spoken to by HTTP.
	Transport http.RoundTripper
	Dialing   connector.Dialing
	// Place is where a target writes; a connection with these settings reads there,
	// too.
	Place string
	// Drive is the container that a connector which only reads lists, and Plant puts
	// a file there by a path below it; a path that ends with a slash is a folder.
	// Zero and nil for a target: the suite then writes what it reads.
	Drive item.Ref
	Plant func(path string, content []byte)
	// Feed is given where the source of this place tells what changed.
	Feed *Feed
	// Names are file names to try beside those of the suite.
	Names []string
	// Spoilt are characters that this server damages in names, though the cloud
	// takes them.
	Spoilt string
	// Secrets must not be found in logs or errors, beside the settings that the
	// manifest calls secret.
	Secrets []string
}

// A treePart is one thing that the suite tries.
type treePart struct {
	name   string
	target bool // needs a target
	run    func(*treeRig)
}

func treeParts() []treePart {
	return []treePart{
		{"Listing", false, (*treeRig).testListing},
		{"Ranges", false, (*treeRig).testRanges},
		{"Gone", false, (*treeRig).testGone},
		{"OnlyReads", false, (*treeRig).testOnlyReads},
		{"Feed", true, (*treeRig).testFeed},
		{"RoundTrip", true, (*treeRig).testRoundTrip},
		{"Names", true, (*treeRig).testNames},
		{"Occupied", true, (*treeRig).testOccupied},
		{"Updates", true, (*treeRig).testUpdates},
		{"Moves", true, (*treeRig).testMoves},
		{"Permissions", true, (*treeRig).testPermissions},
		{"Shortcuts", true, (*treeRig).testShortcuts},
		{"Find", true, (*treeRig).testFind},
		{"Delete", true, (*treeRig).testDelete},
		{"Lies", true, (*treeRig).testLies},
		{"Parts", true, (*treeRig).testParts},
		{"ReadingInTrouble", true, (*treeRig).testReadingInTrouble},
		{"WritingInTrouble", true, (*treeRig).testWritingInTrouble},
		{"DeletesInTrouble", true, (*treeRig).testDeletesInTrouble},
		{"Stopped", true, (*treeRig).testStopped},
	}
}

// RunTree runs the suite for clouds of files.
func RunTree(t *testing.T, s Tree) {
	s.count = &atomic.Int64{}
	t.Run("Capabilities", func(t *testing.T) {
		checkManifest(t, s.Connector.Manifest())
		Capable(t, s.Connector.Capabilities(nil))
		caps := s.Connector.Capabilities(s.Start(t).Settings)
		Capable(t, caps)
		for _, k := range []item.Kind{item.Drive, item.Folder, item.File} {
			if _, ok := caps.Kinds[k]; !ok {
				t.Errorf("a cloud of files without the kind %s", k)
			}
		}
	})
	for _, p := range treeParts() {
		t.Run(p.name, func(t *testing.T) {
			if s.InProcess {
				synctest.Test(t, func(t *testing.T) { s.part(t, p) })
				return
			}
			s.part(t, p)
		})
	}
}

func (s Tree) part(t testing.TB, p treePart) {
	r := newTreeRig(t, s)
	if p.target && r.target == nil {
		r.no(r.cloud.Close(), "Close")
		t.Skip("this connector only reads")
	}
	p.run(r)
	r.end()
}

// A treeRig is one connection to one cloud of files, for one part of the suite.
type treeRig struct {
	testing.TB
	suite Tree
	world TreeWorld
	caps  connector.Capabilities
	wire  *wire
	logs  *logbook
	make  *maker
	began int // goroutines before the part

	cloud  connector.Cloud
	source connector.Source
	target connector.Target // nil for a connector that only reads
}

func newTreeRig(t testing.TB, s Tree) *treeRig {
	t.Helper()
	r := &treeRig{TB: t, suite: s, began: runtime.NumGoroutine(), logs: &logbook{}}
	r.world = s.Start(t)
	if r.world.Transport != nil {
		r.wire = &wire{next: r.world.Transport}
	}
	r.caps = s.Connector.Capabilities(r.world.Settings)
	r.make = &maker{count: s.count, caps: r.caps}
	r.connect()
	id, err := r.cloud.Check(r.Context())
	r.no(err, "Check")
	if id.ID == "" || len(id.Rights) == 0 {
		r.Errorf("Check tells an id of %q and %d rights: a person who connects sees neither who they are nor what they may do", id.ID, len(id.Rights))
	}
	return r
}

// connect opens the connection anew, as a process does after a restart. A target
// is read back through its own connection, as the engine does; a connector that
// only reads has a client that sends no writing request.
func (r *treeRig) connect() {
	r.Helper()
	if r.cloud != nil {
		r.no(r.cloud.Close(), "Close")
	}
	var guard *connector.Guard
	if !r.world.Drive.Zero() {
		guard = &connector.Guard{}
	}
	r.cloud = r.open(guard)
	var err error
	r.source, err = r.cloud.Source(r.Context())
	r.no(err, "Source")
	r.target, err = r.cloud.Target(r.Context(), r.world.Place)
	if r.world.Drive.Zero() {
		r.no(err, "Target")
		return
	}
	if e := r.saw(err); e == nil || e.Class != connector.Unsupported || e.Hint == "" {
		r.Errorf("opening a target of a connector that only reads: %v, want class unsupported and a hint", err)
	}
	r.target = nil
}

func (r *treeRig) open(guard *connector.Guard) connector.Cloud {
	r.Helper()
	o := connector.ClientOptions{Dialing: r.world.Dialing, Guard: guard,
		Log:     slog.New(slog.NewTextHandler(r.logs, &slog.HandlerOptions{Level: slog.LevelDebug})),
		Backoff: func(_ int, asked time.Duration) time.Duration { return asked/200 + 2*time.Millisecond }}
	if r.wire != nil {
		o.Transport = r.wire
	}
	cloud, err := r.suite.Connector.Open(r.Context(), connector.Env{Settings: maps.Clone(r.world.Settings), HTTP: connector.NewClient(o), Log: o.Log,
		Now: time.Now, Renewed: func(string, string) error { return nil }})
	r.no(err, "Open")
	return cloud
}

// no ends the part at an error.
func (r *treeRig) no(err error, what string) {
	r.Helper()
	if err != nil {
		r.saw(err)
		r.Fatalf("%s: %v", what, err)
	}
}

// saw takes note of an error: what it says is searched for secrets and content
// at the end. An error of the contract has a class and a reason.
func (r *treeRig) saw(err error) *connector.Error {
	r.Helper()
	if err == nil {
		return nil
	}
	fmt.Fprintf(r.logs, "error: %v\n", err)
	e, ok := errors.AsType[*connector.Error](err)
	if !ok {
		r.Errorf("an error crosses the contract without a class: %T", err)
		return &connector.Error{Class: connector.ClassOf(err), Reason: err.Error(), Err: err}
	}
	if e.Class == "" || e.Reason == "" {
		r.Errorf("an error has the class %q and the reason %q", e.Class, e.Reason)
	}
	return e
}

// wants holds an error against the class that it should have.
func (r *treeRig) wants(err error, what string, classes ...connector.Class) {
	r.Helper()
	e := r.saw(err)
	if e == nil {
		r.Errorf("%s: no error, want class %v", what, classes)
		return
	}
	for _, c := range classes {
		if e.Class == c {
			return
		}
	}
	r.Errorf("%s: %v of class %s, want class %v", what, err, e.Class, classes)
}

// end checks what every part must keep: no secret and no content in logs and
// errors, and nothing left running.
func (r *treeRig) end() {
	r.Helper()
	r.no(r.cloud.Close(), "Close")
	said := r.logs.String()
	forbidden := map[string]string{canary: "a name or content"}
	for _, s := range r.suite.Connector.Manifest().Settings {
		if v := r.world.Settings[s.Name]; s.Secret && v != "" {
			forbidden[v] = "the secret setting " + s.Name
		}
	}
	for _, s := range r.world.Secrets {
		forbidden[s] = "a credential"
	}
	for bad, what := range forbidden {
		if i := strings.Index(said, bad); i >= 0 {
			line := said[strings.LastIndexByte(said[:i], '\n')+1:]
			line, _, _ = strings.Cut(line, "\n")
			r.Errorf("%s is in a log line or an error: %.300s", what, strings.ReplaceAll(line, bad, "<HERE>"))
		}
	}
}

// list reads a drive from a cursor on, and checks the form of what it yields.
func (r *treeRig) list(drive item.Ref, from connector.Cursor) []connector.Page {
	r.Helper()
	pages, err := collect(r.source.List(r.Context(), connector.Shard{Ref: drive}, from))
	r.no(err, "List")
	for i := range pages {
		pages[i].Bundles = r.whole(drive, pages[i].Bundles)
	}
	form := &rig{TB: r.TB, caps: r.caps}
	for _, b := range bundlesOf(pages) {
		form.wellFormed("List", b.Item)
	}
	return pages
}

// whole asks for the rest of what a listing told briefly.
func (r *treeRig) whole(drive item.Ref, bundles []item.Bundle) []item.Bundle {
	r.Helper()
	var refs []item.Ref
	for _, b := range bundles {
		if !b.Item.Brief {
			continue
		}
		if b.Item.Version == "" {
			r.Errorf("a listing is brief about a %s and tells no version", b.Item.Kind)
		}
		refs = append(refs, b.Item.Ref)
	}
	whole := map[item.Ref]item.Bundle{}
	for b, err := range r.source.Fetch(r.Context(), connector.Shard{Ref: drive}, refs) {
		r.no(err, "Fetch")
		whole[b.Item.Ref] = b
	}
	out := slices.Clone(bundles)
	for i, b := range out {
		if b.Item.Brief {
			out[i] = whole[b.Item.Ref]
		}
	}
	return out
}

// listed is what the source lists of a drive, by ref.
func (r *treeRig) listed(drive item.Ref) map[item.Ref]item.Bundle {
	r.Helper()
	out := map[item.Ref]item.Bundle{}
	for _, b := range bundlesOf(r.list(drive, "")) {
		if _, twice := out[b.Item.Ref]; twice {
			r.Errorf("a listing yields a %s twice", b.Item.Kind)
		}
		out[b.Item.Ref] = b
	}
	return out
}

// write carries out changes, each of which must succeed.
func (r *treeRig) write(changes ...connector.Change) []item.Bundle {
	r.Helper()
	var out []item.Bundle
	for i, res := range r.results(changes...) {
		r.no(res.Err, "Write of a "+string(changes[i].Item.Kind))
		r.matches("Write", changes[i].Item, res.Stored.Item)
		out = append(out, res.Stored)
	}
	return out
}

// results carries out changes in batches.
func (r *treeRig) results(changes ...connector.Change) []connector.Result {
	r.Helper()
	var out []connector.Result
	for len(changes) > 0 {
		n := min(len(changes), r.caps.Kinds[changes[0].Item.Kind].Batch)
		got := 0
		for res, err := range r.target.Write(r.Context(), changes[:n], r.make.open) {
			res.Err = cmp.Or(res.Err, err)
			r.saw(res.Err)
			out = append(out, res)
			got++
		}
		if got != n {
			r.Fatalf("Write of %d changes yields %d results", n, got)
		}
		changes = changes[n:]
	}
	return out
}

// matches holds an item that is stored against what was given.
func (r *treeRig) matches(what string, given, have item.Item) {
	r.Helper()
	compare := &rig{TB: r.TB, caps: r.caps}
	for _, d := range compare.differ(given, have) {
		r.Errorf("%s of a %s: %s", what, have.Kind, d)
	}
	compare.wellFormed(what, have)
	if have.Parent != given.Parent {
		r.Errorf("%s of a %s: it lies in %s, and was given to %s", what, have.Kind, have.Parent, given.Parent)
	}
	if r.caps.Paths && !have.Parent.Zero() {
		if want := connector.Below(have.Parent.ID, item.Name.Get(have)); have.ID != want {
			r.Errorf("%s of a %s: its id is %q where ids are paths, want %q", what, have.Kind, have.ID, want)
		}
	}
}

// agrees holds two readings of one item against each other: where it lies, the
// fields that can be written, and what is said of its bytes.
func (r *treeRig) agrees(what string, a, b item.Item) {
	r.Helper()
	if a.Ref != b.Ref || a.Parent != b.Parent {
		r.Errorf("%s: %s in %s and %s in %s", what, a.Ref, a.Parent, b.Ref, b.Parent)
	}
	info, _ := item.Info(a.Kind)
	for _, f := range info.Fields {
		if x, y := a.Fields[f.Name], b.Fields[f.Name]; (r.target == nil || r.caps.Keeps(a.Kind, f.Name)) && !same(f, connector.FieldCaps{}, x, y) {
			r.Errorf("%s: %s.%s: %s and %s", what, a.Kind, f.Name, show(x), show(y))
		}
	}
	if (a.Blob == nil) != (b.Blob == nil) {
		r.Errorf("%s: only one of two readings of a %s has a blob", what, a.Kind)
		return
	}
	if a.Blob == nil {
		return
	}
	if x, y := *a.Blob, *b.Blob; x.Version != y.Version || x.Bytes != y.Bytes || x.Ref != y.Ref || x.Parent != y.Parent {
		r.Errorf("%s: the blobs are %+v and %+v", what, x, y)
	}
	if same, sure := item.SameBytes(*a.Blob, *b.Blob); sure && !same {
		r.Errorf("%s: the sums are %+v and %+v", what, a.Blob.Sums, b.Blob.Sums)
	}
}

// fetched reads items afresh, through the target or, where there is none, the
// source.
func (r *treeRig) fetched(drive item.Ref, refs ...item.Ref) map[item.Ref]item.Bundle {
	r.Helper()
	var all []item.Bundle
	var err error
	if r.target != nil {
		all, err = collect(r.target.Fetch(r.Context(), drive, refs))
	} else {
		all, err = collect(r.source.Fetch(r.Context(), connector.Shard{Ref: drive}, refs))
	}
	r.no(err, "Fetch")
	out := map[item.Ref]item.Bundle{}
	for _, b := range all {
		out[b.Item.Ref] = b
	}
	return out
}

// read reads a stretch of a blob through the source.
func (r *treeRig) read(b item.Blob, offset, n int64) ([]byte, error) {
	in, err := r.source.Open(r.Context(), b, offset, n)
	if err != nil {
		return nil, err
	}
	defer in.Close()
	return io.ReadAll(in)
}

// holds reads a file back and compares its bytes.
func (r *treeRig) holds(what string, b item.Blob, want []byte) {
	r.Helper()
	got, err := r.read(b, 0, -1)
	if err != nil {
		r.saw(err)
		r.Errorf("%s: its bytes cannot be read: %v", what, err)
		return
	}
	if string(got) != string(want) || b.Bytes >= 0 && b.Bytes != int64(len(want)) {
		r.Errorf("%s: %d bytes are read and %d said, which are not the %d that were given", what, len(got), b.Bytes, len(want))
	}
}
