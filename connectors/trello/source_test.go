package trello

import (
	"io"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/rialto-migrate/rialto/connector"
	"github.com/rialto-migrate/rialto/connector/connectortest"
	"github.com/rialto-migrate/rialto/connectors/trello/standin"
	"github.com/rialto-migrate/rialto/item"
)

// loaded returns a lab whose stand-in holds an export.
func loaded(t *testing.T, o standin.Options, files ...string) *lab {
	t.Helper()
	l := newLab(t, o, nil)
	for _, name := range files {
		f, err := os.Open(name)
		if err != nil {
			t.Fatal(err)
		}
		err = l.server.Load(filepath.Base(name), f)
		f.Close()
		if err != nil {
			t.Fatal(err)
		}
	}
	return l
}

// TestAPIAndExportAgree reads one board both ways: the items are the same.
func TestAPIAndExportAgree(t *testing.T) {
	for _, name := range []string{"gocd-test-drive.json", "pacs-spark-2015.json"} {
		t.Run(name, func(t *testing.T) {
			path := connectortest.Shared(t, "data", "trello", name)
			l := loaded(t, standin.Options{}, path)
			fromAPI, _, whole := all(t, l.source(), "")
			fromFile, _, _ := all(t, exported(t, connector.Settings{"export": path}), "")
			if len(whole) == 0 {
				t.Error("the listing is not whole")
			}
			checkReferences(t, fromAPI)
			got := map[item.Ref]item.Bundle{}
			for _, b := range fromAPI {
				got[b.Item.Ref] = b
			}
			compared := 0
			for _, want := range fromFile {
				b, ok := got[want.Item.Ref]
				if !ok {
					t.Errorf("%s is missing", want.Item.Ref)
					continue
				}
				compared++
				sameItem(t, want.Item, b.Item)
				if len(b.Children) != len(want.Children) {
					t.Errorf("%s: %d children, want %d", want.Item.Ref, len(b.Children), len(want.Children))
					continue
				}
				for i := range want.Children {
					sameItem(t, want.Children[i], b.Children[i])
				}
			}
			if compared < 60 {
				t.Errorf("only %d compared", compared)
			}
		})
	}
}

func sameItem(t *testing.T, want, got item.Item) {
	t.Helper()
	if want.Ref != got.Ref || want.Parent != got.Parent {
		t.Errorf("%s in %s, want %s in %s", got.Ref, got.Parent, want.Ref, want.Parent)
	}
	info, _ := item.Info(want.Kind)
	for _, f := range info.Fields {
		switch {
		case want.Kind == item.Board && f.Name == item.Members.Name, f.Name == item.Address.Name && got.Blob != nil:
			continue // the stand-in adds its own member, and serves uploads
		}
		if !equal(want.Fields[f.Name], got.Fields[f.Name]) {
			t.Errorf("%s %s: %#v, want %#v", want.Ref, f.Name, got.Fields[f.Name], want.Fields[f.Name])
		}
	}
}

func TestAPISourceResumesAndFetches(t *testing.T) {
	l := loaded(t, standin.Options{}, connectortest.Shared(t, "data", "trello", "gocd-test-drive.json"))
	src := l.source()
	before := l.stats.Requests.Load()
	whole, cursors, _ := all(t, src, "")
	if n := l.stats.Requests.Load() - before; n != 5 { // workspaces, boards, those of the workspace, the board, its history
		t.Errorf("listing took %d requests", n)
	}
	for _, c := range cursors[:len(cursors)-1] {
		rest, _, kinds := all(t, src, c)
		if len(rest) == 0 || len(rest) >= len(whole) || len(kinds) != 0 {
			t.Errorf("from %q: %d bundles, whole %v", c, len(rest), kinds)
		}
		if !reflect.DeepEqual(rest, whole[len(whole)-len(rest):]) {
			t.Errorf("from %q: the rest differs", c)
		}
	}
	// One by one and all together give the same as the listing.
	var tasks []item.Bundle
	for _, b := range whole {
		if b.Item.Kind == item.Task {
			tasks = append(tasks, b)
		}
	}
	board := connector.Shard{Ref: whole[0].Item.Ref}
	for _, n := range []int{1, 30} {
		var refs []item.Ref
		for _, b := range tasks[:n] {
			refs = append(refs, b.Item.Ref)
		}
		refs = append(refs, item.Ref{Kind: item.Task, ID: "5ca3d99a0378a65090e6ffff"})
		i := 0
		for b, err := range src.Fetch(t.Context(), board, refs) {
			if err != nil {
				t.Fatal(err)
			}
			if !reflect.DeepEqual(b, tasks[i]) {
				t.Errorf("fetched\n%+v\nlisted\n%+v", b, tasks[i])
			}
			i++
		}
		if i != n {
			t.Errorf("%d of %d fetched", i, n)
		}
	}
}

