package standin

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"time"
)

// What people do in a day, as the Op of an Edit.
const (
	Retitle  = "retitle"
	Describe = "describe"
	Move     = "move"     // to another list of the board
	Transfer = "transfer" // to another board, named by To
	Say      = "comment"
	Reword   = "reword" // a comment's author changes it
	TickItem = "tick"
	Archive  = "archive"
	Restore  = "restore"
	Add      = "add"
	Drop     = "delete"
	Postpone = "postpone"
	Assign   = "assign"
	Attach   = "attach"
	Leave    = "leave" // the organisation: what they wrote and were assigned stays
)

// An Edit is one thing that somebody did. It holds ids, no content.
type Edit struct {
	Op    string
	Board string // where it happened; "" for Leave
	Card  string // "" for Leave
	ID    string // of the comment, entry or attachment; of the member who leaves
	To    string // of Transfer: the other board
	By    string // user name
	At    time.Time
}

// share is how many of a hundred edits are of a kind.
var shares = []struct {
	op      string
	percent int
}{{Say, 24}, {Move, 20}, {TickItem, 10}, {Retitle, 7}, {Add, 8}, {Postpone, 7}, {Archive, 6}, {Assign, 6}, {Describe, 4}, {Attach, 3}, {Restore, 1},
	{Transfer, 1}, {Reword, 2}, {Drop, 1}}

// Day lets people work for a day: the nth after Organisation.Until, from 1 on.
// About one card in a hundred is touched, most of them on the boards where there
// is most; every third day somebody leaves. What happens depends on the seed, on
// n, and on what is there. It returns what was done, in order.
func (f *Staff) Day(n int) []Edit {
	f.s.mu.Lock()
	defer f.s.mu.Unlock()
	f.dice = rand.New(rand.NewPCG(f.o.Seed, 0x646179<<32|uint64(n)))
	begin := f.o.Until.AddDate(0, 0, n-1).Add(8 * time.Hour)
	count := max(5, f.o.Cards/100)
	step := 10 * time.Hour / time.Duration(count)
	var out []Edit
	for i := range count {
		at := begin.Add(time.Duration(i) * step).Truncate(time.Millisecond)
		if e, done := f.edit(f.chore(), at); done {
			out = append(out, e)
		}
	}
	if n%3 == 0 {
		if e, done := f.leave(begin.Add(10 * time.Hour)); done {
			out = append(out, e)
		}
	}
	return out
}

func (f *Staff) chore() string {
	n := f.dice.IntN(100)
	for _, s := range shares {
		if n -= s.percent; n < 0 {
			return s.op
		}
	}
	return Say
}

// edit does one thing on a card of an open board; done is false if there was
// nobody to do it, or nothing to do it to.
func (f *Staff) edit(op string, at time.Time) (e Edit, done bool) {
	c := f.somewhere()
	if c == nil {
		return e, false
	}
	b := c.board
	team := f.present(b)
	if len(team) == 0 {
		return e, false
	}
	by := pickOne(f, team)
	e = Edit{Op: op, Board: b.id, Card: c.id, By: by.username, At: at}
	q := &call{s: f.s, at: at, by: by, vals: map[string]string{}}
	n := *c
	switch op {
	case Say:
		e.ID = f.say(c, by, at).id
		b.active = at
		return e, true
	case Reword:
		return f.reword(e, c, at)
	case TickItem:
		return f.tick(e, c, at)
	case Add:
		return f.add(e, c.list, by, at)
	case Drop:
		f.s.dropCard(c)
		b.active = at
		return e, true
	case Attach:
		to := f.elsewhere()
		a := &attachment{id: f.s.newID(at), name: to, url: to, bytes: -1, member: by, date: at, pos: float64(len(c.attachments)+1) * 16384}
		c.attachments = append(slices.Clone(c.attachments), a)
		c.touch(at)
		e.ID = a.id
		return e, true
	case Retitle:
		n.name = fmt.Sprintf("%s (%d)", pickOne(f, f.titles), f.dice.IntN(1000))
	case Describe:
		n.desc = pickOne(f, paragraphs) + "\n\n" + pickOne(f, paragraphs)
	case Move:
		n.list = pickOne(f, b.lists)
		n.pos = f.bottom(n.list)
	case Transfer:
		to := f.destination(b, by)
		if to == nil {
			return e, false
		}
		n.list, n.board, e.To = to.lists[0], to, to.id
		n.pos = f.bottom(n.list)
	case Archive, Restore:
		n.closed = op == Archive
	case Postpone:
		n.due = at.AddDate(0, 0, 1+f.dice.IntN(30)).Truncate(time.Minute)
		n.start = time.Time{}
	case Assign:
		n.members = pickSome(f, team, 1+f.dice.IntN(2))
	}
	if n.name == c.name && n.desc == c.desc && n.list == c.list && n.closed == c.closed && n.due.Equal(c.due) && slices.Equal(n.members, c.members) {
		return e, false
	}
	f.s.change(q, c, &n)
	return e, true
}

