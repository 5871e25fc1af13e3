// Package dropbox is the connector for Dropbox, of a person and of a team. Ids are
// Dropbox's own ("id:…"), which stay when something is moved or renamed; a container
// is a person's home or a folder of the team's.
//
// It speaks the HTTP API
// (https://www.dropbox.com/developers/documentation/http/documentation) by its
// contract (https://github.com/dropbox/dropbox-api-spec).
package dropbox

import (
	"context"
	"log/slog"
	"net/http"
	"sync"
	"time"

	"github.com/rialto-migrate/rialto/connector"
	"github.com/rialto-migrate/rialto/item"
)

// New returns the connector.
func New() connector.Connector { return dropbox{} }

type dropbox struct{}

// Settings by name.
const (
	setKey     = "app-key"
	setSecret  = "app-secret"
	setRefresh = "refresh-token"
	setAccess  = "access-token"
	setAs      = "as"
	setSettle  = "settle-delay"
)

const (
	apiHost     = "api.dropboxapi.com"
	contentHost = "content.dropboxapi.com"
)

func (dropbox) Manifest() connector.Manifest {
	return connector.Manifest{
		Name:  "dropbox",
		Title: "Dropbox",
		Hosts: []string{apiHost, contentHost},
		Settings: []connector.Setting{
			{Name: setKey, Help: "the app's key: https://www.dropbox.com/developers/apps, your app, Settings (make one with full Dropbox access; permissions: account_info.read, files.*, sharing.*, and for a team members.read, groups.read, team_data.member, team_data.team_space)", Optional: true},
			{Name: setSecret, Help: "the app's secret, beside its key; leave it out for a refresh token that was asked for with PKCE", Secret: true, Optional: true},
			{Name: setRefresh, Help: "open https://www.dropbox.com/oauth2/authorize?response_type=code&token_access_type=offline&client_id=KEY, allow it, and exchange the code: curl https://api.dropboxapi.com/oauth2/token -u KEY:SECRET -d grant_type=authorization_code -d code=CODE; the answer's refresh_token", Secret: true, Optional: true},
			{Name: setAccess, Help: "a ready access token (Generate, on the app's page), instead of the three above; it ends after four hours", Secret: true, Optional: true},
			{Name: setAs, Help: "with an app that a team linked: whose Dropbox it is, by address or dbmid:…; left out, a source is all members' homes and the team folders", Optional: true},
			{Name: connector.SettingURL, Help: "where the API is, for a stand-in", Optional: true},
			{Name: setSettle, Help: "how long a request of a killed run may still land, such as 30s (the default)", Optional: true},
		},
	}
}

// Open makes a connection ready; it sends nothing.
func (dropbox) Open(_ context.Context, env connector.Env) (connector.Cloud, error) {
	cfg, err := parseConfig(env.Settings)
	if err != nil {
		return nil, err
	}
	if env.HTTP == nil {
		return nil, connector.Errorf(connector.Permanent, "dropbox was opened without a way to the network")
	}
	tokens, err := newTokens(env, cfg)
	if err != nil {
		return nil, err
	}
	log := env.Log
	if log == nil {
		log = slog.New(slog.DiscardHandler)
	}
	a := &api{cfg: cfg, http: env.HTTP.With(connector.Dialect{Ready: tokens.Ready, Sign: tokens.Sign, Renew: tokens.Renew(), Refuse: refuse})}
	return &cloud{cfg: cfg, api: a, log: log, rooms: make(chan struct{}, rooms), turn: make(chan struct{}, 1)}, nil
}

// A cloud is an open connection.
type cloud struct {
	cfg config
	api *api
	log *slog.Logger
	// rooms are the buffers that uploads may fill at a time, turn is the one commit
	// of many files or folders that is under way: Dropbox locks the namespace.
	rooms, turn chan struct{}

	mu   sync.Mutex
	self *self // who it acts as; nil until that is asked for
}

func (c *cloud) Close() error { return nil }

// A self is whom a connection acts as.
type self struct {
	account account
	view    view
	team    bool   // it is a team's app, and acts as no member
	admin   string // of a team's app: who linked it
}

