package redmine

import (
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/rialto-migrate/rialto/connector"
	"github.com/rialto-migrate/rialto/item"
)

// TestCapabilitiesNameEveryField: a field that is neither kept nor lost with a
// reason would be lost in silence.
func TestCapabilitiesNameEveryField(t *testing.T) {
	for _, s := range []connector.Settings{
		{}, {"labels-field": "2", "admin": "yes", "text": "markdown"}, {"lists-as": "version"}, {"lists-as": "status", "switch-user": "off", "admin": "yes"},
		{"lists-as": "nonsense", "priorities": "low=1"},
	} {
		caps := New().Capabilities(s)
		for kind, k := range caps.Kinds {
			info, ok := item.Info(kind)
			if !ok {
				t.Fatalf("no such kind: %s", kind)
			}
			for _, f := range info.Fields {
				_, kept := k.Fields[f.Name]
				why, lost := k.Lost[f.Name]
				if kept == lost {
					t.Errorf("%v: %s.%s: kept %v, lost %v", s, kind, f.Name, kept, lost)
				}
				if lost && why == "" || kept && k.Fields[f.Name].Told && k.Fields[f.Name].Why == "" {
					t.Errorf("%v: %s.%s has no reason", s, kind, f.Name)
				}
			}
			for name := range k.Fields {
				if _, ok := info.Field(name); !ok {
					t.Errorf("%s has no field %s", kind, name)
				}
			}
			for _, name := range k.Shape {
				if !caps.Keeps(kind, name) {
					t.Errorf("%s: the shape's field %s cannot be written", kind, name)
				}
			}
			if k.Batch < 1 || k.Undo == "" || k.Undo != connector.UndoExact && k.UndoWhy == "" {
				t.Errorf("%s: batch %d, undo %q", kind, k.Batch, k.Undo)
			}
		}
		if caps.ReadRequests(100) < 100 {
			t.Error("reading takes a request for each issue")
		}
	}
}

func TestCapabilitiesFollowSettings(t *testing.T) {
	keeps := func(s connector.Settings, k item.Kind, f string) bool { return New().Capabilities(s).Keeps(k, f) }
	for _, c := range []struct {
		s    connector.Settings
		k    item.Kind
		f    string
		want bool
	}{
		{connector.Settings{}, item.Comment, "author", false},
		{connector.Settings{"admin": "yes"}, item.Comment, "author", true},
		{connector.Settings{"admin": "yes", "switch-user": "off"}, item.Comment, "author", false},
		{connector.Settings{"admin": "no", "switch-user": "auto"}, item.Comment, "author", false},
		{connector.Settings{}, item.Task, "labels", false},
		{connector.Settings{}, item.Label, "name", false},
		{connector.Settings{"labels-field": "7"}, item.Task, "labels", true},
		{connector.Settings{"labels-field": "7"}, item.Label, "name", true},
		{connector.Settings{}, item.Task, "done", true},
		{connector.Settings{"lists-as": "status"}, item.Task, "done", false},
	} {
		if got := keeps(c.s, c.k, c.f); got != c.want {
			t.Errorf("with %v %s.%s is kept: %v, want %v", c.s, c.k, c.f, got, c.want)
		}
	}
	if got := New().Capabilities(connector.Settings{"priorities": "low=1,urgent=9"}).Kinds[item.Task].Fields["priority"].Values; !slices.Equal(got, []string{"urgent", "low"}) {
		t.Errorf("priorities %q, want those that the server has", got)
	}
	if f := New().Capabilities(connector.Settings{"text": "markdown"}).Format; f != connector.Markdown {
		t.Errorf("format %s", f)
	}
}

