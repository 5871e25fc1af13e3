package standin

import (
	"io"
	"slices"
	"strings"
	"time"
)

// What a Trello holds. extra are fields of a loaded object that this server
// does not know: it gives them back as they came.

type member struct {
	id, username, fullName, initials, email, bio string
	avatarHash, avatarURL                        string
	unconfirmed, deactivated                     bool
	inbox                                        []*notification
	extra                                        map[string]any
}

type org struct {
	id, name, displayName, desc, website string
	creator                              *member
	teamType                             any
	memberships                          []*membership
	actions                              []*action
	extra                                map[string]any
}

type membership struct {
	id     string
	member *member
	role   string // admin, normal, observer
	extra  map[string]any
}

// deactivated memberships give no access, and leave their people on the cards
// (https://support.atlassian.com/trello/docs/what-is-a-deactivated-user).
func (ms *membership) deactivated() bool { return ms.extra["deactivated"] == true }

// active reports whether somebody belongs to a workspace and was not
// deactivated there.
func (o *org) active(m *member) bool {
	ms := membershipOf(o.memberships, m)
	return ms != nil && !ms.deactivated()
}

// paid is any offering but the free one; a workspace that says nothing is a
// paid one here.
func (o *org) paid() bool { return o.extra["offering"] != "trello.free" }

// enterprise is the id of the enterprise that a workspace belongs to; "" for
// none.
func (o *org) enterprise() string {
	id, _ := o.extra["idEnterprise"].(string)
	return id
}

type board struct {
	id, name, desc, link string
	closed, starred      bool
	subscribed           bool
	org                  *org // nil for a board of its own
	creator              *member
	prefs                map[string]any
	memberships          []*membership
	lists                []*list
	labels               []*label
	fields               []*field
	cards                []*card // in order of their making
	actions              []*action
	lastCard             int // the highest idShort
	active               time.Time
	labelNames           map[string]string // of colours, as an export told them
	plugins              []any
	pluginData           []any
	extra                map[string]any
}

type list struct {
	id, name           string
	board              *board
	closed, subscribed bool
	pos                float64
	extra              map[string]any
}

type label struct {
	id, name, color string // color "" for none
	board           *board
	extra           map[string]any
}

type field struct {
	id, name, typ, group string
	board                *board
	pos                  float64
	front                bool
	options              []*option
}

type option struct {
	id, text, color string
	pos             float64
}

type card struct {
	id, name, desc, link string
	short                int
	board                *board
	list                 *list
	closed, subscribed   bool
	complete, template   bool
	manualCover          bool
	pos                  float64
	due, start, active   time.Time
	reminder             any // minutes before due, or nil
	labels               []*label
	members, voters      []*member
	cover                cover
	attachments          []*attachment
	checklists           []*checklist
	stickers             []*sticker
	values               []*value
	comments             int // as its badge tells: an export may lack the oldest
	actions              []*action
	pluginData           []any
	extra                map[string]any
}

type cover struct {
	attachment, color, size, brightness, plugin string
	background                                  string // idUploadedBackground
	extra                                       map[string]any
}

type attachment struct {
	id, name, mime, file string
	url                  string // of a link; for an upload, as it was loaded
	member               *member
	date                 time.Time
	pos                  float64
	upload               bool
	edge                 any
	previews             []any
	bytes                int64 // -1 if the cloud does not tell
	content              io.ReaderAt
}

type checklist struct {
	id, name string
	card     *card
	pos      float64
	items    []*checkItem
	extra    map[string]any
}

type checkItem struct {
	id, name string
	done     bool
	pos      float64
	due      time.Time
	reminder any
	member   *member
	extra    map[string]any
}

type sticker struct {
	id, image         string
	top, left, rotate float64
	z                 float64
	extra             map[string]any
}

type value struct {
	id     string
	field  *field
	option *option        // of a list field
	value  map[string]any // text, number, date or checked, all as strings
}

type action struct {
	id, typ string
	creator *member
	date    time.Time
	data    map[string]any // nil in a generated organisation: details makes it
	text    string         // a comment's, where data is nil
	board   *board
	card    *card
	org     *org
	subject *member // whom it is about: addMemberToCard
	reacts  []map[string]any
	extra   map[string]any
}

func (b *board) open() (n int) {
	for _, c := range b.cards {
		if !c.closed {
			n++
		}
	}
	return n
}

func (b *board) openLists() (n int) {
	for _, l := range b.lists {
		if !l.closed {
			n++
		}
	}
	return n
}

// sorted returns the lists from left to right.
func (b *board) sorted() []*list {
	return slices.SortedStableFunc(slices.Values(b.lists), func(x, y *list) int { return order(x.pos, y.pos, x.id, y.id) })
}

func (l *list) open() (n int) {
	for _, c := range l.board.cards {
		if c.list == l && !c.closed {
			n++
		}
	}
	return n
}

// cards returns the list's cards from top to bottom.
func (l *list) cards() []*card {
	var out []*card
	for _, c := range l.board.cards {
		if c.list == l {
			out = append(out, c)
		}
	}
	slices.SortStableFunc(out, func(x, y *card) int { return order(x.pos, y.pos, x.id, y.id) })
	return out
}

func order(a, b float64, x, y string) int {
	switch {
	case a < b:
		return -1
	case a > b:
		return 1
	}
	return strings.Compare(x, y)
}

func (b *board) membership(m *member) *membership { return membershipOf(b.memberships, m) }

func membershipOf(all []*membership, m *member) *membership {
	for _, ms := range all {
		if ms.member == m {
			return ms
		}
	}
	return nil
}

func (c *card) has(l *label) bool { return slices.Contains(c.labels, l) }

// touch notes that something happened to a card.
func (c *card) touch(at time.Time) {
	c.active = at
	c.board.active = at
}

// remove returns a slice without x; the one it was given stays as it is, since
// a copy of an object shares it.
func remove[T comparable](all []T, x T) []T {
	return slices.DeleteFunc(slices.Clone(all), func(y T) bool { return y == x })
}
