package migrate

import (
	"context"
	"fmt"
	"strconv"
	"sync"

	"golang.org/x/text/cases"
	"golang.org/x/text/unicode/norm"

	"github.com/rialto-migrate/rialto/connector"
	"github.com/rialto-migrate/rialto/item"
)

// A naming chooses the names that the files and folders of one container get at the
// target, where that takes more than the name itself: twins, of which the target
// would see one alone because it holds names for the same that the source tells
// apart, and paths that are longer than it takes. Of twins the first that was moved
// keeps the name; the others get six digits of a hash of their ids. The ledger
// remembers who has a name, by a keyed hash in place of an alias. Safe for
// concurrent use.
type naming struct {
	e     *Engine
	shard int64 // 0 as long as nothing of the container has moved
	ahead bool  // nothing is written: what is met claims its name at once
	rules *connector.NameCaps
	twins bool // the source may have them
	deep  bool // the target limits paths

	mu     sync.RWMutex
	names  map[item.Ref]string   // names that were chosen since the last settle, where they are not what the rules say
	whys   map[item.Ref]string   // why they were
	claims map[item.Ref]string   // the aliases under which names are claimed
	fresh  map[string]item.Ref   // claims that the ledger does not hold yet
	met    refSet                // claims of a verb that writes nothing
	paths  map[item.Ref]pathSize // of folders
	beyond map[item.Ref]bool     // folders and files whose paths are too long
	// special are the target's folders of special use, and taken by whom of the source.
	special map[string]item.Item
	taken   map[string]item.Ref
	stands  map[item.Ref]item.Ref // what such a folder lies in at the target, by source
}

// A pathSize is how long the path of a folder is, from below its container on.
type pathSize struct{ bytes, chars int }

// claimed begins the alias under which an item claims its name.
const claimed = "name:"

// siblingName names, in a base, a hash of the name under which an item stands
// among its siblings.
const siblingName = "sibling"

func (e *Engine) newNaming(shard int64) *naming {
	n := &naming{e: e, shard: shard, ahead: e.ahead}
	n.settle()
	if !e.files() {
		return n
	}
	from := e.From.Caps.Kinds[item.File].Fields[item.FileName.Name].Names
	if n.rules = e.To.Caps.Kinds[item.File].Fields[item.FileName.Name].Names; n.rules == nil {
		n.rules = &connector.NameCaps{}
	}
	if from == nil {
		from = &connector.NameCaps{}
	}
	n.twins = !n.rules.Twins && (from.Twins || n.rules.Folds && !from.Folds || n.rules.Forms && !from.Forms)
	n.deep = n.rules.MaxPathBytes > 0 || n.rules.MaxPathChars > 0
	if n.ahead {
		n.met = newRefSet()
	}
	n.paths, n.beyond = map[item.Ref]pathSize{}, map[item.Ref]bool{}
	return n
}

// settle forgets what the ledger knows by now.
func (n *naming) settle() {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.names, n.whys, n.claims, n.fresh = map[item.Ref]string{}, map[item.Ref]string{}, map[item.Ref]string{}, map[string]item.Ref{}
}

