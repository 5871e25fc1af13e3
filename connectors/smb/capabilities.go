package smb

import (
	"github.com/rialto-migrate/rialto/connector"
	"github.com/rialto-migrate/rialto/item"
)

const (
	whyBorn     = "the server sets it: the time at which the copy is made"
	whyMedia    = "files have bytes and a name alone"
	whyMetadata = "of the attributes hidden, system and read-only, read as metadata, none is set"
	whyOwner    = "the owner is an account of the server's own"
	whyText     = "a file has its bytes and attributes alone"
	whyGrants   = "access control lists are of the server's own accounts and groups"
	whyPeople   = "accounts are the server's own, or those of its domain"
	whyLinks    = "a link leads to a path of the server's, which means nothing elsewhere"
	whyMail     = "folders of files have no such use"
	whyNames    = "what Windows takes: https://learn.microsoft.com/en-us/windows/win32/fileio/naming-a-file; 255 bytes of UTF-8 where the server's disk is Linux's"
)

// pathChars is how many characters a path may have: Windows' 32,767
// (https://learn.microsoft.com/en-us/windows/win32/fileio/maximum-file-path-limitation),
// less some for the folder that the server shares.
const pathChars = 32_000

// reserved are the names of devices, whatever stands behind a dot
// (https://learn.microsoft.com/en-us/windows/win32/fileio/naming-a-file).
func reserved() []string {
	names := []string{"CON", "PRN", "AUX", "NUL", "CONIN$", "CONOUT$"}
	for _, n := range []string{"0", "1", "2", "3", "4", "5", "6", "7", "8", "9", "¹", "²", "³"} {
		names = append(names, "COM"+n, "LPT"+n)
	}
	return names
}

// Capabilities says what a server holds.
func (smb) Capabilities(s connector.Settings) connector.Capabilities {
	settle, _ := settleDelay(s)
	limit, _ := nameLimit(s)
	names := &connector.NameCaps{Forbidden: "/" + forbidden, Controls: true, Reserved: reserved(), Ends: ". ", MaxChars: 255, MaxBytes: limit, UTF8: true, Folds: true, MaxPathChars: pathChars}
	name := connector.FieldCaps{Needed: true, Names: names, Why: whyNames}
	told := func(why string) connector.FieldCaps { return connector.FieldCaps{Told: true, Why: why} }
	kinds := map[item.Kind]connector.KindCaps{
		item.Drive: {
			Fields: map[string]connector.FieldCaps{item.Name.Name: {Fixed: true, Names: names, Why: whyNames}},
			Lost:   map[string]string{item.Created.Name: whyBorn, item.Permissions.Name: whyGrants},
			Batch:  1, Undo: connector.UndoExact, Requests: 2,
		},
		item.Folder: {
			Fields: map[string]connector.FieldCaps{item.Name.Name: name, item.Empty.Name: told("it follows from what lies in it")},
			Lost: map[string]string{item.Created.Name: whyBorn, item.Permissions.Name: whyGrants, item.Description.Name: whyText, item.SpecialUse.Name: whyMail,
				item.Subscribed.Name: whyMail},
			Batch: side, Undo: connector.UndoExact, Requests: 1,
		},
		item.File: {
			Fields: map[string]connector.FieldCaps{item.Name.Name: name, item.Content.Name: {}, item.Modified.Name: {Why: "to 100 ns (MS-DTYP, 2.3.3)"},
				item.Created.Name: told(whyBorn), item.Metadata.Name: told(whyMetadata)},
			Lost:  map[string]string{item.MediaType.Name: whyMedia, item.Author.Name: whyOwner, item.Permissions.Name: whyGrants, item.Description.Name: whyText},
			Moves: true, Batch: 4 * side, Undo: connector.UndoExact, Requests: 4,
		},
	}
	return connector.Capabilities{Kinds: kinds, Absent: map[item.Kind]string{item.Member: whyPeople, item.Shortcut: whyLinks}, Format: connector.Plain, Paths: true, SettleDelay: settle,
		ReadRequests: func(files int) float64 { return 1 + float64(files)/20 }}
}
