package googledrive

import (
	"time"

	"github.com/rialto-migrate/rialto/connector"
	"github.com/rialto-migrate/rialto/item"
)

const (
	docs         = "https://developers.google.com/workspace/drive/api/"
	whyTold      = "Drive sets it itself (" + docs + "reference/rest/v3/files)"
	whyMail      = "folders of files have no such use"
	whyEmpty     = "a folder is one whether anything lies in it or not"
	whyTwins     = "names need not be unique in a folder, and are UTF-8 (" + docs + "reference/rest/v3/files)"
	whyMetadata  = "at most 30 public properties of 124 bytes each (" + docs + "guides/properties)"
	whyOwner     = "to make somebody the owner they are written to by mail, and must agree (" + docs + "guides/transfer-file)"
	whyPlace     = "who is a member of a shared drive, or sees the top of My Drive, is decided there, not by a migration"
	whyTarget    = "a shortcut leads to a file or folder of Drive, and does not change afterwards (" + docs + "guides/shortcuts)"
	whyUploads   = "parts are multiples of 256 KiB and go one after the other (" + docs + "guides/manage-uploads#resumable)"
	carrier      = "a private property of the file (appProperties), which people do not see"
	largestFile  = 5 << 40
	multipartMax = 5 << 20  // bytes that go with their metadata in one request
	partSize     = 16 << 20 // bytes of a part of an upload
	chunk        = 256 << 10
)

// Capabilities says what Drive holds.
func (drive) Capabilities(s connector.Settings) connector.Capabilities {
	c, _ := parseConfig(s)
	names := &connector.NameCaps{UTF8: true, Twins: true}
	name := connector.FieldCaps{Needed: true, Names: names, Why: whyTwins}
	told := connector.FieldCaps{Told: true, Why: whyTold}
	grants := connector.FieldCaps{Values: []string{item.Reads, item.Comments, item.Writes}, Why: whyOwner}
	kinds := map[item.Kind]connector.KindCaps{
		item.Drive: {
			Fields: map[string]connector.FieldCaps{item.Name.Name: {Fixed: true, Names: names, Why: whyTwins}, item.Created.Name: told,
				item.Permissions.Name: {Told: true, Why: whyPlace}},
			Batch: 1, Undo: connector.UndoExact, Requests: 3, Carrier: carrier,
		},
		item.Member: {
			Fields: map[string]connector.FieldCaps{item.Name.Name: told, item.Email.Name: told, item.Standing.Name: told, item.OwnsPlace.Name: told},
			Lost:   map[string]string{item.UserName.Name: "people are known by their address", item.Outside.Name: "Drive tells of members alone"},
			Batch:  1, Undo: connector.UndoImpossible, UndoWhy: "people are matched, not made",
		},
		item.Folder: {
			Fields: map[string]connector.FieldCaps{item.Name.Name: name, item.Description.Name: {}, item.Created.Name: told, item.Permissions.Name: grants},
			Lost:   map[string]string{item.Empty.Name: whyEmpty, item.SpecialUse.Name: whyMail, item.Subscribed.Name: whyMail},
			Batch:  side, Moves: true, Undo: connector.UndoExact, Requests: 1, Carrier: carrier,
		},
		item.File: {
			Fields: map[string]connector.FieldCaps{item.Name.Name: name, item.Content.Name: {MaxBytes: largestFile, Why: docs + "guides/limits"}, item.Modified.Name: {}, item.MediaType.Name: {},
				item.Description.Name: {}, item.Metadata.Name: {MaxCount: 30, Why: whyMetadata}, item.Permissions.Name: grants, item.Created.Name: told, item.Author.Name: told},
			Batch: 2 * side, Moves: true, Undo: connector.UndoExact, Carrier: carrier,
			Parts:      &connector.PartCaps{From: multipartMax + 1, Least: partSize, Most: partSize, Serial: true, Why: whyUploads},
			Requests:   1,
			RequestsOf: requests,
		},
		item.Shortcut: {
			Fields: map[string]connector.FieldCaps{item.Name.Name: name, item.LeadsTo.Name: {Inside: true, Fixed: true, Why: whyTarget}, item.Created.Name: told},
			Batch:  side, Moves: true, Undo: connector.UndoExact, Requests: 1, Carrier: carrier,
		},
	}
	return connector.Capabilities{Kinds: kinds, Format: connector.Plain, SettleDelay: 30 * time.Second, Quotas: c.quotas(),
		ReadRequests: func(files int) float64 { return 3 + float64(files)/900 }}
}

// requests estimates those that create a file: one, or its parts; and one for each
// whom it is opened to.
func requests(it item.Item) float64 {
	n := 1.0
	if it.Blob != nil && it.Blob.Bytes > multipartMax {
		n = 2 + float64(it.Blob.Bytes)/partSize
	}
	return n + float64(len(item.Permissions.Get(it)))
}
