package standin

import (
	"path"
	"slices"
	"strings"
)

// What follows puts loaded objects into the state, over those of the same id.

func linkOf(link, address string) string {
	if link == "" {
		_, link, _ = strings.Cut(strings.TrimPrefix(address, "https://trello.com/"), "/")
		link, _, _ = strings.Cut(link, "/")
	}
	return link
}

func (s *Server) putBoard(e exportBoard) *board {
	b, ok := s.ids[e.ID].(*board)
	if !ok {
		b = &board{id: e.ID, link: linkOf(e.ShortLink, e.ShortURL), prefs: newPrefs()}
		if b.link == "" || s.links[b.link] != nil {
			b.link = s.newLink()
		}
		s.boards = append(s.boards, b)
		s.ids[b.id], s.links[b.link] = b, b
	}
	b.name, b.desc, b.closed, b.starred, b.subscribed, b.active, b.labelNames, b.extra = e.Name, e.Desc, e.Closed, e.Starred, e.Subscribed, e.DateLastActivity, e.LabelNames, e.extra
	if e.Prefs != nil {
		b.prefs = e.Prefs
	}
	if b.org == nil && e.IDOrganization != "" {
		b.org = s.putOrg(e.IDOrganization)
	}
	b.creator, _ = s.ids[e.IDMemberCreator].(*member)
	return b
}

// putOrg is the workspace that an export names by id alone. The token's owner
// administers it: who could export a board can see it.
func (s *Server) putOrg(id string) *org {
	if o, ok := s.ids[id].(*org); ok {
		return o
	}
	o := &org{id: id, name: "workspace" + id[len(id)-8:], displayName: "Workspace " + id[len(id)-4:], creator: s.me}
	o.memberships = []*membership{{id: s.newID(s.now()), member: s.me, role: "admin"}}
	s.orgs = append(s.orgs, o)
	s.ids[id] = o
	return o
}

func (s *Server) putMember(e exportMember) *member {
	m, ok := s.ids[e.ID].(*member)
	if !ok {
		m = &member{id: e.ID}
		s.members = append(s.members, m)
		s.ids[m.id] = m
	}
	m.username, m.fullName, m.initials = e.Username, e.FullName, e.Initials
	m.avatarHash, m.avatarURL, m.bio = e.AvatarHash, e.AvatarURL, e.Bio
	m.unconfirmed = e.Confirmed != nil && !*e.Confirmed
	if e.Email != "" {
		m.email = e.Email
	}
	if len(e.extra) > len(m.extra) {
		m.extra = e.extra // an action tells less of a member than a list of members
	}
	return m
}

// knownMember is a member by id, perhaps one of whom nothing else is known.
func (s *Server) knownMember(id string) *member {
	if m, ok := s.ids[id].(*member); ok || id == "" {
		return m
	}
	return s.putMember(exportMember{ID: id, Username: "user" + id[max(len(id)-6, 0):], FullName: "[deleted account]"})
}

func (s *Server) putMemberships(b *board, all []exportMembership) {
	for _, e := range all {
		m := s.knownMember(e.IDMember)
		if m != nil && b.membership(m) == nil {
			b.memberships = append(b.memberships, &membership{id: e.ID, member: m, role: e.MemberType, extra: e.extra})
		}
	}
	if len(b.memberships) == 0 || b.org == nil {
		// Without a workspace only its members see a board.
		if b.membership(s.me) == nil {
			b.memberships = append(b.memberships, &membership{id: s.newID(s.now()), member: s.me, role: "admin"})
		}
	}
}

func (s *Server) putLabel(b *board, e exportLabel) *label {
	l, ok := s.ids[e.ID].(*label)
	if !ok {
		l = &label{id: e.ID, board: b}
		b.labels = append(b.labels, l)
		s.ids[l.id] = l
	}
	l.name, l.color, l.extra = e.Name, e.Color, e.extra
	return l
}