func TestParseConfig(t *testing.T) {
	c, err := parseConfig(connector.Settings{"url": "https://example.org/redmine/", "key": "k", "settle-delay": "2m", "attachment-limit": "10240", "tracker": "Bug"})
	if err != nil || c.base.String() != "https://example.org/redmine" || c.settle != 2*time.Minute || c.limit != 10<<20 || c.listsAs != asCategory || c.text != connector.Textile {
		t.Errorf("config %+v, %v", c, err)
	}
	for name, value := range map[string]string{
		"url": "example.org", "lists-as": "column", "text": "html", "switch-user": "maybe", "settle-delay": "soon",
		"attachment-limit": "5 MB", "labels-field": "Labels", "priorities": "urgent=high",
	} {
		_, err := parseConfig(connector.Settings{name: value})
		if err == nil || !strings.Contains(err.Error(), "setting "+name) || err.(*connector.Error).Hint == "" {
			t.Errorf("%s=%s: %v, want an error that names the setting and says what to write", name, value, err)
		}
	}
	for _, url := range []string{"https://user:pass@example.org", "https://example.org/?key=1", "ftp://example.org", "https://example.org#x"} {
		if _, err := parseConfig(connector.Settings{"url": url}); err == nil || strings.Contains(err.Error(), "pass") {
			t.Errorf("%s: %v", url, err)
		}
	}
}

func TestOpenNeedsAddressAndKey(t *testing.T) {
	client := connector.NewClient(connector.ClientOptions{})
	for _, c := range []struct {
		s     connector.Settings
		class connector.Class
		text  string
	}{
		{connector.Settings{"key": "k"}, connector.Permanent, "setting url"},
		{connector.Settings{"url": "https://example.org"}, connector.Auth, "setting key"},
		{connector.Settings{"url": "https://example.org", "key": "k", "text": "x"}, connector.Permanent, "setting text"},
	} {
		_, err := New().Open(t.Context(), connector.Env{Settings: c.s, HTTP: client})
		refused(t, err, c.class, c.text)
	}
}

func TestClassify(t *testing.T) {
	for sentence, want := range map[string]string{
		"Subject is too long (maximum is 255 characters)":                                      "subject:too-long",
		"Subject cannot be blank":                                                              "subject:blank",
		"Due date must be greater than start date":                                             "due_date:before-start",
		"Category is not included in the list":                                                 "category:not-in-list",
		"Target version is not included in the list":                                           "version:not-in-list",
		"Assignee is invalid":                                                                  "assignee:invalid",
		"Identifier has already been taken":                                                    "identifier:taken",
		"An open issue cannot be attached to a closed parent task":                             "parent:closed",
		"1 file(s) could not be saved.":                                                        "file:not-there",
		"This file cannot be uploaded because it exceeds the maximum allowed file size (5 MB)": "file:too-large",
		"Attachment extension .exe is not allowed":                                             "file:extension",
		"Kundennummer cannot be blank":                                                         "custom-field:blank",
		"Thema ist zu lang":                                                                    "other",
		"":                                                                                     "other",
	} {
		if got := classify(sentence); got != want {
			t.Errorf("%q is %q, want %q", sentence, got, want)
		}
	}
}

func TestRefuse(t *testing.T) {
	for _, c := range []struct {
		status int
		body   string
		class  connector.Class
		text   string
	}{
		{401, "", connector.Auth, "401"},
		{403, "", connector.Forbidden, "403"},
		{404, "", connector.Gone, "404"},
		{406, "", connector.Malformed, "proxy"},
		{412, "", connector.Permanent, "locked or gone"},
		{413, "<html>", connector.Permanent, "client_max_body_size"},
		{422, `{"errors":["Geheim cannot be blank","Subject is too long (maximum is 255 characters)"]}`, connector.Permanent, "custom-field:blank, subject:too-long"},
		{422, `{"errors":["Category is not included in the list"]}`, connector.Conflict, "run again"},
		{422, `{"errors":["Category is not included in the list","Subject cannot be blank"]}`, connector.Permanent, "category:not-in-list"},
		{422, `{"errors":[]}`, connector.Conflict, "same moment"},
		{422, `<html>Geheim</html>`, connector.Permanent, "422"},
		{429, "", connector.Throttled, "429"},
		{500, "", connector.Transient, "500"},
	} {
		e := refuse(c.status, nil, []byte(c.body))
		if e == nil {
			e = connector.RefusePlain(c.status)
		}
		refused(t, e, c.class, c.text, "Geheim")
	}
}