func TestLargeBoardsArePaged(t *testing.T) {
	limits := standin.DocumentedLimits()
	limits.CardsPerRequest = 1000
	l := newLab(t, standin.Options{Limits: &limits}, nil)
	cards := make([]standin.Card, 2300)
	for i := range cards {
		cards[i] = standin.Card{Name: "card", Made: time.Date(2025, 1, 1, 0, 0, i, 0, time.UTC), Checklists: []standin.Checklist{{Name: "c"}}}
	}
	if _, err := l.server.AddBoard(standin.Board{Name: "Large", Members: []string{"rialto_owner"}, Lists: []standin.List{{Name: "L", Cards: cards}}}); err != nil {
		t.Fatal(err)
	}
	got, _, _ := all(t, l.source(), "")
	if n := tally(got); n["task"] != 2300 || n["checklist"] != 2300 || n["task.author"] != 2300 {
		t.Errorf("%v", n)
	}
}

func TestDownload(t *testing.T) {
	l := newLab(t, standin.Options{}, nil)
	data := []byte(strings.Repeat("0123456789", 100))
	if _, err := l.server.AddBoard(standin.Board{Name: "B", Members: []string{"rialto_owner"}, Lists: []standin.List{{Name: "L",
		Cards: []standin.Card{{Name: "C", Attachments: []standin.Attachment{{Name: "a b.txt", Data: data}, {Name: "l", URL: "https://example.org/x"}}}}}}}); err != nil {
		t.Fatal(err)
	}
	bundles, _, _ := all(t, l.source(), "")
	files := bundles[len(bundles)-1].Of(item.Attachment)
	if len(files) != 2 || files[0].Blob == nil || files[1].Blob != nil || item.Address.Get(files[1]) != "https://example.org/x" {
		t.Fatalf("%+v", files)
	}
	for name, tc := range map[string]struct {
		offset, n int64
		want      string
	}{
		"all":      {0, -1, string(data)},
		"a part":   {3, 4, "3456"},
		"the rest": {995, -1, "56789"},
	} {
		r, err := l.source().Open(t.Context(), *files[0].Blob, tc.offset, tc.n)
		if err != nil {
			t.Fatal(name, err)
		}
		if got, _ := io.ReadAll(r); string(got) != tc.want {
			t.Errorf("%s: %q", name, got)
		}
		r.Close()
	}
	if strings.Contains(l.logs.String(), "token=") || strings.Contains(l.logs.String(), l.set["key"]) {
		t.Error("a log line holds credentials")
	}
}

func TestCheck(t *testing.T) {
	l := newLab(t, standin.Options{}, nil)
	id, err := l.cloud.Check(t.Context())
	if err != nil || id.Name != "Olive Owner" || id.ID == "" || len(id.Rights) == 0 {
		t.Errorf("%+v %v", id, err)
	}
	bad := newLab(t, standin.Options{}, connector.Settings{"token": "ATTA" + strings.Repeat("0", 72)})
	_, err = bad.cloud.Check(t.Context())
	if connector.ClassOf(err) != connector.Auth || strings.Contains(err.Error(), "ATTA") {
		t.Errorf("%v", err)
	}
}

func TestSettings(t *testing.T) {
	for name, tc := range map[string]struct {
		set  connector.Settings
		want string
	}{
		"nothing":           {connector.Settings{}, "key or the token is missing"},
		"comments alone":    {connector.Settings{"comments": "x.json"}, "set export"},
		"a bad url":         {connector.Settings{"key": "k", "token": "t", "url": "trello"}, "not the address of a server"},
		"a bad delay":       {connector.Settings{"key": "k", "token": "t", "settle-delay": "soon"}, "write it like 30s"},
		"a bad plan":        {connector.Settings{"key": "k", "token": "t", "plan": "gold"}, "neither paid nor free"},
		"a folder to read":  {connector.Settings{"export": t.TempDir()}, "names a folder"},
		"a url without /1":  {connector.Settings{"key": "k", "token": "t", "url": "https://h.example"}, ""},
		"the public server": {connector.Settings{"key": "k", "token": "t"}, ""},
	} {
		_, err := New().Open(t.Context(), connector.Env{Settings: tc.set, HTTP: connector.NewClient(connector.ClientOptions{})})
		if tc.want == "" && err != nil || tc.want != "" && (err == nil || !strings.Contains(err.Error(), tc.want)) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestCapabilitiesNameEveryField(t *testing.T) {
	for _, plan := range []string{"", "free"} {
		caps := New().Capabilities(connector.Settings{"plan": plan, "settle-delay": "2s"})
		if caps.SettleDelay != 2*time.Second {
			t.Error(caps.SettleDelay)
		}
		for k, kc := range caps.Kinds {
			info, ok := item.Info(k)
			if !ok || kc.Batch < 1 || kc.Undo == "" {
				t.Errorf("%s: %+v", k, kc)
			}
			for _, f := range info.Fields {
				_, kept := kc.Fields[f.Name]
				why, lost := kc.Lost[f.Name]
				if kept == lost || lost && why == "" {
					t.Errorf("%s.%s is kept: %v, lost: %v", k, f.Name, kept, lost)
				}
			}
			for _, f := range slices.Concat(kc.Shape) {
				if _, kept := kc.Fields[f]; !kept {
					t.Errorf("the shape of %s names %s, which is not kept", k, f)
				}
			}
		}
	}
}
