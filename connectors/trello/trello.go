// Package trello is the connector for Trello: it reads boards through the REST
// API or out of Trello's own JSON export, and writes them through the API.
//
// New returns the connector; everything else is behind the contract of package
// connector. A connection needs a key and a token, or the path of an export.
package trello

import (
	"context"
	"os"
	"strings"
	"time"

	"github.com/rialto-migrate/rialto/connector"
)

// The settings of a connection beside connector.SettingURL.
const (
	settingKey         = "key"
	settingToken       = "token"
	settingExport      = "export"
	settingComments    = "comments"
	settingAttachments = "attachments"
	settingPlan        = "plan"
	settingSettleDelay = "settle-delay"
)

// New returns the connector.
func New() connector.Connector { return trello{} }

type trello struct{}

func (trello) Manifest() connector.Manifest {
	return connector.Manifest{
		Name:  "trello",
		Title: "Trello",
		Hosts: []string{"api.trello.com", "trello.com", "trello-attachments.s3.amazonaws.com"},
		Settings: []connector.Setting{
			{Name: settingKey, Secret: true, Optional: true, Help: "the API key, from trello.com/power-ups/admin; not needed to read an export"},
			{Name: settingToken, Secret: true, Optional: true, Help: "the token that the key's page grants to a member; not needed to read an export"},
			{Name: connector.SettingURL, Optional: true, Help: "where the API answers, if not at " + publicURL},
			{Name: settingExport, Path: true, Optional: true, Help: "the JSON export of a board, to read instead of the API"},
			{Name: settingComments, Path: true, Optional: true, Help: "the board's comments beside an export, which holds only the newest 1,000 actions: the answer of GET /boards/{id}/actions?filter=commentCard"},
			{Name: settingAttachments, Path: true, Optional: true, Help: "the folder of files saved beside an export"},
			{Name: settingPlan, Optional: true, Help: "paid (the default) or free: a free workspace takes files of 10 MB at most, and no custom fields"},
			{Name: settingSettleDelay, Optional: true, Help: "how long a request of a killed run may still land, such as 30s (the default)"},
		},
	}
}

// Open reads no file yet and asks nobody: it checks that the settings go
// together.
func (trello) Open(_ context.Context, env connector.Env) (connector.Cloud, error) {
	s := env.Settings
	if v := s[settingSettleDelay]; v != "" {
		if d, err := time.ParseDuration(v); err != nil || d < 0 {
			return nil, connector.Errorf(connector.Permanent, "the settle-delay setting is not a duration").WithHint("write it like 30s or 2m")
		}
	}
	if p := s[settingPlan]; p != "" && p != "paid" && p != "free" {
		return nil, connector.Errorf(connector.Permanent, "the plan setting is neither paid nor free").WithHint("leave it away for a paid workspace")
	}
	if s[settingExport] == "" {
		if s[settingComments] != "" || s[settingAttachments] != "" {
			return nil, connector.Errorf(connector.Permanent, "comments and attachments lie beside an export, and no export is named").
				WithHint("set export to the path of the board's JSON export")
		}
		a, err := newAPI(env.HTTP, s)
		if err != nil {
			return nil, err
		}
		return &cloud{api: a, env: env}, nil
	}
	if !strings.HasSuffix(s[settingExport], ".json") {
		if info, err := os.Stat(s[settingExport]); err == nil && info.IsDir() {
			return nil, connector.Errorf(connector.Permanent, "the export setting names a folder").WithHint("name the .json file in it")
		}
	}
	return &exportCloud{source: &exportSource{export: s[settingExport], comments: s[settingComments], attachments: s[settingAttachments]}}, nil
}

// A cloud is a connection to the API.
type cloud struct {
	api *api
	env connector.Env
}

func (c *cloud) Check(ctx context.Context) (connector.Identity, error) {
	me, err := c.api.me(ctx)
	if err != nil {
		return connector.Identity{}, err
	}
	orgs, err := c.api.organizations(ctx)
	if err != nil {
		return connector.Identity{}, err
	}
	account := "no workspace"
	if len(orgs) > 0 {
		var names []string
		for _, o := range orgs {
			names = append(names, string(o.DisplayName))
		}
		account = strings.Join(names, ", ")
	}
	// Trello tells a token's rights only at an address that holds the token
	// itself (GET /tokens/{token}), which would be logged on the way. That it may
	// not write shows at the first write, as 401 "unauthorized".
	return connector.Identity{ID: string(me.ID), Name: string(me.FullName), Account: account,
		Rights: []string{"read the boards of this member", "write them, if the token was granted with scope read,write"}}, nil
}

func (c *cloud) Source(context.Context) (connector.Source, error) { return &source{api: c.api}, nil }

func (c *cloud) Target(ctx context.Context, place string) (connector.Target, error) {
	return newTarget(ctx, c.api, place)
}

func (c *cloud) Close() error { return nil }

// An exportCloud is a connection to an export file.
type exportCloud struct{ source *exportSource }

func (c *exportCloud) Check(context.Context) (connector.Identity, error) {
	snap, err := c.source.read()
	if err != nil {
		return connector.Identity{}, err
	}
	return connector.Identity{ID: string(snap.board.ID), Name: "a board's export", Account: "a file", Rights: []string{"read the board in the export"}}, nil
}

func (c *exportCloud) Source(context.Context) (connector.Source, error) {
	if _, err := c.source.read(); err != nil {
		return nil, err
	}
	return c.source, nil
}

func (c *exportCloud) Target(context.Context, string) (connector.Target, error) {
	return nil, connector.Errorf(connector.Unsupported, "an export file is no target").
		WithHint("connect to Trello with a key and a token to write boards")
}

func (c *exportCloud) Close() error { return c.source.Close() }
