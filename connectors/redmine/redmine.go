// Package redmine is the connector for Redmine 5.0 and later, through its REST
// API (https://www.redmine.org/projects/redmine/wiki/Rest_api). A project is a
// board, an issue is a task, a journal with notes is a comment; what stands for
// a list is a setting: issue categories, versions or statuses.
//
// Statuses, trackers and custom fields cannot be created through the API. Check
// says what an administrator has to create, and what happens without.
package redmine

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"strings"

	"github.com/rialto-migrate/rialto/connector"
)

// New returns the connector.
func New() connector.Connector { return redmine{} }

type redmine struct{}

// Settings by name.
const (
	setKey        = "key"
	setListsAs    = "lists-as"
	setTracker    = "tracker"
	setRole       = "role"
	setText       = "text"
	setSwitchUser = "switch-user"
	setSettle     = "settle-delay"
	setLimit      = "attachment-limit"
	setAdmin      = "admin"
	setLabels     = "labels-field"
	setPriorities = "priorities"
)

func (redmine) Manifest() connector.Manifest {
	return connector.Manifest{
		Name:  "redmine",
		Title: "Redmine",
		Settings: []connector.Setting{
			{Name: connector.SettingURL, Help: "address of the server, with its path if it has one: https://redmine.example.org"},
			{Name: setKey, Help: "API access key: My account, on the right; an administrator's key keeps the authors of comments", Secret: true},
			{Name: setListsAs, Help: "what stands for a list: category (the default), version or status", Optional: true},
			{Name: setTracker, Help: "name or number of the tracker of new issues; by default Task, Feature, Support or the first one", Optional: true},
			{Name: setRole, Help: "name or number of the role of new members; by default Developer or the first one", Optional: true},
			{Name: setText, Help: "text formatting of the server, see Administration, Settings, General: textile (the default) or markdown", Optional: true},
			{Name: setSwitchUser, Help: "auto (the default) writes comments as their authors if the key is an administrator's; off does not", Optional: true},
			{Name: setSettle, Help: "how long a request of a dead client may still land; 30s by default", Optional: true},
			{Name: setLimit, Help: "largest attachment in kB, see Administration, Settings, Files; 5120 by default", Optional: true},
			{Name: setAdmin, Help: "yes if the key is an administrator's; learned when connecting", Optional: true},
			{Name: setLabels, Help: "number of the custom field that holds labels; learned when connecting", Optional: true},
			{Name: setPriorities, Help: "urgent=4,important=3,low=1: numbers of the priorities; learned when connecting", Optional: true},
		},
	}
}

// Open makes a connection ready; it sends nothing.
func (redmine) Open(_ context.Context, env connector.Env) (connector.Cloud, error) {
	cfg, err := parseConfig(env.Settings)
	if err != nil {
		return nil, err
	}
	if cfg.base == nil {
		return nil, connector.Errorf(connector.Permanent, "redmine needs the setting url").
			WithHint("set url to the server's address, such as https://redmine.example.org")
	}
	if cfg.key == "" {
		return nil, connector.Errorf(connector.Auth, "redmine needs the setting key").
			WithHint("copy the API access key from My account of Redmine")
	}
	if env.HTTP == nil {
		return nil, connector.Errorf(connector.Permanent, "redmine was opened without a way to the network")
	}
	log := env.Log
	if log == nil {
		log = slog.New(slog.DiscardHandler)
	}
	a := &api{base: cfg.base, http: env.HTTP.With(dialect(cfg.key))}
	return &cloud{cfg: cfg, api: a, facts: &facts{api: a}, log: log}, nil
}

// A cloud is an open connection.
type cloud struct {
	cfg   config
	api   *api
	facts *facts
	log   *slog.Logger
}

func (c *cloud) Close() error { return nil }

// Check asks the server who the key belongs to and what a migration would miss.
func (c *cloud) Check(ctx context.Context) (connector.Identity, error) {
	err := c.checkAddress(ctx)
	var me apiUser
	if err == nil {
		me, err = c.facts.me(ctx)
	}
	if err != nil {
		if connector.ClassOf(err) == connector.Forbidden {
			return connector.Identity{}, connector.Errorf(connector.Forbidden, "the server refuses requests of programs").
				WithHint("an administrator must enable Administration, Settings, API: Enable REST web service")
		}
		return connector.Identity{}, err
	}
	id := connector.Identity{
		ID: itoa(me.ID), Name: me.name(), Account: c.cfg.base.Host + c.cfg.base.Path,
		Rights:   []string{"read the projects and issues that this person sees"},
		Settings: map[string]string{setAdmin: "no"},
	}
	if me.Admin {
		id.Settings[setAdmin] = "yes"
		id.Rights = append(id.Rights, "create and delete projects, members, categories and issues", "write comments as their authors")
	} else {
		id.Missing = append(id.Missing,
			"an administrator's key: without it comments are written as this person, with a line that names their authors; addresses of people are hidden; a project cannot be deleted by an undo")
	}
	if err := c.checkFields(ctx, me.Admin, &id); err != nil {
		return connector.Identity{}, err
	}
	prio, err := c.facts.priorities(ctx)
	if err != nil {
		return connector.Identity{}, err
	}
	id.Settings[setPriorities] = formatPriorities(rankPriorities(prio))
	statuses, err := c.facts.statuses(ctx)
	if err != nil {
		return connector.Identity{}, err
	}
	if _, ok := closedStatus(statuses); !ok {
		id.Missing = append(id.Missing, "an issue status with \"Issue closed\" ticked: without it no issue can be done")
	}
	return id, c.checkTrackers(ctx, &id)
}

