// Package googledrive is the connector for Google Drive: the My Drive of the person
// who signed in or, with a service account, of others, and shared drives. It speaks
// the Drive API v3 (https://developers.google.com/workspace/drive/api/reference/rest/v3).
//
// Ids are Drive's own. What Google's editors make (a document, a spreadsheet) has no
// bytes: it is exported as the setting documents says.
package googledrive

import (
	"context"
	"log/slog"
	"slices"
	"sync"

	"github.com/rialto-migrate/rialto/connector"
	"github.com/rialto-migrate/rialto/item"
)

// New returns the connector.
func New() connector.Connector { return drive{} }

type drive struct{}

// Settings by name.
const (
	setClientID     = "client-id"
	setClientSecret = "client-secret"
	setRefreshToken = "refresh-token"
	setAccessToken  = "access-token"
	setAccount      = "service-account"
	setAs           = "as"
	setPeople       = "people"
	setDocuments    = "documents"
	setQuota        = "quota"
	setLogin        = "login"
)

// Manifest asks for a refresh token, and offers no sign-in with a code: Google gives
// those nothing but drive.file and drive.appdata, with which a program sees what it
// made itself and none of what is to move
// (https://developers.google.com/identity/protocols/oauth2/limited-input-device#allowedscopes).
func (drive) Manifest() connector.Manifest {
	return connector.Manifest{
		Name:  "googledrive",
		Title: "Google Drive",
		Hosts: []string{"www.googleapis.com", "oauth2.googleapis.com"},
		Settings: []connector.Setting{
			{Name: setClientID, Help: "the OAuth client's id: Google Cloud console, Google Auth Platform, Clients (with the Drive API enabled)", Optional: true},
			{Name: setClientSecret, Help: "that client's secret", Secret: true, Optional: true},
			{Name: setRefreshToken, Help: "what signing in gave that client for the scope https://www.googleapis.com/auth/drive: https://developers.google.com/oauthplayground with your own credentials shows it", Secret: true, Optional: true},
			{Name: setAccount, Help: "instead of the three above, a service account's key: the JSON that the console downloads, as one line (jq -c . key.json)", Secret: true, Optional: true},
			{Name: setAs, Help: "whom the service account acts as, addresses with commas: needs domain-wide delegation (Admin console, Security, API controls); a target takes one", Optional: true},
			{Name: setAccessToken, Help: "a ready access token, instead of all the above; it ends after an hour", Secret: true, Optional: true},
			{Name: setPeople, Help: "whom files may be opened to beside the members of a shared drive, addresses with commas, group:ADDRESS for a group", Optional: true},
			{Name: setDocuments, Help: "what becomes of Google's own documents: office (the default), odf, pdf or skip", Optional: true},
			{Name: setQuota, Help: "units (the default), or queries for a Cloud project that used the API before May 2026", Optional: true},
			{Name: setLogin, Help: "the token endpoint; else " + loginURL, Optional: true},
			{Name: connector.SettingURL, Help: "the API's address; else " + apiURL, Optional: true},
		},
	}
}

// Open makes a connection ready; it sends nothing.
func (drive) Open(_ context.Context, env connector.Env) (connector.Cloud, error) {
	cfg, err := parseConfig(env.Settings)
	if err != nil {
		return nil, err
	}
	if env.HTTP == nil {
		return nil, connector.Errorf(connector.Permanent, "googledrive was opened without a way to the network")
	}
	log := env.Log
	if log == nil {
		log = slog.New(slog.DiscardHandler)
	}
	c := &cloud{cfg: cfg, log: log}
	for _, user := range cfg.as {
		t := newTokens(cfg, user, env)
		c.people = append(c.people, &person{address: user, api: newAPI(cfg, env.HTTP, t)})
	}
	return c, nil
}

// A cloud is an open connection.
type cloud struct {
	cfg    config
	log    *slog.Logger
	people []*person // whom it acts as, at least one; the first reads shared drives
	trees  sync.Map  // by the id of their container
}

// A person is somebody whom the connection acts as.
type person struct {
	address string // "" for whoever signed in
	api     *api

	mu   sync.Mutex
	user *user  // once asked
	root string // the id of My Drive's top folder, once asked
}

func (c *cloud) Close() error { return nil }

// whoami tells who the person is.
func (p *person) whoami(ctx context.Context) (user, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.user != nil {
		return *p.user, nil
	}
	a, err := p.api.about(ctx)
	if err != nil {
		return user{}, err
	}
	p.user = &a.User
	return a.User, nil
}

// myDrive is the id of the top folder of the person's My Drive.
func (p *person) myDrive(ctx context.Context) (string, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.root != "" {
		return p.root, nil
	}
	f, err := p.api.get(ctx, "root", "id")
	if err != nil {
		return "", err
	}
	p.root = f.ID
	return f.ID, nil
}

// Check asks who the connection acts as, each of them.
func (c *cloud) Check(ctx context.Context) (connector.Identity, error) {
	var id connector.Identity
	for i, p := range c.people {
		u, err := p.whoami(ctx)
		if err != nil {
			return id, err
		}
		if i == 0 {
			id = connector.Identity{ID: u.PermissionID, Name: u.Name, Account: u.Email}
		}
	}
	id.Rights = []string{"read My Drive and the shared drives of this account"}
	scopes := c.people[0].api.tokens.Scopes()
	switch {
	case len(scopes) == 0 || slices.Contains(scopes, scopeAll):
		id.Rights = append(id.Rights, "create folders and files, and let people at them")
	case slices.Contains(scopes, scopeRead):
		id.Missing = append(id.Missing, "the scope "+scopeAll+", to write")
	default:
		id.Rights, id.Missing = []string{"use the files that this program made itself"}, append(id.Missing, "the scope "+scopeAll+", to see files that others made")
	}
	return id, nil
}

// Source reads the My Drives of those whom the connection acts as, and shared drives.
func (c *cloud) Source(context.Context) (connector.Source, error) { return &source{c}, nil }

// driveRef is the reference of a container: a folder, of which the top one of a drive
// is one.
func driveRef(id string) item.Ref { return item.Ref{Kind: item.Drive, ID: id} }
