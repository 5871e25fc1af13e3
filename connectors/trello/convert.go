package trello

import (
	"cmp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/rialto-migrate/rialto/item"
)

// Conversion from Trello's JSON to items. It is the same for the API, for an
// export and for what a target reads back, so that a round trip compares like
// with like.

// markTail ends the address that carries a mark, so that the link can be told
// from the links people attach.
const markTail = "#rialto"

// carry returns the address that carries a mark: the source's own address where
// it has one. A card's link attachments must be http or https (contract,
// POST /cards, urlSource); a mark without an address stands under a name that
// RFC 2606 keeps from ever resolving.
func carry(mark string) string {
	if !strings.HasPrefix(mark, "https://") && !strings.HasPrefix(mark, "http://") {
		mark = "https://rialto.invalid/" + mark
	}
	if strings.Contains(mark, "#") {
		return mark + "&" + markTail[1:]
	}
	return mark + markTail
}

// marks reports whether an attachment is a mark of ours.
func marks(a attachment) bool {
	u := string(a.URL)
	return !bool(a.IsUpload) && (strings.HasSuffix(u, markTail) || strings.Contains(u, "#") && strings.HasSuffix(u, "&"+markTail[1:]))
}

// markOf returns what a card carries as its mark, "" if nothing.
func markOf(c *card) string {
	for _, a := range c.Attachments {
		if marks(a) {
			return string(a.URL)
		}
	}
	return ""
}

func ref(k item.Kind, id text) item.Ref {
	if id == "" {
		return item.Ref{}
	}
	return item.Ref{Kind: k, ID: string(id)}
}

func boardItem(b *board) item.Item {
	it := item.Item{Ref: ref(item.Board, b.ID), URL: string(cmp.Or(b.ShortURL, b.URL))}
	if b.ShortLink != "" {
		it.Aliases = []string{"b/" + string(b.ShortLink)}
	}
	item.Name.Set(&it, string(b.Name))
	item.Description.Set(&it, string(b.Desc))
	item.Closed.Set(&it, bool(b.Closed))
	item.Created.Set(&it, born(string(b.ID)))
	item.Members.Set(&it, people(b))
	return it
}

