package imap

import (
	"time"

	"github.com/rialto-migrate/rialto/connector"
	"github.com/rialto-migrate/rialto/item"
)

// Classes of calls, as quotas name them.
const (
	callClass   = "" // a command or a few
	tokenClass  = "token"
	uploadClass = "upload" // 64 KiB of messages that are sent
)

// uploadUnit is what one unit of an upload quota is, in bytes.
const uploadUnit = 64 << 10

// messageBatch is how many messages one Write takes: enough for every connection.
const messageBatch = 400

// Capabilities says what a mailbox holds.
func (imap) Capabilities(s connector.Settings) connector.Capabilities {
	// A setting that cannot be read is reported by Open; here its default counts.
	cfg, _ := parse(s)
	return connector.Capabilities{
		Format:      connector.Plain,
		SettleDelay: cfg.settle,
		Quotas:      cfg.quotas(),
		Kinds: map[item.Kind]connector.KindCaps{
			item.Mailbox: {
				Fields:   fields{item.Name.Name: {Why: "the account has no name of its own: no mailbox gives one"}},
				Batch:    1,
				Shape:    []string{item.Name.Name},
				Undo:     connector.UndoImpossible,
				UndoWhy:  "an account is made and removed by its administrator; it was there before",
				Requests: 0,
			},
			item.Folder:  folderCaps(cfg),
			item.Message: messageCaps(cfg),
		},
		// The folders; a command for each few thousand messages, and one to look closer.
		ReadRequests: func(n int) float64 { return 2 + 2*float64(n)/pageBrief },
	}
}

type fields = map[string]connector.FieldCaps

func folderCaps(cfg config) connector.KindCaps {
	k := connector.KindCaps{
		Fields: fields{
			item.Name.Name: {Needed: true, Why: "RFC 9051, 5.1: wildcards and the delimiter are no part of a name", Names: &connector.NameCaps{
				Controls: true, Forbidden: "*%" + cfg.delimiter + cfg.forbidden, Begins: "~#", Ends: " ", MaxBytes: 255, UTF8: true}},
			item.Subscribed.Name: {},
		},
		Lost: map[string]string{
			item.Created.Name:     "servers do not tell when a folder was made",
			item.Empty.Name:       "a folder stands by itself, empty or not",
			item.Description.Name: "a folder of messages has a name alone",
			item.Permissions.Name: "who else may read a mailbox is its administrator's to say (RFC 4314)",
		},
		Batch:    50,
		Shape:    []string{item.Name.Name},
		Undo:     connector.UndoPartial,
		UndoWhy:  "a folder that people put messages or folders into stays",
		Requests: 2,
	}
	if cfg.createUse {
		k.Fields[item.SpecialUse.Name] = connector.FieldCaps{Fixed: true, Values: uses(), Why: "RFC 6154, 5.3: given when the folder is made"}
	} else {
		k.Fields[item.SpecialUse.Name] = connector.FieldCaps{Told: true, Why: "the server does not offer CREATE-SPECIAL-USE (RFC 6154): it decides itself, mostly by name"}
	}
	return k
}

func messageCaps(cfg config) connector.KindCaps {
	flags := connector.FieldCaps{Why: "RFC 9051, 2.3.2"}
	if cfg.kept != nil {
		flags.Values, flags.Why = cfg.kept, "RFC 9051, 7.1: the server lets nobody make keywords (PERMANENTFLAGS without \\*)"
	}
	content := "RFC 9051, 2.3.1.1: a message never changes; RFC 7889: the server's APPENDLIMIT"
	if cfg.service == serviceMicrosoft {
		content += "; Exchange keeps a message in a form of its own and may give its MIME parts anew, in other bytes: https://www.msxfaq.de/exchange/clients/imap_mit_macos_mails.htm"
	}
	return connector.KindCaps{
		Fields: fields{
			item.Content.Name:  {Fixed: true, MaxBytes: cfg.appendLimit, Why: content},
			item.Flags.Name:    flags,
			item.Received.Name: {Fixed: true, Why: "RFC 9051, 6.3.12: given when a message is appended"},
		},
		Batch:    messageBatch,
		Carrier:  "its own Message-ID, or a hash of its header where it has none",
		Undo:     connector.UndoExact,
		Requests: 0.1,
	}
}

// quotas are what a service documents.
func (c config) quotas() []connector.Quota {
	if c.service != serviceMicrosoft {
		return nil
	}
	const source = "https://learn.microsoft.com/en-us/graph/throttling-limits#outlook-service-limits"
	return []connector.Quota{
		{Class: callClass, Requests: 10000, Per: 10 * time.Minute, Source: source},
		{Class: uploadClass, Requests: 150_000_000 / uploadUnit, Per: 5 * time.Minute, Source: source},
	}
}
