package googledrive

import (
	"context"
	"slices"
	"strings"

	"github.com/rialto-migrate/rialto/connector"
	"github.com/rialto-migrate/rialto/item"
)

// Drive keeps a log of changes for each person and each shared drive, and its tokens
// never expire (https://developers.google.com/workspace/drive/api/guides/manage-changes).
// It tells what changed as it is now, once, and of a folder that itself alone: nothing
// says that what lies in it came or went with it. So what lies in a folder that was
// told is looked at, as far as that takes few requests; what went with one, the engine
// knows.

// sincePrefix begins a cursor of changes.
const sincePrefix = "since-"

// mostLooks is how many folders are looked into at most after one reading of changes.
const mostLooks = 50

// carried are the kinds of which a listing is complete.
func carried() []item.Kind { return []item.Kind{item.Drive, item.Folder, item.File, item.Shortcut} }

// cursor is one from which changes are told: it names the setting on which depends what
// is listed, and a token of Drive's.
func (c config) cursor(token string) connector.Cursor {
	return connector.Cursor(sincePrefix + string(c.documents) + ":" + token)
}

// token reads a cursor of changes; ok is false for one that is none. The token of one
// that was made with other settings is "".
func (c config) token(from connector.Cursor) (token string, ok bool) {
	rest, ok := strings.CutPrefix(string(from), sincePrefix)
	documents, token, _ := strings.Cut(rest, ":")
	if documents != string(c.documents) {
		token = ""
	}
	return token, ok
}

// begin asks from where changes are told that come while everything is listed, and
// later. A folder within a drive has no log of its own.
func (w *walk) begin(ctx context.Context) error {
	if !w.root || w.drive == "" && !w.self.Mine {
		return nil
	}
	token, err := w.person.api.startToken(ctx, w.drive)
	if err == nil && token != "" {
		w.since = w.cfg.cursor(token)
	}
	return err
}

// changes lists what changed since a token was given. told is false where Drive does not
// take it any more: everything is listed then.
func (w *walk) changes(ctx context.Context, token string, yield func(connector.Page, error) bool) (told bool, err error) {
	if token == "" {
		return false, nil
	}
	self := []file{w.self}
	if err := w.listsAll(ctx, self); err != nil {
		return false, err
	}
	w.enter(self[0])
	var folders []string
	for {
		p, err := w.person.api.changes(ctx, w.drive, token)
		if s := status(err); err != nil && (s == 400 || s == 404 || s == 410) {
			return false, nil
		}
		if err != nil {
			return false, err
		}
		gone, into, err := w.sort(ctx, p.Changes)
		if err != nil {
			return false, err
		}
		folders = append(folders, into...)
		if !w.pages(gone, yield) {
			return true, nil
		}
		if p.Next == "" || p.Next == token {
			w.since = w.cfg.cursor(p.Start)
			break
		}
		token = p.Next
	}
	alone, stopped, err := w.look(ctx, folders, yield)
	if err != nil || stopped {
		return false, err
	}
	if w.whole {
		yield(connector.Page{Whole: carried(), Same: []item.Ref{driveRef(w.top)}, Alone: alone, Since: w.since}, nil)
	} else {
		yield(connector.Page{Same: []item.Ref{driveRef(w.top)}, Alone: alone}, nil)
	}
	return true, nil
}

// pages yields what is ready, and what is gone with the last of it.
func (w *walk) pages(gone []item.Ref, yield func(connector.Page, error) bool) bool {
	for len(w.ready) > 2*enough {
		if !yield(connector.Page{Bundles: w.ready[:2*enough]}, nil) {
			return false
		}
		w.ready = w.ready[2*enough:]
	}
	p := connector.Page{Bundles: w.ready, Gone: gone}
	w.ready = nil
	return len(p.Bundles)+len(gone) == 0 || yield(p, nil)
}

