package redmine

import (
	"fmt"

	"github.com/rialto-migrate/rialto/connector"
	"github.com/rialto-migrate/rialto/item"
)

// How many changes one Write takes, and how many requests run side by side.
const (
	taskBatch    = 20
	commentBatch = 20
	parallel     = 4
)

// Capabilities says what Redmine holds. The vendor's facts are from its REST API
// pages and from the source of 5.0, the files named in the reasons.
func (redmine) Capabilities(s connector.Settings) connector.Capabilities {
	// A setting that cannot be read is reported by Open; here its default counts.
	cfg, _ := parseConfig(s)
	caps := connector.Capabilities{
		Format:      cfg.text,
		Mention:     "@",
		Quiet:       quiet,
		SettleDelay: cfg.settle,
		Kinds: map[item.Kind]connector.KindCaps{
			item.Board:       boardCaps(),
			item.Member:      memberCaps(),
			item.CustomField: fieldCaps(),
			item.List:        listCaps(cfg),
			item.Task:        taskCaps(cfg),
			item.Comment:     commentCaps(cfg),
			item.Attachment:  attachmentCaps(cfg),
		},
		Absent: map[item.Kind]string{item.Checklist: "the core has no checklists: some plugins do, each with an API of its own"},
		// One for each issue, because journals come with the single issue only
		// (Rest_Issues), and one for each page; members, lists and fields before.
		TellsChanges: true, // updated_on of an issue
		ReadRequests: func(tasks int) float64 { return 12 + float64(tasks)*(1+1.0/pageSize) },
	}
	if cfg.labels != 0 {
		caps.Kinds[item.Label] = labelCaps()
	} else {
		caps.Absent[item.Label] = noLabels
	}
	return caps
}

type fields = map[string]connector.FieldCaps

const (
	quiet    = "Redmine mails people by its own settings (Administration, Settings, Email notifications) and each person's; switch \"Issue added\" and \"Issue updated\" off for the time of the run"
	noLabels = "Redmine has no labels; an administrator can make a custom field named Labels"
	noRank   = "Redmine keeps no order of its own among them"
)

// Whom Redmine mails, from its source of 5.0. The API has no parameter that keeps
// a mail back: Issue#notify= and Journal#notify= are not among safe_attributes.
const (
	issueMails   = "app/models/mailer.rb: deliver_issue_add"
	journalMails = "app/models/mailer.rb: deliver_issue_edit"
)

// everybody is the notice that each write of an issue gives.
func everybody() []connector.Notice {
	return []connector.Notice{{To: connector.ToChoosers, By: "mail", Why: "app/models/project.rb: notified_users, members who chose \"For any event\""}}
}

func told(why string) connector.FieldCaps { return connector.FieldCaps{Told: true, Why: why} }

func boardCaps() connector.KindCaps {
	return connector.KindCaps{
		Fields: fields{
			item.Name.Name:        {MaxChars: 255, Needed: true, Why: "app/models/project.rb: at most 255 characters"},
			item.Description.Name: {},
			item.Members.Name:     {AtLeast: true},
			item.Closed.Name:      told("a closed project takes no more issues, so closing it is left to its people"),
			item.Created.Name:     told("the server sets it"),
		},
		Batch:    1,
		Shape:    []string{item.Name.Name},
		Carrier:  "the project's homepage",
		Undo:     connector.UndoPartial,
		UndoWhy:  "only an administrator's key may delete a project, and one that holds issues or sub-projects of others stays",
		Requests: 3,
	}
}

func memberCaps() connector.KindCaps {
	return connector.KindCaps{
		Fields: fields{
			item.Name.Name:     told("people are made by an administrator"),
			item.UserName.Name: told("people are made by an administrator"),
			item.Email.Name:    told("people are made by an administrator"),
			item.Standing.Name: {Told: true, Values: item.Standings(), Why: "status, which administrators see (Rest_Users)"},
		},
		Lost:  map[string]string{item.Outside.Name: "whoever is seen can become a member of the project", item.OwnsPlace.Name: "nobody owns a whole project"},
		Batch: 1, Undo: connector.UndoExact,
	}
}

