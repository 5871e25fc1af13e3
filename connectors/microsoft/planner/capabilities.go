package planner

import (
	"strconv"
	"time"

	"github.com/rialto-migrate/rialto/connector"
	"github.com/rialto-migrate/rialto/connectors/microsoft"
	"github.com/rialto-migrate/rialto/item"
)

// The pages that the limits and losses are from.
const (
	limitsPage    = "https://learn.microsoft.com/en-us/office365/planner/planner-limits"
	taskPage      = "https://learn.microsoft.com/en-us/graph/api/resources/plannertask"
	detailsPage   = "https://learn.microsoft.com/en-us/graph/api/resources/plannertaskdetails"
	checklistPage = "https://learn.microsoft.com/en-us/graph/api/resources/plannerchecklistitem"
	referencePage = "https://learn.microsoft.com/en-us/graph/api/resources/plannerexternalreference"
	planPage      = "https://learn.microsoft.com/en-us/graph/api/resources/plannerplan"
	bucketPage    = "https://learn.microsoft.com/en-us/graph/api/resources/plannerbucket"
	replyPage     = "https://learn.microsoft.com/en-us/graph/api/conversationthread-reply"
	// Groups take WelcomeEmailDisabled and SubscribeNewGroupMembers when they are
	// made, and never later.
	optionsPage   = "https://learn.microsoft.com/en-us/graph/group-set-options"
	subscribePage = "https://learn.microsoft.com/en-us/graph/api/group-subscribebymail"
	assignedPage  = "https://support.microsoft.com/en-us/office/cce223d6-b0ae-43cf-a080-266e2414a859"
	postPage      = "https://learn.microsoft.com/en-us/graph/api/resources/post"
)

// welcomed is why a new member of a group gets a mail.
const welcomed = "a group welcomes who joins it, as an assignment makes people do, unless it was made with WelcomeEmailDisabled: " + optionsPage

const (
	titleChars       = 255
	categoryChars    = 100
	entryChars       = 100
	descriptionChars = 32768
	taskBatch        = microsoft.BatchParts
)

// Capabilities implements connector.Connector.
func (planner) Capabilities(s connector.Settings) connector.Capabilities {
	o, err := readOptions(s)
	if err != nil { // Open refuses these settings; the table stays readable
		o = standardOptions()
	}
	kinds := map[item.Kind]connector.KindCaps{
		item.Board:      boardCaps(),
		item.Member:     memberCaps(),
		item.Label:      labelCaps(),
		item.List:       listCaps(),
		item.Task:       taskCaps(),
		item.Checklist:  checklistCaps(),
		item.Attachment: attachmentCaps(o),
	}
	if microsoft.Delegated(s) {
		kinds[item.Comment] = commentCaps()
	}
	return connector.Capabilities{
		Kinds:       kinds,
		Absent:      absent(s),
		Format:      connector.Plain,
		SettleDelay: o.settle,
		Quiet:       "each person chooses under Planner's settings, Notifications, whether an assignment mails them, and is reminded by mail of late tasks; a group that Rialto makes welcomes nobody",
		ReadRequests: func(tasks int) float64 {
			return 6 + float64(tasks) + float64(tasks)/400
		},
	}
}

// absent says why there is no place for what kinds lacks.
func absent(s connector.Settings) map[item.Kind]string {
	out := map[item.Kind]string{
		item.CustomField: "basic plans have no custom fields; those of premium plans are not in Graph: https://learn.microsoft.com/en-us/graph/api/resources/planner-overview",
	}
	if !microsoft.Delegated(s) {
		out[item.Comment] = "an app on its own may not write to a group's conversations, a person who signs in may: " + replyPage
	}
	return out
}

func boardCaps() connector.KindCaps {
	return connector.KindCaps{
		Fields: map[string]connector.FieldCaps{
			item.Name.Name:    {MaxChars: titleChars, Needed: true, Why: planPage},
			item.Members.Name: {MaxCount: 100, AtLeast: true, Why: "a plan is shared with at most 100 people: " + limitsPage},
			item.Created.Name: {Told: true, Why: "createdDateTime is read-only: " + planPage},
		},
		Lost: map[string]string{
			item.Description.Name: "a plan has a title and no description: " + planPage,
			item.Closed.Name:      "a plan cannot be archived through Graph v1.0: " + planPage,
		},
		Max: 200, Why: "a group holds 200 plans (a newer edition of the page says 400): " + limitsPage,
		Batch: 1, Shape: []string{item.Name.Name}, Requests: 8,
		Undo: connector.UndoPartial, UndoWhy: "the plan is deleted; people who were added to the group stay its members",
		Notices: []connector.Notice{{Field: item.Members.Name, To: connector.ToNamed, Once: true, By: "mail", Why: welcomed}},
	}
}

