package standin_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/url"
	"os"
	"strings"
	"testing"

	"github.com/rialto-migrate/rialto/connector/connectortest"
	"github.com/rialto-migrate/rialto/connectors/trello/standin"
	"github.com/rialto-migrate/rialto/connectors/trello/standin/trellotest"
)

func load(t testing.TB, s *standin.Server, name string) {
	t.Helper()
	f, err := os.Open(connectortest.Shared(t, "data", "trello", name))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if err := s.Load(name, f); err != nil {
		t.Fatal(err)
	}
}

// Every field of an export that the API tells too is told as it was exported,
// ids, short links, dates and people included; every answer keeps the contract.
func TestLoadExports(t *testing.T) {
	for _, c := range []struct {
		file                                           string
		cards, closed, lists, labels, members, actions int
	}{
		{"gocd-test-drive.json", 122, 0, 18, 8, 11, 1000},
		{"pacs-spark-2015.json", 45, 0, 12, 7, 6, 222},
		{"clipkit-japanese-2015.json", 67, 0, 5, 0, 3, 264},
	} {
		t.Run(c.file, func(t *testing.T) {
			contract := trellotest.Contract(t)
			s := standin.New(standin.Options{Seed: 1, Rates: &standin.Rates{}})
			load(t, s, c.file)
			cl := newClient(t, s, contract.Transport)
			data, err := os.ReadFile(connectortest.Shared(t, "data", "trello", c.file))
			if err != nil {
				t.Fatal(err)
			}
			var want object
			if err := json.Unmarshal(data, &want); err != nil {
				t.Fatal(err)
			}
			listing := "/members/me/boards"
			if home, ok := want["idOrganization"].(string); ok {
				listing = "/organizations/" + home + "/boards" // the export's people are its only members
			}
			boards := cl.get(listing, url.Values{"fields": {"name"}}).([]any)
			if len(boards) != 1 {
				t.Fatalf("%d boards are seen, want 1", len(boards))
			}
			got := cl.one("GET", "/boards/"+id(want), url.Values{"fields": {"all"}, "cards": {"all"}, "card_attachments": {"true"}, "card_customFieldItems": {"true"}, "card_stickers": {"true"},
				"lists": {"all"}, "labels": {"all"}, "labels_limit": {"1000"}, "members": {"all"}, "member_fields": {"all"}, "checklists": {"all"}, "customFields": {"true"}, "memberships": {"all"}, "pluginData": {"true"}})
			same(t, "board", got, want, "actions", "descData", "limits", "powerUps", "cards", "lists", "labels", "members", "checklists", "memberships", "labelNames", "url", "dateLastView")
			for _, kind := range []string{"lists", "cards", "members", "checklists"} {
				compare(t, kind, got[kind], want[kind])
			}
			if c.labels > 0 {
				compare(t, "labels", got["labels"], want["labels"])
			} else if len(got["labels"].([]any)) == 0 {
				t.Error("the labels that stand on cards alone are lost")
			}
			for kind, n := range map[string]int{"cards": c.cards, "lists": c.lists, "members": c.members, "memberships": c.members} {
				if len(got[kind].([]any)) != n {
					t.Errorf("%d %s, want %d", len(got[kind].([]any)), kind, n)
				}
			}
			actions := cl.get("/boards/"+id(want)+"/actions", url.Values{"limit": {"1000"}, "filter": {"all"}}).([]any)
			if len(actions) != c.actions {
				t.Errorf("%d actions, want %d", len(actions), c.actions)
			}
		})
	}
}

// volatile are fields whose form differs between an export and an answer, with
// the reason.
var volatile = map[string]string{
	"descData": "custom emoji: null or an empty object", "limits": "told by the server's own limits", "badges": "compared by itself",
	"url": "made from the name; non-Latin letters are left away", "attachments": "compared by itself", "email": "stripped: a posting address", "checkItemStates": "not told of a board's cards",
	"nameData": "custom emoji", "uses": "counted", "labels": "compared by idLabels", "idMembersVoted": "compared by badges", "cover": "newer answers tell more", "checkItems": "compared by itself",
	"idLabels": "an export from 2015 lists labels whose ids are on the labels themselves", "idAttachmentCover": "an empty id is null", "due": "an absent date is null", "avatarUrl": "an absent picture is null",
	"idChecklists": "ordered by position", "edgeColor": "", "bioData": "custom emoji", "bio": "an absent text is empty", "pluginData": "told when asked for",
}

