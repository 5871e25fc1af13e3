// Package onedrive is the connector of OneDrive and of SharePoint's document
// libraries, in the cloud of organisations and in that of private persons, through
// Microsoft Graph
// (https://learn.microsoft.com/en-us/graph/api/resources/onedrive).
//
// A shard is a drive: somebody's OneDrive, the library of a group, each library of a
// site. What lies in it has the ids that the drive gives, which stay when it is
// renamed or put elsewhere.
package onedrive

import (
	"context"
	"log/slog"
	"net/url"
	"slices"
	"strings"
	"sync"

	"github.com/rialto-migrate/rialto/connector"
	"github.com/rialto-migrate/rialto/connectors/microsoft"
)

// Settings by name, beside those of every connection to Graph.
const (
	setKind   = "kind"
	setUnits  = "units-per-minute"
	setSettle = "settle-delay"
)

type onedrive struct{}

// New returns the connector.
func New() connector.Connector { return onedrive{} }

func (onedrive) Manifest() connector.Manifest {
	return connector.Manifest{
		Name: "onedrive", Title: "OneDrive and SharePoint",
		Settings: append(microsoft.Settings(),
			connector.Setting{Name: setKind, Help: "organisation, or personal for the OneDrive of a private person (with tenant=consumers); learned when connecting", Optional: true},
			connector.Setting{Name: setUnits, Help: "resource units that the tenant may use in a minute: 1200 up to 1,000 licences (the default), 2400 up to 5,000, 3600 up to 15,000, 4800 up to 50,000, 6000 beyond", Optional: true},
			connector.Setting{Name: setSettle, Help: "how long a request of a killed run may still land, such as 60s (the default)", Optional: true},
		),
		Hosts:  []string{"graph.microsoft.com", "login.microsoftonline.com"},
		SignIn: signIn,
	}
}

// signIn asks for what a migration needs
// (https://learn.microsoft.com/en-us/graph/permissions-reference); a private person
// has no sites and no directory.
func signIn(ctx context.Context, env connector.Env, show func(url, code string)) (map[string]string, error) {
	scopes := []string{"Files.ReadWrite.All", "Sites.ReadWrite.All", "GroupMember.Read.All", "User.ReadBasic.All"}
	if c, err := parseConfig(env.Settings); err == nil && c.kind == kindPersonal {
		scopes = []string{"Files.ReadWrite.All", "User.Read"}
	}
	token, err := microsoft.DeviceCode(ctx, env, scopes, show)
	if err != nil {
		return nil, err
	}
	return map[string]string{microsoft.SettingRefreshToken: token}, nil
}

func (onedrive) Open(_ context.Context, env connector.Env) (connector.Cloud, error) {
	cfg, err := parseConfig(env.Settings)
	if err != nil {
		return nil, err
	}
	if env.HTTP == nil {
		return nil, connector.Errorf(connector.Permanent, "onedrive was opened without a way to the network")
	}
	graph, err := microsoft.New(env)
	if err != nil {
		return nil, err
	}
	log := env.Log
	if log == nil {
		log = slog.New(slog.DiscardHandler)
	}
	return &cloud{graph: graph, cfg: cfg, settings: env.Settings, log: log, roots: map[string]string{}, owners: map[string]string{}}, nil
}

// A cloud is an open connection.
type cloud struct {
	graph    *microsoft.Client
	cfg      config
	settings connector.Settings
	log      *slog.Logger

	mu     sync.Mutex
	roots  map[string]string // the root's id by drive
	owners map[string]string // whose it is, by drive
}

func (c *cloud) Close() error { return nil }

// Check says who the connection acts as, and learns whether that is a private person.
func (c *cloud) Check(ctx context.Context) (connector.Identity, error) {
	id := connector.Identity{Account: c.settings[microsoft.SettingTenant], Settings: map[string]string{setKind: kindOrganisation}}
	if !c.graph.Delegated() {
		id.ID, id.Name = c.settings[microsoft.SettingClientID], "an app"
		var some struct {
			Value []identity `json:"value"`
		}
		if err := c.graph.Get(ctx, "/users", url.Values{"$top": {"1"}, "$select": {"id"}}, &some); err != nil {
			return id, err
		}
		id.Rights = []string{"read and write the drives of people, groups and sites"}
		return id, c.missing(ctx, &id)
	}
	var me identity
	if err := c.graph.Get(ctx, "/me", url.Values{"$select": {"id,displayName"}}, &me); err != nil {
		return id, err
	}
	id.ID, id.Name = me.ID, me.Name
	id.Rights = []string{"read and write the drives that this person may use"}
	var own drive
	switch err := c.read(ctx, "/me/drive", url.Values{"$select": {"id,driveType"}}, costOne, &own); {
	case microsoft.IsGone(err): // no licence: groups and sites are left
		id.Missing = append(id.Missing, "a OneDrive of its own")
	case err != nil:
		return id, err
	case own.Type == personal:
		id.Settings[setKind] = kindPersonal
		return id, nil
	}
	return id, c.missing(ctx, &id)
}

// missing names the rights that a migration uses and the token does not tell of
// (https://learn.microsoft.com/en-us/graph/permissions-reference).
func (c *cloud) missing(ctx context.Context, id *connector.Identity) error {
	claims, err := c.graph.Claims(ctx)
	if err != nil || len(claims) == 0 {
		return err
	}
	for _, need := range []struct {
		to  string
		any []string
	}{
		{"write files", []string{"Files.ReadWrite.All", "Sites.ReadWrite.All", "Sites.FullControl.All"}},
		{"find sites", []string{"Sites.Read.All", "Sites.ReadWrite.All", "Sites.FullControl.All"}},
		{"find people", []string{"User.ReadBasic.All", "User.Read.All", "Directory.Read.All"}},
		{"find groups", []string{"GroupMember.Read.All", "Group.Read.All", "Group.ReadWrite.All", "Directory.Read.All"}},
	} {
		if !slices.ContainsFunc(need.any, func(s string) bool { return slices.Contains(claims, s) }) {
			id.Missing = append(id.Missing, need.to+" ("+strings.Join(need.any, " or ")+")")
		}
	}
	return nil
}

func (c *cloud) Source(context.Context) (connector.Source, error) { return &source{c}, nil }

// follow takes the next page's address, relative to the API's, or "" for none. It
// refuses one that leads elsewhere: the token would go there.
func (c *cloud) follow(next string) (string, error) {
	if next == "" {
		return "", nil
	}
	rest, ok := strings.CutPrefix(next, c.graph.Base())
	if !ok || !strings.HasPrefix(rest, "/") {
		return "", connector.Errorf(connector.Malformed, "GET: the next page is said to be on another server").
			WithHint("check the connection's url setting: a proxy may rewrite addresses")
	}
	return rest, nil
}