func fieldCaps() connector.KindCaps {
	const why = "custom fields cannot be created through the API (Rest_CustomFields: read only)"
	return connector.KindCaps{
		Fields: fields{item.Name.Name: told(why), item.FieldType.Name: told(why), item.FieldOptions.Name: told(why)},
		Lost:   map[string]string{item.Position.Name: noRank},
		Batch:  1, Undo: connector.UndoExact,
	}
}

func labelCaps() connector.KindCaps {
	return connector.KindCaps{
		Fields: fields{item.Name.Name: {MaxChars: 255, Fixed: true, Needed: true,
			Why: "the entries of a custom field cannot be created through the API: an administrator adds them, and a label takes over the entry of its name"}},
		Lost:     map[string]string{item.Color.Name: "entries of a custom field have no colour"},
		Batch:    commentBatch,
		Shape:    []string{item.Name.Name},
		Undo:     connector.UndoImpossible,
		UndoWhy:  "an entry of a custom field cannot be deleted through the API; it was there before",
		Requests: 0.1,
	}
}

func listCaps(cfg config) connector.KindCaps {
	k := connector.KindCaps{
		Fields: fields{item.Name.Name: {MaxChars: 60, Needed: true, Why: "app/models/issue_category.rb, version.rb: at most 60 characters; lists of one name become one"}},
		Lost: map[string]string{
			item.Position.Name: noRank,
			item.Closed.Name:   "a category is always open",
		},
		Batch:    commentBatch,
		Shape:    []string{item.Name.Name},
		Undo:     connector.UndoExact,
		Requests: 1,
	}
	switch cfg.listsAs {
	case asVersion:
		delete(k.Lost, item.Closed.Name)
		k.Fields[item.Closed.Name] = told("a closed version takes no more issues, so closing it is left to its people")
	case asStatus:
		k.Fields[item.Name.Name] = connector.FieldCaps{MaxChars: 30, Fixed: true, Needed: true,
			Why: "app/models/issue_status.rb: at most 30 characters; statuses cannot be created through the API: an administrator adds them, and a list takes over the status of its name"}
		k.Lost[item.Closed.Name] = "a status is always there"
		k.Requests = 0.1
	}
	return k
}

func taskCaps(cfg config) connector.KindCaps {
	const derived = "an issue with sub-issues computes it from them, unless Administration, Settings, Issue tracking says otherwise"
	k := connector.KindCaps{
		Fields: fields{
			item.Title.Name:       {MaxChars: 255, Needed: true, Why: "app/models/issue.rb: at most 255 characters"},
			item.Description.Name: {},
			item.InList.Name:      {},
			item.Start.Name:       {Days: true, Why: "Redmine keeps days; " + derived},
			item.Due.Name:         {Days: true, Why: "Redmine keeps days; " + derived},
			item.Done.Name:        {},
			item.Progress.Name:    {Why: derived},
			item.Priority.Name: {Values: priorityValues(cfg),
				Why: "every issue has a priority; the server's default stands for none, and so for medium"},
			item.Assignees.Name:   {MaxCount: 1, Why: "an issue has one assignee (Rest_Issues: assigned_to_id)"},
			item.ParentTask.Name:  {},
			item.Watchers.Name:    {},
			item.FieldValues.Name: told("custom fields cannot be created through the API (Rest_CustomFields: read only)"),
			item.Created.Name:     told("the server sets it (Rest_Issues has no created_on to write)"),
			item.Author.Name:      told("the author of an issue is whoever creates it, and needs rights to set each of its fields"),
		},
		Lost: map[string]string{
			item.Position.Name: noRank,
			item.Closed.Name:   "an issue cannot be archived",
			item.Labels.Name:   noLabels,
			item.Cover.Name:    "an issue has no cover",
			item.Stickers.Name: "an issue has no stickers",
			item.Votes.Name:    "an issue has no votes",
			item.Location.Name: "an issue has no place",
			item.Reminder.Name: "Redmine reminds everybody alike, by a task of the server",
			item.PowerUps.Name: "Redmine's plugins have no common store",
		},
		Batch:    taskBatch,
		Shape:    []string{item.Title.Name, item.Description.Name},
		Carrier:  "the custom field Rialto where an administrator made it, else a last line of the description: \"rialto: \" and the source's address",
		Undo:     connector.UndoExact,
		Requests: 1.3,
		Notices: append(everybody(),
			connector.Notice{Field: item.Assignees.Name, To: connector.ToNamed, By: "mail", Why: issueMails},
			connector.Notice{Field: item.Assignees.Name, Changed: true, To: connector.ToDropped, By: "mail", Why: "app/models/issue.rb: notified_users, previous_assignee"},
			connector.Notice{Field: item.Watchers.Name, To: connector.ToNamed, By: "mail", Why: issueMails + "; who is made a watcher of an issue that is there is not told"},
			connector.Notice{To: connector.ToAssigned, By: "mail", Changed: true, Why: journalMails},
			connector.Notice{Field: item.Done.Name, To: connector.ToAssigned, By: "mail", Why: "the workflow closes no issue that is being made, so that closing it is a change: " + journalMails},
		),
	}
	if cfg.labels != 0 {
		delete(k.Lost, item.Labels.Name)
		k.Fields[item.Labels.Name] = connector.FieldCaps{}
	}
	if cfg.listsAs == asStatus {
		k.Fields[item.Done.Name] = told("the status stands for the list, and decides whether an issue is closed")
	}
	return k
}