func (s *Server) putList(b *board, e exportList) *list {
	l, ok := s.ids[e.ID].(*list)
	if !ok {
		l = &list{id: e.ID, board: b}
		b.lists = append(b.lists, l)
		s.ids[l.id] = l
	}
	l.name, l.closed, l.subscribed, l.pos, l.extra = e.Name, e.Closed, e.Subscribed, e.Pos, e.extra
	return l
}

func (s *Server) putField(b *board, e exportField) *field {
	f, ok := s.ids[e.ID].(*field)
	if !ok {
		f = &field{id: e.ID, board: b}
		b.fields = append(b.fields, f)
		s.ids[f.id] = f
	}
	f.name, f.typ, f.group, f.pos, f.front, f.options = e.Name, e.Type, e.FieldGroup, e.Pos, e.Display.CardFront, nil
	for _, o := range e.Options {
		if o.ID == "" {
			o.ID = o.OldID
		}
		f.options = append(f.options, &option{id: o.ID, text: o.Value.Text, color: o.Color, pos: o.Pos})
	}
	return f
}

func (s *Server) putCard(b *board, l *list, e exportCard) *card {
	c, ok := s.ids[e.ID].(*card)
	if !ok {
		c = &card{id: e.ID, link: linkOf(e.ShortLink, e.ShortURL), board: b}
		if c.link == "" || s.links[c.link] != nil {
			c.link = s.newLink()
		}
		b.cards = append(b.cards, c)
		s.ids[c.id], s.links[c.link] = c, c
	}
	if c.board != b {
		c.move(b)
	}
	c.list, c.name, c.desc, c.short, c.pos, c.extra = l, e.Name, e.Desc, e.IDShort, e.Pos, e.extra
	c.closed, c.subscribed, c.complete, c.template, c.manualCover = e.Closed, e.Subscribed, e.DueComplete, e.IsTemplate, e.ManualCover
	c.due, c.start, c.active, c.reminder = e.Due.UTC(), e.Start.UTC(), e.DateLastActivity.UTC(), e.DueReminder
	b.lastCard = max(b.lastCard, e.IDShort)
	c.comments = max(c.comments, e.Badges.Comments)
	c.labels, c.members, c.voters = nil, nil, nil
	for _, x := range e.Labels {
		if x.ID == "" {
			continue // oldest exports have labels without ids on cards, and with ids on the board
		}
		if l := s.putLabel(b, x); !c.has(l) {
			c.labels = append(c.labels, l)
		}
	}
	for _, id := range e.IDLabels {
		if l, ok := s.ids[id].(*label); ok && !c.has(l) {
			c.labels = append(c.labels, l)
		}
	}
	for _, id := range e.IDMembers {
		c.members = append(c.members, s.knownMember(id))
	}
	for _, id := range e.IDMembersVoted {
		c.voters = append(c.voters, s.knownMember(id))
	}
	s.putParts(c, e)
	return c
}

// putParts puts what hangs on a card.
func (s *Server) putParts(c *card, e exportCard) {
	c.cover = cover{attachment: e.IDCover}
	for name, into := range map[string]*string{"color": &c.cover.color, "size": &c.cover.size, "brightness": &c.cover.brightness,
		"idUploadedBackground": &c.cover.background, "idPlugin": &c.cover.plugin} {
		*into, _ = e.Cover[name].(string)
	}
	c.cover.extra = e.Cover
	if e.Attachments != nil {
		c.attachments = nil
		for _, a := range e.Attachments {
			s.putAttachment(c, a)
		}
	}
	if e.Stickers != nil {
		c.stickers = nil
		for _, k := range e.Stickers {
			c.stickers = append(c.stickers, &sticker{id: k.ID, image: k.Image, top: k.Top, left: k.Left, z: k.ZIndex, rotate: k.Rotate, extra: k.extra})
		}
	}
	if e.CustomFieldItems != nil {
		c.values = nil
		for _, v := range e.CustomFieldItems {
			s.putValueOf(c, v)
		}
	}
	for _, l := range e.Checklists {
		s.putChecklist(c, l)
	}
	c.pluginData = e.PluginData
}

