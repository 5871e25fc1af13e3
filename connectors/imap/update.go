package imap

import (
	"context"
	"maps"
	"slices"
	"strings"

	"github.com/rialto-migrate/rialto/connector"
	"github.com/rialto-migrate/rialto/connectors/imap/wire"
	"github.com/rialto-migrate/rialto/item"
)

// updateMessages changes flags of messages that lie in one folder: a message itself
// never changes. All of them take a few round trips together. Where that fails each
// is tried by itself, so that it has the error that is its own; to set flags again
// is safe.
func (t *target) updateMessages(ctx context.Context, changes []connector.Change, results []connector.Result) {
	err := t.setFlags(ctx, changes, results)
	if err == nil {
		return
	}
	if len(changes) == 1 {
		results[0] = connector.Result{Err: err}
		return
	}
	for i := range changes {
		if err := t.setFlags(ctx, changes[i:i+1], results[i:i+1]); err != nil {
			results[i] = connector.Result{Err: err}
		}
	}
}

// setFlags fills the results, or returns the error of all.
func (t *target) setFlags(ctx context.Context, changes []connector.Change, results []connector.Result) error {
	id, validity, _, ok := splitID(changes[0].Item.ID)
	if !ok {
		return notThere(changes[0])
	}
	f, err := t.find(ctx, id)
	if err != nil {
		return err
	}
	uids := make([]uint32, len(changes))
	for i, ch := range changes {
		_, _, uids[i], _ = splitID(ch.Item.ID)
	}
	slices.Sort(uids)
	set := wire.Set(slices.Compact(uids))
	var there map[uint32]item.Bundle
	err = t.reading(ctx, f.name, func(conn *wire.Conn) error { // safe to repeat: flags are set to what they shall be
		there = map[uint32]item.Bundle{}
		if err := conn.Select(f.name, false); err != nil {
			return err
		}
		if conn.Selected().Validity != validity {
			return nil
		}
		look := func() error {
			clear(there)
			return conn.Fetch(true, set, listed, func(m wire.Message) error {
				if m.Bytes >= 0 {
					if b, ok := t.bundle(f, validity, m); ok {
						there[m.UID] = b
					}
				}
				return nil
			}, nil)
		}
		for _, ch := range changes {
			_, _, uid, _ := splitID(ch.Item.ID)
			if ch.Prev != nil {
				there[uid] = *ch.Prev
			}
		}
		if len(there) < len(changes) {
			if err := look(); err != nil || len(there) == 0 {
				return err
			}
		}
		var answers []func() error
		for _, s := range t.stores(changes, there) {
			answers = append(answers, conn.StoreLater(wire.Set(s.uids), s.how, s.flags))
		}
		err := look()
		for _, answer := range answers {
			if bad := answer(); err == nil {
				err = bad
			}
		}
		return err
	})
	if err != nil {
		return err
	}
	for i, ch := range changes {
		_, _, uid, _ := splitID(ch.Item.ID)
		b, here := there[uid]
		if !here {
			results[i] = connector.Result{Err: notThere(ch)}
			continue
		}
		asWritten(&b.Item, item.Flags.Get(ch.Item))
		results[i] = connector.Result{Stored: b}
	}
	return nil
}

func notThere(ch connector.Change) error {
	return connector.Errorf(connector.Gone, "message %s is no longer there", ch.Item.ID)
}

// A store is one command: the flags that several messages get, or lose.
type store struct {
	how   string
	flags []string
	uids  []uint32 // in their order
}

// stores are the commands that make the flags of messages what they shall be.
func (t *target) stores(changes []connector.Change, there map[uint32]item.Bundle) []*store {
	by := map[string]*store{}
	put := func(how string, flags []string, uid uint32) {
		if len(flags) == 0 {
			return
		}
		key := how + strings.Join(flags, " ")
		if by[key] == nil {
			by[key] = &store{how: how, flags: flags}
		}
		by[key].uids = append(by[key].uids, uid)
	}
	for _, ch := range changes {
		_, _, uid, _ := splitID(ch.Item.ID)
		b, here := there[uid]
		if !here {
			continue
		}
		want, have := t.cfg.cleanFlags(item.Flags.Get(ch.Item)), item.Flags.Get(b.Item)
		put("+FLAGS.SILENT", without(want, have), uid)
		put("-FLAGS.SILENT", without(have, want), uid)
	}
	var out []*store
	for _, key := range slices.Sorted(maps.Keys(by)) {
		slices.Sort(by[key].uids)
		out = append(out, by[key])
	}
	return out
}
