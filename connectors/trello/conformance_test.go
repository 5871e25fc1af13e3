package trello

import (
	"encoding/json"
	"net/http"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/rialto-migrate/rialto/connector"
	"github.com/rialto-migrate/rialto/connector/connectortest"
	kit "github.com/rialto-migrate/rialto/connector/standin"
	"github.com/rialto-migrate/rialto/connectors/trello/standin"
	"github.com/rialto-migrate/rialto/item"
)

// TestConformance runs the suite against the stand-in.
func TestConformance(t *testing.T) {
	connectortest.Run(t, connectortest.Suite{Connector: New(), Start: func(t testing.TB) connectortest.World {
		s := standin.New(standin.Options{Seed: 7, Rates: &standin.Rates{}})
		for _, m := range []standin.Member{{Username: "ann", FullName: "Ann Ångström"}, {Username: "tanaka", FullName: "田中 太郎"}} {
			s.AddMember(m)
		}
		if _, err := s.AddWorkspace("Acme", "ann", "tanaka"); err != nil {
			t.Fatal(err)
		}
		return connectortest.World{Settings: s.Settings("http://trello.test"), Transport: kit.Transport{Handler: s}, Place: "workspace:Acme",
			Unchecked: []item.Kind{item.CustomField}}
	}})
	connectortest.Capable(t, New().Capabilities(connector.Settings{settingPlan: "free"}))
}

// TestExportConformance runs the suite on an export: one of everything, and
// tasks enough for three pages.
func TestExportConformance(t *testing.T) {
	dir := t.TempDir()
	s := standin.New(standin.Options{Seed: 7, Rates: &standin.Rates{}})
	s.AddMember(standin.Member{Username: "ann", FullName: "Ann Ångström"})
	board := standin.Board{Name: "日本語 board", Members: []string{"ann"}, Labels: []standin.Label{{Name: "Urgent", Color: "red"}},
		Fields: []standin.Field{{Name: "Size", Type: "list", Options: []string{"S", "L"}}}, Lists: []standin.List{{Name: "To do"}, {Name: "Done", Closed: true}}}
	for i := range 230 {
		c := standin.Card{Name: "Card", Desc: "text", Author: "ann", Labels: []string{"Urgent"}, Members: []string{"ann"}, Done: i%2 == 0, Fields: map[string]string{"Size": "L"}}
		if i%50 == 0 {
			c.Checklists = []standin.Checklist{{Name: "Steps", Items: []standin.Item{{Name: "one", Done: true}, {Name: "two", Member: "ann", Due: time.Now()}}}}
			c.Comments = []standin.Comment{{Author: "ann", Text: "first"}, {Author: "ann", Text: "second"}}
			c.Attachments = []standin.Attachment{{Name: "notes.txt", Data: []byte("the bytes of a file")}, {Name: "site", URL: "https://example.org"}}
		}
		board.Lists[i%2].Cards = append(board.Lists[i%2].Cards, c)
	}
	id, err := s.AddBoard(board)
	if err != nil {
		t.Fatal(err)
	}
	export := filepath.Join(dir, "board.json")
	ref := saveExport(t, s, id, export, filepath.Join(dir, "files"))
	connectortest.Run(t, connectortest.Suite{Connector: New(), Start: func(testing.TB) connectortest.World {
		return connectortest.World{Board: ref, Settings: connector.Settings{settingExport: export, settingAttachments: filepath.Join(dir, "files")}}
	}})
}

// saveExport writes what Trello's own export of a board holds, and its files
// beside it.
func saveExport(t *testing.T, s *standin.Server, id, export, files string) item.Ref {
	t.Helper()
	a, err := newAPI(connector.NewClient(connector.ClientOptions{Transport: kit.Transport{Handler: s}}), s.Settings("http://trello.test"))
	if err != nil {
		t.Fatal(err)
	}
	q := frameQuery()
	for _, k := range []string{"cards", "card_fields", "checklists", "checklist_fields", "actions"} {
		q.Set(k, "all")
	}
	q.Set("actions_limit", "1000")
	q.Set("card_attachments", "true")
	q.Set("card_customFieldItems", "true")
	var whole json.RawMessage
	if err := a.get(t.Context(), "/boards/"+id, q, &whole); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(export, whole, 0o600); err != nil {
		t.Fatal(err)
	}
	b, err := a.boardWhole(t.Context(), id)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range b.Cards {
		for _, at := range c.Attachments {
			if !at.uploaded() {
				continue
			}
			saveFile(t, a, a.downloadURL(c.ID, at), filepath.Join(files, string(at.ID)), string(at.Name))
		}
	}
	return ref(item.Board, b.ID)
}

func saveFile(t *testing.T, a *api, from, dir, name string) {
	t.Helper()
	resp, err := a.http.Do(t.Context(), connector.Request{Method: http.MethodGet, URL: from})
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if err := os.MkdirAll(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	f, err := os.Create(filepath.Join(dir, name))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if _, err := f.ReadFrom(resp.Body); err != nil {
		t.Fatal(err)
	}
}
