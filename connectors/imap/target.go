package imap

import (
	"context"
	"errors"
	"iter"
	"slices"
	"time"

	"github.com/rialto-migrate/rialto/connector"
	"github.com/rialto-migrate/rialto/connectors/imap/wire"
	"github.com/rialto-migrate/rialto/connectors/mail"
	"github.com/rialto-migrate/rialto/item"
)

// A target writes into the mailbox.
type target struct {
	*cloud
	large chan struct{} // holds one: a message of unknown size is in memory
	// gathering and near have room for those that hold messages to be sent, and for
	// those that send them to a near server.
	gathering, near chan struct{}
}

func (t *target) Write(ctx context.Context, changes []connector.Change, open item.Opener) iter.Seq2[connector.Result, error] {
	if len(changes) == 0 {
		return func(func(connector.Result, error) bool) {}
	}
	switch changes[0].Item.Kind {
	case item.Message:
		return t.writeMessages(ctx, changes, open)
	case item.Folder:
		return connector.Each(ctx, changes, 1, t.writeFolder) // a folder may lie in the one before
	}
	return connector.Each(ctx, changes, 1, func(context.Context, connector.Change) connector.Result {
		return connector.Result{Stored: t.mailboxBundle(), Adopted: true}
	})
}

func (t *target) Fetch(ctx context.Context, _ item.Ref, refs []item.Ref) iter.Seq2[item.Bundle, error] {
	return t.fetch(ctx, refs, func(g refGroup) ([]item.Bundle, error) {
		f, list, err := t.messages(ctx, g, false, listed)
		var out []item.Bundle
		for _, m := range list {
			if b, ok := t.bundle(f, g.validity, m.Message); ok {
				out = append(out, b)
			}
		}
		return out, err
	})
}

// bundle is a message of the target; ok is false for one that is marked as deleted.
func (t *target) bundle(f *folder, validity uint32, m wire.Message) (item.Bundle, bool) {
	b, gone := t.cfg.bundle(f.ref(), validity, m)
	return b, !gone
}

// Find yields everything in the mailbox: no server tells who put it there. A message
// that lies twice in a folder is found twice with one mark.
func (t *target) Find(ctx context.Context, container item.Ref, _ time.Time) iter.Seq2[connector.Found, error] {
	return func(yield func(connector.Found, error) bool) {
		if container.Zero() {
			yield(connector.Found{Bundle: t.mailboxBundle()}, nil)
			return
		}
		tree, err := t.look(ctx, true)
		if err != nil {
			yield(connector.Found{}, err)
			return
		}
		for _, f := range tree.folders {
			if !yield(connector.Found{Bundle: f.bundle(t.mailbox())}, nil) {
				return
			}
		}
		for _, f := range tree.folders {
			if f.opens && !f.view && !t.findIn(ctx, f, yield) {
				return
			}
		}
	}
}

func (t *target) findIn(ctx context.Context, f *folder, yield func(connector.Found, error) bool) bool {
	var at place
	for end := false; !end; {
		var list []listedMessage
		var err error
		if list, end, err = t.stretch(ctx, f, false, withMark, &at); err != nil {
			if connector.ClassOf(err) == connector.Gone {
				return true
			}
			yield(connector.Found{}, err)
			return false
		}
		for _, m := range list {
			if b, ok := t.bundle(f, at.validity, m.Message); ok && !yield(connector.Found{Bundle: b, Mark: m.mark}, nil) {
				return false
			}
		}
	}
	return true
}

// Delete removes a message, or a folder in which nothing lies.
func (t *target) Delete(ctx context.Context, _, ref item.Ref, accept func(item.Bundle) bool) (bool, error) {
	switch ref.Kind {
	case item.Message:
		return t.deleteMessage(ctx, ref, accept)
	case item.Folder:
		return t.deleteFolder(ctx, ref, accept)
	}
	return false, nil // an account is its administrator's
}