// whoami asks who the connection acts as, and where their paths begin; once.
func (c *cloud) whoami(ctx context.Context) (*self, error) {
	c.mu.Lock()
	known := c.self
	c.mu.Unlock()
	if known != nil {
		return known, nil
	}
	me := &self{}
	err := c.api.rpc(ctx, view{}, "users/get_current_account", nil, &me.account, read)
	switch {
	case refusedWith(err, http.StatusBadRequest) || c.cfg.as != "":
		if me, err = c.member(ctx); err != nil {
			return nil, err
		}
	case err != nil:
		return nil, err
	}
	if !me.team {
		me.view.root = me.account.Root.RootNamespace
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.self = me
	return me, nil
}

// member is whom a team's app acts as: the member of the setting as, or nobody.
func (c *cloud) member(ctx context.Context) (*self, error) {
	if c.cfg.as == "" {
		var told struct {
			Admin profile `json:"admin_profile"`
		}
		if err := c.api.rpc(ctx, view{}, "team/token/get_authenticated_admin", nil, &told, read); err != nil {
			return nil, err
		}
		me := &self{team: true, admin: told.Admin.Member}
		me.account.ID, me.account.Email, me.account.Name = told.Admin.Account, told.Admin.Email, told.Admin.Name
		return me, nil
	}
	as := c.cfg.as
	if len(as) < 6 || as[:6] != "dbmid:" {
		found := ""
		for m, err := range c.teamMembers(ctx) {
			if err != nil {
				return nil, err
			}
			if m.Email == as {
				found = m.Member
				break
			}
		}
		if as = found; as == "" {
			return nil, connector.Errorf(connector.Permanent, "no member of the team has the address of the setting %s", setAs).
				WithHint("set as to the address that the member signs in with, or to their dbmid:…")
		}
	}
	me := &self{view: view{user: as}}
	return me, c.api.rpc(ctx, view{user: as}, "users/get_current_account", nil, &me.account, read)
}

// Check reads who the connection acts as, and tries what a migration needs.
func (c *cloud) Check(ctx context.Context) (connector.Identity, error) {
	me, err := c.whoami(ctx)
	if err != nil {
		return connector.Identity{}, err
	}
	id := connector.Identity{ID: me.account.ID, Name: me.account.Name.Display, Account: me.account.Email}
	if me.account.Team != nil {
		id.Account = me.account.Team.Name
	}
	if me.team {
		id.Rights = []string{"read the homes of all members, and the team folders"}
		id.Missing = []string{"a member to write as: set " + setAs + " for a target"}
		return id, nil
	}
	// What was not allowed when the app was linked shows in the first call that needs it.
	for _, try := range []struct {
		route string
		arg   any
		right string
	}{
		{"files/list_folder", listArg{Path: me.account.Root.HomePath, Limit: 1}, "read folders and files"},
		{"sharing/list_folders", map[string]any{"limit": 1}, "read who was let at them"},
	} {
		switch err := c.api.rpc(ctx, me.view, try.route, try.arg, nil, read); {
		case err == nil:
			id.Rights = append(id.Rights, try.right)
		case connector.ClassOf(err) == connector.Forbidden:
			id.Missing = append(id.Missing, "the right to "+try.right)
		default:
			return connector.Identity{}, err
		}
	}
	id.Rights = append(id.Rights, "write, as far as the app's permissions files.content.write and sharing.write were allowed")
	return id, nil
}

// Source reads the home, the team folders, and with a team's app all members' homes.
func (c *cloud) Source(context.Context) (connector.Source, error) { return &source{c}, nil }

// Target writes into "home" or "team-folder:NAME", or a folder below: "home/Archive".
func (c *cloud) Target(ctx context.Context, place string) (connector.Target, error) {
	at, err := parsePlace(place)
	if err != nil {
		return nil, err
	}
	me, err := c.whoami(ctx)
	if err != nil {
		return nil, err
	}
	if me.team {
		return nil, connector.Errorf(connector.Unsupported, "an app of a whole team writes as one of its members").
			WithHint("connect again with the setting as: the address of the member to write as")
	}
	base := me.account.Root.HomePath
	if at.team != "" {
		base = "/" + at.team
		var told metadata
		err := c.api.rpc(ctx, me.view, "files/get_metadata", pathArg{Path: base}, &told, read)
		if err != nil && connector.ClassOf(err) != connector.Gone {
			return nil, err
		}
		if err != nil || told.Tag != tagFolder || told.shared() == "" || told.shared() == me.account.Root.HomeNamespace || me.account.Root.HomeNamespace == me.account.Root.RootNamespace {
			return nil, connector.Errorf(connector.Permanent, "the place is no team folder that this account sees").
				WithHint("let an administrator of the team make the team folder and add the account to it, or write home")
		}
	}
	t := &target{cloud: c, me: me, base: base, below: at.below, home: at.team == "", paths: paths{at: map[string]known{}}}
	t.deletes = &gather[deleteArg, changedEntry]{most: mostEntries, send: t.deleteTogether}
	t.moves = &gather[moveArg, changedEntry]{most: mostEntries, send: t.moveTogether}
	return t, nil
}

// drive is the reference of a container.
func drive(id string) item.Ref { return item.Ref{Kind: item.Drive, ID: id} }

// settle is how long a request of a dead client may still land, unless it is set.
const settle = 30 * time.Second
