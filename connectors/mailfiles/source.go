package mailfiles

import (
	"bufio"
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"iter"
	"os"
	"path"
	"slices"
	"strings"

	"github.com/rialto-migrate/rialto/connector"
	"github.com/rialto-migrate/rialto/connectors/mail"
	"github.com/rialto-migrate/rialto/item"
)

const (
	pageMessages = 1000
	mostNames    = 16 << 10 // files that are remembered by their ids
)

func (c *cloud) mailbox() item.Ref { return item.Ref{Kind: item.Mailbox, ID: c.id} }

func (c *cloud) Shards(context.Context) iter.Seq2[connector.Shard, error] {
	return func(yield func(connector.Shard, error) bool) {
		yield(connector.Shard{Ref: c.mailbox(), Bytes: -1, People: -1}, nil)
	}
}

// Locate: messages have no addresses that people link to.
func (c *cloud) Locate(string) (string, bool) { return "", false }

// List yields the folders and then their messages. It cannot go on midway, for nothing
// keeps files in order: it begins anew.
func (c *cloud) List(ctx context.Context, _ connector.Shard, _ connector.Cursor) iter.Seq2[connector.Page, error] {
	return func(yield func(connector.Page, error) bool) {
		t, err := c.walk()
		if err != nil {
			yield(connector.Page{}, err)
			return
		}
		c.mu.Lock()
		c.tree = t
		c.mu.Unlock()
		l := &lister{cloud: c, ctx: ctx, yield: yield, partly: t.partly}
		l.add(item.Bundle{Item: item.Item{Ref: c.mailbox()}, CheckItems: -1})
		for _, f := range t.folders {
			l.add(f.bundle(c.mailbox()))
		}
		for _, f := range t.folders {
			if l.err == nil {
				l.folder(f)
			}
		}
		if l.err != nil {
			if !errors.Is(l.err, errEnough) {
				yield(connector.Page{}, l.err)
			}
			return
		}
		last := connector.Page{Bundles: l.out}
		if !l.partly {
			last.Whole = []item.Kind{item.Folder, item.Message}
		}
		yield(last, nil)
	}
}

// errEnough ends a listing whose caller has enough.
var errEnough = errors.New("enough")

// A lister makes pages.
type lister struct {
	*cloud
	ctx    context.Context
	yield  func(connector.Page, error) bool
	out    []item.Bundle
	partly bool // something could not be read: what is not listed is not gone
	err    error
}

func (l *lister) add(b item.Bundle) {
	if l.err != nil {
		return
	}
	if l.ctx.Err() != nil {
		l.err = &connector.Error{Class: connector.Transient, Reason: "stopped while listing", Err: context.Cause(l.ctx)}
		return
	}
	l.out = append(l.out, b)
	if len(l.out) >= pageMessages {
		if !l.yield(connector.Page{Bundles: l.out}, nil) {
			l.err = errEnough
		}
		l.out = nil
	}
}

// folder lists the messages of one.
func (l *lister) folder(f *folder) {
	var err error
	switch f.form {
	case maildir:
		err = l.eachFile(f, func(name, id string, keywords []string) error {
			b, gone := l.brief(f, name, id, keywords)
			if !gone {
				l.remember(id, name)
				l.add(b)
			}
			return l.err
		})
	case mbox:
		err = l.eachEntry(f, func(e entry, id string) error {
			if b, gone := l.entry(f, e, id); !gone {
				l.add(b)
			}
			return l.err
		})
	}
	if err == nil || l.err != nil {
		return
	}
	l.partly = true // the folder went or cannot be read: nothing is said of what it held
	if connector.ClassOf(err) != connector.Gone && connector.ClassOf(err) != connector.Forbidden {
		l.err = err
	}
}

// eachFile hands out the messages of a Maildir. new comes first: what is moved to cur
// meanwhile is listed there again, and not passed over.
func (c *cloud) eachFile(f *folder, each func(name, id string, keywords []string) error) error {
	keywords := c.keywords(f)
	for _, sub := range []string{"new", "cur"} {
		at := path.Join(f.path, sub)
		dir, err := c.root.Open(at)
		if errors.Is(err, fs.ErrNotExist) && sub == "new" {
			continue
		}
		if err != nil {
			return failed("reading a folder", err)
		}
		err = eachName(dir, func(e fs.DirEntry) error {
			if !e.Type().IsRegular() || strings.HasPrefix(e.Name(), ".") {
				return nil
			}
			return each(path.Join(at, e.Name()), fileID(f, e.Name()), keywords)
		})
		dir.Close()
		if err != nil {
			return err
		}
	}
	return nil
}

