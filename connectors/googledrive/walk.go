package googledrive

import (
	"context"
	"maps"
	"net/url"
	"slices"
	"strings"

	"github.com/rialto-migrate/rialto/connector"
	"github.com/rialto-migrate/rialto/item"
)

// enough is how many items are yielded at once at least; with a page of Drive's that is
// at most 1,500.
const enough = 500

// A walk is a listing under way. Drive finds all files of a drive in one flat list in
// an order of its own. A query for what lies in several folders at once would fit a
// tree better, but finds only some of it (rclone/rclone#9810), so that there are two
// forms: everything of a drive, and everything of one folder.
//
// The ids of the folders are held while their files are listed, about 100 bytes each;
// those whose own folder has not come yet are held whole.
type walk struct {
	*tree
	self    file
	inside  map[string]bool   // folders of the container
	waiting map[string][]file // folders by the one that they lie in, which has not come
	all     int               // folders of the whole drive
	open    map[string]bool   // folders in which others may have put files of their own
	rights  map[string][]permission
	known   map[string]bool // members that were given out
	ready   []item.Bundle
	missed  []string // what is not carried, until there is something to tell it with
	whole   bool
	outside map[string]bool  // folders that do not lie in the container
	since   connector.Cursor // from where changes are told, "" if that is not known
}

func newWalk(t *tree, top file) *walk {
	return &walk{tree: t, self: top, inside: map[string]bool{t.top: true}, waiting: map[string][]file{}, open: map[string]bool{}, rights: map[string][]permission{}, known: map[string]bool{}, outside: map[string]bool{}, whole: true}
}

const (
	folders = "mimeType = '" + folderType + "' and trashed = false"
	others  = "mimeType != '" + folderType + "' and trashed = false"
	mine    = "'me' in owners and "
	theirs  = "not 'me' in owners and "
)

// run lists the container from a cursor on.
func (w *walk) run(ctx context.Context, from connector.Cursor, yield func(connector.Page, error) bool) {
	at, ok := readCursor(from)
	if !ok {
		yield(connector.Page{}, connector.Errorf(connector.Permanent, "the cursor of a listing cannot be read").WithHint("run again: the listing begins anew"))
		return
	}
	w.whole = !at.partly
	silent := from != ""
	if !silent {
		if err := w.begin(ctx); err != nil {
			yield(connector.Page{}, err)
			return
		}
	}
	more := func() bool { // a page of folders: whoever stops there begins anew
		if silent {
			w.ready = nil
			return true
		}
		for chunk := range slices.Chunk(w.ready, 2*enough) {
			if !yield(connector.Page{Bundles: chunk}, nil) {
				return false
			}
		}
		w.ready = nil
		return true
	}
	stopped, err := w.folders(ctx, more)
	if err == nil && !stopped {
		if silent {
			w.ready, w.known, w.missed = nil, map[string]bool{}, nil
		}
		w.waiting = nil
		stopped, err = w.files(ctx, at, yield)
	}
	if err != nil {
		yield(connector.Page{}, err)
	}
	if err != nil || stopped {
		return
	}
	last := connector.Page{Bundles: w.ready}
	if w.whole {
		last.Whole, last.Since = carried(), w.since
	}
	yield(last, nil)
}

// folders lists the folders, each after the one that it lies in.
func (w *walk) folders(ctx context.Context, more func() bool) (stopped bool, err error) {
	self := []file{w.self}
	if err := w.listsAll(ctx, self); err != nil {
		return false, err
	}
	w.enter(self[0])
	read := func(query string) error {
		return w.query(ctx, query, "", func(page []file, _ string) bool {
			for _, f := range page {
				w.all++
				w.admit(f)
			}
			stopped = len(w.ready) >= enough && !more()
			return !stopped
		})
	}
	if w.drive != "" {
		return stopped, read(folders)
	}
	// What the flat list of My Drive may lack is what others put into folders that are
	// open to them and this person never looked at: corpora=user is what "the user has
	// accessed". Such folders are looked into one by one.
	err = read(mine + folders)
	if err == nil && !stopped {
		err = read(theirs + folders)
	}
	for done := map[string]bool{}; err == nil && !stopped; {
		next := slices.Collect(maps.Keys(w.open))
		next = slices.DeleteFunc(next, func(id string) bool { return done[id] })
		if len(next) == 0 {
			break
		}
		for _, id := range next {
			done[id] = true
			if err = read(quoted(id) + " in parents and " + theirs + folders); err != nil || stopped {
				break
			}
		}
	}
	return stopped, err
}

// admit gives a folder out if what it lies in was, and with it those that waited for it.
func (w *walk) admit(f file) {
	if w.inside[f.ID] {
		return
	}
	up, ok := w.lies(f)
	if !ok {
		for _, p := range f.Parents {
			w.waiting[p] = append(w.waiting[p], f)
		}
		return
	}
	f.Parents = up
	queue := []file{f}
	for len(queue) > 0 {
		f, queue = queue[0], queue[1:]
		if w.inside[f.ID] {
			continue
		}
		w.enter(f)
		for _, in := range w.waiting[f.ID] {
			in.Parents = []string{f.ID}
			queue = append(queue, in)
		}
		delete(w.waiting, f.ID)
	}
}

// lies is the folder of the container that a file lies in; ok is false for one that
// lies elsewhere. What lies nowhere that this person sees lies at the top of their drive if it is theirs.
func (w *walk) lies(f file) (up []string, ok bool) {
	if len(f.Parents) == 0 {
		return nil, w.root && w.drive == "" && f.Mine
	}
	within := slices.DeleteFunc(slices.Clone(f.Parents), func(id string) bool { return !w.inside[id] })
	return within, len(within) > 0
}

