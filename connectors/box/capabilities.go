package box

import (
	"time"

	"github.com/rialto-migrate/rialto/connector"
	"github.com/rialto-migrate/rialto/item"
)

const (
	urlNames  = "https://developer.box.com/guides/files/limitations"
	urlRates  = "https://developer.box.com/guides/api-calls/permissions-and-errors/rate-limits"
	urlRoles  = "https://support.box.com/hc/en-us/articles/360044196413-Understanding-Collaborator-Permission-Levels"
	urlParts  = "https://developer.box.com/guides/uploads/chunked"
	whyNames  = "names of 255 characters without slashes, backslashes, control characters and blanks at their ends, which differ in more than case (" + urlNames + ")"
	whyNotes  = "Box keeps 255 characters of a description (https://developer.box.com/reference/resources/file)"
	whyTold   = "Box sets it itself"
	whyFirst  = "Box takes it with the first upload alone, and gives a file without one the time of that (https://developer.box.com/reference/post-files-content)"
	whyMedia  = "Box tells none; it goes by the name's ending"
	whyTags   = "as tags: Box holds 100 of an item and 10,000 different ones of an enterprise (https://developer.box.com/reference/put-files-id); metadata templates are not written"
	whyNoTags = "the setting tags is drop; metadata templates are not written"
	whyRoles  = "viewers and editors, as collaborations; a viewer may comment, too, and a previewer not download (" + urlRoles + "); nobody is told by mail"
	whyMail   = "folders of files have no such use"
	whyPeople = "people are not written"
)

// Capabilities says what an account holds.
func (box) Capabilities(s connector.Settings) connector.Capabilities {
	c, _ := parseConfig(s)
	names := &connector.NameCaps{Forbidden: `/\`, Controls: true, Reserved: []string{".", ".."}, Begins: " ", Ends: " ", MaxChars: 255, UTF8: true, Folds: true}
	name := connector.FieldCaps{Needed: true, Names: names, Why: whyNames}
	told := func(why string) connector.FieldCaps { return connector.FieldCaps{Told: true, Why: why} }
	notes := connector.FieldCaps{MaxChars: 255, Why: whyNotes}
	roles := connector.FieldCaps{Values: []string{item.Reads, item.Writes}, Why: whyRoles}
	content := connector.FieldCaps{}
	if c.most > 0 {
		content = connector.FieldCaps{MaxBytes: c.most, Why: "the account takes no larger file (max_upload_size, https://developer.box.com/reference/get-users-me)"}
	}
	file := connector.KindCaps{
		Fields: map[string]connector.FieldCaps{item.FileName.Name: name, item.Content.Name: content, item.Description.Name: notes, item.Permissions.Name: roles,
			item.Modified.Name: {Why: "content_modified_at (https://developer.box.com/reference/post-files-content)"},
			item.Created.Name:  told(whyFirst), item.Author.Name: told(whyTold)},
		Lost:  map[string]string{item.MediaType.Name: whyMedia},
		Moves: true, Shape: []string{item.FileName.Name}, Batch: 2 * side, Undo: connector.UndoExact, Requests: 1, RequestsOf: requests,
		Parts: &connector.PartCaps{From: partsFrom, Least: partsLeast, Most: partsMost, Parts: 10_000, Serial: true, Why: "sessions from 20 MB on, in parts of a size that Box says, with the SHA-1 of the whole at the end (" + urlParts + ")"},
	}
	if c.tags {
		file.Fields[item.Metadata.Name] = connector.FieldCaps{MaxCount: 100, Why: whyTags}
	} else {
		file.Lost[item.Metadata.Name] = whyNoTags
	}
	kinds := map[item.Kind]connector.KindCaps{
		item.Drive: {
			Fields: map[string]connector.FieldCaps{item.DriveName.Name: {Fixed: true, Names: names, Why: whyNames}, item.Created.Name: told(whyTold), item.Permissions.Name: roles},
			Shape:  []string{item.DriveName.Name}, Batch: 1, Undo: connector.UndoExact, Requests: 3,
		},
		item.Member: {
			Fields: map[string]connector.FieldCaps{item.Name.Name: told(whyPeople), item.Email.Name: told(whyPeople), item.Standing.Name: told(whyPeople), item.OwnsPlace.Name: told(whyPeople)},
			Lost:   map[string]string{item.UserName.Name: "people sign in with their address", item.Outside.Name: "only people of the enterprise are listed"},
			Batch:  1, Undo: connector.UndoExact,
		},
		item.Folder: {
			Fields: map[string]connector.FieldCaps{item.FileName.Name: name, item.Description.Name: notes, item.Permissions.Name: roles, item.Created.Name: told(whyTold),
				item.Empty.Name: told("it follows from what lies in it")},
			Lost:  map[string]string{item.SpecialUse.Name: whyMail, item.Subscribed.Name: whyMail},
			Moves: true, Shape: []string{item.FileName.Name}, Batch: side, Undo: connector.UndoExact, Requests: 1, RequestsOf: requests,
		},
		item.File: file,
		item.Shortcut: {
			Fields: map[string]connector.FieldCaps{item.FileName.Name: name, item.LeadsTo.Name: {Why: "a web link leads to any address (https://developer.box.com/reference/post-web-links)"}, item.Created.Name: told(whyTold)},
			Moves:  true, Shape: []string{item.FileName.Name}, Batch: side, Undo: connector.UndoExact, Requests: 1,
		},
	}
	return connector.Capabilities{Kinds: kinds, Format: connector.Plain, SettleDelay: c.settle,
		Quotas: []connector.Quota{{Requests: 1000, Per: time.Minute, Source: urlRates}, {Class: classUpload, Requests: 240, Per: time.Minute, Source: urlRates}},
		// An answer holds a thousand items of one folder.
		ReadRequests: func(files int) float64 { return 3 + float64(files)/20 }}
}

// requests estimates what it takes to write one file or folder.
func requests(it item.Item) float64 {
	n := 1.0
	if it.Blob != nil && it.Blob.Bytes >= partsFrom {
		n = 3 + float64(it.Blob.Bytes/(8<<20))
	} else if it.Blob != nil && (it.Blob.Bytes < 0 || it.Blob.Bytes >= preflightFrom) {
		n++
	}
	if item.Description.Get(it) != "" || len(item.Metadata.Get(it)) > 0 {
		n++
	}
	if g := len(item.Permissions.Get(it)); g > 0 {
		n += float64(g) + 1
	}
	return n
}
