// Package box is the connector for Box (https://developer.box.com/reference): the
// tree of folders, files and web links that a person calls All Files, as source and as
// target.
//
// A drive's id is whose it is and the id of its folder ("12345-0" is all that 12345
// has); folders, files, web links and people have Box's own ids, which outlive a
// rename and a move. A group of people is a member whose id begins with "group-".
package box

import (
	"context"
	"log/slog"
	"slices"
	"strconv"
	"strings"
	"sync"

	"golang.org/x/sync/semaphore"

	"github.com/rialto-migrate/rialto/connector"
	"github.com/rialto-migrate/rialto/item"
)

// New returns the connector.
func New() connector.Connector { return box{} }

type box struct{}

// Settings by name.
const (
	setClientID     = "client-id"
	setClientSecret = "client-secret"
	setRefresh      = "refresh-token"
	setAccess       = "access-token"
	setEnterprise   = "enterprise"
	setAs           = "as"
	setFolder       = "folder"
	setTags         = "tags"
	setMost         = "most-bytes"
	setSettle       = "settle-delay"
)

// everybody is the setting as that makes a drive of what each person has.
const everybody = "everybody"

// The places of a target.
const (
	placeAll    = "all-files"
	placeFolder = "folder:"
)

func (box) Manifest() connector.Manifest {
	return connector.Manifest{
		Name:  "box",
		Title: "Box",
		Settings: []connector.Setting{
			{Name: setClientID, Help: "client id of a custom app: app.box.com/developers/console, the app's Configuration", Optional: true},
			{Name: setClientSecret, Help: "its client secret, from the same page", Secret: true, Optional: true},
			{Name: setEnterprise, Help: "for an app with server authentication (client credentials grant): the enterprise id, on its General Settings page; an admin authorizes the app first", Optional: true},
			{Name: setRefresh, Help: "instead of enterprise, for an app with user authentication (OAuth 2.0): the refresh token of a person's sign-in; good for 60 days and for this connection alone, since each use replaces it", Secret: true, Optional: true},
			{Name: setAccess, Help: "instead of all the above: a developer token from the app's Configuration; it ends after an hour", Secret: true, Optional: true},
			{Name: setAs, Help: "id of the person to act as, with an app that may act as users; " + everybody + " reads what each person of the enterprise has", Optional: true},
			{Name: setFolder, Help: "id of the only folder to read, as the address of its page ends; else all files", Optional: true},
			{Name: setTags, Help: "keep (the default) writes metadata as tags; drop does not: an enterprise holds 10,000 different tags", Optional: true},
			{Name: setMost, Help: "bytes of the largest file that the account takes; learned when connecting", Optional: true},
			{Name: setSettle, Help: "how long a request of a killed run may still land, such as 30s (the default)", Optional: true},
			{Name: connector.SettingURL, Help: "where Box answers, if not at " + publicAPI, Optional: true},
		},
		Hosts: []string{"api.box.com", "upload.box.com", "dl.boxcloud.com"},
	}
}

// Open makes a connection ready; it sends nothing.
func (box) Open(_ context.Context, env connector.Env) (connector.Cloud, error) {
	cfg, err := parseConfig(env.Settings)
	if err != nil {
		return nil, err
	}
	if env.HTTP == nil {
		return nil, connector.Errorf(connector.Permanent, "box was opened without a way to the network")
	}
	t, err := newTokens(env, cfg)
	if err != nil {
		return nil, err
	}
	log := env.Log
	if log == nil {
		log = slog.New(slog.DiscardHandler)
	}
	return &cloud{cfg: cfg, log: log, buffers: semaphore.NewWeighted(mostBuffered),
		api: &api{http: env.HTTP.With(connector.Dialect{Ready: t.Ready, Sign: t.Sign, Renew: t.Renew(), Refuse: refuse}), cfg: cfg}}, nil
}

// A cloud is an open connection.
type cloud struct {
	cfg     config
	api     *api
	log     *slog.Logger
	buffers *semaphore.Weighted // of parts that are on their way
	places  sync.Map            // ids of folders whose contents go right into a place

	mu sync.Mutex
	me *person // who the connection acts as, once it is known
	// colleagues are the ids of the people of the enterprise, once they are known.
	colleagues map[string]bool
}

func (c *cloud) Close() error { return nil }

// self is who the connection acts as.
func (c *cloud) self(ctx context.Context) (person, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.me != nil {
		return *c.me, nil
	}
	var p person
	err := c.api.get(ctx, c.cfg.as, "/users/me", fields(personFields), &p)
	if err == nil && p.ID == "" {
		err = connector.Errorf(connector.Malformed, "GET /2.0/users/me: the answer names nobody")
	}
	if err == nil {
		c.me = &p
	}
	return p, err
}

// Check says who the connection acts as, and learns how large a file may be.
func (c *cloud) Check(ctx context.Context) (connector.Identity, error) {
	p, err := c.self(ctx)
	if err != nil {
		return connector.Identity{}, err
	}
	id := connector.Identity{ID: p.ID, Name: p.Name, Account: p.Enterprise.ID, Rights: []string{"read all files of this account", "create, change and delete files as far as the account may"}}
	if p.MostUpload > 0 {
		id.Settings = map[string]string{setMost: strconv.FormatInt(int64(p.MostUpload), 10)}
	}
	var told people
	err = c.api.get(ctx, c.cfg.as, "/users", q("limit", "1", "fields", "name"), &told)
	switch {
	case err == nil:
		id.Rights = append(id.Rights, "list the people of the enterprise")
	case connector.ClassOf(err) == connector.Forbidden:
		id.Missing = append(id.Missing, "to list the people of the enterprise (an admin's account, or an app that may manage users)")
	default:
		return connector.Identity{}, err
	}
	return id, nil
}

// Source reads what the connection acts as can see.
func (c *cloud) Source(context.Context) (connector.Source, error) { return &source{c}, nil }

// Target writes into all files, or into a folder by its path, which is made with the
// first drive that is written.
func (c *cloud) Target(_ context.Context, place string) (connector.Target, error) {
	if c.cfg.everybody() {
		return nil, connector.Errorf(connector.Unsupported, "a connection as everybody only reads").WithHint("connect once more, with as set to the person whose files these become")
	}
	path, isFolder := strings.CutPrefix(place, placeFolder)
	names := strings.Split(path, "/")
	switch {
	case place == placeAll || place == "":
		return &target{cloud: c}, nil
	case !isFolder || slices.ContainsFunc(names, func(n string) bool { return n == "" || n == "." || n == ".." }):
		return nil, connector.Errorf(connector.Permanent, "the place is none of Box").
			WithHint("write " + placeAll + ", or a folder with the folders above it, as in " + placeFolder + "Departments/Sales")
	}
	return &target{cloud: c, path: names}, nil
}

// A drive is one container: all that a person has, or one folder of theirs.
type drive struct{ user, folder string }

func (d drive) ref() item.Ref { return item.Ref{Kind: item.Drive, ID: d.user + "-" + d.folder} }

func readDrive(r item.Ref) (drive, error) {
	user, folder, ok := strings.Cut(r.ID, "-")
	if !ok || r.Kind != item.Drive || user == "" || folder == "" {
		return drive{}, connector.Errorf(connector.Gone, "the container is none of this connector's")
	}
	return drive{user, folder}, nil
}

// actor is whose name the requests about a drive are made in; "" for the
// connection's own.
func (c *cloud) actor(d drive) string {
	if c.cfg.everybody() {
		return d.user
	}
	return c.cfg.as
}
