package migrate

import (
	"context"
	"fmt"
	"strings"

	"github.com/rialto-migrate/rialto/connector"
	"github.com/rialto-migrate/rialto/internal/ledger"
	"github.com/rialto-migrate/rialto/item"
)

// A source that can tell what changed since an earlier listing is asked for that
// alone. The ledger keeps from where: a cursor that came with a listing which was
// worked off with nothing left over, so that whatever is not settled changed later
// and is told again. Where something else wants to look at what did not change, all
// of it is listed.

// A feed is what the latest listing of a container told of changes.
type feed struct {
	gone  map[item.Ref]bool // by the ledger's key
	last  connector.Page    // without its bundles
	same  map[item.Ref]bool // folders of the target in which the rest is as it was
	all   bool              // all of the container is
	since connector.Cursor
	tree  treeFeed
}

// listFrom is the cursor from which a sweep lists the container of a part: "" for all
// of it.
func (p *pass) listFrom(main *part) connector.Cursor {
	e := p.e
	if e.untold() || len(main.force) > 0 || main.late || main.mending || e.telling.Load() || len(e.unsettled) > 0 {
		return ""
	}
	from, ok := strings.CutPrefix(main.led.Since, e.decisionsPrint())
	if !ok {
		return ""
	}
	return connector.Cursor(from)
}

// untold reports whether the target keeps something of which the source may not tell
// that it changed.
func (e *Engine) untold() bool {
	for _, field := range e.From.Caps.Untold {
		for kind := range e.To.Caps.Kinds {
			if e.To.Caps.Keeps(kind, field) {
				return true
			}
		}
	}
	return false
}

// decisionsPrint stands before a cursor in the ledger: under other decisions, what did
// not change may be handled otherwise.
func (e *Engine) decisionsPrint() string {
	return fmt.Sprintf("%x ", e.print.Text(string(e.salt())))
}

// feed returns what the latest listing of a container told of changes.
func (p *pass) feed(source item.Ref) *feed {
	p.mu.Lock()
	defer p.mu.Unlock()
	if f := p.feeds[source]; f != nil {
		return f
	}
	return &feed{}
}

// newFeed forgets what the listing before told.
func (p *pass) newFeed(source item.Ref) *feed {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.feeds == nil {
		p.feeds = map[item.Ref]*feed{}
	}
	p.feeds[source] = &feed{gone: map[item.Ref]bool{}, same: map[item.Ref]bool{}, tree: newTreeFeed()}
	return p.feeds[source]
}

// take takes in what a page tells of changes: of what is told more than once, the last
// counts.
func (f *feed) take(e *Engine, page connector.Page) {
	for _, b := range page.Bundles {
		if len(f.gone) > 0 {
			delete(f.gone, e.key(b.Item.Ref))
		}
		f.tree.told = f.tree.told || b.Item.Kind != item.Member && !contains(b.Item.Kind)
	}
	for _, ref := range page.Gone {
		f.gone[e.key(ref)] = true
	}
	f.last = connector.Page{Whole: page.Whole, Same: page.Same, Full: page.Full, Alone: page.Alone, Since: page.Since}
}

// proven is of which kinds the listing was complete, once it was worked off and it is
// known where its folders stand at the target. Where that of an unchanged one is not
// known, nothing counts as gone by its absence.
func (f *feed) proven(main *part) []item.Kind {
	for _, ref := range f.last.Same {
		if contains(ref.Kind) {
			f.all = true
			continue
		}
		at := main.fit.where(ref)
		if at.Zero() {
			return nil
		}
		f.same[at] = true
	}
	for _, ref := range f.last.Full {
		at := main.fit.where(ref)
		if at.Zero() {
			f.tree.follow = true // what the ledger knows there cannot be told
		}
		f.tree.emptied[at] = true
	}
	f.since = f.last.Since
	return f.last.Whole
}

// keeps reports whether what the ledger knows and the listing lacked is as it was.
func (f *feed) keeps(r ledger.Row) bool {
	switch {
	case f.gone[r.Key]:
		return false
	case f.all: // a place that something left is not the source's
		return !vacated(r.Key) && !f.tree.emptied[r.Parent]
	}
	return r.Key.Kind.Level() == item.Leaf && f.same[r.Parent]
}

// has reports whether the source still has an item: it was listed, or nothing was told
// of it where changes alone are.
func (p *pass) has(part *part, r ledger.Row) bool {
	f := p.feed(BoardOf(part.led.Source))
	if f.gone[p.e.key(r.Key)] {
		return false
	}
	return part.saw(r.Key) || f.keeps(r)
}

// partly reports whether the listing told of changes alone, of some folders at least.
func (f *feed) partly() bool { return f.all || len(f.same) > 0 }

// restAsItWas reports whether all that the ledger knows of a part and the listing
// lacked is as it was, so that it need not be looked through.
func (p *pass) restAsItWas(ctx context.Context, part *part, f *feed) (bool, error) {
	if !f.partly() || len(f.gone) > 0 || part.led.Source != BoardOf(part.led.Source) {
		return false, nil
	}
	if f.all {
		return !f.tree.told, nil
	}
	folders, err := p.e.rowsOf(ctx, part.led.Num, item.Folder)
	if err != nil {
		return false, err
	}
	for _, r := range folders {
		if !part.saw(r.Key) || !r.Target.Zero() && !f.same[r.Target] {
			return false, nil
		}
	}
	return true, nil
}

// nextSince is the cursor that the ledger keeps when a part is done: that of its
// listing if nothing is left over, else the one that it has. Where something failed,
// or was taken over that the source no longer has, the next pass lists all of it (anew).
func (p *pass) nextSince(ctx context.Context, part *part) (since string, anew bool, err error) {
	fails, err := p.e.Ledger.Failures(ctx, part.led.Num, 1)
	if err != nil || len(fails) > 0 {
		return "", true, err
	}
	links, err := p.e.Ledger.Dangling(ctx, part.led.Num)
	if err != nil || len(links) > 0 {
		return "", true, err
	}
	if part.leftovers {
		return "", true, nil
	}
	f := p.feed(part.led.Source)
	if f.since == "" || part.unfinished() || part.postponed || p.e.later.count() > 0 || p.e.stopped() {
		return "", false, nil
	}
	return p.e.decisionsPrint() + string(f.since), false, nil
}
