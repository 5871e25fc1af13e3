package onedrive

import (
	"fmt"
	"time"

	"github.com/rialto-migrate/rialto/connector"
	"github.com/rialto-migrate/rialto/item"
)

// The pages that the limits and losses are from.
const (
	namesPage    = "https://support.microsoft.com/en-us/office/64883a5d-228e-48f5-b3d2-eb39e07630fa"
	itemPage     = "https://learn.microsoft.com/en-us/graph/api/resources/driveitem"
	timesPage    = "https://learn.microsoft.com/en-us/graph/api/resources/filesysteminfo"
	invitePage   = "https://learn.microsoft.com/en-us/graph/api/driveitem-invite"
	uploadPage   = "https://learn.microsoft.com/en-us/graph/api/driveitem-createuploadsession"
	throttlePage = "https://learn.microsoft.com/en-us/sharepoint/dev/general-development/how-to-avoid-getting-throttled-or-blocked-in-sharepoint-online"

	whyDescribed = "a description is kept by the OneDrive of a private person only: " + itemPage
	whyPersonal  = "Graph invites by an address of mail, and tells of nobody who could be: " + invitePage
	whyWhole     = "who may use a whole drive follows from whose it is, and for a site from its own groups"
	whyAuthor    = "createdBy is who uploads: " + itemPage
	whyMetadata  = "the columns of a library are not carried"
	whyMail      = "folders of files have no such use"
	whyShortcut  = "Graph documents no way of making one: " + itemPage
	whyMade      = "when it was made there; " + timesPage
)

const (
	// partBytes is a part of an upload, a multiple of 320 KiB; 5 to 10 MiB are what
	// Microsoft advises.
	partBytes = 10 << 20
	// Both limits count UTF-16 units. The site and the library stand at the head of a
	// path, and count, too.
	nameChars  = 255
	pathChars  = 400
	siteChars  = 80
	mostBytes  = 250 << 30
	sideBySide = 32 // requests of one call under way at most; how many really are, is for the pacer to say
)

func names() *connector.NameCaps {
	reserved := []string{".lock", "CON", "PRN", "AUX", "NUL", "desktop.ini", "_vti_"}
	for n := range 10 {
		reserved = append(reserved, fmt.Sprintf("COM%d", n), fmt.Sprintf("LPT%d", n))
	}
	return &connector.NameCaps{Forbidden: `"*:<>?/\|`, Controls: true, Reserved: reserved, Ends: ". ", Begins: " ~", MaxChars: nameChars, UTF8: true,
		MaxPathChars: pathChars - siteChars, Folds: true}
}

// Capabilities says what a drive holds.
func (onedrive) Capabilities(s connector.Settings) connector.Capabilities {
	c, _ := parseConfig(s) // Open refuses these settings; the table stays readable
	why := "no \" * : < > ? / \\ |, no name of Windows' devices, no blank at either end, 400 characters with the site and the folders above: " + namesPage
	name := connector.FieldCaps{Needed: true, Names: names(), Why: why}
	told := func(why string) connector.FieldCaps { return connector.FieldCaps{Told: true, Why: why} }
	folder := connector.KindCaps{
		Fields: map[string]connector.FieldCaps{item.FileName.Name: name, item.Created.Name: told(whyMade), item.Empty.Name: told("it follows from what lies in it")},
		Lost:   map[string]string{item.SpecialUse.Name: whyMail, item.Subscribed.Name: whyMail},
		Moves:  true, Batch: sideBySide, Shape: []string{item.FileName.Name}, Undo: connector.UndoExact, Requests: 1,
	}
	file := connector.KindCaps{
		Fields: map[string]connector.FieldCaps{item.FileName.Name: name, item.Content.Name: {MaxBytes: mostBytes, Why: "250 GB: " + namesPage},
			item.Modified.Name: {}, item.MediaType.Name: told("it follows from the name's ending"), item.Created.Name: told(whyMade)},
		Lost:  map[string]string{item.Metadata.Name: whyMetadata, item.Author.Name: whyAuthor},
		Moves: true, Batch: 4 * sideBySide, Shape: []string{item.FileName.Name}, Undo: connector.UndoExact, Requests: 2,
		Parts: &connector.PartCaps{From: partBytes, Least: partBytes, Most: partBytes, Serial: true, Why: "multiples of 320 KiB, below 60 MiB, one after the other: " + uploadPage},
	}
	grants := connector.FieldCaps{Values: []string{item.Reads, item.Writes}, Why: "an invitation reads or writes: " + invitePage}
	for _, k := range []connector.KindCaps{folder, file} {
		if c.kind == kindPersonal {
			k.Fields[item.Description.Name] = connector.FieldCaps{}
			k.Lost[item.Permissions.Name] = whyPersonal
		} else {
			k.Lost[item.Description.Name] = whyDescribed
			k.Fields[item.Permissions.Name] = grants
		}
	}
	caps := connector.Capabilities{Format: connector.Plain, SettleDelay: c.settle,
		// Delta tells all changes of permissions to none but an app with
		// Sites.FullControl.All, which can do more than a migration should
		// (https://learn.microsoft.com/en-us/onedrive/developer/rest-api/concepts/scan-guidance).
		Untold: []string{item.Permissions.Name},
		Kinds: map[item.Kind]connector.KindCaps{
			item.Drive: {
				Fields: map[string]connector.FieldCaps{item.DriveName.Name: {Fixed: true, Names: names(), Why: why}, item.Created.Name: told(whyMade)},
				Lost:   map[string]string{item.Permissions.Name: whyWhole},
				Batch:  1, Shape: []string{item.DriveName.Name}, Undo: connector.UndoExact, Requests: 3,
			},
			item.Folder: folder,
			item.File:   file,
			item.Shortcut: {
				Fields: map[string]connector.FieldCaps{item.FileName.Name: told(whyShortcut), item.LeadsTo.Name: told(whyShortcut), item.Created.Name: told(whyShortcut)},
				Batch:  1, Undo: connector.UndoExact,
			},
			item.Member: {
				Fields: map[string]connector.FieldCaps{item.Name.Name: told("the directory's"), item.UserName.Name: told("the directory's"), item.Email.Name: told("the directory's"),
					item.Standing.Name: told("the directory's"), item.OwnsPlace.Name: told("it follows from whose the drive is")},
				Lost:  map[string]string{item.Outside.Name: "whoever is in the directory can be let at a file"},
				Batch: 1, Undo: connector.UndoImpossible, UndoWhy: "people are matched, not made",
			},
		},
		// Microsoft tells of the rest from 80 % of use on; nothing is published for the
		// OneDrive of private persons.
		ReadRequests: func(files int) float64 { return 3 + float64(files)/200 },
	}
	if c.kind != kindPersonal {
		caps.Quotas = []connector.Quota{{Class: "files", Requests: c.units, Per: time.Minute, Source: throttlePage}}
	}
	return caps
}
