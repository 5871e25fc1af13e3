package standin

import (
	"cmp"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"time"
)

// An Organisation says what Generate makes. Equal values make organisations that
// are equal to the byte, wherever and whenever they are made.
type Organisation struct {
	Boards, People, Cards int
	// Left is how many of the people have left: their memberships are deactivated,
	// and what they wrote and were assigned stays.
	Left int
	Seed uint64
	// Until is the day after which nothing has happened yet; zero is Monday,
	// 2 March 2026. The days of Staff.Day follow it.
	Until time.Time
}

// The bounds of an Organisation: what a few hundred megabytes hold.
const (
	mostBoards = 5_000
	mostPeople = 20_000
	mostCards  = 500_000
	// boardCards is how large a generated board grows: Trello's boards hold 5,000
	// open cards (DocumentedLimits), and people go on adding some.
	boardCards = 4_000
)

func (o Organisation) check() error {
	for _, n := range []struct {
		name        string
		have, least int
		most        int
	}{{"boards", o.Boards, 1, mostBoards}, {"people", o.People, 2, mostPeople}, {"cards", o.Cards, 0, min(mostCards, o.Boards*boardCards)}, {"left", o.Left, 0, o.People / 2}} {
		if n.have < n.least || n.have > n.most {
			return fmt.Errorf("%s=%d: an organisation has from %d to %d", n.name, n.have, n.least, n.most)
		}
	}
	return nil
}

// Staff are the people of a generated organisation.
type Staff struct {
	s      *Server
	o      Organisation
	dice   *rand.Rand
	people []*member // the owner of the token is the first
	left   map[*member]bool
	orgs   []*org // the last is the free one
	boards []*board
	cards  []*card // links point at those that are there already
	titles []string
	asks   []string // texts that mention somebody
}

// A Person is one of the Staff.
type Person struct {
	ID, Username, FullName, Email string
	Left                          bool
}

// Generate fills an empty Trello with an organisation: boards of all sizes in
// several workspaces, a free one among them, with private, workspace-visible,
// organisation-visible and public boards, some of them closed; people with roles
// on them, some of whom have left; cards with all that lies in one, and links
// from board to board. The token's owner administers the workspaces. A Server
// that holds boards already is refused.
func (s *Server) Generate(o Organisation) (*Staff, error) {
	if err := o.check(); err != nil {
		return nil, err
	}
	if o.Until.IsZero() {
		o.Until = time.Date(2026, time.March, 2, 0, 0, 0, 0, time.UTC)
	}
	o.Until = o.Until.UTC().Truncate(24 * time.Hour)
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.boards) > 0 {
		return nil, fmt.Errorf("an organisation is generated in an empty Trello: this one holds boards already")
	}
	f := &Staff{s: s, o: o, left: map[*member]bool{}, dice: rand.New(rand.NewPCG(o.Seed, 0x6f7267)), titles: titles()}
	s.machine, s.counter = f.dice.Uint64()&(1<<40-1), f.dice.Uint32()&(1<<23-1) // ids are the organisation's own
	f.hire()
	f.found()
	for i, n := range f.sizes() {
		f.open(i, n)
	}
	return f, nil
}

// People are the staff, the token's owner first.
func (f *Staff) People() []Person {
	f.s.mu.Lock()
	defer f.s.mu.Unlock()
	out := make([]Person, len(f.people))
	for i, m := range f.people {
		out[i] = Person{m.id, m.username, m.fullName, m.email, f.left[m]}
	}
	return out
}

// Hidden are the ids of the boards that the token's owner does not see.
func (f *Staff) Hidden() []string {
	f.s.mu.Lock()
	defer f.s.mu.Unlock()
	var out []string
	for _, b := range f.s.boards {
		if !f.s.canSee(b) {
			out = append(out, b.id)
		}
	}
	return out
}

func (f *Staff) link() string {
	for {
		var b [8]byte
		for i := range b {
			b[i] = base62[f.dice.IntN(len(base62))]
		}
		if link := string(b[:]); f.s.links[link] == nil {
			return link
		}
	}
}

// chance is true in so many of a hundred cases.
func (f *Staff) chance(percent int) bool { return f.dice.IntN(100) < percent }

func pickOne[T any](f *Staff, all []T) T { return all[f.dice.IntN(len(all))] }