// load chooses the names of what a page holds, in the order of the page.
func (n *naming) load(ctx context.Context, bundles []item.Bundle) error {
	if err := n.loadSpecial(ctx, bundles); err != nil {
		return err
	}
	if !n.twins && !n.deep {
		return nil
	}
	owners, err := n.owners(ctx, bundles)
	if err != nil {
		return err
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	for _, b := range bundles {
		if nameless(b.Item.Kind) {
			continue
		}
		name := takenName(n.rules, item.FileName.Get(b.Item))
		if n.twins {
			name = n.claim(b.Item, name, owners)
		}
		if n.deep {
			n.fitPath(b.Item, name)
		}
	}
	return nil
}

// nameless reports whether an item of a kind has no name among siblings.
func nameless(k item.Kind) bool {
	return k != item.Folder && k != item.File && k != item.Shortcut
}

// owners tells who has the names that a page's items would have, of those that the
// ledger knows.
func (n *naming) owners(ctx context.Context, bundles []item.Bundle) (map[string]item.Ref, error) {
	out := map[string]item.Ref{}
	if !n.twins || n.shard == 0 {
		return out, nil
	}
	var aliases []string
	for _, b := range bundles {
		if nameless(b.Item.Kind) {
			continue
		}
		name := takenName(n.rules, item.FileName.Get(b.Item))
		aliases = append(aliases, n.alias(b.Item.Parent, name), n.alias(b.Item.Parent, n.twin(b.Item, name)))
	}
	var keys []item.Ref
	for len(aliases) > 0 {
		some := aliases[:min(len(aliases), 1000)]
		aliases = aliases[len(some):]
		places, err := n.e.Ledger.FindAliases(ctx, some)
		if err != nil {
			return nil, fmt.Errorf("the ledger: %w", err)
		}
		for alias, p := range places {
			if p.Shard == n.shard {
				out[alias] = p.Key
				keys = append(keys, p.Key)
			}
		}
	}
	rows, err := n.e.lookup(ctx, n.shard, keys)
	if err != nil {
		return nil, err
	}
	for alias, key := range out {
		// One that was renamed since has left the name.
		settled := unpack(rows[key].Base, n.e.packedNames(key.Kind))
		if had := settled[siblingName].given; had != 0 && had != short(n.e.print.Text(alias)) {
			delete(out, alias)
		}
	}
	return out, nil
}

// claim gives an item its name, or that of a twin where another has it. The caller
// holds the lock.
func (n *naming) claim(it item.Item, name string, owners map[string]item.Ref) string {
	key, twin := n.e.key(it.Ref), n.twin(it, name)
	has := func(alias string) (owner item.Ref, ok bool) {
		if owner, ok = n.fresh[alias]; ok {
			return owner, true
		}
		owner, ok = owners[alias]
		return owner, ok
	}
	alias := n.alias(it.Parent, name)
	if owner, ok := has(n.alias(it.Parent, twin)); ok && owner == key {
		name, alias = twin, n.alias(it.Parent, twin)
	} else if owner, ok := has(alias); ok && owner != key || !ok && n.ahead && n.met.has(item.Ref{ID: alias}) {
		name, alias = twin, n.alias(it.Parent, twin)
	}
	if name == twin {
		n.names[it.Ref] = name
		n.whys[it.Ref] = "something else in its folder has that name, as the target tells names apart"
	}
	n.claims[it.Ref], n.fresh[alias] = alias, key
	if n.ahead {
		n.met.add(item.Ref{ID: alias})
	}
	return name
}

// twin is the name of an item whose own name is taken.
func (n *naming) twin(it item.Item, name string) string {
	return taggedName(n.rules, name, it.ID)
}

// alias is under which alias an item in a folder claims a name.
func (n *naming) alias(parent item.Ref, name string) string {
	if n.rules.Forms {
		name = norm.NFC.String(name)
	}
	if n.rules.Folds {
		name = cases.Fold().String(name)
	}
	return claimed + strconv.FormatUint(uint64(n.e.print.Text(n.e.key(parent).String()+"\x00"+name)), 36)
}

// fitPath holds the path of an item against the limits: a file's name is cut so that
// it fits, where that leaves enough of it. The caller holds the lock.
func (n *naming) fitPath(it item.Item, name string) {
	above := n.paths[it.Parent]
	if n.beyond[it.Parent] {
		n.beyond[it.Ref] = true
		return
	}
	room := *n.rules
	room.MaxBytes = least(n.rules.MaxBytes, within(n.rules.MaxPathBytes, above.bytes))
	room.MaxChars = least(n.rules.MaxChars, within(n.rules.MaxPathChars, above.chars))
	fits := cleanName(&room, name) == name
	switch {
	case fits:
	case it.Kind == item.Folder || room.MaxBytes > 0 && room.MaxBytes < leastName || room.MaxChars > 0 && room.MaxChars < leastName:
		n.beyond[it.Ref] = true
		return
	default:
		name = taggedName(&room, name, name)
		n.names[it.Ref] = name
		n.whys[it.Ref] = n.tooLong()
	}
	if it.Kind == item.Folder {
		n.paths[it.Ref] = pathSize{above.bytes + len(name) + 1, above.chars + units(name) + 1}
	}
}

// leastName is how much of a name has to be left by the path above it, so that it is
// cut and not left out.
const leastName = 32

// least is the smaller of two limits, of which 0 is none.
func least(a, b int) int {
	if a == 0 || b == 0 {
		return max(a, b)
	}
	return min(a, b)
}

// of is the name that an item gets.
func (n *naming) of(it item.Item, rules *connector.NameCaps, name string) string {
	n.mu.RLock()
	defer n.mu.RUnlock()
	if chosen, ok := n.names[it.Ref]; ok {
		return chosen
	}
	return takenName(rules, name)
}

// why is why an item gets another name; other where the rules for names alone say so.
func (n *naming) why(ref item.Ref, other string) string {
	n.mu.RLock()
	defer n.mu.RUnlock()
	if why, ok := n.whys[ref]; ok {
		return why
	}
	return other
}

// tooDeep reports whether an item is left out because of its path, and why.
func (n *naming) tooDeep(it item.Item) (bool, string) {
	n.mu.RLock()
	defer n.mu.RUnlock()
	if !n.beyond[it.Ref] && !n.beyond[it.Parent] {
		return false, ""
	}
	return true, n.tooLong()
}

func (n *naming) tooLong() string {
	limit := ""
	if n.rules.MaxPathBytes > 0 {
		limit = fmt.Sprintf("%d bytes", n.rules.MaxPathBytes)
	}
	if n.rules.MaxPathChars > 0 {
		limit = fmt.Sprintf("%d characters", n.rules.MaxPathChars)
	}
	return "its path is longer than the " + limit + " that the target takes"
}

// claimOf is the alias under which an item claims its name; "" where names need none.
func (n *naming) claimOf(ref item.Ref) string {
	n.mu.RLock()
	defer n.mu.RUnlock()
	return n.claims[ref]
}
