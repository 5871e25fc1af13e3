package webdav

import (
	"github.com/rialto-migrate/rialto/connector"
	"github.com/rialto-migrate/rialto/item"
)

const (
	whyLive     = "WebDAV's creationdate is the server's own (RFC 4918, 15.1)"
	whyTimes    = "the server sets getlastmodified itself (RFC 4918, 15.7), and does not know X-OC-Mtime"
	whyMetadata = "dead properties are not carried"
	whyPeople   = "RFC 4918 has no owners"
	whyText     = "dead properties are not carried, and there is no live one for a description"
	whyGrants   = "RFC 3744 has access control, and hardly a server that takes it"
	whyLinks    = "RFC 4918 has nothing that leads elsewhere"
	whyMail     = "folders of files have no such use"
)

// Capabilities says what a server of this kind holds.
func (webdav) Capabilities(s connector.Settings) connector.Capabilities {
	c, _ := parseConfig(s)
	names := &connector.NameCaps{Forbidden: "\x00", Reserved: []string{".", ".."}, MaxBytes: 255}
	why := "255 bytes are what Linux's file systems take (ext4, XFS)"
	if c.server == ownCloud {
		// lib/private/Files/FilenameValidator.php
		names.MaxBytes, names.UTF8 = 250, true
		why = "Nextcloud takes names of 250 bytes in UTF-8"
	}
	name := connector.FieldCaps{Needed: true, Names: names, Why: why}
	told := func(why string) connector.FieldCaps { return connector.FieldCaps{Told: true, Why: why} }
	modified := told(whyTimes)
	if c.server.keepsTimes() {
		modified = connector.FieldCaps{Why: "X-OC-MTime sets it (https://docs.nextcloud.com/server/latest/developer_manual/client_apis/WebDAV/basic.html)"}
	}
	requests := 1.0
	switch {
	case c.server == apache:
		requests = 2 // its PUT tells no version
	case !c.server.heeds():
		requests = 3
	}
	kinds := map[item.Kind]connector.KindCaps{
		item.Drive: {
			Fields: map[string]connector.FieldCaps{item.Name.Name: {Fixed: true, Names: names, Why: why}, item.Created.Name: told(whyLive)},
			Lost:   map[string]string{item.Permissions.Name: whyGrants},
			Batch:  1, Undo: connector.UndoExact, Requests: 3,
		},
		item.Folder: {
			Fields: map[string]connector.FieldCaps{item.Name.Name: name, item.Created.Name: told(whyLive), item.Empty.Name: told("it follows from what lies in it")},
			Lost:   map[string]string{item.Permissions.Name: whyGrants, item.Description.Name: whyText, item.SpecialUse.Name: whyMail, item.Subscribed.Name: whyMail},
			Batch:  side, Undo: connector.UndoExact, Requests: 1,
		},
		item.File: {
			Fields: map[string]connector.FieldCaps{item.Name.Name: name, item.Content.Name: {}, item.Modified.Name: modified,
				item.MediaType.Name: told("servers tell it by the name's ending"), item.Created.Name: told(whyLive)},
			Lost:  map[string]string{item.Metadata.Name: whyMetadata, item.Author.Name: whyPeople, item.Permissions.Name: whyGrants, item.Description.Name: whyText},
			Moves: true, Batch: 4 * side, Undo: connector.UndoExact, Requests: requests,
		},
	}
	return connector.Capabilities{Kinds: kinds, Absent: map[item.Kind]string{item.Member: whyPeople, item.Shortcut: whyLinks}, Format: connector.Plain, Paths: true, SettleDelay: c.settle,
		ReadRequests: func(files int) float64 { return 1 + float64(files)/20 }}
}
