package trello

import (
	"math"
	"time"

	"github.com/rialto-migrate/rialto/connector"
	"github.com/rialto-migrate/rialto/item"
)

// Where the vendor says what is said here.
const (
	docRates  = "developer.atlassian.com/cloud/trello/guides/rest-api/rate-limits (Jan 2026)"
	docLimits = "Trello's limits object (GET /boards/{id}?fields=limits; developer.atlassian.com/cloud/trello/guides/rest-api/limits)"
	docAPI    = "Trello's OpenAPI contract (developer.atlassian.com/cloud/trello/rest)"
)

// docNotices lists what Trello tells people of, docAdvanced what it tells beside.
const (
	docAdvanced = "who is assigned to a checklist item is notified: support.atlassian.com/trello/docs/how-to-use-advanced-checklists-to-set-due-dates"
	docNotices  = "the types that GET /1/members/{id}/notifications filters by (developer.atlassian.com/cloud/trello/rest/api-group-members)"
	byChoice    = "push, and by mail as each chose"
)

// longText is the most characters of a name, description or comment
// (contract: boards, checklists and labels say maxLength 16384; the cards guide
// says it of descriptions).
const longText = 16384

// attachmentName is the most characters of an attachment's name (contract,
// POST /cards/{id}/attachments).
const attachmentName = 256

// settleDelay is how long a request of a dead client may still land, unless the
// settle-delay setting says otherwise.
const settleDelay = 30 * time.Second

func (trello) Capabilities(s connector.Settings) connector.Capabilities {
	delay := settleDelay
	if d, err := time.ParseDuration(s[settingSettleDelay]); err == nil && d >= 0 {
		delay = d
	}
	free := s[settingPlan] == "free"
	c := connector.Capabilities{
		Kinds: map[item.Kind]connector.KindCaps{
			item.Board: boardCaps(), item.Member: memberCaps(), item.Label: labelCaps(), item.List: listCaps(),
			item.Task: taskCaps(), item.Checklist: checklistCaps(free), item.Comment: commentCaps(), item.Attachment: attachmentCaps(free),
		},
		Format:      connector.Markdown,
		Mention:     "@",
		Quiet:       "each person chooses under Settings, Notifications, how often Trello mails them: never, periodically, instantly",
		SettleDelay: delay,
		Quotas: []connector.Quota{
			{Requests: 100, Per: 10 * time.Second, Source: docRates},
			{Class: classMembers, Requests: 100, Per: 900 * time.Second, Source: docRates},
		},
		// One request for each 1,000 cards, and one for each 1,000 comments and
		// cards made; three actions a card is what lively boards have.
		TellsChanges: true, // dateLastActivity of a card
		ReadRequests: func(tasks int) float64 {
			return math.Max(1, math.Ceil(float64(tasks)/pageLimit)) + math.Max(1, math.Ceil(3*float64(tasks)/pageLimit))
		},
	}
	if !free {
		c.Kinds[item.CustomField] = fieldCaps()
	} else {
		task := c.Kinds[item.Task]
		c.Absent = map[item.Kind]string{item.CustomField: "custom fields need a paid workspace (the plan setting says free)"}
		delete(task.Fields, item.FieldValues.Name)
		task.Lost[item.FieldValues.Name] = "custom fields need a paid workspace (the plan setting says free)"
	}
	return c
}

// told is a field that Trello sets itself.
func told() connector.FieldCaps {
	return connector.FieldCaps{Told: true, Why: "Trello sets it itself; its API takes no author and no time"}
}

// needed is a text that may not be empty.
func needed(f connector.FieldCaps) connector.FieldCaps {
	f.Needed = true
	return f
}

func chars(n int, why string) connector.FieldCaps { return connector.FieldCaps{MaxChars: n, Why: why} }

func boardCaps() connector.KindCaps {
	return connector.KindCaps{
		Fields: map[string]connector.FieldCaps{
			item.Name.Name:        needed(chars(longText, docAPI+": POST /boards, name")),
			item.Description.Name: chars(longText, docAPI+": POST /boards, desc"),
			item.Closed.Name:      {},
			item.Members.Name:     {MaxCount: 1600, AtLeast: true, Why: docLimits + ": totalMembersPerBoard 1,600"},
			item.Created.Name:     told(),
		},
		Batch:    1,
		Shape:    []string{item.Name.Name, item.Description.Name},
		Undo:     connector.UndoExact,
		Requests: 4,
		Notices:  []connector.Notice{{Field: item.Members.Name, To: connector.ToNamed, By: byChoice, Why: "addedToBoard: " + docNotices}},
	}
}