func priorityValues(cfg config) []string {
	out := []string{}
	for _, p := range priorityOrder {
		if _, ok := cfg.priorities[p]; ok || cfg.priorities == nil {
			out = append(out, p)
		}
	}
	return out
}

func commentCaps(cfg config) connector.KindCaps {
	author := told("comments are written as the person whose key this is; an administrator's key can write as their authors")
	if cfg.switchUser {
		author = connector.FieldCaps{Fixed: true, Why: "Rest_api: X-Redmine-Switch-User, for administrators"}
	}
	notices := append(everybody(), connector.Notice{To: connector.ToAssigned, By: "mail", Why: journalMails})
	if cfg.switchUser {
		notices = append(notices,
			connector.Notice{Field: item.Author.Name, To: connector.ToTalkers, By: "mail", Why: "who comments watches the issue from then on (app/models/watcher.rb)"},
			connector.Notice{Field: item.Author.Name, To: connector.ToSelf, By: "mail", Why: "the issue's author hears of what others write (app/models/issue.rb: notified_users)"})
	}
	return connector.KindCaps{
		Fields: fields{
			item.Body.Name:    {},
			item.Author.Name:  author,
			item.Created.Name: told("the server sets it"),
		},
		Lost:     map[string]string{item.Edited.Name: "5.0 does not tell when a note was changed"},
		Batch:    commentBatch,
		Shape:    []string{item.Body.Name},
		Undo:     connector.UndoExact,
		Requests: 1.4,
		Notices:  notices,
	}
}

func attachmentCaps(cfg config) connector.KindCaps {
	return connector.KindCaps{
		Fields: fields{
			item.Name.Name: {MaxChars: 255, Needed: true, Why: "app/models/attachment.rb: at most 255 characters"},
			item.Content.Name: {Fixed: true, MaxBytes: cfg.limit,
				Why: fmt.Sprintf("Administration, Settings, Files: maximum attachment size; the setting %s tells Rialto of another", setLimit)},
			item.MediaType.Name: {MaxChars: 200, Why: "app/models/attachment.rb: at most 255 characters, some of them ours"},
			item.Author.Name:    told("the server sets it"),
			item.Created.Name:   told("the server sets it"),
		},
		Lost: map[string]string{
			item.Address.Name:  "Redmine attaches files, not links",
			item.Position.Name: "Redmine sorts attachments by their time",
		},
		Batch:    parallel,
		Shape:    []string{item.Name.Name},
		Undo:     connector.UndoExact,
		Requests: 2.5,
		Notices:  append(everybody(), connector.Notice{To: connector.ToAssigned, By: "mail", Why: journalMails}),
	}
}