func memberCaps() connector.KindCaps {
	return connector.KindCaps{
		Fields: map[string]connector.FieldCaps{
			item.Name.Name:     {Told: true},
			item.UserName.Name: {Told: true},
			item.Email.Name:    {Told: true},
			item.Standing.Name: {Told: true, Values: item.Standings(), Why: "accountEnabled, userType and assignedLicenses, which need User.Read.All: https://learn.microsoft.com/en-us/graph/api/resources/user"},
			item.Outside.Name:  {Told: true, Why: "not in the group: an assignment adds them to it, with its mailbox and files: https://learn.microsoft.com/en-us/graph/api/group-post-members"},
		},
		Lost:  map[string]string{item.OwnsPlace.Name: "all members of a group use its plans alike: https://learn.microsoft.com/en-us/graph/api/resources/planner-overview"},
		Batch: 1, Undo: connector.UndoExact,
	}
}

func labelCaps() connector.KindCaps {
	return connector.KindCaps{
		Fields: map[string]connector.FieldCaps{
			item.Name.Name: {MaxChars: categoryChars, Needed: true,
				Why: "a category without a name is not there until a task uses it; Planner shows its colour's name: https://learn.microsoft.com/en-us/graph/api/resources/plannercategorydescriptions"},
			item.Color.Name: {Values: colors(), Unique: true, Fixed: true,
				Why: "a plan has 25 categories, each of a colour of its own: https://learn.microsoft.com/en-us/graph/api/resources/plannercategorydescriptions"},
		},
		Max: 25, Why: "a plan has 25 categories: https://learn.microsoft.com/en-us/graph/api/resources/plannercategorydescriptions",
		Batch: 25, Shape: []string{item.Name.Name, item.Color.Name}, Requests: 0.2,
		Undo: connector.UndoExact,
	}
}

func listCaps() connector.KindCaps {
	return connector.KindCaps{
		Fields: map[string]connector.FieldCaps{
			item.Name.Name:     {MaxChars: titleChars, Needed: true, Why: bucketPage},
			item.Position.Name: {},
		},
		Lost: map[string]string{item.Closed.Name: "a bucket cannot be archived: " + bucketPage},
		Max:  200, Why: "a plan holds 200 buckets: " + limitsPage,
		Ordered: true, Batch: taskBatch, Shape: []string{item.Name.Name}, Requests: 1,
		Undo: connector.UndoExact,
	}
}

func taskCaps() connector.KindCaps {
	none := func(what string) string { return "a task has no " + what + ": " + taskPage }
	return connector.KindCaps{
		Fields: map[string]connector.FieldCaps{
			item.Title.Name:       {MaxChars: titleChars, Needed: true, Why: taskPage},
			item.Description.Name: {MaxChars: descriptionChars, Why: "plain text in Graph v1.0: " + detailsPage},
			item.InList.Name:      {Needed: true, Why: "Planner shows tasks by their buckets, and one that stands in a bucket cannot leave it for none: " + taskPage},
			item.Position.Name:    {},
			item.Start.Name:       {Days: true, Why: "Planner shows days: " + taskPage},
			item.Due.Name:         {Days: true, Why: "Planner shows days: " + taskPage},
			item.Done.Name:        {},
			item.Progress.Name:    {Values: []string{"0", "50", "100"}, Why: "Planner shows not started, in progress and completed: " + taskPage},
			item.Priority.Name:    {Values: []string{"urgent", "important", "medium", "low"}, Why: taskPage},
			item.Labels.Name:      {MaxCount: 25, Why: taskPage},
			item.Assignees.Name:   {MaxCount: 20, Why: "a task is assigned to at most 20 people: " + limitsPage},
			item.Created.Name:     {Told: true, Why: "createdDateTime is read-only: " + taskPage},
			item.Author.Name:      {Told: true, Why: "createdBy is the caller: " + taskPage},
		},
		Lost: map[string]string{
			item.Closed.Name:      "a task cannot be archived: " + taskPage,
			item.ParentTask.Name:  none("sub-tasks in Graph v1.0"),
			item.FieldValues.Name: "a task of a basic plan has no custom fields, and premium plans are not in Graph: https://learn.microsoft.com/en-us/graph/api/resources/planner-overview",
			item.Cover.Name:       none("cover; previewType only says which kind of preview is shown"),
			item.Stickers.Name:    none("stickers"),
			item.Votes.Name:       none("votes"),
			item.Watchers.Name:    none("watchers"),
			item.Location.Name:    none("place"),
			item.Reminder.Name:    none("reminder"),
			item.PowerUps.Name:    none("add-ons with data of their own"),
		},
		Max: 9000, MaxOpen: 2400, MaxMade: 20000, MaxMadeWhy: "one account creates 20,000 tasks in all; move the rest through another connection: " + limitsPage,
		Why:     "a plan holds 9,000 tasks, of which 2,400 are not completed (a newer edition of the page says 3,000): " + limitsPage,
		Ordered: true, Batch: taskBatch,
		Shape:   []string{item.Title.Name, item.InList.Name, item.Start.Name, item.Due.Name, item.Done.Name, item.Labels.Name, item.Assignees.Name},
		Carrier: "a reference named “" + markAlias + "” whose key is the source's address", Requests: 3, // it is made, its details are read, and written
		Undo: connector.UndoExact,
		Notices: []connector.Notice{
			{Field: item.Assignees.Name, To: connector.ToNamed, By: "mail and push", Why: "unless the person switched it off: " + assignedPage},
			{Field: item.Assignees.Name, To: connector.ToNamed, Once: true, By: "mail", Why: welcomed},
			{Field: item.Assignees.Name, Changed: true, To: connector.ToDropped, By: "mail", Why: assignedPage},
		},
	}
}

