package trello

import (
	"cmp"
	"slices"

	"github.com/rialto-migrate/rialto/connector"
	"github.com/rialto-migrate/rialto/item"
)

// A blobs says where the bytes of an uploaded attachment lie. A nil blob with a
// problem leaves the attachment a link and reports the problem.
type blobs interface {
	blob(cardID text, a attachment) (b *item.Blob, problem string)
}

// A snapshot is one board as it was read, ready to be listed in order. It is
// the same for the API and for an export, and is not changed once made.
type snapshot struct {
	board      board
	blobs      blobs
	cards      []*card
	byID       map[text]*card
	lists      map[text]*column
	checklists map[text][]checklist // by card
	comments   map[text][]action    // by card, oldest first
	members    []member
	optionText func(text) string
	notes      []string // what of the board is not carried
}

// newSnapshot sorts a board. It takes the board over.
func newSnapshot(b board, from blobs) *snapshot {
	s := &snapshot{board: b, blobs: from, byID: map[text]*card{}, lists: map[text]*column{},
		checklists: map[text][]checklist{}, comments: map[text][]action{}}
	s.frameParts()
	s.taskParts()
	s.history()
	s.gatherMembers()
	s.notes = append(s.notes, prefix("board", b.strays)...)
	for _, m := range b.Memberships {
		if m.Type != "" && m.Type != "normal" {
			s.note("board.memberships.memberType")
		}
	}
	slices.Sort(s.notes)
	s.notes = slices.Compact(s.notes)
	s.board.Cards, s.board.Checklists, s.board.Actions = nil, nil, nil
	return s
}

func prefix(kind string, fields []string) []string {
	var out []string
	for _, f := range fields {
		out = append(out, kind+"."+f)
	}
	return out
}

func (s *snapshot) note(path string) {
	if !slices.Contains(s.notes, path) {
		s.notes = append(s.notes, path)
	}
}

// frameParts readies lists, labels and custom fields.
func (s *snapshot) frameParts() {
	b := &s.board
	s.optionText = optionTexts(b.CustomFields)
	slices.SortStableFunc(b.Lists, func(x, y column) int { return byPos(x.Pos, y.Pos, x.ID, y.ID) })
	slices.SortStableFunc(b.CustomFields, func(x, y customField) int { return byPos(x.Pos, y.Pos, x.ID, y.ID) })
	for i := range b.Lists {
		l := &b.Lists[i]
		l.Board = b.ID
		s.lists[l.ID] = l
		s.notes = append(s.notes, prefix("list", l.strays)...)
	}
	for i := range b.CustomFields {
		b.CustomFields[i].Board = b.ID
	}
	b.Labels = gatherLabels(b)
}

// optionTexts returns a look-up of the options of list fields.
func optionTexts(fields []customField) func(text) string {
	texts := map[text]string{}
	for _, f := range fields {
		for _, o := range f.Options {
			texts[o.ID] = string(o.Value.v.Text)
		}
	}
	return func(id text) string { return texts[id] }
}

// gatherLabels returns the board's labels. Exports of 2015 hold them in the
// cards alone, and name the unused ones under labelNames; those before 2014
// give them no ids, so that a colour stands for the label.
func gatherLabels(b *board) []label {
	var out []label
	seen := map[text]bool{}
	add := func(l label) {
		if l.ID != "" && !seen[l.ID] {
			seen[l.ID] = true
			l.Board = b.ID
			out = append(out, l)
		}
	}
	for _, l := range b.Labels {
		add(l)
	}
	for i := range b.Cards {
		c := &b.Cards[i]
		for j := range c.Labels {
			l := &c.Labels[j]
			if l.ID == "" && l.Color != "" {
				l.ID = b.ID + "-" + l.Color
			}
			add(*l)
		}
	}
	if len(b.Labels) > 0 {
		return out
	}
	for _, hue := range hues() {
		name := b.LabelNames.v[hue]
		known := slices.ContainsFunc(out, func(l label) bool { return string(l.Color) == hue && l.Name == name })
		if name != "" && !known {
			add(label{ID: b.ID + text("-"+hue), Name: name, Color: text(hue)})
		}
	}
	return out
}

// taskParts sorts the cards: by list, then by position.
func (s *snapshot) taskParts() {
	b := &s.board
	for _, l := range b.Checklists {
		s.checklists[l.Card] = append(s.checklists[l.Card], l)
	}
	for i := range b.Cards {
		c := &b.Cards[i]
		if c.ID == "" {
			s.note("task.id")
			continue
		}
		c.Board = b.ID
		for _, l := range c.Checklists {
			l.Card = c.ID
			if !slices.ContainsFunc(s.checklists[c.ID], func(o checklist) bool { return o.ID == l.ID }) {
				s.checklists[c.ID] = append(s.checklists[c.ID], l)
			}
		}
		if c.List != "" && s.lists[c.List] == nil {
			c.List = ""
			c.strays = append(c.strays, "list")
		}
		c.Checklists = nil
		s.cards = append(s.cards, c)
		s.byID[c.ID] = c
	}
	for id := range s.checklists {
		if s.byID[id] == nil {
			s.note("checklist.card")
		}
		slices.SortStableFunc(s.checklists[id], func(x, y checklist) int { return byPos(x.Pos, y.Pos, x.ID, y.ID) })
	}
	slices.SortStableFunc(s.cards, func(x, y *card) int { return s.key(x).compare(s.key(y)) })
}