func compare(t *testing.T, kind string, got, want any) {
	t.Helper()
	byID := map[string]object{}
	for _, x := range got.([]any) {
		byID[id(x.(object))] = x.(object)
	}
	if len(byID) != len(want.([]any)) {
		t.Errorf("%s: %d, want %d", kind, len(byID), len(want.([]any)))
	}
	for _, x := range want.([]any) {
		w := x.(object)
		g, ok := byID[id(w)]
		if !ok {
			t.Errorf("%s %s is lost", kind, id(w))
			continue
		}
		same(t, kind, g, w)
		switch kind {
		case "cards":
			badges(t, g["badges"].(object), w["badges"].(object))
			compareAttachments(t, g["attachments"], w["attachments"])
		case "checklists":
			compare(t, "checkItems", g["checkItems"], w["checkItems"])
		}
	}
}

func badges(t *testing.T, got, want object) {
	t.Helper()
	for _, name := range []string{"comments", "attachments", "checkItems", "checkItemsChecked", "votes", "description"} {
		if got[name] != want[name] {
			t.Errorf("badges.%s: %v, want %v", name, got[name], want[name])
		}
	}
}

func compareAttachments(t *testing.T, got, want any) {
	t.Helper()
	g := got.([]any)
	if want == nil {
		return
	}
	for i, x := range want.([]any) {
		w, a := x.(object), g[i].(object)
		for _, name := range []string{"id", "name", "bytes", "date", "idMember", "isUpload", "pos"} {
			if fmt.Sprint(a[name]) != fmt.Sprint(w[name]) {
				t.Errorf("attachment %s: %s is %v, want %v", id(w), name, a[name], w[name])
			}
		}
		if w["isUpload"] == false && a["url"] != w["url"] {
			t.Errorf("attachment %s: another address", id(w))
		}
	}
}

func same(t *testing.T, kind string, got, want object, but ...string) {
	t.Helper()
	for name, w := range want {
		if _, ok := volatile[name]; ok || strings.Contains(" "+strings.Join(but, " ")+" ", " "+name+" ") {
			continue
		}
		g, _ := json.Marshal(got[name])
		v, _ := json.Marshal(w)
		if !bytes.Equal(g, v) {
			t.Errorf("%s %s: %s is %.100s, want %.100s", kind, id(want), name, g, v)
		}
	}
}

// The export holds 93 of the board's 133 comments; the dump the rest.
func TestLoadCommentsDump(t *testing.T) {
	s := standin.New(standin.Options{Seed: 1, Rates: &standin.Rates{}})
	load(t, s, "gocd-test-drive.json")
	c := newClient(t, s, nil)
	b := s.Boards()[0].ID
	count := func() (known, told int) {
		known = len(c.get("/boards/"+b+"/actions", url.Values{"filter": {"commentCard"}, "limit": {"1000"}}).([]any))
		for _, l := range s.Boards()[0].Lists {
			for _, x := range l.Cards {
				told += x.Comments
			}
		}
		return known, told
	}
	if known, told := count(); known != 93 || told != 133 {
		t.Errorf("before the dump: %d comments, %d by the badges; want 93 and 133", known, told)
	}
	load(t, s, "gocd-test-drive.comments-api.json")
	if known, told := count(); known != 133 || told != 133 {
		t.Errorf("with the dump: %d comments, %d by the badges; want 133", known, told)
	}
}

func TestLoadAttachments(t *testing.T) {
	s := standin.New(standin.Options{Seed: 1, Rates: &standin.Rates{}})
	load(t, s, "gocd-test-drive.json")
	dir := connectortest.Shared(t, "data", "trello", "gocd-test-drive.attachments")
	n, err := s.LoadAttachments(os.DirFS(dir))
	if err != nil || n != 19 {
		t.Fatalf("%d files found, want 19: %v", n, err)
	}
	c := newClient(t, s, nil)
	for _, l := range s.Boards()[0].Lists {
		for _, x := range l.Cards {
			for _, a := range c.get("/cards/"+x.ID+"/attachments", nil).([]any) {
				m := a.(object)
				if m["isUpload"] != true {
					continue
				}
				if data := download(c, m["url"].(string)); float64(len(data)) != m["bytes"] {
					t.Errorf("attachment %s: %d bytes came, %v were told", id(m), len(data), m["bytes"])
				}
			}
		}
	}
}