func checklistCaps() connector.KindCaps {
	return connector.KindCaps{
		Fields: map[string]connector.FieldCaps{
			item.Entries.Name: {MaxCount: 20, MaxChars: entryChars, Needed: true,
				Why: "a task has 20 checklist entries (" + limitsPage + ") of 100 characters, as Planner's clients allow"},
		},
		Lost: map[string]string{
			item.Name.Name:          "a task has one checklist, and it has no name: " + detailsPage,
			item.Position.Name:      "a task has one checklist: " + detailsPage,
			item.EntryDue.Name:      "an entry has a title and a tick: " + checklistPage,
			item.EntryAssignee.Name: "an entry has a title and a tick: " + checklistPage,
		},
		Embedded: item.Task, Max: 1, Why: "a task has one checklist: " + detailsPage,
		Batch: 1, Undo: connector.UndoExact,
	}
}

func attachmentCaps(o options) connector.KindCaps {
	return connector.KindCaps{
		Fields: map[string]connector.FieldCaps{
			item.Name.Name:      {Why: "the alias of a reference: " + referencePage},
			item.Address.Name:   {Why: "http and https only: https://learn.microsoft.com/en-us/graph/api/resources/plannerexternalreferences"},
			item.Content.Name:   {MaxBytes: 250 << 30, Why: "a file of a SharePoint library is at most 250 GB: https://learn.microsoft.com/en-us/graph/api/driveitem-createuploadsession"},
			item.Position.Name:  {Why: "previewPriority of a reference: " + referencePage},
			item.MediaType.Name: {Told: true, Why: "SharePoint tells it by the file's name"},
			item.Author.Name:    {Told: true, Why: "lastModifiedBy is read-only: " + referencePage},
			item.Created.Name:   {Told: true, Why: "lastModifiedDateTime is read-only: " + referencePage},
		},
		Embedded: item.Task, Max: o.references - 1,
		Why:   "a task has " + strconv.Itoa(o.references) + " references (setting references-max), one of which is the mark: " + limitsPage,
		Batch: 1, Requests: 3, Undo: connector.UndoExact,
	}
}

func commentCaps() connector.KindCaps {
	return connector.KindCaps{
		Fields: map[string]connector.FieldCaps{
			item.Body.Name:    {Fixed: true, Why: "a post cannot be changed: " + postPage},
			item.Author.Name:  {Told: true, Why: "a post is from who is signed in: " + replyPage},
			item.Created.Name: {Told: true, Why: "createdDateTime is read-only: " + postPage},
		},
		Lost:  map[string]string{item.Edited.Name: "a post cannot be changed: " + postPage},
		Batch: taskBatch, Shape: []string{item.Body.Name}, Requests: 3.5,
		Undo: connector.UndoImpossible, UndoWhy: "Graph offers no deletion of a single post of a conversation: " + postPage,
		Notices: []connector.Notice{{To: connector.ToFollowers, By: "mail", Why: "a post of the group's conversations goes to who is subscribed to the group, and each person alone may ask whether they are: " + subscribePage}},
	}
}

type options struct {
	references int           // that a task holds
	settle     time.Duration // how long a dead client's request may still land
	drive      time.Duration // how long a new group's drive is waited for
}

func standardOptions() options {
	return options{references: 10, settle: time.Minute, drive: 15 * time.Minute}
}

func readOptions(s connector.Settings) (options, error) {
	o := standardOptions()
	if v := s[settingReferences]; v != "" {
		n, err := strconv.Atoi(v)
		if err != nil || n < 2 || n > 1000 {
			return o, connector.Errorf(connector.Permanent, "the setting %s is not a number from 2 on", settingReferences).WithHint("Planner allows 10 or 15")
		}
		o.references = n
	}
	for name, to := range map[string]*time.Duration{settingSettle: &o.settle, settingDriveWait: &o.drive} {
		if v := s[name]; v != "" {
			d, err := time.ParseDuration(v)
			if err != nil || d < 0 {
				return o, connector.Errorf(connector.Permanent, "the setting %s is not a duration", name).WithHint("write it like 90s or 15m")
			}
			*to = d
		}
	}
	return o, nil
}
