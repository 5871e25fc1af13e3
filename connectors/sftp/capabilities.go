package sftp

import (
	"github.com/rialto-migrate/rialto/connector"
	"github.com/rialto-migrate/rialto/item"
)

const (
	whyBorn     = "version 3 of SFTP tells no time of creation (draft-ietf-secsh-filexfer-02, 5)"
	whyMedia    = "files have bytes and a name alone"
	whyMetadata = "extended attributes are not part of SFTP version 3"
	whyOwner    = "the owner is a number of the server's own"
	whyText     = "a file has its bytes and attributes alone"
	whyGrants   = "modes are of the server's own accounts and groups"
	whyPeople   = "accounts are the server's own, and SFTP does not list them"
	whyLinks    = "a link leads to a path of the server's, which means nothing elsewhere"
	whyMail     = "folders of files have no such use"
)

// Capabilities says what a server holds.
func (sftp) Capabilities(s connector.Settings) connector.Capabilities {
	settle, _ := settleDelay(s)
	names := &connector.NameCaps{Forbidden: "\x00", Reserved: []string{".", ".."}, MaxBytes: 255}
	const why = "255 bytes are what Linux's file systems take (ext4, XFS)"
	name := connector.FieldCaps{Needed: true, Names: names, Why: why}
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
			Fields: map[string]connector.FieldCaps{item.Name.Name: name, item.Content.Name: {}, item.Modified.Name: {Why: "to the second (draft-ietf-secsh-filexfer-02, 5)"}},
			Lost: map[string]string{item.MediaType.Name: whyMedia, item.Metadata.Name: whyMetadata, item.Author.Name: whyOwner, item.Created.Name: whyBorn,
				item.Permissions.Name: whyGrants, item.Description.Name: whyText},
			Moves: true, Batch: 4 * side, Undo: connector.UndoExact, Requests: 2,
		},
	}
	return connector.Capabilities{Kinds: kinds, Absent: map[item.Kind]string{item.Member: whyPeople, item.Shortcut: whyLinks}, Format: connector.Plain, Paths: true, SettleDelay: settle,
		ReadRequests: func(files int) float64 { return 1 + float64(files)/20 }}
}
