package ftps

import (
	"github.com/rialto-migrate/rialto/connector"
	"github.com/rialto-migrate/rialto/item"
)

const (
	whyBorn     = "few servers tell a time of creation, and none lets one set it for sure (RFC 3659, 7.5.4)"
	whyMedia    = "files have bytes and a name alone"
	whyMetadata = "FTP knows no properties of a file but its facts (RFC 3659, 7.5)"
	whyOwner    = "the owner is an account of the server's own"
	whyText     = "a file has its bytes and its time alone"
	whyGrants   = "modes are of the server's own accounts and groups"
	whyPeople   = "accounts are the server's own, and FTP does not list them"
	whyLinks    = "a link leads to a path of the server's, which means nothing elsewhere"
	whyMail     = "folders of files have no such use"
)

// Capabilities says what a server holds.
func (ftps) Capabilities(s connector.Settings) connector.Capabilities {
	settle, _ := settleDelay(s)
	names := &connector.NameCaps{Forbidden: "\r\n\x00", Reserved: []string{".", ".."}, MaxBytes: 255, UTF8: true}
	const why = "a command ends with its line (RFC 959, 5.3), names are UTF-8 (RFC 2640, 2), and 255 bytes are what Linux's file systems take (ext4, XFS)"
	name := connector.FieldCaps{Needed: true, Names: names, Why: why}
	modified := connector.FieldCaps{Why: "to the second (draft-somers-ftp-mfxx-04, 3)"}
	requests := 4.0
	if s[setTimes] == timesTold {
		modified = connector.FieldCaps{Told: true, Why: "this server has no MFMT (draft-somers-ftp-mfxx-04)"}
	}
	kinds := map[item.Kind]connector.KindCaps{
		item.Drive: {
			Fields: map[string]connector.FieldCaps{item.Name.Name: {Fixed: true, Names: names, Why: why}},
			Lost:   map[string]string{item.Created.Name: whyBorn, item.Permissions.Name: whyGrants},
			Batch:  1, Undo: connector.UndoExact, Requests: 2,
		},
		item.Folder: {
			Fields: map[string]connector.FieldCaps{item.Name.Name: name, item.Empty.Name: {Told: true, Why: "it follows from what lies in it"}},
			Lost:   map[string]string{item.Created.Name: whyBorn, item.Permissions.Name: whyGrants, item.Description.Name: whyText, item.SpecialUse.Name: whyMail, item.Subscribed.Name: whyMail},
			Batch:  side, Undo: connector.UndoExact, Requests: 1,
		},
		item.File: {
			Fields: map[string]connector.FieldCaps{item.Name.Name: name, item.Content.Name: {}, item.Modified.Name: modified},
			Lost: map[string]string{item.MediaType.Name: whyMedia, item.Metadata.Name: whyMetadata, item.Author.Name: whyOwner, item.Created.Name: whyBorn,
				item.Permissions.Name: whyGrants, item.Description.Name: whyText},
			Moves: true, Batch: side, Undo: connector.UndoExact, Requests: requests,
		},
	}
	return connector.Capabilities{Kinds: kinds, Absent: map[item.Kind]string{item.Member: whyPeople, item.Shortcut: whyLinks}, Format: connector.Plain, Paths: true, SettleDelay: settle,
		ReadRequests: func(files int) float64 { return 1 + float64(files)/20 }}
}