func (s *Server) putAttachment(c *card, e exportAttachment) {
	a := &attachment{id: e.ID, name: e.Name, url: e.URL, mime: e.MimeType, upload: e.IsUpload, date: e.Date, pos: e.Pos,
		edge: e.EdgeColor, previews: e.Previews, member: s.knownMember(e.IDMember), bytes: -1, file: e.FileName}
	if e.Bytes != nil {
		a.bytes = *e.Bytes
	}
	if a.upload {
		if a.file == "" {
			a.file = fileSlug(path.Base(a.name))
		}
		a.content = newMade(a.id, max(a.bytes, 0))
	}
	c.attachments = slices.DeleteFunc(c.attachments, func(x *attachment) bool { return x.id == a.id })
	c.attachments = append(c.attachments, a)
}

func (s *Server) putValueOf(c *card, e exportValue) {
	f, ok := s.ids[e.IDCustomField].(*field)
	if !ok {
		return // of a field that was deleted: Trello shows such items no more
	}
	v := &value{id: e.ID, field: f, value: e.Value}
	if e.IDValue != "" {
		if v.option = f.option(e.IDValue); v.option == nil {
			return
		}
	}
	c.values = append(c.values, v)
}

func (s *Server) putChecklist(c *card, e exportChecklist) *checklist {
	l, ok := s.ids[e.ID].(*checklist)
	if !ok {
		l = &checklist{id: e.ID, card: c}
		c.checklists = append(c.checklists, l)
		s.ids[l.id] = l
	}
	for _, i := range l.items {
		delete(s.ids, i.id)
	}
	l.name, l.pos, l.items, l.extra = e.Name, e.Pos, nil, e.extra
	for _, x := range e.CheckItems {
		i := &checkItem{id: x.ID, name: x.Name, done: x.State == "complete", pos: x.Pos, due: x.Due, reminder: x.Reminder, member: s.knownMember(x.IDMember), extra: x.extra}
		l.items = append(l.items, i)
		s.ids[i.id] = i
	}
	return l
}

// putActions puts actions, oldest first, leaving out those that are there.
func (s *Server) putActions(all []exportAction) {
	all = slices.Clone(all)
	slices.SortFunc(all, func(a, b exportAction) int { return strings.Compare(a.ID, b.ID) })
	counted := map[*card]int{}
	for _, e := range all {
		if s.ids[e.ID] != nil {
			continue
		}
		a := s.putAction(e)
		if a.typ == "commentCard" && a.card != nil {
			counted[a.card]++
		}
	}
	for c := range counted {
		known := 0
		for _, a := range c.actions {
			if a.typ == "commentCard" {
				known++
			}
		}
		c.comments = max(c.comments, known)
	}
}

func (s *Server) putAction(e exportAction) *action {
	a := &action{id: e.ID, typ: e.Type, date: e.Date.UTC(), data: e.Data, extra: e.extra}
	if a.data == nil {
		a.data = map[string]any{}
	}
	if e.MemberCreator != nil && s.ids[e.MemberCreator.ID] == nil {
		s.putMember(*e.MemberCreator)
	}
	if e.Member != nil && s.ids[e.Member.ID] == nil {
		s.putMember(*e.Member)
	}
	a.creator = s.knownMember(e.IDMemberCreator)
	if e.Member != nil {
		a.subject = s.knownMember(e.Member.ID)
	}
	a.board, _ = s.ids[nested(a.data, "board")].(*board)
	a.card, _ = s.ids[nested(a.data, "card")].(*card)
	a.org, _ = s.ids[nested(a.data, "organization")].(*org)
	s.record(a)
	return a
}

func nested(data map[string]any, name string) string {
	m, _ := data[name].(map[string]any)
	id, _ := m["id"].(string)
	return id
}