// history takes comments and authors from the actions.
func (s *snapshot) history() {
	for _, a := range s.board.Actions {
		c := s.byID[a.Data.v.Card.v.ID]
		switch {
		case a.comment() && c == nil:
			// A card that was deleted or moved away keeps its comments in the
			// board's history; they belong to no card of this board any more.
			s.note("comment.card")
		case a.comment():
			s.comments[c.ID] = append(s.comments[c.ID], a)
		case c == nil:
		case a.birth() && c.Creator == "":
			c.Creator = text(a.by())
		case a.Type == "addAttachmentToCard":
			for i := range c.Attachments {
				if at := &c.Attachments[i]; at.ID == a.Data.v.Attachment.v.ID && at.Member == "" {
					at.Member = text(a.by())
				}
			}
		}
	}
	for _, list := range s.comments {
		slices.SortStableFunc(list, func(x, y action) int {
			return cmp.Or(x.Date.Compare(y.Date.Time), cmp.Compare(x.ID, y.ID))
		})
	}
}

// gatherMembers returns everybody whom anything refers to: the board's members
// first, then those known from what they did, then those of whom only the id is
// left.
func (s *snapshot) gatherMembers() {
	seen := map[text]bool{}
	add := func(m member) {
		if m.ID != "" && !seen[m.ID] {
			seen[m.ID] = true
			s.members = append(s.members, m)
		}
	}
	for _, m := range s.board.Members {
		add(m)
	}
	for _, a := range s.board.Actions {
		add(a.Creator)
		add(a.Member)
		add(a.Data.v.Commenter.v)
	}
	byID := func(id text) { add(member{ID: id}) }
	for _, id := range people(&s.board) {
		byID(text(id))
	}
	for _, c := range s.cards {
		byID(c.Creator)
		for _, id := range slices.Concat(c.MemberIDs, c.Voters) {
			byID(id)
		}
		for _, a := range c.Attachments {
			byID(a.Member)
		}
		for _, l := range s.checklists[c.ID] {
			for _, e := range l.Items {
				byID(e.Member)
			}
		}
		for _, a := range s.comments[c.ID] {
			byID(text(a.by()))
		}
	}
}

// frame returns the board and what frames its cards, in the order of levels.
func (s *snapshot) frame() []item.Bundle {
	bundle := func(it item.Item) item.Bundle { return item.Bundle{Item: it, CheckItems: -1} }
	head := bundle(boardItem(&s.board))
	head.Unknown = s.notes
	out := []item.Bundle{head}
	told := standings(s.board.Memberships)
	for _, m := range s.members {
		out = append(out, bundle(memberItem(m, s.board.ID, told[m.ID])))
	}
	for _, l := range s.board.Labels {
		out = append(out, bundle(labelItem(l)))
	}
	for _, f := range s.board.CustomFields {
		out = append(out, bundle(fieldItem(f)))
	}
	for _, l := range s.board.Lists {
		out = append(out, bundle(listItem(l)))
	}
	return out
}

// task returns a card with all that lies in it.
func (s *snapshot) task(c *card) item.Bundle {
	out := item.Bundle{Item: taskItem(c, s.optionText), CheckItems: int(c.Badges.v.CheckItems.or(-1)), Counts: map[item.Kind]int{}}
	unknown := append(prefix("task", c.strays), c.repeatedNotes...)
	for _, l := range s.checklists[c.ID] {
		out.Children = append(out.Children, checklistItem(l))
		if slices.ContainsFunc(l.Items, func(e checkItem) bool { return reminder(e.Reminder) != "" }) {
			unknown = append(unknown, "checklist.entries.reminder")
		}
	}
	for _, a := range s.comments[c.ID] {
		out.Children = append(out.Children, commentItem(a))
		if len(a.Reactions) > 0 {
			unknown = append(unknown, "comment.reactions")
		}
	}
	marked := int64(0)
	for _, a := range sortedAttachments(c) {
		if marks(a) {
			marked++
			continue
		}
		var blob *item.Blob
		if a.uploaded() {
			var problem string
			if blob, problem = s.blobs.blob(c.ID, a); problem != "" {
				unknown = append(unknown, problem)
			}
		}
		out.Children = append(out.Children, attachmentItem(c.ID, a, blob))
	}
	if n := c.Badges.v.Comments; n.told {
		out.Counts[item.Comment] = int(n.n)
	}
	if n := c.Badges.v.Attachments; n.told {
		out.Counts[item.Attachment] = int(max(n.n-marked, 0))
	}
	slices.Sort(unknown)
	out.Unknown = slices.Compact(unknown)
	return out
}

func sortedAttachments(c *card) []attachment {
	out := slices.Clone(c.Attachments)
	slices.SortStableFunc(out, func(a, b attachment) int { return byPos(a.Pos, b.Pos, a.ID, b.ID) })
	return out
}

// shard describes the board without its contents.
func (s *snapshot) shard() connector.Shard {
	sh := shardOf(&s.board, nil)
	sh.Counts = map[item.Kind]int{item.Task: len(s.cards), item.List: len(s.board.Lists), item.Label: len(s.board.Labels)}
	sh.Bytes = 0
	for _, c := range s.cards {
		sh.Counts[item.Checklist] += len(s.checklists[c.ID])
		sh.Counts[item.Comment] += int(c.Badges.v.Comments.or(int64(len(s.comments[c.ID]))))
		for _, a := range c.Attachments {
			if !marks(a) {
				sh.Counts[item.Attachment]++
			}
			if a.uploaded() {
				sh.Bytes += a.Bytes.or(0)
			}
		}
	}
	return sh
}