func eachName(dir *os.File, each func(fs.DirEntry) error) error {
	for {
		entries, err := dir.ReadDir(pageMessages)
		for _, e := range entries {
			if err := each(e); err != nil {
				return err
			}
		}
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return failed("reading a folder", err)
		}
	}
}

// fileID is a message's id: a hash of the part of its name that never changes.
func fileID(f *folder, name string) string {
	base, _, _ := strings.Cut(name, ":2,")
	sum := sha256.Sum256([]byte(base))
	return f.id + "." + hex.EncodeToString(sum[:12])
}

// mostKeywords are as many as file names have letters for.
const mostKeywords = 26

// keywords are what the letters in the names of a folder's files stand for
// (https://doc.dovecot.org/2.3/admin_manual/mailbox_formats/maildir: dovecot-keywords).
func (c *cloud) keywords(f *folder) []string {
	out := make([]string, mostKeywords)
	file, err := c.root.Open(path.Join(f.path, "dovecot-keywords"))
	if err != nil {
		return out
	}
	defer file.Close()
	lines := bufio.NewScanner(io.LimitReader(file, 64<<10))
	for lines.Scan() {
		var n int
		var word string
		if k, _ := fmt.Sscanf(lines.Text(), "%d %s", &n, &word); k == 2 && n >= 0 && n < mostKeywords {
			out[n] = word
		}
	}
	return out
}

// fileFlags reads the flags in a file's name.
func fileFlags(name string, keywords []string) (flags []string, deleted bool) {
	_, info, _ := strings.Cut(path.Base(name), ":2,")
	for _, l := range info {
		switch {
		case l == 'P':
			flags = append(flags, "$Forwarded")
		case l == 'R':
			flags = append(flags, `\Answered`)
		case l == 'S':
			flags = append(flags, `\Seen`)
		case l == 'D':
			flags = append(flags, `\Draft`)
		case l == 'F':
			flags = append(flags, `\Flagged`)
		case l == 'T':
			deleted = true
		case l >= 'a' && l <= 'z' && keywords[l-'a'] != "":
			flags = append(flags, keywords[l-'a'])
		}
	}
	slices.Sort(flags)
	return slices.Compact(flags), deleted
}

// brief is a message of a Maildir as its name tells it.
func (c *cloud) brief(f *folder, name, id string, keywords []string) (b item.Bundle, gone bool) {
	flags, deleted := fileFlags(name, keywords)
	b, gone = c.bundle(f, id, flags, deleted)
	b.Item.Brief = true
	return b, gone
}

// bundle is a message; gone is true for one that counts as deleted. Its version is its
// flags: an id never names other bytes.
func (c *cloud) bundle(f *folder, id string, flags []string, deleted bool) (b item.Bundle, gone bool) {
	if deleted && c.carryDeleted {
		flags = append(flags, `\Deleted`)
		slices.Sort(flags)
	}
	it := item.Item{Ref: item.Ref{Kind: item.Message, ID: id}, Parent: f.ref(), Version: "flags " + strings.Join(flags, " ")}
	if len(flags) > 0 {
		item.Flags.Set(&it, flags)
	}
	it.Blob = &item.Blob{Ref: it.Ref, Parent: f.ref(), Bytes: -1}
	return item.Bundle{Item: it, CheckItems: -1}, deleted && !c.carryDeleted
}

// known is the tree as it was listed last.
func (c *cloud) known() (*tree, error) {
	c.mu.Lock()
	t := c.tree
	c.mu.Unlock()
	if t != nil {
		return t, nil
	}
	return c.walk()
}

// remember keeps the names of the files that were listed last.
func (c *cloud) remember(id, name string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.names) >= mostNames {
		clear(c.names)
	}
	c.names[id] = name
}

