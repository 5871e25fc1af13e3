package redmine

import (
	"encoding/json"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/rialto-migrate/rialto/item"
)

var validIdentifier = regexp.MustCompile(`^[a-z0-9][a-z0-9\-_]*$`)

func TestIdentifier(t *testing.T) {
	for name, want := range map[string]string{
		"Marketing":               "marketing",
		"Überführung & Café":      "uberfuhrung-cafe",
		"Straße Nr. 7 (neu)":      "strasse-nr-7-neu",
		"  --x--  ":               "x",
		"Łódź, smørrebrød, Þór":   "lodz-smorrebrod-thor",
		"release_notes 2.0":       "release-notes-2-0",
		"2024":                    "board-",
		"看板":                      "board-",
		"Проект 7":                "board-",
		"v2 看板の計画表":               "board-",
		"":                        "board-",
		"new":                     "board-",
		"🌸":                       "board-",
		"ＦＵＬＬ ｗｉｄｔｈ":              "full-width",
		strings.Repeat("ab ", 99): strings.TrimSuffix(strings.Repeat("ab-", 99)[:maxIdentifier], "-"),
	} {
		got := identifier(name, "https://trello.com/b/1")
		if got != want && !(want == "board-" && strings.HasPrefix(got, want) && len(got) == len(want)+8) {
			t.Errorf("%q becomes %q, want %q", name, got, want)
		}
		if other := otherIdentifier(got, "m"); !validIdentifier.MatchString(got) || len(other) > 100 || other == got {
			t.Errorf("%q and %q are no good identifiers", got, other)
		}
	}
	if identifier("看板", "a") == identifier("看板", "b") {
		t.Error("two boards whose names leave nothing share an identifier")
	}
}

func FuzzIdentifier(f *testing.F) {
	f.Add("Überführung", "m")
	f.Fuzz(func(t *testing.T, name, mark string) {
		id := identifier(name, mark)
		if !validIdentifier.MatchString(id) || id == "new" || strings.Trim(id, "0123456789") == "" || len(otherIdentifier(id, mark)) > 100 {
			t.Errorf("%q becomes %q", name, id)
		}
	})
}

func TestTrailer(t *testing.T) {
	const mark = "https://trello.com/c/x"
	for _, text := range []string{"", "a", "a\n", "a\n\n", "\n\n", "a\n\nrialto: no mark", "rialto: x"} {
		rest, got := cutTrailer(addTrailer(text, mark))
		if rest != text || got != mark {
			t.Errorf("%q comes back as %q with the mark %q", text, rest, got)
		}
		if rest, got := cutTrailer(text); rest != text || got != "" {
			t.Errorf("%q has the mark %q", text, got)
		}
	}
}

func FuzzTrailer(f *testing.F) {
	f.Add("text\n\n")
	f.Fuzz(func(t *testing.T, text string) {
		rest, mark := cutTrailer(addTrailer(text, "rialto:task:1"))
		if rest != text || mark != "rialto:task:1" {
			t.Errorf("%q comes back as %q, %q", text, rest, mark)
		}
	})
}

func TestCarrier(t *testing.T) {
	for _, c := range []struct {
		kind       item.Kind
		mark, want string
	}{
		{item.Task, "https://trello.com/c/x", "https://trello.com/c/x"},
		{item.Board, "rialto:board:5", "rialto:board:5"},
		{item.Comment, "rialto:comment:5", ""},
		{item.Task, "", ""},
		{item.Task, "https://example.org/a b", "rialto:task:"},
		{item.Task, "javascript:x", "rialto:task:"},
		{item.Board, "https://example.org/" + strings.Repeat("x", 300), "rialto:board:"},
	} {
		got := carrier(c.kind, c.mark)
		if got != c.want && !(strings.HasSuffix(c.want, ":") && strings.HasPrefix(got, c.want) && len(got) > len(c.want)) {
			t.Errorf("%s %q is carried as %q, want %q", c.kind, c.mark, got, c.want)
		}
		if got != "" {
			if _, back := cutTrailer(addTrailer("x", got)); back != got {
				t.Errorf("%q is not found again under a text", got)
			}
		}
	}
}

func FuzzOwnNote(f *testing.F) {
	f.Add("text\n\n", true)
	f.Add("", false)
	f.Fuzz(func(t *testing.T, text string, own bool) {
		got, gotOwn := readOwnNote(ownNote(text, own))
		if got != text || gotOwn != own {
			t.Errorf("%q, %v comes back as %q, %v", text, own, got, gotOwn)
		}
	})
}

