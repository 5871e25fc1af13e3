package pairs_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/rialto-migrate/rialto/connector"
	microsoft "github.com/rialto-migrate/rialto/connectors/microsoft/standin"
	"github.com/rialto-migrate/rialto/internal/migrate"
	"github.com/rialto-migrate/rialto/item"
)

// TestRedmine takes boards from and to the real Redmine, on one server that is
// shared by all parts.
func TestRedmine(t *testing.T) {
	t.Parallel()
	srv := newServer(t)
	for _, part := range []struct {
		name string
		run  func(*testing.T, *server)
	}{
		{"trello-redmine", func(t *testing.T, srv *server) {
			from, to := newTrello(t, 3), newRedmine(t, srv.Server, "trello-redmine", "labels-field", "")
			from.fillTrello()
			m := newMove(t, from, to, "board:Marketing")
			m.merges = item.List // categories of a project have different names
			m.whole("trello-redmine", from.editTrello)
		}},
		{"redmine-planner-app", func(t *testing.T, srv *server) {
			project := srv.fillRedmine(t, "planner")
			from, to := newRedmine(t, srv.Server, "redmine-planner"), newPlanner(t, microsoft.Options{}, false)
			newMove(t, from, to, "board:Marketing planner").whole("redmine-planner-app", func() { srv.editRedmine(t, project) })
		}},
		{"redmine-planner-delegated", func(t *testing.T, srv *server) {
			project := srv.fillRedmine(t, "planner2")
			from, to := newRedmine(t, srv.Server, "redmine-planner2"), newPlanner(t, microsoft.Options{}, true)
			newMove(t, from, to, "board:Marketing planner2").whole("redmine-planner-delegated", func() { srv.editRedmine(t, project) })
		}},
		{"redmine-trello", func(t *testing.T, srv *server) {
			project := srv.fillRedmine(t, "trello")
			from, to := newRedmine(t, srv.Server, "redmine-trello"), newTrello(t, 4)
			newMove(t, from, to, "board:Marketing trello").whole("redmine-trello", func() { srv.editRedmine(t, project) })
		}},
		{"labels that an administrator made", func(t *testing.T, srv *server) {
			v := variant{board: oddBoard(object{"labels": []any{object{"id": id(6), "name": "Design", "color": "red"}, object{"id": id(7), "name": "日本", "color": "sky"}},
				"cards": []any{object{"id": id(3), "name": "C", "idList": id(2), "idLabels": []any{id(6), id(7)}}}})}
			to := newRedmine(t, srv.Server, "labels")
			before := to.left()
			m := newMove(t, v.export(t), to, "*")
			f, _ := m.moved()
			for _, l := range f.Losses {
				if l.Field == item.Labels.Name {
					t.Errorf("labels are lost: %s", line(l))
				}
			}
			m.idle()
			m.rebuilt()
			m.undone(before)
		}},
		{"a file over the limit", func(t *testing.T, srv *server) {
			v := variant{board: oddBoard(object{"cards": []any{object{"id": id(3), "name": "C", "idList": id(2), "attachments": []any{
				object{"id": id(13), "name": "big.txt", "bytes": 2000, "isUpload": true, "url": "https://trello-attachments.s3.amazonaws.com/x/big.txt"},
				object{"id": id(14), "name": "small.txt", "bytes": 5, "isUpload": true, "url": "https://trello-attachments.s3.amazonaws.com/x/small.txt"}}}}}),
				files: map[string]string{id(13) + "/big.txt": strings.Repeat("x", 2000), id(14) + "/small.txt": "small"}}
			to := newRedmine(t, srv.Server, "limit", "attachment-limit", "1")
			m := newMove(t, v.export(t), to, "*")
			f, verdict := m.moved()
			if !slices.ContainsFunc(f.Losses, func(l migrate.Loss) bool { return l.Field == item.Content.Name && l.Policy == "text" && l.Count == 1 }) {
				t.Errorf("the losses do not name it: %q", counted(f.Losses))
			}
			if verdict.Blobs.Files != 1 {
				t.Errorf("%d files compared", verdict.Blobs.Files)
			}
			m.idle()
		}},
		{"who sees projects", whoSeesProjects},
		{"a wrong key", func(t *testing.T, srv *server) {
			e := newRedmine(t, srv.Server, "wrong").with("key", "0123456789abcdef")
			cloud, _ := e.open()
			_, err := cloud.Check(t.Context())
			says(t, e, err, connector.Auth, "key")
		}},
		{"somebody who may not write", func(t *testing.T, srv *server) {
			project := srv.fillRedmine(t, "rights")
			from, to := newRedmine(t, srv.Server, "rights-from"), newRedmine(t, srv.Server, "rights").with("key", srv.users["sakura"].Key, "admin", "no")
			m := newMove(t, from, to, fmt.Sprint(project))
			_, err := m.engine().Run(t.Context())
			if err != nil {
				says(t, to, err, connector.Permanent, "this key may not see it")
				return
			}
			m.failed("forbidden", "role")
		}},
	} {
		t.Run(part.name, func(t *testing.T) { part.run(t, srv) })
	}
}

// TestRealExportsToRedmine moves real boards, on a server beside that of the pairs.
func TestRealExportsToRedmine(t *testing.T) {
	t.Parallel()
	srv := newServer(t)
	for _, name := range realExports() {
		t.Run(name, func(t *testing.T) {
			to := newRedmine(t, srv.Server, name, "labels-field", "")
			m := newMove(t, realExport(t, name), to, "*")
			m.merges = item.List
			m.real(name + "-redmine")
		})
	}
}
