package pairs_test

import (
	"bytes"
	"maps"
	"math"
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"github.com/rialto-migrate/rialto/connector"
	shared "github.com/rialto-migrate/rialto/connector/standin"
	"github.com/rialto-migrate/rialto/connectors/microsoft/planner"
	microsoft "github.com/rialto-migrate/rialto/connectors/microsoft/standin"
	"github.com/rialto-migrate/rialto/connectors/trello"
	trellocloud "github.com/rialto-migrate/rialto/connectors/trello/standin"
	"github.com/rialto-migrate/rialto/internal/ledger/ledgertest"
	"github.com/rialto-migrate/rialto/internal/migrate"
)

// A distance is the way to a cloud: each answer takes its time.
type distance struct {
	to    http.RoundTripper
	takes time.Duration
}

func (d distance) RoundTrip(r *http.Request) (*http.Response, error) {
	time.Sleep(d.takes)
	return d.to.RoundTrip(r)
}

// distant opens a connection to a cloud that answers after 150 ms, with a client
// that keeps the documented quotas.
func distant(t *testing.T, con connector.Connector, set map[string]string, to http.Handler) migrate.Side {
	t.Helper()
	caps, stats := con.Capabilities(set), &connector.Stats{}
	client := connector.NewClient(connector.ClientOptions{Transport: distance{shared.Transport{Handler: to}, 150 * time.Millisecond}, Stats: stats, Pacer: connector.NewPacer(caps.Quotas)})
	cloud, err := con.Open(t.Context(), connector.Env{Settings: maps.Clone(set), HTTP: client, Now: time.Now, Renewed: func(string, string) error { return nil }})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = cloud.Close() }) // nothing of a test depends on it
	return migrate.Side{Connection: con.Manifest().Name, Title: con.Manifest().Title, Cloud: cloud, Caps: caps, Stats: stats}
}

// farOff is how far an estimate may be from the truth.
const farOff = 0.10

// TestEstimate holds the time and the requests of a forecast against those of the
// run, at the stand-ins' documented quotas, in virtual time. For Planner no quota is
// published, so that its time is a range.
func TestEstimate(t *testing.T) {
	for _, c := range []struct {
		name      string
		org       trellocloud.Organisation
		toPlanner bool
	}{
		{"to Trello, a few boards", trellocloud.Organisation{Boards: 4, People: 12, Left: 1, Cards: 200, Seed: 5}, false},
		{"to Trello, many boards", trellocloud.Organisation{Boards: 24, People: 30, Left: 3, Cards: 700, Seed: 6}, false},
		{"to Planner, a few boards", trellocloud.Organisation{Boards: 4, People: 12, Left: 1, Cards: 200, Seed: 5}, true},
		{"to Planner, many boards", trellocloud.Organisation{Boards: 60, People: 40, Left: 3, Cards: 1500, Seed: 7}, true},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				source := trellocloud.New(trellocloud.Options{Seed: 3})
				if _, err := source.Generate(c.org); err != nil {
					t.Fatal(err)
				}
				var to func() migrate.Side
				place := "group:New"
				if c.toPlanner {
					srv := microsoft.New(microsoft.Options{Seed: 4, ProvisioningDelay: -1, Quotas: microsoft.DocumentedQuotas()})
					srv.AddGroup("New", srv.Users()[0].UPN)
					to = func() migrate.Side { return distant(t, planner.New(), srv.Settings(graphBase), srv) }
				} else {
					place = "workspace:New"
					srv := trellocloud.New(trellocloud.Options{Seed: 4})
					if _, err := srv.AddWorkspace("New"); err != nil {
						t.Fatal(err)
					}
					to = func() migrate.Side { return distant(t, trello.New(), srv.Settings(trelloBase), srv) }
				}
				led := ledgertest.New()
				engine := func() *migrate.Engine {
					e, err := migrate.New(migrate.Config{Spec: migrate.Spec{Name: "estimate", Scope: []string{"*"}, Place: place,
						People: migrate.People{Others: "name-in-text"}, Accept: migrate.Accept{Widening: true}},
						From: distant(t, trello.New(), source.Settings(trelloBase), source), To: to(), Ledger: led, Key: bytes.Repeat([]byte{7}, 32)})
					if err != nil {
						t.Fatal(err)
					}
					return e
				}
				f, err := engine().Forecast(t.Context())
				if err != nil {
					t.Fatal(err)
				}
				time.Sleep(15 * time.Minute) // every window begins anew
				e, began := engine(), time.Now()
				r, err := e.Run(t.Context())
				took := time.Since(began)
				if err != nil || r.Status != "complete" {
					t.Fatalf("the run ended %s: %v", r.Status, err)
				}
				t.Logf("forecast: %d requests, %v to %v; run: %d requests (%d of them refused), %v",
					f.Requests, f.Least.Round(time.Second), f.Most.Round(time.Second), r.Requests, r.Refused, took.Round(time.Second))
				if off := float64(f.Requests)/float64(r.Requests) - 1; math.Abs(off) > farOff {
					t.Errorf("the forecast's requests are off by %+.1f %%", 100*off)
				}
				if took < f.Least-time.Duration(farOff*float64(took)) || took > f.Most+time.Duration(farOff*float64(took)) {
					t.Errorf("the run took %v, forecast %v to %v", took, f.Least, f.Most)
				}
				if width := f.Most - f.Least; !c.toPlanner && width > time.Duration(farOff*float64(took)) {
					t.Errorf("a range of %v says little where the quota is known", width)
				}
			})
		})
	}
}