func TestFileNames(t *testing.T) {
	for name, want := range map[string]string{
		"a.png": "a.png", "a?b.png": "a_b.png", `C:\x\y.txt`: "y.txt", "a/b": "b", "folder/": "file", "報告書.pdf": "報告書.pdf", `q"|'<>.x`: "q_.x", "50% *": "50_ _",
	} {
		file, description := nameToStore(name)
		if file != want {
			t.Errorf("%q is stored as %q, want %q", name, file, want)
		}
		if back, ok := storedName(file, description); back != name || !ok {
			t.Errorf("%q comes back as %q, %v", name, back, ok)
		}
	}
	if name, ok := storedName("a.png", "our summer party"); name != "a.png" || ok {
		t.Errorf("a description of people's is taken for the name: %q, %v", name, ok)
	}
	for _, typ := range []string{"", "image/png", anyBytes, "text/plain; charset=utf-8"} {
		if got := storedType(typeToStore(typ)); got != typ || typeToStore(typ) == "" {
			t.Errorf("type %q comes back as %q", typ, got)
		}
	}
}

func TestLocate(t *testing.T) {
	base, _ := url.Parse("https://example.org/redmine")
	for raw, want := range map[string]string{
		"https://example.org/redmine/issues/123":                   "issues/123",
		"http://EXAMPLE.org/redmine/issues/123.json?include=x":     "issues/123",
		"https://example.org/redmine/issues/123#note-4":            "issues/123",
		"https://example.org/redmine/issues/123#change-77":         "journals/77",
		"https://example.org/redmine/issues/123/edit":              "issues/123",
		"https://example.org/redmine/projects/12":                  "projects/12",
		"https://example.org/redmine/projects/web/":                "projects/h" + short("web"),
		"https://example.org/redmine/projects/web/issues":          "projects/h" + short("web"),
		"https://example.org/redmine/projects/web/wiki":            "",
		"https://example.org/redmine/users/5":                      "users/5",
		"https://example.org/redmine/attachments/9":                "attachments/9",
		"https://example.org/redmine/attachments/download/9/a.png": "attachments/9",
		"https://example.org/redmine/attachments/thumbnail/9/200":  "attachments/9",
		"https://example.org/redmine/issues/new":                   "",
		"https://example.org/redmine/issues":                       "",
		"https://example.org/issues/123":                           "",
		"https://example.com/redmine/issues/123":                   "",
		"https://example.org:8443/redmine/issues/123":              "",
		"ftp://example.org/redmine/issues/123":                     "",
		"issues/123":                                               "",
		"":                                                         "",
	} {
		if got, ok := locate(base, raw); ok && got != want || ok == (want == "") {
			t.Errorf("%s is located as %q, %v, want %q", raw, got, ok, want)
		}
	}
}

func FuzzLocate(f *testing.F) {
	base, _ := url.Parse("https://example.org")
	f.Add("https://example.org/issues/1#change-2")
	f.Add("https://example.org/attachments/download/")
	f.Fuzz(func(t *testing.T, raw string) {
		alias, ok := locate(base, raw)
		if kind, id, _ := strings.Cut(alias, "/"); ok && (id == "" || !slices.Contains([]string{"issues", "journals", "projects", "users", "attachments"}, kind)) {
			t.Errorf("%q is located as %q", raw, alias)
		}
	})
}

func TestCustomValues(t *testing.T) {
	for raw, want := range map[string][]string{
		`"a"`: {"a"}, `""`: nil, `null`: nil, ``: nil, `[]`: nil, `["a","b",""]`: {"a", "b"}, `[null]`: nil, `3`: {"3"}, `[1,"x"]`: {"1", "x"},
	} {
		if got := (customValue{Value: json.RawMessage(raw)}).values(); !slices.Equal(got, want) {
			t.Errorf("%s holds %q, want %q", raw, got, want)
		}
	}
}

func FuzzIssue(f *testing.F) {
	f.Add([]byte(`{"id":1,"subject":"x","status":{"id":1},"custom_fields":[{"id":2,"value":["1"]}],"journals":[{"id":3,"notes":"n"}],"attachments":[{"id":4,"filename":"f"}],"due_date":"2024-02-30"}`))
	f.Add([]byte(`{"assigned_to":null,"watchers":[{}],"done_ratio":1e3}`))
	base, _ := url.Parse("https://example.org")
	v := &view{cfg: config{listsAs: asStatus, switchUser: true}, api: &api{base: base}, target: true,
		labelField: apiField{named: named{ID: 2}, Format: "enumeration"}}
	f.Fuzz(func(t *testing.T, data []byte) {
		var is apiIssue
		if json.Unmarshal(data, &is) != nil {
			return
		}
		it := v.task(is)
		if it.Kind != item.Task {
			t.Error("not a task")
		}
		for _, j := range comments(is) {
			v.comment(is, j)
		}
		for _, a := range is.Attachments {
			if v.attachment(is, a).Blob == nil {
				t.Error("an attachment without a blob")
			}
		}
	})
}