// sort makes what is there of changes ready, after the folders that it lies in, and
// tells what is gone. folders are those that changed themselves.
func (w *walk) sort(ctx context.Context, changes []change) (gone []item.Ref, folders []string, err error) {
	last := make(map[string]int, len(changes)) // of what comes twice, the last is how it is now
	for n, c := range changes {
		last[c.FileID] = n
	}
	var there []file
	for n, c := range changes {
		switch {
		case c.Type != "file" || c.FileID == w.top || last[c.FileID] != n:
		case c.Removed || c.File == nil || c.File.Trashed || c.File.DriveID != w.drive:
			gone = append(gone, anyKind(c.FileID)...)
			w.left(c.FileID)
		default:
			there = append(there, *c.File)
		}
	}
	if err := w.listsAll(ctx, there); err != nil {
		return nil, nil, err
	}
	for _, f := range there {
		in, err := w.place(ctx, &f)
		if err != nil {
			return nil, nil, err
		}
		switch {
		case !in:
			gone = append(gone, anyKind(f.ID)...)
			w.left(f.ID)
		case f.MimeType == folderType:
			folders = append(folders, f.ID)
			if !w.inside[f.ID] {
				w.enter(f)
			}
		default:
			w.give(f)
		}
	}
	return gone, folders, nil
}

// left notes what does not lie in the container any more. Where it was given out as what
// something lies in, this reading has told two states: the next one begins where it did.
func (w *walk) left(id string) {
	w.whole = w.whole && !w.inside[id]
	w.outside[id] = true
	delete(w.inside, id)
}

// anyKind refers to something of which Drive does not tell what it was.
func anyKind(id string) []item.Ref {
	return []item.Ref{{Kind: item.Folder, ID: id}, {Kind: item.File, ID: id}, {Kind: item.Shortcut, ID: id}}
}

// place finds out which folders of the container a file lies in; in is false for none.
func (w *walk) place(ctx context.Context, f *file) (in bool, err error) {
	for _, up := range f.Parents {
		if _, err := w.climb(ctx, up); err != nil {
			return false, err
		}
	}
	f.Parents, in = w.lies(*f)
	return in, nil
}

// climb reports whether a folder lies in the container, and gives it out before what
// lies in it.
func (w *walk) climb(ctx context.Context, id string) (in bool, err error) {
	if w.inside[id] || w.outside[id] {
		return w.inside[id], nil
	}
	w.outside[id] = true // should it lie in itself
	f, err := w.person.api.get(ctx, id, fileFields)
	if gone(err) || connector.ClassOf(err) == connector.Forbidden && err != nil {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	if f.Trashed || f.MimeType != folderType || f.DriveID != w.drive {
		return false, nil
	}
	if err := w.lists(ctx, &f); err != nil {
		return false, err
	}
	if in, err = w.place(ctx, &f); in && err == nil {
		delete(w.outside, id)
		w.enter(f)
	}
	return in, err
}

// look lists what lies in folders, and in those below. Those for which that would take
// too many requests come back.
func (w *walk) look(ctx context.Context, folders []string, yield func(connector.Page, error) bool) (alone []item.Ref, stopped bool, err error) {
	looked := map[string]bool{}
	for asked := 0; len(folders) > 0; {
		id := folders[0]
		folders = folders[1:]
		if looked[id] {
			continue
		}
		looked[id] = true
		if asked++; asked > mostLooks {
			alone = append(alone, item.Ref{Kind: item.Folder, ID: id})
			continue
		}
		err := w.query(ctx, quoted(id)+" in parents and trashed = false", "", func(page []file, _ string) bool {
			for _, f := range page {
				f.Parents = slices.DeleteFunc(f.Parents, func(up string) bool { return !w.inside[up] })
				if f.MimeType != folderType {
					w.give(f)
					continue
				}
				if !w.inside[f.ID] {
					w.enter(f)
				}
				folders = append(folders, f.ID)
			}
			stopped = !w.pages(nil, yield)
			return !stopped
		})
		if err != nil || stopped {
			return nil, stopped, err
		}
	}
	return alone, false, nil
}
