package googledrive

import (
	"context"

	"github.com/rialto-migrate/rialto/connector"
	"github.com/rialto-migrate/rialto/item"
)

// marked finds what carries the mark of a create in the folder where it goes: a ledger
// was lost, or a write in doubt came about after all. It is not looked for in a folder
// that this target made itself, in which nothing can be unless a write is in doubt.
func (t *target) marked(ctx context.Context, c connector.Change) (found file, ok bool, err error) {
	if _, fresh := t.fresh.Load(c.Item.Parent.ID); fresh && !c.Doubted || c.Mark == "" {
		return file{}, false, nil
	}
	_, err = t.person.api.all(ctx, t.drive, "appProperties has { key="+quoted(markKey)+" and value="+quoted(c.Mark)+" } and "+quoted(c.Item.Parent.ID)+" in parents and trashed = false", fileFields, func(f file) bool {
		kind, _ := (&tree{cloud: t.cloud}).kindOf(f)
		found, ok = f, kind == c.Item.Kind
		return !ok
	})
	return found, ok, err
}

// adopt takes over what has the mark if it has the same bytes, or leads to the same.
func (t *target) adopt(ctx context.Context, c connector.Change, there file, open item.Opener) (item.Bundle, error) {
	tr := &tree{cloud: t.cloud, person: t.person, drive: t.drive}
	if c.Item.Parent.Kind == item.Drive {
		tr.top = c.Item.Parent.ID
	}
	b, err := tr.whole(ctx, item.Ref{Kind: c.Item.Kind, ID: there.ID}, there)
	if err != nil {
		return b, err
	}
	same := true
	switch c.Item.Kind {
	case item.Shortcut:
		id, _ := located(item.LeadsTo.Get(c.Item))
		same = there.Shortcut.Target == id
	case item.File:
		same, err = t.sameBytes(ctx, *c.Item.Blob, *b.Item.Blob, open)
	}
	if err == nil && !same {
		err = connector.Errorf(connector.Conflict, "POST /files: a copy of it is there already, with other bytes").WithHint("it is in the way: put it into the bin, or elsewhere, then run again")
	}
	return b, err
}

// sameBytes compares by what is told, else by reading both to the first difference.
func (t *target) sameBytes(ctx context.Context, theirs, here item.Blob, open item.Opener) (bool, error) {
	if same, sure := item.SameBytes(theirs, here); sure {
		return same, nil
	}
	a, err := open(theirs, 0, -1)
	if err != nil {
		return false, err
	}
	defer a.Close()
	b, err := t.Open(ctx, here, 0, -1)
	if err != nil {
		return false, err
	}
	defer b.Close()
	return connector.SameStreams(a, b)
}