func memberCaps() connector.KindCaps {
	never := connector.FieldCaps{Told: true, Why: "people are matched with Trello's own members, not written"}
	return connector.KindCaps{
		Fields: map[string]connector.FieldCaps{item.Name.Name: never, item.UserName.Name: never, item.Email.Name: never,
			item.Standing.Name: {Told: true, Values: item.Standings(), Why: "deactivated and unconfirmed of a membership: https://developer.atlassian.com/cloud/trello/rest/api-group-boards/#api-boards-id-memberships-get"}},
		Lost:  map[string]string{item.Outside.Name: "only members of the workspace are people of the place", item.OwnsPlace.Name: "nobody owns a whole workspace"},
		Batch: 1,
		Undo:  connector.UndoExact,
	}
}

func labelCaps() connector.KindCaps {
	return connector.KindCaps{
		Fields: map[string]connector.FieldCaps{
			item.Name.Name:  chars(longText, docAPI+": Label, name"),
			item.Color.Name: {Values: colors(), Why: "the colours of Trello's labels: ten, each with a dark and a light shade"},
		},
		Max:      1000,
		Why:      docLimits + ": labels per board 1,000",
		Batch:    20,
		Shape:    []string{item.Name.Name, item.Color.Name},
		Undo:     connector.UndoExact,
		Requests: 1,
	}
}

func listCaps() connector.KindCaps {
	return connector.KindCaps{
		Fields: map[string]connector.FieldCaps{
			item.Name.Name:     needed(chars(longText, docAPI+": as boards and labels")),
			item.Position.Name: {},
			item.Closed.Name:   {},
		},
		Max:      3000,
		MaxOpen:  500,
		Why:      docLimits + ": lists per board 3,000, of these 500 open",
		Ordered:  true,
		Batch:    20,
		Shape:    []string{item.Name.Name},
		Undo:     connector.UndoPartial,
		UndoWhy:  "Trello's API cannot delete a list: it is archived, and goes for good with its board",
		Requests: 1.3,
	}
}

func fieldCaps() connector.KindCaps {
	return connector.KindCaps{
		Fields: map[string]connector.FieldCaps{
			item.Name.Name:         needed(chars(255, "the length that Trello's own form takes")),
			item.Position.Name:     {},
			item.FieldType.Name:    {Values: []string{"text", "number", "date", "checkbox", "list"}, Fixed: true, Why: docAPI + ": PUT /customFields/{id} takes no type"},
			item.FieldOptions.Name: {MaxCount: 50, Why: docLimits + ": customFieldOptions per field 50"},
		},
		Max:      50,
		Why:      docLimits + ": customFields per board 50",
		Ordered:  true,
		Batch:    10,
		Shape:    []string{item.Name.Name, item.FieldType.Name},
		Undo:     connector.UndoExact,
		Requests: 2,
	}
}

func taskCaps() connector.KindCaps {
	return connector.KindCaps{
		Fields: map[string]connector.FieldCaps{
			item.Title.Name:       needed(chars(longText, docAPI+": as boards and labels")),
			item.Description.Name: chars(longText, docAPI+": a card's desc holds 16,384 characters"),
			item.InList.Name:      {Needed: true, Why: "a card stands in a list"},
			item.Position.Name:    {},
			item.Start.Name:       {},
			item.Due.Name:         {},
			item.Done.Name:        {},
			item.Labels.Name:      {},
			item.Assignees.Name:   {},
			item.Closed.Name:      {},
			item.FieldValues.Name: {},
			item.Location.Name:    {},
			item.Cover.Name: {Values: hues(), Why: "a cover is a colour here: a picture is chosen by an attachment's id, " +
				"which Trello gives only once the card and the attachment are there"},
			item.Created.Name: told(),
			item.Author.Name:  told(),
		},
		Lost: map[string]string{
			item.Progress.Name:   "a card is complete or not: Trello has no steps between",
			item.Priority.Name:   "Trello's cards have no priority",
			item.ParentTask.Name: "Trello's cards have no sub-cards",
			item.Stickers.Name:   "a sticker is set with its place on the card's face, and custom ones belong to the workspace that made them",
			item.Votes.Name:      "POST /cards/{id}/membersVoted casts a vote in the caller's own name only",
			item.Watchers.Name:   "a member subscribes to a card for themselves only (PUT /cards/{id}, subscribed)",
			item.Reminder.Name:   docAPI + ": neither POST nor PUT /cards takes a reminder",
			item.PowerUps.Name:   "the data of a Power-Up belongs to its maker, who alone may write it",
		},
		Max:      2000000,
		MaxOpen:  5000,
		Why:      docLimits + ": cards per board 2,000,000, of these 5,000 open",
		Ordered:  true,
		Batch:    50,
		Shape:    []string{item.Title.Name, item.Description.Name, item.InList.Name},
		Carrier:  "a link attachment whose address is the source's own, ending in " + markTail + "; it is made in the same request as the card",
		Undo:     connector.UndoExact,
		Requests: 1.6,
		RequestsOf: func(it item.Item) float64 { // the card, each of its field values, and its being archived
			n := 1 + float64(len(item.FieldValues.Get(it)))
			if item.Closed.Get(it) {
				n++
			}
			return n
		},
		Notices: []connector.Notice{
			{Field: item.Assignees.Name, To: connector.ToNamed, By: byChoice, Why: "addedToCard: " + docNotices},
			{Field: item.Assignees.Name, Changed: true, To: connector.ToDropped, By: byChoice, Why: "removedFromCard: " + docNotices},
			{Field: item.Due.Name, Changed: true, To: connector.ToAssigned, By: byChoice, Why: "changeCard: " + docNotices},
			{Field: item.InList.Name, Changed: true, To: connector.ToAssigned, By: byChoice, Why: "changeCard: " + docNotices},
			{Field: item.Closed.Name, To: connector.ToAssigned, By: byChoice, Why: "changeCard; a card is archived after it was made: " + docNotices},
		},
	}
}

