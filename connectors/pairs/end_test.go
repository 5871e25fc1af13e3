package pairs_test

import (
	"bytes"
	"encoding/json"
	"io"
	"maps"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/rialto-migrate/rialto/connector"
	"github.com/rialto-migrate/rialto/connector/connectortest"
	shared "github.com/rialto-migrate/rialto/connector/standin"
	"github.com/rialto-migrate/rialto/connectors/microsoft/planner"
	microsoft "github.com/rialto-migrate/rialto/connectors/microsoft/standin"
	"github.com/rialto-migrate/rialto/connectors/redmine"
	"github.com/rialto-migrate/rialto/connectors/redmine/redminetest"
	"github.com/rialto-migrate/rialto/connectors/trello"
	trellocloud "github.com/rialto-migrate/rialto/connectors/trello/standin"
	"github.com/rialto-migrate/rialto/connectors/trello/standin/trellotest"
	"github.com/rialto-migrate/rialto/internal/migrate"
)

// An end is one cloud with a connection to it. Each verb opens the connection
// anew, as each run of the program does.
type end struct {
	t      testing.TB
	con    connector.Connector
	set    connector.Settings
	place  string
	wire   http.RoundTripper // the way to the cloud
	bare   http.RoundTripper // the same, without the contract's watch over it
	now    func() time.Time  // the connection's clock
	writes atomic.Int64      // requests that may change something
	// before is called with each request; an answer that is not nil is the
	// cloud's. nil for a cloud that answers itself.
	before func(*http.Request) *http.Response
	// left describes what the place holds, so that a test can tell whether
	// anything of ours is there.
	left func() []string

	trello *trellocloud.Server
	tenant *microsoft.Server
	group  string
	server *redminetest.Server
}

// RoundTrip implements http.RoundTripper: it counts what may change something.
func (e *end) RoundTrip(r *http.Request) (*http.Response, error) {
	if changes(r) {
		e.writes.Add(1)
	}
	if e.before != nil {
		if resp := e.before(r); resp != nil {
			return resp, nil
		}
	}
	return e.wire.RoundTrip(r)
}

// changes reports whether a request may change something: a batch, if one of
// its parts may. Signing in changes nothing that counts.
func changes(r *http.Request) bool {
	if r.Method == http.MethodGet || r.Method == http.MethodHead || strings.Contains(r.URL.Path, "/oauth2/") {
		return false
	}
	if !strings.HasSuffix(r.URL.Path, "/$batch") || r.Body == nil {
		return true
	}
	body, err := io.ReadAll(r.Body)
	r.Body.Close()
	r.Body = io.NopCloser(bytes.NewReader(body))
	var batch struct{ Requests []struct{ Method string } }
	if err != nil || json.Unmarshal(body, &batch) != nil {
		return true
	}
	for _, part := range batch.Requests {
		if part.Method != http.MethodGet {
			return true
		}
	}
	return false
}

// side opens the connection, which is closed when the test ends.
func (e *end) side() migrate.Side {
	e.t.Helper()
	e.learn()
	caps := e.con.Capabilities(e.set)
	cloud, stats := e.open()
	e.t.Cleanup(func() { _ = cloud.Close() }) // nothing of a test depends on it
	return migrate.Side{Connection: e.con.Manifest().Name, Title: e.con.Manifest().Title, Cloud: cloud, Caps: caps, Stats: stats}
}

func (e *end) open() (connector.Cloud, *connector.Stats) {
	e.t.Helper()
	now, stats := e.now, &connector.Stats{}
	if now == nil {
		now = time.Now
	}
	client := connector.NewClient(connector.ClientOptions{Transport: e, Stats: stats, Attempts: 3})
	cloud, err := e.con.Open(e.t.Context(), connector.Env{Settings: maps.Clone(e.set), HTTP: client, Now: now,
		Renewed: func(name, value string) error { e.set[name] = value; return nil }})
	if err != nil {
		e.t.Fatal(err)
	}
	return cloud, stats
}

// learn adds what the cloud tells of the account, as connecting does.
func (e *end) learn() {
	e.t.Helper()
	if e.server == nil || e.set["admin"] != "" {
		return
	}
	cloud, _ := e.open()
	defer cloud.Close()
	id, err := cloud.Check(e.t.Context())
	if err != nil {
		e.t.Fatal(err)
	}
	for k, v := range id.Settings {
		if _, ok := e.set[k]; !ok {
			e.set[k] = v
		}
	}
}

// A person is known in every cloud by name and address, but for those who are
// only in one.
type person struct{ user, first, last string }

func (p person) name() string { return p.first + " " + p.last }
func (p person) mail() string { return p.user + "@example.test" }

func people() []person {
	return []person{{"annlee", "Ann", "Lee"}, {"bobost", "Bob", "Øst"}, {"sakura", "さくら", "田中"}}
}

// gone is a person of the source alone.
func gone() person { return person{"zoegone", "Zoe", "Gone"} }

const (
	trelloBase = "http://trello.test"
	graphBase  = "http://graph.test"
)

