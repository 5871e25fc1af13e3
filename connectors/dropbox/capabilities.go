package dropbox

import (
	"github.com/rialto-migrate/rialto/connector"
	"github.com/rialto-migrate/rialto/item"
)

const (
	whyName = "Dropbox takes names of 255 characters without a backslash, a line's end or a blank at their end, none of the files that systems and programs make for themselves (https://help.dropbox.com/installs-integrations/sync-uploads/files-not-syncing), " +
		"and tells names that differ in case or Unicode form alone for one (https://www.dropbox.com/developers/documentation/http/documentation#path-formats)"
	whyModified = "client_modified is set when bytes are written, and not without them (https://www.dropbox.com/developers/documentation/http/documentation#files-upload)"
	whySize     = "a file holds at most 2^41 - 2^22 bytes (https://www.dropbox.com/developers/documentation/http/documentation#files-upload_session-start)"
	whyCreated  = "Dropbox tells when a file was changed, and not when it was made (https://www.dropbox.com/developers/documentation/http/documentation#files-get_metadata)"
	whyText     = "files and folders have no description: https://www.dropbox.com/developers/documentation/http/documentation#files-get_metadata"
	whyMetadata = "properties belong to templates that an app makes: https://www.dropbox.com/developers/documentation/http/documentation#file_properties"
	whyMedia    = "Dropbox tells what a file is by the ending of its name"
	whyAuthor   = "Dropbox tells who changed a file last in a shared folder alone"
	whyDrive    = "who is let at a home or a team folder is for its owner or the team's administrators: https://www.dropbox.com/help/986"
	whyLinks    = "Dropbox shows a file or folder in one place: https://www.dropbox.com/developers/documentation/http/documentation#files-get_metadata"
	whyMail     = "folders of files have no such use"
	whyGrants   = "who writes something owns it, and Dropbox gives a folder to another owner in their own name alone; a folder within a shared one cannot be shared by itself, but in a team's space (https://www.dropbox.com/developers/documentation/http/documentation#sharing-share_folder); some plans lack some roles (https://www.dropbox.com/developers/documentation/http/documentation#sharing-add_folder_member)"
)

// names are the rules for names of files and folders.
func names() *connector.NameCaps {
	return &connector.NameCaps{Forbidden: "\\\x00\x7f\r\n", Ends: " \t", Begins: "~", MaxChars: 255, UTF8: true, Folds: true, Forms: true,
		Reserved: []string{".", "..", "desktop.ini", "thumbs.db", ".ds_store", "icon\r", ".dropbox", ".dropbox.attr", ".dropbox.cache"}}
}

// Capabilities says what Dropbox holds.
func (dropbox) Capabilities(s connector.Settings) connector.Capabilities {
	cfg, _ := parseConfig(s)
	told := func(why string) connector.FieldCaps { return connector.FieldCaps{Told: true, Why: why} }
	name := connector.FieldCaps{Needed: true, Names: names(), Why: whyName}
	grants := connector.FieldCaps{Values: []string{item.Reads, item.Comments, item.Writes}, Why: whyGrants}
	kinds := map[item.Kind]connector.KindCaps{
		item.Drive: {
			Fields: map[string]connector.FieldCaps{item.DriveName.Name: {Fixed: true, Names: names(), Why: whyName}},
			Lost:   map[string]string{item.Created.Name: whyCreated, item.Permissions.Name: whyDrive},
			Batch:  1, Shape: []string{item.DriveName.Name}, Undo: connector.UndoExact, Requests: 2,
		},
		item.Member: {
			Fields: map[string]connector.FieldCaps{item.Name.Name: told(""), item.Email.Name: told(""), item.Standing.Name: told(""), item.OwnsPlace.Name: told("")},
			Lost:   map[string]string{item.UserName.Name: "people sign in with their address", item.Outside.Name: "Dropbox tells no account of those whom it has nothing in common with"},
			Batch:  1, Undo: connector.UndoImpossible, UndoWhy: "members are not written",
		},
		item.Folder: {
			Fields: map[string]connector.FieldCaps{item.FileName.Name: name, item.Empty.Name: told("it follows from what lies in it"), item.Permissions.Name: grants},
			Lost:   map[string]string{item.Created.Name: whyCreated, item.Description.Name: whyText, item.SpecialUse.Name: whyMail, item.Subscribed.Name: whyMail},
			Batch:  mostEntries, Moves: true, Shape: []string{item.FileName.Name}, Undo: connector.UndoExact, Requests: 0.05,
			RequestsOf: func(it item.Item) float64 { return 0.05 + 3*float64(len(item.Permissions.Get(it))) },
		},
		item.File: {
			Fields: map[string]connector.FieldCaps{item.FileName.Name: name, item.Content.Name: {MaxBytes: 1<<41 - 1<<22, Why: whySize},
				item.Modified.Name: {Fixed: true, Why: whyModified}, item.Permissions.Name: grants},
			Lost: map[string]string{item.MediaType.Name: whyMedia, item.Description.Name: whyText, item.Metadata.Name: whyMetadata,
				item.Created.Name: whyCreated, item.Author.Name: whyAuthor},
			Batch: batch, Moves: true, Shape: []string{item.FileName.Name}, Undo: connector.UndoExact, Requests: 0.1,
			RequestsOf: requestsOf,
			Parts: &connector.PartCaps{From: 2 * part, Least: part, Most: part, Serial: true,
				Why: "a session tells how far it came where its parts come one after the other (https://www.dropbox.com/developers/documentation/http/documentation#files-upload_session-append)"},
		},
	}
	return connector.Capabilities{
		Kinds:       kinds,
		Absent:      map[item.Kind]string{item.Shortcut: whyLinks},
		Format:      connector.Plain,
		SettleDelay: cfg.settle,
		// Dropbox's cursors tell of files and folders, not of who was let at them.
		Untold: []string{item.Permissions.Name},
		// A folder takes one request for each 2,000 entries: twenty files to a folder.
		ReadRequests: func(files int) float64 { return 1 + float64(files)/20 },
	}
}

// batch is how many files are committed together. As many are read before the first
// of them is there.
const batch = 500

// requestsOf estimates the requests for one file: small ones share all theirs.
func requestsOf(it item.Item) float64 {
	n := 0.04
	if it.Blob != nil && it.Blob.Bytes > small {
		n = float64(it.Blob.Bytes/block) + 1
	}
	return n + 3*float64(len(item.Permissions.Get(it)))
}
