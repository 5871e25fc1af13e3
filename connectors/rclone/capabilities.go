package rclone

import (
	"github.com/rialto-migrate/rialto/connector"
	"github.com/rialto-migrate/rialto/item"
)

const (
	whyBorn     = "backends tell when bytes changed, not when they were made (https://rclone.org/overview/#features)"
	whyTimes    = "this backend cannot set when bytes changed (https://rclone.org/overview/#features)"
	whyMedia    = "this backend does not keep a media type that is set (https://rclone.org/overview/#mime-type)"
	whyMetadata = "metadata are of each cloud's own kind, and not carried (https://rclone.org/overview/#metadata)"
	whyOwner    = "backends do not tell who made a file (https://rclone.org/overview/)"
	whyText     = "a file has its bytes, a name and times (https://rclone.org/overview/)"
	whyGrants   = "backends do not read who was let at a file (https://rclone.org/overview/)"
	whyPeople   = "backends do not list people (https://rclone.org/overview/#optional-features)"
	whyLinks    = "links lead to what means nothing elsewhere (https://rclone.org/overview/)"
	whyMail     = "folders of files have no such use"
	whyNames    = "names of 255 bytes are taken by every backend here; what a cloud refuses of a name, rclone stores in look-alikes (https://rclone.org/overview/#restricted-filenames)"
)

// Capabilities says what a backend with these traits holds.
func (rclone) Capabilities(s connector.Settings) connector.Capabilities {
	c, _ := parseConfig(s)
	t := c.traits
	names := &connector.NameCaps{Forbidden: "\x00", Reserved: []string{".", "..", keeper}, MaxBytes: 255, UTF8: true, Folds: t.folds, Twins: t.twins}
	if t.bucket {
		names.MaxPathBytes = 900 // of the 1,024 that the buckets take, with the folder of the connection before them
	}
	name := connector.FieldCaps{Needed: true, Names: names, Why: whyNames}
	file := connector.KindCaps{
		Fields: map[string]connector.FieldCaps{item.Name.Name: name, item.Content.Name: {}},
		Lost: map[string]string{item.Metadata.Name: whyMetadata, item.Author.Name: whyOwner, item.Created.Name: whyBorn,
			item.Permissions.Name: whyGrants, item.Description.Name: whyText},
		Moves: t.moves, Batch: 4 * side, Undo: connector.UndoExact, Requests: 3,
	}
	if t.modified {
		file.Fields[item.Modified.Name] = connector.FieldCaps{Why: "to the second at least (https://rclone.org/overview/#modtime)"}
	} else {
		file.Lost[item.Modified.Name] = whyTimes
	}
	if t.media {
		file.Fields[item.MediaType.Name] = connector.FieldCaps{}
	} else {
		file.Lost[item.MediaType.Name] = whyMedia
	}
	kinds := map[item.Kind]connector.KindCaps{
		item.Drive: {
			Fields: map[string]connector.FieldCaps{item.Name.Name: {Fixed: true, Names: names, Why: whyNames}},
			Lost:   map[string]string{item.Created.Name: whyBorn, item.Permissions.Name: whyGrants},
			Batch:  1, Undo: connector.UndoExact, Requests: 3,
		},
		item.Folder: {
			Fields: map[string]connector.FieldCaps{item.Name.Name: name, item.Empty.Name: {Told: true, Why: "it follows from what lies in it"}},
			Lost:   map[string]string{item.Created.Name: whyBorn, item.Permissions.Name: whyGrants, item.Description.Name: whyText, item.SpecialUse.Name: whyMail, item.Subscribed.Name: whyMail},
			Batch:  side, Undo: connector.UndoExact, Requests: 3,
		},
		item.File: file,
	}
	return connector.Capabilities{Kinds: kinds, Absent: map[item.Kind]string{item.Member: whyPeople, item.Shortcut: whyLinks}, Format: connector.Plain, Paths: true, SettleDelay: c.settle,
		ReadRequests: func(files int) float64 { return 1 + float64(files)/20 }}
}
