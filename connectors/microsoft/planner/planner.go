// Package planner is the connector of Microsoft Planner: plans, buckets,
// tasks with their checklists and references, comments in the group's
// conversations, files in the group's drive. Basic plans only: premium ones are
// not in Graph (https://learn.microsoft.com/en-us/graph/api/resources/planner-overview).
package planner

import (
	"context"
	"log/slog"
	"net/url"
	"slices"
	"strings"
	"sync"
	"sync/atomic"

	"golang.org/x/sync/semaphore"

	"github.com/rialto-migrate/rialto/connector"
	"github.com/rialto-migrate/rialto/connectors/microsoft"
)

const (
	settingGroup      = "group"
	settingReferences = "references-max"
	settingSettle     = "settle-delay"
	settingDriveWait  = "drive-wait"
)

type planner struct{}

// New returns the connector.
func New() connector.Connector { return planner{} }

// Manifest implements connector.Connector.
func (planner) Manifest() connector.Manifest {
	return connector.Manifest{
		Name: "planner", Title: "Microsoft Planner",
		Settings: append(microsoft.Settings(),
			connector.Setting{Name: settingGroup, Help: "only the plans of this group, by name or id; else of all that can be seen", Optional: true},
			connector.Setting{Name: settingReferences, Help: "how many references a task holds in this tenant; else 10", Optional: true},
			connector.Setting{Name: settingSettle, Help: "how long a request of a stopped run may still arrive; else 60s", Optional: true},
			connector.Setting{Name: settingDriveWait, Help: "how long to wait for the drive of a new group; else 15m", Optional: true},
		),
		Hosts:  []string{"graph.microsoft.com", "login.microsoftonline.com"},
		SignIn: signIn,
	}
}

// signIn is the delegated way in: what is written is written by that person.
func signIn(ctx context.Context, env connector.Env, show func(url, code string)) (map[string]string, error) {
	token, err := microsoft.DeviceCode(ctx, env, []string{"Tasks.ReadWrite", "Group.ReadWrite.All", "User.ReadBasic.All", "Files.ReadWrite.All"}, show)
	if err != nil {
		return nil, err
	}
	return map[string]string{microsoft.SettingRefreshToken: token}, nil
}

// Open implements connector.Connector.
func (planner) Open(_ context.Context, env connector.Env) (connector.Cloud, error) {
	o, err := readOptions(env.Settings)
	if err != nil {
		return nil, err
	}
	graph, err := microsoft.New(env)
	if err != nil {
		return nil, err
	}
	log := env.Log
	if log == nil {
		log = slog.New(slog.DiscardHandler)
	}
	return &cloud{graph: graph, settings: env.Settings, options: o, log: log, web: webOf(graph.Base())}, nil
}

// webOf is where people see the plans of an API's address: Planner itself, or
// for a server of one's own the same host.
func webOf(base string) string {
	u, err := url.Parse(base)
	if err != nil || strings.HasPrefix(u.Host, "graph.microsoft.") || strings.HasSuffix(u.Host, "graph.microsoft.us") {
		return "https://planner.cloud.microsoft"
	}
	return u.Scheme + "://" + u.Host
}

// A cloud is one open connection.
type cloud struct {
	graph    *microsoft.Client
	settings connector.Settings
	options  options
	log      *slog.Logger
	web      string

	// basic is set once the connection was refused more than people's names.
	basic atomic.Bool

	mu     sync.Mutex
	drives map[string]drive // by group, once they are there
}

// Close implements connector.Cloud.
func (c *cloud) Close() error { return nil }

// Check implements connector.Cloud.
func (c *cloud) Check(ctx context.Context) (connector.Identity, error) {
	id := connector.Identity{Account: c.settings[microsoft.SettingTenant]}
	if c.graph.Delegated() {
		var me user
		if err := c.graph.Get(ctx, "/me", url.Values{"$select": {"id,displayName,mail,userPrincipalName"}}, &me); err != nil {
			return id, err
		}
		id.ID, id.Name = me.ID, me.Name
		id.Rights = []string{"read and write plans of its groups", "read and write comments"}
	} else {
		id.ID, id.Name = c.settings[microsoft.SettingClientID], "an app"
		id.Rights = []string{"read and write plans"}
		id.Missing = []string{"write comments as posts: sign in as a person for that, else they become text of the task"}
	}
	var one struct {
		Value []group `json:"value"`
	}
	if err := c.graph.Get(ctx, "/groups", url.Values{"$top": {"1"}, "$select": {"id"}}, &one); err != nil {
		return id, err
	}
	claims, err := c.graph.Claims(ctx)
	if err != nil {
		return id, err
	}
	if len(claims) > 0 {
		for _, need := range needs(c.graph.Delegated()) {
			if !slices.ContainsFunc(need.any, func(s string) bool { return slices.Contains(claims, s) }) {
				id.Missing = append(id.Missing, need.to+" ("+strings.Join(need.any, " or ")+")")
			}
		}
	}
	return id, nil
}

type need struct {
	to  string
	any []string
}

// needs are the rights that a migration uses:
// https://learn.microsoft.com/en-us/graph/permissions-reference
func needs(delegated bool) []need {
	if delegated {
		return []need{
			{"write plans and tasks", []string{"Tasks.ReadWrite", "Group.ReadWrite.All"}},
			{"find groups and write comments", []string{"Group.ReadWrite.All"}},
			{"find people", []string{"User.ReadBasic.All", "User.Read.All"}},
			{"store attachments", []string{"Files.ReadWrite.All", "Sites.ReadWrite.All", "Group.ReadWrite.All"}},
		}
	}
	return []need{
		{"write plans and tasks", []string{"Tasks.ReadWrite.All"}},
		{"find or make groups", []string{"Group.ReadWrite.All"}},
		{"find people", []string{"User.ReadBasic.All", "User.Read.All"}},
		{"store attachments", []string{"Files.ReadWrite.All", "Sites.ReadWrite.All"}},
	}
}

// Source implements connector.Cloud.
func (c *cloud) Source(context.Context) (connector.Source, error) { return &source{c}, nil }

// Target implements connector.Cloud. It reads only: a group that is not there
// is made when the first plan is written.
func (c *cloud) Target(ctx context.Context, place string) (connector.Target, error) {
	what, name, ok := strings.Cut(place, ":")
	if !ok || what != "group" || strings.TrimSpace(name) == "" {
		return nil, connector.Errorf(connector.Permanent, "the place of a migration to Planner is a group").
			WithHint("write it as group: and the name or the id of a Microsoft 365 group")
	}
	t := &target{making: semaphore.NewWeighted(1), cloud: c, wanted: strings.TrimSpace(name), tails: map[string]tail{}}
	g, err := c.findGroup(ctx, t.wanted)
	if err != nil {
		return nil, err
	}
	t.groupID, t.found = g.ID, g
	return t, nil
}