// newTrello is an empty Trello with the people and a workspace.
func newTrello(t testing.TB, seed uint64) *end {
	t.Helper()
	srv := trellocloud.New(trellocloud.Options{Seed: seed, Rates: &trellocloud.Rates{}})
	var users []string
	for _, p := range people() {
		srv.AddMember(trellocloud.Member{Username: p.user, FullName: p.name(), Email: p.mail()})
		users = append(users, p.user)
	}
	if _, err := srv.AddWorkspace("Acme", users...); err != nil {
		t.Fatal(err)
	}
	e := &end{t: t, con: trello.New(), trello: srv, place: "workspace:Acme", set: srv.Settings(trelloBase)}
	e.set["settle-delay"] = "10ms"
	e.bare = shared.Transport{Handler: srv}
	e.wire = e.bare
	if there("contracts", "trello", "trello-swagger.v3.json") {
		e.wire = trellotest.Contract(t).Transport(e.wire)
	}
	e.left = func() []string {
		var out []string
		for _, b := range srv.Boards() {
			out = append(out, "board "+b.ID)
		}
		return out
	}
	return e
}

// newPlanner is a tenant with the people and a group, connected as the app or
// as the first person.
func newPlanner(t testing.TB, o microsoft.Options, delegated bool) *end {
	t.Helper()
	for _, p := range people() {
		o.Users = append(o.Users, microsoft.User{Name: p.name(), Mail: p.mail()})
	}
	if o.ProvisioningDelay == 0 {
		o.ProvisioningDelay = -1
	}
	if o.Seed == 0 {
		o.Seed = 5
	}
	srv := microsoft.New(o)
	e := &end{t: t, con: planner.New(), tenant: srv, place: "group:Marketing", set: srv.Settings(graphBase)}
	e.group = srv.AddGroup("Marketing", people()[0].mail(), people()[1].mail())
	if delegated {
		var err error
		if e.set, err = srv.DelegatedSettings(graphBase, people()[0].mail()); err != nil {
			t.Fatal(err)
		}
	}
	e.set["settle-delay"] = "10ms"
	e.bare = shared.Transport{Handler: srv}
	e.wire = e.bare
	if there("contracts", "msgraph", "graph-v1.0-subset.csdl.xml") {
		e.wire = connectortest.Watch{Contract: connectortest.GraphContract(t), Test: t, Refused: true}.Transport(e.wire)
	}
	e.left = func() []string { return e.tenantHolds() }
	return e
}

// tenantHolds lists the plans and the files of the group.
func (e *end) tenantHolds() []string {
	var out []string
	for _, p := range e.tenant.Plans() {
		out = append(out, "plan "+p.ID)
	}
	_, drive := e.tenant.Do("", http.MethodGet, "groups/"+e.group+"/drive", nil)
	id, _ := drive["id"].(string)
	var walk func(path, under string)
	walk = func(path, under string) {
		_, list := e.tenant.Do("", http.MethodGet, "drives/"+id+path+"/children", nil)
		all, _ := list["value"].([]any)
		for _, one := range all {
			it, _ := one.(map[string]any)
			name, _ := it["name"].(string)
			if _, folder := it["folder"]; folder {
				itemID, _ := it["id"].(string)
				walk("/items/"+itemID, under+name+"/")
				continue
			}
			out = append(out, "file "+under+name)
		}
	}
	if id != "" {
		walk("/root", "")
	}
	return out
}

// newRedmine connects to a real server, into a project of this test's own.
func newRedmine(t testing.TB, srv *redminetest.Server, place string, more ...string) *end {
	t.Helper()
	e := &end{t: t, con: redmine.New(), server: srv, place: "project:" + place, wire: http.DefaultTransport,
		set: connector.Settings{"url": srv.URL, "key": srv.Key, "text": "markdown", "settle-delay": "10ms"}}
	for i := 0; i+1 < len(more); i += 2 {
		e.set[more[i]] = more[i+1]
	}
	var parent struct{ Project struct{ ID int } }
	in := map[string]any{"project": map[string]any{"name": "Place " + place, "identifier": place, "is_public": false}}
	if status := srv.Call(t, http.MethodPost, "/projects.json", in, &parent); status != http.StatusCreated {
		t.Fatalf("making the project %s: status %d", place, status)
	}
	e.left = func() []string {
		var all struct {
			Projects []struct {
				Identifier string
				Parent     struct{ ID int }
			}
		}
		srv.Call(t, http.MethodGet, "/projects.json?limit=100", nil, &all)
		var out []string
		for _, p := range all.Projects {
			if p.Parent.ID == parent.Project.ID {
				out = append(out, "project "+p.Identifier)
			}
		}
		return out
	}
	return e
}

// newExport is the connection to an export file.
func newExport(t testing.TB, file string, more ...string) *end {
	t.Helper()
	e := &end{t: t, con: trello.New(), set: connector.Settings{"export": file}, wire: http.DefaultTransport}
	for i := 0; i+1 < len(more); i += 2 {
		e.set[more[i]] = more[i+1]
	}
	return e
}

// with returns the end with other settings.
func (e *end) with(more ...string) *end {
	e.set = maps.Clone(e.set)
	for i := 0; i+1 < len(more); i += 2 {
		e.set[more[i]] = more[i+1]
	}
	return e
}
