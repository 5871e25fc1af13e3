package dropbox

import (
	"context"
	"encoding/json"
	"iter"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/rialto-migrate/rialto/connector"
	"github.com/rialto-migrate/rialto/item"
)

// A target writes into the home or a team folder, or a folder below.
type target struct {
	*cloud
	me    *self
	base  string   // the path of the home or the team folder
	below []string // folders below that
	home  bool
	paths paths

	deletes *gather[deleteArg, changedEntry]
	moves   *gather[moveArg, changedEntry]
}

// paths remember for a short while where folders are: Dropbox makes folders by their
// path alone, and makes those above that are missing.
type paths struct {
	mu     sync.Mutex
	at     map[string]known
	looker *looker
}

type known struct {
	path string
	till time.Time
}

// pathsLast is for how long a folder's path is believed, mostPaths how many are kept.
const (
	pathsLast = time.Minute
	mostPaths = 5000
)

func (p *paths) get(id string) (string, bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	k, ok := p.at[id]
	return k.path, ok && time.Now().Before(k.till)
}

func (p *paths) put(id, path string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if len(p.at) >= mostPaths {
		clear(p.at)
	}
	p.at[id] = known{path, time.Now().Add(pathsLast)}
}

// forget drops all: something was moved.
func (p *paths) forget() {
	p.mu.Lock()
	defer p.mu.Unlock()
	clear(p.at)
	p.looker = nil
}

// Write carries changes out: files are committed together, many at a time, and so are
// folders.
func (t *target) Write(ctx context.Context, changes []connector.Change, open item.Opener) iter.Seq2[connector.Result, error] {
	return func(yield func(connector.Result, error) bool) {
		results := make([]connector.Result, len(changes))
		if len(changes) == 0 {
			return
		}
		switch changes[0].Item.Kind {
		case item.Drive:
			for i, ch := range changes {
				results[i] = t.writeDrive(ctx, ch)
			}
		case item.Folder:
			t.writeFolders(ctx, changes, results)
		case item.File:
			t.writeFiles(ctx, changes, results, open)
		default:
			for i, ch := range changes {
				results[i].Err = connector.Errorf(connector.Unsupported, "Dropbox holds no %s", ch.Item.Kind)
			}
		}
		for _, r := range results {
			if !yield(r, nil) {
				return
			}
		}
	}
}

// within is the path of something in a folder or container, as calls take it that
// know ids.
func (t *target) within(parent item.Ref, name string) string {
	if prefix, _ := cut(parent.ID); prefix == "ns" {
		return t.me.account.Root.HomePath + "/" + name
	}
	return parent.ID + "/" + name
}

// pathOf is the path of a folder, for calls that take no ids.
func (t *target) pathOf(ctx context.Context, folder item.Ref) (string, error) {
	if prefix, _ := cut(folder.ID); prefix == "ns" {
		return t.me.account.Root.HomePath, nil
	}
	if path, ok := t.paths.get(folder.ID); ok {
		return path, nil
	}
	var m metadata
	if err := t.api.rpc(ctx, t.me.view, "files/get_metadata", pathArg{Path: folder.ID}, &m, read); err != nil {
		return "", err
	}
	t.paths.put(folder.ID, m.Display)
	return m.Display, nil
}

// legal refuses what would name another place than the one below its parent.
func legal(name string) *connector.Error {
	if name == "" || name == "." || name == ".." || strings.ContainsAny(name, "/\x00") {
		return connector.Errorf(connector.Permanent, "a name is empty, consists of dots, or holds a slash or a NUL").
			WithHint("give it another name at the source")
	}
	return nil
}