func (c *cloud) remembered(id string) string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.names[id]
}

// eachEntry hands out the messages of an mbox. Those that are alike are told apart by
// their number.
func (c *cloud) eachEntry(f *folder, each func(e entry, id string) error) error {
	file, err := c.root.Open(f.path)
	if err != nil {
		return failed("reading an mbox", err)
	}
	defer file.Close()
	seen := map[string]int{}
	var stop error
	err = c.scan(file, func(e entry) error {
		seen[e.id]++
		id := f.id + "." + e.id
		if n := seen[e.id]; n > 1 {
			id += fmt.Sprintf("-%d", n)
		}
		stop = each(e, id)
		return stop
	})
	if err != nil && stop == nil {
		return failed("reading an mbox", err)
	}
	return err
}

// entry is a message of an mbox.
func (c *cloud) entry(f *folder, e entry, id string) (item.Bundle, bool) {
	b, gone := c.bundle(f, id, e.flags, e.deleted)
	if !e.received.IsZero() {
		item.Received.Set(&b.Item, e.received)
	}
	b.Item.URL = markOf(e.header)
	b.Item.Blob.Bytes = e.bytes
	b.Item.Blob.URL = fmt.Sprintf("%d:%d", e.offset, e.end)
	return b, gone
}

func markOf(header []byte) string {
	if m := mail.Mark(header); m != "" {
		return m
	}
	return mail.HashMark(header)
}

