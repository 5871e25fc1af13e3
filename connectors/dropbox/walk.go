package dropbox

import (
	"cmp"
	"context"
	"strings"

	"github.com/rialto-migrate/rialto/connector"
	"github.com/rialto-migrate/rialto/item"
)

// pageSize is about how many items a page of ours holds.
const pageSize = 1000

// ahead is how many folders are asked for before their turn comes, and mostEarly how
// many answers wait for theirs: in a deep tree those of the folders above do.
const (
	ahead     = 8
	mostEarly = 3 * ahead
)

// A walk is a listing under way: one folder after the other. A folder is given out
// when its own listing has begun, because only then it is known whether it is empty.
type walk struct {
	*cloud
	in      container
	waiting []visit // folders to be read, the next one last
	cursor  string  // of Dropbox's listing of the next folder: that of the page under way
	after   string  // the id of that page that was given out last
	left    []metadata
	further bool   // Dropbox has a page after this one
	then    string // its cursor
	opened  bool   // the page under way is there
	told    map[string]bool
	found   []visit // folders that the one under way holds
	links   links
	since   connector.Cursor
	pending []string // what is not carried and has no item of its own to be told with
	whole   bool
	early   map[string]chan early // what was asked for before its turn
	stop    context.CancelFunc
	ctx     context.Context
}

// A visit is a folder that is still to be read. Where it was read from a cursor, the
// folder itself is not known: it is asked for.
type visit struct {
	id, parent string
	it         *metadata // nil where it must be asked for
}

type early struct {
	page listing
	err  error
}

func newWalk(c *cloud, d container) *walk {
	return &walk{cloud: c, in: d, whole: true, told: map[string]bool{}, early: map[string]chan early{}, stop: func() {}}
}

// begin starts at the container, or where a cursor says.
func (w *walk) begin(from connector.Cursor) error {
	if from == "" {
		w.waiting = []visit{{id: w.in.ref.ID}}
		return nil
	}
	f, ok := connector.ReadFolders(from)
	if !ok {
		return connector.Errorf(connector.Permanent, "the cursor of a listing cannot be read").WithHint("run again: the listing begins anew")
	}
	for _, at := range f.Waiting {
		id, parent, _ := strings.Cut(at, "/")
		w.waiting = append(w.waiting, visit{id: id, parent: parent})
	}
	w.after, w.cursor, _ = strings.Cut(f.After, "/")
	return nil
}

// mark is how far the walk came.
func (w *walk) mark() connector.Cursor {
	if len(w.waiting) == 0 {
		return ""
	}
	f := connector.Folders{After: w.after + "/" + w.cursor}
	if f.After == "/" {
		f.After = ""
	}
	add := func(all []visit) {
		for _, v := range all {
			f.Waiting = append(f.Waiting, strings.TrimSuffix(v.id+"/"+v.parent, "/"))
		}
	}
	// The folder under way comes last, those that were found in it before it.
	last := len(w.waiting) - 1
	add(w.waiting[:last])
	add(w.found)
	add(w.waiting[last:])
	return f.Cursor()
}

func (w *walk) more() bool { return len(w.waiting) > 0 }

// next reads on until a page of ours is full or the walk has ended.
func (w *walk) next(ctx context.Context) (connector.Page, error) {
	if w.ctx == nil {
		w.ctx, w.stop = context.WithCancel(ctx)
	}
	var out []item.Bundle
	for w.more() && len(out) < pageSize {
		if err := w.open(ctx, &out); err != nil {
			return connector.Page{}, err
		}
		if !w.opened {
			continue // the folder is gone
		}
		if err := w.give(ctx, &out); err != nil {
			return connector.Page{}, err
		}
	}
	return connector.Page{Bundles: out, Next: w.mark()}, nil
}

