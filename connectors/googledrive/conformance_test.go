package googledrive_test

import (
	"fmt"
	"regexp"
	"strings"
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
	for _, place := range []string{"my-drive", "my-drive/Archive/2026", "shared-drive:Sales"} {
		t.Run(place, func(t *testing.T) {
			t.Parallel()
			n := uint64(0)
			connectortest.RunTree(t, connectortest.Tree{Connector: googledrive.New(), InProcess: true, Files: 1700, Start: func(t testing.TB) connectortest.TreeWorld {
				n++
				s := drive.New(drive.Options{Seed: n, Mute: n%2 == 0, Repeats: n%3 == 0})
				s.AddDrive("Sales", map[string]string{"ann@example.org": "fileOrganizer"})
				s.AddPerson("ben@example.org", "Ben")
				s.AddPerson("cleo@example.org", "Cleo")
				s.AddGroup("team@example.org", "The team", "cleo@example.org")
				for i := range 3 {
					s.AddFile(s.AddFolder(s.Root(), fmt.Sprintf("of others %d", i)), "file", []byte("not of the suite"))
				}
				set := connector.Settings(s.Settings(base))
				set["people"] = "ben@example.org, cleo@example.org, group:team@example.org"
				return connectortest.TreeWorld{Settings: set, Transport: standin.Transport{Handler: s}, Place: place, Feed: feedOf(s, place)}
			}})
		})
	}
}

// feedOf is what people do in a place that is the whole of a drive; nil for another.
func feedOf(s *drive.Server, place string) *connectortest.Feed {
	if place != "my-drive" && place != "shared-drive:Sales" {
		return nil
	}
	top := s.Root()
	if place != "my-drive" {
		top = s.SharedDrive("Sales")
	}
	elsewhere := s.AddDrive("Elsewhere", map[string]string{"ann@example.org": "fileOrganizer"})
	home, name := "", ""
	return &connectortest.Feed{Drive: inDrive(top), Remove: s.Trash, Expire: s.ForgetChanges,
		Away: func(id string) { home, name = s.Home(id); s.Put(id, elsewhere, name) },
		Back: func(id string) { s.Put(id, home, name) }}
}

// contract is Google's discovery document of the Drive API.
func contract(t testing.TB) *connectortest.Discovery {
	return connectortest.LoadDiscovery(t, "../../../shared/contracts/googledrive/drive-api.json", regexp.MustCompile("^/(token)?$"))
}

// Every exchange of the suite is as Google's contract has it.
func TestContract(t *testing.T) {
	for _, place := range []string{"my-drive", "shared-drive:Sales/Archive", "shared-drive:Sales"} {
		t.Run(place, func(t *testing.T) {
			var all []*connectortest.Discovery
			connectortest.RunTree(t, connectortest.Tree{Connector: googledrive.New(), InProcess: true, Files: 60, Start: func(t testing.TB) connectortest.TreeWorld {
				s := drive.New(drive.Options{Seed: 5})
				s.AddDrive("Sales", map[string]string{"ann@example.org": "fileOrganizer"})
				s.AddPerson("ben@example.org", "Ben")
				s.AddPerson("cleo@example.org", "Cleo")
				s.AddPerson("dora@example.org", "Dora")
				d := contract(t)
				all = append(all, d)
				set := connector.Settings(s.Settings(base))
				set["people"] = "ben@example.org, cleo@example.org, dora@example.org"
				return connectortest.TreeWorld{Settings: set, Transport: d.Transport(standin.Transport{Handler: s}), Place: place, Feed: feedOf(s, place)}
			}})
			seen := map[string]bool{}
			for _, d := range all {
				for method := range d.Seen() {
					seen[method] = true
				}
			}
			methods := []string{"drive.about.get", "drive.files.list", "drive.files.get", "drive.files.create", "drive.files.update", "drive.files.generateIds",
				"drive.permissions.create", "drive.permissions.update", "drive.permissions.delete", "upload session"}
			if !strings.Contains(place, "/") { // a folder within a drive has no feed of its own
				methods = append(methods, "drive.changes.getStartPageToken", "drive.changes.list")
			}
			for _, method := range methods {
				if len(seen) > 0 && !seen[method] {
					t.Errorf("nothing was held against %s", method)
				}
			}
		})
	}
}