// pickSome picks up to n different ones.
func pickSome[T comparable](f *Staff, all []T, n int) []T {
	var out []T
	for range min(n, len(all)) {
		if x := pickOne(f, all); !slices.Contains(out, x) {
			out = append(out, x)
		}
	}
	return out
}

// between is a moment of a working day from one time to another.
func (f *Staff) between(from, to time.Time) time.Time {
	if !to.After(from) {
		return from
	}
	at := from.Add(time.Duration(f.dice.Int64N(int64(to.Sub(from)))))
	day := at.Truncate(24 * time.Hour)
	if work := day.Add(8*time.Hour + time.Duration(f.dice.IntN(36_000_000))*time.Millisecond); work.After(from) && work.Before(to) {
		return work
	}
	return at.Truncate(time.Millisecond)
}

// hire makes the people. The owner gets an id of the organisation's.
func (f *Staff) hire() {
	s := f.s
	joined := f.o.Until.AddDate(-11, 0, 0)
	delete(s.ids, s.owner.id)
	s.owner.id = f.s.newID(joined)
	s.ids[s.owner.id] = s.owner
	f.people = append(f.people, s.owner)
	taken := map[string]bool{s.owner.username: true}
	for i := 1; i < f.o.People; i++ {
		given, family := pickOne(f, givenNames), pickOne(f, familyNames)
		m := &member{id: f.s.newID(f.between(joined, f.o.Until.AddDate(0, -1, 0))), fullName: given.name + " " + family.name}
		m.username = given.latin + family.latin
		for n := 2; taken[m.username]; n++ {
			m.username = fmt.Sprintf("%s%s%d", given.latin, family.latin, n)
		}
		taken[m.username] = true
		m.email = m.username + "@acme.example"
		m.initials = string([]rune(given.name)[:1]) + string([]rune(family.name)[:1])
		s.members = append(s.members, m)
		s.ids[m.id] = m
		f.people = append(f.people, m)
		for _, ask := range askTexts {
			f.asks = append(f.asks, strings.Replace(ask, "@", "@"+m.username, 1))
		}
	}
	for _, i := range f.dice.Perm(f.o.People - 1)[:f.o.Left] {
		f.left[f.people[i+1]] = true
	}
}

// found makes the workspaces: one for about 40 boards, the last of them free.
// Everybody is in one or two; the free one has a few.
func (f *Staff) found() {
	s := f.s
	at := f.o.Until.AddDate(-10, -6, 0)
	enterprise := f.s.newID(at)
	n := min(max(2, f.o.Boards/40), len(workspaceNames)-1)
	names := append(slices.Clone(workspaceNames[1:n]), workspaceNames[0])
	for i, name := range names {
		o := &org{id: f.s.newID(at), displayName: name, name: fmt.Sprintf("acme%d", i+1), creator: s.owner,
			extra: map[string]any{"offering": "trello.enterprise", "idEnterprise": enterprise}}
		if i == len(names)-1 {
			o.extra = map[string]any{"offering": "trello.free"}
		}
		o.memberships = []*membership{{id: f.s.newID(at), member: s.owner, role: "admin"}}
		f.orgs, s.orgs = append(f.orgs, o), append(s.orgs, o)
		s.ids[o.id] = o
	}
	free, paid := f.orgs[len(f.orgs)-1], f.orgs[:len(f.orgs)-1]
	for _, m := range f.people[1:] {
		in := pickSome(f, paid, 1+f.dice.IntN(2))
		if f.chance(8) {
			in = append(in, free)
		}
		for _, o := range in {
			role := "normal"
			if o == free || f.chance(3) {
				role = "admin" // "all members are granted admin status by default" in a free workspace
			}
			o.memberships = append(o.memberships, f.membership(at, m, role))
		}
	}
}

func (f *Staff) membership(at time.Time, m *member, role string) *membership {
	ms := &membership{id: f.s.newID(at), member: m, role: role}
	if f.left[m] {
		ms.extra = map[string]any{"deactivated": true}
	}
	return ms
}

// sizes spreads the cards over the boards as in life: many small boards, a few
// large ones.
func (f *Staff) sizes() []int {
	weights, sum := make([]float64, f.o.Boards), 0.0
	for i := range weights {
		weights[i] = math.Exp(1.3 * f.dice.NormFloat64())
		sum += weights[i]
	}
	out, left := make([]int, f.o.Boards), f.o.Cards
	for i, w := range weights {
		out[i] = min(int(w/sum*float64(f.o.Cards)), boardCards)
		left -= out[i]
	}
	for i := 0; left > 0; i = (i + 1) % len(out) {
		add := min(left, boardCards-out[i], 1+left/len(out))
		out[i] += add
		left -= add
	}
	return out
}

