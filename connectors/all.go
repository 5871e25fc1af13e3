// Package connectors lists the connectors that the program is built with. A new
// cloud is a folder here and one line.
package connectors

import (
	"github.com/rialto-migrate/rialto/connector"
	"github.com/rialto-migrate/rialto/connectors/box"
	"github.com/rialto-migrate/rialto/connectors/dropbox"
	"github.com/rialto-migrate/rialto/connectors/ftps"
	"github.com/rialto-migrate/rialto/connectors/googledrive"
	"github.com/rialto-migrate/rialto/connectors/imap"
	"github.com/rialto-migrate/rialto/connectors/local"
	"github.com/rialto-migrate/rialto/connectors/mailfiles"
	"github.com/rialto-migrate/rialto/connectors/microsoft/onedrive"
	"github.com/rialto-migrate/rialto/connectors/microsoft/outlook"
	"github.com/rialto-migrate/rialto/connectors/microsoft/planner"
	"github.com/rialto-migrate/rialto/connectors/rclone"
	"github.com/rialto-migrate/rialto/connectors/redmine"
	"github.com/rialto-migrate/rialto/connectors/s3"
	"github.com/rialto-migrate/rialto/connectors/sftp"
	"github.com/rialto-migrate/rialto/connectors/smb"
	"github.com/rialto-migrate/rialto/connectors/trello"
	"github.com/rialto-migrate/rialto/connectors/webdav"
)

// All returns every connector.
func All() []connector.Connector {
	return []connector.Connector{
		trello.New(),
		planner.New(),
		redmine.New(),
		local.New(),
		s3.New(),
		sftp.New(),
		smb.New(),
		ftps.New(),
		webdav.New(),
		googledrive.New(),
		box.New(),
		dropbox.New(),
		onedrive.New(),
		imap.New(),
		mailfiles.New(),
		rclone.New(),
		outlook.New(),
	}
}