// somewhere picks a card of an open board; nil if chance finds none.
func (f *Staff) somewhere() *card {
	for range 20 {
		c := pickOne(f, f.cards)
		if f.s.ids[c.id] == c && !c.board.closed {
			return c
		}
	}
	return nil
}

// present are the members of a board who may write there and have not left.
func (f *Staff) present(b *board) []*member {
	var out []*member
	for _, ms := range b.memberships {
		if ms.role != "observer" && !ms.deactivated() {
			out = append(out, ms.member)
		}
	}
	return out
}

// destination is another open board of somebody's.
func (f *Staff) destination(from *board, by *member) *board {
	var all []*board
	for _, b := range f.boards {
		if ms := b.membership(by); b != from && !b.closed && ms != nil && ms.role != "observer" && !ms.deactivated() {
			all = append(all, b)
		}
	}
	if len(all) == 0 {
		return nil
	}
	return pickOne(f, all)
}

func (f *Staff) bottom(l *list) float64 {
	most := 0.0
	for _, c := range l.board.cards {
		if c.list == l {
			most = max(most, c.pos)
		}
	}
	return most + 16384
}

func (f *Staff) reword(e Edit, c *card, at time.Time) (Edit, bool) {
	for _, a := range c.actions {
		if a.typ != "commentCard" || f.left[a.creator] {
			continue
		}
		data := a.details()
		data["text"], data["textData"], data["dateLastEdited"] = pickOne(f, comments)+" (edited)", nil, when(at)
		a.data = data
		c.touch(at)
		e.ID, e.By = a.id, a.creator.username
		return e, true
	}
	return e, false
}

func (f *Staff) tick(e Edit, c *card, at time.Time) (Edit, bool) {
	if len(c.checklists) == 0 {
		return e, false
	}
	i := pickOne(f, pickOne(f, c.checklists).items)
	i.done = !i.done
	c.touch(at)
	e.ID = i.id
	return e, true
}

func (f *Staff) add(e Edit, l *list, by *member, at time.Time) (Edit, bool) {
	if l.closed || l.board.open() >= f.s.limits.OpenCardsPerBoard {
		return e, false
	}
	b := l.board
	b.lastCard++
	c := &card{id: f.s.newID(at), link: f.link(), name: pickOne(f, f.titles), desc: pickOne(f, paragraphs), short: b.lastCard, board: b, list: l,
		pos: f.bottom(l), active: at}
	b.cards = append(b.cards, c)
	b.active = at
	f.s.ids[c.id], f.s.links[c.link] = c, c
	f.cards = append(f.cards, c)
	f.note(&action{typ: "createCard", card: c, creator: by}, at)
	e.Card = c.id
	return e, true
}

// leave deactivates somebody everywhere.
func (f *Staff) leave(at time.Time) (Edit, bool) {
	m := pickOne(f, f.people)
	if m == f.s.owner || f.left[m] {
		return Edit{}, false
	}
	f.left[m] = true
	off := func(all []*membership) {
		if ms := membershipOf(all, m); ms != nil {
			ms.extra = map[string]any{"deactivated": true}
		}
	}
	for _, o := range f.orgs {
		off(o.memberships)
	}
	for _, b := range f.boards {
		off(b.memberships)
	}
	return Edit{Op: Leave, ID: m.id, By: m.username, At: at}, true
}
