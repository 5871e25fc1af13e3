// Package smb is the connector for the shares of Windows, Samba and the like, over
// SMB 3 with encryption ([MS-SMB2],
// https://learn.microsoft.com/en-us/openspecs/windows_protocols/ms-smb2). A share,
// or the folder of it that the connection names, is the drive; an id is the path:
// "/Share/folder/file". Accounts sign in by NTLMv2; Kerberos is not spoken.
package smb

import (
	"context"
	"log/slog"
	"strings"

	"github.com/rialto-migrate/rialto/connector"
	"github.com/rialto-migrate/rialto/connector/paths"
)

// New returns the connector.
func New() connector.Connector { return smb{} }

type smb struct{}

// Settings by name.
const (
	setUser      = "user"
	setPassword  = "password"
	setDomain    = "domain"
	setShare     = "share"
	setFolder    = "folder"
	setNameBytes = "name-bytes"
	setSettle    = "settle-delay"
)

func (smb) Manifest() connector.Manifest {
	return connector.Manifest{
		Name:  "smb",
		Title: "SMB",
		Settings: []connector.Setting{
			{Name: connector.SettingURL, Help: "address of the server: smb://files.example.org, with its port if that is not 445"},
			{Name: setUser, Help: `name of the account, or DOMAIN\name; it signs in by NTLMv2, for Kerberos is not spoken`},
			{Name: setPassword, Help: "its password", Secret: true},
			{Name: setDomain, Help: "the account's domain, if it is none of the server's own", Optional: true},
			{Name: setShare, Help: "name of the share; by default all that the server lists", Optional: true},
			{Name: setFolder, Help: "folder of the share, with all below it; by default the whole share", Optional: true},
			{Name: setNameBytes, Help: "how many bytes of UTF-8 the server takes as a name, where its disk sets a limit of its own; found out by itself", Optional: true},
			{Name: setSettle, Help: "how long a request of a killed run may still land, such as 30s (the default)", Optional: true},
		},
	}
}

// Open makes a connection ready; it sends nothing.
func (smb) Open(_ context.Context, env connector.Env) (connector.Cloud, error) {
	cfg, err := parseConfig(env.Settings)
	if err != nil {
		return nil, err
	}
	if cfg.address == "" || cfg.user == "" {
		return nil, connector.Errorf(connector.Permanent, "smb needs the settings url and user").
			WithHint("set url to the server's address, such as smb://files.example.org, and user to the name of the account")
	}
	if cfg.password == "" {
		return nil, connector.Errorf(connector.Auth, "smb needs the setting password").WithHint("set it: accounts without a password are not used")
	}
	if env.HTTP == nil {
		return nil, connector.Errorf(connector.Permanent, "smb was opened without a way to the network")
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

// Check signs in and looks at the share, or lists those that there are. It learns
// how long the names may be that the server's disk takes.
func (c *cloud) Check(ctx context.Context) (connector.Identity, error) {
	id := connector.Identity{ID: c.cfg.user, Name: c.cfg.user, Account: c.cfg.address + c.cfg.root,
		Rights: []string{"read and write folders and files, as far as the server lets this account"}}
	drives, err := c.drives(ctx)
	if err != nil {
		return connector.Identity{}, err
	}
	if c.cfg.root != "/" {
		if err := c.isFolder(ctx, c.cfg.root); err != nil {
			return connector.Identity{}, err
		}
	}
	if len(drives) > 0 {
		id.Settings, err = c.nameBytes(ctx, drives[0])
	}
	return id, err
}

// isFolder fails if a folder that a setting names is none.
func (c *cloud) isFolder(ctx context.Context, at string) error {
	info, err := c.look(ctx, at)
	switch {
	case err != nil && connector.ClassOf(err) == connector.Gone:
		return connector.Errorf(connector.Permanent, "the folder of the setting %s is not there", setFolder).WithHint("correct its path, or make it on the server")
	case err != nil:
		return err
	case !isDir(info):
		return connector.Errorf(connector.Permanent, "what the setting %s names is no folder", setFolder).WithHint("set it to a folder")
	}
	return nil
}

// nameBytes asks for a name that NTFS takes and that is too long for the disks of
// Linux, whose names have 255 bytes: 86 characters of three bytes. A server says of
// such a name that it is invalid, else that nothing is there; of what else it says,
// nothing is learned.
func (c *cloud) nameBytes(ctx context.Context, at string) (map[string]string, error) {
	_, err := c.look(ctx, connector.Below(at, strings.Repeat("名", 86)))
	switch class := connector.ClassOf(err); {
	case err == nil || class == connector.Gone:
		return map[string]string{setNameBytes: "0"}, nil
	case badName(err):
		return map[string]string{setNameBytes: "255"}, nil
	case class == connector.Transient || class == connector.Auth:
		return nil, err
	}
	return nil, nil
}

// drives are the shares that the connection names, as paths.
func (c *cloud) drives(ctx context.Context) ([]string, error) {
	if c.cfg.root != "/" {
		return []string{c.cfg.root}, nil
	}
	names, err := c.pool.shares(ctx)
	for i := range names {
		names[i] = "/" + names[i]
	}
	return names, err
}

// Source reads the shares that the connection names.
func (c *cloud) Source(context.Context) (connector.Source, error) { return &source{c}, nil }

// Target writes into the place: a folder below the one that the connection names, ""
// or "/" for that one. It is made with the first drive that is written. Where the
// connection names no share, the place begins with one.
func (c *cloud) Target(_ context.Context, place string) (connector.Target, error) {
	at, err := paths.Place(c.cfg.root, place)
	if err != nil || strings.ContainsAny(place, forbidden) {
		return nil, connector.Errorf(connector.Permanent, "the place is no path of folders").
			WithHint(`write the folders with slashes between them, as in "Departments/Sales", or leave the place empty`)
	}
	return &target{cloud: c, place: at}, nil
}

// forbidden are the characters that no name holds, beside the slash
// (https://learn.microsoft.com/en-us/windows/win32/fileio/naming-a-file).
const forbidden = `<>:"\|?*`

// legal refuses what would name another place than the one below its parent, or a
// stream of it.
func legal(name string) *connector.Error {
	if e := paths.Legal(name); e != nil {
		return e
	}
	if strings.ContainsAny(name, forbidden) {
		return connector.Errorf(connector.Permanent, "a name holds one of %s", forbidden).WithHint("give it another name at the source")
	}
	return nil
}

// split takes a path apart: the share, and the path in it, "" for its root.
func split(id string) (share, inner string) {
	share, inner, _ = strings.Cut(strings.TrimPrefix(id, "/"), "/")
	return share, inner
}