// writeDrive makes the folder of a container with those above it, or takes over what
// is there.
func (t *target) writeDrive(ctx context.Context, ch connector.Change) connector.Result {
	if ch.Op == connector.Update {
		d, err := t.container(ctx, ch.Item.Ref)
		return connector.Result{Stored: item.Bundle{Item: d.item(), CheckItems: -1}, Err: err}
	}
	path := t.base
	for _, name := range t.below {
		path += "/" + name
	}
	name := item.DriveName.Get(ch.Item)
	if name != "" {
		if e := legal(name); e != nil {
			return connector.Result{Err: e}
		}
		path += "/" + name
	}
	if path == t.base && t.home {
		it := container{ref: drive("ns:" + t.me.account.Root.HomeNamespace)}.item()
		return connector.Result{Stored: item.Bundle{Item: it, CheckItems: -1}, Adopted: true}
	}
	m, adopted, err := t.folderAt(ctx, path)
	if err != nil {
		return connector.Result{Err: err}
	}
	it := container{ref: drive(m.ID), name: name}.item()
	return connector.Result{Stored: item.Bundle{Item: it, CheckItems: -1}, Adopted: adopted}
}

// folderAt makes the folder at a path, or takes over the one that is there.
func (t *target) folderAt(ctx context.Context, path string) (m metadata, adopted bool, err error) {
	err = t.api.rpc(ctx, t.me.view, "files/get_metadata", pathArg{Path: path}, &m, read)
	if err == nil && m.Tag != tagFolder {
		return m, false, connector.Errorf(connector.Conflict, "a file stands where a folder goes").WithHint(inTheWay)
	}
	if err == nil || connector.ClassOf(err) != connector.Gone {
		return m, err == nil, err
	}
	made := t.makeFolders(ctx, []string{path}, 1)
	return made[0].m, made[0].adopted, made[0].err
}

// A madeFolder is what became of one folder.
type madeFolder struct {
	m       metadata
	adopted bool
	err     error
}

// makeFolders makes folders in one request, or takes over those that are there. It
// returns what became of each path. attempt is 1 for the first.
func (t *target) makeFolders(ctx context.Context, at []string, attempt int) []madeFolder {
	out := make([]madeFolder, len(at))
	all := func(err error) []madeFolder {
		for i := range out {
			out[i].err = err
		}
		return out
	}
	var told struct {
		launch
		Entries []struct {
			Tag      string          `json:".tag"`
			Metadata metadata        `json:"metadata"`
			Failure  json.RawMessage `json:"failure"`
		} `json:"entries"`
	}
	const call = "files/create_folder_batch"
	doubted := false
	err := t.alone(ctx, func() error {
		for n := 1; ; n++ {
			err := t.api.rpc(ctx, t.me.view, call, map[string]any{"paths": at}, &told, commit)
			if err == nil && told.Tag == "async_job_id" {
				err = t.await(ctx, call+"/check", told.launch, &told, commitCheck)
			}
			if !connector.InDoubt(err) || n == tries || ctx.Err() != nil {
				return err
			}
			doubted = true // to make them again is safe: what is there is told
			if connector.Pause(ctx, n, 0) != nil {
				return err
			}
		}
	})
	if err != nil {
		return all(err)
	}
	if len(told.Entries) != len(at) {
		e := connector.Errorf(connector.Malformed, "%s: %d of %d folders are told of", call, len(told.Entries), len(at))
		e.InDoubt = true
		return all(e)
	}
	var again []int
	for i, e := range told.Entries {
		if e.Tag == "success" {
			out[i].m = e.Metadata
			continue
		}
		err := failure(call, e.Failure)
		switch {
		case err.Class == connector.Conflict:
			out[i] = t.adoptFolder(ctx, at[i], err, doubted)
		case err.Class == connector.Throttled:
			again = append(again, i)
			out[i].err = err
		default:
			out[i].err = err
		}
	}
	if len(again) == 0 || attempt > 2*tries || connector.Pause(ctx, attempt, 0) != nil {
		return out
	}
	var rest []string
	for _, i := range again {
		rest = append(rest, at[i])
	}
	for n, m := range t.makeFolders(ctx, rest, attempt+1) {
		out[again[n]] = m
	}
	return out
}

// commitCheck asks for a job of a commit.
var commitCheck = sort{class: classRead, repeatable: true}

