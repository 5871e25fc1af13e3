package standin

import (
	"bytes"
	"fmt"
	"mime"
	"path"
	"regexp"
	"slices"
	"strings"
	"time"
)

// Member is a person, for the builders.
type Member struct {
	Username, FullName, Email string
	// Deactivated marks an account that an enterprise closed, Ghost one that was
	// invited and that nobody signed up for: each membership says so.
	Deactivated, Ghost bool
}

// Board describes a board for AddBoard. People are named by user name, labels
// and custom fields by name. Where a text or an address holds {card:Name}, the
// short address of the board's card of that name is put.
type Board struct {
	Name, Desc string
	Workspace  string // id of AddWorkspace; "" for none
	Closed     bool
	Made       time.Time // zero means now
	Members    []string
	Labels     []Label
	Fields     []Field
	Lists      []List
}

// Label is a label of a Board; Color "" is none.
type Label struct{ Name, Color string }

// Field is a custom field of a Board; Type is checkbox, date, list, number or
// text.
type Field struct {
	Name, Type string
	Options    []string
}

// List is a list of a Board.
type List struct {
	Name   string
	Closed bool
	Cards  []Card
}

// Card is a card of a List, or of AddCard.
type Card struct {
	Name, Desc   string
	Author       string    // "" means the token's owner
	Made         time.Time // zero means now
	Closed, Done bool
	Start, Due   time.Time
	Labels       []string // a nameless one by its color, one of several namesakes as name:color
	Members      []string
	Voters       []string
	Stickers     []string // images: "heart", "thumbsup"
	Cover        string   // a color
	Fields       map[string]string
	Checklists   []Checklist
	Comments     []Comment
	Attachments  []Attachment
}

// Checklist is a checklist of a Card.
type Checklist struct {
	Name  string
	Items []Item
}

// Item is an entry of a Checklist.
type Item struct {
	Name   string
	Done   bool
	Due    time.Time
	Member string
}

// Comment is a comment on a Card.
type Comment struct {
	Author, Text string
	At           time.Time // zero means now
}

// Attachment is a link (URL), or a file: with its bytes (Data), which repeat up to
// Size where that is more, or with a size and bytes that are made up.
type Attachment struct {
	Name, URL string
	Data      []byte
	Size      int64
	Author    string
	At        time.Time
}

// Me is the member who owns the token.
func (s *Server) Me() Member {
	s.mu.Lock()
	defer s.mu.Unlock()
	return Member{Username: s.me.username, FullName: s.me.fullName, Email: s.me.email}
}

// AddMember adds a person and returns their id; one who is there already is
// kept.
func (s *Server) AddMember(m Member) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	if old, err := s.findMember(m.Username); err == nil {
		return old.id
	}
	return s.addMember(m).id
}

func (s *Server) addMember(m Member) *member {
	n := &member{id: s.newID(s.now()), username: m.Username, fullName: m.FullName, email: m.Email, deactivated: m.Deactivated, unconfirmed: m.Ghost}
	if m.Ghost {
		n.extra = map[string]any{"memberType": "ghost"}
	}
	for _, w := range strings.Fields(m.FullName) {
		n.initials += strings.ToUpper(string([]rune(w)[:1]))
	}
	s.members = append(s.members, n)
	s.ids[n.id] = n
	return n
}

// AddWorkspace adds a workspace that the token's owner administers, and
// returns its id.
func (s *Server) AddWorkspace(displayName string, usernames ...string) (string, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	at := s.now()
	o := &org{id: s.newID(at), name: strings.ReplaceAll(slug(displayName), "-", ""), displayName: displayName, creator: s.me}
	if _, err := s.findOrg(o.name); err == nil || o.name == "" {
		o.name += "ws" + s.hex(4)
	}
	o.memberships = []*membership{{id: s.newID(at), member: s.me, role: "admin"}}
	for _, name := range usernames {
		m, err := s.findMember(name)
		if err != nil {
			return "", fmt.Errorf("there is no member %q: add them with AddMember first", name)
		}
		o.memberships = append(o.memberships, &membership{id: s.newID(at), member: m, role: "normal"})
	}
	s.orgs = append(s.orgs, o)
	s.ids[o.id] = o
	return o.id, nil
}

