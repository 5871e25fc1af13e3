// Package ftps is the connector for servers of files that speak FTP over TLS (RFC 959
// and RFC 4217), both ways: begun with AUTH TLS, and with TLS from the first byte. Data
// connections are passive, protected (PROT P), and lead to where the control connection
// does, whatever the server says. The folder that the connection names is the drive; an id
// is the path that the server has, byte for byte.
package ftps

import (
	"context"
	"log/slog"
	"path"
	"strings"

	"github.com/rialto-migrate/rialto/connector"
	"github.com/rialto-migrate/rialto/connector/paths"
	"github.com/rialto-migrate/rialto/connectors/ftps/wire"
)

// New returns the connector.
func New() connector.Connector { return ftps{} }

type ftps struct{}

// Settings by name.
const (
	setTLS      = "tls"
	setUser     = "user"
	setPassword = "password"
	setFolder   = "folder"
	setTimes    = "times"
	setSettle   = "settle-delay"
)

func (ftps) Manifest() connector.Manifest {
	return connector.Manifest{
		Name:  "ftps",
		Title: "FTPS",
		Settings: []connector.Setting{
			{Name: connector.SettingURL, Help: "address of the server: ftps://files.example.org, with its port if that is not the usual one"},
			{Name: setUser, Help: "name of the account"},
			{Name: setPassword, Help: "its password", Secret: true},
			{Name: setTLS, Help: "explicit (AUTH TLS, port 21) or implicit (port 990); by default what the port says, else explicit", Optional: true},
			{Name: setFolder, Help: "folder on the server, with all below it; by default the account's home", Optional: true},
			{Name: setTimes, Help: "how the server has the times of files set: mfmt, mdtm or, not at all, told; connect finds it out", Optional: true},
			{Name: setSettle, Help: "how long a request of a killed run may still land, such as 30s (the default)", Optional: true},
		},
	}
}

// Open makes a connection ready; it sends nothing.
func (ftps) Open(_ context.Context, env connector.Env) (connector.Cloud, error) {
	cfg, err := parseConfig(env.Settings)
	if err != nil {
		return nil, err
	}
	if cfg.address == "" || cfg.user == "" {
		return nil, connector.Errorf(connector.Permanent, "ftps needs the settings url and user").
			WithHint("set url to the server's address, such as ftps://files.example.org, and user to the name of the account")
	}
	if cfg.password == "" {
		return nil, connector.Errorf(connector.Auth, "ftps needs the setting password").WithHint("set it")
	}
	if env.HTTP == nil {
		return nil, connector.Errorf(connector.Permanent, "ftps was opened without a way to the network")
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

// Check signs in and looks at the folder. It says which one it is, so that the home of the
// account needs not be asked for again, and how the server has times set.
func (c *cloud) Check(ctx context.Context) (connector.Identity, error) {
	root, err := c.root(ctx)
	if err != nil {
		return connector.Identity{}, err
	}
	times := timesTold
	err = c.pool.do(ctx, "FEAT", true, func(conn *wire.Conn) error {
		switch {
		case conn.Has("MFMT"):
			times = timesMFMT
		case strings.Contains(conn.Greeting, "vsFTPd") && conn.Has("MDTM"):
			times = timesMDTM
		}
		return nil
	})
	id := connector.Identity{ID: c.cfg.user, Name: c.cfg.user, Account: c.cfg.address + root,
		Rights:   []string{"read and write folders and files, as far as the server lets this account"},
		Settings: map[string]string{setFolder: root, setTimes: times}}
	return id, err
}

// root is the folder that the connection names, as the server calls it.
func (c *cloud) root(ctx context.Context) (string, error) {
	if root := c.pool.knownRoot(); root != "" {
		return root, nil
	}
	var root string
	err := c.pool.do(ctx, "PWD", true, func(conn *wire.Conn) error {
		root = c.cfg.folder
		if !path.IsAbs(root) {
			home, err := conn.Folder()
			if err != nil {
				return err
			}
			if !path.IsAbs(home) {
				return connector.Errorf(connector.Unsupported, "the server has no paths that begin with a slash").WithHint("such servers are not spoken to")
			}
			root = path.Join(home, root)
		}
		root = path.Clean(root)
		e, err := conn.Stat(root)
		if err != nil {
			return err
		}
		if e.Kind != wire.Folder {
			return connector.Errorf(connector.Permanent, "what the setting %s names is no folder", setFolder).WithHint("set it to a folder")
		}
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
