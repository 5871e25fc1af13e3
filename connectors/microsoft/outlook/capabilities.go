package outlook

import (
	"time"

	"github.com/rialto-migrate/rialto/connector"
	"github.com/rialto-migrate/rialto/item"
)

// Limits of the service.
const (
	// mostMessage is how large a message may be, in bytes: a request to Graph holds 4 MB,
	// and base64 makes four bytes of three
	// (https://learn.microsoft.com/en-us/graph/api/user-post-messages).
	mostMessage  = 3<<20 - 4096
	messageBatch = 20 // one $batch of the second step
	pageMessages = 500
	uploadClass  = "upload"
	uploadUnit   = 64 << 10 // bytes of one unit of the upload quota
	limitsPage   = "https://learn.microsoft.com/en-us/graph/throttling-limits#outlook-service-limits"
)

type fields = map[string]connector.FieldCaps

// Capabilities say what a mailbox holds.
func (outlook) Capabilities(s connector.Settings) connector.Capabilities {
	flags := "read, flagged, answered and draft are Outlook's own; keywords become categories; " +
		"none is marked as deleted and still there (https://learn.microsoft.com/en-us/graph/api/message-update)"
	if s[settingDrafts] == draftsKeep {
		flags += "; drafts=keep: where Exchange leaves an imported message as a draft, people see it as one"
	}
	return connector.Capabilities{
		Format:      connector.Plain,
		SettleDelay: time.Minute,
		Quotas: []connector.Quota{
			{Requests: 10000, Per: 10 * time.Minute, Source: limitsPage},
			{Class: uploadClass, Requests: 150_000_000 / uploadUnit, Per: 5 * time.Minute, Source: limitsPage},
		},
		Kinds: map[item.Kind]connector.KindCaps{
			item.Mailbox: {
				Fields: fields{item.Name.Name: {Why: "a mailbox has no name of its own: no mailbox gives one"}},
				Batch:  1, Shape: []string{item.Name.Name}, Undo: connector.UndoImpossible,
				UndoWhy: "a mailbox is made and removed by its administrator; it was there before",
			},
			item.Folder: {
				Fields: fields{
					item.Name.Name: {Needed: true, Why: "https://learn.microsoft.com/en-us/graph/api/resources/mailfolder",
						Names: &connector.NameCaps{Controls: true, MaxChars: 255, UTF8: true, Folds: true, Begins: " ", Ends: " "}},
					item.SpecialUse.Name: {Fixed: true, Values: uses(), Why: "Outlook has one folder for each, from the beginning: https://learn.microsoft.com/en-us/graph/api/resources/mailfolder"},
				},
				Lost: map[string]string{
					item.Subscribed.Name:  "Outlook shows all folders of a mailbox",
					item.Created.Name:     "Graph does not tell when a folder was made",
					item.Empty.Name:       "a folder stands by itself, empty or not",
					item.Description.Name: "a folder of messages has a name alone",
					item.Permissions.Name: "Graph tells nobody who else may read a folder of messages",
				},
				Batch: 50, Shape: []string{item.Name.Name}, Undo: connector.UndoPartial,
				UndoWhy:  "a folder that people put messages or folders into stays, and so do Outlook's own",
				Requests: 1,
			},
			item.Message: {
				Fields: fields{
					item.Flags.Name:    {Without: []string{`\Deleted`}, Why: flags},
					item.Received.Name: {Fixed: true, Why: "PidTagMessageDeliveryTime: given after the message is imported"},
				},
				Lost: map[string]string{item.Content.Name: "the message moves, but Exchange keeps it in a form of its own and gives its MIME in other bytes: " +
					"https://learn.microsoft.com/en-us/graph/api/user-post-messages"},
				MaxBytes: mostMessage,
				Why: "a larger message fails, and moves over IMAP alone: a request to Graph holds 4 MB, in base64 " +
					"(https://learn.microsoft.com/en-us/graph/api/user-post-messages)",
				Batch:    messageBatch,
				Carrier:  "its own Message-ID, or one made of its header where it has none",
				Undo:     connector.UndoExact,
				Requests: 2,
			},
		},
		ReadRequests: func(n int) float64 { return 3 + float64(n)/pageMessages },
	}
}

// uses are the special uses for which Outlook has folders.
func uses() []string { return []string{"archive", "drafts", "junk", "sent", "trash"} }

// wellKnown are the names by which Graph knows its folders, and what they are for:
// https://learn.microsoft.com/en-us/graph/api/resources/mailfolder
func wellKnown() map[string]string {
	return map[string]string{"inbox": "", "archive": "archive", "drafts": "drafts", "junkemail": "junk", "sentitems": "sent", "deleteditems": "trash",
		"outbox": "", "conversationhistory": "", "syncissues": ""}
}
