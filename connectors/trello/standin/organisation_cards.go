package standin

import (
	"fmt"
	"slices"
	"strconv"
	"time"
)

// fill makes a board's cards. What a card holds is rolled with the shares that
// boards in the wild show: most have little, a few have everything.
func (f *Staff) fill(b *board, team []*member, cards int, made, last time.Time) {
	b.cards = make([]*card, 0, cards)
	tails := map[*list]float64{}
	for range cards {
		at := f.between(made, last)
		l := b.lists[min(f.dice.IntN(len(b.lists)), f.dice.IntN(len(b.lists))+1)]
		tails[l] += 16384
		b.lastCard++
		c := &card{id: f.s.newID(at), link: f.link(), name: pickOne(f, f.titles), short: b.lastCard, board: b, list: l, pos: tails[l], active: at}
		b.cards = append(b.cards, c)
		f.s.ids[c.id], f.s.links[c.link] = c, c
		f.note(&action{typ: "createCard", card: c, creator: pickOne(f, team)}, at)
		f.describe(c, at)
		f.assign(c, team)
		f.attach(c, team, at, last)
		if f.chance(15) {
			f.checklists(c, team, at)
		}
		f.talk(c, team, at, last)
		f.cards = append(f.cards, c)
		if c.active.After(b.active) {
			b.active = c.active
		}
	}
	slices.SortFunc(b.actions, byTime)
}

// note files an action that happened at a time.
func (f *Staff) note(a *action, at time.Time) {
	a.id, a.date, a.board = f.s.newID(at), at, a.card.board
	f.s.record(a)
	if at.After(a.card.active) {
		a.card.active = at
	}
}

func (f *Staff) describe(c *card, at time.Time) {
	b := c.board
	if f.chance(60) {
		c.desc = pickOne(f, paragraphs)
	}
	if f.chance(3) {
		c.desc = fmt.Sprintf("%s\n\nSee %s.", pickOne(f, paragraphs), f.elsewhere())
	}
	c.closed = f.chance(25)
	c.complete = c.list == b.lists[len(b.lists)-1] || f.chance(10)
	if f.chance(30) {
		c.due = at.AddDate(0, 0, 3+f.dice.IntN(120)).Truncate(time.Minute)
		if f.chance(25) {
			c.start = c.due.AddDate(0, 0, -1-f.dice.IntN(14))
		}
	}
	if f.chance(45) {
		c.labels = pickSome(f, b.labels, 1+f.dice.IntN(2))
	}
	if f.chance(2) {
		c.cover.color = pickOne(f, colors)
	}
	if f.chance(1) {
		c.stickers = []*sticker{{id: f.s.newID(at), image: pickOne(f, []string{"heart", "thumbsup", "star"}), z: 1}}
	}
	for _, d := range b.fields {
		if f.chance(40) {
			c.values = append(c.values, f.value(d, at))
		}
	}
}

func (f *Staff) value(d *field, at time.Time) *value {
	v := &value{id: f.s.newID(at), field: d}
	switch d.typ {
	case "list":
		v.option = pickOne(f, d.options)
	case "number":
		v.value = map[string]any{"number": strconv.Itoa(1 + f.dice.IntN(80))}
	case "checkbox":
		v.value = map[string]any{"checked": "true"}
	case "date":
		v.value = map[string]any{"date": when(at.AddDate(0, 0, f.dice.IntN(60)))}
	default:
		v.value = map[string]any{"text": "No. " + strconv.Itoa(1000+f.dice.IntN(9000))}
	}
	return v
}

func (f *Staff) assign(c *card, team []*member) {
	if f.chance(55) {
		c.members = pickSome(f, team, 1+f.dice.IntN(3)/2)
	}
	if f.chance(2) {
		c.voters = pickSome(f, team, 1+f.dice.IntN(3))
	}
}

// elsewhere is the address of a card or board that is there already.
func (f *Staff) elsewhere() string {
	if len(f.cards) == 0 || f.chance(15) {
		return "https://trello.com/b/" + pickOne(f, f.boards).link
	}
	return "https://trello.com/c/" + pickOne(f, f.cards).link
}

func (f *Staff) attach(c *card, team []*member, at, last time.Time) {
	add := func(a *attachment) {
		a.member, a.date = pickOne(f, team), f.between(at, last)
		a.id, a.pos = f.s.newID(a.date), float64(len(c.attachments)+1)*16384
		if a.upload {
			a.content = newMade(a.id, a.bytes)
		}
		c.attachments = append(c.attachments, a)
		if a.date.After(c.active) {
			c.active = a.date
		}
	}
	if f.chance(5) {
		to := f.elsewhere()
		add(&attachment{name: to, url: to, bytes: -1})
	}
	if f.chance(4) {
		to := pickOne(f, webPages)
		add(&attachment{name: to, url: to, bytes: -1})
	}
	if f.chance(3) {
		n := pickOne(f, fileNames)
		add(&attachment{name: n.name, file: fileSlug(n.name), mime: n.mime, upload: true, bytes: int64(200 + f.dice.IntN(40_000))})
	}
}

func (f *Staff) checklists(c *card, team []*member, at time.Time) {
	for i := range 1 + f.dice.IntN(5)/4 {
		l := &checklist{id: f.s.newID(at), name: pickOne(f, checklistNames), card: c, pos: float64(i+1) * 16384}
		for j := range 2 + f.dice.IntN(7) {
			e := &checkItem{id: f.s.newID(at), name: pickOne(f, f.titles), done: f.chance(50), pos: float64(j+1) * 16384}
			if f.chance(5) {
				e.due, e.member = at.AddDate(0, 0, 7).Truncate(time.Minute), pickOne(f, team)
			}
			l.items = append(l.items, e)
			f.s.ids[e.id] = e
		}
		c.checklists = append(c.checklists, l)
		f.s.ids[l.id] = l
	}
}

// talk writes the comments of a card: none on most, a dozen on a few.
func (f *Staff) talk(c *card, team []*member, at, last time.Time) {
	if !f.chance(40) {
		return
	}
	for {
		at = f.between(at, last)
		f.say(c, pickOne(f, team), at)
		if !f.chance(60) {
			return
		}
	}
}

func (f *Staff) say(c *card, m *member, at time.Time) *action {
	a := &action{typ: "commentCard", card: c, creator: m, text: pickOne(f, comments)}
	switch n := f.dice.IntN(100); {
	case n < 15:
		a.text = pickOne(f, f.asks)
	case n < 18:
		a.text = "This belongs to " + f.elsewhere()
	}
	f.note(a, at)
	c.comments++
	return a
}
