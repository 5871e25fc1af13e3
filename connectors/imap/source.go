package imap

import (
	"context"
	"io"
	"iter"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/rialto-migrate/rialto/connector"
	"github.com/rialto-migrate/rialto/connectors/imap/wire"
	"github.com/rialto-migrate/rialto/item"
)

// A source reads the mailbox. It opens folders with EXAMINE and never marks a
// message as seen.
type source struct {
	*cloud
	ahead *ahead

	mu     sync.Mutex
	seen   *tree // that Shards read, for the first listing after it
	seenAt time.Time
}

// fresh is for how long the folders that Shards read are those of a listing.
const fresh = time.Minute

func (s *source) keep(t *tree) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.seen, s.seenAt = t, time.Now()
}

// latest returns the folders as they are: as Shards read them, if that was just now
// and nothing was listed since.
func (s *source) latest(ctx context.Context) (*tree, error) {
	s.mu.Lock()
	t := s.seen
	s.seen = nil
	recent := time.Since(s.seenAt) < fresh
	s.mu.Unlock()
	if t != nil && recent {
		return t, nil
	}
	return s.look(ctx, true)
}

// mailbox is the one container of a connection.
func (c *cloud) mailbox() item.Ref { return item.Ref{Kind: item.Mailbox, ID: c.cfg.user} }

func (c *cloud) mailboxBundle() item.Bundle {
	return item.Bundle{Item: item.Item{Ref: c.mailbox()}, CheckItems: -1}
}

func (s *source) Shards(ctx context.Context) iter.Seq2[connector.Shard, error] {
	return func(yield func(connector.Shard, error) bool) {
		t, err := s.look(ctx, true)
		if err != nil {
			yield(connector.Shard{}, err)
			return
		}
		s.keep(t)
		sh := connector.Shard{Ref: s.mailbox(), Counts: map[item.Kind]int{}, Bytes: 0, People: 1, Visibility: connector.ForPeople}
		for _, f := range t.folders {
			if s.shows(f) {
				sh.Counts[item.Folder]++
			}
			if !s.lists(f) {
				continue
			}
			if f.messages < 0 || sh.Counts == nil {
				sh.Counts = nil
				sh.Bytes = -1
				break
			}
			sh.Counts[item.Message] += f.messages
			if f.bytes < 0 || sh.Bytes < 0 {
				sh.Bytes = -1
			} else {
				sh.Bytes += f.bytes
			}
		}
		yield(sh, nil)
	}
}

// List yields the folders first and then their messages, folder by folder; from a
// cursor of changes, those messages that changed.
func (s *source) List(ctx context.Context, _ connector.Shard, cursor connector.Cursor) iter.Seq2[connector.Page, error] {
	return func(yield func(connector.Page, error) bool) {
		t, err := s.latest(ctx)
		if err != nil {
			yield(connector.Page{}, err)
			return
		}
		l := &listing{s: s, tree: t, yield: yield, from: s.states(cursor)}
		first, at, partly := t.resume(cursor)
		l.partly = partly
		if first < 0 {
			first, at = 0, place{}
			if !s.frame(t, yield) {
				return
			}
		}
		l.resumed = first > 0 || at.last > 0
		for i := first; i < len(t.folders); i++ {
			if i != first {
				at = place{}
			}
			if f := t.folders[i]; s.lists(f) && !l.folder(ctx, f, at) {
				return
			}
		}
		yield(l.last(), nil)
	}
}

// A listing is one on its way.
type listing struct {
	s       *source
	tree    *tree
	yield   func(connector.Page, error) bool
	from    map[string]wire.State // of folders by id, from where changes are told; nil for none
	same    []item.Ref
	resumed bool // it began in the middle
	partly  bool // a folder could not be read
}

// folder lists one folder; it is false when the listing is over.
func (l *listing) folder(ctx context.Context, f *folder, at place) bool {
	told, page, err := l.s.changes(ctx, f, l.from[f.id])
	if err == nil && told {
		l.same = append(l.same, f.ref())
		return len(page.Bundles)+len(page.Gone) == 0 || l.yield(page, nil)
	}
	for end := false; err == nil && !end; {
		page, end, err = l.s.page(ctx, f, &at, l.partly)
		if err == nil && len(page.Bundles) > 0 && !l.yield(page, nil) {
			return false
		}
	}
	if class := connector.ClassOf(err); err != nil && (class == connector.Forbidden || class == connector.Gone) {
		l.partly = true // what lies in it is not known to be gone
		return true
	}
	if err != nil {
		l.yield(connector.Page{}, err)
	}
	return err == nil
}

// last is the page that ends the listing.
func (l *listing) last() connector.Page {
	if l.partly {
		return connector.Page{Same: l.same}
	}
	page := connector.Page{Whole: []item.Kind{item.Folder, item.Message}, Same: l.same}
	if !l.resumed {
		page.Since = l.s.since(l.tree)
	}
	return page
}

// frame yields the mailbox and its folders.
func (s *source) frame(t *tree, yield func(connector.Page, error) bool) bool {
	bundles := []item.Bundle{s.mailboxBundle()}
	for _, f := range t.folders {
		if s.shows(f) {
			bundles = append(bundles, f.bundle(s.mailbox()))
		}
	}
	for len(bundles) > pageMessages {
		if !yield(connector.Page{Bundles: bundles[:pageMessages]}, nil) {
			return false
		}
		bundles = bundles[pageMessages:]
	}
	page := connector.Page{Bundles: bundles}
	if len(t.folders) > 0 {
		page.Next = place{}.cursor(t.folders[0], false)
	}
	return yield(page, nil)
}