// checkAddress refuses an address that redirects: reads would follow, but a
// write that is redirected becomes a read (RFC 9110, 15.4.2).
func (c *cloud) checkAddress(ctx context.Context) error {
	asked := c.api.at("/issue_statuses.json", nil)
	resp, err := c.api.http.Do(ctx, connector.Request{Method: http.MethodGet, URL: asked})
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	if resp.Request != nil && resp.Request.URL.String() != asked {
		to := *resp.Request.URL
		to.Path, to.RawQuery, to.Fragment = strings.TrimSuffix(to.Path, "/issue_statuses.json"), "", ""
		return connector.Errorf(connector.Permanent, "the server redirects to another address").
			WithHint("set url to " + to.Redacted() + " if that is the server")
	}
	return nil
}

// checkFields looks for the custom fields that make a migration better.
func (c *cloud) checkFields(ctx context.Context, admin bool, id *connector.Identity) error {
	const markMissing = "a custom field for issues named Rialto (long text, for all projects and trackers): without it each issue is marked by a last line of its description"
	const labelsMissing = "a custom field for issues named Labels (key/value list, multiple values, for all projects and trackers) with an entry for each label: without it labels become text"
	fields, err := c.facts.fields(ctx)
	if err != nil {
		return err
	}
	if _, ok := findField(fields, markField); !ok {
		id.Missing = append(id.Missing, markMissing)
	}
	if f, ok := findField(fields, labelsField); ok && f.Multiple && (f.Format == "enumeration" || f.Format == "list") {
		id.Settings[setLabels] = itoa(f.ID)
	} else {
		id.Missing = append(id.Missing, labelsMissing)
	}
	if !admin {
		id.Missing = append(id.Missing, "the right to see custom fields, which only an administrator has: neither Rialto nor Labels can be used without it")
	}
	return nil
}

// checkTrackers reports what the tracker of new issues hides: Redmine drops
// such values without a word (app/models/issue.rb, disabled_core_fields).
func (c *cloud) checkTrackers(ctx context.Context, id *connector.Identity) error {
	all, err := c.facts.trackers(ctx)
	if err != nil {
		return err
	}
	var candidates []named
	for _, t := range all {
		candidates = append(candidates, t.named)
	}
	chosen, ok := chooseNamed(candidates, c.cfg.tracker, preferredTrackers)
	if !ok {
		id.Missing = append(id.Missing, "the tracker that the setting tracker names")
		return nil
	}
	for _, t := range all {
		if t.ID != chosen.ID || t.Fields == nil {
			continue
		}
		has := map[string]bool{}
		for _, f := range t.Fields {
			has[f] = true
		}
		for _, f := range []string{"assigned_to_id", "category_id", "parent_issue_id", "start_date", "due_date", "done_ratio", "description"} {
			if !has[f] {
				id.Missing = append(id.Missing, fmt.Sprintf("the standard field %s of tracker %d: it is switched off, and Redmine drops its values", f, t.ID))
			}
		}
	}
	return nil
}

// Source reads the server.
func (c *cloud) Source(context.Context) (connector.Source, error) {
	return &source{cloud: c, size: pageSize}, nil
}

// Target writes into the place: "" for projects at the top, "project:NAME" for
// sub-projects of the project with that identifier or number.
func (c *cloud) Target(ctx context.Context, place string) (connector.Target, error) {
	t := &target{cloud: c, projects: map[int]*project{}}
	if place == "" {
		return t, nil
	}
	name, ok := cutPlace(place)
	if !ok {
		return nil, connector.Errorf(connector.Permanent, "redmine does not know this kind of place").
			WithHint(`write "project:IDENTIFIER" for sub-projects of that project, or leave the place empty`)
	}
	parent, err := c.api.project(ctx, name, "")
	switch connector.ClassOf(err) {
	case connector.Gone, connector.Forbidden:
		if err != nil {
			return nil, connector.Errorf(connector.Permanent, "the place's project is not there, or this key may not see it").
				WithHint("create the project in Redmine, or correct its identifier (the last part of its address)")
		}
	}
	if err != nil {
		return nil, err
	}
	t.parent = parent.ID
	return t, nil
}
