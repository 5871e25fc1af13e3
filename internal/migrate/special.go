package migrate

import (
	"context"
	"fmt"

	"github.com/rialto-migrate/rialto/connector"
	"github.com/rialto-migrate/rialto/internal/ledger"
	"github.com/rialto-migrate/rialto/item"
)

// Where the target has a folder of its own for sent mail, drafts and the like, what the
// source keeps there goes into it: "Sent Items" into "Sent". Of two folders of the
// source that have one use the first does; the other goes by its name.

// loadSpecial chooses the places of the folders of a page that have a special use.
func (n *naming) loadSpecial(ctx context.Context, bundles []item.Bundle) error {
	there, ok := n.e.specials()
	if !ok {
		return nil
	}
	for _, b := range bundles {
		use := item.SpecialUse.Get(b.Item)
		if b.Item.Kind != item.Folder || use == "" {
			continue
		}
		if n.special == nil {
			special, err := there.Special(ctx)
			if err != nil {
				return fmt.Errorf("the target: %w", err)
			}
			n.mu.Lock()
			n.special, n.taken, n.stands = special, map[string]item.Ref{}, map[item.Ref]item.Ref{}
			n.mu.Unlock()
		}
		if err := n.settleUse(ctx, b.Item, use); err != nil {
			return err
		}
	}
	return nil
}

// specials is the target, if it has folders of special use.
func (e *Engine) specials() (connector.Specials, bool) {
	there, ok := e.target.(connector.Specials)
	return there, ok
}

func (n *naming) settleUse(ctx context.Context, it item.Item, use string) error {
	at, ok := n.special[use]
	if !ok {
		return nil
	}
	var rows map[item.Ref]ledger.Row
	if n.shard != 0 {
		var err error
		if rows, err = n.e.lookup(ctx, n.shard, []item.Ref{it.Ref}); err != nil {
			return err
		}
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	if owner, taken := n.taken[use]; taken && owner != it.Ref {
		return nil
	}
	if row, moved := rows[it.Ref]; moved && row.Target != at.Ref {
		return nil // it moved under its own name before the target had one
	}
	n.taken[use], n.stands[it.Ref] = it.Ref, at.Parent
	if name := item.FileName.Get(at); name != item.FileName.Get(it) {
		n.names[it.Ref] = name
		n.whys[it.Ref] = "the target has a folder for that use already"
	}
	return nil
}

// standsIn tells what a folder of special use lies in at the target, where it has one.
func (n *naming) standsIn(ref item.Ref) (parent item.Ref, ok bool) {
	n.mu.RLock()
	defer n.mu.RUnlock()
	parent, ok = n.stands[ref]
	return parent, ok
}