// AddBoard puts a whole board there and returns its id.
func (s *Server) AddBoard(d Board) (string, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	at := s.orNow(d.Made)
	b := s.newBoard(d.Name, s.me, at)
	if err := s.build(b, d, at); err != nil {
		s.dropBoard(b)
		return "", err
	}
	return b.id, nil
}

func (s *Server) orNow(t time.Time) time.Time {
	if t.IsZero() {
		t = s.now()
	}
	return t.UTC().Truncate(time.Millisecond)
}

func (s *Server) build(b *board, d Board, at time.Time) error {
	b.desc, b.closed = d.Desc, d.Closed
	if d.Workspace != "" {
		o, err := s.findOrg(d.Workspace)
		if err != nil {
			return fmt.Errorf("there is no workspace %s: make it with AddWorkspace", d.Workspace)
		}
		b.org = o
	}
	people, err := s.named(d.Members)
	if err != nil {
		return err
	}
	for _, m := range people {
		if b.membership(m) == nil {
			b.memberships = append(b.memberships, &membership{id: s.newID(at), member: m, role: "normal"})
		}
	}
	for _, l := range d.Labels {
		s.newLabel(b, l.Name, l.Color, at)
	}
	for i, f := range d.Fields {
		if !slices.Contains(fieldTypes, f.Type) {
			return fmt.Errorf("custom field type %q: use one of %s", f.Type, strings.Join(fieldTypes, ", "))
		}
		n := &field{id: s.newID(at), name: f.Name, typ: f.Type, group: s.hex(32), board: b, pos: float64(i+1) * 16384, front: true}
		for j, o := range f.Options {
			n.options = append(n.options, &option{id: s.newID(at), text: o, color: "none", pos: float64(j+1) * 16384})
		}
		b.fields = append(b.fields, n)
		s.ids[n.id] = n
	}
	for i, l := range d.Lists {
		n := s.newList(b, l.Name, float64(i+1)*65536, at)
		n.closed = l.Closed
		for _, c := range l.Cards {
			if _, err := s.buildCard(n, c); err != nil {
				return err
			}
		}
	}
	for _, c := range b.cards {
		s.relink(c)
	}
	return nil
}

func (s *Server) named(names []string) ([]*member, error) {
	var out []*member
	for _, name := range names {
		m, err := s.findMember(name)
		if err != nil {
			return nil, fmt.Errorf("there is no member %q: add them with AddMember first", name)
		}
		out = append(out, m)
	}
	return out, nil
}

func (s *Server) author(name string) (*member, error) {
	if name == "" {
		return s.me, nil
	}
	all, err := s.named([]string{name})
	if err != nil {
		return nil, err
	}
	return all[0], nil
}

func (s *Server) buildCard(l *list, d Card) (*card, error) {
	at := s.orNow(d.Made)
	author, err := s.author(d.Author)
	if err != nil {
		return nil, err
	}
	q := &call{s: s, at: at, by: author}
	c := s.newCard(l, d.Name, at)
	c.desc, c.closed, c.complete, c.start, c.due, c.cover.color = d.Desc, d.Closed, d.Done, d.Start.UTC(), d.Due.UTC(), d.Cover
	s.note(q, &action{typ: "createCard", board: c.board, card: c, data: map[string]any{"list": briefList(l), "card": briefCard(c)}})
	for _, name := range d.Labels {
		i := slices.IndexFunc(c.board.labels, func(l *label) bool { return l.name+":"+l.color == name })
		if i < 0 {
			i = slices.IndexFunc(c.board.labels, func(l *label) bool { return l.name == name || l.name == "" && l.color == name })
		}
		if i < 0 {
			return nil, fmt.Errorf("the board has no label %q", name)
		}
		c.labels = append(c.labels, c.board.labels[i])
	}
	if c.members, err = s.named(d.Members); err != nil {
		return nil, err
	}
	if c.voters, err = s.named(d.Voters); err != nil {
		return nil, err
	}
	for i, image := range d.Stickers {
		c.stickers = append(c.stickers, &sticker{id: s.newID(at), image: image, left: float64(10 * i), z: float64(i + 1)})
	}
	if err := s.buildValues(q, c, d.Fields); err != nil {
		return nil, err
	}
	for i, l := range d.Checklists {
		n := &checklist{id: s.newID(at), name: l.Name, card: c, pos: float64(i+1) * 16384}
		for j, e := range l.Items {
			item := &checkItem{id: s.newID(at), name: e.Name, done: e.Done, due: e.Due.UTC(), pos: float64(j+1) * 16384}
			if e.Member != "" {
				if item.member, err = s.author(e.Member); err != nil {
					return nil, err
				}
			}
			n.items = append(n.items, item)
			s.ids[item.id] = item
		}
		c.checklists = append(c.checklists, n)
		s.ids[n.id] = n
	}
	for _, a := range d.Attachments {
		if _, err := s.buildAttachment(c, a); err != nil {
			return nil, err
		}
	}
	for _, m := range d.Comments {
		if _, err := s.buildComment(c, m); err != nil {
			return nil, err
		}
	}
	return c, nil
}

