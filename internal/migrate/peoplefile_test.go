package migrate

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"golang.org/x/text/encoding/charmap"

	"github.com/rialto-migrate/rialto/item"
)

func peopleFile(t *testing.T, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "people.csv")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// TestPeopleFiles reads decisions as people and spreadsheets leave them.
func TestPeopleFiles(t *testing.T) {
	western, err := charmap.Windows1252.NewEncoder().String("source;target;Anmerkung\r\nJörg Müller;joerg@new.com;geprüft\r\n")
	if err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		text string
		want []PersonRow
	}{
		"the smallest":         {"source,target\nann,ann@new.com\nbob,-\n", []PersonRow{{"ann", "ann@new.com", 2}, {"bob", "-", 3}}},
		"undecided is no row":  {"source,target\nann,\nbob,-\n", []PersonRow{{"bob", "-", 3}}},
		"any order of columns": {"name,target,wave,source\nAnn Lee,ann@new.com,1,ann\n", []PersonRow{{"ann", "ann@new.com", 2}}},
		"semicolons, 1252":     {western, []PersonRow{{"Jörg Müller", "joerg@new.com", 2}}},
		"a mark, and blanks":   {"\ufeffsource,target\n\n  ann ,\tann@new.com \n,,\n", []PersonRow{{"ann", "ann@new.com", 3}}},
		"a link of an address": {"source,target\nann,mailto:ann@new.com\nbob,MAILTO:Bob@new.com\n", []PersonRow{{"ann", "ann@new.com", 2}, {"bob", "Bob@new.com", 3}}},
		"long dashes":          {"source,target\na,–\nb,—\nc,'-\n", []PersonRow{{"a", "-", 2}, {"b", "-", 3}, {"c", "-", 4}}},
		"a short line":         {"source,target\nann\n", nil},
		"a guarded user name":  {"source,target\n'@ann,ann@new.com\n", []PersonRow{{"@ann", "ann@new.com", 2}}},
		"an id, and no number": {"source,target\n5e1234567890123456789012,x\n", []PersonRow{{"5e1234567890123456789012", "x", 2}}},
	} {
		t.Run(name, func(t *testing.T) {
			table, err := ReadPeople(peopleFile(t, c.text))
			if err != nil {
				t.Fatal(err)
			}
			if got := table.Decisions(); !slices.Equal(got, c.want) {
				t.Errorf("%+v, want %+v", got, c.want)
			}
		})
	}
}

func TestBadPeopleFiles(t *testing.T) {
	for text, want := range map[string]string{
		"source,target\nann,a\nbob,b\nAnn,c\n":    `people.csv:4: "Ann" has a line already, line 2, with another target`,
		"source,target\nann,a\n\n\nann,A\n":       `people.csv:5: "ann" has a line already, line 2; keep one of the two`,
		"source,target\nann,a\nann,\n":            `people.csv:3: "ann" has a line already, line 2, with another target`,
		"source,target\n,a\n":                     `people.csv:2: the column source is empty; give the id of the person who becomes "a"`,
		"source;target\n5,43211E+23;a@new.com\n":  `people.csv:2: a spreadsheet made the number "5,43211E+23" of an id`,
		"source,target\nann,1.2E+10\n":            `people.csv:2: a spreadsheet made the number "1.2E+10" of an id`,
		"source,target,decided by\nann,a,46328\n": `people.csv:2: "46328" in the column decided by names nobody`,
		"who,whom\nann,a\n":                       "must name the column source",
		"source,to\nann,a\n":                      "must name the column target",
		"":                                        "it names nothing",
		"PK\x03\x04 a workbook":                   "save it as CSV",
	} {
		_, err := ReadPeople(peopleFile(t, text))
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v, want %s", text, err, want)
		}
	}
	if _, err := ReadPeople(filepath.Join(t.TempDir(), "none.csv")); err == nil || !strings.Contains(err.Error(), "rialto people FILE.yaml writes it") {
		t.Errorf("a missing file: %v", err)
	}
}