// open reads the page of Dropbox's that is under way, unless it is there.
func (w *walk) open(ctx context.Context, out *[]item.Bundle) error {
	if w.opened {
		return nil
	}
	at := &w.waiting[len(w.waiting)-1]
	top := at.id == w.in.ref.ID
	first := w.cursor == "" && w.after == ""
	if !top && at.it == nil && first {
		var told metadata
		err := w.api.rpc(ctx, w.in.view, "files/get_metadata", pathArg{Path: at.id}, &told, read)
		if err != nil {
			return w.skip(*at, err, out)
		}
		at.it = &told
	}
	page, err := w.page(ctx, *at)
	if has(err, "reset") { // the folder is read anew; what was given comes again
		w.cursor, w.after = "", ""
		page, err = w.page(ctx, *at)
	}
	if err != nil {
		return w.skip(*at, err, out)
	}
	w.left, w.then, w.further, w.opened = page.Entries, page.Cursor, page.More, true
	if w.after != "" {
		for i, m := range page.Entries {
			if m.ID == w.after {
				w.left = page.Entries[i+1:]
				break
			}
		}
	}
	if err := w.withoutOthers(ctx); err != nil {
		return err
	}
	if !first {
		return nil
	}
	b := item.Bundle{Item: w.in.item(), CheckItems: -1}
	if !top {
		b.Item = at.it.item(w.parent(at.parent), w.in.ref.ID)
		item.Empty.Set(&b.Item, !page.More && !anything(page.Entries))
	}
	return w.add(ctx, out, b, at.it)
}

// withoutOthers leaves out the shared folders that come with another member's home:
// where all homes of a team are read, each folder comes once, with its owner's, or with
// the home of one of the team's members where the owner is not among them.
func (w *walk) withoutOthers(ctx context.Context) error {
	if prefix, _ := cut(w.in.ref.ID); prefix != "dbmid" {
		return nil
	}
	kept := w.left[:0:0]
	for _, m := range w.left {
		mine := true
		if m.Tag == tagFolder && m.shared() != "" {
			var err error
			if mine, err = w.comesWith(ctx, m.shared()); err != nil {
				return err
			}
		}
		if !mine {
			w.pending = append(w.pending, "folder.shared-by-another-member")
			continue
		}
		kept = append(kept, m)
	}
	w.left = kept
	return nil
}

// comesWith reports whether a shared folder comes with the home that is read.
func (w *walk) comesWith(ctx context.Context, shared string) (bool, error) {
	owner, first := "", ""
	for s, err := range w.folderMembers(ctx, w.in.view, shared) {
		if err != nil {
			return false, err
		}
		for _, u := range s.Users {
			switch {
			case !u.User.SameTeam || u.Inherited:
			case u.Access.Tag == asOwner:
				owner = u.User.ID
			case first == "" || u.User.ID < first:
				first = u.User.ID
			}
		}
	}
	return cmp.Or(owner, first, w.in.mine) == w.in.mine, nil
}

// anything reports whether something lies in a folder.
func anything(entries []metadata) bool {
	for _, m := range entries {
		if m.Tag != tagDeleted {
			return true
		}
	}
	return false
}

// page reads a page of the folder under way, which may have been asked for before,
// and asks for those that come next.
func (w *walk) page(ctx context.Context, at visit) (listing, error) {
	if w.cursor == "" {
		if soon, ok := w.early[at.id]; ok {
			delete(w.early, at.id)
			got := <-soon
			if got.err == nil || ctx.Err() != nil {
				return got.page, got.err
			}
		}
	}
	return w.list(ctx, w.in.view, w.arg(at.id), w.cursor)
}

func (w *walk) arg(id string) listArg {
	if id == w.in.ref.ID {
		id = w.in.path
	}
	return listArg{Path: id, Limit: mostListed, Explicit: true}
}

// hurry asks for the folders whose turn comes next.
func (w *walk) hurry() {
	for i := len(w.waiting) - 1; i >= 0 && i >= len(w.waiting)-ahead && len(w.early) < mostEarly; i-- {
		id := w.waiting[i].id
		if w.early[id] != nil {
			continue
		}
		soon := make(chan early, 1)
		w.early[id] = soon
		go func() {
			page, err := w.list(w.ctx, w.in.view, w.arg(id), "")
			soon <- early{page, err}
		}()
	}
}