func (c *cloud) Fetch(ctx context.Context, _ connector.Shard, refs []item.Ref) iter.Seq2[item.Bundle, error] {
	return func(yield func(item.Bundle, error) bool) {
		t, err := c.walk()
		if err != nil {
			yield(item.Bundle{}, err)
			return
		}
		byFolder := map[string][]string{}
		var order []string
		for _, r := range refs {
			if ctx.Err() != nil {
				yield(item.Bundle{}, &connector.Error{Class: connector.Transient, Reason: "stopped while fetching", Err: context.Cause(ctx)})
				return
			}
			switch {
			case r == c.mailbox():
				if !yield(item.Bundle{Item: item.Item{Ref: r}, CheckItems: -1}, nil) {
					return
				}
			case r.Kind == item.Folder && t.byID[r.ID] != nil:
				if !yield(t.byID[r.ID].bundle(c.mailbox()), nil) {
					return
				}
			case r.Kind == item.Message:
				in, _, _ := strings.Cut(r.ID, ".")
				if byFolder[in] == nil {
					order = append(order, in)
				}
				byFolder[in] = append(byFolder[in], r.ID)
			}
		}
		for _, in := range order {
			f := t.byID[in]
			if f == nil {
				continue
			}
			got, err := c.fetch(f, byFolder[in])
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

// fetch reads messages of one folder.
func (c *cloud) fetch(f *folder, ids []string) ([]item.Bundle, error) {
	var out []item.Bundle
	asked := map[string]bool{}
	for _, id := range ids {
		asked[id] = true
	}
	if f.form == mbox {
		err := c.eachEntry(f, func(e entry, id string) error {
			if asked[id] {
				if b, gone := c.entry(f, e, id); !gone {
					out = append(out, b)
				}
			}
			return nil
		})
		return out, err
	}
	keywords := c.keywords(f)
	done := map[string]bool{}
	one := func(id, name string, keywords []string) (bool, error) {
		b, gone := c.brief(f, name, id, keywords)
		if gone {
			return true, nil
		}
		switch err := c.whole(&b.Item, name); connector.ClassOf(err) {
		case connector.Gone:
			if err != nil {
				return false, nil
			}
		default:
			if err != nil {
				return false, err
			}
		}
		out = append(out, b)
		return true, nil
	}
	for _, id := range ids {
		name := c.remembered(id)
		if name != "" {
			there, err := one(id, name, keywords)
			if err != nil {
				return nil, err
			}
			if there {
				done[id] = true
			}
		}
	}
	if len(done) == len(asked) {
		return out, nil
	}
	err := c.eachFile(f, func(name, id string, keywords []string) error { // flags changed, and with them names
		if done[id] || !asked[id] {
			return nil
		}
		c.remember(id, name)
		there, err := one(id, name, keywords)
		done[id] = there
		return err
	})
	return out, err
}

// whole reads what only a file itself tells.
func (c *cloud) whole(it *item.Item, name string) error {
	file, err := c.root.Open(name)
	if err != nil {
		return failed("reading a message", err)
	}
	defer file.Close()
	info, err := file.Stat()
	if err != nil {
		return failed("reading a message", err)
	}
	w := bufio.NewReaderSize(newWire(file), 64<<10)
	header, err := headOf(w)
	if err != nil {
		return failed("reading a message", err)
	}
	rest, err := io.Copy(io.Discard, w)
	if err != nil {
		return failed("reading a message", err)
	}
	it.Brief = false
	it.URL = markOf(header)
	item.Received.Set(it, info.ModTime().UTC().Truncate(1e9))
	it.Blob.Bytes = int64(len(header)) + rest
	it.Blob.Version = fmt.Sprintf("%d %d", info.Size(), info.ModTime().UnixNano())
	return nil
}

// Open reads a message. One that is not as it was listed is a conflict, and moves
// after the next listing.
func (c *cloud) Open(_ context.Context, b item.Blob, offset, n int64) (io.ReadCloser, error) {
	t, err := c.known()
	if err != nil {
		return nil, err
	}
	f := t.byID[b.Parent.ID]
	if f == nil {
		return nil, connector.Errorf(connector.Gone, "message %s is no longer there", b.Ref.ID)
	}
	var r io.Reader
	var file *os.File
	if f.form == mbox {
		r, file, err = c.openEntry(f, b)
	} else {
		r, file, err = c.openFile(f, b)
	}
	if err != nil {
		return nil, err
	}
	if _, err := io.CopyN(io.Discard, r, offset); err != nil && err != io.EOF {
		file.Close()
		return nil, failed("reading a message", err)
	}
	if n >= 0 {
		r = io.LimitReader(r, n)
	}
	return struct {
		io.Reader
		io.Closer
	}{r, file}, nil
}

func changed(b item.Blob) error {
	return connector.Errorf(connector.Conflict, "the file of message %s changed since it was listed", b.Ref.ID)
}

func (c *cloud) openFile(f *folder, b item.Blob) (io.Reader, *os.File, error) {
	file, err := c.root.Open(c.remembered(b.Ref.ID))
	if err != nil { // its flags changed, and with them its name
		name := ""
		if err := c.eachFile(f, func(at, id string, _ []string) error {
			if id == b.Ref.ID {
				name = at
			}
			return nil
		}); err != nil {
			return nil, nil, err
		}
		if name == "" {
			return nil, nil, connector.Errorf(connector.Gone, "message %s is no longer there", b.Ref.ID)
		}
		if file, err = c.root.Open(name); err != nil {
			return nil, nil, failed("opening a message", err)
		}
		c.remember(b.Ref.ID, name)
	}
	info, err := file.Stat()
	if err != nil || !info.Mode().IsRegular() || b.Version != "" && b.Version != fmt.Sprintf("%d %d", info.Size(), info.ModTime().UnixNano()) {
		file.Close()
		return nil, nil, changed(b)
	}
	return newWire(file), file, nil
}

func (c *cloud) openEntry(f *folder, b item.Blob) (io.Reader, *os.File, error) {
	var offset, end int64
	if _, err := fmt.Sscanf(b.URL, "%d:%d", &offset, &end); err != nil || offset < 0 || end < offset {
		return nil, nil, changed(b)
	}
	file, err := c.root.Open(f.path)
	if err != nil {
		return nil, nil, failed("opening an mbox", err)
	}
	m, line, err := newMessage(io.NewSectionReader(file, offset, end-offset), c.mboxo)
	var header []byte
	if err == nil {
		header, err = m.head()
	}
	if err != nil {
		file.Close()
		return nil, nil, failed("reading an mbox", err)
	}
	want, _, _ := strings.Cut(strings.TrimPrefix(b.Ref.ID, f.id+"."), "-")
	if !isFrom(bytes.TrimRight(line, "\r\n")) || entryID(line, header) != want {
		file.Close()
		return nil, nil, changed(b)
	}
	return m, file, nil
}