// page lists the next messages of a folder: briefly, because the rest of most of them
// is known from an earlier pass.
func (s *source) page(ctx context.Context, f *folder, at *place, partly bool) (connector.Page, bool, error) {
	list, end, err := s.stretch(ctx, f, true, brief, at)
	if err != nil {
		return connector.Page{}, false, err
	}
	page := connector.Page{Next: at.cursor(f, partly)}
	for _, m := range list {
		if b, ok := s.brief(f, at.validity, m); ok {
			page.Bundles = append(page.Bundles, b)
		}
	}
	return page, end, nil
}

// brief is a message as a listing tells it; ok is false for one that does not move. An
// id never names other bytes, nor another date: flags alone change.
func (s *source) brief(f *folder, validity uint32, m listedMessage) (item.Bundle, bool) {
	b, ok := s.bundle(f, validity, m)
	b.Item.Brief, b.Item.Version = true, "flags "+strings.Join(item.Flags.Get(b.Item), " ")
	return b, ok
}

// bundle is a message of the source; ok is false for one that does not move.
func (s *source) bundle(f *folder, validity uint32, m listedMessage) (item.Bundle, bool) {
	keywords, here := s.labels(f, m.Labels)
	if !here {
		return item.Bundle{}, false
	}
	m.Flags = append(m.Flags, keywords...)
	b, gone := s.cfg.bundle(f.ref(), validity, m.Message)
	b.Item.URL = m.mark
	if s.cfg.service == serviceMicrosoft {
		// Exchange may tell an estimate (Set-ImapSettings, EnableExactRFC822Size).
		b.Item.Blob.Bytes = -1
	}
	return b, !gone
}

func (s *source) Fetch(ctx context.Context, _ connector.Shard, refs []item.Ref) iter.Seq2[item.Bundle, error] {
	return s.fetch(ctx, refs, func(g refGroup) ([]item.Bundle, error) {
		f, list, err := s.messages(ctx, g, true, withMark)
		if err != nil {
			return nil, err
		}
		var out []item.Bundle
		run := newRun(f, g.validity)
		for _, m := range list {
			if b, ok := s.bundle(f, g.validity, m); ok {
				out = append(out, b)
				run.add(m.UID, b.Item.Blob.Bytes)
			}
		}
		s.ahead.listed(run)
		return out, nil
	})
}

// fetch yields items of the account as they are now; messages fetches those of one
// folder.
func (c *cloud) fetch(ctx context.Context, refs []item.Ref, messages func(refGroup) ([]item.Bundle, error)) iter.Seq2[item.Bundle, error] {
	return func(yield func(item.Bundle, error) bool) {
		for _, g := range group(refs) {
			var got []item.Bundle
			var err error
			if g.folder == "" {
				got, err = c.frames(ctx, g.refs)
			} else {
				got, err = messages(g)
			}
			if err != nil && connector.ClassOf(err) == connector.Gone {
				continue
			}
			if err != nil {
				yield(item.Bundle{}, err)
				return
			}
			for _, b := range got {
				if !yield(b, nil) {
					return
				}
			}
		}
	}
}

// frames are the mailbox and folders among refs, as they are now.
func (c *cloud) frames(ctx context.Context, refs []item.Ref) ([]item.Bundle, error) {
	t, err := c.look(ctx, true)
	if err != nil {
		return nil, err
	}
	var out []item.Bundle
	for _, r := range refs {
		if r == c.mailbox() {
			out = append(out, c.mailboxBundle())
		}
		if f := t.byID[r.ID]; f != nil && r.Kind == item.Folder {
			out = append(out, f.bundle(c.mailbox()))
		}
	}
	return out, nil
}

// messages are those of a group that are there.
func (c *cloud) messages(ctx context.Context, g refGroup, examine bool, items string) (*folder, []listedMessage, error) {
	f, err := c.find(ctx, g.folder)
	if err != nil {
		return nil, nil, err
	}
	list, err := c.named(ctx, f, examine, items, g.validity, g.uids)
	return f, list, err
}

// A refGroup is refs that one command fetches: messages of a folder, or what is no
// message.
type refGroup struct {
	folder   string
	validity uint32
	uids     []uint32
	refs     []item.Ref
}

func group(refs []item.Ref) []refGroup {
	var out []refGroup
	for _, r := range refs {
		folder, validity, uid, ok := splitID(r.ID)
		if r.Kind != item.Message {
			folder, validity, uid = "", 0, 0
		} else if !ok {
			continue // it never was one of ours
		}
		i := slices.IndexFunc(out, func(g refGroup) bool { return g.folder == folder && g.validity == validity })
		if i < 0 {
			i = len(out)
			out = append(out, refGroup{folder: folder, validity: validity})
		}
		out[i].refs = append(out[i].refs, r)
		if uid > 0 {
			out[i].uids = append(out[i].uids, uid)
		}
	}
	return out
}

// Open streams a message. What is small and was listed is read ahead, many messages
// with one command; the rest is read by itself.
func (s *source) Open(ctx context.Context, b item.Blob, offset, n int64) (io.ReadCloser, error) {
	id, validity, uid, ok := splitID(b.Ref.ID)
	if !ok {
		return nil, connector.Errorf(connector.Gone, "message %s is not of this mailbox", b.Ref.ID)
	}
	f, err := s.find(ctx, id)
	if err != nil {
		return nil, err
	}
	if offset == 0 && (n < 0 || n == b.Bytes) {
		if r, ok, err := s.ahead.open(ctx, f, validity, uid); ok {
			return r, err
		}
	}
	return s.stream(ctx, f, validity, uid, offset, n)
}

// Locate knows no addresses: a message has none that a person opens.
func (s *source) Locate(string) (string, bool) { return "", false }
