package trello

import (
	"cmp"
	"iter"
	"net/url"
	"strings"

	"github.com/rialto-migrate/rialto/connector"
	"github.com/rialto-migrate/rialto/item"
)

// pageTasks is how many cards come on one page.
const pageTasks = 100

// cursorForm names the form of a cursor, so that a later one can be told apart.
const cursorForm = "1"

// A sortKey is where a card stands in a listing: its list's rank and id, then
// its own. A cursor is the key of the last card that was listed, so that a
// listing resumes at the right place even if that card is gone.
type sortKey struct{ listRank, list, rank, card string }

func (k sortKey) compare(o sortKey) int {
	return cmp.Or(cmp.Compare(k.listRank, o.listRank), cmp.Compare(k.list, o.list), cmp.Compare(k.rank, o.rank), cmp.Compare(k.card, o.card))
}

func (s *snapshot) key(c *card) sortKey {
	k := sortKey{listRank: "~", rank: rank(c.Pos), card: string(c.ID)} // "~": a card without a list comes last
	if l := s.lists[c.List]; l != nil {
		k.listRank, k.list = rank(l.Pos), string(l.ID)
	}
	return k
}

// cursor of a key; the zero key stands for "after what frames the cards".
func (k sortKey) cursor() connector.Cursor {
	return connector.Cursor(strings.Join([]string{cursorForm, url.QueryEscape(k.listRank), url.QueryEscape(k.list),
		url.QueryEscape(k.rank), url.QueryEscape(k.card)}, "|"))
}

// readCursor is the inverse. started is false for the beginning.
func readCursor(c connector.Cursor) (k sortKey, started bool, err error) {
	if c == "" {
		return sortKey{}, false, nil
	}
	p := strings.Split(string(c), "|")
	ok := len(p) == 5 && p[0] == cursorForm
	for i := range p {
		p[i], err = url.QueryUnescape(p[i])
		ok = ok && err == nil
	}
	if !ok {
		return sortKey{}, false, connector.Errorf(connector.Permanent, "the cursor of this listing cannot be read").
			WithHint("start the listing of this board from its beginning")
	}
	return sortKey{p[1], p[2], p[3], p[4]}, true, nil
}

// pages lists the snapshot from a cursor on: what frames the cards, then the
// cards. Only a listing from the beginning is whole: between two snapshots a
// card may have moved from behind the cursor to before it.
func (s *snapshot) pages(from connector.Cursor) iter.Seq2[connector.Page, error] {
	return func(yield func(connector.Page, error) bool) {
		last, started, err := readCursor(from)
		if err != nil {
			yield(connector.Page{}, err)
			return
		}
		rest := s.cards
		for started && len(rest) > 0 && s.key(rest[0]).compare(last) <= 0 {
			rest = rest[1:]
		}
		page := connector.Page{Next: last.cursor()}
		if !started {
			page.Bundles = s.frame()
		}
		for {
			n := min(pageTasks, len(rest))
			for _, c := range rest[:n] {
				page.Bundles = append(page.Bundles, s.task(c))
				page.Next = s.key(c).cursor()
			}
			rest = rest[n:]
			if len(rest) == 0 && !started {
				page.Whole = s.whole()
			}
			if !yield(page, nil) || len(rest) == 0 {
				return
			}
			page = connector.Page{}
		}
	}
}

// whole names the kinds of which a listing from the beginning is complete. An
// export holds only the newest 1,000 actions, so that comments are complete
// only if they are as many as the cards' own counters say.
func (s *snapshot) whole() []item.Kind {
	kinds := []item.Kind{item.Board, item.Label, item.CustomField, item.List, item.Task, item.Checklist, item.Attachment}
	for _, c := range s.cards {
		if c.Badges.v.Comments.or(0) > int64(len(s.comments[c.ID])) {
			return kinds
		}
	}
	return append(kinds, item.Comment)
}

// fetch yields the named items out of a snapshot.
func (s *snapshot) fetch(refs []item.Ref) iter.Seq[item.Bundle] {
	return func(yield func(item.Bundle) bool) {
		found := map[item.Ref]item.Bundle{}
		deep := false
		for _, r := range refs {
			deep = deep || r.Kind == item.Checklist || r.Kind == item.Comment || r.Kind == item.Attachment
		}
		for _, b := range s.frame() {
			found[b.Item.Ref] = b
		}
		wanted := map[item.Ref]bool{}
		for _, r := range refs {
			wanted[r] = true
		}
		for _, c := range s.cards {
			if !deep && !wanted[ref(item.Task, c.ID)] {
				continue
			}
			b := s.task(c)
			if wanted[b.Item.Ref] {
				found[b.Item.Ref] = b
			}
			for _, child := range b.Children {
				if wanted[child.Ref] {
					found[child.Ref] = item.Bundle{Item: child, CheckItems: -1}
				}
			}
		}
		for _, r := range refs {
			if b, ok := found[r]; ok && !yield(b) {
				return
			}
		}
	}
}
