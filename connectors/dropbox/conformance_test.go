package dropbox

import (
	"fmt"
	"maps"
	"net/http"
	"sync/atomic"
	"testing"

	"github.com/rialto-migrate/rialto/connector"
	"github.com/rialto-migrate/rialto/connector/connectortest"
	kit "github.com/rialto-migrate/rialto/connector/standin"
	"github.com/rialto-migrate/rialto/connectors/dropbox/standin"
)

const base = "http://dropbox.test"

// contract is Dropbox's, or nil where it does not lie beside the repository.
func contract(t *testing.T) *connectortest.Stone {
	t.Helper()
	var s *connectortest.Stone
	t.Run("contract", func(c *testing.T) {
		connectortest.Shared(c, "contracts", "dropbox", "stone") // skips, and says so
		s = connectortest.LoadStone(t, connectortest.Shared(c, "contracts", "dropbox", "stone"))
	})
	return s
}

// TestConformance runs the suite against the stand-in: an account of its own, and a
// member of a team, in the home and in a team folder.
func TestConformance(t *testing.T) {
	stone := contract(t)
	for name, place := range map[string]string{"own": "home", "team": "home/in/a folder", "team folder": "team-folder:Sales"} {
		t.Run(name, func(t *testing.T) {
			var n atomic.Int64
			connectortest.RunTree(t, connectortest.Tree{Connector: New(), InProcess: true, Start: func(t testing.TB) connectortest.TreeWorld {
				s := standin.New(standin.Options{Seed: 7})
				if name != "own" {
					s.AddTeam("Acme")
					s.AddTeamFolder("Sales")
				}
				known := map[string]string{s.AddGroup("Sellers"): "editor"}
				for _, who := range []string{"ann", "bob", "cem"} {
					known[s.AddMember(who+" Example", who+"@example.org")] = "viewer"
				}
				s.Share("/known", known)
				set := connector.Settings{}
				maps.Copy(set, s.Settings(base))
				var way http.RoundTripper = kit.Transport{Handler: s}
				if stone != nil { // each request and answer is held against the contract
					way = stone.Transport(way)
				}
				feed := &connectortest.Feed{Drive: drive("ns:" + s.HomeSpace()), Remove: s.RemoveID, Expire: s.ForgetCursors}
				if name == "team folder" {
					feed.Drive = drive(s.Folder("team:/Sales"))
				}
				return connectortest.TreeWorld{Settings: set, Transport: way, Place: fmt.Sprintf("%s/%d", place, n.Add(1)), Feed: feed}
			}})
		})
	}
}