func TestLoadRefuses(t *testing.T) {
	good, err := os.ReadFile(connectortest.Shared(t, "data", "trello", "pacs-spark-2015.json"))
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct{ name, data, want string }{
		{"empty", "", "it is empty"},
		{"text", "hello", "Export as JSON"},
		{"truncated", string(good[:len(good)/2]), "cut off after"},
		{"broken", `{"id": nonsense}`, "not JSON at byte"},
		{"foreign", `{"items": []}`, "not an export of a board"},
		{"a field of a wrong type", `{"id":"54c8b7290e47d0f8a7c93afc","cards":"none"}`, `field "cards" is a string`},
		{"actions without a board", `[{"id":"54c8b7290e47d0f8a7c93afc","type":"commentCard","data":{"board":{"id":"54c8b7290e47d0f8a7c93afd"}}}]`, "load the export of that board first"},
		{"a card in no list", `{"id":"54c8b7290e47d0f8a7c93afc","lists":[],"cards":[{"id":"54c8b7290e47d0f8a7c93afd","idList":"54c8b7290e47d0f8a7c93afe"}]}`, "not in the export"},
		{"no id", `{"id":"54c8b7290e47d0f8a7c93afc","lists":[{"id":"x"}],"cards":[]}`, "not an id of Trello"},
		{"an id twice", `{"id":"54c8b7290e47d0f8a7c93afc","lists":[{"id":"54c8b7290e47d0f8a7c93afd"},{"id":"54c8b7290e47d0f8a7c93afd"}],"cards":[]}`, "stands twice"},
	} {
		s := standin.New(standin.Options{Seed: 1})
		err := s.Load(c.name, strings.NewReader(c.data))
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, want %q", c.name, err, c.want)
		}
		if n := len(s.Boards()); n != 0 {
			t.Errorf("%s: %d boards were loaded all the same", c.name, n)
		}
	}
	s := standin.New(standin.Options{Seed: 1})
	for i, want := range []string{"", "loaded already"} {
		err := s.Load("x", bytes.NewReader(good))
		if want == "" && err != nil || want != "" && (err == nil || !strings.Contains(err.Error(), want)) {
			t.Errorf("load %d: %v", i, err)
		}
	}
}

// Whatever is loaded, the server answers and its page renders.
func FuzzLoad(f *testing.F) {
	f.Add([]byte(`{"id":"54c8b7290e47d0f8a7c93afc","name":"x","lists":[{"id":"54c8b7290e47d0f8a7c93af1","name":"l","pos":1}],"cards":[{"id":"54c8b7290e47d0f8a7c93af2","idList":"54c8b7290e47d0f8a7c93af1","labels":[{"id":"54c8b7290e47d0f8a7c93af3","color":"red"}],"badges":{"comments":3},"attachments":[{"id":"a","isUpload":true,"bytes":5,"name":"n"}],"idMembers":["m"],"cover":{"color":"blue"}}],"actions":[{"id":"54c8b7290e47d0f8a7c93af4","type":"commentCard","data":{"board":{"id":"54c8b7290e47d0f8a7c93afc"},"card":{"id":"54c8b7290e47d0f8a7c93af2"},"text":"x"}}]}`))
	f.Add([]byte(`[]`))
	f.Fuzz(func(t *testing.T, data []byte) {
		s := standin.New(standin.Options{Seed: 1, Rates: &standin.Rates{}})
		if s.Load("fuzz.json", bytes.NewReader(data)) != nil {
			return
		}
		c := newClient(t, s, nil)
		for _, b := range s.Boards() {
			if status, body := c.try("GET", "/boards/"+b.ID, url.Values{"fields": {"all"}, "cards": {"all"}, "card_attachments": {"true"}, "labels": {"all"}, "actions": {"all"}, "checklists": {"all"}, "customFields": {"true"}}); status != 200 {
				t.Errorf("%d %s", status, body)
			}
		}
		r := mustGet(t, c, "/")
		if !strings.Contains(r, "<!doctype html>") {
			t.Error("no page")
		}
	})
}