// skip leaves out a folder that is gone, or that the account may not read: the
// listing is then not whole.
func (w *walk) skip(at visit, err error, out *[]item.Bundle) error {
	class := connector.ClassOf(err)
	if at.id == w.in.ref.ID || class != connector.Gone && class != connector.Forbidden {
		return err
	}
	if class == connector.Forbidden || at.it != nil && at.it.SharingInfo != nil && at.it.SharingInfo.NoAccess {
		w.whole = false
		if at.it != nil {
			*out = append(*out, item.Bundle{Item: at.it.item(w.parent(at.parent), w.in.ref.ID), CheckItems: -1, Unknown: []string{"folder.unreadable"}})
		}
	}
	w.waiting = append(w.waiting[:len(w.waiting)-1], w.found...)
	w.cursor, w.after, w.found, w.opened = "", "", nil, false
	return nil
}

// parent is the reference of what lies below: of the container or of a folder.
func (w *walk) parent(id string) item.Ref {
	if id == w.in.ref.ID || id == "" {
		return w.in.ref
	}
	return item.Ref{Kind: item.Folder, ID: id}
}

// give gives out what the page under way still holds, as far as there is room, and
// goes on to the next page or folder where it holds no more.
func (w *walk) give(ctx context.Context, out *[]item.Bundle) error {
	at := w.waiting[len(w.waiting)-1]
	var files []metadata
	n := 0
	for _, m := range w.left {
		if len(*out)+len(files) >= pageSize {
			break
		}
		n++
		switch {
		case m.Tag == tagFolder:
			w.found = append(w.found, visit{id: m.ID, parent: at.id, it: &m})
		case m.Tag == tagFile:
			files = append(files, m)
		}
		if m.ID != "" {
			w.after = m.ID
		}
	}
	w.left = w.left[n:]
	if err := w.files(ctx, out, files, w.parent(at.id)); err != nil {
		return err
	}
	switch {
	case len(w.left) > 0:
	case w.further:
		w.cursor, w.after, w.opened = w.then, "", false
	default:
		w.waiting = append(w.waiting[:len(w.waiting)-1], w.found...)
		w.cursor, w.after, w.found, w.opened = "", "", nil, false
		w.hurry()
	}
	return nil
}

// files gives out files of one folder.
func (w *walk) files(ctx context.Context, out *[]item.Bundle, files []metadata, parent item.Ref) error {
	var explicit []string
	for _, m := range files {
		if m.Explicit {
			explicit = append(explicit, m.ID)
		}
	}
	of, err := w.fileGrants(ctx, w.in, explicit)
	if err != nil {
		return err
	}
	for _, m := range files {
		b := item.Bundle{Item: m.item(parent, w.in.ref.ID), CheckItems: -1, Unknown: unknown(m)}
		w.grant(out, &b, of[m.ID])
		*out = append(*out, b)
	}
	return nil
}

// unknown names what a file has and this connector does not carry.
func unknown(m metadata) []string {
	if m.Symlink != nil {
		return []string{"file.symlink"}
	}
	return nil
}

// add gives out a folder or the container, with who was let at it.
func (w *walk) add(ctx context.Context, out *[]item.Bundle, b item.Bundle, m *metadata) error {
	var of access
	switch {
	case m == nil && w.links.hidden:
		b.Unknown = []string{"drive.permissions.links"}
	case m != nil && m.shared() != "":
		var err error
		if of, err = w.folderGrants(ctx, w.in, m.shared()); err != nil {
			return err
		}
	}
	w.grant(out, &b, of)
	*out = append(*out, b)
	return nil
}

// grant sets who was let at an item, and gives out those who were not named before.
func (w *walk) grant(out *[]item.Bundle, b *item.Bundle, of access) {
	if len(of.grants) > 0 {
		item.Permissions.Set(&b.Item, of.grants)
	}
	w.links.link(&b.Item)
	b.Unknown = append(append(b.Unknown, of.unknown...), w.pending...)
	w.pending = nil
	for _, m := range of.members {
		if !w.told[m.ID] {
			w.told[m.ID] = true
			m.Parent = w.in.ref
			*out = append(*out, item.Bundle{Item: m, CheckItems: -1})
		}
	}
}
