// Package sftp is the connector for servers of files that speak SFTP: version 3 of
// the protocol (draft-ietf-secsh-filexfer-02), as OpenSSH and its relatives do, with
// OpenSSH's extensions where they are offered
// (https://github.com/openssh/openssh-portable/blob/master/PROTOCOL). The folder
// that the connection names is the drive; an id is the path that the server has,
// byte for byte.
package sftp

import (
	"context"
	"log/slog"
	"path"

	"github.com/rialto-migrate/rialto/connector"
	"github.com/rialto-migrate/rialto/connector/paths"
)

// New returns the connector.
func New() connector.Connector { return sftp{} }

type sftp struct{}

// Settings by name.
const (
	setUser       = "user"
	setPassword   = "password"
	setKey        = "key"
	setPassphrase = "passphrase"
	setHostKey    = "host-key"
	setFolder     = "folder"
	setSettle     = "settle-delay"
)

func (sftp) Manifest() connector.Manifest {
	return connector.Manifest{
		Name:  "sftp",
		Title: "SFTP",
		Settings: []connector.Setting{
			{Name: connector.SettingURL, Help: "address of the server: sftp://files.example.org, with its port if that is not 22"},
			{Name: setUser, Help: "name of the account"},
			{Name: setPassword, Help: "its password; leave it out with a key", Secret: true, Optional: true},
			{Name: setKey, Help: "private key, the whole text of its file (id_ed25519)", Secret: true, Optional: true},
			{Name: setPassphrase, Help: "passphrase of the private key, if it has one", Secret: true, Optional: true},
			{Name: setHostKey, Help: "the server's host key: its fingerprint (SHA256:…) or its line in known_hosts; leave it out to be told", Optional: true},
			{Name: setFolder, Help: "folder on the server, with all below it; by default the account's home", Optional: true},
			{Name: setSettle, Help: "how long a request of a killed run may still land, such as 30s (the default)", Optional: true},
		},
	}
}

// Open makes a connection ready; it sends nothing.
func (sftp) Open(_ context.Context, env connector.Env) (connector.Cloud, error) {
	cfg, err := parseConfig(env.Settings)
	if err != nil {
		return nil, err
	}
	if _, err := settleDelay(env.Settings); err != nil {
		return nil, err
	}
	if cfg.address == "" || cfg.user == "" {
		return nil, connector.Errorf(connector.Permanent, "sftp needs the settings url and user").
			WithHint("set url to the server's address, such as sftp://files.example.org, and user to the name of the account")
	}
	if len(cfg.auth) == 0 {
		return nil, connector.Errorf(connector.Auth, "sftp needs the setting password or key").WithHint("set one of them")
	}
	if env.HTTP == nil {
		return nil, connector.Errorf(connector.Permanent, "sftp was opened without a way to the network")
	}
	log := env.Log
	if log == nil {
		log = slog.New(slog.DiscardHandler)
	}
	return &cloud{cfg: cfg, pool: newPool(cfg, env.HTTP, log), log: log, readOnly: env.HTTP.ReadOnly()}, nil
}

// A cloud is an open connection.
type cloud struct {
	cfg      config
	pool     *pool
	log      *slog.Logger
	readOnly bool
}

func (c *cloud) Close() error {
	c.pool.close()
	return nil
}

// Check signs in and looks at the folder. It says which one it is, so that the home
// of the account needs not be asked for again.
func (c *cloud) Check(ctx context.Context) (connector.Identity, error) {
	root, err := c.root(ctx)
	if err != nil {
		return connector.Identity{}, err
	}
	id := connector.Identity{ID: c.cfg.user, Name: c.cfg.user, Account: c.cfg.address + root,
		Rights:   []string{"read and write folders and files, as far as the server lets this account"},
		Settings: map[string]string{setFolder: root}}
	return id, nil
}

// root is the folder that the connection names, as the server calls it.
func (c *cloud) root(ctx context.Context) (string, error) {
	if c.cfg.folder != "" && path.IsAbs(c.cfg.folder) && path.Clean(c.cfg.folder) == c.cfg.folder && c.pool.isRoot(c.cfg.folder) {
		return c.cfg.folder, nil
	}
	var root string
	err := c.pool.do(ctx, "REALPATH {folder}", true, func(s *session) error {
		at := c.cfg.folder
		if at == "" {
			at = "."
		}
		real, err := s.RealPath(at)
		if err != nil {
			return err
		}
		info, err := s.Stat(real)
		if err != nil {
			return err
		}
		if !info.IsDir() {
			return connector.Errorf(connector.Permanent, "what the setting %s names is no folder", setFolder).WithHint("set it to a folder")
		}
		root = real
		return nil
	})
	if err != nil && connector.ClassOf(err) == connector.Gone {
		return "", connector.Errorf(connector.Permanent, "the folder of the setting %s is not there", setFolder).WithHint("correct its path, or make it on the server")
	}
	if err == nil {
		c.pool.knowRoot(root)
	}
	return root, err
}

// Source reads below the folder that the connection names.
func (c *cloud) Source(context.Context) (connector.Source, error) { return &source{c}, nil }

// Target writes into the place: a folder below the one that the connection names, ""
// or "/" for that one. It is made with the first drive that is written.
func (c *cloud) Target(ctx context.Context, place string) (connector.Target, error) {
	at, err := c.root(ctx)
	if err != nil {
		return nil, err
	}
	in, err := paths.Place(at, place)
	if err != nil {
		return nil, err
	}
	return &target{cloud: c, root: at, place: in}, nil
}
