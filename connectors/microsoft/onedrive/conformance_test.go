package onedrive

import (
	"net/http"
	"testing"

	"github.com/rialto-migrate/rialto/connector"
	"github.com/rialto-migrate/rialto/connector/connectortest"
	"github.com/rialto-migrate/rialto/connectors/microsoft/standin"
	"github.com/rialto-migrate/rialto/item"
)

const base = "http://graph.test"

// way is the way to a tenant: within this process, and held to Graph's contract where
// that is at hand.
func way(t testing.TB, srv http.Handler) http.RoundTripper {
	wire := http.RoundTripper(inProcess{srv})
	if c := contract(); c != nil {
		return connectortest.Watch{Contract: c, Test: t, Refused: true}.Transport(wire)
	}
	return wire
}

func tenant(o standin.Options) *standin.Server {
	o.ProvisioningDelay = -1
	o.Users = []standin.User{{Name: "Ann Lee", Mail: "ann@contoso.test"}, {Name: "Bob Øst", Mail: "bob@contoso.test"}, {Name: "田中", Mail: "tanaka@contoso.test"}, {Name: "Zoë Zander", Mail: "zoe@contoso.test"}}
	return standin.New(o)
}

// worlds are the ways of connecting, with a place of each kind.
func worlds() map[string]func(testing.TB) connectortest.TreeWorld {
	person := func(t testing.TB, srv *standin.Server) connector.Settings {
		set, err := srv.DelegatedSettings(base, "ann@contoso.test")
		if err != nil {
			t.Fatal(err)
		}
		return set
	}
	return map[string]func(testing.TB) connectortest.TreeWorld{
		"a person's own drive": func(t testing.TB) connectortest.TreeWorld {
			srv := tenant(standin.Options{})
			return connectortest.TreeWorld{Settings: person(t, srv), Transport: way(t, srv), Place: "me", Feed: feedOf(t, srv)}
		},
		"a person's own drive, told sparsely": func(t testing.TB) connectortest.TreeWorld {
			srv := tenant(standin.Options{SparseDelta: true, Limits: func() *standin.Limits { l := standin.DefaultLimits(); l.DrivePage = 2; return &l }()})
			return connectortest.TreeWorld{Settings: person(t, srv), Transport: way(t, srv), Place: "me", Feed: feedOf(t, srv)}
		},
		"a private person": func(t testing.TB) connectortest.TreeWorld {
			srv := tenant(standin.Options{Consumer: true})
			set := person(t, srv)
			set[setKind] = kindPersonal
			return connectortest.TreeWorld{Settings: set, Transport: way(t, srv), Place: "me/Archive"}
		},
		"an app, a library": func(t testing.TB) connectortest.TreeWorld {
			srv := tenant(standin.Options{HashLess: true})
			srv.AddSite("Team")
			return connectortest.TreeWorld{Settings: srv.Settings(base), Transport: way(t, srv), Place: "site:http://graph.test/sites/team/Documents/In/Here"}
		},
	}
}

// feedOf is what people do in the drive of the person who is signed in.
func feedOf(t testing.TB, srv *standin.Server) *connectortest.Feed {
	drive, err := srv.DriveOf("ann@contoso.test")
	if err != nil {
		t.Fatal(err)
	}
	discard := func(id string) { srv.Discard(drive, id) }
	return &connectortest.Feed{Drive: item.Ref{Kind: item.Drive, ID: drive}, Remove: discard, Away: discard,
		Back: func(id string) { srv.Restore(drive, id) }, Expire: func() { srv.EndDeltas(drive) }}
}

func TestConformance(t *testing.T) {
	for name, start := range worlds() {
		t.Run(name, func(t *testing.T) {
			files := 250
			if name == "an app, a library" {
				files = 0 // as many as the suite wants
			}
			connectortest.RunTree(t, connectortest.Tree{Connector: New(), Start: start, Files: files, InProcess: true})
		})
	}
}
