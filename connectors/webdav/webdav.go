// Package webdav is the connector for servers of files that speak WebDAV (RFC
// 4918): Apache with mod_dav, Nextcloud, ownCloud and their relatives, and any
// other. The folder that the connection's url names is the drive; an id is the
// path that the server has, decoded.
//
// What servers differ in is learned by Check and kept as the setting server:
// whether a PUT heeds its conditions, shows a file before it is whole, and keeps
// the time at which its bytes changed.
package webdav

import (
	"context"
	"log/slog"
	"net/http"
	"strings"

	"github.com/rialto-migrate/rialto/connector"
	"github.com/rialto-migrate/rialto/connector/paths"
)

// New returns the connector.
func New() connector.Connector { return webdav{} }

type webdav struct{}

// Settings by name.
const (
	setUser     = "user"
	setPassword = "password"
	setToken    = "token"
	setServer   = "server"
	setSettle   = "settle-delay"
)

func (webdav) Manifest() connector.Manifest {
	return connector.Manifest{
		Name:  "webdav",
		Title: "WebDAV",
		Settings: []connector.Setting{
			{Name: connector.SettingURL, Help: "address of the folder, as https://cloud.example.org/remote.php/dav/files/ann of Nextcloud: Files settings show it"},
			{Name: setUser, Help: "name of the account; leave it out with a token", Optional: true},
			{Name: setPassword, Help: "its password; better one for this program alone (Nextcloud: Personal settings, Security, App password)", Secret: true, Optional: true},
			{Name: setToken, Help: "bearer token, instead of name and password", Secret: true, Optional: true},
			{Name: setServer, Help: "apache, owncloud (Nextcloud, too), rclone or other; learned when connecting", Optional: true},
			{Name: setSettle, Help: "how long a request of a killed run may still land, such as 30s (the default)", Optional: true},
		},
	}
}

// Open makes a connection ready; it sends nothing.
func (webdav) Open(_ context.Context, env connector.Env) (connector.Cloud, error) {
	cfg, err := parseConfig(env.Settings)
	if err != nil {
		return nil, err
	}
	if cfg.base == nil {
		return nil, connector.Errorf(connector.Permanent, "webdav needs the setting url").
			WithHint("set url to the address of the folder, such as https://cloud.example.org/remote.php/dav/files/ann")
	}
	if env.HTTP == nil {
		return nil, connector.Errorf(connector.Permanent, "webdav was opened without a way to the network")
	}
	log := env.Log
	if log == nil {
		log = slog.New(slog.DiscardHandler)
	}
	return &cloud{cfg: cfg, api: &api{base: cfg.base, http: env.HTTP.With(dialect(cfg))}, log: log}, nil
}

// A cloud is an open connection.
type cloud struct {
	cfg config
	api *api
	log *slog.Logger
}

func (c *cloud) Close() error { return nil }

// Check reads the folder that the url names, and learns what the server is.
func (c *cloud) Check(ctx context.Context) (connector.Identity, error) {
	root, err := c.api.stat(ctx, c.cfg.root, true)
	if connector.ClassOf(err) == connector.Gone && err != nil {
		return connector.Identity{}, connector.Errorf(connector.Permanent, "the folder of the setting url is not there").
			WithHint("correct the path of the url; Nextcloud's ends with the name of the account: /remote.php/dav/files/ann")
	}
	if err != nil {
		return connector.Identity{}, err
	}
	if !root.folder {
		return connector.Identity{}, connector.Errorf(connector.Permanent, "what the setting url names is no folder").
			WithHint("set url to the address of a folder")
	}
	head, err := c.api.options(ctx, c.cfg.root)
	if err != nil {
		return connector.Identity{}, err
	}
	id := connector.Identity{ID: c.cfg.user, Name: c.cfg.user, Account: c.cfg.base.Host + c.cfg.root,
		Rights:   []string{"read the folders and files below " + c.cfg.base.Host},
		Settings: map[string]string{setServer: string(recognize(head, root))},
	}
	switch {
	case root.permissions == "" || strings.Contains(root.permissions, "C") && strings.Contains(root.permissions, "K"):
		id.Rights = append(id.Rights, "create folders and files, as far as the server lets this account")
	default:
		// CK: may create files, and folders (https://docs.nextcloud.com/server/latest/developer_manual/client_apis/WebDAV/basic.html).
		id.Missing = append(id.Missing, "the right to create files and folders in this folder")
	}
	return id, nil
}

// recognize tells which server answered, by what it says of itself.
func recognize(head http.Header, root entry) server {
	dav := strings.Join(head.Values("DAV"), ",")
	says := head.Get("Server")
	switch {
	case root.permissions != "" || strings.Contains(dav, "nextcloud"):
		return ownCloud
	case strings.HasPrefix(says, "rclone/"):
		return rclone
	case strings.Contains(dav, "http://apache.org/dav/propset/fs/"):
		return apache
	}
	return other
}

// Source reads below the folder that the connection names.
func (c *cloud) Source(context.Context) (connector.Source, error) { return &source{c}, nil }

// Target writes into the place: a folder below the one that the connection names,
// "" or "/" for that one. It is made with the first drive that is written.
func (c *cloud) Target(_ context.Context, place string) (connector.Target, error) {
	at, err := paths.Place(c.cfg.root, place)
	if err != nil {
		return nil, err
	}
	return &target{cloud: c, place: at}, nil
}