// people returns who belongs to a board: its memberships, or where those were
// not asked for its members. Members whose account is closed are left out.
func people(b *board) []string {
	var out []string
	for _, m := range b.Memberships {
		if !m.Deactivated && m.Member != "" {
			out = append(out, string(m.Member))
		}
	}
	if len(b.Memberships) == 0 {
		for _, m := range b.Members {
			out = append(out, string(m.ID))
		}
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// standings are what memberships tell of people's accounts. One that is
// deactivated by an enterprise and one that nobody ever signed up for (a ghost,
// made by an invitation) sign nobody in.
// https://developer.atlassian.com/cloud/trello/guides/rest-api/object-definitions/
func standings(memberships []membership) map[text]string {
	out := map[text]string{}
	for _, m := range memberships {
		out[m.Member] = item.Active
		if m.Deactivated || m.Unconfirmed {
			out[m.Member] = item.Disabled
		}
	}
	return out
}

func memberItem(m member, b text, standing string) item.Item {
	it := item.Item{Ref: ref(item.Member, m.ID), Parent: ref(item.Board, b)}
	if m.Type == "ghost" {
		standing = item.Disabled
	}
	item.Standing.Set(&it, standing)
	item.Name.Set(&it, string(m.FullName))
	item.UserName.Set(&it, string(m.UserName))
	item.Email.Set(&it, string(m.Email))
	return it
}

func labelItem(l label) item.Item {
	it := item.Item{Ref: ref(item.Label, l.ID), Parent: ref(item.Board, l.Board)}
	item.Name.Set(&it, string(l.Name))
	item.Color.Set(&it, plainColor(string(l.Color)))
	return it
}

func listItem(c column) item.Item {
	it := item.Item{Ref: ref(item.List, c.ID), Parent: ref(item.Board, c.Board)}
	item.Name.Set(&it, string(c.Name))
	item.Position.Set(&it, rank(c.Pos))
	item.Closed.Set(&it, bool(c.Closed))
	return it
}

func fieldItem(f customField) item.Item {
	it := item.Item{Ref: ref(item.CustomField, f.ID), Parent: ref(item.Board, f.Board)}
	item.Name.Set(&it, string(f.Name))
	item.Position.Set(&it, rank(f.Pos))
	item.FieldType.Set(&it, string(f.Type))
	var options []string
	for _, o := range f.Options {
		options = append(options, string(o.Value.v.Text))
	}
	item.FieldOptions.Set(&it, options)
	return it
}

// taskItem converts a card. optionText gives the text of a list field's option.
func taskItem(c *card, optionText func(option text) string) item.Item {
	it := item.Item{Ref: ref(item.Task, c.ID), Parent: ref(item.Board, c.Board), Changed: c.Active.Time, URL: string(cmp.Or(c.ShortURL, c.URL))}
	if c.ShortLink != "" {
		it.Aliases = []string{"c/" + string(c.ShortLink)}
	}
	item.Title.Set(&it, string(c.Name))
	item.Description.Set(&it, string(c.Desc))
	item.InList.Set(&it, ref(item.List, c.List))
	item.Position.Set(&it, rank(c.Pos))
	item.Start.Set(&it, c.Start.Time)
	item.Due.Set(&it, c.Due.Time)
	item.Done.Set(&it, bool(c.DueComplete))
	item.Closed.Set(&it, bool(c.Closed))
	var labels []item.Ref
	for _, id := range labelIDs(c) {
		labels = append(labels, ref(item.Label, id))
	}
	item.Labels.Set(&it, labels)
	item.Assignees.Set(&it, ids(c.MemberIDs))
	item.Votes.Set(&it, ids(c.Voters))
	item.FieldValues.Set(&it, fieldValues(c, optionText))
	item.Cover.Set(&it, coverText(c))
	item.Stickers.Set(&it, stickers(c))
	item.Location.Set(&it, location(c))
	item.Reminder.Set(&it, reminder(c.DueReminder))
	item.PowerUps.Set(&it, powerUps(c))
	item.Created.Set(&it, born(string(c.ID)))
	item.Author.Set(&it, string(c.Creator))
	return it
}

// labelIDs joins the two ways in which a card names its labels. Exports before
// 2014 give labels without ids; normalize has given them some.
func labelIDs(c *card) []text {
	out := slices.Clone(c.LabelIDs)
	for _, l := range c.Labels {
		if l.ID != "" && !slices.Contains(out, l.ID) {
			out = append(out, l.ID)
		}
	}
	return out
}

func ids(in []text) []string {
	var out []string
	for _, id := range in {
		if id != "" && !slices.Contains(out, string(id)) {
			out = append(out, string(id))
		}
	}
	return out
}

func fieldValues(c *card, optionText func(text) string) []item.FieldValue {
	var out []item.FieldValue
	for _, v := range c.FieldItems {
		if s := valueText(v, optionText); s != "" && v.Field != "" {
			out = append(out, item.FieldValue{Field: string(v.Field), Value: s})
		}
	}
	slices.SortFunc(out, func(a, b item.FieldValue) int { return cmp.Compare(a.Field, b.Field) })
	return out
}

// valueText gives a value its canonical text: numbers without needless zeros,
// times as RFC 3339 in UTC.
func valueText(v customFieldItem, optionText func(text) string) string {
	val := v.Value.v
	switch {
	case v.OptionID != "":
		return optionText(v.OptionID)
	case val.Text != "":
		return string(val.Text)
	case val.Number != "":
		return numberText(string(val.Number))
	case val.Date != "":
		if at, ok := readTime(string(val.Date)); ok {
			return at.Format(time.RFC3339)
		}
		return string(val.Date)
	}
	if val.Checked == "true" {
		return "true"
	}
	return "" // Trello keeps no value for a box that is not ticked
}

func numberText(s string) string {
	if f, err := strconv.ParseFloat(s, 64); err == nil && f > -1e15 && f < 1e15 {
		return strconv.FormatFloat(f, 'f', -1, 64)
	}
	return s
}

// coverText names what stands on a card's face: an attachment by its name, a
// colour, or the address of a picture.
func coverText(c *card) string {
	v := c.Cover.v
	if id := cmp.Or(v.Attachment, c.CoverID); id != "" {
		for _, a := range c.Attachments {
			if a.ID == id {
				return string(a.Name)
			}
		}
		return string(id)
	}
	if v.Color != "" {
		return plainColor(string(v.Color))
	}
	return string(cmp.Or(v.SourceURL, v.Background))
}

func stickers(c *card) []string {
	in := slices.Clone(c.Stickers)
	slices.SortStableFunc(in, func(a, b sticker) int { return byPos(a.Z, b.Z, a.ID, b.ID) })
	var out []string
	for _, s := range in {
		out = append(out, string(s.Image))
	}
	return out
}

// location joins what a card says of its place: "name; address; lat,lon".
func location(c *card) string {
	var parts []string
	for _, s := range []string{string(c.LocationName), string(c.Address), string(c.Coordinates)} {
		if s != "" {
			parts = append(parts, s)
		}
	}
	return strings.Join(parts, "; ")
}

// reminder is in minutes; Trello sends -1 for none.
func reminder(t text) string {
	if n, err := strconv.Atoi(string(t)); err != nil || n < 0 {
		return ""
	}
	return string(t)
}

func powerUps(c *card) []string {
	var out []string
	for _, p := range c.PluginData {
		if id := string(p.Plugin); id != "" && !slices.Contains(out, id) {
			out = append(out, id)
		}
	}
	slices.Sort(out)
	return out
}

func checklistItem(l checklist) item.Item {
	it := item.Item{Ref: ref(item.Checklist, l.ID), Parent: ref(item.Task, l.Card)}
	item.Name.Set(&it, string(l.Name))
	item.Position.Set(&it, rank(l.Pos))
	var entries []item.Check
	for _, e := range sortedItems(l) {
		entries = append(entries, item.Check{ID: string(e.ID), Title: string(e.Name), Done: e.State == "complete",
			Due: e.Due.Time, Assignee: string(e.Member)})
	}
	item.Entries.Set(&it, entries)
	return it
}

func sortedItems(l checklist) []checkItem {
	out := slices.Clone(l.Items)
	slices.SortStableFunc(out, func(a, b checkItem) int { return byPos(a.Pos, b.Pos, a.ID, b.ID) })
	return out
}

// commentItem converts a commentCard action.
func commentItem(a action) item.Item {
	it := item.Item{Ref: ref(item.Comment, a.ID), Parent: ref(item.Task, a.Data.v.Card.v.ID)}
	item.Body.Set(&it, string(a.Data.v.Text))
	item.Author.Set(&it, a.by())
	at := a.Date.Time
	if at.IsZero() {
		at = born(string(a.ID))
	}
	item.Created.Set(&it, at)
	item.Edited.Set(&it, a.Data.v.Edited.Time)
	return it
}

// attachmentID joins the card's id to the attachment's: Trello finds an
// attachment only through its card.
func attachmentID(card, id text) string { return string(card) + "/" + string(id) }

// splitAttachment is the inverse of attachmentID.
func splitAttachment(id string) (card, attachment string, ok bool) {
	card, attachment, ok = strings.Cut(id, "/")
	return card, attachment, ok && card != "" && attachment != "" && !strings.Contains(attachment, "/")
}

// anyBytes is the media type that says nothing: it is what a file without one
// comes back with.
const anyBytes = "application/octet-stream"

// attachmentItem converts an attachment; blob is nil for a link.
func attachmentItem(cardID text, a attachment, blob *item.Blob) item.Item {
	it := item.Item{Ref: item.Ref{Kind: item.Attachment, ID: attachmentID(cardID, a.ID)}, Parent: ref(item.Task, cardID)}
	item.Name.Set(&it, string(a.Name))
	item.Position.Set(&it, rank(a.Pos))
	if a.MimeType != anyBytes {
		item.MediaType.Set(&it, string(a.MimeType))
	}
	item.Author.Set(&it, string(a.Member))
	at := a.Date.Time
	if at.IsZero() {
		at = born(string(a.ID))
	}
	item.Created.Set(&it, at)
	if blob == nil {
		item.Address.Set(&it, string(a.URL))
		return it
	}
	it.URL = string(a.URL) // where people find the file
	b := *blob
	b.Ref, b.Parent = it.Ref, it.Parent
	it.Blob = &b
	return it
}