// enter gives a folder out.
func (w *walk) enter(f file) {
	w.inside[f.ID] = true
	if w.drive == "" && (f.Shared || !f.Mine) {
		w.open[f.ID] = true
	}
	if untold(f) {
		w.rights[f.ID] = f.Permissions
	}
	w.give(f)
}

// give adds a file to what is ready, behind those whom it names.
func (w *walk) give(f file) {
	_, what := w.kindOf(f)
	b, ok := w.bundle(f, w.above(f))
	if !ok {
		w.missed = append(w.missed, what)
		if n := len(w.ready); n > 0 {
			w.ready[n-1].Unknown = append(w.ready[n-1].Unknown, w.missed...)
			w.missed = nil
		}
		return
	}
	b.Unknown = append(b.Unknown, w.missed...)
	w.missed = nil
	if b.Item.Kind == item.Drive {
		w.ready = append(w.ready, b) // before its members
	}
	w.members(f)
	if b.Item.Kind != item.Drive {
		w.ready = append(w.ready, b)
	}
}

// above are the permissions of the folder that a file lies in, where Drive does not tell
// which are inherited.
func (w *walk) above(f file) []permission {
	if len(f.Parents) == 0 {
		return w.rights[w.top]
	}
	return w.rights[f.Parents[0]]
}

// members gives out whom a file names for the first time.
func (w *walk) members(f file) {
	add := func(it item.Item, ok bool) {
		if ok && !w.known[it.ID] {
			w.known[it.ID] = true
			w.ready = append(w.ready, item.Bundle{Item: it, CheckItems: -1})
		}
	}
	for _, p := range f.Permissions {
		if !p.Deleted && p.View == "" {
			add(p.member(driveRef(w.top)))
		}
	}
	for _, o := range f.Owners {
		add(permission{ID: o.PermissionID, Type: "user", Name: o.Name, Email: o.Email}.member(driveRef(w.top)))
	}
}

// query reads what a query finds, page by page; give is told the token of the next.
// Where a token is not taken any more, the query begins anew, as Drive asks for.
func (w *walk) query(ctx context.Context, query, token string, give func(page []file, next string) bool) error {
	for {
		p, err := w.person.api.list(ctx, w.drive, query, fileFields, token)
		if err != nil && token != "" && status(err) == 400 {
			token = ""
			continue
		}
		if err != nil {
			return err
		}
		if p.Incomplete {
			w.whole = false
		}
		if err := w.listsAll(ctx, p.Files); err != nil {
			return err
		}
		if !give(p.Files, p.Next) || p.Next == "" || p.Next == token {
			return nil
		}
		token = p.Next
	}
}

// flatTheirs stands for the flat list of what others own, in a position; "" for that of
// everything else.
const flatTheirs = " "

// queries are those that find the files of the container, in an order that stays: ""
// and flatTheirs for the flat ones, else the folder that is looked into.
func (w *walk) queries() []string {
	if !w.root && len(w.inside)*10 < w.all {
		return slices.Sorted(maps.Keys(w.inside)) // few folders of a large drive
	}
	if w.drive != "" {
		return []string{""}
	}
	return append([]string{"", flatTheirs}, slices.Sorted(maps.Keys(w.open))...)
}

// files lists what lies in the folders, from a position on.
func (w *walk) files(ctx context.Context, at position, yield func(connector.Page, error) bool) (stopped bool, err error) {
	queries := w.queries()
	flat := queries[0] == ""
	for i, folder := range queries {
		if folder < at.folder {
			continue
		}
		token := ""
		if folder == at.folder {
			token = at.token
		}
		err := w.query(ctx, w.asks(folder, flat), token, func(page []file, next string) bool {
			for _, f := range page {
				up, ok := w.lies(f)
				if !ok || folder == flatTheirs && (len(up) == 0 || w.open[up[0]]) {
					continue // not here, or found in its folder
				}
				f.Parents = up
				w.give(f)
			}
			if len(w.ready) < enough {
				return true
			}
			to := position{folder: folder, token: next, partly: !w.whole}
			if next == "" {
				if i == len(queries)-1 {
					return true // the last page has no cursor
				}
				to.folder = queries[i+1]
			}
			p := connector.Page{Bundles: w.ready, Next: to.cursor()}
			w.ready = nil
			stopped = !yield(p, nil)
			return !stopped
		})
		if err != nil || stopped {
			return stopped, err
		}
	}
	return false, nil
}

// asks is the query for the files of a folder: all, or, where the flat list has told
// this person's own, those of others.
func (w *walk) asks(folder string, flat bool) string {
	switch {
	case folder == "" && w.drive == "":
		return mine + others
	case folder == flatTheirs:
		return theirs + others
	case folder == "":
		return others
	case flat:
		return quoted(folder) + " in parents and " + theirs + others
	}
	return quoted(folder) + " in parents and " + others
}

// A position is how far a listing of files came.
type position struct {
	folder string // of those that are looked into one by one, "" for the flat list
	token  string // Drive's, of the next page
	partly bool   // Drive said that it did not find all
}

// cursor writes a position.
func (p position) cursor() connector.Cursor {
	c := url.PathEscape(p.folder) + " " + url.PathEscape(p.token)
	if p.partly {
		c += " partly"
	}
	return connector.Cursor(c)
}

// readCursor reads a cursor that position.cursor wrote.
func readCursor(c connector.Cursor) (p position, ok bool) {
	if c == "" {
		return p, true
	}
	parts := strings.Split(string(c), " ")
	if len(parts) < 2 || len(parts) > 3 {
		return p, false
	}
	var err, err2 error
	p.folder, err = url.PathUnescape(parts[0])
	p.token, err2 = url.PathUnescape(parts[1])
	p.partly = len(parts) == 3
	return p, err == nil && err2 == nil
}