func (t *target) deleteMessage(ctx context.Context, ref item.Ref, accept func(item.Bundle) bool) (removed bool, err error) {
	id, validity, uid, ok := splitID(ref.ID)
	if !ok {
		return true, nil
	}
	f, err := t.find(ctx, id)
	if connector.ClassOf(err) == connector.Gone && err != nil {
		return true, nil
	}
	if err != nil {
		return false, err
	}
	err = t.reading(ctx, f.name, func(conn *wire.Conn) error {
		conn.Unselect()
		if err := conn.Select(f.name, false); err != nil {
			return err
		}
		if conn.Selected().Validity != validity {
			removed = true // no such message any more
			return nil
		}
		var b item.Bundle
		var modseq uint64
		here := false
		set := wire.Set([]uint32{uid})
		items := listed
		if conn.Is("CONDSTORE") || conn.Is("QRESYNC") {
			items += " MODSEQ"
		}
		err := conn.Fetch(true, set, items, func(m wire.Message) error {
			if m.UID == uid && m.Bytes >= 0 {
				b, here = t.bundle(f, validity, m)
				modseq = m.ModSeq
			}
			return nil
		}, nil)
		if err != nil {
			return err
		}
		if !here {
			removed = true
			return nil
		}
		if !accept(b) {
			return nil
		}
		if err := t.mayExpunge(conn); err != nil {
			return err
		}
		if done, err := conn.StoreUnchanged(uid, modseq, "+FLAGS.SILENT", []string{`\Deleted`}); err != nil || !done {
			return err // what changed since it was accepted stays
		}
		if err := conn.Expunge(set); err != nil {
			return err
		}
		removed = true
		return nil
	})
	return removed, err
}

// mayExpunge refuses a server on which removing one message would remove all that
// are marked as deleted.
func (t *target) mayExpunge(conn *wire.Conn) error {
	if conn.Is("UIDPLUS") || conn.Is("IMAP4REV2") {
		return nil
	}
	return connector.Errorf(connector.Unsupported, "the server lacks UIDPLUS (RFC 4315): it cannot remove one message and leave the others")
}

func (t *target) Carrier(k item.Kind, mark string) string {
	if k == item.Message && len(mark) > 4 && mark[:4] == "mid:" {
		return mark
	}
	return ""
}

func (t *target) Finish(context.Context, item.Ref) error { return nil }

// Link has none: a message has no address in a browser that IMAP knows.
func (t *target) Link(_, _ item.Ref) string { return "" }

// Members yields nobody: a mailbox is one person's.
func (t *target) Members(context.Context) iter.Seq2[item.Item, error] {
	return func(func(item.Item, error) bool) {}
}

// Special are the account's folders for sent mail and the like: those that the server
// declares (RFC 6154), else those whose names say so.
func (t *target) Special(ctx context.Context) (map[string]item.Item, error) {
	tree, err := t.look(ctx, true)
	if err != nil {
		return nil, err
	}
	out := map[string]item.Item{}
	for _, f := range tree.folders {
		if _, twice := out[f.use]; f.use != "" && f.opens && !twice {
			out[f.use] = f.bundle(t.mailbox()).Item
		}
	}
	return out, nil
}

// writeFolder makes, renames or subscribes a folder.
func (t *target) writeFolder(ctx context.Context, ch connector.Change) connector.Result {
	if ch.Op == connector.Update {
		return t.updateFolder(ctx, ch)
	}
	name, err := t.nameBelow(ctx, ch.Item)
	if err != nil {
		return connector.Result{Err: err}
	}
	adopted := false
	err = t.with(ctx, "", func(conn *wire.Conn) error {
		use := ""
		if t.cfg.createUse {
			use = useName(item.SpecialUse.Get(ch.Item))
		}
		err := refused("", conn.Create(name, use))
		if err != nil && !conn.Broken() && use != "" {
			err = refused("", conn.Create(name, "")) // another folder has that use
		}
		if err != nil && !conn.Broken() {
			there, bad := exists(conn, name)
			if bad != nil {
				return bad
			}
			if !there {
				return err
			}
			adopted, err = true, nil
		}
		if err != nil {
			return err
		}
		if item.Subscribed.Get(ch.Item) {
			return conn.Subscribe(name, true)
		}
		if !adopted {
			// Some servers subscribe what they make.
			_ = conn.Subscribe(name, false)
		}
		return nil
	})
	if err != nil {
		return connector.Result{Err: doubted(err)}
	}
	b, err := t.folderNow(ctx, name)
	return connector.Result{Stored: b, Adopted: adopted, Err: err}
}

