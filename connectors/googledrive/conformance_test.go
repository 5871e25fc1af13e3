package googledrive_test

import (
	"fmt"
	"testing"

	"github.com/rialto-migrate/rialto/connector"
	"github.com/rialto-migrate/rialto/connector/connectortest"
	"github.com/rialto-migrate/rialto/connector/standin"
	"github.com/rialto-migrate/rialto/connectors/googledrive"
	drive "github.com/rialto-migrate/rialto/connectors/googledrive/standin"
)

const base = "http://127.0.0.1:9"

// The connector against the stand-in: into My Drive, into a shared drive, and into
// folders below them that are not there yet.
func TestConformance(t *testing.T) {
	for _, place := range []string{"my-drive", "my-drive/Archive/2026", "shared-drive:Sales", "shared-drive:Sales/Archive"} {
		t.Run(place, func(t *testing.T) {
			t.Parallel()
			n := uint64(0)
			connectortest.RunTree(t, connectortest.Tree{Connector: googledrive.New(), InProcess: true, Files: 1700, Start: func(t testing.TB) connectortest.TreeWorld {
				n++
				s := drive.New(drive.Options{Seed: n})
				s.AddDrive("Sales", map[string]string{"ann@example.org": "fileOrganizer"})
				s.AddPerson("ben@example.org", "Ben")
				s.AddPerson("cleo@example.org", "Cleo")
				s.AddGroup("team@example.org", "The team", "cleo@example.org")
				for i := range 3 {
					s.AddFile(s.AddFolder(s.Root(), fmt.Sprintf("of others %d", i)), "file", []byte("not of the suite"))
				}
				set := connector.Settings(s.Settings(base))
				set["people"] = "ben@example.org, cleo@example.org, group:team@example.org"
				return connectortest.TreeWorld{Settings: set, Transport: standin.Transport{Handler: s}, Place: place}
			}})
		})
	}
}