// adoptFolder looks at what stands at a path: a folder is ours if it was in doubt
// whether we made it, and else taken over.
func (t *target) adoptFolder(ctx context.Context, path string, refused error, doubted bool) madeFolder {
	var m metadata
	err := t.api.rpc(ctx, t.me.view, "files/get_metadata", pathArg{Path: path}, &m, read)
	switch {
	case err != nil && doubted:
		return madeFolder{err: &connector.Error{Class: connector.Transient, InDoubt: true, Reason: err.Error(), Err: err}}
	case err != nil:
		return madeFolder{err: err}
	case m.Tag != tagFolder:
		return madeFolder{err: refused}
	}
	return madeFolder{m: m, adopted: !doubted}
}

// alone commits many at once, while no other commit of many is under way: Dropbox
// locks the namespace, and says that such batches go one after the other.
func (t *target) alone(ctx context.Context, do func() error) error {
	select {
	case t.turn <- struct{}{}:
		defer func() { <-t.turn }()
		return do()
	case <-ctx.Done():
		return &connector.Error{Class: connector.Transient, Reason: "stopped while waiting for another commit", Err: context.Cause(ctx)}
	}
}

// tries is how often a write whose answer was lost is sent, where to repeat it is safe.
const tries = 3

// writeFolders makes folders in one request, and moves and shares them one by one.
func (t *target) writeFolders(ctx context.Context, changes []connector.Change, results []connector.Result) {
	var wanted []string
	var at []int
	shared := make([]string, len(changes))
	for i, ch := range changes {
		name := item.FileName.Get(ch.Item)
		if e := legal(name); e != nil {
			results[i].Err = e
			continue
		}
		if ch.Op == connector.Update {
			continue
		}
		parent, err := t.pathOf(ctx, ch.Item.Parent)
		if err != nil {
			results[i].Err = err
			continue
		}
		wanted, at = append(wanted, parent+"/"+name), append(at, i)
	}
	if len(wanted) > 0 {
		for n, made := range t.makeFolders(ctx, wanted, 1) {
			i := at[n]
			results[i].Err, results[i].Adopted = made.err, made.adopted
			made.m.Tag = tagFolder
			results[i].Stored = item.Bundle{Item: made.m.item(changes[i].Item.Parent, ""), CheckItems: -1}
			if made.err == nil {
				shared[i] = made.m.shared()
				t.paths.put(made.m.ID, wanted[n])
			}
		}
	}
	each(len(changes), func(i int) {
		ch := changes[i]
		if results[i].Err == nil && ch.Op == connector.Update {
			var m metadata
			if m, results[i].Err = t.moved(ctx, ch); results[i].Err == nil {
				results[i].Stored, shared[i] = item.Bundle{Item: m.item(ch.Item.Parent, ""), CheckItems: -1}, m.shared()
			}
		}
		want := item.Permissions.Get(ch.Item)
		switch {
		case results[i].Err != nil:
		case t.shareable(ch, want):
			of, err := t.letAtFolder(ctx, results[i].Stored.Item.ID, want)
			t.granted(&results[i], of, err)
		case shared[i] != "":
			of, err := t.folderGrants(ctx, container{view: t.me.view, mine: t.mine()}, shared[i])
			t.granted(&results[i], of, err)
		}
		if results[i].Err == nil && item.Empty.Get(ch.Item) && ch.Op == connector.Create {
			item.Empty.Set(&results[i].Stored.Item, true)
		}
	})
}

// shareable reports whether a change says who is let at something.
func (t *target) shareable(ch connector.Change, want []item.Grant) bool {
	if ch.Op == connector.Create {
		return len(want) > 0
	}
	return dirty(ch, item.Permissions.Name)
}