// doubted marks what may have been carried out all the same.
func doubted(err error) error {
	if e, ok := errors.AsType[*connector.Error](err); ok && e.Class == connector.Transient && !e.InDoubt {
		d := *e
		d.InDoubt = true
		return &d
	}
	return err
}

// exists tells whether there is a folder of a name, one that holds folders alone
// included.
func exists(conn *wire.Conn, name string) (bool, error) {
	list, err := conn.List(false)
	return slices.ContainsFunc(list, func(f wire.Folder) bool {
		return (f.Name == name || name == "INBOX" && contains([]string{f.Name}, name)) && !f.Has(`\NonExistent`)
	}), err
}

func useName(use string) string {
	for _, u := range []string{"Archive", "Drafts", "Flagged", "Important", "Junk", "Sent", "Trash"} {
		if contains([]string{u}, use) {
			return u
		}
	}
	return ""
}

// nameBelow is the server's name for a folder where it is to lie.
func (t *target) nameBelow(ctx context.Context, it item.Item) (string, error) {
	tree, err := t.look(ctx, false)
	if err != nil {
		return "", err
	}
	label := mail.EncodeName(item.Name.Get(it))
	if it.Parent.Kind != item.Folder {
		if contains([]string{label}, "INBOX") {
			return "INBOX", nil
		}
		return label, nil
	}
	above, err := t.find(ctx, it.Parent.ID)
	if err != nil {
		return "", err
	}
	if tree.delimiter == "" {
		return "", connector.Errorf(connector.Unsupported, "the server has no folders in folders")
	}
	return above.name + tree.delimiter + label, nil
}

// folderNow is a folder as it is.
func (t *target) folderNow(ctx context.Context, name string) (item.Bundle, error) {
	tree, err := t.look(ctx, true)
	if err != nil {
		return item.Bundle{}, doubted(err)
	}
	f := tree.byName[name]
	if f == nil {
		return item.Bundle{}, connector.Errorf(connector.Conflict, "the folder is not there after it was made: the server gave it another name")
	}
	return f.bundle(t.mailbox()), nil
}

// updateFolder renames a folder, moves it, or changes its subscription.
func (t *target) updateFolder(ctx context.Context, ch connector.Change) connector.Result {
	f, err := t.find(ctx, ch.Item.ID)
	if err != nil {
		return connector.Result{Err: err}
	}
	name, err := t.nameBelow(ctx, ch.Item)
	if err != nil {
		return connector.Result{Err: err}
	}
	err = t.with(ctx, "", func(conn *wire.Conn) error {
		if name != f.name {
			if err := conn.Rename(f.name, name); err != nil {
				return err
			}
		}
		if want := item.Subscribed.Get(ch.Item); want != f.subscribed || name != f.name {
			return conn.Subscribe(name, want)
		}
		return nil
	})
	if err != nil {
		return connector.Result{Err: doubted(err)}
	}
	b, err := t.folderNow(ctx, name)
	return connector.Result{Stored: b, Err: err}
}

// deleteFolder removes a folder that is empty.
func (t *target) deleteFolder(ctx context.Context, ref item.Ref, accept func(item.Bundle) bool) (bool, error) {
	tree, err := t.look(ctx, true)
	if err != nil {
		return false, err
	}
	f := tree.byID[ref.ID]
	if f == nil {
		return true, nil
	}
	if f.name == "INBOX" || slices.ContainsFunc(tree.folders, func(g *folder) bool { return g.parent == f.id }) || !accept(f.bundle(t.mailbox())) {
		return false, nil
	}
	removed := false
	err = t.with(ctx, "", func(conn *wire.Conn) error {
		if f.opens {
			s, err := conn.Status(f.name, true)
			if err != nil || s.Messages != 0 {
				return err
			}
		}
		if f.subscribed {
			if err := conn.Subscribe(f.name, false); err != nil {
				return err
			}
		}
		err := conn.Delete(f.name)
		removed = err == nil
		return err
	})
	return removed, err
}