// TestWritePeopleAgain: what a person decided and wrote beside it stays, who is
// new comes at the end, who is gone stays and is marked.
func TestWritePeopleAgain(t *testing.T) {
	list := &PeopleList{People: []PersonLine{
		{Source: "01", UserName: "ann", Name: "Ann Lee", Email: "ann@old.com", As: map[Role]int{asAssignee: 3}, Suggestion: "t1", SuggestedEmail: "ann@new.com",
			SuggestedName: "Ann Lee", Reason: "domain", State: "found", Status: "matched"},
		{Source: "02", UserName: "bob", Name: "=Bob", Status: "undecided"},
		{Source: "03", UserName: "kim", Name: "Kim Lee", Status: "undecided"},
		{Source: "04", UserName: "kim2", Name: "Kim Lee", Decision: "kim@new.com", Status: "decided"},
	}}
	path := filepath.Join(t.TempDir(), "people.csv")
	if m, err := WritePeople(path, list); err != nil || m != (Merged{Added: 4}) {
		t.Fatalf("%+v %v", m, err)
	}
	if info, _ := os.Stat(path); info.Mode().Perm() != 0o600 {
		t.Errorf("others may read the names: %s", info.Mode())
	}
	table, err := ReadPeople(path)
	if err != nil {
		t.Fatal(err)
	}
	if got := table.Decisions(); !slices.Equal(got, []PersonRow{{"04", "kim@new.com", 5}}) {
		t.Errorf("%+v", got)
	}
	row := table.rows[0].cells
	for column, want := range map[string]string{"name": "Ann Lee", "assigned": "3", "suggestion": "ann@new.com", "reason": "domain change", "state": "found", "status": "matched", "target": ""} {
		if row[column] != want {
			t.Errorf("%s: %q, want %q", column, row[column], want)
		}
	}
	if table.rows[1].cells["name"] != "=Bob" {
		t.Errorf("%q", table.rows[1].cells["name"])
	}
	// What somebody makes of it in a spreadsheet: sorted, a column more, a name for
	// an id, lost zeros, a dash.
	edited := "target;source;Wer\nx@new.com;gone;Kari\n–;bob;Per\nann@new.com;1;\nk@new.com;3;\n"
	if err := os.WriteFile(path, []byte(edited), 0o600); err != nil {
		t.Fatal(err)
	}
	m, err := WritePeople(path, list)
	if err != nil || m != (Merged{Kept: 3, Added: 1, Gone: 1}) {
		t.Fatalf("%+v %v", m, err)
	}
	if table, err = ReadPeople(path); err != nil {
		t.Fatal(err)
	}
	want := []PersonRow{{"gone", "x@new.com", 2}, {"02", "-", 3}, {"01", "ann@new.com", 4}, {"03", "k@new.com", 5}, {"04", "kim@new.com", 6}}
	if got := table.Decisions(); !slices.Equal(got, want) {
		t.Errorf("%+v, want %+v", got, want)
	}
	for i, want := range map[int][2]string{0: {"gone", "Kari"}, 1: {"undecided", "Per"}, 2: {"matched", ""}} {
		if c := table.rows[i].cells; c["status"] != want[0] || c["wer"] != want[1] {
			t.Errorf("row %d: %q %q, want %q", i, c["status"], c["wer"], want)
		}
	}
	if m, err = WritePeople(path, &PeopleList{People: list.People[2:]}); err != nil || m != (Merged{Kept: 2, Gone: 3}) {
		t.Fatalf("%+v %v", m, err)
	}
	if m, err = WritePeople(path, list); err != nil || m != (Merged{Kept: 4, Gone: 1}) {
		t.Errorf("who is back is not taken back: %+v %v", m, err)
	}
}