// granted puts into a result who was let at its item. Where Dropbox does not allow
// that, the item is there all the same, and what is in it moves: that a field was stored
// differently is a failure of its own. What may pass is in doubt: to write it again is
// safe.
func (t *target) granted(r *connector.Result, of access, err error) {
	switch class := connector.ClassOf(err); {
	case err == nil:
	case class == connector.Transient || class == connector.Throttled || class == connector.Auth || class == connector.Malformed:
		r.Err = &connector.Error{Class: class, Reason: err.Error(), InDoubt: true, Err: err}
		return
	default:
		t.log.Warn("nobody could be let at an item", "item", r.Stored.Item.ID, "error", err)
	}
	if len(of.grants) > 0 {
		item.Permissions.Set(&r.Stored.Item, of.grants)
	}
}

// each does something for each of n, many at a time.
func each(n int, do func(int)) {
	next := make(chan int)
	var workers sync.WaitGroup
	for range min(n, side) {
		workers.Go(func() {
			for i := range next {
				do(i)
			}
		})
	}
	for i := range n {
		next <- i
	}
	close(next)
	workers.Wait()
}

// moved puts an item where its parent and its name now say, if it is not there, and
// returns what Dropbox tells of it.
func (t *target) moved(ctx context.Context, ch connector.Change) (metadata, error) {
	var m metadata
	if err := t.api.rpc(ctx, t.me.view, "files/get_metadata", pathArg{Path: ch.Item.ID, Explicit: true}, &m, read); err != nil {
		return m, err
	}
	let := m.Explicit
	name := item.FileName.Get(ch.Item)
	parent, err := t.pathOf(ctx, ch.Item.Parent)
	if err != nil || !ch.Moved && m.Name == name {
		return m, err
	}
	to := parent + "/" + name
	if m.Display == to {
		return m, nil
	}
	if strings.EqualFold(m.Display, to) { // "we do not currently support case-only renaming": by way of another name
		if _, err := t.move(ctx, m, parent+"/"+aside(m.ID)); err != nil {
			return m, err
		}
	}
	m, err = t.move(ctx, m, to)
	m.Explicit = let
	return m, err
}

// aside is the name that something bears while the case of its own is changed.
func aside(id string) string { return ".rialto-" + strings.TrimPrefix(id, "id:") }

// move moves what has an id to a path where nothing stands. What it holds goes with it.
func (t *target) move(ctx context.Context, m metadata, to string) (metadata, error) {
	t.paths.forget()
	for attempt := 1; ; attempt++ {
		got, err := t.moves.do(ctx, moveArg{From: m.ID, To: to})
		if err == nil {
			err = got.err
		}
		if connector.InDoubt(err) {
			var now metadata
			if e := t.api.rpc(ctx, t.me.view, "files/get_metadata", pathArg{Path: m.ID}, &now, read); e == nil && now.Display == to {
				return now, nil
			}
		}
		if err == nil || connector.ClassOf(err) != connector.Throttled || attempt == tries || connector.Pause(ctx, attempt, 0) != nil {
			return got.m, err
		}
	}
}

func (t *target) Fetch(ctx context.Context, container item.Ref, refs []item.Ref) iter.Seq2[item.Bundle, error] {
	return t.fetch(ctx, container, refs, false)
}

// Find yields what stands in a container, whoever made it: what is in doubt is found
// by its name and the folder that it lies in. Without a container it yields the place,
// if it is there, and the folders in it, each of which may be one.
func (t *target) Find(ctx context.Context, in item.Ref, _ time.Time) iter.Seq2[connector.Found, error] {
	return func(yield func(connector.Found, error) bool) {
		if in.Zero() {
			t.findDrives(ctx, yield)
			return
		}
		for page, err := range t.walk(ctx, in, "", false) {
			if err != nil {
				if connector.ClassOf(err) != connector.Gone {
					yield(connector.Found{}, err)
				}
				return
			}
			for _, b := range page.Bundles {
				if k := b.Item.Kind; k != item.Drive && k != item.Member && !yield(connector.Found{Bundle: b}, nil) {
					return
				}
			}
		}
	}
}