func TestCursorAndIDs(t *testing.T) {
	for _, c := range []struct {
		cursor connector.Cursor
		after  int
		frame  bool
		ok     bool
	}{
		{"", 0, true, true}, {"after:0", 0, false, true}, {"after:17", 17, false, true},
		{"after:", 0, false, false}, {"after:-1", 0, false, false}, {"after:+1", 0, false, false}, {"after:01", 0, false, false}, {"before:1", 0, false, false},
	} {
		after, frame, err := parseCursor(c.cursor)
		if after != c.after || frame != c.frame || (err == nil) != c.ok {
			t.Errorf("%q: %d, %v, %v", c.cursor, after, frame, err)
		}
	}
	if a, b, ok := numbers("12/34"); a != 12 || b != 34 || !ok {
		t.Error("12/34 is not read")
	}
	for _, bad := range []string{"", "12", "/", "12/", "/34", "12/34/56", "a/b"} {
		if _, _, ok := numbers(bad); ok {
			t.Errorf("%q passes for two numbers", bad)
		}
	}
}

func FuzzCursor(f *testing.F) {
	for _, s := range []string{"", "after:0", "after:9", "after:-", "x"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		after, frame, err := parseCursor(connector.Cursor(s))
		if err == nil && !frame && string(cursorAfter(after)) != s {
			t.Errorf("%q is read as %d, which is written %q", s, after, cursorAfter(after))
		}
	})
}

func TestPriorities(t *testing.T) {
	no := false
	all := []apiPriority{{named: named{1, "Low"}}, {named: named{2, "Normal"}, IsDefault: true}, {named: named{3, "High"}}, {named: named{4, "Urgent"}}, {named: named{5, "Immediate"}}}
	ranks := rankPriorities(all)
	if formatPriorities(ranks) != "urgent=4,important=3,low=1" {
		t.Errorf("ranks %v", ranks)
	}
	if back, ok := parsePriorities(formatPriorities(ranks)); !ok || formatPriorities(back) != formatPriorities(ranks) {
		t.Errorf("read back they are %v", back)
	}
	for id, want := range map[int]string{1: "low", 2: "", 3: "important", 4: "urgent", 5: "urgent", 99: ""} {
		if got := ourPriority(all, ranks, id); got != want {
			t.Errorf("priority %d is %q, want %q", id, got, want)
		}
	}
	few := []apiPriority{{named: named{7, "Normal"}, IsDefault: true}, {named: named{8, "Wichtig"}, Active: &no}}
	if got := formatPriorities(rankPriorities(few[:1])); got != "" {
		t.Errorf("a server with one priority has %q", got)
	}
	if got := rankPriorities(nil); len(got) != 0 {
		t.Errorf("a server without priorities has %v", got)
	}
}

func TestChooseNamed(t *testing.T) {
	all := []named{{1, "Bug"}, {2, "Feature"}, {3, "Aufgabe"}}
	for _, c := range []struct {
		wish string
		want int
	}{{"", 2}, {"aufgabe", 3}, {"1", 1}, {"Epic", 0}} {
		got, ok := chooseNamed(all, c.wish, preferredTrackers)
		if got.ID != c.want || ok != (c.want != 0) {
			t.Errorf("wish %q: %v, %v", c.wish, got, ok)
		}
	}
	if got, _ := chooseNamed(all[2:], "", preferredTrackers); got.ID != 3 {
		t.Errorf("without a liked one: %v, want the first", got)
	}
	if _, ok := chooseNamed(nil, "", preferredTrackers); ok {
		t.Error("something was chosen from nothing")
	}
}

func TestSignKeepsKeyOutOfAddress(t *testing.T) {
	r, _ := http.NewRequest(http.MethodGet, "https://example.org/issues.json", nil)
	if err := dialect("secret").Sign(t.Context(), r); err != nil {
		t.Fatal(err)
	}
	if strings.Contains(r.URL.String(), "secret") || r.Header.Get("X-Redmine-API-Key") != "secret" {
		t.Errorf("signed %s with %v", r.URL, r.Header)
	}
}