// TestMigrationNamesPeople reads what a YAML file says about people.
func TestMigrationNamesPeople(t *testing.T) {
	dir := t.TempDir()
	write := func(name, text string) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	head := "name: x\nfrom: {connection: a, scope: [\"*\"]}\nto: {connection: b}\n"
	write("people.csv", "source,target\nann,-\n")
	good := write("good.yaml", head+"people: {file: people.csv, left: drop, others: name-in-text, domains: {old.com: new.com, older.com: new.com}}\n")
	f, err := ReadFile(good)
	if err != nil {
		t.Fatal(err)
	}
	if f.People.Left != "drop" || f.People.Domains["older.com"] != "new.com" || !slices.Equal(f.People.Match, []string{"email", "domain", "name"}) ||
		!slices.Equal(f.People.Rows, []PersonRow{{"ann", "-", 2}}) || f.PeopleFile != filepath.Join(dir, "people.csv") {
		t.Errorf("%+v", f)
	}
	missing := write("missing.yaml", head+"people: {file: later.csv}\n")
	if _, err := ReadFile(missing); err == nil {
		t.Error("a people file that is not there is taken for an empty one")
	}
	if f, err := ReadFileForPeople(missing, ""); err != nil || f.PeopleFile != filepath.Join(dir, "later.csv") {
		t.Errorf("%+v %v", f, err)
	}
	none := write("none.yaml", head)
	if f, err := ReadFileForPeople(none, filepath.Join(dir, "people.csv")); err != nil || len(f.People.Rows) != 1 {
		t.Errorf("the decisions of the file that is written are not read: %+v %v", f, err)
	}
	for text, want := range map[string]string{
		"people: {domains: old.com}\n":                        "bad.yaml:4:19: expected the old domain and the new one",
		"people: {domains: {old.com: a.com, old.com: b.com}}": `bad.yaml:4:36: the key "old.com" stands here twice`,
		"people: {others: nothing}\n":                         `people.others cannot be "nothing"`,
		"people: {leaving: drop}\n":                           `unknown key "leaving"; the keys here are domains, file, left, match, others`,
	} {
		if _, err := ReadFile(write("bad.yaml", head+text)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %s", text, err, want)
		}
	}
}

// TestPeopleOfOneWave: a list of some containers adds who is new, and touches
// neither the counts nor the state of the lines that are there.
func TestPeopleOfOneWave(t *testing.T) {
	path := peopleFile(t, "source,target,assigned,status,decided by\nann,a@new.com,7,decided,Kari\nbob,,2,undecided,\n")
	list := &PeopleList{Partly: true, People: []PersonLine{
		{Source: "bob", As: map[Role]int{asAssignee: 1}, Status: "undecided"}, {Source: "kim", Status: "undecided"}}}
	if m, err := WritePeople(path, list); err != nil || m != (Merged{Kept: 2, Added: 1}) {
		t.Fatalf("%+v %v", m, err)
	}
	table, err := ReadPeople(path)
	if err != nil {
		t.Fatal(err)
	}
	for i, want := range [][4]string{{"ann", "7", "decided", "Kari"}, {"bob", "2", "undecided", ""}, {"kim", "", "undecided", ""}} {
		c := table.rows[i].cells
		if got := [4]string{c["source"], c["assigned"], c["status"], c["decided by"]}; got != want {
			t.Errorf("line %d: %q, want %q", i, got, want)
		}
	}
}

// TestPeopleOfSomeContainers lists who appears in a wave, and nobody else, also
// where all containers were read to tell who has left.
func TestPeopleOfSomeContainers(t *testing.T) {
	for _, left := range []string{"", "drop"} {
		b := newBench(t, everything())
		another(b.from, "b2", "Sales") // nobody is named in it
		b.from.edit(item.Ref{Kind: item.Task, ID: "b2-c1"}, func(it *item.Item) { item.Assignees.Set(it, []string{"bob"}) })
		b.spec.Scope, b.spec.People.Left = []string{"*"}, left
		b.spec.Map = []MapRow{{Source: "b1", Wave: 1, Where: "m.csv:2"}, {Source: "b2", Wave: 2, Where: "m.csv:3"}}
		for _, c := range []struct {
			sel  Selection
			want string
		}{{Selection{}, "ann bob"}, {Selection{Wave: 1}, "ann bob"}, {Selection{Wave: 2}, "bob"}, {Selection{Only: []string{"b2"}}, "bob"}} {
			e := b.engine()
			e.Select = c.sel
			list, err := e.People(t.Context(), false)
			if err != nil {
				t.Fatal(err)
			}
			var ids []string
			for _, p := range list.People {
				ids = append(ids, p.Source)
			}
			if got := strings.Join(ids, " "); got != c.want || list.Partly == c.sel.All() {
				t.Errorf("left %q, %+v: %s, want %s; partly %v", left, c.sel, got, c.want, list.Partly)
			}
		}
	}
}