// open makes one board with its cards.
func (f *Staff) open(i, cards int) {
	s := f.s
	home := f.orgs[i%(len(f.orgs)-1)]
	if i%25 == 7 {
		home = f.orgs[len(f.orgs)-1]
	}
	level := "org"
	switch n := f.dice.IntN(100); {
	case n < 34:
		level = "private"
	case n < 44 && home.enterprise() != "":
		level = "enterprise"
	case n < 49:
		level = "public"
	}
	made := f.between(f.o.Until.AddDate(-10, 0, 0), f.o.Until.AddDate(0, -2, 0))
	last := f.o.Until
	if f.chance(45) { // nobody has been there for long
		last = f.between(made.AddDate(0, 1, 0), f.o.Until)
	}
	team := f.team(home, cards)
	prefs := newPrefs()
	prefs["permissionLevel"] = level
	b := &board{id: f.s.newID(made), link: f.link(), name: fmt.Sprintf("%s %d", pickOne(f, boardNames), i+1), desc: pickOne(f, paragraphs), org: home,
		creator: team[0], prefs: prefs, active: made, closed: i%17 == 11}
	s.boards = append(s.boards, b)
	s.ids[b.id], s.links[b.link] = b, b
	f.boards = append(f.boards, b)
	for j, m := range team {
		role := "normal"
		switch {
		case j == 0, f.left[team[0]] && j == 1: // somebody looks after it when its owner has left
			role = "admin"
		case f.chance(10):
			role = "observer"
		}
		b.memberships = append(b.memberships, f.membership(made, m, role))
	}
	f.frame(b, made)
	f.fill(b, team, cards, made, last)
}

// team picks who works on a board: at least one of them is still there.
func (f *Staff) team(home *org, cards int) []*member {
	var pool []*member
	for _, ms := range home.memberships {
		if ms.member != f.s.owner {
			pool = append(pool, ms.member)
		}
	}
	if len(pool) == 0 {
		pool = f.people[1:]
	}
	n := 2 + f.dice.IntN(4+min(cards/40, 30))
	team := pickSome(f, pool, n)
	if !slices.ContainsFunc(team, func(m *member) bool { return !f.left[m] }) || f.chance(5) {
		team = append(team, f.s.owner)
	}
	return team
}

// frame gives a board its lists, labels and, some of them, custom fields.
func (f *Staff) frame(b *board, at time.Time) {
	s := f.s
	kind := pickOne(f, listNames)
	for i, name := range kind {
		l := &list{id: f.s.newID(at), name: name, board: b, pos: float64(i+1) * 65536}
		b.lists = append(b.lists, l)
		s.ids[l.id] = l
	}
	if f.chance(20) {
		b.lists[len(b.lists)-1].closed = true
	}
	for _, i := range f.dice.Perm(len(labelNames))[:3+f.dice.IntN(5)] {
		l := &label{id: f.s.newID(at), name: labelNames[i], color: colors[i%len(colors)], board: b}
		b.labels = append(b.labels, l)
		s.ids[l.id] = l
	}
	if !f.chance(20) {
		return
	}
	for i, d := range []Field{{Name: "Stage", Type: "list", Options: []string{"Idea", "Agreed", "Done"}}, {Name: "Hours", Type: "number"},
		{Name: "Order no.", Type: "text"}, {Name: "Approved", Type: "checkbox"}, {Name: "Delivered", Type: "date"}}[:1+f.dice.IntN(5)] {
		n := &field{id: f.s.newID(at), name: d.Name, typ: d.Type, group: fmt.Sprintf("%016x", f.dice.Uint64()), board: b, pos: float64(i+1) * 16384, front: true}
		for j, o := range d.Options {
			n.options = append(n.options, &option{id: f.s.newID(at), text: o, color: "none", pos: float64(j+1) * 16384})
		}
		b.fields = append(b.fields, n)
		s.ids[n.id] = n
	}
}

// byTime orders what has an id by the time in it.
func byTime(a, b *action) int { return cmp.Compare(a.id, b.id) }