func (s *Server) buildValues(q *call, c *card, values map[string]string) error {
	for _, f := range c.board.fields {
		text, ok := values[f.name]
		if !ok {
			continue
		}
		v := &value{id: s.newID(q.at), field: f}
		if f.typ == "list" {
			i := slices.IndexFunc(f.options, func(o *option) bool { return o.text == text })
			if i < 0 {
				return fmt.Errorf("custom field %q has no option %q", f.name, text)
			}
			v.option = f.options[i]
		} else {
			key := map[string]string{"text": "text", "number": "number", "date": "date", "checkbox": "checked"}[f.typ]
			v.value = map[string]any{key: text}
		}
		c.values = append(c.values, v)
	}
	return nil
}

func (s *Server) buildAttachment(c *card, d Attachment) (*attachment, error) {
	at := s.orNow(d.At)
	m, err := s.author(d.Author)
	if err != nil {
		return nil, err
	}
	a := &attachment{id: s.newID(at), name: d.Name, member: m, date: at, bytes: -1, url: d.URL, pos: float64(len(c.attachments)+1) * 16384}
	switch {
	case d.URL != "":
		if a.name == "" {
			a.name = d.URL
		}
	default:
		a.upload, a.file, a.mime = true, fileSlug(d.Name), mime.TypeByExtension(path.Ext(d.Name))
		a.bytes, a.content = d.Size, newMade(a.id, d.Size)
		if d.Data != nil {
			a.bytes = max(d.Size, int64(len(d.Data)))
			a.content = repeated{bytes.Clone(d.Data), a.bytes}
		}
	}
	c.attachments = append(c.attachments, a)
	c.touch(at)
	s.note(&call{s: s, at: at, by: m}, &action{typ: "addAttachmentToCard", board: c.board, card: c,
		data: map[string]any{"card": briefCard(c), "list": briefList(c.list), "attachment": map[string]any{"id": a.id, "name": a.name, "url": a.url}}})
	return a, nil
}

func (s *Server) buildComment(c *card, d Comment) (*action, error) {
	at := s.orNow(d.At)
	m, err := s.author(d.Author)
	if err != nil {
		return nil, err
	}
	a := &action{typ: "commentCard", board: c.board, card: c, data: map[string]any{"text": d.Text, "textData": textData(d.Text),
		"card": briefCard(c), "board": briefBoard(c.board), "list": briefList(c.list)}}
	s.note(&call{s: s, at: at, by: m}, a)
	c.comments++
	c.touch(at)
	return a, nil
}

var cardLink = regexp.MustCompile(`\{card:([^}]+)\}`)

// relink puts the addresses of cards where {card:Name} stands.
func (s *Server) relink(c *card) {
	put := func(text string) string {
		return cardLink.ReplaceAllStringFunc(text, func(m string) string {
			name := cardLink.FindStringSubmatch(m)[1]
			for _, other := range c.board.cards {
				if other.name == name {
					return "https://trello.com/c/" + other.link
				}
			}
			return m
		})
	}
	c.desc = put(c.desc)
	for _, a := range c.attachments {
		a.url, a.name = put(a.url), put(a.name)
	}
	for _, a := range c.actions {
		if text, ok := a.data["text"].(string); ok {
			a.data["text"] = put(text)
		}
	}
}