func (t *target) findDrives(ctx context.Context, yield func(connector.Found, error) bool) {
	give := func(ref item.Ref, name string) bool {
		return yield(connector.Found{Bundle: item.Bundle{Item: container{ref: ref, name: name}.item(), CheckItems: -1}}, nil)
	}
	path := t.base
	for _, name := range t.below {
		path += "/" + name
	}
	if path == t.base && t.home {
		if !give(drive("ns:"+t.me.account.Root.HomeNamespace), "") {
			return
		}
	} else {
		var m metadata
		err := t.api.rpc(ctx, t.me.view, "files/get_metadata", pathArg{Path: path}, &m, read)
		if err != nil || m.Tag != tagFolder {
			if err != nil && connector.ClassOf(err) != connector.Gone {
				yield(connector.Found{}, err)
			}
			return
		}
		if !give(drive(m.ID), "") {
			return
		}
	}
	for m, err := range t.entries(ctx, t.me.view, listArg{Path: path, Limit: mostListed}) {
		if err != nil {
			if connector.ClassOf(err) != connector.Gone {
				yield(connector.Found{}, err)
			}
			return
		}
		if m.Tag == tagFolder && !give(drive(m.ID), m.Name) {
			return
		}
	}
}

// Delete removes a file of the revision that accept saw, or a folder in which nothing
// lies: Dropbox deletes one with all that people put there, so that one that holds
// something stays.
func (t *target) Delete(ctx context.Context, in, ref item.Ref, accept func(item.Bundle) bool) (bool, error) {
	if prefix, _ := cut(ref.ID); prefix != "id" {
		return false, nil // the home itself
	}
	l, err := t.looker(ctx, in)
	if connector.ClassOf(err) == connector.Gone && err != nil {
		return true, nil
	}
	if err != nil {
		return false, err
	}
	for attempt := 1; ; attempt++ {
		b, m, err := l.get(ctx, ref)
		if err != nil {
			if connector.ClassOf(err) == connector.Gone {
				return true, nil
			}
			return false, err
		}
		if ref.Kind != item.File {
			p, err := t.list(ctx, t.me.view, listArg{Path: ref.ID, Limit: 1}, "")
			if err != nil && connector.ClassOf(err) != connector.Gone {
				return false, err
			}
			if err == nil && (p.More || anything(p.Entries)) {
				return false, nil
			}
		}
		if !accept(b) {
			return false, nil
		}
		if ref.Kind != item.File {
			t.paths.forget()
		}
		got, err := t.deletes.do(ctx, deleteArg{Path: ref.ID, Rev: m.Rev})
		if err == nil {
			err = got.err
		}
		switch class := connector.ClassOf(err); {
		case err == nil || class == connector.Gone:
			return true, nil
		case attempt >= tries || class != connector.Conflict && class != connector.Throttled:
			return false, err
		case class == connector.Throttled && connector.Pause(ctx, attempt, 0) != nil:
			return false, err
		}
	}
}

// looker reads what is to be deleted. It is kept for a short while: where folders are
// is asked once for all that lies in them.
func (t *target) looker(ctx context.Context, in item.Ref) (*looker, error) {
	t.paths.mu.Lock()
	l := t.paths.looker
	t.paths.mu.Unlock()
	if l != nil && l.in.ref == in && time.Now().Before(l.till) {
		return l, nil
	}
	d, err := t.container(ctx, in)
	if err != nil {
		return nil, err
	}
	l = &looker{cloud: t.cloud, in: d, parents: map[string]string{}, till: time.Now().Add(pathsLast)}
	t.paths.mu.Lock()
	defer t.paths.mu.Unlock()
	t.paths.looker = l
	return l, nil
}

// Carrier returns nothing: what is written is found by its name and its folder.
func (t *target) Carrier(item.Kind, string) string { return "" }

func (t *target) Finish(context.Context, item.Ref) error { return nil }

// Link returns nothing: an address of Dropbox holds a path, or is the key of a link
// that is made for it.
func (t *target) Link(item.Ref, item.Ref) string { return "" }

// dirty reports whether a field is to be written.
func dirty(c connector.Change, field string) bool {
	return len(c.Dirty) == 0 || slices.Contains(c.Dirty, field)
}
