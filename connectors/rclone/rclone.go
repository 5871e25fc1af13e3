// Package rclone is the connector for the long tail: clouds of files that rclone
// (https://rclone.org) knows and that have no connector of their own. It uses rclone's
// backends as a library, in this process: their settings live in memory, their
// requests go through the connector's client (see bridge.go), and they write no file.
// The folder that the connection names is the drive; an id is the path below it.
package rclone

import (
	"context"
	"log/slog"
	"path"
	"strings"

	"github.com/rialto-migrate/rialto/connector"
	"github.com/rialto-migrate/rialto/connector/paths"
)

// New returns the connector.
func New() connector.Connector { return rclone{} }

type rclone struct{}

// Settings by name.
const (
	setBackend = "backend"
	setOptions = "options"
	setSecrets = "secrets"
	setFolder  = "folder"
	setTraits  = "traits"
	setSettle  = "settle-delay"
)

// usual are the backends of backends.go.
const usual = "b2, hidrive, kdrive, koofr, mega, opendrive, pcloud, seafile, sharefile, swift, yandex, zoho"

func (rclone) Manifest() connector.Manifest {
	return connector.Manifest{
		Name:  "rclone",
		Title: "rclone's backends",
		Settings: []connector.Setting{
			{Name: setBackend, Help: "rclone's name of the cloud: " + usual + "; a build with the tags of docs/adr/0008 also has azureblob, azurefiles and gcs"},
			{Name: connector.SettingURL, Help: "address of the cloud, where it is not the usual one: rclone's option endpoint, url or auth", Optional: true},
			{Name: setOptions, Help: "the backend's options that are no secrets, one a line or with commas between them: account=acme,region=eu (https://rclone.org/<backend>/)", Optional: true},
			{Name: setSecrets, Help: "those that are, one a line, in the clear: key=…, pass=…, token={…} as \"rclone authorize <backend>\" prints it", Secret: true, Optional: true},
			{Name: setFolder, Help: "folder of the cloud, with all below it; where there are buckets, the bucket first: files/2024", Optional: true},
			{Name: setTraits, Help: "what the cloud can do; found out by connect", Optional: true},
			{Name: setSettle, Help: "how long a request of a killed run may still land, such as 30s (the default)", Optional: true},
		},
	}
}

// Open makes a connection ready; it sends nothing.
func (rclone) Open(_ context.Context, env connector.Env) (connector.Cloud, error) {
	cfg, err := parseConfig(env.Settings)
	if err != nil {
		return nil, err
	}
	if cfg.info == nil {
		return nil, connector.Errorf(connector.Permanent, "rclone needs the setting %s", setBackend).WithHint("set it to one of " + strings.Join(names(), ", "))
	}
	if env.HTTP == nil {
		return nil, connector.Errorf(connector.Permanent, "rclone was opened without a way to the network")
	}
	log := env.Log
	if log == nil {
		log = slog.New(slog.DiscardHandler)
	}
	c := &cloud{cfg: cfg, log: log, readOnly: env.HTTP.ReadOnly(), opening: make(chan struct{}, 1), bridge: newBridge(env.HTTP, log)}
	c.values = newValues(cfg, env.Renewed)
	return c, nil
}

// A cloud is an open connection.
type cloud struct {
	cfg      config
	log      *slog.Logger
	values   *values
	bridge   *bridge
	readOnly bool

	opening chan struct{} // holds one: a mutex that a context can give up on
	lib     *library      // under opening; nil before the first call
}

// Close ends what the library has open.
func (c *cloud) Close() error {
	c.opening <- struct{}{}
	defer func() { <-c.opening }()
	if c.lib != nil {
		c.lib.close()
	}
	c.bridge.close()
	return nil
}

// Check signs in and looks at the folder. What the backend says of itself is
// remembered, as Capabilities asks nobody.
func (c *cloud) Check(ctx context.Context) (connector.Identity, error) {
	lib, err := c.library(ctx)
	if err != nil {
		return connector.Identity{}, err
	}
	if _, err := c.entries(ctx, "/"); err != nil {
		if connector.ClassOf(err) == connector.Gone {
			return connector.Identity{}, connector.Errorf(connector.Permanent, "the folder of the setting %s is not there", setFolder).WithHint("correct its path, or make it in the cloud")
		}
		return connector.Identity{}, err
	}
	return connector.Identity{ID: c.cfg.account(), Name: c.cfg.account(), Account: c.cfg.info.Description,
		Rights:   []string{"read and write folders and files, as far as the cloud lets this account"},
		Settings: map[string]string{setTraits: lib.traits.String()}}, nil
}

// Source reads below the folder that the connection names.
func (c *cloud) Source(context.Context) (connector.Source, error) { return &source{c}, nil }

// Target writes into the place: a folder below the one that the connection names, ""
// or "/" for that one. It is made with the first drive that is written.
func (c *cloud) Target(_ context.Context, place string) (connector.Target, error) {
	at, err := paths.Place("/", place)
	if err != nil {
		return nil, err
	}
	return &target{cloud: c, place: at}, nil
}

// remote is what the library calls the path of an id.
func remote(id string) string { return strings.TrimPrefix(path.Clean(id), "/") }