func checklistCaps(free bool) connector.KindCaps {
	k := connector.KindCaps{
		Fields: map[string]connector.FieldCaps{
			item.Name.Name:          needed(chars(longText, docAPI+": POST /checklists, name: 1 to 16,384 characters")),
			item.Position.Name:      {},
			item.Entries.Name:       {MaxCount: 200, MaxChars: longText, Needed: true, Why: docLimits + ": checkItems per checklist 200; " + docAPI + ": their name"},
			item.EntryDue.Name:      {},
			item.EntryAssignee.Name: {},
		},
		Lost:     map[string]string{},
		Max:      500,
		Why:      docLimits + ": checklists per card 500",
		Ordered:  true,
		Batch:    10,
		Shape:    []string{item.Name.Name},
		Undo:     connector.UndoExact,
		Requests: 6,
		Notices:  []connector.Notice{{Field: item.EntryAssignee.Name, To: connector.ToEntries, By: byChoice, Why: docAdvanced}},
		// The checklist, a look at those of its card, and each entry.
		RequestsOf: func(it item.Item) float64 { return 1.9 + float64(len(item.Entries.Get(it))) },
	}
	if free {
		k.Notices = nil
		for _, f := range []string{item.EntryDue.Name, item.EntryAssignee.Name} {
			delete(k.Fields, f)
			k.Lost[f] = "advanced checklists need a paid workspace (the plan setting says free)"
		}
	}
	return k
}

func commentCaps() connector.KindCaps {
	return connector.KindCaps{
		Fields: map[string]connector.FieldCaps{
			item.Body.Name:    chars(longText, docAPI+": as descriptions"),
			item.Author.Name:  told(),
			item.Created.Name: told(),
			item.Edited.Name:  told(),
		},
		Batch:    20,
		Shape:    []string{item.Body.Name},
		Undo:     connector.UndoExact,
		Requests: 1,
		Notices:  []connector.Notice{{To: connector.ToAssigned, By: byChoice, Why: "commentCard; mentions are written as plain names: " + docNotices}},
	}
}

func attachmentCaps(free bool) connector.KindCaps {
	most := int64(250 << 20)
	why := "support.atlassian.com/trello: files of 250 MB in a paid workspace, of 10 MB in a free one (the plan setting)"
	if free {
		most = 10 << 20
	}
	fixed := connector.FieldCaps{Fixed: true, Why: docAPI + ": no call changes an attachment"}
	name := needed(fixed)
	name.MaxChars = attachmentName
	return connector.KindCaps{
		Fields: map[string]connector.FieldCaps{
			item.Name.Name:      name,
			item.Address.Name:   fixed,
			item.Content.Name:   {MaxBytes: most, Fixed: true, Why: why},
			item.MediaType.Name: fixed,
			item.Position.Name:  {Fixed: true, Why: "attachments stand in the order in which they were made; " + docAPI + ": no call takes a position"},
			item.Author.Name:    told(),
			item.Created.Name:   told(),
		},
		Max:      999,
		Why:      docLimits + ": attachments per card 1,000; the mark takes one",
		Batch:    10,
		Shape:    []string{item.Name.Name, item.Address.Name},
		Undo:     connector.UndoExact,
		Requests: 1,
		Notices:  []connector.Notice{{To: connector.ToAssigned, By: byChoice, Why: "addedAttachmentToCard: " + docNotices}},
	}
}
